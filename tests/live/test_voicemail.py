"""Messages, from a caller's mouth to an agent's ear: left, rung for, heard, closed, put off, left again."""

import asyncio

import pytest
import pytest_asyncio

from acd.core import commands as cmd
from acd.core.events import CallArrived, CallEnded, CloseAsked, Connected, OfferEnded
from ivr.audio import to_wav
from ivr.mailbox import CLOSED, messages
from ivr.tones import tone
from tests.live.floor import open_floor
from tests.live.people import WITHIN_S
from tests.live.test_audio import LINE_LOSS_DB, SPOKEN_DB, median_level_db
from tests.live.testsite import HERTZ, PIN, heard, write_site

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]

SPEAKS_MS = 2_500


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(prompt_cache, tmp_path_factory):
    """Give a floor on which the words of voicemail can be told apart, and calls have codes."""
    codes = "\n[codes]\n1 = sold\n2 = complaint\n[voicemail]\ndefer = 1m\n"
    folder = write_site(tmp_path_factory.mktemp("voicemail") / "site", acd=codes)
    for name, sound in (("begin", "polish-menu"), ("end", "goodbye"), ("none", "unknown-number")):
        (folder / f"sounds/en/voicemail-{name}.wav").write_bytes(to_wav(tone(HERTZ[sound], duration_ms=600)))
    for name in ("message-closed", "message-put-off"):  # the last words: a hang-up cuts what a phone has not played yet
        (folder / f"sounds/en/{name}.wav").write_bytes(to_wav(tone(HERTZ[name], duration_ms=1_500)))
    async with open_floor(folder, tmp_path_factory.mktemp("home"), prompt_cache) as floor:
        yield floor


async def speaks(floor, number="5550108"):
    """Somebody calls, and speaks after the tone; gives the call and his number."""
    call, own = await floor.caller(number)
    await floor.hears(call, "polish-menu")
    await floor.speaks(call, "caller")
    await floor.listen(call, SPEAKS_MS)
    return call, own


async def leaves_message(floor):
    """He hangs up then; gives the call that his message is, and his number."""
    call, own = await speaks(floor)
    await call.hang_up()
    arrived = await floor.sees(CallArrived, caller=own)
    return arrived.call, own


async def answers(floor, seat, number):
    """The seat's handset rings, shows whose message it is, and is answered."""
    leg = await floor.rings(seat)
    assert f"voicemail from {number}" in leg.remote
    await leg.answer()
    await floor.hears(leg, "message-from")
    return leg


async def closes(floor, leg):
    """The agent closes it: 7, and then what it was about."""
    await leg.dtmf("7")
    await floor.hears(leg, "speech")  # the codes
    assert await last_word(floor, leg, "2") == "message-closed"


async def last_word(floor, leg, key):
    """What the agent hears last after a key."""
    await leg.record(floor._recording())
    await leg.dtmf(key)
    await leg.ended()
    return heard(await leg.recorded())[-1]


def recordings(floor):
    return floor.server.home / "recordings"


async def test_left_heard_and_closed(floor):
    """The caller hangs up; agents of his queue are rung; what one hears is as loud as it was spoken; closed once."""
    await floor.agent("103")
    name, own = await leaves_message(floor)
    leg = await answers(floor, "103", own)
    await floor.hears(leg, "caller")
    sound = await floor.listen(leg, 1_000)
    assert abs(median_level_db(sound, HERTZ["caller"]) - SPOKEN_DB) < LINE_LOSS_DB
    await floor.hears(leg, "message-keys")
    await closes(floor, leg)
    assert floor.state.calls == {}
    [closed] = [message for message in messages(recordings(floor) / CLOSED) if message.id == name]
    assert (closed.closed_by, closed.code, closed.number, closed.queue) == ("103", "complaint", own, "support")
    assert abs(closed.length_ms - SPEAKS_MS) < 1_500
    assert (recordings(floor) / CLOSED / f"{name}.wav").exists()
    assert len(floor.seen(CloseAsked)) == 1
    await floor.until(lambda: floor.seat("103").state == "ready", "seat 103 ready, after wrap-up")


