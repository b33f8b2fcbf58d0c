"""A dispatcher between a journal and a switch that note what they are told, in one diary."""

import msgspec

from acd.core import Core
from acd.core import events as ev
from acd.core.rules import QueueRule, SeatRule
from acd.dispatcher import Dispatcher

START = 1_800_000_000_000
CONFIGURED = ev.Configured(
    queues=(QueueRule(name="sales", wrap_up_ms=50),), seats=(SeatRule(name="101", queues=("sales",)),)
)
LOOK = ev.Snapshot(asked=0, calls=(), legs=(), handsets=(ev.HandsetState(seat="101", reachable=True, busy=False),))


class Journal:
    """Notes what is stored in a diary that it shares with the switch.

    `failed` says why it takes nothing, `slow` makes it a disk that is waited for, `lost` one that cannot be read.
    """

    def __init__(self, diary):
        self.diary = diary
        self.stored, self.taken, self.refused, self.restated = [], [], [], []
        self.failed = None
        self.slow = self.lost = False
        self.on_stored = None

    def append(self, event, commands):
        msgspec.msgpack.encode((event, commands))
        self.taken.append(event)
        return len(self.taken)

    def refuse(self, event, reason):
        self.refused.append((event, reason))
        self.taken.append(None)
        return len(self.taken)

    def restate(self, state, why):
        self.restated.append((msgspec.msgpack.encode(state), why))
        self.taken.append(None)
        return len(self.taken)

    def commit(self):
        if not self.slow:
            self.flush()
        return len(self.taken) if self.failed else len(self.stored)

    def flush(self):
        if self.failed is None and len(self.stored) < len(self.taken):
            new = self.taken[len(self.stored) :]
            self.stored += new
            self.diary.append(("stored", *(type(event).__name__ for event in new)))

    def sync(self):
        """The disk is done."""
        self.flush()
        self.on_stored()

    def tend(self, state):
        pass

    def restore(self):
        if self.lost:
            raise OSError("gone")
        core = Core()
        for event in filter(None, self.stored):
            core.decide(event)
        return core


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

    def change_queue(self, command):
        self._do("change_queue", command)

    def send_away(self, command):
        self._do("send_away", command)

    def dial(self, command):
        self._do("dial", command)

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
