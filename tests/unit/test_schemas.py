from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Mapping
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo_matcher import tables
from geo_matcher.destinations import DAILY_SERVICES, DESTINATIONS
from geo_matcher.errors import DataError
from geo_matcher.profile import CITIES
from geo_matcher.schemas import BEST_TECHNOLOGY, SCHEMAS, Matches, OneOf, Within
from geo_matcher.tables import PATTERNS, read_table
from geo_matcher.territory import Territory

GOOD = ("kind,name,insee_code,lon,lat,note\n"
        "station,Auch,32013,0.59,43.65,\n"
        "airport,Blagnac,31069,1.364,43.629,to 100 m\n")  # fmt: skip


def problems_of(folder: Path, text: str, path: str = "hubs.csv") -> tuple[str, ...]:
    (folder / path).write_text(text, encoding="utf-8")
    with pytest.raises(DataError) as refusal:
        read_table(folder, path)
    return refusal.value.problems


def test_a_good_table_is_read_as_text_and_figures(tmp_path: Path) -> None:
    (tmp_path / "hubs.csv").write_text(GOOD, encoding="utf-8")
    hubs = read_table(tmp_path, "hubs.csv")
    assert hubs["insee_code"].tolist() == ["32013", "31069"]
    assert hubs["note"].tolist() == ["", "to 100 m"]
    assert hubs["lon"].dtype == "float64"


@pytest.mark.parametrize(
    ("old", "new", "problems"),
    [
        ("lon,lat,note", "lon,lat,note,colour",
         ["hubs.csv: column colour is unknown"]),
        (",lat,note", ",latitude,note",
         ["hubs.csv: column latitude is unknown", "hubs.csv: column lat is missing"]),
        ("0.59", "east",
         ["hubs.csv line 2, column lon: 'east' is not a number"]),
        ("1.364", "inf",
         ["hubs.csv line 3, column lon: 'inf' is not a number"]),
        ("1.364", "",
         ["hubs.csv line 3, column lon: empty, expected a figure"]),
        ("43.65", "143.65",
         ["hubs.csv line 2, column lat: found 143.65, expected a figure from 40 to 52"]),
        ("32013", "1013",
         [r"hubs.csv line 2, column insee_code: found '1013', expected "
          "an INSEE code of 5 characters"]),
        ("station,", "harbour,",
         ["hubs.csv line 2, column kind: found 'harbour', expected "
          "one of station, airport"]),
        (",to 100 m", "", ["hubs.csv line 3: not as many cells as the header (6)"]),
        ("43.65,", "43.65,,", ["hubs.csv line 2: not as many cells as the header (6)"]),
    ],
    ids=["unknown column", "missing column", "not a number", "infinite", "empty",
         "range", "code", "word", "short line", "long line"],
)  # fmt: skip
def test_each_fault_names_its_line_and_column(
    tmp_path: Path, old: str, new: str, problems: list[str]
) -> None:
    assert GOOD.count(old) == 1
    text = GOOD.replace(old, new)
    if new.endswith(",colour"):
        text = text.replace(",\n", ",,red\n").replace("m\n", "m,red\n")
    assert list(problems_of(tmp_path, text)) == problems


def test_columns_must_stand_in_the_order_of_the_dictionary(tmp_path: Path) -> None:
    lines = [line.split(",") for line in GOOD.splitlines()]
    text = "".join(",".join([note, *others]) + "\n" for *others, note in lines)
    (problem,) = problems_of(tmp_path, text)
    assert problem.startswith("hubs.csv: columns note, kind, name, ")
    assert problem.endswith(" are out of order, expected kind, name, insee_code, lon, lat, note")


def test_a_key_given_twice_is_refused_with_both_lines(tmp_path: Path) -> None:
    text = GOOD + "station,Auch,32013,0.6,43.66,\n"
    assert problems_of(tmp_path, text) == (
        "hubs.csv line 2, 4: the same kind and name more than once",
    )


