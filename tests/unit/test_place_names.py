from __future__ import annotations

import pytest

from geo_matcher.place_names import commune_spellings, readable_name

COMMUNES = commune_spellings(["Mauvezin", "Vic-Fezensac", "Auch", "L'Isle-Jourdain", "Saint-Côme"])


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("ECOLE ELEMENTAIRE PUBLIQUE", "École élémentaire publique"),
        ("CENTRE HOSPITALIER DE MAUVEZIN", "Centre hospitalier de Mauvezin"),
        ("CENTRE HOSPITALIER D'AUCH", "Centre hospitalier d'Auch"),
        ("CENTRE HOSPITALIER DE VIC FEZENSAC", "Centre hospitalier de Vic-Fezensac"),
        ("HOPITAL DE L'ISLE JOURDAIN", "Hôpital de L'Isle-Jourdain"),
        ("LYCÉE GÉNÉRAL ET TECHNOLOGIQUE", "Lycée général et technologique"),
        ("ECOLE PRIMAIRE PUBLIQUE FELIX SOULES", "École primaire publique FELIX SOULES"),
        ("ECOLE PUBLIQUE ROUGET DE LISLE", "École publique ROUGET DE LISLE"),
        ("CLINIQUE, LE PRE", "Clinique, LE PRE"),
        ("LEGTA D'AUCH - SITE DE LAVACANT", "LEGTA d'Auch - site de LAVACANT"),
        ("SAINT COME", "Saint-Côme"),
        ("École de la rue DE", "École de la rue DE"),
        ("", ""),
    ],
)
def test_only_words_whose_spelling_is_known_are_put_into_small_letters(
    name: str, read: str
) -> None:
    assert readable_name(name, COMMUNES) == read
