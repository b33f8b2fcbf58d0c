"""The tools of the live tests are tested themselves: sipp's crowds, and softphones at a real Asterisk."""

import asyncio
import os

import pytest

from ivr import tones
from ivr.asterisk import free_port
from ivr.softphone import SoftphoneError, Softphones
from tests.live.phones import TONE_HZ, Row, Sipp, agent, caller, handset, registration

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def instance(make_instance):
    """Give one Asterisk of the sample site for this file."""
    return make_instance("phones")


@pytest.fixture
def server(instance):
    """Tell where that Asterisk listens for SIP."""
    return f"127.0.0.1:{instance.site.switch.sip_port}"


@pytest.fixture
async def phones():
    """Give an owner of softphones; its end takes all their processes away."""
    async with Softphones() as owner:
        yield owner


async def test_crowd_of_callers_is_answered_by_a_crowd_of_agents(tmp_path):
    """Thirty calls at once succeed at both sides, whichever of the two hangs up."""
    for talk_ms, stay_ms in ((500, 5000), (5000, (300, 700))):
        async with await Sipp.start(agent(ring_ms=100, talk_ms=talk_ms), tmp_path, calls=30) as agents:
            rows = [Row("desk", f"55502{number:02}") for number in range(30)]
            target = f"127.0.0.1:{agents.port}"
            async with await Sipp.start(
                caller(stay_ms=stay_ms), tmp_path, target, rows=rows, calls=30, rate=100
            ) as callers:
                assert await callers.finished(15_000) == (30, 30, 0), callers.errors()
            assert await agents.finished(5000) == (30, 30, 0), agents.errors()


async def test_failed_calls_are_counted_as_failed(tmp_path, phones):
    """A caller who finds the number busy is a failure in the tally, with the reason in the errors."""
    busy = await phones.phone("busy")
    await busy.on_call(code=486)
    target = busy.uri.partition("@")[2]
    async with await Sipp.start(caller(), tmp_path, target, rows=[Row("busy")], calls=2) as callers:
        assert await callers.finished(10_000) == (2, 0, 2)
        assert "486" in callers.errors()


@pytest.mark.parametrize("digit_by", ["rfc4733", "info"])
async def test_crowds_keys_are_heard(tmp_path, phones, digit_by):
    """Keys that sipp presses arrive at the other side, in order."""
    if digit_by == "rfc4733" and os.geteuid() != 0:
        pytest.skip("sipp sends RFC 4733 keys by a raw socket, which needs root")
    desk = await phones.phone("desk")
    await desk.on_call()
    target = desk.uri.partition("@")[2]
    scenario = caller("1#0", digit_by=digit_by, stay_ms=500)
    async with await Sipp.start(scenario, tmp_path, target, rows=[Row("desk")], calls=1) as callers:
        call = await desk.incoming()
        assert await call.pressed(3) == "1#0"
        assert await callers.finished(10_000) == (1, 1, 0), callers.errors()


async def test_crowds_sound_is_heard(tmp_path, phones):
    """A caller with sound is heard with his tone from the answer to the end."""
    desk = await phones.phone("desk")
    await desk.on_call()
    target = desk.uri.partition("@")[2]
    async with await Sipp.start(caller(stay_ms=1000, sound=True), tmp_path, target, rows=[Row("desk")], calls=1):
        call = await desk.incoming()
        await call.confirmed()
        await call.record(tmp_path / "heard.wav")
        await call.ended()
    heard = await call.recorded()
    found = tones.loudest_tone(heard)
    assert found.hz == pytest.approx(TONE_HZ, abs=1)
    assert found.share > 0.95
    assert tones.heard_share(heard) > 0.8


async def test_crowd_of_handsets_takes_calls(tmp_path, instance, server, phones):
    """Seats registered by sipp with their passwords are called by Asterisk there; one sipp serves them all."""
    seats, port = instance.site.seats, free_port("127.0.0.1")
    anna = await phones.register("101", seats["101"].secret, server=server)
    rows = [handset(name, seats[name].secret) for name in seats if name != "101"]
    async with await Sipp.start(registration(), tmp_path, server, rows=rows, calls=len(rows), port=port) as registrar:
        assert (await registrar.finished(10_000)).successful == len(rows), registrar.errors()
    async with await Sipp.start(agent(ring_ms=50, talk_ms=200), tmp_path, port=port) as agents:
        for row in rows:
            call = await anna.dial(row.name)
            assert (await call.ended()).code == 200
        tally = await agents.stopped()
        assert tally.successful == tally.created >= len(rows), agents.errors()


async def test_softphone_registers_and_sees_a_lamp(instance, server, phones):
    """A seat's phone registers with its password only, and its lamp follows the seat's device state."""
    anna = await phones.register("101", instance.site.seats["101"].secret, server=server)
    with pytest.raises(SoftphoneError, match=r"102: registration .* refused: 401"):
        await phones.register("102", "wrong", server=server)
    lamp = await anna.watch("*5101")
    for state, note in (("INUSE", "On the phone"), ("RINGING", "Ringing"), ("NOT_INUSE", "Ready")):
        await asyncio.to_thread(instance.cli, f"devstate change Custom:callfloor-101 {state}")
        assert await lamp.shows(note) == note
    await anna.unregister()
    assert "sip:101@" not in await asyncio.to_thread(instance.cli, "pjsip show contacts")


async def test_softphone_calls_through_the_switch(instance, server, phones, tmp_path):
    """A tone passes from one seat's phone through Asterisk to another's, and one passes back."""
    seats = instance.site.seats
    anna, ben = await asyncio.gather(*(phones.register(n, seats[n].secret, server=server) for n in ("101", "102")))
    await ben.on_call()
    one = await anna.dial("102")
    other = await ben.incoming()
    await one.confirmed()
    await one.play_tone(700, level_db=-15)
    await other.play_tone(1200, level_db=-15)
    await asyncio.sleep(0.3)  # until the jitter buffers run evenly
    await asyncio.gather(one.record(tmp_path / "one.wav"), other.record(tmp_path / "other.wav"))
    await asyncio.sleep(0.8)
    for call, hz in ((one, 1200), (other, 700)):
        heard = tones.cut(await call.recorded(), 200, 600)
        assert tones.tone_level_db(heard, hz) == pytest.approx(-15, abs=2)
    await other.hang_up()
    assert (await one.ended()).code == 200
