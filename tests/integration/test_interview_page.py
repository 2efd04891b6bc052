"""The interview as a page: the questions are the library's, and each answer is a link."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

import pytest
from fastapi.testclient import TestClient

from api.forms import to_query
from api.interviewing import PATH, read_answers
from geo_matcher.arguments import step_phrase
from geo_matcher.errors import ProfileError
from geo_matcher.interview import interview
from geo_matcher.presets import PRESETS
from geo_matcher.sentences import chance_phrase
from geo_matcher.territory import Territory
from tests.integration.reading import Elements, ok, simple

ARTIST = PRESETS["cultura-artist"].profile
QUERY = to_query(ARTIST)
LANGUAGES = pytest.mark.parametrize("language", ["fr", "en"])


def answers_in(href: str) -> list[str]:
    return [value for key, value in parse_qsl(urlsplit(href).query) if key == "answer"]


def choices(html: str) -> list[str]:
    """Return the addresses of the four answers, in the order of the page."""
    page = Elements(html)
    preferred = [link["href"] for link in page.all("a", class_="answer")]
    neither = re.search(r'<p class="neither">(.*?)</p>', html, re.DOTALL)
    return preferred + ([a["href"] for a in Elements(neither[1]).all("a")] if neither else [])


@LANGUAGES
def test_the_question_is_the_librarys(
    client: TestClient, territory: Territory, language: str
) -> None:
    html = ok(client.get(f"{PATH}?{to_query(ARTIST, language=language)}"))
    found = interview(territory, ARTIST)
    assert found.question
    text = simple(Elements(html).text)
    for step in (found.question.question.first, found.question.question.second):
        assert simple(step_phrase(step, language))[1:] in text
    for result in found.as_dict()["results"]:
        assert simple(result["name"]) in text
        assert simple(chance_phrase(result["odds"]["p_top_5"], language)) in text


def test_each_answer_leads_to_the_next_question_until_none_is_left(
    client: TestClient, territory: Territory
) -> None:
    html = ok(client.get(f"{PATH}?{QUERY}"))
    given: list[str] = []
    for place in (0, 1, 2, 3, 0, 0):
        links = choices(html)
        if not links:
            break
        assert len(links) == 4
        given = answers_in(links[place])
        html = ok(client.get(links[place]))
    answers = read_answers(given)
    assert 2 <= len(answers) <= 5
    assert [answer.choice for answer in answers] == (
        ["first", "second", "same", "skip", "first"][: len(answers)]
    )
    found = interview(territory, ARTIST, answers=answers)
    assert found.question is None
    assert Elements(html).all("ol", class_="said-so-far")
    back = Elements(html).all("a")[0]["href"]
    assert back == f"/?{QUERY}"


def test_an_answer_can_be_taken_back(client: TestClient) -> None:
    first = choices(ok(client.get(f"{PATH}?{QUERY}")))[0]
    html = ok(client.get(first))
    said = re.search(r'<ol class="said-so-far">(.*?)</ol>', html, re.DOTALL)
    assert said
    (undo,) = Elements(said[1]).all("a")
    assert answers_in(undo["href"]) == []
    assert choices(ok(client.get(undo["href"])))[0] == first


def test_it_follows_the_other_language_with_its_answers(client: TestClient) -> None:
    first = choices(ok(client.get(f"{PATH}?{QUERY}")))[0]
    html = ok(client.get(first))
    other = Elements(html).all("a", hreflang="en")[0]["href"]
    english = ok(client.get(other))
    assert answers_in(other) == answers_in(first)
    assert "Your answers" in english


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "station_min",
        "station_min:1,auch_min:1:2,1",
        "station_min:10:20,auch_min:10:20,3",
        "station_min:10:20,auch_min:10:20",
        "nothing_min:10:20,auch_min:10:20,1",
        "station_min:a:20,auch_min:10:20,1",
        "station_min:20:10,auch_min:10:20,1",
        "station_min:10:20,station_min:10:20,1",
        '"><script>alert(1)</script>,a:1:2,1',
    ],
)
def test_an_answer_that_cannot_be_read_says_so(client: TestClient, answer: str) -> None:
    response = client.get(PATH, params={"answer": answer, "lang": "en"})
    assert response.status_code == 422
    assert "These answers cannot be read" in response.text
    assert "<script>alert" not in response.text


def test_too_many_answers_are_refused(client: TestClient) -> None:
    one = ("answer", "station_min:10:20,auch_min:10:20,-")
    assert client.get(PATH, params=[one] * 7).status_code == 422
    with pytest.raises(ProfileError, match="at most 6"):
        read_answers([one[1]] * 7)


def test_a_search_that_cannot_be_read_says_so(client: TestClient) -> None:
    response = client.get(f"{PATH}?budget=lots")
    assert response.status_code == 422
    assert "« lots »" in simple(response.text)


def test_the_list_leads_to_it_with_its_search(client: TestClient) -> None:
    for query in ("", QUERY):
        html = ok(client.get(f"/?{query}"))
        (link,) = [a for a in Elements(html).all("a") if a["href"].startswith(PATH)]
        assert link["href"] == (f"{PATH}?{query}" if query else PATH)


def test_contradictions_are_told(client: TestClient) -> None:
    html = ok(client.get(f"{PATH}?{QUERY}"))
    first, second = choices(html)[:2]
    both = [("answer", answers_in(link)[0]) for link in (first, second)]
    html = ok(client.get(f"{PATH}?{QUERY}", params=[*parse_qsl(QUERY), *both]))
    assert "ne vont pas toutes ensemble" in Elements(html).text
    assert not choices(html)
