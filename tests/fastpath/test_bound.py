"""The worst case that the manual states: the longest lists of links bound a decision, and nothing else does.

Times of the compiled build, each the least of several rounds, in turns. What is compared differs a hundredfold in what
must not count, so a build that looked at all of it would fail by far more than any noise.
"""

from collections.abc import Callable
from time import perf_counter_ns

import pytest

match = pytest.importorskip("_fastpath.match", reason="the compiled module was not built")

LINKS, FEW, MANY = 20, 20, 20_000
DECISIONS = 300


def least_ns(*acts: Callable[[], None]) -> list[int]:
    """The least time that each takes, taken in turns."""
    taken: list[list[int]] = [[] for _act in acts]
    for _ in range(9):
        for act, times in zip(acts, taken, strict=True):
            start = perf_counter_ns()
            act()
            times.append(perf_counter_ns() - start)
    return [min(times) for times in taken]


def centre(classes: int, calls_a_class: int = 2) -> object:
    """Calls wait in so many classes, the first of which are all that the seats of class 0 may serve."""
    matcher = match.Matcher()
    matcher.link(0, [(number, 0) for number in range(LINKS)])
    for number in range(1, classes):
        matcher.link(number, [(number, 0)])
    for call in range(classes * calls_a_class):
        matcher.wait(call, call % classes, 0, call)
    assert matcher.match() is None
    return matcher


def one_by_one(matcher: object) -> None:
    """Seats come free one at a time; who was served waits again."""
    for seat in range(DECISIONS):
        matcher.free(seat, 0, seat)
        call, _seat = matcher.match()
        matcher.wait(call, call % LINKS, 0, call)
        assert matcher.match() is None


def test_other_classes_do_not_count():
    """A seat that may serve 20 classes is given its call as quickly among 20,000 classes as among 20."""
    few, many = centre(FEW), centre(MANY)
    among_few, among_many = least_ns(lambda: one_by_one(few), lambda: one_by_one(many))
    assert among_many < 8 * among_few


def test_the_number_of_calls_does_not_count():
    """A seat is given its call as quickly with 2,000 calls waiting in each class as with 20."""
    few, many = centre(FEW, 20), centre(FEW, 2_000)
    among_few, among_many = least_ns(lambda: one_by_one(few), lambda: one_by_one(many))
    assert among_many < 8 * among_few


def test_a_storm_does_not_read_everything_for_each_pair():
    """All of 300 seats that come free before the first match cost as much a pair among 20,000 classes as among 20."""

    def storm(matcher: object) -> None:
        for seat in range(DECISIONS):
            matcher.free(seat, 0, seat)
        for call, _seat in list(iter(matcher.match, None)):
            matcher.wait(call, call % LINKS, 0, call)
        assert matcher.match() is None

    few, many = centre(FEW, 20), centre(MANY, 20)
    among_few, among_many = least_ns(lambda: storm(few), lambda: storm(many))
    assert among_many < 8 * among_few


def test_a_storm_over_all_classes_costs_a_logarithm():
    """10,000 seats in 1,000 classes, free at once, are served at less than 8 times the cost of 100 in 10."""

    def storm(seats: int, classes: int) -> Callable[[], None]:
        matcher = match.Matcher()
        for number in range(classes):
            matcher.link(number, [((number + step) % classes, 0) for step in range(10)])

        def once() -> None:
            for number in range(seats):
                matcher.wait(number, number % classes, 0, number)
                matcher.free(number, number % classes, number)
            assert sum(1 for _ in iter(matcher.match, None)) == seats

        return once

    small, large = least_ns(storm(100, 10), storm(10_000, 1_000))
    assert large / 100 < 8 * small


def test_changing_links_does_not_depend_on_who_waits():
    """A seat class is linked anew as quickly with 40,000 calls waiting in its classes as with 40."""
    few, many = centre(FEW, 2), centre(FEW, 2_000)

    def relink(matcher: object) -> None:
        for cost in range(DECISIONS):
            matcher.link(0, [(number, cost) for number in range(LINKS)])

    among_few, among_many = least_ns(lambda: relink(few), lambda: relink(many))
    assert among_many < 8 * among_few
