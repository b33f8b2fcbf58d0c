"""The matcher's contract (match.pyi), over both builds."""

from collections.abc import Callable
from typing import Any

import pytest

BIG = 2**63 - 2


def drain(matcher: Any) -> list[tuple[int, int]]:
    return list(iter(matcher.match, None))


def test_calls_go_by_rank_then_due_then_number(matcher):
    """The lower rank goes first, then the earlier due time, then the lower call number."""
    matcher.link(0, [0, 1])
    for call, call_class, rank, due in [(7, 0, 1, 5), (3, 1, 1, 5), (9, 0, 0, 99), (1, 1, 1, 6), (2, 0, -1, 100)]:
        matcher.wait(call, call_class, rank, due)
    for seat in range(5):
        matcher.free(seat, 0, seat)
    assert [call for call, _seat in drain(matcher)] == [2, 9, 3, 7, 1]


def test_seats_go_by_key_then_number(matcher):
    """The seat with the least key gets the first call, and of equals the lower number."""
    matcher.link(0, [0])
    matcher.link(1, [0])
    for seat, seat_class, key in [(5, 0, 30), (4, 1, 10), (3, 0, 20), (2, 1, 20), (1, 0, 40)]:
        matcher.free(seat, seat_class, key)
    for call in range(5):
        matcher.wait(call, 0, 0, call)
    assert [seat for _call, seat in drain(matcher)] == [4, 2, 3, 5, 1]


def test_an_unservable_call_blocks_nobody(matcher):
    """A call that no free seat may serve keeps its place, and those behind it are served."""
    matcher.link(0, [1])
    matcher.wait(1, 0, 0, 0)
    matcher.wait(2, 1, 9, 9)
    matcher.free(1, 0, 0)
    assert drain(matcher) == [(2, 1)]
    matcher.free(2, 0, 0)
    matcher.link(0, [0])
    assert drain(matcher) == [(1, 2)]


def test_nobody_is_matched_twice(matcher):
    """A pair is taken out of the waiting and the free, and may come back."""
    matcher.link(0, [0])
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
    matcher.link(0, [0])
    for number in range(3):
        matcher.wait(number, 0, 0, number)
        matcher.free(number, 0, number)
    matcher.leave(0)
    matcher.busy(1)
    assert drain(matcher) == [(1, 0), (2, 2)]


def test_a_refused_seat_is_looked_past(matcher):
    """A barred call goes to the next seat in order; the refused seat goes to the next call."""
    matcher.link(0, [0])
    matcher.wait(1, 0, 0, 1)
    matcher.bar(1, 10)
    matcher.free(10, 0, 10)
    assert matcher.match() is None
    matcher.wait(2, 0, 0, 2)
    matcher.free(11, 0, 11)
    assert drain(matcher) == [(1, 11), (2, 10)]


def test_looking_past_keeps_both_orders(matcher):
    """With many barred calls before it and many refused seats before its own, the best allowed pair is found."""
    matcher.link(0, [0])
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
    matcher.link(0, [0])
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
    matcher.link(0, [0, 1, 1])
    matcher.wait(1, 0, 0, 0)
    matcher.wait(2, 2, 0, 0)
    matcher.link(0, [2])
    matcher.free(1, 0, 0)
    assert drain(matcher) == [(2, 1)]
    matcher.link(0, [])
    matcher.free(1, 0, 0)
    matcher.wait(2, 2, 0, 0)
    assert drain(matcher) == []


def test_numbers_at_the_ends_of_their_range(matcher):
    """Ids up to 2**63 - 2 and keys over the whole 64 bits keep their order."""
    matcher.link(BIG, [BIG])
    for call, rank, due in [(BIG, 2**63 - 1, 2**63 - 1), (0, -(2**63), 2**63 - 1), (1, -(2**63), -(2**63))]:
        matcher.wait(call, BIG, rank, due)
    for seat, key in [(BIG, 2**63 - 1), (0, -(2**63)), (1, 0)]:
        matcher.free(seat, BIG, key)
    assert drain(matcher) == [(1, 0), (0, 1), (BIG, BIG)]


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
        (ValueError, lambda m: m.link(0, [2, -1])),
        (KeyError, lambda m: m.leave(2)),
        (KeyError, lambda m: m.leave(-1)),
        (KeyError, lambda m: m.busy(2)),
        (KeyError, lambda m: m.unbar(1, 2)),
        (KeyError, lambda m: m.unbar(2, 1)),
        (OverflowError, lambda m: m.wait(2, 0, 2**63, 0)),
        (OverflowError, lambda m: m.free(2, 0, -(2**63) - 1)),
        (OverflowError, lambda m: m.leave(2**64)),
        (TypeError, lambda m: m.wait(2, 0, 0, 1.5)),
        (TypeError, lambda m: m.link(0, ["2"])),
        (TypeError, lambda m: m.busy(None)),
    ],
)
def test_a_wrong_number_raises_and_changes_nothing(matcher, error: type[Exception], act: Callable[[Any], None]):
    """Ids that are double, unknown, out of range or no integers raise what the manual says and leave all as it was."""
    matcher.link(0, [0])
    matcher.wait(1, 0, 0, 0)
    matcher.free(1, 0, 0)
    matcher.free(3, 0, 3)
    matcher.bar(1, 1)
    with pytest.raises(error):
        act(matcher)
    assert (matcher.waiting(), matcher.idle()) == (1, 2)
    assert drain(matcher) == [(1, 3)]
