"""Exposure and absences, counted again the plain way."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

import geo_matcher.audit as audit_module
import geo_matcher.newcomers as newcomers_module
from geo_matcher.audit import (
    MAX_TOP,
    Absence,
    Audit,
    audit,
    gini,
)
from geo_matcher.criteria import CRITERIA, Direction
from geo_matcher.decision import DecisionMatrix, decision_matrix
from geo_matcher.errors import DataError, ProfileError
from geo_matcher.matching import NAMES, rank
from geo_matcher.newcomers import POPULATION, population
from geo_matcher.profile import Profile
from geo_matcher.territory import Territory

SIZE, SEED, TOP = 40, 7, 5


@pytest.fixture(scope="module")
def found(territory: Territory) -> Audit:
    return audit(territory, size=SIZE, seed=SEED, top=TOP)


@pytest.fixture(scope="module")
def newcomers() -> tuple[Profile, ...]:
    return population(SIZE, SEED)


def share_in_top(
    territory: Territory, newcomers: tuple[Profile, ...], matrix: DecisionMatrix, code: str
) -> float:
    """Return the share of newcomers who see a commune, by the list that they would be shown."""
    seen = 0
    for profile in newcomers:
        ranking = rank(territory, profile, matrix=matrix)
        last = ranking.score[ranking.order[TOP - 1]]
        row = matrix.codes.index(code)
        seen += row in ranking.order and ranking.score[row] >= last - 1e-9
    return seen / len(newcomers)


def with_best(matrix: DecisionMatrix, row: int, columns: list[int]) -> DecisionMatrix:
    """Return the matrix with some figures of one commune as good as their unit allows."""
    raw, low, status = matrix.raw.copy(), matrix.raw_low.copy(), matrix.status.copy()
    for k in columns:
        increasing = list(CRITERIA.values())[k].direction is Direction.INCREASING
        raw[row, k] = low[row, k] = 1.0 if increasing else 0.0
    return DecisionMatrix.from_figures(matrix.codes, raw, low, status)


# --- The Gini coefficient ---------------------------------------------------------------------


def test_gini_has_its_closed_forms() -> None:
    assert gini([3.0] * 7) == pytest.approx(0.0, abs=1e-15)
    assert gini([0.0] * 9 + [2.0]) == pytest.approx(1 - 1 / 10)
    assert gini([1.0]) == 0.0
    # 1, 2, ..., n: (n - 1) / (3 n).
    assert gini(range(1, 11)) == pytest.approx(9 / 30)
    assert gini([0.0, 0.0]) is None


@pytest.mark.parametrize("amounts", [[], [1.0, -1.0], [np.nan, 1.0], [np.inf]])
def test_gini_refuses_what_is_not_an_amount(amounts: list[float]) -> None:
    with pytest.raises(DataError, match="none negative"):
        gini(amounts)


# --- Exposure ---------------------------------------------------------------------------------


def test_exposure_is_what_the_lists_show(
    territory: Territory, found: Audit, newcomers: tuple[Profile, ...]
) -> None:
    seen, on_list = Counter[str](), Counter[str]()
    best: dict[str, int] = {}
    for profile in newcomers:
        ranking = rank(territory, profile)
        seen.update(result["insee_code"] for result in ranking.results(TOP))
        for result in ranking.results():
            code = result["insee_code"]
            on_list[code] += 1
            best[code] = min(best.get(code, 999), result["rank"])
    assert len(found.exposures) == 47
    for item in found.exposures:
        assert item.share_top == seen[item.insee_code] / SIZE
        assert item.share_listed == on_list[item.insee_code] / SIZE
        assert item.best_rank == best.get(item.insee_code)
    shares = [item.share_top for item in found.exposures]
    assert shares == sorted(shares, reverse=True)
    assert {item.insee_code for item in found.absences} == {
        item.insee_code for item in found.exposures if item.share_top == 0
    }
    evidence = list(territory.partner_evidence.values())
    assert found.reconstructed == evidence.count("reconstructed") > 0
    differences = np.abs(np.subtract.outer(shares, shares)).mean()
    assert found.gini == pytest.approx(differences / (2 * np.mean(shares)))


def test_epcis_share_out_the_whole_exposure(found: Audit) -> None:
    assert sum(item.exposure_sum for item in found.epcis) == pytest.approx(
        sum(item.share_top for item in found.exposures)
    )
    assert sum(item.communes for item in found.epcis) == 47
    assert sum(item.never for item in found.epcis) == len(found.absences)
    for item in found.epcis:
        own = [e.share_top for e in found.exposures if e.epci == item.name]
        assert item.exposure_mean == pytest.approx(np.mean(own))
    means = [item.exposure_mean for item in found.epcis]
    assert means == sorted(means, reverse=True)


# --- Why some are never seen ------------------------------------------------------------------


def rows_of(territory: Territory, absences: tuple[Absence, ...]) -> list[tuple[Absence, int]]:
    return [(item, territory.codes.index(item.insee_code)) for item in absences]


def test_every_absence_has_a_reason_in_figures(found: Audit) -> None:
    assert len(found.absences) > 5
    for item in found.absences:
        assert item.reasons
        assert item.best_rank is not None
        assert item.best_rank > TOP
        assert item.gap_points is not None
        assert item.gap_points > 0
        figures = {
            "dominated": item.dominators,
            "missing": item.missing_share,
            "limit": item.limit_freed_share,
            "weak": item.weak_share,
            "behind": item.ahead_always,
        }
        held = tuple(name for name, figure in figures.items() if figure > 0)
        assert item.reasons == (held or ("middling",))


def test_what_is_unknown_at_its_best_gives_the_share_that_is_told(
    territory: Territory, found: Audit, newcomers: tuple[Profile, ...]
) -> None:
    matrix = decision_matrix(territory)
    told = 0
    for item, row in rows_of(territory, found.absences)[:6]:
        unknown = np.flatnonzero(np.isnan(matrix.raw[row])).tolist()
        best = with_best(matrix, row, unknown)
        raw = np.where(np.isnan(matrix.raw), best.raw, matrix.raw)
        raw[row] = np.where(np.isnan(matrix.raw[row]), best.raw[row], matrix.raw_low[row])
        raw[np.arange(len(raw)) != row] = matrix.raw[np.arange(len(raw)) != row]
        low = np.where(np.arange(len(raw))[:, None] == row, raw, matrix.raw_low)
        hopeful = DecisionMatrix.from_figures(matrix.codes, raw, low, matrix.status.copy())
        share = share_in_top(territory, newcomers, hopeful, item.insee_code)
        assert item.missing_share == pytest.approx(share)
        told += share > 0
        assert all(np.isnan(matrix.raw[row, NAMES.index(name)]) for name in item.missing)
        for name in item.bounded:
            k = NAMES.index(name)
            assert matrix.raw_low[row, k] < matrix.raw[row, k]
        assert (item.check_first is None) == (share == 0)
    assert told > 0


def test_the_weak_criterion_is_the_one_that_would_show_it_most(
    territory: Territory, found: Audit, newcomers: tuple[Profile, ...]
) -> None:
    matrix = decision_matrix(territory)
    one_way = [
        k for k, c in enumerate(CRITERIA.values()) if c.direction is not Direction.TARGET
    ]  # a wished size depends on who wishes
    checked = 0
    for item, row in rows_of(territory, found.absences)[:2]:
        shares = {
            NAMES[k]: share_in_top(
                territory, newcomers, with_best(matrix, row, [k]), item.insee_code
            )
            for k in one_way
            if not np.isnan(matrix.raw[row, k])
        }
        if item.weak is None:
            assert max(shares.values()) == 0
        elif item.weak in shares:
            assert shares[item.weak] == pytest.approx(item.weak_share)
            assert max(shares.values()) == pytest.approx(item.weak_share)
            assert item.weak_raw == matrix.raw[row, NAMES.index(item.weak)]
            checked += 1
    assert checked > 0


def test_who_is_ahead_is_ahead_for_every_newcomer(
    territory: Territory, found: Audit, newcomers: tuple[Profile, ...]
) -> None:
    rankings = [rank(territory, profile) for profile in newcomers]
    scores = np.array([ranking.score for ranking in rankings])
    partners = np.flatnonzero(territory.in_scope("partners"))
    for item, row in rows_of(territory, found.absences):
        ahead = [other for other in partners if (scores[:, other] > scores[:, row]).all()]
        assert item.ahead_always == len(ahead)
        if ahead:
            names = [territory.facts[other]["name"] for other in ahead]
            first = next(e.name for e in found.exposures if e.name in names)
            assert item.behind == first


def test_a_worse_copy_is_dominated_and_a_limit_is_named(
    territory: Territory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Make one village a copy of another, worse by one figure, and take the fibre of another."""
    matrix = decision_matrix(territory)
    copy, model, bare = (territory.codes.index(territory.find(name)) for name in
                        ("Viella", "Cazaubon", "Mauvezin"))  # fmt: skip
    raw, low, status = matrix.raw.copy(), matrix.raw_low.copy(), matrix.status.copy()
    for array in (raw, low, status):
        array[copy] = array[model]
    doctor, fibre = NAMES.index("doctor_min"), NAMES.index("ftth_coverage_share")
    raw[copy, doctor] = low[copy, doctor] = raw[model, doctor] + 10
    # Too little fibre for whoever sets the limit on it, whatever the rest is worth.
    raw[bare, fibre] = low[bare, fibre] = 0.1
    changed = DecisionMatrix.from_figures(matrix.codes, raw, low, status)
    monkeypatch.setattr(audit_module, "decision_matrix", lambda _: changed)
    result = audit(territory, size=SIZE, seed=SEED)
    worse = next(item for item in result.absences if item.name == "Viella")
    assert worse.reasons[0] == "dominated"
    assert worse.dominators == 1
    assert worse.dominated_by == "Cazaubon"
    mauvezin = next(item for item in result.exposures if item.name == "Mauvezin")
    limited = sum("ftth_coverage_share" in p.limits for p in population(SIZE, SEED)) / SIZE
    assert 0 < limited < 1
    assert mauvezin.share_listed == pytest.approx(1 - limited)


