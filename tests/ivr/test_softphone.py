"""Softphones call each other on 127.0.0.1, without a server."""

import asyncio
import os
import signal
import sys

import numpy as np
import pytest

from ivr import tones
from ivr.audio import Audio, to_wav
from ivr.softphone import CALLS_MAX, CallEndedError, SoftphoneError, Softphones


@pytest.fixture
async def phones():
    """Give an owner of phones; its end takes all their processes away."""
    async with Softphones() as owner:
        yield owner


@pytest.fixture
async def pair(phones):
    """Give two phones that know each other's address."""
    return await asyncio.gather(phones.phone("anna"), phones.phone("ben"))


async def talk(caller, callee):
    """Bring two phones into a call; gives both sides of it."""
    await callee.on_call()
    call = await caller.dial(callee.uri)
    there = await callee.incoming()
    await asyncio.gather(call.confirmed(), there.confirmed())
    return call, there


async def test_call_is_rung_answered_and_hung_up(pair):
    """Both sides see a call through its states, and how it ended; no call is left."""
    anna, ben = pair
    call = await anna.dial(ben.uri)
    there = await ben.incoming()
    await asyncio.gather(call.ringing(), there.ringing())
    assert "anna" in there.remote
    assert (call.state, there.state) == ("ringing", "ringing")
    await there.answer()
    await asyncio.gather(call.confirmed(), there.confirmed())
    sent_ns = await call.hang_up()
    assert (await there.ended()).code == (await call.ended()).code == 200
    assert sent_ns <= there.at_ns["ended"]
    assert call.at_ns["calling"] <= there.at_ns["incoming"] <= call.at_ns["ringing"] <= call.at_ns["confirmed"]
    assert anna.calls == ben.calls == []


async def test_callee_hangs_up_after_his_talk(pair):
    """A phone told to answer after a while and talk for a while does both no earlier, without its owner's help."""
    anna, ben = pair
    await ben.on_call(answer_after_ms=200, talk_ms=300)
    call = await anna.dial(ben.uri)
    assert (await call.ended()).code == 200
    there = await ben.incoming()
    assert there.at_ns["confirmed"] - there.at_ns["incoming"] >= 200_000_000
    assert there.at_ns["ended"] - there.at_ns["confirmed"] >= 300_000_000


@pytest.mark.parametrize("code", [486, 603])
async def test_refusal_reaches_the_caller(pair, code):
    """A busy or declining phone ends the call with its status, and who waits for an answer is told so."""
    anna, ben = pair
    await ben.on_call(code=code)
    call = await anna.dial(ben.uri)
    with pytest.raises(CallEndedError, match=str(code)):
        await call.confirmed()
    assert (await call.ended()).code == code


async def test_caller_gives_up_before_the_answer(pair):
    """Hanging up while it rings sends CANCEL: the call ends with 487 at both sides, and a late answer is refused."""
    anna, ben = pair
    call = await anna.dial(ben.uri)
    await call.ringing()
    there = await ben.incoming()
    await call.hang_up()
    assert (await call.ended()).code == (await there.ended()).code == 487
    with pytest.raises(SoftphoneError, match="the call is over"):
        await there.answer()


@pytest.mark.parametrize("method", ["rfc4733", "info"])
async def test_keys_arrive_once_each_and_in_order(pair, method):
    """All sixteen keys go through, by RTP events and by SIP INFO, in both directions."""
    call, there = await talk(*pair)
    keys = "1234567890*#ABCD"
    await asyncio.gather(call.dtmf(keys, method), there.dtmf("0*1", method))
    assert await there.pressed(len(keys)) == keys
    assert await call.pressed(3) == "0*1"


async def test_other_keys_are_refused(pair):
    """What no handset has a key for is an error, not a silent nothing."""
    call, _ = await talk(*pair)
    with pytest.raises(ValueError, match="keys are"):
        await call.dtmf("1\r\n2")


async def test_sound_goes_both_ways(pair, tmp_path):
    """A tone of each side is measured at the other, at its level and without any of the own one."""
    call, there = await talk(*pair)
    await call.play_tone(700, level_db=-15)
    await there.play_tone(1200, level_db=-15)
    await asyncio.sleep(0.3)  # until the jitter buffers run evenly
    await asyncio.gather(call.record(tmp_path / "call.wav"), there.record(tmp_path / "there.wav"))
    await asyncio.sleep(0.8)
    at_caller, at_callee = await call.recorded(), await there.recorded()
    for heard, hz, other_hz in ((at_caller, 1200, 700), (at_callee, 700, 1200)):
        middle = tones.cut(heard, 200, 600)
        assert tones.tone_level_db(middle, hz) == pytest.approx(-15, abs=2)
        assert tones.tone_level_db(middle, other_hz) < -45


async def test_file_is_played_to_its_end_and_then_there_is_silence(pair, tmp_path):
    """A played file is heard once, whole; its end is reported; the recording is whole after the call's end too."""
    call, there = await talk(*pair)
    speech = tmp_path / "speech.wav"
    speech.write_bytes(to_wav(tones.tone(500, duration_ms=400)))
    await there.record(tmp_path / "heard.wav")
    await call.play(speech)
    await call.played()
    await asyncio.sleep(0.5)  # what is on its way arrives, and a second playing would too
    await call.hang_up()
    await there.ended()
    (span,) = tones.spans(await there.recorded())
    assert span.end_ms - span.start_ms == pytest.approx(400, abs=60)


