"""The commune that is left, on the pages: as the form shows it, and offered as people type.

What a route is asked is read by :mod:`api.asking`; a name that cannot be told comes back as a fault
with the communes that may be meant.
"""

from __future__ import annotations

from urllib.parse import urlencode

from api.faults import FormError
from api.forms import CITY_LABELS, href
from geo_matcher.origins import FrenchCommune

__all__ = ["choice_links", "origin_text", "suggestion"]


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
