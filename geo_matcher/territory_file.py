"""What a release is about: the name of a territory in a sentence, its towns, its network.

Hides the form of ``territory.toml``. Nothing here is a figure: the figures are in the tables, and
where each comes from is in the catalog. A territory without a network has no ``[network]``.
"""

from __future__ import annotations

import datetime as dt
import os
import tomllib
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from geo_matcher.errors import DataError

__all__ = [
    "RELEASE_VARIABLE",
    "TAKEN_KEYS",
    "TERRITORY_FILE",
    "Names",
    "Network",
    "TerritoryFile",
    "Town",
    "default_release_folder",
    "parse_territory_file",
    "read_territory_file",
]

TERRITORY_FILE = "territory.toml"
RELEASE_VARIABLE = "GEO_MATCHER_RELEASE"
MAX_TOWNS = 12
MAX_COMMUNES = 5_000
MAX_FILE_BYTES = 200_000

TAKEN_KEYS = frozenset(
    {
        "bakery", "grocery", "supermarket", "fresh_food", "fuel", "post", "bank", "bookshop_press",
        "coworking", "telecentre", "workplace", "france_services", "primary_school", "college",
        "lycee", "doctor", "hospital", "station", "airport", "cinema", "museum", "network_trace",
        "daily_services",
    }
)  # fmt: skip
"""Names of what else people drive to, which a town's key cannot be."""

EXPECTED = {
    "departement": "the code of a département such as 46 or 2A",
    "communes": "INSEE codes of 5 characters such as 46042",
    "names": "words without spaces around them",
    "network": "words without spaces around them",
    "contact_email": "an e-mail address, or nothing",
    "key": "2 to 40 small letters, digits and underscores, a letter first",
    "insee_code": "an INSEE code of 5 characters such as 46042",
    "name": "a name without spaces around it and without { } < >",
}
"""What the text of an entry must be, in words; the last part of its place that is here counts."""

InseeCode = Annotated[str, Field(pattern=r"^(\d{2}|2[AB])\d{3}$")]
Words = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^\S(.*\S)?$")]
Count = Annotated[int, Field(strict=True, ge=1, le=100_000)]


def default_release_folder() -> Path:
    """Return the release to use: ``GEO_MATCHER_RELEASE``, else the one that is shipped.

    The variable may name a release or a store of releases. A store that it does not name is never
    followed, not even the one in the user's data folder (decision 0021).
    """
    if chosen := os.environ.get(RELEASE_VARIABLE):
        return Path(chosen)
    package = Path(__file__).parent
    shipped = package / "release"
    return shipped if shipped.is_dir() else package.parent / "data" / "communes"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Names(_Strict):
    """The name of the territory as it stands in a sentence."""

    the_fr: Words = Field(description="``le Gers``, ``la Lozère``, ``les Landes``.")
    in_fr: Words = Field(description="``dans le Gers``, ``en Lozère``.")
    of_fr: Words = Field(description="``du Gers``, ``de la Lozère``, ``des Landes``.")
    the_en: Words = Field(description="``the Gers``, ``Lozère``.")


class Town(_Strict):
    """A town around which working life turns."""

    key: str = Field(
        pattern=r"^[a-z][a-z0-9_]{1,39}$",
        description="Word for it in profiles and links; the criterion is ``KEY_min``.",
    )
    insee_code: InseeCode = Field(description="Its commune, inside the territory or near it.")
    name: str = Field(max_length=60, pattern=r"^[^\s{}<>]([^{}<>]*[^\s{}<>])?$")
    role: Literal["seat", "metropolis", "other"] = Field(
        "other",
        description="``seat``: the town of the territory that all go to; ``metropolis``: the big "
        "city nearby. Both matter a little to everybody, the others to who says so.",
    )
    client_share: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Assumed share of those who visit clients that do so there: it weighs the "
        "invented newcomers of planning and audit, and no answer to a person.",
    )


