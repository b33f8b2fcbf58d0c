"""A caller or an agent hangs up: in every state of a call, and in the same moment as something else happens.

That nothing is left over (channel, AGI session, call, seat) and that the journal tells of each caller how he left, the
fixture `floor` sees to after each test.
"""

import asyncio

import pytest

from acd.core.events import CallArrived, CallEnded, Connected, OfferEnded
from ivr import switch
from ivr.ami import Message

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]


async def test_before_the_answer(floor, monkeypatch):
    """A caller who cancels while callfloor has not answered yet gets 487, and his flow is cancelled."""
    asked, ended = asyncio.Event(), asyncio.Event()

    async def never_answers(session):
        asked.set()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.set()

    monkeypatch.setitem(floor.server.agi.routes, f"{floor.site.switch.agi_secret}/entry", never_answers)
    call = await floor.trunk.dial("5550100")
    await floor.until(asked.is_set, "asked")
    await call.hang_up()
    assert (await call.ended()).code == 487
    await floor.until(ended.is_set, "cancelled")
    assert floor.seen(CallArrived) == []


async def test_in_a_prompt(floor):
    """A caller who hangs up while a prompt plays ends his flow at once; he never was in a queue."""
    call, _ = await floor.caller("5550101")
    await floor.hears(call, "long-menu")
    await call.hang_up()
    await floor.peace()
    assert floor.seen(CallArrived) == []


async def test_in_a_menu(floor):
    """So does one who hangs up while the menu waits for his key."""
    call, _ = await floor.caller("5550100")
    await floor.hears(call, "main-menu")
    await floor.hears(call, "no-input")
    await floor.hears(call, "main-menu")
    await call.hang_up()
    await floor.peace()


async def test_while_waiting(floor):
    """A caller who waits and gives up is gone from the queue; the next agent is offered the one behind him."""
    first, first_number = await floor.waiter()
    _, second_number = await floor.waiter()
    gone = floor.call(first_number).id
    await first.hang_up()
    await floor.sees(CallEnded, call=gone)
    await floor.agent("101")
    await floor.rings("101")
    assert floor.offers() == [(second_number, "101")]


async def test_while_ringing(floor):
    """When the caller gives up the agent's phone stops ringing, and rings for the next one."""
    first, first_number = await floor.waiter()
    _, second_number = await floor.waiter()
    await floor.agent("101")
    ringing = await floor.rings("101")
    await first.hang_up()
    await ringing.ended()
    assert (await floor.sees(OfferEnded)).outcome == "withdrawn"
    await floor.rings("101")
    assert floor.offers() == [(first_number, "101"), (second_number, "101")]
    assert floor.seat("101").unanswered == 0


async def test_in_the_talk_by_the_caller(floor):
    """The caller hangs up: so does Asterisk at the agent, whose seat is free again."""
    phone = await floor.agent("101", answer_after_ms=0)
    call, _ = await floor.waiter()
    await floor.sees(Connected)
    [leg] = phone.calls
    await call.hang_up()
    await leg.ended()
    assert (await floor.sees(OfferEnded)).outcome == "hung-up"
    await floor.until(lambda: floor.seat("101").state == "ready", "ready again")


async def test_in_the_talk_by_the_agent(floor):
    """The agent hangs up: the seat is free while the caller still hears goodbye."""
    phone = await floor.agent("101", answer_after_ms=0)
    call, number = await floor.waiter()
    await floor.sees(Connected)
    await phone.calls[0].hang_up()
    await floor.sees(OfferEnded)
    assert floor.seat("101").state == "ready"
    assert floor.call(number).state == "after"
    assert call.state == "confirmed"


async def test_in_goodbye(floor):
    """A caller who hangs up during the last prompt ends like any other."""
    phone = await floor.agent("101", answer_after_ms=0)
    call, number = await floor.waiter()
    await floor.sees(Connected)
    await phone.calls[0].hang_up()
    await floor.hears(call, "goodbye")
    name = floor.call(number).id
    await call.hang_up()
    await floor.sees(CallEnded, call=name)


async def test_both_at_once(floor):
    """Caller and agent hang up in the same moment, time and again: each time the seat is free for the next."""
    phone = await floor.agent("101", answer_after_ms=0)
    for _ in range(8):
        call, number = await floor.waiter()
        await floor.until(lambda number=number: floor.call(number).state == "talking", "talking")
        hang_ups = [call.hang_up(), *(leg.hang_up() for leg in phone.calls)]
        await asyncio.gather(*hang_ups, return_exceptions=True)  # who is second has nothing left to hang up
        await floor.peace()
        assert floor.seat("101").state == "ready"


async def test_answer_and_hang_up_at_once(floor):
    """The caller gives up in the moment in which the agent answers: whoever was first, nobody is left on a line.

    Some of these come while Asterisk moves the caller to the agent, and then it forgets the hang-up.
    """
    await floor.agent("101")
    for delay_ms in range(8):
        call, _ = await floor.waiter()
        leg = await floor.rings("101")
        answered = asyncio.create_task(leg.answer())
        await asyncio.sleep(delay_ms / 1000)
        await call.hang_up()
        await asyncio.gather(answered, return_exceptions=True)  # there may be nothing left to answer
        await leg.ended()
        await floor.peace()
        assert floor.seat("101").state == "ready"


async def test_in_a_transfer(floor):
    """A caller who was transferred to a handset and gives up while it rings makes it stop."""
    await floor.handset("101")
    call, _ = await floor.caller("5550106")
    ringing = await floor.rings("101")
    await call.hang_up()
    await ringing.ended()


async def test_when_arriving(floor):
    """Callers who hang up in the very moment in which they get into the queue are known, and known to be gone."""
    for delay_ms in range(0, 32, 4):
        call = await floor.trunk.dial("5550102")
        await call.confirmed()
        await asyncio.sleep(delay_ms / 1000)
        await call.hang_up()
        await floor.peace()
    assert len(floor.seen(CallArrived)) == len(floor.seen(CallEnded))


async def test_a_hang_up_that_asterisk_forgot(floor, monkeypatch):
    """When Asterisk tells that a caller hung up, and keeps his channel, he is hung up again and his agent is free."""
    monkeypatch.setattr(switch, "HANGUP_GRACE_S", 0.1)
    phone = await floor.agent("101", answer_after_ms=0)
    call, number = await floor.waiter()
    await floor.sees(Connected)
    floor.server.switch._on_event(Message({"Event": "HangupRequest", "Uniqueid": floor.call(number).id}))
    await call.ended()
    await floor.until(lambda: floor.seat("101").state == "ready", "ready again")
    await floor.until(lambda: not phone.calls, "hung up at the phone too")
