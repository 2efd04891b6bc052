"""Names of places as people read them, where an official file has them in capitals.

Hides which words may be put into small letters: those that are the same everywhere ("école
élémentaire publique") and the names of communes, whose spelling the release knows. Every other word
stays as the file has it: nothing says which accents a person's name lost there, nor what is an
abbreviation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from geo_matcher.kept import kept
from geo_matcher.territory import Territory, fold

__all__ = ["commune_spellings", "readable_name", "spellings_of"]

COMMON_WORDS = (
    "agricole campus centre clinique collège école élémentaire établissement "
    "fonctionnelle général hospitalier hôpital institution intercommunal intercommunale local "
    "lycée maternelle médecine pédiatrique physique polyclinique polyvalent primaire privé privée "
    "professionnel public publique réadaptation régional rurale santé site technologique "
    "universitaire "
)
SMALL = frozenset({"d", "de", "des", "du", "en", "et", "l", "la", "le", "les", "sur"})
"""Words that are put into small letters only after a word that is known, or before a commune."""

SPELLINGS: Mapping[str, str] = {fold(word): word for word in COMMON_WORDS.split()}
WORD = re.compile(r"[^\W\d_]+")
LONGEST = 6
"""Words that the name of a commune is looked for in, at most."""


def commune_spellings(names: Iterable[str]) -> dict[str, str]:
    """Return the names of communes by what is left of them in capitals without accents."""
    return {fold(name): name for name in names}


@kept(maxsize=8)
def spellings_of(territory: Territory) -> dict[str, str]:
    """Return those of the communes of a release and around."""
    return commune_spellings(territory.tables["town_halls"]["name"])


def readable_name(name: str, communes: Mapping[str, str]) -> str:
    """Return a name in capitals with its known words in small letters; any other name as it is.

    Parameters
    ----------
    name
        As the source has it, for instance ``CENTRE HOSPITALIER DE MAUVEZIN``.
    communes
        See :func:`commune_spellings`.
    """
    if not name.isupper():
        return name
    words = list(WORD.finditer(name))
    parts: list[str] = []
    end, at = 0, 0
    is_known = False
    while at < len(words):
        between = name[end : words[at].start()]
        taken, text = _known(name, words, at, communes, follows=is_known and len(between) == 1)
        is_known = text is not None
        parts += [
            between,
            name[words[at].start() : words[at + taken - 1].end()] if text is None else text,
        ]
        end, at = words[at + taken - 1].end(), at + taken
    found = "".join([*parts, name[end:]])
    return found[:1].upper() + found[1:]


def _known(
    name: str, words: list[re.Match[str]], at: int, communes: Mapping[str, str], *, follows: bool
) -> tuple[int, str | None]:
    """Return how many words are read together, and their spelling if it is known."""
    for count in range(min(LONGEST, len(words) - at), 0, -1):
        text = fold(name[words[at].start() : words[at + count - 1].end()])
        if text in communes:
            return count, communes[text]
    one = fold(words[at].group())
    if one in SMALL and at + 1 < len(words):
        leads = _known(name, words, at + 1, communes, follows=False)[1] in communes.values()
        return 1, one if follows or leads else None
    return 1, SPELLINGS.get(one)
