"""A visit as a calendar file (iCalendar, RFC 5545) that any calendar opens.

Hides the format. One event for each village, in local time of the place; whom to call stands in the
description.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Mapping
from zoneinfo import ZoneInfo

from geo_matcher.territory import Territory
from geo_matcher.visits import VisitPlan, VisitStop

__all__ = ["TIME_ZONE", "visit_calendar"]

TIME_ZONE = "Europe/Paris"

NAMES: Mapping[str, tuple[str, str]] = {
    "fr": ("Visite : {name}", "Mairie"),
    "en": ("Visit: {name}", "Town hall"),
}
DRIVE = {"fr": "Route : {minutes} min estimées", "en": "Drive: {minutes} min, estimated"}


def visit_calendar(
    territory: Territory,
    plan: VisitPlan,
    first_day: dt.date,
    *,
    language: str = "fr",
    notes: Callable[[VisitStop], str] | None = None,
) -> bytes:
    """Write a visit as a calendar.

    Parameters
    ----------
    territory
        The release that the plan was made with.
    plan
        The visit.
    first_day
        Its first day; the others follow.
    language
        ``fr`` or ``en``.
    notes
        What else to say of a village, such as what to check there.

    Returns
    -------
    bytes
        UTF-8. Deterministic: the same visit on the same day gives the same bytes.
    """
    from icalendar import Calendar, Event, vGeo

    title, town_hall = NAMES[language]
    calendar = Calendar()
    calendar.add("prodid", f"-//geo_matcher//{territory.release_id}//{language.upper()}")
    calendar.add("version", "2.0")
    zone = ZoneInfo(TIME_ZONE)
    for stop in plan.stops:
        day = first_day + dt.timedelta(days=stop.day - 1)
        commune = territory.communes.loc[stop.insee_code].to_dict()
        lines = [
            DRIVE[language].format(minutes=round(stop.drive_min)),
            f"{town_hall}: "
            + ", ".join(
                str(commune[f"town_hall_{part}"])
                for part in ("address", "phone", "email", "website")
                if commune[f"town_hall_{part}"]
            ),
        ]
        if notes is not None and (more := notes(stop)):
            lines.append(more)
        event = Event()
        mark = f"{territory.release_id} {stop.insee_code} {day} {stop.arrival}"
        event.add("uid", f"{hashlib.sha256(mark.encode()).hexdigest()[:32]}@geo-matcher")
        event.add("dtstamp", dt.datetime.combine(first_day, dt.time(), dt.UTC))
        event.add("dtstart", dt.datetime.combine(day, stop.arrival, zone))
        event.add("dtend", dt.datetime.combine(day, stop.departure, zone))
        event.add("summary", title.format(name=stop.name))
        event.add("location", f"{town_hall}, {stop.name}")
        event.add("geo", vGeo((commune["town_hall_lat"], commune["town_hall_lon"])))
        event.add("description", "\n".join(lines))
        calendar.add_component(event)
    calendar.add_missing_timezones()
    return bytes(calendar.to_ical())
