/* Draws communes in the colours of one layer at a time, and signs on them, on a Leaflet map, from
 * compact arrays.
 *
 * Every text of the data reaches the page through textContent, never through innerHTML.
 * `layers` holds one Leaflet layer for each name of the layer control; they come empty. */
function drawColouredMap(map, layers, data) {
  "use strict";
  const { ground, page } = data;
  const { words, colours } = page;
  const { make } = matchText;
  const container = map.getContainer();
  const bounds = L.latLngBounds(ground.bounds);

  const { names, areas, shapes, drawOutline, choose } = matchGround(map, ground, colours);
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
  drawOutline();

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
  const signs = page.signs.map(([row, shape, letter, title, layer]) => {
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
    matchLegends(map, layers);
    container.classList.toggle("gm-tiles", map.hasLayer(layers.tiles));
  }
  matchControls(map, layers, page, (_, apply) => {
    apply();
    showLayers();
    placeNames();
  });
  matchFinder(map, ground, words, {
    cards,
    zoomTo: () => Math.max(map.getZoom(), home + 1),
    open: openCommune,
  });

  // --- Start ------------------------------------------------------------------------------------

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
