"""The board: how many files stand at each stage, and which ones.

Hides columns, filters and paging. Whoever may not read personal data sees the same board without
names. A search is sent and never stands in an address.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from api.desk_places import desk_href
from api.desk_words import city_label, short_day, stage_label
from api.texts import artists_word, translator
from geo_matcher.dossiers.accounts import Account, Role
from geo_matcher.dossiers.reading import Card, Cards
from geo_matcher.dossiers.stages import Stage
from geo_matcher.numbers import format_number

__all__ = ["COLUMNS", "PAGE", "BoardAsked", "BoardView", "FileCard", "board_view"]

COLUMNS = (Stage.ENQUIRY, Stage.QUALIFIED, Stage.MATCHED, Stage.VISIT, Stage.DECISION)
"""Stages that are work: each is a column of the board."""

IN_COLUMN = 6
"""Files of a column before the rest is left to the list of its stage."""

PAGE = 50
"""Files on one page of a list."""


@dataclass(frozen=True, slots=True)
class BoardAsked:
    """What the board is asked.

    Attributes
    ----------
    stage
        One stage, as a list; None for the board.
    adviser
        Login of who is in charge, ``-`` for nobody; empty for everybody.
    text
        Words of a name, or an e-mail address.
    page
        Number of the page, from 1.
    """

    stage: Stage | None = None
    adviser: str = ""
    text: str = ""
    page: int = 1

    @property
    def is_list(self) -> bool:
        """Whether a list is asked for rather than the board."""
        return self.stage is not None or bool(self.text)

    @property
    def in_charge(self) -> str | None:
        """Who is in charge, as :func:`geo_matcher.dossiers.reading.list_files` wants it."""
        return {"": None, "-": ""}.get(self.adviser, self.adviser)


class FileCard(NamedTuple):
    """A file in a column or a list; ``name`` is its key for whoever may not see names."""

    href: str
    name: str
    about: str
    stage: str
    since: str
    adviser: str
    persons: str


class Column(NamedTuple):
    """A stage: how many files, the first ones, and where they all are."""

    stage: str
    label: str
    number: str
    href: str
    is_here: bool
    cards: tuple[FileCard, ...]
    more: str


@dataclass(frozen=True, slots=True)
class BoardView:
    """The board, or one list of it.

    Attributes
    ----------
    columns
        The stages that are work.
    others
        Stages that are over: settled, closed; as columns without cards.
    cards, caption
        The list, where one is asked for.
    earlier, later
        Numbers of the pages beside this one, 0 for none; ``page_href`` has ``{page}`` in it.
    advisers
        Triples (value, label, whether it is chosen).
    text, stage
        What is searched, in which stage.
    sees
        Whether names are shown, so that they can be searched.
    search_href, board_href, new_href
        Where a search is sent, the whole board, where a file is opened.
    import_href, export_href
        Where a spreadsheet is taken in, and where all files are handed over.
    """

    columns: tuple[Column, ...]
    others: tuple[Column, ...]
    cards: tuple[FileCard, ...]
    caption: str
    earlier: int
    later: int
    page_hrefs: tuple[str, str]
    is_list: bool
    advisers: tuple[tuple[str, str, bool], ...]
    adviser: str
    text: str
    stage: str
    sees: bool
    search_href: str
    board_href: str
    new_href: str
    import_href: str
    export_href: str


def board_view(
    found: Cards,
    asked: BoardAsked,
    language: str,
    *,
    columns: Mapping[Stage, Sequence[Card]],
    advisers: Sequence[Account],
    communes: Mapping[str, str],
    sees: bool,
    may_open: bool,
    may_export: bool,
) -> BoardView:
    """Return the board.

    Parameters
    ----------
    found
        The list that was asked for, and the counts.
    asked
        What was asked.
    language
        ``fr`` or ``en``.
    columns
        The first files of each stage that is work; empty where a list is asked for.
    advisers
        Accounts, for the names of who is in charge.
    communes
        Names of communes by code.
    sees
        Whether names are shown.
    may_open, may_export
        Whether a file can be opened; whether all can be handed over.
    """
    t = translator(language)
    named = {account.login: account.name for account in advisers}

    def card_of(card: Card) -> FileCard:
        return _card(card, language, named, communes)

    def column(stage: Stage, cards: Sequence[Card]) -> Column:
        count = found.by_stage[stage]
        rest = count - len(cards)
        return Column(
            stage.value,
            stage_label(stage, language),
            format_number(count, language),
            desk_href("/dossiers", language, etape=stage.value, conseiller=asked.adviser),
            stage is asked.stage,
            tuple(map(card_of, cards)),
            t("desk.board.all", count=count, n=count) if cards and rest > 0 else "",
        )

    pages = max(1, -(-found.total // PAGE))
    chosen = asked.stage.value if asked.stage else ""

    def page_href(page: int) -> str:
        return desk_href("/dossiers", language, etape=chosen, conseiller=asked.adviser, page=page)

    return BoardView(
        columns=tuple(
            column(stage, tuple(columns.get(stage, ()))[:IN_COLUMN]) for stage in COLUMNS
        ),
        others=tuple(column(stage, ()) for stage in (Stage.SETTLED, Stage.CLOSED)),
        cards=tuple(map(card_of, found.cards)) if asked.is_list else (),
        caption=_caption(found, asked, pages, language),
        earlier=asked.page - 1,
        later=asked.page + 1 if asked.page < pages else 0,
        page_hrefs=(page_href(asked.page - 1), page_href(asked.page + 1)),
        is_list=asked.is_list,
        advisers=(
            ("", t("desk.adviser.all"), not asked.adviser),
            ("-", t("desk.adviser.nobody"), asked.adviser == "-"),
            *(
                (account.login, account.name, account.login == asked.adviser)
                for account in advisers
                if account.role in {Role.ADVISER, Role.ADMIN}
            ),
        ),
        adviser=asked.adviser,
        text=asked.text,
        stage=chosen,
        sees=sees,
        search_href=desk_href("/dossiers", language),
        board_href=desk_href("/dossiers", language, conseiller=asked.adviser),
        new_href=desk_href("/dossiers/nouveau", language) if may_open else "",
        import_href=desk_href("/import", language) if may_open else "",
        export_href=desk_href("/export", language) if may_export else "",
    )


def _caption(found: Cards, asked: BoardAsked, pages: int, language: str) -> str:
    t = translator(language)
    total = format_number(found.total, language)
    said = t("desk.board.count", count=found.total, n=total)
    if pages > 1:
        said = f"{said} · {t('desk.board.page', page=asked.page, pages=pages)}"
    return said


def _card(
    card: Card, language: str, named: Mapping[str, str], communes: Mapping[str, str]
) -> FileCard:
    t = translator(language)
    about = [
        card.town or city_label(card.origin_city, language),
        t(f"sector.{card.sector}"),
        *([artists_word(language)] if card.track == "cultura" else []),
    ]
    if card.settled_commune:
        about.insert(0, communes.get(card.settled_commune, card.settled_commune))
    return FileCard(
        href=desk_href(f"/dossiers/{card.key}", language),
        name=card.name or t("desk.file.named", key=card.key),
        about=" · ".join(about),
        stage=stage_label(card.stage, language),
        since=short_day(card.stage_since.date(), language),
        adviser=named.get(card.adviser or "", card.adviser or ""),
        persons=""
        if card.persons is None
        else t("desk.persons", count=card.persons, n=card.persons),
    )
