"""What does not change until the release does, and the wish that it does."""

from __future__ import annotations

import logging
from dataclasses import asdict
from functools import lru_cache

from fastapi import APIRouter, HTTPException, Request
from starlette.responses import Response

from api.dependencies import StaticAnswer, TerritoryDep
from api.errors import ReleaseRefused
from api.in_service import InService, refusal
from api.models import Criterion, Preset, Release, Reloaded
from api.private import RELOAD
from api.rights import Releaser
from geo_matcher.criteria import CRITERIA
from geo_matcher.errors import GeoMatcherError
from geo_matcher.kept import kept
from geo_matcher.presets import PRESETS
from geo_matcher.territory import Territory
from geo_matcher.territory_file import TerritoryFile
from geo_matcher.towns import served

__all__ = ["release_answer", "router"]

logger = logging.getLogger(__name__)

router = APIRouter(prefix="/api/v1", tags=["release"])


@kept(maxsize=2)
def release_answer(territory: Territory) -> StaticAnswer:
    """Return the provenance of a release as an answer, made once."""
    return StaticAnswer.of(release_facts(territory))


@lru_cache(maxsize=4)
def _criteria_answer(_: TerritoryFile) -> StaticAnswer:
    return StaticAnswer.of([criterion.as_dict() for criterion in CRITERIA.values()])


@lru_cache(maxsize=4)
def _presets_answer(_: TerritoryFile) -> StaticAnswer:
    return StaticAnswer.of(presets_list())


def release_facts(territory: Territory) -> dict[str, object]:
    """Return the provenance of a release in plain types."""
    catalog = territory.catalog
    evidence = list(territory.partner_evidence.values())
    network = territory.about.network
    return {
        "release": territory.release_id,
        "territory": catalog.territory,
        "name_fr": catalog.name_fr,
        "name_en": catalog.name_en,
        "vintage": catalog.vintage,
        "communes": len(territory.codes),
        "partners": {
            "sourced": evidence.count("sourced"),
            "reconstructed": evidence.count("reconstructed"),
            "published": network.partners_published if network else None,
        },
        "network": dict(territory.parameters.get("network_reach", {})) or None,
        "travel_times": dict(territory.parameters["travel_times"]),
        "tables": [asdict(table) for table in catalog.tables],
        "gaps": [asdict(gap) for gap in catalog.gaps],
        "mends": [asdict(mend) for mend in catalog.mends],
    }


def presets_list() -> list[dict[str, object]]:
    """Return the presets in plain types."""
    return [
        {
            "name": preset.name,
            "label_fr": preset.label_fr,
            "label_en": preset.label_en,
            "profile": preset.profile.as_dict(),
        }
        for preset in PRESETS.values()
    ]


@router.get("/release", response_model=Release)
async def get_release(request: Request, territory: TerritoryDep) -> Response:
    """Return the release in service: provenance of every table, and what it does not hold."""
    return release_answer(territory).response(request)


@router.post(RELOAD.removeprefix(router.prefix))
def reload_release(request: Request, by: Releaser) -> Reloaded:
    """Put the release that the store's pointer, or the folder, holds now into service.

    Requests under way end on the old one. A release that is refused changes nothing.
    """
    in_service: InService = request.app.state.in_service
    try:
        done = in_service.reload(wait=False)
    except GeoMatcherError as error:
        logger.error("%s", refusal(error))
        raise ReleaseRefused(error) from None
    if done is None:
        raise HTTPException(
            409, "Another release is being read just now. Ask again in some seconds."
        )
    logger.warning("Release %s is in service, asked for by %s", done.release, by.login)
    return Reloaded(before=done.before, release=done.release, is_new=done.is_new)


@router.get("/criteria", response_model=list[Criterion])
async def get_criteria(request: Request) -> Response:
    """Return every criterion with its unit, direction and value function."""
    return _criteria_answer(served()).response(request)


@router.get("/presets", response_model=list[Preset])
async def get_presets(request: Request) -> Response:
    """Return typical newcomers, as starting points."""
    return _presets_answer(served()).response(request)
