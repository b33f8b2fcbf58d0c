"""The core as tables: events in, commands out."""

import msgspec
import pytest

from acd.core import Core, State
from acd.core import commands as cmd
from acd.core import events as ev
from acd.core.rules import QueueRule, SeatRule
from tests.core.house import House, offers, same


def test_a_waiting_call_goes_to_the_seat_that_logs_in():
    """Who waits is served the moment somebody can."""
    house = House()
    assert offers(house.arrive("a")) == []
    [commands] = house.log_in("101")
    assert offers(commands) == [("a", "101")]
    assert house.state.calls["a"].state == "offered"


def test_the_longest_idle_seat_gets_the_call():
    """Of two free seats the one that has waited longer is rung."""
    house = House()
    house.log_in("102", "101")
    assert offers(house.arrive("a")) == [("a", "102")]


def test_one_order_over_all_queues():
    """A seat of two queues takes the older call, whichever queue it is in."""
    house = House()
    house.arrive("old", "support")
    house.arrive("new", "sales")
    [commands] = house.log_in("101")
    assert offers(commands) == [("old", "101")]


def test_a_call_that_nobody_can_serve_blocks_nobody():
    """An older call of a queue without a seat does not hold up a younger one."""
    house = House()
    house.arrive("stuck", "support")
    house.arrive("young", "sales")
    [commands] = house.log_in("102")
    assert offers(commands) == [("young", "102")]


def test_priority_comes_before_age():
    """A lower priority class number is served first."""
    house = House()
    house.arrive("old")
    house.arrive("urgent", priority=0)
    [commands] = house.log_in("102")
    assert offers(commands) == [("urgent", "102")]


def test_after_a_talk_comes_wrap_up_then_the_next_call():
    """The seat is free again when its wrap-up is over, not before."""
    house = House()
    house.log_in("102")
    house.arrive("a")
    house.arrive("b")
    offer = house.talk("a")
    assert offers(house.give(ev.OfferEnded(offer=offer, outcome="hung-up"))) == []
    assert house.state.seats["102"].state == "wrap-up"
    assert house.state.calls["a"].state == "after"
    assert offers(house.pass_time(9_999)) == []
    assert offers(house.pass_time(1)) == [("b", "102")]


def test_without_wrap_up_the_next_offer_follows_at_once():
    """The hang-up of the agent's leg and the next offer are one decision."""
    house = House(wrap_up_ms=0)
    house.log_in("102")
    house.arrive("a")
    house.arrive("b")
    offer = house.talk("a")
    assert offers(house.give(ev.OfferEnded(offer=offer, outcome="hung-up"))) == [("b", "102")]


@pytest.mark.parametrize("outcome", ["no-answer", "refused", "hung-up"])
def test_an_untaken_call_returns_to_the_head_and_not_to_the_same_seat(outcome):
    """Its place is kept, and the seat that let it go is not asked again for a while; it gets the next one."""
    house = House()
    house.log_in("102")
    house.arrive("a")
    house.arrive("b")
    commands = house.give(ev.OfferEnded(offer=house.offer_of("a"), outcome=outcome))
    assert offers(commands) == [("b", "102")]
    assert offers(house.log_in("101")[0]) == [("a", "101")]


def test_refusal_is_forgotten_in_time():
    """When only one seat is there it gets the call again after the queue's refusal time."""
    house = House(refusal_ms=30_000)
    house.log_in("102")
    house.arrive("a")
    assert offers(house.give(ev.OfferEnded(offer=house.offer_of("a"), outcome="refused"))) == []
    assert offers(house.pass_time(29_999)) == []
    assert offers(house.pass_time(1)) == [("a", "102")]


@pytest.mark.parametrize("outcome", ["busy", "unreachable", "failed"])
def test_an_undelivered_offer_rests_the_seat(outcome):
    """A phone that cannot be rung is left alone for a moment, so that a dead one is not dialled in a loop."""
    house = House(refusal_ms=0)
    house.log_in("102")
    house.arrive("a")
    assert offers(house.give(ev.OfferEnded(offer=house.offer_of("a"), outcome=outcome))) == []
    assert offers(house.pass_time(4_999)) == []
    assert offers(house.pass_time(1)) == [("a", "102")]
    assert house.state.seats["102"].unanswered == 0


