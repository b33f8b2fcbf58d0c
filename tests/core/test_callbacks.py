"""Callbacks: customer first, by rule for who hung up, asleep while the queue is closed, dropped in the end."""

import msgspec

from acd.core import Core
from acd.core import commands as cmd
from acd.core import events as ev
from acd.core.rules import LineGroupRule, LineRule, OutRule, QueueRule, SeatRule
from tests.core.house import House

NUMBER = "+49301234567"


def house_of(*, seats=1, lines=3, keep=0, calling=None, **rule):
    """One queue whose customers are called first, seats that are not logged in, lines."""
    names = [str(101 + number) for number in range(seats)]
    group = LineGroupRule(
        name="out", lines=tuple(LineRule(name=f"one:{n}") for n in range(1, lines + 1)), keep_callback=keep
    )
    house = House(
        queues=[QueueRule(name="sales", wrap_up_ms=0, **{"callback_first": "customer", **rule})],
        seats=[SeatRule(name=name, queues=("sales",)) for name in names],
        site={"line_groups": (group,), "calling_out": OutRule(groups=("out",), **(calling or {}))},
    )
    house.group = group
    return house


def promise(house, number=NUMBER, name="back", **more):
    """A callback is promised."""
    return house.give(ev.CallArrived(call=name, queue="sales", caller=number, medium="callback", dial=number, **more))


def work(house, *seats):
    """Agents begin their shift; gives all that follows."""
    return [command for told in house.log_in(*seats) for command in told]


def only(commands, kind):
    """The commands of a kind."""
    return [command for command in commands if isinstance(command, kind)]


def answers(house, reach, after_ms=4_000):
    """A customer answers, and comes to his queue."""
    told = house.give(ev.LegAnswered(leg=reach.leg), after_ms=after_ms)
    arrival = ev.CallArrived(call=reach.customer, queue="sales", caller=reach.number, since=reach.since)
    return told, house.give(arrival, after_ms=2_000)


def test_a_customer_is_called_when_a_seat_is_free_and_served_at_his_old_place():
    """The seat is not held; he who came later and waits has it, and the customer is next."""
    house = house_of()
    came = house.now - 60_000
    promise(house, since=came)
    later = ev.CallArrived(call="later", queue="sales")
    house.give(later)
    told = work(house, "101")
    [reach] = only(told, cmd.Reach)
    assert [offer.call for offer in only(told, cmd.Offer)] == ["later"]
    assert (reach.number, reach.since, house.state.calls["back"].state) == (NUMBER, came, "calling")
    [offer] = only(told, cmd.Offer)
    house.give(ev.OfferAnswered(offer=offer.offer))
    house.give(ev.Connected(offer=offer.offer))
    house.give(ev.CallArrived(call="last", queue="sales"))
    told, _ = answers(house, reach)
    assert told == [cmd.CallOver(call="back", reason="called-back")]
    told = house.give(ev.OfferEnded(offer=offer.offer, outcome="hung-up"))
    assert [offer.call for offer in only(told, cmd.Offer)] == [reach.customer]


def test_one_customer_for_each_seat_that_is_free():
    """The next one is called when the first is in line and served, or has not answered."""
    house = house_of(seats=2)
    for number in range(4):
        promise(house, number=f"{NUMBER}{number}", name=f"back{number}", since=house.now - 1_000 + number)
    told = work(house, "101", "102")
    first, second = only(told, cmd.Reach)
    assert (first.call, second.call) == ("back0", "back1")
    told, served = answers(house, first)
    assert not only(told, cmd.Reach)
    assert [offer.call for offer in only(served, cmd.Offer)] == [first.customer]
    told = house.give(ev.LegFailed(seat="", leg=second.leg, outcome="no-answer"))
    assert [reach.call for reach in only(told, cmd.Reach)] == ["back2"]


def test_who_does_not_answer_is_called_again_and_then_no_more():
    """After the queue's time, so often as it says; a line that fails is no answer of his."""
    house = house_of(callback_tries=2, callback_retry_ms=60_000)
    promise(house)
    [reach] = only(work(house, "101"), cmd.Reach)
    told = house.give(ev.LegFailed(seat="", leg=reach.leg, outcome="congestion"))
    [dial] = only(told, cmd.Dial)
    assert (dial.leg, dial.channel, dial.line) == (reach.leg, reach.leg, "one:2")
    house.give(ev.LegFailed(seat="", leg=reach.leg, outcome="busy"))
    assert house.state.calls["back"].attempts == 1
    assert not only(house.pass_time(59_999), cmd.Reach)
    [reach] = only(house.pass_time(1), cmd.Reach)
    told = house.give(ev.LegEnded(leg=reach.leg, outcome="cancelled"))
    assert cmd.CallOver(call="back", reason="not-reached") in told
    assert not house.state.legs


