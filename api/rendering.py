"""Templates turned into HTML, and data turned into JSON that may stand inside HTML.

Hides Jinja and how text is escaped: everything that a template writes out is, always.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from api.assets import asset
from api.icons import sprite
from api.texts import translator

__all__ = ["render", "script_json"]

NOT_IN_SCRIPTS = "<>&\u2028\u2029"
"""Characters that could end a ``<script>`` element or a line of JavaScript."""


def script_json(content: Any) -> str:
    """Return JSON that can stand inside a ``<script>`` element."""
    text = orjson.dumps(content).decode()
    for character in NOT_IN_SCRIPTS:
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


@lru_cache(maxsize=1)
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals |= {"asset": asset, "sprite": sprite}
    return environment


def render(template: str, language: str, **values: Any) -> str:
    """Write out a template; ``t`` in it gives the texts of the language."""
    return (
        _environment()
        .get_template(template)
        .render(t=translator(language), language=language, **values)
    )
