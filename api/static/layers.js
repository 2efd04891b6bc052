// What the map shows: a layer, the town that its minutes lead to, kinds of places, a base map.
// A change asks for the small answer of one layer and never for the list.

import { createTown } from "./town.js";
import { drawLegend, drawWaiting } from "./legend.js";

const KEYS = ["show", "to", "places"];
const SCORE = "score";
const SLOW_MS = 200;
const TO_LAYER = "minutes_to";
const HOUSEHOLD_LAYER = "wheel";
const HOUSEHOLD = ["work_mode", "city", "children"];

const byId = (id) => document.getElementById(id);

let works = 0;

/** Say that the map is being drawn, to whoever waits for it, until some work is done. */
export function whileBusy(work) {
  works += 1;
  byId("map-box").setAttribute("aria-busy", "true");
  return work.finally(() => {
    works -= 1;
    if (!works) byId("map-box").removeAttribute("aria-busy");
  });
}

/** Write values into a sentence with {braces}. */
export const put = (sentence, values) => sentence.replace(/\{(\w+)\}/g, (_, key) => values[key]);

/** A query without what the map shows and which villages are ticked, to compare two of them. */
export function searchOf(query) {
  const fields = new URLSearchParams(query);
  for (const key of [...KEYS, "pick"]) fields.delete(key);
  fields.sort();
  return fields.toString();
}

