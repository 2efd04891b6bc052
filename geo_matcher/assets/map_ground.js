/* What every map of communes has: its panes and outline, the mark of the commune that is looked at,
 * the list of its layers, and the field that finds a commune by its name.
 *
 * Every text of the data reaches the page through textContent, never through innerHTML. */
function matchGround(map, ground, colours) {
  "use strict";
  const pane = (name, zIndex) => {
    const node = map.createPane(name);
    node.style.zIndex = zIndex;
    node.style.pointerEvents = "none";
    return name;
  };
  const lines = L.svg({ pane: pane("gm-lines", 410), padding: 0.3 });
  const names = pane("gm-names", 450);
  const shapes = ground.shapes.map((shape) => L.GeoJSON.coordsToLatLngs(shape, 2));

  function drawOutline() {
    ground.outline.forEach((ring) => {
      const shape = L.GeoJSON.coordsToLatLngs(ring, 0);
      const style = { renderer: lines, interactive: false, color: colours.ash, weight: 1.4 };
      L.polyline(shape, style).addTo(map);
    });
  }

  let chosen = [];
  /** Mark a commune on the map; none for null. */
  function choose(row) {
    chosen.forEach((line) => line.remove());
    chosen = [];
    if (row === null) return;
    const rings = shapes[row].flat().map((ring) => [...ring, ring[0]]);
    chosen = [
      { color: colours.ink, weight: 6 },
      { color: colours.sunflower, weight: 3.4 },
    ].map((style) => L.polyline(rings, { renderer: lines, interactive: false, ...style }).addTo(map));
  }

  return { pane, lines, names, areas: L.svg({ padding: 0.3 }), shapes, drawOutline, choose };
}

/** Show the legends of the layers that are on the map, and no other. */
function matchLegends(map, layers) {
  "use strict";
  document.querySelectorAll("[data-layer]").forEach((node) => {
    node.hidden = !map.hasLayer(layers[node.dataset.layer]);
  });
}

/** Add the zoom buttons and the list of layers. `changed(entry, apply)` is told which layer is
 * switched; it calls `apply` to do so. */
function matchControls(map, layers, page, changed) {
  "use strict";
  const { make } = matchText;
  const { words } = page;

  function fieldset(group) {
    const field = make("fieldset", "", make("legend", "", group.label));
    group.layers.forEach((entry) => {
      const input = make("input", "");
      input.type = entry.exclusive ? "radio" : "checkbox";
      if (entry.exclusive) input.name = `gm-${group.layers[0].name}`;
      input.value = entry.name;
      input.checked = map.hasLayer(layers[entry.name]);
      const apply = () => {
        if (entry.exclusive) group.layers.forEach((other) => map.removeLayer(layers[other.name]));
        if (input.checked) map.addLayer(layers[entry.name]);
        else map.removeLayer(layers[entry.name]);
      };
      input.addEventListener("change", () => changed(entry, apply));
      field.append(make("label", "", input, make("span", "", entry.label)));
    });
    return field;
  }

  const LayerList = L.Control.extend({
    options: { position: "topright" },
    onAdd() {
      const list = make("div", "", ...page.groups.map(fieldset));
      list.id = "gm-layer-list";
      list.hidden = true;
      const button = make("button", "", words.layers);
      button.type = "button";
      button.setAttribute("aria-controls", list.id);
      const open = (wanted) => {
        list.hidden = !wanted;
        button.setAttribute("aria-expanded", String(wanted));
        list.style.maxHeight = `${map.getSize().y - 70}px`;
      };
      open(false);
      button.addEventListener("click", () => open(list.hidden));
      const control = make("div", "gm-layers", button, list);
      control.addEventListener("keydown", (event) => {
        if (event.key !== "Escape") return;
        open(false);
        button.focus();
      });
      L.DomEvent.disableClickPropagation(control);
      L.DomEvent.disableScrollPropagation(control);
      return control;
    },
  });

  map.getContainer().setAttribute("aria-label", words.map);
  L.control.zoom({ zoomInTitle: words.zoom_in, zoomOutTitle: words.zoom_out }).addTo(map);
  new LayerList().addTo(map);
}

/** Let a commune be found by its name. `drawing.zoomTo` tells how near to go, `drawing.open` opens
 * its card among `drawing.cards`. */
function matchFinder(map, ground, words, drawing) {
  "use strict";
  const { cards, zoomTo, open } = drawing;
  const plain = (text) =>
    text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").toLowerCase().replace(/[^a-z0-9]+/g, " ").trim();
  const rowOf = new Map(ground.names.map((name, row) => [plain(name), row]));
  const form = document.querySelector(".gm-find");
  const input = form.querySelector("input");
  const status = form.querySelector(".gm-status");
  form.querySelector("datalist").append(
    ...ground.names.map((name) => {
      const option = matchText.make("option", "");
      option.value = name;
      return option;
    }),
  );

  function find(isFinal) {
    const row = rowOf.get(plain(input.value));
    status.textContent = row === undefined && isFinal && input.value.trim() ? words.not_found : "";
    if (row === undefined) return;
    map.setView(ground.seats[row], zoomTo(), { animate: false });
    const popup = open(row, L.latLng(ground.seats[row]));
    if (!isFinal) return;
    cards.giveBackFocus(input);
    const content = popup.getElement().querySelector(".leaflet-popup-content");
    content.tabIndex = 0;
    content.focus({ preventScroll: true });
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    find(true);
  });
  input.addEventListener("input", (event) => {
    status.textContent = "";
    if (event.inputType === "insertReplacementText" || !event.inputType) find(false);
  });
}
