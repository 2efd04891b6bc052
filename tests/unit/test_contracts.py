"""What holds for every module, read from the source text."""

from __future__ import annotations

import ast
import builtins
import importlib
import itertools
import os
import re
import socket
from functools import cache
from pathlib import Path

import pytest

from geo_matcher import __version__, errors
from geo_matcher.gathering import all_sources
from geo_matcher.missing_sources import OPTIONAL_SOURCES

REPOSITORY = Path(__file__).resolve().parents[2]
PACKAGE = REPOSITORY / "geo_matcher"

LAYERS: tuple[frozenset[str], ...] = tuple(
    frozenset(row.split())
    for row in (
        "clock epci_words errors kept licences look map_words municipal_districts planning_words "
        "road_speeds shortest_paths",
        "atomic_folders catalog territory_file",
        "release_store",
        "towns",
        "destinations",
        "access choice corrections floating_catchment membership schemas",
        "criteria",
        "gate greedy missing_sources numbers places profile tables",
        "optimum territory presets",
        "place_names",
        "opening_hours road_network overpass source",
        "catalog_document editions openstreetmap osm_places road_areas road_times workbooks",
        "delimited density_grid drees kept_files kept_map",
        "contacts dgfip dhup economie education filosofi finess georisques hosts insee sncf",
        "arcep communes fetching",
        "departements gathering own_places",
        "freshness indicators journeys road_store travel_times",
        "baskets catchments figure_years",
        "supply",
        "access_measures",
        "build decision drives flags gaps reach scenario_checks weights wheel",
        "access_answers corrected_release driving_layers new_release origins",
        "renewed_communes replaced_release",
        "clusters commune matching newcomers resemblance scenario uncertainty",
        "counterfactual demand dominance double_counting duo_limits lacks leverage rank_moves "
        "scenario_rules snapshot",
        "candidates duo insight lift outcomes pairs release_diff robustness siting typology",
        "visits",
        "audit comparison exports interview explanation portfolio visit_calendar",
        "geopackage layers planning sentences",
        "arguments audit_report information map_data planning_charts planning_files robust_core "
        "verdicts",
        "map_parts place_sets",
        "desk_map_words maps planning_report",
        "coloured_map",
        "desk_map planning_map",
        "records stages fields cells",
        "database",
        "accounts attempts",
        "journal likeness sign_in",
        "dossier",
        "desk reading",
        "duplicates entries handover privacy shortlists",
        "backups demonstration settled_choices spreadsheets year_report",
        "portfolio_places",
        "console console_progress",
        "console_sources",
        "cli_corrections cli_releases",
        "cli_diff",
        "cli_sources",
        "cli_access cli_answers cli_data cli_dossiers cli_lift cli_planning cli_users cli_visit",
        "cli",
        "__main__",
    )
)
"""Modules of geo_matcher, lowest first. A module imports only from the rows above its own, so that
there is no circle. A new module has to be given its place here."""

