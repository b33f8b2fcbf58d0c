"""An index over the deadlines that stand in the state: which comes next.

Entries are never removed when a deadline changes. An entry counts only while the field it was made from still says
the same, so a stale one is skipped when it surfaces. The heap can be thrown away and built anew at any time.
"""

import heapq
from collections.abc import Iterator
from typing import Literal

from acd.core.model import State

Kind = Literal["offer", "wrap-up", "rest", "give-up", "bar", "look"]
Entry = tuple[int, Kind, str, str]
"""When, which field, whose, and for a bar: of which seat."""


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
        while self._heap:
            if self._holds(self._heap[0]):
                return self._heap[0][0]
            heapq.heappop(self._heap)
        return None

    def due(self, at: int) -> Iterator[Entry]:
        """Take out, in order, what has come by `at`. What is handled may change what comes after it."""
        while (soonest := self.next()) is not None and soonest <= at:
            yield heapq.heappop(self._heap)

    def _holds(self, entry: Entry) -> bool:
        at, kind, name, seat_name = entry
        if kind == "look":
            return self._state.look_at == at
        if kind == "offer":
            offer = self._state.offers.get(name)
            return offer is not None and offer.deadline == at
        if kind in {"wrap-up", "rest"}:
            seat = self._state.seats.get(name)
            return seat is not None and at == (seat.wrap_up_until if kind == "wrap-up" else seat.resting_until)
        call = self._state.calls.get(name)
        if call is None:
            return False
        return at == (call.barred.get(seat_name) if kind == "bar" else call.give_up_at)


def all_deadlines(state: State) -> Iterator[Entry]:
    """Every deadline that stands in a state."""
    if state.look_at is not None:
        yield state.look_at, "look", "", ""
    for offer in state.offers.values():
        if offer.deadline is not None:
            yield offer.deadline, "offer", offer.id, ""
    for seat in state.seats.values():
        if seat.wrap_up_until is not None:
            yield seat.wrap_up_until, "wrap-up", seat.name, ""
        if seat.resting_until is not None:
            yield seat.resting_until, "rest", seat.name, ""
    for call in state.calls.values():
        yield call.give_up_at, "give-up", call.id, ""
        for seat_name, until in call.barred.items():
            yield until, "bar", call.id, seat_name
