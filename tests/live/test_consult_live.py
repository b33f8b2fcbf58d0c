"""Agents ask somebody first, then give him their caller: REFER with Replaces, at every moment, and who hangs up when.

That nothing is left over the fixture `floor` sees to after each test.
"""

import pytest

from acd.core import events as ev
from tests.live.test_transfer_live import OUTSIDE, house, in_talk, legs_of, measured  # noqa: F401 - a fixture of it

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]


async def asks(floor, leg, to):
    """The agent of seat 101 puts his caller on hold and calls somebody: his own call, as it rings."""
    await leg.hold()
    own = await floor.handsets["101"].dial(to)
    await floor.until(lambda: floor.seat("101").busy, "busy")
    return own


async def is_free(floor, seat="101"):
    """The seat has nothing to do any more, and no call of its own."""
    await floor.until(lambda: (floor.seat(seat).state, floor.seat(seat).busy) == ("ready", False), f"{seat} is free")


async def test_a_seat_that_agreed(floor):
    """The caller hears music meanwhile; then the two talk, the agent is free, and legs are as long as they were."""
    await floor.handset("103")
    caller, number, leg = await in_talk(floor)
    call = floor.call(number).id
    own = await asks(floor, leg, "103")
    other = await floor.rings("103")
    await other.answer()
    await own.confirmed()
    await floor.hears(caller, "music")
    assert (await leg.transfer(own)).code == 200
    joined = await floor.sees(ev.LegJoined, call=call)
    since_ns = caller.phone and other.at_ns["confirmed"]
    await floor.talk(caller, other)
    given = await floor.sees(ev.CallTransferred)
    assert (given.call, given.seat, given.to, given.asked_first) == (call, "101", "103", True)
    await is_free(floor)
    await other.hang_up()
    await floor.hears(caller, "goodbye")
    await caller.hang_up()
    await floor.sees(ev.CallEnded, call=call)
    who, talked = legs_of(floor, call)
    assert who == ["101", "103"]
    asked_s = (leg.at_ns["ended"] - since_ns) / 1e9
    assert talked == pytest.approx([measured(leg)[0], measured(other)[0] - asked_s], abs=1.0)
    assert joined.who == "103"


async def test_a_seat_that_did_not_agree(floor):
    """The other one hangs up, or the agent does: the agent has his caller again, nobody else has anything."""
    await floor.handset("103")
    caller, number, leg = await in_talk(floor)
    for hangs_up in ("own", "other"):
        own = await asks(floor, leg, "103")
        other = await floor.rings("103")
        await other.answer()
        await own.confirmed()
        await {"own": own, "other": other}[hangs_up].hang_up()
        await own.ended()
        await other.ended()
        await leg.unhold()
        await floor.talk(caller, leg)
    assert floor.call(number).state == "talking"
    assert floor.seen(ev.CallTransferred) == []


async def test_no_offer_while_he_asks(floor):
    """An agent who asks gets no second caller, though his own call is none of ours."""
    await floor.handset("103")
    _, _, leg = await in_talk(floor)
    await asks(floor, leg, "103")
    _, second = await floor.waiter()
    assert [caller for caller, _ in floor.offers()] != [second]
    assert floor.call(second).state == "waiting"


async def test_before_it_is_answered(floor):
    """He waits for no answer, nor for a ring: the caller rings there, and talks to who answers."""
    await floor.handset("103")
    caller, number, leg = await in_talk(floor)
    await leg.hold()
    own = await floor.handsets["101"].dial("103")
    assert (await leg.transfer(own)).code == 200
    ringing = await floor.rings("103")
    await is_free(floor)
    await ringing.answer()
    await floor.talk(caller, ringing)
    assert (await floor.sees(ev.LegJoined)).call == floor.call(number).id
    await ringing.hang_up()
    await floor.hears(caller, "goodbye")


