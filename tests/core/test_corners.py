"""Two rules that meet in a corner: each of these once went wrong, found by the simulation or by a hostile reader."""

import msgspec
import pytest

from acd.core import Core, State
from acd.core import commands as cmd
from acd.core import events as ev
from acd.core.rules import FRONT, LineGroupRule, LineRule, MediumRule, SeatRule, Step
from tests.core.house import House, offers, same


def configure(house, *, queues=None, seats=None, **details):
    """New rules: changes of every queue and every seat, by field."""
    state = house.state
    rules = {
        "queues": tuple(msgspec.structs.replace(rule, **(queues or {})) for rule in state.queues.values()),
        "seats": tuple(msgspec.structs.replace(seat.rule, **(seats or {})) for seat in state.seats.values()),
        "media": tuple(state.media.values()),
        "line_groups": tuple(state.groups.values()),
    }
    return house.give(ev.Configured(**{**rules, **details}))


def restored(house):
    """A second core, from the stored state."""
    return Core(msgspec.json.decode(msgspec.json.encode(house.state), type=State))


def sent_away(commands):
    """The calls that were sent away, and why."""
    return [(command.call, command.reason) for command in commands if isinstance(command, cmd.SendAway)]


# Steps


def test_a_step_comes_due_during_the_talk():
    """It is not taken then, and not waited for again and again."""
    house = House(steps=(Step(after_ms=5_000, priority=0),))
    house.log_in("102")
    house.arrive("a")
    house.talk("a")
    house.pass_time(20_000)
    assert house.state.calls["a"].step_at is None
    assert house.state.calls["a"].rank == 10


def test_who_rings_when_he_should_go_elsewhere_goes_when_he_was_not_answered():
    """A step that sends a call away is not lost by coming due in a bad moment."""
    house = House(steps=(Step(after_ms=5_000, go="voicemail"),))
    house.log_in("102")
    house.arrive("a")
    offer = house.offer_of("a")
    assert sent_away(house.pass_time(6_000)) == []
    house.give(ev.OfferEnded(offer=offer, outcome="no-answer"))
    assert sent_away(house.pass_time(0)) == [("a", "step")]


def test_a_crowd_is_sent_elsewhere_until_it_is_none():
    """With two for the limit the first goes; then one waits, and stays."""
    house = House(steps=(Step(when_waiting=2, go="voicemail"),))
    assert sent_away(house.arrive("a") + house.arrive("b")) == [("a", "step")]
    assert house.state.calls["b"].state == "waiting"


def test_a_lower_limit_for_a_crowd_holds_for_those_who_wait():
    """Rules that say so from now on ease the calls that are there."""
    house = House(steps=(Step(when_waiting=9, priority=0),))
    house.arrive("a")
    configure(house, queues={"steps": (Step(when_waiting=1, priority=0),)})
    assert house.state.calls["a"].rank == 0


# Many seats ring


def test_a_seat_with_room_rings_once_for_a_call_that_rings_everywhere():
    """Ring-all and room for three chats: one offer a seat."""
    house = House(strategy="ring-all")
    house.log_in("101", "102")
    commands = house.arrive("a", medium="chat")
    assert sorted(offers(commands)) == [("a", "101"), ("a", "102")]


def test_a_ringing_call_of_another_class_keeps_its_new_place_after_a_restart():
    """A supervisor's word to a call for which more seats may ring holds in the matcher as well as in the state."""
    house = House(strategy="ring-all")
    house.log_in("102")
    house.arrive("a", priority=5)
    house.arrive("b", priority=5)
    house.give(ev.CallSet(call="a", priority=7))
    other = restored(house)
    event = ev.LogInAsked(at=house.now, seat="101", pin_matches=True)
    assert other.decide(event) == house.core.decide(event)


