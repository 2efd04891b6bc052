"""What is written on the planners' map, in both languages.

Hides nothing but length, and the no-break spaces of French.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["PLANNING_WORDS"]

_NBSP = "\u00a0"

_FRENCH = {
    "title": "Carte de planification",
    "headline": "{count} actions pour {cost}, {low} à {high} locaux sans fibre",
    "group_colour": "Couleur des communes",
    "group_plan": "Plan",
    "group_ground": "Fond de carte",
    "layer_gap": "Manque de fibre",
    "layer_copper": "Fermeture du cuivre",
    "layer_core": "Noyau robuste",
    "layer_lift": "Arrivants gagnés",
    "layer_portfolio": "Les actions du plan",
    "legend_gap": "Manque de fibre",
    "legend_copper": "Le cuivre ferme le",
    "legend_core": "Dans combien de plans tirés",
    "legend_lift": "Arrivants de plus, sur {people} supposés",
    "certain": "certain : les deux comptes le voient",
    "possible": "possible : un seul compte le voit",
    "none": "aucun",
    "uncounted": "inconnu : aucun compte",
    "no_date": "sans date",
    "no_regret": "sans regret : plus de 9 sur 10",
    "depends": "selon les coûts et les besoins",
    "rare": "rare : moins de 1 sur 10",
    "never": "jamais",
    "below": "moins de {high}",
    "between": "{low} à {high}",
    "above": "{low} et plus",
    "plan": "Le plan",
    "scenario": "Scénario",
    "two_counts": "Locaux sans fibre",
    "count": "{name} : {n} sur {whole}",
    "unknown": "{name} : non compté",
    "over": "Un taux publié dépasse 100 % : gardé tel quel.",
    "without_30mbit": "Sans 30 Mbit/s par la terre : {n}",
    "copper": "Cuivre",
    "closes": "Ferme le {day}. Si rien n'est construit, {n} locaux sans fibre ce jour-là ; "
    "{late} si les travaux finissent un an trop tard.",
    "no_close": "Aucune date de fermeture publiée.",
    "built": "Dans le plan",
    "action": "{action} : {cost}, {points} points",
    "core": "Noyau robuste",
    "share": "Dans {share} des plans tirés.",
    "lift": "Arrivants",
    "gain": "{sign}{n} ± {error} parmi les cinq premiers villages, avec : {action}.",
    "core_note": "Noyau robuste : {n} tirages.",
    "source": "Sources : Arcep, Ma connexion internet et Cartefibre, au {day}.",
    "note": "Deux comptes publiés, chacun avec son dénominateur. Coûts cités ou supposés.",
}

_ENGLISH = {
    "title": "Planning map",
    "headline": "{count} actions for {cost}, {low} to {high} premises without fibre",
    "group_colour": "Colour of the communes",
    "group_plan": "Plan",
    "group_ground": "Base map",
    "layer_gap": "Gap of fibre",
    "layer_copper": "Closing of copper",
    "layer_core": "Robust core",
    "layer_lift": "Newcomers gained",
    "layer_portfolio": "The actions of the plan",
    "legend_gap": "Gap of fibre",
    "legend_copper": "Copper closes on",
    "legend_core": "In how many drawn plans",
    "legend_lift": "Newcomers gained, of {people} assumed",
    "certain": "certain: both counts see it",
    "possible": "possible: one count sees it",
    "none": "none",
    "uncounted": "unknown: no count",
    "no_date": "no date",
    "no_regret": "no regret: more than 9 in 10",
    "depends": "depends on costs and needs",
    "rare": "rare: less than 1 in 10",
    "never": "never",
    "below": "less than {high}",
    "between": "{low} to {high}",
    "above": "{low} and more",
    "plan": "The plan",
    "scenario": "Scenario",
    "two_counts": "Premises without fibre",
    "count": "{name}: {n} of {whole}",
    "unknown": "{name}: not counted",
    "over": "A published rate is above 100%: kept as it is.",
    "without_30mbit": "Without 30 Mbit/s by land: {n}",
    "copper": "Copper",
    "closes": "Closes on {day}. If nothing is built, {n} premises without fibre that day; "
    "{late} if the works end a year late.",
    "no_close": "No closing date is published.",
    "built": "In the plan",
    "action": "{action}: {cost}, {points} points",
    "core": "Robust core",
    "share": "In {share} of the drawn plans.",
    "lift": "Newcomers",
    "gain": "{sign}{n} ± {error} among the first five villages, with: {action}.",
    "core_note": "Robust core: {n} draws.",
    "source": "Sources: Arcep, Ma connexion internet and Cartefibre, on {day}.",
    "note": "Two published counts, each with its denominator. Costs cited or assumed.",
}

PLANNING_WORDS: Mapping[str, Mapping[str, str]] = {
    "fr": {
        key: text.replace(" :", f"{_NBSP}:").replace(" ;", f"{_NBSP};").replace(" %", f"{_NBSP}%")
        for key, text in _FRENCH.items()
    },
    "en": _ENGLISH,
}
"""Every text by language, then by name; both languages have the same names."""
