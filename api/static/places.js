// Places on the map, each kind as a letter in a shape. Loaded when somebody asks for some.

const STEP_PX = 17;
const SIZE_PX = 16;

/** Say what a place is, line by line; nothing is read as HTML. */
function lines(sign, places) {
  const box = document.createElement("span");
  const title = document.createElement("b");
  title.textContent = places.length > 1 ? `${sign.label} × ${places.length}` : sign.label;
  const names = [...new Set(places.map((place) => place.name).filter(Boolean))];
  const years = [...new Set(places.map((place) => place.year).filter(Boolean))];
  const rest = [names.join(", "), [places[0].commune, ...years].join(" · "), places[0].note];
  box.append(title);
  for (const line of rest.filter(Boolean)) {
    const part = document.createElement("span");
    part.className = "line";
    part.textContent = line;
    box.append(part);
  }
  return box;
}

/** The letter of a kind in its shape, as an element. */
export function drawSign(sign) {
  const text = document.createElement("span");
  text.className = `sign is-${sign.shape} is-${sign.colour}`;
  const letter = document.createElement("span");
  letter.textContent = sign.letter;
  text.append(letter);
  return text;
}

/**
 * Show kinds of places on a map.
 * @param onPick called with the element that says what a place is, when it is clicked
 */
export function createPlaces({ L, map }, language, onPick) {
  const group = L.layerGroup().addTo(map);
  const known = new Map();
  let wanted = [];

  async function load(name) {
    const answer = await fetch(`/api/v1/places?kind=${name}&lang=${language}`);
    if (!answer.ok) throw new Error(`places: ${answer.status}`);
    const { sets, places } = await answer.json();
    known.set(name, { sign: sets[0], places });
  }

  function draw() {
    group.clearLayers();
    const taken = new Map();
    for (const name of wanted) {
      const { sign, places } = known.get(name);
      for (const [point, here] of byPoint(places)) {
        // Signs at one point, such as a town hall, stand side by side.
        const before = taken.get(point) ?? 0;
        taken.set(point, before + 1);
        const icon = L.divIcon({
          className: "place-mark",
          html: drawSign(sign),
          iconSize: [SIZE_PX, SIZE_PX],
          iconAnchor: [SIZE_PX / 2 - before * STEP_PX, SIZE_PX / 2],
        });
        L.marker([here[0].lat, here[0].lon], { icon, keyboard: false })
          .bindTooltip(() => lines(sign, here), { className: "said-here is-place", opacity: 1 })
          .on("click", () => onPick(lines(sign, here)))
          .addTo(group);
      }
    }
  }

  /** Show some kinds; returns their signs once they are drawn. */
  return async function show(names) {
    wanted = names;
    await Promise.all(names.filter((name) => !known.has(name)).map(load));
    if (wanted !== names) return null; // something else was asked for meanwhile
    draw();
    return names.map((name) => known.get(name).sign);
  };
}

const at = (place) => `${place.lat},${place.lon}`;

function byPoint(places) {
  const found = new Map();
  for (const place of places) {
    if (!found.has(at(place))) found.set(at(place), []);
    found.get(at(place)).push(place);
  }
  return found;
}
