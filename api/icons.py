"""The icons of the pages: a sprite made of Lucide's drawings, from the installed package.

Hides which drawing stands for which of our names, and how Lucide ships them. A page names an icon
by ``<use href="#i-NAME"/>``; the sprite stands once in the page, in ``templates/_icons.html``.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from xml.etree import ElementTree

from lucide import IconDoesNotExist
from lucide.jinja import lucide
from markupsafe import Markup

from geo_matcher.errors import GeoMatcherError

__all__ = ["ICONS", "MissingIconError", "sprite"]

ICONS: Mapping[str, str] = MappingProxyType(
    {
        "alert": "triangle-alert",
        "arrow-left": "arrow-left",
        "book": "book-open",
        "car": "car",
        "culture": "palette",
        "download": "download",
        "external": "external-link",
        "factory": "factory",
        "fibre": "cable",
        "health": "stethoscope",
        "house": "house",
        "info": "info",
        "line": "radio-tower",
        "link": "link",
        "list": "list",
        "mail": "mail",
        "map": "map",
        "music": "music",
        "people": "users",
        "phone": "phone",
        "pin": "map-pin",
        "print": "printer",
        "school": "school",
        "shop": "shopping-basket",
        "sun": "thermometer-sun",
        "talk": "message-square",
        "train": "train-front",
        "water": "waves-horizontal",
        "work": "laptop",
    }
)
"""Our names, and the drawings of Lucide that stand for them."""


class MissingIconError(GeoMatcherError, LookupError):
    """The installed Lucide lacks a drawing."""


@lru_cache(maxsize=1)
def sprite() -> Markup:
    """Return one ``<symbol>`` for each icon, ready to stand inside ``<defs>``.

    Raises
    ------
    MissingIconError
        If the installed Lucide lacks a drawing; the application makes the sprite when it is built,
        so that this shows at once.
    """
    return Markup("\n").join(_symbol(name, drawing) for name, drawing in ICONS.items())


def _symbol(name: str, drawing: str) -> Markup:
    try:
        svg = ElementTree.fromstring(lucide(drawing))
    except IconDoesNotExist:
        raise MissingIconError(
            f"The installed Lucide has no drawing {drawing!r}, which our icon {name!r} needs. "
            "Install the versions of constraints.txt, or name another drawing in api/icons.py."
        ) from None
    symbol = ElementTree.Element("symbol", id=f"i-{name}", viewBox=svg.attrib["viewBox"])
    for shape in svg:
        shape.tail = None
        symbol.append(shape)
    return Markup(ElementTree.tostring(symbol, encoding="unicode").replace(" />", "/>"))
