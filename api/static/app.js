// The live page: answers change the list and the map without a page load.
// Without this script the form is sent, and the same page comes back.

import { fill, followImplied, queryOf } from "./form.js";
import { createLayers, searchOf, whileBusy } from "./layers.js";
import { createMap } from "./map.js";
import { createOrigins } from "./origins.js";
import { createDialog, createPicks } from "./sheets.js";

const TYPING_MS = 80;
const COPIED_MS = 2500;
const WIDE = matchMedia("(min-width: 45rem)");

const byId = (id) => document.getElementById(id);
const readJson = (id) => JSON.parse(byId(id).textContent);

const form = byId("profile");
const results = byId("results");
const setup = readJson("setup");
let state = readJson("state");
let map = null;
let chosen = "";
const openSheet = createDialog(setup.words, trouble);
const picks = createPicks(results, setup.words, () => settleAddress("replace"));
const layers = createLayers({
  form,
  answers: () => state.fields ?? {},
  setup,
  changed: mapChanged,
  repaint,
  say: sayPlace,
  trouble,
});

// --- Asking and showing ----------------------------------------------------------------------

let request = null;
let pendingHistory = "";

/**
 * Ask for a query and show the answer.
 * @param history "push", "replace" or "" (the address is already right)
 * @param refill put the answers of the query into the form
 */
async function show(query, { history = "", refill = false } = {}) {
  request?.abort();
  const own = (request = new AbortController());
  if (pendingHistory !== "push") pendingHistory = history;
  results.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(`/fragments/matches?${query}`, { signal: own.signal });
    if (!answer.ok && answer.status !== 422) throw new Error(`status ${answer.status}`);
    const html = await answer.text();
    if (own.signal.aborted) return false;
    if (answer.status === 422) {
      // The last list that could be made stays, with what to mend beside it.
      const page = new DOMParser().parseFromString(html, "text/html");
      const faults = page.querySelectorAll(".faults > ul:not(.meant) li");
      trouble([...faults].map((fault) => fault.textContent).join(" "));
      for (const link of page.querySelectorAll(".meant a")) byId("trouble").append(" ", link);
      return false;
    }
    trouble("");
    replaceResults(html);
    showOdds(own.signal);
    if (refill && !fill(form, state)) {
      location.assign(`/?${query}`);
      return false;
    }
    if (refill) layers.follow();
    settle();
    return true;
  } catch (error) {
    if (error.name === "AbortError") return false;
    trouble(setup.words.live_failed);
    return false;
  } finally {
    if (request === own) results.removeAttribute("aria-busy");
  }
}

function replaceResults(html) {
  const opened = [...results.querySelectorAll("details[open]")].map(codeOf);
  results.innerHTML = html;
  drawInSightFirst(results.querySelector(".cards"));
  for (const code of opened) {
    const details = code && byId(`v-${code}`)?.querySelector("details");
    if (details) details.open = true;
  }
  state = readJson("state");
  byId("count").textContent = state.count;
  byId("tab-count").textContent = state.tab;
  if (chosen) mark(chosen);
  picks.settle();
}

/** Let the cards below the edge of the screen wait until those above it are painted. */
function drawInSightFirst(list) {
  list?.classList.add("is-new");
  requestAnimationFrame(() => setTimeout(() => list?.classList.remove("is-new")));
}

/** Everything known of a village comes when it is opened, and at once where the page held it. */
results.addEventListener("toggle", async (event) => {
  const waiting = event.target.open && event.target.querySelector("[data-details]");
  if (!waiting) return;
  const code = codeOf(event.target);
  try {
    const answer = await fetch(`/fragments/details?commune=${code}${state.query ? `&${state.query}` : ""}`);
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const html = await answer.text();
    if (!waiting.isConnected) return;
    waiting.insertAdjacentHTML("afterend", html);
    waiting.remove();
  } catch {
    trouble(setup.words.live_failed);
  }
}, true);

/** Fill in how sure each rank is: it takes longer to count than the list takes to make. */
async function showOdds(signal) {
  if (!results.querySelector(".odds.is-awaited")) return;
  try {
    const answer = await fetch(`/fragments/odds?${state.query}`, { signal });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const { chances, ties, tied } = await answer.json();
    if (signal.aborted) return;
    for (const [code, chance] of Object.entries(chances)) {
      const line = byId(`v-${code}`)?.querySelector(".odds");
      if (!line) continue;
      line.querySelector("span").textContent = chance.first_five;
      line.querySelector("small").textContent = chance.ranks;
      const band = line.querySelector(".span");
      band.setAttribute("x", chance.low);
      band.setAttribute("width", chance.width);
      line.classList.remove("is-awaited");
    }
    for (const code of tied) byId(`v-${code}`)?.parentElement.classList.add("tied");
    for (const [code, text] of Object.entries(ties)) {
      const note = Object.assign(document.createElement("p"), { className: "tie-note", textContent: text });
      byId(`v-${code}`)?.before(note);
    }
  } catch (error) {
    if (error.name !== "AbortError") trouble(setup.words.live_failed);
  }
}

