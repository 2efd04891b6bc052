"""What is written on the advisers' map, in both languages.

Hides nothing but length, and the no-break spaces of French.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["DESK_WORDS"]

_NBSP = "\u00a0"

_FRENCH = {
    "demonstration": f"Démonstration{_NBSP}: tout est inventé.",
    "group_files": "Dossiers",
    "group_villages": "Villages partenaires",
    "layer_score": "Score pour ce foyer",
    "layer_exposure": "Visibilité dans les listes",
    "layer_shortlist": "Liste proposée",
    "layer_visits": "Visites",
    "layer_settled": "Familles installées",
    "legend_score": "Score sur 100",
    "legend_exposure": "Parmi les 5 premiers de combien de listes, sur {n}",
    "legend_fibre": "Locaux raccordables à la fibre",
    "never": "aucune",
    "below": "moins de {high}",
    "between": "{low} à {high}",
    "above": "{low} et plus",
    "unknown": "inconnu",
    "unlisted": "hors de la recherche",
    "ranked": "Rang {n} de la liste",
    "visit_letter": "V",
    "visited": "Visite prévue ou faite",
    "visits": "{n} familles en visite",
    "settled": "{n} familles, {persons} personnes",
    "partner": "Village partenaire attesté",
    "partner_reconstructed": "Village partenaire reconstitué",
    "key_shortlist": "rang dans la liste",
    "key_visits": "visite",
    "key_settled": "familles installées, 5 au moins",
    "household": "Pour ce foyer",
    "score": "Rang {rank}, {score} sur 100",
    "exposed": "{n} listes sur {lists}",
    "source": "Données {release}.",
    "note_one": "Temps de route estimés. Aucun nom n'est écrit dans ce fichier.",
    "note_all": "Familles et visites : 5 au moins par commune, sinon rien n'est montré.",
}

_ENGLISH = {
    "demonstration": "Demonstration: everything is invented.",
    "group_files": "Files",
    "group_villages": "Partner villages",
    "layer_score": "Score for this household",
    "layer_exposure": "How often lists show it",
    "layer_shortlist": "Proposed list",
    "layer_visits": "Visits",
    "layer_settled": "Families settled",
    "legend_score": "Score out of 100",
    "legend_exposure": "Among the first 5 of how many lists, of {n}",
    "legend_fibre": "Premises that fibre passes",
    "never": "none",
    "below": "less than {high}",
    "between": "{low} to {high}",
    "above": "{low} and more",
    "unknown": "unknown",
    "unlisted": "outside the search",
    "ranked": "Rank {n} of the list",
    "visit_letter": "V",
    "visited": "Visit planned or made",
    "visits": "{n} families on a visit",
    "settled": "{n} families, {persons} persons",
    "partner": "Partner village, sourced",
    "partner_reconstructed": "Partner village, reconstructed",
    "key_shortlist": "rank in the list",
    "key_visits": "visit",
    "key_settled": "families settled, 5 at least",
    "household": "For this household",
    "score": "Rank {rank}, {score} out of 100",
    "exposed": "{n} lists of {lists}",
    "source": "Data {release}.",
    "note_one": "Driving times are estimates. No name is written in this file.",
    "note_all": "Families and visits: 5 at least in each commune, or nothing is shown.",
}

DESK_WORDS: Mapping[str, Mapping[str, str]] = {"fr": _FRENCH, "en": _ENGLISH}
"""Texts by language, then by key."""
