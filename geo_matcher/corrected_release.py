"""A release with one correction more, or one less.

Hides that both are tables of its source half, described in its catalog, and that what they would do
is seen on a release built elsewhere.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from geo_matcher.build import build_release, describe_table, write_csv
from geo_matcher.corrections import (
    CORRECTIONS_FILE,
    WITHDRAWN_FILE,
    Correction,
    Withdrawal,
    replaced_by,
    with_correction,
    with_withdrawal,
    without_correction,
)
from geo_matcher.errors import DataError
from geo_matcher.release_store import held_release
from geo_matcher.tables import read_table
from geo_matcher.territory import Territory

__all__ = ["record_withdrawal", "set_correction", "withdraw_correction"]


def set_correction(folder: Path, added: Correction, *, is_trial: bool = False) -> Territory:
    """Add a correction to a release, and build it again; one that it replaces stays on record.

    Parameters
    ----------
    folder
        The release, or a store.
    added
        See :func:`geo_matcher.corrections.correct`.
    is_trial
        Whether to build it elsewhere only, to see what it would do.

    Raises
    ------
    DataError
        If it is refused; the release is as it was.
    """

    def add(copy: Path) -> None:
        kept = _kept(copy, "corrections")
        for one in replaced_by(kept, added):
            record_withdrawal(copy, one)
        write_csv(with_correction(kept, added), copy / CORRECTIONS_FILE)
        describe_table(copy, CORRECTIONS_ENTRY)

    return _edited(folder, add, is_trial=is_trial)


def withdraw_correction(
    folder: Path, withdrawn: Withdrawal, *, is_trial: bool = False
) -> Territory:
    """Let the official value count again, keep on record who withdrew what, and build again.

    Parameters
    ----------
    folder
        The release, or a store.
    withdrawn
        See :func:`geo_matcher.corrections.withdraw`.
    is_trial
        Whether to build it elsewhere only, to see what it would do.

    Raises
    ------
    DataError
        If the correction is in force no more, or the build is refused; the release is as it was.
    """

    def take(copy: Path) -> None:
        kept = _kept(copy, "corrections")
        if kept is None:
            raise DataError("This release holds no correction: there is nothing to withdraw.")
        write_csv(without_correction(kept, withdrawn), copy / CORRECTIONS_FILE)
        record_withdrawal(copy, withdrawn)

    return _edited(folder, take, is_trial=is_trial)


def record_withdrawal(folder: Path, withdrawn: Withdrawal) -> None:
    """Keep on record, in a release that is being made, a correction that counts no more."""
    before = _kept(folder, "withdrawn_corrections")
    write_csv(with_withdrawal(before, withdrawn), folder / WITHDRAWN_FILE)
    describe_table(folder, WITHDRAWN_ENTRY)


def _kept(copy: Path, table: str) -> pd.DataFrame | None:
    file = {"corrections": CORRECTIONS_FILE, "withdrawn_corrections": WITHDRAWN_FILE}[table]
    return read_table(copy, file, table) if (copy / file).is_file() else None


def _edited(folder: Path, edit: Callable[[Path], None], *, is_trial: bool) -> Territory:
    if not is_trial:
        return build_release(folder, edit=edit)
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "trial"
        with held_release(folder) as held:
            shutil.copytree(held, copy)
        return build_release(copy, edit=edit)


def _entry(name: str, path: str, **words: str) -> dict[str, str | int]:
    return {
        "name": name,
        "path": path,
        "kind": "source",
        "title_fr": words["title_fr"],
        "title_en": words["title_en"],
        "producer": "town halls and advisers of the network",
        "vintage": words["vintage"],
        "licence": "given by the network for this service",
        "licence_url": "",
        "url": "",
        "quality": "declared",
        "credit_fr": "Mairies et conseillers du réseau",
        "credit_en": "Town halls and advisers of the network",
        "note_fr": words["note_fr"],
        "note_en": words["note_en"],
        "rows": 0,
        "bytes": 0,
        "sha256": "",
    }


CORRECTIONS_ENTRY = _entry(
    "corrections",
    CORRECTIONS_FILE,
    title_fr="Corrections signées, à côté de la valeur officielle",
    title_en="Signed corrections, beside the official value",
    vintage="see day",
    note_fr="Chaque correction dit qui, quand, pourquoi et d’après quoi.",
    note_en="Each correction says who, when, why and after what.",
)
WITHDRAWN_ENTRY = _entry(
    "withdrawn_corrections",
    WITHDRAWN_FILE,
    title_fr="Corrections retirées : la valeur officielle compte de nouveau",
    title_en="Corrections that were withdrawn: the official value counts again",
    vintage="see withdrawn_day",
    note_fr="Chaque retrait dit qui, quand et pourquoi, avec la correction retirée.",
    note_en="Each withdrawal says who, when and why, with the correction that it took back.",
)
