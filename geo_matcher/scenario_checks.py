"""What a scenario names, and what its rules say against one another.

Hides how communes and EPCI are looked up and how contradictions are found. Both work on whatever
can be read, so that one fault does not hide the others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from geo_matcher.errors import UnknownCommuneError
from geo_matcher.territory import Territory, fold

__all__ = ["EACH", "contradictions", "find_epci", "resolve"]

EACH = "each"
"""Stands for every EPCI in a floor."""


def resolve(raw: dict[str, Any], territory: Territory) -> list[str]:
    """Put codes in place of the names of communes and EPCI, and return what is unknown.

    Parameters
    ----------
    raw
        A scenario as read; its references are changed in place.
    territory
        The release they are looked up in.
    """
    problems: list[str] = []
    epcis = dict(zip(territory.communes["epci_code"], territory.communes["epci_name"], strict=True))
    actions = [
        row["name"]
        for row in _dicts(raw, "action")
        if isinstance(row.get("name"), str) and ("kind" in row)
    ]
    known = ", ".join(actions)

    def commune(where: str, asked: str) -> str:
        try:
            return territory.find(asked)
        except UnknownCommuneError as error:
            problems.append(f"{where}: {error}".rstrip("."))
            return asked

    def action(where: str, asked: object) -> None:
        if isinstance(asked, str) and asked not in actions:
            problems.append(f"{where}: unknown action {asked[:40]!r} (known: {known})")

    for number, row in enumerate(_dicts(raw, "action"), 1):
        where = f"action {row.get('name', number)}"
        if "kind" not in row:
            problems.append(
                f"{where}: unknown action (known: {known}); a new one says its kind, labels and "
                "cost"
            )
        named = row.get("communes")
        if isinstance(named, list):
            row["communes"] = [
                commune(f"{where} communes", asked) if isinstance(asked, str) else asked
                for asked in named
            ]
    for table in ("floor", "cap", "exclude", "decided", "precedence", "exclusive"):
        for number, row in enumerate(_dicts(raw, table), 1):
            where = f"{table} {number}"
            for key in ("action", "after"):
                action(where, row.get(key))
            for name in row["actions"] if isinstance(row.get("actions"), list) else ():
                action(where, name)
            if isinstance(row.get("commune"), str):
                row["commune"] = commune(where, row["commune"])
            asked = row.get("epci")
            if isinstance(asked, str) and not (table == "floor" and asked == EACH):
                code = find_epci(asked, epcis)
                row["epci"] = code or asked
                if code is None:
                    names = ", ".join(sorted(set(epcis.values())))
                    problems.append(f"{where}: unknown EPCI {asked[:60]!r} (known: {names})")
    return problems


def _dicts(raw: Mapping[str, Any], table: str) -> Iterator[dict[str, Any]]:
    rows = raw.get(table)
    yield from (row for row in rows if isinstance(row, dict)) if isinstance(rows, list) else ()


def find_epci(asked: str, epcis: Mapping[str, str]) -> str | None:
    """Return the code of an EPCI from its code, its name or a part that only it has.

    Parameters
    ----------
    asked
        What was written.
    epcis
        Names by code.

    Returns
    -------
    str or None
        None where no EPCI, or more than one, is meant.
    """
    if asked in epcis:
        return asked
    wanted = fold(asked)
    exact = [code for code, name in epcis.items() if fold(name) == wanted]
    part = [code for code, name in epcis.items() if wanted and wanted in fold(name)]
    return exact[0] if exact else part[0] if len(part) == 1 else None


def contradictions(rules: Mapping[str, Sequence[Any]], epcis: int) -> list[str]:
    """Return what the rules of a scenario say against one another.

    Parameters
    ----------
    rules
        The rows that can be read, by table.
    epcis
        How many EPCI the release has: what a floor for each of them stands for.
    """
    return [
        *_floors_against_caps(rules["floor"], rules["cap"], epcis),
        *_decided_against_rules(rules),
        *_circles(rules["precedence"]),
        *(
            f"exclusive {number}: {', '.join(row.actions)} names an action twice"
            for number, row in enumerate(rules["exclusive"], 1)
            if len(set(row.actions)) < len(row.actions)
        ),
    ]


def _floors_against_caps(floors: Sequence[Any], caps: Sequence[Any], epcis: int) -> Iterator[str]:
    total = 0.0
    for floor in floors:
        share = floor.at_least_share_of_spending
        if share is not None:
            total += share * (epcis if floor.epci == EACH else 1)
    if total > 1 + 1e-9:
        yield (
            f"floors: the shares of spending add up to {total:.0%} of it; expected at most 100%, "
            "all EPCI together"
        )
    for floor in floors:
        for cap in caps:
            is_same = cap.epci is not None and floor.epci in (cap.epci, EACH)
            if not is_same or cap.action is not None:
                continue
            if (
                floor.at_least_eur is not None
                and cap.at_most_eur is not None
                and floor.at_least_eur > cap.at_most_eur
            ):
                yield (
                    f"floor and cap of EPCI {cap.epci}: at least {floor.at_least_eur:,.0f} € and "
                    f"at most {cap.at_most_eur:,.0f} € cannot both hold"
                )
            if cap.at_most_communes == 0 or cap.at_most_eur == 0:
                yield f"floor and cap of EPCI {cap.epci}: something and nothing cannot both hold"


def _decided_against_rules(rules: Mapping[str, Sequence[Any]]) -> Iterator[str]:
    by_commune: defaultdict[str, set[str]] = defaultdict(set)
    for row in rules["decided"]:
        by_commune[row.commune].add(row.action)
        for out in rules["exclude"]:
            if (
                out.epci is None
                and out.commune in (None, row.commune)
                and out.action in (None, row.action)
            ):
                yield f"{row.action} in {row.commune} is both decided and excluded"
    for commune, names in by_commune.items():
        for group in rules["exclusive"]:
            both = sorted(names & set(group.actions))
            if len(both) > 1:
                yield f"{' and '.join(both)} are both decided in {commune}, and exclude each other"


def _circles(precedence: Sequence[Any]) -> Iterator[str]:
    after: defaultdict[str, set[str]] = defaultdict(set)
    for row in precedence:
        after[row.action].add(row.after)
    told: set[frozenset[str]] = set()
    for start in list(after):
        seen: set[str] = set()
        ahead = list(after[start])
        while ahead:
            name = ahead.pop()
            if name not in seen:
                seen.add(name)
                ahead += after.get(name, ())
        if start in seen:
            circle = frozenset({start} | {name for name in seen if start in after.get(name, ())})
            if circle not in told:
                told.add(circle)
                yield f"precedence: {', '.join(sorted(circle))} wait for one another"
