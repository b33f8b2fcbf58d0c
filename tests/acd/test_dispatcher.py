"""The dispatcher: one inbox, one clock, the journal before the command."""

import asyncio

import pytest
from structlog.testing import capture_logs

from acd.core import commands as cmd
from acd.core import events as ev
from acd.core import invariants
from acd.dispatcher import Clock
from tests.acd.rig import LOOK, START, Rig, Switch


@pytest.fixture
async def rig():
    """Give a dispatcher that has begun."""
    rig = Rig().begin()
    yield rig
    rig.dispatcher.close()


async def test_stamps_never_run_backwards(rig):
    """An event is stamped by the clock when it is taken in; a clock that steps back holds the stamp where it was."""
    for now in (START + 5, START + 3, START + 9):
        rig.now = now
        rig.dispatcher.submit(ev.CallArrived(call=str(now), queue="sales"))
    assert [event.at for event in rig.journal.stored[-3:]] == [START + 5, START + 5, START + 9]


def test_the_clock_begins_no_earlier_than_the_last_run_ended():
    """A machine clock that was set back does not bring back a time that was: it is said, and time goes on."""
    with capture_logs() as logs:
        assert Clock(not_before=9_000_000_000_000)() >= 9_000_000_000_000
    assert [entry["event"] for entry in logs] == ["clock was set back"]
    clock = Clock(not_before=0)
    assert START - 300 * 24 * 3_600_000 < clock() <= clock() < 9_000_000_000_000


async def test_an_event_is_stored_before_anything_follows_from_it(rig):
    """The journal has the arrival before the switch is told to ring."""
    await rig.log_in()
    rig.diary.clear()
    rig.dispatcher.submit(ev.CallArrived(call="1.1", queue="sales"))
    assert rig.diary == [("stored", "CallArrived"), ("told", "offer"), ("told", "show 101 ringing")]


async def test_what_an_executor_submits_waits_its_turn(rig):
    """An event from within a command is taken in after all commands of the present one, in the same call."""
    await rig.log_in()
    failed = []

    def fail(name, command):
        if name == "offer" and not failed:
            failed.append(command)
            rig.dispatcher.submit(ev.OfferEnded(offer=command.offer, outcome="failed"))
            assert rig.state.offers, "decided in the midst of another event"

    rig.switch.answer = fail
    rig.diary.clear()
    rig.dispatcher.submit(ev.CallArrived(call="1.1", queue="sales"))
    assert rig.diary == [
        ("stored", "CallArrived"),
        ("told", "offer"),
        ("told", "show 101 ringing"),
        ("stored", "OfferEnded"),
        ("told", "show 101 ready"),
    ]
    assert rig.state.offers == {}


async def test_several_events_are_taken_in_order(rig):
    """`submit` takes them one after another, each decided before the next."""
    rig.dispatcher.submit(ev.CallArrived(call="b", queue="sales"), ev.CallArrived(call="a", queue="sales"))
    rig.dispatcher.submit(ev.CallEnded(call="b"))
    assert [getattr(event, "call", "") for event, _ in rig.seen[-3:]] == ["b", "a", "b"]
    assert list(rig.state.calls) == ["a"]


async def test_watchers_see_events_with_their_commands_after_they_were_handed_out(rig):
    """A watcher is called last, with the stamped event and what followed."""
    await rig.log_in()
    rig.dispatcher.watchers.append(lambda event, _commands: rig.diary.append(("seen", type(event).__name__)))
    rig.diary.clear()
    rig.dispatcher.submit(ev.CallArrived(call="1.1", queue="sales"))
    assert rig.diary[-1] == ("seen", "CallArrived")
    event, commands = rig.seen[-1]
    assert event.at == START
    assert [type(command) for command in commands] == [cmd.Offer, cmd.ShowSeat]


