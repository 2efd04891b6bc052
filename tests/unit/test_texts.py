from __future__ import annotations

import re
from pathlib import Path
from string import Formatter

import pytest

from api.accompany import CALLBACKS
from api.changes import COUNTS
from api.desk_faults import FAULTS
from api.desk_frozen import CAUSES
from api.desk_import import SHEET_FAULTS
from api.desk_places import DONE
from api.desk_words import OWN as OWN_FIELDS
from api.faults import FAULT_TEXTS
from api.forms import CHOICES, IMPORTANCE_WORDS
from api.planning_form import CAN_BE_LEFT_OUT, FLOORS, SORTS
from api.planning_form import COUNTS as PLAN_COUNTS
from api.planning_form import PRESETS as PLAN_PRESETS
from api.planning_form import WEIGHTS as PLAN_WEIGHTS
from api.texts import (
    NBSP,
    artists_word,
    catalogue,
    french_spaces,
    track_label,
    translator,
    typeset,
)
from api.village_facts import DENSITY_LEVELS
from api.village_tables import CLIMATE, CULTURE, DAILY, HEALTH, SCHOOLS, WORK_KINDS
from api.village_words import EVENTS, PRACTICES, RISKS, TRACES, WEEKDAYS
from geo_matcher.corrections import CORRECTABLE
from geo_matcher.decision import Status
from geo_matcher.dossiers.fields import LANGUAGES as FILE_LANGUAGES
from geo_matcher.dossiers.spreadsheets import WORDS
from geo_matcher.dossiers.year_report import DIMENSIONS
from geo_matcher.lacks import FAR_MIN
from geo_matcher.schemas import BEST_TECHNOLOGY
from geo_matcher.territory import SCOPES
from geo_matcher.towns import in_service, served

API = Path(__file__).parents[2] / "api"
FRENCH, ENGLISH = catalogue("fr"), catalogue("en")
TEXTS = frozenset(FRENCH) | frozenset(ENGLISH)

DAY_SECTIONS = ("enquiries", "tasks", "visits", "follow_ups", "ending")

