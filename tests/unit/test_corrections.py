"""What the source says by now, beside a correction."""

from __future__ import annotations

import pandas as pd
import pytest

from geo_matcher.corrections import CLOSED, COLUMNS, OPEN, Correction, State, standings

CODE = "32249"
ONE, NEAR, FAR = (0.8773, 43.7298), (0.8779, 43.7302), (0.8773, 43.7398)
"""A bakery, 65 m from it, and a kilometre from it; degrees."""


def in_force(table: str, official: str, value: str = CLOSED) -> pd.DataFrame:
    column = "town_hall_phone" if table == "communes" else OPEN
    place = {"communes": "", "shops": "bakery", "workplaces": "L'Atelier"}[table]
    one = Correction(CODE, table, place, column, value, official, "who", "2026-06-03", "why", "how")
    return pd.DataFrame([[getattr(one, name) for name in COLUMNS]], columns=list(COLUMNS))


def state(table: str, official: str, frame: pd.DataFrame, value: str = CLOSED) -> State:
    name = "communes_source" if table == "communes" else table
    (found,) = standings({"corrections": in_force(table, official, value), name: frame})
    return found.state


def shops(*points: tuple[float, float]) -> pd.DataFrame:
    rows = [("bakery", CODE, lon, lat) for lon, lat in points]
    rows.append(("bakery", "32001", 0.1, 43.0))
    return pd.DataFrame(rows, columns=["kind", "insee_code", "lon", "lat"])


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("05 62 06 00 00", "same"),
        ("0562060000", "same"),
        ("05 62 11 11 11", "agrees"),
        ("05 62 22 22 22", "changed"),
        ("", "changed"),
    ],
)
def test_a_telephone_number(now: str, expected: State) -> None:
    frame = pd.DataFrame({"insee_code": [CODE], "town_hall_phone": [now]})
    assert state("communes", "05 62 06 00 00", frame, "05 62 11 11 11") == expected


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ((ONE,), "same"),
        ((NEAR,), "same"),
        ((FAR,), "changed"),
        ((ONE, FAR), "changed"),
        ((), "agrees"),
    ],
    ids=["as it was", "listed a little aside", "elsewhere", "a second one", "gone"],
)
def test_a_shop_that_opens_elsewhere_is_no_closed_one(
    points: tuple[tuple[float, float], ...], expected: State
) -> None:
    assert state("shops", "0.8773 43.7298", shops(*points)) == expected


def test_two_shops_of_which_one_is_left_are_told() -> None:
    assert state("shops", "0.8773 43.7298; 0.8773 43.7398", shops(ONE)) == "changed"


def test_places_whose_position_was_not_kept_are_open_or_gone() -> None:
    assert state("shops", "yes", shops(FAR)) == "same"
    work = pd.DataFrame({"insee_code": [CODE], "name": ["L'Atelier"]})
    assert state("workplaces", "yes", work) == "same"
    assert state("workplaces", "yes", work.iloc[:0]) == "agrees"


def test_an_id_is_short_and_changes_with_what_is_said() -> None:
    (one,) = standings({"corrections": in_force("shops", "yes"), "shops": shops(ONE)})
    (other,) = standings({"corrections": in_force("shops", "0.1 43.0"), "shops": shops(ONE)})
    assert len(one.correction.id) == 8
    assert one.correction.id != other.correction.id
    assert one.as_dict()["id"] == one.correction.id
