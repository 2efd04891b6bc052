"""What does not change until the release does: provenance, criteria, presets."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter, FastAPI, Request
from starlette.responses import Response

from api.dependencies import StaticAnswer
from api.models import Criterion, Preset, Release
from geo_matcher.criteria import CRITERIA
from geo_matcher.presets import PRESETS
from geo_matcher.territory import Territory

__all__ = ["prepare", "router"]

router = APIRouter(prefix="/api/v1", tags=["release"])


def prepare(app: FastAPI, territory: Territory) -> None:
    """Make the answers of this module once, for the release in service."""
    app.state.release_answer = StaticAnswer.of(release_facts(territory))
    app.state.criteria_answer = StaticAnswer.of(
        [criterion.as_dict() for criterion in CRITERIA.values()]
    )
    app.state.presets_answer = StaticAnswer.of(presets_list())


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
async def get_release(request: Request) -> Response:
    """Return the release in service: provenance of every table, and what it does not hold."""
    answer: StaticAnswer = request.app.state.release_answer
    return answer.response(request)


@router.get("/criteria", response_model=list[Criterion])
async def get_criteria(request: Request) -> Response:
    """Return every criterion with its unit, direction and value function."""
    answer: StaticAnswer = request.app.state.criteria_answer
    return answer.response(request)


@router.get("/presets", response_model=list[Preset])
async def get_presets(request: Request) -> Response:
    """Return typical newcomers, as starting points."""
    answer: StaticAnswer = request.app.state.presets_answer
    return answer.response(request)
