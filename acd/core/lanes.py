"""By which key a queue's strategy orders free seats: least first, then the seat's number.

A *lane* is an order that can be kept in a heap while a seat is free, so a key may change only while it is not. Lanes
that need two numbers pack them into one: `_pair` keeps their order, as 2**41 ms last until the year 2039.

Chance comes from the state's own seed (splitmix64, Steele, Lea, Flood: Fast splittable pseudorandom number generators,
2014), so a replay draws the same. To draw with weights in a heap every seat has a clock that rings after an
exponentially distributed time, sooner the greater its weight; who rings first is drawn. As such a clock has no memory,
those who were not drawn need no new one: the next draw is as fair as with fresh clocks (Efraimidis, Spirakis: Weighted
random sampling with a reservoir, 2006).
"""

import math

from acd.core.model import Seat, State
from acd.core.rules import QueueRule, Strategy

LANES = ("longest-idle", "fewest-calls", "least-occupied", "round-robin", "ordered", "random", "weighted-random")
"""Orders that there are."""

LANE_OF = {name: name for name in LANES} | dict.fromkeys(("best-fit", "ring-all", "ring-circles"), "longest-idle")
"""Strategy -> its lane."""

_TIME_BITS = 41
_MASK = (1 << 64) - 1
_CLOCK_UNIT = 1_000_000


def lanes_of(queues: dict[str, QueueRule]) -> tuple[str, ...]:
    """Name the lanes that these queues need, in an order that depends on nothing else."""
    used = {LANE_OF[rule.strategy] for rule in queues.values()}
    return tuple(lane for lane in LANES if lane in used) or ("longest-idle",)


def seat_key(seat: Seat, lane: str) -> int:
    """Place of a seat in a lane."""
    match lane:
        case "longest-idle":
            return seat.idle_since
        case "fewest-calls":
            return _pair(seat.taken, seat.idle_since)
        case "least-occupied":
            return _pair(seat.occupancy, seat.idle_since)
        case "round-robin":
            return seat.turn
        case "ordered":
            return seat.rule.order
        case "random":
            return seat.luck[0]
        case _:
            return seat.luck[1]


def wind_clocks(state: State, seat: Seat) -> None:
    """Give a seat that comes free new clocks."""
    plain, weighted = state.luck
    seat.luck = (
        plain + _exponential(state),
        weighted + _exponential(state) // max(1, seat.rule.weight),
    )


def note_drawn(state: State, seat: Seat, strategy: Strategy) -> None:
    """If a seat was drawn, the clocks of the others go on from where its own rang; it gets new ones."""
    plain, weighted = state.luck
    if strategy == "random":
        state.luck = max(plain, seat.luck[0]), weighted
    elif strategy == "weighted-random":
        state.luck = plain, max(weighted, seat.luck[1])
    wind_clocks(state, seat)


def random64(state: State) -> int:
    """Draw 64 bits."""
    state.seed = (state.seed + 0x9E3779B97F4A7C15) & _MASK
    mixed = state.seed
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
    return mixed ^ (mixed >> 31)


def _exponential(state: State) -> int:
    share = ((random64(state) >> 11) + 1) / (1 << 53)  # in (0, 1]
    return int(-math.log(share) * _CLOCK_UNIT * 100)


def _pair(first: int, time_ms: int) -> int:
    return (first << _TIME_BITS) + time_ms
