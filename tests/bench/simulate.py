"""A day of a large centre through the core: 1,000,000 calls, 1,000 seats, 20 queues with skills, on one processor core.

Calls come with the tides of a day, so that in the busy hours hundreds wait; every call is answered after a moment,
talks about a minute, and is followed by wrap-up; callers whose patience ends hang up. Everything a server would do is
asked of `Core.decide`, time is a number. Beside it: what a waiting call costs in memory, measured with 100,000 of
them.
"""

import gc
import heapq
import math
import random
import tracemalloc
from collections.abc import Callable
from time import perf_counter

from rich.console import Console
from rich.table import Table

from acd.core import Core
from acd.core import commands as cmd
from acd.core import events as ev
from acd.core.rules import QueueRule, SeatRule

CALLS = 1_000_000
SEATS = 1_000
QUEUES = 20
SKILLS = [f"skill{number}" for number in range(12)]
DAY_MS = 86_400_000
START = 1_800_000_000_000
TALK_MS, ANSWER_MS, WRAP_UP_MS, PATIENCE_MS = 55_000, 3_000, 10_000, 240_000
WAITING = 100_000


def site(chance: random.Random) -> ev.Configured:
    """Twenty queues of three classes, a thousand seats of two to five queues and two to six skills."""
    queues = [
        QueueRule(name=f"q{number}", priority=10 + number % 3, wrap_up_ms=WRAP_UP_MS, ring_ms=15_000)
        for number in range(QUEUES)
    ]
    seats = []
    for number in range(SEATS):
        team = chance.randrange(40)  # seats of a team are alike, as they are in life
        draw = random.Random(team)
        skills = tuple(sorted((skill, draw.randint(3, 10)) for skill in draw.sample(SKILLS, draw.randint(3, 7))))
        served = tuple(sorted(f"q{queue}" for queue in draw.sample(range(QUEUES), draw.randint(3, 7))))
        seats.append(SeatRule(name=str(10_000 + number), queues=served, skills=skills))
    return ev.Configured(queues=tuple(queues), seats=tuple(seats))


def arrivals(chance: random.Random, calls: int) -> list[int]:
    """Times of the day: few at night, most at eleven and at four."""

    def tide(at: int) -> float:
        hour = at / 3_600_000
        return 0.15 + math.exp(-(((hour - 11) / 3) ** 2)) + 0.9 * math.exp(-(((hour - 16) / 2.5) ** 2))

    found = []
    while len(found) < calls:
        at = chance.randrange(DAY_MS)
        if chance.random() * 1.9 < tide(at):
            found.append(at)
    return sorted(found)


Plan = tuple[int, int, Callable[[int, str], None], str]
"""When, in which order among those of one time, what, and of which call or offer."""