def test_a_circle_grows_on_under_new_rules_and_begins_small_again():
    """More seats join after a change of rules; a call that nobody took starts with few seats again."""
    seats = {str(number): ("sales",) for number in range(101, 105)}
    house = House(strategy="ring-circles", circle_ms=1_000, seats=seats)
    house.log_in(*seats)
    house.arrive("a")
    configure(house, queues={"ring_ms": 9_000})
    house.pass_time(1_000)
    rang = house.state.calls["a"].offers
    assert len(rang) == 2
    house.give(ev.OfferEnded(offer=rang[0], outcome="refused"))
    house.pass_time(0)
    for offer in house.state.calls["a"].offers[:-1]:
        house.give(ev.OfferEnded(offer=offer, outcome="refused"))
    house.give(ev.OfferEnded(offer=house.offer_of("a"), outcome="refused"))
    assert len(house.state.calls["a"].offers) == 1


# Overtaking


def test_a_pass_counts_at_whichever_ringing_seat_it_happens():
    """The call that rings everywhere passes another once, be it at the second seat that rings."""
    house = House(strategy="ring-all", overtake_most=1)
    house.arrive("a", needs=((("de", 5),),), priority=5)
    configure(house, seats={"skills": (("de", 9),)}, queues={})
    house.give(ev.SeatsConfigured(seats=(SeatRule(name="100", queues=("sales",)),)))
    house.look(calls=[ev.HeldCall(call="a", queue="sales", since=house.now - 1, needs=((("de", 5),),))], handsets=None)
    house.arrive("b", priority=0)
    house.log_in("100", "102")
    assert house.state.calls["a"].passed == 1


def test_a_call_kept_for_a_seat_of_another_queue_is_not_passed_without_end():
    """It could have had the seat, so each who gets the seat before it counts."""
    house = House(overtake_most=1, seats={"101": ("support",)}, overflow={"closed": "seat 101"}, wrap_up_ms=0)
    house.give(ev.QueueSet(queue="sales", closed=True))
    house.arrive("a", "sales", priority=9)
    house.arrive("b", "support", priority=0)
    house.log_in("101")
    assert house.state.calls["a"].rank == FRONT


@pytest.mark.parametrize("priority", [-1, -(2**40)])
def test_nobody_is_set_before_those_who_may_be_passed_no_more(priority):
    """A priority below zero is zero, whoever says it."""
    house = House()
    house.arrive("a", priority=priority)
    house.arrive("b")
    house.give(ev.CallSet(call="b", priority=priority))
    assert {call.rank for call in house.state.calls.values()} == {0}


def test_an_absurd_head_start_is_bounded():
    """It does not overflow what the matcher can hold."""
    house = House(ahead_ms=60_000)
    house.arrive("a", head_start_ms=2**63 - 1)
    house.arrive("b", head_start_ms=-(2**63))
    assert [call.state for call in house.state.calls.values()] == ["waiting", "waiting"]


# Empty queues


def test_who_joins_an_empty_queue_leaves_it_as_those_do_who_wait():
    """`leave_empty` holds from the first moment, also where `join_empty` lets everybody in."""
    assert sent_away(House(leave_empty=()).arrive("a")) == [("a", "empty")]


def test_a_queue_that_empties_out_of_sight_is_left_when_it_is_seen():
    """While the switch is out of sight nobody is sent away; afterwards he is."""
    house = House(leave_empty=())
    house.log_in("102")
    house.give(ev.SwitchLost())
    house.arrive("a")
    house.give(ev.LogOutAsked(seat="102"))
    commands = house.look(calls=[ev.HeldCall(call="a", queue="sales", since=house.now)])
    assert sent_away(commands) == [("a", "empty")]


def test_a_handset_in_use_empties_a_queue():
    """Where busy seats do not count, the last one that lifts the receiver empties the queue."""
    house = House(leave_empty=("busy",), serve_after_ms=60_000)
    house.log_in("102")
    house.arrive("a")
    assert sent_away(house.give(ev.HandsetChanged(seat="102", reachable=True, busy=True))) == [("a", "empty")]


def test_who_was_sent_to_wait_for_one_seat_waits_though_the_queue_is_empty():
    """The emptiness that sent him there does not send him on at once."""
    house = House(leave_empty=(), overflow={"empty": "seat 101"})
    assert sent_away(house.arrive("a")) == []
    assert house.state.calls["a"].wants == "101"


