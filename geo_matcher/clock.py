"""The day that it is.

Hides whose day is meant. Whoever asks calls ``clock.today()``, so that a test can set it for all.
"""

from __future__ import annotations

import datetime as dt

__all__ = ["today"]


def today() -> dt.date:
    """Return the day, UTC."""
    return dt.datetime.now(dt.UTC).date()
