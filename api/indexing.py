"""What search engines and other sites read of a page: its address, its languages, what it is about.

Hides how absolute addresses come about: from the setting ``GEO_MATCHER_PUBLIC_URL``, else from the
request. Nothing here comes from the sales of homes (``docs/decisions/0012``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from api.rendering import render, script_json
from api.sheets import commune_path, sheets_of
from api.texts import translator
from geo_matcher.kept import kept
from geo_matcher.numbers import LANGUAGES
from geo_matcher.territory import Territory

__all__ = ["HeadView", "card_data", "head_view", "robots_text", "sitemap_xml"]

CLOSED = ("/api/", "/fragments/", "/maps/", "/downloads/")
"""What search engines are asked to leave alone. The page of sales is not here: it has to be read
for its "noindex" to be seen."""


@dataclass(frozen=True, slots=True)
class HeadView:
    """What a page says of itself in its head.

    Attributes
    ----------
    description
        One sentence.
    is_indexed
        Whether search engines may keep it.
    canonical
        Absolute address of the page that counts.
    alternates
        Pairs (language, absolute address); the last is for every other language.
    locale
        Language of the page, as Open Graph writes it.
    """

    description: str
    is_indexed: bool
    canonical: str
    alternates: tuple[tuple[str, str], ...]
    locale: str


def head_view(
    base: str, path: str, language: str, description: str, *, is_indexed: bool
) -> HeadView:
    """Return what a page says of itself.

    Parameters
    ----------
    base
        Where the service is found.
    path
        The page, without its search.
    language
        ``fr`` or ``en``.
    description
        One sentence.
    is_indexed
        Whether search engines may keep it.
    """
    alternates = tuple((one, _absolute(base, path, one)) for one in LANGUAGES)
    return HeadView(
        description=description,
        is_indexed=is_indexed,
        canonical=_absolute(base, path, language),
        alternates=(*alternates, ("x-default", _absolute(base, path, "fr"))),
        locale="fr_FR" if language == "fr" else "en_GB",
    )


def _absolute(base: str, path: str, language: str) -> str:
    return f"{base}{path}" + ("" if language == "fr" else f"?lang={language}")


def card_data(territory: Territory, insee_code: str, base: str, language: str, title: str) -> str:
    """Return what programs read of a commune, in the words of schema.org, as JSON for a script.

    Parameters
    ----------
    territory
        The release in service.
    insee_code
        Code of the commune.
    base
        Where the service is found.
    language
        ``fr`` or ``en``.
    title
        Title of the page.
    """
    row = territory.codes.index(insee_code)
    facts, catalog = territory.facts[row], territory.catalog
    contact = sheets_of(territory, language)[row].contact
    commune: Any = territory.communes.loc[insee_code]
    address = _absolute(base, commune_path(insee_code, facts["name"]), language)
    home = _absolute(base, "/", language)
    place: dict[str, Any] = {
        "@type": ["AdministrativeArea", "City"],
        "@id": f"{base}{commune_path(insee_code, facts['name'])}#commune",
        "name": facts["name"],
        "url": contact.website or address,
        "identifier": {"@type": "PropertyValue", "propertyID": "INSEE", "value": insee_code},
        "geo": {
            "@type": "GeoCoordinates",
            "latitude": round(float(commune["town_hall_lat"]), 5),
            "longitude": round(float(commune["town_hall_lon"]), 5),
        },
        "containedInPlace": {
            "@type": "AdministrativeArea",
            "name": catalog.name_fr if language == "fr" else catalog.name_en,
        },
        "additionalProperty": {
            "@type": "PropertyValue",
            "name": "population",
            "value": facts["population"],
        },
    }
    known = (("address", contact.address), ("telephone", contact.phone_href))
    place |= {name: value for name, value in known if value}
    crumbs = ((translator(language)("site.name"), home), (facts["name"], address))
    return script_json(
        {
            "@context": "https://schema.org",
            "@graph": [
                {
                    "@type": "WebPage",
                    "url": address,
                    "name": title,
                    "inLanguage": language,
                    "about": {"@id": place["@id"]},
                },
                place,
                {
                    "@type": "BreadcrumbList",
                    "itemListElement": [
                        {"@type": "ListItem", "position": at, "name": name, "item": where}
                        for at, (name, where) in enumerate(crumbs, 1)
                    ],
                },
            ],
        }
    )


def robots_text(base: str) -> str:
    """Return what search engines may read, and where the list of pages is."""
    closed = "".join(f"Disallow: {path}\n" for path in CLOSED)
    return f"User-agent: *\n{closed}\nSitemap: {base}/sitemap.xml\n"


@kept(maxsize=4)
def sitemap_xml(territory: Territory, base: str) -> str:
    """Return the list of the pages that may be indexed, in both languages.

    Parameters
    ----------
    territory
        The release in service.
    base
        Where the service is found.
    """
    paths = ["/", *(commune_path(f["insee_code"], f["name"]) for f in territory.facts)]
    pages = [head_view(base, path, "fr", "", is_indexed=True) for path in paths]
    return render("sitemap.xml", "fr", pages=pages, languages=LANGUAGES)
