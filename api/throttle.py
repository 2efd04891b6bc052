"""How often something may be sent from one address, and by everybody together.

Hides the counting. It lives in the memory of the service and nowhere else: addresses are not kept
beyond the window, and a restart forgets them.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable

__all__ = ["Throttle"]

MAX_SUBJECTS = 10_000


class Throttle:
    """Counts over a sliding window.

    Parameters
    ----------
    each, all_together
        How often one subject, and all of them, may do it within the window.
    window_s
        Length of the window, in s.
    now
        Gives a time in s that never goes back.
    """

    def __init__(
        self,
        each: int,
        all_together: int,
        window_s: float,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.each, self.all_together, self.window_s, self._now = each, all_together, window_s, now
        self._lock = threading.Lock()
        self._all: deque[float] = deque()
        self._by_subject: OrderedDict[str, deque[float]] = OrderedDict()

    def admits(self, subject: str) -> bool:
        """Count an attempt, and tell whether it may go on; one that may not is not counted."""
        now = self._now()
        with self._lock:
            mine = self._by_subject.setdefault(subject, deque())
            self._by_subject.move_to_end(subject)
            for times in (self._all, mine):
                while times and times[0] <= now - self.window_s:
                    times.popleft()
            while len(self._by_subject) > MAX_SUBJECTS:
                self._by_subject.popitem(last=False)
            if len(mine) >= self.each or len(self._all) >= self.all_together:
                return False
            mine.append(now)
            self._all.append(now)
            return True
