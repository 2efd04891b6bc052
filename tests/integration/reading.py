"""Reading pages back: their elements, their state, and what their forms send."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlencode

import httpx2


class Elements(HTMLParser):
    """Every element of a page with its attributes, and the text of those that hold only text."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self.feed(html)

    def updatepos(self, i: int, j: int) -> int:  # noqa: ARG002 - what it overrides counts lines
        return j

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":  # so that what follows is not taken for a part of it
            self.found.append(("/form", {}))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def all(self, tag: str, **wanted: str) -> list[dict[str, str]]:
        return [
            attributes
            for found, attributes in self.found
            if found == tag and all(attributes.get(k.rstrip("_")) == v for k, v in wanted.items())
        ]

    @property
    def text(self) -> str:
        return re.sub(r"[ \n]+", " ", "".join(self.texts))


def sent_by(html: str, form: str = "profile") -> str:
    """Return the query that a browser without scripts sends when a form is submitted."""
    page = Elements(html)
    fields: list[tuple[str, str]] = []
    select = inside = ""
    chosen: dict[str, str] = {}
    for tag, attributes in page.found:
        if tag in {"form", "/form"}:
            inside = attributes.get("id", "")
        if tag == "datalist":
            select = ""  # what it offers is sent only once it stands in its field
        is_own = attributes.get("form", inside) == form
        if tag == "select":
            select = attributes["name"] if is_own else ""
        if tag == "option" and select and (select not in chosen or "selected" in attributes):
            chosen[select] = attributes["value"]
        if tag != "input" or not is_own:
            continue
        if attributes.get("name"):
            is_ticked = attributes.get("type") not in {"radio", "checkbox"}
            if is_ticked or "checked" in attributes:
                fields.append((attributes["name"], attributes.get("value", "")))
    return urlencode([*fields, *chosen.items()])


def state_of(html: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="state">(.*?)</script>', html, re.DOTALL)
    assert found
    state: dict[str, Any] = json.loads(found[1])
    return state


def names_of(html: str) -> list[str]:
    return re.findall(
        r'<h3 id="n-\d[\dAB]\d{3}" tabindex="-1"><a href="[^"]*">([^<]*)</a></h3>', html
    )


def simple(text: str) -> str:
    """Return a text without the typography that French pages add."""
    return text.replace("\u00a0", " ").replace("’", "'")


def ok(response: httpx2.Response) -> str:
    assert response.status_code == 200, response.text[:500]
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    return str(response.text)
