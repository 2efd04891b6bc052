"""Tables that a release may have and the shipped one has not, invented for a test."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import tomlkit

from geo_matcher.build import build_release


def add_apl(folder: Path, consultations: Mapping[str, float]) -> None:
    """Give a release a published accessibility to doctors for a few communes."""
    rows = pd.DataFrame(
        {
            "insee_code": list(consultations),
            "apl_consultations": list(consultations.values()),
            "year": 2023,
        }
    )

    def edit(copy: Path) -> None:
        rows.to_csv(copy / "source/apl_doctors.csv", index=False, lineterminator="\n")
        path = copy / "catalog.toml"
        document = tomlkit.parse(path.read_text(encoding="utf-8"))
        entry = tomlkit.table()
        entry.update(
            {
                "name": "apl_doctors",
                "path": "source/apl_doctors.csv",
                "kind": "source",
                "title_fr": "Accessibilité aux médecins, inventée",
                "title_en": "Access to doctors, invented",
                "producer": "a test",
                "vintage": "2023",
                "licence": "none",
                "licence_url": "",
                "url": "",
                "quality": "estimated",
                "credit_fr": "inventé pour un test",
                "credit_en": "invented for a test",
                "note_fr": "Inventé.",
                "note_en": "Invented.",
                "rows": 0,
                "bytes": 0,
                "sha256": "",
            }
        )
        document["table"].append(entry)
        path.write_text(tomlkit.dumps(document), encoding="utf-8")

    build_release(folder, edit=edit)


def without_cinemas(folder: Path) -> None:
    """Take the cinemas out of a release."""

    def edit(copy: Path) -> None:
        path = copy / "source/culture.csv"
        rows = pd.read_csv(path, dtype=str, keep_default_na=False)
        rows[rows["kind"] != "cinema"].to_csv(path, index=False, lineterminator="\n")

    build_release(folder, edit=edit)
