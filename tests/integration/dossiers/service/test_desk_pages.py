"""The advisers' pages: what they show is what the library says, whatever was typed."""

from __future__ import annotations

import datetime as dt
import html
import re
from typing import Any, cast

import pytest
from fastapi import FastAPI

from api.private import PAGES
from geo_matcher.dossiers.accounts import SYSTEM, Account, Role, add_user
from geo_matcher.dossiers.database import Database
from geo_matcher.dossiers.desk import edit_file, open_file, record_follow_up
from geo_matcher.dossiers.dossier import Dossier
from geo_matcher.dossiers.entries import add_note, add_task, plan_visit, update_visit
from geo_matcher.dossiers.journal import file_named
from geo_matcher.dossiers.portfolio_places import portfolio_places
from geo_matcher.dossiers.reading import list_files, read_file
from geo_matcher.dossiers.records import ShortlistRow
from geo_matcher.dossiers.shortlists import freeze_shortlist
from geo_matcher.dossiers.stages import STAGE_LABELS, Stage
from geo_matcher.dossiers.year_report import year_report
from geo_matcher.matching import rank
from geo_matcher.presets import PRESETS
from geo_matcher.robustness import odds
from geo_matcher.sentences import chance_phrase
from geo_matcher.territory import Territory
from tests.integration.dossiers.people import (
    PROFILE,
    SECRETS,
    StillClock,
    brought_to,
    consent,
    opened,
    person,
)
from tests.integration.dossiers.service.asking import PASSWORD, Browser

FILES = f"{PAGES}/dossiers"
ATTACK = "<img src=x onerror=alert(1)>{{7*7}}"
EDITED = (
    "name", "email", "phone", "town", "language", "callback", "message", "villages", "track",
    "sector", "origin_city", "source", "adviser",
)  # fmt: skip


class Desk:
    """Somebody who is signed in: looks at pages and sends their forms."""

    def __init__(self, browser: Browser, login: str = "c.martin") -> None:
        assert browser.sign_in(login).status_code == 303
        self.client = browser.client

    def get(self, path: str, status: int = 200) -> str:
        answer = self.client.get(f"{PAGES}{path}")
        assert answer.status_code == status, f"{path}: {answer.status_code}"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "noindex" in answer.headers["X-Robots-Tag"]
        return answer.text

    def csrf(self) -> str:
        found = re.search(r'name="csrf" value="([0-9a-f]+)"', self.get("/bilan"))
        assert found
        return found[1]

    def send(self, path: str, **fields: Any) -> Any:
        return self.client.post(f"{PAGES}{path}", data={"csrf": self.csrf()} | fields)


def values_in(page: str) -> dict[str, str]:
    """Return what stands in the form of a file, as a browser would send it."""
    found = {
        name: html.unescape(value)
        for name, value in re.findall(r'<input [^>]*name="(\w+)" value="([^"]*)"', page)
    }
    for name, options in re.findall(r'<select [^>]*name="(\w+)">(.*?)</select>', page, re.DOTALL):
        chosen = re.search(r'value="([^"]*)" selected', options)
        found[name] = chosen[1] if chosen else ""
    text = re.search(r'name="message"[^>]*>\n(.*?)</textarea>', page, re.DOTALL)
    found["message"] = html.unescape(text[1]) if text else ""
    return {name: found[name] for name in (*EDITED, "version")}


@pytest.fixture
def desk(browser: Browser) -> Desk:
    return Desk(browser)


@pytest.fixture
def file(db: Database, adviser: Account) -> Dossier:
    return opened(db, adviser, adviser="c.martin")


def ranked(db: Database, file: Dossier, by: Account, territory: Territory) -> None:
    freeze_shortlist(db, file.key, rank(territory, PRESETS["paris-web-family"].profile), by=by)


# --- What is shown -------------------------------------------------------------------------------


