"""The sentences of the page of a commune: what it is, what it lacks, where its shops are.

Hides grammar. In French a name never follows *à*, *de* or *que*, which Auch, Le Houga or
L'Isle-Jourdain would change: it stands in brackets, after a verb, or after a mark.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from api.links import safe_url
from api.texts import Translate, translator, typeset
from api.village_tables import minutes_text
from geo_matcher.criteria import VILLAGE_SIZES, Unit
from geo_matcher.lacks import Far, Lack
from geo_matcher.membership import GIVEN_LIST
from geo_matcher.numbers import format_date, format_number, format_raw
from geo_matcher.pairs import Pair
from geo_matcher.sentences import label_in_sentence, listed
from geo_matcher.towns import served

__all__ = [
    "EVENTS",
    "PRACTICES",
    "RISKS",
    "TRACES",
    "WEEKDAYS",
    "correction_sentences",
    "day_text",
    "evidence",
    "health_sentence",
    "lack_sentence",
    "lead_sentence",
    "market_days",
    "pair_sentences",
    "risk_sentences",
    "second_count",
]

RISKS = ("flood", "earthquake", "dam_failure", "industrial", "hazmat_transport")
PRACTICES = ("gp", "nurse", "dentist")
EVENTS = ("drought", "flood_mudflow")
TRACES = (
    "network_meeting_held",
    "solo_settled_reported",
    "telecentre_of_network",
    "telecentre_of_network_ambiguous",
    "tiers_lieu_promoted_by_programme",
)
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_RULE = re.compile(r"rule ([234])\b")
_SERVICES = re.compile(r"with (\d+) of")
_TRACE = re.compile(r"\((\w+)\)$")
_MINUTES = re.compile(r"at most ([\d.]+) minutes")


def day_text(day: str | None, language: str) -> str:
    """Write a date of a table in full; nothing where there is none."""
    return format_date(dt.date.fromisoformat(day), language) if day else ""


def correction_sentences(one: Mapping[str, Any], language: str) -> tuple[str, str]:
    """Say what was corrected, with the official value beside it, and who signs it and why.

    Where the source has changed since, what it said on that day and what it says now are both told.
    What people wrote is returned as it is: whoever shows it escapes it.
    """
    t = translator(language)
    if one["place"]:
        is_kind = one["table"] == "shops"  # the source gives shops no name
        what = t(f"place.{one['place']}") if is_kind else one["place"]
        value, official = t("corrected.closed"), t("corrected.was_open")
        now = t("corrected.open_elsewhere") if one["state"] == "changed" else value
    else:
        what = t(f"corrected.{one['column']}")
        value, official = one["value"], one["official_value"] or t("corrected.unknown")
        now = one["official_now"] or t("corrected.unknown")
    signed = t(
        "corrected.signed",
        day=day_text(one["day"], language),
        who=one["who"],
        reason=one["reason"] if one["reason"].endswith(".") else f"{one['reason']}.",
        source=one["source"].rstrip("."),
    )
    if one["state"] == "same":
        return t("corrected.line", what=what, value=value, official=official), signed
    told = t("corrected.line_since", what=what, value=value, official=official, now=now)
    since = {"agrees": "corrected.source_agrees", "changed": "corrected.source_changed"}
    return f"{told} {t(since[one['state']])}", signed


def lead_sentence(commune: Mapping[str, Any], language: str) -> str:
    """Say in one sentence what the commune is, from its figures; what is unknown is left out."""
    t = translator(language)
    people = commune["population"]
    worth = {size: float(function(people)) for size, function in VILLAGE_SIZES.items()}
    travel, line = commune["travel"], commune["broadband"]
    towns = [
        t("village.lead.town", name=name, minutes=minutes_text(travel[key], language))
        for key, name in _first_towns()
        if travel[key]["nearest_insee_code"] != commune["insee_code"]
        and travel[key]["minutes"] is not None
    ]
    share, work = line["ftth_coverage_share"], travel["workplace"]
    facts = [] if share is None else [
        t("village.lead.fibre", fibre=format_raw(share, Unit.SHARE, language))
    ]  # fmt: skip
    if work["minutes"] is not None:
        facts.append(_work_phrase(work, commune["insee_code"], t, language))
    return t(
        "village.lead" if facts else "village.lead.bare",
        kind=t(
            f"village.kind.{max(worth, key=lambda size: worth[size])}",
            people=format_raw(people, Unit.INHABITANTS, language),
        ),
        towns=f", {listed(towns, t('village.and'))}" if towns else "",
        facts=", ".join(facts),
    )


def _first_towns() -> list[tuple[str, str]]:
    """Return key and name of the towns that everybody is told of."""
    about = served()
    return [(town.key, town.name) for town in (about.seat, about.metropolis) if town is not None]


def _work_phrase(travel: Mapping[str, Any], code: str, t: Translate, language: str) -> str:
    if travel["nearest_insee_code"] == code:
        return t("village.lead.work_here")
    return t("village.lead.work", minutes=minutes_text(travel, language))


def second_count(line: Mapping[str, Any], language: str) -> str:
    """Say the other published count of fibre, with its own denominator."""
    other = line["other_count"]
    if other is None:
        return ""
    return translator(language)(
        "line.second",
        passed=format_number(other["ftth_premises_passed"], language),
        premises=format_number(other["premises"], language),
        share=format_raw(other["ftth_coverage_share"], Unit.SHARE, language),
    )


def lack_sentence(lack: Lack, doctors_year: str | None, language: str) -> str:
    """Say one thing that a village lacks.

    Parameters
    ----------
    lack
        What is missing.
    doctors_year
        Year of the list of practices, empty where it bears none; None where there is no list.
    language
        ``fr`` or ``en``.
    """
    t = translator(language)
    if lack.kind == "fibre":
        return t(
            "lack.fibre",
            count=lack.count,
            n=format_number(lack.count, language),
            of=format_number(lack.of, language),
        )
    if lack.kind == "figures":
        names = [typeset(label_in_sentence(name, language), language) for name in lack.criteria]
        return t("lack.figures", names=listed(names, t("village.and")))
    if lack.kind == "unlisted":
        names = [t(f"place.{far.destination}").lower() for far in lack.far]
        return t("lack.unlisted", names=listed(names, t("village.and")))
    within = lack.within_min or 0.0
    limit = format_raw(within, Unit.MINUTES, language)
    if lack.kind == "services":
        names = [
            t(
                "lack.item",
                name=t(f"place.{far.destination}").lower(),
                where=_where(far, within, t, language),
            )
            for far in lack.far
        ]
        return t("lack.services", limit=limit, names=listed(names, t("village.and")))
    (far,) = lack.far
    where = _where(far, within, t, language)
    if lack.kind == "doctor" and "supply" in lack.sources:
        return t("lack.doctor_counted", limit=limit, where=where)
    if lack.kind == "doctor":
        if doctors_year is None:
            return t("lack.doctor.unlisted")
        if not doctors_year:
            return t("lack.doctor.undated", limit=limit, where=where)
        return t("lack.doctor", limit=limit, where=where, year=doctors_year)
    return t(f"lack.{lack.kind}", limit=limit, where=where)


def _where(far: Far, within_min: float, t: Translate, language: str) -> str:
    """Say how far, and in which commune; a figure that rounds to the limit is just over it."""
    if far.minutes is None or far.commune is None:
        return t("lack.nowhere")
    minutes = format_raw(far.minutes, Unit.MINUTES, language)
    if round(far.minutes) <= within_min:
        minutes = t("lack.just_over", minutes=minutes)
    return t("lack.where", minutes=minutes, name=far.commune)


def pair_sentences(pair: Pair, language: str) -> tuple[str, ...]:
    """Say which commune serves the village, and what going there together saves."""
    return tuple(_pair_sentences(pair, language))


def _pair_sentences(pair: Pair, language: str) -> Iterator[str]:
    t = translator(language)
    if pair.bourg is None:
        yield t(
            "pair.whole" if len(pair.found_in("village")) == len(pair.services) else "pair.none"
        )
        return
    brought = [t(f"place.{service.name}").lower() for service in pair.services if service.on_round]
    rounds = pair.rounds_a_week
    pattern = "" if float(rounds).is_integer() else ".1"
    yield t("pair.bourg", name=pair.bourg.name,
            minutes=format_raw(pair.bourg.drive_min, Unit.MINUTES, language))  # fmt: skip
    yield t(
        "pair.rounds",
        count=max(1, round(rounds)),
        n=format_number(rounds, language, pattern),
        names=listed(brought, t("village.and")),
    )
    if pair.saved_min_week >= 1:
        saved = format_raw(pair.saved_min_week, Unit.MINUTES, language)
        yield t("pair.saved", minutes=saved)
    share = format_raw(round(pair.services_covered_share, 2), Unit.SHARE, language)
    yield t("pair.covered", share=share)


def health_sentence(commune: Mapping[str, Any], year: str | None, language: str) -> str:
    """Say which practices are registered in the commune.

    Parameters
    ----------
    commune
        What :func:`geo_matcher.commune.describe_commune` returned.
    year
        Year of the list of practices, empty where it bears none; None where there is no list.
    language
        ``fr`` or ``en``.
    """
    t = translator(language)
    if year is None:
        return t("health.unlisted")
    found = [
        t(f"practice.{name}")
        for name in PRACTICES
        if any(row[f"{name}_registered"] for row in commune["health"])
    ]
    if not found:
        return t("health.none", year=year) if year else t("health.none.undated")
    names = listed(found, t("village.and"))
    if not year:
        return t("health.registered.undated", names=names)
    return t("health.registered", year=year, names=names)


def risk_sentences(commune: Mapping[str, Any], language: str) -> tuple[str, ...]:
    """Say which risks and plans are listed, whether for the commune or a part of it."""
    return tuple(_risk_sentences(commune["risks"], commune["insee_code"], language))


def _risk_sentences(rows: Sequence[Mapping[str, Any]], code: str, language: str) -> Iterator[str]:
    t = translator(language)
    word = t("village.and")
    if not rows:
        yield t("risk.unknown")
        return
    have = [name for name in RISKS if any(row[f"ddrm_{name}"] for row in rows)]
    not_listed = [t(f"risk.{name}") for name in RISKS if name not in have]
    if have:
        yield t("risk.listed", names=listed([t(f"risk.{name}") for name in have], word))
    if not_listed:
        yield t("risk.not_listed", names=listed(not_listed, word))
    for plan in ("flood", "industrial"):
        names = dict.fromkeys(
            row[f"{plan}_plan_names"] for row in rows if row[f"{plan}_plan_names"]
        )
        if names:
            told = " ; ".join(names).replace("(prescribed)", t("risk.plan.prescribed"))
            yield t(f"risk.plan.{plan}", names=typeset(told, language))
    if any(row["clay_plan"] == "approved" for row in rows):
        yield t("risk.plan.clay")
    radon = max((row["radon_class"] or 0 for row in rows), default=0)
    if radon:
        yield t("risk.radon", n=format_number(radon, language))
    else:
        yield t("risk.no_radon")
    own = next((row for row in rows if row["insee_code_source"] == code), rows[0])
    count = own["catnat_count_30y"]
    kind = own["catnat_last_type"]
    if count and own["catnat_since"]:
        yield t(
            "risk.catnat",
            count=count,
            n=format_number(count, language),
            since=day_text(own["catnat_since"], language),
            kind=t(f"catnat.{kind if kind in EVENTS else 'other'}"),
            last=day_text(own["catnat_last_start"], language),
        )
    if len(rows) > 1:
        yield t("risk.former")


def market_days(commune: Mapping[str, Any], language: str) -> str:
    """Return the days of the markets of the commune, in the order of the week."""
    t = translator(language)
    names = " ".join(
        place["name"] or "" for place in commune["places"] if place["kind"] == "weekly_market"
    ).lower()
    return ", ".join(t(f"day.{day}") for day in WEEKDAYS if day in names)


def evidence(
    commune: Mapping[str, Any], language: str, *, is_given: bool
) -> tuple[tuple[str, str], ...]:
    """Say how the status in the network is known: pairs (sentence, address of the source).

    ``is_given`` tells whether the network gave its list of partners.
    """
    return tuple(_evidence(commune, language, is_given=is_given))


def _evidence(
    commune: Mapping[str, Any], language: str, *, is_given: bool
) -> Iterator[tuple[str, str]]:
    t = translator(language)
    if served().network is None:
        yield t("network.none"), ""
        return
    current = {group for group in ("partner", "network") if commune[group]}
    if "partner" not in current:
        yield t("network.not_listed" if is_given else "network.no_partner"), ""
    for row in commune["membership"]:
        source = row["source"] or ""
        if row["group"] not in current:
            continue
        if source == GIVEN_LIST:
            yield t("network.listed"), ""
            continue
        if row["group"] == "partner" and row["evidence"] == "sourced":
            yield t("network.sourced", year=row["valid_from"][:4]), safe_url(source)
            continue
        yield _rule_text(source, t, language), ""
    if "network" not in current:
        yield t("network.out"), ""
    for place in commune["places"]:
        if place["kind"] == "network_trace" and place["status"] != "partner_named":
            text = _trace(place["status"], t)
            yield (t("trace.year", text=text, year=place["year"]) if place["year"] else text), ""


def _trace(status: str, t: Translate) -> str:
    return t(f"trace.{status if status in TRACES else 'other'}")


def _rule_text(source: str, t: Translate, language: str) -> str:
    """Say by which written rule a commune was added; the network's own list needs none."""
    rule = _RULE.match(source)
    services, trace, minutes = (
        found[1] if (found := pattern.search(source)) else ""
        for pattern in (_SERVICES, _TRACE, _MINUTES)
    )
    if rule is None:
        return t("network.listed")
    if rule[1] == "2":
        return t("network.rule.trace", what=_trace(trace, t))
    if rule[1] == "3":
        return t("network.rule.bourg", n=services)
    return t("network.rule.reach", minutes=format_number(float(minutes), language, ".1"))
