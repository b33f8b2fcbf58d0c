"""Counts facts into intervals.

A call is counted in the interval in which it joined the queue, whatever comes of it later: so in each line offered is
answered + abandoned + left + still waiting, and no call is in two lines. Over all queues a caller who moved from one to
another is one caller, counted where he came first by what came of him last. The time of seats is cut at the intervals'
bounds. Virtual calls are counted apart: a message that was heard in the morning says nothing of how callers are served.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from msgspec import Struct, field

from acd.history import Entry, Restated
from acd.reports.facts import ABANDONED, ANSWERED, Attempt, Span, Stay
from acd.reports.ledger import Ledger
from acd.reports.legs import Path
from acd.reports.metrics import Counts, SeatTime

if TYPE_CHECKING:
    from acd.core.model import Gap

ALL = ""
"""The name of all queues together."""
DAY_MS = 86_400_000

Cells = dict[tuple[str, int], Counts]


def zone_ms(at: int) -> int:
    """Return how far this machine's local time is ahead of UTC at a time."""
    return time.localtime(at / 1000).tm_gmtoff * 1000


class Virtual(Struct, kw_only=True):
    """What happened to the virtual calls of a queue and a medium."""

    came: int = 0
    waiting: int = 0
    taken_ms: list[int] = field(default_factory=list)
    """Wait of each that an agent took; one that is given back is taken again, and waits anew."""
    talks_ms: list[int] = field(default_factory=list)


class Window(Struct, frozen=True):
    """A time to report on: from `start` to before `end`."""

    start: int = 0
    end: int = 1 << 62

    def holds(self, at: int) -> bool:
        """Whether a time lies in it."""
        return self.start <= at < self.end


