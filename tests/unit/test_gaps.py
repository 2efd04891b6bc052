from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest

from geo_matcher.errors import DataError
from geo_matcher.gaps import COUNTS, TECHNOLOGIES, Count, Gaps, gaps, left_at_closing
from geo_matcher.territory import Territory

CAZAUBON = "32096"


@pytest.fixture(scope="module")
def found(territory: Territory) -> Gaps:
    return gaps(territory)


def test_premises_by_technology_add_up_everywhere(found: Gaps) -> None:
    assert (found.by_technology.sum(axis=1) == found.premises).all()
    for by in ("commune", "epci"):
        answer = found.as_dict("commune" if by == "commune" else "epci")
        for row in (answer["total"], *answer["rows"]):
            assert sum(row["by_technology"].values()) == row["premises"]
            assert row["without_fibre"] == row["premises"] - row["by_technology"]["ftth"]
        for key in ("premises", "without_fibre", "without_30mbit", "without_1gbit"):
            assert sum(row[key] for row in answer["rows"]) == answer["total"][key]


def test_the_shipped_release_holds_what_the_two_counts_publish(found: Gaps) -> None:
    total = found.as_dict()["total"]
    assert total["premises"] == 138_415
    assert total["by_technology"]["fixed_4g"] == 6_325
    assert total["by_technology"]["satellite"] == 536
    assert total["counts"]["ma_connexion_internet"]["without_fibre"] == 7_123
    assert total["counts"]["cartefibre"]["without_fibre"] == 2_768
    assert total["gap"] == {"low": 1_902, "high": 7_989}
    assert total["classes"] == {"certain": 185, "possible": 259, "none": 14}


def test_each_count_keeps_its_own_denominator(found: Gaps) -> None:
    row = next(r for r in found.as_dict()["rows"] if r["insee_code"] == CAZAUBON)
    one, other = (row["counts"][name] for name in COUNTS)
    assert (one["premises"], one["without_fibre"]) == (1_778, 110)
    assert (other["premises"], other["without_fibre"]) == (2_539, 865)
    assert one["share"] == 1_668 / 1_778
    assert other["share"] == 1_674 / 2_539
    assert row["gap"] == {"low": 110, "high": 865}
    assert row["class"] == "certain"


def test_a_commune_that_no_count_knows_is_absent_and_no_zero(territory: Territory) -> None:
    lines = territory.tables["broadband_fixed"]
    known = lines[lines["insee_code"] != CAZAUBON]
    without = gaps(replace(territory, tables={**territory.tables, "broadband_fixed": known}))
    assert without.classes[without.codes.index(CAZAUBON)] == "unknown"
    answer = without.as_dict()
    assert CAZAUBON not in {row["insee_code"] for row in answer["rows"]}
    assert answer["total"]["premises"] == 138_415 - 1_778
    assert answer["total"]["classes"] == {"certain": 184, "possible": 259, "none": 14}
    told = {entry["subject"]: entry["text_en"] for entry in answer["absent"]}
    assert told["lines"].endswith("which are missing: Cazaubon (32096).")


def test_one_count_alone_is_kept_where_the_other_knows_nothing(territory: Territory) -> None:
    lines = territory.tables["broadband_fixed"].copy()
    columns = ["cartefibre_premises", "cartefibre_ftth_premises_passed"]
    lines.loc[lines["insee_code"] == CAZAUBON, columns] = np.nan
    found = gaps(replace(territory, tables={**territory.tables, "broadband_fixed": lines}))
    row = next(r for r in found.as_dict()["rows"] if r["insee_code"] == CAZAUBON)
    assert row["gap"] == {"low": 110, "high": 110}
    assert row["counts"]["cartefibre"]["without_fibre"] is None


def test_the_gap_is_the_interval_between_the_counts(found: Gaps) -> None:
    assert (found.low <= found.high).all()
    for row, name in enumerate(found.classes):
        one, other = found.without_by_count[row]
        assert name == {0: "none", 1: "possible", 2: "certain"}[int(one > 0) + int(other > 0)]


def test_a_rate_above_100_is_kept_and_flagged(found: Gaps) -> None:
    fibre = found.with_fibre.copy()
    fibre[0, 1] = found.counted_premises[0, 1] + 3
    broken = replace(found, with_fibre=fibre)
    row = broken.as_dict()["rows"][0]
    assert row["rate_above_100"]
    assert row["counts"]["cartefibre"]["share"] > 1
    assert row["counts"]["cartefibre"]["without_fibre"] == 0
    assert broken.as_dict()["total"]["rate_above_100"]
    assert not found.rate_above_100.any()


