"""Two files that may be of one household, side by side, before a person makes one of them.

Hides which of the two stays: the one that is further along, else the older one. What is empty in
it is filled from the other; what differs is chosen field by field.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from api.desk_places import desk_href
from api.desk_words import day_text, field_label, stage_label, value_text
from api.texts import translator
from geo_matcher.dossiers.dossier import Dossier
from geo_matcher.dossiers.fields import FIELDS, Draft, plain_values
from geo_matcher.dossiers.stages import Stage

__all__ = ["MergeField", "MergeView", "kept_and_gone", "merge_view"]

ORDER = [stage for stage in Stage if stage is not Stage.CLOSED]


class MergeField(NamedTuple):
    """A field of both files: ``is_choice`` where both have something and it differs."""

    name: str
    label: str
    kept: str
    gone: str
    is_choice: bool
    is_taken: bool


@dataclass(frozen=True, slots=True)
class MergeView:
    """Two files side by side.

    Attributes
    ----------
    action, back_href
        Where it is sent; the file that it came from.
    kept, gone
        Quadruples (key, version, name, when and where it stands) of the file that stays and of the
        one that goes into it.
    fields
        What stands in each.
    moves
        What moves over, in a sentence.
    """

    action: str
    back_href: str
    kept: tuple[str, int, str, str]
    gone: tuple[str, int, str, str]
    fields: tuple[MergeField, ...]
    moves: str


def kept_and_gone(one: Dossier, other: Dossier) -> tuple[Dossier, Dossier]:
    """Return the file that stays, and the one that goes into it."""

    def how_far(file: Dossier) -> tuple[int, float]:
        place = -1 if file.stage is Stage.CLOSED else ORDER.index(file.stage)
        return place, -file.opened_at.timestamp()

    return (one, other) if how_far(one) >= how_far(other) else (other, one)


def merge_view(
    one: Dossier, other: Dossier, language: str, *, names: Mapping[str, str]
) -> MergeView:
    """Return two files side by side.

    Parameters
    ----------
    one, other
        The files, whole.
    language
        ``fr`` or ``en``.
    names
        Names of communes by code.
    """
    t = translator(language)
    kept, gone = kept_and_gone(one, other)
    mine = plain_values(kept.draft) if kept.draft else {}
    theirs = plain_values(gone.draft) if gone.draft else {}
    empty = plain_values(Draft(name="–"))
    fields = [
        MergeField(
            name,
            field_label(name, language),
            value_text(name, mine.get(name), language, names),
            value_text(name, theirs.get(name), language, names),
            is_choice=mine.get(name) != empty[name] and theirs.get(name) != empty[name],
            is_taken=mine.get(name) == empty[name],
        )
        for name in FIELDS
        if mine.get(name) != theirs.get(name)
    ]

    def said(file: Dossier) -> tuple[str, int, str, str]:
        where = t(
            "desk.lead.stage",
            stage=stage_label(file.stage, language),
            day=day_text(file.stage_since.date(), language),
            opened=day_text(file.opened_at.date(), language),
        )
        return file.key, file.version, file.draft.name if file.draft else file.key, where

    return MergeView(
        action=desk_href(f"/dossiers/{kept.key}/fusion", language),
        back_href=desk_href(f"/dossiers/{one.key}", language),
        kept=said(kept),
        gone=said(gone),
        fields=tuple(fields),
        moves=t(
            "desk.merge.moves",
            notes=len(gone.notes),
            tasks=len(gone.tasks),
            visits=len(gone.visits),
            lists=len(gone.shortlists),
        ),
    )
