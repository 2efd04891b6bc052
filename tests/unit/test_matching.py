from __future__ import annotations

from collections.abc import Callable
from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import orjson
import pytest
from numpy.typing import NDArray

from geo_matcher import matching
from geo_matcher.criteria import CRITERIA
from geo_matcher.decision import DecisionMatrix, Status, decision_matrix
from geo_matcher.errors import DataError, UnknownCommuneError
from geo_matcher.matching import Ranking, rank
from geo_matcher.presets import PRESETS
from geo_matcher.profile import Profile, parse_profile
from geo_matcher.territory import Territory

FloatArray = NDArray[np.float64]
RankWith = Callable[..., Ranking]

NAMES = list(CRITERIA)
STATION, LYCEE = NAMES.index("station_min"), NAMES.index("lycee_min")
ONLY_STATION: dict[str, Any] = {
    "importance": dict.fromkeys(
        ["work", "connection", "daily_life", "children", "health", "housing", "setting", "welcome"],
        "not_at_all",
    ),
    "criteria": {f"{name}_min": {"importance": "not_at_all"}
                 for name in ("airport", "auch", "toulouse")},
}  # fmt: skip


@pytest.fixture
def rank_with(territory: Territory, monkeypatch: pytest.MonkeyPatch) -> RankWith:
    """Return a function that ranks with the raw figures of some criteria replaced."""

    def run(profile: Profile, scope: str = "all", **columns: Any) -> Ranking:
        matrix = decision_matrix(territory)
        raw, raw_low, status = matrix.raw.copy(), matrix.raw_low.copy(), matrix.status.copy()
        for name, figures in columns.items():
            k = NAMES.index(name.removesuffix("_low"))
            if name.endswith("_low"):
                raw_low[: len(figures), k] = figures
            else:
                raw[:, k] = figures
                raw_low[:, k] = figures
                status[:, k] = Status.ESTIMATED
        made = DecisionMatrix.from_figures(matrix.codes, raw, raw_low, status)
        monkeypatch.setattr(matching, "decision_matrix", lambda _: made)
        return rank(territory, profile, scope)

    return run


def minutes(*figures: float, rest: float = 90.0) -> FloatArray:
    return np.array([*figures, *[rest] * (458 - len(figures))])


# --- Scores ---------------------------------------------------------------------------------


def test_with_a_single_criterion_the_score_is_its_value(rank_with: RankWith) -> None:
    # 10 min are worth 1, 25 min 0.7, 45 min 0.2, 60 min 0.
    profile = parse_profile(ONLY_STATION)
    ranking = rank_with(profile, station_min=minutes(35.0, 5.0, 25.0, 52.5))
    assert ranking.score[:5] == pytest.approx([45.0, 100.0, 70.0, 10.0, 0.0])
    assert ranking.order[:4].tolist() == [1, 2, 0, 3]
    assert ranking.ranks[:5].tolist() == [1, 2, 3, 4, 5]


def test_two_criteria_add_up_by_their_weights(rank_with: RankWith) -> None:
    profile = parse_profile(
        {
            "importance": ONLY_STATION["importance"] | {"health": "a_little"},
            "criteria": ONLY_STATION["criteria"] | {"hospital_min": {"importance": "not_at_all"}},
        }
    )
    # Mobility counts 2, health 1; a doctor at 7.5 min is worth 0.875.
    ranking = rank_with(profile, station_min=minutes(25.0), doctor_min=minutes(7.5))
    assert ranking.score[0] == pytest.approx(100 * (2 / 3 * 0.7 + 1 / 3 * 0.875))
    ledger = {c["criterion"]: c for c in ranking.result(0)["contributions"]}
    assert set(ledger) == {"station_min", "doctor_min"}
    assert ledger["station_min"]["points"] == pytest.approx(100 * 2 / 3 * 0.7)
    assert ledger["station_min"]["max_points"] == pytest.approx(200 / 3)


