"""What a queue looks like at the moment: derived from the state, kept in step with it, never stored.

order       the calls that wait, first in line first: position, fullness, and whom a step of escalation is for
by_arrival  the same by arrival, where overtaking is bounded
seats       who serves it           signed_in   how many of them are logged in
busy        how many have a call of it in hand, where that is bounded
virtual     how many of those that wait are no callers
"""

from bisect import bisect_left, insort

from acd.core.model import Call, Seat, State
from acd.core.rules import QueueRule


class Book:
    """One queue."""

    __slots__ = ("busy", "by_arrival", "order", "rule", "seats", "signed_in", "steps_on", "virtual")

    def __init__(self, rule: QueueRule) -> None:
        self.rule = rule
        self.order: list[tuple[int, int, int, Call]] = []
        self.by_arrival: list[tuple[int, int, Call]] = []
        self.seats: list[Seat] = []
        self.signed_in = 0
        self.busy = 0
        self.virtual = 0
        self.steps_on: set[int] = set()
        """Steps whose condition on the whole queue holds."""

    @property
    def callers(self) -> int:
        """How many wait that make the queue full, or a crowd: messages left overnight keep no caller out."""
        return len(self.order) - self.virtual

    def add(self, call: Call) -> None:
        """A call stands in line."""
        insort(self.order, (call.rank, call.due, call.number, call))
        self.virtual += call.virtual
        if self.rule.overtake_most:
            insort(self.by_arrival, (call.arrived, call.number, call))

    def remove(self, call: Call) -> bool:
        """It does so no more. Answers whether it did."""
        order = self.order
        place = bisect_left(order, (call.rank, call.due, call.number))
        if place == len(order) or order[place][2] != call.number:
            return False
        del order[place]
        self.virtual -= call.virtual
        if self.rule.overtake_most:
            del self.by_arrival[bisect_left(self.by_arrival, (call.arrived, call.number))]
        return True

    def holds(self, call: Call) -> bool:
        """Whether a call stands in line here."""
        place = bisect_left(self.order, (call.rank, call.due, call.number))
        return place < len(self.order) and self.order[place][2] == call.number

    def ahead_of(self, call: Call) -> int:
        """How many stand before a call."""
        return bisect_left(self.order, (call.rank, call.due, call.number))

    def in_line(self) -> list[Call]:
        """All who wait, first in line first."""
        return [place[3] for place in self.order]


def books_of(state: State) -> dict[str, Book]:
    """Derive the books of all queues."""
    books = {name: Book(rule) for name, rule in state.queues.items()}
    for seat in state.seats.values():
        enlist(books, seat)
    for call in state.calls.values():
        if call.state == "waiting" and call.queue in books:
            books[call.queue].add(call)
    for offer in state.offers.values():
        if offer.queue in books:
            books[offer.queue].busy += 1
    return books


def enlist(books: dict[str, Book], seat: Seat, *, by: int = 1) -> None:
    """Enter a seat in the books of its queues, or with `by` -1 take it out."""
    for queue in seat.rule.queues:
        book = books.get(queue)
        if book is not None:
            if by > 0:
                book.seats.append(seat)
            else:
                book.seats.remove(seat)
            if seat.presence != "logged-out":
                book.signed_in += by
