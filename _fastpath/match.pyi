# ruff: noqa: PYI021 - the stub is the manual
"""Which waiting call goes to which free seat.

A `Matcher` holds the calls that wait and the seats that are free, and names the pair to be made next. It knows nothing
of telephony: calls, seats and their classes are numbers, chosen by whoever uses it.

    ids         of calls, seats, classes of calls, classes of seats: 0 to 2**63 - 2; each kind has its own
    rank, due, key, cost     any signed 64-bit integer; only their order counts, lower is better
    lanes       orders of the same seats, 0 to 7: each class of calls looks at them by one

A class is a set of calls (or seats) alike in all that decides who may serve whom, at what cost and in what order: the
same queue and the same skills asked for, or the same skills had. It comes into being when it is first named, open and
by lane 0, and stays until it is dropped.

Errors, alike in both builds. `ValueError`: an id, a lane or a number of lanes out of range; a call, seat or bar that is
there already; a class with members that should be dropped. `KeyError`: a call, seat or bar that is not there.
`OverflowError`: a number that does not fit 64 bits. `TypeError`: not an integer, or not as many keys as lanes. After an
error, a `MemoryError` of `wait`, `free` or `link` included, everything is as it was (but for empty classes).
Deterministic: the same sequence of methods gives the same answers, in both builds. Not for use from two threads at once
without the interpreter's lock. An iterable given to a method is read before anything is changed.

Cost in the compiled build; n members in the class, L links of it, b bars met at the head:

    wait leave               O(log n)
    free busy                O(lanes x log n)
    match, a pair            O(L of the class of what came since the last match + L of the pair's call class + log n)
    match, None              the same once, then O(1) until something new comes
    best_seat                O(L), and O(b) more
    bar unbar                O(1), and O(b) more for each match that meets them: bars are taken to be few
    link, drop               O(L before + L after), however many wait
    lane close open          O(1)
    memory                   at most 90 bytes a call or seat at the peak (32 more a further lane), about 200 a class,
                             32 a link, about 300 a bar

The worst case. One seat comes free and a pair is taken: at most L heads of call classes are read, L being the links of
its class, and as many heads of seat classes as the call's class has links if others may serve that call too: the
longest lists of links bound it, and neither the number of calls, nor of seats, nor of classes. When F seats come free
before the first `match`, the lists of their classes are read once, not once a pair; each pair after that costs
O(log classes + L of its call class).

Any rank and due keep their order. Quickest are ranks from -2**15 to 2**15 - 1 and dues within 2**47 of 0 (in ms, four
thousand years): calls beyond, and calls equal in both, are told apart by a second look.

How it is measured: `python -m tests.bench core_match`. The pure build looks at everything for each `match`: right, and
quick enough for some hundred calls.
"""

from collections.abc import Iterable

class Matcher:
    """Free seats and waiting calls; `match` brings them together.

    Args:
        lanes: how many orders of the seats there are, 1 to 8.

    """

    def __init__(self, lanes: int = 1) -> None: ...
    def link(self, seat_class: int, call_classes: Iterable[tuple[int, int]]) -> None:
        """Say which classes of calls the seats of a class may serve, and at what cost.

        Takes the place of what was said of that class before, and holds at once for everybody present. A seat class
        never linked serves nobody.

        Args:
            seat_class: the seats spoken of.
            call_classes: pairs of a call class and the cost of giving its calls to these seats: what stands before the
                order of the lane, as a penalty, a tier, a misfit of skills. Of a class named twice the last counts.

        """

    def lane(self, call_class: int, lane: int) -> None:
        """Say by which lane the seats are ordered for the calls of a class, from now on; by lane 0 if never said.

        Raises:
            ValueError: there is no such lane.

        """

    def close(self, call_class: int) -> None:
        """Give the calls of a class to nobody until it is opened; they keep their places. No matter if it is closed."""

    def open(self, call_class: int) -> None:
        """Let the calls of a closed class go again. No matter if it is open."""

    def drop_seat_class(self, seat_class: int) -> None:
        """Forget a class of seats and its links: nothing is left of it, and its number may be used again.

        Dropping what was never named does nothing.

        Raises:
            ValueError: a seat of it is free.

        """

    def drop_call_class(self, call_class: int) -> None:
        """Forget a class of calls, its links, lane and gate: nothing is left of it, and its number may be used again.

        Dropping what was never named does nothing.

        Raises:
            ValueError: a call of it waits.

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

    def free(self, seat: int, seat_class: int, *keys: int) -> None:
        """Add a free seat.

        For a call, seats go in the order of (cost of the link, key in the lane of the call's class, seat), least first:
        with the time in ms since when it has been idle as key, the longest idle goes first.

        Args:
            seat: its id.
            seat_class: whom it may serve, see `link`.
            keys: one for each lane of the matcher.

        Raises:
            ValueError: it is free already.
            TypeError: there are more or fewer keys than lanes.

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
        of seats for this call, that may take it. May take: the call's class is open and linked to the seat's, and no
        bar stands between them. So a call that nobody present can serve never keeps one behind it waiting.
        """

    def best_seat(self, call_class: int, barred: Iterable[int] = ()) -> int | None:
        """Name the free seat that a call of this class would get if it were its turn; None when there is none.

        Nothing is taken out. Gates do not count, nor do bars set by `bar`: those that do are given here.

        Args:
            call_class: the class; one never named gets None.
            barred: seats that are looked past.

        """

    def waiting(self) -> int:
        """Count the calls that wait."""

    def idle(self) -> int:
        """Count the seats that are free."""
