"""An index over the deadlines that stand in the state: which comes next.

Entries are never removed when a deadline changes. An entry counts only while the field it was made from still says
the same, so a stale one is skipped when it surfaces. The heap can be thrown away and built anew at any time.
"""

import heapq
from collections.abc import Callable, Iterator
from typing import Literal

from acd.core.model import Call, State

Kind = Literal[
    "offer", "rest", "give-up", "hold", "step", "circle", "tell", "wants", "bar", "line", "ticket", "last", "look"
]
Entry = tuple[int, Kind, str, str]
"""When, which field, whose, and for a bar: of which seat."""

_CALL_FIELDS: dict[Kind, Callable[[Call], int | None]] = {
    "give-up": lambda call: call.give_up_at,
    "hold": lambda call: call.hold_until,
    "step": lambda call: call.step_at,
    "circle": lambda call: call.circle_at,
    "tell": lambda call: call.tell_at,
    "wants": lambda call: call.wants_until,
}


class Deadlines:
    """The deadlines of one state, soonest first."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._heap: list[Entry] = list(all_deadlines(state))
        heapq.heapify(self._heap)

    def add(self, at: int, kind: Kind, name: str = "", seat: str = "") -> None:
        """Note that a field now names this time."""
        heapq.heappush(self._heap, (at, kind, name, seat))

    def next(self) -> int | None:
        """When the soonest deadline is, or None."""
        heap = self._heap
        while heap:
            if self._holds(heap[0]):
                return heap[0][0]
            heapq.heappop(heap)
        return None

    def due(self, at: int) -> Iterator[Entry]:
        """Take out, in order, what has come by `at`. What is handled may change what comes after it."""
        while (soonest := self.next()) is not None and soonest <= at:
            yield heapq.heappop(self._heap)

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
