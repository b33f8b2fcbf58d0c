"""Chance is as likely as it says.

The random source is part of the state, so that these tests cannot fail by bad luck.
"""

from collections import Counter
from itertools import pairwise

import pytest

from acd.core import Core
from acd.core import commands as cmd
from acd.core import events as ev
from acd.core.rules import QueueRule, SeatRule

UNLIKELY = {1: 10.8, 2: 13.8}
"""Chi square that a fair source exceeds once in a thousand runs, by degrees of freedom (any table of it)."""


class Room:
    """Three seats, always willing."""

    def __init__(self, *queues, weights=(1, 1, 1), **seat):
        self.core, self.now, self.calls = Core(), 1_800_000_000_000, 0
        names = tuple(rule.name for rule in queues)
        rules = [SeatRule(name=f"s{number}", queues=names, weight=w, **seat) for number, w in enumerate(weights)]
        self.give(ev.Started(run="t"))
        self.give(ev.Configured(queues=queues, seats=tuple(rules), look_ms=10**12))
        handsets = tuple(ev.HandsetState(seat=rule.name, reachable=True, busy=False) for rule in rules)
        self.give(ev.Snapshot(asked=self.now, calls=(), legs=(), handsets=handsets))
        for rule in rules:
            self.give(ev.LogInAsked(seat=rule.name, pin_matches=True))

    def give(self, event):
        """An event a second; answers the offers."""
        self.now += 1_000
        commands = self.core.decide(type(event)(**{**_fields(event), "at": self.now}))
        return [command for command in commands if isinstance(command, cmd.Offer)]

    def serve(self, queue, medium="voice"):
        """A call comes and is taken; answers its offer."""
        self.calls += 1
        [offer] = self.give(ev.CallArrived(call=f"c{self.calls}", queue=queue, medium=medium))
        self.give(ev.Connected(offer=offer.offer))
        return offer

    def end(self, offer):
        """It is over."""
        self.give(ev.CallEnded(call=offer.call))
        self.give(ev.OfferEnded(offer=offer.offer, outcome="hung-up"))


def _fields(event):
    return {name: getattr(event, name) for name in event.__struct_fields__}


def surprise(counts, weights):
    """Chi square of what came against what the weights promise."""
    total, share = sum(counts.values()), sum(weights)
    expected = {f"s{number}": total * weight / share for number, weight in enumerate(weights)}
    return sum((counts[seat] - want) ** 2 / want for seat, want in expected.items())


@pytest.mark.parametrize(
    ("strategy", "weights"), [("random", (1, 1, 1)), ("weighted-random", (1, 2, 5)), ("weighted-random", (1, 1, 1))]
)
def test_seats_are_drawn_as_often_as_they_weigh(strategy, weights):
    """Over two thousand calls each seat gets its share, and no two draws hang together."""
    room = Room(QueueRule(name="q", strategy=strategy, wrap_up_ms=0), weights=weights)
    drawn = []
    for _ in range(2_000):
        offer = room.serve("q")
        drawn.append(offer.seat)
        room.end(offer)
    assert surprise(Counter(drawn), weights) < UNLIKELY[2]
    after_first = Counter(seat for before, seat in pairwise(drawn) if before == "s0")
    assert surprise(after_first, weights) < UNLIKELY[2]


def test_a_seat_with_room_for_more_is_not_drawn_again_and_again():
    """Of two contacts that come together the second is as likely to go to either seat as the first was."""
    room = Room(QueueRule(name="q", strategy="random", wrap_up_ms=0))
    same = Counter()
    for _ in range(900):
        pair = [room.serve("q", "chat"), room.serve("q", "chat")]
        same["s0" if pair[0].seat == pair[1].seat else "s1"] += 1
        for offer in pair:
            room.end(offer)
    assert surprise(same, (1, 2)) < UNLIKELY[1]


def test_a_seat_that_another_order_chose_does_not_disturb_the_draw():
    """Calls of a queue without chance in between leave the chances of the others as they are."""
    room = Room(
        QueueRule(name="q", strategy="random", wrap_up_ms=0), QueueRule(name="o", strategy="ordered", wrap_up_ms=0)
    )
    drawn = Counter()
    for _ in range(1_000):
        for queue in ("o", "q"):
            offer = room.serve(queue)
            if queue == "q":
                drawn[offer.seat] += 1
            room.end(offer)
    assert surprise(drawn, (1, 1, 1)) < UNLIKELY[2]
