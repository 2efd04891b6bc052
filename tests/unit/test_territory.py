from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from geo_matcher import territory_file as module
from geo_matcher.errors import DataError, UnknownCommuneError
from geo_matcher.territory import SCOPES, Territory, fold, release_day
from geo_matcher.territory_file import default_release_folder


def problems_of(folder: Path) -> tuple[str, ...]:
    with pytest.raises(DataError) as refusal:
        Territory.load(folder)
    assert str(refusal.value).startswith(f"The release in {folder} is refused (")
    return refusal.value.problems


# --- Loading --------------------------------------------------------------------------------


def test_the_shipped_release_holds_the_published_counts(territory: Territory) -> None:
    assert len(territory.codes) == 458
    assert territory.communes["population"].sum() == 192_645
    assert territory.release_id.startswith("gers-2026-06-")
    assert len(territory.places) == territory.catalog["places"].rows


def test_every_frame_has_one_row_per_commune_in_code_order(territory: Territory) -> None:
    assert list(territory.codes) == sorted(territory.codes)
    for frame in (territory.communes, territory.indicators, territory.minutes):
        assert tuple(frame.index) == territory.codes
    assert tuple(territory.minutes_low.columns) == tuple(territory.minutes.columns)
    assert (
        (territory.minutes_low <= territory.minutes)
        .to_numpy()[territory.minutes_low.notna().to_numpy()]
        .all()
    )


def test_an_empty_folder_is_no_release(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds no catalog\.toml, so it is not a data release"):
        Territory.load(tmp_path)


def test_a_broken_catalog_is_refused(release_copy: Path) -> None:
    path = release_copy / "catalog.toml"
    path.write_text(path.read_text(encoding="utf-8") + "\n[[table\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"catalog\.toml is not valid TOML: .*\(at line"):
        Territory.load(release_copy)


def test_files_that_are_absent_changed_or_undescribed_are_all_told(release_copy: Path) -> None:
    (release_copy / "source/hubs.csv").unlink()
    (release_copy / "notes.txt").write_text("mine", encoding="utf-8")
    (release_copy / "source/.hubs.csv.swp").write_text("", encoding="utf-8")
    schools = release_copy / "source/schools.csv"
    schools.write_text(schools.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert problems_of(release_copy) == (
        f"source/hubs.csv is in the catalog but absent from {release_copy}",
        "source/schools.csv is not the file that the catalog describes (its SHA-256 differs). "
        "Run `geo-matcher data build` after a wanted change",
        "notes.txt is not in the catalog; describe it there or remove it",
        "source/.hubs.csv.swp is not in the catalog; describe it there or remove it",
    )


def test_faults_of_every_sort_are_told_at_once(release_copy: Path) -> None:
    fixed = release_copy / "source/broadband_fixed.csv"
    first, second, *others = fixed.read_text(encoding="utf-8").splitlines()
    cells = second.split(",")
    cells[3] = "-5"  # mci_premises
    fixed.write_text("\n".join([first, ",".join(cells), *others]), encoding="utf-8")
    members = release_copy / "membership.csv"
    text = members.read_text(encoding="utf-8").replace("2014-01-01,,", "2014-01-01,2013-01-01,", 1)
    members.write_text(text, encoding="utf-8")
    (release_copy / "derived/parameters.toml").write_text("x = ", encoding="utf-8")
    problems = problems_of(release_copy)
    assert sum("SHA-256 differs" in problem for problem in problems) == 3
    assert (
        "source/broadband_fixed.csv line 2, column mci_premises: found -5, expected "
        "a figure from 0 to 10,000,000"
    ) in problems
    assert any(p.startswith("derived/parameters.toml is not valid TOML: ") for p in problems)
    assert "membership: valid_to is before valid_from: 32001" in problems
    assert len(problems) == 6


@pytest.mark.parametrize("share", [0, 0.5])
def test_a_truncated_geoparquet_file_is_refused(release_copy: Path, share: float) -> None:
    path = release_copy / "communes.parquet"
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    problems = problems_of(release_copy)
    assert len(problems) == 2
    assert problems[1].startswith("communes.parquet is not a GeoParquet table: ")


def test_one_problem_is_counted_as_one(release_copy: Path) -> None:
    (release_copy / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(DataError, match=r"is refused \(1 problem\): notes\.txt is not in the"):
        Territory.load(release_copy)


# --- The release to use ---------------------------------------------------------------------


def test_the_release_can_be_chosen_in_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GEO_MATCHER_RELEASE", str(tmp_path))
    assert default_release_folder() == tmp_path


def test_in_a_checkout_the_shipped_release_is_used(territory: Territory) -> None:
    assert default_release_folder() == territory.folder


def test_in_an_installed_package_the_release_inside_it_is_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "release").mkdir()
    monkeypatch.setattr(module, "__file__", str(tmp_path / "territory.py"))
    assert default_release_folder() == tmp_path / "release"


# --- Names ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("L'Isle-Jourdain", "l isle jourdain"),
        ("  Montréal ", "montreal"),
        ("L’ISLE  JOURDAIN", "l isle jourdain"),
        ("Cœur", "coeur"),
        ("ŒUVRE", "oeuvre"),
        ("--", ""),
    ],
)
def test_folding_drops_accents_case_and_punctuation(text: str, folded: str) -> None:
    assert fold(text) == folded


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ("32249", "32249"),
        (" 32249 ", "32249"),
        ("Mauvezin", "32249"),
        ("montreal", "32290"),
        ("l isle jourdain", "32160"),
        ("L’Isle-Jourdain", "32160"),
    ],
)
def test_a_commune_is_found_by_code_or_by_name_however_typed(
    territory: Territory, asked: str, code: str
) -> None:
    assert territory.find(asked) == code