class Network(_Strict):
    """The network that receives newcomers, and what it has published of itself."""

    name: Words
    published_year: int = Field(strict=True, ge=1990, le=2100, description="Year of both counts.")
    partners_published: Count | None = Field(
        None, description="Villages said to be partners; none where no count is public."
    )
    communes_published: Count | None = Field(
        None,
        description="Communes said to be reached by work places; none where no count is public.",
    )
    artists_track: str = Field(
        "",
        max_length=40,
        pattern=r"^([^\s{}<>]([^{}<>]*[^\s{}<>])?)?$",
        description="What the network calls its track for artists; empty where it has none.",
    )
    contact_email: str = Field(
        "",
        max_length=254,
        pattern=r"^(?:[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)?$",
        description="Whom prepared messages go to, unless the service is set otherwise.",
    )

    @model_validator(mode="after")
    def _can_be(self) -> Self:
        problems = []
        if self.published_year > (this_year := dt.date.today().year):
            problems.append(
                f"published_year: found {self.published_year}, expected {this_year} at most: "
                "counts are those that have been published"
            )
        villages, reached = self.partners_published, self.communes_published
        if villages is not None and reached is not None and villages > reached:
            problems.append(
                f"partners_published: found {villages}, expected {reached} at most, which "
                "communes_published says: partners are among the communes of the network"
            )
        if problems:
            raise ValueError("\n".join(problems))
        return self


class TerritoryFile(_Strict):
    """What ``territory.toml`` says.

    Attributes
    ----------
    departement, communes
        What the territory is made of: a whole département, or some communes by INSEE code. One of
        the two.
    names
        Its name as it stands in a sentence.
    town
        The towns, in the order in which they are shown.
    network
        The network that receives newcomers; None where there is none.
    """

    departement: str = Field("", pattern=r"^((\d{2}|2[AB]|9[78]\d)?)$")
    communes: tuple[InseeCode, ...] = Field((), max_length=MAX_COMMUNES)
    names: Names
    town: tuple[Town, ...] = Field((), max_length=MAX_TOWNS)
    network: Network | None = None

    @model_validator(mode="after")
    def _is_usable(self) -> Self:
        problems = []
        if bool(self.departement) == bool(self.communes):
            problems.append("give either departement or communes, and only one of them")
        overseas = [c for c in (self.departement, *self.communes) if c[:2] in {"97", "98"}]
        if overseas:
            problems.append(
                f"{overseas[0]} lies overseas: lengths are measured in Lambert-93, which holds for "
                "mainland France and Corsica only"
            )
        if len(set(self.communes)) < len(self.communes):
            problems.append("communes: a code is given twice")
        for what in ("key", "insee_code", "name"):
            values = [getattr(town, what) for town in self.town]
            twice = sorted({value for value in values if values.count(value) > 1})
            problems += [f"town: {what} {value!r} is given to two towns" for value in twice]
        problems += [
            f"town: key {town.key!r} is the name of another criterion; choose another word"
            for town in self.town
            if town.key in TAKEN_KEYS
        ]
        problems += [
            f"town: two towns have the role {role!r}"
            for role in ("seat", "metropolis")
            if sum(town.role == role for town in self.town) > 1
        ]
        if sum(town.client_share for town in self.town) > 1 + 1e-9:
            problems.append("town: the shares client_share add up to more than 1")
        if problems:
            raise ValueError("\n".join(problems))
        return self

    @cached_property
    def _hash(self) -> int:
        return hash(self.model_dump_json())

    def __hash__(self) -> int:
        """Return a hash that is computed once: what is made from a territory is kept by it."""
        return self._hash

    def __eq__(self, other: object) -> bool:
        """Tell whether another file says the same."""
        return isinstance(other, TerritoryFile) and (
            self is other or self.model_dump() == other.model_dump()
        )

    @property
    def contact_email(self) -> str:
        """Address of the network; empty where there is none."""
        return "" if self.network is None else self.network.contact_email

    @property
    def artists_track(self) -> str:
        """What the network calls its track for artists; empty where there is none."""
        return "" if self.network is None else self.network.artists_track

    @property
    def default_scope(self) -> str:
        """Where people search unless they say: among the partners, or everywhere without any."""
        return "all" if self.network is None else "partners"

    @cached_property
    def seat(self) -> Town | None:
        """The town that all go to, where one has that role."""
        return next((town for town in self.town if town.role == "seat"), None)

    @cached_property
    def metropolis(self) -> Town | None:
        """The big city nearby, where one has that role."""
        return next((town for town in self.town if town.role == "metropolis"), None)

    def holds(self, insee_code: str) -> bool:
        """Tell whether a commune belongs to the territory."""
        return insee_code in self.communes or (
            bool(self.departement) and insee_code.startswith(self.departement)
        )