COMPOSED = {
    "catnat.": {*EVENTS, "other"},
    "climate.": {
        *CLIMATE,
        "title",
        "none",
        "absent",
        "caption",
        "what",
        "past",
        "horizon",
        "figure",
    }
    | {"interval.all", "interval.most"},
    "corrected.": {*CORRECTABLE["communes"], "title", "line", "signed", "unknown", "closed"}
    | {"was_open", "open_elsewhere", "line_since", "source_agrees", "source_changed"},
    "day.": set(WEEKDAYS),
    "changes.": {*COUNTS, "title", "some", "population_only", "name_only"},
    "callback.": set(CALLBACKS),
    "density.": set(DENSITY_LEVELS),
    "desk.alike.": {"email", "phone", "name"},
    "desk.by.": {*DIMENSIONS, *(f"{name}.title" for name in DIMENSIONS), "figure", "text", "note"},
    "desk.cause.": set(CAUSES),
    "desk.done.": set(DONE),
    "desk.event.": {"opened", "imported", "moved", "edited", "note", "shortlist", "anonymised"}
    | {"task", "task.done", "visit", "visit.told", "visit.cancelled", "consent", "merged"}
    | {"consent.withdrawn", "follow_up.there", "follow_up.left", "erased"},
    "desk.export.": {"of", "what", "do"},
    "desk.erase.": {"of", "what", "tick", "do"},
    "desk.fault.": {*FAULTS, "other"},
    "desk.field.": set(OWN_FIELDS),
    "desk.figure.": {"enquiries", "qualified", "visits", "settled", "persons"},
    "desk.handover.form.": {"xlsx", "csv", "json"},
    "desk.import.fault.": set(SHEET_FAULTS),
    "desk.head.": {*DIMENSIONS, "reached", "share", "previous", "days", "months", "still", "low"}
    | {"high", "followed", "enquiries", "qualified", "settled", "persons", "commune", "epci"},
    "desk.language.": set(FILE_LANGUAGES),
    "desk.lead.": {*DAY_SECTIONS, "nothing", "stage", "settled", "left", "closed"},
    "desk.learned.": {"more", "less", "unclear", "few", "interval", "note", "table", "family"}
    | {"factor", "range", "verdict", "ask"},
    "desk.places.": {"communes", "epcis", "since", "shared", "few", "inside", "none", "today"}
    | {"rest"},
    "desk.today.": {*DAY_SECTIONS, *(f"{name}.empty" for name in DAY_SECTIONS), "more", "board"},
    "desk.visit.": {"morning", "afternoon", "of", "ask", "start", "day", "count", "villages"}
    | {"villages.why", "rank", "only", "complete", "lead", "worth", "hours", "drive", "lunch"}
    | {"back", "work", "note", "calendar", "record", "none", "fault.start", "fault.plan", "plan"}
    | {"tell", "impression", "cancel", "cancelled"},
    "foot.estimated.": {"town_halls", "roads", "town_halls.unchecked", "roads.unchecked"},
    "timed.": {"town_halls", "roads"},
    "fault.": set(FAULT_TEXTS) | {"title", "restart", "field", "key"},
    "importance.": set(IMPORTANCE_WORDS),
    "lack.": {*FAR_MIN, "title", "why", "nothing", "fibre", "services", "figures"}
    | {"doctor_counted", "item", "where", "nowhere", "just_over", "doctor.unlisted"}
    | {"doctor.undated", "unlisted"},
    "place.": {*DAILY, *SCHOOLS, *HEALTH, *CULTURE, *WORK_KINDS}
    | {"france_services", "station", "airport", "workplace"},
    "plan.baseline.": {"plan", "best_ratio", "largest_gap_first", "equal_shares_by_epci"},
    "plan.brings.": {"premises_fibre", "premises_30mbit", "premises_equipped", "near_work"},
    "plan.core.": {"no_regret", "depends", "rare", "ask", "link", "caption", "details", "draws"}
    | {"told", "names", "nobody", "points"},
    "plan.cost.": {"commune", "premises", "below"},
    "plan.count.": set(PLAN_COUNTS),
    "plan.fault.budget.": {"unreadable", "negative", "two_ways", "large"},
    "plan.file.": {"csv", "geojson", "gpkg", "gaps", "report"},
    "plan.floor.": {*FLOORS, "price", "unset"},
    "plan.form.": {*PLAN_WEIGHTS, "budget", "budget.help", "floor", "count", "exclude", "no"}
    | {"exclude.help", "weights", "weights.help", "send"},
    "plan.head.": {
        *SORTS,
        "share",
        "way",
        "gap",
        "actions",
        "without_30mbit",
        "classes",
        "communes",
    }
    | {"unbuilt", "late", "closing", "budget", "marginal", "often", "class", "depends", "before"}
    | {"gained", "losers", "spaces", "where", "reached", "of_unmet"},
    "plan.no.": set(CAN_BE_LEFT_OUT),
    "plan.on.": {"cost", "local_cost", "local_need"},
    "plan.preset.": set(PLAN_PRESETS),
    "plan.siting.": {
        "caption",
        "other",
        *(
            f"{who}{far}"
            for who in ("population", "newcomers")
            for far in ("", ".all_met", ".out_of_reach")
        ),
    },
    "plan.status.": {"optimal", "within_gap", "time_limit"},
    "practice.": set(PRACTICES),
    "risk.": {*RISKS, "title", "unknown", "listed", "not_listed", "radon", "catnat", "former"}
    | {"no_radon"}
    | {"plan.flood", "plan.industrial", "plan.clay", "plan.prescribed"},
    "scope.": {*SCOPES, *(f"one.{scope}" for scope in SCOPES), "partners.none", "network.none"}
    | {"title", "apply", "count", "partners.note", "partners.whole", "network.note", "all.note"},
    "sector.": set(CHOICES["sector"][1]),
    "size.": {"any", "up_to", "from", "between", *CHOICES["size"][1]},
    "status.": {s.label for s in Status} - {"missing", "unreachable"},
    "technology.": {name.removeprefix("mci_best_") for name in BEST_TECHNOLOGY[1:]},
    "tenure.": set(CHOICES["tenure"][1]),
    "trace.": {*TRACES, "other", "year"},
    "track.": {*CHOICES["track"][1], "none", "artists"},
    "village.kind.": set(CHOICES["size"][1]),
    "work.": set(CHOICES["work_mode"][1])
    | {
        "title",
        "none",
        "unlisted",
        "place",
        "known",
        "named",
        "unsure",
        "year",
        "shared",
        "counted",
    },
    "interview.said.": {"first", "second", "same", "skip"},
}
"""Keys that the code puts together from a prefix and a word, and the words that there are."""


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_both_languages_say_it_with_the_same_placeholders() -> None:
    assert set(TEXTS) - set(FRENCH) == set(), "not translated into French"
    assert set(TEXTS) - set(ENGLISH) == set(), "not translated into English"
    for key in TEXTS:
        french, english = FRENCH[key], ENGLISH[key]
        assert len(french) == len(english), key
        assert all(french), key
        assert all(english), key
        # One of a thing needs no figure; several are always said with the same ones.
        assert placeholders(french[-1]) == placeholders(english[-1]), key
        for text in (french[0], english[0]):
            assert placeholders(text) <= placeholders(french[-1]), key


