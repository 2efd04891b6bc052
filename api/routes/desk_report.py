"""The year's report: a page, a file that stands alone, a spreadsheet.

Hides who sees places with few families, and that learning from choices is asked for apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter
from starlette.responses import Response

from api.desk_work import DeskDep
from api.private import PAGES
from api.rendering import render
from api.routes.territory import REPORT_POLICY
from api.texts import translator
from api.turns import turn

if TYPE_CHECKING:
    from api import desk_family, desk_report, desk_words
    from api.desk_report import ReportView
    from api.desk_work import DeskRequest
    from geo_matcher import outcomes
    from geo_matcher.dossiers import cells, settled_choices, year_report
else:
    from api.later import Later

    desk_family = Later("api.desk_family")
    desk_report = Later("api.desk_report")
    desk_words = Later("api.desk_words")
    outcomes = Later("geo_matcher.outcomes")
    cells = Later("geo_matcher.dossiers.cells")
    settled_choices = Later("geo_matcher.dossiers.settled_choices")
    year_report = Later("geo_matcher.dossiers.year_report")

__all__ = ["router"]

router = APIRouter(include_in_schema=False)


def _view(found: DeskRequest, *, is_alone: bool = False) -> ReportView:
    """Return the report that is asked for; the last whole year by default."""
    this_year = found.db.today().year
    asked = found.asked("annee")
    year = int(asked) if asked.isdecimal() and len(asked) == 4 else this_year - 1
    report = year_report.year_report(found.db, year, by=found.account, territory=found.territory)
    learned, can_learn = None, False
    if not is_alone and found.may("files.read"):
        choices = settled_choices.settled_outcomes(found.db, by=found.account)
        usable = outcomes.usable_outcomes(found.territory, choices)
        can_learn = len(usable) >= outcomes.MIN_FILES
        if not can_learn or found.asked("choix"):
            with turn():
                learned = outcomes.learn(found.territory, choices)
    return desk_report.report_view(
        report,
        found.language,
        this_year=this_year,
        is_shared=is_alone or not found.may("files.read"),
        learned=learned,
        can_learn=can_learn,
    )


@router.get(f"{PAGES}/bilan")
def show_report(found: DeskDep) -> Response:
    """Show the year's report."""
    view = _view(found)
    title = translator(found.language)("desk.report.of", year=view.year)
    query = {"annee": found.asked("annee")}
    return found.page("desk_report.html", title, "/bilan", query=query, view=view)


@router.get(f"{PAGES}/bilan.html")
def report_file(found: DeskDep) -> Response:
    """Give the report as a page that stands alone; places with few families are pooled."""
    t, view = translator(found.language), _view(found, is_alone=True)
    html = render(
        "desk_report_alone.html",
        found.language,
        title=t("desk.report.of", year=view.year),
        view=view,
        css=desk_family.alone_css("report.css"),
        demonstration=t("desk.demonstration") if found.db.is_demonstration else "",
        made=t("family.made", day=desk_words.day_text(found.db.today(), found.language)),
    )
    name = f"bilan-{view.year}.html"
    return found.file(html, "text/html; charset=utf-8", name, policy=REPORT_POLICY)


@router.get(f"{PAGES}/bilan.csv")
def report_table(found: DeskDep) -> Response:
    """Give the report's tables as a spreadsheet; places with few families are pooled."""
    view = _view(found, is_alone=True)
    content = cells.written_csv(desk_report.report_rows(view))
    return found.file(content, "text/csv; charset=utf-8", f"bilan-{view.year}.csv")
