"""A supervisor pulls the call that waited longest to his own phone."""

import pytest

from acd.core import commands as cmd
from acd.core import events as ev
from acd.core.rules import QueueRule, SeatRule
from acd.core.wishes import PULL_MS
from tests.core.house import House, offers, same


def busy(seat, *, is_busy):
    """His phone is in a call of its own, as when he dials a code; or no more."""
    return ev.HandsetChanged(seat=seat, reachable=True, busy=is_busy)


@pytest.fixture
def house():
    """Give a house where 101 serves sales and 109, a supervisor at his phone, support; both logged in, 101 talks."""
    house = House(seats={"101": ("sales",), "109": ("support", "sales")}, refusal_ms=30_000)
    house.log_in("101")
    house.arrive("t")
    house.talk("t")
    house.log_in("109")
    house.give(busy("109", is_busy=True))
    return house


def pull(house, **details):
    return house.ask(ev.PullAsked, "109", **details)


def test_the_longest_waiting_rings_when_the_phone_is_down(house):
    """He asks with his phone in hand; as soon as it is down it rings for the call that waited longest."""
    house.arrive("c1", priority=50)
    house.arrive("c2", priority=0)
    assert pull(house) == "ok"
    assert offers(house.give(busy("109", is_busy=False))) == [("c1", "109")]


def test_nobody_else_gets_it_meanwhile(house):
    """The agent who becomes free is offered the next one."""
    house.arrive("c1")
    house.arrive("c2")
    assert pull(house) == "ok"
    commands = house.give(ev.OfferEnded(offer=house.offer_of("t"), outcome="hung-up"), after_ms=1)
    commands += house.ask(ev.ReadyAsked, "101") and house.pass_time(0)
    assert [call.offer is not None for call in (house.state.calls["c1"], house.state.calls["c2"])] == [False, True]


def test_of_one_queue_only(house):
    """Also of one that he does not serve, with skills that he has not, at a time when nobody is offered it yet."""
    queues = [QueueRule(name="sales"), QueueRule(name="vip", needs=((("french", 5),),), serve_after_ms=60_000)]
    house = House(queues=queues, seats=[SeatRule(name="109", queues=("sales",))])
    house.log_in("109")
    house.give(busy("109", is_busy=True))
    house.arrive("c1")
    house.arrive("c2", queue="vip")
    assert pull(house, queue="vip") == "ok"
    assert offers(house.give(busy("109", is_busy=False))) == [("c2", "109")]


def test_who_rings_already_is_not_torn_away(house):
    """A call that is offered to somebody is his."""
    house.ask(ev.ReadyAsked, "101")
    house.give(ev.OfferEnded(offer=house.offer_of("t"), outcome="hung-up"))
    house.ask(ev.ReadyAsked, "101")
    house.arrive("c1")
    assert house.state.calls["c1"].state == "offered"
    assert pull(house) == "nobody-waits"


def test_clear_answers(house):
    """Nobody waits; he takes no calls; one is on its way already; no such seat; logged out."""
    assert pull(house) == "nobody-waits"
    assert pull(house, queue="nowhere") == "nobody-waits"
    house.arrive("c1")
    house.arrive("c2")
    house.ask(ev.PauseAsked, "109", reason="lunch")
    assert pull(house) == "unable"
    house.ask(ev.ReadyAsked, "109")
    assert [pull(house), pull(house)] == ["ok", "already"]
    assert house.ask(ev.PullAsked, "999") == "unknown-seat"
    house.ask(ev.LogOutAsked, "109")
    assert pull(house) == "not-logged-in"
    assert house.state.calls["c1"].wants == ""


def test_one_who_does_not_take_it_keeps_nobody_waiting(house):
    """After half a minute, or when he lets it ring out, anybody may have it again, at its old place."""
    house.arrive("c1")
    key = house.state.calls["c1"].key
    pull(house)
    house.pass_time(PULL_MS)
    call = house.state.calls["c1"]
    assert (call.wants, call.pulled_from, call.key) == ("", None, key)
    pull(house)
    house.give(busy("109", is_busy=False))
    house.give(ev.OfferEnded(offer=call.offer, outcome="no-answer"), after_ms=15_000)
    assert (call.wants, call.pulled_from, call.state, call.key) == ("", None, "waiting", key)


def test_a_refusal_is_forgiven(house):
    """Who let a call ring out may still pull it."""
    house.arrive("c1")
    house.give(busy("109", is_busy=False))
    house.give(ev.OfferEnded(offer=house.offer_of("c1"), outcome="refused"), after_ms=1_000)
    house.give(busy("109", is_busy=True))
    assert pull(house) == "ok"
    assert offers(house.give(busy("109", is_busy=False))) == [("c1", "109")]


def test_one_that_waits_for_a_seat_for_good_goes_back_to_that(house):
    """A call that overflowed to a seat is that seat's again, should the supervisor not take it."""
    queues = [QueueRule(name="sales", closed=True, overflow={"closed": "seat 101"})]
    house = House(queues=queues, seats={"101": ("sales",), "109": ("sales",)})
    house.log_in("109")
    house.give(busy("109", is_busy=True))
    house.arrive("c1")
    assert house.state.calls["c1"].wants == "101"
    assert pull(house) == "ok"
    house.pass_time(PULL_MS)
    assert (house.state.calls["c1"].wants, house.state.calls["c1"].wants_until) == ("101", None)


def test_a_restart_changes_nothing(house):
    """A pull is an event: a replay comes to the same state, with the call kept and later offered."""
    house.arrive("c1")
    pull(house)
    assert same(house.replayed(), house.state)
    house.give(ev.Started(run="u"))
    commands = house.look(calls=[ev.HeldCall(call="c1", queue="sales", since=house.now - 1)])
    assert ("c1", "109") in offers(commands)
    assert not any(isinstance(command, cmd.SendAway) for command in commands)


def test_a_pull_is_no_overtaking():
    """The promise binds the rules, not a supervisor's hand: who is passed by it is passed no nearer to the front."""
    rules = [QueueRule(name=name, overtake_most=1) for name in ("sales", "support")]
    house = House(queues=rules, seats={"109": ("sales", "support")})
    house.log_in("109")
    house.give(busy("109", is_busy=True))
    house.arrive("c1")
    house.arrive("c2", queue="support")
    assert pull(house, queue="support") == "ok"
    assert offers(house.give(busy("109", is_busy=False))) == [("c2", "109")]
    assert house.state.calls["c1"].passed == 0
