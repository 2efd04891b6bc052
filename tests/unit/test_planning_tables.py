from __future__ import annotations

from dataclasses import replace

import pytest

from api.planning_tables import gaps_table, siting_note, siting_table
from geo_matcher.gaps import gaps
from geo_matcher.siting import site_coworking
from geo_matcher.territory import Territory


@pytest.mark.parametrize(
    ("language", "met", "beyond"),
    [("fr", "sont tous à 120 min au plus", "aucun lieu possible"),
     ("en", "are within 120 min", "no possible place")],
)  # fmt: skip
def test_a_space_that_would_reach_nobody_is_told_in_a_sentence(
    territory: Territory, language: str, met: str, beyond: str
) -> None:
    all_met = site_coworking(territory, count=2, within_min=120, kind="population")
    assert siting_table(all_met, language) is None
    assert met in siting_note(all_met, language).replace("\u00a0", " ")
    assert beyond in siting_note(replace(all_met, unmet=12.0), language)


def test_what_has_no_30_mbit_is_not_called_satellite(territory: Territory) -> None:
    table = gaps_table(gaps(territory), "fr")
    head = [head.text for head in table.heads]
    assert "Sans 30 Mbit/s par la terre" in [text.replace("\u00a0", " ") for text in head]
    assert not any("atellite" in text for text in head)
