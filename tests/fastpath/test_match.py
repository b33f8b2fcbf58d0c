"""The matcher's contract (match.pyi), over both builds."""

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

BIG = 2**63 - 2


def drain(matcher: Any) -> list[tuple[int, int]]:
    return list(iter(matcher.match, None))


def test_calls_go_by_rank_then_due_then_number(matcher):
    """The lower rank goes first, then the earlier due time, then the lower call number."""
    matcher.link(0, [(0, 0), (1, 0)])
    for call, call_class, rank, due in [(7, 0, 1, 5), (3, 1, 1, 5), (9, 0, 0, 99), (1, 1, 1, 6), (2, 0, -1, 100)]:
        matcher.wait(call, call_class, rank, due)
    for seat in range(5):
        matcher.free(seat, 0, seat)
    assert [call for call, _seat in drain(matcher)] == [2, 9, 3, 7, 1]


def test_seats_go_by_key_then_number(matcher):
    """The seat with the least key gets the first call, and of equals the lower number."""
    matcher.link(0, [(0, 0)])
    matcher.link(1, [(0, 0)])
    for seat, seat_class, key in [(5, 0, 30), (4, 1, 10), (3, 0, 20), (2, 1, 20), (1, 0, 40)]:
        matcher.free(seat, seat_class, key)
    for call in range(5):
        matcher.wait(call, 0, 0, call)
    assert [seat for _call, seat in drain(matcher)] == [4, 2, 3, 5, 1]


def test_an_unservable_call_blocks_nobody(matcher):
    """A call that no free seat may serve keeps its place, and those behind it are served."""
    matcher.link(0, [(1, 0)])
    matcher.wait(1, 0, 0, 0)
    matcher.wait(2, 1, 9, 9)
    matcher.free(1, 0, 0)
    assert drain(matcher) == [(2, 1)]
    matcher.free(2, 0, 0)
    matcher.link(0, [(0, 0)])
    assert drain(matcher) == [(1, 2)]


def test_nobody_is_matched_twice(matcher):
    """A pair is taken out of the waiting and the free, and may come back."""
    matcher.link(0, [(0, 0)])
    matcher.wait(1, 0, 0, 0)
    matcher.free(1, 0, 0)
    assert (matcher.waiting(), matcher.idle()) == (1, 1)
    assert matcher.match() == (1, 1)
    assert (matcher.waiting(), matcher.idle()) == (0, 0)
    assert matcher.match() is None
    matcher.wait(1, 0, 0, 0)
    matcher.free(1, 0, 0)
    assert matcher.match() == (1, 1)


def test_who_left_is_not_matched(matcher):
    """A call that left and a seat that became busy are in no pair."""
    matcher.link(0, [(0, 0)])
    for number in range(3):
        matcher.wait(number, 0, 0, number)
        matcher.free(number, 0, number)
    matcher.leave(0)
    matcher.busy(1)
    assert drain(matcher) == [(1, 0), (2, 2)]


def test_a_refused_seat_is_looked_past(matcher):
    """A barred call goes to the next seat in order; the refused seat goes to the next call."""
    matcher.link(0, [(0, 0)])
    matcher.wait(1, 0, 0, 1)
    matcher.bar(1, 10)
    matcher.free(10, 0, 10)
    assert matcher.match() is None
    matcher.wait(2, 0, 0, 2)
    matcher.free(11, 0, 11)
    assert drain(matcher) == [(1, 11), (2, 10)]


def test_looking_past_keeps_both_orders(matcher):
    """With many barred calls before it and many refused seats before its own, the best allowed pair is found."""
    matcher.link(0, [(0, 0)])
    for number in range(40):
        matcher.wait(number, 0, 0, number)
        matcher.free(number, 0, number)
    for call in range(20):
        for seat in range(40):
            if (call, seat) not in {(17, 33), (12, 35)}:
                matcher.bar(call, seat)
    assert drain(matcher)[:3] == [(12, 35), (17, 33), (20, 0)]


def test_a_bar_outlives_coming_and_going(matcher):
    """A bar holds before its call waits and after it left, until it is lifted; lifting it makes the pair at once."""
    matcher.link(0, [(0, 0)])
    matcher.bar(1, 1)
    matcher.bar(1, 2)
    matcher.wait(1, 0, 0, 0)
    matcher.leave(1)
    matcher.wait(1, 0, 0, 0)
    matcher.free(1, 0, 0)
    assert matcher.match() is None
    matcher.unbar(1, 2)
    assert matcher.match() is None
    matcher.unbar(1, 1)
    assert matcher.match() == (1, 1)


