"""What people hear, measured: each other, prompts, music, and nothing that is not meant for them."""

from pathlib import Path

import numpy as np
import pytest

from acd.core.events import CallArrived, Connected
from ivr.tones import cut, level_db, read_wav, tone_level_db
from tests.live.testsite import HERTZ, heard

pytestmark = [pytest.mark.live, pytest.mark.asyncio(loop_scope="module")]

SPOKEN_DB = -12.0
LINE_LOSS_DB = 1.0
"""What two passes through G.711 may change."""
CROSSTALK_DB = -45.0
LOUD_DB = -30.0


async def test_caller_and_agent_hear_each_other(floor):
    """A tone of the caller arrives at the agent as it was, one of the agent at the caller, and nobody hears himself."""
    await floor.agent("101")
    call, _ = await floor.waiter()
    agent = await floor.rings("101")
    await agent.answer()
    await floor.sees(Connected)
    await floor.speaks(call, "caller")
    await floor.speaks(agent, "agent")
    await floor.hears(agent, "caller")
    await floor.hears(call, "agent")
    for listener, voice, own in ((agent, "caller", "agent"), (call, "agent", "caller")):
        sound = await floor.listen(listener, 1000)
        assert abs(median_level_db(sound, HERTZ[voice]) - SPOKEN_DB) < LINE_LOSS_DB
        assert median_level_db(sound, HERTZ[own]) < CROSSTALK_DB


async def test_music_until_the_agent_is_there(floor):
    """A caller hears music while he waits and while the phone rings, and none of it once he talks."""
    call, _ = await floor.waiter()
    assert heard(await floor.listen(call, 1000)) == ["music"]
    await floor.agent("101")
    agent = await floor.rings("101")
    assert heard(await floor.listen(call, 1000)) == ["music"]
    await agent.answer()
    await floor.sees(Connected)
    await floor.speaks(agent, "agent")
    await floor.hears(call, "agent")
    assert heard(await floor.listen(call, 1000)) == ["agent"]


async def test_a_caller_hears_goodbye(floor):
    """When the agent has hung up the caller hears the prompt of `after`, then the call is ended."""
    phone = await floor.agent("101", answer_after_ms=0)
    call, _ = await floor.waiter()
    await floor.sees(Connected)
    await phone.calls[0].hang_up()
    await floor.hears(call, "goodbye")
    assert (await call.ended()).code == 200


async def test_polish_is_spoken(floor):
    """9 leads to the Polish menu, and what is heard is the very file that was spoken for it, not another Polish one."""
    call, _ = await floor.caller("5550100")
    await floor.hears(call, "main-menu")
    await call.dtmf("9")
    sound = await floor.listen(call, 3500)
    assert await resemblance(floor, sound, "polish-menu") > 0.9
    assert await resemblance(floor, sound, "goodbye") < 0.7


async def test_a_closed_place_says_so(floor):
    """Outside its hours a number plays its prompt and hangs up; nobody is queued."""
    call, _ = await floor.caller("5550107")
    await floor.hears(call, "closed")
    assert (await call.ended()).code == 200
    assert floor.seen(CallArrived) == []


async def test_a_number_nobody_knows(floor):
    """A number that ivr.conf does not list gets the default."""
    call, _ = await floor.caller("5559999")
    await floor.hears(call, "unknown-number")
    assert (await call.ended()).code == 200


async def test_a_line_can_be_checked(floor):
    """The line check plays back what it recorded of the caller."""
    call, _ = await floor.caller("5550199")
    await floor.hears(call, "speech")
    await call.dtmf("1")
    await floor.speaks(call, "caller")
    await floor.listen(call, 2000)
    await call.play_nothing()
    await floor.hears(call, "caller")


async def test_silence_is_silent(floor):
    """Two who say nothing hear nothing: no hum, no music, no prompt left over."""
    await floor.agent("101", answer_after_ms=0)
    call, _ = await floor.waiter()
    await floor.sees(Connected)
    await floor.listen(call, 300)
    assert level_db(await floor.listen(call, 1000)) < CROSSTALK_DB


def median_level_db(sound, hz):
    """Level of a frequency in the middle one of all windows of 100 ms: a packet that came late does not count."""
    windows = [cut(sound, start_ms, start_ms + 100) for start_ms in range(0, sound.duration_ms - 100, 100)]
    return float(np.median([tone_level_db(window, hz) for window in windows]))


async def resemblance(floor, sound, prompt):
    """Say how much of a Polish prompt was heard, by its loud parts of 200 ms: 1.0 all of it, less for another one.

    A packet that came late shifts what follows, so each part is looked for by itself and the middle one counts.
    """
    spoken = read_wav(Path(f"{await floor.server._prompts.find(prompt, 'pl')}.wav"))
    parts = [cut(spoken, start_ms, start_ms + 200) for start_ms in range(0, spoken.duration_ms - 200, 200)]
    return float(np.median([likeness(sound.samples, part.samples) for part in parts if level_db(part) > LOUD_DB]))


def likeness(sound, part):
    """Give the highest normalised cross-correlation of a part with any place of a sound."""
    size = len(sound) + len(part)
    product = np.fft.irfft(np.fft.rfft(sound, size) * np.conj(np.fft.rfft(part, size)), size)[: len(sound)]
    power = np.concatenate([[0.0], np.cumsum(sound**2)])
    ends = np.minimum(np.arange(len(sound)) + len(part), len(sound))
    local = np.sqrt(np.maximum(power[ends] - power[: len(sound)], 1e-3))
    return float(np.max(product / (local * np.linalg.norm(part))))
