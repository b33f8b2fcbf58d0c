"""What one decision costs: 10,000 seats in 500 classes, 100,000 calls waiting in 2,000 classes, a seat comes free.

A decision is: a seat comes free, and the pair is taken. It is timed inside the compiled core (`_fastpath.stopwatch`),
less what the clock itself costs; then as Python asks for it. The call that was given away waits again with a new due
time, so the load stays as it is. A numpy scan and a Python scan of all waiting calls are told the same in the same run,
in turns, and what is given for them is the median of the ratios of the rounds, so it holds on any machine; all must
name the same calls, or the bench fails. Each comes in two kinds: one compares skills, as one writes it first; one is
told our classes, so that a part of our work is done for it.

Further: a storm, all seats free in one instant and all of them served; the same load ten times as large, in the same
classes; and 1,000 agents with 1,000 callers, all of whom get one, beside one pass of a model of mod_callcenter.
"""

import gc
import random
import tracemalloc
from array import array
from collections.abc import Callable
from statistics import median
from time import perf_counter, perf_counter_ns, process_time

from rich.console import Console
from rich.table import Table

from _fastpath import match_py
from tests.bench.match_peers import Callcenter, NumpyClassScan, NumpyScan, PythonClassScan, PythonScan
from tests.bench.measure import quantile

try:
    from _fastpath import match, stopwatch
except ImportError:
    raise SystemExit(
        "core_match measures the compiled build, which is not there: `make clean venv` builds it"
    ) from None

SEATS, SEAT_CLASSES = 10_000, 500
CALLS, CALL_CLASSES = 100_000, 2_000
SKILLS = 200
GROWTH = 10
ROUNDS = 7
CORE_DECISIONS, NUMPY_DECISIONS, PYTHON_DECISIONS = 30_000, 20, 3  # a round
TWIN_DECISIONS = 2  # of the pure twin, once: a second opinion, not a peer


class Site:
    """A synthetic centre: 3 to 8 skills a seat class, 1 to 3 of them asked for by a call class, few of them common."""

    def __init__(self, growth: int = 1) -> None:
        draw = random.Random(1)

        def skewed(count: int) -> int:
            return int(count * draw.random() * draw.random())

        has = [{skewed(SKILLS) for _ in range(draw.randint(3, 8))} for _ in range(SEAT_CLASSES)]
        asks = [set(draw.choices(sorted(draw.choice(has)), k=draw.randint(1, 3))) for _ in range(CALL_CLASSES)]
        self.has = [sum(1 << skill for skill in skills) for skills in has]
        self.asks = [sum(1 << skill for skill in skills) for skills in asks]
        self.links = [[c for c in range(CALL_CLASSES) if asks[c] <= skills] for skills in has]
        self.call_class = [skewed(CALL_CLASSES) for _ in range(growth * CALLS)]
        self.seat_class = [draw.randrange(SEAT_CLASSES) for _ in range(growth * SEATS)]
        self.rank = [draw.randrange(5) for _ in range(growth * CALLS)]

    def fill(self, wait: Callable[[int, int, int, int], None]) -> None:
        """Let all calls wait."""
        for call, (call_class, rank) in enumerate(zip(self.call_class, self.rank, strict=True)):
            wait(call, call_class, rank, call)

    def filled(self, build: type[match_py.Matcher] = match.Matcher) -> match_py.Matcher:
        """Give a matcher in which all calls wait."""
        made = build()
        for seat_class, call_classes in enumerate(self.links):
            made.link(seat_class, [(call_class, 0) for call_class in call_classes])
        self.fill(made.wait)
        return made


class Script:
    """Which seats come free, and with which ranks the calls given to them wait again: alike for everybody."""

    def __init__(self, site: Site, decisions: int) -> None:
        draw = random.Random(2)
        self.site = site
        self.seats = array("q", [draw.randrange(len(site.seat_class)) for _ in range(decisions)])
        self.seat_classes = array("q", [site.seat_class[seat] for seat in self.seats])
        self.ranks = array("q", [draw.randrange(5) for _ in range(decisions)])
        self.due = len(site.call_class)