def test_a_link_replaces_the_one_before(matcher):
    """A new link of a seat class is all that holds, for seats and calls already present; an empty one serves nobody."""
    matcher.link(0, [(0, 0), (1, 0), (1, 0)])
    matcher.wait(1, 0, 0, 0)
    matcher.wait(2, 2, 0, 0)
    matcher.link(0, [(2, 0)])
    matcher.free(1, 0, 0)
    assert drain(matcher) == [(2, 1)]
    matcher.link(0, [])
    matcher.free(1, 0, 0)
    matcher.wait(2, 2, 0, 0)
    assert drain(matcher) == []


def test_numbers_at_the_ends_of_their_range(matcher):
    """Ids up to 2**63 - 2 and keys over the whole 64 bits keep their order."""
    matcher.link(BIG, [(BIG, 0)])
    for call, rank, due in [(BIG, 2**63 - 1, 2**63 - 1), (0, -(2**63), 2**63 - 1), (1, -(2**63), -(2**63))]:
        matcher.wait(call, BIG, rank, due)
    for seat, key in [(BIG, 2**63 - 1), (0, -(2**63)), (1, 0)]:
        matcher.free(seat, BIG, key)
    assert drain(matcher) == [(1, 0), (0, 1), (BIG, BIG)]


def test_the_cost_of_a_link_stands_before_the_key(matcher):
    """A call gets the seat of the least cost, whatever the keys, and of equal cost the least key."""
    matcher.link(0, [(0, 5), (1, -(2**63))])
    matcher.link(1, [(0, -5), (1, 2**63 - 1)])
    matcher.link(2, [(0, 5)])
    for seat, seat_class, key in [(1, 0, -9), (2, 1, 9), (3, 2, -10), (4, 1, 8)]:
        matcher.free(seat, seat_class, key)
    assert [matcher.best_seat(call_class) for call_class in range(2)] == [4, 1]
    for call in range(4):
        matcher.wait(call, 0, 0, call)
    assert drain(matcher) == [(0, 4), (1, 2), (2, 3), (3, 1)]


def test_the_last_cost_said_counts(matcher):
    """Of a call class named twice in a link, and of two links of a seat class, the last cost holds."""
    matcher.link(0, [(0, 1), (0, 3)])
    matcher.link(1, [(0, 2)])
    matcher.free(10, 0, 0)
    matcher.free(11, 1, 0)
    assert matcher.best_seat(0) == 11
    matcher.link(0, [(0, 1)])
    assert matcher.best_seat(0) == 10


def test_each_class_of_calls_looks_by_its_lane(build: ModuleType):
    """Seats have an order a lane; calls of a class go by the one said last, or lane 0; who goes is in none."""
    matcher = build.Matcher(3)
    matcher.link(0, [(call_class, 0) for call_class in range(3)])
    matcher.link(1, [(call_class, 0) for call_class in range(3)])
    for seat in range(40):
        matcher.free(seat, seat % 2, seat, -seat, (7 * seat) % 40)
    matcher.lane(1, 1)
    matcher.lane(2, 0)
    matcher.lane(2, 2)
    assert [matcher.best_seat(call_class) for call_class in range(3)] == [0, 39, 0]
    matcher.busy(0)
    for call in range(39):
        matcher.wait(call, call % 3, 0, call)
    pairs = drain(matcher)
    left = set(range(1, 40))
    for call, seat in pairs:
        keys = [lambda seat: seat, lambda seat: -seat, lambda seat: (7 * seat) % 40]
        assert seat == min(left, key=keys[call % 3])
        left.remove(seat)
    assert (len(pairs), matcher.waiting(), matcher.idle()) == (39, 0, 0)


def test_a_lane_may_be_changed_while_calls_wait(build: ModuleType):
    """The lane said last holds for calls that wait already."""
    matcher = build.Matcher(2)
    matcher.link(0, [(0, 0)])
    matcher.wait(1, 0, 0, 0)
    assert matcher.match() is None
    matcher.free(1, 0, 1, 2)
    matcher.free(2, 0, 2, 1)
    matcher.lane(0, 1)
    assert matcher.match() == (1, 2)


