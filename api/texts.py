"""Every word that the pages say on their own, in French and in English.

Hides the gettext catalogues (``locales/<language>/LC_MESSAGES/messages.po``) and French
typography: texts are written with ordinary spaces, and come out with the no-break ones that French
wants. Labels of criteria, families and presets are the library's. A test holds the two catalogues
together, and finds what no page uses any more.
"""

from __future__ import annotations

import gettext
import io
import re
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from pathlib import Path
from types import MappingProxyType

from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from geo_matcher.criteria import CRITERIA
from geo_matcher.towns import served

__all__ = [
    "LOCALES",
    "NBSP",
    "Translate",
    "artists_word",
    "catalogue",
    "criterion_label",
    "french_spaces",
    "track_label",
    "translator",
    "typeset",
]

Translate = Callable[..., str]
"""Takes a key of the catalogues and the values of its placeholders, returns the text.

With ``count`` (a whole number), the text that fits one or several."""

LOCALES = Path(__file__).parent / "locales"
"""One folder for each language, as gettext wants them."""

NBSP = "\u00a0"
_UNITS = r"(?:min|km²?|m²|ha|habitants?)(?!\w)"
_KEPT = re.compile(
    rf" (?=[:;?!»%€°])|(?<=\d)(?<!\d{{4}}) (?=\d{{3}}(?!\d))|(?<=[\d}}]) (?={_UNITS})"
)
"""Spaces at which no line may end: before punctuation, inside a number, before its unit. A number
may still be a placeholder."""

_BEFORE_ENGLISH = re.compile(r" (?=[:;?!](?:\s|$))")


def french_spaces(text: str) -> str:
    """Put no-break spaces where French typography wants them."""
    return _KEPT.sub(NBSP, text).replace("« ", f"«{NBSP}")


def typeset(text: str, language: str) -> str:
    """Give a text of the library or of the catalog the typography of its language."""
    if language == "fr":
        return french_spaces(text).replace("'", "’")
    return _BEFORE_ENGLISH.sub("", text)


def criterion_label(name: str, language: str) -> str:
    """Return the name of a criterion."""
    criterion = CRITERIA[name]
    return typeset(criterion.label_fr if language == "fr" else criterion.label_en, language)


@lru_cache(maxsize=4)
def catalogue(language: str) -> Mapping[str, tuple[str, ...]]:
    """Return the texts of a language as written, by key: one, or those for one and for several.

    Parameters
    ----------
    language
        ``fr`` or ``en``.
    """
    return MappingProxyType(
        {
            message.id if isinstance(message.id, str) else message.id[0]: _forms(message)
            for message in _read(language)
            if message.id
        }
    )


def _read(language: str) -> Catalog:
    with (LOCALES / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale=language)


def _forms(message: Message) -> tuple[str, ...]:
    text = message.string or ""
    return (text,) if isinstance(text, str) else tuple(text)


@lru_cache(maxsize=4)
def _translations(language: str) -> gettext.GNUTranslations:
    """Return the catalogue of a language as gettext reads it, typography put in."""
    found = _read(language)
    for message in found:
        if message.id and language == "fr":
            forms = tuple(map(french_spaces, _forms(message)))
            message.string = forms[0] if isinstance(message.id, str) else forms
    compiled = io.BytesIO()
    write_mo(compiled, found)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def _translate(language: str, key: str, /, *, count: int | None = None, **values: object) -> str:
    text = _text(language, key) if count is None else _counted(language, key, count)
    if _OF_TERRITORY.search(text):
        text = _OF_TERRITORY.sub(lambda found: _territory_word(found[1], language), text)
    return text.format(**values) if values else text


_OF_TERRITORY = re.compile(
    r"\{(network_name|track_name|artists_track|in_territory|advisers(?:_unnamed|_short)?)\}"
)
"""Words that the territory in service puts into a text, wherever it is written."""


ADVISERS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "advisers": ("conseillers du réseau {name}", "advisers of the {name} network"),
        "advisers_unnamed": ("conseillers du réseau", "network's advisers"),
        "advisers_short": ("conseillers", "advisers"),
    }
)
"""Who reads what a person sends, where there is a network; elsewhere whoever runs it does."""


def _territory_word(name: str, language: str) -> str:
    about, french = served(), language == "fr"
    if name == "in_territory":
        return about.names.in_fr if french else f"in {about.names.the_en}"
    if name in ADVISERS:
        if about.network is None:
            return "responsables de ce service" if french else "people who run this service"
        word = ADVISERS[name][0 if french else 1].format(name=about.network.name)
    elif name == "artists_track":
        word = about.artists_track
    elif about.network is not None:
        word = about.network.name
    elif name == "track_name":
        word = "Tous métiers" if french else "Any trade"
    else:
        word = "d’accueil" if french else "local"
    return word.replace("{", "").replace("}", "")


def track_label(track: str, language: str) -> str:
    """Return what a track of the network is called; that for artists may be one it has not."""
    is_none = track == "cultura" and not served().artists_track
    return translator(language)("track.none" if is_none else f"track.{track}")


def artists_word(language: str) -> str:
    """Return in a word the track for artists, also where the network has none."""
    t = translator(language)
    return served().artists_track or t("track.artists")


@lru_cache(maxsize=4096)
def _text(language: str, key: str) -> str:
    text = _translations(language).gettext(key)
    if text == key:
        raise KeyError(key)
    return text


def _counted(language: str, key: str, count: int) -> str:
    text = _translations(language).ngettext(key, key, count)
    if text == key:
        raise KeyError(key)
    return text


@lru_cache(maxsize=4)
def translator(language: str) -> Translate:
    """Return the function that gives the texts of a language.

    The function raises ``KeyError`` for a key that the catalogue does not have.
    """
    return partial(_translate, language)