@pytest.mark.parametrize("code", [603, 486])
async def test_put_through_to_one_who_declines(floor, code):
    """Nobody answered him there: he is back in his queue, at his old place, and rings the agent again."""
    await floor.handset("103")
    caller, number, leg = await in_talk(floor)
    first = floor.seen(ev.CallArrived, caller=number)[0].at
    own = await asks(floor, leg, "103")
    ringing = await floor.rings("103")
    await floor.handsets["101"].on_call(answer_after_ms=None)
    assert (await leg.transfer(own)).code == 200
    await ringing.answer(code)
    again = await floor.rings("101")
    await again.answer()
    await floor.talk(caller, again)
    assert abs(floor.call(number).arrived - first) < 500


@pytest.mark.parametrize("when", ["rings", "answered", "put through", "talks"])
async def test_the_caller_hangs_up(floor, when):
    """At whatever moment he does: nobody is left on a line, and every seat is free."""
    await floor.handset("103")
    caller, number, leg = await in_talk(floor)
    call = floor.call(number).id
    own = await asks(floor, leg, "103")
    other = await floor.rings("103")
    if when in {"answered", "talks"}:
        await other.answer()
        await own.confirmed()
    if when in {"put through", "talks"}:
        await leg.transfer(own)
    await caller.hang_up()
    await floor.sees(ev.CallEnded, call=call)
    if when in {"rings", "answered"}:
        await leg.ended()
        await own.hang_up()
    await other.ended()
    await is_free(floor)
    await floor.until(lambda: not floor.seat("103").busy, "103 is free")


async def test_by_keys(floor):
    """*2 and a number: the agent talks to the other one, hangs up, and the caller has him; the legs are told."""
    await floor.handset("103")
    caller, number, leg = await in_talk(floor)
    call = floor.call(number).id
    await leg.dtmf("*2103")
    other = await floor.rings("103")
    await other.answer()
    await floor.talk(leg, other)
    await leg.hang_up()
    await floor.sees(ev.LegJoined, who="103")
    await floor.talk(caller, other)
    assert (await floor.sees(ev.CallTransferred)).to in {"103", ""}  # Asterisk does not always tell
    await is_free(floor)
    await caller.hang_up()
    await other.ended()
    await floor.sees(ev.CallEnded, call=call)
    assert legs_of(floor, call)[0][-1] == "103"


async def test_by_keys_and_back(floor):
    """*1 takes the agent back to his caller; a number that nobody has does, too."""
    await floor.handset("103")
    caller, number, leg = await in_talk(floor)
    await leg.dtmf("*2103")
    other = await floor.rings("103")
    await other.answer()
    await floor.talk(leg, other)
    await leg.dtmf("*1")
    await other.ended()
    await floor.talk(caller, leg)
    assert floor.call(number).state == "talking"
    assert floor.seen(ev.CallTransferred) == []


async def test_by_keys_and_the_other_hangs_up(floor):
    """Whom he asked hangs up: the agent has his caller again, at once and without another word."""
    await floor.handset("103")
    caller, number, leg = await in_talk(floor)
    await leg.dtmf("*2103")
    other = await floor.rings("103")
    await other.answer()
    await floor.talk(leg, other)
    await other.hang_up()
    await floor.until(lambda: [one.held for one in floor.seen(ev.LegHeld)] == [True, False], "back", within_s=2)
    await floor.talk(caller, leg)
    assert floor.call(number).state == "talking"


async def test_by_keys_all_three(floor):
    """*3: all three talk. The agent leaves, the others go on; then he is free, and the caller is none of his."""
    await floor.handset("103")
    caller, number, leg = await in_talk(floor)
    await leg.dtmf("*2103")
    other = await floor.rings("103")
    await other.answer()
    await floor.talk(leg, other)
    await leg.dtmf("*3")
    await floor.sees(ev.LegJoined, who="103")
    for call in (leg, other):
        await call.play_nothing()
    await floor.speaks(caller, "third")
    await floor.hears(leg, "third")
    await floor.hears(other, "third")
    assert [event.held for event in floor.seen(ev.LegHeld)] == [True, False]
    assert floor.seat("101").state == "talking"
    await leg.hang_up()
    await is_free(floor)
    await floor.talk(caller, other)
    assert floor.call(number).state == "after"
    await other.hang_up()
    await floor.hears(caller, "goodbye")


