"""The journal: what was stored comes back, whole, in order, and any moment that was can be had again."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from acd.core import Core
from acd.core import commands as cmd
from acd.core import events as ev
from acd.journal import (
    FORMAT,
    Entry,
    Folder,
    Gap,
    Journal,
    JournalError,
    Refused,
    builds,
    compare,
    frames,
    segments,
    writer,
)
from acd.journal.entries import encode
from acd.journal.folder import LOG, STATE
from tests.acd.scribe import Scribe, events

ROOT = Path(__file__).parents[2]


@pytest.fixture
def path(tmp_path):
    """Give the place of a journal that is not there yet."""
    return tmp_path / "journal"


@pytest.fixture
def make():
    """Give a way to open journals; all are closed at the end."""
    opened = []

    def make(path, **options):
        opened.append(Journal(path, **options))
        return opened[-1]

    yield make
    for journal in opened:
        journal.close()


@pytest.fixture
def scribe(path):
    """Give a house whose steps are journaled."""
    scribe = Scribe(path)
    yield scribe
    scribe.journal.close()


def newest(path, suffix=LOG):
    """The newest file of a kind."""
    return Folder(path).numbered(suffix)[-1][1]


def test_entries_come_back_as_they_went_in(scribe, path, make):
    """Events come back in order with the commands that followed and their numbers, here and from a later opening."""
    scribe.live()
    entries = list(scribe.journal.entries())
    assert events(entries) == scribe.history
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
    again = Core()
    assert [entry.commands for entry in entries] == [again.decide(event) for event in scribe.history]
    scribe.journal.close()
    journal = make(path)
    assert list(journal.entries()) == entries
    assert list(journal.entries(after=5)) == entries[5:]
    assert list(Folder(path).events(after=3)) == scribe.history[3:]


def test_every_kind_of_entry_and_text_survives(path, make):
    """A snapshot's parts, control characters and all planes of Unicode are the same after a turn through the file."""
    history = [
        ev.Snapshot(
            at=1,
            asked=1,
            calls=(ev.HeldCall(call="1.1", queue="q", since=0, priority=3, waiting=False, caller="\x1b\u202e\0"),),
            legs=(ev.LiveLeg(offer="o", call="c", seat="1", joined=True),),
            handsets=(ev.HandsetState(seat="1", reachable=True, busy=False),),
        ),
        ev.CallArrived(at=2, call="c", queue="q", caller="😀 zażółć", priority=0, since=1, medium="video"),
    ]
    commands = [cmd.Offer(offer="o", call="c", seat="1", ring_ms=1), cmd.TakeSnapshot()]
    journal = make(path)
    for event in history:
        journal.append(event, commands)
    journal.refuse(history[0], "a rule failed")
    journal.refuse(ev.CallArrived(at=3, call="\ud800", queue="q"), "a half character")
    core = Core()
    journal.restate(core.state, "a new begin")
    journal.commit()
    first, second, third, fourth, fifth = journal.entries()
    assert (first, second) == (Entry(1, history[0], commands), Entry(2, history[1], commands))
    assert third == Refused(3, history[0], "a rule failed")
    assert (fourth.event, fourth.reason[-16:]) == (None, "a half character")
    assert isinstance(fifth, Gap)
    assert (fifth.seq, fifth.lost, bytes(fifth.state)) == (5, 0, encode(core.state))


def test_what_cannot_be_written_is_not_taken_in(scribe):
    """An event with half a character in it is an error at once, and the next entry has the number it would have had."""
    number = scribe.journal.seq
    with pytest.raises(ValueError, match="surrogates"):
        scribe.journal.append(ev.CallArrived(at=scribe.now, call="\ud800", queue="sales"), [])
    scribe.arrive("a")
    assert scribe.journal.seq == number + 1
    assert events(scribe.journal.entries(after=number))[0].call == "a"


def test_a_restored_core_is_the_same_core(scribe, path, make):
    """A restart has the state that was, to the last byte, and the same next deadline."""
    scribe.live()
    scribe.journal.close()
    core = make(path).restore()
    assert encode(core.state) == scribe.bytes
    assert core.next_deadline() == scribe.core.next_deadline()


@settings(max_examples=25, deadline=None)
@given(cuts=st.sets(st.integers(1, 15), max_size=4))
def test_any_moment_can_be_had_again(tmp_path_factory, cuts):
    """Wherever states were stored, the core just before each entry is what it was then, and the end is the end."""
    path = tmp_path_factory.mktemp("journal") / "j"
    scribe = Scribe(path).live()
    core = Core()
    journal = Journal(path.with_name("k"))
    moments = []
    for number, event in enumerate(scribe.history, 1):
        moments.append(encode(core.state))
        journal.append(event, core.decide(event))
        journal.commit()
        if number in cuts:
            journal.save(core.state)
            journal._saving.result()
    assert [encode(journal.core_at(seq).state) for seq in range(1, len(moments) + 1)] == moments
    assert encode(journal.restore().state) == scribe.bytes
    scribe.journal.close()
    journal.close()