def test_several_faults_are_told_together(tmp_path: Path) -> None:
    text = GOOD.replace("0.59", "east").replace("31069", "31").replace("43.65", "3.65")
    assert problems_of(tmp_path, text) == (
        "hubs.csv line 2, column lon: 'east' is not a number",
        r"hubs.csv line 3, column insee_code: found '31', expected "
        "an INSEE code of 5 characters",
        "hubs.csv line 2, column lat: found 3.65, expected a figure from 40 to 52",
    )


@pytest.mark.parametrize(
    ("text", "end"),
    [
        (GOOD.replace("100 m", '"100 m'), "unexpected end of data"),
        (GOOD.replace("100 m", "x" * 200_000), "field larger than field limit (131072)"),
    ],
    ids=["open quote", "endless cell"],
)
def test_what_is_not_csv_is_refused(tmp_path: Path, text: str, end: str) -> None:
    text = text.replace("to ", "")
    assert problems_of(tmp_path, text) == (f"hubs.csv is not a CSV table in UTF-8: {end}",)


def test_a_column_named_twice_is_refused(tmp_path: Path) -> None:
    assert problems_of(tmp_path, GOOD.replace("lat,note", "lat,lat")) == (
        "hubs.csv line 1: a column is named twice in kind, name, insee_code, lon, lat, lat",
    )


def test_an_empty_file_lacks_every_column(tmp_path: Path) -> None:
    assert problems_of(tmp_path, "") == (
        "hubs.csv: columns kind, name, insee_code, lon, lat, note are missing",
    )


def test_a_table_in_another_encoding_is_refused(tmp_path: Path) -> None:
    (tmp_path / "hubs.csv").write_bytes(GOOD.replace("Auch", "Montréjeau").encode("latin-1"))
    with pytest.raises(DataError, match=r"^hubs\.csv is not a CSV table in UTF-8: "):
        read_table(tmp_path, "hubs.csv")


def test_an_absent_table_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(DataError) as refusal:
        read_table(tmp_path, "hubs.csv")
    assert str(refusal.value) == (
        "hubs.csv is absent. Restore it, or run `geo-matcher data build`."
    )


def test_a_table_that_nobody_has_described_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no schema is known for a table 'moods'"):
        read_table(tmp_path, "source/moods.csv")


@pytest.mark.parametrize(
    ("cell", "problem"),
    [
        ("12.5", "line 2, column gp_registered: '12.5' is not a whole number"),
        ("", "line 2, column gp_registered: '' is not a whole number"),
        ("2", "line 2, column gp_registered: found 2, expected one of 0, 1"),
        ("-1", "line 2, column gp_registered: found -1, expected one of 0, 1"),
    ],
)
def test_a_count_is_a_whole_number(tmp_path: Path, cell: str, problem: str) -> None:
    text = f"insee_code,gp_registered,nurse_registered,dentist_registered\n32001,{cell},0,0\n"
    name = "health_registered.csv"
    assert problems_of(tmp_path, text, name) == (f"{name} {problem}",)


@pytest.mark.parametrize(
    ("start", "end", "problem"),
    [
        ("2014-02-30", "", "valid_from: found '2014-02-30', expected a date such as 2014-06-30"),
        ("2014-1-1", "", "valid_from: found '2014-1-1', expected a date such as 2014-06-30"),
        ("", "", "valid_from: found '', expected a date such as 2014-06-30"),
        ("2014-01-01", "never",
         "valid_to: found 'never', expected a date such as 2014-06-30, or nothing"),
    ],
)  # fmt: skip
def test_dates_must_be_in_the_calendar(tmp_path: Path, start: str, end: str, problem: str) -> None:
    text = f"insee_code,valid_from,valid_to\n32001,{start},{end}\n32002,2014-01-01,2020-12-31\n"
    assert problems_of(tmp_path, text, "partners.csv") == (
        f"partners.csv line 2, column {problem}",
    )


def communes(**changes: object) -> gpd.GeoDataFrame:
    values = dict.fromkeys(SCHEMAS["communes"].columns, "") | {
        "insee_code": "32001", "name": "Aignan", "departement": "32", "population": 700,
        "area_km2": 1.0, "epci_code": "123456789", "postal_codes": "32290",
        "town_hall_lon": 0.1, "town_hall_lat": 43.6, "town_hall_position": "published",
    }  # fmt: skip
    values = {key: [value] for key, value in (values | changes).items()}
    return gpd.GeoDataFrame(values, geometry=[shapely.box(0, 43, 0.2, 44)], crs=4326)


