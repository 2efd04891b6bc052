"""Reading what a page is asked, names looked up.

Hides that an address may hold names as people type them: the commune that is left, the town that
the minutes of the map lead to. What cannot be told comes back as a fault with what may be meant.
"""

from __future__ import annotations

from functools import partial

from api.forms import Asked, parse_query
from api.map_view import resolved
from geo_matcher.origins import resolve_commune
from geo_matcher.territory import Territory

__all__ = ["read_query"]


def read_query(territory: Territory, query: str) -> Asked:
    """Read what a query asks for.

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
    return resolved(territory, parse_query(query, find_commune=partial(resolve_commune, territory)))