def test_a_seat_that_lets_calls_ring_is_set_aside():
    """After three in a row it is paused, with a reason that everybody can see."""
    house = House(refusal_ms=0)
    house.log_in("102")
    house.arrive("a")
    for _ in range(3):
        assert house.state.seats["102"].state == "offered"
        commands = house.give(ev.OfferEnded(offer=house.offer_of("a"), outcome="no-answer"))
    assert cmd.ShowSeat(seat="102", look="paused") in commands
    assert house.state.seats["102"].pause_reason == "not-answering"


def test_a_caller_who_hangs_up_while_it_rings():
    """The ring is stopped, and the seat is free when the switch has confirmed that."""
    house = House()
    house.log_in("102")
    house.arrive("a")
    offer = house.offer_of("a")
    assert house.give(ev.CallEnded(call="a")) == [cmd.Withdraw(offer=offer, call="a")]
    assert offers(house.arrive("b")) == []
    assert offers(house.give(ev.OfferEnded(offer=offer, outcome="withdrawn"))) == [("b", "102")]


def test_a_late_answer_to_a_dead_offer_is_ignored():
    """Whatever the switch still says of an offer that has ended changes nothing."""
    house = House()
    house.log_in("102")
    house.arrive("a")
    offer = house.offer_of("a")
    house.give(ev.OfferEnded(offer=offer, outcome="no-answer"))
    before = msgspec.json.encode(house.state)
    for late in (
        ev.OfferRinging(offer=offer),
        ev.OfferAnswered(offer=offer),
        ev.Connected(offer=offer),
        ev.OfferEnded(offer=offer, outcome="hung-up"),
        ev.CallEnded(call="nobody"),
        ev.HandsetChanged(seat="999", reachable=True, busy=False),
    ):
        assert house.give(late) == []
    assert msgspec.json.encode(house.state) == before


def test_an_overdue_ring_is_looked_after_and_withdrawn():
    """A ring whose end the switch never told is looked after, taken back, and if that is not confirmed, once more."""
    house = House(ring_ms=15_000)
    house.log_in("102")
    house.arrive("a")
    offer = house.offer_of("a")
    withdraw = cmd.Withdraw(offer=offer, call="a")
    held = ev.HeldCall(call="a", queue="sales", since=house.now)
    assert house.pass_time(20_000) == [cmd.TakeSnapshot()]
    assert house.pass_time(3_000) == [cmd.TakeSnapshot()], "nothing is taken back unseen: they may talk"
    rings = ev.LiveLeg(offer=offer, call="a", seat="102", joined=False)
    assert withdraw in house.look(calls=[held], legs=[rings])
    assert house.pass_time(3_000) == [cmd.TakeSnapshot()], "nor again: it may be the withdrawal that was lost"
    old = ev.Snapshot(asked=house.now - 2_000, calls=(held,), legs=(rings,), handsets=())
    assert withdraw not in house.give(old), "the machine stood still: who did not talk then may talk now"
    assert withdraw in house.look(calls=[held], legs=[rings])
    house.pass_time(1)
    commands = house.look(calls=[held])
    assert offers(commands) == [("a", "102")], "the switch says the leg is gone, so all goes on"


def test_an_answer_without_a_bridge_is_no_talk():
    """Picked up and gone before the two were joined: the caller still waits, at the head."""
    house = House()
    house.log_in("102")
    house.arrive("a")
    offer = house.offer_of("a")
    assert cmd.ShowSeat(seat="102", look="talking") in house.give(ev.OfferAnswered(offer=offer))
    house.give(ev.OfferEnded(offer=offer, outcome="hung-up"))
    assert house.state.calls["a"].state == "waiting"
    assert house.state.seats["102"].state == "ready"


def test_the_caller_hangs_up_first_and_wrap_up_still_follows():
    """Wrap-up is the seat's, whoever hung up."""
    house = House()
    house.log_in("102")
    house.arrive("a")
    offer = house.talk("a")
    house.give(ev.CallEnded(call="a"))
    house.give(ev.OfferEnded(offer=offer, outcome="hung-up"))
    assert house.state.seats["102"].state == "wrap-up"
    assert house.state.calls == {}


