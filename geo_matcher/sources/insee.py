"""Facilities of INSEE's permanent database (BPE): shops, France services houses, doctors.

Hides a national file of one row per facility, 1.5 GB inside a zip, which is streamed; codes of
facilities that changed with the years; and positions that are only roughly known.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from geo_matcher.destinations import DAILY_SERVICES, SHOPS_BOX_MARGIN_KM
from geo_matcher.errors import SourceError
from geo_matcher.sources.delimited import Field, Layout, Where, read_delimited
from geo_matcher.sources.editions import newest
from geo_matcher.sources.licences import LICENCE_OUVERTE
from geo_matcher.sources.source import Area, Edition, Fetch, Fetched, Origin, Source, SourceTable

__all__ = ["SOURCE", "bpe_url"]

PAGE = "https://www.insee.fr/fr/statistiques/8217525?sommaire=8217537"
MEMBER = r"(^|/)BPE\d{2}\.csv$"

SOUND_POSITIONS = ("A", "B")
"""Qualities of a position that is kept: acceptable, good. The others are drawn at random in the
street or the commune, or not stated."""

DECIMALS = 5


@dataclass(frozen=True, slots=True)
class _Nomenclature:
    """What the codes of facilities mean in one edition."""

    shops: dict[str, str]
    france_services: str
    doctor: str

    @property
    def codes(self) -> frozenset[str]:
        """Every code that is read."""
        return frozenset({*self.shops, self.france_services, self.doctor})


_SINCE_2023 = _Nomenclature(
    shops={
        "A203": "bank",
        "A206": "post", "A207": "post", "A208": "post",
        "B104": "supermarket", "B105": "supermarket",
        "B201": "grocery", "B202": "grocery",
        "B204": "fresh_food", "B206": "fresh_food", "B208": "fresh_food",
        "B207": "bakery",
        "B316": "fuel",
        "B324": "bookshop_press", "B325": "bookshop_press",
    },
    france_services="A128",
    doctor="D265",
)  # fmt: skip

NOMENCLATURES = {"2023": _SINCE_2023, "2024": _SINCE_2023, "2025": _SINCE_2023}
"""Codes by edition. Those of before differ (a bakery was B203, a doctor D201): an edition that is
not here is refused, as its codes may mean something else."""

LAYOUT = Layout(
    source="INSEE, BPE",
    fields=(
        Field("AN", into="year"),
        Field("DEPCOM", "code", into="insee_code"),
        Field("TYPEQU", into="facility"),
        Field("QUALITE_XY", into="quality"),
        Field("LONGITUDE", "number", into="lon", missing=("",)),
        Field("LATITUDE", "number", into="lat", missing=("",)),
    ),
)


def bpe_url(year: int) -> str:
    """Return the address of the facilities of a year."""
    return f"https://www.insee.fr/fr/statistiques/fichier/8217525/BPE{year % 100:02d}.zip"


def _editions(_: Fetch, __: str, today: dt.date) -> Iterator[Edition]:
    for year in range(today.year, int(min(NOMENCLATURES)) - 1, -1):
        yield Edition(str(year), (bpe_url(year),))


def _readable_editions(fetch: Fetch, departement: str, today: dt.date) -> Iterator[Edition]:
    """Return the editions whose codes are known: others would be refused, an older one is not."""
    every = _editions(fetch, departement, today)
    yield from (edition for edition in every if edition.name in NOMENCLATURES)


def _collect(fetch: Fetch, area: Area) -> tuple[SourceTable, ...]:
    _, (file,) = newest(
        fetch, _readable_editions, area.departement, expected="zip", source=LAYOUT.source
    )
    # The year is known once the rows are: those of every nomenclature are read.
    rows = read_delimited(
        file,
        LAYOUT,
        where=[
            Where("insee_code", area.with_former(area.known_codes)),
            Where("facility", {code for known in NOMENCLATURES.values() for code in known.codes}),
        ],
        member=MEMBER,
    )
    year = _edition(rows, file)
    known = NOMENCLATURES[year]
    rows = rows[rows["facility"].isin(known.codes)]
    rows["insee_code"] = area.current(rows["insee_code"])
    return (
        _shops(rows, known, area, year, file),
        _france_services(rows, known, area, year, file),
        _doctors(rows, known, area, year, file),
    )


def _edition(rows: pd.DataFrame, file: Fetched) -> str:
    """Return the year of the edition, which all rows state."""
    years: list[str] = sorted(set(rows["year"]))
    if not years:
        raise SourceError(
            f"{LAYOUT.source}: {file.name} holds no shop of the communes that were asked for. "
            "Its codes of facilities may have changed: see docs/data.md."
        )
    if len(years) > 1 or years[0] not in NOMENCLATURES:
        raise SourceError(
            f"{LAYOUT.source}: {file.name}, column 'AN': the edition is {', '.join(years)}, and "
            f"the codes of facilities are known for {', '.join(NOMENCLATURES)}. Compare its code "
            "list with NOMENCLATURES in geo_matcher/sources/insee.py, then add the year."
        )
    return years[0]


def _shops(
    rows: pd.DataFrame, known: _Nomenclature, area: Area, year: str, file: Fetched
) -> SourceTable:
    west, south, east, north = area.box(SHOPS_BOX_MARGIN_KM)
    shops = rows[
        rows["facility"].isin(known.shops)
        & rows["quality"].isin(SOUND_POSITIONS)
        & rows["lon"].between(west, east)
        & rows["lat"].between(south, north)
    ]
    frame = pd.DataFrame(
        {
            "kind": shops["facility"].map(known.shops),
            "insee_code": shops["insee_code"],
            "lon": shops["lon"].round(DECIMALS),
            "lat": shops["lat"].round(DECIMALS),
        }
    )
    absent = sorted(set(DAILY_SERVICES) - set(frame["kind"]))
    if frame.empty:
        raise SourceError(
            f"{LAYOUT.source}: {file.name} has no shop with a sound position in the area (absent: "
            f"{', '.join(absent)}). Check the qualities of its positions, column 'QUALITE_XY'."
        )
    return SourceTable(
        "shops",
        frame.sort_values(["kind", "insee_code", "lat", "lon"], ignore_index=True),
        Origin(
            title_fr="Commerces et services du quotidien",
            title_en="Everyday shops and services",
            **_of_facilities(year),
            note_fr="Seuls les points bien placés sont gardés : ce sont des comptes minimaux, et "
            "une absence ne prouve rien. Autour du département, la table s’arrête à "
            f"{SHOPS_BOX_MARGIN_KM:g} km environ du rectangle qui l’entoure.",
            note_en="Only well-placed points are kept: these are minimum counts, and absence is "
            f"not proof. Around the département the table stops some {SHOPS_BOX_MARGIN_KM:g} km "
            "beyond the box that encloses it.",
        ),
        (file,),
    )


def _france_services(
    rows: pd.DataFrame, known: _Nomenclature, area: Area, year: str, file: Fetched
) -> SourceTable:
    """Return the communes with a house: where it stands needs no good position."""
    found = rows[(rows["facility"] == known.france_services) & rows["insee_code"].isin(area.codes)]
    names = area.communes.set_index("insee_code")["name"]
    codes = sorted(set(found["insee_code"]))
    frame = pd.DataFrame(
        {
            "insee_code": pd.Series(codes, dtype="str"),
            "name": pd.Series([names[code] for code in codes], dtype="str"),
            "source": pd.Series([f"INSEE, BPE {year}, {known.france_services}"] * len(codes),
                                dtype="str"),
        }
    )  # fmt: skip
    return SourceTable(
        "france_services",
        frame,
        Origin(
            title_fr="Communes dotées d’une maison France services",
            title_en="Communes with a France services house",
            **_of_facilities(year),
            note_fr="La table donne la commune, sans adresse ni horaires.",
            note_en="The table gives the commune, with neither address nor opening hours.",
        ),
        (file,),
    )


def _doctors(
    rows: pd.DataFrame, known: _Nomenclature, area: Area, year: str, file: Fetched
) -> SourceTable:
    """Count general practitioners by commune, whatever the quality of their positions."""
    doctors = rows[rows["facility"] == known.doctor]
    counts = doctors.groupby("insee_code").size().sort_index()
    counts = counts[counts.index.isin(area.known_codes)]
    frame = pd.DataFrame(
        {
            "kind": pd.Series(["doctor"] * len(counts), dtype="str"),
            "insee_code": pd.Series(list(counts.index), dtype="str"),
            "amount": counts.to_numpy(dtype="float64"),
            "unit": pd.Series(["general practitioners"] * len(counts), dtype="str"),
            "year": pd.Series([int(year)] * len(counts), dtype="int64"),
            "source": pd.Series([f"INSEE, BPE {year}, {known.doctor}"] * len(counts), dtype="str"),
        }
    )
    return SourceTable(
        "supply",
        frame,
        Origin(
            title_fr="Médecins généralistes par commune",
            title_en="General practitioners by commune",
            **_of_facilities(year),
            note_fr="Un médecin qui exerce en deux communes compte dans chacune. La table ne dit "
            "ni le temps de travail, ni qui prend de nouveaux patients.",
            note_en="A doctor who works in two communes counts in each. The table tells neither "
            "working time nor who takes new patients.",
        ),
        (file,),
    )


def _of_facilities(year: str) -> dict[str, str]:
    """Return what the origins of all these tables have in common."""
    return {
        "producer": "INSEE",
        "vintage": year,
        **LICENCE_OUVERTE,
        "url": PAGE,
        "quality": "measured",
        "credit_fr": f"INSEE, Base permanente des équipements {year}",
        "credit_en": f"INSEE, permanent database of facilities, {year}",
    }


SOURCE = Source("bpe", "INSEE", ("shops", "france_services", "supply"), _collect, _editions)
"""The facilities; ``supply`` counts doctors in the département and around it."""
