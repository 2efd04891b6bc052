// The legend of a layer: its unit, its classes, what it is, where it comes from.

const SVG = "http://www.w3.org/2000/svg";

const byId = (id) => document.getElementById(id);

function make(tag, className, ...content) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...content); // text nodes: nothing is read as HTML
  return element;
}

function swatch(fill) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 20 10");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  const box = document.createElementNS(SVG, "rect");
  for (const [name, value] of Object.entries({ width: 20, height: 10, fill })) box.setAttribute(name, value);
  svg.append(box);
  return svg;
}

function ends({ low, high }) {
  if (!low) return `< ${high}`;
  return high ? low : `${low}+`;
}

function classes({ legend, layer }) {
  if (legend.some(({ label }) => label)) {
    const fill = ({ step, colour }) => (layer.unit === "type" ? `url(#type-${step})` : colour);
    const items = legend.map((one) => make("li", "", swatch(fill(one)), make("span", "", one.label)));
    return make("ul", "type-names", ...items);
  }
  return make("ul", "scale", ...legend.map((one) => make("li", "", swatch(one.colour), make("span", "", ends(one)))));
}

/** Say that a legend is on its way. */
export function drawWaiting(text) {
  byId("legend-score").hidden = true;
  const box = byId("legend-layer");
  box.hidden = false;
  box.replaceChildren(make("p", "legend-title", text));
}

let scoreWord = "";

/** Show the legend of a layer, or that of the score for none. */
export function drawLegend(layer, words) {
  const box = byId("legend-layer");
  const hatch = byId("hatch-word");
  scoreWord ||= hatch.textContent;
  byId("legend-score").hidden = Boolean(layer);
  box.hidden = !layer;
  hatch.textContent = layer ? words.map_unknown : scoreWord;
  if (!layer) return;
  const title = [layer.label, layer.unit].filter(Boolean).join(", ");
  const credits = [...new Set(layer.sources.map(({ credit }) => credit))].join(" · ");
  box.replaceChildren(
    make("p", "legend-title", title),
    classes(layer),
    make("p", "why", [layer.note, words.map_sources.replace("{credits}", () => credits)].filter(Boolean).join(" ")),
  );
}
