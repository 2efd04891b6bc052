"""What in the query of a page cannot be used.

Hides the English of each fault, for errors; pages have words of their own for the same codes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from api.typed_numbers import plain_number
from geo_matcher.errors import ProfileError

__all__ = [
    "FAULT_TEXTS",
    "MAX_KEYS",
    "MAX_QUERY_CHARS",
    "Fault",
    "FormError",
    "refusals",
    "shortened",
]

MAX_QUERY_CHARS = 8_000
"""Size above which a query is refused unread."""

MAX_KEYS = 250
MAX_SHOWN_CHARS = 60


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing in a query that cannot be used.

    Attributes
    ----------
    key
        The key, shortened.
    code
        What is wrong, one of ``FAULT_TEXTS``.
    found
        What was given, shortened.
    expected
        What would do, for instance the words that exist or the ends of a range.
    choices
        Answers that would do, as pairs (value of the key, what people call it).
    """

    key: str
    code: str
    found: str = ""
    expected: tuple[str, ...] = ()
    choices: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        """Return the fault as an English sentence."""
        expected = ", ".join(self.expected)
        return FAULT_TEXTS[self.code].format(key=self.key, found=self.found, expected=expected)


FAULT_TEXTS: Mapping[str, str] = {
    "too_large": f"the query is too large (at most {MAX_QUERY_CHARS} characters, {MAX_KEYS} keys)",
    "unknown_key": "{key}: unknown key; check its spelling or start again from the form",
    "repeated_key": "{key}: given more than once; keep one",
    "too_long": "{key}: too long (at most {expected} characters); shorten it",
    "not_a_number": "{key}: found {found!r}, expected a number such as 12 or 12.5",
    "not_an_age": "{key}: found {found!r}, expected whole ages such as 4, 9",
    "not_a_code": "{key}: found {found!r}, expected INSEE codes such as 32249,32213",
    "not_an_option": "{key}: found {found!r}, expected one of: {expected}",
    "below": "{key}: found {found!r}, expected {expected} or more",
    "not_above": "{key}: found {found!r}, expected more than {expected}",
    "above": "{key}: found {found!r}, expected {expected} or less",
    "too_many": "{key}: too many values (at most {expected})",
    "not_breakpoints": "{key}: found {found!r}, expected breakpoints such as 5:1,15:0 ({expected})",
    "crossed": "{key}: the least ({found}) is above the most ({expected})",
    "unknown_place": "{key}: found {found!r}, which no commune within 80 km is called; check it",
    "near_place": "{key}: found {found!r}, which names no single commune; is it {expected}?",
    "nothing_matters": "nothing matters: raise one importance, so that there is something to rank",
    "refused": "{key}: {expected}",
    "several_communes": "{key}: {found!r} is the name of several communes: {expected}",
    "near_commune": "{key}: no commune is called {found!r}; near it: {expected}",
    "no_commune": "{key}: no commune is called {found!r}; expected a name, such as Nantes, "
    "Saint-Denis (93), or an INSEE code",
}
"""What each code says in English, for the error; pages have their own words."""


class FormError(ProfileError):
    """A query that cannot be used, with what is needed to show the form again.

    Parameters
    ----------
    faults
        What is wrong; ``problems`` says the same in English.
    fields
        What was given, by key, as typed.
    scope, language
        Those asked for, or the defaults.
    """

    def __init__(
        self, faults: tuple[Fault, ...], fields: Mapping[str, str], scope: str, language: str
    ) -> None:
        problems = [str(fault) for fault in faults]
        super().__init__("The answers cannot be used: " + "; ".join(problems), problems)
        self.faults = faults
        self.fields = fields
        self.scope = scope
        self.language = language


def shortened(text: str) -> str:
    """Return what was given, or its beginning."""
    return text if len(text) <= MAX_SHOWN_CHARS else f"{text[:MAX_SHOWN_CHARS]}…"


BOUND_CODES = {
    "greater_than": ("not_above", "gt"),
    "greater_than_equal": ("below", "ge"),
    "less_than_equal": ("above", "le"),
    "too_long": ("too_many", "max_length"),
    "string_too_long": ("too_long", "max_length"),
}


def refusals(error: ValidationError, keys: Mapping[str, str]) -> Iterator[Fault]:
    """Turn what the profile itself refuses (its bounds) into faults of the form.

    Parameters
    ----------
    error
        What the profile says.
    keys
        Key of the form for each field of the profile.
    """
    for detail in error.errors(include_url=False):
        field = str(detail["loc"][0]) if detail["loc"] else ""
        key = keys.get(field, field)
        if detail["type"] in BOUND_CODES:
            code, bound = BOUND_CODES[detail["type"]]
            given = detail["input"]
            found = shortened(plain_number(given) if isinstance(given, float) else str(given))
            yield Fault(key, code, found, (plain_number(detail["ctx"][bound]),))
        elif not field and "nothing matters" in detail["msg"]:
            yield Fault("", "nothing_matters")
        else:
            yield Fault(key, "refused", expected=(detail["msg"].removeprefix("Value error, "),))