function addressOf(query) {
  const whole = picks.address(query ?? "");
  return whole ? `/?${whole}` : "/";
}

/** Bring everything around the list into line with the new state. */
function settle() {
  followImplied(form, state.implied);
  settleAddress(pendingHistory);
  pendingHistory = "";
  for (const note of document.querySelectorAll("[data-scope]")) {
    note.hidden = note.dataset.scope !== state.fields.scope;
  }
  for (const link of document.querySelectorAll(".examples a")) {
    const isFrom = new URLSearchParams(link.search).get("preset") === state.fields.name;
    if (isFrom) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
    link.search = withScope(link.search);
  }
  repaint();
  layers.followAnswers();
}

/**
 * Bring the address, and the links that hold it, into line with the state and the map.
 * @param history "push", "replace" or "" (the address is already right)
 */
function settleAddress(history) {
  // The map may have changed while the list was on its way.
  state.query = layers.query(state.query);
  state.other = layers.query(state.other);
  const query = state.query;
  const address = addressOf(query);
  if (history === "push" && address !== location.pathname + location.search) {
    window.history.pushState(null, "", address);
  } else if (history) {
    window.history.replaceState(null, "", address);
  }
  byId("map-detailed").href = `/maps/match?${query}`;
  byId("map-download").href = `/maps/match?${query ? `${query}&` : ""}download=1`;
  byId("other-language").href = addressOf(state.other);
  byId("map-table").href = `/table${query ? `?${query}` : ""}`;
}

/** Another choice of what the map shows: the list stays as it is. */
function mapChanged(history) {
  if (state.marks) settleAddress(history);
  else show(queryOf(form), { history }); // no list could be made before
}

function repaint() {
  if (!map || !state.marks) return;
  map.paint(layers.painting(state));
  if (chosen) say(chosen);
}

function withScope(search) {
  const query = new URLSearchParams(search);
  query.set("scope", state.fields.scope);
  return query.toString();
}

function trouble(text) {
  const box = byId("trouble");
  box.textContent = text;
  box.hidden = !text;
}

// --- Answers -----------------------------------------------------------------------------------

let timer = 0;
let typedIn = null;

const origin = form.elements.from;
const isOrigin = createOrigins(origin);

form.addEventListener("input", changed);
origin.addEventListener("change", changed);
document.querySelector(".scopes").addEventListener("input", changed);

function changed(event) {
  if (event.target === origin && !isOrigin(event)) return;
  clearTimeout(timer);
  const isTyping = event.target.type === "text";
  // One step back undoes one answer: letters of one field make one step together.
  const history = isTyping && typedIn === event.target ? "replace" : "push";
  typedIn = isTyping ? event.target : null;
  const ask = () => show(queryOf(form), { history });
  if (isTyping) timer = setTimeout(ask, TYPING_MS);
  else ask();
}

form.addEventListener("focusout", () => (typedIn = null));

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  clearTimeout(timer);
  if (!(await show(queryOf(form), { history: "push" }))) return;
  openTab("villages");
  byId("villages").focus({ preventScroll: true });
});

window.addEventListener("popstate", () => {
  pendingHistory = "";
  picks.read(location.search);
  if (state.marks && searchOf(location.search) === searchOf(state.query)) {
    picks.settle();
    layers.read(location.search);
    mapChanged("");
    return;
  }
  show(location.search.slice(1), { refill: true });
});

document.addEventListener("click", async (event) => {
  const opener = event.target.closest("a[data-open]");
  if (opener) {
    event.preventDefault();
    openTab(opener.dataset.open);
    const part = byId(opener.dataset.open);
    part.scrollIntoView({ block: "start" });
    part.querySelector("a, summary, input, select")?.focus({ preventScroll: true });
    return;
  }
  const link = event.target.closest("a.live, a.why-link, .examples a");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  const query = layers.query(link.search.slice(1)); // what the map shows stays
  if (link.classList.contains("why-link")) {
    openSheet(link.pathname + link.search);
  } else if (link.id === "more") {
    const before = state.shown;
    if (!(await show(query, { history: "replace" }))) return;
    results.querySelectorAll(".card h3")[before]?.focus({ preventScroll: true });
  } else {
    if (!(await show(query, { history: "push", refill: true }))) return;
    if (!link.isConnected) byId("villages").focus({ preventScroll: true });
    else openTab("villages");
  }
});

