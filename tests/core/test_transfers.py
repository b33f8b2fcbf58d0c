"""An agent gives his caller to somebody else: the core's part of it."""

from acd.core import commands as cmd
from acd.core import events as ev
from acd.core.rules import QueueRule, Step
from tests.core.house import House, offers, same


def given(house, call="a", **details):
    """A call that its agent gave away after a minute; his leg is not gone yet. Answers the offer."""
    house.arrive(call)
    offer = house.talk(call)
    house.give(ev.CallTransferred(call=call, seat="102", **details), after_ms=60_000)
    return offer


def test_the_talk_is_over_and_the_agent_has_wrap_up():
    """Until his own leg is gone the agent is busy; then wrap-up begins, and he is free."""
    house = House(wrap_up_ms=10_000)
    house.log_in("102")
    offer = given(house, to="103")
    assert (house.state.calls["a"].state, house.state.calls["a"].offers) == ("after", ())
    assert house.state.seats["102"].state == "talking"
    house.give(ev.OfferEnded(offer=offer, outcome="hung-up"))
    assert house.state.seats["102"].state == "wrap-up"
    house.pass_time(10_000)
    assert house.state.seats["102"].state == "ready"


def test_in_another_queue_he_stands_where_he_first_came():
    """He goes before those who came later than he, though they waited there before he was given to that queue."""
    house = House()
    house.log_in("102")
    offer = given(house)
    came = house.state.calls["a"].arrived
    house.arrive("b", "support")
    house.give(ev.CallArrived(call="a", queue="support", since=came), after_ms=1)
    house.give(ev.OfferEnded(offer=offer, outcome="hung-up"))
    house.log_in("101")
    assert house.offer_of("a") is not None
    assert house.state.calls["b"].state == "waiting"
    assert same(house.replayed(), house.state)


def test_his_patience_and_the_steps_begin_anew():
    """A talk of an hour is no wait: neither is his time over at once, nor is he sent to voicemail by a step."""
    step = Step(after_ms=30_000, go="voicemail")
    house = House(queues=[QueueRule(name="sales"), QueueRule(name="support", max_wait_ms=60_000, steps=(step,))])
    house.log_in("102")
    offer = given(house)
    house.pass_time(3_600_000)
    commands = house.give(ev.CallArrived(call="a", queue="support", since=house.state.calls["a"].arrived))
    house.give(ev.OfferEnded(offer=offer, outcome="hung-up"))
    assert commands == []
    house.pass_time(29_000)
    assert house.state.calls["a"].state == "waiting"
    assert cmd.SendAway(call="a", to="voicemail", reason="step") in house.pass_time(1_000)


def test_back_in_his_queue_he_is_served_by_another_while_the_agent_has_wrap_up():
    """Nobody took him: he is first again, and goes to whoever is free."""
    house = House(seats={"101": ("sales",), "102": ("sales",)}, wrap_up_ms=10_000)
    house.log_in("102")
    offer = given(house)
    house.give(ev.OfferEnded(offer=offer, outcome="hung-up"))
    house.log_in("101")
    assert offers(house.give(ev.CallArrived(call="a", queue="sales", since=house.state.calls["a"].arrived))) == [
        ("a", "101")
    ]


def test_a_transfer_of_one_who_waits_changes_nothing():
    """Late words do no harm: who waits by now goes on waiting, and one who is gone stays gone."""
    house = House()
    house.arrive("a")
    assert house.give(ev.CallTransferred(call="a", to="103")) == []
    assert house.give(ev.CallTransferred(call="b", to="103")) == []
    assert house.state.calls["a"].state == "waiting"
    assert "b" not in house.state.calls


def test_who_was_given_on_again_is_given_still():
    """The second agent is none of ours by an offer; from him too the caller comes with a new patience."""
    house = House(max_wait_ms=60_000)
    house.log_in("102")
    offer = given(house)
    house.give(ev.OfferEnded(offer=offer, outcome="hung-up"))
    house.give(ev.CallTransferred(call="a", seat="101", to="302"), after_ms=600_000)
    house.give(ev.CallArrived(call="a", queue="support", since=house.state.calls["a"].arrived))
    assert house.state.calls["a"].give_up_at == house.now + 60_000


def asked_in_a_queue(house):
    """Seat 102 talks to a caller, and asks seat 101 by a call of its own to a queue. Answers both offers."""
    house.log_in("102")
    house.arrive("a")
    first = house.talk("a")
    house.log_in("101")
    house.arrive("own", "support")
    return first, house.talk("own")


def test_the_talk_of_the_agents_own_call_is_the_callers_then():
    """He has one offer, that of the seat that was asked; the agent has wrap-up, and his own call ends alone."""
    house = House(wrap_up_ms=10_000)
    first, second = asked_in_a_queue(house)
    assert house.give(ev.CallTransferred(call="a", seat="102", takes="own")) == []
    assert (house.state.calls["a"].state, house.state.calls["a"].offers) == ("talking", (second,))
    house.give(ev.CallEnded(call="own"))
    house.give(ev.OfferEnded(offer=first, outcome="hung-up"))
    assert house.state.seats["102"].state == "wrap-up"
    assert house.state.seats["101"].state == "talking"
    house.give(ev.OfferEnded(offer=second, outcome="hung-up"))
    assert house.state.calls["a"].state == "after"
    assert same(house.replayed(), house.state)


def test_nobody_takes_over_what_is_no_talk():
    """A call that rings only, one that is gone, and the caller himself: he is given away, no more."""
    for takes in ("own", "nobody", "a"):
        house = House()
        house.log_in("102")
        house.arrive("a")
        house.talk("a")
        house.log_in("101")
        house.arrive("own", "support")
        house.give(ev.CallTransferred(call="a", seat="102", takes=takes))
        assert (house.state.calls["a"].state, house.state.calls["a"].offers) == ("after", ())
        assert house.state.calls["own"].state == "offered"


def test_the_talk_is_known_by_its_being_given():
    """That both had been joined was never heard: who is given away has talked, and so has who takes him."""
    house = House(wrap_up_ms=10_000)
    house.log_in("102")
    house.arrive("a")
    first = house.offer_of("a")
    house.give(ev.OfferAnswered(offer=first))
    house.log_in("101")
    house.arrive("own", "support")
    second = house.offer_of("own")
    house.give(ev.OfferAnswered(offer=second))
    house.give(ev.CallTransferred(call="a", seat="102", takes="own"))
    assert (house.state.calls["a"].state, house.state.calls["a"].offers) == ("talking", (second,))
    assert house.give(ev.CallEnded(call="own")) == []
    house.give(ev.OfferEnded(offer=first, outcome="hung-up"))
    assert house.state.seats["102"].state == "wrap-up"


def test_given_and_then_taken_over():
    """Where the switch tells in two steps, the second finds him on his way, and he talks."""
    house = House()
    first, second = asked_in_a_queue(house)
    house.give(ev.CallTransferred(call="a", seat="102"))
    house.give(ev.OfferEnded(offer=first, outcome="hung-up"))
    house.give(ev.CallTransferred(call="a", takes="own"))
    assert house.state.calls["a"].offers == (second,)
    assert not house.state.calls["a"].given
