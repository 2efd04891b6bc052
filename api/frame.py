"""What stands around a page of its own: its title, the way back, the foot.

Hides nothing of the data; the sentences of the foot are those of the movers' page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.responses import HTMLResponse, Response

from api.dependencies import FRESH
from api.faults import FormError
from api.forms import href, other_language, to_query
from api.page import foot_parts
from api.rendering import render
from api.results import fault_texts
from api.texts import translator
from geo_matcher.profile import Profile
from geo_matcher.territory import Territory

__all__ = ["FrameView", "frame_view", "refusal", "sorry"]


@dataclass(frozen=True, slots=True)
class FrameView:
    """The surroundings of a page.

    Attributes
    ----------
    title
        What the page is about.
    back_href
        Where the list is that it came from.
    other_language_href
        Where the page is in the other language.
    release, words, gaps, sources
        The foot; see :class:`api.page.PageView`.
    """

    title: str
    back_href: str
    other_language_href: str
    release: str
    words: tuple[str, ...]
    gaps: tuple[str, ...]
    sources: tuple[tuple[str, str, str, str, str], ...]


def frame_view(
    territory: Territory, language: str, *, title: str, back_query: str, other_href: str
) -> FrameView:
    """Return what stands around a page.

    Parameters
    ----------
    territory
        The release in service.
    language
        ``fr`` or ``en``.
    title
        What the page is about.
    back_query
        The list that it came from.
    other_href
        Where the page is in the other language.
    """
    return FrameView(
        title=title,
        back_href=href(back_query),
        other_language_href=other_href,
        release=territory.release_id,
        **foot_parts(territory, language),
    )


def sorry(
    territory: Territory,
    language: str,
    scope: str,
    texts: Sequence[str],
    status: int,
    back_query: str | None = None,
    *,
    near: Sequence[tuple[str, str]] = (),
) -> Response:
    """Show what cannot be read, and the way back.

    Parameters
    ----------
    territory
        The release in service.
    language, scope
        Those of the list that the page came from.
    texts
        What is wrong, one sentence each.
    status
        HTTP status.
    back_query
        The list; by default an empty one.
    near
        Pairs (name, address) of what looks alike.
    """
    frame = frame_view(
        territory,
        language,
        title=translator(language)("frame.sorry"),
        back_query=to_query(Profile(), scope, language) if back_query is None else back_query,
        other_href=f"/?{to_query(Profile(), scope, other_language(language))}",
    )
    html = render("sorry.html", language, page=frame, faults=texts, near=near)
    return HTMLResponse(html, status_code=status, headers=FRESH)


def refusal(territory: Territory, error: FormError) -> Response:
    """Show what cannot be read in the query of a list."""
    return sorry(territory, error.language, error.scope, fault_texts(error), 422)
