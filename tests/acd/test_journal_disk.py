"""The journal on a disk that is full, slow, torn, damaged or pulled out, and in a process that is killed."""

import asyncio
import errno
import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from acd.core import Core
from acd.core import events as ev
from acd.dispatcher import Dispatcher
from acd.journal import Folder, Gap, Journal, JournalError, compare, segments, writer
from acd.journal.audit import survey
from acd.journal.entries import encode
from acd.journal.folder import LOG, STATE
from tests.acd.rig import CONFIGURED, LOOK, Switch
from tests.acd.scribe import Scribe, events

ROOT = Path(__file__).parents[2]


@pytest.fixture
def path(tmp_path):
    """Give the place of a journal that is not there yet."""
    return tmp_path / "journal"


@pytest.fixture
def scribe(path):
    """Give a house whose steps are journaled."""
    scribe = Scribe(path)
    yield scribe
    scribe.journal.close()


def log_file(path):
    """The newest log file."""
    return Folder(path).numbered(LOG)[-1][1]


class Disk:
    """A disk that can be full: `room` is how many more bytes it takes, None for all."""

    def __init__(self, patch):
        self.room = None
        self.writes = 0
        self._pwrite = os.pwrite
        patch.setattr(segments.os, "pwrite", self.pwrite)

    def pwrite(self, file, data, offset):
        self.writes += 1
        if self.room is None:
            return self._pwrite(file, data, offset)
        if not self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        part = bytes(data[: self.room])
        self.room -= len(part)
        return self._pwrite(file, part, offset)


@pytest.fixture
def disk(monkeypatch):
    """Give the disk under all journals."""
    return Disk(monkeypatch)


# The end of a file


@pytest.mark.parametrize("cut", [1, 5, 9, 10, 40])
def test_a_torn_end_is_cut_off_and_said(scribe, path, cut):
    """Half an entry at the end is no entry: it is cut off, with a word on how much, and the journal goes on."""
    scribe.live()
    scribe.journal.close()
    file = log_file(path)
    whole = file.read_bytes()
    file.write_bytes(whole[:-cut])
    entries = list(Folder(path).entries())
    assert len(entries) == scribe.journal.seq - 1
    assert survey(Folder(path)).torn > 0
    with capture_logs() as logs:
        journal = Journal(path)
    [said] = [entry for entry in logs if "torn end" in entry["event"]]
    assert (said["last_entry"], said["bytes"]) == (len(entries), file.stat().st_size * -1 + len(whole) - cut)
    journal.append(scribe.history[-1], [])
    journal.commit()
    assert events(journal.entries()) == scribe.history
    journal.close()


def test_a_file_that_was_just_being_made_is_made_anew(scribe, path):
    """A kill between the making of a file and its header leaves nothing in the way of the next start."""
    scribe.live()
    scribe.journal.close()
    (path / f"{scribe.journal.seq + 1:020}{LOG}").write_bytes(b"callfloor jour")
    assert events(Folder(path).entries()) == scribe.history
    journal = Journal(path)
    journal.append(scribe.history[-1], [])
    journal.commit()
    assert [entry.seq for entry in journal.entries()][-1] == scribe.journal.seq + 1
    journal.close()


@pytest.mark.parametrize("harm", ["flip", "zeros", "drop"])
def test_damage_in_the_middle_stops_with_place_and_mend(scribe, path, harm):
    """An entry that was whole once and is not any more is named by file and byte, and the mend works as it is said."""
    scribe.live()
    scribe.journal.close()
    file = log_file(path)
    data = bytearray(file.read_bytes())
    payloads = list(Folder(path).payloads())
    start, end = payloads[5].offset, payloads[6].offset
    match harm:
        case "flip":
            data[start + 20] ^= 1
        case "zeros":
            data[start:end] = bytes(end - start)
        case "drop":
            del data[start : start + 3]
    file.write_bytes(data)
    with pytest.raises(JournalError, match=rf"{file}: damaged at byte {start}, after entry 5\b") as caught:
        Journal(path)
    mend = str(caught.value).partition(": truncate")[2]
    subprocess.run(f"truncate{mend}", shell=True, check=True)
    journal = Journal(path)
    assert events(journal.entries()) == scribe.history[:5]
    journal.close()


def test_damage_before_the_newest_state_keeps_nobody_from_starting(path, monkeypatch):
    """A start needs the newest state and what follows; damage before it is found by `verify` and `replay`."""
    monkeypatch.setattr(writer, "SEGMENT_BYTES", 1_000)
    scribe = Scribe(path).live()
    scribe.journal.tend(scribe.state)
    scribe.journal._saving.result()
    scribe.crowd(3)
    scribe.journal.close()
    [_, first], *_ = Folder(path).numbered(LOG)
    data = bytearray(first.read_bytes())
    data[400] ^= 1
    first.write_bytes(data)
    journal = Journal(path)
    assert encode(journal.restore().state) == scribe.bytes
    for look in (survey, compare):
        with pytest.raises(JournalError, match=f"{first}: damaged at byte"):
            look(journal.folder)
    journal.close()