def test_a_limit_that_alone_hides_a_village_is_told(
    territory: Territory, monkeypatch: pytest.MonkeyPatch
) -> None:
    matrix = decision_matrix(territory)
    row = territory.codes.index(territory.find("Mauvezin"))
    raw, low = matrix.raw.copy(), matrix.raw_low.copy()
    fibre = NAMES.index("ftth_coverage_share")
    raw[row, fibre] = low[row, fibre] = 0.84
    changed = DecisionMatrix.from_figures(matrix.codes, raw, low, matrix.status.copy())
    monkeypatch.setattr(audit_module, "decision_matrix", lambda _: changed)
    monkeypatch.setattr(newcomers_module, "CUMULATED", dict(newcomers_module.CUMULATED) | {
        "preset": (1.0, 1.0, 1.0, 1.0, 1.0, 1.0)})  # fmt: skip
    result = audit(territory, size=20, seed=1)  # the preset that limits fibre, twenty times
    absent = next(item for item in result.absences if item.name == "Mauvezin")
    assert (absent.limit, absent.limit_share) == ("ftth_coverage_share", 1.0)
    free = 0
    for profile in population(20, 1):
        ranking = rank(territory, profile, matrix=changed)
        assert set(profile.limits) <= {"ftth_coverage_share", "primary_school_min"}
        free += ranking.score[row] >= ranking.score[ranking.order[TOP - 1]]
    assert 0 < absent.limit_freed_share == free / 20
    assert "limit" in absent.reasons
    assert (absent.best_rank, absent.gap_points) == (None, None)
    assert absent.missing_share == 0.0
    assert absent.weak == "ftth_coverage_share"  # raised, it keeps its limit too
    assert absent.weak_share >= absent.limit_freed_share
    assert absent.weak_raw == 0.84


