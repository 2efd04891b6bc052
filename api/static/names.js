// Names on the map: towns of the département, cities beyond its edge, and the neighbours around, so
// that the map can be read without any base map.

const DOT_PX = [1.2, 2, 3.2];

/** Write the names; returns what to call when the map has moved or changed its size. */
export function addNames({ L, map }, setup) {
  map.createPane("around").style.zIndex = 350; // under the communes
  const renderer = L.svg({ pane: "around", padding: 0.5 });
  for (const [lat, lon, size] of setup.around) {
    L.circleMarker([lat, lon], {
      renderer, pane: "around", radius: DOT_PX[size], className: "neighbour", stroke: false, interactive: false,
    }).addTo(map);
  }

  function label(kind, side, lat, lon, name) {
    const text = document.createElement("span");
    text.textContent = name;
    const icon = L.divIcon({ className: `${kind} is-${side}`, html: text, iconSize: null });
    L.marker([lat, lon], { icon, interactive: false, keyboard: false }).addTo(map);
    return text;
  }
  const [[, west], [, east]] = setup.bounds;
  const middle = (west + east) / 2;
  const cities = setup.cities.map((city) => ({
    at: city.at,
    text: label("city", city.side, city.lat, city.lon, `${city.name} ${city.arrow}`),
  }));
  const labels = [
    ...cities.map((city) => city.text),
    ...setup.towns.map((town) => label("town", town.side, town.lat, town.lon, town.name)),
    ...setup.around
      .filter(([, , , name]) => name)
      .map(([lat, lon, size, name]) => {
        const side = lon < middle ? "left" : "right"; // away from the département
        return label(`town is-around is-size-${size}`, side, lat, lon, name);
      }),
  ];

  /** Hide arrows to what is in sight, and names that would run into one already written. */
  function declutter() {
    const sight = map.getBounds();
    for (const { at, text } of cities) {
      text.parentElement.classList.toggle("is-in-sight", sight.contains(at));
    }
    const frame = map.getContainer().getBoundingClientRect();
    const written = [];
    for (const text of labels) {
      if (text.parentElement.classList.contains("is-in-sight")) continue;
      const own = text.getBoundingClientRect();
      const isCrowded = written.some(
        (other) =>
          own.left < other.right + 4 && own.right + 4 > other.left &&
          own.top < other.bottom && own.bottom > other.top,
      );
      const isCut =
        own.right > frame.right - 2 || own.left < frame.left + 2 ||
        own.bottom > frame.bottom - 2 || own.top < frame.top + 2;
      text.parentElement.classList.toggle("is-crowded", isCrowded || isCut);
      if (!isCrowded && !isCut) written.push(own);
    }
  }
  map.on("zoomend viewreset moveend", () => requestAnimationFrame(declutter));
  return declutter;
}
