"""A chat between a page and a plain telephone: begun, rung for, read, answered by keys and voice, closed."""

import io
import wave

import httpx
import pytest
import pytest_asyncio

from acd.core.commands import Offer
from acd.core.events import CallEnded, CloseAsked
from ivr.audio import from_pcm16
from tests.channels.chat_house import ORIGIN, Page
from tests.live.floor import open_floor
from tests.live.testsite import HERTZ, heard, record, write_site
from tests.ports import free_port

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]

SOUNDS = {
    "chat-from": "polish-menu",
    "keys": "main-menu",
    "record": "handset-pin",
    "recorded": "handset-ready",
    "record-choice": "handset-paused",
    "choices": "handset-ringing",
    "send-choice": "handset-locked",
    "sent": "handset-talking",
    "closed": "message-closed",
}
"""Prompt -> whose tone it has here: the last words are long, for a hang-up cuts what a phone has not played yet."""
LAST_MS = 1_500
ACD = f"""
[codes]
1 = sold
2 = complaint
[web]
listen = 127.0.0.1:{{port}}
[shop]
type = chat
queue = sales
origins = {ORIGIN}
grace = 5s
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(prompt_cache, tmp_path_factory):
    """Give a floor whose acd.conf names a chat, and where pages find it."""
    port = free_port()
    folder = write_site(tmp_path_factory.mktemp("chat") / "site", acd=ACD.format(port=port))
    (folder / "chat").mkdir()
    (folder / "chat" / "in-time.en.txt").write_text("We call you back, ${customer}.\n")
    for name, sound in SOUNDS.items():
        record(folder / f"sounds/en/letter-{name}.wav", HERTZ[sound], LAST_MS)
    async with open_floor(folder, tmp_path_factory.mktemp("home"), prompt_cache) as floor:
        await floor.server.web.is_open.wait()
        floor.pages = f"127.0.0.1:{port}/chat/shop"
        yield floor


async def asks(floor, page, text):
    """A visitor says who he is, and what he wants; he is looked up before any agent is there. Gives his contact."""
    await page.hear("welcome")
    await page.send(t="who", id="who-00001", name="Jan Kowalski")
    await page.hear("done", id="who-00001")
    await page.say(text)
    (call,) = floor.state.calls
    known = floor.server.customers.known
    await floor.until(lambda: known.name(call) == "Jan Kowalski", "looked up")
    return call


async def answers(floor, shown="chat from Jan Kowalski"):
    """Anna's telephone rings, shows what it is, and is answered."""
    leg = await floor.rings("101")
    assert shown in leg.remote
    await leg.answer()
    await floor.hears(leg, SOUNDS["chat-from"])
    return leg


async def closes(floor, leg, digit="2"):
    """It was about this, and with that it is closed."""
    await floor.hears(leg, "speech")  # the codes
    await leg.record(floor._recording())
    await leg.dtmf(digit)
    await leg.ended()
    assert heard(await leg.recorded())[-1] == SOUNDS["closed"]
    assert floor.state.calls == {}


async def answer_of(page):
    """The line of ours that the visitor sees."""
    line = await page.hear("line", mine=False)
    assert line["by"] == "Anna Nowak"
    return line


async def test_a_chat_is_read_and_answered_by_keys(floor):
    """Read; 4, 1, 1 sends a ready reply, which he sees at once; what he says then is another contact of his case."""
    async with Page(floor.pages) as page:
        first = await asks(floor, page, "Please call me about my order")
        await page.hear("standing", stage="waiting", position=1)
        await floor.agent("101")
        leg = await answers(floor)
        assert "speech" in await floor.hears(leg, SOUNDS["keys"])
        await page.hear("standing", stage="talking", agent="Anna Nowak")
        await leg.dtmf("4")
        await floor.hears(leg, SOUNDS["choices"])
        await leg.dtmf("1")
        await floor.hears(leg, SOUNDS["send-choice"])
        await leg.dtmf("1")
        await floor.hears(leg, SOUNDS["sent"])
        assert (await answer_of(page))["text"] == "We call you back, Jan Kowalski."
        await closes(floor, leg)
        await page.hear("standing", stage="closed")
        await page.say("At five, please")
        (second,) = floor.state.calls
        leg = await answers(floor, "chat from")  # it rings at once, before anybody could be looked up
        channel = floor.server.channels["chat"]
        was, now = await channel.card(first), await channel.card(second)
        assert (now.text, now.case) == ("At five, please", was.case)
        assert "We call you back, Jan Kowalski." in now.quoted
        await floor.hears(leg, SOUNDS["keys"])
        await leg.dtmf("7")
        await closes(floor, leg, "1")
    assert len(floor.seen(CloseAsked)) == 2


async def test_a_chat_is_answered_by_voice(floor):
    """3 records an answer; it is a file of the talk, which his page gets, and the agent's own voice is in it."""
    async with Page(floor.pages) as page:
        await asks(floor, page, "Do you speak to me?")
        await floor.agent("101")
        leg = await answers(floor)
        await leg.dtmf("3")
        await floor.hears(leg, SOUNDS["record"])
        await floor.listen(leg, LAST_MS + 500)
        await floor.speaks(leg, "agent")
        await floor.listen(leg, 2_500)
        await leg.dtmf("#")
        await floor.hears(leg, SOUNDS["record-choice"])
        await leg.dtmf("1")
        await floor.hears(leg, SOUNDS["sent"])
        line = await answer_of(page)
        (file,) = line["files"]
        assert file["kind"].startswith("audio/")
        headers = {"Authorization": f"Bearer {page.token}", "Origin": ORIGIN}
        async with httpx.AsyncClient(headers=headers, trust_env=False) as client:
            sound = await client.get(f"http://{floor.pages}/files/{line['seq']}/0")
        with wave.open(io.BytesIO(sound.content)) as clip:
            said = from_pcm16(clip.readframes(clip.getnframes()), clip.getframerate())
        assert "agent" in heard(said)
        await closes(floor, leg)
    assert list((floor.server.home / "recordings").glob("reply-*")) == []


async def test_who_closes_his_page_is_rung_for_no_more(floor):
    """After the grace time his contact is taken out of the queue, and the telephone that rings for it falls silent."""
    await floor.agent("101")
    async with Page(floor.pages) as page:
        call = await asks(floor, page, "Is anybody there?")
        leg = await floor.rings("101")
    await floor.sees(CallEnded, call=call, reason="hung-up")
    assert floor.state.calls == {}
    await leg.ended()
    await floor.until(lambda: not floor.handsets["101"].calls, "silent")
    offers = [one for _, commands in floor.history for one in commands if isinstance(one, Offer)]
    assert {one.call for one in offers} == {call}