async def test_what_is_overdue_is_decided_before_the_next_event(rig):
    """An event that comes after a deadline finds that deadline's work done, by an event of its own in the journal."""
    await rig.log_in()
    rig.dispatcher.submit(ev.CallArrived(call="1.1", queue="sales"))
    [offer] = rig.state.offers
    rig.dispatcher.submit(ev.Connected(offer=offer), ev.OfferEnded(offer=offer, outcome="hung-up"))
    rig.now += 1_000
    rig.dispatcher.submit(ev.CallEnded(call="1.1"))
    assert [type(event).__name__ for event in rig.journal.stored[-2:]] == ["DeadlineReached", "CallEnded"]
    assert rig.state.seats["101"].shown == "ready"


async def test_a_switch_that_is_lost_is_known_before_what_is_overdue(rig):
    """Nothing is decided on a switch out of sight, not even what was due before its loss was told."""
    rig.dispatcher.submit(ev.CallArrived(call="1.1", queue="sales"))
    rig.now += 10_000_000
    rig.dispatcher.submit(ev.SwitchLost())
    assert isinstance(rig.journal.stored[-1], ev.SwitchLost)
    assert ("told", "send_away") not in rig.diary


async def test_the_timer_wakes_for_a_deadline():
    """A wrap-up ends by itself, no event comes, and the seat is ready again."""
    rig = Rig(clock=Clock()).begin()
    await rig.log_in()
    rig.dispatcher.submit(ev.CallArrived(call="1.1", queue="sales"))
    [offer] = rig.state.offers
    rig.dispatcher.submit(ev.Connected(offer=offer), ev.OfferEnded(offer=offer, outcome="hung-up"))
    ended = rig.journal.stored[-1].at
    assert rig.state.seats["101"].shown == "wrap-up"
    async with asyncio.timeout(10):
        while rig.state.seats["101"].shown != "ready":  # noqa: ASYNC110 - waits for the dispatcher's own timer
            await asyncio.sleep(0.005)
    assert isinstance(rig.journal.stored[-1], ev.DeadlineReached)
    assert rig.journal.stored[-1].at >= ended + 50
    rig.dispatcher.close()


async def test_after_close_no_timer_wakes_and_nothing_is_decided(rig):
    """A closed dispatcher takes nothing in, and no deadline moves it."""
    rig.dispatcher.close()
    before = len(rig.journal.stored)
    rig.dispatcher.submit(ev.CallArrived(call="1.1", queue="sales"))
    assert len(rig.journal.stored) == before
    assert rig.dispatcher._timer is None or rig.dispatcher._timer.cancelled()


async def test_every_wish_gets_its_own_answer(rig):
    """Wishes that are put at the same time are answered each by its own reply."""
    await rig.log_in()
    wishes = [
        ev.PauseAsked(seat="101", reason="lunch"),
        ev.WrapUpEndAsked(seat="101"),
        ev.ReadyAsked(seat="101"),
        ev.LogOutAsked(seat="101"),
        ev.ReadyAsked(seat="101"),
        ev.ReadyAsked(seat="999"),
    ]
    answers = await asyncio.gather(*(rig.dispatcher.ask(wish) for wish in wishes))
    assert answers == ["ok", "already", "ok", "ok", "not-logged-in", "unknown-seat"]
    assert rig.dispatcher._asked == {}


async def test_who_stops_waiting_for_an_answer_harms_nobody(rig):
    """A wish whose asker is gone is fulfilled all the same."""
    task = asyncio.create_task(rig.dispatcher.ask(ev.LogInAsked(seat="101", pin_matches=True)))
    rig.switch.answer = lambda name, _command: name.startswith("show") and task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert rig.state.seats["101"].shown == "ready"
    assert await rig.dispatcher.ask(ev.LogOutAsked(seat="101")) == "ok"