def test_who_waits_for_one_seat_leaves_an_empty_queue_when_that_seat_is_gone():
    """He waits for any seat then, and there is none, though that one never served his queue."""
    seats = {"101": ("support",), "102": ("sales",)}
    house = House(seats=seats, leave_empty=(), overflow={"empty": "seat 101"})
    house.arrive("a")
    configure(house, queues={"overflow": {}})
    assert house.state.calls["a"].wants == "101"
    assert sent_away(house.give(ev.SeatsConfigured(gone=("101",)))) == [("a", "empty")]


# Media


def test_a_ring_that_is_taken_back_leaves_the_seat_idle_since_its_last_talk():
    """It keeps its place among the idle, but not one from before it talked: that would give it the next call too."""
    house = House(wrap_up_ms=0)
    house.log_in("102")
    house.arrive("a", medium="chat")
    talk = house.talk("a")
    house.arrive("b", medium="chat")
    ring = house.offer_of("b")
    house.give(ev.OfferEnded(offer=talk, outcome="hung-up"), after_ms=1_000)
    over = house.now
    house.give(ev.CallEnded(call="b"), after_ms=1_000)
    house.give(ev.OfferEnded(offer=ring, outcome="withdrawn"), after_ms=1_000)
    assert house.state.seats["102"].work == ()
    assert house.state.seats["102"].idle_since == over


def test_a_contact_that_takes_the_whole_seat_can_be_interrupted():
    """`*` keeps everything away but what interrupts."""
    house = House()
    configure(house, media=(MediumRule(name="voice"), MediumRule(name="email", interrupted_by=("voice",))))
    house.log_in("102")
    house.arrive("a", medium="email")
    house.talk("a")
    assert offers(house.arrive("b", medium="email")) == []
    assert offers(house.arrive("c")) == [("c", "102")]


def test_a_medium_that_is_in_no_table_any_more_takes_the_whole_seat():
    """Contacts that are there are served and kept as the docstring of the table says."""
    house = House()
    house.log_in("102")
    house.arrive("a", medium="chat")
    house.arrive("b", medium="chat")
    house.give(ev.CallEnded(call="b"))
    house.arrive("c", medium="chat", needs=((("de", 1),),))
    configure(house, media=(MediumRule(name="voice"),))
    assert offers(house.arrive("d")) == []
    commands = configure(house, seats={"skills": (("de", 9),)}, queues={"wrap_up_ms": 0})
    for offer in list(house.state.offers):
        commands += house.give(ev.OfferEnded(offer=offer, outcome="refused"))
    assert ("c", "102") in offers(commands)


def test_what_was_set_aside_goes_on_when_a_ring_ends_unanswered():
    """An e-mail behind a chat is not forgotten because another chat rang when the first ended."""
    house = House(wrap_up_ms=0)
    house.log_in("102")
    house.arrive("mail", medium="email")
    house.talk("mail")
    house.arrive("first", medium="chat")
    talk = house.talk("first")
    house.arrive("second", medium="chat")
    ring = house.offer_of("second")
    house.give(ev.OfferEnded(offer=talk, outcome="hung-up"))
    house.give(ev.OfferEnded(offer=ring, outcome="refused"))
    assert house.state.offers[house.offer_of("mail")].state == "connected"


# Lines


def test_a_line_that_comes_back_into_the_rules_still_carries_its_leg():
    """It is not given to a second leg."""
    group = LineGroupRule(name="out", lines=(LineRule(name="l1"),))
    house = House()
    configure(house, seats={"line_group": "out"}, line_groups=(group,))
    house.log_in("101", "102")
    assert len(offers(house.arrive("a"))) == 1
    configure(house, line_groups=())
    configure(house, line_groups=(group,))
    assert offers(house.arrive("b")) == []


