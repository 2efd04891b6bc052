// A base map, only when somebody asks for it: until then nothing is asked of another machine.

const IGN =
  "https://data.geopf.fr/wmts?SERVICE=WMTS&REQUEST=GetTile&VERSION=1.0.0" +
  "&LAYER=GEOGRAPHICALGRIDSYSTEMS.PLANIGNV2&STYLE=normal&FORMAT=image/png" +
  "&TILEMATRIXSET=PM&TILEMATRIX={z}&TILEROW={y}&TILECOL={x}";
const OSM = "https://tile.openstreetmap.org/{z}/{x}/{y}.png";

/**
 * Make the base maps.
 * @param words texts of the page's language
 * @param onTrouble called with a sentence when pictures do not come
 */
export function createBaseMaps({ L, map }, words, onTrouble) {
  const kinds = {
    ign: [IGN, { maxZoom: 19 }, words.map_base_ign_credit],
    // OpenStreetMap asks to know which site its pictures are for; the page itself stays untold.
    osm: [OSM, { maxZoom: 19, referrerPolicy: "origin" }, words.map_base_osm_credit],
  };
  const credit = L.control.attribution({ prefix: false, position: "bottomright" });
  let shown = null;

  /** Show one of them, or none. */
  return function choose(kind) {
    shown?.remove();
    credit.remove();
    shown = null;
    map.getContainer().classList.toggle("has-base", kind in kinds);
    if (!(kind in kinds)) return;
    const [address, options, text] = kinds[kind];
    shown = L.tileLayer(address, { ...options, className: "base-tile" });
    let isTold = false;
    shown.on("tileerror", () => {
      if (!isTold) onTrouble(words.map_base_failed);
      isTold = true;
    });
    shown.addTo(map);
    credit.addTo(map).addAttribution(text);
  };
}
