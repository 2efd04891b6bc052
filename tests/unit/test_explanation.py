from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import FrozenInstanceError
from typing import Any

import numpy as np
import orjson
import pytest

from geo_matcher import explanation
from geo_matcher.criteria import CRITERIA, FAMILIES
from geo_matcher.decision import DecisionMatrix, Status, decision_matrix
from geo_matcher.dominance import dominated
from geo_matcher.errors import ProfileError, UnknownCommuneError, WeightError
from geo_matcher.explanation import Reasons, reasons
from geo_matcher.insight import dethrone, weights_to_lead
from geo_matcher.leverage import figures_to_gain
from geo_matcher.matching import NAMES, Ranking, rank
from geo_matcher.presets import PRESETS, preset_named
from geo_matcher.profile import Profile, parse_profile
from geo_matcher.resemblance import twins
from geo_matcher.robustness import odds
from geo_matcher.territory import Territory

DRAWS = 200
AUCH, LE_HOUGA = "32013", "32155"

untwinned = pytest.mark.usefixtures("_no_twins")


@pytest.fixture
def _no_twins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look for no twins: they take most of the time, and most tests say nothing of them."""
    monkeypatch.setattr(explanation, "twins", lambda *_: ())


@pytest.fixture(scope="module")
def family(territory: Territory) -> Ranking:
    return rank(territory, preset_named("paris-web-family").profile, "partners")


@pytest.fixture(scope="module")
def consultant(territory: Territory) -> Ranking:
    """Return a ranking with a limit that most of the scope breaks."""
    return rank(territory, preset_named("toulouse-consultant").profile, "partners")


@pytest.fixture(scope="module")
def nobody(territory: Territory) -> Ranking:
    """Return a ranking whose limits leave everybody out."""
    profile = parse_profile(
        {"limits": {"station_min": {"at_most": 0.5}, "lycee_min": {"at_most": 0.5}}}
    )
    return rank(territory, profile, "partners")


def why(ranking: Ranking, commune: str, **options: Any) -> Reasons:
    return reasons(ranking, commune, **({"draws": DRAWS} | options))


def code_at(ranking: Ranking, place: int) -> str:
    return str(ranking.matrix.codes[ranking.order[place]])


def some_of(ranking: Ranking) -> list[str]:
    """Return a listed commune of each part of the ranking, one out of scope, one left out."""
    listed = [code_at(ranking, place) for place in (0, 1, 5, len(ranking) // 2, -1)]
    outside = np.flatnonzero(~ranking.in_scope)[:1].tolist() + ranking.excluded[:1].tolist()
    return listed + [ranking.matrix.codes[row] for row in outside]


# --- The difference with the first ----------------------------------------------------------


@untwinned
@pytest.mark.parametrize("preset", PRESETS)
def test_the_gaps_add_up_to_the_difference_of_the_scores(territory: Territory, preset: str) -> None:
    ranking = rank(territory, PRESETS[preset].profile, "partners")
    for code in some_of(ranking):
        found = why(ranking, code)
        row = territory.codes.index(code)
        assert found.row == row
        assert found.leader == ranking.order[0]
        if row == found.leader:
            assert found.gaps == ()
            continue
        expected = ranking.score[row] - ranking.score[ranking.order[0]]
        assert math.fsum(gap.points for gap in found.gaps) == pytest.approx(expected, abs=1e-9)
        points = [gap.points for gap in found.gaps]
        assert points == sorted(points)
        used = {name for name, weight in zip(NAMES, ranking.weights, strict=True) if weight > 0}
        assert {gap.criterion for gap in found.gaps} == used
        assert len(found.gaps) == len(used)


@untwinned
def test_a_gap_is_the_difference_of_two_lines_of_the_ledgers(family: Ranking) -> None:
    found = why(family, LE_HOUGA)
    mine, first = (
        {line["criterion"]: line["points"] for line in family.result(row)["contributions"]}
        for row in (found.row, int(family.order[0]))
    )
    for gap in found.gaps:
        assert gap.points == pytest.approx(mine[gap.criterion] - first[gap.criterion], abs=1e-12)
    assert found.gaps[0].points < -1.0


# --- Who would choose it --------------------------------------------------------------------


@untwinned
def test_admirers_are_those_of_the_draws_that_put_the_commune_first(territory: Territory) -> None:
    ranking = rank(territory, preset_named("cultura-artist").profile, "partners")
    draws, least = 500, 20
    found = odds(ranking, draws=draws, seed=7, belief="free")
    family_of = [criterion.family for criterion in CRITERIA.values()]
    told, few = 0, 0
    for column in (*range(6), *range(6, len(ranking), 10)):
        said = why(ranking, code_at(ranking, column), seed=7, draws=draws).admirers
        assert said is not None
        first = [draw for draw in range(draws) if found.ranks[draw, column] == 1]
        assert said.share == pytest.approx(len(first) / draws, abs=1e-15)
        if len(first) < least:
            # Of so few, a mean would tell chance rather than taste.
            assert (said.families, said.confidence) == ((), 0.0)
            few += len(first) > 0
            continue
        told += 1
        own, everybody = dict.fromkeys(FAMILIES, 0.0), dict.fromkeys(FAMILIES, 0.0)
        for k, family in enumerate(family_of):
            own[family] += sum(float(found.weights[draw, k]) for draw in first) / len(first)
            everybody[family] += math.fsum(found.weights[:, k].tolist()) / draws
        assert {name for name, *_ in said.families} == {f for f in FAMILIES if everybody[f] > 0}
        for name, mine, all_of_them in said.families:
            assert mine == pytest.approx(own[name], abs=1e-6)
            assert all_of_them == pytest.approx(everybody[name], abs=1e-6)
        assert sum(mine for _, mine, _ in said.families) == pytest.approx(1.0, abs=1e-5)
        assert sum(every for _, _, every in said.families) == pytest.approx(1.0, abs=1e-5)
        excess = [mine - every for _, mine, every in said.families]
        assert excess == sorted(excess, reverse=True)
        assert said.confidence == found.confidence_factor[column]
    assert told >= 2
    assert few >= 1


@untwinned
def test_a_commune_that_another_beats_surely_has_no_admirers(territory: Territory) -> None:
    ranking = rank(territory, preset_named("cultura-artist").profile, "all")
    beaten = [code for code, pair in dominated(ranking).items() if pair.certain]
    said = why(ranking, beaten[0])
    assert said.admirers is not None
    assert (said.admirers.share, said.admirers.families, said.admirers.confidence) == (0.0, (), 0.0)
    assert said.dominance is not None
    assert said.dominance.certain


# --- The single figures ---------------------------------------------------------------------


@untwinned
def test_a_figure_leads_into_the_first_five_or_else_one_rank_up(territory: Territory) -> None:
    aimed, fallen_back = 0, 0
    for preset in ("paris-web-family", "cultura-artist"):
        ranking = rank(territory, PRESETS[preset].profile, "partners")
        for place in range(0, len(ranking), 4):
            code, before = code_at(ranking, place), int(ranking.ranks[place])
            found = why(ranking, code).figures
            assert len(found) <= 3
            if before <= 6:
                assert found == figures_to_gain(ranking, code)[:3]
                continue
            into_five = figures_to_gain(ranking, code, before - 5)
            if into_five:
                aimed += 1
                assert found == into_five[:3]
                assert all(change.rank_after <= 5 for change in found)
            else:
                fallen_back += 1
                assert found == figures_to_gain(ranking, code)[:3]
                assert all(change.rank_after < before for change in found)
            assert [c.value_change for c in found] == sorted(c.value_change for c in found)
    assert aimed >= 3
    assert fallen_back >= 3


@untwinned
def test_the_first_commune_has_no_figure_to_gain(family: Ranking) -> None:
    assert why(family, code_at(family, 0)).figures == ()
    assert why(family, code_at(family, 0), places=3).figures == ()


@untwinned
def test_ranks_to_gain_can_be_chosen(family: Ranking) -> None:
    code = code_at(family, 8)
    found = why(family, code, places=2).figures
    assert found == figures_to_gain(family, code, 2)[:3]
    assert found
    assert family.ranks[8] == 9
    assert all(change.rank_after <= 7 for change in found)
    with pytest.raises(ProfileError, match="places is 0"):
        why(family, code, places=0)


# --- Where it stands ------------------------------------------------------------------------


def test_the_parts_are_those_that_each_module_gives(family: Ranking) -> None:
    code = code_at(family, 9)
    found = why(family, code, seed=3)
    assert found.is_listed
    assert found.in_scope
    assert found.odds == odds(family, draws=DRAWS, seed=3).summaries[9]
    assert found.lead.as_dict() == weights_to_lead(family, code).as_dict()
    assert found.dominance == dominated(family).get(code)
    assert found.alike == twins(family.territory, code)
    assert found.overthrow is None
    assert found.misses == ()


@untwinned
def test_only_the_first_can_be_dethroned(family: Ranking) -> None:
    first = why(family, code_at(family, 0))
    falls = dethrone(family)
    assert falls is not None
    assert first.overthrow is not None
    assert first.overthrow.as_dict() == falls.as_dict()
    assert first.lead.status == "already_first"
    assert why(family, code_at(family, 1)).overthrow is None


@untwinned
def test_a_commune_outside_the_scope_has_no_odds_but_reasons(family: Ranking) -> None:
    found = why(family, "auch")
    assert (found.row, found.in_scope, found.is_listed) == (family.position(AUCH), False, False)
    assert found.odds is None
    assert found.admirers is None
    assert found.dominance is None
    assert found.lead.left_out_by == ("scope",)
    assert found.gaps
    plain = found.as_dict()
    assert (plain["listed"], plain["in_scope"], plain["result"]["rank"]) == (False, False, None)


@untwinned
def test_limits_that_are_missed_are_told_with_their_amount(consultant: Ranking) -> None:
    found = why(consultant, LE_HOUGA)
    k = NAMES.index("toulouse_min")
    assert [name for name, _ in found.misses] == ["toulouse_min"]
    assert found.misses[0][1] == pytest.approx(consultant.matrix.raw_low[found.row, k] - 75.0)
    assert found.in_scope
    assert not found.is_listed
    assert found.as_dict()["misses"] == [{"criterion": "toulouse_min", "by": found.misses[0][1]}]


@untwinned
def test_a_place_out_of_reach_is_missed_by_no_amount(territory: Territory) -> None:
    real = decision_matrix(territory)
    raw, status = real.raw.copy(), real.status.copy()
    row, k = territory.codes.index(LE_HOUGA), NAMES.index("station_min")
    raw[row, k], status[row, k] = np.inf, Status.UNREACHABLE
    matrix = DecisionMatrix.from_figures(real.codes, raw, raw.copy(), status)
    profile = parse_profile(
        {"limits": {"station_min": {"at_most": 30}, "toulouse_min": {"at_most": 60}}}
    )
    found = why(rank(territory, profile, "partners", matrix=matrix), LE_HOUGA)
    missed = dict(found.misses)
    assert list(missed) == ["station_min", "toulouse_min"]
    assert missed["station_min"] is None
    assert missed["toulouse_min"] == pytest.approx(raw[row, NAMES.index("toulouse_min")] - 60.0)
    assert no_number_is_odd(found.as_dict())


def test_where_nothing_is_listed_there_is_no_first_to_compare_with(nobody: Ranking) -> None:
    assert len(nobody) == 0
    found = why(nobody, LE_HOUGA)
    assert (found.leader, found.odds, found.admirers, found.overthrow) == (None, None, None, None)
    assert (found.gaps, found.figures) == ((), ())
    assert {name for name, _ in found.misses} == {"station_min", "lycee_min"}
    assert found.as_dict()["leader"] is None
    assert len(found.alike) == 3


@untwinned
def test_a_commune_alone_is_first_and_nobody_dethrones_it(territory: Territory) -> None:
    ranking = rank(territory, Profile(), "all")
    row = int(ranking.order[3])
    k = NAMES.index("population")
    limit = ranking.matrix.raw[row, k].item()
    assert (ranking.matrix.raw[:, k] == limit).sum() == 1
    profile = parse_profile({"limits": {"population": {"at_most": limit, "at_least": limit}}})
    found = why(rank(territory, profile, "all"), ranking.matrix.codes[row])
    assert found.odds == {"p_top_1": 1.0, "p_top_5": 1.0, "rank_low": 1, "rank_high": 1}
    assert found.overthrow is None
    assert found.admirers is not None
    assert found.admirers.share == found.admirers.confidence == 1.0
    assert all(own == pytest.approx(every) for _, own, every in found.admirers.families)


@pytest.mark.parametrize(
    ("commune", "options", "error", "said"),
    [
        ("Atlantis", {}, UnknownCommuneError, "Atlantis"),
        (LE_HOUGA, {"draws": 3}, WeightError, "draws is 3"),
        (LE_HOUGA, {"seed": -1}, WeightError, "seed is -1"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    family: Ranking, commune: str, options: dict[str, int], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        why(family, commune, **options)


# --- In plain types -------------------------------------------------------------------------


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        assert all(isinstance(key, str) for key in value)
        for part in value.values():
            yield from leaves(part)
    elif isinstance(value, list):
        for part in value:
            yield from leaves(part)
    else:
        yield value


def no_number_is_odd(value: Any) -> bool:
    """Tell whether a value has only JSON's own types, and no NaN nor infinity."""
    kinds = {bool, int, float, str, type(None)}
    return all(
        type(leaf) in kinds and (type(leaf) is not float or math.isfinite(leaf))
        for leaf in leaves(value)
    )


