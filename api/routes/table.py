"""Every state of the map as a table, in a page that works without JavaScript."""

from __future__ import annotations

from urllib.parse import parse_qsl, unquote_plus, urlencode

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from api.addresses import canonical
from api.asking import read_query
from api.dependencies import FRESH, TerritoryDep
from api.faults import Fault, FormError
from api.forms import Asked, other_language, to_query
from api.frame import frame_view
from api.map_choice import MAP_KEYS
from api.map_view import map_controls, typed_choice
from api.questions import scope_view
from api.rendering import render
from api.results import fault_texts
from api.table import ORDERS, SORTS, table_view
from api.texts import translator
from geo_matcher.matching import rank
from geo_matcher.profile import Profile
from geo_matcher.territory import Territory

__all__ = ["router"]

router = APIRouter(include_in_schema=False)

MAX_SHOWN = 60
OWN_KEYS = {"sort": SORTS, "order": ORDERS}
"""Keys of this page, beside those of the search, and their values."""


@router.get("/table")
def show_table(request: Request, territory: TerritoryDep) -> Response:
    """Show the map as a table."""
    own, query = _split(request)
    try:
        asked = read_query(territory, query)
        _check(own, asked)
    except FormError as error:
        return _faults(territory, error)
    if not asked.is_canonical:
        return RedirectResponse(_address(asked, own), status_code=303)
    ranking = rank(territory, asked.profile, asked.scope)
    table = table_view(ranking, asked, own.get("sort", SORTS[0]), own.get("order", ""))
    search = to_query(asked.profile, asked.scope, asked.language, map_choice=asked.map)
    frame = frame_view(
        territory,
        asked.language,
        title=table.title,
        back_query=canonical(asked),
        other_href=_address(asked, own, other_language(asked.language)),
    )
    html = render(
        "table.html",
        asked.language,
        page=frame,
        table=table,
        faults=(),
        controls=map_controls(territory, asked.map, search, asked.language),
        scope=scope_view(territory, asked.scope, asked.language),
        fields=[
            (key, value)
            for key, value in parse_qsl(search)
            if key not in MAP_KEYS and key != "scope"
        ],
    )
    return HTMLResponse(html, headers=FRESH)


def _split(request: Request) -> tuple[dict[str, str], str]:
    """Split the keys of this page off those of the search."""
    query: bytes = request.scope["query_string"]
    own, rest = {}, []
    for part in query.decode("latin-1").split("&"):
        name, _, value = part.partition("=")
        if name in OWN_KEYS:
            own[name] = unquote_plus(value)
        else:
            rest.append(part)
    return {key: value for key, value in own.items() if value}, "&".join(rest)


def _check(own: dict[str, str], asked: Asked) -> None:
    faults = tuple(
        Fault(key, "not_an_option", value[:MAX_SHOWN], OWN_KEYS[key])
        for key, value in own.items()
        if value not in OWN_KEYS[key]
    )
    if faults:
        raise FormError(faults, asked.map.fields(), asked.scope, asked.language)


def _address(asked: Asked, own: dict[str, str], language: str | None = None) -> str:
    query = "&".join(filter(None, (canonical(asked, language), urlencode(own))))
    return f"/table?{query}" if query else "/table"


def _faults(territory: Territory, error: FormError) -> Response:
    """Show what cannot be read, with the controls to mend it and the way back."""
    language = error.language
    other = to_query(Profile(), error.scope, other_language(language))
    html = render(
        "table.html",
        language,
        page=frame_view(
            territory,
            language,
            title=translator(language)("fault.title"),
            back_query=to_query(Profile(), error.scope, language),
            other_href=f"/table?{other}",
        ),
        table=None,
        faults=fault_texts(error),
        controls=map_controls(territory, typed_choice(error.fields), "", language),
        scope=scope_view(territory, error.scope, language),
        fields=[("lang", language)] if language != "fr" else [],
    )
    return HTMLResponse(html, status_code=422, headers=FRESH)