def test_an_empty_desk_says_what_to_do(desk: Desk) -> None:
    today = desk.get("")
    assert today.count("desk-empty") == 5
    assert "ouvrez un dossier" in today
    assert "Personne à cette étape" in desk.get("/dossiers")
    assert "open a file" in desk.get("?lang=en")
    report = desk.get("/bilan?annee=2026")
    assert "Pas assez de dossiers" in report
    assert "Aucune installation" in report
    assert "cinq familles" in desk.get("/carte")


def test_the_day_shows_what_the_library_finds(
    desk: Desk, db: Database, file: Dossier, adviser: Account
) -> None:
    add_task(db, file.key, "Rappeler la crèche", db.today(), by=adviser)
    plan_visit(db, file.key, db.today() + dt.timedelta(days=3), ["32249"], by=adviser)
    page = desk.get("")
    for text in (SECRETS["name"], "Rappeler la crèche", "Mauvezin", "dans 3 jours"):
        assert text in page
    number = re.search(r'action="/conseillers(/dossiers/\w+/taches/\d+/fait)"', page)
    assert number
    assert desk.send(number[1], back="day").headers["Location"] == f"{PAGES}?fait=task_done"
    assert "Rappeler la crèche" not in desk.get("")


def test_the_board_counts_as_the_library_does(
    desk: Desk, db: Database, adviser: Account, file: Dossier
) -> None:
    for number in range(7):
        opened(db, adviser, name=f"Personne {number}", email=f"p{number}@exemple.test")
    brought_to(db, file, Stage.VISIT, adviser)
    page = desk.get("/dossiers")
    counts = list_files(db, by=adviser).by_stage
    for stage, count in counts.items():
        label = html.escape(STAGE_LABELS[stage]["fr"], quote=False)
        assert re.search(rf"<b>{count}</b> <span>{label}</span>", page), stage
    assert "Voir les 7 dossiers" in page
    listed = desk.get("/dossiers?etape=enquiry")
    assert listed.count('class="file-card"') == 7
    assert SECRETS["name"] not in listed
    assert desk.get("/dossiers?etape=visit&conseiller=c.martin").count('class="file-card"') == 1
    assert desk.get("/dossiers?etape=visit&conseiller=-").count('class="file-card"') == 0


def test_a_search_is_sent_and_never_stands_in_an_address(desk: Desk, file: Dossier) -> None:
    found = desk.send("/dossiers", texte="quatrebarbes zephyrine")
    assert found.status_code == 200
    assert f"{FILES}/{file.key}" in found.text
    assert "Aucun dossier ne répond" in desk.send("/dossiers", texte="Personne").text
    pages = (found.text, desk.get(""), desk.get(f"/dossiers/{file.key}"))
    for page in pages:
        for address in re.findall(r'(?:href|action)="([^"]*)"', page):
            if not address.startswith(("mailto:", "tel:")):
                assert "uatrebarbes" not in address
                assert "children" not in address
    assert file.key not in SECRETS.values()


def test_a_file_shows_its_ranking_as_the_library_gives_it(
    desk: Desk, file: Dossier, territory: Territory
) -> None:
    page = html.unescape(desk.get(f"/dossiers/{file.key}"))
    ranking = rank(territory, PRESETS["paris-web-family"].profile, "partners")
    found = odds(ranking)
    for place, result in enumerate(ranking.results(5)[:5]):
        assert result["name"] in page
        assert chance_phrase(found.summaries[place]["p_top_5"], "fr") in page
        assert f"{result['score']:.1f}".replace(".", ",") in page
    assert 'class="chart"' in page
    english = desk.get(f"/dossiers/{file.key}?lang=en&scope=all")
    assert "Among their first 5" in english
    assert "lang=en" in english