def test_a_geoparquet_table_is_held_to_its_schema_too(tmp_path: Path) -> None:
    communes().to_parquet(tmp_path / "communes.parquet")
    assert read_table(tmp_path, "communes.parquet")["population"].tolist() == [700]
    communes(population=-3, town_hall_website=None).to_parquet(tmp_path / "communes.parquet")
    with pytest.raises(DataError) as refusal:
        read_table(tmp_path, "communes.parquet")
    assert refusal.value.problems == (
        "communes.parquet row 1, column population: found -3, "
        "expected a figure from 0 to 10,000,000",
    )


def test_missing_text_in_a_geoparquet_table_is_empty_text(tmp_path: Path) -> None:
    frame = communes()
    frame["town_hall_email"] = pd.Series([None], dtype="str")
    frame.to_parquet(tmp_path / "communes.parquet")
    assert read_table(tmp_path, "communes.parquet")["town_hall_email"].tolist() == [""]


@pytest.mark.parametrize("content", [b"", b"PAR1 and no more", GOOD.encode()])
def test_what_is_not_geoparquet_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "communes.parquet").write_bytes(content)
    with pytest.raises(DataError, match=r"^communes\.parquet is not a GeoParquet table: "):
        read_table(tmp_path, "communes.parquet")


def test_a_parquet_table_without_geometry_is_refused(tmp_path: Path) -> None:
    pd.DataFrame({"insee_code": ["32001"]}).to_parquet(tmp_path / "communes.parquet")
    with pytest.raises(DataError, match=r"^communes\.parquet is not a GeoParquet table: "):
        read_table(tmp_path, "communes.parquet")


def test_every_table_of_the_release_has_a_schema(territory: Territory) -> None:
    schemas: Mapping[str, object] = SCHEMAS
    described = {t.name for t in territory.catalog.tables if t.path.endswith((".csv", ".parquet"))}
    assert described <= set(schemas)
    # One comes with the network's own list, two with roads, the others with official sources.
    given = {
        "partners",
        "corrections",
        "withdrawn_corrections",
        "roads",
        "road_area",
        "supply",
        "apl_doctors",
        "dwellings",
        "incomes",
        "density_grid",
        "housing_medians",
        "mobile_sites",
        "fetched",
    }
    assert set(schemas) - described == given


def test_schemas_know_every_destination_and_technology() -> None:
    times = SCHEMAS["travel_times"].columns["destination"].rule
    assert isinstance(times, Matches)
    assert all(re.match(times.pattern, d.name) for d in DESTINATIONS)
    assert set(BEST_TECHNOLOGY) < set(SCHEMAS["broadband_fixed"].columns)
    within = SCHEMAS["indicators"].columns["daily_services_within_10min"].rule
    assert within == Within(0, len(DAILY_SERVICES))


def test_the_big_cities_are_those_that_a_profile_can_name() -> None:
    city = SCHEMAS["origin_cities"].columns["city"].rule
    assert isinstance(city, OneOf)
    assert (*city.values, "other") == CITIES


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("lyon,", "nantes,", "line 2, column city: found 'nantes', expected one of paris, lille"),
        (",2023,", ",1923,", "line 2, column population_year: found 1923, expected a figure from "),
        ("47.87,", ",", "line 2, column area_km2: empty, expected a figure"),
        (",5156", ",5", "line 2, column price_m2_mean_2022: found 5.0, expected a figure from "),
        ("INSEE", "", "line 2, column source: found '', expected some text"),
    ],
)
def test_a_big_city_is_held_to_its_schema(tmp_path: Path, old: str, new: str, problem: str) -> None:
    header = ",".join(SCHEMAS["origin_cities"].columns)
    good = f"{header}\nlyon,69123,Lyon,519127,2023,47.87,5156,,INSEE\n"
    (tmp_path / "origin_cities.csv").write_text(good, encoding="utf-8")
    assert np.isnan(read_table(tmp_path, "origin_cities.csv")["price_m2_mean_2023"][0])
    (found,) = problems_of(tmp_path, good.replace(old, new), "origin_cities.csv")
    assert found.startswith(f"origin_cities.csv {problem}")


