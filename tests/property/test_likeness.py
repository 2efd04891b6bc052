"""Files that are alike are found without comparing every two of them, and none is lost by that."""

from __future__ import annotations

import random
from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from geo_matcher.dossiers.fields import name_key
from geo_matcher.dossiers.likeness import (
    MAX_GROUP,
    TOWN_CHARS,
    Traits,
    likenesses,
    pairs_alike,
)

NAMES = (
    "Léa Durand-Noulens", "Noulens Lea Durant", "Marc Dupont", "Marc Dupond",
    "Christophe Vandenberghe", "Cristophe Vandenbergh", "Anne Le Goff", "Goff Anne", "Zoé Xu", "",
)  # fmt: skip
TOWNS = ("Montpellier", "Montpelier", "Lyon", "Auch", "")
MAILS = ("", "a@exemple.test", "b@exemple.test")
PHONES = ("", "600000001", "600000002")


def traits(number: int, name: str, town: str, mail: str = "", phone: str = "") -> Traits:
    return Traits(str(number), mail, phone, name_key(name), name_key(town))


files = st.lists(st.tuples(*map(st.sampled_from, (NAMES, TOWNS, MAILS, PHONES))), max_size=12).map(
    lambda rows: [traits(number, *row) for number, row in enumerate(rows)]
)


@given(files)
@settings(max_examples=200, deadline=None)
def test_every_pair_is_found_as_if_every_two_were_compared(found: list[Traits]) -> None:
    expected = [
        (a, b, alike.reasons)
        for (a, one), (b, other) in combinations(enumerate(found), 2)
        for alike in likenesses(one, [other])
    ]
    assert pairs_alike(found) == expected


def test_a_slip_anywhere_in_a_name_of_two_words_is_found() -> None:
    seed = random.Random(3)
    words = [
        "".join(seed.choices("abcdefghijklmnoprstuv", k=seed.randint(5, 9))) for _ in range(60)
    ]
    for _ in range(200):
        name = " ".join(seed.sample(words, 2))
        at = seed.randrange(len(name))
        slip = name[:at] + seed.choice(["", name[at] * 2, "x"]) + name[at + 1 :]
        one, other = traits(0, name, "Paris"), traits(1, slip, "Paris")
        if list(likenesses(one, [other])):
            assert pairs_alike([one, other]), (name, slip)


def test_many_files_of_one_trait_take_no_square_of_them() -> None:
    crowd = [traits(n, "Marc Dupont", "Paris", "same@exemple.test") for n in range(3_000)]
    found = pairs_alike(crowd)
    assert [pair[:2] for pair in found] == [(0, n) for n in range(1, 3_000)]
    assert {reasons for *_, reasons in found} == {("email", "name")}
    few = pairs_alike(crowd[:MAX_GROUP])
    assert len(few) == MAX_GROUP * (MAX_GROUP - 1) // 2


def test_towns_that_begin_otherwise_are_not_compared() -> None:
    assert TOWN_CHARS == 2
    one, other = (traits(n, "Marc Dupont", town) for n, town in enumerate(("Bordeaux", "Vordeaux")))
    assert list(likenesses(one, [other]))
    assert pairs_alike([one, other]) == []
