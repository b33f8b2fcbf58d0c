"""What the bench's stopwatch does to a matcher is what `free`, `match` and `wait` would have done."""

from array import array

import pytest

from _fastpath.match_py import Matcher

stopwatch = pytest.importorskip("_fastpath.stopwatch", reason="the compiled module was not built")


def numbers(*values: int) -> array:
    return array("q", values)


def test_it_decides_as_the_matcher_does(compiled):
    """Each seat gets the call that the oracle gives it, who waits again at the end; one without a call is not free."""
    timed, oracle = compiled(), Matcher()
    for matcher in (timed, oracle):
        matcher.link(0, [(0, 0), (1, 0)])
        matcher.link(1, [(1, 0)])
        for call in range(9):
            matcher.wait(call, call % 2, call % 3, call)
    seats, seat_classes = numbers(*range(30)), numbers(*[seat % 3 for seat in range(30)])
    ranks = numbers(*[seat % 2 for seat in range(30)])
    expected = []
    for at, (seat, seat_class, rank) in enumerate(zip(seats, seat_classes, ranks, strict=True)):
        oracle.free(seat, seat_class, 101 + at)
        pair = oracle.match()
        if pair is None:
            oracle.busy(seat)
        else:
            oracle.wait(pair[0], pair[0] % 2, rank, 101 + at)
        expected.append(-1 if pair is None else pair[0])
    taken, calls = stopwatch.decisions(timed, seats, seat_classes, ranks, 100)
    assert list(calls) == expected
    assert -1 in expected
    assert len(taken) == 30
    assert min(taken) > 0
    assert (timed.waiting(), timed.idle()) == (9, 0)


def test_it_refuses_what_it_cannot_time(compiled):
    """Arrays unlike each other, several lanes, and a matcher in which pairs are left over are errors."""
    matcher = compiled()
    with pytest.raises(ValueError, match="one length"):
        stopwatch.decisions(matcher, numbers(1), numbers(), numbers(0), 0)
    with pytest.raises(ValueError, match="type q"):
        stopwatch.decisions(matcher, array("d", [1]), numbers(0), numbers(0), 0)
    with pytest.raises(ValueError, match="more keys"):
        stopwatch.decisions(compiled(2), numbers(1), numbers(0), numbers(0), 0)
    matcher.link(0, [(0, 0)])
    for number in range(2):
        matcher.wait(number, 0, 0, 0)
        matcher.free(number, 0, 0)
    with pytest.raises(ValueError, match="more than one pair"):
        stopwatch.decisions(matcher, numbers(5), numbers(0), numbers(0), 0)