def test_the_report_shows_the_library_s_figures(
    desk: Desk, db: Database, adviser: Account, file: Dossier, territory: Territory
) -> None:
    brought_to(db, file, Stage.SETTLED, adviser)
    report = year_report(db, 2026, by=adviser, territory=territory)
    page = desk.get("/bilan?annee=2026")
    assert f"{report.enquiries} demandes" in page
    for figure in (report.qualified, report.visits, report.settled, report.persons):
        assert f"<li><b>{figure}</b>" in page
    assert "Mauvezin" in page
    alone = desk.get("/bilan.html?annee=2026")
    table = desk.client.get(f"{PAGES}/bilan.csv?annee=2026").content.decode("utf-8-sig")
    for shared in (alone, table):
        assert "Mauvezin" not in shared, "fewer than five families settled there"
    assert not re.search(r'(?:src|href)="(?!#)', alone)
    assert "demandes,1" in table or "demande,1" in table


# --- Who sees what -------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [Role.ELECTED, Role.PLANNER])
def test_who_may_not_read_files_sees_figures_without_names(
    service: FastAPI, db: Database, file: Dossier, role: Role
) -> None:
    add_user(db, "d.autre", name="D. Autre", role=role, by=SYSTEM, password=PASSWORD)
    other = Desk(Browser(service), "d.autre")
    home = other.client.get(PAGES).headers["Location"]
    assert home == (FILES if role is Role.ELECTED else f"{PAGES}/bilan")
    may = 200 if role is Role.ELECTED else 403
    shown = [other.get("/dossiers", may), other.get(f"/dossiers/{file.key}", may)]
    shown += [other.get("/bilan?annee=2026"), other.get("/carte"), other.get("/carte/reseau")]
    for page in shown:
        for secret in SECRETS.values():
            assert html.escape(secret, quote=False) not in page
    for path in ("visite", "famille", "carte", "modifier", "projet", "effacer", "donnees"):
        other.get(f"/dossiers/{file.key}/{path}", 403)
    refused = other.send("/dossiers", texte="Zéphyrine")
    assert refused.status_code == 403
    assert other.send(f"/dossiers/{file.key}/notes", text="x").status_code == 403
    assert other.send(f"/dossiers/{file.key}/effacer", confirm="yes").status_code == 403


def test_a_form_of_another_site_changes_nothing(desk: Desk, db: Database, file: Dossier) -> None:
    answer = desk.client.post(f"{FILES}/{file.key}/notes", data={"text": "x", "csrf": "0" * 64})
    assert answer.status_code == 403
    assert read_file(db, file.key, by=SYSTEM).notes == ()


# --- What is typed -------------------------------------------------------------------------------


def test_whatever_is_typed_is_shown_as_text(
    desk: Desk, db: Database, adviser: Account, territory: Territory
) -> None:
    typed = {"name": ATTACK, "town": ATTACK, "message": ATTACK, "phone": "", "email": ""}
    members = [{"label": ATTACK, "profile": PROFILE | {"name": ATTACK}}]
    file = open_file(db, person(**typed, members=members), by=adviser,
                     consents=[consent(db.today())])  # fmt: skip
    twin = open_file(db, person(**typed, members=[]), by=adviser)
    add_note(db, file.key, ATTACK, by=adviser)
    add_task(db, file.key, ATTACK, db.today(), by=adviser)
    visited = plan_visit(db, file.key, db.today(), ["32249"], by=adviser)
    update_visit(db, file.key, visited.visits[0].id, impression=ATTACK, by=adviser)
    ranking = rank(territory, PRESETS["paris-web-family"].profile)
    frozen = freeze_shortlist(db, file.key, ranking, by=adviser, remark=ATTACK)
    edit_file(db, file.key, file.version, {"town": ATTACK + "!"}, by=adviser)
    own = f"/dossiers/{file.key}"
    paths = ("", "/dossiers", "/dossiers?etape=enquiry", own, f"{own}/modifier", f"{own}/projet",
             f"{own}/listes/{frozen.head.id}", f"{own}/fusion?avec={twin.key}", f"{own}/visite",
             f"{own}/famille", f"{own}/carte", f"{own}/effacer", f"{own}/donnees")  # fmt: skip
    for path in paths:
        page = desk.get(path)
        assert "<img src=x" not in page, path
        assert "49" not in re.findall(r"onerror=alert\(1\)&gt;(\d+)", page), path
    assert html.escape(ATTACK) in desk.get(own)
    found = desk.send("/dossiers", texte=ATTACK)
    assert "<img src=x" not in found.text
    refused = desk.send(f"{own}/etape", to="settled", commune=ATTACK, on=ATTACK, persons=ATTACK,
                        version="1")  # fmt: skip
    assert refused.status_code in {409, 422}
    assert "<img src=x" not in refused.text


