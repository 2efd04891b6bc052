"""What stands around every page of the advisers: who is signed in, the way about, what was done.

Hides the addresses of the desk. No address holds anything that tells of a person: files are named
by a key that says nothing, searches are sent and not linked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlencode

from api.forms import other_language
from api.private import PAGES
from api.texts import translator, typeset
from geo_matcher.dossiers.accounts import ROLE_LABELS, Account, Right

__all__ = ["DONE", "NavLink", "WorkFrame", "desk_href", "home_of", "work_frame"]

DONE = (
    "opened", "saved", "moved", "note", "task", "task_done", "visit", "visit_told", "consent",
    "withdrawn", "follow_up", "frozen", "merged", "erased", "imported",
)  # fmt: skip
"""What a page may say was done, as the address names it."""


class NavLink(NamedTuple):
    """A link of the desk's own navigation."""

    href: str
    label: str
    is_here: bool


@dataclass(frozen=True, slots=True)
class WorkFrame:
    """The surroundings of a page of the desk.

    Attributes
    ----------
    title
        What the page is about.
    nav
        Where one may go, by what the account may do.
    other_language_href
        The page in the other language.
    home_href
        The first page of whoever is signed in.
    name, role
        Who is signed in.
    csrf
        What every form sends back.
    notice
        What was just done; empty for nothing.
    is_demonstration
        Whether everything shown is invented.
    """

    title: str
    nav: tuple[NavLink, ...]
    other_language_href: str
    home_href: str
    name: str
    role: str
    csrf: str
    notice: str
    is_demonstration: bool


def desk_href(path: str, language: str, **query: str | int | None) -> str:
    """Return an address of the desk, in a language; what is empty is left out."""
    pairs = [(key, str(value)) for key, value in query.items() if value not in (None, "")]
    if language != "fr":
        pairs.append(("lang", language))
    return f"{PAGES}{path}" + (f"?{urlencode(pairs)}" if pairs else "")


def home_of(account: Account) -> str:
    """Return the first page of an account: the day, the board, or the figures."""
    if Right.READ in account.rights:
        return ""
    return "/dossiers" if Right.PORTFOLIO in account.rights else "/bilan"


def work_frame(
    account: Account,
    language: str,
    *,
    title: str,
    path: str,
    csrf: str,
    done: str = "",
    is_demonstration: bool = False,
    query: Mapping[str, str] | None = None,
) -> WorkFrame:
    """Return what stands around a page.

    Parameters
    ----------
    account
        Who is signed in.
    language
        ``fr`` or ``en``.
    title
        What the page is about.
    path
        Its address below ``PAGES``.
    csrf
        What its forms send back.
    done
        What was just done, one of :data:`DONE`; anything else says nothing.
    is_demonstration
        Whether everything is invented.
    query
        What stands in its address beside the language, for the same page in the other one.
    """
    t, other = translator(language), other_language(language)
    places = (
        ("", "desk.nav.today", Right.READ),
        ("/dossiers", "desk.nav.board", Right.PORTFOLIO),
        ("/carte", "desk.nav.map", Right.STATISTICS),
        ("/bilan", "desk.nav.report", Right.STATISTICS),
    )
    at = "/dossiers" if path in {"/import", "/export"} else path
    here = max((p for p, *_ in places if at == p or at.startswith(f"{p}/")), key=len)
    role = ROLE_LABELS[account.role][language] if account.role else ""
    return WorkFrame(
        title=title,
        nav=tuple(
            NavLink(desk_href(p, language), t(key), p == here)
            for p, key, right in places
            if right in account.rights
        ),
        other_language_href=desk_href(path, other, **(query or {})),
        home_href=desk_href(home_of(account), language),
        name=account.name,
        role=typeset(role, language),
        csrf=csrf,
        notice=t(f"desk.done.{done}") if done in DONE else "",
        is_demonstration=is_demonstration,
    )