DATA_SIDE = frozenset(
    [
        "access",
        "access_measures",
        "arcep",
        "baskets",
        "build",
        "catalog",
        "catalog_document",
        "catchments",
        "clock",
        "corrected_release",
        "corrections",
        "communes",
        "contacts",
        "delimited",
        "economie",
        "fetching",
        "kept_files",
        "kept_map",
        "municipal_districts",
        "drives",
        "floating_catchment",
        "gate",
        "indicators",
        "journeys",
        "kept",
        "membership",
        "missing_sources",
        "openstreetmap",
        "overpass",
        "places",
        "reach",
        "release_store",
        "road_areas",
        "road_network",
        "arcep",
        "communes",
        "contacts",
        "delimited",
        "density_grid",
        "dgfip",
        "dhup",
        "drees",
        "economie",
        "editions",
        "education",
        "fetching",
        "filosofi",
        "finess",
        "georisques",
        "hosts",
        "insee",
        "licences",
        "municipal_districts",
        "osm_places",
        "sncf",
        "source",
        "workbooks",
        "road_speeds",
        "road_store",
        "road_times",
        "schemas",
        "road_speeds",
        "shortest_paths",
        "supply",
        "tables",
        "territory",
        "territory_file",
        "towns",
        "travel_times",
    ]
)
METHOD_SIDE = frozenset(
    [
        "access_answers",
        "arguments",
        "criteria",
        "audit",
        "cli",
        "comparison",
        "counterfactual",
        "decision",
        "demand",
        "dominance",
        "double_counting",
        "driving_layers",
        "duo",
        "duo_limits",
        "explanation",
        "exports",
        "flags",
        "geopackage",
        "insight",
        "interview",
        "lacks",
        "layers",
        "leverage",
        "lift",
        "maps",
        "matching",
        "newcomers",
        "origins",
        "outcomes",
        "pairs",
        "presets",
        "profile",
        "rank_moves",
        "release_diff",
        "resemblance",
        "robustness",
        "sentences",
        "snapshot",
        "siting",
        "typology",
        "uncertainty",
        "verdicts",
        "visit_calendar",
        "visits",
        "candidates",
        "clusters",
        "gaps",
        "greedy",
        "information",
        "planning",
        "planning_files",
        "coloured_map",
        "planning_map",
        "planning_report",
        "portfolio",
        "robust_core",
        "scenario",
        "scenario_checks",
        "choice",
        "optimum",
        "scenario_rules",
        "weights",
        "wheel",
    ]
)
"""The data knows nothing of the method, of drawings and of people's wishes."""

COMMANDS = (
    "cli",
    "cli_access",
    "cli_answers",
    "cli_corrections",
    "cli_data",
    "cli_diff",
    "cli_dossiers",
    "cli_lift",
    "cli_planning",
    "cli_releases",
    "cli_sources",
    "cli_users",
    "cli_visit",
)

ONLY_USERS = {
    "osmnx": {"access", "openstreetmap", "overpass"},
    "osmium": {"openstreetmap"},
    "contourpy": {"road_areas"},
    "networkx": set(),
    "pandana": set(),
    "folium": {"maps"},
    "branca": {"maps"},
    "cachetools": {"kept"},
    "matplotlib": {"audit_report"},
    "typer": {*COMMANDS, "console", "console_sources"},
    "rich": {*COMMANDS, "console", "console_progress"},
    "alembic": {"database"},
    "argon2": {"accounts", "sign_in"},
    "esda": {"clusters"},
    "icalendar": {"visit_calendar"},
    "libpysal": {"clusters"},
    "openpyxl": {"cells", "workbooks"},
    "filelock": {"atomic_folders", "kept_files", "release_store"},
    "platformdirs": {"database", "release_store", "fetching"},
    "psycopg": set(),
    "rapidfuzz": {"likeness", "osm_places"},
    "uvicorn": {"cli"},
    "fastapi": set(),
    "starlette": set(),
    "requests": {"overpass"},
    "httpx": {"hosts"},
    "tenacity": {"hosts"},
    "urllib.request": set(),
}
"""Libraries that one module hides from the others, or that none may use."""

Tree = ast.Module


def source_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.py"))


@cache
def parsed(path: Path) -> Tree:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


PATHS = {
    path.stem: path
    for path in source_files(PACKAGE)
    if path.stem != "__init__" and "migrations" not in path.parts  # scripts that Alembic runs
}


def tree_of(module: str) -> Tree:
    """Return what is written in a module of geo_matcher."""
    return parsed(PATHS[module])


