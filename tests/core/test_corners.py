"""Two rules that meet in a corner: each of these once went wrong, found by the simulation or by a hostile reader."""

import msgspec

from acd.core import Core, State
from acd.core import commands as cmd
from acd.core import events as ev
from acd.core.rules import FRONT, LineGroupRule, LineRule, MediumRule, SeatRule
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
        commands += house.give(ev.OfferEnded(offer=offer, outcome="withdrawn"))
    assert ("c", "102") in offers(commands) or house.state.calls["c"].state == "offered"


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
    house.give(ev.SwitchLost())
    house.pass_time(10)
    commands = house.look(
        calls=[ev.HeldCall(call="a", queue="sales", since=house.now)],
        legs=[ev.LiveLeg(offer=offer, call="a", seat="102", joined=False)],
    )
    assert cmd.Withdraw(offer=offer, call="a") in commands


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
