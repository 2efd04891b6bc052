"""What can be set from outside, and the bounds that keep the service safe.

Every setting is an environment variable with the prefix ``GEO_MATCHER_``; ``docs/api.md`` lists
them and a test compares. Bad combinations are refused at start.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from geo_matcher.territory_file import default_release_folder

__all__ = ["Settings"]


class Settings(BaseSettings):
    """Settings of the service."""

    model_config = SettingsConfigDict(env_prefix="GEO_MATCHER_", frozen=True, extra="ignore")

    release: Path = Field(
        default_factory=default_release_folder,
        description="Folder of the data release, or of a store of releases, to serve.",
    )
    max_body_bytes: int = Field(
        100_000, ge=1_000, le=10_000_000, description="Largest request body accepted, in bytes."
    )
    body_timeout_s: float = Field(
        10.0, gt=0, le=120, description="Longest time in which a request body must arrive, in s."
    )
    public_url: str = Field(
        "",
        max_length=200,
        pattern=r"^(https?://[A-Za-z0-9.\-\[\]:]+(/[A-Za-z0-9._~/\-]*)?)?$",
        description="Address under which people find the service, for search engines.",
    )
    max_concurrency: int = Field(
        200, ge=1, le=10_000, description="Requests under way at once; further ones get 503."
    )
    contact_email: str = Field(
        "",
        max_length=254,
        pattern=r"^(?:[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)?$",
        description="Address of the advisers, whom prepared messages go to; none by default.",
    )
    database_url: SecretStr = Field(
        SecretStr(""),
        description="Database of the advisers' files; by default a file of this user's data.",
    )
    advisers: Literal["auto", "on", "off"] = Field(
        "auto",
        description="Whether this service has an advisers' side; auto: where a database is named.",
    )

    @property
    def has_desk(self) -> bool:
        """Whether this service has an advisers' side."""
        return self.advisers == "on" or (
            self.advisers == "auto" and bool(self.database_url.get_secret_value())
        )
