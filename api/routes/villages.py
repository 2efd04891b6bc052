"""The page of each commune, and what its sales say, apart.

Hides which address is the right one: others that name the same commune lead there. A page without a
search is the same for everybody and may be indexed; with one, it says so to search engines.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from api.addresses import canonical, public_address
from api.asking import read_query
from api.changes import changes_view
from api.dependencies import FRESH, TerritoryDep
from api.faults import FormError
from api.forms import Asked, default_scope, other_language, to_query
from api.frame import FrameView, frame_view, refusal, sorry
from api.indexing import card_data, head_view
from api.rendering import render
from api.sheets import commune_path
from api.texts import translator
from api.village import village_view
from api.village_housing import housing_view
from api.village_search import search_view
from geo_matcher.errors import UnknownCommuneError
from geo_matcher.profile import Profile
from geo_matcher.territory import Territory

__all__ = ["router"]

router = APIRouter(include_in_schema=False)

UNINDEXED = {"X-Robots-Tag": "noindex"}
MAX_SHOWN = 60
MAX_NAME = 120
_CODE = re.compile(r"([0-9][0-9ABab][0-9]{3})(-.*)?", re.ASCII | re.DOTALL)


@router.get("/communes/{place}")
def show_village(request: Request, territory: TerritoryDep, place: str) -> Response:
    """Show everything known of a commune."""
    return _at_home(request, territory, place, "")


@router.get("/communes/{place}/housing")
def show_housing(request: Request, territory: TerritoryDep, place: str) -> Response:
    """Show what sales of homes say of a commune, on a page that is not indexed."""
    return _at_home(request, territory, place, "/housing")


@router.get("/fragments/communes/{insee_code}/housing")
def show_housing_part(request: Request, territory: TerritoryDep, insee_code: str) -> Response:
    """Give the same as a part of the page of the commune."""
    language = _asked(request, territory)[0].language
    try:
        code = territory.find(insee_code[:MAX_NAME])
    except UnknownCommuneError:
        text = translator(language)("village.unknown", found=insee_code[:MAX_SHOWN])
        return sorry(territory, language, default_scope(), [text], 404)
    html = render(
        "_housing.html", language, housing=housing_view(territory, code, language), is_part=True
    )
    return HTMLResponse(html, headers=FRESH | UNINDEXED)


def _at_home(request: Request, territory: Territory, place: str, part: str) -> Response:
    """Answer at the right address of a commune, or lead there."""
    asked, error = _asked(request, territory)
    if error is not None:
        return refusal(territory, error)
    found = _CODE.fullmatch(place)
    try:
        code = territory.find(found[1] if found else place[:MAX_NAME])
    except UnknownCommuneError as unknown:
        return _unknown(territory, asked, place, unknown)
    name = territory.facts[territory.codes.index(code)]["name"]
    path = commune_path(code, name)
    if request.scope["path"] != unquote(path) + part:
        query = request.scope["query_string"].decode("latin-1")
        address = f"{path}{part}" + (f"?{query}" if query else "")
        # A code stays that of its commune; a name may come to mean another one.
        return RedirectResponse(address, status_code=301 if found else 303, headers=FRESH)
    if part:
        return _housing_page(territory, code, asked)
    return _village_page(request, territory, code, asked)


def _village_page(request: Request, territory: Territory, code: str, asked: Asked) -> Response:
    language = asked.language
    has_search = bool(to_query(asked.profile, asked.scope))
    search = search_view(territory, code, asked) if has_search else None
    view = village_view(territory, code, language, search)
    frame = _frame(territory, asked, _title(territory, view.name, language), view.path)
    base = public_address(request)
    html = render(
        "village.html",
        language,
        page=frame,
        village=view,
        changes=changes_view(territory, asked.profile, code, language),
        head=head_view(base, view.path, language, view.description, is_indexed=not has_search),
        data=card_data(territory, code, base, language, frame.title),
    )
    return HTMLResponse(html, headers=FRESH | (UNINDEXED if has_search else {}))


def _housing_page(territory: Territory, code: str, asked: Asked) -> Response:
    language = asked.language
    view = housing_view(territory, code, language)
    title = translator(language)("housing.page", name=view.name)
    frame = _frame(territory, asked, title, f"{view.path}/housing")
    query = canonical(asked)
    html = render(
        "housing.html",
        language,
        page=frame,
        housing=view,
        back=f"{view.path}?{query}" if query else view.path,
        is_part=False,
    )
    return HTMLResponse(html, headers=FRESH | UNINDEXED)


def _title(territory: Territory, name: str, language: str) -> str:
    catalog = territory.catalog
    where = catalog.name_fr if language == "fr" else catalog.name_en
    return translator(language)("village.title", name=name, territory=where)


def _frame(territory: Territory, asked: Asked, title: str, path: str) -> FrameView:
    other = canonical(asked, other_language(asked.language))
    return frame_view(
        territory,
        asked.language,
        title=title,
        back_query=canonical(asked),
        other_href=f"{path}?{other}" if other else path,
    )


def _asked(request: Request, territory: Territory) -> tuple[Asked, FormError | None]:
    """Return what the address asks for; the defaults in its language where it cannot be read."""
    query: bytes = request.scope["query_string"]
    try:
        return read_query(territory, query.decode("latin-1")), None
    except FormError as error:
        return Asked(Profile(), error.scope, error.language), error


def _unknown(
    territory: Territory, asked: Asked, place: str, error: UnknownCommuneError
) -> Response:
    text = translator(asked.language)("village.unknown", found=place[:MAX_SHOWN])
    near = tuple(_near(territory, asked, error))
    return sorry(territory, asked.language, asked.scope, [text], 404, canonical(asked), near=near)


def _near(
    territory: Territory, asked: Asked, error: UnknownCommuneError
) -> Iterator[tuple[str, str]]:
    """Yield the names that look alike, and where their pages are."""
    query = canonical(asked)
    for suggestion in error.suggestions:
        try:
            code = territory.find(suggestion)
        except UnknownCommuneError:
            continue
        name = territory.facts[territory.codes.index(code)]["name"]
        path = commune_path(code, name)
        yield name, f"{path}?{query}" if query else path
