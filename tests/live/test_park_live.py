"""Callers are parked and fetched: by the key and by ##, from any seat, in time and too late.

That nothing is left over the fixture `floor` sees to after each test.
"""

import pytest
import pytest_asyncio

from acd.core import events as ev
from tests.live.floor import open_floor
from tests.live.test_transfer_live import in_talk, keys, refer
from tests.live.testsite import write_site

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(prompt_cache, tmp_path_factory):
    """A site where nobody is parked for longer than three seconds, and rung for three more."""
    changes = {"S(60)": "S(3)", "(${ACD_GIVER},30,": "(${ACD_GIVER},3,"}
    site = write_site(tmp_path_factory.mktemp("park") / "site", changes=changes)
    async with open_floor(site, tmp_path_factory.mktemp("house"), prompt_cache) as floor:
        yield floor


@pytest.mark.parametrize("give", [refer, keys], ids=["refer", "keys"])
async def test_fetched_from_another_seat(floor, give):
    """The caller hears music until somebody dials his place; they talk, and the place is free for the next one."""
    phone = await floor.handset("103")
    caller, number, leg = await in_talk(floor)
    call = floor.call(number).id
    await give(floor, leg, "*71")
    await floor.sees(ev.CallTransferred, call=call, seat="101", to="*71")
    await floor.hears(caller, "music")
    fetching = await phone.dial("*71")
    await floor.talk(caller, fetching)
    assert (await floor.sees(ev.LegJoined, call=call)).who == "103"
    await fetching.hang_up()
    await floor.hears(caller, "goodbye")


async def test_nobody_fetches_him(floor):
    """When his time is over it rings where he was parked from."""
    caller, _, leg = await in_talk(floor)
    await refer(floor, leg, "*72")
    await floor.handsets["101"].on_call(answer_after_ms=None)
    again = await floor.rings("101")
    await again.answer()
    await floor.talk(caller, again)
    await again.hang_up()
    await floor.hears(caller, "goodbye")


async def test_nobody_is_there_either(floor):
    """Nor does the agent who parked him answer: he is back in his queue, at his old place."""
    caller, number, leg = await in_talk(floor)
    first = floor.seen(ev.CallArrived, caller=number)[0].at
    await refer(floor, leg, "*73")
    await floor.handsets["101"].on_call(answer_after_ms=0, code=603)
    await floor.until(lambda: len(floor.seen(ev.CallArrived, caller=number)) == 2, "in his queue")
    assert abs(floor.call(number).arrived - first) < 500
    assert caller.state == "confirmed"


async def test_a_place_that_is_taken(floor):
    """A second caller cannot be parked there: it rings at once where he came from, and the first one waits on."""
    first, _, leg = await in_talk(floor)
    await refer(floor, leg, "*74")
    await floor.sees(ev.CallTransferred, to="*74")
    second, _ = await floor.waiter()
    await floor.until(lambda: len(floor.seen(ev.Connected)) == 2, "he is answered")
    held = floor.handsets["101"].calls[0]
    await floor.handsets["101"].on_call(answer_after_ms=None)
    await refer(floor, held, "*74")
    again = await floor.rings("101")
    await again.answer()
    await floor.talk(second, again)
    assert first.state == "confirmed"


async def test_an_empty_place(floor):
    """Who dials a place where nobody stands hears so; nor is there anybody when the caller has hung up."""
    assert await floor.dials("103", "*75") == ["caller-gone"]
    caller, number, leg = await in_talk(floor)
    call = floor.call(number).id
    await refer(floor, leg, "*75")
    await floor.sees(ev.CallTransferred, to="*75")
    await caller.hang_up()
    await floor.sees(ev.CallEnded, call=call)
    assert await floor.dials("103", "*75") == ["caller-gone"]
