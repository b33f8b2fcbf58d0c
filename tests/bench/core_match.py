"""What one decision costs: 10,000 seats in 500 classes, 100,000 calls waiting in 2,000 classes, a seat comes free.

The compiled matcher, its pure twin and a numpy scan of all waiting calls are told the same in the same run, in turns,
so that the ratios hold on any machine; all three must name the same call, or the bench fails. A decision is `free` and
`match` as Python asks for them, less what the clock itself costs. The call that was given away waits again with a new
due time (not timed), so the load stays as it is.
"""

import random
import tracemalloc
from statistics import median
from time import perf_counter_ns
from typing import Protocol

import numpy as np
from rich.console import Console
from rich.table import Table

from _fastpath import match_py

SEATS, SEAT_CLASSES = 10_000, 500
CALLS, CALL_CLASSES = 100_000, 2_000
SKILLS = 200
ROUNDS = 5
COMPILED_DECISIONS, NUMPY_DECISIONS, PURE_DECISIONS = 100_000, 30, 2  # a round; after another one the caches are cold


class Matcher(Protocol):
    """What is measured: so much of a matcher as a decision needs."""

    def wait(self, call: int, call_class: int, rank: int, due: int) -> None:
        """Add a waiting call."""

    def free(self, seat: int, seat_class: int, key: int) -> None:
        """Add a free seat."""

    def busy(self, seat: int) -> None:
        """Remove a free seat."""

    def match(self) -> tuple[int, int] | None:
        """Take out the best pair."""


class Site:
    """A synthetic centre: 3 to 8 skills a seat class, 1 to 3 of them asked for by a call class, few of them common."""

    def __init__(self, seed: int) -> None:
        draw = random.Random(seed)

        def skewed(count: int) -> int:
            return int(count * draw.random() * draw.random())

        has = [{skewed(SKILLS) for _ in range(draw.randint(3, 8))} for _ in range(SEAT_CLASSES)]
        asks = [set(draw.choices(sorted(draw.choice(has)), k=draw.randint(1, 3))) for _ in range(CALL_CLASSES)]
        self.links = [[c for c in range(CALL_CLASSES) if asks[c] <= skills] for skills in has]
        self.call_class = [skewed(CALL_CLASSES) for _ in range(CALLS)]
        self.seat_class = [draw.randrange(SEAT_CLASSES) for _ in range(SEATS)]
        self.rank = [draw.randrange(5) for _ in range(CALLS)]

    def fill(self, matcher: Matcher) -> None:
        """Let all calls wait."""
        for call in range(CALLS):
            matcher.wait(call, self.call_class[call], self.rank[call], call)


class Scan:
    """The peer: waiting calls as columns, one vectorised pass over all of them for each seat that comes free."""

    def __init__(self, links: list[list[int]]) -> None:
        self.may = np.zeros((SEAT_CLASSES, CALL_CLASSES), bool)
        for seat_class, call_classes in enumerate(links):
            self.may[seat_class, call_classes] = True
        self.call_class = np.zeros(CALLS, np.int64)
        self.rank = np.zeros(CALLS, np.int64)
        self.due = np.zeros(CALLS, np.int64)
        self.seat = (0, 0)

    def wait(self, call: int, call_class: int, rank: int, due: int) -> None:
        self.call_class[call], self.rank[call], self.due[call] = call_class, rank, due

    def free(self, seat: int, seat_class: int, key: int) -> None:
        self.seat = (seat, seat_class)

    def busy(self, seat: int) -> None:
        pass

    def match(self) -> tuple[int, int] | None:
        calls = np.flatnonzero(self.may[self.seat[1]][self.call_class])
        for column in (self.rank, self.due):
            keys = column[calls]
            calls = calls[keys == keys.min()] if len(calls) else calls
        return (int(calls[0]), self.seat[0]) if len(calls) else None


class Contender:
    """One matcher on the load, its clock and its answers."""

    def __init__(self, matcher: Matcher, site: Site) -> None:
        self.matcher = matcher
        self.site = site
        self.draw = random.Random(2)  # the same seats and ranks for each
        self.now = CALLS
        self.taken_ns: list[int] = []
        self.answers: list[int | None] = []

    def decide(self, decisions: int) -> None:
        """Let a seat come free so many times."""
        matcher, site = self.matcher, self.site
        for _ in range(decisions):
            self.now += 1
            seat = self.draw.randrange(SEATS)
            seat_class = site.seat_class[seat]
            start = perf_counter_ns()
            matcher.free(seat, seat_class, self.now)
            pair = matcher.match()
            self.taken_ns.append(perf_counter_ns() - start)
            rank = self.draw.randrange(5)
            if pair is None:
                matcher.busy(seat)
            else:
                matcher.wait(pair[0], site.call_class[pair[0]], rank, self.now)
            self.answers.append(pair and pair[0])

    def quantile_ns(self, share: float) -> int:
        return sorted(self.taken_ns)[int(share * len(self.taken_ns))]