@pytest.mark.parametrize(
    ("pattern", "rule"),
    [
        (r"'", "the apostrophe is ’"),
        (r" [:;?!»%€]", "a no-break space stands before : ; ? ! » % €"),
        # A colon inside a time-like example (5:1) is no punctuation.
        (r"[^\s\d:][;?!]", "a space stands before ; ? !"),
        (r"\.\.\.", "the ellipsis is …"),
    ],
)
def test_french_typography(pattern: str, rule: str) -> None:
    found = {
        key: text
        for key in TEXTS
        for text in map(french_spaces, FRENCH[key])
        if re.search(pattern, text)
    }
    assert found == {}, rule


def test_english_keeps_to_itself() -> None:
    found = {k: text for k in TEXTS for text in ENGLISH[k] if re.search(r"\s[:;?!]", text)}
    assert found == {}


def test_no_text_is_unused_and_none_is_absent() -> None:
    sources = [*API.glob("*.py"), *API.glob("routes/*.py"), *API.glob("templates/*.html")]
    code = "\n".join(p.read_text(encoding="utf-8") for p in sources)
    composed = {f"{prefix}{word}" for prefix, words in COMPOSED.items() for word in words}
    assert composed <= set(TEXTS)
    for prefix in COMPOSED:
        assert {key for key in TEXTS if key.startswith(prefix)} <= composed
    literal = set(re.findall(r"""["']([a-z_]+(?:\.[a-z0-9_]+)+)["']""", code))
    unused = set(TEXTS) - literal - composed
    assert not unused
    called = set(re.findall(r"""\bt\(\s*["']([^"'{}]+)["']""", code))
    assert called <= set(TEXTS)


def test_a_text_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(KeyError, match=r"no\.such"):
        translator("en")("no.such")
    with pytest.raises(KeyError, match=r"no\.such"):
        translator("fr")("no.such", count=2)


def test_one_and_several_are_said_apart() -> None:
    english, french = translator("en"), translator("fr")
    assert [english("results.count", count=n, n=n)[:10] for n in (1, 2)] == [
        "1 village ", "2 villages",
    ]  # fmt: skip
    assert [french("tabs.villages", count=n, n=n) for n in (0, 1, 2)] == [
        "0 village", "1 village", "2 villages",
    ]  # fmt: skip


def test_texts_come_out_ready_and_filled() -> None:
    assert translator("fr")("results.count", count=47, n="47") == "47 villages classés pour vous"
    assert translator("en")("results.count", count=47, n="47") == "47 villages ranked for you"
    assert translator("fr")("form.work") == f"Comment travaillez-vous{NBSP}?"
    assert typeset("l'eau : 5 %", "fr") == f"l’eau{NBSP}: 5{NBSP}%"
    assert typeset("the baker's: 5%", "en") == "the baker's: 5%"
    assert typeset("Licence Ouverte 2.0 ; prix : ODbL", "en") == "Licence Ouverte 2.0; prix: ODbL"


def test_no_line_ends_inside_a_figure() -> None:
    assert french_spaces("2 000 fois, {minutes} min, 3 km²") == (
        f"2{NBSP}000 fois, {{minutes}}{NBSP}min, 3{NBSP}km²"
    )
    assert french_spaces("en 2026 300 habitants, 12 minutes") == (
        f"en 2026 300{NBSP}habitants, 12 minutes"
    )


def test_a_track_for_artists_that_is_not_there_is_called_the_same_everywhere() -> None:
    assert (artists_word("fr"), WORDS["track"]["cultura"][:2]) == (
        "Cultura",
        ("Cultura", "Soho Solo Cultura"),
    )
    with in_service(served().model_copy(update={"network": None})):
        assert artists_word("fr") == "Artistes"
        assert artists_word("en") == "Artists"
        assert WORDS["track"]["cultura"] == ("Artistes",)
        assert track_label("cultura", "fr").startswith("Artistes\N{NO-BREAK SPACE}: ")
