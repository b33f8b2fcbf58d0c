"""Restarts, a journal that fails, a clock that is set: whatever the machine does, the floor goes on."""

import errno

import msgspec
import pytest

from acd import dispatcher as module
from acd.core import Core
from acd.core import events as ev
from acd.core.rules import QueueRule, SeatRule
from acd.dispatcher import Clock, Dispatcher
from acd.journal import Journal, compare, segments
from tests.core.house import START, same

RULES = ev.Configured(queues=(QueueRule(name="sales"),), seats=(SeatRule(name="101", queues=("sales",)),))


class Time:
    """A clock that a test sets."""

    def __init__(self):
        self.now = START

    def __call__(self):
        return self.now


class Deaf:
    """A switch that notes what it was told. Without a link it says so of each offer, as the real one does."""

    def __init__(self):
        self.told = []
        self.link = True
        self.submit = None

    def offer(self, command):
        self.told.append(command)
        if not self.link:
            self.submit(ev.OfferEnded(offer=command.offer, outcome="failed"))

    def withdraw(self, command):
        self.told.append(command)

    def change_queue(self, command):
        self.told.append(command)

    def send_away(self, command):
        self.told.append(command)

    def show_seat(self, seat, look):
        pass

    def take_snapshot(self):
        self.told.append("look")


@pytest.fixture
def journal(tmp_path):
    """Give a journal."""
    opened = Journal(tmp_path / "journal")
    yield opened
    opened.close()


@pytest.fixture
def time():
    """Give a clock to set."""
    return Time()


@pytest.fixture
async def floor(journal, time):
    """Give a dispatcher whose one agent is ready."""
    switch = Deaf()
    running = Dispatcher(Core(), journal, switch, clock=time)
    switch.submit = running.submit
    running.switch = switch
    running.submit(ev.Started(run="a"), RULES)
    look(running, time)
    running.submit(ev.LogInAsked(seat="101", pin_matches=True))
    yield running
    running.close()


def look(running, time, *calls):
    """The switch says what it holds."""
    handset = ev.HandsetState(seat="101", reachable=True, busy=False)
    held = tuple(ev.HeldCall(call=call, queue="sales", since=time.now) for call in calls)
    time.now += 1
    running.submit(ev.Snapshot(asked=time.now, calls=held, legs=(), handsets=(handset,)))


@pytest.mark.parametrize("loss", [ev.SwitchLost(), ev.Started(run="b")])
async def test_nothing_is_offered_between_the_end_of_sight_and_the_next_look(floor, time, loss):
    """What became due while nobody looked frees a seat, but no call is given to it before the switch was asked."""
    floor.submit(ev.CallArrived(call="a", queue="sales"))
    offer = floor.switch.told[-1].offer
    floor.submit(ev.Connected(offer=offer), ev.OfferEnded(offer=offer, outcome="hung-up"))
    floor.submit(ev.CallArrived(call="b", queue="sales"))
    floor.switch.told.clear()
    floor.switch.link = False
    time.now += 60_000
    floor.submit(loss, RULES)
    assert floor.switch.told == []
    assert floor.core.state.calls["b"].offers_made == 0


def fill_disk(patch):
    """Let no write of a journal succeed."""

    def refuse(*_args):
        raise OSError(errno.ENOSPC, "No space left on device")

    patch.setattr(segments.os, "pwrite", refuse)


async def test_events_that_the_disk_refused_are_made_up_for_in_order(floor, time, journal, monkeypatch):
    """After a full disk the record has no hole, so a replay is equal to what went on."""
    with monkeypatch.context() as patch:
        fill_disk(patch)
        for number in range(5):
            time.now += 300
            floor.submit(ev.CallArrived(call=f"c{number}", queue="sales"))
    assert "No space left" in floor.journal_failed
    journal._retry_at = 0
    floor.submit(ev.CallArrived(call="last", queue="sales"))
    assert floor.journal_failed is None
    assert same(journal.restore().state, floor.core.state)
    assert compare(journal.folder).difference == ""


async def test_a_disk_that_fails_is_not_tried_at_each_event(floor, time, monkeypatch):
    """A disk that takes nothing may hold up one event a second, not every one."""
    tries = []

    def refuse(*_args):
        tries.append(1)
        raise OSError("dead")

    monkeypatch.setattr(segments.os, "pwrite", refuse)
    for number in range(100):
        time.now += 20
        floor.submit(ev.CallEnded(call=f"nobody-{number}"))
    assert len(tries) == 1


async def test_a_clean_end_stores_what_was_kept_back(floor, journal, monkeypatch):
    """The last chance is taken."""
    with monkeypatch.context() as patch:
        fill_disk(patch)
        floor.submit(ev.CallArrived(call="a", queue="sales"))
    floor.close()
    assert "a" in journal.restore().state.calls


def test_a_clock_that_was_set_back_during_a_stop_still_goes(monkeypatch):
    """Time goes on from where the journal ends; else no wrap-up would end until the old time came again."""
    hour = 3_600_000
    monkeypatch.setattr(module.time, "time_ns", lambda: (START - hour) * 1_000_000)
    ticks = iter([0, 5_000_000_000])
    monkeypatch.setattr(module.time, "monotonic_ns", lambda: next(ticks))
    assert Clock(not_before=START)() == START + 5_000


@pytest.mark.parametrize("cut", range(12))
async def test_a_restart_after_any_event_goes_on_as_if_there_had_been_none(tmp_path, time, cut):
    """The journal has the event, its commands were never carried out: one look at the switch later all is as it was."""
    journal = Journal(tmp_path / "journal")
    story = [
        ev.Started(run="a"),
        RULES,
        ev.Snapshot(
            asked=START, calls=(), legs=(), handsets=(ev.HandsetState(seat="101", reachable=True, busy=False),)
        ),
        ev.LogInAsked(seat="101", pin_matches=True),
        ev.CallArrived(call="a", queue="sales"),
        ev.CallArrived(call="b", queue="sales"),
        ev.OfferRinging(offer="offer-a-1"),
        ev.OfferAnswered(offer="offer-a-1"),
        ev.Connected(offer="offer-a-1"),
        ev.CallEnded(call="a"),
        ev.OfferEnded(offer="offer-a-1", outcome="hung-up"),
        ev.DeadlineReached(),
    ]
    dead = Deaf()
    before = Dispatcher(Core(), journal, dead, clock=time)
    before.submit(*story[: cut + 1])
    before.close()
    switch = Deaf()
    after = Dispatcher(journal.restore(), journal, switch, clock=time)
    switch.submit = after.submit
    time.now += 2_000
    after.submit(ev.Started(run="b"), RULES)
    assert switch.told == []
    waiting = [call.id for call in after.core.state.calls.values() if call.state in {"waiting", "offered"}]
    look(after, time, *waiting)
    if after.core.state.seats["101"].state == "logged-out":
        after.submit(ev.LogInAsked(seat="101", pin_matches=True))
    for _ in range(12):
        time.now += 5_000
        after.submit(ev.DeadlineReached())
    offered = [command.call for command in switch.told if not isinstance(command, str)]
    assert offered[:1] == waiting[:1], "who was first is first"
    assert msgspec.json.encode(journal.restore().state) == msgspec.json.encode(after.core.state)
    after.close()
    journal.close()
