"""What a reader sees is set the way each language wants it: rendered pages, not only catalogues.

French: a no-break space before ``: ; ? ! » % €`` and after ``«``, ``1 234,5`` and ``’``.
English: nothing before punctuation, ``1,234.5``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser

import pytest
from fastapi.testclient import TestClient

from geo_matcher.territory import Territory
from tests.browser.pages import PAGES, Shown

INLINE = frozenset(
    ("a", "abbr", "b", "br", "em", "i", "label", "small", "span", "strong", "sub", "sup")
)
"""Elements that do not end a line of text."""

UNSEEN = frozenset(("script", "style", "sup", "symbol", "title"))
"""Elements whose text is no part of a line; a ``sup`` is the number of a source."""
SPOKEN = ("alt", "aria-label", "content", "placeholder", "title")
"""Attributes that are read out or shown."""

VOID = frozenset(
    ("br", "circle", "col", "hr", "img", "input", "link", "meta", "path", "rect", "use")
)

AS_PUBLISHED = {
    # Names, addresses and licences are written as their owners write them.
    "contact": "address, telephone and site of a town hall",
    "sources": "names of data sets, producers and licences",
    "village-sources": "the same, of one commune",
    "places": "names of places",
    "places-table": "the same, on the map as a table",
    "trace": "where the network is named",
    "address": "the address of a page, printed",
}
"""Classes of the elements whose text comes from a producer, and what it is."""


LICENCES = re.compile(r"\b(?:Licence Ouverte|Open Licence|ODbL) \d\.\d")
"""Licences whose names hold a decimal point."""


class Lines(HTMLParser):
    """The lines of text that a page shows, each with the classes it stands in."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[tuple[str, frozenset[str]]] = []
        self.lines: list[str] = []
        self.pieces: list[str] = []
        self.feed(html)
        self.end_line()

    def end_line(self) -> None:
        text = "".join(self.pieces)
        # As a browser lays it out: runs of ordinary white space are one space.
        text = re.sub(r"[ \t\n\r]+", " ", text).strip(" ")
        if text:
            self.lines.append(text)
        self.pieces = []

    def is_exempt(self) -> bool:
        return any(tag in UNSEEN or classes & AS_PUBLISHED.keys() for tag, classes in self.open)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag not in INLINE:
            self.end_line()
        if tag == "br":
            self.end_line()
        if not self.is_exempt() and tag != "script":
            is_description = tag == "meta" and found.get("name") == "description"
            self.lines += [
                found[name]
                for name in SPOKEN
                if found.get(name) and (tag != "meta" or is_description)
            ]
        if tag not in VOID:
            self.open.append((tag, frozenset(found.get("class", "").split())))

    def handle_endtag(self, tag: str) -> None:
        if tag not in INLINE:
            self.end_line()
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not self.is_exempt():
            self.pieces.append(data)


NUMBER_WORDS = r"(?:min|km²?|m²|ha|habitants?|jours?|€|%)"
FRENCH = {
    r"(?<=\S) [:;?!»%€]": "an ordinary space before : ; ? ! » % €",
    r"[^\W\d_)\]][;?!»]|[^\W\d_](?::(?!//))(?=\s|$)|\d[%€;?!]": "no space before : ; ? ! » % €",
    r"« |«[^\s]": "no no-break space after «",
    r"[^\W_]'|'[^\W_]": "a straight apostrophe",
    r"\.\.\.": "three dots instead of …",
    r"\d\.\d": "a decimal point",
    r"\d \d{3}\b": "an ordinary space between thousands",
    rf"\d {NUMBER_WORDS}(?!\w)": "an ordinary space between a number and its unit",
    r"(?<![\w-])(?!(?:19|20|21)\d\d(?!\d))\d{4,}(?![\w-])": "thousands that are not grouped",
}
ENGLISH = {
    r"(?<=\S)\s[:;?!%](?=\s|$)": "a space before punctuation",
    r"[«»]": "French quotation marks",
    r"\d,\d(?!\d\d)": "a decimal comma",
    r"\d[\u00a0\u202f ]\d{3}\b": "a space between thousands",
    r"\.\.\.": "three dots instead of …",
    r"(?<![\w-])(?!(?:19|20|21)\d\d(?!\d))\d{4,}(?![\w-])": "thousands that are not grouped",
}
MORE = (
    Shown("everything", "/?scope=all&top=100", ""),
    Shown("artist", "/?preset=cultura-artist&scope=all&top=60", ""),
    Shown("many-faults", "/?budget=beaucoup&children=a&max_station_min=abc&colour=1", "", 422),
    Shown("why-first", "/why?commune=32249&preset=bordeaux-shop-online&scope=network", ""),
    Shown("too-few", "/compare?village=32013", "", 422),
)


def names(territory: Territory) -> list[str]:
    """Return the names that hold an apostrophe as their registers write it: not ours to set."""
    found = {str(fact[key]) for fact in territory.facts for key in ("name", "epci")}
    return sorted((name for name in found if "'" in name), key=len, reverse=True)


def faults(html: str, rules: dict[str, str], published: Sequence[str]) -> Iterator[str]:
    """Say what is not set as a language wants it, with the words around."""
    for whole in dict.fromkeys(Lines(html).lines):
        line = LICENCES.sub("licence", whole)
        for name in published:
            line = line.replace(name, name.replace("'", "’"))
        for pattern, what in rules.items():
            for found in re.finditer(pattern, line):
                around = line[max(0, found.start() - 30) : found.end() + 30]
                yield f"{what}: {around!r}"


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize("shown", [*PAGES, *MORE], ids=lambda shown: shown.name)
def test_rendered_pages(
    client: TestClient, territory: Territory, shown: Shown, language: str
) -> None:
    answer = client.get(shown.address(language))
    assert answer.status_code == shown.status
    rules = FRENCH if language == "fr" else ENGLISH
    assert list(faults(answer.text, rules, names(territory))) == []


@pytest.mark.parametrize(
    ("rules", "text"),
    [
        (FRENCH, text)
        for text in (
            "Pourquoi ?", "Pourquoi?", "Source: Insee",
            "« ici\u00a0»", "«\u00a0ici »", "12 %", "12%",
            "12 min", "1.5\u00a0km", "1 650\u00a0€", "165000\u00a0€", "l'eau", "et...",
        )
    ]
    + [
        (ENGLISH, text)
        for text in ("Why ?", "« here »", "1,5 km", "1\u202f650 people", "12500 people", "and...")
    ],
)  # fmt: skip
def test_what_is_badly_set_is_seen(rules: dict[str, str], text: str) -> None:
    assert list(faults(f"<p>Voilà <b>{text}</b></p>", rules, []))


def test_what_is_well_set_is_left_alone() -> None:
    french = (
        "«\u00a0Oui\u00a0»\u00a0: en 2026, 1\u202f234,5\u00a0€, soit 12\u00a0% – l’eau\u00a0! "
        "gers-2026-06 à 9:30"
    )
    assert list(faults(f"<p>{french}</p>", FRENCH, [])) == []
    english = "“Yes”: in 2026, €1,234.5, or 12% – the water! gers-2026-06"
    assert list(faults(f"<p>{english}</p>", ENGLISH, [])) == []
