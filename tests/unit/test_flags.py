from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from geo_matcher import flags as flags_module
from geo_matcher.decision import decision_matrix
from geo_matcher.flags import FLAG_CODES, Flag, red_flags
from geo_matcher.territory import Territory

Flags = Callable[..., dict[str, Flag]]

CODE = "32107"
NBSP = "\u00a0"


@pytest.fixture
def flags(territory: Territory) -> Flags:
    """Return a function that gives the flags of a commune whose figures are as asked.

    Unless told otherwise, nothing is to be flagged.
    """
    quiet: dict[str, Any] = {
        "ftth_coverage_share": 0.99, "ftth_coverage_share_cartefibre": 0.99,
        "land_30mbit_share": 1.0, "premises_without_ftth": 0, "home_sales": 100,
        "mci_premises": 1000, "copper_closure_date": "2029-01-31", "ddrm_flood": 0,
        "ddrm_industrial": 0, "doctor": 5.0,
    }  # fmt: skip

    def run(**asked: Any) -> dict[str, Flag]:
        indicators, minutes = territory.indicators.copy(), territory.minutes.copy()
        fixed = territory.tables["broadband_fixed"].copy()
        risks = territory.tables["risks"].copy()
        for name, figure in (quiet | asked).items():
            if name == "doctor":
                minutes.loc[CODE, "doctor"] = figure
            for frame in (fixed, risks):
                if name in frame:
                    frame.loc[frame["insee_code"] == CODE, name] = figure
            if name in indicators:
                indicators.loc[CODE, name] = figure
        tables = {**territory.tables, "broadband_fixed": fixed, "risks": risks}
        changed = replace(territory, indicators=indicators, minutes=minutes, tables=tables)
        return {flag.code: flag for flag in red_flags(changed)[CODE]}

    return run


def test_a_commune_with_nothing_to_tell_has_no_flag(flags: Flags) -> None:
    assert flags() == {}


@pytest.mark.parametrize(
    ("figures", "is_flagged"),
    [
        ({"premises_without_ftth": 50}, True),
        ({"premises_without_ftth": 49}, False),
        ({"premises_without_ftth": 50, "copper_closure_date": ""}, False),
        ({"premises_without_ftth": 0, "mci_premises": 0}, False),
    ],
)
def test_copper_that_closes_before_fibre_comes_is_flagged(
    flags: Flags, figures: dict[str, Any], is_flagged: bool
) -> None:
    assert set(flags(**figures)) == ({"copper_without_fibre"} if is_flagged else set())


def test_the_copper_flag_says_how_many_premises_and_which_day(flags: Flags) -> None:
    flag = flags(premises_without_ftth=120, mci_premises=1200)["copper_without_fibre"]
    assert flag.text_fr == (
        f"120 des 1\u202f200 locaux ne sont pas encore raccordables à la fibre{NBSP}; le cuivre y "
        "ferme le 31 janvier 2029."
    )
    assert flag.text_en == (
        "120 of 1,200 premises cannot have fibre yet; copper closes on 31 January 2029."
    )
    assert flag.source == "broadband_fixed"


def test_copper_that_has_closed_is_told_as_past(flags: Flags) -> None:
    closed = {"premises_without_ftth": 120, "copper_closure_date": "2025-01-31"}
    flag = flags(**closed)["copper_without_fibre"]
    assert "le cuivre y a fermé le 31 janvier 2025." in flag.text_fr
    assert "copper closed on 31 January 2025." in flag.text_en


@pytest.mark.parametrize(
    ("one", "other", "is_flagged"),
    [(0.9, 0.8, True), (0.8, 0.9, True), (0.9, 0.801, False), (0.9, np.nan, False)],
)
def test_two_counts_that_disagree_by_ten_points_are_flagged(
    flags: Flags, one: float, other: float, is_flagged: bool
) -> None:
    found = flags(ftth_coverage_share=one, ftth_coverage_share_cartefibre=other)
    assert set(found) == ({"fibre_counts_differ"} if is_flagged else set())


