/* Draws the map of a ranking on a Leaflet map, from compact arrays.
 *
 * Every text of the data reaches the page through textContent, never through innerHTML.
 * `layers` holds one Leaflet layer for each name of the layer control; they come empty. */
function drawMatchMap(map, layers, data) {
  "use strict";
  const { ground, result, page } = data;
  const { words, colours } = page;
  const container = map.getContainer();
  const root = document.documentElement;
  const bounds = L.latLngBounds(ground.bounds);
  const narrow = window.matchMedia("(max-width: 700px)");

  const { make, fill } = matchText;
  const tenths = (n) => matchText.tenths(n, words.decimal);

  // --- Communes ---------------------------------------------------------------------------------

  const { pane, lines, names, areas, shapes, drawOutline, choose } = matchGround(map, ground, colours);
  const points = L.canvas({ pane: pane("gm-points", 420), padding: 0.3 });

  const HATCH = "url(#gm-hatch)";
  const scoreFills = [...page.scoreColours, HATCH, colours.noData];
  const fibreFills = [...page.fibreColours, HATCH];
  const typeFills = [...page.typeColours, HATCH];
  const scoreText = (row) => tenths(result.score[row]);
  const typeOf = (row) => ground.types[ground.type[row]];
  const typeText = (row) => (typeOf(row) ? fill(words.type, { letter: typeOf(row)[0] }) : "");
  function typeSign(kind) {
    const sign = make("b", "gm-letter", kind[0]);
    sign.style.background = typeFills[ground.types.indexOf(kind)];
    return sign;
  }

  function addCommunes(layer, fillOf, textOf) {
    shapes.forEach((shape, row) => {
      const colour = fillOf(row);
      const ranked = colour !== HATCH && colour !== colours.noData;
      const area = L.polygon(shape, {
        renderer: areas,
        className: ranked ? "gm-commune" : "gm-commune gm-bare",
        color: ranked ? colours.paper : "#C9BEAA",
        weight: 0.8,
        fillColor: colour,
        fillOpacity: 1,
        smoothFactor: 0.5,
      });
      area.row = row;
      layer.addLayer(area);
    });
    layer.bindTooltip(
      (area) => {
        const text = textOf(area.row);
        return make("span", "", make("b", "", ground.names[area.row]), text && ` · ${text}`);
      },
      { sticky: true, direction: "top", offset: [0, -6] },
    );
    layer.on("click", (event) => cards.openCommune(event.layer.row, event.latlng));
  }

  addCommunes(layers.score, (row) => scoreFills[result.class[row]], scoreText);
  addCommunes(layers.fibre, (row) => fibreFills[ground.fibre[row]], (row) => ground.fibreText[row]);
  addCommunes(layers.types, (row) => typeFills[ground.type[row]], typeText);
  const figureFills = [...page.scoreColours, HATCH];
  addCommunes(layers.wheel, (row) => figureFills[result.wheel[row]], (row) => result.wheelText[row]);
  addCommunes(layers.reached, (row) => figureFills[ground.reached[row]], (row) => ground.reachedText[row]);
  addCommunes(layers.plain, () => colours.noData, () => "");

  const cased = (shape, options) =>
    [
      { color: colours.paper, weight: options.weight + 2.4, opacity: 0.9, className: "gm-casing" },
      { dashArray: null, ...options },
    ].map((style) =>
      L.polyline(shape, { renderer: lines, interactive: false, smoothFactor: 0.5, ...style }),
    );

  drawOutline();
  ground.partner.forEach((evidence, row) => {
    if (!evidence) return;
    const style = { color: colours.ink, weight: 1.8, className: `gm-partner gm-partner-${evidence}` };
    if (evidence === 2) style.dashArray = "5 4";
    const rings = shapes[row].flat();
    cased(rings.map((ring) => [...ring, ring[0]]), style).forEach((l) => layers.partners.addLayer(l));
  });

  const DASHES = { 15: null, 30: "6 3", 45: "2 3" };
  result.isochrones.forEach(([minutes, polygons]) => {
    layers.isochrones.addLayer(
      L.polygon(L.GeoJSON.coordsToLatLngs(polygons, 2), {
        renderer: lines,
        interactive: false,
        className: "gm-within",
        color: colours.sky,
        weight: 1.6,
        dashArray: DASHES[minutes],
        fillColor: colours.sky,
        fillOpacity: 0.16,
      }),
    );
  });

  const cards = matchCards(map, data, {
    choose,
    fillOf: (row) => scoreFills[result.class[row]],
    typeSign,
  });

  // --- Letters of the types, each in the widest part of its type -------------------------------

  const LETTER = 24;
  const letters = ground.types.map((kind) => {
    const icon = L.divIcon({ className: "", html: typeSign(kind), iconSize: [LETTER, LETTER] });
    const letter = L.marker(kind[2], { icon, pane: names, interactive: false, keyboard: false });
    layers.types.addLayer(letter);
    return letter;
  });

  // --- Places -----------------------------------------------------------------------------------

  const SIGN = 18;
  const signs = ground.places.map(([lat, lon, number, titles, commune, unsure, note]) => {
    const symbol = page.symbols[number];
    const shape = `gm-sign ${symbol.shape}${unsure ? " unsure" : ""}`;
    const sign = L.marker([lat, lon], {
      icon: L.divIcon({
        className: "",
        html: make("span", shape, make("i", "", symbol.letter)),
        iconSize: [SIGN, SIGN],
      }),
      title: `${symbol.label}, ${commune}`,
    });
    sign.on("click", () => {
      cards.openCard(cards.placeCard(symbol, titles, commune, note), [lat, lon], () => {});
    });
    sign.group = symbol.layer;
    sign.shift = [0, 0];
    layers[symbol.layer].addLayer(sign);
    return sign;
  });

  // Signs that stand at one point are laid side by side, at most three in a row.
  function arrangeSigns() {
    const stacks = new Map();
    signs.filter((sign) => map.hasLayer(layers[sign.group])).forEach((sign) => {
      const key = sign.getLatLng().toString();
      stacks.set(key, [...(stacks.get(key) || []), sign]);
    });
    stacks.forEach((stack) => {
      stack.forEach((sign, i) => {
        const width = Math.min(3, stack.length - 3 * Math.floor(i / 3));
        sign.shift = [((i % 3) - (width - 1) / 2) * (SIGN + 4), Math.floor(i / 3) * (SIGN + 2)];
        sign.getElement().style.marginLeft = `${sign.shift[0] - SIGN / 2}px`;
        sign.getElement().style.marginTop = `${sign.shift[1] - SIGN / 2}px`;
      });
    });
  }

  ground.shops.forEach(([lat, lon, food]) => {
    const style = { renderer: points, interactive: false, radius: 3, weight: 1.5, fillOpacity: 1 };
    const look = food
      ? { color: colours.paper, fillColor: colours.ink, weight: 1 }
      : { color: colours.ink, fillColor: colours.paper };
    layers.shops.addLayer(L.circleMarker([lat, lon], { ...style, ...look }));
  });

  // --- Names ------------------------------------------------------------------------------------

  const nameLayer = L.layerGroup().addTo(map);
  const pen = document.createElement("canvas").getContext("2d");
  const family = getComputedStyle(root).getPropertyValue("--sans");
  const widths = new Map();
  function widthOf(row, best) {
    if (!widths.has(row)) {
      pen.font = `${best ? 700 : 400} 12.5px ${family}`;
      widths.set(row, pen.measureText(ground.names[row]).width);
    }
    return widths.get(row);
  }

  // Beside the signs, as near as can be to the middle of the widest part of each type.
  function placeLetters(taken, free) {
    const half = LETTER / 2 + 1;
    const steps = [0, 1, -1, 2, -2].map((step) => step * 18);
    const shifts = steps.flatMap((x) => steps.map((y) => [x, y]));
    shifts.sort(([x, y], [u, v]) => Math.hypot(x, y) - Math.hypot(u, v));
    letters.forEach((letter, i) => {
      const middle = map.latLngToContainerPoint(ground.types[i][2]);
      const boxes = shifts.map(([x, y]) =>
        [middle.x + x - half, middle.y + y - half, middle.x + x + half, middle.y + y + half]);
      const box = boxes.find(free) || boxes[0];
      taken.push(box);
      letter.setLatLng(map.containerPointToLatLng([box[0] + half, box[1] + half]));
    });
  }

  let home = null; // the view that shows the whole territory
  const ROOM_FROM = [0, 0, 0.75, 1.5]; // steps of zoom from which each tier of names is placed

  function placeNames() {
    nameLayer.clearLayers();
    const size = map.getSize();
    const taken = signs
      .filter((sign) => map.hasLayer(layers[sign.group]))
      .map((sign) => {
        const at = map.latLngToContainerPoint(sign.getLatLng()).add(sign.shift);
        return [at.x - 11, at.y - 11, at.x + 11, at.y + 11];
      });
    taken.push(...panelBoxes());
    const free = (box) =>
      taken.every((b) => box[2] < b[0] || box[0] > b[2] || box[3] < b[1] || box[1] > b[3]);
    if (map.hasLayer(layers.types)) placeLetters(taken, free);
    for (const [row, tier] of result.names) {
      if (map.getZoom() < home.zoom + ROOM_FROM[tier]) continue;
      const seat = map.latLngToContainerPoint(ground.seats[row]);
      if (seat.x < 0 || seat.y < 0 || seat.x > size.x || seat.y > size.y) continue;
      const half = widthOf(row, tier === 0) / 2 + 3;
      const shifts = [[0, 0], [0, 20], [0, -20], [half + 12, 0], [-half - 12, 0], [0, 40]];
      for (const [dx, dy] of shifts) {
        const [x, y] = [seat.x + dx, seat.y + dy];
        const box = [x - half, y - 8, x + half, y + 8];
        if (box[0] < 0 || box[2] > size.x || !free(box)) continue;
        taken.push(box);
        const label = make("span", tier === 0 ? "gm-name best" : "gm-name", ground.names[row]);
        const icon = L.divIcon({ className: "", html: label, iconSize: [0, 0] });
        const at = map.containerPointToLatLng([x, y]);
        L.marker(at, { icon, pane: names, interactive: false, keyboard: false }).addTo(nameLayer);
        break;
      }
    }
  }

  // --- Layer control ----------------------------------------------------------------------------

  function showLayers() {
    matchLegends(map, layers);
    container.classList.toggle("gm-tiles", map.hasLayer(layers.tiles));
    arrangeSigns();
    placeNames();
  }

  matchControls(map, layers, page, (entry, apply) => {
    const stays = entry.exclusive && isHome() && !cards.isOpen();
    apply();
    showLayers();
    if (!stays) return;
    goHome(); // its legend may be larger
    placeNames();
  });
  matchFinder(map, ground, words, {
    cards,
    zoomTo: () => Math.max(map.getZoom(), home.zoom + 0.5),
    open: cards.openCommune,
  });

  // --- Start, size and print --------------------------------------------------------------------

  function panelBoxes() {
    const frame = container.getBoundingClientRect();
    return [...document.querySelectorAll(".gm-panel")].map((node) => {
      const box = node.getBoundingClientRect();
      return [box.left, box.top, box.right, box.bottom].map(
        (side, i) => side - (i % 2 ? frame.top : frame.left),
      );
    });
  }
  // Shows some bounds as large as can be; the whole territory with no part under a panel.
  function fit(area) {
    const step = map.options.zoomSnap;
    map.options.zoomSnap = 0.05;
    const room = narrow.matches ? 2 : 10;
    const { left, right, lift } = area === bounds ? roomiest(room) : { left: 0, right: 0, lift: 0 };
    map.fitBounds(area, {
      paddingTopLeft: [room + left, room],
      paddingBottomRight: [room + right, room + lift],
      animate: false,
    });
    map.options.zoomSnap = step;
  }

  function roomiest(room) {
    const size = map.getSize();
    const boxes = panelBoxes();
    const border = ground.outline.flat().filter((_, i) => i % 4 === 0);
    const edge = border.map(([lon, lat]) => map.project([lat, lon], 0));
    const middle = map.project(bounds.getSouthWest(), 0).add(map.project(bounds.getNorthEast(), 0)).divideBy(2);
    const isCovered = (zoom, left, right, lift) => {
      const scale = 2 ** zoom;
      return edge.some((at) => {
        const x = (at.x - middle.x) * scale + (size.x + left - right) / 2;
        const y = (at.y - middle.y) * scale + (size.y - lift) / 2;
        return boxes.some((b) => x > b[0] - 3 && x < b[2] + 3 && y > b[1] - 3 && y < b[3] + 3);
      });
    };
    let best = { zoom: 0, left: 0, right: 0, lift: 0 };
    for (let lift = 0; lift <= Math.min(160, size.y / 3); lift += 20) {
      for (let left = 0; left <= Math.min(300, size.x / 3); left += 50) {
        for (let right = 0; right <= Math.min(300, size.x / 3); right += 50) {
          const padding = L.point(2 * room + left + right, 2 * room + lift);
          const zoom = map.getBoundsZoom(bounds, false, padding);
          if (zoom > best.zoom && !isCovered(zoom, left, right, lift)) best = { zoom, left, right, lift };
        }
      }
    }
    return best;
  }
  matchLegends(map, layers); // on a phone they set the height of the map
  map.invalidateSize({ pan: false });
  function goHome() {
    fit(bounds);
    home = { zoom: map.getZoom(), center: map.getCenter() };
  }
  const isHome = () => map.getZoom() === home.zoom && map.getCenter().equals(home.center, 1e-6);
  goHome();
  new ResizeObserver(() => {
    const stays = isHome() && !cards.isOpen();
    map.invalidateSize({ pan: false });
    if (stays) goHome();
    placeNames();
  }).observe(container);
  map.on("moveend", placeNames);
  const FAR = 8.9; // zoom under which lines and signs are drawn finer
  map.on("zoomend", () => {
    const isFar = map.getZoom() < FAR;
    container.classList.toggle("gm-far", isFar);
    layers.shops.eachLayer((point) => point.setRadius(isFar ? 2 : 3));
  });
  map.fire("zoomend");
  showLayers();

  let before = null;
  window.addEventListener("beforeprint", () => {
    const folded = [...document.querySelectorAll("details:not([open])")];
    before = { center: map.getCenter(), zoom: map.getZoom(), home, folded };
    const area = isHome() ? null : map.getBounds();
    root.classList.add("gm-print");
    folded.forEach((node) => { node.open = true; });
    map.invalidateSize({ pan: false });
    if (area) fit(area);
    else goHome();
    placeNames();
  });
  window.addEventListener("afterprint", () => {
    if (!before) return;
    root.classList.remove("gm-print");
    before.folded.forEach((node) => { node.open = false; });
    home = before.home;
    map.invalidateSize({ pan: false });
    map.setView(before.center, before.zoom, { animate: false });
    before = null;
  });
}
