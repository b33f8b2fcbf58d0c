"""Text beside the sound of a call (T.140 with redundancy, RFC 4103 and 2198): broken by a caller, asked for or not.

Asterisk's reader of redundant text has written beyond its buffers before. Here a caller sends what did that, and more
of it than anybody types, to a line that takes no text and to one whose codecs it is among. (Asterisk 22 has a stream of
text refused on a SIP trunk even then: so it comes where sound is taken, without negotiation.)
"""

import asyncio
import struct

import pytest
import pytest_asyncio

from tests.live.floor import open_floor
from tests.live.testsite import write_site
from tests.live.wire import RED, T140, Wire

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]

ALLOW = "allow = alaw,ulaw,g722\n"
LONGEST = 1023
"""What ten bits can tell of a block's length."""
TYPED, PAUSE_S = 1_000, 0.001


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["as it is", "with text"])
async def house(request, tmp_path_factory, prompt_cache):
    """Give a floor whose trunk has no codec of text, and one whose trunk has."""
    folder = write_site(tmp_path_factory.mktemp("text") / "site")
    if request.param == "with text":
        pjsip = folder / "pjsip.conf"
        text = pjsip.read_text()
        assert ALLOW in text
        pjsip.write_text(text.replace(ALLOW, ALLOW.replace("\n", ",t140,red\n")))
    async with open_floor(folder, tmp_path_factory.mktemp("house"), prompt_cache) as floor:
        yield floor


def block(length, *, offset=0, kind=T140):
    """Write the head of a block of redundant text (RFC 2198, section 3)."""
    return struct.pack("!I", 0x80000000 | kind << 24 | (offset & 0x3FFF) << 10 | (length & 0x3FF))


HOSTILE = {
    "a primary of 1,023 bytes": bytes([T140]) + b"x" * LONGEST,
    "one generation, and the longest primary": block(1) + bytes([T140]) + b"a" + b"x" * LONGEST,
    "six generations": b"".join(block(10, offset=6 - n) for n in range(6)) + bytes([T140]) + b"y" * 61,
    "six of the greatest length": block(LONGEST) * 6 + bytes([T140]) + b"z" * (6 * 50),
    "lengths that are not there": block(LONGEST) + bytes([T140]),
    "lengths that wrap": block(LONGEST) * 65 + bytes([T140]) + b"w" * 400,
    "no last head": block(0) * 200,
    "half a head": b"\x80" + bytes([T140]),
    "a head of itself": block(4, kind=RED) + bytes([RED]) + block(1),
    "nothing": b"",
}


async def test_broken_text(floor):
    """Each broken packet a hundred times, before the talk and in it: the caller waits, talks and hangs up as ever."""
    agent = await floor.agent("101")
    async with await Wire.open(floor.server.site.switch.sip_port) as caller:
        assert await caller.dial_with_text() == 200
        phone = await floor.rings("101")
        await flood(caller)
        await phone.answer()
        await floor.until(lambda: [call.state for call in floor.state.calls.values()] == ["talking"], "they talk")
        await flood(caller)
        before = caller.sound.heard
        await floor.speaks(phone, "agent")
        await floor.until(lambda: caller.sound.heard > before + 25, "he is heard")
        assert agent.registered
    await phone.ended()
    assert len(floor.offers()) == 1


async def test_text_at_a_thousand_letters_a_second(floor):
    """Nobody types so; a second of it neither ends the call nor another's."""
    other, own = await floor.waiter()
    async with await Wire.open(floor.server.site.switch.sip_port) as caller:
        assert await caller.dial_with_text() == 200
        for number in range(TYPED):
            caller.type(block(1) + bytes([T140, 0x41 + number % 26, 0x61 + number % 26]))
            caller.type(b"e", T140)
            await asyncio.sleep(PAUSE_S)
        before = caller.sound.heard
        await floor.until(lambda: caller.sound.heard > before + 25, "he hears music")
        assert floor.call(own).state == "waiting"
        assert not caller.over.is_set()
    await other.hang_up()


async def flood(caller):
    """Send all of it, again and again."""
    for _ in range(100):
        for payload in HOSTILE.values():
            caller.type(payload)
            caller.type(payload, T140)
        await asyncio.sleep(0.002)
