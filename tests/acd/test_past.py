"""The journal on disk, as reports and `why` read it."""

import pytest

from acd.core import events as ev
from acd.history import Restated
from acd.journal import Folder, Journal, JournalError, segments
from acd.past import Past
from acd.reports.table import ALL, Table
from acd.why.search import find
from acd.why.story import follow
from tests.acd.made_day import EIGHT, HOUR, make_day


@pytest.fixture(scope="module")
def tape():
    """A small day."""
    return make_day(calls=60, seats=4)


@pytest.fixture
def stored(tape, tmp_path, monkeypatch):
    """Its journal on disk, in files of a few kilobytes."""
    monkeypatch.setattr(segments, "SEGMENT_BYTES", 4_000)
    journal = Journal(tmp_path / "journal")
    core = journal.restore()
    for entry in tape.entries():
        journal.append(entry.event, core.decide(entry.event))
        journal.commit()
    journal.save(core.state)
    journal.close()
    return Past(Folder(tmp_path / "journal"))


def test_the_same_entries_and_the_same_cores(tape, stored):
    """What is on disk is what was noted in memory, and any moment of it can be had again."""
    pairs = list(zip(tape.entries(), stored.entries(), strict=True))
    assert all((kept.seq, kept.event, list(kept.commands)) == (e.seq, e.event, list(e.commands)) for kept, e in pairs)
    for seq in (1, 2, 100, len(pairs)):
        assert stored.core_at(seq).state == tape.core_at(seq).state
    with pytest.raises(JournalError, match="cannot be had"):
        stored.core_at(len(pairs) + 2)


def test_a_time_is_found_without_reading_all(tape, stored):
    """All entries up to the number are older, and it is not far from the last that is."""
    entries = list(tape.entries())
    assert stored.before(0) == 0
    for at in (EIGHT + HOUR, EIGHT + 5 * HOUR, EIGHT + 20 * HOUR):
        number = stored.before(at)
        assert all(entry.event.at < at for entry in entries[:number])
        assert tape.before(at) - number < 100
    assert stored.before(EIGHT + 5 * HOUR) > 0


def test_figures_and_stories_from_disk(tape, stored):
    """Reports and `why` say the same from disk as from memory."""
    table, memory = Table(HOUR), Table(HOUR)
    table.fold(stored.entries())
    memory.fold(tape.entries())
    assert (table.calls, table.seats) == (memory.calls, memory.seats)
    assert table.total(ALL).offered == 60
    call, seq = find(stored, "call-30", EIGHT + 20 * HOUR)
    assert follow(stored, call, seq) == follow(tape, call, seq)


def test_missing_entries_and_refused_ones(tmp_path, tape):
    """A gap comes with its state; an event that was refused changed nothing and is left out."""
    journal = Journal(tmp_path / "journal")
    core = journal.restore()
    for entry in list(tape.entries())[:20]:
        journal.append(entry.event, core.decide(entry.event))
    journal.refuse(ev.CallEnded(at=core.state.now, call="x"), "a fault")
    journal.restate(core.state, "a fault may have left its traces")
    journal.commit()
    journal.close()
    entries = list(Past(Folder(tmp_path / "journal")).entries())
    assert [entry.seq for entry in entries] == [*range(1, 21), 22]
    assert isinstance(entries[-1], Restated)
    assert (entries[-1].lost, entries[-1].state) == (0, core.state)


def test_where_there_is_no_journal(tmp_path):
    """It says so, and how one begins."""
    with pytest.raises(JournalError, match="there is no journal"):
        Past(Folder(tmp_path))
