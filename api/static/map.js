// The map: polygons coloured by score. It draws what the server computed and asks nobody else.

function load(tag, attributes) {
  return new Promise((resolve, reject) => {
    const element = Object.assign(document.createElement(tag), attributes);
    element.addEventListener("load", resolve);
    element.addEventListener("error", () => reject(new Error(`${tag} not loaded`)));
    document.head.append(element);
  });
}

function words(tag, ...children) {
  const element = document.createElement(tag);
  element.append(...children); // text nodes: nothing is read as HTML
  return element;
}

/** Write a score or a rank into a sentence with {braces}. */
const put = (sentence, values) => sentence.replace(/\{(\w+)\}/g, (_, key) => values[key]);

/**
 * Make the map.
 * @param box element that receives it
 * @param setup address of Leaflet, colours, outlines, towns and words, from the page
 * @param onPick called with the code of a commune that is clicked
 */
export async function createMap(box, setup, onPick) {
  const [outlines] = await Promise.all([
    fetch(setup.outlines).then((answer) => {
      if (!answer.ok) throw new Error(`outlines: ${answer.status}`);
      return answer.json();
    }),
    load("link", { rel: "stylesheet", href: `${setup.leaflet}.css` }),
    load("script", { src: `${setup.leaflet}.js` }),
  ]);
  const L = window.L;
  const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const decimal = new Intl.NumberFormat(setup.language, {
    minimumFractionDigits: 1,
    maximumFractionDigits: 1,
  });
  const bounds = L.latLngBounds(setup.bounds);
  box.replaceChildren();
  const map = L.map(box, {
    attributionControl: false,
    zoomControl: false,
    scrollWheelZoom: false,
    zoomSnap: 0.1,
    zoomDelta: 0.5,
    zoomAnimation: !isCalm,
    fadeAnimation: !isCalm,
    maxBounds: bounds.pad(0.4),
  });
  L.control
    .zoom({ position: "topright", zoomInTitle: setup.words.map_zoom_in, zoomOutTitle: setup.words.map_zoom_out })
    .addTo(map);
  map.on("focus", () => map.scrollWheelZoom.enable());
  map.on("blur", () => map.scrollWheelZoom.disable());
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", setup.words.map_title);
  box.setAttribute("aria-describedby", "map-alternative");

  const nothing = { marks: {}, excluded: [], shown: 0 };
  let state = nothing;
  const layers = new Map();
  const names = new Map();

  function saying(code) {
    const mark = state.marks[code];
    if (mark) {
      return put(setup.words.map_tooltip, { score: decimal.format(mark[1]), rank: mark[2] });
    }
    return state.excluded.includes(code) ? setup.words.map_excluded : setup.words.map_out;
  }

  function tooltip(code) {
    const content = words("span", words("b", names.get(code)), saying(code));
    return content;
  }

  L.geoJSON(outlines, {
    style: { className: "commune", fillOpacity: 1 },
    onEachFeature(feature, layer) {
      const code = feature.properties.insee_code;
      layers.set(code, layer);
      names.set(code, feature.properties.name);
      layer.bindTooltip(() => tooltip(code), { sticky: true, className: "said-here", opacity: 1 });
      layer.on("click", () => onPick(code));
    },
  }).addTo(map);
  L.geoJSON(outlines, {
    interactive: false,
    filter: (feature) => feature.properties.partner,
    style: (feature) => ({ className: `partner is-${feature.properties.evidence}`, fill: false }),
  }).addTo(map);
  const outline = L.layerGroup().addTo(map);

  function label(place, kind, name) {
    const text = words("span", name);
    const icon = L.divIcon({ className: `${kind} is-${place.side}`, html: text, iconSize: null });
    L.marker([place.lat, place.lon], { icon, interactive: false, keyboard: false }).addTo(map);
    return text;
  }
  const labels = [
    ...setup.cities.map((city) => label(city, "city", `${city.name} ${city.arrow}`)),
    ...setup.towns.map((town) => label(town, "town", town.name)),
  ];

  /** Hide the names that would run into one already written; the largest towns come first. */
  function declutter() {
    const written = [];
    for (const text of labels) {
      const own = text.getBoundingClientRect();
      const isCrowded = written.some(
        (other) =>
          own.left < other.right + 4 && own.right + 4 > other.left &&
          own.top < other.bottom && own.bottom > other.top,
      );
      text.parentElement.classList.toggle("is-crowded", isCrowded);
      if (!isCrowded) written.push(own);
    }
  }
  map.on("zoomend viewreset", () => requestAnimationFrame(declutter));

  /** Show the whole département, unless a person chose another view. */
  let isMoved = false;
  for (const event of ["pointerdown", "wheel", "keydown"]) {
    box.addEventListener(event, () => (isMoved = true), { passive: true, capture: true });
  }
  function fit() {
    if (!box.clientWidth || !box.clientHeight) return;
    map.invalidateSize({ animate: false });
    if (isMoved) return;
    map.setMinZoom(0);
    map.fitBounds(bounds, { padding: [6, 36], animate: false });
    map.setMinZoom(map.getZoom() - 0.5);
    declutter();
  }
  new ResizeObserver(fit).observe(box);
  map.setView(bounds.getCenter(), 8, { animate: false });
  fit();
  // Its tooltip makes each polygon a stop of the Tab key, 458 of them; the list says the same in order.
  for (const layer of layers.values()) layer.getElement().setAttribute("tabindex", "-1");

  return {
    /** Colour every commune by what a state says of it. */
    paint(next) {
      state = next.marks ? next : nothing;
      const excluded = new Set(state.excluded);
      for (const [code, layer] of layers) {
        const mark = state.marks[code];
        const step = mark ? String(mark[0]) : excluded.has(code) ? "excluded" : "out";
        const path = layer.getElement();
        if (path.dataset.step === step) continue;
        layer.options.fillColor = mark ? setup.colours[mark[0]] : "url(#hatch)";
        path.setAttribute("fill", layer.options.fillColor);
        path.classList.toggle("is-out", step === "out");
        path.classList.toggle("is-excluded", step === "excluded");
        path.dataset.step = step;
        path.dataset.code = code;
      }
    },

    /** Outline one commune, or none; returns what there is to say of it. */
    choose(code, { move = false } = {}) {
      outline.clearLayers();
      const layer = layers.get(code);
      if (!layer) return null;
      for (const className of ["chosen-edge", "chosen"]) {
        L.geoJSON(layer.feature, { interactive: false, style: { className, fill: false } }).addTo(outline);
      }
      if (move) map.panInside(layer.getBounds().getCenter(), { padding: [60, 60], animate: !isCalm });
      return { name: names.get(code), text: saying(code) };
    },

    fit,
  };
}
