"""Seats that are reached through trunk lines: both or neither."""

import pytest

from acd.core import commands as cmd
from acd.core import events as ev
from acd.core.rules import LineGroupRule, LineRule, QueueRule, SeatRule
from tests.core.house import House, offers


def house_of(*, costs=(3, 1, 2), seats=3, **group):
    """Some lines, and seats that need one each."""
    lines = tuple(LineRule(name=f"L{number}", cost=cost) for number, cost in enumerate(costs, 1))
    rules = [SeatRule(name=str(101 + number), queues=("sales",), line_group="out") for number in range(seats)]
    site = {"line_groups": (LineGroupRule(name="out", lines=lines, **group),)}
    house = House(queues=[QueueRule(name="sales", wrap_up_ms=0)], seats=rules, site=site)
    house.log_in(*(rule.name for rule in rules))
    return house


def lines_of(commands):
    """The lines that offers go over."""
    return [c.line for c in commands if isinstance(c, cmd.Offer)]


@pytest.mark.parametrize(("pick", "expected"), [("ordered", "L1 L2 L3"), ("least-cost", "L2 L3 L1")])
def test_which_line(pick, expected):
    """The first in the file, or the cheapest."""
    house = house_of(pick=pick)
    taken = [lines_of(house.arrive(call)) for call in "abc"]
    assert taken == [[line] for line in expected.split()]


def test_round_robin_spreads_the_load():
    """A line that was used last comes last."""
    house = house_of(pick="round-robin", seats=1)
    taken = []
    for call in "abcd":
        taken += lines_of(house.arrive(call))
        house.serve(call)
        house.give(ev.CallEnded(call=call))
    assert taken == ["L1", "L2", "L3", "L1"]


def test_without_a_line_a_seat_is_not_free():
    """Lines that are kept for callers, emergencies and callbacks are not for a seat's leg; one that comes free is."""
    house = house_of(keep_inbound=1, keep_emergency=1)
    assert lines_of(house.arrive("a")) == ["L1"]
    assert offers(house.arrive("b")) == []
    assert offers(house.serve("a")) == [("b", "102")]
    house.give(ev.LineChanged(line="L3", in_use=True))
    house.serve("b")
    assert offers(house.arrive("c")) == []
    assert offers(house.give(ev.LineChanged(line="L3", in_use=False))) == [("c", "103")]


def test_a_line_that_fails_is_left_alone_ever_longer():
    """Twice as long after each failure in a row, until a call goes through."""
    house = house_of(costs=(1,), seats=2, fault_ms=10_000)
    house.arrive("a")
    for wait_ms in (10_000, 20_000, 40_000):
        house.give(ev.OfferEnded(offer=house.offer_of("a"), outcome="failed"))
        assert offers(house.pass_time(wait_ms - 1)) == []
        assert lines_of(house.pass_time(1)) == ["L1"]
    house.serve("a")
    assert house.state.lines["L1"].faults == 0


def test_lines_that_the_snapshot_shows_in_use():
    """What the switch says of lines counts."""
    house = house_of(costs=(1,), seats=1)
    house.look(lines={"L1": True})
    assert offers(house.arrive("a")) == []
    held = ev.HeldCall(call="a", queue="sales", since=house.now)
    house.pass_time(1)
    assert offers(house.look(calls=[held], lines={"L1": False})) == [("a", "101")]