def test_ties_share_a_rank_and_stand_in_the_order_of_codes(rank_with: RankWith) -> None:
    ranking = rank_with(parse_profile(ONLY_STATION), station_min=minutes(30.0, 20.0, 20.0, 5.0))
    assert ranking.order[:4].tolist() == [3, 1, 2, 0]
    assert ranking.ranks[:5].tolist() == [1, 2, 2, 4, 5]
    assert set(ranking.ranks[4:].tolist()) == {5}


def test_scores_a_rounding_apart_are_ties_and_stand_in_the_order_of_codes(
    rank_with: RankWith,
) -> None:
    # The second is better by a ten-billionth of a point.
    figures = minutes(20.0, 20.0 - 5e-11, 20.0 + 1e-6)
    ranking = rank_with(parse_profile(ONLY_STATION), station_min=figures)
    assert ranking.score[1] > ranking.score[0]
    assert ranking.order[:3].tolist() == [0, 1, 2]
    assert ranking.ranks[:3].tolist() == [1, 1, 3]


def test_a_ranking_is_frozen_and_keeps_its_intermediates(territory: Territory) -> None:
    ranking = rank(territory, Profile())
    assert ranking.values.shape == ranking.points.shape == (458, len(NAMES))
    with pytest.raises(FrozenInstanceError):
        ranking.scope = "all"  # type: ignore[misc]
    np.testing.assert_allclose(ranking.points, 100 * ranking.values * ranking.weights)


def test_a_scope_lists_its_communes_and_scores_all(territory: Territory) -> None:
    for scope, size in (("partners", 47), ("network", 171), ("all", 458)):
        ranking = rank(territory, Profile(), scope)
        assert len(ranking) == size
        assert len(ranking.score) == 458
        assert set(ranking.order.tolist()) == set(np.flatnonzero(territory.in_scope(scope)))


def test_partners_are_the_scope_unless_told(territory: Territory) -> None:
    assert rank(territory, Profile()).scope == "partners"


def test_an_unknown_scope_is_refused(territory: Territory) -> None:
    with pytest.raises(DataError, match="expected one of partners, network, all"):
        rank(territory, Profile(), "region")


# --- The ledger -----------------------------------------------------------------------------


def test_what_helps_most_and_drags_most_is_named(rank_with: RankWith) -> None:
    profile = parse_profile(
        {
            "importance": dict.fromkeys(
                ["connection", "daily_life", "housing", "setting", "welcome"], "not_at_all"
            )
        }
    )
    ranking = rank_with(
        profile,
        station_min=minutes(5.0),  # helps most
        doctor_min=minutes(5.0),  # helps
        hospital_min=minutes(5.0),  # helps a little
        coworking_min=minutes(60.0),  # drags most
        toulouse_min=minutes(200.0),
        airport_min=minutes(65.0),
        telecentre_min=minutes(20.0, rest=20.0),  # neither: worth 0.58
        auch_min=minutes(35.0),
    )
    result = ranking.result(0)
    assert result["helps"] == ["doctor_min", "station_min"]
    assert result["drags"] == ["coworking_min", "toulouse_min"]


def test_an_unknown_figure_neither_helps_nor_drags(territory: Territory) -> None:
    for preset in PRESETS.values():
        ranking = rank(territory, preset.profile, "all")
        for columns in (ranking.helps, ranking.drags):
            rows, places = np.nonzero(columns >= 0)
            assert not np.isnan(ranking.matrix.raw[rows, columns[rows, places]]).any()
        helped = ranking.values[
            np.nonzero(ranking.helps >= 0)[0], ranking.helps[ranking.helps >= 0]
        ]
        assert (helped >= 0.6).all()


def test_a_result_tells_what_is_missing_and_how_complete_the_data_is(
    rank_with: RankWith,
) -> None:
    ranking = rank_with(parse_profile(ONLY_STATION), station_min=minutes(np.nan, 5.0))
    missing, known = ranking.result(0), ranking.result(1)
    assert missing["missing"] == ["station_min"]
    assert (missing["score_min"], missing["score"], missing["score_max"]) == (0.0, 50.0, 100.0)
    assert missing["data_completeness"] == 0.0
    (contribution,) = missing["contributions"]
    assert contribution["raw"] is contribution["raw_low"] is None
    assert known["missing"] == []
    assert known["data_completeness"] == 1.0