def test_the_second_editor_sees_the_difference_and_loses_nothing(
    desk: Desk, db: Database, file: Dossier, adviser: Account
) -> None:
    typed = values_in(desk.get(f"/dossiers/{file.key}/modifier"))
    assert typed["name"] == SECRETS["name"]
    edit_file(db, file.key, file.version, {"town": "Rodez", "phone": "0600000099"}, by=adviser)
    mine = typed | {"town": "Figeac", "message": "Ce que j’ai tapé longuement."}
    late = desk.send(f"/dossiers/{file.key}/modifier", **mine)
    assert late.status_code == 409
    shown = html.unescape(late.text)
    for text in (SECRETS["town"], "Figeac", "Rodez", "les deux ont changé"):
        assert text in shown
    again = values_in(late.text)
    assert again["town"] == "Figeac"
    assert again["message"] == "Ce que j’ai tapé longuement."
    assert again["phone"] == "0600000099", "what only the other changed is taken over"
    assert again["version"] == str(file.version + 1)
    saved = desk.send(f"/dossiers/{file.key}/modifier", **again)
    assert saved.headers["Location"] == f"{FILES}/{file.key}?fait=saved"
    draft = read_file(db, file.key, by=adviser).draft
    assert draft is not None
    assert (draft.town, draft.phone) == ("Figeac", "0600000099")


def test_a_late_step_shows_the_difference(
    desk: Desk, db: Database, file: Dossier, adviser: Account
) -> None:
    edit_file(db, file.key, file.version, {"town": "Rodez"}, by=adviser)
    late = desk.send(f"/dossiers/{file.key}/etape", to="qualified", version=str(file.version))
    assert late.status_code == 409
    assert "Rodez" in late.text
    assert read_file(db, file.key, by=adviser).stage is Stage.ENQUIRY


def test_a_small_form_comes_back_with_the_villages_that_were_shown(
    desk: Desk, db: Database, adviser: Account
) -> None:
    members = [{"label": name, "profile": PROFILE} for name in ("Ada", "Bo")]
    file = opened(db, adviser, members=members)
    plan_visit(db, file.key, db.today(), ["32249"], by=adviser)
    page = html.unescape(desk.get(f"/dossiers/{file.key}?membre=1&scope=all"))
    own = re.escape(f"{PAGES}/dossiers/{file.key}/")
    forms = re.findall(rf'action="{own}([^"?]+)\?membre=1&scope=all"', page)
    assert {"notes", "taches", "accords", "listes", "etape"} <= set(forms)
    assert any(form.startswith("visites/") for form in forms)
    refused = desk.send(f"/dossiers/{file.key}/notes?membre=1&scope=all", text="")
    assert refused.status_code == 422
    assert re.search(r'aria-current="true">Bo<', refused.text)
    assert 'name="scope" value="all"' in refused.text
    done = desk.send(f"/dossiers/{file.key}/notes?membre=1&scope=all", text="Oui")
    assert done.headers["Location"].endswith("?fait=note&membre=1&scope=all#notes")


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("email", "pas une adresse", "nom@exemple.fr"),
        ("phone", "demain", "numéro de téléphone"),
        ("name", "", "Donnez un nom"),
        ("villages", "Atlantide", "villages est inconnu"),
    ],
)
def test_a_field_that_cannot_be_used_says_so_and_stays(
    desk: Desk, file: Dossier, field: str, value: str, text: str
) -> None:
    typed = values_in(desk.get(f"/dossiers/{file.key}/modifier")) | {field: value}
    answer = desk.send(f"/dossiers/{file.key}/modifier", **typed)
    assert answer.status_code == 422
    assert text in answer.text
    assert f'id="fault-{field}"' in answer.text
    assert values_in(answer.text)[field] == value