def test_without_a_line_he_waits_for_one():
    """And holds up nobody; callbacks may use what is kept for them."""
    house = house_of(lines=1, keep=1)
    house.give(ev.LineChanged(line="one:1", in_use=True))
    promise(house)
    assert not only(work(house, "101"), cmd.Reach)
    house.give(ev.LineChanged(line="one:1", in_use=False))
    assert only(house.pass_time(5_000), cmd.Reach)


def test_the_rule_changes_while_a_callback_rings_at_a_seat():
    """It is the agents' until it rings nowhere, then its customer is called; with no line, later, and nothing hangs."""
    house = house_of(seats=2, lines=1, callback_first="agent", strategy="ring-all")
    promise(house)
    [offer] = only(work(house, "101"), cmd.Offer)
    house.give(ev.LineChanged(line="one:1", in_use=True))
    rule = msgspec.structs.replace(house.state.queues["sales"], callback_first="customer")
    house.give(
        ev.Configured(queues=(rule,), seats=None, line_groups=(house.group,), calling_out=house.state.calling_out)
    )
    [more] = only(work(house, "102"), cmd.Offer)
    assert more.call == offer.call == "back"
    house.give(ev.LineChanged(line="one:1", in_use=False))
    told = house.give(ev.OfferEnded(offer=more.offer, outcome="refused"))
    assert not only(told, cmd.Reach)
    told = house.give(ev.OfferEnded(offer=offer.offer, outcome="refused"))
    assert only(told + house.pass_time(120_000), cmd.Reach)


def test_caps_count_for_customers_as_for_everybody():
    """A number that was called as often as it may be is left alone for a while."""
    house = house_of(calling={"number_day_most": 1}, callback_retry_ms=60_000, callback_tries=20)
    promise(house)
    [reach] = only(work(house, "101"), cmd.Reach)
    house.give(ev.LegFailed(seat="", leg=reach.leg, outcome="busy"))
    assert not only(house.pass_time(3_600_000), cmd.Reach)
    assert house.state.calls["back"].attempts == 1


def test_an_answer_is_never_lost():
    """Whatever of it is told: by the switch's mark after a restart, by his arrival alone, by how the call ended."""
    for told in ("mark", "arrival", "end"):
        house = house_of()
        promise(house)
        [reach] = only(work(house, "101"), cmd.Reach)
        if told == "mark":
            house.give(ev.Started(run="again"), after_ms=5_000)
            seen = house.look(answered=(reach.leg,))
        elif told == "arrival":
            seen = house.give(ev.CallArrived(call=reach.customer, queue="sales", since=reach.since), after_ms=5_000)
        else:
            seen = house.give(ev.LegEnded(leg=reach.leg, outcome="hung-up"), after_ms=5_000)
        assert cmd.CallOver(call="back", reason="called-back") in seen
        assert "back" not in house.state.calls


def test_a_call_that_nobody_saw_is_made_again():
    """The server was killed before the switch heard of it, or nobody answered meanwhile."""
    house = house_of(callback_retry_ms=60_000)
    promise(house)
    [reach] = only(work(house, "101"), cmd.Reach)
    house.give(ev.Started(run="again"), after_ms=5_000)
    house.look()
    assert (house.state.calls["back"].state, house.state.calls["back"].attempts) == ("waiting", 1)
    [again] = only(house.pass_time(60_000), cmd.Reach)
    assert again.leg != reach.leg


def test_who_hangs_up_after_a_while_is_called_back():
    """Once, at his place, if his number may be called; who comes again by himself has the place instead."""
    house = house_of(callback_abandoned_ms=10_000)
    house.give(ev.CallArrived(call="a", queue="sales", dial=NUMBER, priority=3))
    came = house.now
    house.give(ev.CallArrived(call="b", queue="sales"))
    house.give(ev.CallArrived(call="c", queue="sales", dial=NUMBER + "1"))
    assert not house.give(ev.CallEnded(call="c"), after_ms=9_999)
    assert not house.give(ev.CallEnded(call="b"), after_ms=1)
    [promised] = only(house.give(ev.CallEnded(call="a")), cmd.Promise)
    back = house.state.calls[promised.call]
    assert (back.caller, back.arrived, back.priority, back.virtual) == (NUMBER, came, 3, True)
    told = house.give(ev.CallArrived(call="again", queue="sales", dial=NUMBER), after_ms=5_000)
    assert cmd.CallOver(call=promised.call, reason="called-again") in told
    assert house.state.calls["again"].arrived == came
    assert [promise.caller for promise in only(house.give(ev.CallEnded(call="again")), cmd.Promise)] == [NUMBER]
    house.give(ev.CallArrived(call="left", queue="sales", dial=NUMBER + "2"))
    assert not house.give(ev.CallEnded(call="left", reason="key-exit"), after_ms=20_000)


