"""The journal decided again: equal to the last byte, or the first difference; and entries that cannot be decided."""

import msgspec
import pytest
from structlog.testing import capture_logs

from acd.core import Core
from acd.core import events as ev
from acd.journal import Folder, Journal, builds, compare, folder, rebuild, replay, writer
from acd.journal.audit import as_json, as_line, survey
from acd.journal.entries import encode
from tests.acd.scribe import HOSTILE, Scribe
from tests.sim.day import run


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


@pytest.mark.parametrize("seed", range(3))
async def test_a_day_of_trouble_replays_to_the_last_byte(path, seed):
    """A simulated day of broken links and callers who give up is decided again the same, stored states included."""
    tape = run(seed, 600).tape
    journal = Journal(path)
    core = Core()
    commands = 0
    for number, event in enumerate(tape, 1):
        followed = core.decide(event)
        commands += len(followed)
        journal.append(event, followed)
        journal.commit()
        if number % 10 == 0:
            journal.save(core.state)
            journal._saving.result()
    journal.close()
    verdict = compare(Folder(path))
    assert verdict.difference == ""
    assert (verdict.entries, verdict.commands) == (len(tape), commands)
    assert commands > 20
    assert verdict.states >= 4


def test_the_first_difference_is_shown(scribe, path):
    """A command that would not follow today is named: which entry, what was expected, what came."""
    scribe.log_in("101")
    entry = scribe.journal.append(ev.CallArrived(at=scribe.now, call="x", queue="sales"), [])
    scribe.journal.commit()
    verdict = compare(Folder(path))
    first, expected, got = verdict.difference.splitlines()
    assert first.startswith(f"entry {entry}: CallArrived(")
    assert expected == "  expected []"
    assert "'type': 'Offer'" in got
    assert "'call': 'x'" in got


def test_a_difference_in_what_another_build_wrote_says_so(scribe, path, monkeypatch):
    """Who compares with other rules is told that this may be all."""
    scribe.journal.append(ev.CallArrived(at=scribe.now, call="x", queue="nowhere"), [])
    scribe.journal.commit()
    monkeypatch.setattr(replay, "build", lambda: "9.9+new")
    verdict = compare(Folder(path))
    assert verdict.builds == [builds.build()]
    assert verdict.difference.endswith("rules differ")


def test_a_stored_state_that_differs_is_a_difference(scribe, path):
    """Not the commands alone are compared: a stored state that the entries do not lead to is found, by its field."""
    scribe.live()
    scribe.state.calls_counted += 7
    scribe.journal.save(scribe.state)
    scribe.journal._saving.result()
    scribe.arrive("later")
    assert compare(Folder(path)).difference.endswith("is another than the replay's: calls_counted")


def poison(monkeypatch, *names):
    """Let `decide` fail on some calls, after it has changed the state."""
    decide = Core.decide

    def fail(core, event):
        commands = decide(core, event)
        if getattr(event, "call", "") in names:
            raise KeyError(event.call)
        return commands

    monkeypatch.setattr(Core, "decide", fail)


def test_entries_that_cannot_be_decided_do_not_stop_a_start(scribe, path, monkeypatch):
    """Each is left out whole, said, and an alarm; the state is that of all others, and is a new begin for replays."""
    clean = Scribe(path.with_name("clean"))
    for each in (scribe, clean):
        each.log_in("101")
        each.pass_time(1)
        for name in ("a", "bad", "b", "worse", "c"):
            each.now += 1
            if each is scribe or name not in {"bad", "worse"}:
                each.give(ev.CallArrived(call=name, queue="support", priority=3))
    scribe.journal.close()
    clean.journal.close()
    poison(monkeypatch, "bad", "worse")
    journal = Journal(path)
    with capture_logs() as logs:
        core = journal.restore()
    assert [entry["log_level"] for entry in logs] == ["critical", "critical"]
    assert [alarm.partition(" cannot")[2] for alarm in journal.alarms] == [
        " be decided: KeyError: 'bad'",
        " be decided: KeyError: 'worse'",
    ]
    numbers = {name: call.number for name, call in core.state.calls.items()}
    assert numbers == {name: call.number for name, call in clean.state.calls.items()}
    journal.append(ev.CallEnded(at=core.state.now, call="a"), core.decide(ev.CallEnded(at=core.state.now, call="a")))
    journal.commit()
    journal.tend(core.state)
    journal._saving.result()
    with capture_logs() as logs:
        assert encode(journal.restore().state) == encode(core.state)
    assert logs == [], "once is enough"
    journal.close()


