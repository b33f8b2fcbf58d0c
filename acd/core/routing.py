"""Who gets whom: keeps the matcher in step with the state.

Orders are tuples, never weighted sums: calls by (rank, due time, arrival number), seats by (idle since, seat number).
There is one order over all queues of a seat, and eligibility comes before order, so a call that nobody present can
serve never holds up one behind it.

The matcher knows integers only. A call is its arrival number, a seat its number; a class of calls is a queue, a class
of seats is a set of queues. All of it can be derived from the state; `Routing(state)` does so.
"""

from collections.abc import Iterator

from _fastpath import Matcher
from acd.core.model import Call, Seat, State
from acd.core.transitions import CallState


class Routing:
    """The matcher over one state."""

    def __init__(self, state: State) -> None:
        self._state = state
        self.rebuild()

    def rebuild(self) -> None:
        """Derive all of it anew: after a load, and when the rules change."""
        state = self._state
        self._matcher = Matcher()
        self._call_classes = {name: number for number, name in enumerate(state.queues)}
        self._seat_classes: dict[tuple[str, ...], int] = {}
        self._calls: dict[int, Call] = {}
        self._seats: dict[int, Seat] = {}
        self._free: dict[int, int] = {}
        for seat in state.seats.values():
            self.seat_changed(seat)
        for call in state.calls.values():
            if call.state is CallState.WAITING:
                self.waits(call)
            for seat_name in call.barred:
                self.bar(call, state.seats[seat_name])

    def waits(self, call: Call) -> None:
        """A call of a known queue waits."""
        self._calls[call.number] = call
        self._matcher.wait(call.number, self._call_classes[call.queue], call.rank, call.due)

    def leaves(self, call: Call) -> None:
        """It no longer does."""
        if self._calls.pop(call.number, None) is not None:
            self._matcher.leave(call.number)

    def seat_changed(self, seat: Seat) -> None:
        """Bring the matcher's view of a seat in line with whether it may be offered a call now."""
        key = seat.idle_since if seat.eligible else None
        known = self._free.get(seat.number)
        if key == known:
            return
        if known is not None:
            del self._free[seat.number]
            self._matcher.busy(seat.number)
        if key is not None:
            self._free[seat.number] = key
            self._seats[seat.number] = seat
            self._matcher.free(seat.number, self._class_of(seat), key)

    def bar(self, call: Call, seat: Seat) -> None:
        """Keep a call from a seat, until `unbar`."""
        self._matcher.bar(call.number, seat.number)

    def unbar(self, call: Call, seat: Seat) -> None:
        """Let it go there again."""
        self._matcher.unbar(call.number, seat.number)

    def pairs(self) -> Iterator[tuple[Call, Seat]]:
        """Best pair first; what is yielded is taken out of the matcher."""
        while (pair := self._matcher.match()) is not None:
            number, seat_number = pair
            del self._free[seat_number]
            yield self._calls.pop(number), self._seats[seat_number]

    def _class_of(self, seat: Seat) -> int:
        queues = tuple(sorted(set(seat.rule.queues)))
        number = self._seat_classes.get(queues)
        if number is None:
            number = self._seat_classes[queues] = len(self._seat_classes)
            self._matcher.link(number, [(self._call_classes[name], 0) for name in queues if name in self._call_classes])
        return number