class Core:
    """The compiled matcher, timed from inside."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.matcher = script.site.filled()
        self.at = 0
        self.taken_ns: list[int] = []
        self.calls: list[int] = []

    def decide(self, decisions: int) -> float:
        """Go on in the script; the median ns of a decision."""
        script, part = self.script, slice(self.at, self.at + decisions)
        due = script.due + self.at
        clock = stopwatch.clock_ns(1001)
        taken, calls = stopwatch.decisions(
            self.matcher, script.seats[part], script.seat_classes[part], script.ranks[part], due
        )
        self.at += decisions
        self.taken_ns += [max(ns - clock, 1) for ns in taken]
        self.calls += calls
        return max(median(taken) - clock, 1)

    def quantile_ns(self, share: float) -> float:
        return quantile(self.taken_ns, share)


class Asked:
    """A matcher as Python asks it: what a core written in Python gets of it."""

    def __init__(self, script: Script, build: type[match_py.Matcher] = match.Matcher) -> None:
        self.script = script
        self.matcher = script.site.filled(build)
        self.at = 0
        self.calls: list[int] = []

    def decide(self, decisions: int) -> float:
        """Go on in the script; decisions in a second of processor time, letting the call wait again included."""
        script, matcher, call_class = self.script, self.matcher, self.script.site.call_class
        start = process_time()
        for at in range(self.at, self.at + decisions):
            due = script.due + at + 1
            matcher.free(script.seats[at], script.seat_classes[at], due)
            pair = matcher.match()
            if pair is None:
                matcher.busy(script.seats[at])
            else:
                matcher.wait(pair[0], call_class[pair[0]], script.ranks[at], due)
            self.calls.append(-1 if pair is None else pair[0])
        self.at += decisions
        return decisions / (process_time() - start)


class Scan:
    """A peer that looks at all waiting calls."""

    def __init__(self, script: Script, peer: NumpyScan | PythonScan) -> None:
        self.script = script
        self.peer = peer
        self.at = 0
        self.calls: list[int] = []
        script.site.fill(peer.wait)

    def decide(self, decisions: int) -> float:
        """Go on in the script; the median ns of a decision."""
        taken = []
        for at in range(self.at, self.at + decisions):
            start = perf_counter_ns()
            call = self.peer.decide(self.script.seat_classes[at])
            taken.append(perf_counter_ns() - start)
            if call is not None:
                self.peer.wait(call, self.script.site.call_class[call], self.script.ranks[at], self.script.due + at + 1)
            self.calls.append(-1 if call is None else call)
        self.at += decisions
        return median(taken)


def storm_ms(matcher: match_py.Matcher, site: Site) -> float:
    """Every seat comes free in one instant, then all are served; afterwards the calls wait again (not timed)."""
    pairs: list[tuple[int, int]] = []
    start = perf_counter_ns()
    for seat, seat_class in enumerate(site.seat_class):
        matcher.free(seat, seat_class, seat)
    pairs.extend(iter(matcher.match, None))
    taken = perf_counter_ns() - start
    assert len(pairs) == len(site.seat_class), "somebody got no call in the storm"
    for call, _seat in pairs:
        matcher.wait(call, site.call_class[call], site.rank[call], call)
    assert matcher.match() is None
    return taken / 1e6


def our_pass_s() -> float:
    """The model's agents and callers: all agents come free, and every caller gets one."""
    matcher = match.Matcher()
    seat_classes = [agent % Callcenter.QUEUES for agent in range(Callcenter.AGENTS)]  # the agents of one set of queues
    for seat_class in range(Callcenter.QUEUES):
        matcher.link(seat_class, [(queue, 0) for queue in Callcenter.queues(seat_class)])
    for caller in range(Callcenter.WAITING):
        matcher.wait(caller, caller % Callcenter.QUEUES, 0, caller)
    start = perf_counter()
    for agent, seat_class in enumerate(seat_classes):
        matcher.free(agent, seat_class, agent)
    pairs = sum(1 for _ in iter(matcher.match, None))
    taken = perf_counter() - start
    assert pairs == Callcenter.WAITING, "somebody got no agent"
    return taken


def nothing_new_ns(matcher: match_py.Matcher) -> float:
    """What `match` costs when there is no pair and nothing is new."""
    start = perf_counter_ns()
    for _ in range(100_000):
        matcher.match()
    return (perf_counter_ns() - start) / 100_000


