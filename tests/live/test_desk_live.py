"""An e-mail beside a real telephone: offered at the web desk and answered there, while the telephone stays silent."""

import asyncio

import httpx
import pytest
import pytest_asyncio

from acd.core.events import CallArrived, CloseAsked, Connected, OfferEnded
from ivr.asterisk import free_port
from tests.desk.web_house import Listener
from tests.ivr.letter_house import Mailroom, card
from tests.live.floor import open_floor
from tests.live.testsite import PIN, write_site

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]

SILENT_S = 2.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(prompt_cache, tmp_path_factory):
    """Give a floor with a web desk, and a medium that stores in a folder."""
    port = free_port("127.0.0.1")
    web = f"\n[web]\nlisten = 127.0.0.1:{port}\n"
    folder = write_site(tmp_path_factory.mktemp("desk") / "site", acd=web)
    room = Mailroom(tmp_path_factory.mktemp("room"))

    def prepare(server):
        server.channels["email"] = room

    async with open_floor(folder, tmp_path_factory.mktemp("home"), prompt_cache, prepare=prepare) as floor:
        await asyncio.wait_for(floor.server.web.is_open.wait(), 20)
        floor.room, floor.port = room, port
        yield floor


async def writes(floor, name):
    """A customer's letter comes in."""
    letter = card(call=name, arrived=floor.server.dispatcher.clock())
    floor.room.receive(letter)
    floor.server.dispatcher.submit(CallArrived(call=name, queue="sales", caller=letter.address, medium="email"))


async def test_an_email_is_answered_at_the_desk_and_the_telephone_stays_silent(floor):
    """Offered on the page, accepted, read, answered, closed; looks at the switch meanwhile change nothing.

    A caller rings that telephone all the same, and the e-mail is set aside for him.
    """
    await floor.handset("101")
    listener = Listener(floor.port)
    async with httpx.AsyncClient(base_url=listener.url, headers={"Origin": listener.url}) as client:
        assert (await client.post("/api/v1/session", json={"seat": "101", "pin": PIN})).status_code == 201
        async with listener.page(client, desk=1) as page:
            await writes(floor, "desk-1")
            offer = await page.hears("offer")
            assert (offer["call"], offer["seat"]) == ("desk-1", "101")
            floor.server.switch.take_snapshot()
            await asyncio.sleep(SILENT_S)
            assert floor.state.calls["desk-1"].state == "offered"
            at = "/api/v1/contacts/desk-1"
            assert (await client.post(f"{at}/accept")).status_code == 200
            floor.server.switch.take_snapshot()
            await asyncio.sleep(SILENT_S)
            assert floor.state.calls["desk-1"].state == "talking"
            assert (await client.get(f"{at}/card")).json()["sender"] == "Jan Kowalski"
            await floor.no_channels()
            caller, _ = await floor.waiter()
            leg = await floor.rings("101")
            await leg.answer()
            await page.hears("contact-suspended")
            await leg.hang_up()
            await page.hears("contact-resumed")
            await caller.hang_up()
            answered = await client.post(f"{at}/reply", json={"text": "Jutro.", "close": True})
            assert answered.status_code == 200, answered.text
    assert floor.room.told("replies") == [
        {"call": "desk-1", "seat": "101", "text": "Jutro.", "choice": "", "files": []}
    ]
    assert [one[:2] for one in floor.room.told("closed")] == [["desk-1", "101"]]
    assert len(floor.seen(Connected)) == 2
    assert len(floor.seen(CloseAsked)) == 1
    assert [event.outcome for event in floor.seen(OfferEnded)] == ["hung-up", "hung-up"]