def test_a_closed_class_waits(matcher):
    """Calls of a closed class, there before or come later, are given to nobody and keep nobody waiting until opened."""
    matcher.link(0, [(0, 0), (1, 0)])
    matcher.wait(1, 0, 0, 1)
    matcher.close(0)
    matcher.close(0)
    matcher.wait(2, 1, 9, 2)
    matcher.wait(3, 0, 0, 0)
    for seat in range(2):
        matcher.free(seat, 0, seat)
    assert matcher.best_seat(0) == 0
    assert drain(matcher) == [(2, 0)]
    matcher.open(0)
    matcher.open(0)
    assert drain(matcher) == [(3, 1)]
    matcher.free(1, 0, 0)
    assert drain(matcher) == [(1, 1)]


def test_a_class_may_be_closed_between_two_pairs(matcher):
    """A gate closed while pairs are being taken holds from the next one on; opened again, the rest go in order."""
    matcher.link(0, [(0, 0), (1, 0)])
    for number in range(6):
        matcher.wait(number, number % 2, 0, number)
        matcher.free(number, 0, number)
    assert matcher.match() == (0, 0)
    matcher.close(0)
    assert drain(matcher) == [(1, 1), (3, 2), (5, 3)]
    matcher.open(0)
    assert drain(matcher) == [(2, 4), (4, 5)]


def test_best_seat_looks_past_the_barred(matcher):
    """The peek names the first seat not barred by its argument, takes nobody out, and heeds no bar of a call."""
    matcher.link(0, [(0, 1)])
    matcher.link(1, [(0, 0)])
    for seat in range(20):
        matcher.free(seat, 0, -seat)
    matcher.free(20, 1, 0)
    matcher.bar(1, 20)
    assert matcher.best_seat(0) == 20
    assert matcher.best_seat(0, iter([20])) == 19
    assert matcher.best_seat(0, range(4, 21)) == 3
    assert matcher.best_seat(0, range(21)) is None
    assert matcher.best_seat(7) is None
    assert matcher.idle() == 21


def test_a_dropped_class_is_forgotten(matcher):
    """The number of a dropped class begins anew: no link, open, whoever is named so now; its peers keep their links."""
    matcher.link(0, [(0, 0), (1, 0)])
    matcher.link(1, [(0, 5), (1, 5)])
    matcher.close(0)
    matcher.drop_call_class(0)
    matcher.drop_seat_class(0)
    matcher.free(1, 0, 0)
    matcher.free(2, 1, 0)
    matcher.wait(1, 0, 0, 0)
    matcher.wait(2, 1, 0, 1)
    assert drain(matcher) == [(2, 2)]
    matcher.link(0, [(0, 0)])
    assert drain(matcher) == [(1, 1)]
    matcher.drop_seat_class(99)
    matcher.drop_call_class(99)


def test_a_class_with_members_is_not_dropped(matcher):
    """A class in which a call waits or a seat is free stays as it is, with its links."""
    matcher.link(0, [(0, 0)])
    matcher.wait(1, 0, 0, 0)
    matcher.free(1, 0, 0)
    with pytest.raises(ValueError, match="class 0 has members"):
        matcher.drop_call_class(0)
    with pytest.raises(ValueError, match="class 0 has members"):
        matcher.drop_seat_class(0)
    assert matcher.match() == (1, 1)
    matcher.drop_call_class(0)
    matcher.drop_seat_class(0)