def read_territory_file(place: Path) -> TerritoryFile:
    """Read a territory file, or the one of a release.

    Parameters
    ----------
    place
        The file, or the folder of a release.

    Raises
    ------
    DataError
        If the file is absent, too large, no TOML, or says what it should not; all problems are
        listed.
    """
    path = place if place.is_file() else place / TERRITORY_FILE
    told = place.name if place.is_file() else TERRITORY_FILE
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise DataError(f"{path} is larger than {MAX_FILE_BYTES:,} bytes. Check the file.")
        raw = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        what = f"holds no {TERRITORY_FILE}" if place.is_dir() else "does not exist; expected a file"
        message = (
            f"{place} {what}, which names the territory and its towns. "
            "Write one: docs/your-departement.md says how."
        )
        raise DataError(message) from None
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}).") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{told} is not valid TOML: {error}") from None
    return parse_territory_file(raw, told)


def parse_territory_file(raw: dict[str, Any], told: str = TERRITORY_FILE) -> TerritoryFile:
    """Check what a territory file says.

    Parameters
    ----------
    raw
        What it says.
    told
        What messages call the file.

    Raises
    ------
    DataError
        With every problem.
    """
    try:
        return TerritoryFile.model_validate(raw)
    except ValidationError as error:
        problems = [
            f"{told}: {problem}"
            for detail in error.errors(include_url=False)
            for problem in _sentences(detail, raw)
        ]
        raise DataError("The territory cannot be used: " + "; ".join(problems), problems) from None


def _where(loc: Sequence[int | str], raw: dict[str, Any]) -> str:
    """Say which entry pydantic means: a town by its number and key."""
    match loc:
        case ["town", int(number), *rest]:
            towns = raw["town"]
            key = towns[number].get("key") if isinstance(towns[number], dict) else None
            named = f"town {number + 1} ({key!r:.42})" if key else f"town {number + 1}"
            return ", ".join([named, *map(str, rest)])
    return ".".join(map(str, loc))


def _sentences(detail: Any, raw: dict[str, Any]) -> list[str]:
    """Say what pydantic found: where, what was found, what was expected."""
    where = _where(list(detail["loc"]), raw)
    at = f"{where}: " if where else ""
    match detail["type"]:
        case "extra_forbidden":
            return [f"{at}unknown key"]
        case "missing":
            return [f"{at}missing"]
        case "value_error":
            return [f"{at}{p}" for p in detail["msg"].removeprefix("Value error, ").split("\n")]
    expected = detail["msg"].replace("Input should", "it should").replace("String", "it")
    if detail["type"] == "string_pattern_mismatch":
        in_words = [EXPECTED[str(part)] for part in detail["loc"] if str(part) in EXPECTED]
        expected = f"expected {in_words[-1]}"
        return [f"{at}found {str(detail['input'])[:60]!r}, {expected}"]
    return [f"{at}found {str(detail['input'])[:60]!r}, {expected}"]