def test_a_file_that_is_missing_is_said(path, monkeypatch):
    """A hole between two files is no silent jump."""
    monkeypatch.setattr(segments, "SEGMENT_BYTES", 400)
    scribe = Scribe(path).live().crowd(20)
    scribe.journal.close()
    files = Folder(path).numbered(LOG)
    assert len(files) > 3
    files[1][1].unlink()
    with pytest.raises(JournalError, match=f"follows entry {files[1][0] - 1}; a file between them is missing"):
        list(Folder(path).entries())


def test_a_state_beyond_the_log_is_the_truth(scribe, path):
    """After a power cut the stored state may know more than the log: it counts, and the gap is marked."""
    scribe.live()
    cut_at = scribe.journal.seq
    size = log_file(path).stat().st_size
    scribe.crowd(2)
    scribe.journal.save(scribe.state)
    scribe.journal.close()
    os.truncate(log_file(path), size)
    journal = Journal(path)
    core = journal.restore()
    assert encode(core.state) == scribe.bytes
    *_, gap = journal.entries()
    assert (gap.first, gap.lost, gap.seq) == (cut_at + 1, 4, cut_at + 5)
    assert "power cut" in journal.alarms[0]
    event = ev.CallEnded(at=core.state.now, call="b")
    journal.append(event, core.decide(event))
    journal.commit()
    verdict = compare(journal.folder)
    assert (verdict.difference, len(verdict.gaps)) == ("", 1)
    assert journal.restore().state.calls.keys() == core.state.calls.keys()
    journal.close()


# A disk that takes nothing


@pytest.mark.parametrize("room", [0, 1, 12, 150])
def test_a_full_disk_is_made_up_for_in_order(scribe, path, disk, room):
    """Wherever within an entry the disk was full, later all is there, once, in order; it was said, and said again."""
    scribe.log_in("101")
    with capture_logs() as logs:
        disk.room = room
        scribe.crowd(5)
        assert scribe.journal.failed
        assert scribe.journal.commit() == scribe.journal.seq, "commands go out all the same"
        entries = len(list(Folder(path).entries()))
        disk.room, scribe.journal._retry_at = None, 0
        scribe.arrive("later")
    assert entries < scribe.journal.seq
    assert scribe.journal.failed is None
    assert [entry["event"] for entry in logs] == ["journal failed", "journal works again"]
    assert events(scribe.journal.entries()) == scribe.history
    assert compare(Folder(path)).difference == ""


def test_a_backlog_that_is_too_large_leaves_a_marked_gap(scribe, path, disk, monkeypatch):
    """Entries beyond it are given up; the gap says which, holds the state, and a replay across it is exact."""
    monkeypatch.setattr(writer, "BACKLOG_BYTES", 1_000)
    scribe.log_in("101")
    disk.room = 0
    scribe.crowd(40)
    scribe.journal.tend(scribe.state)
    disk.room, scribe.journal._retry_at = None, 0
    scribe.arrive("first after it")
    scribe.journal.tend(scribe.state)
    scribe.crowd(3)
    gaps = [entry for entry in scribe.journal.entries() if isinstance(entry, Gap)]
    [gap] = gaps
    assert gap.first + gap.lost == gap.seq
    assert gap.lost > 50
    verdict = compare(Folder(path))
    assert verdict.difference == ""
    assert verdict.gaps == [f"entries {gap.first} to {gap.seq - 1} are missing: {gap.why!r}"]
    assert survey(Folder(path)).gaps == verdict.gaps
    assert encode(scribe.journal.restore().state) == scribe.bytes
    assert encode(scribe.journal.core_at(gap.seq + 1).state) == bytes(gap.state)
    with pytest.raises(JournalError, match="cannot be had"):
        scribe.journal.core_at(gap.first + 3)


def test_a_gap_at_the_end_is_closed_by_the_end(path, disk, monkeypatch):
    """A disk that comes back only when the server ends gets what was kept, the gap, and the state."""
    monkeypatch.setattr(writer, "BACKLOG_BYTES", 500)
    journal, core = Journal(path), Core()
    dispatcher = Dispatcher(core, journal, Switch([]), clock=lambda: 1_800_000_000_000)
    disk.room = 0
    for number in range(20):
        for event in (CONFIGURED, ev.CallArrived(call=str(number), queue="sales")):
            dispatcher._decide(event)
    disk.room = None
    dispatcher.close()
    journal.close()
    again = Journal(path)
    assert encode(again.restore().state) == encode(core.state)
    again.close()


LIMITED = """
import resource, sys
from pathlib import Path
from acd.core import events as ev
from acd.journal import Journal
journal = Journal(Path(sys.argv[1]))
def put(number):
    journal.append(ev.CallEnded(at=number, call="x" * 100), [])
    return journal.commit()
for number in range(1, 11):
    put(number)
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, hard))
for number in range(11, 21):
    assert put(number) == number
print(journal.failed)
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
journal.close()
"""