def test_a_link_reads_its_pairs_before_it_acts(matcher):
    """An iterable that uses the matcher while it is read, or fails, does no damage."""

    def meddling() -> Iterator[tuple[int, int]]:
        yield 0, 0
        matcher.drop_call_class(0)
        matcher.drop_seat_class(0)
        for number in range(1, 100):
            matcher.link(number, [(number, 0)])
        yield 1, 1

    matcher.link(0, meddling())
    matcher.wait(1, 0, 0, 0)
    matcher.free(1, 0, 0)
    assert matcher.match() == (1, 1)
    with pytest.raises(ZeroDivisionError):
        matcher.link(0, ((1 // number, 0) for number in (1, 0)))
    matcher.wait(1, 0, 0, 0)
    matcher.free(1, 0, 0)
    assert matcher.match() == (1, 1)


@pytest.mark.parametrize("lanes", [0, 9, -1])
def test_a_matcher_has_1_to_8_lanes(build: ModuleType, lanes: int):
    """Any other number of lanes is refused."""
    with pytest.raises(ValueError, match="1 to 8 lanes"):
        build.Matcher(lanes)


@pytest.mark.parametrize("keys", [(), (1,), (1, 2, 3)])
def test_a_seat_has_a_key_for_each_lane(build: ModuleType, keys: tuple[int, ...]):
    """More or fewer keys than lanes are refused, and the seat is not free."""
    matcher = build.Matcher(2)
    with pytest.raises(TypeError, match="2 keys"):
        matcher.free(1, 0, *keys)
    assert matcher.idle() == 0
    matcher.free(1, 0, 1, 2)


@pytest.mark.parametrize(
    ("error", "act"),
    [
        (ValueError, lambda m: m.wait(1, 5, 0, 0)),
        (ValueError, lambda m: m.free(1, 5, 0)),
        (ValueError, lambda m: m.bar(1, 1)),
        (ValueError, lambda m: m.wait(-1, 0, 0, 0)),
        (ValueError, lambda m: m.wait(2**63 - 1, 0, 0, 0)),
        (ValueError, lambda m: m.wait(2, -1, 0, 0)),
        (ValueError, lambda m: m.free(-1, 0, 0)),
        (ValueError, lambda m: m.bar(-1, 0)),
        (ValueError, lambda m: m.bar(0, -1)),
        (ValueError, lambda m: m.link(-1, [])),
        (ValueError, lambda m: m.link(0, [(2, 0), (-1, 0)])),
        (ValueError, lambda m: m.link(0, [(2, 0, 0)])),
        (ValueError, lambda m: m.lane(0, 1)),
        (ValueError, lambda m: m.lane(0, -1)),
        (ValueError, lambda m: m.lane(-1, 0)),
        (ValueError, lambda m: m.close(-1)),
        (ValueError, lambda m: m.open(2**63 - 1)),
        (ValueError, lambda m: m.drop_seat_class(-1)),
        (ValueError, lambda m: m.drop_call_class(-1)),
        (ValueError, lambda m: m.drop_seat_class(0)),
        (ValueError, lambda m: m.drop_call_class(0)),
        (ValueError, lambda m: m.best_seat(-1)),
        (KeyError, lambda m: m.leave(2)),
        (KeyError, lambda m: m.leave(-1)),
        (KeyError, lambda m: m.busy(2)),
        (KeyError, lambda m: m.unbar(1, 2)),
        (KeyError, lambda m: m.unbar(2, 1)),
        (OverflowError, lambda m: m.wait(2, 0, 2**63, 0)),
        (OverflowError, lambda m: m.free(2, 0, -(2**63) - 1)),
        (OverflowError, lambda m: m.leave(2**64)),
        (OverflowError, lambda m: m.link(0, [(2, 2**63)])),
        (OverflowError, lambda m: m.best_seat(0, [2**63])),
        (TypeError, lambda m: m.wait(2, 0, 0, 1.5)),
        (TypeError, lambda m: m.free(2, 0)),
        (TypeError, lambda m: m.free(2, 0, 0, 0)),
        (TypeError, lambda m: m.link(0, [2])),
        (TypeError, lambda m: m.link(0, [(2, 1.5)])),
        (TypeError, lambda m: m.best_seat(0, [1.5])),
        (TypeError, lambda m: m.best_seat(0, 1)),
        (TypeError, lambda m: m.link(0, [("2", 0)])),
        (TypeError, lambda m: m.busy(None)),
    ],
)
def test_a_wrong_number_raises_and_changes_nothing(matcher, error: type[Exception], act: Callable[[Any], None]):
    """Ids that are double, unknown, out of range or no integers raise what the manual says and leave all as it was."""
    matcher.link(0, [(0, 0)])
    matcher.wait(1, 0, 0, 0)
    matcher.free(1, 0, 0)
    matcher.free(3, 0, 3)
    matcher.bar(1, 1)
    with pytest.raises(error):
        act(matcher)
    assert (matcher.waiting(), matcher.idle()) == (1, 2)
    assert drain(matcher) == [(1, 3)]
