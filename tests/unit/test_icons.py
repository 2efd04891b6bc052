from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from api import icons
from api.sheets import FLAG_ICONS

API = Path(__file__).parents[2] / "api"


def named_by_the_pages() -> set[str]:
    """Return the icons that templates and scripts name, those put together by the code included."""
    sources = [*API.glob("templates/*.html"), *API.glob("static/*.js"), *API.glob("*.py")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    named = set(re.findall(r"#i-([a-z][a-z-]*[a-z])\b", text))
    named |= set(re.findall(r"""\bicon\(["']([a-z-]+)["']""", text))
    named |= set(re.findall(r"""\bKeyFact\(\s*["']([a-z-]+)["']""", text))
    return named | set(FLAG_ICONS.values())


def test_every_icon_that_a_page_names_is_drawn() -> None:
    named = named_by_the_pages()
    assert {"talk", "pin", "line", "factory", "work"} <= named
    assert named <= set(icons.ICONS)


def test_the_sprite_holds_each_icon_once_and_no_style() -> None:
    sprite = icons.sprite()
    symbols = ElementTree.fromstring(f"<defs>{sprite}</defs>")
    assert [symbol.attrib["id"] for symbol in symbols] == [f"i-{name}" for name in icons.ICONS]
    assert all(symbol.attrib["viewBox"] == "0 0 24 24" and len(symbol) for symbol in symbols)
    assert "style=" not in sprite
    assert "<script" not in sprite
    assert icons.sprite() is sprite


def test_a_drawing_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(icons, "ICONS", {"pin": "no-such-drawing"})
    icons.sprite.cache_clear()
    try:
        with pytest.raises(icons.MissingIconError, match=r"no drawing 'no-such-drawing'.*'pin'"):
            icons.sprite()
    finally:
        icons.sprite.cache_clear()
