"""The journal: what was stored is there, whole, whoever was killed when."""

import os
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acd.core import Core
from acd.core import events as ev
from acd.journal import FORMAT, Journal, JournalError
from tests.core.house import House, same

ROOT = Path(__file__).parents[2]


@pytest.fixture
def path(tmp_path):
    """Give the path of a journal that is not there yet."""
    return tmp_path / "journal.sqlite3"


@pytest.fixture
def make(path):
    """Give a way to open journals; all are closed at the end."""
    opened = []

    def make(where=path, **options):
        opened.append(Journal(where, **options))
        return opened[-1]

    yield make
    for journal in opened:
        journal.close()


def lived_house():
    """A house with history: a talk, a caller who waits, a seat that refused, a wish for later."""
    house = House()
    house.log_in("101", "102")
    house.arrive("a")
    house.talk("a")
    house.arrive("b", caller='"; DROP TABLE event; --')
    house.give(ev.OfferEnded(offer=house.offer_of("b"), outcome="refused"))
    house.give(ev.PauseAsked(seat="101", request=1, reason="lunch"))
    return house


def events_of(journal, after=0):
    return list(journal.events(after))


def test_what_is_appended_comes_back(make):
    """Events come back as they went in, in order, from this connection and from a new one."""
    house = lived_house()
    journal = make()
    journal.append(house.history[:3])
    journal.append(house.history[3:])
    assert events_of(journal) == house.history
    journal.close()
    assert events_of(make()) == house.history
    assert events_of(make(), after=5) == house.history[5:]


def test_every_kind_of_event_can_be_stored(make):
    """All events with all their fields survive, a snapshot's parts included."""
    history = [
        ev.Snapshot(
            at=1,
            asked=1,
            calls=(ev.HeldCall(call="1.1", queue="q", since=0, priority=3, waiting=False, caller="\x1b\u202e\0"),),
            legs=(ev.LiveLeg(offer="o", call="c", seat="1", joined=True),),
            handsets=(ev.HandsetState(seat="1", reachable=True, busy=False),),
        ),
        ev.CallArrived(at=2, call="c", queue="q", caller="😀 zażółć", priority=0, since=1, medium="video"),
        ev.LogInAsked(at=3, seat="101", request=7, pin_matches=False),
        ev.SwitchLost(at=4),
    ]
    journal = make()
    journal.append(history)
    assert events_of(journal) == history


def test_a_restored_core_is_the_same_core(make):
    """A replay of the journal gives the state that was, to the last byte, and the same next deadline."""
    house = lived_house()
    make().append(house.history)
    core = make().restore()
    assert same(core.state, house.state)
    assert core.next_deadline() == house.core.next_deadline()


@settings(max_examples=25, deadline=None)
@given(cut=st.integers(0, 20), later=st.integers(0, 20))
def test_a_stored_state_and_the_tail_are_the_same_core(tmp_path_factory, cut, later):
    """Wherever states were stored, the last one and the events after it give what all events give."""
    house = lived_house()
    journal = Journal(tmp_path_factory.mktemp("journal") / "j")
    core = Core()
    for number, event in enumerate(house.history, 1):
        journal.append([event])
        core.decide(event)
        if number in {cut, cut + later}:
            journal.save(core.state)
    assert same(journal.restore().state, house.state)
    journal.close()


def test_a_stored_state_spares_the_replay(make, monkeypatch):
    """Events before the last stored state are not decided again; of states the last alone is kept."""
    house = lived_house()
    journal = make()
    journal.append(house.history)
    journal.save(house.state)
    journal.save(house.state)
    assert journal._db.execute("SELECT count(*) FROM state").fetchone() == (1,)
    decided = []
    monkeypatch.setattr(Core, "decide", lambda _core, event: decided.append(event))
    assert same(make().restore().state, house.state)
    assert decided == []