def test_an_entry_that_this_build_wrote_and_cannot_read_is_left_out(scribe, path):
    """An event with a value of a wrong kind, a fault of ours, is told at the next start and does not stop it."""
    scribe.live()
    before = scribe.bytes
    scribe.journal.append(ev.CallEnded(at=scribe.now, call=7), [])
    scribe.journal.commit()
    with capture_logs() as logs:
        core = scribe.journal.restore()
    assert encode(core.state) == before
    assert [entry["log_level"] for entry in logs] == ["critical"]
    assert "cannot be read" in scribe.journal.alarms[0]


def test_an_entry_that_another_build_wrote_and_we_cannot_read_stops_the_start(scribe, path, monkeypatch):
    """After a step back to an older callfloor nothing is guessed: the error names the one to start."""
    scribe.journal.append(ev.CallEnded(at=scribe.now, call=7), [])
    scribe.journal.commit()
    monkeypatch.setattr(replay, "build", lambda: "0.0+old")
    with pytest.raises(folder.UnreadableError, match=f"it was written by {builds.build()}".replace("+", r"\+")):
        rebuild(Folder(path))


def test_refused_events_change_nothing_in_a_replay(scribe, path):
    """What was refused at run time is passed over, and counted."""
    scribe.live()
    scribe.journal.refuse(ev.CallArrived(at=scribe.now, call="bad", queue="sales"), "a rule failed")
    scribe.arrive("good")
    verdict = compare(Folder(path))
    assert (verdict.difference, verdict.refused) == ("", 1)
    assert encode(rebuild(Folder(path)).core.state) == scribe.bytes
    assert survey(Folder(path)).refused == [f"entry {scribe.journal.seq - 1} could not be decided: 'a rule failed'"]


def test_entries_for_programs_and_for_people(scribe):
    """An entry is an object on one line of JSON; to read, a line where nothing that a caller sent steers a terminal."""
    scribe.live()
    scribe.journal.refuse(ev.CallArrived(at=scribe.now, call="bad", queue="sales", caller=HOSTILE), HOSTILE)
    scribe.journal.restate(scribe.state, "a new begin")
    entries = list(scribe.journal.entries())
    for entry in entries:
        parsed = msgspec.json.decode(as_json(entry))
        assert parsed["seq"] == entry.seq
        assert as_json(entry).count(b"\n") == 0
        line = as_line(entry)
        assert line.isprintable()
        assert f"#{entry.seq}  " in line
    arrivals = [entry for entry in entries if isinstance(getattr(entry, "event", None), ev.CallArrived)]
    assert msgspec.json.decode(as_json(arrivals[1]))["event"]["caller"] == HOSTILE
    assert "CallArrived call='a' queue='sales'  ->  Offer offer=" in as_line(arrivals[0])
    assert "REFUSED CallArrived call='bad'" in as_line(entries[-2])
    assert as_line(entries[-1]).endswith("NEW BEGIN: 'a new begin'")


def test_a_survey_counts_what_is_there(path, monkeypatch):
    """Entries, files, states and times are those of the journal; a damaged state is a fault."""
    monkeypatch.setattr(writer, "SEGMENT_BYTES", 2_000)
    scribe = Scribe(path)
    for number in range(20):
        scribe.crowd(1, f"{number}-")
        scribe.journal.tend(scribe.state)
        if scribe.journal._saving is not None:
            scribe.journal._saving.result()
    scribe.journal.close()
    files, states = (Folder(path).numbered(suffix) for suffix in (folder.LOG, folder.STATE))
    found = survey(Folder(path))
    assert (found.entries, found.first, found.last) == (len(scribe.history), 1, len(scribe.history))
    assert (found.files, found.states) == (len(files), len(states))
    assert (found.begun_at, found.ended_at) == (scribe.history[0].at, scribe.history[-1].at)
    assert found.faults == found.gaps == found.refused == []
    states[0][1].write_bytes(b"callfloor journal\n???")
    [fault] = survey(Folder(path)).faults
    assert str(states[0][1]) in fault