def bytes_per_call(site: Site) -> float:
    """What a waiting call takes of memory, its share of the classes included."""
    tracemalloc.start()
    matcher = match.Matcher()
    site.fill(matcher.wait)
    taken = tracemalloc.get_traced_memory()[0] / len(site.call_class)
    tracemalloc.stop()
    del matcher
    return taken


def measure() -> dict[str, float]:
    """All figures, unrounded."""
    site, large = Site(), Site(GROWTH)
    script = Script(site, ROUNDS * CORE_DECISIONS)
    core, asked, grown = Core(script), Asked(script), Core(Script(large, ROUNDS * CORE_DECISIONS))
    scans = {
        "vs_numpy": (Scan(script, NumpyScan(site.has, site.asks, CALLS)), NUMPY_DECISIONS),
        "vs_python": (Scan(script, PythonScan(site.has, site.asks)), PYTHON_DECISIONS),
        "vs_numpy_by_class": (Scan(script, NumpyClassScan(site.has, site.asks, CALLS)), NUMPY_DECISIONS),
        "vs_python_by_class": (Scan(script, PythonClassScan(site.has, site.asks)), PYTHON_DECISIONS),
    }
    callcenter = Callcenter()
    rounds = []
    gc.collect()
    for _ in range(ROUNDS):
        ns = core.decide(CORE_DECISIONS)
        rounds.append(
            {
                "growth_10x": grown.decide(CORE_DECISIONS) / ns,
                **{key: scan.decide(decisions) / ns for key, (scan, decisions) in scans.items()},
                "python_decisions_per_s": asked.decide(CORE_DECISIONS),
                "vs_mod_callcenter": callcenter.pass_s(40) / our_pass_s(),
            }
        )
    twin = Asked(script, match_py.Matcher)
    twin.decide(TWIN_DECISIONS)
    for peer in (asked, twin, *(scan for scan, _ in scans.values())):
        assert core.calls[: len(peer.calls)] == peer.calls[: len(core.calls)], "two of them disagree"
    return {
        "decision_p50_ns": core.quantile_ns(0.5),
        "decision_p99_ns": core.quantile_ns(0.99),
        **{key: median(figures[key] for figures in rounds) for key in rounds[0]},
        "storm_ms": median(storm_ms(asked.matcher, site) for _ in range(ROUNDS)),
        "grown_p50_ns": grown.quantile_ns(0.5),
        "grown_p99_ns": grown.quantile_ns(0.99),
        "nothing_new_ns": nothing_new_ns(asked.matcher),
        "bytes_per_call": bytes_per_call(site),
    }


def main() -> dict[str, object]:
    """Measure, print the table, return the figures."""
    figures = measure()
    table = Table(title=f"A seat of {SEATS:,} comes free, {CALLS:,} calls wait in {CALL_CLASSES:,} classes")
    table.add_column("what")
    table.add_column("figure", justify="right")
    table.add_column("must", justify="right")
    for key, what, unit, must in (
        ("decision_p50_ns", "one decision in the compiled core, p50", "ns", "<= 300"),
        ("decision_p99_ns", "p99", "ns", "<= 1,000"),
        ("python_decisions_per_s", "asked from Python, the call waiting again included", "/s", ">= 500,000"),
        ("vs_numpy", "faster than a numpy scan of all by", "x", ">= 1,000"),
        ("vs_python", "faster than a Python scan of all by", "x", ">= 20,000"),
        ("vs_numpy_by_class", "faster than a numpy scan that is told our classes by", "x", ""),
        ("vs_python_by_class", "faster than a Python scan that is told our classes by", "x", ""),
        ("storm_ms", "all seats free in one instant, all served, from Python", "ms", "<= 10"),
        ("growth_10x", "ten times the seats and calls: a decision costs", "x", "< 4"),
        ("vs_mod_callcenter", "1,000 agents, 1,000 callers: faster than its pass by", "x", ">= 1,000"),
        ("nothing_new_ns", "nothing new, asked from Python", "ns", ""),
        ("bytes_per_call", "memory of a waiting call", "bytes", ""),
    ):
        table.add_row(what, f"{figures[key]:,.{1 if figures[key] < 100 else 0}f} {unit}", must)
    Console().print(table)
    return {key: round(value, 1 if value < 100 else None) for key, value in figures.items()}