@untwinned
def test_reasons_are_written_as_json_and_read_back(
    family: Ranking, consultant: Ranking, nobody: Ranking
) -> None:
    for ranking, code in (
        (family, code_at(family, 0)),
        (family, code_at(family, -1)),
        (family, AUCH),
        (consultant, LE_HOUGA),
        (nobody, LE_HOUGA),
    ):
        plain = why(ranking, code).as_dict()
        assert no_number_is_odd(plain)
        assert orjson.loads(orjson.dumps(plain)) == plain
        assert json.loads(json.dumps(plain, allow_nan=False)) == plain
        assert list(plain) == [
            "release", "scope", "in_scope", "listed", "misses", "result", "leader", "gaps",
            "weights_to_lead", "figures_to_gain", "dominated_by", "dethroned_by", "admirers",
            "twins",
        ]  # fmt: skip


def test_plain_reasons_hold_what_was_found(family: Ranking) -> None:
    found = why(family, code_at(family, 3))
    plain = found.as_dict()
    assert plain["release"] == family.territory.release_id
    assert plain["scope"] == "partners"
    assert plain["listed"] is plain["in_scope"] is True
    assert plain["result"]["rank"] == family.ranks[3]
    assert plain["result"]["odds"] == found.odds
    first = family.result(int(family.order[0]))
    assert plain["leader"] == {key: first[key] for key in ("insee_code", "name", "score")}
    assert [(g["criterion"], g["points"]) for g in plain["gaps"]] == [
        (gap.criterion, gap.points) for gap in found.gaps
    ]
    assert found.admirers is not None
    assert [
        (f["family"], f["share"], f["share_of_all"]) for f in plain["admirers"]["families"]
    ] == (list(found.admirers.families))
    assert plain["admirers"]["share"] == found.admirers.share > 0
    assert plain["admirers"]["confidence"] == found.admirers.confidence
    assert [twin["insee_code"] for twin in plain["twins"]] == [t.insee_code for t in found.alike]
    assert len(plain["figures_to_gain"]) == len(found.figures)
    assert plain["dethroned_by"] is None
    assert why(family, code_at(family, 0)).as_dict()["dethroned_by"]["status"] == "possible"


@untwinned
def test_the_same_question_has_the_same_answer_to_the_byte(family: Ranking) -> None:
    code = code_at(family, 2)
    one, two, other = (orjson.dumps(why(family, code, seed=s).as_dict()) for s in (5, 5, 6))
    assert one == two
    assert one != other
    again = rank(family.territory, family.profile, "partners")
    assert orjson.dumps(why(again, code, seed=5).as_dict()) == one


@untwinned
def test_reasons_cannot_be_changed(family: Ranking) -> None:
    found = why(family, code_at(family, 2))
    with pytest.raises(FrozenInstanceError):
        found.row = 3  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        found.gaps[0].points = 0.0  # type: ignore[misc]
