"""What a release says of a source, or of a kind of place, that it does not hold.

Hides the sentence of each source and how the catalog is kept in step: a source that is absent has a
``[[gap]]`` of its own, which goes when the source is there again. Tables such as ``hubs`` and
``culture`` come from several lists: where one holds nothing of a kind, nobody listed that kind, and
it has a gap too, unless the catalog says that the list is complete. What such a gap leaves out is
missing everywhere, never 0.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType

import tomlkit
from tomlkit.items import AoT

from geo_matcher.catalog import CATALOG_FILE, Catalog, Gap
from geo_matcher.errors import DataError

__all__ = [
    "GAPS_OF_KINDS",
    "NAMES_OF_KINDS",
    "OPTIONAL_SOURCES",
    "SOURCES_OF_KIND",
    "absent_sources",
    "declare_absent",
    "listed_kinds",
]


def _gap(subject: str, text_fr: str, text_en: str) -> Gap:
    return Gap(subject, text_fr, text_en)


OPTIONAL_SOURCES: Mapping[str, Gap] = MappingProxyType(
    {
        "broadband_fixed": _gap(
            "broadband",
            "Les lignes internet ne figurent pas dans cette version : ni fibre, ni cuivre.",
            "Internet lines are not in this release: neither fibre nor copper.",
        ),
        "shops": _gap(
            "shops",
            "Les commerces et services du quotidien ne figurent pas dans cette version.",
            "Everyday shops and services are not in this release.",
        ),
        "workplaces": _gap(
            "workplaces",
            "Coworkings, tiers-lieux et télécentres ne figurent pas dans cette version.",
            "Coworking spaces, third places and telecentres are not in this release.",
        ),
        "france_services": _gap(
            "france_services",
            "Les maisons France services ne figurent pas dans cette version.",
            "France services desks are not in this release.",
        ),
        "schools": _gap(
            "schools",
            "Écoles, collèges et lycées ne figurent pas dans cette version.",
            "Schools are not in this release.",
        ),
        "hospitals": _gap(
            "hospitals",
            "Les hôpitaux ne figurent pas dans cette version.",
            "Hospitals are not in this release.",
        ),
        "health_registered": _gap(
            "practices",
            "Les cabinets médicaux ne figurent pas dans cette version.",
            "Medical practices are not in this release.",
        ),
        "supply": _gap(
            "supply",
            "Combien de médecins exercent dans chaque commune ne figure pas dans cette version.",
            "How many doctors work in each commune is not in this release.",
        ),
        "apl_doctors": _gap(
            "apl",
            "L’accès aux médecins que mesure le ministère (APL) ne figure pas dans cette version.",
            "Access to doctors as the ministry measures it (APL) is not in this release.",
        ),
        "hubs": _gap(
            "hubs",
            "Gares et aéroports ne figurent pas dans cette version.",
            "Stations and airports are not in this release.",
        ),
        "culture": _gap(
            "culture",
            "Cinémas, musées et marchés ne figurent pas dans cette version.",
            "Cinemas, museums and markets are not in this release.",
        ),
        "housing_sales": _gap(
            "housing_sales",
            "Le nombre de ventes de logements ne figure pas dans cette version.",
            "The number of homes sold is not in this release.",
        ),
        "housing_prices_rents": _gap(
            "housing_prices",
            "Les prix et les loyers ne figurent pas dans cette version.",
            "Prices and rents are not in this release.",
        ),
        "housing_medians": _gap(
            "housing_medians",
            "Le prix médian des maisons sur cinq ans ne figure pas dans cette version.",
            "The median price of houses over five years is not in this release.",
        ),
        "incomes": _gap(
            "incomes",
            "Le niveau de vie des habitants ne figure pas dans cette version.",
            "The standard of living of the inhabitants is not in this release.",
        ),
        "density_grid": _gap(
            "density_grid",
            "La grille de densité de l’Insee ne figure pas dans cette version.",
            "INSEE's density grid is not in this release.",
        ),
        "mobile_sites": _gap(
            "mobile_sites",
            "Les antennes de téléphonie mobile ne figurent pas dans cette version.",
            "Mobile phone masts are not in this release.",
        ),
        "climate_projections": _gap(
            "climate",
            "Les projections du climat ne figurent pas dans cette version.",
            "Climate projections are not in this release.",
        ),
        "risks": _gap(
            "risks",
            "Les risques (inondation, industrie, radon) ne figurent pas dans cette version.",
            "Risks (flood, industry, radon) are not in this release.",
        ),
        "road_distance_checks": _gap(
            "checks",
            "Aucune distance publiée ne permet de vérifier les temps de voiture de cette version.",
            "No published distance lets the driving times of this release be checked.",
        ),
        "partners_evidence": _gap(
            "network_traces",
            "Où le réseau est présent ne figure pas dans cette version.",
            "Where the network is present is not in this release.",
        ),
        "french_communes": _gap(
            "french_communes",
            "Les communes de France ne figurent pas dans cette version : d’où l’on vient s’y dit "
            "parmi quelques villes.",
            "The communes of France are not in this release: where one comes from is said among a "
            "few cities.",
        ),
        "origin_cities": _gap(
            "origin_cities",
            "Les grandes villes que l’on quitte ne figurent pas dans cette version.",
            "The big cities that people leave are not in this release.",
        ),
    }
)
"""What is told where a source is absent, by table."""

SOURCES_OF_KIND: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        **dict.fromkeys(
            (
                "bakery", "grocery", "supermarket", "fresh_food", "fuel", "post", "bank",
                "bookshop_press",
            ),
            ("shops",),
        ),
        **dict.fromkeys(("coworking", "third_place", "fablab", "telecentre"), ("workplaces",)),
        **dict.fromkeys(("primary_school", "college", "lycee"), ("schools",)),
        **dict.fromkeys(("station", "airport"), ("hubs",)),
        **dict.fromkeys(
            ("cinema", "museum", "weekly_market", "plus_beaux_villages"), ("culture",)
        ),
        "france_services": ("france_services",),
        "hospital": ("hospitals",),
        "doctor": ("supply", "health_registered"),
        "network_trace": ("partners_evidence",),
    }
)  # fmt: skip
"""Tables any of which the places of a kind come from."""


NAMES_OF_KINDS: Mapping[tuple[str, ...], tuple[str, str]] = MappingProxyType(
    {
        ("station",): ("les gares", "stations"),
        ("airport",): ("les aéroports", "airports"),
        ("cinema",): ("les cinémas", "cinemas"),
        ("museum",): ("les musées", "museums"),
        ("weekly_market",): ("les marchés", "markets"),
        ("plus_beaux_villages",): (
            "les Plus Beaux Villages de France", "the Plus Beaux Villages de France"
        ),
        ("coworking", "third_place", "fablab"): (
            "les coworkings et tiers-lieux", "coworking spaces and third places"
        ),
        ("telecentre",): ("les télécentres", "telecentres"),
        ("primary_school",): ("les écoles", "primary schools"),
        ("college",): ("les collèges", "collèges"),
        ("lycee",): ("les lycées", "lycées"),
        ("bakery",): ("les boulangeries", "bakeries"),
        ("grocery",): ("les épiceries", "groceries"),
        ("supermarket",): ("les supermarchés", "supermarkets"),
        ("fresh_food",): ("les boucheries et primeurs", "butchers and greengrocers"),
        ("fuel",): ("les stations-service", "petrol stations"),
        ("post",): ("les bureaux de poste", "post offices"),
        ("bank",): ("les banques", "banks"),
        ("bookshop_press",): ("les librairies et la presse", "bookshops and newsagents"),
    }
)  # fmt: skip
"""What kinds of places are called in a sentence, French then English. Those that stand together
will do for one another, so that one of them is enough."""


def _first_capital(words: str) -> str:
    return words[:1].upper() + words[1:]


GAPS_OF_KINDS: Mapping[tuple[str, ...], Gap] = MappingProxyType(
    {
        kinds: _gap(
            kinds[0],
            f"{_first_capital(fr)} ne figurent pas dans cette version.",
            f"{_first_capital(en)} are not in this release.",
        )
        for kinds, (fr, en) in NAMES_OF_KINDS.items()
    }
)
"""What is told where a table is there and holds none of these kinds."""


def absent_sources(tables: Collection[str]) -> tuple[str, ...]:
    """Return the optional sources that are not among some tables."""
    return tuple(name for name in OPTIONAL_SOURCES if name not in tables)


def listed_kinds(found: Iterable[str], catalog: Catalog) -> frozenset[str]:
    """Return the kinds of places that somebody listed.

    Parameters
    ----------
    found
        Kinds of the places of the release.
    catalog
        Its catalog, which may call the list of a kind complete even where it is empty.

    Raises
    ------
    DataError
        If it calls complete what is no kind of place.
    """
    complete = {kind for table in catalog.tables for kind in table.kinds_listed_whole}
    if strange := sorted(complete - SOURCES_OF_KIND.keys()):
        raise DataError(
            f"catalog.toml: complete_kinds names {', '.join(strange)}, which is no kind of place. "
            f"There are: {', '.join(SOURCES_OF_KIND)}."
        )
    return frozenset(found) | complete


def declare_absent(folder: Path, listed: Collection[str]) -> None:
    """Let the catalog of a release have one gap for each source, or kind, that it does not hold.

    Parameters
    ----------
    folder
        The release. Gaps of other subjects, comments and order are kept.
    listed
        See :func:`listed_kinds`.
    """
    catalog = Catalog.read(folder)
    described = [table.name for table in catalog.tables if table.kind == "source"]
    gaps = [
        *(OPTIONAL_SOURCES[name] for name in absent_sources(described)),
        *(
            gap
            for kinds, gap in GAPS_OF_KINDS.items()
            if any(table in described for kind in kinds for table in SOURCES_OF_KIND[kind])
            and not any(kind in listed for kind in kinds)
        ),
    ]
    wanted = {gap.subject: gap for gap in gaps}
    ours = {gap.subject for gap in (*OPTIONAL_SOURCES.values(), *GAPS_OF_KINDS.values())}
    found = {gap.subject for gap in catalog.gaps} & ours
    if found == wanted.keys():
        return
    path = folder / CATALOG_FILE
    document = tomlkit.parse(path.read_text(encoding="utf-8"))
    old = document.get("gap")
    kept = [gap for gap in (old if isinstance(old, AoT) else []) if gap["subject"] not in ours]
    document["gap"] = _array([*kept, *map(_entry, wanted.values())])
    path.write_text(tomlkit.dumps(document), encoding="utf-8")


def _entry(gap: Gap) -> tomlkit.items.Table:
    entry = tomlkit.table()
    for key, value in asdict(gap).items():
        entry[key] = value
    entry.add(tomlkit.nl())
    return entry


def _array(entries: Iterable[tomlkit.items.Table]) -> AoT:
    array = tomlkit.aot()
    for entry in entries:
        array.append(entry)
    return array
