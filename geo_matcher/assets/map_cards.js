/* Cards of communes and places on a Leaflet map: what they say, and where they find room.
 *
 * Every text of the data reaches the page through textContent, never through innerHTML.
 * `drawing.choose` marks the commune of the open card on the map, or none for null; `fillOf` and
 * `typeSign` are the colour of a commune's score and the sign of a type, as the map draws them. */
const matchText = {
  make(tag, className, ...content) {
    const node = document.createElement(tag);
    if (className) node.className = className;
    node.append(...content); // strings become text nodes
    return node;
  },
  fill: (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]),
  tenths: (n, decimal) => (n / 10).toFixed(1).replace(".", decimal),
};

function matchCards(map, data, drawing) {
  "use strict";
  const { ground, result, page } = data;
  const { choose, fillOf, typeSign } = drawing;
  const { make, fill } = matchText;
  const { words } = page;
  const container = map.getContainer();
  const root = document.documentElement;
  const tenths = (n) => matchText.tenths(n, words.decimal);

  let opened = null;
  let returnFocus = null;

  function openCard(card, latlng, onClose) {
    map.closePopup();
    root.classList.add("gm-open"); // on a phone it gives the card the room of the panels
    map.invalidateSize({ pan: false });
    const width = Math.min(320, map.getSize().x - 24) - 1; // Leaflet adds one
    const popup = L.popup({
      autoPan: false,
      maxWidth: width,
      minWidth: width,
      maxHeight: Math.max(160, Math.min(470, map.getSize().y - 64)),
    });
    popup.setLatLng(latlng).setContent(card).openOn(map);
    const close = popup.getElement().querySelector(".leaflet-popup-close-button");
    close.setAttribute("aria-label", words.close);
    close.title = words.close;
    popup.getElement().setAttribute("role", "dialog");
    popup.getElement().addEventListener("keydown", (event) => {
      if (event.key === "Escape") popup.close();
    });
    popup.on("remove", () => {
      root.classList.remove("gm-open");
      opened = null;
      onClose();
      if (returnFocus) returnFocus.focus();
      returnFocus = null;
    });
    opened = popup;
    reveal(popup);
    return popup;
  }

  // Moves the map so that a card lies inside it and under no panel.
  function reveal(popup) {
    const box = popup.getElement().getBoundingClientRect();
    const frame = container.getBoundingClientRect();
    const room = 10;
    let dx = Math.max(0, frame.left + room - box.left) - Math.max(0, box.right - frame.right + room);
    let dy = Math.min(0, frame.bottom - room - box.bottom);
    dy = Math.max(dy, frame.top + room - box.top);
    const panels = [...document.querySelectorAll(".gm-panel, .gm-layers, .leaflet-bar")];
    for (const panel of panels.map((node) => node.getBoundingClientRect())) {
      const outside = panel.top >= frame.bottom || panel.bottom <= frame.top;
      const across = panel.right > box.left + dx && panel.left < box.right + dx;
      const along = panel.bottom > box.top + dy && panel.top < box.bottom + dy;
      if (outside || !across || !along) continue;
      const right = panel.right + room - box.left;
      const left = panel.left - room - box.right;
      const up = panel.top - room - box.bottom;
      const down = panel.bottom + room - box.top;
      const ways = [];
      if (box.right + right <= frame.right) ways.push([right, dy]);
      if (box.left + left >= frame.left) ways.push([left, dy]);
      if (box.top + up >= frame.top) ways.push([dx, up]);
      if (box.bottom + down <= frame.bottom) ways.push([dx, down]);
      const cost = ([x, y]) => Math.abs(x - dx) + Math.abs(y - dy);
      ways.sort((a, b) => cost(a) - cost(b));
      if (ways.length) [dx, dy] = ways[0];
    }
    if (Math.abs(dx) + Math.abs(dy) > 1) map.panBy([-dx, -dy], { duration: 0.2 });
  }

  function openCommune(row, latlng) {
    const popup = openCard(communeCard(row), latlng, () => choose(null));
    choose(row);
    return popup;
  }

  function communeCard(row) {
    const card = make("article", "gm-card");
    const about = `${ground.epcis[ground.epci[row]]} · ${ground.people[row]}`;
    card.append(make("h2", "", ground.names[row]), make("p", "gm-sub", about));
    const score = make("p", "gm-score", make("b", "", tenths(result.score[row])), words.of_100);
    if (result.rank[row]) {
      const swatch = make("i", "");
      swatch.style.background = fillOf(row);
      score.prepend(swatch);
      const place = fill(words.rank, { rank: result.rank[row], count: page.count });
      score.append(` · ${place}${result.tied[row] ? `, ${words.tied}` : ""}`);
    }
    card.append(score);
    if (result.range[row]) card.append(make("p", "gm-faint", result.range[row]));
    const misses = result.out[row];
    if (misses) {
      const list = make("div", "gm-out excluded", make("b", "", words.excluded));
      misses.forEach((miss) => list.append(make("p", "", miss)));
      card.append(list);
    } else if (!result.rank[row]) {
      card.append(make("p", "gm-out", fill(words.out_of_scope, { scope: page.scope })));
    }
    const evidence = ["", "partner_sourced", "partner_reconstructed"][ground.partner[row]];
    if (evidence) card.append(make("p", "gm-faint", words[evidence]));
    card.append(make("p", "", result.summary[row]));
    const kind = ground.types[ground.type[row]];
    if (kind) {
      const line = make("p", "gm-type", typeSign(kind), make("span", "", kind[1]));
      card.append(make("h3", "", words.commune_type), line);
    }
    if (ground.flags[row].length) {
      const flags = make("ul", "gm-flags");
      ground.flags[row].forEach((flag) => flags.append(make("li", "", ground.flagTexts[flag])));
      card.append(make("h3", "", words.flags), flags);
    }
    card.append(ledger(row));
    const unknown = [result.missing[row], ...result.notes[row].map((n) => result.noteTexts[n])];
    if (unknown.some(Boolean)) {
      card.append(make("h3", "", words.missing), make("p", "", unknown.filter(Boolean).join(" ")));
    }
    return card;
  }

  function ledger(row) {
    const heads = [words.criterion, words.figure, words.points].map((text) => {
      const head = make("th", "", text);
      head.scope = "col";
      return head;
    });
    const body = make("tbody", "");
    result.labels.forEach((label, k) => {
      const head = make("th", "", label);
      head.scope = "row";
      const earned = `${tenths(result.points[k][row])} / ${tenths(result.maxima[k])}`;
      body.append(make("tr", "", head, make("td", "", result.figures[k][row]), make("td", "", earned)));
    });
    const caption = make("caption", "", words.ledger);
    return make("table", "gm-ledger", caption, make("thead", "", make("tr", "", ...heads)), body);
  }

  function placeCard(symbol, titles, commune, note) {
    const card = make("article", "gm-card");
    card.append(make("h2", "", symbol.label), make("p", "gm-sub", commune));
    const list = make("div", "");
    titles.filter((title) => title && title !== commune).forEach((title) => list.append(make("p", "", title)));
    if (list.childNodes.length) card.append(list);
    if (note) card.append(make("p", "gm-faint", note));
    return card;
  }

  return {
    openCard,
    openCommune,
    placeCard,
    isOpen: () => opened !== null,
    // Where focus goes when the open card is closed.
    giveBackFocus: (node) => { returnFocus = node; },
  };
}