@cache
def imports(tree: ast.AST) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return every module that is imported, anywhere in the file, with the names taken from it."""
    found: list[tuple[str, tuple[str, ...]]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += ((alias.name, ()) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            found.append((node.module or "", tuple(alias.name for alias in node.names)))
    return tuple(found)


def own_imports(tree: ast.AST) -> set[str]:
    """Return the modules of geo_matcher that are imported."""
    found: set[str] = set()
    for name, names in imports(tree):
        if name == "geo_matcher":
            found |= {taken for taken in names if taken in PATHS}
        elif name.startswith("geo_matcher."):
            found.add(name.rpartition(".")[2])
    return found


# --- Who may import whom --------------------------------------------------------------------


def layer(module: str) -> int:
    return next(number for number, row in enumerate(LAYERS) if module in row)


def test_every_module_has_one_place_in_the_layers() -> None:
    assert sorted(itertools.chain(*LAYERS)) == sorted(PATHS)


def test_a_module_imports_only_from_lower_layers() -> None:
    wrong = [
        f"{module} must not import {other}"
        for module in PATHS
        for other in own_imports(tree_of(module))
        if layer(other) >= layer(module)
    ]
    assert wrong == []


def test_the_data_knows_nothing_of_the_method() -> None:
    for module in DATA_SIDE:
        assert own_imports(tree_of(module)).isdisjoint(METHOD_SIDE), module


def test_the_errors_import_nothing_of_ours() -> None:
    assert own_imports(tree_of("errors")) == set()


def of_the_service(module: str) -> set[str]:
    """Return the modules of the service that a module of the library imports."""
    return {name for name, _ in imports(tree_of(module)) if name.split(".")[0] == "api"}


def test_the_library_does_not_know_the_service() -> None:
    assert [module for module in PATHS if of_the_service(module)] == ["cli"]
    # `geo-matcher serve` starts the service: the one door, and it opens only when asked.
    tree = tree_of("cli")
    at_import = {name for node in tree.body for name, _ in imports(node)
                 if not isinstance(node, ast.FunctionDef)}  # fmt: skip
    assert not any(name.split(".")[0] == "api" for name in at_import)
    serve = next(n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "serve")
    assert of_the_service("cli") <= {name for name, _ in imports(serve)}


@pytest.mark.parametrize("library", ONLY_USERS)
def test_a_library_is_used_only_where_it_is_hidden(library: str) -> None:
    users = {
        module
        for module in PATHS
        for name, _ in imports(tree_of(module))
        if name == library or name.startswith(f"{library}.")
    }
    assert users <= ONLY_USERS[library]


def test_nothing_is_imported_by_star() -> None:
    for module in PATHS:
        assert not any("*" in names for _, names in imports(tree_of(module))), module


# --- What a module shows --------------------------------------------------------------------


@cache
def listed(module: str) -> list[str]:
    """Return the names in ``__all__``."""
    for node in tree_of(module).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            found: list[str] = ast.literal_eval(node.value)
            return found
    raise AssertionError(f"{module} has no __all__")


def public_definitions(module: str) -> set[str]:
    """Return the functions and classes that a module defines without underscore."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    nodes = (node for node in tree_of(module).body if isinstance(node, kinds))
    return {node.name for node in nodes if not node.name.startswith("_")}


def test_a_module_opens_with_what_it_hides() -> None:
    for module in PATHS:
        docstring = ast.get_docstring(tree_of(module))
        assert docstring, module
        assert docstring.splitlines()[0].endswith("."), module


def test_all_lists_the_public_functions_and_classes() -> None:
    for module in PATHS:
        if module != "__main__":
            check_list(module)


def check_list(module: str) -> None:
    names = listed(module)
    assert len(set(names)) == len(names), module
    dotted = ".".join(PATHS[module].relative_to(REPOSITORY).with_suffix("").parts)
    loaded = importlib.import_module(dotted)
    assert [name for name in names if not hasattr(loaded, name)] == [], module
    if module == "cli":  # its functions are commands: what is public there is the command line
        assert set(names) <= {"app", "main"}
        return
    definitions = public_definitions(module)
    assert definitions <= set(names), (
        f"{module}: add it to __all__ or begin its name with an underscore"
    )
    constants = set(names) - definitions
    imported = {name for _, taken in imports(tree_of(module)) for name in taken}
    assert constants.isdisjoint(imported), (
        f"{module}: a module lists what it defines, not what it imports"
    )


def users() -> dict[str, Tree]:
    files = [*source_files(PACKAGE), *source_files(REPOSITORY / "api")]
    return {path.relative_to(REPOSITORY).as_posix(): parsed(path) for path in files}


