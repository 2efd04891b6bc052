"""Which files may be of one household: by mailbox, by telephone, or by a like name and town.

Hides how ten thousand files are compared without comparing every two of them. Files that share a
mailbox or a telephone are found by it. Names are compared only where the towns begin alike and one
word of the name begins or ends alike, in sorted blocks, each with its next neighbours: the work
grows with the number of files, whatever they hold.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from dataclasses import field as detail
from itertools import combinations, product

from sqlalchemy import select
from sqlalchemy.orm import Session

from geo_matcher.dossiers.fields import Draft, email_key, name_key
from geo_matcher.dossiers.records import DossierRow

__all__ = ["Likeness", "Traits", "every_traits", "likenesses", "pairs_alike", "traits_of"]

NAME_ALIKE, TOWN_ALIKE = 88, 85
"""Likeness from 0 to 100 from which two names, and two towns, may be the same."""

PHONE_DIGITS = 9
"""Last digits of a telephone number that two spellings share, with or without +33."""

TOWN_CHARS, EDGE_CHARS = 2, 3
"""First characters that two towns have to share; first or last ones of a word of two names."""

NEIGHBOURS = 300
"""Names of a sorted block that each one is compared with, at least."""

MAX_GROUP = 30
"""Files of one trait that are paired each with each; of a larger group, each with the oldest."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """Two files that may be of one household.

    Attributes
    ----------
    key, other
        The older file, and the younger; ``key`` is empty for a request that is no file yet.
    reasons
        ``email``, ``phone``, ``name``.
    """

    key: str
    other: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Traits:
    """What files are compared by."""

    key: str
    email: str = detail(repr=False)
    phone: str = detail(repr=False)
    name: str = detail(repr=False)
    town: str = detail(repr=False)


def every_traits(session: Session) -> list[Traits]:
    """Return what every file is compared by, the oldest first."""
    rows = session.execute(
        select(
            DossierRow.key, DossierRow.email_key, DossierRow.phone, DossierRow.name_key,
            DossierRow.town,
        )
        .where(DossierRow.merged_into_id.is_(None), DossierRow.anonymised_at.is_(None))
        .order_by(DossierRow.opened_at, DossierRow.id)
    )  # fmt: skip
    return [
        Traits(key, email, _digits(phone), name, name_key(town))
        for key, email, phone, name, town in rows
    ]


def traits_of(draft: Draft, key: str = "") -> Traits:
    """Return what a request is compared by."""
    return Traits(
        key,
        email_key(draft.email),
        _digits(draft.phone),
        name_key(draft.name),
        name_key(draft.town),
    )


def _digits(phone: str) -> str:
    return re.sub(r"\D", "", phone)[-PHONE_DIGITS:]


def likenesses(mine: Traits, others: Iterable[Traits]) -> Iterator[Likeness]:
    """Yield which of some files are like one."""
    for other in others:
        if reasons := _reasons(mine, other):
            yield Likeness(mine.key, other.key, reasons)


def _reasons(one: Traits, other: Traits) -> tuple[str, ...]:
    from rapidfuzz import fuzz

    reasons = [
        reason
        for reason in ("email", "phone")
        if getattr(one, reason) and getattr(one, reason) == getattr(other, reason)
    ]
    if (
        min(len(one.name), len(other.name), len(one.town), len(other.town)) > 0
        and fuzz.ratio(one.town, other.town) >= TOWN_ALIKE
        and fuzz.token_sort_ratio(one.name, other.name) >= NAME_ALIKE
    ):
        reasons.append("name")
    return tuple(reasons)


# --- Every two of many ---------------------------------------------------------------------------


def pairs_alike(traits: Sequence[Traits]) -> list[tuple[int, int, tuple[str, ...]]]:
    """Return the pairs of files that may be of one household, with the reasons.

    Parameters
    ----------
    traits
        What the files are compared by, the oldest first.

    Returns
    -------
    list
        Triples (number of the older one, of the younger one, reasons), in this order. Where more
        than :data:`MAX_GROUP` files share a trait, each is paired with the oldest only.
    """
    found: set[tuple[int, int]] = set()
    for reason in ("email", "phone"):
        for group in _groups((getattr(one, reason), n) for n, one in enumerate(traits)):
            found.update(_paired(group))
    named = _groups(((one.name, one.town), n) for n, one in enumerate(traits))
    for group in named:
        found.update(_paired(group))
    blocks: dict[tuple[str, str], list[int]] = defaultdict(list)
    for number, group in enumerate(named):
        for key in _block_keys(traits[group[0]]):
            blocks[key].append(number)
    firsts = [traits[group[0]] for group in named]
    compared: set[tuple[int, int]] = set()
    for block in blocks.values():
        compared.update(_neighbours_alike(firsts, block))
    for one, other in compared:
        found.update(_crossed(named[one], named[other]))
    return [(a, b, _reasons(traits[a], traits[b])) for a, b in sorted(found)]


def _groups(keyed: Iterable[tuple[str | tuple[str, str], int]]) -> list[list[int]]:
    """Return the files of each trait; those that lack it are in none."""
    groups: dict[str | tuple[str, str], list[int]] = defaultdict(list)
    for key, number in keyed:
        if key and all(key):
            groups[key].append(number)
    return list(groups.values())


def _paired(group: list[int]) -> Iterator[tuple[int, int]]:
    if len(group) <= MAX_GROUP:
        return combinations(group, 2)
    return ((group[0], other) for other in group[1:])


def _crossed(one: list[int], other: list[int]) -> Iterator[tuple[int, int]]:
    """Pair the files of two groups whose names are alike; of large groups, their oldest."""
    if len(one) + len(other) > MAX_GROUP:
        one, other = one[:1], other[:1]
    return ((min(pair), max(pair)) for pair in product(one, other))


def _block_keys(traits: Traits) -> set[tuple[str, str]]:
    """Return the blocks in which a name is compared: a slip seldom touches all of them."""
    town = traits.town[:TOWN_CHARS]
    words = traits.name.split()
    edges = {f"{word[:EDGE_CHARS]}-" for word in words}
    return {(town, edge) for edge in edges | {f"-{word[-EDGE_CHARS:]}" for word in words}}


def _neighbours_alike(firsts: Sequence[Traits], block: list[int]) -> Iterator[tuple[int, int]]:
    """Yield the pairs of a block whose names and towns are alike."""
    import numpy as np
    from rapidfuzz import fuzz, process

    block = sorted(block, key=lambda number: firsts[number].name)
    names = [firsts[number].name for number in block]
    for start in range(0, len(block), NEIGHBOURS):
        near = names[start : start + 2 * NEIGHBOURS]
        alike = process.cdist(
            near[:NEIGHBOURS],
            near,
            scorer=fuzz.token_sort_ratio,
            score_cutoff=NAME_ALIKE,
            dtype=np.uint8,
        )
        for row, column in np.argwhere(np.triu(alike, k=1)).tolist():
            one, other = sorted((block[start + row], block[start + column]))
            if fuzz.ratio(firsts[one].town, firsts[other].town) >= TOWN_ALIKE:
                yield one, other