def test_a_caller_who_queues_again_after_the_talk_begins_a_new_stay():
    """He is a new arrival at the end of the line, under the same id."""
    house = House(wrap_up_ms=0)
    house.log_in("102")
    house.arrive("a")
    house.arrive("b")
    house.give(ev.OfferEnded(offer=house.talk("a"), outcome="hung-up"))
    house.arrive("a")
    offer = house.talk("b")
    assert offers(house.give(ev.OfferEnded(offer=offer, outcome="hung-up"))) == [("a", "102")]


def test_arriving_twice_keeps_the_place():
    """The hold context may announce a caller again; his place is the old one."""
    house = House()
    house.arrive("a")
    house.arrive("b")
    house.arrive("a")
    assert offers(house.log_in("102")[0]) == [("a", "102")]


def test_a_wait_that_is_too_long_is_sent_away():
    """When the queue's longest wait is over the caller is handed to the overflow."""
    house = House(max_wait_ms=30_000)
    house.arrive("a")
    assert house.pass_time(29_999) == []
    assert house.pass_time(1) == [cmd.SendAway(call="a", reason="wait")]
    assert offers(house.log_in("102")[0]) == []


def test_a_call_for_an_unknown_queue_waits_for_nobody():
    """It is sent away at once."""
    assert House().arrive("a", "nowhere") == [cmd.SendAway(call="a", reason="unknown-queue")]


def test_a_handset_that_is_away_or_busy_is_not_rung():
    """Readiness is the agent's word, reachability the phone's; both are needed."""
    house = House()
    house.log_in("102")
    house.give(ev.HandsetChanged(seat="102", reachable=False, busy=False))
    assert offers(house.arrive("a")) == []
    assert offers(house.give(ev.HandsetChanged(seat="102", reachable=True, busy=True))) == []
    assert offers(house.give(ev.HandsetChanged(seat="102", reachable=True, busy=False))) == [("a", "102")]


def test_nothing_is_decided_while_the_switch_is_out_of_sight():
    """After a lost link calls wait for the next snapshot, then are served."""
    house = House()
    house.give(ev.SwitchLost())
    house.log_in("102")
    assert offers(house.arrive("a")) == []
    commands = house.look(calls=[ev.HeldCall(call="a", queue="sales", since=house.now)])
    assert offers(commands) == [("a", "102")]


def test_new_rules_take_effect_and_a_vanished_seat_ends_its_call_first():
    """A seat that is no longer configured leaves when its talk is over; calls of a vanished queue are sent away."""
    house = House()
    house.log_in("102")
    house.arrive("a")
    house.arrive("s", "support")
    offer = house.talk("a")
    commands = house.give(
        ev.Configured(queues=(QueueRule(name="sales"),), seats=(SeatRule(name="103", queues=("sales",)),))
    )
    assert commands == [cmd.SendAway(call="s", reason="unknown-queue")]
    assert set(house.state.seats) == {"103", "102"}
    house.give(ev.OfferEnded(offer=offer, outcome="hung-up"))
    assert house.state.seats["102"].state == "logged-out"


def test_a_state_survives_storage():
    """Written, read and asked again, a core decides as before."""
    house = House()
    house.log_in("102")
    for call in "abcd":
        house.arrive(call)
    house.give(ev.OfferEnded(offer=house.offer_of("a"), outcome="refused"))
    other = Core(msgspec.json.decode(msgspec.json.encode(house.state), type=State))
    assert other.next_deadline() == house.core.next_deadline()
    event = ev.LogInAsked(at=house.now + 5, seat="101", request=1, pin_matches=True)
    assert other.decide(event) == house.core.decide(event)
    assert same(other.state, house.state)


def test_time_never_runs_backwards():
    """An event from the past is our bug and is not taken."""
    house = House()
    with pytest.raises(AssertionError, match="backwards"):
        house.core.decide(ev.SwitchLost(at=house.now - 1))