class Table:
    """Facts, counted."""

    def __init__(
        self,
        interval_ms: int = 1_800_000,
        window: Window | None = None,
        zone: Callable[[int], int] = zone_ms,
    ) -> None:
        self.interval_ms = interval_ms
        self.window = window or Window()
        self.calls: Cells = {}
        """Queue (or `ALL`) and start of interval -> what happened to its calls."""
        self.seats: dict[tuple[str, int], SeatTime] = {}
        """Seat and start of interval -> what it did."""
        self.virtual: dict[tuple[str, str], Virtual] = {}
        """Queue and medium -> what happened to its virtual calls."""
        self.queues: set[str] = set()
        self.gaps: list[Gap] = []
        self.given: list[Path] = []
        """Calls that were given away in the window, in the order in which they ended; those that last come last."""
        self._zone = zone

    def interval_of(self, at: int) -> int:
        """Return the start of the interval that a time is in; intervals begin on the full hour of local time."""
        return at - (at + self._zone(at)) % self.interval_ms

    def fold(self, entries: Iterable[Entry | Restated], ledger: Ledger | None = None) -> Ledger:
        """Read entries to their end, or that of the window, and count them."""
        ledger = ledger or Ledger()
        for entry in entries:
            if isinstance(entry, Restated):
                ledger.restate(entry.state, entry.why, lost=entry.lost)
                continue
            if entry.event.at >= self.window.end:
                ledger.now = self.window.end
                break
            ledger.note(entry.event, entry.commands)
            if len(ledger.spans) > 1_000:
                self.take(ledger)
        self.finish(ledger)
        return ledger

    def take(self, ledger: Ledger) -> None:
        """Count what is finished, and let the ledger forget it."""
        for stay in ledger.stays:
            self.add_stay(stay)
        for attempt in ledger.attempts:
            self._add_attempt(attempt)
        for span in ledger.spans:
            self._add_span(span)
        self.gaps += [gap for gap in ledger.gaps if gap.start < self.window.end and gap.end > self.window.start]
        ledger.stays, ledger.attempts, ledger.spans, ledger.gaps = [], [], [], []
        self._add_given(ledger.legs.given)
        for seat, at, hold_ms in ledger.legs.holds:
            if seat in ledger.served and self.window.holds(at):
                self._time(seat, self.interval_of(at)).hold_ms += hold_ms
        ledger.legs.given, ledger.legs.holds = [], []

    def finish(self, ledger: Ledger) -> None:
        """Count what is finished, and what is still open as far as it has come."""
        self.take(ledger)
        for stay in ledger.open_stays:
            self.add_stay(stay, ledger.now)
        for span in ledger.open_spans():
            self._add_span(span)
        self._add_given(ledger.legs.open)

    def _add_given(self, paths: Iterable[Path]) -> None:
        self.given += [path for path in paths if self.window.holds(path.at)]

    def touched_by_gap(self, start: int) -> str:
        """Say why the journal does not tell all of an interval; empty if it does."""
        end = start + self.interval_ms
        return "; ".join(dict.fromkeys(gap.why for gap in self.gaps if gap.start < end and gap.end > start))

    # Facts

    def add_stay(self, stay: Stay, now: int = 0) -> None:
        """Count a call; one that waits still, as it stands `now`."""
        if stay.virtual:
            self._add_virtual(stay)
            return
        if self.window.holds(stay.joined):
            self.queues.add(stay.queue)
            counts = self._cell(stay.queue, stay.joined)
            counts.offered += 1
            _count(counts, stay, now)
        if self.window.holds(stay.came) and not stay.moved_on:
            counts = self._cell(ALL, stay.came)
            counts.offered += 1
            _count(counts, stay, now)

    def _add_virtual(self, stay: Stay) -> None:
        if self.window.holds(stay.joined):
            self.queues.add(stay.queue)
            counts = self.virtual.setdefault((stay.queue, stay.medium), Virtual())
            counts.came += not stay.again
            counts.waiting += stay.ended is None
            if stay.how == ANSWERED:
                counts.taken_ms.append(stay.wait_ms)
                counts.talks_ms += [stay.talk_ms] if stay.talk_ms is not None else []

    def _cell(self, queue: str, at: int) -> Counts:
        key = queue, self.interval_of(at)
        counts = self.calls.get(key)
        if counts is None:
            counts = self.calls[key] = Counts()
        return counts

    def _add_attempt(self, attempt: Attempt) -> None:
        at = attempt.made if attempt.connected is None else attempt.connected
        if not self.window.holds(at) or attempt.outcome == "withdrawn":
            return
        spent = self._time(attempt.seat, self.interval_of(at))
        if attempt.outcome == ANSWERED:
            spent.answered += 1
        else:
            spent.unanswered += 1

    def _add_span(self, span: Span) -> None:
        if span.doing == "logged-out":
            return
        name = f"{span.doing.replace('-', '_')}_ms"
        start, end = max(span.start, self.window.start), min(span.end, self.window.end)
        while start < end:
            interval = self.interval_of(start)
            until = min(end, interval + self.interval_ms)
            spent = self._time(span.seat, interval)
            setattr(spent, name, getattr(spent, name) + until - start)
            start = until

    def _time(self, seat: str, interval: int) -> SeatTime:
        return self.seats.setdefault((seat, interval), SeatTime())

    # Sums

    def total(self, queue: str = ALL) -> Counts:
        """Return all intervals of a queue as one."""
        return merged(counts for (name, _), counts in self.calls.items() if name == queue)

    def seat_total(self, seats: Iterable[str] | None = None, interval: int | None = None) -> SeatTime:
        """Return the time of some seats, or of all, in one interval or in all of them."""
        wanted = None if seats is None else set(seats)
        total = SeatTime()
        for (seat, start), spent in self.seats.items():
            if (wanted is None or seat in wanted) and interval in {None, start}:
                total.add(spent)
        return total


def _count(counts: Counts, stay: Stay, now: int) -> None:
    if stay.ended is None:
        counts.open_ms.append(max(0, now - stay.began))
    elif stay.how == ANSWERED:
        counts.answered_ms.append(stay.wait_ms)
    elif stay.how == ABANDONED:
        counts.abandoned_ms.append(stay.wait_ms)
    else:
        counts.left_ms.append(stay.wait_ms)
        counts.left[stay.how] += 1
    if stay.talk_ms is not None:
        counts.talks_ms.append(stay.talk_ms)
        if stay.wrap_up_ms is not None:
            counts.wrap_ups_ms.append(stay.wrap_up_ms)
    if stay.told_at is not None and not stay.moved_on:
        waited = (now if stay.ended is None else stay.ended) - stay.told_at
        late = waited > stay.told_most_ms
        if late or stay.how == ANSWERED:
            counts.promises += 1
            counts.promises_kept += not late


def merged(several: Iterable[Counts]) -> Counts:
    """Put several intervals together."""
    total = Counts()
    for one in several:
        total.offered += one.offered
        total.left = Counter(total.left) + one.left
        total.promises += one.promises
        total.promises_kept += one.promises_kept
        for name in ("answered_ms", "abandoned_ms", "left_ms", "open_ms", "talks_ms", "wrap_ups_ms"):
            getattr(total, name).extend(getattr(one, name))
    return total