# --- From form to follow-up ----------------------------------------------------------------------


def test_a_family_goes_from_enquiry_to_follow_up(
    desk: Desk, db: Database, adviser: Account
) -> None:
    page = desk.get("/dossiers/nouveau")
    fresh = dict.fromkeys(EDITED, "") | {
        "name": "Famille Essai", "language": "en", "callback": "email", "track": "solo",
        "sector": "it", "origin_city": "paris", "source": "phone", "adviser": "c.martin",
        "consent": "accompany", "given_on": "2026-03-02", "until": "2029-03-02",
    }  # fmt: skip
    assert 'name="adviser"' in page
    where = desk.send("/dossiers/nouveau", **fresh).headers["Location"]
    own = where.removeprefix(PAGES).partition("?")[0]
    key = own.rpartition("/")[2]

    def version() -> str:
        return str(read_file(db, key, by=adviser).version)

    def step(to: str, **more: str) -> str:
        answer = desk.send(f"{own}/etape", to=to, version=version(), **more)
        assert answer.status_code == 303, answer.text
        return str(answer.headers["Location"])

    step("qualified")
    assert "Il manque le projet du foyer" in desk.get(own)
    wishes = {"membre": "nouveau", "label": "Ada", "version": version(), "do": "save"}
    asked = {"work_mode": "coworking", "children": "4, 9", "budget": "230 000", "tenure": "buy"}
    assert desk.send(f"{own}/projet", **wishes, **asked).status_code == 303
    assert "gelez" in desk.get(own).casefold()
    bad = desk.send(f"{own}/projet", **(wishes | {"version": version(), "budget": "beaucoup"}))
    assert bad.status_code == 422
    assert 'value="beaucoup"' in bad.text
    frozen = desk.send(f"{own}/listes", membre="0", scope="partners", remark="Première")
    assert frozen.headers["Location"].endswith("#listes")
    step("matched")
    number = read_file(db, key, by=adviser).shortlists[0].id
    assert "Rien n’a bougé" in desk.get(f"{own}/listes/{number}")
    planner = desk.get(f"{own}/visite?combien=3&depart=Auch&jour=2026-03-16")
    codes = re.findall(r'type="hidden" name="village" value="(\w+)"', planner)
    assert len(codes) == 3
    assert "Lundi 16 mars 2026" in planner
    calendar = re.search(r'href="([^"]*visite\.ics[^"]*)"', planner)
    assert calendar
    ics = desk.client.get(html.unescape(calendar[1]))
    assert ics.headers["Content-Type"].startswith("text/calendar")
    assert ics.text.count("BEGIN:VEVENT") == 3
    assert "Essai" not in ics.text
    told = desk.send(f"{own}/visites", on="2026-03-16", village=codes)
    assert told.headers["Location"].endswith("#visites")
    step("visit")
    family = desk.get(f"{own}/famille")
    assert '<html lang="en">' in family
    assert "Villages for Famille Essai" in family
    assert not re.search(r'(?:src|href)="|url\(', family)
    assert "<script" not in family
    step("decision")
    bad = desk.send(f"{own}/etape", to="settled", version=version(), commune="Atlantide",
                    on="2026-03-02", persons="4")  # fmt: skip
    assert bad.status_code == 422
    assert 'value="Atlantide"' in bad.text
    step("settled", commune="Mauvezin", on="2026-03-02", persons="4")
    settled = desk.get(own)
    assert "Installée à Mauvezin" in html.unescape(settled)
    lost = desk.send(f"{own}/suivis", months="6", there="no", hard="L’hiver.", left_on="")
    assert lost.status_code == 422
    assert "L’hiver." in lost.text
    kept = desk.send(f"{own}/suivis", months="6", there="yes", hard="Le médecin.")
    assert kept.status_code == 303
    assert "Le médecin." in desk.get(own)
    assert "Toujours là" in desk.get(own)
    withdrawn = desk.send(f"{own}/accords/retirer", what="accompany")
    assert withdrawn.status_code == 303