async def test_by_keys_in_a_queue(floor):
    """*2 and a queue's number: he waits there with his caller's place; the caller is taken over by who answered."""
    caller, number, leg = await in_talk(floor)
    first = floor.seen(ev.CallArrived, caller=number)[0].at
    _, later = await floor.waiter("5550103")
    await floor.handset("103")
    await leg.dtmf("*2302")
    await floor.until(lambda: len(floor.seen(ev.CallArrived, queue="support")) == 2, "he waits there, too")
    asked = floor.seen(ev.CallArrived, queue="support")[1]
    assert abs(floor.state.calls[asked.call].arrived - first) < 500
    phone = await floor.agent("103", answer_after_ms=0)
    await floor.until(lambda: len(floor.seen(ev.Connected)) == 2, "he is answered, before who came later")
    assert floor.call(later).state == "waiting"
    await floor.talk(leg, phone.calls[0])
    await leg.hang_up()
    await floor.sees(ev.CallTransferred, takes=asked.call)
    await floor.talk(caller, phone.calls[0])
    assert floor.call(number).state == "talking"


async def test_a_number_outside(floor):
    """The same with somebody outside, whom a seat can ring as far as the site lets it."""
    caller, number, leg = await in_talk(floor)
    call = floor.call(number).id
    assert (await leg.transfer(OUTSIDE)).code == 200
    outside = await floor.rings("outside")
    await outside.answer()
    await floor.talk(caller, outside)
    await caller.hang_up()
    await outside.ended()
    await floor.sees(ev.CallEnded, call=call)


async def test_a_queue_that_answered(floor):
    """He waits in the queue himself; who answers him gets the caller, and has him by an offer like any other."""
    caller, number, leg = await in_talk(floor)
    call = floor.call(number).id
    phone = await floor.agent("103", answer_after_ms=0)
    own = await asks(floor, leg, "302")
    await floor.until(lambda: len(floor.seen(ev.Connected)) == 2, "he is answered")
    assert (await leg.transfer(own)).code == 200
    given = await floor.sees(ev.CallTransferred)
    assert (given.call, given.to, bool(given.takes)) == (call, "103", True)
    await floor.talk(caller, phone.calls[0])
    assert floor.call(number).state == "talking"
    assert floor.seat("103").state == "talking"
    await is_free(floor)
    await phone.calls[0].hang_up()
    await floor.until(lambda: floor.seat("103").state == "ready", "103 is free after wrap-up")
    await floor.hears(caller, "goodbye")


async def test_a_queue_where_he_waits(floor):
    """He does not wait for somebody there: the caller waits in his place, since he first came, and is served."""
    caller, number, leg = await in_talk(floor)
    first = floor.seen(ev.CallArrived, caller=number)[0].at
    own = await asks(floor, leg, "302")
    await floor.sees(ev.CallArrived, queue="support")
    await leg.transfer(own)
    await floor.until(lambda: floor.call(number).queue == "support", "in the other queue")
    assert abs(floor.call(number).arrived - first) < 500
    await is_free(floor)
    assert len(floor.state.calls) == 1
    await floor.agent("103", answer_after_ms=0)
    await floor.until(lambda: floor.call(number).state == "talking", "served")
    await floor.talk(caller, floor.handsets["103"].calls[0])


async def test_a_queue_given_up(floor):
    """He asks in a queue, hangs up there and has his caller again: nothing of his own call is left."""
    caller, number, leg = await in_talk(floor)
    own = await asks(floor, leg, "302")
    asked = await floor.sees(ev.CallArrived, queue="support")
    await own.hang_up()
    await floor.sees(ev.CallEnded, call=asked.call)
    await leg.unhold()
    await floor.talk(caller, leg)
    assert [call.caller for call in floor.state.calls.values()] == [number]
