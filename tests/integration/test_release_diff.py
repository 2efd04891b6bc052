"""What differs between two releases: tables, membership, and who moved in rankings, and why."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from geo_matcher import cli
from geo_matcher.matching import rank
from geo_matcher.presets import PRESETS
from geo_matcher.rank_moves import MOVERS
from geo_matcher.release_diff import release_diff
from geo_matcher.territory import Territory
from tests.conftest import RELEASE
from tests.newer_release import FIBRE_FELL, PRICE_FELL, newer_release

FAMILY = {"paris-web-family": PRESETS["paris-web-family"].profile}


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Territory:
    folder = Path(shutil.copytree(RELEASE, tmp_path_factory.mktemp("newer") / "communes"))
    return newer_release(folder)


def call(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, ["data", "diff", *arguments])


def test_a_release_differs_from_itself_in_nothing(territory: Territory) -> None:
    found = release_diff(territory, territory, FAMILY)
    assert found.tables == ()
    assert all(not (group.joined or group.left) for group in found.groups)
    (ranking,) = found.rankings
    moves = ranking.moves
    assert (moves.moved, moves.median_move, moves.largest_move) == (0, 0.0, 0)
    assert not moves.named
    assert not moves.shifts
    assert moves.ranked > 400


def test_what_changed_is_found_in_its_tables_and_nowhere_else(
    territory: Territory, newer: Territory
) -> None:
    found = release_diff(territory, newer, FAMILY)
    tables = {table.name: table for table in found.tables}
    assert set(tables) == {
        "broadband_fixed", "housing_prices_rents", "indicators",
    }  # fmt: skip
    fibre = tables["broadband_fixed"]
    assert (fibre.changed, fibre.added, fibre.removed) == (1, 0, 0)
    assert {column for column, _ in fibre.columns} == {
        "mci_best_ftth", "mci_best_fixed_4g", "mci_land_1gbit",
    }  # fmt: skip
    assert tables["indicators"].changed == 2
    assert (found.times_before, found.times_after) == ("town_halls", "town_halls")


def test_the_moves_are_those_of_the_rankings(territory: Territory, newer: Territory) -> None:
    (found,) = release_diff(territory, newer, FAMILY, "partners").rankings
    ranks = []
    for release in (territory, newer):
        ranking = rank(release, FAMILY["paris-web-family"], "partners")
        codes = [ranking.matrix.codes[row] for row in ranking.order]
        ranks.append(dict(zip(codes, ranking.ranks.tolist(), strict=True)))
    both = ranks[0].keys() & ranks[1].keys()
    distances = {code: abs(ranks[0][code] - ranks[1][code]) for code in both}
    moves = found.moves
    assert (moves.ranked, moves.moved) == (len(both), sum(d > 0 for d in distances.values()))
    assert moves.largest_move == max(distances.values())
    assert len(moves.movers) == MOVERS
    named = [distances[village.insee_code] for village in moves.movers]
    assert named == sorted(distances.values(), reverse=True)[:MOVERS], "the farthest are named"
    (fell,) = (v for v in moves.left if v.insee_code == FIBRE_FELL)
    assert (fell.rank_before, fell.rank_after) == (1, None)
    assert (fell.absence, fell.limits) == ("limit", ("ftth_coverage_share",))
    assert fell in moves.no_longer_ranked
    assert fell.changes[0].criterion == "ftth_coverage_share"
    assert fell.changes[0].points < 0
    assert fell.changes[0].before == territory.indicators["ftth_coverage_share"][FIBRE_FELL]
    assert fell.changes[0].after == newer.indicators["ftth_coverage_share"][FIBRE_FELL]
    assert PRICE_FELL in {village.insee_code for village in moves.entered}
    assert {shift.criterion: shift.communes for shift in moves.shifts} == {
        "ftth_coverage_share": 1, "house_price_eur_m2": 1,
    }  # fmt: skip
    plain = json.loads(json.dumps(release_diff(territory, newer, FAMILY).as_dict()))
    (row,) = plain["rankings"]
    assert row["movers"][0]["rank_before"] != row["movers"][0]["rank_after"]
    assert row["movers"][0]["changes"][0]["points"]


def test_rows_without_a_key_and_whole_tables_come_and_go(territory: Territory) -> None:
    shops = territory.tables["shops"]
    fewer = dict(territory.tables) | {"shops": shops.iloc[3:].reset_index(drop=True)}
    del fewer["schools"]
    after = dataclasses.replace(territory, tables=fewer)
    tables = {table.name: table for table in release_diff(territory, after, FAMILY).tables}
    assert (tables["shops"].removed, tables["shops"].added) == (3, 0)
    gone = tables["schools"]
    assert (gone.rows_before, gone.rows_after, gone.removed) == (168, None, 168)
    back = {table.name: table for table in release_diff(after, territory, FAMILY).tables}
    assert (back["schools"].rows_before, back["schools"].added) == (None, 168)


def test_a_missing_figure_that_stays_missing_is_no_change(territory: Territory) -> None:
    figures = territory.tables["indicators"].copy()
    assert figures["house_price_eur_m2"].isna().any()
    row = int(np.flatnonzero(figures["house_price_eur_m2"].notna())[0])
    figures.loc[row, "house_price_eur_m2"] = np.nan
    shapes = territory.tables["communes"].copy()
    shapes.loc[[0, 1], "geometry"] = shapes.geometry.iloc[[1, 0]].to_numpy()
    after = dataclasses.replace(
        territory, tables={**territory.tables, "indicators": figures, "communes": shapes}
    )
    tables = {table.name: table for table in release_diff(territory, after, FAMILY).tables}
    assert tables["indicators"].columns == (("house_price_eur_m2", 1),)
    assert tables["communes"].columns == (("geometry", 2),)


def test_groups_tell_who_joined_and_left(territory: Territory) -> None:
    members = territory.tables["membership"]
    partner = members["group"] == "partner"
    out = str(members["insee_code"][partner].iloc[0])
    after = dataclasses.replace(
        territory,
        tables={
            **territory.tables,
            "membership": members[~(partner & (members["insee_code"] == out))],
        },
    )
    (partners, network) = release_diff(territory, after, FAMILY).groups
    assert (partners.joined, partners.left) == ((), (out,))
    assert (network.joined, network.left) == ((), ())


def test_on_the_command_line(newer: Territory) -> None:
    folders = (str(RELEASE), str(newer.folder))
    shown = call(*folders, "--profile-name", "paris-web-family", "--scope", "partners")
    assert shown.exit_code == 0, shown.output
    assert "broadband_fixed" in shown.stdout
    assert re.search(
        r"Mauvezin: 1 → not ranked, beyond the limit on ftth_coverage_share, -\d+\.\d points: "
        r"ftth_coverage_share -\d+\.\d \(97\.2% → 64\.8%\); leaves the first 5\n",
        shown.stdout,
    ), shown.stdout
    assert re.search(r"Gimont: 6 → 1, \+\d\.\d points: house_price_eur_m2 \+", shown.stdout)
    told = re.findall(r": (\d+) → (\d+), ", shown.stdout)
    assert len(told) >= MOVERS
    assert all(before != after for before, after in told), "only those that moved"
    answer = json.loads(call(*folders, "--format", "json", "--movers", "1").stdout)
    assert [row["profile"] for row in answer["rankings"]] == list(PRESETS)
    assert {len(row["movers"]) for row in answer["rankings"]} == {1}
    same = call(str(RELEASE), str(RELEASE), "--profile-name", "retired-couple")
    assert "the same release" in same.stdout
    assert call(*folders, "--profile-name", "nobody").exit_code != 0