/** How communes are coloured by their score. */
function scorePainting(state, setup) {
  const excluded = new Set(state.excluded);
  const decimal = new Intl.NumberFormat(setup.language, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
  return {
    of(code) {
      const mark = state.marks[code];
      if (mark) return { step: String(mark[0]), fill: setup.colours[mark[0]] };
      return { step: excluded.has(code) ? "excluded" : "out" };
    },
    say(code) {
      const mark = state.marks[code];
      if (mark) return put(setup.words.map_tooltip, { score: decimal.format(mark[1]), rank: mark[2] });
      return excluded.has(code) ? setup.words.map_excluded : setup.words.map_out;
    },
  };
}

/** How communes are coloured by a layer; those outside the search stay pale. */
function layerPainting(layer, state, setup) {
  const excluded = new Set(state.excluded);
  const figures = new Map(layer.communes.map((commune) => [commune.insee_code, commune]));
  const isType = layer.layer.unit === "type";
  const fills = new Map(layer.legend.map(({ step, colour }) => [step, isType ? `url(#type-${step})` : colour]));
  const names = new Map(isType ? layer.legend.map(({ step, label }) => [step, label]) : []);
  const isIn = (code) => code in state.marks || excluded.has(code);
  return {
    of(code) {
      if (!isIn(code)) return { step: "out" };
      const { step } = figures.get(code);
      return step === null ? { step: "unknown" } : { step: String(step), fill: fills.get(step) };
    },
    say(code) {
      if (!isIn(code)) return setup.words.map_out;
      const { step, status, text } = figures.get(code);
      if (names.get(step)) return names.get(step);
      const figure = step === null ? text : `${text}, ${layer.statuses[status]}`;
      return put(setup.words.map_figure, { label: layer.label, figure });
    },
  };
}

/**
 * Follow the controls of the map.
 * @param form the form that they belong to
 * @param answers gives the answers in force, by key
 * @param setup words and colours, from the page
 * @param changed called when another choice was made, with "push" or "replace"
 * @param repaint called when the communes want other colours
 * @param say called with an element that says what a place is
 * @param trouble called with a sentence when something cannot be had
 */
export function createLayers({ form, answers, setup, changed, repaint, say, trouble }) {
  const select = byId("q-show");
  const boxes = [...document.querySelectorAll('#map-places input[name="places"]')];
  const town = createTown(form, setup.words, () => choose("push"));
  const kept = new Map();
  let map = null;
  let layer = null;
  let showPlaces = null;
  let chooseBase = null;
  let drawnFor = "";

  const places = () => boxes.filter((box) => box.checked).map((box) => box.value);
  const leads = () => select.value === TO_LAYER;

  /** Put the choice into a query, in the order of the server. */
  function query(text) {
    const isOwn = (part) => KEYS.includes(part.split("=")[0]);
    const fields = {
      show: select.value === SCORE ? "" : select.value,
      to: leads() ? town.code : "",
      places: places().join(","),
    };
    const own = KEYS.filter((key) => fields[key]).map((key) => `${key}=${fields[key]}`);
    return [...(text ?? "").split("&").filter((part) => part && !isOwn(part)), ...own].join("&");
  }

  async function load() {
    const name = select.value;
    if (name === SCORE) return null;
    const fields = new URLSearchParams({ lang: setup.language, ...(leads() && town.code ? { to: town.code } : {}) });
    const address = `/api/v1/layers/${name}?${fields}${household()}`;
    if (!kept.has(address)) {
      const answer = await fetch(address);
      if (!answer.ok) throw new Error(`layer: ${answer.status}`);
      kept.set(address, await answer.json());
    }
    return kept.get(address);
  }

  /** What the hours of a household depend on, as the end of an address; empty for any other layer. */
  function household() {
    if (select.value !== HOUSEHOLD_LAYER) return "";
    const said = answers();
    const own = HOUSEHOLD.filter((key) => said[key]).map((key) => [key, said[key]]);
    return own.length ? `&${new URLSearchParams(own)}` : "";
  }

  const wanted = () => `${select.value} ${town.code}${household()}`;

  /** Bring the map into line with the controls. */
  const draw = () => whileBusy(drawLayer());

  async function drawLayer() {
    const asked = wanted();
    drawnFor = asked;
    town.show(leads());
    if (leads() && town.isUnknown) return; // what is written stays, to be mended
    let found = null;
    const slow = setTimeout(() => drawWaiting(setup.words.why_wait), SLOW_MS);
    try {
      found = await load();
    } catch {
      trouble(setup.words.map_layer_failed);
    } finally {
      clearTimeout(slow);
    }
    if (asked !== wanted()) return; // something else was chosen meanwhile
    layer = found;
    if (layer?.to) town.settle(layer.to);
    drawLegend(layer, setup.words);
    repaint();
  }

  async function choose(history) {
    // Where minutes lead by default is known with the answer, and so is then the address.
    const isKnown = !leads() || town.code;
    if (isKnown) changed(history);
    await draw();
    if (!isKnown) changed(history);
  }

  function drawPlaces() {
    const chosen = places();
    byId("places-count").textContent = chosen.length ? `(${chosen.length})` : "";
    return map && (chosen.length || showPlaces) ? whileBusy(drawSigns(chosen)) : null;
  }

  async function drawSigns(chosen) {
    try {
      const { createPlaces, drawSign } = await import("./places.js");
      showPlaces ??= createPlaces(map.leaflet, setup.language, say);
      const signs = await showPlaces(chosen);
      byId("legend-places").replaceChildren(
        ...(signs ?? []).map((sign) => {
          const line = document.createElement("li");
          line.append(drawSign(sign), ` ${sign.label}`);
          return line;
        }),
      );
    } catch {
      trouble(setup.words.map_layer_failed);
    }
  }

  town.show(leads());
  select.addEventListener("change", () => choose("push"));
  for (const box of boxes) {
    box.addEventListener("change", () => {
      changed("push");
      drawPlaces();
    });
  }
  const bases = [...document.querySelectorAll('#base-maps input[name="base"]')];
  for (const base of bases) {
    base.checked = base.value === ""; // a browser may remember the choice of another visit
    base.addEventListener("change", async () => {
      if (!map) return;
      const { createBaseMaps } = await import("./basemap.js");
      chooseBase ??= createBaseMaps(map.leaflet, setup.words, trouble);
      chooseBase(bases.find((one) => one.checked).value);
    });
  }

  return {
    query,

    /** How to colour the communes now. */
    painting: (state) => (layer ? layerPainting(layer, state, setup) : scorePainting(state, setup)),

    /** Draw again what depends on answers that have changed. */
    followAnswers() {
      if (map && select.value === HOUSEHOLD_LAYER && drawnFor !== wanted()) draw();
    },

    /** Follow controls that were changed for somebody, as by a step back. */
    follow() {
      town.follow();
      town.show(leads());
      if (map) draw();
      drawPlaces();
    },

    /** Put what an address says into the controls. */
    read(text) {
      const fields = new URLSearchParams(text);
      const chosen = (fields.get("places") ?? "").split(",");
      select.value = fields.get("show") ?? SCORE;
      town.code = fields.get("to") ?? "";
      for (const box of boxes) box.checked = chosen.includes(box.value);
      this.follow();
    },

    /** Use a map that has just been made. */
    async attach(made) {
      map = made;
      await Promise.all([draw(), drawPlaces()]);
    },
  };
}
