"""A supervisor listens to a talk by telephone, speaks to the agent, to both; and it goes on without him."""

import asyncio

import pytest

from acd.core import events as ev
from tests.live.people import WITHIN_S
from tests.live.testsite import heard

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]


async def talk(floor):
    """A caller talks to the agent 102; gives both."""
    agent = await floor.agent("102")
    caller, _ = await floor.waiter()
    leg = await floor.rings("102")
    await leg.answer()
    await floor.sees(ev.Connected)
    await floor.talk(caller, leg)
    assert agent.calls
    return caller, leg


async def listens(floor, seat="102"):
    """The supervisor dials *23 and the seat's number."""
    phone = await floor.agent("104")
    call = await phone.dial("*23")
    await call.confirmed()
    await floor.hears(call, "handset-listen-seat")
    await call.dtmf(f"{seat}#")
    return call


async def hears_not(floor, call, word):
    """See that somebody does not hear a sound for a while; what he heard just before may still be on its way."""
    async with asyncio.timeout(WITHIN_S):
        while word in heard(await floor.listen(call, 1_500)):
            pass


async def test_listen_whisper_barge(floor):
    """Each key changes who hears him; he always hears both; each way is in the journal, and so is the end."""
    caller, leg = await talk(floor)
    spy = await listens(floor)
    await floor.hears(spy, "handset-listen-keys")
    offer = floor.seen(ev.Connected)[0].offer
    await floor.sees(ev.Listening, mode="listen", seat="104", to="102", offer=offer)
    await floor.speaks(spy, "third")
    await floor.hears(spy, "speech")  # two tones at once
    await hears_not(floor, leg, "speech")
    await hears_not(floor, caller, "speech")
    await spy.dtmf("2")
    await floor.sees(ev.Listening, mode="whisper")
    await floor.hears(leg, "speech")  # the caller and the supervisor
    await hears_not(floor, caller, "speech")
    await spy.dtmf("3")
    await floor.sees(ev.Listening, mode="barge")
    await floor.hears(leg, "speech")
    await floor.hears(caller, "speech")
    await spy.dtmf("1")
    await floor.until(lambda: len(floor.seen(ev.Listening, mode="listen")) == 2, "listening again")
    await hears_not(floor, caller, "speech")
    await spy.hang_up()
    await floor.sees(ev.Listening, mode="over", to="102", offer=offer)
    await floor.talk(caller, leg)
    assert floor.seen(ev.OfferEnded) == []


async def test_the_end_of_the_talk_is_his_end(floor):
    """When the agent hangs up the supervisor is hung up too, and his seat is free for calls again."""
    _, leg = await talk(floor)
    spy = await listens(floor)
    await floor.sees(ev.Listening, mode="listen")
    await leg.hang_up()
    await spy.ended()
    await floor.sees(ev.Listening, mode="over")
    await floor.until(lambda: not floor.seat("104").busy, "104 free")


async def test_only_who_talks_and_only_seats(floor):
    """A seat that does not talk, his own, one that there is not, and digits that are none: nothing is listened to."""
    await talk(floor)
    call = await listens(floor, "101")
    for entry in ("104#", "99999999"):
        await floor.hears(call, "handset-not-talking")
        await floor.hears(call, "handset-listen-seat")
        await call.dtmf(entry)
    await floor.hears(call, "handset-not-talking")
    await call.ended()
    assert floor.seen(ev.Listening) == []


async def test_an_agent_listens_to_nobody(floor):
    """Who is no supervisor hears so."""
    await talk(floor)
    await floor.agent("101")
    assert await floor.dials("101", "*23") == ["handset-no-supervisor"]
