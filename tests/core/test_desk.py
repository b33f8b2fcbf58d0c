"""A seat with a desk open: written contacts come there, whatever its handset does; calls need the handset."""

import pytest

from acd.core import events as ev
from acd.core.explain import exclusion, missed
from acd.core.rules import LineGroupRule, LineRule, SeatRule
from tests.core.house import House, offers

AWAY = {"unplugged": (False, False), "in a call of its own": (True, True)}


def desk(house, seat="101", *, is_open=True):
    return house.give(ev.DeskChanged(seat=seat, open=is_open))


def to_desks(commands):
    """Which offers of these go to desks."""
    return [command.desk for command in commands if hasattr(command, "ring_ms")]


def handset(house, how):
    reachable, busy = AWAY[how]
    house.give(ev.HandsetChanged(seat="101", reachable=reachable, busy=busy))


@pytest.mark.parametrize("how", AWAY)
def test_a_handset_is_needed_for_calls_alone(how):
    """With the desk open a seat whose handset cannot be rung has the e-mail at once; the call waits for the handset."""
    house = House(seats={"101": ("sales",)})
    house.log_in("101")
    handset(house, how)
    assert offers(house.arrive("call")) == []
    assert offers(house.arrive("mail", medium="email")) == []
    assert exclusion(house.state, house.state.calls["mail"], house.state.seats["101"]) is not None
    opened = desk(house)
    assert offers(opened) == [("mail", "101")]
    assert to_desks(opened) == [True]
    assert exclusion(house.state, house.state.calls["call"], house.state.seats["101"]) is not None
    assert list(missed(house.state)) == []
    house.give(ev.Connected(offer=house.state.calls["mail"].offer))
    back = house.give(ev.HandsetChanged(seat="101", reachable=True, busy=False))
    assert offers(back) == [("call", "101")]
    assert to_desks(back) == [False]


def test_closed_again_it_is_rung_as_before():
    """Without a desk the e-mail rings at the handset, and is told so."""
    house = House(seats={"101": ("sales",)})
    house.log_in("101")
    desk(house)
    desk(house, is_open=False)
    arrived = house.arrive("mail", medium="email")
    assert offers(arrived) == [("mail", "101")]
    assert to_desks(arrived) == [False]
    handset(house, "unplugged")
    assert offers(house.arrive("other", medium="sms")) == []


def test_a_voicemail_is_heard_at_the_handset():
    """What is not written is none of the desk's."""
    house = House(seats={"101": ("sales",)})
    house.log_in("101")
    desk(house)
    assert to_desks(house.arrive("message", medium="voicemail")) == [False]
    handset(house, "unplugged")


def test_a_line_is_not_taken_for_a_desk():
    """A seat that is reached over a line needs none for what comes to its desk, though all are taken."""
    group = LineGroupRule(name="far", lines=(LineRule(name="L1"),))
    seats = [SeatRule(name="101", queues=("sales",), line_group="far")]
    house = House(seats=seats, site={"line_groups": (group,)})
    house.give(ev.LineChanged(line="L1", in_use=True))
    house.log_in("101")
    desk(house)
    assert to_desks(house.arrive("mail", medium="email")) == [True]
    assert house.state.offers[house.state.calls["mail"].offer].line == ""


def test_who_is_paused_or_gone_has_nothing_at_the_desk():
    """A desk that is open is no word of its agent's."""
    house = House(seats={"101": ("sales",)})
    desk(house)
    assert offers(house.arrive("mail", medium="email")) == []
    house.log_in("101")
    assert house.state.calls["mail"].state == "offered"
    house.give(ev.OfferEnded(offer=house.state.calls["mail"].offer, outcome="refused"))
    house.give(ev.PauseAsked(seat="101", request=1, reason="break"))
    assert offers(house.arrive("other", medium="email")) == []


def test_after_a_restart_desks_are_closed_until_they_are_there_again():
    """Pages come again by themselves; until then nothing is offered to a desk."""
    house = House(seats={"101": ("sales",)})
    house.log_in("101")
    desk(house)
    house.give(ev.Started(run="u"))
    house.look(handsets={"101": (False, False)})
    assert offers(house.arrive("mail", medium="email")) == []
    assert offers(desk(house)) == [("mail", "101")]
