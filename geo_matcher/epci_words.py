"""What a group of communes is called, also where a commune belongs to none.

Hides that the tables leave its name empty there: some islands, and communes that wait for a group.
"""

from __future__ import annotations

__all__ = ["epci_label"]

NONE = {"fr": "sans intercommunalité", "en": "no group of communes"}


def epci_label(name: str, language: str) -> str:
    """Return the name of a group of communes for people, or that there is none.

    Parameters
    ----------
    name
        As the tables have it; empty where the commune belongs to no group.
    language
        ``fr`` or ``en``.
    """
    return name or NONE[language]
