"""Finding, speaking and keeping prompts."""

import asyncio
import os
import threading
import wave
from pathlib import Path

import numpy as np
import pytest
from structlog.testing import capture_logs

from ivr import prompts
from ivr.audio import Audio
from ivr.prompts import PromptError, Prompts
from ivr.voices import VoiceError

TEXTS = {
    "welcome": {"en": "Welcome.", "pl": "Witamy."},
    "bye": {"en": "Goodbye."},
    "przerwa": {"pl": "Przerwa."},
}


class Engine:
    """A speech engine whose speech is a tone of 10 ms a character, with a gate and a count."""

    def __init__(self, name="first", languages=("en", "pl"), error=None):
        self.name, self.languages, self.error = name, languages, error
        self.version = 1
        self.spoken = []
        self.begun = threading.Event()
        self.gate = threading.Event()
        self.gate.set()

    def speaks(self, language):
        return language in self.languages

    def identity(self, language):
        return f"{self.name} {self.version} {language}"

    def speak(self, text, language):
        self.spoken.append((language, text))
        self.begun.set()
        assert self.gate.wait(10)
        if self.error is not None:
            raise self.error
        return Audio(0.1 * np.sin(np.arange(220 * len(text)) / 5), 22_050)

    async def begins(self):
        """Wait until it is speaking."""
        assert await asyncio.to_thread(self.begun.wait, 10)


@pytest.fixture
def make(tmp_path):
    """Prompts with the site folder, the cache and the texts of this test."""
    made = []

    def make(*engines, texts=TEXTS):
        made.append(Prompts(tmp_path / "site", tmp_path / "cache", texts, engines, "en"))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def record(tmp_path):
    def record(language, file, content=b"sound"):
        path = tmp_path / "site" / "sounds" / language / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return str(path.with_suffix(""))

    return record


def there(stem):
    return Path(f"{stem}.wav").is_file()


def mode(file):
    return Path(file).stat().st_mode & 0o777


def remove(file):
    Path(file).unlink()


def frames(path):
    with wave.open(path) as file:
        return file.getframerate(), file.getnframes()


# ---------------------------------------------------------------------------------------------------- what is found


async def test_a_recording_wins_over_the_text(make, record):
    """A prompt that the site has recorded is played from there, in any of Asterisk's formats, and nothing is spoken."""
    engine = Engine()
    found = make(engine)
    spoken = await found.find("welcome", "pl")
    recording = record("pl", "welcome.ulaw")
    assert await found.find("welcome", "pl") == recording != spoken
    assert engine.spoken == [("pl", "Witamy.")]


async def test_a_recorded_prompt_needs_no_text(make, record):
    """A name that no text is known for is found by its recording."""
    recording = record("en", "jingle.sln16")
    assert await make().find("jingle", "en") == recording


async def test_language_goes_before_recording(make, record):
    """A text in the caller's language is better than a recording in the default one; that is better than nothing."""
    engine = Engine()
    record("en", "welcome.wav")
    goodbye = record("en", "bye.wav")
    found = make(engine)
    await found.find("welcome", "pl")
    assert engine.spoken == [("pl", "Witamy.")]
    assert await found.find("bye", "pl") == goodbye


async def test_a_prompt_without_the_language_is_said_in_the_default_one(make):
    """A caller in another language hears the default language, spoken by its own voice."""
    engine = Engine()
    await make(engine).find("bye", "pl")
    assert engine.spoken == [("en", "Goodbye.")]


async def test_a_prompt_in_no_fitting_language_is_an_error(make):
    """Words in a language that nobody asked for are not played."""
    with pytest.raises(PromptError, match=r"przerwa .* de or en"):
        await make(Engine()).find("przerwa", "de")


async def test_what_is_no_name_is_spoken(make):
    """A text is spoken in the language asked for."""
    engine = Engine()
    await make(engine).find("Two calls are waiting.", "en")
    assert engine.spoken == [("en", "Two calls are waiting.")]


@pytest.mark.parametrize("name", ["../../secret", "/etc/passwd", "welcome.wav", "a\x00b", "..", "pl/welcome"])
async def test_a_path_is_no_name(make, record, tmp_path, name):
    """Nothing outside the folder of recordings is ever taken for one: a path is words to speak, in the cache."""
    (tmp_path / "secret.wav").write_bytes(b"x")
    record("pl", "welcome.wav")
    assert Path(await make(Engine()).find(name, "en")).parent == tmp_path / "cache"


@pytest.mark.parametrize("language", ["../..", "", "en\n", "e" * 1_000, "${X}"])
async def test_a_language_that_is_none_is_the_default(make, tmp_path, language):
    """A channel's language is outside data: what is no code is logged, cut short, and the default taken."""
    engine = Engine()
    with capture_logs() as logs:
        await make(engine).find("welcome", language)
    assert engine.spoken == [("en", "Welcome.")]
    assert logs[0]["event"] == "language not usable"
    assert len(logs[0]["language"]) <= 40