def test_what_cannot_be_reached_has_no_figure_but_is_not_unknown(rank_with: RankWith) -> None:
    ranking = rank_with(parse_profile(ONLY_STATION), station_min=minutes(np.inf))
    assert ranking.score[0] == ranking.score_max[0] == 0.0
    assert ranking.completeness[0] == 1.0
    result = ranking.result(0)
    assert result["contributions"][0]["raw"] is None
    assert result["missing"] == []


def test_a_commune_is_found_in_a_ranking_by_code_or_name(territory: Territory) -> None:
    ranking = rank(territory, Profile())
    row = ranking.position("mauvezin")
    assert ranking.result(row)["insee_code"] == "32249"
    with pytest.raises(UnknownCommuneError):
        ranking.position("Paris")


def test_a_commune_that_is_not_listed_has_a_result_without_rank(territory: Territory) -> None:
    ranking = rank(territory, Profile(), "partners")
    auch = ranking.result(ranking.position("Auch"))
    assert auch["rank"] is None
    assert auch["score"] > 0


# --- The best of them -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("top", "listed"),
    [
        (1, 1),
        (2, 3),
        (3, 3),
        (4, 4),
        (5, 458),
        (458, 458),
        (999, 458),
        (None, 458),
        (0, 0),
        (-1, 0),
    ],
)
def test_top_cuts_the_list_but_never_through_a_tie(
    rank_with: RankWith, top: int | None, listed: int
) -> None:
    ranking = rank_with(parse_profile(ONLY_STATION), station_min=minutes(30.0, 20.0, 20.0, 15.0))
    assert len(ranking.results(top)) == listed


def test_an_empty_list_is_an_answer(territory: Territory) -> None:
    ranking = rank(territory, parse_profile({"limits": {"population": {"at_least": 500_000}}}))
    assert len(ranking) == 0
    answer = ranking.to_dict()
    assert answer["results"] == []
    assert answer["counts"] == {"scope": 47, "listed": 0, "excluded": 47}
    assert answer["limits"][0]["price_points"] is None
    assert answer["limits"][0]["best_score_without"] > 0


# --- Limits ---------------------------------------------------------------------------------


def outcome(ranking: Ranking, number: int = 0) -> matching.LimitOutcome:
    return ranking.limits[number]


def test_a_limit_excludes_what_is_beyond_it_by_the_exact_amount(rank_with: RankWith) -> None:
    profile = parse_profile(ONLY_STATION | {"limits": {"station_min": {"at_most": 20}}})
    ranking = rank_with(profile, station_min=minutes(20.0, 20.5, 12.0, np.inf, np.nan, rest=1.0))
    found = outcome(ranking)
    assert found.misses[:5].tolist() == [False, True, False, True, False]
    assert found.by[1] == 0.5
    assert np.isinf(found.by[3])
    assert np.isnan(found.by[[0, 2, 4]]).all()
    assert found.unverified[:5].tolist() == [False, False, False, False, True]
    assert ranking.excluded.tolist() == [1, 3]
    assert ranking.excluded_communes() == [
        {
            "insee_code": "32002",
            "name": "Ansan",
            "limits": [{"criterion": "station_min", "raw": 20.5, "limit": 20.0, "by": 0.5}],
        },
        {
            "insee_code": "32004",
            "name": ranking.territory.facts[3]["name"],
            "limits": [{"criterion": "station_min", "raw": None, "limit": 20.0, "by": None}],
        },
    ]
    assert ranking.result(4)["unverified_limits"] == ["station_min"]
    assert ranking.result(0)["unverified_limits"] == []


