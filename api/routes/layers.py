"""Layers of the map, places on it, and the towns that its minutes may lead to."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from starlette.responses import Response

from api.dependencies import StaticAnswer, TerritoryDep, json_answer
from api.forms import parse_query
from api.layer_models import LayerAnswer, LayerList, PlacesAnswer, TownsAnswer
from api.layers import layer_answer, layer_facts, places_answer, towns
from api.map_choice import HOUSEHOLD_LAYER, TO_LAYER, places_text, read_places
from api.models import ScopeName
from api.turns import types_in_turn
from geo_matcher.kept import kept
from geo_matcher.layers import LAYERS
from geo_matcher.reach import default_destination, find_destination
from geo_matcher.territory import Territory
from geo_matcher.wheel import Trips, trips_of

__all__ = ["router"]

router = APIRouter(prefix="/api/v1", tags=["map"])

GEOJSON = "application/geo+json"
MAX_LIMIT = 2000
"""Places in one answer: more than a release of a département holds."""

MAX_NAME = 80
MAX_TOWNS = 20
Language = Annotated[Literal["fr", "en"], Query(description="Language of the words.")]


@router.get("/layers", response_model=LayerList)
async def list_layers(request: Request, territory: TerritoryDep) -> Response:
    """Return every layer with its unit and the limits of its classes."""
    return _list(territory).response(request)


@kept(maxsize=4)
def _list(territory: Territory) -> StaticAnswer:
    layers = [layer_facts(territory, layer) for layer in LAYERS.values()]
    return StaticAnswer.of({"release": territory.release_id, "layers": layers})


@router.get("/layers/{name}", response_model=LayerAnswer)
def get_layer(
    request: Request,
    territory: TerritoryDep,
    name: Annotated[str, Path(max_length=MAX_NAME, examples=["fibre", "minutes_to"])],
    scope: ScopeName = "all",
    to: Annotated[
        str,
        Query(
            max_length=MAX_NAME,
            description="Where `minutes_to` leads: code or name of any commune up to 80 km around. "
            "By default the largest commune of the release.",
            examples=["32013"],
        ),
    ] = "",
    lang: Language = "fr",
    work_mode: Annotated[
        Literal["", "home", "coworking", "client_visits"],
        Query(description="How the household of `wheel` works; at home if nobody says."),
    ] = "",
    city: Annotated[
        str, Query(max_length=MAX_NAME, description="Town where it meets clients.")
    ] = "",
    children: Annotated[
        str, Query(max_length=MAX_NAME, description="Ages of its children.", examples=["4,9"])
    ] = "",
) -> Response:
    """Return the figure of each commune of a scope, with its class and what is known of it."""
    if name not in LAYERS:
        raise HTTPException(
            404, f"No layer is called {name[:MAX_NAME]!r}: expected one of {', '.join(LAYERS)}."
        )
    if name == "types":
        types_in_turn(territory)
    code = ""
    if name == TO_LAYER:
        code = find_destination(territory, to) if to else default_destination(territory)
    trips: Trips = ()
    if name == HOUSEHOLD_LAYER:
        said = {"work_mode": work_mode, "city": city, "children": children}
        query = urlencode({key: value for key, value in said.items() if value})
        trips = trips_of(parse_query(query).profile)
    return _layer(territory, name, scope, code, lang, trips).response(request)


@kept(maxsize=64)
def _layer(
    territory: Territory, name: str, scope: str, to: str, language: str, trips: Trips
) -> StaticAnswer:
    return StaticAnswer.of(
        layer_answer(territory, name, scope=scope, to=to, language=language, trips=trips)
    )


@router.get(
    "/places",
    response_model=PlacesAnswer,
    responses={200: {"content": {GEOJSON: {"schema": {"type": "object"}}}}},
)
def list_places(
    request: Request,
    territory: TerritoryDep,
    kind: Annotated[
        str,
        Query(
            max_length=600, description="Sets of places, joined by commas.", examples=["station"]
        ),
    ],
    f: Annotated[Literal["json", "geojson"], Query(description="Format of the answer.")] = "json",
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT)] = MAX_LIMIT,
    offset: Annotated[int, Query(ge=0, le=100_000)] = 0,
    lang: Language = "fr",
) -> Response:
    """List places; one without published coordinates stands at the town hall, and says so."""
    names, unknown = read_places(kind)
    if unknown or not names:
        raise RequestValidationError(
            [
                {
                    "type": "place_set",
                    "loc": ("query", "kind"),
                    "msg": f"Expected some of: {places_text()}",
                    "input": ", ".join(unknown),
                }
            ]
        )
    return _places(territory, tuple(names), f, limit, offset, lang).response(request)


@kept(maxsize=64)
def _places(
    territory: Territory, names: tuple[str, ...], f: str, limit: int, offset: int, language: str
) -> StaticAnswer:
    answer = places_answer(territory, names, language, limit=limit, offset=offset)
    if f == "json":
        return StaticAnswer.of(answer)
    return StaticAnswer.of(_collection(answer), GEOJSON)


def _collection(answer: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "FeatureCollection",
        "release": answer["release"],
        "attribution": list(dict.fromkeys(source["credit"] for source in answer["sources"])),
        "features": [
            {
                "type": "Feature",
                "id": place["place_id"],
                "geometry": {"type": "Point", "coordinates": [place["lon"], place["lat"]]},
                "properties": {k: v for k, v in place.items() if k not in {"lon", "lat"}},
            }
            for place in answer["places"]
        ],
    }


@router.get("/towns", response_model=TownsAnswer)
def find_towns(
    territory: TerritoryDep,
    q: Annotated[str, Query(max_length=MAX_NAME, description="A name, its beginning, or a code.")],
    limit: Annotated[int, Query(ge=1, le=MAX_TOWNS)] = 8,
) -> Response:
    """Tell which communes up to 80 km around a text may mean."""
    return json_answer(towns(territory, q, limit))
