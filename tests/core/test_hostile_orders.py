"""Orders of events that an honest day does not bring: each of these once lost a call, a place, a talk or a seat."""

import pytest

from acd.core import commands as cmd
from acd.core import events as ev
from acd.core.rules import QueueRule, SeatRule
from tests.core.house import House, offers


def held(house, call, *, waiting=True, queue="sales"):
    """A caller's line in a snapshot."""
    return ev.HeldCall(call=call, queue=queue, since=house.state.calls[call].due, waiting=waiting)


@pytest.mark.parametrize("outcome", ["busy", "unreachable", "failed"])
def test_a_phone_that_could_not_be_rung_costs_the_caller_no_place(outcome):
    """Nobody refused him: when the one seat has rested he is its next call, before those who came after him."""
    house = House()
    house.log_in("102")
    house.arrive("first")
    house.arrive("second")
    house.give(ev.OfferEnded(offer=house.offer_of("first"), outcome=outcome))
    assert offers(house.pass_time(5_000)) == [("first", "102")]


def test_a_talk_that_began_while_a_withdrawal_could_not_be_sent_is_left_to_go_on():
    """The agent logged out during an outage and picked up all the same: the switch's word is the truth."""
    house = House()
    house.log_in("102")
    house.arrive("a")
    offer = house.offer_of("a")
    house.give(ev.SwitchLost())
    house.give(ev.LogOutAsked(seat="102"))
    house.pass_time(5_000)
    leg = ev.LiveLeg(offer=offer, call="a", seat="102", joined=True)
    house.look(calls=[held(house, "a", waiting=False)], legs=[leg])
    assert house.state.calls["a"].state == "talking"
    assert not [command for command in house.pass_time(30_000) if isinstance(command, cmd.Withdraw)]
    house.give(ev.OfferEnded(offer=offer, outcome="hung-up"))
    assert house.state.seats["102"].state == "logged-out"


@pytest.mark.parametrize("told", ["never", "late"])
def test_logging_out_cuts_no_talk_whose_beginning_is_not_known_yet(told):
    """The words of the answer and of the bridge are late or lost: the switch is asked before anything is taken back."""
    house = House()
    house.log_in("102")
    house.arrive("a")
    offer = house.offer_of("a")
    house.pass_time(3_000)
    asked = house.now - 1
    commands = house.give(ev.LogOutAsked(seat="102", request=1))
    assert cmd.TakeSnapshot() in commands
    rings, talks = (ev.LiveLeg(offer=offer, call="a", seat="102", joined=joined) for joined in (False, True))
    older = ev.Snapshot(asked=asked, calls=(held(house, "a"),), legs=(rings,), handsets=())
    commands += house.give(older)  # written before he asked, perhaps before he picked up
    if told == "late":
        house.give(ev.OfferAnswered(offer=offer), after_ms=2_000)
        commands += house.look(calls=[held(house, "a")], legs=[rings])  # answered, and not in the bridge yet
        house.give(ev.Connected(offer=offer))
    else:
        commands += house.look(calls=[held(house, "a", waiting=False)], legs=[talks])
    commands += house.pass_time(30_000)
    assert not [command for command in commands if isinstance(command, cmd.Withdraw)]
    assert house.state.seats["102"].state == "talking"
    house.give(ev.OfferEnded(offer=offer, outcome="hung-up"))
    assert house.state.seats["102"].state == "logged-out"


def test_nothing_is_taken_back_while_the_switch_is_out_of_sight():
    """A ring that is overdue because nobody could tell of its end is no reason to end a talk."""
    house = House(ring_ms=15_000)
    house.log_in("102")
    house.arrive("a")
    house.give(ev.SwitchLost())
    assert house.pass_time(120_000) == []
    assert house.state.offers[house.offer_of("a")].state == "ringing"