// --- Villages and polygons -----------------------------------------------------------------------

const codeOf = (element) => element.closest("[data-code]")?.dataset.code ?? "";

function mark(code) {
  chosen = code;
  for (const card of results.querySelectorAll(".is-chosen")) card.classList.remove("is-chosen");
  byId(`v-${code}`)?.classList.add("is-chosen");
}

results.addEventListener("click", (event) => {
  const button = event.target.closest("[data-show]");
  const code = codeOf(event.target);
  if (!code || (!button && event.target.closest("a, summary, details, button, label"))) return;
  mark(code);
  if (button) openTab("map");
  say(code, { move: true });
  if (button && !WIDE.matches) byId("map-box").focus();
});

/** Outline a commune and say what it is, with a way to its card. */
async function say(code, options) {
  await (mapReady ?? startMap());
  const said = map?.choose(code, options);
  if (!said) return;
  const name = Object.assign(document.createElement("b"), { textContent: said.name });
  const line = byId("map-said");
  line.replaceChildren(name, ` · ${said.text}`);
  if (byId(`v-${code}`)) {
    const link = Object.assign(document.createElement("a"), {
      href: `#v-${code}`,
      textContent: setup.words.map_open,
    });
    link.addEventListener("click", (event) => {
      event.preventDefault();
      goToCard(code);
    });
    line.append(" · ", link);
  } else if (state.marks[code]) {
    line.append(` (${setup.words.map_below.replace("{n}", state.shown)})`);
  }
  if (state.marks) {
    const why = Object.assign(document.createElement("a"), {
      className: "why-link",
      href: `/why?commune=${code}${state.query ? `&${state.query}` : ""}`,
      textContent: (state.marks[code]?.[2] === 1 ? setup.words.why_first : setup.words.why_not).replace("{name}", said.name),
    });
    line.append(" · ", why);
  }
}

function sayPlace(said) {
  byId("map-said").replaceChildren(said);
}

function goToCard(code) {
  openTab("villages");
  const card = byId(`v-${code}`);
  card?.scrollIntoView({ block: "start" });
  card?.querySelector("h3").focus({ preventScroll: true });
}

function picked(code) {
  mark(code);
  say(code);
  if (WIDE.matches) byId(`v-${code}`)?.scrollIntoView({ block: "nearest" });
}

// --- The map, loaded when it can be seen -----------------------------------------------------------

let mapReady = null;

function startMap() {
  mapReady ??= whileBusy(makeMap());
  return mapReady;
}

async function makeMap() {
  try {
    map = await createMap(byId("map-box"), setup, picked);
    if (chosen) map.choose(chosen);
    await layers.attach(map);
  } catch {
    const sorry = document.createElement("p");
    sorry.className = "why";
    sorry.textContent = setup.words.map_failed;
    byId("map-box").replaceChildren(sorry);
  }
}

if (WIDE.matches) startMap();
WIDE.addEventListener("change", () => WIDE.matches && startMap());

// --- Tabs, link ---------------------------------------------------------------------------------------

function openTab(name) {
  document.body.dataset.tab = name;
  for (const tab of document.querySelectorAll(".tabs a")) {
    if (tab.dataset.tab === name) tab.setAttribute("aria-current", "true");
    else tab.removeAttribute("aria-current");
  }
  if (name === "map") startMap().then(() => map?.fit());
}

document.querySelector(".tabs").addEventListener("click", (event) => {
  const tab = event.target.closest("a");
  if (!tab) return;
  event.preventDefault();
  openTab(tab.dataset.tab);
  window.scrollTo(0, 0);
});

const asked = location.hash.slice(1);
if (document.querySelector(`.tabs a[data-tab="${CSS.escape(asked)}"]`)) openTab(asked);

byId("share").addEventListener("click", async () => {
  const label = byId("share").querySelector("span");
  const before = label.textContent;
  try {
    await navigator.clipboard.writeText(new URL(addressOf(layers.query(state.share)), location.href).href);
    label.textContent = setup.words.share_copied;
    setTimeout(() => (label.textContent = before), COPIED_MS);
  } catch {
    trouble(setup.words.share_failed);
  }
});