def clock_ns() -> float:
    """What the two readings of the clock add to a measurement."""
    return -median(perf_counter_ns() - perf_counter_ns() for _ in range(10_000))


def storm_ms(matcher: Matcher, site: Site) -> tuple[float, int]:
    """Every seat comes free in one instant, then all are matched: time for all, and how many pairs."""
    start = perf_counter_ns()
    for seat, seat_class in enumerate(site.seat_class):
        matcher.free(seat, seat_class, seat)
    pairs = sum(1 for _ in iter(matcher.match, None))
    return (perf_counter_ns() - start) / 1e6, pairs


def idle_ns(matcher: Matcher) -> float:
    """What `match` costs when there is no pair and nothing is new."""
    start = perf_counter_ns()
    for _ in range(100_000):
        matcher.match()
    return (perf_counter_ns() - start) / 100_000


def main() -> dict[str, object]:
    """Measure, print the table, return the figures."""
    try:
        from _fastpath import match  # noqa: PLC0415 - only here can the bench say what is missing
    except ImportError:
        raise SystemExit(
            "core_match measures the compiled build, which is not there: `make clean venv` builds it"
        ) from None
    site = Site(1)
    tracemalloc.start()
    compiled, pure = match.Matcher(), match_py.Matcher()
    site.fill(compiled)
    bytes_per_call = tracemalloc.get_traced_memory()[0] / CALLS
    tracemalloc.stop()
    for linked in (compiled, pure):
        for seat_class, call_classes in enumerate(site.links):
            linked.link(seat_class, [(call_class, 0) for call_class in call_classes])
    scan = Scan(site.links)
    site.fill(pure)
    site.fill(scan)
    ours, numpys, pures = (Contender(matcher, site) for matcher in (compiled, scan, pure))
    for _ in range(ROUNDS):
        ours.decide(COMPILED_DECISIONS)
        numpys.decide(NUMPY_DECISIONS)
        pures.decide(PURE_DECISIONS)
    assert ours.answers[: len(numpys.answers)] == numpys.answers, "compiled and numpy disagree"
    assert ours.answers[: len(pures.answers)] == pures.answers, "compiled and pure disagree"
    clock = clock_ns()
    p50, p99 = ours.quantile_ns(0.5) - clock, ours.quantile_ns(0.99) - clock
    storm, pairs = storm_ms(compiled, site)
    figures: dict[str, object] = {
        "decision_p50_ns": round(p50),
        "decision_p99_ns": round(p99),
        "nothing_new_ns": round(idle_ns(compiled)),
        "storm_ms": round(storm, 1),
        "bytes_per_call": round(bytes_per_call, 1),
        "numpy_p50_us": round(numpys.quantile_ns(0.5) / 1e3, 1),
        "python_p50_ms": round(pures.quantile_ns(0.5) / 1e6, 1),
        "ratio_numpy": round(numpys.quantile_ns(0.5) / p50),
        "ratio_python": round(pures.quantile_ns(0.5) / p50),
    }
    table = Table(
        title=f"A seat of {SEATS:,} comes free, {CALLS:,} calls wait in {CALL_CLASSES:,} classes", min_width=70
    )
    table.add_column("who decides")
    for heading in ("p50", "p99", "compiled is faster by"):
        table.add_column(heading, justify="right")
    table.add_row("compiled, asked from Python", f"{p50:,.0f} ns", f"{p99:,.0f} ns", "1")
    table.add_row("numpy, scan of all", f"{figures['numpy_p50_us']} us", "", f"{figures['ratio_numpy']:,}")
    table.add_row("pure Python twin", f"{figures['python_p50_ms']} ms", "", f"{figures['ratio_python']:,}")
    table.add_row("compiled, nothing new", f"{figures['nothing_new_ns']} ns", "", "")
    table.add_row("compiled, all seats at once", f"{storm:,.1f} ms", "", f"{pairs:,} pairs")
    Console().print(table)
    return figures
