"""Modules that are loaded when they are first used.

Hides when that is. The advisers' files bring SQLAlchemy and what it needs, some 60 MB that a
service for movers alone never touches: routes name those modules at their top, as any other, and
the first request that uses one loads it.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["Later"]


class Later:
    """Stands for a module until something is taken from it.

    Parameters
    ----------
    name
        Name of the module.
    """

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        """Load the module, unless it is, and take something from it."""
        return getattr(import_module(self._name), attribute)