def test_a_least_excludes_what_is_under_it(rank_with: RankWith) -> None:
    profile = parse_profile(ONLY_STATION | {"limits": {"station_min": {"at_least": 10}}})
    found = outcome(rank_with(profile, station_min=minutes(10.0, 9.0, np.inf, np.nan)))
    assert found.misses[:4].tolist() == [False, True, False, False]
    assert found.by[1] == 1.0
    assert found.unverified[:4].tolist() == [False, False, False, True]


def test_an_upper_bound_beyond_a_limit_is_in_doubt_not_out(rank_with: RankWith) -> None:
    columns = {"station_min": minutes(30.0, 30.0, 15.0), "station_min_low": [10.0, 25.0, 5.0]}
    at_most = parse_profile(ONLY_STATION | {"limits": {"station_min": {"at_most": 20}}})
    found = outcome(rank_with(at_most, **columns))
    assert found.misses[:3].tolist() == [False, True, False]
    assert found.unverified[:3].tolist() == [True, False, False]
    assert found.by[1] == 5.0  # by at least so much: in the best case it is 25 min away
    at_least = parse_profile(ONLY_STATION | {"limits": {"station_min": {"at_least": 20}}})
    found = outcome(rank_with(at_least, **columns))
    assert found.misses[:3].tolist() == [False, False, True]
    assert found.unverified[:3].tolist() == [True, False, False]


def test_both_ends_of_a_limit_are_told_apart_and_doubted_once(rank_with: RankWith) -> None:
    limits = {"station_min": {"at_least": 10, "at_most": 20}}
    ranking = rank_with(
        parse_profile(ONLY_STATION | {"limits": limits}), station_min=minutes(np.nan, 5.0, 25.0)
    )
    assert [(o.limit, o.is_maximum) for o in ranking.limits] == [(20.0, True), (10.0, False)]
    assert ranking.result(0)["unverified_limits"] == ["station_min"]
    prices = ranking.limit_prices()
    assert [set(price) & {"at_most", "at_least"} for price in prices] == [{"at_most"}, {"at_least"}]
    assert [price["excluded"] for price in prices] == [456, 1]


def test_the_price_of_a_limit_is_the_best_score_that_it_costs(rank_with: RankWith) -> None:
    limits = {"lycee_min": {"at_most": 30}, "college_min": {"at_most": 10}}
    ranking = rank_with(
        parse_profile(ONLY_STATION | {"limits": limits}),
        station_min=minutes(5.0, 10.0, 25.0, 45.0),  # scores 100, 100, 70, 20
        lycee_min=minutes(40.0, 40.0, 20.0, 40.0, rest=5.0),
        college_min=minutes(5.0, 50.0, 5.0, 5.0, rest=5.0),
    )
    lycee, college = ranking.limit_prices()
    assert lycee == {
        "criterion": "lycee_min",
        "at_most": 30.0,
        "excluded": 3,
        "excluded_by_it_alone": 2,
        "unverified": 0,
        "best_score_without": 100.0,
        "price_points": pytest.approx(30.0),
    }
    assert (college["excluded"], college["excluded_by_it_alone"]) == (1, 0)
    assert (college["best_score_without"], college["price_points"]) == (None, 0.0)


def test_a_limit_that_only_costs_lesser_villages_is_free(rank_with: RankWith) -> None:
    profile = parse_profile(ONLY_STATION | {"limits": {"lycee_min": {"at_most": 30}}})
    ranking = rank_with(
        profile, station_min=minutes(5.0, 25.0), lycee_min=minutes(5.0, 40.0, rest=5.0)
    )
    (price,) = ranking.limit_prices()
    assert price["best_score_without"] == pytest.approx(70.0)
    assert price["price_points"] == 0.0


