# ruff: noqa: PYI021 - the stub is the manual
"""Which waiting call goes to which free seat.

A `Matcher` holds the calls that wait and the seats that are free, and names the pair to be made next. It knows nothing
of telephony: calls, seats and their classes are numbers, chosen by whoever uses it.

    ids         of calls, seats, classes of calls, classes of seats: 0 to 2**63 - 2; each kind has its own
    rank, due, key   any signed 64-bit integer; only their order counts

A class is a set of calls (or seats) alike in all that decides who may serve whom: the same queue and the same skills
asked for, or the same skills had. It comes into being when it is first named, and stays.

Errors, alike in both builds. `ValueError`: an id out of range; a call, seat or bar that is there already. `KeyError`:
one that is not there. `OverflowError`: a number that does not fit 64 bits. `TypeError`: not an integer. After an error,
a `MemoryError` of `wait`, `free` or `link` included, everything is as it was (but for empty classes). Deterministic:
the same sequence of methods gives the same answers, in both builds. Not for use from two threads at once without the
interpreter's lock.

Cost in the compiled build; n members in the class, L links of it, b bars met at the head:

    wait free leave busy     O(log n)
    match, a pair            O(L of what is new since the last None, or all call classes if those are fewer, + log n)
    match, None              the same once, then O(1) until something new comes
    bar unbar                O(1), and O(b) more for each match that meets them: bars are taken to be few
    link                     O(L), and O(links) of each call class that is dropped
    memory                   at most 90 bytes a call or seat at the peak, about 100 a class, about 300 a bar

Load it is made for (`python -m tests.bench core_match`): 10,000 seats in 500 classes, 100,000 calls waiting in 2,000
classes, a seat comes free. One decision asked from Python, `free` and `match`, took 0.7 us; a numpy scan in the same
run 250 times that, the pure twin 25,000 times. All 10,000 seats free at once before the first `match`: 4 us a pair.
The pure build sorts everything for each `match`: right, and quick enough for some hundred calls.
"""

from collections.abc import Iterable

class Matcher:
    """Free seats and waiting calls; `match` brings them together."""

    def link(self, seat_class: int, call_classes: Iterable[int]) -> None:
        """Say which classes of calls the seats of a class may serve.

        Takes the place of what was said of that class before, and holds at once for everybody present.
        A call class named twice counts once. A seat class never linked serves nobody.
        """

    def wait(self, call: int, call_class: int, rank: int, due: int) -> None:
        """Add a waiting call.

        Calls go in the order of (rank, due, call), least first.

        Args:
            call: its id, in order of arrival: of two calls equal in rank and due, the lower goes first.
            call_class: who may serve it, see `link`.
            rank: priority class, lower first.
            due: time by which it should be served, in ms of any clock, so long as it is one clock for all.

        Raises:
            ValueError: it waits already.

        """

    def leave(self, call: int) -> None:
        """Remove a waiting call; one that `match` gave away is gone already.

        Raises:
            KeyError: it does not wait.

        """

    def free(self, seat: int, seat_class: int, key: int) -> None:
        """Add a free seat.

        Seats go in the order of (key, seat), least first: with the time in ms since when it has been idle as key, the
        longest idle goes first.

        Raises:
            ValueError: it is free already.

        """

    def busy(self, seat: int) -> None:
        """Remove a free seat; one that `match` gave away is gone already.

        Raises:
            KeyError: it is not free.

        """

    def bar(self, call: int, seat: int) -> None:
        """Keep a call from a seat until `unbar`.

        Neither needs to be present, and the bar outlives their going and coming back: whoever sets it lifts it.

        Raises:
            ValueError: the call is barred from the seat already.

        """

    def unbar(self, call: int, seat: int) -> None:
        """Lift a bar.

        Raises:
            KeyError: there is none.

        """

    def match(self) -> tuple[int, int] | None:
        """Take out the best pair and return it as (call, seat); None when there is none.

        The call is the first, in the order of calls, that any free seat may take; the seat is the first, in the order
        of seats, that may take it. May take: its class is linked to the call's and no bar stands between them. So a
        call that nobody present can serve never keeps one behind it waiting.
        """

    def waiting(self) -> int:
        """Count the calls that wait."""

    def idle(self) -> int:
        """Count the seats that are free."""