@pytest.mark.parametrize("lost", [{"connected"}, {"answered", "connected"}])
def test_a_talk_of_which_an_event_was_lost_is_not_cut(lost):
    """When the word of the bridge is overdue the switch is asked; it is not assumed that there is none."""
    house = House(ring_ms=15_000)
    house.log_in("102")
    house.arrive("a")
    offer = house.offer_of("a")
    if "answered" not in lost:
        house.give(ev.OfferAnswered(offer=offer))
    assert cmd.TakeSnapshot() in house.pass_time(20_000 if "answered" in lost else 5_000)
    house.pass_time(50)
    leg = ev.LiveLeg(offer=offer, call="a", seat="102", joined=True)
    house.look(calls=[held(house, "a", waiting=False)], legs=[leg])
    assert house.state.seats["102"].state == "talking"
    assert not [command for command in house.pass_time(30_000) if isinstance(command, cmd.Withdraw)]


def test_an_unknown_ringing_leg_is_stopped_without_harm_to_the_callers_present_offer():
    """Taking it back must not clear the token of the offer that is out for the same caller now."""
    house = House()
    house.log_in("102")
    house.arrive("a")
    offer = house.offer_of("a")
    house.pass_time(5)
    legs = [
        ev.LiveLeg(offer=offer, call="a", seat="102", joined=False),
        ev.LiveLeg(offer="offer-old-1", call="a", seat="101", joined=False),
    ]
    commands = house.look(calls=[held(house, "a")], legs=legs)
    assert cmd.Withdraw(offer="offer-old-1", call="") in commands
    assert house.offer_of("a") == offer


def test_a_seat_whose_talk_is_not_in_our_books_is_not_rung():
    """After a journal was lost: whoever talks on a leg that we do not know is busy as long as the switch says so."""
    house = House()
    house.log_in("102")
    leg = ev.LiveLeg(offer="offer-old-1", call="x", seat="102", joined=True)
    house.look(legs=[leg])
    assert offers(house.arrive("a")) == []
    house.pass_time(1)
    assert offers(house.look(calls=[held(house, "a")])) == [("a", "102")]


def test_a_phone_that_declines_by_itself_is_not_dialled_in_a_loop():
    """Do-not-disturb answers within milliseconds. Where no rule of the site ends that, a rest does."""
    house = House(seats={"101": ()}, refusal_ms=0)
    house.give(
        ev.Configured(
            queues=tuple(house.state.queues.values()),
            seats=(SeatRule(name="102", queues=("sales",), set_aside_after=0),),
        )
    )
    house.look()
    house.log_in("102")
    house.arrive("a")
    assert offers(house.give(ev.OfferEnded(offer=house.offer_of("a"), outcome="refused"))) == []
    assert offers(house.pass_time(5_000)) == [("a", "102")]


def test_a_queue_that_vanishes_while_its_call_rings_sends_the_call_away_when_the_ring_ends():
    """Nobody waits in a queue that no longer exists, and no seat is left ringing."""
    house = House()
    house.log_in("102")
    house.arrive("a")
    offer = house.offer_of("a")
    house.give(ev.Configured(queues=(QueueRule(name="support"),), seats=(SeatRule(name="102", queues=("support",)),)))
    assert cmd.SendAway(call="a", reason="unknown-queue") in house.give(ev.OfferEnded(offer=offer, outcome="no-answer"))
    assert house.state.seats["102"].state == "ready"


def test_a_caller_on_his_way_from_a_talk_to_goodbye_does_not_wait():
    """A snapshot that catches him between the bridge and acd-after must not have him offered to another agent."""
    house = House(wrap_up_ms=0)
    house.log_in("101", "102")
    house.arrive("a")
    offer = house.talk("a")
    house.pass_time(60_000)
    caught = held(house, "a")
    assert offers(house.look(calls=[caught])) == [], "the leg's end is news of the snapshot itself"
    house.give(ev.OfferEnded(offer=offer, outcome="hung-up"))
    house.pass_time(5)
    assert offers(house.look(calls=[caught])) == []
    assert offers(house.look(calls=[held(house, "a", waiting=False)])) == []
    house.pass_time(10_000)
    assert offers(house.look(calls=[caught])) != [], "who stands there for long does wait"
