"""The stream of a real Asterisk, changed on its way: events doubled, out of order, about nobody, cut in the midst."""

import pytest
import pytest_asyncio
from msgspec.structs import replace

from acd.core import events as ev
from tests.live.floor import open_floor
from tests.live.proxy import Last, Proxy

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]

ENTERS = b"Event: BridgeEnter\r\n"
PLACES = [(which, share) for which in (1, 2) for share in (0, 1, 17, 40, 70, 99)]
"""Where the stream is cut: in the first or the second BridgeEnter of a talk, after how many hundredths of it."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def wire():
    """Give the wire between server and Asterisk."""
    async with Proxy() as proxy:
        yield proxy


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(wire, site_folder, prompt_cache, tmp_path_factory):
    """Give a floor whose server reaches Asterisk by the wire only."""

    def by_wire(server):
        wire.target = server.site.switch.ami_port
        server.switch._settings = replace(server.switch._settings, port=wire.port)

    async with open_floor(site_folder, tmp_path_factory.mktemp("stream"), prompt_cache, prepare=by_wire) as floor:
        yield floor


class Babble:
    """Doubles each event, tells it of a channel that nobody knows too, and swaps the two that came together."""

    def __init__(self):
        self.told = 0
        self._rest = b""

    def __call__(self, data):
        *messages, self._rest = (self._rest + data).split(b"\r\n\r\n")
        said = []
        for message in messages:
            if message.startswith(b"Event: ") and b"\r\nActionID: " not in message:
                lines = message.split(b"\r\n")
                ghost = [b"Uniqueid: 9.9" if line.startswith(b"Uniqueid: ") else line for line in lines]
                said.append([message, b"\r\n".join(ghost), message])
                self.told += 1
            else:
                said.append([message])
        for place in range(0, len(said) - 1, 2):
            if len(said[place]) == len(said[place + 1]) == 3:
                said[place : place + 2] = said[place + 1], said[place]
        return b"".join(message + b"\r\n\r\n" for group in said for message in group)


async def test_a_stream_that_babbles(floor, wire):
    """Callers and agents notice nothing of it: two talks, one after the other, and nothing but a ghost that goes."""
    wire.change = babble = Babble()
    try:
        phone = await floor.agent("101", answer_after_ms=0)
        for _ in range(2):
            call, own = await floor.waiter()
            await floor.until(lambda own=own: floor.call(own).state == "talking", "talking")
            await floor.talk(call, phone.calls[0])
            await phone.calls[0].hang_up()
            await call.hang_up()
            await floor.until(lambda own=own: all(c.caller != own for c in floor.state.calls.values()), "he is gone")
    finally:
        wire.change = None
    assert babble.told > 20
    assert not floor.seen(ev.SwitchLost)


@pytest.mark.parametrize(("which", "share"), PLACES)
async def test_cut_in_the_event_that_tells_of_the_talk(floor, wire, which, share):
    """The connection breaks in the midst of a BridgeEnter: half of it means nothing, and the next look tells all."""
    seen = 0

    def cut(data):
        nonlocal seen
        for place in range(len(data)):
            if data.startswith(ENTERS, place):
                seen += 1
                if seen == which:
                    whole = data.find(b"\r\n\r\n", place) + 4 - place
                    end = place + max(1, whole * share // 100)
                    return Last(data[:end])
        return data

    phone = await floor.agent("101")
    call, own = await floor.waiter()
    ring = await floor.rings("101")
    wire.change = cut
    await ring.answer()
    await floor.sees(ev.SwitchLost)
    assert not floor.seen(ev.Connected)
    wire.change = None
    wire.mend()
    await floor.until(lambda: floor.state.fresh, "linked again")
    assert (floor.call(own).state, floor.seat("101").state) == ("talking", "talking")
    await floor.talk(call, phone.calls[0])
    assert floor.offers() == [(own, "101")]
