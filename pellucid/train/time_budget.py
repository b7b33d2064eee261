"""Dividing a time limit among the networks of a table."""

from __future__ import annotations

import time
from collections.abc import Callable

RULE = (
    "the first network may take all the time; another is begun only if as much time is left as the "
    "longest so far took, and one that does not end in time is left out"
)


class TimeBudget:
    """The time that the networks of a table have together.

    Networks are trained one after another, each to its end, rather than all of them for a share of the
    time: an average of networks that have hardly been trained is worse than one that has been. The first
    network may take all the time. Another is begun only if as much time is left as the longest so far
    took; if it does not end in time, it is left out. With a given clock all of this is determined.

    seconds: the limit; None for none, and then every network is begun. clock: seconds from any origin.
    """

    def __init__(self, seconds: float | None, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds = seconds
        self.was_short = False
        self._clock = clock
        self._first = self._begun = clock()
        self._longest = 0.0

    def left(self) -> float | None:
        """Seconds that are left; None without a limit."""
        if self.seconds is None:
            return None
        return max(self.seconds - (self._clock() - self._first), 0.0)

    def begin(self, complete: int) -> bool:
        """Whether another network is begun, when so many are complete."""
        if not complete:
            self._first = self._clock()
        left = self.left()
        if left is None or not complete or (left > 0 and left >= self._longest):
            self._begun = self._clock()
            return True
        self.was_short = True
        return False

    def end(self, complete: int) -> bool:
        """Whether the network that was begun counts, when so many before it are complete."""
        self._longest = max(self._longest, self._clock() - self._begun)
        if not complete or self.left() != 0:
            return True
        self.was_short = True
        return False