def test_a_stored_state_of_an_older_make_is_left_aside(make):
    """A state that cannot be read costs a full replay and nothing else: the events are the truth."""
    house = lived_house()
    journal = make()
    journal.append(house.history)
    journal.save(house.state)
    journal._db.execute("UPDATE state SET body = '{\"calls\": 7}'")
    assert same(make().restore().state, house.state)


class Unencodable(ev.Event, frozen=True, kw_only=True):
    """An event that cannot be written."""

    what: object


def test_a_batch_is_stored_whole_or_not_at_all(make):
    """When one of several entries cannot be stored none is, and the next batch is numbered as if nothing had been."""
    journal = make()
    journal.append([ev.SwitchLost(at=1)])
    journal._db.execute(
        "CREATE TRIGGER full BEFORE INSERT ON event WHEN NEW.at = 3 BEGIN SELECT RAISE(ABORT, 'full'); END"
    )
    with pytest.raises(OSError, match="the journal takes no entry: full") as caught:
        journal.append([ev.SwitchLost(at=2), ev.SwitchLost(at=3)])
    assert caught.value.filename == str(journal.path)
    journal.append([ev.SwitchLost(at=4)])
    assert [event.at for event in events_of(journal)] == [1, 4]
    assert journal._db.execute("SELECT max(seq) FROM event").fetchone() == (2,)
    with pytest.raises(TypeError):
        journal.append([ev.SwitchLost(at=5), Unencodable(at=6, what=object())])
    assert len(events_of(journal)) == 2


def test_a_state_that_cannot_be_stored_leaves_the_old_one(make):
    """A failed `save` is an OSError, and the state stored before is still there."""
    house = lived_house()
    journal = make()
    journal.append(house.history)
    journal.save(house.state)
    journal._db.execute("CREATE TRIGGER full BEFORE INSERT ON state BEGIN SELECT RAISE(ABORT, 'full'); END")
    with pytest.raises(OSError, match="the journal takes no snapshot: full"):
        journal.save(house.state)
    assert journal._db.execute("SELECT count(*) FROM state").fetchone() == (1,)


def test_somebody_elses_lock_is_an_error_and_not_a_wait(make):
    """While an SQLite shell holds the file an append fails within a moment, and works when it is free."""
    journal = make()
    with sqlite3.connect(journal.path, isolation_level=None) as shell:
        shell.execute("BEGIN IMMEDIATE")
        with pytest.raises(OSError, match="locked"):
            journal.append([ev.SwitchLost(at=1)])
        shell.execute("ROLLBACK")
    shell.close()
    journal.append([ev.SwitchLost(at=1)])
    assert len(events_of(journal)) == 1


@pytest.mark.parametrize(("durability", "synchronous"), [("process", 1), ("power", 2)])
def test_durability_is_what_was_asked_for(make, durability, synchronous):
    """WAL always; synchronous NORMAL outlives the process, FULL a power cut (SQLite's numbers 1 and 2)."""
    journal = make(durability=durability)
    assert journal._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert journal._db.execute("PRAGMA synchronous").fetchone() == (synchronous,)


@pytest.mark.parametrize(
    "content", [b"not a database, only text " * 100, os.urandom(8192), b"SQLite format 3\0" + b"x" * 5000]
)
def test_a_file_that_is_no_journal_is_named_and_left_as_it_is(path, content):
    """Garbage is an error that says what to do; the file is not touched."""
    path.write_bytes(content)
    with pytest.raises(JournalError, match=r"journal\.sqlite3: not a journal .*move it away"):
        Journal(path)
    assert path.read_bytes() == content


def test_a_journal_of_another_format_is_refused(make):
    """A journal of a later callfloor is not guessed at: both formats are named."""
    make()._db.execute("UPDATE meta SET value = '99' WHERE key = 'format'")
    with pytest.raises(JournalError, match=rf"format 99, this callfloor reads {FORMAT}; move it away"):
        make()