def test_near_misses_break_one_limit_by_a_quarter_at_most_best_first(
    rank_with: RankWith,
) -> None:
    limits = {"lycee_min": {"at_most": 20}, "college_min": {"at_most": 10}}
    ranking = rank_with(
        parse_profile(ONLY_STATION | {"limits": limits}),
        station_min=minutes(45.0, 5.0, 5.0, 5.0, 5.0),
        lycee_min=minutes(25.0, 22.0, 25.1, 22.0, np.inf, rest=5.0),
        college_min=minutes(5.0, 5.0, 5.0, 11.0, 5.0, rest=5.0),
    )
    assert ranking.near_misses() == [
        {"insee_code": "32002", "name": "Ansan", "score": 100.0, "criterion": "lycee_min",
         "raw": 22.0, "limit": 20.0, "by": 2.0},
        {"insee_code": "32001", "name": "Aignan", "score": pytest.approx(20.0),
         "criterion": "lycee_min", "raw": 25.0, "limit": 20.0, "by": 5.0},
    ]  # fmt: skip


def test_at_most_five_near_misses_are_told(rank_with: RankWith) -> None:
    profile = parse_profile(ONLY_STATION | {"limits": {"lycee_min": {"at_most": 20}}})
    ranking = rank_with(profile, lycee_min=minutes(rest=21.0))
    assert len(ranking.near_misses()) == 5


def test_without_limits_nothing_is_excluded_nor_nearly_missed(territory: Territory) -> None:
    ranking = rank(territory, Profile(), "all")
    assert ranking.limits == ()
    assert ranking.excluded.size == 0
    assert ranking.near_misses() == ranking.limit_prices() == ranking.excluded_communes() == []


# --- The answer -----------------------------------------------------------------------------


def test_the_answer_has_the_keys_that_are_documented(territory: Territory) -> None:
    answer = rank(territory, PRESETS["paris-web-family"].profile, "all").to_dict(top=3)
    assert set(answer) == {
        "release", "scope", "profile", "counts", "results", "excluded", "limits", "near_misses",
        "ignored",
    }  # fmt: skip
    assert answer["release"] == territory.release_id
    first = answer["results"][0]
    assert set(first) == {
        "rank", "insee_code", "name", "epci", "population", "score", "score_min", "score_max",
        "partner", "evidence", "network", "data_completeness", "helps", "drags", "contributions",
        "red_flags", "missing", "unverified_limits",
    }  # fmt: skip
    assert set(first["contributions"][0]) == {
        "criterion", "family", "raw", "raw_low", "unit", "value", "value_min", "value_max",
        "weight", "points", "max_points", "status", "source",
    }  # fmt: skip
    assert set(answer["excluded"][0]) == {"insee_code", "name", "limits"}
    assert set(answer["excluded"][0]["limits"][0]) == {"criterion", "raw", "limit", "by"}
    assert set(answer["near_misses"][0]) == {
        "insee_code", "name", "score", "criterion", "raw", "limit", "by",
    }  # fmt: skip


def test_the_answer_repeats_the_profile_whole(territory: Territory) -> None:
    profile = PRESETS["retired-couple"].profile
    assert parse_profile(rank(territory, profile).to_dict(top=1)["profile"]) == profile


def test_counts_add_up(territory: Territory) -> None:
    answer = rank(territory, PRESETS["toulouse-consultant"].profile, "network").to_dict()
    counts = answer["counts"]
    assert counts["listed"] + counts["excluded"] == counts["scope"] == 171
    assert len(answer["results"]) == counts["listed"]
    assert len(answer["excluded"]) == counts["excluded"] > 0


@pytest.mark.parametrize("name", PRESETS)
def test_the_same_question_gets_the_same_bytes(territory: Territory, name: str) -> None:
    profile = PRESETS[name].profile
    again = parse_profile(profile.model_dump(mode="json"))
    first, second = (rank(territory, p, "all").to_dict() for p in (profile, again))
    assert orjson.dumps(first) == orjson.dumps(second)
    assert orjson.loads(orjson.dumps(first)) == first


def test_no_score_of_the_ledger_leaves_its_scale(territory: Territory) -> None:
    for preset in PRESETS.values():
        ranking = rank(territory, preset.profile, "all")
        assert (ranking.score_min >= 0).all()
        assert (ranking.score_max <= 100 + 1e-9).all()
        assert (ranking.completeness <= 1 + 1e-9).all()
