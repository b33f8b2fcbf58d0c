"""Which waiting call goes to which free seat: the pure build, and the oracle of the compiled one.

Theory of operation: nothing clever. `match` sorts all calls, and for each of them looks at all seats, until there is a
pair that may be. The manual, with the meaning of every argument, is match.pyi.
"""

from collections.abc import Iterable
from operator import index

_INT64_MAX = 2**63 - 1
_LANES_MAX = 8


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

    def __init__(self, lanes: int = 1) -> None:
        if not 1 <= _int64(lanes) <= _LANES_MAX:
            raise ValueError(f"a matcher has 1 to {_LANES_MAX} lanes, not {lanes}")
        self._lanes = index(lanes)
        self._costs: dict[int, dict[int, int]] = {}  # call class -> seat class -> cost of the link
        self._lane: dict[int, int] = {}  # call class -> by which its seats are ordered
        self._closed: set[int] = set()  # call classes
        self._calls: dict[int, tuple[int, int, int, int]] = {}  # call -> rank, due, call, class
        self._seats: dict[int, tuple[int, tuple[int, ...]]] = {}  # seat -> class, keys
        self._bars: dict[int, set[int]] = {}  # call -> seats

    def link(self, seat_class: int, call_classes: Iterable[tuple[int, int]]) -> None:
        """Say which classes of calls the seats of a class may serve, and at what cost."""
        seat_class = _int64(seat_class)
        wanted = {_int64(call_class): _int64(cost) for call_class, cost in call_classes}
        for number in (seat_class, *wanted):
            _id(number)
        self._cut(seat_class)
        for call_class, cost in wanted.items():
            self._costs.setdefault(call_class, {})[seat_class] = cost

    def lane(self, call_class: int, lane: int) -> None:
        """Say by which lane the seats are ordered for the calls of a class."""
        call_class, lane = _id(call_class), _int64(lane)
        if not 0 <= lane < self._lanes:
            raise ValueError(f"there is no lane {lane}")
        self._lane[call_class] = lane

    def close(self, call_class: int) -> None:
        """Give the calls of a class to nobody until it is opened."""
        self._closed.add(_id(call_class))

    def open(self, call_class: int) -> None:
        """Let the calls of a closed class go again."""
        self._closed.discard(_id(call_class))

    def drop_seat_class(self, seat_class: int) -> None:
        """Forget a class of seats."""
        seat_class = _id(seat_class)
        if any(seat_class == known for known, _keys in self._seats.values()):
            raise ValueError(f"class {seat_class} has members")
        self._cut(seat_class)

    def drop_call_class(self, call_class: int) -> None:
        """Forget a class of calls."""
        call_class = _id(call_class)
        if any(call_class == known for _rank, _due, _call, known in self._calls.values()):
            raise ValueError(f"class {call_class} has members")
        self._costs.pop(call_class, None)
        self._lane.pop(call_class, None)
        self._closed.discard(call_class)

    def wait(self, call: int, call_class: int, rank: int, due: int) -> None:
        """Add a waiting call."""
        call = _id(call)
        if call in self._calls:
            raise ValueError(f"{call} is here already")
        self._calls[call] = (_int64(rank), _int64(due), call, _id(call_class))

    def leave(self, call: int) -> None:
        """Remove a waiting call."""
        del self._calls[_int64(call)]

    def free(self, seat: int, seat_class: int, *keys: int) -> None:
        """Add a free seat."""
        seat, seat_class = _int64(seat), _int64(seat_class)
        if len(keys) != self._lanes:
            raise TypeError(f"a seat has {self._lanes} keys here, one a lane, not {len(keys)}")
        numbers = tuple(_int64(key) for key in keys)
        if _id(seat) in self._seats:
            raise ValueError(f"{seat} is here already")
        self._seats[seat] = (_id(seat_class), numbers)

    def busy(self, seat: int) -> None:
        """Remove a free seat."""
        del self._seats[_int64(seat)]

    def bar(self, call: int, seat: int) -> None:
        """Keep a call from a seat."""
        call, seat = _id(call), _id(seat)
        if seat in self._bars.get(call, ()):
            raise ValueError(f"call {call} is barred from seat {seat} already")
        self._bars.setdefault(call, set()).add(seat)

    def unbar(self, call: int, seat: int) -> None:
        """Lift a bar."""
        call, seat = _int64(call), _int64(seat)
        if seat not in self._bars.get(call, ()):
            raise KeyError((call, seat))
        self._bars[call].remove(seat)
        if not self._bars[call]:
            del self._bars[call]

    def match(self) -> tuple[int, int] | None:
        """Take out the first call that some free seat may take, and the first such seat."""
        for _rank, _due, call, call_class in sorted(self._calls.values()):
            seat = None if call_class in self._closed else self._first(call_class, self._bars.get(call, ()))
            if seat is not None:
                del self._calls[call], self._seats[seat]
                return call, seat
        return None

    def best_seat(self, call_class: int, barred: Iterable[int] = ()) -> int | None:
        """Name the free seat that a call of this class would get."""
        call_class = _int64(call_class)
        refused = {_int64(seat) for seat in barred}
        return self._first(_id(call_class), refused)

    def waiting(self) -> int:
        """Count the calls that wait."""
        return len(self._calls)

    def idle(self) -> int:
        """Count the seats that are free."""
        return len(self._seats)

    def _first(self, call_class: int, refused: Iterable[int]) -> int | None:
        costs, lane = self._costs.get(call_class, {}), self._lane.get(call_class, 0)
        seats = [
            (costs[seat_class], keys[lane], seat)
            for seat, (seat_class, keys) in self._seats.items()
            if seat_class in costs and seat not in refused
        ]
        return min(seats)[-1] if seats else None

    def _cut(self, seat_class: int) -> None:
        for costs in self._costs.values():
            costs.pop(seat_class, None)
