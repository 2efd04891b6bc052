"""Roads of an invented village, through osmnx's own client and through a PBF file."""

from __future__ import annotations

import datetime as dt
import errno
import json
import socket
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import osmnx
import pytest
import shapely
from pandas.testing import assert_frame_equal

from geo_matcher import __version__
from geo_matcher.access import ROAD_FACTOR, SPEED_KMH
from geo_matcher.errors import DataError, SourceError
from geo_matcher.road_network import RoadNetwork
from geo_matcher.road_speeds import SPEEDS_KMH
from geo_matcher.sources.kept_map import KeptOverpass
from geo_matcher.sources.openstreetmap import (
    BUFFER_KM,
    Download,
    download_roads,
    read_pbf,
    road_area,
)
from geo_matcher.sources.overpass import Overpass
from tests.integration.overpass import (
    AREA,
    GOOD,
    JSON,
    STAMP,
    Overheard,
    Reply,
    overpass_server,
    village,
    write_pbf,
)

QUICK: dict[str, Any] = {"tries": 3, "backoff_s": 0.01, "request_s": 2.0, "total_s": 5.0}


def get(heard: Overheard, **options: Any) -> Download:
    return download_roads(AREA, Overpass(heard.url, **(QUICK | options)))


@pytest.fixture(scope="module")
def read() -> Download:
    with overpass_server(GOOD) as heard:
        return get(heard)


def test_roads_are_kept_and_read_offline(read: Download, tmp_path: Path) -> None:
    with overpass_server(GOOD) as heard:
        asked = KeptOverpass(heard.url, folder=tmp_path)
        assert asked.roads(AREA).roads.equals(read.roads)
    offline = replace(asked, url="http://nobody.invalid", is_offline=True)
    kept = offline.roads(AREA)
    assert kept.roads.equals(read.roads)
    assert kept.roads.crs == read.roads.crs
    assert (kept.vintage, kept.origin, kept.area) == (STAMP[:10], heard.url, AREA)
    with pytest.raises(SourceError, match="nobody is asked offline"):
        offline.roads(AREA.buffer(0.01))


