"""Callbacks whose customer is called before any agent, and callbacks by rule: over a trunk, to a customer's phone."""

import asyncio
from datetime import datetime, timedelta

import pytest
import pytest_asyncio

from acd.core.commands import CallOver, Offer, Promise, Reach
from acd.core.events import CallArrived, CallEnded, Connected, HoursChanged, LegAnswered, LegEnded, LegFailed
from acd.hours import Hours, Opening
from tests.live.floor import Floor
from tests.live.provider import open_with_customer
from tests.live.test_callbacks_live import MORE, number, promised, waits
from tests.live.test_callbacks_live import at_home as home

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]

FIRST = """
[sales](+)
callback_first = customer
callback_abandoned = 2s
caller_id = +4930888
wrap_up = 1s
[patience](+)
leave_closed = yes
callback_first = customer
[103](+)
queues = patience
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def both(make_instance, tmp_path_factory, prompt_cache):
    """Give a floor that calls customers of another Asterisk; the telephone 803 there is a customer's."""
    async with open_with_customer(make_instance, tmp_path_factory, prompt_cache, MORE + FIRST) as floor:
        yield floor


@pytest_asyncio.fixture(loop_scope="module")
async def floor(both: Floor):
    """Give the floor with nobody on it; leave it so."""
    both.begin()
    await both.until(lambda: not any(line.in_use for line in both.state.lines.values()), "lines that can be used")
    yield both
    await both.customer.on_call(answer_after_ms=None)
    for call in both.customer.calls:
        if call.state != "ended":
            await call.hang_up()
    await both.hang_up()
    await both.until(lambda: all(call.virtual for call in both.state.calls.values()), "nobody on the telephone")
    for call in list(both.state.calls.values()):  # who hung up just now may have been promised a callback
        both.server.dispatcher.submit(CallEnded(call=call.id, reason="done"))
    await both.clear()
    assert not both.state.legs


def commands(floor, kind):
    """All commands of a kind of this test."""
    return [command for _, told in floor.history for command in told if isinstance(command, kind)]


async def rings_at_home(floor):
    """The customer's telephone rings."""
    while True:
        call = await floor.customer.incoming(20_000)
        if call.state != "ended":
            return call


async def test_the_customer_is_called_and_has_his_old_place(floor):
    """He is told what it is, and goes to the seat before those who came later; no agent has listened to the ringing."""
    back = await promised(floor, home(20))
    _, later = await floor.waiter()
    await floor.agent("101", answer_after_ms=None)
    later_call = floor.call(later)
    at_home = await rings_at_home(floor)
    [reach] = commands(floor, Reach)
    assert (reach.call, reach.number, back.state) == (back.id, back.caller, "calling")
    # The seat is not held for him: it rings for who came later. It is busy with that when he answers.
    leg = await floor.rings("101")
    await leg.answer()
    await floor.sees(Connected)
    assert later_call.state == "talking"
    _, last = await floor.waiter()
    await at_home.answer()
    await floor.hears(at_home, "callback-reached")
    arrived = await floor.sees(CallArrived, call=reach.customer)
    assert CallOver(call=back.id, reason="called-back") in commands(floor, CallOver)
    assert (arrived.since, arrived.caller) == (pytest.approx(reach.since, abs=20), reach.number)
    await floor.hears(at_home, "music")
    await leg.hang_up()
    leg = await floor.rings("101")
    await leg.answer()
    await floor.until(lambda: floor.state.calls[reach.customer].state == "talking", "the customer talks")
    assert floor.call(last).state == "waiting"
    await floor.talk(at_home, leg)
    await at_home.hang_up()
    await floor.sees(LegEnded, leg=reach.leg, outcome="hung-up")
    assert len(commands(floor, Reach)) == 1


async def test_one_customer_for_each_seat_that_is_free(floor):
    """Three callbacks and one seat: they are called one after the other, in their order, each once."""
    backs = [await promised(floor, number("7", who)) for who in (21, 22, 23)]
    await floor.agent("101", answer_after_ms=0)
    await floor.until(lambda: len(floor.seen(LegEnded)) == 3, "three talks", within_s=60)
    assert [reach.call for reach in commands(floor, Reach)] == [back.id for back in backs]
    told = [(type(event), event.leg) for event, _ in floor.history if isinstance(event, LegAnswered | LegEnded)]
    assert len(told) == 6


async def test_who_does_not_answer_is_called_again_and_then_no_more(floor):
    """After the queue's time, so often as it says; meanwhile the seat takes others."""
    back = await promised(floor, number("1", 24))
    await floor.agent("101", answer_after_ms=0)
    await floor.sees(LegFailed, outcome="busy")
    await floor.until(lambda: back.state == "waiting" and back.attempts == 1, "put off")
    assert not floor.seat("101").work
    await floor.until(lambda: back.id not in floor.state.calls, "no more", within_s=40)
    first, second = floor.seen(LegFailed)
    assert second.at - first.at >= 10_000
    assert CallOver(call=back.id, reason="not-reached") in commands(floor, CallOver)
    assert commands(floor, Offer) == []


