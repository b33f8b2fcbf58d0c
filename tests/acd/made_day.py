"""A day of a contact centre, made up from a seed and decided by the real core: a journal in memory.

Callers come as a Poisson stream with a peak before noon and one after, give up after an exponential time, ask for
languages; agents come in two shifts, take a break, let some calls ring, end some wrap-ups early.
"""

import math
from random import Random

from msgspec.structs import replace

from acd.core import events as ev
from acd.core.rules import QueueRule, SeatRule
from acd.history import Tape
from acd.whatif.day import Ring, Talk
from acd.whatif.loop import Simulation

EIGHT = 1_800_000_000_000 - 1_800_000_000_000 % 86_400_000 + 8 * 3_600_000
"""Eight o'clock, UTC, of some day."""
HOUR = 3_600_000
QUEUES = {"sales": 0.5, "support": 0.35, "billing": 0.15}
GERMAN = ((("german", 5),),)


def rules(seats=44, **changes):
    """The site's rules; `changes` go to every queue."""
    return ev.Configured(
        queues=tuple(QueueRule(name=name, wrap_up_ms=20_000, max_wait_ms=600_000, **changes) for name in QUEUES),
        seats=tuple(_seat(number) for number in range(101, 101 + seats)),
    )


def _seat(number):
    queues = [("sales", "support"), ("support", "billing"), ("sales",), ("support", "billing")][number % 4]
    return SeatRule(name=str(number), queues=queues, skills=(("german", 7),) if number % 5 == 0 else (), order=number)


class People:
    """Callers and agents as they are: a `World`."""

    def __init__(self, seed, patience_s=120, talk_s=180, let_ring=0.04):
        self.random = Random(seed)
        self.patience_s, self.talk_s, self.let_ring = patience_s, talk_s, let_ring

    def gives_up(self, key):
        return int(self.random.expovariate(1 / self.patience_s) * 1000) + 1, "abandoned"

    def ring(self, key, seat, time):
        if self.random.random() < self.let_ring:
            return Ring("no-answer", 15_000)
        return Ring("answered", 1_500 + int(self.random.expovariate(1 / 2.5) * 1000))

    def talk(self, key):
        wishes = ((5_000, ev.WrapUpEndAsked(seat="")),) if self.random.random() < 0.3 else ()
        return Talk(15_000 + int(self.random.lognormvariate(math.log(self.talk_s) - 0.32, 0.8) * 1000), wishes)

    def comes_back_ms(self, seat, time):
        return 120_000


def arrivals(random, calls, begin=EIGHT, hours=10):
    """Callers, busiest at half past ten and at half past three."""
    times = []
    while len(times) < calls:
        at = random.random() * hours
        if random.random() < 0.25 + 0.75 * max(math.exp(-((at - 2.5) ** 2) / 2), math.exp(-((at - 7.5) ** 2) / 2)):
            times.append(begin + int(at * HOUR))
    for number, at in enumerate(sorted(times)):
        [queue] = random.choices(list(QUEUES), list(QUEUES.values()))
        yield ev.CallArrived(
            at=at,
            call=f"call-{number}",
            queue=queue,
            caller=f"555{random.randrange(10**6):06}",
            needs=GERMAN if random.random() < 0.05 else (),
            priority=1 if random.random() < 0.02 else None,
        )


def shifts(random, seats, begin=EIGHT):
    """Agents come, take half an hour off, and go."""
    for place, seat in enumerate(seats):
        start = begin + (0, 2, 1)[place % 3] * HOUR + random.randrange(300_000)
        lunch = start + 3 * HOUR + random.randrange(HOUR)
        yield ev.LogInAsked(at=start, seat=seat, pin_matches=True)
        yield ev.PauseAsked(at=lunch, seat=seat, reason="lunch")
        yield ev.ReadyAsked(at=lunch + HOUR // 2, seat=seat)
        yield ev.LogOutAsked(at=start + 8 * HOUR, seat=seat)


def make_day(calls=600, seats=8, seed=1, hours=10, configured=None, **people):
    """Make a day. Answers its journal."""
    random, tape = Random(seed), Tape()
    names = [rule.name for rule in rules(seats).seats]
    begin = EIGHT - 60_000
    happenings = [
        ev.Started(at=begin, run="made"),
        replace(configured or rules(seats), at=begin),
        ev.Snapshot(
            at=begin + 100,
            asked=begin,
            calls=(),
            legs=(),
            handsets=tuple(ev.HandsetState(seat=seat, reachable=True, busy=False) for seat in names),
        ),
        *shifts(random, names),
        *arrivals(random, calls, hours=hours),
    ]
    Simulation(People(seed, **people), tape.note).run(happenings, EIGHT + (hours + 1) * HOUR)
    return tape
