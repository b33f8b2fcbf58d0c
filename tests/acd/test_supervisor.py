"""A supervisor's hand: queues closed and opened, calls moved, slips told."""

import re

import msgspec
import pytest

from acd.control import ControlError
from acd.core import events as ev
from acd.core.rules import LineGroupRule, LineRule, QueueRule
from acd.desk.supervisor import LineOrder, Move, SupervisorDesk
from tests.core.house import House


class Floor:
    """A dispatcher's two faces that the desk needs, over a house whose invariants are checked."""

    def __init__(self):
        names = ("carrier:1", "carrier:2", "DAHDI/1")
        group = LineGroupRule(name="outside", lines=tuple(LineRule(name=name) for name in names))
        one = LineGroupRule(name="doorbell", lines=(LineRule(name="DAHDI/2"),))
        queues = [QueueRule(name="sales"), QueueRule(name="night")]
        self.house = House(queues=queues, site={"line_groups": (group, one)})
        self.core = self.house.core

    def submit(self, event):
        self.house.give(event)


@pytest.fixture
def floor():
    return Floor()


@pytest.fixture
def desk(floor):
    return SupervisorDesk(lambda: floor)


def move(desk, **wanted):
    return desk.move(msgspec.json.encode(Move(**wanted)).decode())


def test_a_queue_is_closed_and_opened(desk, floor):
    """The answer says so in words, and the core has it."""
    assert desk.close_queue("sales") == "queue sales is closed: nobody new joins it"
    assert floor.core.state.closed == {"sales": True}
    assert desk.open_queue("sales") == "queue sales is open"


def test_a_waiting_call_is_moved_by_its_callers_number(desk, floor):
    """Another class, another queue, and out."""
    floor.house.arrive("1.1", caller="555")
    assert move(desk, call="555", priority=0, queue="night") == "done"
    call = floor.core.state.calls["1.1"]
    assert (call.rank, call.queue) == (0, "night")
    move(desk, call="1.1", to="voicemail")
    assert call.state == "after"


def test_a_message_is_moved_and_cannot_be_sent_away(desk, floor):
    """To another queue, also when its own does not exist; to no place where a caller would be needed."""
    floor.house.arrive("m", "nowhere", caller="555", medium="voicemail")
    assert move(desk, call="m", queue="night") == "done"
    call = floor.core.state.calls["m"]
    assert (call.queue, call.state) == ("night", "waiting")
    with pytest.raises(ControlError, match="is a voicemail: it can go to another queue or seat"):
        move(desk, call="m", to="number 5")
    assert move(desk, call="m", to="queue sales") == "done"
    assert (call.queue, call.state) == ("sales", "waiting")


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"call": "nobody"}, "no call and no caller 'nobody' waits now"),
        ({"call": "1.1", "queue": "nihgt"}, "no queue is called 'nihgt'; did you mean 'night'?"),
        ({"call": "1.1", "priority": 100}, "priority 100 is out of range"),
        ({"call": "1.1", "to": "voicmail"}, "voicmail"),
    ],
)
def test_slips_are_told_and_change_nothing(desk, floor, wanted, said):
    """What is wrong is named with what was meant; the call stands where it stood."""
    floor.house.arrive("1.1")
    before = msgspec.json.encode(floor.core.state)
    with pytest.raises(ControlError, match=said.replace("?", "[?]")):
        move(desk, **wanted)
    assert msgspec.json.encode(floor.core.state) == before


def test_nonsense_is_refused(desk):
    """The socket may say anything."""
    with pytest.raises(ControlError, match="not understood"):
        desk.move("{]")
    with pytest.raises(ControlError, match="no queue is called"):
        desk.close_queue("; drop table")


def test_a_call_that_rings_is_not_taken_away(desk, floor):
    """The phone that rings for it may be answered at this moment; its class can be changed all the same."""
    floor.house.log_in("102")
    floor.house.arrive("1.1")
    with pytest.raises(ControlError, match="a phone rings"):
        move(desk, call="1.1", queue="night")
    assert move(desk, call="1.1", priority=3) == "done"
    offer = floor.house.offer_of("1.1")
    floor.house.give(ev.OfferEnded(offer=offer, outcome="refused"))
    assert floor.core.state.calls["1.1"].rank == 3


def set_lines(desk, name, *, out=True, why=""):
    return desk.set_lines(msgspec.json.encode(LineOrder(name=name, out=out, why=why)).decode())


def looks(floor):
    return [line.look for line in floor.core.state.lines.values()]


def test_lines_are_taken_out_and_put_back(desk, floor):
    """One line, all of a trunk, or a group; the answer says how many still carry a call."""
    assert set_lines(desk, "DAHDI/1", why="crackles") == "line DAHDI/1 is out of service"
    assert floor.core.state.lines["DAHDI/1"].out_why == "crackles"
    floor.house.give(ev.LineChanged(line="carrier:2", in_use=True))
    answer = "all 2 lines of carrier are out of service; 1 with a call, which goes on to its end"
    assert set_lines(desk, "carrier") == answer
    assert looks(floor) == ["out", "in-use", "out", "free"]
    assert set_lines(desk, "outside", out=False) == "all 3 lines of outside are in service"
    assert looks(floor) == ["free", "in-use", "free", "free"]
    assert set_lines(desk, "doorbell") == "line DAHDI/2 is out of service"


@pytest.mark.parametrize(
    ("name", "why", "said"),
    [
        ("outsied", "", "no line, trunk or group of lines is called 'outsied'; did you mean 'outside'?"),
        ("carrier:9", "", "no line, trunk or group"),
        ("\x1b[2J", "", r"called '\\x1b[2J'"),
        ("DAHDI/1", "two\nlines", "one line"),
        ("DAHDI/1", "x" * 201, "at most 200"),
    ],
)
def test_lines_that_do_not_exist_and_reasons_that_are_none(desk, floor, name, why, said):
    """Nothing changes, and it is said what is wrong."""
    with pytest.raises(ControlError, match=re.escape(said.replace("\\\\", "\\"))):
        set_lines(desk, name, why=why)
    assert looks(floor) == ["free"] * 4
