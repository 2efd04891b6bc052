"""Whether the service is alive, and whether it is ready to answer."""

from __future__ import annotations

from fastapi import APIRouter

from api.dependencies import TerritoryDep
from api.models import Health
from geo_matcher import __version__

__all__ = ["router"]

router = APIRouter(tags=["health"])


@router.get("/healthz", response_model_exclude_none=True)
async def healthz() -> Health:
    """Tell that the process answers."""
    return Health(status="ok", version=__version__)


@router.get("/readyz")
async def readyz(territory: TerritoryDep) -> Health:
    """Tell that a release is loaded, and which one."""
    return Health(status="ok", version=__version__, release=territory.release_id)
