"""The commune that is left, on the pages: read as a person types it, and offered as they type.

Hides where names are looked up. A route reads its query with :func:`read_query`; what cannot be
told comes back as a fault with the communes that may be meant.
"""

from __future__ import annotations

from functools import partial
from urllib.parse import urlencode

from api.forms import CITY_LABELS, Asked, FormError, href, parse_query
from geo_matcher.origins import FrenchCommune, resolve_commune
from geo_matcher.territory import Territory

__all__ = ["choice_links", "origin_text", "read_query", "suggestion"]


def read_query(territory: Territory, query: str) -> Asked:
    """Read what a query asks for, the commune that is left by its name if need be.

    Parameters
    ----------
    territory
        The release in service.
    query
        As received, still encoded, without the question mark.

    Raises
    ------
    FormError
        If anything in it cannot be used; all faults are listed.
    """
    return parse_query(query, find_commune=partial(resolve_commune, territory))


def origin_text(answer: str) -> str:
    """Return what the form shows for an answer: a word of the link as the name of its city."""
    return "" if answer == "other" else CITY_LABELS.get(answer, answer)


def choice_links(error: FormError) -> tuple[tuple[str, str], ...]:
    """Return links to the same answers with each commune that may be meant, and its name."""
    return tuple(
        (href(urlencode({**error.fields, fault.key: value}, safe=",:")), label)
        for fault in error.faults
        for value, label in fault.choices
    )


def suggestion(commune: FrenchCommune) -> dict[str, str | int | None]:
    """Return a commune as the API gives it."""
    return {
        "insee_code": commune.insee_code,
        "name": commune.name,
        "departement": commune.departement,
        "label": commune.label,
        "population": commune.population,
        "population_year": commune.population_year,
    }
