"""What a mover takes away: paper, files, a message, and a link that remembers."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import logging
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

import pytest
from fastapi.testclient import TestClient

from api.accompany import (
    CALLBACKS,
    LIMITS,
    AccompanyView,
    Choice,
    MessageView,
    Typed,
    read_typed,
)
from api.app import create_app
from api.forms import Asked, parse_query, to_query
from api.settings import Settings
from api.shortlist import DownloadLink, ShortlistView, Village, open_questions, shortlist_view
from api.since import SinceItem, SinceView, since_view
from api.wishes import Wish, wishes
from geo_matcher.exports import to_csv
from geo_matcher.geopackage import to_geopackage
from geo_matcher.matching import rank
from geo_matcher.presets import PRESETS
from geo_matcher.profile import Profile, parse_profile
from geo_matcher.robustness import odds
from geo_matcher.snapshot import decode, encode, snapshot
from geo_matcher.territory import Territory
from tests.integration.reading import Elements, names_of, ok, sent_by, simple, state_of
from tests.newer_release import FIBRE_FELL, PRICE_FELL

TEMPLATES = Path(__file__).parents[2] / "api" / "templates"
LANGUAGES = pytest.mark.parametrize("language", ["fr", "en"])
FAMILY = PRESETS["paris-web-family"].profile
QUERY = to_query(FAMILY)
SARRANT, MAUVEZIN, LOMBEZ, AUCH = "32416", "32249", "32213", "32013"
TWO = f"village={SARRANT}&village={MAUVEZIN}"
HOSTILE = '"><img src=x onerror=alert(1)><script>alert(2)</script>'
GOOD = {
    "name": "Dominique Essai",
    "email": "dominique@example.org",
    "phone": "+33 6 00 00 00 00",
    "message": "Nous viendrions en mai.\r\nMerci",
    "callback": "day",
    "village": [SARRANT, MAUVEZIN],
    "consent": "yes",
}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def plain(html: str) -> str:
    return simple(Elements(html).text).replace("\u202f", " ")


# --- On paper ------------------------------------------------------------------------------------


@LANGUAGES
def test_a_shortlist_says_what_the_ranking_and_the_cards_say(
    client: TestClient, territory: Territory, language: str
) -> None:
    html = ok(client.get(f"/shortlist?{TWO}&{QUERY}&lang={language}"))
    ranking = rank(territory, FAMILY, "partners")
    asked = Asked(FAMILY, "partners", language)
    rows = [ranking.position(MAUVEZIN), ranking.position(SARRANT)]
    view = shortlist_view(odds(ranking), rows, asked, is_chosen=True, origin="http://testserver")
    text = plain(html)
    assert [v.card.code for v in view.villages] == [MAUVEZIN, SARRANT], "best first"
    for village in view.villages:
        card = village.card
        assert card.chances
        said = [card.name, card.score, card.summary, card.line[0], card.chances.first_five]
        said += [card.chances.ranks, card.missing, card.contact.phone, card.contact.website_shown]
        said += [text for _, text in card.flags]
        said += [word for bar in (*card.helps, *card.drags) for word in (bar.label, bar.figure)]
        for sentence in (*said, *village.checks):
            assert simple(sentence).replace("\u202f", " ") in text
    for wish in view.wishes:
        assert simple(wish.text).replace("\u202f", " ") in text
    assert territory.release_id in text
    assert ("juin 2026" if language == "fr" else "June 2026") in text
    assert Elements(html).all("meta", name="robots", content="noindex")
    assert view.address in text


def test_without_ticks_the_first_five_are_printed(client: TestClient) -> None:
    best = names_of(ok(client.get(f"/?{QUERY}")))[:5]
    html = ok(client.get(f"/shortlist?{QUERY}"))
    assert re.findall(r'<h2 id="b-\d+">([^<]*)</h2>', html) == best
    assert "Rien n’était coché" in html
    picked = ok(client.get(f"/shortlist?{QUERY}&pick={LOMBEZ},99999"))
    assert re.findall(r'<h2 id="b-(\d+)">', picked) == [LOMBEZ]
    assert "1 village<" in picked.replace("</h1>", "<")


def test_a_village_outside_the_search_says_why(client: TestClient) -> None:
    far = f"/shortlist?village={AUCH}&village={MAUVEZIN}&max_toulouse_min=70&scope=all"
    html = ok(client.get(far))
    assert re.findall(r'<h2 id="b-(\d+)">', html) == [MAUVEZIN, AUCH]
    assert "hors de vos limites : Toulouse" in plain(html)
    assert "hors de votre recherche" in plain(ok(client.get(f"/shortlist?village={AUCH}")))


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("village=Nulle-Part", 404, "Nulle-Part"),
        ("&".join(f"village=3200{n}" for n in range(1, 10)), 422, "Communes choisies : 9"),
        ("max_station_min=0", 422, "Aucun village ne reste"),
        ("budget=abc", 422, "n'est pas un nombre"),
        ("pick=32249,Auch", 422, "n'est pas un code de commune"),
        ("pick=" + ",".join(f"3200{n}" for n in range(1, 10)), 422, "trop de réponses (8 au plus)"),
    ],
)
@pytest.mark.parametrize("path", ["/shortlist", "/accompany", "/downloads/villages.csv"])
def test_what_cannot_be_shown_is_told_in_words(
    client: TestClient, path: str, query: str, status: int, said: str
) -> None:
    response = client.get(f"{path}?{query}")
    if query.startswith("max_") and path != "/shortlist":
        assert response.status_code == 200
        return
    assert response.status_code == status
    assert said in plain(response.text)


def test_questions_are_those_that_the_figures_leave_open(territory: Territory) -> None:
    ranking = rank(territory, FAMILY, "all")
    results = {result["insee_code"]: result for result in ranking.results()}
    for code, result in results.items():
        said = " ".join(open_questions(ranking, ranking.position(code), "en"))
        assert said.startswith("The line of the home")
        assert "Does a doctor" in said
        status = {line["status"] for line in result["contributions"]}
        flags = {flag["code"] for flag in result["red_flags"]}
        unverified = set(result["unverified_limits"])
        bounded = {
            line["criterion"] for line in result["contributions"] if line["status"] == "upper_bound"
        } - unverified
        assert ("Is there one nearer" in said) == bool(bounded)
        assert ("could not verify" in said) == bool(unverified)
        assert ("a partner of the network" in said) == (result["evidence"] == "reconstructed")
        assert ("flood zone" in said) == ("flood" in flags)
        assert ("industrial risk" in said) == ("industrial_risk" in flags)
        assert ("few sales" in said) == ("few_sales" in flags)
        assert ("Copper closes" in said) == ("copper_without_fibre" in flags)
        assert "missing" in status or "want of a figure" not in said


def test_questions_follow_what_counts(territory: Territory) -> None:
    healthy = parse_profile({"importance": {"health": "not_at_all"}})
    ranking = rank(territory, healthy, "all")
    near = [
        row
        for row in ranking.order.tolist()
        if not any(f["code"] == "doctor_far" for f in ranking.result(row)["red_flags"])
    ]
    assert not any("doctor" in said for said in open_questions(ranking, near[0], "en"))


# --- Ticks live in the address -------------------------------------------------------------------


def test_ticks_survive_the_way_to_another_page_and_back(client: TestClient) -> None:
    for path, codes in (("/compare", [MAUVEZIN, LOMBEZ]), ("/shortlist", [LOMBEZ, SARRANT])):
        own = "&".join(f"village={code}" for code in codes)
        page = Elements(ok(client.get(f"{path}?{own}&{QUERY}")))
        (back,) = {a["href"] for a in page.all("a") if a["href"].startswith("/?")}
        listed = ok(client.get(back))
        ticked = [
            a["value"] for a in Elements(listed).all("input", name="village") if "checked" in a
        ]
        kept = [a["value"] for a in Elements(listed).all("input", name="village", type="hidden")]
        assert sorted(ticked + kept) == sorted(codes)
        assert parse_query(urlsplit(back).query).profile == FAMILY


def test_ticks_are_in_every_address_of_the_list(client: TestClient, territory: Territory) -> None:
    html = ok(client.get(f"/?{QUERY}&pick={LOMBEZ},{SARRANT}"))
    page = Elements(html)
    assert parse_query(sent_by(html)).picks == (LOMBEZ, SARRANT)
    (more,) = page.all("a", id="more")
    (other,) = page.all("a", id="other-language")
    why = page.all("a", class_="why-link")[0]
    for link in (more, other, why):
        assert f"pick={LOMBEZ},{SARRANT}" in link["href"]
    compared = sent_by(html, "compare")
    assert sorted(parse_qs(compared)["village"]) == sorted([LOMBEZ, SARRANT])
    assert "pick" not in parse_qs(compared)
    assert page.all("button", formaction="/shortlist")
    assert client.get(f"/shortlist?{compared}").status_code == 200
    assert page.all("meta", name="robots", content="noindex")
    codes = territory.codes[:6]
    too_many = client.get(f"/compare?{'&'.join(f'village={code}' for code in codes)}")
    assert too_many.status_code == 422
    assert f"pick={','.join(codes)}" in too_many.text


# --- As files ------------------------------------------------------------------------------------


def test_downloads_hold_the_whole_list_with_its_odds(
    client: TestClient, territory: Territory
) -> None:
    ranking = rank(territory, FAMILY, "all")
    found = odds(ranking)
    page = Elements(ok(client.get(f"/?{QUERY}&scope=all&top=5&lang=en")))
    links = [a["href"] for a in page.all("a", rel="nofollow")]
    assert [urlsplit(link).path for link in links] == [
        f"/downloads/villages.{end}" for end in ("csv", "geojson", "gpkg")
    ]
    answers = [client.get(link) for link in links]
    for answer, end in zip(answers, ("csv", "geojson", "gpkg"), strict=True):
        assert answer.status_code == 200
        name = f"villages-all-{territory.release_id}.{end}"
        assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'
        assert answer.headers["X-Robots-Tag"] == "noindex"
    assert answers[0].content.decode("utf-8-sig") == to_csv(ranking, odds=found)
    assert answers[0].content.startswith(b"\xef\xbb\xbf")
    features = json.loads(answers[1].content)
    assert len(features["features"]) == len(ranking)
    assert features["features"][0]["properties"]["odds"]
    assert answers[2].content == to_geopackage(ranking, language="en", odds=found)
    assert "Disallow: /downloads/" in client.get("/robots.txt").text


def test_formulas_stay_text_in_the_table(territory: Territory) -> None:
    communes = territory.communes.copy()
    communes.loc[MAUVEZIN, "name"] = '=HYPERLINK("x")'
    hostile = dataclasses.replace(territory, communes=communes)
    with TestClient(create_app(Settings(release=territory.folder), hostile)) as client:
        text = client.get("/downloads/villages.csv").content.decode("utf-8-sig")
    (row,) = [r for r in csv.DictReader(io.StringIO(text)) if r["insee_code"] == MAUVEZIN]
    assert row["name"] == '\'=HYPERLINK("x")'


@pytest.mark.parametrize(
    ("form", "kind"),
    [("csv", "text/csv; charset=utf-8"), ("gpkg", "application/geopackage+sqlite3")],
)
@pytest.mark.parametrize("with_odds", [True, False])
def test_the_api_gives_the_same_files(
    client: TestClient, territory: Territory, form: str, kind: str, with_odds: bool
) -> None:
    ranking = rank(territory, FAMILY, "partners")
    found = odds(ranking) if with_odds else None
    wanted = {"profile": FAMILY.as_dict(), "scope": "partners", "top": 7}
    answer = client.post(f"/api/v1/matches?f={form}&odds={str(with_odds).lower()}", json=wanted)
    assert answer.headers["content-type"] == kind
    if form == "csv":
        assert answer.text == to_csv(ranking, 7, odds=found)
    else:
        assert answer.content == to_geopackage(ranking, 7, odds=found)


# --- With an adviser -----------------------------------------------------------------------------


def send(client: TestClient, given: Mapping[str, object], query: str = f"{TWO}&{QUERY}") -> str:
    response = client.post(
        f"/accompany?{query}", content=urlencode(given, doseq=True), headers=FORM
    )
    assert response.headers["Cache-Control"] == "no-store"
    return str(response.text)


@LANGUAGES
def test_the_form_asks_for_consent_that_nobody_ticked(client: TestClient, language: str) -> None:
    html = ok(client.get(f"/accompany?{TWO}&{QUERY}&lang={language}"))
    page = Elements(html)
    (consent,) = page.all("input", name="consent")
    assert "checked" not in consent
    assert [a["value"] for a in page.all("input", name="village")] == [SARRANT, MAUVEZIN]
    assert ("douze mois" if language == "fr" else "twelve months") in page.text
    (form,) = page.all("form")
    assert form["method"] == "post"
    assert (
        parse_query(re.sub(r"village=\d+&", "", urlsplit(form["action"]).query)).profile == FAMILY
    )
    labelled = {a["for"] for a in page.all("label") if "for" in a}
    assert {"f-name", "f-email", "f-phone", "f-message", "f-consent"} <= labelled
    first = Elements(ok(client.get(f"/accompany?{QUERY}")))
    assert len(first.all("input", name="village")) == 5
    picked = Elements(ok(client.get(f"/accompany?{QUERY}&pick={LOMBEZ}")))
    assert [a["value"] for a in picked.all("input", name="village")] == [LOMBEZ]


@LANGUAGES
def test_the_message_holds_the_search_the_villages_and_the_consent(
    client: TestClient, territory: Territory, language: str
) -> None:
    html = send(client, GOOD, f"{TWO}&{QUERY}&lang={language}")
    page = Elements(html)
    text = plain(html)
    for wish in wishes(territory, Asked(FAMILY, "partners", language)):
        assert simple(wish.text).replace("\u202f", " ") in text
    ranking = rank(territory, FAMILY, "partners")
    for code in (SARRANT, MAUVEZIN):
        result = ranking.result(ranking.position(code))
        rank_said = {"fr": f"rang {result['rank']} sur 47", "en": f"rank {result['rank']} of 47"}
        assert f"{result['name']} ({code})" in text
        assert rank_said[language] in text
    assert territory.release_id in text
    assert "Nous viendrions en mai.\nMerci" in html
    assert ("Mon accord, le " if language == "fr" else "My consent, on ") in text
    (link,) = [a["href"] for a in page.all("a") if a["href"].startswith("mailto:")]
    target, _, query = link.partition("?")
    assert target == "mailto:"
    assert list(parse_qs(query)) == ["subject", "body"]
    subject, body = (unquote(part.partition("=")[2]) for part in query.split("&"))
    assert "Mauvezin, Sarrant" in subject
    assert "\n" not in subject
    assert "Dominique Essai" in body
    address = re.search(r"http://testserver(/\?\S+)", body)
    assert address
    back = parse_query(urlsplit(address[1]).query)
    assert (back.profile, set(back.picks)) == (FAMILY, {SARRANT, MAUVEZIN})
    assert "soho-solo-gers.com" in text
    assert page.all("button", name="as", value="text")


def test_the_message_can_be_kept_as_a_text(client: TestClient) -> None:
    page = Elements(send(client, GOOD))
    fields = [(a["name"], a["value"]) for a in page.all("input", type="hidden")]
    again = client.post(
        f"/accompany?{TWO}&{QUERY}",
        content=urlencode([*fields, ("as", "text")]),
        headers=FORM,
    )
    assert again.headers["content-type"] == "text/plain; charset=utf-8"
    assert again.headers["Cache-Control"] == "no-store"
    name = "message-conseillers.txt"
    assert again.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    assert again.text.startswith("Objet\u00a0: Demande d’accompagnement")
    assert "Dominique Essai" in again.text


def test_the_recipient_is_a_setting(territory: Territory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEO_MATCHER_CONTACT_EMAIL", "conseil@example.org")
    with TestClient(create_app(Settings(release=territory.folder), territory)) as client:
        html = send(client, GOOD)
    assert "mailto:conseil@example.org?subject=" in html
    assert "Nous ne connaissons pas encore" not in html
    monkeypatch.setenv("GEO_MATCHER_CONTACT_EMAIL", "a@b.fr?bcc=c@d.fr")
    with pytest.raises(ValueError, match="contact_email"):
        Settings()


def test_no_site_is_named_when_the_sources_name_none(territory: Territory) -> None:
    tables = tuple(t for t in territory.catalog.tables if t.name != "partners_evidence")
    catalog = dataclasses.replace(territory.catalog, tables=tables)
    bare = dataclasses.replace(territory, catalog=catalog)
    with TestClient(create_app(Settings(release=territory.folder), bare)) as client:
        html = send(client, GOOD)
    assert "Nous ne connaissons pas encore" in html
    assert 'rel="noopener noreferrer">Aller sur' not in html


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"email": ""}, "email"),
        ({"email": "camille"}, "email"),
        ({"email": "a@b.fr, c@d.fr"}, "email"),
        ({"email": f"{'x' * 250}@b.fr"}, "email"),
        ({"phone": ""}, "phone"),
        ({"phone": "moi"}, "phone"),
        ({"phone": "0" * 31}, "phone"),
        ({"message": "x" * 2001}, "message"),
        ({"consent": ""}, "consent"),
        ({"consent": "no"}, "consent"),
        ({"village": ["99999"]}, "villages"),
        ({"village": [f"3200{n}" for n in range(1, 10)]}, "villages"),
    ],
)
def test_a_fault_stands_beside_its_field_and_what_was_typed_stays(
    client: TestClient, change: dict[str, object], key: str
) -> None:
    given = GOOD | change
    response = client.post(
        f"/accompany?{TWO}&{QUERY}", content=urlencode(given, doseq=True), headers=FORM
    )
    assert response.status_code == 422
    assert response.headers["Cache-Control"] == "no-store"
    page = Elements(response.text)
    (fault,) = page.all("p", class_="field-fault")
    assert fault["id"] == f"fault-{key}"
    assert page.all("a", href=f"#f-{key}")
    assert {"f-" + key} & {a.get("id", "") for _, a in page.found}
    if key != "villages":
        (field,) = [a for _, a in page.found if a.get("id") == f"f-{key}"]
        assert field["aria-invalid"] == "true"
        assert f"fault-{key}" in field["aria-describedby"]
    (name,) = page.all("input", name="name")
    assert name["value"] == " ".join(str(given["name"]).split())
    assert "Nous viendrions en mai." in response.text or key == "message"
    assert ("checked" in page.all("input", name="consent")[0]) == (key != "consent")


def test_what_is_no_form_is_an_empty_one(client: TestClient) -> None:
    assert read_typed(b"&".join(b"a=1" for _ in range(100))) == Typed()
    assert read_typed(b"\xff\x00{}").consents is False
    for content, kind in (
        (b'{"name": "x"}', "application/json"),
        (
            b"--x\r\nContent-Disposition: form-data; name=name\r\n\r\nx\r\n--x--",
            "multipart/form-data",
        ),
        (b"", "text/plain"),
    ):
        response = client.post("/accompany", content=content, headers={"Content-Type": kind})
        assert response.status_code == 422
        assert Elements(response.text).all("p", id="fault-name")
    assert client.post("/accompany?budget=abc", content=b"").status_code == 422
    assert client.post("/accompany", content=b"x" * 200_000).status_code == 413


def test_typed_lines_add_no_header_and_no_recipient(client: TestClient) -> None:
    broken = "Camille\r\nBcc: all@example.org\u2028X\x00\u202eY"
    html = send(client, GOOD | {"name": broken, "callback": "owl"})
    page = Elements(html)
    (link,) = [a["href"] for a in page.all("a") if a["href"].startswith("mailto:")]
    assert link.startswith("mailto:?subject=")
    assert link.count("?") == 1
    assert link.count("&") == 1
    body = unquote(link.partition("body=")[2])
    assert "Nom\u00a0: Camille Bcc: all@example.org X Y\r\n" in body
    assert re.sub("[\r\n\u00a0\u202f]", "", body).isprintable()
    for field in ("email", "phone"):
        assert "field-fault" in send(client, GOOD | {field: "a@b.fr\r\nBcc: c@d.fr"})
    letter = "a&bcc=c@d.fr?x#y%0d%0aBcc: z"
    again = Elements(send(client, GOOD | {"message": letter}))
    (link,) = [a["href"] for a in again.all("a") if a["href"].startswith("mailto:")]
    assert link.count("&") == 1
    assert letter in unquote(link)


@pytest.mark.parametrize("key", ["name", "email", "phone", "message", "callback", "village"])
def test_hostile_text_is_shown_as_text(client: TestClient, key: str) -> None:
    for given in (GOOD | {key: HOSTILE}, {key: HOSTILE}):
        page = Elements(send(client, given))
        assert not page.all("img")
        assert not [a for a in page.all("script") if "src" not in a]


def test_nothing_typed_is_logged_or_put_into_an_address(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    secrets = ("Dominique", "dominique@", "6 00 00", "en mai")
    with caplog.at_level(logging.DEBUG):
        for given in (GOOD, GOOD | {"consent": ""}, GOOD | {"email": "dominique@"}):
            html = send(client, given)
            page = Elements(html)
            for _, attributes in page.found:
                for name in ("href", "action", "formaction", "src"):
                    address = unquote(attributes.get(name, ""))
                    if not address.startswith("mailto:"):
                        assert not any(secret in address for secret in secrets)
            faults = re.findall(r'class="field-fault"[^>]*>([^<]*)<', html)
            assert not any(secret in fault for secret in secrets for fault in faults)
    ours = [r.getMessage() for r in caplog.records if not r.name.startswith(("http", "asyncio"))]
    assert not any(secret in line for secret in secrets for line in ours)
    response = client.post("/accompany", content=urlencode(GOOD, doseq=True), headers=FORM)
    assert "set-cookie" not in response.headers


def test_a_strange_host_is_not_printed(client: TestClient) -> None:
    for host in ("[", "a b", 'x"><b>'):
        html = client.get(f"/shortlist?{QUERY}", headers={"Host": host}).text
        assert f">/?{QUERY.split('&')[0]}" in html
        assert '<b>">' not in html
    assert "http://[::1]:8000/?" in client.get("/shortlist", headers={"Host": "[::1]:8000"}).text


# --- A link that remembers -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def later(newer: Territory) -> Iterator[TestClient]:
    with TestClient(create_app(Settings(release=newer.folder), newer)) as client:
        yield client


def shared_link(client: TestClient, query: str) -> str:
    """Return the link that the page gives to be shared."""
    html = ok(client.get(f"/?{query}"))
    (link,) = [
        a["href"]
        for a in Elements(html).all("a")
        if a["href"].startswith("/?") and "seen=" in a["href"]
    ]
    assert link == f"/?{state_of(html)['share']}"
    return link


def test_the_link_of_this_release_is_the_list_itself(client: TestClient) -> None:
    link = shared_link(client, f"{QUERY}&pick={LOMBEZ}")
    response = client.get(link, follow_redirects=False)
    assert response.status_code == 303
    assert response.headers["location"] == f"/?{QUERY}&pick={LOMBEZ}"
    assert "Depuis ce lien" not in client.get(link).text
    part = client.get(f"/fragments/matches{link[1:]}").text
    assert "Depuis ce lien" not in part
    assert "seen=" not in state_of(part)["query"]


@pytest.mark.parametrize("profile", [FAMILY, Profile()], ids=["family", "anybody"])
@LANGUAGES
def test_on_a_newer_release_the_link_says_what_moved_and_why(
    client: TestClient,
    later: TestClient,
    territory: Territory,
    newer: Territory,
    profile: Profile,
    language: str,
) -> None:
    query = "&".join(filter(None, (to_query(profile), f"lang={language}")))
    link = shared_link(client, query)
    assert len(parse_query(urlsplit(link).query).seen) <= 400
    html = ok(later.get(link))
    before, after = (rank(release, profile, "partners") for release in (territory, newer))
    box = html.partition('<section class="since"')[2].partition("</section>")[0]
    text = plain(box)
    assert territory.release_id in text
    assert newer.release_id in text
    codes = [before.matrix.codes[row] for row in before.order[:5]]
    now = [after.matrix.codes[row] for row in after.order[:5]]
    entered = [code for code in now if code not in codes]
    items = re.findall(r"<li>(.*?)</li>", box, re.DOTALL)
    moved = []
    for code in codes:
        row = before.position(code)
        old, new = before.result(row)["rank"], after.result(row)["rank"]
        change = after.points[row] - before.points[row]
        if old == new and abs(change).max() < 0.05:
            continue
        name = before.territory.facts[row]["name"]
        (item,) = [simple(one) for one in items if one.strip().startswith(name)]
        moved.append(code)
        word = {"fr": "rang", "en": "rank"}[language]
        if old != new:
            assert f"{word} {old}" in item
            assert new is None or f"{word} {new}" in item
        if abs(change).max() >= 0.05:
            points = f"{abs(change.sum()):.1f}"
            assert (points.replace(".", ",") if language == "fr" else points) in item
            assert ("−" if change.sum() < 0 else "+") in item
            assert {"fr": "fibre", "en": "fibre"}[language] in item
        else:
            said = {"fr": "Aucun de ses chiffres n'a changé", "en": "None of its figures changed"}
            assert said[language] in item
    assert len(items) == len(moved) + len(entered)
    assert FIBRE_FELL in moved
    for code in entered:
        assert newer.facts[newer.codes.index(code)]["name"] in text
    if profile is FAMILY:
        assert entered == [PRICE_FELL]
        limits = {"fr": "hors de vos limites (fibre)", "en": "beyond your limits (fibre)"}
        assert limits[language] in text


def test_the_memory_goes_with_the_first_change_and_stays_for_more(
    client: TestClient, later: TestClient
) -> None:
    link = shared_link(client, QUERY)
    html = ok(later.get(link))
    assert "seen" not in dict(parse_qs(sent_by(html)))
    (more,) = Elements(html).all("a", id="more")
    assert "seen=" in more["href"]
    assert "Depuis ce lien" in ok(later.get(more["href"]))
    assert "seen=" in state_of(html)["query"]
    assert Elements(html).all("meta", name="robots", content="noindex")
    (other,) = Elements(html).all("a", id="other-language")
    assert "Since this link" in ok(later.get(other["href"]))
    fresh = parse_query(urlsplit(f"/?{state_of(html)['share']}").query).seen
    assert decode(fresh).release != decode(parse_query(urlsplit(link).query).seen).release


def test_a_damaged_memory_is_said_and_refuses_nothing(client: TestClient) -> None:
    for seen in ("x", "a" * 700, HOSTILE, "b" + encode_of_family(client)[1:]):
        html = ok(client.get(f"/?{QUERY}&{urlencode({'seen': seen})}"))
        assert "Nous n’avons pas pu lire ce que ce lien montrait" in html
        assert len(names_of(html)) == 20
        assert not Elements(html).all("img")


def encode_of_family(client: TestClient) -> str:
    return parse_query(urlsplit(shared_link(client, QUERY)).query).seen


def test_what_did_not_move_and_another_method_are_said(territory: Territory) -> None:
    ranking = rank(territory, FAMILY, "partners")
    old = dataclasses.replace(snapshot(ranking), release="old")
    view = since_view(ranking, Asked(FAMILY, seen=encode(old)))
    assert view is not None
    assert view.items == ()
    assert "aux mêmes rangs" in view.lead
    assert "données de old" in view.lead
    other = dataclasses.replace(old, method="xxxxxx")
    view = since_view(ranking, Asked(FAMILY, seen=encode(other)))
    assert view is not None
    assert "La façon de compter a changé" in view.note
    strange = dataclasses.replace(
        old,
        villages=(
            dataclasses.replace(old.villages[0], insee_code="99999"),
            dataclasses.replace(old.villages[1], insee_code=AUCH),
            dataclasses.replace(old.villages[3], rank=3),
            dataclasses.replace(old.villages[2], rank=4),
        ),
    )
    slightly = strange.villages[2].levels
    moved = dataclasses.replace(strange.villages[2], levels=(slightly[0] - 1, *slightly[1:]))
    far = tuple(max(0, level - 900) for level in strange.villages[3].levels)
    last = dataclasses.replace(strange.villages[3], levels=far)
    strange = dataclasses.replace(strange, villages=(*strange.villages[:2], moved, last))
    view = since_view(ranking, Asked(FAMILY, seen=encode(strange)))
    assert view is not None
    text = " ".join(f"{item.text} {item.why}" for item in view.items)
    assert "La commune 99999 n’est plus dans nos données" in text
    assert "Auch, alors au rang 2, n’est plus parmi" in text
    assert "Ses chiffres ont à peine changé" in text
    assert "le reste +" in text
    assert since_view(ranking, Asked(FAMILY)) is None


# --- Templates -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "view",
    [
        AccompanyView, Choice, DownloadLink, MessageView, ShortlistView, SinceItem, SinceView,
        Village, Wish,
    ],
)  # fmt: skip
def test_templates_use_every_field_of_their_context_and_it_is_documented(view: type) -> None:
    written = "\n".join(path.read_text(encoding="utf-8") for path in TEMPLATES.glob("*.html"))
    fields = getattr(view, "_fields", None) or [f.name for f in dataclasses.fields(view)]
    for name in fields:
        assert re.search(rf"\.{name}\b", written), name
    assert view.__doc__


def test_limits_of_the_form_are_those_of_its_fields(client: TestClient) -> None:
    page = Elements(ok(client.get("/accompany")))
    for key, most in LIMITS.items():
        (field,) = [a for tag, a in page.found if a.get("name") == key and tag != "meta"]
        assert field["maxlength"] == str(most)
    assert [a["value"] for a in page.all("input", name="callback")] == list(CALLBACKS)
