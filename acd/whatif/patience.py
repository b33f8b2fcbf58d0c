"""How long callers are willing to wait, learned from those who gave up and from those who did not have to.

Who gave up after 40 s had 40 s of patience. Who was answered after 40 s had more, nobody knows how much: his patience
is *censored*. Leaving him out would make everybody look impatient, because it is the patient who get answered late. The
product-limit estimate takes him for what he is (Kaplan, Meier: Nonparametric estimation from incomplete observations,
Journal of the American Statistical Association 53, 1958). Beyond the longest wait that was seen it is carried on by the
exponential curve through its last point (Brown, Hollander, Korwar: Nonparametric tests of independence for censored
data, 1974), since a day says nothing of waits that nobody had.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import groupby

ABANDONS_LEAST = 20
"""With fewer callers who gave up, a queue's patience is taken from all queues."""


class Patience:
    """A survival curve: which share of callers still waits after a time, if nobody is answered."""

    def __init__(self, waits: Iterable[tuple[int, bool]]) -> None:
        """Learn from waits in ms, each with whether it ended because the caller gave up."""
        known = sorted(waits)
        self.abandons = sum(gave_up for _, gave_up in known)
        self._times: list[int] = []
        self._left: list[float] = []
        """The share that waits on after each of these times."""
        at_risk, share = len(known), 1.0
        for wait, several in groupby(known, key=lambda one: one[0]):
            ends = [gave_up for _, gave_up in several]
            if any(ends):
                share *= 1 - sum(ends) / at_risk
                self._times.append(wait)
                self._left.append(share)
            at_risk -= len(ends)
        self._longest = known[-1][0] if known else 0
        self._hazard = 0.0
        """Beyond the longest wait: share of those left who give up, per ms. 0: nobody ever does."""
        if 0 < share < 1 and self._longest:
            self._hazard = -math.log(share) / self._longest

    def share_after(self, wait_ms: int) -> float:
        """Return which share of callers is willing to wait longer than this."""
        place = bisect_right(self._times, wait_ms)
        share = self._left[place - 1] if place else 1.0
        return share * math.exp(-self._hazard * max(0, wait_ms - self._longest))

    def draw(self, chance: float, longer_than_ms: int = -1) -> int | None:
        """Draw the patience of somebody of whom is known that it is longer than a time.

        Args:
            chance: uniform in [0, 1).
            longer_than_ms: he waited so long and did not give up; -1 for somebody of whom nothing is known.

        Returns:
            When he gives up, ms from the begin of his wait; None if he never does.

        """
        begin = 1.0 if longer_than_ms < 0 else self.share_after(longer_than_ms)
        wanted = begin * (1 - chance)  # in (0, begin]: he waits until no more than this share is left
        first = bisect_right(self._times, longer_than_ms)
        place = _first_at_most(self._left, wanted, first)
        if place < len(self._times):
            return self._times[place]
        if not self._hazard:
            return None
        last = self._left[-1] if self._left else 1.0
        return max(longer_than_ms + 1, self._longest + math.ceil(math.log(last / wanted) / self._hazard))


def _first_at_most(falling: Sequence[float], wanted: float, low: int) -> int:
    """Return the first place from `low` on whose value is at most this, in a falling row; its length for none."""
    high = len(falling)
    while low < high:
        middle = (low + high) // 2
        if falling[middle] <= wanted:
            high = middle
        else:
            low = middle + 1
    return low