# ---------------------------------------------------------------------------------------------------------- the cache


async def test_a_text_is_spoken_once_and_kept(make):
    """The second time, and after a restart, the file is there already."""
    engine = Engine()
    first = await make(engine).find("welcome", "en")
    assert await make(engine).find("welcome", "en") == first
    assert len(engine.spoken) == 1
    assert frames(f"{first}.wav") == (8_000, pytest.approx(2_500, abs=400))
    assert frames(f"{first}.wav16") == (16_000, pytest.approx(5_000, abs=800))


async def test_another_version_of_the_engine_speaks_anew(make):
    """What an older engine or voice said is not played after an upgrade."""
    engine = Engine()
    first = await make(engine).find("welcome", "en")
    engine.version = 2
    assert await make(engine).find("welcome", "en") != first


async def test_many_who_ask_at_once_have_it_spoken_once(make):
    """Fifty callers who enter the same new menu wait for one rendering."""
    engine = Engine()
    engine.gate.clear()
    found = make(engine)
    asked = [asyncio.create_task(found.find("welcome", "en")) for _ in range(50)]
    await engine.begins()
    engine.gate.set()
    assert len(set(await asyncio.gather(*asked))) == 1
    assert len(engine.spoken) == 1


async def test_a_caller_who_hangs_up_does_not_stop_it_for_the_others(make):
    """The first to ask is cancelled in the middle; who came later gets the file."""
    engine = Engine()
    engine.gate.clear()
    found = make(engine)
    first = asyncio.create_task(found.find("welcome", "en"))
    second = asyncio.create_task(found.find("welcome", "en"))
    await engine.begins()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    engine.gate.set()
    assert there(await second)
    assert len(engine.spoken) == 1


async def test_the_event_loop_goes_on_while_an_engine_speaks(make):
    """A slow engine blocks a thread and no call: the loop turns hundreds of times meanwhile."""
    engine = Engine()
    engine.gate.clear()
    task = asyncio.create_task(make(engine).find("welcome", "en"))
    await engine.begins()
    for _ in range(500):
        await asyncio.sleep(0)
    assert not task.done()
    engine.gate.set()
    await task


async def test_a_rendering_cut_short_leaves_nothing_that_is_taken_for_whole(make, tmp_path, monkeypatch):
    """When the disk fills up in the middle there is no sound file and no leftover, and the next try makes it whole."""
    found = make(Engine())
    real = os.fsync

    def full(_file):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(prompts.os, "fsync", full)
    with capture_logs() as logs, pytest.raises(PromptError):
        await found.find("welcome", "en")
    assert [entry["event"] for entry in logs] == ["spoken text cannot be kept"]
    assert list((tmp_path / "cache").iterdir()) == []
    monkeypatch.setattr(prompts.os, "fsync", real)
    assert there(await found.find("welcome", "en"))


async def test_a_half_written_pair_is_written_anew(make):
    """Only the 16 kHz file is there, as after a power cut between the two: the text is spoken again."""
    engine = Engine()
    stem = await make(engine).find("welcome", "en")
    remove(f"{stem}.wav")
    assert await make(engine).find("welcome", "en") == stem
    assert there(stem)
    assert len(engine.spoken) == 2


async def test_spoken_files_can_be_read_by_others(make):
    """Asterisk may run as another user: the files have the mode that the umask gives, not a private one."""
    stem = await make(Engine()).find("welcome", "en")
    umask = os.umask(0)
    os.umask(umask)
    assert mode(f"{stem}.wav") == 0o666 & ~umask


async def test_prune_removes_what_was_not_used_for_long(make):
    """Age counts from the last use, so a prompt that is still played stays."""
    found = make(Engine())
    old, used = [await found.find(text, "en") for text in ("old text", "used text")]
    for stem in (old, used):
        for suffix in (".wav", ".wav16"):
            os.utime(stem + suffix, (1, 1))
    await found.find("used text", "en")
    assert found.prune(3_600_000) == 2
    assert not there(old)
    assert there(used)
    assert frames(f"{used}.wav16")


# -------------------------------------------------------------------------------------------------------- engines fail


@pytest.mark.parametrize("error", [VoiceError("no breath"), RuntimeError("bug"), OSError("gone")])
async def test_a_failing_engine_is_followed_by_the_next(make, error):
    """Whatever the first engine raises, the caller hears the second one, and one log line tells why."""
    first, second = Engine("first", error=error), Engine("second")
    with capture_logs() as logs:
        stem = await make(first, second).find("welcome", "en")
    assert there(stem)
    assert second.spoken == [("en", "Welcome.")]
    assert [(entry["event"], entry["engine"]) for entry in logs] == [("speech engine failed", "first")]
    assert str(error) in logs[0]["reason"]