async def test_a_recording_goes_on_in_another_file(pair, tmp_path):
    """Nothing is lost between the files: a tone is as long in all of them together. After the end no other is begun."""
    call, there = await talk(*pair)
    speech = tmp_path / "speech.wav"
    speech.write_bytes(to_wav(tones.tone(500, duration_ms=600)))
    await there.record(tmp_path / "0.wav")
    await call.play(speech)
    pieces = []
    for number in range(1, 21):
        await asyncio.sleep(0.05)
        pieces.append(await there.record_on(tmp_path / f"{number}.wav"))
    await call.hang_up()
    await there.ended()
    pieces.append(await there.record_on(tmp_path / "never.wav"))
    assert not (tmp_path / "never.wav").exists()
    (span,) = tones.spans(Audio(np.concatenate([piece.samples for piece in pieces]), pieces[0].rate))
    assert span.end_ms - span.start_ms == pytest.approx(600, abs=60)


async def test_packets_flow_in_silence(pair):
    """A phone that says nothing sends its 50 packets a second, as a handset does: no server takes it for dead."""
    call, there = await talk(*pair)
    await asyncio.sleep(0.5)
    sent, received = await call.rtp(), await there.rtp()
    assert sent.sent >= 20
    assert received.received >= 20
    assert received.lost == 0


async def test_trunk_calls_on_many_lines_as_many_callers(phones):
    """A trunk holds as many calls as it was made for, each with its own caller, and refuses one more."""
    hub = [await phones.phone(f"hub{number}") for number in range(2)]
    trunk = await phones.trunk("trunk", server="127.0.0.1", calls=2 * CALLS_MAX)
    for number in range(2 * CALLS_MAX):
        call = await trunk.dial(hub[number % 2].uri, caller_id=f"55502{number:02}", caller_name='Eve "\\"; DROP')
        await call.ringing()
    callers = {(await phone.incoming()).remote for phone in hub for _ in range(CALLS_MAX)}
    assert callers == {rf'"Eve \"\\\"; DROP" <sip:55502{number:02}@127.0.0.1>' for number in range(2 * CALLS_MAX)}
    with pytest.raises(SoftphoneError, match="all 8 lines"):
        await trunk.dial(hub[0].uri)
    await call.hang_up()
    await call.ended()
    assert len(trunk.calls) == 2 * CALLS_MAX - 1
    await (await trunk.dial(hub[1].uri)).ringing()


async def test_freed_place_serves_the_next_call(phones):
    """Of a full phone, a place that one call leaves and another takes in the same moment is the new call's."""
    hub, anna, ben = await asyncio.gather(*(phones.phone(name) for name in ("hub", "anna", "ben")))
    first, *others = [await anna.dial(hub.uri) for _ in range(CALLS_MAX)]
    await asyncio.gather(first.ringing(), *(call.ringing() for call in others))
    os.kill(hub.pid, signal.SIGSTOP)  # so that it finds CANCEL and INVITE together
    try:
        await first.hang_up()
        late = await ben.dial(hub.uri)
    finally:
        os.kill(hub.pid, signal.SIGCONT)
    *_, there = [await hub.incoming() for _ in range(CALLS_MAX + 1)]
    await there.answer()
    await late.confirmed()


async def test_registrar_that_is_not_there(phones):
    """A registration nobody answers fails with a reason."""
    phone = await phones.phone("101", "secret", server="127.0.0.1:9")
    with pytest.raises(SoftphoneError, match="phone 101: "):
        await phone.register(within_ms=1000)


async def test_number_needs_a_server(pair):
    """A phone without a server says that it can only call whole addresses."""
    with pytest.raises(ValueError, match="whole address"):
        await pair[0].dial("5550100")


async def test_port_in_use_is_an_error_of_that_phone(phones):
    """A phone whose port is taken cannot be made; the others stay."""
    first = await phones.phone("first")
    port = int(first.uri.rpartition(":")[2])
    with pytest.raises(SoftphoneError, match="phone second: open"):
        await phones.phone("second", port=port)
    await talk(await phones.phone("third"), first)


async def test_killed_phone_fails_what_waits_for_it(pair):
    """When a phone's process dies, waits for it end at once with an error, and later asks too."""
    anna, ben = pair
    call, _ = await talk(anna, ben)
    waiting = asyncio.create_task(call.ended())
    await asyncio.sleep(0)
    os.kill(anna.pid, signal.SIGKILL)
    with pytest.raises(SoftphoneError, match="ended by itself"):
        await waiting
    with pytest.raises(SoftphoneError, match="ended by itself"):
        await anna.dial(ben.uri)


async def test_end_hangs_up_live_calls():
    """Leaving the owner's block ends calls with BYE, not by silence, and no process is left."""
    async with Softphones() as outer:
        ben = await outer.phone("ben")
        async with Softphones() as inner:
            anna = await inner.phone("anna")
            _, there = await talk(anna, ben)
        assert (await there.ended()).code == 200
        with pytest.raises(ProcessLookupError):
            os.kill(anna.pid, 0)


async def test_owners_death_ends_the_phones(phones):
    """An owner that is killed leaves no phone behind: its calls end with BYE."""
    ben = await phones.phone("ben")
    await ben.on_call()
    program = f"""
import asyncio
from ivr.softphone import Softphones
async def main():
    async with Softphones() as phones:
        call = await (await phones.phone("anna")).dial({ben.uri!r})
        await call.confirmed()
        await asyncio.sleep(60)
asyncio.run(main())
"""
    owner = await asyncio.create_subprocess_exec(sys.executable, "-c", program)
    there = await ben.incoming()
    await there.confirmed()
    owner.kill()
    await owner.wait()
    assert (await there.ended(within_ms=5000)).code == 200