def test_duplicates_are_proposed_and_merged(
    desk: Desk, db: Database, file: Dossier, adviser: Account, clock: StillClock
) -> None:
    clock.pass_days(0.01)
    twin = opened(db, adviser, town="Ouistreham sous Bois", phone="")
    page = desk.get(f"/dossiers/{twin.key}")
    assert "même adresse électronique" in page
    form = desk.get(f"/dossiers/{twin.key}/fusion?avec={file.key}")
    assert f'action="{FILES}/{file.key}/fusion"' in form, "the older one stays"
    fields = dict(re.findall(r'type="hidden" name="(\w+)" value="(\w+)"', form))
    fields.pop("csrf")
    edit_file(db, twin.key, twin.version, {"sector": "it"}, by=adviser)
    late = desk.send(f"/dossiers/{file.key}/fusion", **fields)
    assert late.status_code == 409
    fields["other_version"] = str(twin.version + 1)
    merged = desk.send(f"/dossiers/{file.key}/fusion", **fields, take="town")
    assert merged.headers["Location"] == f"{FILES}/{file.key}?fait=merged"
    draft = read_file(db, file.key, by=adviser).draft
    assert draft is not None
    assert draft.town == "Ouistreham sous Bois"
    assert desk.client.get(f"{FILES}/{twin.key}").headers["Location"] == f"{FILES}/{file.key}"


def test_rights_are_asked_for_twice_before_anything_goes(
    desk: Desk, db: Database, file: Dossier, adviser: Account
) -> None:
    own = f"/dossiers/{file.key}"
    assert "restent les chiffres" in desk.get(f"{own}/effacer").casefold()
    exported = desk.send(f"{own}/donnees")
    assert exported.headers["Content-Type"] == "application/json"
    assert SECRETS["name"] in exported.text
    assert desk.send(f"{own}/effacer").status_code == 422
    assert read_file(db, file.key, by=adviser).draft is not None
    assert desk.send(f"{own}/effacer", confirm="yes").status_code == 303
    gone = desk.get(own)
    assert "ne fait plus que compter" in gone
    for secret in SECRETS.values():
        assert html.escape(secret, quote=False) not in gone
    assert desk.send(f"{own}/notes", text="x").status_code == 422


def test_maps_are_small_and_hold_no_name(
    desk: Desk, db: Database, file: Dossier, adviser: Account, territory: Territory
) -> None:
    plan_visit(db, file.key, db.today(), ["32249"], by=adviser)
    ranked(db, file, adviser, territory)
    for path in (f"/dossiers/{file.key}/carte", "/carte/reseau"):
        page = desk.get(path)
        assert len(page.encode()) < 1_500_000
        for secret in SECRETS.values():
            assert secret not in page
        assert "drawColouredMap" in page
    kept = desk.client.get(f"{PAGES}/carte/reseau?telecharger=1")
    assert kept.headers["Content-Disposition"].startswith("attachment")


def test_no_subtraction_tells_where_one_family_settled(db: Database, adviser: Account) -> None:
    def settle(number: int, commune: str) -> None:
        file = opened(db, adviser, name=f"Personne {number}", email=f"p{number}@exemple.test")
        brought_to(db, file, Stage.SETTLED, adviser, commune=commune, persons=2)

    for number in range(5):
        settle(number, "32249")
    assert portfolio_places(db, by=adviser).settled == {"32249": (5, 10)}
    settle(5, "32213")
    assert portfolio_places(db, by=adviser).settled == {}
    for number in range(6, 10):
        settle(number, "32213")
    assert portfolio_places(db, by=adviser).settled == {"32249": (5, 10), "32213": (5, 10)}
    for number, commune in enumerate(["32249"] * 3 + ["32213"] * 2 + ["32013"] * 4, start=10):
        settle(number, commune)
        shared = year_report(db, 2026, by=adviser).shared_since
        reported = {c.insee_code: (c.settled, c.persons) for c in shared if c.insee_code}
        assert portfolio_places(db, by=adviser).settled == reported, "the map tells no more"


