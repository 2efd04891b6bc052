from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from geo_matcher.errors import DataError
from geo_matcher.membership import partner_membership, read_partner_list, solve_reach

KNOWN = frozenset({"32001", "32002", "32003"})


# --- The reach of the network ---------------------------------------------------------------


def test_the_threshold_is_the_smallest_that_meets_the_count() -> None:
    minutes = pd.Series([1.0, 2.0, 2.5, 9.0], index=["a", "b", "c", "d"])
    reach = solve_reach(minutes, 3)
    assert (reach.minutes, reach.insee_codes, reach.published) == (2.5, ("a", "b", "c"), 3)


def test_when_no_threshold_meets_the_count_the_nearest_one_is_taken_and_the_smallest_wins() -> None:
    minutes = pd.Series([1.0, 5.0, 5.0, 9.0], index=["d", "c", "b", "a"])
    reach = solve_reach(minutes, 2)  # 1 and 3 communes are as near to 2
    assert (reach.minutes, reach.insee_codes) == (1.0, ("d",))


def test_a_time_on_the_threshold_is_within_it_despite_binary_fractions() -> None:
    minutes = pd.Series([0.07, 0.29, 0.57, 1.13], index=["a", "b", "c", "d"])
    for count in range(1, 5):
        assert len(solve_reach(minutes, count).insee_codes) == count


def test_communes_out_of_reach_are_never_in_the_network() -> None:
    minutes = pd.Series([1.0, np.nan], index=["a", "b"])
    assert solve_reach(minutes, 2).insee_codes == ("a",)


def test_without_any_time_there_is_no_reach() -> None:
    with pytest.raises(DataError, match="No commune has a known time to a work place"):
        solve_reach(pd.Series([np.nan], index=["a"]), 1)


# --- The rule that completes the partners ---------------------------------------------------


@pytest.fixture
def communes() -> pd.DataFrame:
    # Two groups of communes: A has four, B has two.
    rows = [
        ("32001", "A", 900), ("32002", "A", 800), ("32003", "A", 700), ("32004", "A", 600),
        ("32005", "B", 500), ("32006", "B", 400),
    ]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["insee_code", "epci_code", "population"])
    return frame.assign(name=frame["insee_code"])


def evidence(*rows: tuple[str, str, float]) -> pd.DataFrame:
    frame = pd.DataFrame(list(rows), columns=["insee_code", "status", "year"])
    return frame.assign(source="press")


FULL = {f"3200{i}": 3 for i in range(1, 7)}


def test_a_sourced_partner_stays_sourced_from_its_year(communes: pd.DataFrame) -> None:
    told = evidence(("32006", "partner_named", 2011.0), ("32006", "partner_named", 2014.0))
    found = partner_membership(communes, told, {}, 3, year=2014)
    assert found.to_numpy().tolist() == [["32006", "partner", "2011-01-01", "", "sourced", "press"]]


def test_documented_presence_comes_before_well_served_bourgs(communes: pd.DataFrame) -> None:
    told = evidence(("32006", "network_meeting_held", np.nan))
    found = partner_membership(communes, told, FULL, 2, year=2014)
    assert dict(zip(found["insee_code"], found["evidence"], strict=True)) == {
        "32001": "reconstructed",
        "32006": "reconstructed",
    }
    assert found["source"].tolist() == [
        "rule 3: bourg with 3 of 8 everyday services, next of its EPCI",
        "rule 2: presence of the network documented (network_meeting_held)",
    ]


def test_bourgs_are_dealt_out_to_the_group_with_the_smallest_share(communes: pd.DataFrame) -> None:
    picked = [
        set(partner_membership(communes, evidence(), FULL, count, year=2014)["insee_code"])
        for count in range(1, 5)
    ]
    # Shares with one more: A 1/4, then A 2/4 = B 1/2 (A first by code), then B, then A.
    assert picked == [
        {"32001"},
        {"32001", "32002"},
        {"32001", "32002", "32005"},
        {"32001", "32002", "32005", "32003"},
    ]


