"""The dispatcher when a rule fails: a fault of callfloor costs one event and nothing else."""

import asyncio
import itertools

import msgspec
import pytest
from structlog.testing import capture_logs

from acd.core import Core
from acd.core import events as ev
from acd.dispatcher import RefusedError
from tests.acd.rig import Rig


@pytest.fixture
async def rig():
    """Give a dispatcher that has begun."""
    rig = Rig().begin()
    yield rig
    rig.dispatcher.close()


class FaultError(Exception):
    """A rule that fails."""


@pytest.fixture
def faulty(monkeypatch):
    """Let `decide` fail on calls named bad, and on deadlines when told, after it has changed the state."""
    faults = {"deadlines": False}
    decide = Core.decide

    def fail(core, event):
        commands = decide(core, event)
        if getattr(event, "call", "") == "bad" or (faults["deadlines"] and isinstance(event, ev.DeadlineReached)):
            raise FaultError("a rule failed")
        return commands

    monkeypatch.setattr(Core, "decide", fail)
    return faults


async def test_an_event_that_cannot_be_decided_changes_nothing(rig, faulty):
    """It is journaled as refused and said aloud; the state is as before it, half changes included, and calls go on."""
    await rig.log_in()
    before = msgspec.msgpack.encode(rig.state)
    with capture_logs() as logs:
        rig.dispatcher.submit(ev.CallArrived(call="bad", queue="sales"))
    assert msgspec.msgpack.encode(rig.state) == before
    [(event, reason)] = rig.journal.refused
    assert (event.call, reason) == ("bad", "FaultError: a rule failed")
    assert [entry["log_level"] for entry in logs] == ["critical"]
    assert "could not be decided: FaultError: a rule failed" in rig.dispatcher.alarms[0]
    rig.dispatcher.submit(ev.CallArrived(call="good", queue="sales"))
    assert rig.diary[-2:] == [("told", "offer"), ("told", "show 101 ringing")]


async def test_without_a_readable_journal_a_faulty_event_leaves_a_mark(rig, faulty):
    """Where the state before cannot be had the present one goes into the journal, so that a replay stays exact."""
    rig.journal.lost = True
    rig.dispatcher.submit(ev.CallArrived(call="bad", queue="sales"))
    [(state, why)] = rig.journal.restated
    assert state == msgspec.msgpack.encode(rig.state)
    assert why.endswith("may have left its traces")


async def test_an_event_that_cannot_be_written_is_refused(rig):
    """What the journal cannot hold is not decided either: a replay could not know of it."""
    rig.dispatcher.submit(ev.CallArrived(call="1.1", queue="sales", caller="\ud800"))
    assert rig.state.calls == {}
    assert len(rig.journal.refused) == 1


async def test_a_wish_that_cannot_be_decided_fails_for_its_asker(rig, monkeypatch):
    """An agent's wish that meets a fault does not hang: whoever asked gets an error."""
    monkeypatch.setattr(Core, "decide", lambda *_: 1 / 0)
    with pytest.raises(RefusedError):
        await asyncio.wait_for(rig.dispatcher.ask(ev.ReadyAsked(seat="101")), 5)


async def test_a_deadline_that_cannot_be_decided_is_not_tried_without_end(rig, faulty):
    """It is tried again after a second, then two, four: a faulty rule must not take the whole processor."""
    await rig.log_in()
    rig.dispatcher.submit(ev.CallArrived(call="1.1", queue="sales"))
    [offer] = rig.state.offers
    rig.dispatcher.submit(ev.Connected(offer=offer), ev.OfferEnded(offer=offer, outcome="hung-up"))
    faulty["deadlines"] = True
    tried = []
    for _ in range(80):
        rig.now += 100
        rig.dispatcher.submit(ev.CallEnded(call="nobody"))
        if len(rig.journal.refused) > len(tried):
            tried.append(rig.now)
    assert [later - former for former, later in itertools.pairwise(tried)] == [1_000, 2_000, 4_000]
    faulty["deadlines"] = False
    rig.now += 60_000
    rig.dispatcher.submit(ev.CallEnded(call="nobody"))
    assert rig.state.seats["101"].shown == "ready"


async def test_a_watcher_that_fails_keeps_no_call_from_its_agent(rig):
    """It is said, others are told all the same, and the event and what follows are carried out."""
    seen = []
    rig.dispatcher.watchers += [lambda *_: 1 / 0, lambda event, _commands: seen.append(type(event))]
    await rig.log_in()
    with capture_logs() as logs:
        rig.dispatcher.submit(ev.CallArrived(call="1.1", queue="sales"))
    assert seen[-1] is ev.CallArrived
    assert rig.diary[-2:] == [("told", "offer"), ("told", "show 101 ringing")]
    assert [entry["event"] for entry in logs] == ["watcher failed"]
    assert rig.dispatcher.alarms[-1] == "a watcher failed: ZeroDivisionError: division by zero"