async def test_calls_go_on_though_the_journal_takes_nothing(rig):
    """With a full disk calls are offered, and no command waits for it."""
    await rig.log_in()
    rig.journal.failed = "No space left on device"
    rig.dispatcher.submit(ev.CallArrived(call="1.1", queue="sales"))
    assert ("told", "offer") in rig.diary
    assert rig.dispatcher.journal_failed == "No space left on device"
    assert ("stored", "CallArrived") not in rig.diary


async def test_the_last_attempt_is_at_the_end(rig):
    """What waits for the disk is given to it once more when the dispatcher closes; its commands go nowhere."""
    await rig.log_in()
    rig.journal.slow = True
    rig.dispatcher.submit(ev.CallArrived(call="1.1", queue="sales"))
    rig.diary.clear()
    rig.dispatcher.close()
    assert rig.diary == [("stored", "CallArrived")]


async def test_commands_wait_for_a_disk_that_is_waited_for(rig):
    """Nothing is carried out before its entry is stored; then all is, in order, and watchers see it."""
    await rig.log_in()
    rig.journal.slow = True
    rig.diary.clear()
    rig.seen.clear()
    rig.dispatcher.submit(ev.CallArrived(call="1.1", queue="sales"))
    rig.dispatcher.submit(ev.CallEnded(call="1.1"))
    assert (rig.diary, rig.seen) == ([], [])
    rig.journal.sync()
    assert rig.diary == [
        ("stored", "CallArrived", "CallEnded"),
        ("told", "offer"),
        ("told", "show 101 ringing"),
        ("told", "withdraw"),
    ]
    assert [type(event) for event, _ in rig.seen] == [ev.CallArrived, ev.CallEnded]


async def test_drain_carries_out_what_waits(rig):
    """Before an orderly end the disk is waited for once, and what was decided is done."""
    await rig.log_in()
    rig.journal.slow = True
    rig.dispatcher.submit(ev.CallArrived(call="1.1", queue="sales"))
    rig.dispatcher.drain()
    assert rig.diary[-2:] == [("told", "offer"), ("told", "show 101 ringing")]


async def test_events_of_one_submit_and_of_one_group_are_one_write(rig):
    """What comes together is stored together, before any of its commands."""
    await rig.log_in()
    rig.diary.clear()
    rig.dispatcher.submit(ev.CallArrived(call="1.1", queue="sales"), ev.CallArrived(call="1.2", queue="sales"))
    assert rig.diary[0] == ("stored", "CallArrived", "CallArrived")
    rig.diary.clear()
    with rig.dispatcher.group():
        rig.dispatcher.submit(ev.CallEnded(call="1.1"))
        with rig.dispatcher.group():
            rig.dispatcher.submit(ev.CallEnded(call="1.2"))
        assert rig.diary == []
    assert rig.diary == [("stored", "CallEnded", "CallEnded"), ("told", "withdraw")]


async def test_a_broken_invariant_is_said_with_the_next_snapshot(rig, monkeypatch):
    """What is checked against the switch's word is logged as an error, and calls go on."""
    monkeypatch.setattr(invariants, "broken", lambda _state: iter(["a ghost"]))
    with capture_logs() as logs:
        rig.dispatcher.submit(LOOK)
    assert [(entry["log_level"], entry["fault"]) for entry in logs] == [("error", "a ghost")]


async def test_a_virtual_call_is_carried_out_by_whom_its_medium_names(rig):
    """Its offer and withdrawal do not come to the switch; those of a caller do."""
    await rig.log_in()
    other = Switch(told := [])
    rig.dispatcher.media["voicemail"] = other
    rig.diary.clear()
    rig.dispatcher.submit(ev.CallArrived(call="m", queue="sales", medium="voicemail"))
    rig.dispatcher.submit(ev.CallEnded(call="m", reason="done"))
    assert told == [("told", "offer"), ("told", "withdraw")]
    [offer] = rig.state.offers
    rig.dispatcher.submit(ev.OfferEnded(offer=offer, outcome="withdrawn"), ev.CallArrived(call="1.1", queue="sales"))
    assert ("told", "offer") in rig.diary
