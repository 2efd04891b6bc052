"""A newer release to open old links on: one village has less fibre, another lower prices."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from geo_matcher.build import build_release
from geo_matcher.territory import Territory

FIBRE_FELL, PRICE_FELL = "32249", "32147"
"""Mauvezin, first for the family of the presets, and Gimont, sixth."""


def newer_release(
    folder: Path, fibre_fell: str = FIBRE_FELL, price_fell: str = PRICE_FELL
) -> Territory:
    """Change two villages of a copy of the release, and build it anew."""
    return build_release(folder, edit=lambda copy: _change(copy, fibre_fell, price_fell))


def _change(copy: Path, fibre_fell: str, price_fell: str) -> None:
    lines = _read(copy / "source" / "broadband_fixed.csv")
    of_village = lines["insee_code"] == fibre_fell
    for row in lines.index[of_village]:
        lost = int(str(lines.at[row, "mci_best_ftth"])) // 3
        for column, change in (
            ("mci_best_ftth", -lost),
            ("mci_best_fixed_4g", lost),
            ("mci_land_1gbit", -lost),
        ):
            lines.at[row, column] = str(int(str(lines.at[row, column])) + change)
    lines.to_csv(copy / "source" / "broadband_fixed.csv", index=False, lineterminator="\n")
    prices = _read(copy / "source" / "housing_prices_rents.csv")
    prices.loc[prices["insee_code"] == price_fell, "price_m2_mean_2022_2023"] = "900"
    prices.to_csv(copy / "source" / "housing_prices_rents.csv", index=False, lineterminator="\n")


def _read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, keep_default_na=False)