def test_a_line_is_free_when_the_talk_is_over_though_wrap_up_is_not():
    """The next leg takes it, and no check complains."""
    house = House()
    configure(
        house, seats={"line_group": "out"}, line_groups=(LineGroupRule(name="out", lines=(LineRule(name="l1"),)),)
    )
    house.log_in("101", "102")
    house.arrive("a")
    house.give(ev.OfferEnded(offer=house.talk("a"), outcome="hung-up"))
    assert len(offers(house.arrive("b"))) == 1


# The switch


def test_a_call_that_came_after_the_snapshot_was_asked_for_gets_no_ticket():
    """It lives; only who was cut off keeps a place."""
    house = House()
    house.give(ev.Snapshot(asked=house.now, calls=(), legs=(), handsets=(), switch_run="one"))
    house.arrive("a", caller="555")
    house.give(ev.Snapshot(asked=house.now - 1, calls=(), legs=(), handsets=(), switch_run="two"))
    assert "a" in house.state.calls
    assert house.state.tickets == []


def test_a_withdrawal_that_was_lost_with_the_link_is_repeated_before_they_talk():
    """A snapshot that still shows the leg ringing says that the switch never heard of it."""
    house = House()
    house.log_in("102")
    house.arrive("a")
    offer = house.offer_of("a")
    house.give(ev.LogOutAsked(seat="102"))
    seen = {
        "calls": [ev.HeldCall(call="a", queue="sales", since=house.now)],
        "legs": [ev.LiveLeg(offer=offer, call="a", seat="102", joined=False)],
    }
    assert cmd.Withdraw(offer=offer, call="a") in house.look(**seen)
    house.give(ev.SwitchLost())
    house.pass_time(10)
    assert cmd.Withdraw(offer=offer, call="a") in house.look(**seen)


def test_who_is_sent_away_by_a_snapshot_is_not_let_in_by_it():
    """He stood in the hold when it was written, and is on his way out since."""
    house = House(max_wait_ms=5_000)
    house.log_in("102")
    house.arrive("a")
    since = house.now
    house.pass_time(6_000)
    house.give(ev.SwitchLost())
    house.pass_time(10)
    commands = house.look(calls=[ev.HeldCall(call="a", queue="sales", since=since)])
    assert sent_away(commands) == [("a", "wait")]
    assert house.state.calls["a"].state == "after"


def test_closing_a_queue_that_is_none_leaves_no_trace():
    """Hostile names do not pile up in the state."""
    house = House()
    house.give(ev.QueueSet(queue="x" * 100, closed=True))
    assert house.state.closed == {}
    assert same(house.replayed(), house.state)


def test_logging_out_after_the_answer_cuts_no_talk():
    """The word of the bridge may be lost or late: whoever answered logs out when it is over."""
    house = House()
    house.log_in("102")
    house.arrive("a")
    house.give(ev.OfferAnswered(offer=house.offer_of("a")))
    commands = house.give(ev.LogOutAsked(seat="102", request=1))
    assert [type(command) for command in commands] == [cmd.Reply]
    assert commands[0].answer == "later"


@pytest.mark.parametrize("joined", [True, False], ids=["talks with another", "with nobody"])
def test_a_leg_answered_long_ago_is_looked_at_when_its_caller_is_gone(joined):
    """Its agent may have been given the caller of who called him, and the word of it be on its way."""
    house = House()
    house.log_in("102")
    house.arrive("a")
    offer = house.offer_of("a")
    house.give(ev.OfferAnswered(offer=offer))
    commands = house.give(ev.CallEnded(call="a"), after_ms=2_000)
    assert cmd.TakeSnapshot() in commands
    assert not any(isinstance(command, cmd.Withdraw) for command in commands)
    commands = house.look(legs=[ev.LiveLeg(offer=offer, call="b" if joined else "a", seat="102", joined=joined)])
    assert [type(command) for command in commands if isinstance(command, cmd.Withdraw)] == [cmd.Withdraw] * (not joined)
    house.give(ev.OfferEnded(offer=offer, outcome="hung-up"))
    house.pass_time(60_000)
    assert (house.state.offers, house.state.seats["102"].work) == ({}, ())
