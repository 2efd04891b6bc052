"""What a link remembers, and what is said to have moved since."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from geo_matcher.decision import DecisionMatrix, decision_matrix
from geo_matcher.errors import DataError
from geo_matcher.matching import NAMES, Ranking, rank
from geo_matcher.presets import PRESETS
from geo_matcher.profile import Profile, parse_profile
from geo_matcher.snapshot import (
    REMEMBERED,
    Move,
    Since,
    Snapshot,
    changes_since,
    decode,
    encode,
    method_mark,
    snapshot,
)
from geo_matcher.territory import Territory

FAMILY = PRESETS["paris-web-family"].profile
OLD = "gers-2026-03-000000000000"


@pytest.fixture(scope="module")
def ranking(territory: Territory) -> Ranking:
    return rank(territory, FAMILY, "partners")


@pytest.fixture(scope="module")
def older(ranking: Ranking) -> Snapshot:
    return dataclasses.replace(snapshot(ranking), release=OLD)


def since(seen: Snapshot, ranking: Ranking) -> Since:
    found = changes_since(seen, ranking)
    assert found is not None
    return found


def with_figure(ranking: Ranking, code: str, criterion: str, figure: float) -> Ranking:
    """Return the same ranking with one other figure."""
    known = decision_matrix(ranking.territory)
    raw, low = known.raw.copy(), known.raw_low.copy()
    row, k = known.codes.index(code), NAMES.index(criterion)
    raw[row, k] = low[row, k] = figure
    matrix = DecisionMatrix.from_figures(known.codes, raw, low, known.status)
    return rank(ranking.territory, ranking.profile, ranking.scope, matrix=matrix)


def test_a_link_of_the_same_release_has_nothing_to_say(ranking: Ranking) -> None:
    assert changes_since(snapshot(ranking), ranking) is None


def test_a_new_release_without_changes_says_that_all_is_the_same(
    older: Snapshot, ranking: Ranking
) -> None:
    found = since(older, ranking)
    assert found.is_same_method
    assert (found.release_then, found.release_now) == (OLD, ranking.territory.release_id)
    assert {village.move for village in found.villages} == {Move.SAME}
    assert all(village.changes == () for village in found.villages)
    assert found.entered == ()


def test_a_figure_that_fell_explains_the_fall(older: Snapshot, ranking: Ranking) -> None:
    code = older.villages[1].insee_code
    now = with_figure(ranking, code, "house_price_eur_m2", 3000.0)
    fallen = since(older, now).villages[1]
    assert fallen.move is Move.LEFT
    assert fallen.rank_now is not None
    assert fallen.rank_now > REMEMBERED
    assert [change.criterion for change in fallen.changes or ()] == ["house_price_eur_m2"]
    row = ranking.position(code)
    assert fallen.points == pytest.approx(now.score[row] - ranking.score[row], abs=0.025)
    assert fallen.points < 0
    third = since(older, now).villages[2]
    assert (third.move, third.rank_then, third.rank_now, third.changes) == (Move.UP, 3, 2, ())
    (entered,) = since(older, now).entered
    assert entered[0] == ranking.matrix.codes[ranking.order[5]]
    assert entered[2] == 5


def test_a_village_that_rises_pushes_others_down(older: Snapshot, ranking: Ranking) -> None:
    fifth = older.villages[4].insee_code
    now = with_figure(ranking, fifth, "coworking_min", 2.0)
    moves = [village.move for village in since(older, now).villages]
    assert moves[4] is Move.UP
    assert Move.DOWN in moves


def test_a_limit_that_is_broken_now_is_told_from_a_lower_rank(
    older: Snapshot, ranking: Ranking
) -> None:
    code = older.villages[0].insee_code
    beyond = since(older, with_figure(ranking, code, "ftth_coverage_share", 0.6)).villages[0]
    assert (beyond.move, beyond.rank_now) == (Move.LIMIT, None)
    assert beyond.points < 0


def test_what_left_the_scope_or_the_release_is_said(older: Snapshot, ranking: Ranking) -> None:
    outside = ranking.matrix.codes[int(np.flatnonzero(~ranking.in_scope)[0])]
    first, second, *rest = older.villages
    seen = dataclasses.replace(
        older,
        villages=(
            dataclasses.replace(first, insee_code=outside),
            dataclasses.replace(second, insee_code="99999"),
            *rest,
        ),
    )
    found = since(seen, ranking).villages
    assert (found[0].move, found[0].rank_now) == (Move.OUTSIDE, None)
    assert (found[1].move, found[1].name, found[1].changes) == (Move.UNKNOWN, "", None)


@pytest.mark.parametrize(
    "other",
    [
        {"importance": {"housing": "indispensable"}},
        {"criteria": {"station_min": {"breakpoints": [[5, 1], [20, 0]]}}},
        {"children_ages": []},
    ],
)
def test_another_method_is_said_and_values_are_not_compared(
    older: Snapshot, ranking: Ranking, other: dict[str, object]
) -> None:
    profile = parse_profile(FAMILY.as_dict() | other)
    assert method_mark(profile) != method_mark(FAMILY)
    found = since(older, rank(ranking.territory, profile, "partners"))
    assert not found.is_same_method
    assert all(village.changes is None for village in found.villages)
    assert all(village.points == 0 for village in found.villages)


def test_the_mark_of_the_method_is_that_of_what_counts() -> None:
    named = FAMILY.model_copy(update={"name": "Nous", "sector": "it"})
    assert method_mark(named) == method_mark(FAMILY)
    assert len(method_mark(Profile())) == 6


def test_an_empty_list_is_remembered_as_such(territory: Territory) -> None:
    profile = parse_profile({"limits": {"station_min": {"at_most": 0}}})
    ranking = rank(territory, profile, "partners")
    seen = snapshot(ranking)
    assert seen.villages == ()
    assert decode(encode(seen)) == seen
    found = since(dataclasses.replace(seen, release=OLD), ranking)
    assert found.villages == ()
    assert found.entered == ()


def test_each_kind_of_damage_is_refused(ranking: Ranking) -> None:
    text = encode(snapshot(ranking))
    head, _, body = text.rpartition(".")
    village = body[1 : 1 + 7 + 2 * len(snapshot(ranking).villages[0].levels)]
    for broken in (
        "",
        "b" + text[1:],
        text[:-1],
        text + "AA",
        text.replace("32249", "XXXXX"),
        f"{head}.{body[0]}{village}{village}",
        f"{head}.{body[0]}{village[:5]}AA{village[7:]}",
        f"{head}.{body[0]}{village[:7]}__{village[9:]}",
        f"{head}.A" + "32249AB" * 6,
        "a" + "x" * 700,
    ):
        with pytest.raises(DataError, match="cannot be read"):
            decode(broken)
