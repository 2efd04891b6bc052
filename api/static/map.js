// The map: polygons coloured by what it is told. It draws what the server computed and asks nobody
// else.

import { addNames } from "./names.js";

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

  let painting = { of: () => ({ step: "out" }), say: () => setup.words.map_out };
  const layers = new Map();
  const names = new Map();
  const tooltip = (code) => words("span", words("b", names.get(code)), painting.say(code));

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

  const declutter = addNames({ L, map }, setup);

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

  const made = {
    leaflet: { L, map },

    /**
     * Colour every commune.
     * @param next its `of` gives the step and the colour of a code, its `say` what to tell of it
     */
    paint(next) {
      painting = next;
      for (const [code, layer] of layers) {
        const { step, fill = "url(#hatch)" } = painting.of(code);
        const path = layer.getElement();
        if (path.dataset.step === step && path.getAttribute("fill") === fill) continue;
        layer.options.fillColor = fill;
        path.setAttribute("fill", fill);
        path.classList.toggle("is-out", step === "out");
        path.classList.toggle("is-excluded", step === "excluded" || step === "unknown");
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
      return { name: names.get(code), text: painting.say(code) };
    },

    fit,
  };
  made.paint(painting);
  return made;
}