def test_an_unknown_name_suggests_what_looks_alike(territory: Territory) -> None:
    with pytest.raises(UnknownCommuneError) as refusal:
        territory.find("Mauvesin")
    assert refusal.value.suggestions[0] == "Mauvezin"
    assert str(refusal.value).startswith(
        "No commune of this release (Gers, 458 communes) has the INSEE code or name 'Mauvesin'. "
        "Did you mean Mauvezin"
    )


@pytest.mark.parametrize("asked", ["", "31555", "????", "x" * 500])
def test_what_resembles_nothing_is_refused_without_suggestion(
    territory: Territory, asked: str
) -> None:
    with pytest.raises(UnknownCommuneError) as refusal:
        territory.find(asked)
    assert refusal.value.suggestions == ()
    assert f"has the INSEE code or name {asked[:60]!r}." in str(refusal.value)
    assert str(refusal.value).endswith("Check its spelling, or give its INSEE code.")


def test_a_name_that_two_communes_share_asks_for_the_code(territory: Territory) -> None:
    communes = territory.communes.copy()
    communes.loc["32001", "name"] = "MAUVEZIN"
    twins = replace(territory, communes=communes)
    with pytest.raises(UnknownCommuneError) as refusal:
        twins.find("Mauvezin")
    assert str(refusal.value) == (
        "'Mauvezin' is the name of 2 communes: 32001, 32249. Give the code."
    )
    assert refusal.value.suggestions == ("32001", "32249")


# --- Membership and scopes ------------------------------------------------------------------


@pytest.fixture
def with_members(territory: Territory) -> Callable[..., Territory]:
    def make(*rows: tuple[str, str, str, str, str]) -> Territory:
        columns = ["insee_code", "group", "valid_from", "valid_to", "evidence"]
        members = pd.DataFrame(list(rows), columns=columns).assign(source="list")
        return replace(territory, tables={**territory.tables, "membership": members})

    return make


@pytest.mark.parametrize(
    ("start", "end", "is_member"),
    [
        ("2014-01-01", "", True),
        ("2026-06-30", "", True),
        ("2026-07-01", "", True),
        ("2014-01-01", "2026-06-30", True),
        ("2014-01-01", "2026-06-29", False),
    ],
)
def test_members_are_those_of_the_last_day_of_the_vintage(
    with_members: Callable[..., Territory], start: str, end: str, is_member: bool
) -> None:
    found = with_members(("32001", "partner", start, end, "sourced"))
    assert found.partner_evidence == ({"32001": "sourced"} if is_member else {})
    assert found.in_scope("partners").sum() == int(is_member)


def test_scopes_are_partners_network_and_all(territory: Territory) -> None:
    sizes = {scope: int(territory.in_scope(scope).sum()) for scope in SCOPES}
    assert sizes == {"partners": 47, "network": 171, "all": 458}


def test_an_unknown_scope_is_refused(territory: Territory) -> None:
    with pytest.raises(DataError) as refusal:
        territory.in_scope("everyone")
    assert str(refusal.value) == (
        "Unknown scope 'everyone': expected one of partners, network, all."
    )


def test_facts_say_who_is_a_partner_and_how_we_know(
    with_members: Callable[..., Territory],
) -> None:
    found = with_members(
        ("32001", "partner", "2014-01-01", "", "reconstructed"),
        ("32001", "network", "2014-01-01", "", "reconstructed"),
        ("32002", "network", "2014-01-01", "", "reconstructed"),
    )
    first, second, third = found.facts[:3]
    assert first["insee_code"] == "32001"
    assert (first["name"], first["epci"]) == ("Aignan", "CC Armagnac Adour")
    assert (first["partner"], first["evidence"], first["network"]) == (True, "reconstructed", True)
    assert (second["partner"], second["evidence"], second["network"]) == (False, None, True)
    assert (third["partner"], third["network"]) == (False, False)
    assert isinstance(first["population"], int)


@pytest.mark.parametrize(
    ("vintage", "day"),
    [
        ("2026-06", dt.date(2026, 6, 30)),
        ("2025-12", dt.date(2025, 12, 31)),
        ("2024-02", dt.date(2024, 2, 29)),
    ],
)
def test_a_vintage_ends_on_the_last_day_of_its_month(vintage: str, day: dt.date) -> None:
    assert release_day(vintage) == day