class Day:
    """One day of a site."""

    def __init__(self, calls: int, seed: int = 1) -> None:
        self.chance = random.Random(seed)
        self.core = Core()
        self.now = START
        self.events = 0
        self.called = self.answered = self.abandoned = self.most_waiting = 0
        self.plans: dict[int, list[Plan]] = {}
        """Second -> what is to happen in it."""
        self.second = 0
        self.planned = 0
        rules = site(self.chance)
        self.seats = [rule.name for rule in rules.seats or ()]
        self.give(ev.Started(at=START, run="d"))
        self.give(ev.Configured(at=START, queues=rules.queues, seats=rules.seats, look_ms=10 * DAY_MS))
        handsets = tuple(ev.HandsetState(seat=name, reachable=True, busy=False) for name in self.seats)
        self.give(ev.Snapshot(at=START, asked=START, calls=(), legs=(), handsets=handsets))
        for name in self.seats:
            self.give(ev.LogInAsked(at=START, seat=name, pin_matches=True))
        needs = [()] * 6 + [(((skill, level),),) for skill in SKILLS for level in (1, 4)]
        self.wants = [needs[self.chance.randrange(len(needs))] for _ in range(1_000)]
        for number, at in enumerate(arrivals(self.chance, calls)):
            self.plan(START + at, self.call, f"{START + at}.{number}")
        self.talks = [int(self.chance.expovariate(1 / TALK_MS)) + 500 for _ in range(4_096)]
        self.patience = [int(self.chance.expovariate(1 / PATIENCE_MS)) + 2_000 for _ in range(4_099)]

    def give(self, event: ev.AnyEvent) -> None:
        """Ask the core, and let what it wants come true."""
        self.events += 1
        for command in self.core.decide(event):
            if type(command) is cmd.Offer:
                self.plan(event.at + ANSWER_MS, self.connect, command.offer)

    def plan(self, at: int, act: Callable[[int, str], None], name: str) -> None:
        """Let something happen later."""
        self.planned += 1
        second = at >> 10
        if second == self.second:
            heapq.heappush(self.plans[second], (at, self.planned, act, name))
        elif second in self.plans:
            self.plans[second].append((at, self.planned, act, name))
        else:
            self.plans[second] = [(at, self.planned, act, name)]

    def live(self) -> None:
        """From the first call to the last hang-up, a second (of 1,024 ms) after the other."""
        next_deadline = self.core.next_deadline
        self.second = START >> 10
        while self.plans:
            plans = self.plans.setdefault(self.second, [])
            heapq.heapify(plans)
            end = (self.second + 1) << 10
            while True:
                due, at = next_deadline(), plans[0][0] if plans else end
                if due is not None and due <= at and due < end:
                    self.give(ev.DeadlineReached(at=due))
                elif plans:
                    at, _, act, name = heapq.heappop(plans)
                    act(at, name)
                else:
                    break
            del self.plans[self.second]
            self.second += 1

    def call(self, at: int, name: str) -> None:
        """A caller comes, and has so much patience."""
        number = self.called = self.called + 1
        queue, needs = f"q{number * 7919 % QUEUES}", self.wants[number % 1_000]
        self.give(ev.CallArrived(at=at, call=name, queue=queue, needs=needs, caller=f"+48{number:09}"))
        if self.core.state.calls[name].state == "waiting":
            self.plan(at + self.patience[number % 4_099], self.leave, name)

    def connect(self, at: int, name: str) -> None:
        """An agent answers, if the caller is still there."""
        if name in self.core.state.offers:
            self.give(ev.Connected(at=at, offer=name))
            self.plan(at + self.talks[self.planned % 4_096], self.end, name)

    def end(self, at: int, name: str) -> None:
        """They have talked."""
        call = self.core.state.offers[name].call
        self.give(ev.OfferEnded(at=at, offer=name, outcome="hung-up"))
        self.answered += 1
        if call is not None:
            self.give(ev.CallEnded(at=at, call=call))

    def leave(self, at: int, name: str) -> None:
        """His patience is over, if he still waits."""
        state = self.core.state
        if name in state.calls and state.calls[name].state == "waiting":
            self.most_waiting = max(self.most_waiting, len(state.calls) - len(state.offers))
            self.give(ev.CallEnded(at=at, call=name))
            self.abandoned += 1


def bytes_per_waiting_call() -> float:
    """What a call takes while it waits, strings included; seats are there, none is free."""
    day = Day(0)
    for name in day.seats:
        day.give(ev.LogOutAsked(at=START, seat=name))
    gc.collect()
    tracemalloc.start()
    for number in range(WAITING):
        event = ev.CallArrived(
            at=START + number,
            call=f"1800000000.{number}",
            queue=f"q{number % QUEUES}",
            needs=day.wants[number % 1_000],
            caller=f"+48{number:09}",
        )
        day.core.decide(event)
    gc.collect()
    taken = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return taken / WAITING


def main(calls: int = CALLS) -> dict[str, object]:
    """Measure, print the table, return the figures."""
    day = Day(calls)
    gc.collect()
    gc.freeze()
    start = perf_counter()
    day.live()
    took_s = perf_counter() - start
    gc.unfreeze()
    assert day.answered + day.abandoned == calls, "a call was lost"
    assert not day.core.state.calls
    memory = bytes_per_waiting_call()
    figures: dict[str, object] = {
        "calls": calls,
        "events": day.events,
        "seconds": round(took_s, 1),
        "calls_per_s": round(calls / took_s),
        "events_per_s": round(day.events / took_s),
        "answered": day.answered,
        "abandoned": day.abandoned,
        "most_waiting": day.most_waiting,
        "bytes_per_waiting_call": round(memory),
    }
    table = Table(title=f"A day of {calls:,} calls, {SEATS:,} seats, {QUEUES} queues, through `decide`", min_width=60)
    table.add_column("figure")
    table.add_column("", justify="right")
    for name, value in figures.items():
        table.add_row(name.replace("_", " "), f"{value:,}")
    Console().print(table)
    return figures