async def test_who_presses_a_key_is_thanked_and_who_is_silent_leaves_nothing(floor):
    """A key ends a message as a hang-up does; of a silence there is neither a file nor a call."""
    call, own = await speaks(floor)
    await call.dtmf("5")
    await floor.hears(call, "goodbye")
    [name] = [call.id for call in floor.state.calls.values() if call.caller == own]
    silent, other = await floor.caller("5550108")
    await floor.hears(silent, "polish-menu")
    await floor.hears(silent, "unknown-number")
    assert floor.seen(CallArrived, caller=other) == []
    assert list(recordings(floor).glob(f"*-{other}-*")) == []
    await floor.agent("103")
    leg = await answers(floor, "103", own)
    await closes(floor, leg)
    assert name not in floor.state.calls


async def test_left_halfway_it_goes_to_a_colleague_and_is_closed_by_him(floor):
    """Who hangs up in the midst of the words, or wants the next one, has not closed it."""
    name, own = await leaves_message(floor)
    await floor.agent("103")
    leg = await answers(floor, "103", own)
    await leg.hang_up()
    await floor.until(lambda: floor.state.calls[name].state == "waiting", "waits again")
    await floor.agent("102")
    leg = await answers(floor, "102", own)
    await leg.dtmf("0")
    await leg.ended()
    leg = await answers(floor, "103", own)
    await leg.dtmf("1")
    await floor.hears(leg, "caller")
    await closes(floor, leg)
    assert [event.outcome for event in floor.seen(OfferEnded)] == ["hung-up"] * 3
    assert len(floor.seen(Connected)) == 3


async def test_put_off(floor):
    """9, and it is offered to nobody for a while; it can be taken out of the queue by hand all the same."""
    name, own = await leaves_message(floor)
    await floor.agent("103")
    leg = await answers(floor, "103", own)
    assert await last_word(floor, leg, "9") == "message-put-off"
    call = floor.state.calls[name]
    assert call.state == "waiting"
    assert call.hold_until is not None
    assert call.hold_until > floor.server.dispatcher.clock() + 40_000
    floor.server.dispatcher.submit(CallEnded(call=name, reason="done"))
    await floor.until(lambda: name not in floor.state.calls, "gone")


async def test_it_stands_where_its_caller_stood(floor):
    """He waited, was sent to voicemail, and his message has his place: before one who came after him."""
    call, own = await floor.waiter("5550103")
    arrived = floor.call(own).arrived
    later, other = await floor.waiter("5550103")
    floor.server.switch.send_away(cmd.SendAway(call=floor.call(own).id, to="voicemail", reason="full"))
    await floor.hears(call, "polish-menu")
    await floor.speaks(call, "caller")
    await floor.listen(call, SPEAKS_MS)
    await call.hang_up()
    await floor.until(lambda: len(floor.seen(CallArrived, caller=own)) == 2, "his message")
    message = floor.seen(CallArrived, caller=own)[1]
    assert abs(message.since - arrived) < 50
    await floor.agent("103")
    leg = await answers(floor, "103", own)
    await closes(floor, leg)
    leg = await floor.rings("103")
    assert other in leg.remote
    await later.hang_up()


async def shows(phone, count):
    """Wait until a telephone was told of so many messages."""
    async with asyncio.timeout(WITHIN_S):
        while not phone.messages.startswith(f"{count}/0"):  # noqa: ASYNC110 - only asking can tell
            await asyncio.sleep(0.05)


async def test_a_lamp_shows_what_waits(floor):
    """At the phones of those who serve the queue, logged in or not; it goes out as the messages are closed."""
    support, sales = await floor.handset("103"), await floor.handset("101")
    _, first = await leaves_message(floor)
    await shows(support, 1)
    _, second = await leaves_message(floor)
    await shows(support, 2)
    assert sales.messages[:3] in {"", "0/0"}
    await floor.agent("103")
    for left, number in ((1, first), (0, second)):
        await closes(floor, await answers(floor, "103", number))
        await shows(support, left)


async def test_it_goes_with_its_agent(floor):
    """Who sits at another phone has his messages there, and his own phone shows them no more."""
    own, other = await floor.handset("103"), await floor.phone("lobby")
    _, number = await leaves_message(floor)
    await shows(own, 1)
    await floor.dials("lobby", "*11", ("handset-seat-number", "103#"), ("handset-pin", f"{PIN}#"))
    await shows(other, 1)
    await shows(own, 0)
    await closes(floor, await answers(floor, "lobby", number))
    await shows(other, 0)