async def test_a_failed_engine_rests_and_is_tried_again(make, monkeypatch):
    """A broken engine is not asked for every text; after a while it is."""
    now = [1000.0]
    monkeypatch.setattr(prompts.time, "monotonic", lambda: now[0])
    first, second = Engine("first", error=VoiceError("no breath")), Engine("second")
    found = make(first, second)
    await found.find("one", "en")
    await found.find("two", "en")
    assert first.spoken == [("en", "one")]
    first.error = None
    now[0] += 61
    await found.find("three", "en")
    assert first.spoken == [("en", "one"), ("en", "three")]


async def test_an_engine_that_cannot_even_be_asked_is_skipped(make):
    """An engine whose program is missing fails at the first question."""
    first, second = Engine("first"), Engine("second")
    first.speaks = lambda _language: 1 / 0
    await make(first, second).find("welcome", "en")
    assert second.spoken == [("en", "Welcome.")]


async def test_silence_for_words_is_a_failure(make):
    """An engine that gives no sound for words has failed, and the next one speaks."""
    first, second = Engine("first"), Engine("second")
    first.speak = lambda _text, _language: Audio(np.zeros(22_050), 22_050)
    await make(first, second).find("welcome", "en")
    assert second.spoken == [("en", "Welcome.")]


async def test_an_engine_without_the_language_is_passed_over(make):
    """Polish goes to the engine that speaks it, English to the first."""
    first, second = Engine("first", languages=["en"]), Engine("second")
    found = make(first, second)
    await found.find("welcome", "pl")
    await found.find("welcome", "en")
    assert (first.spoken, second.spoken) == ([("en", "Welcome.")], [("pl", "Witamy.")])


async def test_no_engine_at_all_is_an_error_without_the_text_in_it(make):
    """Who asked hears that nothing can be played; the text, perhaps a customer's name, is not repeated."""
    with pytest.raises(PromptError, match="no speech engine") as caught:
        await make().find("Jane Doe, account 1234", "en")
    assert "Jane" not in str(caught.value)


async def test_a_text_without_words_is_a_moment_of_silence(make):
    """A caller's name that is an emoji is no error and no engine's business."""
    engine = Engine()
    found = make(engine)
    stem = await found.find("\U0001f600!", "en")
    assert stem == await found.find("...", "pl")
    assert frames(f"{stem}.wav")[1] < 4_000
    assert engine.spoken == []


async def test_warm_speaks_everything_that_is_not_recorded(make, record):
    """After it no prompt is left to speak, and a prompt that cannot be spoken does not stop the others."""
    record("en", "bye.wav")
    engine = Engine(languages=["en"])
    found = make(engine)
    with capture_logs() as logs:
        await found.warm()
    assert engine.spoken == [("en", "Welcome.")]
    assert [entry["prompt"] for entry in logs if entry["event"] == "prompt not ready"] == ["welcome", "przerwa"]
    assert logs[-1]["failed"] == 2


async def test_warm_leaves_room_for_callers(make):
    """While warm waits for a slow text, a caller's text is spoken."""
    slow = Engine("slow", languages=["pl"])
    slow.gate.clear()
    quick = Engine("quick", languages=["en"])
    found = make(slow, quick, texts={"przerwa": TEXTS["przerwa"]})
    warming = asyncio.create_task(found.warm())
    await slow.begins()
    assert there(await found.find("hello", "en"))
    assert not warming.done()
    slow.gate.set()
    await warming


async def test_fixed_prompts_stand_where_playback_looks(make, record, tmp_path):
    """Each language has its folder, the default language the top, a recording its own format; old formats go."""
    record("pl", "bye.ulaw", b"recorded")
    folder = tmp_path / "sounds"
    (folder / "pl").mkdir(parents=True)
    (folder / "pl" / "bye.gsm").write_bytes(b"old")
    await make(Engine()).render_fixed(folder, ["welcome", "bye"])
    files = sorted(str(file.relative_to(folder)) for file in folder.rglob("*.*"))
    names = ["bye.wav", "bye.wav16", "welcome.wav", "welcome.wav16"]
    assert files == sorted([*names, *(f"en/{n}" for n in names), "pl/bye.ulaw", *(f"pl/{n}" for n in names[2:])])
    assert (folder / "pl" / "bye.ulaw").read_bytes() == b"recorded"
    assert (folder / "welcome.wav").read_bytes() == (folder / "en" / "welcome.wav").read_bytes()


async def test_a_fixed_prompt_that_cannot_be_spoken_stays_as_it_was(make, tmp_path):
    """Without a Polish voice the old Polish file is left alone, the English ones are written, and the log says so."""
    folder = tmp_path / "sounds"
    (folder / "pl").mkdir(parents=True)
    (folder / "pl" / "welcome.wav").write_bytes(b"old")
    with capture_logs() as logs:
        await make(Engine(languages=["en"])).render_fixed(folder, ["welcome", "bye"])
    assert (folder / "pl" / "welcome.wav").read_bytes() == b"old"
    assert (folder / "en" / "bye.wav").stat().st_size > 44
    assert [(entry["prompt"], entry["language"]) for entry in logs] == [("welcome", "pl")]
