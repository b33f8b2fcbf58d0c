"""A seat's handset that forwards its calls (SIP 302): to whatever it names, the caller is not sent."""

import pytest

from acd.core import events as ev
from tests.live.floor import channels
from tests.live.forwarder import Forwarder
from tests.live.testsite import PIN, write_site

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]

SEAT = "[105](seat)\nagent = Eve Lang\nqueues = sales\n"
NUMBER = "[eve-number]\ntype = number\nnumber = 5550123\ngo = transfer 105\n"


@pytest.fixture(scope="module")
def site_folder(tmp_path_factory):
    """Give the test site with a seat for the handset that forwards."""
    folder = write_site(tmp_path_factory.mktemp("forwarding") / "site", acd=SEAT)
    with (folder / "ivr.conf").open("a") as file:
        file.write(NUMBER)
    return folder


async def forwarder(floor, target):
    """Register the handset of seat 105, which forwards to a number."""
    port, secret = floor.server.site.switch.sip_port, floor.server.site.seats["105"].secret
    handset = await Forwarder.registered(port, "105", secret, f"sip:{target}@127.0.0.1:{port}")
    await floor.until(lambda: floor.seat("105").reachable, "reachable")
    return handset


@pytest.mark.parametrize("target", ["103", "00960123456", "%24%7BSHELL(id)%7D", "*11", "PJSIP/103"])
async def test_an_offer_is_not_forwarded(floor, target):
    """To a colleague, abroad, into an expression, to a code or a device: nobody rings there; the next seat is rung."""
    stranger = await floor.handset("103")
    async with await forwarder(floor, target) as handset:
        assert await floor.server.desk.log_in("105", PIN) == "ok"
        _, own = await floor.waiter()
        await floor.sees(ev.OfferEnded, outcome="failed")
        await floor.agent("102", answer_after_ms=0)
        await floor.sees(ev.Connected)
        assert floor.offers() == [(own, "105"), (own, "102")]
        assert handset.asked == 1
        assert not stranger.calls
        assert len(channels(floor.server.instance)) == 2


async def test_a_transfer_is_not_forwarded(floor):
    """Nor is a caller whom a menu transfers to that seat."""
    stranger = await floor.handset("103")
    async with await forwarder(floor, "103") as handset:
        call, _ = await floor.caller("5550123")
        await call.ended()
        assert handset.asked == 1
        assert not stranger.calls
