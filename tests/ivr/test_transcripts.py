"""Recordings are written down by real processes, whatever happens in them."""

import asyncio
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from structlog.testing import capture_logs

from acd.settings import GeneralSettings
from ivr.audio import to_wav
from ivr.tones import tone
from ivr.transcripts import Transcriber
from tests.ivr.brought import bring


@pytest.fixture
def recording(tmp_path, monkeypatch):
    """Give a second of sound; the engines of `brought` are installed."""
    bring(tmp_path / "packages", monkeypatch)
    monkeypatch.setenv("HOME", str(tmp_path))
    file = tmp_path / "said.wav"
    file.write_bytes(to_wav(tone(600, duration_ms=1_000)))
    return file


def transcriber(choice):
    return Transcriber(SimpleNamespace(site=SimpleNamespace(general=GeneralSettings(recogniser=choice))))


async def test_words_come_as_one_readable_line(recording):
    """Whatever else the engine prints; control characters and such as turn text about are no words."""
    assert await transcriber("odd chatty").words(recording, "pl") == "heard 1000 ms at 8000 in pl"
    assert len(await transcriber("odd long").words(recording, "pl")) == 10_000


async def test_nothing_is_no_fault(recording):
    """Neither an engine that hears nothing, nor a site that wants none: nothing is logged."""
    with capture_logs() as logs:
        assert await transcriber("odd silent").words(recording, "en") == ""
        assert await transcriber("none").words(recording, "en") == ""
    assert logs == []


@pytest.mark.parametrize(
    ("choice", "why"),
    [
        ("odd refuses", "it has a cold"),
        ("odd breaks", "KeyError: 'layer 7'"),
        ("odd dies", "its process died"),
        ("odd unmade", "speech engine 'odd' cannot be loaded: ValueError: no such model"),
        ("gone", "speech engine 'gone' cannot be loaded: ModuleNotFoundError: No module named 'no_such_package'"),
        ("vosk", "there is no speech engine 'vosk'; there are auto, none, whisper, gone, odd, sphinx"),
    ],
)
async def test_no_words_and_why(recording, choice, why):
    """It is logged in a line, and never raised."""
    with capture_logs() as logs:
        assert await transcriber(choice).words(recording, "en") == ""
    assert [(one["event"], one["reason"]) for one in logs] == [("recording is not written down", why)]


async def test_a_recording_that_is_none(recording):
    """A file that is not there, cut short, or no sound at all."""
    recording.write_bytes(b"RIFF said")
    for file in (recording, recording.with_name("gone.wav")):
        with capture_logs() as logs:
            assert await transcriber("odd chatty").words(file, "en") == ""
        assert len(logs) == 1


async def test_a_sites_secrets_are_not_an_engines(recording, monkeypatch):
    """Its process knows where a home is, and not what else stands in the environment."""
    monkeypatch.setenv("CALLFLOOR_DB", "postgresql://user:password@db")
    monkeypatch.setenv("HF_HOME", str(recording.parent))
    known = (await transcriber("odd secrets").words(recording, "en")).split()
    assert {"HOME", "PATH", "HF_HOME"} <= set(known)
    assert "CALLFLOOR_DB" not in known


async def started(folder: Path) -> int:
    """Give the id of the process of an engine that is at work."""
    while not ((note := folder / "slow").exists() and (said := note.read_text())):  # noqa: ASYNC110 - of that process
        await asyncio.sleep(0.02)
    note.unlink()
    return int(said)


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_cancelled_it_is_gone_at_once(recording):
    """And the next one has its turn."""
    writes = transcriber("odd slow")
    work = asyncio.create_task(writes.words(recording, "en"))
    pid = await started(recording.parent)
    assert os.getpriority(os.PRIO_PROCESS, pid) >= os.getpriority(os.PRIO_PROCESS, 0) + 9  # calls come first
    waits = asyncio.create_task(writes.words(recording, "en"))
    await asyncio.sleep(0.2)
    assert not (recording.parent / "slow").exists()  # one at a time
    work.cancel()
    await asyncio.wait([work])
    assert not is_there(pid)
    pid = await started(recording.parent)
    waits.cancel()
    await asyncio.wait([waits])
    assert not is_there(pid)


async def test_it_takes_no_longer_than_it_may(recording, monkeypatch):
    """An engine that hangs is ended."""
    monkeypatch.setattr("ivr.transcripts.LONGEST_S", 3.0)
    with capture_logs() as logs:
        assert await transcriber("odd slow").words(recording, "en") == ""
    assert logs[0]["reason"] == "TimeoutError"
    if (note := recording.with_name("slow")).exists():  # a busy machine may not even have begun
        assert not is_there(int(note.read_text()))


async def test_an_engine_does_not_outlive_its_server(recording):
    """A server that is killed closes what its process reads from, and that one ends in the midst of its work."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ivr.transcribe", "odd", "slow", "en", str(recording)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert await started(recording.parent) == process.pid
    process.stdin.close()
    assert await process.wait() == 1
    await process.communicate()


async def test_it_ends_by_itself_while_its_server_is_there(recording):
    """Cleanly: its server still holds what it watches."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ivr.transcribe", "odd", "chatty", "en", str(recording)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert await process.stdout.read() == b"+heard 1000 ms at 8000 in en"
    assert await process.stderr.read() == b"loading ... 100%\n"
    assert await process.wait() == 0
    process.stdin.close()
