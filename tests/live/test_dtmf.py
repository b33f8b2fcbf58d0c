"""Keys in a menu, pressed on a real telephone: as RFC 4733 events and as SIP INFO; wrong ones, none, early ones."""

import pytest

from acd.core.events import CallArrived
from tests.live.people import PACKET_MS
from tests.live.testsite import LONG_MS

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]


@pytest.mark.parametrize("method", ["rfc4733", "info"])
@pytest.mark.parametrize(("key", "queue"), [("1", "sales"), ("2", "support"), ("0", "reception")])
async def test_a_key_chooses(floor, method, key, queue):
    """A key leads to the queue of its choice, however the telephone sends it."""
    call, caller = await floor.caller("5550100")
    await floor.hears(call, "main-menu")
    await call.dtmf(key, method)
    assert (await floor.sees(CallArrived, caller=caller)).queue == queue


@pytest.mark.parametrize("method", ["rfc4733", "info"])
async def test_a_key_cuts_a_prompt_short(floor, method):
    """Who presses while a prompt plays hears no more of it and is where he wants to be."""
    call, caller = await floor.caller("5550101")
    await floor.hears(call, "long-menu")
    await call.dtmf("1", method)
    assert (await floor.sees(CallArrived, caller=caller)).queue == "sales"
    await floor.hears(call, "music")
    assert (await call.rtp()).received * PACKET_MS < LONG_MS


async def test_a_wrong_key_is_told(floor):
    """A key that is no choice is answered by a prompt and the menu again, in which the right key still works."""
    call, caller = await floor.caller("5550100")
    await floor.hears(call, "main-menu")
    await call.dtmf("7")
    await floor.hears(call, "invalid")
    await floor.hears(call, "main-menu")
    await call.dtmf("2")
    assert (await floor.sees(CallArrived, caller=caller)).queue == "support"


async def test_silence_leads_to_a_human(floor):
    """Who presses nothing is told so, hears the menu as often as it says, and gets where its failure leads."""
    call, caller = await floor.caller("5550100")
    await floor.hears(call, "no-input")
    await floor.hears(call, "main-menu")
    assert (await floor.sees(CallArrived, caller=caller)).queue == "reception"