# --- The result as a whole --------------------------------------------------------------------


def test_an_audit_is_plain_repeatable_json(territory: Territory, found: Audit) -> None:
    text = json.dumps(found.as_dict(), allow_nan=False)
    again = audit(territory, size=SIZE, seed=SEED)
    assert json.dumps(again.as_dict(), allow_nan=False) == text
    assert json.dumps(audit(territory, size=SIZE, seed=8).as_dict()) != text
    plain = json.loads(text)
    assert plain == found.as_dict()
    assert (plain["communes"], plain["never"], plain["seed"]) == (47, len(found.absences), SEED)
    assert plain["release"] == territory.release_id
    assert found.unseen_bound == pytest.approx(1 - 0.05 ** (1 / SIZE))
    assert (1 - found.unseen_bound) ** SIZE == pytest.approx(0.05)


def test_the_make_up_says_what_was_assumed_and_drawn(
    found: Audit, newcomers: tuple[Profile, ...]
) -> None:
    tables = Counter[str]()
    for item in found.make_up:
        assert item.assumed == dict(POPULATION[item.table])[item.value]
        tables[item.table] += 1
    assert tables == {name: len(rows) for name, rows in POPULATION.items()}
    paris = next(i for i in found.make_up if (i.table, i.value) == ("origin_city", "paris"))
    assert paris.drawn == sum(p.origin_city == "paris" for p in newcomers) / SIZE
    for table in POPULATION:
        drawn = [item.drawn for item in found.make_up if item.table == table]
        assert sum(drawn) == pytest.approx(1.0)


def only_partners(territory: Territory, codes: set[str]) -> Territory:
    members = territory.tables["membership"]
    kept = members[(members["group"] != "partner") | members["insee_code"].isin(codes)]
    return replace(territory, tables={**territory.tables, "membership": kept})


def test_where_few_compete_everybody_is_seen(territory: Territory) -> None:
    few = only_partners(territory, {"32249", "32463", "32096"})
    result = audit(few, size=10, seed=1)
    assert [item.share_top for item in result.exposures] == [
        item.share_listed for item in result.exposures
    ]
    assert result.absences == ()
    assert audit(few, size=10, seed=1, top=1).absences != ()


def test_one_commune_alone_has_no_spread_to_explain(territory: Territory) -> None:
    result = audit(only_partners(territory, {"32249"}), size=10, seed=1)
    assert result.gini == 0.0
    assert {item.effective for item in result.weights} == {0.0}


def test_an_audit_out_of_range_is_refused(territory: Territory) -> None:
    for top in (0, MAX_TOP + 1):
        with pytest.raises(ProfileError, match="expected 1 to 20"):
            audit(territory, size=10, top=top)
    with pytest.raises(DataError, match="expected one of"):
        audit(territory, "moon", size=10)
    with pytest.raises(DataError, match="is empty"):
        audit(only_partners(territory, set()), size=10)