def test_a_stored_state_spares_the_replay(scribe, path, make, monkeypatch):
    """Entries before the newest state are not decided again at a start."""
    scribe.live()
    scribe.journal.save(scribe.state)
    scribe.journal.close()
    decided = []
    monkeypatch.setattr(Core, "decide", lambda _core, event: decided.append(event))
    assert encode(make(path).restore().state) == scribe.bytes
    assert decided == []


@pytest.mark.parametrize("harm", [b"", b"callfloor journal\n", b"x" * 500, None])
def test_a_damaged_state_costs_an_older_one(scribe, path, make, harm):
    """Of several states the newest that can be read is used, and what was wrong with the other is said."""
    scribe.live()
    scribe.journal.save(scribe.state)
    scribe.journal._saving.result()
    scribe.arrive("later")
    scribe.journal.save(scribe.state)
    scribe.journal.close()
    file = newest(path, STATE)
    data = file.read_bytes()
    file.write_bytes(data[:-9] + bytes([data[-9] ^ 1]) + data[-8:] if harm is None else harm)
    with capture_logs() as logs:
        assert encode(make(path).restore().state) == scribe.bytes
    [said] = [entry for entry in logs if entry["event"] == "stored state not used"]
    assert file.name in said["reason"]


def test_states_are_stored_by_themselves(path, monkeypatch):
    """After so many entries the state is stored, of which the newest and each file's first are kept."""
    monkeypatch.setattr(writer, "STATE_ENTRIES", 10)
    monkeypatch.setattr(writer, "SEGMENT_BYTES", 4_000)
    scribe = Scribe(path)
    for number in range(60):
        scribe.crowd(1, f"{number}-")
        scribe.journal.tend(scribe.state)
        if scribe.journal._saving is not None:
            scribe.journal._saving.result()
    scribe.journal.close()
    files = [number for number, _ in Folder(path).numbered(LOG)]
    states = [number for number, _ in Folder(path).numbered(STATE)]
    assert len(files) >= 3
    assert set(states) >= {first - 1 for first in files[1:]}, "a file begins where a state ends"
    assert len(states) <= len(files) + segments.STATES_KEPT
    assert max(states) >= scribe.journal.seq - 10
    assert compare(Folder(path)).states == len(states)


def test_old_files_are_let_go(path, make, monkeypatch):
    """`keep_ms` lets whole files go that are older, never one that the oldest kept state needs; the rest replays."""
    monkeypatch.setattr(writer, "SEGMENT_BYTES", 2_000)
    scribe = Scribe(path, keep_ms=600_000)
    monkeypatch.setattr(segments.time, "time_ns", lambda: scribe.now * 1_000_000)
    for number in range(60):
        scribe.crowd(1, f"{number}-")
        scribe.pass_time(60_000)
        scribe.journal.tend(scribe.state)
        if scribe.journal._saving is not None:
            scribe.journal._saving.result()
    scribe.journal.close()
    (first, _), *_ = Folder(path).numbered(LOG)
    assert first > 1
    assert Folder(path).numbered(STATE)[0][0] >= first - 1
    verdict = compare(Folder(path))
    assert verdict.difference == ""
    assert verdict.entries > 0
    journal = make(path)
    assert encode(journal.restore().state) == scribe.bytes
    assert [entry.seq for entry in journal.entries()] == list(range(first, scribe.journal.seq + 1))
    for out_of_reach in (first - 1, scribe.journal.seq + 2):
        with pytest.raises(JournalError, match=f"just before entry {out_of_reach} cannot be had"):
            journal.core_at(out_of_reach)


def test_another_build_begins_a_file_and_says_so(scribe, path, make, monkeypatch):
    """A new version goes on in a file of its own that begins with the state whole; its replay judges itself alone."""
    scribe.live()
    scribe.journal.close()
    monkeypatch.setattr(writer, "build", lambda: "9.9+new")
    monkeypatch.setattr(segments, "build", lambda: "9.9+new")
    journal = make(path)
    core = journal.restore()
    assert encode(core.state) == scribe.bytes
    event = ev.CallEnded(at=core.state.now, call="a")
    journal.append(event, core.decide(event))
    journal.commit()
    *_, gap, entry = journal.entries()
    assert "9.9+new takes over from" in gap.why
    assert (gap.lost, bytes(gap.state)) == (0, scribe.bytes)
    assert len(Folder(path).numbered(LOG)) == 2
    verdict = compare(Folder(path))
    assert (verdict.difference, verdict.builds) == ("", ["9.9+new"])
    assert entry.event == event