def test_inside_a_group_the_best_served_comes_first_then_the_most_populated(
    communes: pd.DataFrame,
) -> None:
    served = {"32001": 2, "32002": 2, "32003": 5}
    first = partner_membership(communes, evidence(), served, 1, year=2014)
    assert first["insee_code"].tolist() == ["32003"]
    assert set(partner_membership(communes, evidence(), served, 2, year=2014)["insee_code"]) == {
        "32001",
        "32003",
    }


def test_a_commune_with_a_single_service_is_no_bourg(communes: pd.DataFrame) -> None:
    found = partner_membership(communes, evidence(), {"32001": 1, "32002": 2}, 3, year=2014)
    assert found["insee_code"].tolist() == ["32002"]


def test_the_seat_of_the_programme_is_never_a_partner(communes: pd.DataFrame) -> None:
    told = evidence(("32001", "programme_seat", 2020.0), ("32001", "solo_settled_reported", 2020.0))
    found = partner_membership(communes, told, FULL, 6, year=2014)
    assert "32001" not in set(found["insee_code"])
    assert len(found) == 5


def test_evidence_about_other_territories_is_left_out(communes: pd.DataFrame) -> None:
    told = evidence(("31555", "partner_named", 2014.0))
    assert partner_membership(communes, told, {}, 1, year=2014).empty


# --- The list of the network itself ---------------------------------------------------------


@pytest.fixture
def listed(tmp_path: Path) -> Callable[[str | bytes], Path]:
    def write(content: str | bytes) -> Path:
        path = tmp_path / "list.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def refusal_of(path: Path) -> DataError:
    with pytest.raises(DataError) as refusal:
        read_partner_list(path, KNOWN)
    return refusal.value


EXPECTED = [["32001", "2014-01-01", ""], ["32002", "2015-06-30", "2020-12-31"]]


@pytest.mark.parametrize(
    "content",
    [
        "insee_code,valid_from,valid_to\n32002,2015-06-30,2020-12-31\n32001,2014-01-01,\n",
        "insee_code;valid_from;valid_to\r\n32002;2015-06-30;2020-12-31\r\n32001;2014-01-01;\r\n",
        "\ufeffinsee_code,valid_from,valid_to\n32001,2014-01-01,\n32002,2015-06-30,2020-12-31",
        ' insee_code , name,valid_to,valid_from\n\n"32001",A, ,2014-01-01\n'
        "32002,B,2020-12-31,2015-06-30\n\n",
        "insee_code,valid_from,valid_to\n32001,2014-01-01\n32002,2015-06-30,2020-12-31\n",
    ],
    ids=["comma", "semicolon", "byte-order mark", "spaces and other columns", "short line"],
)
def test_a_list_is_read_whatever_the_spreadsheet_made_of_it(
    listed: Callable[[str | bytes], Path], content: str
) -> None:
    assert read_partner_list(listed(content), KNOWN).to_numpy().tolist() == EXPECTED


def test_a_partnership_may_end_on_its_first_day(listed: Callable[[str | bytes], Path]) -> None:
    path = listed("insee_code,valid_from,valid_to\n32001,2014-01-01,2014-01-01\n")
    assert read_partner_list(path, KNOWN)["valid_to"].tolist() == ["2014-01-01"]


def test_the_end_of_a_partnership_may_be_left_out(listed: Callable[[str | bytes], Path]) -> None:
    found = read_partner_list(listed("insee_code,valid_from\n32001,2014-01-01\n"), KNOWN)
    assert list(found.columns) == ["insee_code", "valid_from", "valid_to"]
    assert found["valid_to"].tolist() == [""]