def test_who_calls_while_he_is_called_is_called_no_more():
    """Ours is hung up; and the seat that was free for him takes him."""
    house = house_of()
    promise(house, since=house.now - 5_000)
    [reach] = only(work(house, "101"), cmd.Reach)
    told = house.give(ev.CallArrived(call="himself", queue="sales", dial=NUMBER))
    assert cmd.GiveUp(leg=reach.leg) in told
    assert [offer.call for offer in only(told, cmd.Offer)] == ["himself"]
    house.give(ev.LegEnded(leg=reach.leg, outcome="cancelled"))
    assert list(house.state.calls) == ["himself"]


def test_one_who_hangs_up_after_his_callback_is_not_called_again():
    """He answered, waited, and went."""
    house = house_of(callback_abandoned_ms=1_000)
    promise(house)
    [reach] = only(work(house, "101"), cmd.Reach)
    house.give(ev.PauseAsked(seat="101", reason="lunch"))
    answers(house, reach)
    assert not only(house.give(ev.CallEnded(call=reach.customer), after_ms=30_000), cmd.Promise)
    assert not house.state.calls


def test_nobody_is_called_while_the_queue_is_closed():
    """Customer first or agent first; and from the opening on as if nothing had been."""
    for first in ("customer", "agent"):
        house = house_of(callback_first=first)
        house.give(ev.QueueSet(queue="sales", closed=True))
        promise(house)
        assert not only(work(house, "101"), cmd.Reach | cmd.Offer)
        assert not only(house.pass_time(3_600_000), cmd.Reach | cmd.Offer)
        house.give(ev.QueueSet(queue="", closed=True))
        assert not only(house.give(ev.QueueSet(queue="sales", closed=False)), cmd.Reach | cmd.Offer)
        assert len(only(house.give(ev.QueueSet(queue="", closed=False)), cmd.Reach | cmd.Offer)) == 1


def test_nobody_is_called_at_other_times_of_the_day():
    """One who is being called then is; the next attempt waits for the morning, callers of the queue wait on."""
    house = house_of(callback_retry_ms=60_000)
    promise(house)
    [reach] = only(work(house, "101"), cmd.Reach)
    house.give(ev.HoursChanged(quiet=("nowhere", "sales")))
    house.give(ev.LegFailed(seat="", leg=reach.leg, outcome="no-answer"))
    assert not only(house.pass_time(3_600_000), cmd.Reach)
    [offer] = only(house.give(ev.CallArrived(call="a", queue="sales")), cmd.Offer)
    house.give(ev.CallEnded(call="a"))
    house.give(ev.OfferEnded(offer=offer.offer, outcome="withdrawn"))
    assert not only(house.pass_time(60_000), cmd.Reach)
    assert [one.call for one in only(house.give(ev.HoursChanged(quiet=())), cmd.Reach)] == ["back"]


def test_who_waits_when_it_closes_leaves_if_the_queue_says_so():
    """He is sent where the queue sends who finds it closed; one who talks or is rung for is not."""
    house = house_of(leave_closed=True, overflow={"closed": "callback"})
    [offer] = only([*work(house, "101"), *house.give(ev.CallArrived(call="a", queue="sales"))], cmd.Offer)
    house.give(ev.CallArrived(call="b", queue="sales"))
    told = house.give(ev.QueueSet(queue="sales", closed=True))
    assert only(told, cmd.SendAway) == [cmd.SendAway(call="b", to="callback", reason="closed")]
    told = house.give(ev.OfferEnded(offer=offer.offer, outcome="no-answer"))
    assert only(told, cmd.SendAway) == [cmd.SendAway(call="a", to="callback", reason="closed")]


def test_a_callback_expires():
    """One that is worked on is let be until it is given back."""
    house = house_of(callback_expire_ms=600_000, callback_first="agent")
    promise(house)
    promise(house, number=NUMBER + "1", name="other")
    [offer] = only(work(house, "101"), cmd.Offer)
    house.give(ev.Connected(offer=offer.offer))
    assert cmd.CallOver(call="other", reason="expired") in house.pass_time(600_000)
    assert "back" in house.state.calls
    house.give(ev.PauseAsked(seat="101", reason="lunch"))
    house.give(ev.OfferEnded(offer=offer.offer, outcome="hung-up"))
    assert cmd.CallOver(call="back", reason="expired") in house.pass_time(60_000)


def test_a_restored_core_goes_on_alike():
    """A customer who is being called is still the one for his seat."""
    house = house_of()
    promise(house)
    promise(house, number=NUMBER + "1", name="other")
    assert len(only(work(house, "101"), cmd.Reach)) == 1
    restored = Core(msgspec.msgpack.decode(msgspec.msgpack.encode(house.state), type=type(house.state)))
    assert restored.decide(ev.CallArrived(at=house.now, call="new", queue="sales")) == house.core.decide(
        ev.CallArrived(at=house.now, call="new", queue="sales")
    )
    assert restored.state == house.state
