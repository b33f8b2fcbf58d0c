"""Which waiting call goes to which free seat: the pure build, and the oracle of the compiled one.

Theory of operation: nothing clever. `match` sorts everybody and takes the first pair that may be. The manual, with the
meaning of every argument, is match.pyi.
"""

from collections.abc import Iterable
from operator import index

_INT64_MAX = 2**63 - 1


def _int64(number: int) -> int:
    number = index(number)
    if not -_INT64_MAX - 1 <= number <= _INT64_MAX:
        raise OverflowError(f"{number} does not fit 64 bits")
    return number


def _id(number: int) -> int:
    number = _int64(number)
    if not 0 <= number < _INT64_MAX:
        raise ValueError(f"an id is 0 to 2**63 - 2, not {number}")
    return number


class Matcher:
    """Free seats and waiting calls; `match` brings them together."""

    def __init__(self) -> None:
        self._links: dict[int, set[int]] = {}  # seat class -> call classes
        self._calls: dict[int, tuple[int, int, int, int]] = {}  # call -> rank, due, call, class
        self._seats: dict[int, tuple[int, int, int]] = {}  # seat -> key, seat, class
        self._bars: set[tuple[int, int]] = set()

    def link(self, seat_class: int, call_classes: Iterable[int]) -> None:
        """Say which classes of calls the seats of a class may serve."""
        seat_class = _id(seat_class)
        self._links[seat_class] = {_id(number) for number in call_classes}

    def wait(self, call: int, call_class: int, rank: int, due: int) -> None:
        """Add a waiting call."""
        call = _id(call)
        if call in self._calls:
            raise ValueError(f"{call} is here already")
        self._calls[call] = (_int64(rank), _int64(due), call, _id(call_class))

    def leave(self, call: int) -> None:
        """Remove a waiting call."""
        del self._calls[_int64(call)]

    def free(self, seat: int, seat_class: int, key: int) -> None:
        """Add a free seat."""
        seat = _id(seat)
        if seat in self._seats:
            raise ValueError(f"{seat} is here already")
        self._seats[seat] = (_int64(key), seat, _id(seat_class))

    def busy(self, seat: int) -> None:
        """Remove a free seat."""
        del self._seats[_int64(seat)]

    def bar(self, call: int, seat: int) -> None:
        """Keep a call from a seat."""
        pair = (_id(call), _id(seat))
        if pair in self._bars:
            raise ValueError(f"call {call} is barred from seat {seat} already")
        self._bars.add(pair)

    def unbar(self, call: int, seat: int) -> None:
        """Lift a bar."""
        self._bars.remove((_int64(call), _int64(seat)))

    def match(self) -> tuple[int, int] | None:
        """Take out the first call that some free seat may take, and the first such seat."""
        seats = sorted(self._seats.values())
        for _rank, _due, call, call_class in sorted(self._calls.values()):
            for _key, seat, seat_class in seats:
                if call_class in self._links.get(seat_class, ()) and (call, seat) not in self._bars:
                    del self._calls[call], self._seats[seat]
                    return call, seat
        return None

    def waiting(self) -> int:
        """Count the calls that wait."""
        return len(self._calls)

    def idle(self) -> int:
        """Count the seats that are free."""
        return len(self._seats)
