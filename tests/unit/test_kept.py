"""What is kept of a release goes with it, and only with it."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from geo_matcher.kept import forget_all_but, kept


class Release:
    """Stands for a release: it is known by who it is."""


ONE, OTHER = Release(), Release()


def test_an_answer_is_made_once_and_the_oldest_is_pushed_out() -> None:
    made: list[tuple[Release, str]] = []

    @kept(maxsize=2)
    def answer(release: Release, language: str = "fr") -> str:
        """Say it."""
        made.append((release, language))
        return language

    assert [answer(ONE), answer(ONE), answer(ONE, "en"), answer(ONE)] == ["fr", "fr", "en", "fr"]
    assert made == [(ONE, "fr"), (ONE, "en")]
    assert answer.cache_info() == (2, 2, 2, 2)
    answer(ONE, language="de")
    answer(ONE)  # asked for last but one, so it has stayed
    assert [language for _, language in made] == ["fr", "en", "de"]
    answer(ONE, "en")
    assert [language for _, language in made] == ["fr", "en", "de", "en"]
    assert answer.__name__ == "answer"
    assert answer.__doc__ == "Say it."


def test_what_was_made_from_another_release_is_forgotten_and_the_rest_stays() -> None:
    made: list[Release] = []

    @kept(maxsize=8)
    def answer(release: Release, *, loud: bool = False) -> object:
        made.append(release)
        return object() if loud else release

    first = answer(ONE, loud=True)
    answer(OTHER)
    forget_all_but([ONE])
    assert answer(ONE, loud=True) is first
    assert answer.cache_info().currsize == 1
    assert answer(OTHER) is OTHER
    assert made == [ONE, OTHER, OTHER]


def test_several_who_ask_at_once_get_one_answer() -> None:
    both = threading.Barrier(2)

    @kept(maxsize=2)
    def answer(release: Release) -> list[Release]:
        time.sleep(0.05)  # while the other asks
        return [release]

    def ask(_: int) -> object:
        both.wait()
        return answer(ONE)

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(ask, range(2))
    assert first is second


def test_nothing_is_kept_of_a_failure() -> None:
    tries: list[Release] = []

    @kept(maxsize=8)
    def answer(release: Release) -> int:
        tries.append(release)
        return 1 // (len(tries) - 1)

    for expected in (0, 1):
        try:
            assert answer(ONE) == expected
        except ZeroDivisionError:
            assert len(tries) == 1