def test_a_count_without_premises_says_nothing(found: Gaps) -> None:
    counted = found.counted_premises.copy()
    fibre = found.with_fibre.copy()
    counted[0, 1] = fibre[0, 1] = 0
    broken = replace(found, counted_premises=counted, with_fibre=fibre)
    assert broken.low[0] == broken.high[0] == found.without_fibre[0]
    assert Count(0, 0).share is None
    assert Count(0, 0).without_fibre is None
    both = counted.copy()
    both[0] = 0
    fibre[0] = 0
    nothing = replace(found, counted_premises=both, with_fibre=fibre)
    assert (nothing.low[0], nothing.high[0], nothing.classes[0]) == (0, 0, "unknown")


def test_what_is_absent_is_said(found: Gaps, territory: Territory) -> None:
    assert [item["subject"] for item in found.as_dict()["absent"]] == ["households", "mobile"]
    assert any(gap.subject == "mobile_coverage" for gap in territory.catalog.gaps)


def test_the_calendar_adds_up(found: Gaps) -> None:
    steps = found.calendar()
    assert [step.day for step in steps] == sorted({day for day in found.closing if day})
    assert sum(step.communes for step in steps) == len(found)
    assert sum(step.unbuilt for step in steps) == 7_123
    assert all(step.late is not None and 0 < step.late < step.unbuilt for step in steps)
    assert all(step.late == 0 for step in found.calendar(0))


def test_a_commune_without_closing_date_is_told_apart(found: Gaps) -> None:
    open_ended = replace(found, closing=(None, *found.closing[1:]))
    last = open_ended.calendar()[-1]
    assert (last.day, last.communes, last.late) == (None, 1, None)
    assert last.as_dict()["copper_closure_date"] is None
    row = open_ended.as_dict()["rows"][0]
    assert row["copper_closure_date"] is None
    assert row["without_fibre_if_late"] is None


def test_works_end_at_an_even_pace() -> None:
    counted, closing = dt.date(2026, 6, 30), dt.date(2028, 6, 29)  # 730 days
    late_days = 12 * 365.25 / 12
    left = left_at_closing(100, counted, closing, months_late=12)
    assert left == pytest.approx(100 * late_days / (730 + late_days))
    assert left_at_closing(100, counted, closing, months_late=0) == 0
    assert left_at_closing(100, closing, counted, months_late=0) == 100  # closed already
    assert left_at_closing([10, 20], counted, closing, months_late=12).shape == (2,)
    with pytest.raises(DataError, match="expected 0"):
        left_at_closing(1, counted, closing, months_late=-1)


def test_newcomers_come_from_the_caller(territory: Territory) -> None:
    demand = np.arange(len(territory.codes), dtype=float)
    found = gaps(territory, demand)
    total = found.as_dict()["total"]["concerned"]
    assert total["newcomers"] == demand.sum()
    assert total["population"] == 192_645
    assert total["work_places"] == 16
    assert gaps(territory).as_dict()["total"]["concerned"]["newcomers"] is None


@pytest.mark.parametrize("wrong", [[1.0], [-1.0] * 458, [float("nan")] * 458])
def test_newcomers_that_do_not_fit_are_refused(territory: Territory, wrong: list[float]) -> None:
    with pytest.raises(DataError, match="expected 458 finite numbers"):
        gaps(territory, wrong)


def test_premises_that_do_not_add_up_are_refused(territory: Territory) -> None:
    table = territory.tables["broadband_fixed"].copy()
    table["mci_best_satellite"] = table["mci_best_satellite"] + 1
    broken = replace(territory, tables={**territory.tables, "broadband_fixed": table})
    with pytest.raises(DataError, match="do not add up"):
        gaps(broken)


def test_epcis_come_with_the_largest_gap_first(found: Gaps) -> None:
    sums = [int(found.without_fibre[list(epci.rows)].sum()) for epci in found.epcis]
    assert sums == sorted(sums, reverse=True)
    assert sum(len(epci.rows) for epci in found.epcis) == 458
    assert len(TECHNOLOGIES) == found.by_technology.shape[1]
