"""Why a call waits, as things stand: its place, who is before it, what keeps each seat, what happens next and when.

A reading of one state, live or rebuilt. Calls of one kind are judged once, so a long queue can be asked about while
the telephones ring.
"""

from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from acd.core.explain import exclusion, kept_back, needs_text, position, unsuited
from acd.core.model import Call, Seat, State
from acd.core.queueing import HOPS_MOST
from acd.core.rules import FRONT, QueueRule, Step
from acd.core.waits import range_ms

SHOWN = 20
"""So many of those before it are named."""


class Before(Struct, frozen=True, kw_only=True):
    """A call that is served before it, by a seat that could have both."""

    call: str
    caller: str
    queue: str
    waited_ms: int
    why: Literal["front", "class", "earlier", "head-start"]
    """It was passed too often; its class is lower; it came earlier; it is served as if it had."""


class AtSeat(Struct, frozen=True, kw_only=True):
    """What keeps a seat."""

    seat: str
    keeps: str | None
    """None: nothing does."""
    suited: bool
    """It could have this call, if it were free."""
    doing: str
    for_ms: int
    free_at: int | None = None
    """When its wrap-up ends at the latest."""


class Next(Struct, frozen=True, kw_only=True):
    """What will happen, if nobody takes the call before."""

    at: int | None
    """None: when the condition of a step holds."""
    kind: Literal["serve", "step", "circle", "tell", "any-seat", "unbar", "leave", "wrap-up"]
    step: Step | None = None
    seat: str = ""
    to: str = ""


class Waiting(Struct, frozen=True, kw_only=True):
    """A call that waits."""

    at: int
    live: bool
    """Asked of the running server; else read from the journal, and as old as that."""
    call: str
    caller: str
    queue: str
    medium: str
    state: str
    waited_ms: int
    needs: str
    position: int
    rank: int
    rings_at: tuple[str, ...]
    kept_back: str | None
    before: list[Before]
    before_count: int
    seats: list[AtSeat]
    next: list[Next]
    expected_ms: tuple[int, int] | None
    """Nine in ten from its place are answered between these from now on; None if that is not known."""


def call_named(state: State, name: str) -> Call | None:
    """Return the call with this id, or the latest of the caller with this number, if it is in the house."""
    call = state.calls.get(name)
    if call is not None:
        return call
    return max((one for one in state.calls.values() if one.caller == name), key=lambda one: one.number, default=None)


def waiting(state: State, call: Call, at: int, *, live: bool) -> Waiting:
    """Say how a call stands."""
    seats = [_at_seat(state, call, seat, at) for seat in state.seats.values()]
    place = position(state, call)
    before = _before(state, call, [state.seats[one.seat] for one in seats if one.suited])
    memory = state.waits.get(call.queue)
    return Waiting(
        at=at,
        live=live,
        call=call.id,
        caller=call.caller,
        queue=call.queue,
        medium=call.medium,
        state=str(call.state),
        waited_ms=at - call.arrived,
        needs=needs_text(call),
        position=place,
        rank=call.rank,
        rings_at=tuple(state.offers[name].seat for name in call.offers),
        kept_back=kept_back(state, call),
        before=[_why_before(call, other, at) for other in before[:SHOWN]],
        before_count=len(before),
        seats=sorted(seats, key=lambda one: (not one.suited, one.keeps is not None)),
        next=sorted(_nexts(state, call, seats), key=lambda one: (one.at is None, one.at or 0)),
        expected_ms=range_ms(memory, place - 1),
    )


def _at_seat(state: State, call: Call, seat: Seat, at: int) -> AtSeat:
    wraps_up = [state.offers[name] for name in seat.work]
    free_at = None
    if wraps_up and all(offer.state == "wrap-up" for offer in wraps_up):
        free_at = max(offer.deadline or at for offer in wraps_up)
    there = seat.presence != "logged-out"
    return AtSeat(
        seat=seat.name,
        keeps=exclusion(state, call, seat, even_if_kept_back=True),
        suited=there and unsuited(state, call, seat) is None,
        doing=seat.shown,
        for_ms=at - seat.since,
        free_at=free_at,
    )


def _before(state: State, call: Call, seats: list[Seat]) -> list[Call]:
    """Return the calls that go before it, first in line first, as far as one of these seats could have them."""
    judged: dict[object, bool] = {}
    found = []
    for other in state.calls.values():
        if other.state != "waiting" or other is call or other.key > call.key:
            continue
        kind = (other.queue, other.needs, other.tiers, other.wants)
        if kind not in judged:
            judged[kind] = any(unsuited(state, other, seat) is None for seat in seats)
        if judged[kind] or other.queue == call.queue:
            found.append(other)
    return sorted(found, key=lambda other: other.key)


def _why_before(call: Call, other: Call, at: int) -> Before:
    why: Literal["front", "class", "earlier", "head-start"]
    if other.rank == FRONT != call.rank:
        why = "front"
    elif other.rank < call.rank:
        why = "class"
    else:
        why = "earlier" if other.arrived <= call.arrived else "head-start"
    return Before(call=other.id, caller=other.caller, queue=other.queue, waited_ms=at - other.arrived, why=why)


# What comes


def _nexts(state: State, call: Call, seats: list[AtSeat]) -> Iterator[Next]:
    rule = state.queues.get(call.queue)
    if call.hold_until is not None:
        yield Next(at=call.hold_until, kind="serve")
    if rule is not None:
        yield from _steps(state, call, rule)
    if call.circle_at is not None:
        yield Next(at=call.circle_at, kind="circle")
    if call.tell_at is not None:
        yield Next(at=call.tell_at, kind="tell")
    if call.wants and call.wants_until is not None:
        yield Next(at=call.wants_until, kind="any-seat", seat=call.wants)
    for seat, until in (call.barred or {}).items():
        yield Next(at=until, kind="unbar", seat=seat)
    if call.give_up_at is not None:
        yield Next(at=call.give_up_at, kind="leave", to=_overflow(call, rule))
    free = [(one.free_at, one.seat) for one in seats if one.suited and one.free_at is not None]
    if free:
        at, name = min(free)
        yield Next(at=at, kind="wrap-up", seat=name)


def _steps(state: State, call: Call, rule: QueueRule) -> Iterator[Next]:
    for number, step in enumerate(rule.steps):
        if call.steps_done >> number & 1:
            continue
        if step.after_ms is not None:
            yield Next(at=max(call.waits_since + step.after_ms, state.now), kind="step", step=step)
        elif step.when_waiting is not None or step.when_nobody:
            yield Next(at=None, kind="step", step=step)


def _overflow(call: Call, rule: QueueRule | None) -> str:
    """Where a call goes that has waited too long; empty for the site's way with overflow."""
    if rule is None or call.hops >= HOPS_MOST:
        return ""
    return rule.overflow.get("wait", "")
