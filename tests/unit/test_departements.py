"""Codes of départements as people write them, and towns that are not around."""

from __future__ import annotations

import pytest

from geo_matcher.departements import check_towns, departement_code
from geo_matcher.errors import DataError
from geo_matcher.territory_file import parse_territory_file
from tests.integration.upstream.lomagnol import lomagnol


@pytest.mark.parametrize(("said", "code"), [("46", "46"), ("2a", "2A"), (" 09 ", "09")])
def test_a_code_is_read_as_it_is_meant(said: str, code: str) -> None:
    assert departement_code(said) == code


@pytest.mark.parametrize(
    ("said", "hint"),
    [("9", "did you mean 09?"), ("20", "2A or 2B?"), ("lot", "mean 46?"), ("974", "or 2A.")],
)
def test_a_near_code_is_named(said: str, hint: str) -> None:
    with pytest.raises(DataError) as refusal:
        departement_code(said)
    assert str(refusal.value).endswith(hint)


def test_a_town_that_is_nowhere_around_is_refused() -> None:
    area = lomagnol()
    codes = {"good": area.codes[0], "puyrouge": "82009", "gone": next(iter(area.merged))}
    towns = [{"key": key, "insee_code": code, "name": key} for key, code in codes.items()]
    names = dict.fromkeys(("the_fr", "in_fr", "of_fr", "the_en"), "x")
    about = parse_territory_file({"departement": "09", "names": names, "town": towns})
    with pytest.raises(DataError) as refusal:
        check_towns(about, area, "lot.toml")
    first, second = refusal.value.problems
    assert first == "lot.toml, town 'puyrouge': 82009 is no commune within 80 km"
    assert second.endswith(f"it is part of {area.merged[codes['gone']]} now")
