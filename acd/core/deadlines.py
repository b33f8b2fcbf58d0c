"""An index over the deadlines that stand in the state: which comes next.

Entries are never removed when a deadline changes. An entry counts only while the field it was made from still says
the same; a stale one is dropped when its time draws near. The index can be thrown away and built anew at any time.

Most deadlines never come: a caller who may wait an hour is answered in a minute. So what is far off lies unordered, in
one list a second, and only the second that is next is put in order (a timing wheel: Varghese, Lauck: Hashed and
hierarchical timing wheels, 1987). A heap of all of them would pay its logarithm for each.
"""

import heapq
from collections.abc import Callable, Iterator
from typing import Literal

from acd.core.model import Call, State

Kind = Literal[
    "offer",
    "leg",
    "rest",
    "give-up",
    "hold",
    "step",
    "circle",
    "tell",
    "wants",
    "expire",
    "bar",
    "line",
    "ticket",
    "last",
    "look",
]
Entry = tuple[int, Kind, str, str]
"""When, which field, whose, and for a bar: of which seat."""

_SECOND_BITS = 10
"""1,024 ms: a power of two, so that a shift finds it."""

_CALL_FIELDS: dict[Kind, Callable[[Call], int | None]] = {
    "give-up": lambda call: call.give_up_at,
    "hold": lambda call: call.hold_until,
    "step": lambda call: call.step_at,
    "circle": lambda call: call.circle_at,
    "tell": lambda call: call.tell_at,
    "wants": lambda call: call.wants_until,
    "expire": lambda call: call.expires_at,
}


class Deadlines:
    """The deadlines of one state, soonest first."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._second = 0
        """The second that is in order."""
        self._near: list[Entry] = []
        """A heap of the entries in it."""
        self._far: dict[int, list[Entry]] = {}
        """Any other second -> entries in it."""
        self._seconds: list[int] = []
        """A heap of the seconds in `_far`."""
        for entry in all_deadlines(state):
            self.add(*entry)

    def add(self, at: int, kind: Kind, name: str = "", seat: str = "") -> None:
        """Note that a field now names this time."""
        second = at >> _SECOND_BITS
        if second == self._second:
            heapq.heappush(self._near, (at, kind, name, seat))
        elif second in self._far:
            self._far[second].append((at, kind, name, seat))
        else:
            self._far[second] = [(at, kind, name, seat)]
            heapq.heappush(self._seconds, second)

    def next(self) -> int | None:
        """When the soonest deadline is, or None."""
        if self._seconds and self._seconds[0] < self._second:  # added since
            self._turn()
        while True:
            near = self._near
            while near:
                if self._holds(near[0]):
                    return near[0][0]
                heapq.heappop(near)
            if not self._seconds:
                return None
            self._turn()

    def _turn(self) -> None:
        """Put the soonest second in order."""
        if self._near:
            self._far[self._second] = self._near
            heapq.heappush(self._seconds, self._second)
        self._second = heapq.heappop(self._seconds)
        self._near = [entry for entry in self._far.pop(self._second) if self._holds(entry)]
        heapq.heapify(self._near)

    def take(self, at: int) -> Entry | None:
        """Take out the soonest that has come by `at`, or None. To handle it may change what comes after it."""
        soonest = self.next()
        return None if soonest is None or soonest > at else heapq.heappop(self._near)

    def _holds(self, entry: Entry) -> bool:
        at, kind, name, extra = entry
        state = self._state
        if kind == "offer":
            offer = state.offers.get(name)
            return offer is not None and offer.deadline == at
        if kind == "give-up":
            call = state.calls.get(name)
            return call is not None and call.give_up_at == at
        if kind in _CALL_FIELDS:
            call = state.calls.get(name)
            return call is not None and _CALL_FIELDS[kind](call) == at
        if kind == "bar":
            call = state.calls.get(name)
            return call is not None and call.barred is not None and call.barred.get(extra) == at
        if kind == "rest":
            seat = state.seats.get(name)
            return seat is not None and seat.resting_until == at
        if kind == "line":
            line = state.lines.get(name)
            return line is not None and line.fault_until == at
        if kind == "leg":
            leg = state.legs.get(name)
            return leg is not None and leg.deadline == at
        if kind == "last":
            known = state.last_seats.get(name)
            return known is not None and known[1] == at
        if kind == "ticket":
            return any(ticket.expires_at == at for ticket in state.tickets)
        return state.look_at == at


def _call_deadlines(call: Call) -> Iterator[Entry]:
    for kind, field in _CALL_FIELDS.items():
        if (at := field(call)) is not None:
            yield at, kind, call.id, ""
    for seat_name, until in (call.barred or {}).items():
        yield until, "bar", call.id, seat_name


def all_deadlines(state: State) -> Iterator[Entry]:
    """Every deadline that stands in a state."""
    if state.look_at is not None:
        yield state.look_at, "look", "", ""
    for offer in state.offers.values():
        if offer.deadline is not None:
            yield offer.deadline, "offer", offer.id, ""
    yield from ((leg.deadline, "leg", leg.id, "") for leg in state.legs.values() if leg.deadline is not None)
    for seat in state.seats.values():
        if seat.resting_until is not None:
            yield seat.resting_until, "rest", seat.name, ""
    for call in state.calls.values():
        yield from _call_deadlines(call)
    for line in state.lines.values():
        if line.fault_until is not None:
            yield line.fault_until, "line", line.rule.name, ""
    yield from ((until, "last", caller, "") for caller, (_, until) in state.last_seats.items())
    yield from ((ticket.expires_at, "ticket", "", "") for ticket in state.tickets)