def test_the_report_says_the_month_that_families_were_followed_to(
    desk: Desk, db: Database, adviser: Account, clock: StillClock
) -> None:
    files = []
    for number in range(5):
        file = opened(db, adviser, name=f"Personne {number}", email=f"p{number}@exemple.test")
        files.append(brought_to(db, file, Stage.SETTLED, adviser, persons=2))
    clock.pass_days(184)
    for file in files[:4]:
        record_follow_up(db, file.key, 6, is_still_there=True, by=adviser)
    desk = Desk(Browser(cast(FastAPI, desk.client.app)))  # its session ended
    assert "Moins de 5 familles installées" in desk.get("/bilan?annee=2026")
    record_follow_up(db, files[4].key, 6, is_still_there=True, by=adviser)
    assert re.search(r"Au bout de 6 mois, 100", desk.get("/bilan?annee=2026"))


def test_files_that_leave_hide_groups_with_few_families(
    desk: Desk, db: Database, adviser: Account
) -> None:
    for number, sector in enumerate(["it"] * 6 + ["arts"]):
        file = opened(
            db, adviser, name=f"Personne {number}", email=f"p{number}@exemple.test", sector=sector
        )
        brought_to(db, file, Stage.SETTLED, adviser, persons=2)
    alone = desk.get("/bilan.html?annee=2026")
    assert "moins de 5" in alone
    table = desk.client.get(f"{PAGES}/bilan.csv?annee=2026").content.decode("utf-8-sig")
    parts = table.split("Par secteur")[-1].split("Par ville")[0]
    assert "moins de 5" in parts
    assert parts.count("–") >= 3, "the six of the other sector would tell of the one"
    assert "fewer than 5" in desk.get("/bilan.html?annee=2026&lang=en")
    assert "moins de 5" not in desk.get("/bilan?annee=2026"), "the network's own eyes"


def test_what_is_not_there_is_said(desk: Desk) -> None:
    for path in ("", "/modifier", "/visite", "/famille", "/carte", "/effacer", "/listes/6"):
        page = desk.get(f"/dossiers/{'0' * 12}{path}", 404)
        assert "<h1>" in page
    assert desk.get("/bilan?annee=1890", 422)


def test_wishes_of_an_older_release_are_told_and_the_rest_is_used(
    desk: Desk, db: Database, file: Dossier, adviser: Account, territory: Territory
) -> None:
    frozen = freeze_shortlist(
        db, file.key, rank(territory, PRESETS["paris-web-family"].profile), by=adviser
    )
    old = PROFILE | {
        "limits": {"gone_min": {"at_most": 5}, "station_min": {"at_most": 90}},
        "criteria": {"station_min": {"importance": "extreme"}},
        "left": 1,
    }
    with db.writing() as session:
        row = file_named(session, file.key)
        row.members = [{"label": "Ada", "profile": old}]
        session.get_one(ShortlistRow, frozen.head.id).profile = old
    page = desk.get(f"/dossiers/{file.key}")
    assert "plus compris aujourd’hui" in page
    assert "gone_min, left, criteria" in page
    assert 'class="ranked"' in page
    kept = read_file(db, file.key, by=adviser)
    assert kept.draft is not None
    assert set(kept.draft.members[0].profile.limits) == {"station_min"}
    desk.get(f"/dossiers/{file.key}/listes/{frozen.head.id}")
    desk.get(f"/dossiers/{file.key}/projet")
    edit_file(db, file.key, kept.version, {"phone": ""}, by=adviser)
    with db.reading() as session:
        assert file_named(session, file.key).members[0]["profile"] == old, "nothing is lost"
