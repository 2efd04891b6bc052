"""What was asked, in words: what a printed shortlist and a message to an adviser open with.

Hides which answers are worth a line. Only what was answered is said, and what follows from it: the
weight of each family, in the words of the form.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple, TypeVar

from api.forms import Asked
from api.questions import default_importance, limit_figure, scope_label
from api.texts import Translate, criterion_label, track_label, translator, typeset
from geo_matcher.criteria import CRITERIA, FAMILIES, Importance
from geo_matcher.destinations import HUB_CITIES
from geo_matcher.numbers import format_number
from geo_matcher.origins import origin_label
from geo_matcher.presets import PRESETS
from geo_matcher.profile import Profile
from geo_matcher.sentences import listed
from geo_matcher.territory import Territory

__all__ = ["Wish", "wishes"]

Chosen = TypeVar("Chosen")


class Wish(NamedTuple):
    """One thing that was asked: what it is about, and what was said."""

    label: str
    text: str


def wishes(territory: Territory, asked: Asked) -> tuple[Wish, ...]:
    """Return what a search asks for, one line for each thing that was said.

    Parameters
    ----------
    territory
        The release in service, for the size of the scope.
    asked
        The search.
    """
    language, t = asked.language, translator(asked.language)
    count = int(territory.in_scope(asked.scope).sum())
    return (
        *_who(asked.profile, origin_label(territory, asked.profile), t, language),
        *_home(asked.profile, t, language),
        Wish(t("scope.title"), scope_label(asked.scope, count, language)),
        *_importance(asked.profile, t, language),
        *_limits(asked.profile, t, language),
        *_finer(asked.profile, t, language),
    )


def _and(names: list[str], language: str) -> str:
    return listed(names, "et" if language == "fr" else "and")


def _who(profile: Profile, origin: str, t: Translate, language: str) -> Iterator[Wish]:
    if profile.name in PRESETS:
        preset = PRESETS[profile.name]
        label = preset.label_fr if language == "fr" else preset.label_en
        yield Wish(t("wish.example"), typeset(label, language))
    elif profile.name.strip():
        yield Wish(t("wish.name"), profile.name.strip())
    if origin:
        yield Wish(t("wish.from"), origin)
    if profile.sector != "other":
        yield Wish(t("wish.sector"), t(f"sector.{profile.sector}"))
    if profile.track != "solo":
        yield Wish(t("form.track"), track_label(profile.track, language))
    yield Wish(t("wish.work"), t(f"work.{profile.work_mode}"))
    if profile.client_city is not None:
        yield Wish(t("wish.city"), HUB_CITIES[profile.client_city][1])
    if profile.children_ages:
        ages = [str(age) for age in sorted(profile.children_ages)]
        years = t("wish.ages", count=max(profile.children_ages), ages=_and(ages, language))
        yield Wish(t("wish.children", count=len(ages)), years)


def _home(profile: Profile, t: Translate, language: str) -> Iterator[Wish]:
    text = t(f"tenure.{profile.tenure}")
    if profile.budget_eur is not None:
        key = "wish.budget.buy" if profile.tenure == "buy" else "wish.budget.rent"
        text = t(
            key,
            budget=format_number(profile.budget_eur, language),
            surface=format_number(profile.surface_m2, language),
        )
    yield Wish(t("wish.home"), text)
    if profile.village_size is not None:
        yield Wish(t("wish.size"), t(f"size.{profile.village_size}"))


def _importance(profile: Profile, t: Translate, language: str) -> Iterator[Wish]:
    """Say what counts, the most important first; what follows from other answers is said too."""
    words = default_importance(profile) | {
        str(family): importance.value for family, importance in profile.importance.items()
    }
    for importance in reversed(Importance):
        names = [
            typeset(family.label_fr if language == "fr" else family.label_en, language)
            for name, family in FAMILIES.items()
            if words[name] == importance.value
        ]
        if names:
            word = t(f"importance.{importance.value}")
            yield Wish(word[0].upper() + word[1:], ", ".join(names))


def _in_order(chosen: Mapping[str, Chosen]) -> list[tuple[str, Chosen]]:
    """Return what was said of single criteria in the order of the catalogue."""
    return [(name, chosen[name]) for name in CRITERIA if name in chosen]


def _limits(profile: Profile, t: Translate, language: str) -> Iterator[Wish]:
    limits = [
        t(
            "fault.field",
            field=criterion_label(name, language),
            text=limit_figure(f"{prefix}_{name}", bound, language),
        )
        for name, limit in _in_order(profile.limits)
        for prefix, bound in (("max", limit.at_most), ("min", limit.at_least))
        if bound is not None
    ]
    if limits:
        yield Wish(t("wish.limits"), " · ".join(limits))


def _finer(profile: Profile, t: Translate, language: str) -> Iterator[Wish]:
    chosen = [
        t(
            "fault.field",
            field=criterion_label(name, language),
            text=t(f"importance.{choice.importance.value}"),
        )
        for name, choice in _in_order(profile.criteria)
        if choice.importance is not None
    ]
    if chosen:
        yield Wish(t("form.finer"), " · ".join(chosen))
    own = [
        criterion_label(name, language)
        for name, choice in _in_order(profile.criteria)
        if choice.breakpoints is not None
    ]
    if own:
        yield Wish(t("wish.thresholds"), ", ".join(own))
