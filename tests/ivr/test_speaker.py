"""Speech that nobody keeps."""

import asyncio
import os
import time
from types import SimpleNamespace

import pytest

from acd.settings import GeneralSettings
from ivr.flow import Recording
from ivr.speaker import Speaker
from ivr.voices import Espeak, VoiceError, slowed
from tests.ivr.speaking import Engine


class Blocked(Engine):
    """Speaks only what it is let."""

    def __init__(self):
        super().__init__()
        self.asked = []

    def speak(self, text, language):
        self.asked.append(text)
        time.sleep(0.3)
        return super().speak(text, language)


class Broken(Engine):
    """Cannot."""

    name = "broken"

    def speak(self, text, language):
        raise VoiceError("no")


def speaker(tmp_path, *engines):
    house = SimpleNamespace(site=SimpleNamespace(general=GeneralSettings(language="en")), engines=list(engines))
    return Speaker(tmp_path / "spoken", house)


async def test_it_is_there_while_it_is_needed(tmp_path):
    """A file that Asterisk can read, as long as it says; gone when the agent is, also if he hangs up."""
    spoken = speaker(tmp_path, Engine())
    said = []

    async def agent():
        async with spoken.voice() as voice:
            said.append(await voice.say("welcome", "pl"))
            await asyncio.Event().wait()

    there = asyncio.create_task(agent())
    while not said:  # noqa: ASYNC110 - a thread's doing
        await asyncio.sleep(0.01)
    [file] = (tmp_path / "spoken").glob("*/usual/*.wav")
    assert said == [Recording(str(file.with_suffix("")), (file.stat().st_size - 44) // 16)]
    assert said[0].length_ms > 0
    assert file.stat().st_mode & 0o044 == 0o044
    there.cancel()
    await asyncio.gather(there, return_exceptions=True)
    assert list((tmp_path / "spoken").iterdir()) == []


async def test_the_name_of_a_recording_is_a_word_like_any_other(tmp_path):
    """A site's recording `welcome` is not played to who hears of a customer called so."""
    (tmp_path / "sounds/en").mkdir(parents=True)
    (tmp_path / "sounds/en/welcome.wav").write_bytes(b"RIFF")
    async with speaker(tmp_path, Engine()).voice() as voice:
        assert "spoken" in (await voice.say("welcome", "en")).path


@pytest.mark.parametrize(
    ("asked", "spoken"),
    [("pl", "pl"), ("pl-PL", "pl"), ("PL_pl-x", "pl"), ("de", "en"), ("", "en"), ("../x", "en"), ("p" * 900, "en")],
)
async def test_in_a_language_that_somebody_speaks(tmp_path, asked, spoken):
    """The one that is asked for, or that of its country, or the site's; a language is hostile text too."""
    engine = Engine()
    heard = []
    engine.speak = lambda text, language: heard.append(language) or Engine.speak(engine, text, language)
    async with speaker(tmp_path, engine).voice() as voice:
        assert await voice.say("hello", asked) is not None
    assert heard == [spoken]


async def test_where_no_engine_can(tmp_path):
    """There is nothing to play, and no exception."""
    async with speaker(tmp_path, Broken()).voice() as voice:
        assert await voice.say("hello", "en") is None
    async with speaker(tmp_path).voice() as voice:
        assert await voice.say("hello", "en") is None


async def test_slowly(tmp_path):
    """The same words take longer."""
    async with speaker(tmp_path, Engine()).voice() as voice:
        usual, slow = await voice.say("hello", "en"), await voice.say("hello", "en", slow=True)
    assert slow.length_ms > 1.3 * usual.length_ms


async def test_what_is_spoken_too_late_leaves_nothing(tmp_path):
    """Who hangs up while an engine speaks: its file does not come after the folder is gone."""
    engine = Blocked()
    async with speaker(tmp_path, engine).voice() as voice:
        waits = asyncio.create_task(voice.say("hello", "en"))
        while not engine.asked:  # noqa: ASYNC110 - a thread's doing
            await asyncio.sleep(0.01)
        waits.cancel()
    await asyncio.sleep(0.5)
    assert list((tmp_path / "spoken").iterdir()) == []


async def test_what_a_crash_has_left_goes(tmp_path):
    """After a day; what another agent hears meanwhile stays."""
    old, young = tmp_path / "spoken/old", tmp_path / "spoken/young"
    for place in (old, young):
        (place / "usual").mkdir(parents=True)
    os.utime(old, (0, 0))
    async with speaker(tmp_path, Engine()).voice():
        assert (old.exists(), young.exists()) == (False, True)


def test_engines_that_have_one_pace_only_do_not_speak_slowly():
    """espeak-ng, which stands behind every other, does."""
    fixed = SimpleNamespace(name="fixed")
    engines = [fixed, Espeak(lambda _: ["espeak"])]
    assert [engine.name for engine in slowed(engines)] == ["espeak"]
