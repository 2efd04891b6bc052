"""The answer: the list, what the limits leave out, and the state that scripts need.

Hides the wording of counts, prices of limits and faults. A template only writes out
:class:`ResultsView`; the same value serves the whole page and its live part.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl

from api.addresses import page_address
from api.cards import Card, card_chances, make_cards, points_text, tie_texts
from api.faults import Fault, FormError
from api.forms import MAX_TOP, ORIGIN_KEY, Asked, href, other_language, profile_fields, to_query
from api.map_choice import MAP_KEYS
from api.origins import choice_links
from api.questions import default_importance, field_label, limit_figure, scope_label
from api.rendering import script_json
from api.shortlist import DownloadLink, download_links
from api.since import SinceView, since_view
from api.texts import Translate, criterion_label, translator, typeset
from api.turns import odds_in_turn
from geo_matcher.criteria import CRITERIA, Unit
from geo_matcher.look import score_class
from geo_matcher.matching import Ranking
from geo_matcher.numbers import format_number, format_raw
from geo_matcher.origins import origin_label
from geo_matcher.presets import PRESETS
from geo_matcher.profile import Profile
from geo_matcher.snapshot import encode, snapshot
from geo_matcher.territory import SCOPES

__all__ = [
    "LimitView",
    "ResultsView",
    "fault_results",
    "fault_texts",
    "odds_state",
    "results_view",
]

STEP = 20
"""Cards that "show more" adds."""

NOTABLE_POINTS = 0.05
"""Points under which two scores are the same for a reader."""


@dataclass(frozen=True, slots=True)
class LimitView:
    """What one hard limit does, in words."""

    label: str
    effects: tuple[str, ...]
    drop_href: str


@dataclass(frozen=True, slots=True)
class ResultsView:
    """The part of the page that changes with each answer.

    Attributes
    ----------
    count, tab
        How many villages, as a sentence and as the name of a tab.
    caption
        The name of the search, or the example it started from.
    cards
        Villages, best first.
    more_href, more_count
        Where more of them are, if there are.
    limits, near_misses
        What the limits leave out; pairs (village, by how much).
    wider
        Link to a wider scope and its label, when nothing is left.
    faults, choices
        What could not be read in the answers; pairs (link, name) of communes that may be meant.
    since
        What has moved since the link that was followed was copied.
    query, fields
        What was asked, as a query string, and as its pairs without the ticked villages.
    picks, kept
        The ticked villages; those of them that no card shows.
    share_href
        Link to the list that remembers what it shows.
    downloads, shortlist_href, accompany_href
        The whole list as files; the ticked villages, or the first, on paper; the way to an adviser.
    map_href, download_href
        The detailed map of the same result.
    is_live
        Whether it follows an answer at once: odds and the details of a village come when they are
        asked for.
    is_plain
        Whether nothing was said yet: the list invites to.
    state
        JSON for the scripts: canonical query, fields, importance in force, score of each commune.
    """

    count: str
    tab: str
    caption: str = ""
    cards: tuple[Card, ...] = ()
    more_href: str = ""
    more_count: int = 0
    limits: tuple[LimitView, ...] = ()
    near_misses: tuple[tuple[str, str], ...] = ()
    wider: tuple[str, str] = ("", "")
    faults: tuple[str, ...] = ()
    choices: tuple[tuple[str, str], ...] = ()
    since: SinceView | None = None
    query: str = ""
    fields: tuple[tuple[str, str], ...] = ()
    picks: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    share_href: str = ""
    downloads: tuple[DownloadLink, ...] = ()
    shortlist_href: str = ""
    accompany_href: str = ""
    map_href: str = ""
    download_href: str = ""
    is_live: bool = False
    is_plain: bool = False
    state: str = "{}"


def results_view(ranking: Ranking, asked: Asked, *, is_live: bool = False) -> ResultsView:
    """Return what changes with each answer: the list, the limits, the state for the scripts.

    Parameters
    ----------
    ranking
        The answer.
    asked
        What was asked.
    is_live
        Whether it has to come at once: then :func:`odds_state` follows it, and the details of a
        village come when it is opened.
    """
    language, t = asked.language, translator(asked.language)
    odds = None if is_live else odds_in_turn(ranking)
    cards = make_cards(ranking, odds, language, asked.top)
    search = to_query(asked.profile, asked.scope, language)
    query = to_query(asked.profile, asked.scope, language, map_choice=asked.map)
    since = since_view(ranking, asked)
    if since is None:  # a memory of this very release says nothing
        asked = replace(asked, seen="")
    left = len(ranking) - len(cards)
    more_query = to_query(
        asked.profile,
        asked.scope,
        language,
        min(len(cards) + STEP, len(ranking), MAX_TOP),
        asked.map,
        picks=asked.picks,
        seen=asked.seen,
    )
    known = set(ranking.matrix.codes)
    picks = tuple(code for code in asked.picks if code in known)
    ticked = to_query(asked.profile, asked.scope, language, map_choice=asked.map, picks=picks)
    shown = {card.code for card in cards}
    memory = encode(snapshot(ranking))
    share = to_query(
        asked.profile, asked.scope, language, asked.top, asked.map, picks=picks, seen=memory
    )
    count, tab = _counts(ranking, language)
    return ResultsView(
        count=count,
        tab=tab,
        caption=_caption(asked.profile, t, language),
        cards=tuple(cards),
        more_href=href(more_query) if left and len(cards) < MAX_TOP else "",
        more_count=min(left, STEP),
        limits=tuple(_limits(ranking, asked)),
        near_misses=tuple(_near_misses(ranking, language)),
        wider=_wider(ranking, asked),
        since=since,
        query=ticked,
        fields=tuple(parse_qsl(query)),
        picks=picks,
        kept=tuple(code for code in picks if code not in shown),
        share_href=href(share),
        downloads=download_links(search),
        shortlist_href=page_address("/shortlist", (), ticked),
        accompany_href=page_address("/accompany", (), ticked),
        map_href=f"/maps/match?{query}" if query else "/maps/match",
        download_href=f"/maps/match?{query}&download=1" if query else "/maps/match?download=1",
        is_live=is_live,
        is_plain=not to_query(asked.profile),
        state=script_json(_state(ranking, asked, count, tab, len(cards)) | {"share": share}),
    )


def odds_state(ranking: Ranking, asked: Asked) -> dict[str, Any]:
    """Return how sure the rank of each listed card is, for the script that fills the cards in.

    Returns
    -------
    dict
        ``chances``: texts and band by INSEE code; ``ties``: what is said of a group of ties, by
        the code of its first village; ``tied``: the codes of all villages in such groups.
    """
    language, t = asked.language, translator(asked.language)
    found = odds_in_turn(ranking)
    rows = ranking.order[: len(ranking.results(asked.top))].tolist()
    codes, ties = ranking.matrix.codes, tie_texts(found, language)
    chances = card_chances(found, len(rows), language)
    return {
        "chances": {
            codes[row]: chance._asdict() | {"first_five": t("card.odds", chance=chance.first_five)}
            for row, chance in zip(rows, chances, strict=True)
        },
        "ties": {codes[row]: ties[row] for row in rows if ties.get(row)},
        "tied": [codes[row] for row in rows if row in ties],
    }


def _counts(ranking: Ranking, language: str) -> tuple[str, str]:
    t = translator(language)
    n, excluded = len(ranking), len(ranking.excluded)
    shown = format_number(n, language)
    count = t("results.count", count=n, n=shown) if n else t("results.none")
    if excluded:
        count = t("results.excluded", text=count, n=format_number(excluded, language))
    tab = t("tabs.villages", count=n, n=shown)
    return count, tab


def _caption(profile: Profile, t: Translate, language: str) -> str:
    """Say where the search began, and what of it does not count here."""
    said = (_named(profile.name, t, language), t("results.no_track") if profile.ignored else "")
    return " ".join(part for part in said if part)


def _named(name: str, t: Translate, language: str) -> str:
    if name in PRESETS:
        preset = PRESETS[name]
        label = preset.label_fr if language == "fr" else preset.label_en
        return t("results.preset", name=typeset(label, language))
    return t("results.named", name=name) if name.strip() else ""


def _state(ranking: Ranking, asked: Asked, count: str, tab: str, shown: int) -> dict[str, Any]:
    codes = ranking.matrix.codes
    scores = ranking.score[ranking.order].tolist()
    listed = zip(ranking.order.tolist(), scores, ranking.ranks.tolist(), strict=True)
    return {
        "query": to_query(
            asked.profile, asked.scope, asked.language, asked.top, asked.map, seen=asked.seen
        ),
        "other": to_query(
            asked.profile, asked.scope, other_language(asked.language), asked.top, asked.map
        ),
        "count": count,
        "tab": tab,
        "shown": shown,
        "fields": profile_fields(asked.profile)
        | dict.fromkeys(MAP_KEYS, "")
        | {
            "scope": asked.scope,
            "show": asked.map.show,
            ORIGIN_KEY: origin_label(ranking.territory, asked.profile),
        }
        | asked.map.fields(),
        "implied": default_importance(asked.profile),
        "marks": {
            codes[row]: [score_class(score), round(score, 1), rank] for row, score, rank in listed
        },
        "excluded": [codes[row] for row in ranking.excluded.tolist()],
    }


def _limits(ranking: Ranking, asked: Asked) -> Iterator[LimitView]:
    language = asked.language
    prices = ranking.limit_prices()
    if not len(ranking):
        prices.sort(key=lambda price: -price["excluded_by_it_alone"])
    for price in prices:
        name = price["criterion"]
        word = "at_most" if "at_most" in price else "at_least"
        key = f"{'max' if word == 'at_most' else 'min'}_{name}"
        figure = limit_figure(key, price[word], language)
        label = translator(language)(
            "fault.field", field=criterion_label(name, language), text=figure
        )
        yield LimitView(
            label=label,
            effects=tuple(_effects(price, language)) if len(ranking) else (_gain(price, language),),
            drop_href=href(
                to_query(
                    _without(asked.profile, name, word),
                    asked.scope,
                    language,
                    map_choice=asked.map,
                )
            ),
        )


def _without(profile: Profile, name: str, word: str) -> Profile:
    limits = dict(profile.limits)
    kept = limits.pop(name).model_copy(update={word: None})
    if kept.at_most is not None or kept.at_least is not None:
        limits[name] = kept
    return profile.model_copy(update={"limits": limits})


def _effects(price: Mapping[str, Any], language: str) -> Iterator[str]:
    """Say what a limit leaves out, what it costs and what cannot be verified."""
    t = translator(language)
    n, alone = price["excluded"], price["excluded_by_it_alone"]
    if n == 0:
        yield t("limits.excludes.zero")
    else:
        counts = {"n": format_number(n, language), "alone": format_number(alone, language)}
        yield t("limits.excludes" if alone else "limits.excludes.shared", count=n, **counts)
    points = price["price_points"]
    if points is not None and n:
        is_free = points < NOTABLE_POINTS
        shown = points_text(points, language)
        yield t("limits.free") if is_free else t("limits.price", points=shown)
    if unverified := price["unverified"]:
        yield t("limits.unverified", count=unverified, n=format_number(unverified, language))


def _gain(price: Mapping[str, Any], language: str) -> str:
    """Say what dropping a limit would give, when nothing is left."""
    t = translator(language)
    n = price["excluded_by_it_alone"]
    if not n:
        return t("limits.would_give.zero")
    score = points_text(price["best_score_without"], language)
    return t("limits.would_give", count=n, n=format_number(n, language), score=score)


def _near_misses(ranking: Ranking, language: str) -> Iterator[tuple[str, str]]:
    t = translator(language)
    for miss in ranking.near_misses():
        criterion = CRITERIA[miss["criterion"]]
        bound = ranking.profile.limits[criterion.name].at_most
        is_maximum = bound is not None and miss["limit"] == bound
        if criterion.unit is Unit.SHARE:
            key = "limits.near.instead"
        else:
            key = "limits.near.item" if is_maximum else "limits.near.short"
        is_tiny = criterion.unit is Unit.MINUTES and miss["by"] < 1
        raw, limit, by = (
            format_raw(miss[name], criterion.unit, language) for name in ("raw", "limit", "by")
        )
        text = t(
            key,
            label=criterion_label(criterion.name, language),
            raw=raw,
            limit=limit,
            by=t("limits.under_minute") if is_tiny else by,
            score=points_text(miss["score"], language),
        )
        yield miss["name"], text


def _wider(ranking: Ranking, asked: Asked) -> tuple[str, str]:
    """Offer the next wider scope when nothing is left."""
    place = SCOPES.index(asked.scope) + 1
    if len(ranking) or place == len(SCOPES):
        return "", ""
    scope = SCOPES[place]
    count = int(ranking.territory.in_scope(scope).sum())
    link = href(to_query(asked.profile, scope, asked.language, map_choice=asked.map))
    return link, scope_label(scope, count, asked.language)


def fault_results(error: FormError) -> ResultsView:
    """Return what is shown in place of a list when the answers cannot be read."""
    t = translator(error.language)
    return ResultsView(
        count=t("fault.title"),
        tab=t("tabs.answers"),
        faults=fault_texts(error, name_choices=False),
        choices=choice_links(error),
        state=script_json({"count": t("fault.title")}),
    )


def fault_texts(error: FormError, *, name_choices: bool = True) -> tuple[str, ...]:
    """Return what cannot be read in the answers, one sentence for each fault.

    Parameters
    ----------
    error
        What was refused.
    name_choices
        Whether to name the communes that may be meant, where no link does.
    """
    return tuple(_fault_text(fault, error.language, name_choices) for fault in error.faults)


def _fault_text(fault: Fault, language: str, name_choices: bool) -> str:  # noqa: FBT001
    t = translator(language)
    expected = ", ".join(fault.expected)
    text = t(f"fault.{fault.code}", found=fault.found, expected=expected)
    field = field_label(fault.key, language)
    text = t("fault.field", field=field, text=text) if field else text
    if fault.choices and name_choices:
        text = f"{text} {expected}."
    return text[0].upper() + text[1:]