def test_every_problem_is_told_with_its_line(listed: Callable[[str | bytes], Path]) -> None:
    path = listed(
        "insee_code,valid_from,valid_to\n"
        "32001,2014-01-01,\n"
        "99999,2014-01-01,\n"
        "32001,2015-01-01,\n"
        "32002,01/02/2014,\n"
        "32003,2014-02-30,2013-13-01\n"
        "32003,,\n"
        "\n"
        "32002,2014-05-02,2014-05-01\n"
    )
    error = refusal_of(path)
    assert error.problems == (
        "line 3: '99999' is no commune of this release "
        "(expected a 5-character INSEE code such as '32001')",
        "line 4: 32001 is already on line 2",
        "line 5: valid_from '01/02/2014' is no date (expected YYYY-MM-DD, e.g. 2014-06-30)",
        "line 6: valid_from '2014-02-30' is no date (expected YYYY-MM-DD, e.g. 2014-06-30)",
        "line 6: valid_to '2013-13-01' is no date (expected YYYY-MM-DD, e.g. 2014-06-30)",
        "line 7: 32003 is already on line 6",
        "line 7: valid_from '' is no date (expected YYYY-MM-DD, e.g. 2014-06-30)",
        "line 9: 32002 is already on line 5",
        "line 9: valid_to 2014-05-01 is before valid_from 2014-05-02",
    )
    assert str(error).startswith(f"{path} was refused and nothing has changed: line 3: ")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("insee_code,since\n32001,2014-01-01\n",
         "line 1: column 'valid_from' is missing (found: insee_code, since)"),
        ("code,valid_from\n32001,2014-01-01\n",
         "line 1: column 'insee_code' is missing (found: code, valid_from)"),
        ("insee_code,valid_from\n",
         "the list holds no commune; expected one line per partner village"),
        ("insee_code,valid_from\n32001," + "9" * 200_000 + "\n",
         "line 1: not a line of CSV (field larger than field limit (131072))"),
    ],
    ids=["no dates", "no codes", "no line", "endless cell"],
)  # fmt: skip
def test_a_list_of_another_form_is_refused(
    listed: Callable[[str | bytes], Path], content: str, problem: str
) -> None:
    assert refusal_of(listed(content)).problems == (problem,)


def test_an_empty_file_lacks_both_columns(listed: Callable[[str | bytes], Path]) -> None:
    assert refusal_of(listed("")).problems == (
        "line 1: column 'insee_code' is missing (found: nothing)",
        "line 1: column 'valid_from' is missing (found: nothing)",
    )


def test_a_file_that_is_not_utf8_is_refused_with_what_to_do(
    listed: Callable[[str | bytes], Path],
) -> None:
    path = listed("insee_code,valid_from,commune\n32001,2014-01-01,Montréal\n".encode("latin-1"))
    message = f"{path} is not UTF-8 text. Save the list as 'CSV UTF-8' and try again."
    assert str(refusal_of(path)) == message


def test_a_huge_file_is_refused_unread(listed: Callable[[str | bytes], Path]) -> None:
    path = listed(b"\xff" * 1_000_001)
    assert str(refusal_of(path)) == (
        f"{path} has 1,000,001 bytes; a partner list has at most 1,000,000. "
        "Check that this is the right file."
    )


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "absent.csv"
    assert str(refusal_of(path)) == (
        f"{path} cannot be read (No such file or directory). Give a CSV file."
    )


def test_a_folder_is_no_list(tmp_path: Path) -> None:
    assert str(refusal_of(tmp_path)) == (
        f"{tmp_path} cannot be read (Is a directory). Give a CSV file."
    )


def test_a_named_partner_without_a_year_counts_from_the_year_of_the_published_number(
    communes: pd.DataFrame,
) -> None:
    told = evidence(("32006", "partner_named", np.nan))
    found = partner_membership(communes, told, {}, 1, year=2019)
    assert list(found["valid_from"]) == ["2019-01-01"]


def test_without_a_published_number_nothing_is_reconstructed(communes: pd.DataFrame) -> None:
    told = evidence(("32006", "partner_named", 2011.0), ("32001", "solo_settled_reported", np.nan))
    found = partner_membership(communes, told, FULL, 0, year=2019)
    assert list(found["insee_code"]) == ["32006"]