def test_a_limit_of_the_system_is_a_disk_that_is_full(path):
    """The real thing: the kernel writes half a group and refuses the rest; nothing is lost when it takes more again."""
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(path)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "File too large" in done.stdout
    assert [event.at for event in Folder(path).events()] == list(range(1, 21))


# Durability


async def test_power_holds_commands_until_the_disk_has_the_entry(path, monkeypatch):
    """With durability power the loop goes on while the disk works; commands go out after it, and late ones together."""
    disk_may_go, syncs = threading.Event(), []
    fdatasync = os.fdatasync

    def slow(file):
        syncs.append(threading.current_thread())
        assert disk_may_go.wait(10)
        fdatasync(file)

    monkeypatch.setattr(segments.os, "fdatasync", slow)
    diary = []
    journal = Journal(path, durability="power")
    dispatcher = Dispatcher(Core(), journal, Switch(diary))
    dispatcher.submit(ev.Started(run="t"), CONFIGURED, LOOK)
    wish = asyncio.ensure_future(dispatcher.ask(ev.LogInAsked(seat="101", pin_matches=True)))
    await asyncio.sleep(0.05)
    dispatcher.submit(ev.CallArrived(call="1.1", queue="sales"))
    await asyncio.sleep(0.05)
    assert (diary, wish.done(), journal.stored) == ([], False, 0)
    disk_may_go.set()
    assert await asyncio.wait_for(wish, 10) == "ok"
    assert ("told", "offer") in diary
    assert threading.main_thread() not in syncs
    assert len(syncs) == 3, "a new file, then two groups: what came during the first is the second"
    dispatcher.close()
    journal.close()
    assert compare(Folder(path)).difference == ""


async def test_power_on_a_disk_that_fails_lets_calls_go_on(path, disk, monkeypatch):
    """A sync that fails is a disk that takes nothing: commands go out, and all is written again when it works."""
    fdatasync = os.fdatasync
    works = False

    def fail(file):
        if not works:
            raise OSError(errno.EIO, "Input/output error")
        fdatasync(file)

    monkeypatch.setattr(segments.os, "fdatasync", fail)
    diary = []
    journal = Journal(path, durability="power")
    dispatcher = Dispatcher(Core(), journal, Switch(diary))
    dispatcher.submit(ev.Started(run="t"), CONFIGURED, LOOK)
    async with asyncio.timeout(10):
        assert await dispatcher.ask(ev.LogInAsked(seat="101", pin_matches=True)) == "ok"
    assert "Input/output error" in journal.failed
    works, journal._retry_at = True, 0
    dispatcher.submit(ev.CallArrived(call="1.1", queue="sales"))
    async with asyncio.timeout(10):
        while journal.stored < 5:  # noqa: ASYNC110 - the thread's work
            await asyncio.sleep(0.01)
    assert journal.failed is None
    dispatcher.close()
    journal.close()
    assert [type(event).__name__ for event in Folder(path).events()][-2:] == ["LogInAsked", "CallArrived"]


WRITER = """
import sys
from pathlib import Path
from acd.journal import Journal, writer, segments
from tests.acd.scribe import Scribe
writer.STATE_ENTRIES, writer.SEGMENT_BYTES, segments.SEGMENT_BYTES = 20, 5000, 5000
scribe = Scribe(Path(sys.argv[1]), durability=sys.argv[2])
scribe.log_in("101")
for number in range(10**6):
    scribe.crowd(1, f"{number}-")
    scribe.journal.tend(scribe.state)
    print(scribe.journal.stored, flush=True)
"""
# Its log, if it has one, comes out among the numbers and fails the test: a server that works has nothing to say.


@pytest.mark.parametrize("durability", ["process", "power"])
@pytest.mark.parametrize("seed", range(4))
def test_a_killed_writer_leaves_a_whole_journal(path, durability, seed):
    """After SIGKILL at any moment all that was said to be stored is there, replays to the byte, and can go on."""
    least = random.Random(seed).randrange(1, 300)
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), durability], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as running:
        stored = 0
        for line in running.stdout:
            stored = int(line)
            if stored >= least:
                running.send_signal(signal.SIGKILL)
                break
        stored = max([stored, *(int(line) for line in running.stdout if line.endswith("\n"))])
    journal = Journal(path)
    entries = list(journal.entries())
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
    assert len(entries) >= stored
    assert compare(journal.folder).difference == ""
    core = Core()
    for entry in entries:
        core.decide(entry.event)
    assert encode(journal.restore().state) == encode(core.state)
    journal.append(ev.SwitchLost(at=core.state.now), [])
    journal.close()
    assert len(list(Folder(path).entries())) == len(entries) + 1
    assert all(int(file.stem) <= len(entries) for file in path.glob(f"*{STATE}"))