def test_roads_that_cannot_be_kept_leave_those_of_before(
    read: Download, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with overpass_server(GOOD) as heard:
        asked = KeptOverpass(heard.url, folder=tmp_path)
        asked.roads(AREA)
        for step in ("to_parquet", "replace"):
            with monkeypatch.context() as patch:
                owner = type(read.roads) if step == "to_parquet" else Path
                patch.setattr(owner, step, full_disk)
                patch.setattr("geo_matcher.sources.openstreetmap.download_roads", lambda *_: read)
                with pytest.raises(SourceError, match="cannot be kept"):
                    asked.roads(AREA)
            kept = replace(asked, is_offline=True).roads(AREA)
            assert kept.roads.equals(read.roads)
            assert (kept.vintage, kept.roads.attrs) == (STAMP[:10], {})


def full_disk(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def settings_now() -> dict[str, Any]:
    names = [name for name in dir(osmnx.settings) if not name.startswith("_")]
    return {name: getattr(osmnx.settings, name) for name in names} | {"ip": socket.getaddrinfo}


# --- What is read ---------------------------------------------------------------------------


def test_the_village_becomes_streets_between_junctions(read: Download) -> None:
    roads = read.roads
    assert roads.crs == 2154
    names = sorted(roads["name"])
    # Three dead ends and the gravel road have no name. What is behind a gate or a sign, the track,
    # the lane that is joined to nothing and what lies beyond the area are not there.
    assert names == [*[""] * 4, *["D 999"] * 4, "Le Détour", "Rue du Foirail"]
    assert read.vintage == STAMP[:10]
    assert read.origin.startswith("http://127.0.0.1")
    assert roads["minutes_ab"].dtype == np.float64
    RoadNetwork.from_table(roads)


@pytest.mark.parametrize(
    ("tags", "is_open"),
    [
        ({}, True),
        ({"access": "destination"}, True),
        ({"motor_vehicle": "permissive"}, True),
        ({"access": "no"}, False),
        ({"vehicle": "no"}, False),
        ({"vehicle": "private"}, False),
        ({"vehicle": "agricultural"}, False),
        ({"vehicle": "forestry"}, False),
        ({"motor_vehicle": "agricultural"}, False),
        ({"motor_vehicle": "forestry"}, False),
        ({"motor_vehicle": "agricultural;forestry"}, False),
        ({"motor_vehicle": "agricultural; destination"}, True),
        ({"motorcar": "no"}, False),
        ({"area": "yes"}, False),
        # The most particular tag decides.
        ({"vehicle": "no", "motor_vehicle": "yes"}, True),
        ({"access": "private", "vehicle": "permissive"}, True),
        ({"access": "yes", "vehicle": "no"}, False),
        ({"vehicle": "yes", "motor_vehicle": "forestry"}, False),
        ({"motor_vehicle": "yes", "motorcar": "private"}, False),
    ],
)
def test_who_may_drive_is_told_by_the_most_particular_tag(
    tags: dict[str, str], is_open: bool, read: Download
) -> None:
    content = village()
    lane = next(e for e in content["elements"] if e["type"] == "way" and e["id"] == 5)
    lane["tags"] = lane["tags"] | tags
    with overpass_server(Reply(body=json.dumps(content).encode(), headers=JSON)) as heard:
        found = get(heard).roads
    if is_open:
        assert_frame_equal(found, read.roads)
    else:  # the lane is gone, and nothing is left to cross where it left the main road
        assert found["length_m"].sum() < read.roads["length_m"].sum() - 1000


def test_only_what_no_other_tag_can_open_is_left_out_of_the_question() -> None:
    with overpass_server(GOOD) as heard:
        get(heard)
    asked = heard.posts[0]
    assert "motorcar" in asked
    assert "motor_vehicle" not in asked
    assert "access" not in asked


def test_built_up_is_told_by_the_line_of_a_street_and_not_by_its_points() -> None:
    """A lane passes 70 m beside the Rue du Foirail, 280 m from the nearest point of its drawing."""
    content = village()
    for number, (lon, lat) in {118: (0.5809, 43.6524), 119: (0.5808, 43.6527)}.items():
        content["elements"].append({"type": "node", "id": number, "lat": lat, "lon": lon})
    tags = {"highway": "tertiary", "name": "Chemin long"}
    content["elements"].append({"type": "way", "id": 13, "nodes": [104, 118, 119], "tags": tags})
    with overpass_server(Reply(body=json.dumps(content).encode(), headers=JSON)) as heard:
        roads = get(heard).roads.set_index("name")
    lane = roads.loc["Chemin long"]
    line = lane["geometry"]
    points = shapely.get_coordinates(line)
    steps_m = np.hypot(*np.diff(points, axis=0).T)
    middles = np.asarray(shapely.points((points[1:] + points[:-1]) / 2))
    street = roads.loc["Rue du Foirail", "geometry"]
    near = shapely.distance(middles, street) <= 100
    assert sorted(near) == [False, True]
    drawn = shapely.MultiPoint(shapely.get_coordinates(street))
    assert shapely.distance(middles[near], drawn).min() > 250
    speeds = SPEEDS_KMH["tertiary"]
    kmh = np.where(near, speeds.built_up, speeds.outside)
    assert lane["minutes_ab"] == pytest.approx(float((steps_m / 1000 / kmh * 60).sum()), rel=2e-3)


def test_a_one_way_street_is_open_one_way(read: Download) -> None:
    detour = read.roads[read.roads["name"] == "Le Détour"].iloc[0]
    assert np.isnan([detour["minutes_ab"], detour["minutes_ba"]]).sum() == 1
    others = read.roads[read.roads["name"] != "Le Détour"]
    assert others[["minutes_ab", "minutes_ba"]].notna().all(axis=None)


def test_minutes_follow_from_the_speed_table_and_are_not_rounded(read: Download) -> None:
    rows = read.roads.set_index("name")
    home = rows.loc["Rue du Foirail"]
    kmh = home["length_m"] / 1000 / home["minutes_ab"] * 60
    assert kmh == pytest.approx(SPEEDS_KMH["residential"].built_up, rel=1e-6)
    for _, main in rows.loc["D 999"].iterrows():
        kmh = main["length_m"] / 1000 / main["minutes_ab"] * 60
        assert kmh == pytest.approx(SPEEDS_KMH["primary"].outside, rel=1e-6)  # 80 is posted
    gravel = rows[rows["highway"] == "tertiary"].iloc[0]
    kmh = gravel["length_m"] / 1000 / gravel["minutes_ab"] * 60
    assert kmh == pytest.approx(SPEEDS_KMH["tertiary"].outside * 0.5, rel=1e-6)
    assert home["minutes_ab"] != round(home["minutes_ab"], 6)


def test_lengths_are_those_of_the_lines_in_metres(read: Download) -> None:
    np.testing.assert_allclose(read.roads["length_m"], read.roads.geometry.length)


def test_a_file_and_the_service_give_the_same_network(read: Download, tmp_path: Path) -> None:
    path = write_pbf(tmp_path / "village.osm.pbf")
    before = settings_now()
    from_file = read_pbf(path, AREA)
    assert settings_now() == before
    assert_frame_equal(from_file.roads, read.roads)
    assert from_file.roads.geometry.geom_equals(read.roads.geometry).all()
    assert from_file.vintage == read.vintage
    assert from_file.origin.startswith("village.osm.pbf, SHA-256 ")


def test_the_order_of_the_answer_does_not_matter(read: Download) -> None:
    turned = village()
    turned["elements"] = turned["elements"][::-1]
    with overpass_server(Reply(body=json.dumps(turned).encode(), headers=JSON)) as heard:
        assert_frame_equal(get(heard).roads, read.roads)


def test_the_service_is_told_who_asks_and_for_what() -> None:
    before = settings_now()
    with overpass_server(GOOD) as heard:
        get(heard)
    assert settings_now() == before
    assert heard.agents == [f"geo_matcher/{__version__} (builds travel times for a French "
                            "departement)"]  # fmt: skip
    assert heard.statuses == 2  # ours, and the one of osmnx
    assert "motorway" in heard.posts[0]
    assert "service" not in heard.posts[0]


def test_the_area_goes_30_minutes_beyond(territory: Any) -> None:
    assert pytest.approx(30 / 60 * SPEED_KMH[0] / ROAD_FACTOR, abs=0.05) == BUFFER_KM
    own = territory.communes.geometry.to_crs(2154).union_all()
    area = gpd.GeoSeries([road_area(territory.communes)], crs=4326).to_crs(2154).iloc[0]
    assert area.is_valid
    far_m = shapely.distance(own, shapely.points(shapely.get_coordinates(area)))
    assert far_m.min() > BUFFER_KM * 1000 - 600
    assert far_m.max() < BUFFER_KM * 1000 + 600
    assert len(shapely.get_coordinates(area)) < 300


# --- What goes wrong ------------------------------------------------------------------------


@pytest.mark.parametrize("code", [429, 502, 503, 504])
def test_a_busy_service_is_asked_again(code: int, read: Download) -> None:
    with overpass_server(Reply(code, b"busy"), Reply(code, b"busy"), GOOD) as heard:
        assert_frame_equal(get(heard).roads, read.roads)
    assert len(heard.posts) == 3


def test_a_service_that_names_a_pause_is_given_it() -> None:
    with overpass_server(Reply(429, b"", {"Retry-After": "1"}), GOOD) as heard:
        start = time.monotonic()
        get(heard, backoff_s=0.0)
        assert time.monotonic() - start >= 1.0


def test_a_cut_answer_is_asked_for_again(read: Download) -> None:
    cut = Reply(body=GOOD.body, headers=JSON, cut=True)
    with overpass_server(cut, GOOD) as heard:
        assert_frame_equal(get(heard).roads, read.roads)
    assert len(heard.posts) == 2


def test_the_turn_that_the_service_names_is_awaited(read: Download) -> None:
    free_at = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=1)
    status = (
        "Connected as: 1\nCurrent time: 2026-06-01T00:00:00Z\nRate limit: 2\n\n"
        f"Slot available after: {free_at:%Y-%m-%dT%H:%M:%SZ}, in 1 seconds.\n"
    )
    with overpass_server(GOOD, status=status.encode()) as heard:
        assert_frame_equal(get(heard).roads, read.roads)


REFUSALS: dict[str, tuple[Reply, bytes | None, str]] = {
    "always 429": (Reply(429, b""), None, r"refused with status 429 .*, 3 times"),
    "always 504": (Reply(504, b""), None, r"refused with status 504 .*, 3 times"),
    "always cut": (Reply(body=GOOD.body, cut=True), None, "broke its answer off, 3 times"),
    "bad query": (
        Reply(400, b"<html><style>p {}</style><p>parse error:</p> line 1</html>"),
        None,
        r"refused with status 400 .*: parse error: line 1",
    ),
    "page": (
        Reply(body=b"<!DOCTYPE html><title>Maintenance</title>"),
        None,
        "answered with a page in place of JSON: Maintenance",
    ),
    "broken JSON": (Reply(body=b'{"elements": [', headers=JSON), None, "no JSON of roads"),
    "other JSON": (Reply(body=b'{"rows": []}', headers=JSON), None, "JSON that holds no roads"),
    "wrong JSON": (Reply(body=b'{"elements": [{"id": 1}]}', headers=JSON), None, "holds no roads"),
    "nothing": (Reply(body=b""), None, "a page in place of JSON: nothing"),
    "out of time there": (
        Reply(body=b'{"elements": [], "remark": "runtime error: Query timed out"}'),
        None,
        "could not finish: runtime error: Query timed out",
    ),
    "silence": (Reply(after_s=5.0), None, "gave no sign of life for 0.5 s"),
    "long pause": (
        Reply(429, b"", {"Retry-After": "3600"}),
        None,
        "more than is left of the 5 s that a download may take",
    ),
    "long turn": (
        GOOD,
        b"a\nb\nc\n\nSlot available after: 2026-06-01T01:00:00Z, in 3600 seconds.\n",
        "asks to wait 3600 s; that is more than is left",
    ),
    "unreadable turn": (GOOD, b"<html>", "asks to wait 60 s; that is more than is left"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_names_the_service_and_what_to_do(name: str) -> None:
    reply, status, told = REFUSALS[name]
    before = settings_now()
    given = {} if status is None else {"status": status}
    with overpass_server(reply, **given) as heard, pytest.raises(SourceError, match=told) as caught:
        get(heard, request_s=0.5)
    assert heard.url in str(caught.value)
    assert "--roads FILE.osm.pbf" in str(caught.value)
    assert "The release is as it was" in str(caught.value)
    assert settings_now() == before


def test_an_endless_answer_is_refused() -> None:
    with overpass_server(GOOD) as heard, pytest.raises(SourceError, match="more than 0 MB"):
        get(heard, max_bytes=100)


def test_a_service_that_is_not_there_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(SourceError, match=r"cannot be reached \(Connection refused\)"):
        download_roads(
            AREA,
            Overpass(
                f"http://127.0.0.1:{port}/api",
                **QUICK,
            ),
        )


@pytest.mark.parametrize("ways", [[], [9]])
def test_an_area_without_roads_is_said_to_have_none(ways: list[int]) -> None:
    content = village(ways)
    content["elements"] = [e for e in content["elements"] if e.get("id") != 105]
    for way in content["elements"]:
        if way["type"] == "way":
            way["nodes"] = [114, 114]
    with (
        overpass_server(Reply(body=json.dumps(content).encode(), headers=JSON)) as heard,
        pytest.raises(DataError, match="knows no road in the area"),
    ):
        get(heard)


@pytest.mark.parametrize(("ways", "told"), [([7], "can be driven on"), ([3], "leads anywhere")])
def test_roads_that_lead_nowhere_are_refused(ways: list[int], told: str) -> None:
    body = json.dumps(village(ways)).encode()
    reply = Reply(body=body, headers=JSON)
    with overpass_server(reply) as heard, pytest.raises(DataError, match=told):
        get(heard)


@pytest.mark.parametrize("content", [b"", b"this is no extract", None])
def test_a_file_that_is_no_extract_is_named(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "bad.osm.pbf"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=r"bad\.osm\.pbf"):
        read_pbf(path, AREA)


@pytest.mark.parametrize("west", [-1.0, 0.51])
def test_a_file_of_another_area_is_said_to_be_so(west: float, tmp_path: Path) -> None:
    path = write_pbf(tmp_path / "village.osm.pbf")
    elsewhere = shapely.box(west, 43.63, west + 0.045, 43.64)
    with pytest.raises(DataError, match="holds no road of the area that is needed"):
        read_pbf(path, elsewhere)
