"""A frozen shortlist, and what moved since: the data, the method, or the wishes."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import MappingProxyType

import pytest

from geo_matcher import snapshot
from geo_matcher.criteria import CRITERIA, ValueFunction
from geo_matcher.dossiers.accounts import SYSTEM, Account
from geo_matcher.dossiers.database import Database
from geo_matcher.dossiers.privacy import erase_person
from geo_matcher.dossiers.reading import read_file
from geo_matcher.dossiers.shortlists import freeze_shortlist, read_shortlist, rerun_shortlist
from geo_matcher.errors import DossierError, UnknownDossierError
from geo_matcher.matching import rank
from geo_matcher.presets import PRESETS
from geo_matcher.profile import parse_profile
from geo_matcher.territory import Territory
from tests.integration.dossiers.people import StillClock, opened
from tests.newer_release import FIBRE_FELL

PROFILE = PRESETS["paris-web-family"].profile


def test_a_shortlist_is_kept_as_it_was(
    db: Database, adviser: Account, territory: Territory
) -> None:
    ranking = rank(territory, PROFILE, "partners")
    key = opened(db, adviser).key
    frozen = freeze_shortlist(db, key, ranking, by=adviser, remark="Pour la visite", top=7)
    head = read_file(db, key, by=adviser).shortlists[0]
    assert (head, head.remark, head.release) == (
        frozen.head, "Pour la visite", territory.release_id,
    )  # fmt: skip
    found = read_shortlist(db, key, head.id, by=adviser)
    assert found == frozen
    assert found.profile == PROFILE
    results = ranking.results(7)
    assert [(v.insee_code, v.rank, v.score) for v in found.villages] == [
        (r["insee_code"], r["rank"], r["score"]) for r in results
    ]
    rerun = rerun_shortlist(db, key, head.id, territory, by=adviser)
    assert (rerun.is_same_data, rerun.is_same_method, rerun.is_same_wishes) == (True, True, True)
    assert rerun.since is None
    assert rerun.weights == ()
    assert all(v.causes == () and v.rank_then == v.rank_now for v in rerun.villages)


def test_what_the_wishes_moved_is_told_with_the_weights(
    db: Database, adviser: Account, territory: Territory
) -> None:
    key = opened(db, adviser).key
    frozen = freeze_shortlist(db, key, rank(territory, PROFILE, "partners"), by=adviser)
    wishes = parse_profile(PROFILE.as_dict() | {"importance": {"housing": "indispensable"}})
    rerun = rerun_shortlist(db, key, frozen.head.id, territory, by=adviser, profile=wishes)
    assert not rerun.is_same_wishes
    moved = [village for village in rerun.villages if village.causes]
    assert moved
    assert {village.causes for village in moved} == {("weights",)}
    assert all(v.rank_then in {None, v.rank_same_wishes} for v in rerun.villages)
    changed = {change.criterion: change.now - change.then for change in rerun.weights}
    assert changed["house_price_eur_m2"] > 0
    assert sum(changed.values()) == pytest.approx(0, abs=1e-9)


def test_what_the_data_moved_is_told_criterion_by_criterion(
    tmp_path: Path, territory: Territory, newer: Territory, clock: StillClock
) -> None:
    with Database.open(f"sqlite:///{tmp_path}/d.sqlite3", clock=clock) as db:
        key = opened(db, SYSTEM).key
        frozen = freeze_shortlist(db, key, rank(territory, PROFILE, "partners"), by=SYSTEM)
        rerun = rerun_shortlist(db, key, frozen.head.id, newer, by=SYSTEM)
    assert (rerun.is_same_data, rerun.is_same_method, rerun.is_same_wishes) == (False, True, True)
    assert rerun.since is not None
    fell = next(village for village in rerun.villages if village.insee_code == FIBRE_FELL)
    assert fell.rank_then == 1
    assert fell.causes == ("data",)
    told = next(moved for moved in rerun.since.villages if moved.insee_code == FIBRE_FELL)
    assert told.changes is not None
    assert "ftth_coverage_share" in {change.criterion for change in told.changes}


def test_what_the_method_moved_is_told(
    db: Database, adviser: Account, territory: Territory, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = opened(db, adviser).key
    frozen = freeze_shortlist(db, key, rank(territory, PROFILE, "partners"), by=adviser)
    steeper = dataclasses.replace(
        CRITERIA["station_min"], value_function=ValueFunction(((0.0, 1.0), (1.0, 0.0)))
    )
    monkeypatch.setattr(
        snapshot, "CRITERIA", MappingProxyType({**CRITERIA, "station_min": steeper})
    )
    rerun = rerun_shortlist(db, key, frozen.head.id, territory, by=adviser)
    assert (rerun.is_same_data, rerun.is_same_method) == (True, False)


def test_an_impossible_shortlist_is_refused(
    db: Database, adviser: Account, territory: Territory
) -> None:
    ranking = rank(territory, PROFILE, "partners")
    key = opened(db, adviser).key
    with pytest.raises(DossierError, match="top: found 0"):
        freeze_shortlist(db, key, ranking, by=adviser, top=0)
    nothing = PROFILE.model_validate(
        PROFILE.as_dict() | {"limits": {"population": {"at_least": 1e6, "at_most": 1e6}}}
    )
    with pytest.raises(DossierError, match="lists no village"):
        freeze_shortlist(db, key, rank(territory, nothing, "partners"), by=adviser)
    with pytest.raises(UnknownDossierError, match="has no shortlist"):
        read_shortlist(db, key, 99, by=adviser)
    frozen = freeze_shortlist(db, key, ranking, by=adviser)
    erase_person(db, key, by=adviser)
    with pytest.raises(DossierError, match="made anonymous"):
        read_shortlist(db, key, frozen.head.id, by=adviser)
