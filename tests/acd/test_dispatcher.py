"""The dispatcher: one inbox, one clock, the journal before the command."""

import asyncio

import msgspec
import pytest
from structlog.testing import capture_logs

from acd import dispatcher as module
from acd.core import Core, invariants
from acd.core import commands as cmd
from acd.core import events as ev
from acd.core.rules import QueueRule, SeatRule
from acd.dispatcher import Clock, Dispatcher

START = 1_800_000_000_000
CONFIGURED = ev.Configured(
    queues=(QueueRule(name="sales", wrap_up_ms=50),), seats=(SeatRule(name="101", queues=("sales",)),)
)
LOOK = ev.Snapshot(asked=0, calls=(), legs=(), handsets=(ev.HandsetState(seat="101", reachable=True, busy=False),))


class Journal:
    """Notes what is appended in a diary that it shares with the switch; `broken` is why it takes nothing."""

    def __init__(self, diary):
        self.diary = diary
        self.stored = []
        self.broken = ""

    def append(self, events):
        if self.broken:
            raise OSError(self.broken)
        events = list(events)
        self.stored += events
        self.diary += [("stored", type(event).__name__) for event in events]

    def close(self):
        self.diary.append(("closed", ""))


class Switch:
    """Notes what it is told to do; `answer` submits what comes of a command from within it."""

    def __init__(self, diary):
        self.diary = diary
        self.answer = lambda _name, _command: None

    def _do(self, name, command=None):
        self.diary.append(("told", name))
        self.answer(name, command)

    def offer(self, command):
        self._do("offer", command)

    def withdraw(self, command):
        self._do("withdraw", command)

    def send_away(self, command):
        self._do("send_away", command)

    def show_seat(self, seat, look):
        self._do(f"show {seat} {look}")

    def take_snapshot(self):
        self._do("take_snapshot")


class Rig:
    """A dispatcher with a clock that stands still unless it is set, or runs."""

    def __init__(self, *, clock=None):
        self.now = START
        self.diary = []
        self.journal, self.switch = Journal(self.diary), Switch(self.diary)
        self.dispatcher = Dispatcher(Core(), self.journal, self.switch, clock=clock or (lambda: self.now))
        self.seen = []
        self.dispatcher.watchers.append(lambda event, commands: self.seen.append((event, commands)))

    def begin(self):
        self.dispatcher.submit(ev.Started(run="t"), CONFIGURED, LOOK)
        return self

    async def log_in(self):
        assert await self.dispatcher.ask(ev.LogInAsked(seat="101", pin_matches=True)) == "ok"

    @property
    def state(self):
        return self.dispatcher.core.state


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
    assert not any(name == "send_away" for _, name in rig.diary)


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
    """A full disk is said once, calls are offered, and no command waits for the disk."""
    await rig.log_in()
    rig.journal.broken = "No space left on device"
    with capture_logs() as logs:
        rig.dispatcher.submit(ev.CallArrived(call="1.1", queue="sales"))
        rig.dispatcher.submit(ev.CallArrived(call="1.2", queue="sales"))
    assert ("told", "offer") in rig.diary
    assert rig.dispatcher.journal_failed == "No space left on device"
    assert [entry["log_level"] for entry in logs if entry["event"] == "journal failed"] == ["critical"]


async def test_what_the_journal_missed_is_made_up_for(rig):
    """When the disk is back all events are stored, in order, none twice; a snapshot is asked for."""
    rig.journal.broken = "No space left on device"
    rig.dispatcher.submit(ev.CallArrived(call="1.1", queue="sales"))
    rig.journal.broken = ""
    rig.dispatcher.submit(ev.CallArrived(call="1.2", queue="sales"))
    assert rig.dispatcher.journal_failed is not None, "tried again at once: a full disk would slow each call"
    rig.now += module.JOURNAL_RETRY_MS
    rig.dispatcher.submit(ev.CallArrived(call="1.3", queue="sales"))
    assert rig.dispatcher.journal_failed is None
    calls = [event.call for event in rig.journal.stored if isinstance(event, ev.CallArrived)]
    assert calls == ["1.1", "1.2", "1.3"]
    assert rig.diary[-1] == ("told", "take_snapshot")
    other = Core()
    for event in rig.journal.stored:
        other.decide(event)
    assert msgspec.json.encode(other.state) == msgspec.json.encode(rig.state)


async def test_the_last_attempt_is_at_the_end(rig):
    """Events that the journal would not take are offered to it once more when the dispatcher closes."""
    rig.journal.broken = "No space left on device"
    rig.dispatcher.submit(ev.CallArrived(call="1.1", queue="sales"))
    rig.journal.broken = ""
    rig.dispatcher.close()
    assert rig.journal.stored[-1].call == "1.1"


async def test_a_broken_invariant_is_said_with_the_next_snapshot(rig, monkeypatch):
    """What is checked against the switch's word is logged as an error, and calls go on."""
    monkeypatch.setattr(invariants, "broken", lambda _state: iter(["a ghost"]))
    with capture_logs() as logs:
        rig.dispatcher.submit(LOOK)
    assert [(entry["log_level"], entry["fault"]) for entry in logs] == [("error", "a ghost")]
