/* Draws gaps, copper, a plan and what it rests on, on a Leaflet map, from compact arrays.
 *
 * Every text of the data reaches the page through textContent, never through innerHTML.
 * `layers` holds one Leaflet layer for each name of the layer control; they come empty. */
function drawPlanMap(map, layers, data) {
  "use strict";
  const { ground, page } = data;
  const { words, colours } = page;
  const { make } = matchText;
  const container = map.getContainer();
  const bounds = L.latLngBounds(ground.bounds);

  const pane = (name, zIndex) => {
    const node = map.createPane(name);
    node.style.zIndex = zIndex;
    node.style.pointerEvents = "none";
    return name;
  };
  const lines = L.svg({ pane: pane("gm-lines", 410), padding: 0.3 });
  const names = pane("gm-names", 450);
  const areas = L.svg({ padding: 0.3 });
  const shapes = ground.shapes.map((shape) => L.GeoJSON.coordsToLatLngs(shape, 2));

  let chosen = [];
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
  const cards = matchCards(map, data, { choose });

  function openCommune(row, latlng) {
    const card = make("article", "gm-card");
    card.append(make("h2", "", ground.names[row]), make("p", "gm-sub", ground.about[row]));
    ground.cards[row].forEach(([title, ...texts]) => {
      card.append(make("h3", "", title));
      texts.forEach((text) => card.append(make("p", "", text)));
    });
    card.append(make("p", "gm-faint", page.source));
    const popup = cards.openCard(card, latlng, () => choose(null));
    choose(row);
    return popup;
  }

  // --- Communes in the colours of each layer, and the outline ---------------------------------

  page.colourings.forEach(({ layer, fills, labels, classes }) => {
    shapes.forEach((shape, row) => {
      const area = L.polygon(shape, {
        renderer: areas,
        className: "gm-commune",
        color: colours.paper,
        weight: 0.8,
        fillColor: fills[classes[row]],
        fillOpacity: 1,
        smoothFactor: 0.5,
      });
      area.row = row;
      layers[layer].addLayer(area);
    });
    layers[layer].bindTooltip(
      (area) =>
        make("span", "", make("b", "", ground.names[area.row]), ` · ${labels[classes[area.row]]}`),
      { sticky: true, direction: "top", offset: [0, -6] },
    );
    layers[layer].on("click", (event) => openCommune(event.layer.row, event.latlng));
  });
  ground.outline.forEach((ring) => {
    const shape = L.GeoJSON.coordsToLatLngs(ring, 0);
    const style = { renderer: lines, interactive: false, color: colours.ash, weight: 1.4 };
    L.polyline(shape, style).addTo(map);
  });

  // --- A letter for each action or count, side by side where a commune has several -------------

  const SIGN = 18;
  const count = new Map();
  const icon = (shape, letter, place) =>
    L.divIcon({
      className: "",
      html: make("span", `gm-sign ${shape}`, make("i", "", letter)),
      iconSize: [SIGN, SIGN],
      iconAnchor: [SIGN / 2 - place * (SIGN + 2), SIGN / 2],
    });
  const signs = page.signs.map(([row, shape, letter, title, layer = "portfolio"]) => {
    const sign = L.marker(ground.seats[row], {
      icon: icon(shape, letter, 0),
      title: `${ground.names[row]} : ${title}`,
    });
    sign.on("click", () => openCommune(row, L.latLng(ground.seats[row])));
    layers[layer].addLayer(sign);
    return { sign, row, shape, letter, layer, place: 0 };
  });
  function placeSigns() {
    count.clear();
    signs.forEach((one) => {
      if (!map.hasLayer(layers[one.layer])) return;
      const place = count.get(one.row) || 0;
      count.set(one.row, place + 1);
      if (place !== one.place) one.sign.setIcon(icon(one.shape, one.letter, place));
      one.place = place;
    });
  }

  // --- Names, the largest communes first, where there is room ---------------------------------

  const nameLayer = L.layerGroup().addTo(map);
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = `400 12.5px ${getComputedStyle(document.documentElement).getPropertyValue("--sans")}`;
  let home = 9;
  function placeNames() {
    nameLayer.clearLayers();
    const taken = [...count.keys()].map((row) => {
      const at = map.latLngToContainerPoint(ground.seats[row]);
      return [at.x - 9, at.y - 9, at.x + 9 + 20 * (count.get(row) - 1), at.y + 9];
    });
    const most = Math.round(14 * 4 ** Math.max(0, map.getZoom() - home));
    for (const row of page.names.slice(0, most)) {
      const seat = map.latLngToContainerPoint(ground.seats[row]).add([0, count.has(row) ? 19 : 0]);
      const half = pen.measureText(ground.names[row]).width / 2 + 3;
      const box = [seat.x - half, seat.y - 8, seat.x + half, seat.y + 8];
      if (taken.some((b) => box[2] > b[0] && box[0] < b[2] && box[3] > b[1] && box[1] < b[3])) continue;
      taken.push(box);
      const icon = L.divIcon({
        className: "",
        html: make("span", "gm-name", ground.names[row]),
        iconSize: [0, 0],
      });
      const at = map.containerPointToLatLng(seat);
      L.marker(at, { icon, pane: names, interactive: false, keyboard: false }).addTo(nameLayer);
    }
  }

  // --- Layer control ----------------------------------------------------------------------------

  function showLayers() {
    placeSigns();
    document.querySelectorAll("[data-layer]").forEach((node) => {
      node.hidden = !map.hasLayer(layers[node.dataset.layer]);
    });
    container.classList.toggle("gm-tiles", map.hasLayer(layers.tiles));
  }
  const LayerList = L.Control.extend({
    options: { position: "topright" },
    onAdd() {
      const list = make("div", "");
      list.id = "gm-layer-list";
      list.hidden = true;
      const button = make("button", "", words.layers);
      button.type = "button";
      button.setAttribute("aria-controls", list.id);
      const open = (wanted) => {
        list.hidden = !wanted;
        button.setAttribute("aria-expanded", String(wanted));
      };
      open(false);
      button.addEventListener("click", () => open(list.hidden));
      page.groups.forEach((group) => {
        const field = make("fieldset", "", make("legend", "", group.label));
        group.layers.forEach((entry) => {
          const input = make("input", "");
          input.type = entry.exclusive ? "radio" : "checkbox";
          if (entry.exclusive) input.name = "gm-colour";
          input.value = entry.name;
          input.checked = map.hasLayer(layers[entry.name]);
          input.addEventListener("change", () => {
            if (entry.exclusive) group.layers.forEach((other) => map.removeLayer(layers[other.name]));
            if (input.checked) map.addLayer(layers[entry.name]);
            else map.removeLayer(layers[entry.name]);
            showLayers();
            placeNames();
          });
          field.append(make("label", "", input, make("span", "", entry.label)));
        });
        list.append(field);
      });
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

  // --- Finding a commune by its name ------------------------------------------------------------

  const plain = (text) =>
    text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").toLowerCase().replace(/[^a-z0-9]+/g, " ").trim();
  const rowOf = new Map(ground.names.map((name, row) => [plain(name), row]));
  const form = document.querySelector(".gm-find");
  const input = form.querySelector("input");
  form.querySelector("datalist").append(
    ...ground.names.map((name) => {
      const option = make("option", "");
      option.value = name;
      return option;
    }),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const row = rowOf.get(plain(input.value));
    form.querySelector(".gm-status").textContent =
      row === undefined && input.value.trim() ? words.not_found : "";
    if (row === undefined) return;
    map.setView(ground.seats[row], Math.max(map.getZoom(), home + 1), { animate: false });
    const popup = openCommune(row, L.latLng(ground.seats[row]));
    cards.giveBackFocus(input);
    const content = popup.getElement().querySelector(".leaflet-popup-content");
    content.tabIndex = 0;
    content.focus({ preventScroll: true });
  });

  // --- Start ------------------------------------------------------------------------------------

  container.setAttribute("aria-label", words.map);
  L.control.zoom({ zoomInTitle: words.zoom_in, zoomOutTitle: words.zoom_out }).addTo(map);
  new LayerList().addTo(map);
  showLayers();
  const goHome = () => {
    map.invalidateSize({ pan: false });
    const wide = map.getSize().x > 700;
    map.fitBounds(bounds, {
      paddingTopLeft: [wide ? 250 : 2, 4],
      paddingBottomRight: [wide ? 60 : 2, 4],
      animate: false,
    });
    home = map.getZoom();
  };
  goHome();
  map.on("moveend", placeNames);
  new ResizeObserver(() => {
    if (!cards.isOpen()) goHome();
    placeNames();
  }).observe(container);
  placeNames();
}