def test_the_build_is_a_matter_of_what_decides(tmp_path):
    """The fingerprint changes with any source below a folder, its name included, and with nothing else."""
    (tmp_path / "core").mkdir()
    source = tmp_path / "core/rule.py"
    source.write_text("a = 1")
    before = builds.fingerprint(tmp_path)
    (tmp_path / "core/notes.txt").write_text("no source")
    assert builds.fingerprint(tmp_path) == before
    source.write_text("a = 2")
    changed = builds.fingerprint(tmp_path)
    source.rename(source.with_name("rules.py"))
    assert len({before, changed, builds.fingerprint(tmp_path)}) == 3
    assert builds.build().partition("+")[2]


def test_another_format_is_refused(scribe, path):
    """A journal of a later callfloor is not guessed at: both formats are named, and what to do."""
    scribe.journal.close()
    file = newest(path)
    header = {"format": 99, "kind": "log", "seq": 1, "at": 0, "build": "x", "later": True}
    file.write_bytes(frames.MAGIC + frames.frame(msgspec.msgpack.encode(header)) + b"\xc1 and so on")
    with pytest.raises(JournalError, match=rf"journal format 99, this callfloor reads {FORMAT}; start the callfloor"):
        Journal(path)


@pytest.mark.parametrize(
    "content", [b"not a journal, only text " * 100, b"\0" * 4096, b"SQLite format 3\0" + b"x" * 500]
)
def test_a_file_that_is_no_journal_is_named_and_left_as_it_is(path, content):
    """Garbage is an error that says what to do; the file is not touched."""
    path.mkdir()
    file = path / f"{1:020}{LOG}"
    file.write_bytes(content)
    with pytest.raises(JournalError, match=rf"{file}: this does not begin like .* move {path} away"):
        Journal(path)
    assert file.read_bytes() == content


def test_a_journal_of_an_earlier_callfloor_is_said_to_be_left(path, make):
    """An SQLite file beside a new journal is not read, and the log says what that means."""
    path.with_name("journal.sqlite3").write_bytes(b"SQLite format 3\0")
    with capture_logs() as logs:
        make(path)
    [said] = [entry for entry in logs if entry["log_level"] == "warning"]
    assert "journal.sqlite3 is of an earlier callfloor" in said["event"]
    assert said["mend"] == "delete it"


def test_there_is_one_writer(path, make):
    """A second opener is told who writes; when that one is closed, or killed, the journal is free."""
    journal = make(path)
    with pytest.raises(JournalError, match=rf"another callfloor, pid {os.getpid()}, writes this journal"):
        Journal(path)
    journal.close()
    program = (
        "import sys, time; from pathlib import Path; from acd.journal import Journal\n"
        "journal = Journal(Path(sys.argv[1])); print('open', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(path)], cwd=ROOT, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"open\n"
        with pytest.raises(JournalError, match=f"pid {other.pid}"):
            Journal(path)
        other.kill()
    make(path)


@pytest.mark.parametrize("where", ["no/such/folder/journal", "file"])
def test_a_place_where_no_folder_can_be_is_said(tmp_path, where):
    """A missing folder, or a file in its place, is said to be that."""
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match="cannot be opened"):
        Journal(tmp_path / where)


def test_a_reader_sees_whole_entries_while_one_writes(scribe, path):
    """Another process reads beside the writer, and `follow` gives each new entry as it comes."""
    scribe.live()
    follower = Folder(path).follow(after=3)
    assert next(follower).seq == 4
    program = (
        "import sys; from pathlib import Path; from acd.journal import Folder\n"
        "print(len(list(Folder(Path(sys.argv[1])).entries())))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert int(done.stdout) == scribe.journal.seq
    seen = [next(follower).seq for _ in range(5, scribe.journal.seq + 1)]
    scribe.arrive("new")
    assert next(follower).event.call == "new"
    assert seen == list(range(5, scribe.journal.seq))


def test_who_follows_is_led_from_file_to_file(path, monkeypatch):
    """Entries are followed across the begin of new files, each once and in order, and the end of a file is no end."""
    monkeypatch.setattr(segments, "SEGMENT_BYTES", 400)
    scribe = Scribe(path)
    follower = Folder(path).follow(after=0)
    seen = []
    for number in range(20):
        scribe.crowd(1, f"{number}-")
        while len(seen) < scribe.journal.seq:
            seen.append(next(follower))
    scribe.journal.close()
    assert events(seen) == scribe.history
    assert len(Folder(path).numbered(LOG)) > 3