def test_what_one_module_takes_from_another_is_in_its_list() -> None:
    wrong = []
    for user, tree in users().items():
        for name, taken in imports(tree):
            module = name.rpartition(".")[2]
            if name.startswith("geo_matcher.") and module in PATHS:
                wrong += [f"{user}: {module}.{n}" for n in taken if n not in listed(module)]
    assert wrong == []


def test_only_the_command_line_prints() -> None:
    for module in PATHS:
        nodes = ast.walk(tree_of(module))
        calls = {ast.unparse(n.func) for n in nodes if isinstance(n, ast.Call)}
        if module not in {"cli", "__main__"}:
            assert calls.isdisjoint({"print", "sys.stdout.write", "sys.stderr.write"}), module


# --- Errors ---------------------------------------------------------------------------------


def drawn_tree() -> dict[str, tuple[str, str]]:
    """Read the tree of errors.py: each class with its parent and the standard one in brackets."""
    stack: list[str] = []
    found: dict[str, tuple[str, str]] = {}
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(r"    ((?:│   |    )*)(?:├── |└── )?(\w+Error)\b(?: \((\w+)\))?", line)
        if not match:
            continue
        is_root = "──" not in line
        depth = 0 if is_root else len(match[1]) // 4 + 1
        stack[depth:] = [match[2]]
        found[match[2]] = ("" if is_root else stack[depth - 1], match[3] or "")
    return found


def test_the_tree_drawn_in_errors_is_the_tree_of_the_classes() -> None:
    drawn = drawn_tree()
    assert sorted(drawn) == sorted(errors.__all__)
    for name, (parent, standard) in drawn.items():
        bases = [base.__name__ for base in getattr(errors, name).__bases__]
        if name == "GeoMatcherError":
            assert bases == ["Exception"]
        else:
            assert bases == [parent, standard] if standard else [parent], name


def test_every_leaf_is_also_a_standard_exception() -> None:
    classes = [getattr(errors, name) for name in errors.__all__]
    for cls in classes:
        is_leaf = not any(other is not cls and issubclass(other, cls) for other in classes)
        standard = [
            base for base in cls.__mro__
            if getattr(builtins, base.__name__, None) is base
            and base not in {Exception, BaseException, object}
        ]  # fmt: skip
        assert standard or not is_leaf, cls


def test_an_error_raised_on_purpose_is_one_of_the_tree() -> None:
    allowed = set(errors.__all__) | {"KeyError", "TypeError", "ValueError"}
    for module in PATHS:
        for node in ast.walk(tree_of(module)):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                name = ast.unparse(node.exc.func)
                # A name with an underscore is caught where it is defined; nobody else can know it.
                is_own = name.startswith(("typer.", "_"))
                assert name in allowed or is_own, f"{module}, line {node.lineno}: {name}"


# --- The tests themselves -------------------------------------------------------------------


def test_no_test_reaches_another_machine() -> None:
    with pytest.raises((RuntimeError, UserWarning), match=r"192\.0\.2\.1"):
        socket.create_connection(("192.0.2.1", 80), timeout=1)


def test_a_test_may_talk_to_its_own_machine() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=1).close()


def test_nothing_of_the_environment_reaches_a_test() -> None:
    assert [name for name in os.environ if name.startswith("GEO_MATCHER_")] == []


# --- The version ----------------------------------------------------------------------------


def test_the_version_is_the_newest_of_the_changelog() -> None:
    text = (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## \[?(\d+\.\d+\.\d+)\b", text, re.MULTILINE)
    assert versions[0] == __version__
    numbers = [tuple(map(int, version.split("."))) for version in versions]
    assert numbers == sorted(numbers, reverse=True)


def test_a_source_that_is_absent_has_a_gap_and_may_be_given() -> None:
    given = {table for source in all_sources() for table in source.tables}
    assert given <= set(OPTIONAL_SOURCES)
    subjects = [gap.subject for gap in OPTIONAL_SOURCES.values()]
    assert len(set(subjects)) == len(subjects)