def test_a_big_city_is_told_once(tmp_path: Path) -> None:
    header = ",".join(SCHEMAS["origin_cities"].columns)
    row = "lyon,69123,Lyon,519127,2023,47.87,,,INSEE\n"
    assert problems_of(tmp_path, f"{header}\n{row}{row}", "origin_cities.csv") == (
        "origin_cities.csv line 2, 3: the same city more than once",
    )


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("75056", "7505", "line 2, column insee_code: found '7505', expected an INSEE code"),
        ("Paris", "", "line 2, column name: found '', expected a name"),
        (",75,", ",7,", "line 2, column departement: found '7', expected the code of a d"),
        (",2023", ",1923", "line 2, column population_year: found 1923.0, expected a figure from "),
        ("2103778", "-1", "line 2, column population: found -1.0, expected a figure from "),
    ],
)
def test_a_commune_of_france_is_held_to_its_schema(
    tmp_path: Path, old: str, new: str, problem: str
) -> None:
    header = ",".join(SCHEMAS["french_communes"].columns)
    good = f"{header}\n75056,Paris,75,2103778,2023\n80829,Y,80,,\n"
    (tmp_path / "french_communes.csv").write_text(good, encoding="utf-8")
    assert np.isnan(read_table(tmp_path, "french_communes.csv")["population"][1])
    (found,) = problems_of(tmp_path, good.replace(old, new), "french_communes.csv")
    assert found.startswith(f"french_communes.csv {problem}")


def answer_of(folder: Path, path: str) -> tuple[str, ...]:
    """Return the problems of a table, none where it is accepted."""
    try:
        read_table(folder, path)
    except DataError as error:
        return error.problems
    return ()


STRANGE = {
    "text": [
        "",
        " ",
        "\u00a0",
        "x",
        "75056",
        "2A004",
        "2014-02-30",
        "2014-06-30",
        "20140630",
        "é\n",
    ],
    "int64": ["-1", "0", "1", "2", "3", "1999", "2101", "10000001"],
    "float64": ["", "-0.5", "0", "1e3", "52.5", "601", "1e9"],
}


@pytest.mark.parametrize("table", sorted(set(SCHEMAS) - {"communes", "communes_source", "roads"}))
def test_the_quick_look_accepts_what_pandera_accepts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, territory: Territory, table: str
) -> None:
    shipped = {described.name: described.path for described in territory.catalog.tables}
    header = list(SCHEMAS[table].columns)
    lines = [["x"] * len(header)] * 2
    if table in shipped:
        with (territory.folder / shipped[table]).open(encoding="utf-8", newline="") as file:
            lines = list(itertools.islice(csv.reader(file), 1, 40))
    rng = np.random.default_rng(7)
    file_of = tmp_path / f"{table}.csv"
    for _ in range(8):
        changed = [list(line) for line in lines]
        column = int(rng.integers(len(header)))
        words = STRANGE[SCHEMAS[table].columns[header[column]].kind]
        if rng.random() < 0.3:  # perhaps a key given twice
            changed.append(changed[int(rng.integers(len(changed)))])
        else:
            changed[int(rng.integers(len(changed)))][column] = str(rng.choice(words))
        with file_of.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([header, *changed])
        if not answer_of(tmp_path, file_of.name):
            with monkeypatch.context() as patched:
                patched.setattr(tables, "is_sound", lambda *_: False)
                assert answer_of(tmp_path, file_of.name) == ()


def test_nothing_known_is_nan_and_never_zero(territory: Territory) -> None:
    medians = territory.tables["housing_sales"]["house_median_eur_m2"]
    assert medians.isna().any()
    assert not (medians == 0).any()
    assert np.isnan(territory.indicators["house_price_eur_m2"]["32002"])


def test_every_pattern_has_words() -> None:
    rules = [column.rule for schema in SCHEMAS.values() for column in schema.columns.values()]
    patterns = {rule.pattern for rule in rules if isinstance(rule, Matches)}
    unsaid = {pattern for pattern in patterns if "city_" not in pattern} - PATTERNS.keys()
    assert unsaid == set()
