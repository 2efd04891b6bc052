"""A place that opens: what a counterfactual says is what a release rebuilt with it says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from geo_matcher.build import build_release
from geo_matcher.counterfactual import ACTIONS, matrix_after
from geo_matcher.decision import DecisionMatrix, decision_matrix
from geo_matcher.territory import Territory

OPENED = {
    "coworking": "Mirande",
    "telecentre": "Condom",
    "doctor": "Solomiac",
    "grocery": "Auradé",
}
AGAIN = {
    "coworking": "Masseube",
    "telecentre": "Fleurance",
    "bakery": "Auradé",
    "doctor": "Sarrant",
}


def with_places(folder: Path, opened: dict[str, str]) -> None:
    """Add places to the source tables of a release."""
    work, shops, health, halls = (
        pd.read_csv(folder / f"source/{name}.csv", dtype=str, keep_default_na=False)
        for name in ("workplaces", "shops", "health_registered", "town_halls")
    )
    halls = halls.set_index("insee_code")
    for kind, code in opened.items():
        if kind == "doctor":
            health.loc[health["insee_code"] == code, "gp_registered"] = "1"
        elif kind in {"bakery", "grocery"}:
            lon, lat = halls.loc[code, ["town_hall_lon", "town_hall_lat"]]
            shop = {"kind": kind, "insee_code": code, "lon": lon, "lat": lat}
            shops = pd.concat([shops, pd.DataFrame([shop])])
        else:
            row = dict.fromkeys(work.columns, "") | {
                "name": "New",
                "kind": kind,
                "insee_code": code,
                "year": "2026",
                "source": "test",
                "position": "commune only (no published coordinates)",
                "status": "named by the network or the press",
            }
            work = pd.concat([work, pd.DataFrame([row])])
    work.to_csv(folder / "source/workplaces.csv", index=False)
    shops.to_csv(folder / "source/shops.csv", index=False)
    health.to_csv(folder / "source/health_registered.csv", index=False)


@pytest.mark.parametrize("opened", [OPENED, AGAIN])
def test_a_place_that_opens_gives_the_figures_of_a_release_built_with_it(
    territory: Territory, release_copy: Path, opened: dict[str, str]
) -> None:
    codes = {action: territory.find(name) for action, name in opened.items()}
    rebuilt = decision_matrix(build_release(release_copy, edit=lambda at: with_places(at, codes)))
    before = decision_matrix(territory)
    for action, code in codes.items():
        after: DecisionMatrix = matrix_after(territory, action, code)
        for name in ACTIONS[action].criteria:
            column = before.column(name)
            assert not np.array_equal(before.raw[:, column], after.raw[:, column])
            assert np.array_equal(after.raw[:, column], rebuilt.raw[:, column], equal_nan=True)
            assert np.array_equal(after.raw_low[:, column], rebuilt.raw_low[:, column])
            assert np.array_equal(after.values[:, column], rebuilt.values[:, column])
            assert np.array_equal(after.status[:, column], rebuilt.status[:, column])
        others = [before.column(n) for n in before.criteria if n not in ACTIONS[action].criteria]
        assert np.array_equal(before.raw[:, others], after.raw[:, others], equal_nan=True)