async def test_who_hangs_up_is_called_back(floor):
    """He had waited long enough; one who had not, and one whose number cannot be called, is not."""
    own = home(25)
    soon = await waits(floor, home(26))
    await soon.hang_up()
    await floor.sees(CallEnded)
    unknown = await waits(floor, "12")  # that is no number that could be called
    call = await waits(floor, own)
    arrived = floor.call(own).arrived
    await floor.listen(call, 2_200)
    await unknown.hang_up()
    await call.hang_up()
    await floor.until(lambda: commands(floor, Promise), "a promise")
    [promise] = commands(floor, Promise)
    back = floor.state.calls[promise.call]
    assert (back.caller, back.arrived, back.state) == ("+49" + own[1:], arrived, "waiting")
    await floor.agent("101", answer_after_ms=0)
    at_home = await rings_at_home(floor)
    await at_home.answer()
    await floor.sees(LegAnswered)
    await floor.until(lambda: commands(floor, Reach)[0].customer in floor.state.calls, "he is in line")
    await at_home.hang_up()  # he has had it: hanging up while he waits does not make another one
    await floor.sees(LegEnded)
    assert len(commands(floor, Promise)) == 1


async def test_who_calls_again_by_himself_has_his_place(floor):
    """And is not called any more."""
    own = home(27)
    call = await waits(floor, own)
    arrived = floor.call(own).arrived
    await floor.listen(call, 2_200)
    await call.hang_up()
    await floor.until(lambda: commands(floor, Promise), "a promise")
    _, other = await floor.waiter()
    again = await floor.trunk.dial("5550102", caller_id=own)
    await again.confirmed()
    await floor.until(lambda: commands(floor, CallOver), "dropped")
    [promise] = commands(floor, Promise)
    assert commands(floor, CallOver) == [CallOver(call=promise.call, reason="called-again")]
    assert floor.call(own).arrived == arrived
    assert floor.call(own).key < floor.call(other).key


async def test_who_waits_when_the_queue_closes_is_called_when_it_is_open(floor):
    """They are offered it, keep their places, and nobody is called before the queue is open again."""
    one = await floor.trunk.dial("5550105", caller_id=number("7", 28))
    await one.confirmed()
    await floor.sees(CallArrived, caller=number("7", 28))
    two = await floor.trunk.dial("5550105", caller_id=number("7", 29))
    await two.confirmed()
    await floor.sees(CallArrived, caller=number("7", 29))
    came = [floor.call(number("7", who)).arrived for who in (28, 29)]
    floor.server.supervisor.close_queue("patience")
    for call in (two, one):  # who comes to it first has no better place by that
        await floor.hears(call, "speech")
        await call.dtmf("1")
        await floor.hears(call, "callback-promised")
        await call.ended()
    backs = sorted((call for call in floor.state.calls.values() if call.virtual), key=lambda call: call.key)
    assert [back.caller[-2:] for back in backs] == ["87", "97"]
    assert [back.arrived for back in backs] == came
    await floor.agent("103", answer_after_ms=0)
    await asyncio.sleep(2)
    assert commands(floor, Reach) == []
    floor.server.supervisor.open_queue("patience")
    await floor.until(lambda: len(floor.seen(LegEnded)) == 2, "both were called", within_s=60)
    assert [reach.call for reach in commands(floor, Reach)] == [back.id for back in backs]


async def test_nobody_is_called_at_other_times_of_the_day(floor):
    """He is when the hours have begun, by the server's own clock."""
    now = datetime.now().astimezone() + timedelta(hours=2)
    later = Opening(frozenset(range(7)), now.hour * 60 + now.minute, (now.hour * 60 + now.minute + 60) % 1_440)
    hours = floor.server.site.callback_hours
    hours["sales"] = Hours(zone=None, openings=[later])
    await floor.sees(HoursChanged, quiet=("sales",))
    back = await promised(floor, number("7", 30))
    await floor.agent("101", answer_after_ms=0)
    await asyncio.sleep(2)
    assert commands(floor, Reach) == []
    _, caller = await floor.waiter()
    await floor.sees(Connected)
    assert floor.call(caller).state == "talking"
    await floor.hang_up()
    await floor.handsets["101"].on_call(answer_after_ms=0)
    del hours["sales"]
    await floor.sees(HoursChanged, quiet=())
    await floor.until(lambda: floor.seen(LegEnded), "he was called")
    assert [reach.call for reach in commands(floor, Reach)] == [back.id]
