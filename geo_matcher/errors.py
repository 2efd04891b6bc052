"""The errors that a caller may want to catch, and nothing else.

::

    GeoMatcherError
    ├── DataError (ValueError)              a release, or a file offered to it, is broken
    │   └── CrsError                        a geometry is not in the CRS it must be in
    ├── NotInReleaseError (LookupError)     the release does not hold what is asked about
    ├── SourceError (OSError)               a source outside cannot be reached or gives nonsense
    │   └── AbsentFileError                 a source has no such file: another edition may be there
    ├── UnknownCommuneError (LookupError)   no commune has this code or name
    ├── UnknownCriterionError (LookupError) no criterion has this name
    ├── UnknownPresetError (LookupError)    no preset has this name
    ├── ProfileError (ValueError)           a profile cannot be read, or asks the impossible
    ├── DriveError (ValueError)             a question about drives asks the impossible
    ├── PlanError (ValueError)              a plan, or a measure of one, asks the impossible
    ├── ScenarioError (ValueError)          a planning scenario is broken or contradictory
    ├── WeightError (ValueError)            weights that cannot be used
    ├── DossierError (ValueError)           a file of an adviser cannot become what was asked
    │   └── SpreadsheetError                a spreadsheet of files cannot be read as one
    ├── UnknownDossierError (LookupError)   no file, task, account or token is called so
    ├── StaleEditError (RuntimeError)       somebody else changed the file meanwhile
    ├── AccessError (PermissionError)       who asks may not do that
    │   ├── SignInError                     name and password do not fit, or the session is over
    │   └── ThrottledError                  too many attempts; to be tried again later
    └── StoreError (OSError)                a database, a backup or a store of releases fails

Each leaf also inherits the standard exception that names the same mistake. Every message says what
was found, what was expected and what to do. Errors that gather several problems keep them in
``problems``, so that a caller can list them one by one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

__all__ = [
    "AbsentFileError",
    "AccessError",
    "CrsError",
    "DataError",
    "DossierError",
    "DriveError",
    "GeoMatcherError",
    "NotInReleaseError",
    "PlanError",
    "ProfileError",
    "ScenarioError",
    "SignInError",
    "SourceError",
    "SpreadsheetError",
    "StaleEditError",
    "StoreError",
    "ThrottledError",
    "UnknownCommuneError",
    "UnknownCriterionError",
    "UnknownDossierError",
    "UnknownPresetError",
    "WeightError",
]


class GeoMatcherError(Exception):
    """Base of every error that geo_matcher raises on purpose.

    Parameters
    ----------
    message
        What was found, what was expected and what to do.
    problems
        The single problems behind the message, one sentence each. Defaults to the message itself.
    """

    def __init__(self, message: str, problems: Sequence[str] | None = None) -> None:
        super().__init__(message)
        self.problems: tuple[str, ...] = tuple(problems) if problems is not None else (message,)


class DataError(GeoMatcherError, ValueError):
    """A release, or a file offered to it, is broken."""


class CrsError(DataError):
    """A geometry is not in the coordinate reference system it must be in."""


class NotInReleaseError(GeoMatcherError, LookupError):
    """The release does not hold the source that an answer needs; it is whole without it."""


class SourceError(GeoMatcherError, OSError):
    """A source outside this machine cannot be reached, or does not answer as it should."""


class AbsentFileError(SourceError):
    """A source has no file at an address; one of another year may be there."""


class UnknownCommuneError(GeoMatcherError, LookupError):
    """No commune has this code or name.

    Parameters
    ----------
    message
        What was asked and what is near.
    suggestions
        Names of communes that look alike, best first.
    """

    def __init__(self, message: str, suggestions: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.suggestions: tuple[str, ...] = tuple(suggestions)


class UnknownCriterionError(GeoMatcherError, LookupError):
    """No criterion has this name."""


class UnknownPresetError(GeoMatcherError, LookupError):
    """No preset has this name."""


class ProfileError(GeoMatcherError, ValueError):
    """A profile cannot be read, or asks the impossible."""


class DriveError(GeoMatcherError, ValueError):
    """A question about drives asks for a place, a time or a week that cannot be."""


class PlanError(GeoMatcherError, ValueError):
    """A plan, or a measure of what an investment brings, asks the impossible."""


class ScenarioError(GeoMatcherError, ValueError):
    """A planning scenario cannot be read, or contradicts itself."""


class WeightError(GeoMatcherError, ValueError):
    """Weights that cannot be used: negative, not finite, or all zero."""


class DossierError(GeoMatcherError, ValueError):
    """A file of an adviser cannot become what was asked; nothing was changed."""


class SpreadsheetError(DossierError):
    """A spreadsheet of files cannot be read as one, whatever stands in its rows.

    Parameters
    ----------
    message
        What was found, what was expected, what to do.
    reason
        ``damaged``, ``size``, ``rows`` or ``headings``.
    """

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


class UnknownDossierError(GeoMatcherError, LookupError):
    """No file, or nothing that belongs to one, no account and no token is called so."""


class StaleEditError(GeoMatcherError, RuntimeError):
    """Somebody else changed the file since it was read; nothing was changed, nothing is lost.

    Parameters
    ----------
    message
        Which file, which versions; no value.
    differences
        For each field that either side changed: its value as it was read, as it was to become, and
        as it is now. These hold personal data: show them to who edits, write them nowhere.
    version
        The version that the file has now.
    """

    def __init__(
        self,
        message: str,
        differences: Mapping[str, tuple[object, object, object]],
        version: int,
    ) -> None:
        super().__init__(message)
        self.differences: Mapping[str, tuple[object, object, object]] = differences
        self.version = version


class AccessError(GeoMatcherError, PermissionError):
    """Who asks may not do that."""


class SignInError(AccessError):
    """Name and password do not fit, or a session or token is unknown, over or revoked."""


class ThrottledError(AccessError):
    """Too many attempts to sign in.

    Parameters
    ----------
    message
        When to try again.
    retry_after_s
        Seconds to wait.
    """

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class StoreError(GeoMatcherError, OSError):
    """The database of the files, a backup of it, or a store of releases cannot be used."""
