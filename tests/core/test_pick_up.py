"""An agent picks up the call that rings at another seat."""

import pytest

from acd.core import commands as cmd
from acd.core import events as ev
from acd.core.rules import QueueRule, SeatRule
from acd.core.wishes import PULL_MS
from tests.core.house import House, offers, same


def phone(seat, *, busy):
    """His phone is in his hand, as when he dials a code; or no more."""
    return ev.HandsetChanged(seat=seat, reachable=True, busy=busy)


def ends(house, offer, outcome="withdrawn"):
    """The switch says that an offer rings no more."""
    return house.give(ev.OfferEnded(offer=offer, outcome=outcome))


def rings_yet(house, *names, call="c1"):
    """A look at the switch: these offers ring."""
    offers = [house.state.offers[name] for name in names]
    held = ev.HeldCall(call=call, queue="sales", since=house.state.calls[call].arrived)
    legs = [ev.LiveLeg(offer=offer.id, call=call, seat=offer.seat, joined=False) for offer in offers]
    return house.look(calls=[held], legs=legs, handsets={"102": (True, True)})


@pytest.fixture
def house():
    """Give a house where it rings at 101 for c1; 102 serves the same queue, dials, and 103 is free for another one."""
    house = House(seats={"101": ("sales",), "102": ("sales", "support"), "103": ("support",), "104": ("sales",)})
    house.log_in("101")
    house.arrive("c1")
    house.log_in("102", "103")
    house.give(phone("102", busy=True))
    return house


def test_it_rings_at_who_asks_when_it_is_quiet_there(house):
    """Looked at, taken back at the one seat; offered to the other when the switch says so, to nobody else before."""
    offer = house.offer_of("c1")
    key = house.state.calls["c1"].key
    house.log_in("104")
    commands = house.give(ev.PickUpAsked(seat="102", of="101", request=5))
    assert cmd.TakeSnapshot() in commands
    assert cmd.Reply(request=5, answer="ok") in commands
    assert cmd.Withdraw(offer=offer, call="c1") in rings_yet(house, offer)
    assert offers(house.give(phone("102", busy=False))) == []
    assert offers(ends(house, offer)) == [("c1", "102")]
    assert house.state.calls["c1"].key == key
    house.talk("c1")
    assert house.state.seats["101"].unanswered == 0
    assert same(house.state, house.replayed())


def test_it_waits_for_the_phone_to_be_put_down(house):
    """101 and 104 are free and serve the queue: it rings at neither, but at 102 as soon as that can be rung."""
    offer = house.offer_of("c1")
    assert house.ask(ev.PickUpAsked, "102", of="101") == "ok"
    assert offers(ends(house, offer)) == []
    assert offers([*house.log_in("104")[0], *house.pass_time(1_000)]) == []
    assert offers(house.give(phone("102", busy=False))) == [("c1", "102")]


def test_who_does_not_put_it_down_keeps_nobody_waiting(house):
    """After half a minute it rings where it would have."""
    offer = house.offer_of("c1")
    house.ask(ev.PickUpAsked, "102", of="101")
    ends(house, offer)
    assert offers(house.pass_time(PULL_MS)) == [("c1", "101")]
    assert house.state.calls["c1"].pulled_from is None


def test_who_logs_out_meanwhile_keeps_nobody_waiting(house):
    """It is not kept for a seat that is gone when the withdrawal is confirmed."""
    offer = house.offer_of("c1")
    house.ask(ev.PickUpAsked, "102", of="101")
    house.ask(ev.LogOutAsked, "102")
    assert offers(ends(house, offer)) == [("c1", "101")]


def test_clear_answers(house):
    """Nothing rings there or at one's own; not his queue; he rests; one is on its way; no such seat; logged out."""
    ask = house.ask
    assert ask(ev.PickUpAsked, "102", of="103") == "nobody-rings"
    assert ask(ev.PickUpAsked, "102", of="999") == "nobody-rings"
    assert ask(ev.PickUpAsked, "101", of="101") == "nobody-rings"
    assert ask(ev.PickUpAsked, "103", of="101") == "not-served"
    assert ask(ev.PickUpAsked, "999", of="101") == "unknown-seat"
    assert ask(ev.PickUpAsked, "104", of="101") == "not-logged-in"
    ask(ev.PauseAsked, "102", reason="lunch")
    assert ask(ev.PickUpAsked, "102", of="101") == "unable"
    ask(ev.ReadyAsked, "102")
    assert house.state.offers[house.offer_of("c1")].state == "ringing"
    house.log_in("104")
    house.arrive("c2")
    assert [ask(ev.PickUpAsked, "102", of=of) for of in ("101", "101", "104")] == ["ok", "nobody-rings", "already"]


def test_who_answers_before_the_look_has_the_call(house):
    """He who picks up hears that nobody rings there any more, by his phone that does not ring; nobody is cut off."""
    offer = house.offer_of("c1")
    house.give(phone("102", busy=False))
    house.ask(ev.PickUpAsked, "102", of="101")
    house.give(ev.OfferAnswered(offer=offer))
    assert offers(house.give(ev.Connected(offer=offer))) == []
    assert house.state.calls["c1"].state == "talking"
    assert same(house.state, house.replayed())


def test_who_has_talked_for_a_while_is_not_cut_off(house):
    """The word of it was late or lost: the look tells."""
    offer = house.offer_of("c1")
    house.ask(ev.PickUpAsked, "102", of="101")
    leg = ev.LiveLeg(offer=offer, call="c1", seat="101", joined=True)
    held = ev.HeldCall(call="c1", queue="sales", since=house.now, waiting=False)
    assert not [told for told in house.look(calls=[held], legs=[leg]) if isinstance(told, cmd.Withdraw)]
    assert house.state.calls["c1"].state == "talking"


def test_who_answers_after_it_is_too_late(house):
    """The withdrawal was decided: what the one agent says after it counts no more, the call is the other one's."""
    offer = house.offer_of("c1")
    house.give(phone("102", busy=False))
    house.ask(ev.PickUpAsked, "102", of="101")
    rings_yet(house, offer)
    house.give(phone("102", busy=False))
    house.give(ev.OfferAnswered(offer=offer))
    house.give(ev.Connected(offer=offer))
    assert house.state.calls["c1"].state == "offered"
    assert offers(ends(house, offer, "hung-up")) == [("c1", "102")]


def test_where_many_ring_all_are_taken_back():
    """It rings at both free seats; neither rings on, and nobody is rung before both are quiet."""
    house = House(
        queues=[QueueRule(name="sales", strategy="ring-all")],
        seats=[SeatRule(name=name, queues=("sales",)) for name in ("101", "102", "103")],
    )
    house.log_in("101", "102")
    house.arrive("c1")
    house.log_in("103")
    third = house.offer_of("c1")
    assert len(house.state.calls["c1"].offers) == 3
    assert house.ask(ev.PickUpAsked, "103", of="101") == "already"
    ends(house, next(o.id for o in house.state.offers.values() if o.seat == "103"), "no-answer")
    house.give(phone("103", busy=True))
    house.give(ev.PickUpAsked(seat="103", of="101", request=1))
    commands = rings_yet(house, *house.state.calls["c1"].offers)
    taken_back = [command.offer for command in commands if isinstance(command, cmd.Withdraw)]
    assert third in taken_back
    assert len(taken_back) == 2
    house.give(phone("103", busy=False))
    assert [offers(ends(house, offer)) for offer in taken_back] == [[], [("c1", "103")]]
