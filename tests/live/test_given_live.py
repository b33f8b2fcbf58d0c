"""Where callers are given to, and what becomes of those who are not taken: agents at other phones, callers of no queue.

That nothing is left over the fixture `floor` sees to after each test.
"""

import pytest
import pytest_asyncio

from acd.core import events as ev
from tests.live.capture import Capture
from tests.live.floor import open_floor
from tests.live.test_transfer_live import in_talk, refer
from tests.live.testsite import PIN, write_site

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]

DESK = "front-desk"
"""A phone with a dash in its name."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(prompt_cache, tmp_path_factory):
    """A site where nobody is parked, or rung by one who gave him away, for longer than three seconds."""
    changes = {"S(60)": "S(3)", "(${ACD_GIVER},30,": "(${ACD_GIVER},3,"}
    acd = f"[{DESK}]\ntype = phone\nsecret = generate\n"
    site = write_site(tmp_path_factory.mktemp("given") / "site", acd=acd, changes=changes)
    async with open_floor(site, tmp_path_factory.mktemp("house"), prompt_cache) as floor:
        yield floor


async def at_the_desk(floor, seat):
    """An agent logs in at the phone with the dash."""
    await floor.handset(seat)
    phone = await floor.phone(DESK)
    assert await floor.server.desk.log_in(seat, PIN, DESK) == "ok"
    await floor.until(lambda: floor.seat(seat).reachable, f"{seat} reachable at the desk")
    return phone


async def test_a_seat_rings_where_its_agent_is(floor):
    """Given to it, or dialled: not its own phone but the one at which he has logged in; its own when he has gone."""
    await at_the_desk(floor, "103")
    caller, number, leg = await in_talk(floor)
    await refer(floor, leg, "103")
    ringing = await floor.rings(DESK)
    await ringing.answer()
    await floor.talk(caller, ringing)
    assert (await floor.sees(ev.LegJoined, call=floor.call(number).id)).who == "103"
    await ringing.hang_up()
    await caller.hang_up()
    own = await floor.handsets["101"].dial("103")
    await (await floor.rings(DESK)).answer(603)
    await own.ended()
    await floor.server.desk.log_out("103")
    own = await floor.handsets["101"].dial("103")
    await (await floor.rings("103")).answer(603)
    await own.ended()
    assert floor.handsets["103"].calls == floor.handsets[DESK].calls == []


async def of_no_queue(floor):
    """A caller who was put through by a menu: he, and the leg of 101."""
    phone = await floor.handset("101")
    await phone.on_call(answer_after_ms=None)
    caller = await floor.trunk.dial("5550106")
    leg = await floor.rings("101")
    await leg.answer()
    await floor.talk(caller, leg)
    return caller, leg


async def test_one_of_no_queue_whom_nobody_takes(floor):
    """He was never in a queue: who gave him away has him again."""
    await (await floor.handset("102")).on_call(answer_after_ms=0, code=603)
    caller, leg = await of_no_queue(floor)
    await refer(floor, leg, "102")
    again = await floor.rings("101")
    await again.answer()
    await floor.talk(caller, again)


async def test_one_of_no_queue_whom_nobody_takes_back(floor):
    """Nor does who gave him away: he hears what the site has for such."""
    await (await floor.handset("102")).on_call(answer_after_ms=0, code=603)
    caller, leg = await of_no_queue(floor)
    capture = await Capture.start(caller, floor._recording())
    await refer(floor, leg, "102")
    await floor.handsets["101"].on_call(answer_after_ms=0, code=603)
    await caller.ended()
    assert "sorry-try-later" in await capture.heard_s()


async def test_parked_from_a_phone_with_a_dash_in_its_name(floor):
    """Nobody fetches him: it rings at that phone."""
    desk = await at_the_desk(floor, "101")
    await desk.on_call(answer_after_ms=0)
    caller, _ = await floor.waiter()
    await floor.sees(ev.Connected)
    leg = desk.calls[0]
    await desk.on_call(answer_after_ms=None)
    await refer(floor, leg, "*76")
    again = await floor.rings(DESK)
    await again.answer()
    await floor.talk(caller, again)


async def test_two_are_parked_and_one_is_fetched_in_time(floor):
    """The place is free for a second caller; when the first one's minute is over the second still stands there."""
    phone = await floor.handset("103")
    first, _, leg = await in_talk(floor)
    await refer(floor, leg, "*77")
    await floor.sees(ev.CallTransferred, to="*77")
    fetched = await phone.dial("*77")
    await floor.talk(first, fetched)
    second, _ = await floor.waiter()
    await floor.until(lambda: len(floor.seen(ev.Connected)) == 2, "the second is answered")
    await refer(floor, floor.handsets["101"].calls[0], "*77")
    await floor.until(lambda: len(floor.seen(ev.CallTransferred, to="*77")) == 2, "the second is parked")
    await fetched.hang_up()
    await first.hang_up()
    fetched = await phone.dial("*77")
    await floor.talk(second, fetched)