def test_the_flag_of_two_counts_gives_both(flags: Flags) -> None:
    flag = flags(ftth_coverage_share=0.702, ftth_coverage_share_cartefibre=0.99)[
        "fibre_counts_differ"
    ]
    assert flag.text_fr == (
        f"Deux décomptes publiés de la fibre diffèrent{NBSP}: 70,2{NBSP}% et 99{NBSP}% des locaux."
    )
    assert flag.text_en == "Two published fibre counts differ: 70.2% and 99% of premises."


def test_a_rate_above_one_hundred_is_flagged_and_not_clipped(
    flags: Flags, territory: Territory
) -> None:
    flag = flags(ftth_coverage_share_cartefibre=1.025, land_30mbit_share=1.01)["rate_above_100"]
    assert flag.text_fr == (
        f"Un taux publié dépasse 100{NBSP}% (102,5{NBSP}%){NBSP}: son dénominateur est à vérifier."
    )
    assert flag.text_en == (
        "A published rate is above 100% (102.5%): its denominator is to be checked."
    )
    assert "rate_above_100" not in flags(ftth_coverage_share_cartefibre=1.0)
    indicators = territory.indicators.copy()
    indicators.loc[CODE, "ftth_coverage_share"] = 1.025
    matrix = decision_matrix(replace(territory, indicators=indicators))
    row, k = matrix.codes.index(CODE), matrix.column("ftth_coverage_share")
    assert (matrix.raw[row, k], matrix.values[row, k]) == (1.025, 1.0)


@pytest.mark.parametrize(("minutes", "is_flagged"), [(14.9, False), (15.0, True), (np.nan, False)])
def test_a_doctor_a_quarter_of_an_hour_away_is_flagged(
    flags: Flags, minutes: float, is_flagged: bool
) -> None:
    assert set(flags(doctor=minutes)) == ({"doctor_far"} if is_flagged else set())


def test_the_doctor_flag_names_the_list_that_counts_doctors(
    territory: Territory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flags_module, "first_years", lambda _: {"supply": "2025"})
    counted = pd.DataFrame({"kind": ["doctor"], "insee_code": ["32013"], "amount": [3.0]})
    minutes = territory.minutes.assign(doctor=20.0)
    tables = {**territory.tables, "supply": counted}
    found = red_flags(replace(territory, minutes=minutes, tables=tables))[CODE]
    (flag,) = [flag for flag in found if flag.code == "doctor_far"]
    assert flag.source == "supply"
    assert flag.text_en == "The nearest known doctor is 20 min away (list of 2025, by commune)."
    assert flag.text_fr.endswith("(liste de 2025, par commune).")


