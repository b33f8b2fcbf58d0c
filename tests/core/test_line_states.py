"""What keeps a line from a leg, how long it has been so, and lines that were taken out of service by hand."""

import msgspec
import pytest

from acd.core import Core, State
from acd.core import events as ev
from acd.core.line import Trouble
from acd.core.rules import LineGroupRule, LineRule, QueueRule, SeatRule
from tests.core.house import House, offers, same

RED = Trouble(kind="alarm", said="Red Alarm")


def house_of(lines=1, seats=1):
    """Some lines, and seats that need one each."""
    rules = tuple(LineRule(name=f"L{number}") for number in range(1, lines + 1))
    house = House(
        queues=[QueueRule(name="sales", wrap_up_ms=0)],
        seats=[SeatRule(name=str(101 + number), queues=("sales",), line_group="out") for number in range(seats)],
        site={"line_groups": (LineGroupRule(name="out", lines=rules),)},
    )
    house.log_in(*house.state.seats)
    return house


def line(house, name="L1"):
    return house.state.lines[name]


@pytest.mark.parametrize(
    ("event", "look", "back"),
    [
        (ev.LineChanged(line="L1", in_use=True), "in-use", ev.LineChanged(line="L1", in_use=False)),
        (ev.LineChanged(line="L1", in_use=False, trouble=RED), "alarm", ev.LineChanged(line="L1", in_use=False)),
        (
            ev.LineChanged(line="L1", in_use=False, trouble=Trouble(kind="not-registered")),
            "not-registered",
            ev.LineChanged(line="L1", in_use=False),
        ),
        (ev.LinesSet(lines=("L1",), out=True, why="crackles"), "out", ev.LinesSet(lines=("L1",), out=False)),
    ],
)
def test_a_line_that_is_not_to_be_had_is_given_to_nobody(event, look, back):
    """Whatever the reason: the seat behind it is not rung, and is when it is over; the look says since when."""
    house = house_of()
    house.give(event, after_ms=5_000)
    began = house.now
    assert (line(house).look, line(house).since) == (look, began)
    assert offers(house.arrive("a")) == []
    assert offers(house.give(back, after_ms=7_000)) == [("a", "101")]
    assert (line(house).look, line(house).since) == ("ours", began + 7_001)


def test_a_call_goes_on_over_a_line_that_is_taken_out():
    """Taking it out ends nothing; when the talk is over, the next call does not get it."""
    house = house_of()
    house.arrive("a")
    assert house.give(ev.LinesSet(lines=("L1",), out=True)) == []
    house.talk("a")
    house.arrive("b")
    assert line(house).look == "ours"
    assert offers(house.give(ev.OfferEnded(offer=house.offer_of("a"), outcome="hung-up"), after_ms=1_000)) == []
    assert (line(house).look, line(house).since) == ("out", house.now)
    assert offers(house.give(ev.LinesSet(lines=("L1",), out=False), after_ms=1_000)) == [("b", "101")]


def test_out_of_service_holds_until_it_is_put_back():
    """Through a restart, a snapshot, a reload, a trouble that comes and goes, and being said a second time."""
    house = house_of(lines=2)
    house.give(ev.LinesSet(lines=("L2", "L1", "L9"), out=True, why="crackles"), after_ms=1_000)
    began = house.now
    house.give(ev.Started(run="u"), after_ms=1_000)
    house.look(
        lines={"L1": False, "L2": False},
        troubles={"L1": RED},
    )
    house.look(lines={"L1": False, "L2": False})
    rules = tuple(LineRule(name=name) for name in ("L2", "L1", "L3"))
    queues, seats = tuple(house.state.queues.values()), tuple(seat.rule for seat in house.state.seats.values())
    group = LineGroupRule(name="out", lines=rules)
    house.give(ev.Configured(queues=queues, seats=seats, line_groups=(group,)), after_ms=1_000)
    house.give(ev.LinesSet(lines=("L1",), out=True, why="still crackles"), after_ms=1_000)
    assert [(one.look, one.out_since, one.out_why) for one in house.state.lines.values()] == [
        ("out", began, "crackles"),
        ("out", began, "still crackles"),
        ("free", None, ""),
    ]
    assert same(house.replayed(), house.state)
    stored = msgspec.json.decode(msgspec.json.encode(house.state), type=State)
    assert same(Core(stored).state, house.state)


def test_what_is_the_matter_is_told_in_this_order():
    """A call on it comes first, then the hand, then the switch's trouble, then its failures."""
    house = house_of()
    house.arrive("a")
    house.give(ev.OfferEnded(offer=house.offer_of("a"), outcome="failed"))
    looks = [line(house).look]
    house.give(ev.LineChanged(line="L1", in_use=False, trouble=RED))
    looks.append(line(house).look)
    house.give(ev.LinesSet(lines=("L1",), out=True))
    looks.append(line(house).look)
    house.give(ev.LineChanged(line="L1", in_use=True, trouble=RED))
    looks.append(line(house).look)
    assert looks == ["left-alone", "alarm", "out", "in-use"]


def test_another_word_for_the_same_trouble_is_no_new_trouble():
    """A red alarm that becomes a yellow one: the line is in alarm since the first."""
    house = house_of()
    house.give(ev.LineChanged(line="L1", in_use=False, trouble=RED))
    began = house.now
    yellow = Trouble(kind="alarm", said="Yellow Alarm")
    house.give(ev.LineChanged(line="L1", in_use=False, trouble=yellow), after_ms=1_000)
    assert (line(house).trouble, line(house).since) == (yellow, began)


def test_old_journals_are_read():
    """What was written before there were troubles says that a line is in use, and nothing else."""
    text = b'{"type":"LineChanged","at":5,"line":"carrier:1","in_use":true}'
    assert msgspec.json.decode(text, type=ev.AnyEvent) == ev.LineChanged(at=5, line="carrier:1", in_use=True)
    text = b'{"type":"Snapshot","at":5,"asked":4,"calls":[],"legs":[],"handsets":[],"lines":{"carrier:1":true}}'
    snapshot = msgspec.json.decode(text, type=ev.AnyEvent)
    assert (snapshot.lines, snapshot.troubles) == ({"carrier:1": True}, {})
    old = b'{"lines":{"L1":{"rule":{"name":"L1"},"group":"out","in_use":true}},"groups":{},"now":7}'
    state = msgspec.json.decode(old, type=State)
    assert (state.lines["L1"].look, state.lines["L1"].since) == ("in-use", 0)