@pytest.mark.parametrize("body", ["{", "{}", '{"type":"Unheard","at":1}', '{"type":"CallEnded","at":"x","call":"1"}'])
def test_an_entry_that_cannot_be_read_is_named(make, body):
    """An entry that is no event stops the replay with its number; nothing is skipped in silence."""
    journal = make()
    journal.append([ev.SwitchLost(at=1)])
    journal._db.execute("INSERT INTO event VALUES (2, 2, ?)", (body,))
    with pytest.raises(JournalError, match=r"journal\.sqlite3: entry 2 cannot be read"):
        journal.restore()


@pytest.mark.parametrize("where", ["no/such/folder/journal", "."])
def test_a_place_where_no_file_can_be_is_told_from_a_file_that_is_no_journal(tmp_path, where):
    """A missing folder, or a folder in its place, is said to be that: there is nothing to move away."""
    with pytest.raises(JournalError, match="cannot be opened") as caught:
        Journal(tmp_path / where)
    assert "move it away" not in str(caught.value)


AS_NOBODY = """
import os, sys
from pathlib import Path
from acd.journal import Journal, JournalError
os.seteuid(65534)
try:
    Journal(Path(sys.argv[1]))
except JournalError as error:
    print(error)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="takes root to give up the right to write")
@pytest.mark.parametrize("exists", [False, True])
def test_a_journal_that_may_not_be_written_is_an_error_that_says_so(exists):
    """Where this user may not write, opening fails with one line, and nothing is made or changed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        if exists:
            Journal(folder / "journal").close()
        before = sorted(folder.iterdir())
        words = [sys.executable, "-c", AS_NOBODY, str(folder / "journal")]
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
        assert re.fullmatch(r".*/journal: the journal cannot be opened: .*\n", done.stdout)
        assert sorted(folder.iterdir()) == before


def test_bodies_are_plain_json_for_an_sqlite_shell(make):
    """An admin reads the log with any SQLite shell: one JSON object an event, its kind under `type`."""
    journal = make()
    journal.append([ev.CallEnded(at=5, call="1.1", reason="key-exit")])
    [(seq, at, body)] = journal._db.execute("SELECT * FROM event")
    assert (seq, at) == (1, 5)
    assert msgspec.json.decode(body) == {"type": "CallEnded", "at": 5, "call": "1.1", "reason": "key-exit"}


WRITER = """
import sys
from pathlib import Path
from acd.core import events as ev
from acd.journal import Journal
journal = Journal(Path(sys.argv[1]))
at = 0
while True:
    journal.append([ev.CallArrived(at=at + n, call=str(at + n), queue="q", caller="x" * 200) for n in range(3)])
    at += 3
    print(at, flush=True)
"""


def test_a_killed_writer_leaves_a_whole_journal(path, make):
    """After SIGKILL in the midst of writing, all that was said to be stored is there, in whole batches, and goes on."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as writer:
        stored = 0
        for line in writer.stdout:
            stored = int(line)
            if stored >= 300:
                writer.send_signal(signal.SIGKILL)
                break
        stored = max([stored, *(int(line) for line in writer.stdout if line.endswith("\n"))])
    journal = make()
    ats = [event.at for event in events_of(journal)]
    assert ats == list(range(len(ats)))
    assert len(ats) >= stored
    assert len(ats) % 3 == 0
    journal.append([ev.SwitchLost(at=len(ats))])
    assert len(events_of(make())) == len(ats) + 1


def test_another_process_reads_while_one_writes(path, make):
    """A reader beside the running server sees whole entries and does not stand in its way."""
    journal = make()
    journal.append([ev.SwitchLost(at=1)])
    program = (
        "import sys; from pathlib import Path; from acd.journal import Journal\n"
        "print(len(list(Journal(Path(sys.argv[1])).events())))"
    )
    reading = journal.events()
    next(reading)
    journal.append([ev.SwitchLost(at=2)])
    done = subprocess.run(
        [sys.executable, "-c", program, str(path)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "2"