@pytest.mark.parametrize("table", ["supply", "health_registered"])
def test_the_doctor_flag_of_a_list_without_a_year_names_none(
    territory: Territory, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    monkeypatch.setattr(flags_module, "first_years", lambda _: {})
    monkeypatch.setattr(flags_module, "doctor_table", lambda _: table)
    far = replace(territory, minutes=territory.minutes.assign(doctor=20.0))
    (flag,) = [flag for flag in red_flags(far)[CODE] if flag.code == "doctor_far"]
    fr, en = (
        ("par commune", "by commune") if table == "supply" else ("à confirmer", "to be confirm")
    )
    assert f"(liste {fr})." in flag.text_fr
    assert f"(list {en}" in flag.text_en


def test_the_doctor_flag_says_how_far_and_how_old_the_list_is(flags: Flags) -> None:
    flag = flags(doctor=17.6)["doctor_far"]
    assert flag.text_fr == (
        f"Le médecin connu le plus proche est à 18{NBSP}min (liste de 2018, à confirmer)."
    )
    assert flag.text_en == (
        "The nearest known doctor is 18 min away (list of 2018, to be confirmed)."
    )


@pytest.mark.parametrize(
    ("sales", "french", "english"),
    [
        (0, "0 vente de logement", "0 home sales"),
        (1, "1 vente de logement", "1 home sale"),
        (9, "9 ventes de logement", "9 home sales"),
    ],
)
def test_few_sales_are_flagged_and_counted(
    flags: Flags, sales: float, french: str, english: str
) -> None:
    flag = flags(home_sales=sales, house_price_eur_m2=1500.0)["few_sales"]
    assert flag.text_fr == f"{french} de 2021 à 2025{NBSP}: le prix dit peu."
    assert flag.text_en == f"{english} from 2021 to 2025: the price says little."


def test_a_price_that_is_unknown_is_not_said_to_say_little(flags: Flags) -> None:
    flag = flags(home_sales=0, house_price_eur_m2=np.nan)["few_sales"]
    assert flag.text_fr == "0 vente de logement de 2021 à 2025."
    assert flag.text_en == "0 home sales from 2021 to 2025."


def test_unknown_sales_are_not_told_as_none(flags: Flags) -> None:
    flag = flags(home_sales=np.nan)["few_sales"]
    assert flag.text_fr == "Nous ne savons pas combien de logements se sont vendus de 2021 à 2025."
    assert flag.text_en == "We do not know how many homes were sold from 2021 to 2025."


def test_ten_sales_are_enough(flags: Flags) -> None:
    assert "few_sales" not in flags(home_sales=10)


@pytest.mark.parametrize(
    ("column", "code", "french", "english"),
    [
        ("ddrm_flood", "flood", "Risque d'inondation recensé dans la commune.",
         "A flood risk is listed in the commune."),
        ("ddrm_industrial", "industrial_risk", "Risque industriel recensé dans la commune.",
         "An industrial risk is listed in the commune."),
    ],
)  # fmt: skip
def test_a_listed_risk_is_flagged(
    flags: Flags, column: str, code: str, french: str, english: str
) -> None:
    found = flags(**{column: 1})
    assert list(found) == [code]
    assert (found[code].text_fr, found[code].text_en) == (french, english)
    assert found[code].source == "risks"


def test_a_risk_listed_for_a_former_commune_is_one_of_the_present_commune(
    territory: Territory,
) -> None:
    risks = territory.tables["risks"].copy()
    risks[["ddrm_flood", "ddrm_industrial"]] = 0
    risks.loc[risks["insee_code_source"] == "32074", "ddrm_flood"] = 1
    changed = replace(territory, tables={**territory.tables, "risks": risks})
    flagged = {
        code for code, found in red_flags(changed).items() if "flood" in {f.code for f in found}
    }
    assert flagged == {"32344"}


def test_flags_come_in_their_order_with_a_source_of_the_catalog(
    flags: Flags, territory: Territory
) -> None:
    found = flags(
        ddrm_industrial=1, ddrm_flood=1, home_sales=0, doctor=30.0,
        premises_without_ftth=500, ftth_coverage_share=0.5, ftth_coverage_share_cartefibre=1.2,
    )  # fmt: skip
    assert tuple(found) == FLAG_CODES
    for flag in found.values():
        assert flag.source in territory.catalog
        assert flag.as_dict() == {
            "code": flag.code,
            "text_fr": flag.text_fr,
            "text_en": flag.text_en,
            "source": flag.source,
        }


def test_every_flag_of_the_shipped_release_is_typeset_in_both_languages(
    territory: Territory,
) -> None:
    for found in red_flags(territory).values():
        for flag in found:
            assert not re.search(r"  |(?<!\u00a0)[:;?!%]", flag.text_fr), flag.text_fr
            assert not re.search(r"  |\s[:;?!%]", flag.text_en), flag.text_en
            assert flag.text_fr.endswith(".")
            assert flag.text_en.endswith(".")
