"""Virtual calls on real handsets: they ring, are answered in a flow, closed, put off, or left in the midst of it."""

import pytest
import pytest_asyncio

from acd.core.events import CallArrived, Connected, OfferEnded, Snapshot
from ivr.flow import HangUp, Menu
from tests.live.floor import open_floor

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]

PROMPT = "handset-none-waiting"


class Notes:
    """An attendant: a word is said, 7 closes, 9 puts off."""

    title = "note from"

    def __init__(self, server):
        self._server = server

    async def attend(self, work):
        match await Menu(PROMPT, choices="79", tries=2, timeout_ms=10_000):
            case "7":
                assert await self._server.desk.close(work.seat.rule.name, work.offer) == "ok"
            case "9":
                assert await self._server.desk.defer(work.seat.rule.name, work.offer, 3_000) == "ok"
        await HangUp()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(site_folder, prompt_cache, tmp_path_factory):
    """Give a floor whose callbacks are notes."""

    def prepare(server):
        server.virtual.media["callback"] = Notes(server)

    async with open_floor(site_folder, tmp_path_factory.mktemp("virtual"), prompt_cache, prepare=prepare) as floor:
        yield floor


def note(floor, name, queue="sales"):
    """A note is there."""
    floor.server.dispatcher.submit(CallArrived(call=name, queue=queue, caller="+48 555-7", medium="callback"))


async def answered(floor, seat):
    """The seat's handset rings, shows what it is, is answered and has the call before it."""
    leg = await floor.rings(seat)
    assert "note from +48 555-7" in leg.remote
    await leg.answer()
    await floor.hears(leg, PROMPT)
    return leg


async def test_closed_by_a_key(floor):
    """It rings like a caller, whatever looks at the switch say of it meanwhile; a key closes it, and the leg ends."""
    note(floor, "note-1")
    await floor.sees(Snapshot)
    await floor.agent("101")
    leg = await answered(floor, "101")
    looks = len(floor.seen(Snapshot))
    floor.server.switch.take_snapshot()
    await floor.until(lambda: len(floor.seen(Snapshot)) > looks, "a look in the midst of it")
    assert floor.state.calls["note-1"].state == "talking"
    await leg.dtmf("7")
    await leg.ended()
    await floor.until(lambda: floor.seat("101").state == "ready", "seat 101 ready")
    assert floor.state.calls == {}
    assert len(floor.seen(Connected)) == 1


async def test_left_in_the_midst_of_it(floor):
    """Who hangs up has not closed it: it goes to a colleague, from its old place."""
    await floor.agent("101")
    note(floor, "note-2")
    leg = await answered(floor, "101")
    await floor.agent("102")
    note(floor, "note-3")
    other = await answered(floor, "102")
    await leg.hang_up()
    third = await answered(floor, "101")
    assert floor.state.calls["note-3"].state == floor.state.calls["note-2"].state == "talking"
    await other.dtmf("7")
    await third.dtmf("7")
    await other.ended()
    await third.ended()


async def test_put_off_by_a_key(floor):
    """It is back for the same seat after the time that was asked for."""
    await floor.agent("101")
    note(floor, "note-4")
    leg = await answered(floor, "101")
    await leg.dtmf("9")
    ended = await floor.sees(OfferEnded)
    assert floor.state.calls["note-4"].hold_until is not None
    again = await answered(floor, "101")
    assert floor.seen(Connected)[1].at - ended.at > 2_000
    await again.dtmf("7")
    await again.ended()


async def test_an_answer_after_it_is_over(floor):
    """Somebody else has closed it while the phone rang: the ring ends, and who answers in that moment hears so."""
    await floor.agent("101")
    note(floor, "note-5")
    leg = await floor.rings("101")
    withdraw = floor.server.switch.withdraw
    floor.server.switch.withdraw = lambda command: None  # it comes too late
    try:
        floor.server.virtual._switch.channels.legs[floor.state.calls["note-5"].offer].withdrawn = True
        await leg.answer()
        await floor.hears(leg, "already-answered")
        await leg.ended()
    finally:
        floor.server.switch.withdraw = withdraw
    again = await answered(floor, "101")
    await again.dtmf("7")
    await again.ended()
