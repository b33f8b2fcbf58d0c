"""One inbox, one loop: stamp an event, journal it, let the core decide, hand out the commands.

All of it happens inside `submit`, without a task switch: from the switch's word to the command is one call stack. What
an executor submits meanwhile waits its turn in the inbox, so the core never sees an event in the midst of another.
One timer stands for every deadline there is: after each event the core is asked when it wants to be woken.

Time is the wall clock as it was at the start plus the monotonic clock since: it never runs backwards and does not jump
when somebody sets the clock.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable

import msgspec
import structlog

from acd.core import Core, invariants
from acd.core import commands as cmd
from acd.core.events import AnyEvent, DeadlineReached, Snapshot, Started, SwitchLost
from acd.core.wishes import AnyWish
from acd.ports import Journal, Switch, Watcher

log = structlog.get_logger()

JOURNAL_RETRY_MS = 1_000
"""Between two attempts at a journal that takes nothing."""
BACKLOG_MAX = 100_000
"""This many events are kept meanwhile; beyond it the oldest are lost."""


class Clock:
    """Milliseconds since the epoch that never run backwards, and begin no earlier than an earlier run left off.

    Without that, a machine whose clock was set back during a stop would stand still until the old time came again:
    no wrap-up would end and no ring would be overdue.
    """

    def __init__(self, *, not_before: int = 0) -> None:
        now = time.time_ns()
        if not_before * 1_000_000 > now:
            behind_s = round(not_before / 1_000 - now / 1_000_000_000)
            log.warning("clock was set back", behind_s=behind_s, effect="times in the journal run ahead by as much")
        self._base = max(now, not_before * 1_000_000) - time.monotonic_ns()

    def __call__(self) -> int:
        """The time."""
        return (self._base + time.monotonic_ns()) // 1_000_000


class Dispatcher:
    """Keeps one core going."""

    def __init__(self, core: Core, journal: Journal, switch: Switch, *, clock: Callable[[], int] | None = None) -> None:
        self.core = core
        self.clock = clock or Clock()
        self.watchers: list[Watcher] = []
        self.journal_failed: str | None = None
        """Why the journal takes no entries at present; calls go on meanwhile."""
        self._unstored: deque[AnyEvent] = deque(maxlen=BACKLOG_MAX)
        self._retry_at = 0
        self._journal = journal
        self._switch = switch
        self._inbox: deque[AnyEvent] = deque()
        self._busy = False
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at: int | None = None
        self._requests = 0
        self._asked: dict[int, asyncio.Future[cmd.Answer]] = {}

    def submit(self, *events: AnyEvent) -> None:
        """Take in events, in order. Returns when they, and what followed from them, are done."""
        self._inbox.extend(events)
        if self._busy:
            return
        self._busy = True
        try:
            while self._inbox:
                self._handle(self._inbox.popleft())
        finally:
            self._busy = False
            self._arm()

    async def ask(self, wish: AnyWish) -> cmd.Answer:
        """Put an agent's wish to the core and wait for the answer."""
        self._requests += 1
        answer: asyncio.Future[cmd.Answer] = asyncio.get_running_loop().create_future()
        self._asked[self._requests] = answer
        self.submit(msgspec.structs.replace(wish, request=self._requests))
        return await answer

    def close(self) -> None:
        """Stop the clockwork. Nothing is decided any more."""
        if self._timer is not None:
            self._timer.cancel()
        self._busy = True
        if self._unstored:
            self._store(self.core.state.now)

    def _handle(self, event: AnyEvent) -> None:
        now = max(self.clock(), self.core.state.now)
        due = self.core.next_deadline()
        # With the switch out of sight nothing may be decided, so its loss comes before what is overdue.
        if due is not None and due <= now and not isinstance(event, DeadlineReached | Started | SwitchLost):
            self._decide(DeadlineReached(at=now))
        self._decide(msgspec.structs.replace(event, at=now))

    def _decide(self, event: AnyEvent) -> None:
        self._append(event)
        commands = self.core.decide(event)
        for command in commands:
            self._carry_out(command)
        if isinstance(event, Snapshot):
            for fault in invariants.broken(self.core.state):
                log.error("invariant broken", fault=fault)
        for watcher in self.watchers:
            watcher(event, commands)

    def _append(self, event: AnyEvent) -> None:
        """A phone line must go on though the disk is full: that is said, loudly, and the record is made up for later.

        A gap would be worse than a delay: a replay that misses one arrival numbers every later offer differently.
        """
        self._unstored.append(event)
        if self.journal_failed is None or event.at >= self._retry_at:
            self._store(event.at)

    def _store(self, at: int) -> None:
        try:
            self._journal.append(self._unstored)
        except OSError as error:
            if self.journal_failed is None:
                log.critical("journal failed", reason=str(error), mend="free the disk; calls go on without a record")
            self.journal_failed, self._retry_at = str(error), at + JOURNAL_RETRY_MS
            return
        if self.journal_failed is not None:
            log.warning("journal works again", made_up_for=len(self._unstored))
            self.journal_failed = None
            self._switch.take_snapshot()  # with it the state is stored whole, should events have been lost after all
        self._unstored.clear()

    def _carry_out(self, command: cmd.AnyCommand) -> None:
        match command:
            case cmd.Offer():
                self._switch.offer(command)
            case cmd.Withdraw():
                self._switch.withdraw(command)
            case cmd.Announce():
                self._switch.announce(command)
            case cmd.SendAway():
                self._switch.send_away(command)
            case cmd.ShowSeat():
                self._switch.show_seat(command.seat, command.look)
            case cmd.TakeSnapshot():
                self._switch.take_snapshot()
            case cmd.Reply():
                waiting = self._asked.pop(command.request, None)
                if waiting is not None and not waiting.done():
                    waiting.set_result(command.answer)

    def _arm(self) -> None:
        due = self.core.next_deadline()
        if due == self._timer_at:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._timer_at = due
        if due is not None:
            delay = max(0, due - self.clock()) / 1000
            self._timer = asyncio.get_running_loop().call_later(delay, self._wake)

    def _wake(self) -> None:
        self._timer = self._timer_at = None
        self.submit(DeadlineReached())
