"""What stands around a page of its own: its title, the way back, the foot.

Hides nothing of the data; the sentences of the foot are those of the movers' page.
"""

from __future__ import annotations

from dataclasses import dataclass

from api.forms import href
from api.page import foot_parts
from geo_matcher.territory import Territory

__all__ = ["FrameView", "frame_view"]


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
