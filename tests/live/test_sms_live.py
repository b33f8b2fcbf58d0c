"""A short message from a message centre to a plain telephone and back: brought, rung for, read, answered, closed."""

import pytest
import pytest_asyncio

from acd.core.events import CallEnded, CloseAsked
from acd.store import timeline
from tests.channels.smsc_raw import Centre
from tests.live.floor import open_floor
from tests.live.testsite import HERTZ, record, write_site

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]

SOUNDS = {
    "sms-from": "polish-menu",
    "keys-unvoiced": "main-menu",
    "choices": "handset-ringing",
    "send-choice": "handset-locked",
    "sent": "handset-talking",
    "closed": "message-closed",
    "not-sent": "handset-paused",
}
LAST_MS = 1_500
ACD = """
[codes]
1 = sold
2 = complaint
[operator]
type = smsc
host = 127.0.0.1:{port}
user = acme
number = +48221234567 sales
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(prompt_cache, tmp_path_factory):
    """Give a floor whose acd.conf names a message centre, and that centre."""
    async with Centre() as centre:
        folder = write_site(tmp_path_factory.mktemp("sms") / "site", acd=ACD.format(port=centre.port))
        (folder / "sms").mkdir()
        (folder / "sms" / "in-time.en.txt").write_text("We call you back, ${agent}.\n")
        for name, sound in SOUNDS.items():
            record(folder / f"sounds/en/letter-{name}.wav", HERTZ[sound], LAST_MS)
        async with open_floor(folder, tmp_path_factory.mktemp("home"), prompt_cache) as floor:
            floor.centre = centre
            yield floor


async def test_a_text_is_read_and_answered_by_keys(floor):
    """The phone rings, shows the number; the text is read; 4, 1, 1 sends a ready reply; its code closes it."""
    assert await floor.centre.brings("Please call me about my order") == 0
    assert await floor.centre.brings("I am at home until five") == 0
    (call,) = floor.state.calls.values()
    assert (call.medium, call.queue) == ("sms", "sales")
    await floor.agent("101")
    leg = await floor.rings("101")
    assert "SMS from" in leg.remote
    await leg.answer()
    await floor.hears(leg, SOUNDS["sms-from"])
    said = await floor.hears(leg, SOUNDS["keys-unvoiced"])
    assert "speech" in said
    await leg.dtmf("4")
    await floor.hears(leg, SOUNDS["choices"])
    await leg.dtmf("1")
    await floor.hears(leg, SOUNDS["send-choice"])
    await leg.dtmf("1")
    await floor.hears(leg, SOUNDS["sent"])
    await floor.hears(leg, "speech")  # the codes
    await leg.dtmf("2")
    await leg.ended()
    await floor.until(lambda: floor.state.calls == {}, "closed")
    await floor.until(lambda: floor.centre.submitted, "sent")
    (out,) = floor.centre.submitted
    assert (out.source, out.to, out.text) == ("48221234567", "48601602603", "We call you back, Anna Nowak.")
    assert len(floor.seen(CloseAsked)) == 1


async def test_what_comes_while_he_reads_rings_again(floor):
    """Closed, it is no call any more; what its agent did not hear is one."""
    await floor.centre.brings("First")
    await floor.agent("101")
    leg = await floor.rings("101")
    await leg.answer()
    await floor.hears(leg, SOUNDS["keys-unvoiced"])
    await floor.centre.brings("Second")
    assert len(floor.state.calls) == 1
    await leg.dtmf("7")
    await floor.hears(leg, "speech")  # the codes
    await leg.dtmf("1")
    await leg.ended()
    leg = await floor.rings("101")
    await leg.answer()
    (call,) = floor.state.calls
    card = await floor.server.channels["sms"].card(call)
    assert (card.text, card.quoted.split("\n")[-1]) == ("Second", "First")
    await floor.hears(leg, SOUNDS["keys-unvoiced"])
    await leg.dtmf("7")
    await floor.hears(leg, "speech")
    await leg.dtmf("1")
    await leg.ended()
    await floor.until(lambda: floor.state.calls == {}, "closed")


async def test_who_hangs_up_and_texts_goes_before_who_called_after_him(floor):
    """A real call in line, given up; his text is rung for first, and its agent finds both in one case."""
    first, his = await floor.waiter()
    called = floor.call(his)
    await floor.until(lambda: floor.server.dispatcher.clock() - called.arrived > 1_500, "some time has passed")
    other, _ = await floor.waiter()
    await first.hang_up()
    await floor.sees(CallEnded, call=called.id, reason="hung-up")
    await floor.centre.brings("I cannot wait on the phone", source=his, ton=0)
    (came,) = (call for call in floor.state.calls.values() if call.medium == "sms")
    assert came.ahead_ms > 1_500
    await floor.agent("101")
    leg = await floor.rings("101")
    assert "SMS from" in leg.remote
    await leg.answer()
    await floor.hears(leg, SOUNDS["keys-unvoiced"])
    store, card = floor.server.customers.store, await floor.server.channels["sms"].card(came.id)
    contacts = await store.read(timeline.contacts, card.person)
    assert [(one.medium, one.case_id) for one in contacts] == [("sms", card.case), ("voice", card.case)]
    await leg.dtmf("7")
    await floor.hears(leg, "speech")
    await leg.dtmf("1")
    await leg.ended()
    leg = await floor.rings("101")
    assert "SMS" not in leg.remote
    await other.hang_up()
