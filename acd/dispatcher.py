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
from collections.abc import Callable, Iterable

import msgspec
import structlog

from acd.core import Core, invariants
from acd.core import commands as cmd
from acd.core.events import AnyEvent, DeadlineReached, Snapshot
from acd.core.wishes import AnyWish
from acd.ports import Journal, Switch, Watcher

log = structlog.get_logger()


class Clock:
    """Milliseconds since the epoch that never run backwards."""

    def __init__(self) -> None:
        self._base = time.time_ns() - time.monotonic_ns()

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

    def _handle(self, event: AnyEvent) -> None:
        now = max(self.clock(), self.core.state.now)
        due = self.core.next_deadline()
        if due is not None and due <= now and not isinstance(event, DeadlineReached):
            self._decide(DeadlineReached(at=now))
        self._decide(msgspec.structs.replace(event, at=now))

    def _decide(self, event: AnyEvent) -> None:
        self._append([event])
        commands = self.core.decide(event)
        for command in commands:
            self._carry_out(command)
        if isinstance(event, Snapshot):
            for fault in invariants.broken(self.core.state):
                log.error("invariant broken", fault=fault)
        for watcher in self.watchers:
            watcher(event, commands)

    def _append(self, events: Iterable[AnyEvent]) -> None:
        """A phone line must go on though the disk is full: the loss is said, loudly, and the server lives."""
        try:
            self._journal.append(events)
        except OSError as error:
            if self.journal_failed is None:
                log.critical("journal failed", reason=str(error), mend="free the disk; calls go on without a record")
            self.journal_failed = str(error)
        else:
            if self.journal_failed is not None:
                log.warning("journal works again")
            self.journal_failed = None

    def _carry_out(self, command: cmd.AnyCommand) -> None:
        match command:
            case cmd.Offer():
                self._switch.offer(command)
            case cmd.Withdraw():
                self._switch.withdraw(command)
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
