"""Ten thousand hostile FastAGI connections while twenty calls go on: nobody on the phone notices."""

import asyncio
import json
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from acd.core.events import CallArrived, CallEnded, OfferEnded
from tests.live.wire import Wire

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]

FLOOD = Path(__file__).with_name("agi_flood.py")
CONNECTIONS = 10_000
TALKING, WAITING = 4, 16


async def test_ten_thousand_hostile_connections(floor):
    """Talks and music go on, new callers get through the menu at once, and each hostile connection is thrown out."""
    async with AsyncExitStack() as stack:
        talks = [await talk(floor, seat) for seat in ("101", "102", "103", "104")]
        crowd = [await stack.enter_async_context(await wire(floor)) for _ in range(WAITING)]
        for caller in crowd:
            assert await caller.dial(b"5550102") == 200
        await floor.until(lambda: states(floor) == {"talking": TALKING, "waiting": WAITING}, "20 calls")
        before = [(await call.rtp()).received for call, _ in talks] + [caller.sound.heard for caller in crowd]
        loop = asyncio.get_running_loop()
        began = loop.time()
        flood = await asyncio.create_subprocess_exec(
            sys.executable, FLOOD, str(floor.server.agi.port), str(CONNECTIONS), stdout=asyncio.subprocess.PIPE
        )
        told = asyncio.create_task(flood.communicate())
        newcomers = 0
        while not told.done():
            await through_the_menu(floor)
            newcomers += 1
            for caller, agent in talks[newcomers % 2 :: 2]:
                await floor.hears(caller, "agent")
                await floor.hears(agent, "caller")
        seconds = loop.time() - began
        tally = json.loads(told.result()[0])
        after = [(await call.rtp()).received for call, _ in talks] + [caller.sound.heard for caller in crowd]

        assert sum(tally.values()) == CONNECTIONS
        assert not [kind for kind in tally if kind.endswith("kept")]
        assert newcomers > 1
        assert states(floor) == {"talking": TALKING, "waiting": WAITING}
        assert not floor.seen(OfferEnded)
        assert {event.reason for event in floor.seen(CallEnded)} == {"hung-up"}
        heard = [late - early for early, late in zip(before, after, strict=True)]
        assert min(heard) > 0.9 * 50 * seconds  # 50 packets a second each
        assert [caller.sound.missed for caller in crowd] == [0] * WAITING
    await floor.until(lambda: floor.server.agi.sessions == 0, "without AGI sessions")


async def talk(floor, seat):
    """Have a caller talk to the agent of a seat, both heard by the other; gives caller's and agent's calls."""
    phone = await floor.agent(seat, answer_after_ms=0)
    call, number = await floor.caller({"101": "5550102", "102": "5550102"}.get(seat, "5550103"))
    arrived = await floor.sees(CallArrived, caller=number)
    await floor.until(lambda: floor.state.calls[arrived.call].state == "talking", f"{seat} talks")
    [other] = phone.calls
    await floor.speaks(call, "caller")
    await floor.speaks(other, "agent")
    return call, other


async def wire(floor):
    """Make a caller whose packets are counted."""
    return await Wire.open(floor.server.site.switch.sip_port)


async def through_the_menu(floor):
    """A new caller presses 1 in the menu, waits in the queue, and hangs up."""
    before = len(floor.seen(CallArrived))
    async with await wire(floor) as caller:
        assert await caller.dial(b"5550100") == 200
        async with asyncio.timeout(10):
            while len(floor.seen(CallArrived)) == before:
                await caller.press("1")
    assert floor.seen(CallArrived)[-1].queue == "sales"


def states(floor):
    """Count the calls by their states."""
    found = [call.state for call in floor.state.calls.values()]
    return {state: found.count(state) for state in found}
