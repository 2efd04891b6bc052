"""Where the gaps are: premises without fibre, the doubt about them, and when copper closes on them.

Hides that two published counts of premises live side by side. Each keeps its own denominator; they
are never divided by one another. Where they differ, the gap of a commune is the interval between
what one says and what the other says, and its class tells whether both see a gap. A commune that no
count knows adds to no sum and is named as absent.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geo_matcher.errors import DataError, NotInReleaseError
from geo_matcher.schemas import BEST_TECHNOLOGY
from geo_matcher.territory import Territory, release_day

__all__ = [
    "ABSENT",
    "COUNTS",
    "GAP_CLASSES",
    "LATE_MONTHS",
    "SOURCE",
    "TECHNOLOGIES",
    "CopperStep",
    "Count",
    "EpciGap",
    "GapClass",
    "Gaps",
    "gaps",
    "left_at_closing",
]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

SOURCE = "broadband_fixed"
"""Table of the catalog that every count comes from."""

TECHNOLOGIES = tuple(name.removeprefix("mci_best_") for name in BEST_TECHNOLOGY)
"""Best technologies, fibre first, in the order of the table."""

COUNTS = ("ma_connexion_internet", "cartefibre")
"""The two published counts of premises and of those that can have fibre."""

WORK_PLACES = ("coworking", "third_place", "fablab", "telecentre")
"""Kinds of places where people work in company."""

GapClass = Literal["certain", "possible", "none", "unknown"]
GAP_CLASSES: tuple[GapClass, ...] = ("certain", "possible", "none")
"""Both counts see premises without fibre; only one does; neither does. A commune in which no count
holds any premises is ``unknown``, which is no class of a gap."""

LATE_MONTHS = 12
"""Months of the late scenario that is shown unasked."""

DAYS_A_MONTH = 365.25 / 12

ABSENT: tuple[tuple[str, str, str], ...] = (
    (
        "households",
        "Les ménages ne figurent pas dans les données : nous comptons les locaux et les habitants.",
        "Households are not in the data: premises and inhabitants are counted.",
    ),
    (
        "mobile",
        "La couverture mobile ne figure pas dans les données : aucun manque mobile n'est calculé.",
        "Mobile coverage is not in the data: no mobile gap is computed.",
    ),
)
"""What a planner asks about and no figure here answers: subject, French, English."""


@dataclass(frozen=True, slots=True)
class Count:
    """One published count of a commune or an EPCI, with its own denominator.

    Attributes
    ----------
    premises
        Premises counted: the denominator of this count and of no other.
    with_fibre
        Premises that can have fibre.
    """

    premises: int
    with_fibre: int

    @property
    def without_fibre(self) -> int | None:
        """Premises without fibre; never negative, and None where nothing was counted."""
        return max(0, self.premises - self.with_fibre) if self.premises else None

    @property
    def share(self) -> float | None:
        """Share with fibre as published: above 1 it is kept, and flagged elsewhere."""
        return self.with_fibre / self.premises if self.premises else None

    def as_dict(self) -> dict[str, Any]:
        """Return the count in plain types."""
        return {
            "premises": self.premises,
            "with_fibre": self.with_fibre,
            "without_fibre": self.without_fibre,
            "share": self.share,
        }


@dataclass(frozen=True, slots=True)
class EpciGap:
    """Gaps of one EPCI: the sums over its communes of this release.

    ``rows`` are the positions of its communes in the arrays of :class:`Gaps`.
    """

    code: str
    name: str
    rows: tuple[int, ...]
    low: int
    high: int
    counts: tuple[Count, Count]


@dataclass(frozen=True, slots=True)
class CopperStep:
    """What is left without fibre at one closing date of copper.

    Attributes
    ----------
    day
        Closing date; None for communes that have none.
    communes, premises
        Communes whose copper closes that day, and their premises.
    unbuilt
        Premises still without fibre that day if nothing is built (Ma connexion internet).
    low, high
        The same by the lower and the higher of the two counts.
    late
        Premises still without fibre that day if the works end ``months_late`` months after it;
        None without a date.
    """

    day: dt.date | None
    communes: int
    premises: int
    unbuilt: int
    low: int
    high: int
    late: float | None

    def as_dict(self) -> dict[str, Any]:
        """Return the step in plain types."""
        return {
            "copper_closure_date": None if self.day is None else self.day.isoformat(),
            "communes": self.communes,
            "premises": self.premises,
            "without_fibre_if_nothing_is_built": self.unbuilt,
            "low": self.low,
            "high": self.high,
            "without_fibre_if_late": self.late,
        }


def left_at_closing(
    gap: ArrayLike, counted: dt.date, closing: dt.date, *, months_late: float
) -> FloatArray:
    """Return the premises still without fibre on the day when copper closes, the works being late.

    An assumption, not a forecast: premises are completed at an even pace from the day of the data
    d0 to the day of the end of the works, T + n months, T being the closing of copper. On day T
    there remain gap × n / (T + n - d0), durations in days. On time (n = 0) nothing remains.

    Parameters
    ----------
    gap
        Premises without fibre on the day of the data.
    counted
        Day of the data.
    closing
        Day on which copper closes.
    months_late
        How many months after it the works end, 0 or more.
    """
    if not 0 <= months_late < 1200:
        raise DataError(f"months late: found {months_late:g}, expected 0 to 1,199.")
    late_days = months_late * DAYS_A_MONTH
    ahead_days = max(0, (closing - counted).days)
    whole = ahead_days + late_days
    share = late_days / whole if whole > 0 else 1.0  # closed already: what is missing is missing
    return np.asarray(gap, dtype=np.float64) * share


@dataclass(frozen=True, eq=False)
class Gaps:
    """The gaps of every commune, as arrays in the order of ``codes``.

    Attributes
    ----------
    release
        The data.
    counted
        Day of the counts.
    codes, names, epci_codes, epci_names
        The communes.
    population
        Inhabitants.
    density_km2
        Inhabitants per km²; NaN where the area is not known.
    by_technology
        Premises by best technology, one column for each of ``TECHNOLOGIES``; rows add up to
        ``premises``.
    premises, without_fibre, without_30mbit, without_1gbit
        Ma connexion internet: premises, and those without fibre, without 30 Mbit/s and without
        1 Gbit/s by land.
    with_fibre
        Premises with fibre by each count, one column for each of ``COUNTS``.
    counted_premises
        The denominator of each count.
    closing
        Closing date of copper; None where there is none.
    work_places
        Known places to work in company in the commune.
    newcomers
        Newcomers of a thousand expected to look for a home in the commune; None where it was not
        given.
    """

    release: str
    counted: dt.date
    codes: tuple[str, ...]
    names: tuple[str, ...]
    epci_codes: tuple[str, ...]
    epci_names: tuple[str, ...]
    population: IntArray
    density_km2: FloatArray
    by_technology: IntArray
    premises: IntArray
    without_fibre: IntArray
    without_30mbit: IntArray
    without_1gbit: IntArray
    counted_premises: IntArray
    with_fibre: IntArray
    closing: tuple[dt.date | None, ...]
    work_places: IntArray
    newcomers: FloatArray | None = None

    def __len__(self) -> int:
        """Return the number of communes."""
        return len(self.codes)

    @cached_property
    def without_by_count(self) -> FloatArray:
        """Premises without fibre by each count; NaN where a count holds no premises."""
        gap = np.maximum(self.counted_premises - self.with_fibre, 0).astype(np.float64)
        return np.where(self.counted_premises > 0, gap, np.nan)

    @cached_property
    def is_counted(self) -> NDArray[np.bool_]:
        """Whether a count holds premises of each commune; where none does, nothing is known."""
        return np.asarray((self.counted_premises > 0).any(axis=1))

    @cached_property
    def low(self) -> IntArray:
        """Premises without fibre by the lower of the counts that are known."""
        return np.asarray(np.nan_to_num(np.fmin(*self.without_by_count.T)), dtype=np.int64)

    @cached_property
    def high(self) -> IntArray:
        """Premises without fibre by the higher of the counts that are known."""
        return np.asarray(np.nan_to_num(np.fmax(*self.without_by_count.T)), dtype=np.int64)

    @cached_property
    def classes(self) -> tuple[GapClass, ...]:
        """Class of each commune: ``certain``, ``possible``, ``none`` or ``unknown``."""
        seen = (self.without_by_count > 0).sum(axis=1)
        names: dict[int, GapClass] = {2: "certain", 1: "possible", 0: "none"}
        return tuple(
            names[int(count)] if is_counted else "unknown"
            for count, is_counted in zip(seen, self.is_counted, strict=True)
        )

    @cached_property
    def rate_above_100(self) -> NDArray[np.bool_]:
        """Whether a published rate is above 100 %: it is kept as published."""
        return np.asarray((self.with_fibre > self.counted_premises).any(axis=1))

    @cached_property
    def epcis(self) -> tuple[EpciGap, ...]:
        """The EPCI, the largest gap by Ma connexion internet first, then by code."""
        rows: dict[str, list[int]] = {}
        for row, code in enumerate(self.epci_codes):
            rows.setdefault(code, []).append(row)
        found = [
            EpciGap(
                code,
                self.epci_names[own[0]],
                tuple(own),
                int(self.low[own].sum()),
                int(self.high[own].sum()),
                self._counts(own),
            )
            for code, own in rows.items()
        ]
        return tuple(
            sorted(found, key=lambda e: (-int(self.without_fibre[list(e.rows)].sum()), e.code))
        )

    def calendar(self, months_late: float = LATE_MONTHS) -> tuple[CopperStep, ...]:
        """Return what is left without fibre at each closing date, the earliest first.

        Parameters
        ----------
        months_late
            Months after the closing when the works end, in the late scenario; see
            :func:`left_at_closing`.

        Raises
        ------
        DataError
            If the months are negative.
        """
        days = sorted({day for day in self.closing if day is not None})
        steps = []
        for day in (*days, *([None] if None in self.closing else [])):
            own = [row for row, closing in enumerate(self.closing) if closing == day]
            gap = int(self.without_fibre[own].sum())
            late = (
                None
                if day is None
                else float(left_at_closing(gap, self.counted, day, months_late=months_late))
            )
            sums = (int(array[own].sum()) for array in (self.premises, self.low, self.high))
            premises, low, high = sums
            steps.append(CopperStep(day, len(own), premises, gap, low, high, late))
        return tuple(steps)

    def _counts(self, rows: Sequence[int]) -> tuple[Count, Count]:
        premises = self.counted_premises[rows].sum(axis=0)
        fibre = self.with_fibre[rows].sum(axis=0)
        one, other = (Count(int(p), int(f)) for p, f in zip(premises, fibre, strict=True))
        return one, other

    def as_dict(
        self, by: Literal["commune", "epci"] = "commune", *, months_late: float = LATE_MONTHS
    ) -> dict[str, Any]:
        """Return the gaps in plain types.

        Parameters
        ----------
        by
            One row per commune, or one per EPCI.
        months_late
            Months of the late scenario.
        """
        every = list(range(len(self)))
        if by == "commune":
            rows = [
                {
                    "insee_code": self.codes[row],
                    "name": self.names[row],
                    "epci": self.epci_names[row],
                    **self._figures([row], int(self.low[row]), int(self.high[row])),
                    "class": self.classes[row],
                    **self._copper(row, months_late),
                }
                for row in np.flatnonzero(self.is_counted).tolist()
            ]
        else:
            rows = [
                {
                    "epci_code": epci.code,
                    "epci": epci.name,
                    "communes": len(epci.rows),
                    **self._figures(epci.rows, epci.low, epci.high),
                    "classes": self._class_counts(epci.rows),
                }
                for epci in self.epcis
            ]
        return {
            "release": self.release,
            "source": SOURCE,
            "counted": self.counted.isoformat(),
            "total": {
                "communes": len(self),
                **self._figures(every, int(self.low.sum()), int(self.high.sum())),
                "classes": self._class_counts(every),
            },
            "copper": {
                "months_late": months_late,
                "assumption": "even pace from the day of the data to the closing date + months",
                "steps": [step.as_dict() for step in self.calendar(months_late)],
            },
            "absent": [
                {"subject": subject, "text_fr": french, "text_en": english}
                for subject, french, english in (*ABSENT, *self._uncounted())
            ],
            "by": by,
            "rows": rows,
        }

    def _uncounted(self) -> list[tuple[str, str, str]]:
        rows = np.flatnonzero(~self.is_counted).tolist()
        if not rows:
            return []
        names = ", ".join(f"{self.names[row]} ({self.codes[row]})" for row in rows)
        return [
            (
                "lines",
                f"Aucun compte ne connaît les locaux de ces communes, qui manquent : {names}.",
                f"No count knows the premises of these communes, which are missing: {names}.",
            )
        ]

    def _class_counts(self, rows: Sequence[int]) -> dict[str, int]:
        found = Counter(self.classes[row] for row in rows)
        return {name: found[name] for name in GAP_CLASSES}

    def _figures(self, rows: Sequence[int], low: int, high: int) -> dict[str, Any]:
        own = list(rows)
        newcomers = None if self.newcomers is None else float(self.newcomers[own].sum())
        return {
            "premises": int(self.premises[own].sum()),
            "by_technology": {
                name: int(total)
                for name, total in zip(
                    TECHNOLOGIES, self.by_technology[own].sum(axis=0), strict=True
                )
            },
            "without_fibre": int(self.without_fibre[own].sum()),
            "without_30mbit": int(self.without_30mbit[own].sum()),
            "without_1gbit": int(self.without_1gbit[own].sum()),
            "counts": {
                name: count.as_dict() for name, count in zip(COUNTS, self._counts(own), strict=True)
            },
            "rate_above_100": bool(self.rate_above_100[own].any()),
            "gap": {"low": low, "high": high},
            "concerned": {
                "population": int(self.population[own].sum()),
                "work_places": int(self.work_places[own].sum()),
                "newcomers": newcomers,
            },
        }

    def _copper(self, row: int, months_late: float) -> dict[str, Any]:
        day = self.closing[row]
        gap = int(self.without_fibre[row])
        late = (
            None
            if day is None
            else float(left_at_closing(gap, self.counted, day, months_late=months_late))
        )
        return {
            "copper_closure_date": None if day is None else day.isoformat(),
            "without_fibre_if_late": late,
        }


def gaps(territory: Territory, newcomers: ArrayLike | None = None) -> Gaps:
    """Return the gaps of a release.

    Parameters
    ----------
    territory
        A loaded release.
    newcomers
        Newcomers of a thousand expected in each commune, in the order of ``territory.codes``; for
        instance the share of a population whose first villages hold it. None where unknown.

    Raises
    ------
    NotInReleaseError
        If the release holds no internet lines.
    DataError
        If ``newcomers`` does not fit the communes, or premises by technology do not add up.
    """
    if SOURCE not in territory.tables:
        raise NotInReleaseError(
            f"{territory.release_id} holds no internet lines ({SOURCE}), so there is no gap to "
            "show and nothing to plan. Add the table and build the release again."
        )
    order = list(territory.codes)
    line = territory.tables[SOURCE].set_index("insee_code").reindex(order)
    communes = territory.communes.loc[order]

    def whole(name: str) -> IntArray:
        return line[name].fillna(0).to_numpy(dtype=np.int64)  # see Gaps.is_counted

    by_technology = line[list(BEST_TECHNOLOGY)].fillna(0).to_numpy(dtype=np.int64)
    premises = whole("mci_premises")
    wrong = np.flatnonzero(by_technology.sum(axis=1) != premises)
    if wrong.size:
        raise DataError(
            f"{SOURCE}: premises by technology do not add up in {order[wrong[0]]} "
            f"({wrong.size} communes in all). Rebuild the release from its source."
        )
    places = territory.places
    kinds = places.loc[places["kind"].isin(WORK_PLACES), "insee_code"].value_counts()
    density = territory.indicators["density_km2"].reindex(order).to_numpy(dtype=np.float64)
    return Gaps(
        release=territory.release_id,
        counted=_last_day(territory.catalog[SOURCE].vintage),
        codes=tuple(order),
        names=tuple(communes["name"]),
        epci_codes=tuple(communes["epci_code"]),
        epci_names=tuple(communes["epci_name"]),
        population=communes["population"].to_numpy(dtype=np.int64),
        density_km2=density,
        by_technology=by_technology,
        premises=premises,
        without_fibre=premises - whole("mci_best_ftth"),
        without_30mbit=premises - whole("mci_land_30mbit"),
        without_1gbit=premises - whole("mci_land_1gbit"),
        counted_premises=np.column_stack([premises, whole("cartefibre_premises")]),
        with_fibre=np.column_stack(
            [whole("mci_best_ftth"), whole("cartefibre_ftth_premises_passed")]
        ),
        closing=tuple(
            dt.date.fromisoformat(day) if day else None
            for day in line["copper_closure_date"].fillna("")
        ),
        work_places=np.asarray(kinds.reindex(order, fill_value=0), dtype=np.int64),
        newcomers=_checked_newcomers(newcomers, len(order)),
    )


def _last_day(vintage: str) -> dt.date:
    """Return the day of a vintage, or the last one of its month or year."""
    try:
        if len(vintage) == len("2026"):
            return dt.date(int(vintage), 12, 31)
        return (
            dt.date.fromisoformat(vintage)
            if len(vintage) > len("2026-06")
            else release_day(vintage)
        )
    except ValueError:
        raise DataError(
            f"catalog.toml: {SOURCE} vintage = {vintage!r} must be a day, a month or a year, for "
            "example '2026-06-30'"
        ) from None


def _checked_newcomers(newcomers: ArrayLike | None, count: int) -> FloatArray | None:
    if newcomers is None:
        return None
    found = np.asarray(newcomers, dtype=np.float64)
    if found.shape != (count,) or not np.isfinite(found).all() or (found < 0).any():
        raise DataError(
            f"newcomers: found an array of shape {found.shape}, expected {count} finite numbers, "
            "none negative. Give one number for each commune, in the order of the release."
        )
    return found
