"""The command line from end to end: what is printed, and how mistakes end."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jsonschema
import pytest

from geo_matcher.criteria import CRITERIA
from geo_matcher.decision import STATUS_WORDS, Status, decision_matrix
from geo_matcher.presets import PRESETS
from geo_matcher.profile import read_profile
from geo_matcher.territory import Territory
from tests.integration.commands import Outcome, Run

pytestmark = pytest.mark.usefixtures("read_once")

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "docs" / "schemas" / "match.schema.json"


def refused(outcome: Outcome) -> str:
    """Assert that a call was refused properly and return what it said."""
    assert outcome.code == 2
    assert outcome.out == ""
    assert "Traceback" not in outcome.err
    return outcome.err


def test_match_prints_villages_with_reasons_and_release(run: Run, territory: Territory) -> None:
    found = run("match", "--profile-name", "paris-web-family", "--scope", "partners", "--top", "5")
    assert found.code == 0
    assert len(re.findall(r"partner \((?:sourced|reconstructed)\)", found.out)) == 5
    assert "Fibre for" in found.out
    assert territory.release_id in found.out
    assert "47/47 communes" in found.out


def test_match_in_french_writes_numbers_the_french_way(run: Run) -> None:
    found = run("match", "--profile-name", "toulouse-consultant", "--top", "3", "--lang", "fr")
    assert re.search(r"\d,\d", found.out)
    assert "manqué de" in found.out
    assert "Toulouse, au plus 75\u00a0min\u00a0: " in found.out


@pytest.mark.parametrize(("scope", "count"), [("partners", 47), ("network", 171), ("all", 458)])
def test_match_json_fits_the_documented_schema(run: Run, scope: str, count: int) -> None:
    found = run(
        "match", "--profile-name", "paris-web-family", "--scope", scope, "--format", "json",
        "--top", "500",
    )  # fmt: skip
    answer = json.loads(found.out)
    jsonschema.validate(answer, json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert answer["counts"]["scope"] == count
    assert len(answer["results"]) + len(answer["excluded"]) == count
    for result in answer["results"]:
        assert abs(sum(c["points"] for c in result["contributions"]) - result["score"]) < 1e-9


def test_match_csv_and_geojson_hold_the_same_communes(run: Run) -> None:
    arguments = ("match", "--profile-name", "cultura-artist", "--top", "7", "--format")
    table = run(*arguments, "csv").out.strip().splitlines()
    shapes = json.loads(run(*arguments, "geojson").out)
    codes = [feature["properties"]["insee_code"] for feature in shapes["features"]]
    column = table[0].split(",").index("insee_code")
    assert [line.split(",")[column] for line in table[1:]] == codes


def test_match_csv_says_its_release_and_what_is_known_of_each_figure(
    run: Run, territory: Territory
) -> None:
    text = run("match", "--profile-name", "cultura-artist", "--format", "csv").out
    for row in csv.DictReader(text.splitlines()):
        assert row["release"] == territory.release_id
        statuses = {row[column] for column in row if column.endswith("_status")}
        assert "estimated" in statuses
        assert statuses <= {status.label for status in Status}


def test_every_preset_is_listed_and_shown_ready_to_edit(run: Run, tmp_path: Path) -> None:
    listed = run("profile", "list").out
    for name, preset in PRESETS.items():
        assert name in listed
        file = tmp_path / f"{name}.toml"
        file.write_text(run("profile", "show", name).out, encoding="utf-8")
        assert read_profile(file) == preset.profile


def test_a_profile_file_gives_the_same_ranking_as_its_preset(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "me.toml"
    file.write_text(run("profile", "show", "retired-couple").out, encoding="utf-8")
    by_name = run("match", "--profile-name", "retired-couple", "--format", "json").out
    assert run("match", str(file), "--format", "json").out == by_name


def test_commune_is_found_without_accents_or_case(run: Run) -> None:
    found = run("commune", "l isle jourdain")
    assert found.code == 0
    assert "32160" in found.out
    assert json.loads(run("commune", "32160", "--format", "json").out)["name"] == "L'Isle-Jourdain"


def test_commune_says_what_is_known_only_in_part(run: Run) -> None:
    found = run("commune", "32365", "--lang", "fr").out
    assert "inconnu" in found
    assert "contour" in found
    assert "Ressemble à " in found


@pytest.mark.parametrize(
    ("language", "some"),
    [
        (
            "fr",
            {
                "Fibre": "mesuré",
                "30 Mbit/s sans satellite": "déclaré",
                "Aéroport": "estimé",
                "Gare": "au plus",
                "Village partenaire": "reconstitué",
                "Espace autour de vous": "manquant",
            },
        ),
        ("en", {"Fibre": "measured", "Railway station": "at most", "Airport": "estimated"}),
    ],
)
def test_commune_words_what_is_known_in_the_language_asked_for(
    run: Run, territory: Territory, language: str, some: dict[str, str]
) -> None:
    found = run("commune", "32365", "--lang", language).out
    cells = [re.split(r" {2,}", line.strip()) for line in found.splitlines()]
    words = {row[0]: row[2] for row in cells if len(row) == 4}
    assert some.items() <= words.items()
    statuses = decision_matrix(territory).status[territory.codes.index("32365")]
    assert list(words.values()) == [STATUS_WORDS[language][Status(s)] for s in statuses]


def test_every_status_has_words_of_its_own_in_every_language() -> None:
    for words in STATUS_WORDS.values():
        assert list(words) == list(Status)
        assert len(set(words.values())) == len(Status)


def test_an_unknown_commune_is_answered_with_what_looks_alike(run: Run) -> None:
    assert "Did you mean Sarrant" in refused(run("commune", "sarant"))


def test_criteria_are_listed_with_their_value_functions(run: Run) -> None:
    found = run("criteria").out
    for name in CRITERIA:
        assert name in found
    assert "5→1  15→0.75  30→0.25  45→0" in found
    names = [criterion["name"] for criterion in json.loads(run("criteria", "--format", "json").out)]
    assert names == list(CRITERIA)


def test_map_is_written_to_the_file(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "map.html"
    found = run("map", "--profile-name", "paris-web-family", "--output", str(file))
    assert found.code == 0
    assert f"{file}: " in found.out
    assert "<html" in file.read_text(encoding="utf-8")


def test_a_ranking_is_written_to_a_file_in_each_format(
    run: Run, tmp_path: Path, territory: Territory
) -> None:
    from geo_matcher.exports import to_csv
    from geo_matcher.geopackage import to_geopackage
    from geo_matcher.matching import rank

    ranking = rank(territory, PRESETS["lyon-trainer"].profile, "partners")
    call = ("match", "--profile-name", "lyon-trainer", "--top", "5")
    for form in ("json", "csv", "geojson", "gpkg"):
        file = tmp_path / f"villages.{form}"
        found = run(*call, "--format", form, "--output", str(file))
        assert found.code == 0
        assert found.out.startswith(f"{file}: ")
        if form == "gpkg":
            assert file.read_bytes() == to_geopackage(ranking, 5)
        else:
            printed = run(*call, "--format", form).out
            assert file.read_text(encoding="utf-8").rstrip() == printed.rstrip()
    assert (tmp_path / "villages.csv").read_text(encoding="utf-8") == to_csv(ranking, 5)


def test_a_geopackage_needs_a_file_and_a_table_takes_none(run: Run, tmp_path: Path) -> None:
    call = ("match", "--profile-name", "lyon-trainer")
    assert "--output villages.gpkg" in refused(run(*call, "--format", "gpkg"))
    said = refused(run(*call, "--output", str(tmp_path / "table.txt")))
    assert "another --format" in said


def test_map_into_no_folder_is_refused(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "none" / "map.html"
    said = refused(run("map", "--profile-name", "paris-web-family", "--output", str(file)))
    assert "cannot be written" in said


def test_data_info_states_counts_error_and_gaps(run: Run, territory: Territory) -> None:
    found = run("data", "info").out
    assert "458 communes · 47 partner villages (3 sourced, 44 reconstructed)" in found
    assert "(published: 172)" in found
    assert "1.012 × the published length" in found
    assert territory.catalog.gaps[0].text_en[:40] in found


def test_data_check_accepts_the_shipped_release(
    run: Run, release_copy: Path, territory: Territory
) -> None:
    found = run("--release", str(release_copy), "data", "check")
    assert found.code == 0
    assert found.out.startswith(f"{territory.release_id}: ")


def test_data_check_lists_every_problem_of_a_broken_release(run: Run, release_copy: Path) -> None:
    (release_copy / "derived" / "places.csv").unlink()
    table = release_copy / "source" / "town_halls.csv"
    lines = table.read_text(encoding="utf-8").splitlines(keepends=True)
    lines[1] = re.sub(r",\d+,(?=-?\d+\.\d)", ",six,", lines[1], count=1)
    table.write_text("".join(lines), encoding="utf-8")
    said = refused(run("--release", str(release_copy), "data", "check"))
    assert "derived/places.csv is in the catalog but absent" in said
    assert "'six' is not a whole number" in said
    assert said.count("\n  - ") >= 2


def test_data_build_and_set_partners_renew_the_release(
    run: Run, release_copy: Path, territory: Territory
) -> None:
    release = ("--release", str(release_copy))
    assert territory.release_id in run(*release, "data", "build").out
    wanted = release_copy.parent / "partners.csv"
    wanted.write_text("insee_code,valid_from\n32249,2008-06-01\n32416,2008-06-01\n", "utf-8")
    found = run(*release, "data", "set-partners", str(wanted))
    assert found.out.startswith("2 partner villages, all sourced; release gers-")
    assert territory.release_id not in found.out
    ranked = json.loads(
        run(*release, "match", "--profile-name", "cultura-artist", "--format", "json").out
    )
    assert [r["evidence"] for r in ranked["results"]] == ["sourced", "sourced"]


def test_a_build_that_fails_names_the_release_and_no_passing_copy_of_it(
    run: Run, release_copy: Path
) -> None:
    (release_copy / "source" / "hubs.csv").unlink()
    schools = release_copy / "source" / "schools.csv"
    schools.write_text(schools.read_text("utf-8").replace("sector", "other", 1), "utf-8")
    said = refused(run("--release", str(release_copy), "data", "build"))
    assert f"The release in {release_copy} cannot be built:\n" in said
    assert "source/hubs.csv is absent" in said
    assert "source/schools.csv: column sector is missing" in said
    assert f".{release_copy.name}-" not in said


def test_a_build_that_the_gate_refuses_names_the_release(run: Run, release_copy: Path) -> None:
    table = release_copy / "source" / "broadband_fixed.csv"
    lines = table.read_text(encoding="utf-8").splitlines(keepends=True)
    table.write_text("".join(lines[:1] + lines[2:]), encoding="utf-8")
    said = refused(run("--release", str(release_copy), "data", "build"))
    assert f"The release in {release_copy} is refused" in said
    assert "has no row for commune: 32001" in said
    assert f".{release_copy.name}-" not in said


def test_set_partners_refuses_a_bad_list_with_every_problem(run: Run, release_copy: Path) -> None:
    wanted = release_copy.parent / "partners.csv"
    wanted.write_text("insee_code,valid_from\n99999,2008-06-01\n32416,June 2008\n", "utf-8")
    said = refused(run("--release", str(release_copy), "data", "set-partners", str(wanted)))
    assert "line 2: '99999' is no commune" in said
    assert "line 3: valid_from 'June 2008' is no date" in said


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("colour = 'blue'", "colour: unknown key"),
        ("[limits.station_min]\nat_most = -5", "impossible limit"),
        ("[limits.station_min]\nat_most = 5\nat_least = 9", "impossible limit"),
        ("[limits.beach_min]\nat_most = 5", "No criterion is called 'beach_min'"),
        ("work_mode = ", "not valid TOML"),
    ],
)
def test_a_bad_profile_is_refused_in_words(
    run: Run, tmp_path: Path, content: str, said: str
) -> None:
    file = tmp_path / "me.toml"
    file.write_text(content, encoding="utf-8")
    assert said in refused(run("match", str(file)))


def test_a_profile_must_be_given_once(run: Run, tmp_path: Path) -> None:
    assert "Give a profile file, or --profile-name" in refused(run("match"))
    both = run("match", str(tmp_path / "x.toml"), "--profile-name", "cultura-artist")
    assert "not both" in refused(both)
    assert "cannot be read" in refused(run("match", str(tmp_path / "x.toml")))
    assert "Did you mean cultura-artist" in refused(run("match", "--profile-name", "cultura"))


def test_options_out_of_range_are_refused(run: Run) -> None:
    too_few = refused(run("match", "--profile-name", "cultura-artist", "--top", "0"))
    assert "--top" in too_few
    assert "mars" in refused(run("match", "--profile-name", "cultura-artist", "--scope", "mars"))


def test_a_folder_that_is_no_release_is_refused(run: Run, tmp_path: Path) -> None:
    assert "holds no catalog.toml" in refused(run("--release", str(tmp_path), "data", "info"))


def test_version_is_printed(run: Run) -> None:
    assert re.fullmatch(r"geo-matcher \d+\.\d+\.\d+\n", run("--version").out)


def test_hostile_markup_in_a_profile_name_is_printed_as_text(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "me.toml"
    file.write_text('name = "[red]x[/red]"', encoding="utf-8")
    assert run("match", str(file), "--top", "1").code == 0


@contextmanager
def started(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Start the command line in a process of its own and end it whatever happens."""
    process = subprocess.Popen(
        [sys.executable, "-m", "geo_matcher", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def test_serve_prints_its_address_answers_and_stops_on_request(territory: Territory) -> None:
    with started("serve", "--port", "0") as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        address = re.search(r"http://127\.0\.0\.1:\d+", line)
        assert address, line
        assert territory.release_id in line
        with urllib.request.urlopen(f"{address.group()}/readyz", timeout=20) as answer:
            assert json.load(answer)["release"] == territory.release_id
        with pytest.raises(urllib.error.HTTPError) as missing:
            urllib.request.urlopen(f"{address.group()}/nothing", timeout=20)
        assert missing.value.headers["Content-Type"] == "application/problem+json"
        missing.value.close()
        with started("serve", "--port", address.group().rpartition(":")[2]) as second:
            _, said = second.communicate(timeout=60)
        assert second.returncode == 2
        assert "Cannot listen on" in said
        assert "Traceback" not in said
        process.terminate()
        _, errors = process.communicate(timeout=30)
        assert "Traceback" not in errors


def test_serve_refuses_a_broken_release_without_a_traceback(release_copy: Path) -> None:
    (release_copy / "membership.csv").unlink()
    with started("--release", str(release_copy), "serve", "--port", "0") as process:
        _, said = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "membership.csv is in the catalog but absent" in said
    assert "Traceback" not in said


def test_serve_refuses_a_bad_setting_in_words(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEO_MATCHER_MAX_BODY_BYTES", "abc")
    assert "GEO_MATCHER_MAX_BODY_BYTES: found 'abc'" in refused(run("serve", "--port", "0"))


def test_a_partner_to_come_is_refused(run: Run, release_copy: Path) -> None:
    wanted = release_copy.parent / "partners.csv"
    wanted.write_text("insee_code,valid_from\n32416,2999-01-01\n", encoding="utf-8")
    said = refused(run("--release", str(release_copy), "data", "set-partners", str(wanted)))
    assert "line 2: valid_from 2999-01-01 is in the future" in said


def test_no_village_left_says_to_relax_a_limit(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "me.toml"
    file.write_text("[limits.toulouse_min]\nat_most = 1\n", encoding="utf-8")
    assert "Relax one:" in run("match", str(file)).out


def test_a_limit_that_costs_points_says_how_many(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "me.toml"
    file.write_text("[limits.toulouse_min]\nat_least = 120\n", encoding="utf-8")
    arguments = ("match", str(file), "--scope", "all", "--top", "1")
    price = json.loads(run(*arguments, "--format", "json").out)["limits"][0]
    assert price["price_points"] > 0
    said = run(*arguments).out
    assert (
        f"Toulouse, at least 120\u00a0min: {price['excluded']} excluded, "
        f"costs {price['price_points']:.1f} points" in said
    )


def test_a_village_outside_the_network_is_not_called_a_partner(
    run: Run, territory: Territory
) -> None:
    assert "32013" not in territory.partner_evidence
    assert "partner (" not in run("commune", "32013").out.splitlines()[0]
    assert run("commune", "32249").out.splitlines()[0].endswith("partner (sourced)")
