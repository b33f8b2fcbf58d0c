"""One inbox, one loop: stamp an event, let the core decide, journal both, hand out the commands.

All of it happens inside `submit`, without a task switch: from the switch's word to the command is one call stack (with
durability power, the commands wait for the disk; the loop does not). The events of one `submit`, or of one `group`, are
one write of the journal. What an executor submits meanwhile waits its turn in the inbox, so the core never sees an
event in the midst of another. One timer stands for every deadline there is: after each event the core is asked when it
wants to be woken.

An event on which the core fails is a fault of ours, and costs no more than that event: it is journaled as refused, the
state is what it was before, and the alarm is raised.

Time is the wall clock as it was at the start plus the monotonic clock since: it never runs backwards and does not jump
when somebody sets the clock.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, overload

import msgspec
import structlog

from acd.core import Core, invariants
from acd.core import commands as cmd
from acd.core.events import AnyEvent, CallOutAsked, DeadlineReached, LegFailed, Snapshot, Started, SwitchLost
from acd.core.wishes import AnyWish
from acd.ports import Journal, Medium, Switch, Watcher

log = structlog.get_logger()


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


class RefusedError(Exception):
    """A wish could not be decided, by a fault of callfloor."""


class Dispatcher:
    """Keeps one core going."""

    def __init__(self, core: Core, journal: Journal, switch: Switch, *, clock: Callable[[], int] | None = None) -> None:
        self.core = core
        self.clock = clock or Clock()
        self.media: dict[str, Medium] = {}
        """Who brings the calls of a medium to seats, where it is not the switch."""
        self.watchers: list[Watcher] = []
        self.before: Callable[[AnyEvent], AnyEvent] | None = None
        """Sees each event before it is decided, and gives what is decided in its place."""
        self.alarms: list[str] = []
        """Events that could not be decided: faults of callfloor."""
        self._journal = journal
        journal.on_stored = self._stored
        self._switch = switch
        self._inbox: deque[AnyEvent] = deque()
        self._held: deque[tuple[int, AnyEvent, list[cmd.AnyCommand]]] = deque()
        """Decided, with the entry's number; the commands go out when that entry is stored."""
        self._busy = False
        self._closed = False
        self._groups = 0
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at: int | None = None
        self._patience_ms, self._patient_until = 0, 0
        """Deadlines that cannot be decided are tried again after a while, and not at once and for ever."""
        self._requests = 0
        self._asked: dict[int, asyncio.Future[cmd.Answer | cmd.CallOutAnswer]] = {}

    @property
    def is_closed(self) -> bool:
        """Whether nothing is decided here any more."""
        return self._closed

    @property
    def journal_failed(self) -> str | None:
        """Why the journal takes no entries at present; calls go on meanwhile."""
        return self._journal.failed

    @property
    def all_alarms(self) -> list[str]:
        """What went wrong and was got over: here, and in the journal."""
        return [*self._journal.alarms, *self.alarms]

    def submit(self, *events: AnyEvent) -> None:
        """Take in events, in order, as one entry group of the journal.

        Returns when they are decided, and what followed from them is done, if the journal stores it in the same call
        (durability process); else what follows is done when it is stored.
        """
        self._inbox.extend(events)
        self._run()

    @contextlib.contextmanager
    def group(self) -> Iterator[None]:
        """Make all that is submitted inside one write of the journal, decided at the end: for a reader of a stream."""
        self._groups += 1
        try:
            yield
        finally:
            self._groups -= 1
            self._run()

    @overload
    async def ask(self, wish: AnyWish) -> cmd.Answer: ...
    @overload
    async def ask(self, wish: CallOutAsked | LegFailed) -> cmd.CallOutAnswer: ...
    async def ask(self, wish: AnyWish | CallOutAsked | LegFailed) -> cmd.Answer | cmd.CallOutAnswer:
        """Put an agent's wish to the core and wait for the answer.

        Raises:
            RefusedError: it could not be decided, by a fault of callfloor, or because this server has ended.

        """
        if self._closed:
            raise RefusedError("another callfloor has taken over")
        self._requests += 1
        answer: asyncio.Future[cmd.Answer | cmd.CallOutAnswer] = asyncio.get_running_loop().create_future()
        self._asked[self._requests] = answer
        self.submit(msgspec.structs.replace(wish, request=self._requests))
        return await answer

    def drain(self) -> None:
        """Store what was decided and carry it out, before returning."""
        self._journal.flush()
        self._stored()

    def close(self) -> None:
        """Stop the clockwork: nothing is decided any more, and what was decided is stored.

        Commands that still waited for the disk are not carried out: nobody listens any more. The next start finds in
        the switch that they were not.
        """
        if self._timer is not None:
            self._timer.cancel()
        if not self._closed:
            self._closed = True
            self._held.clear()
            self._journal.flush()
            self._journal.tend(self.core.state)

    def _run(self) -> None:
        if self._busy or self._groups or self._closed:
            return
        self._busy = True
        try:
            while self._inbox:
                while self._inbox:
                    self._take(self._inbox.popleft())
                self._finish()
        finally:
            self._busy = False
            self._arm()

    def _take(self, event: AnyEvent) -> None:
        now = max(self.clock(), self.core.state.now)
        due = self.core.next_deadline()
        # With the switch out of sight nothing may be decided, so its loss comes before what is overdue.
        if (
            due is not None
            and max(due, self._patient_until) <= now
            and not isinstance(event, DeadlineReached | Started | SwitchLost)
        ):
            self._decide(DeadlineReached(at=now))
            self._finish()
        self._decide(self._amended(msgspec.structs.replace(event, at=now)))

    def _amended(self, event: AnyEvent) -> AnyEvent:
        if self.before is None:
            return event
        try:
            return self.before(event)
        except Exception as fault:  # what it would have added is no reason to lose the event
            log.exception("event could not be amended", what=type(event).__name__)
            self.alarms = [*self.alarms[-9:], f"an event could not be amended: {type(fault).__name__}: {fault}"]
            return event

    def _decide(self, event: AnyEvent) -> None:
        try:
            commands = self.core.decide(event)
        except Exception as error:  # noqa: BLE001 - a fault of ours: it may cost this event, and nothing else
            self._refuse(event, error)
            return
        try:
            number = self._journal.append(event, commands)
        except (TypeError, ValueError) as error:  # what cannot be written cannot be replayed
            self._refuse(event, error)
            return
        self._held.append((number, event, commands))
        if isinstance(event, DeadlineReached):
            self._patience_ms = self._patient_until = 0

    def _refuse(self, event: AnyEvent, error: Exception) -> None:
        """Note it, and go on with the state as it was before: `decide` may have left it half changed."""
        number = self._journal.refuse(event, f"{type(error).__name__}: {error}")
        log.critical("event cannot be decided", entry=number, what=repr(event), exc_info=error)
        self.alarms = [*self.alarms[-9:], f"entry {number} could not be decided: {type(error).__name__}: {error}"]
        try:
            self._journal.flush()
            if self._journal.failed is not None:
                raise OSError(self._journal.failed)  # noqa: TRY301 - the one way on is below
            self.core = self._journal.restore()
        except Exception as failure:
            log.critical("state before it cannot be had, the present one is taken", entry=number, exc_info=failure)
            self.core = Core(self.core.state)
            self._journal.restate(self.core.state, f"entry {number} may have left its traces")
        if isinstance(event, DeadlineReached):
            self._patience_ms = min(max(1_000, 2 * self._patience_ms), 60_000)
            self._patient_until = event.at + self._patience_ms
        waiting = self._asked.pop(getattr(event, "request", 0), None)
        if waiting is not None and not waiting.done():
            waiting.set_exception(RefusedError(f"{event!r} could not be decided"))

    def _finish(self) -> None:
        """Store what was decided; carry out what is stored."""
        stored = self._journal.commit()
        while self._held and self._held[0][0] <= stored:
            _, event, commands = self._held.popleft()
            for command in commands:
                self._carry_out(command)
            if isinstance(event, Snapshot):
                for fault in invariants.broken(self.core.state):
                    log.error("invariant broken", fault=fault)
            self._tell(event, commands)
        self._journal.tend(self.core.state)

    def _tell(self, event: AnyEvent, commands: list[cmd.AnyCommand]) -> None:
        for watcher in self.watchers:
            try:
                watcher(event, commands)
            except Exception as fault:  # who only looks on must not keep a call from its agent
                log.exception("watcher failed", watcher=repr(watcher), what=type(event).__name__)
                self.alarms = [*self.alarms[-9:], f"a watcher failed: {type(fault).__name__}: {fault}"]

    def _stored(self) -> None:
        """The journal has stored more, or failed and lets all go."""
        if self._busy or self._closed:
            return
        self._busy = True
        try:
            self._finish()
        finally:
            self._busy = False
        self._run()

    def _carry_out(self, command: cmd.AnyCommand) -> None:
        if type(command) in _ORDERS:
            _ORDERS[type(command)](self._switch, command)
            return
        match command:
            case cmd.Offer():
                self.media.get(command.medium, self._switch).offer(command)
            case cmd.Withdraw():
                self.media.get(command.medium, self._switch).withdraw(command)
            case cmd.ShowSeat():
                self._switch.show_seat(command.seat, command.look)
            case cmd.UsePhone():
                self._switch.use_phone(command.seat, command.phone)
            case cmd.TakeSnapshot():
                self._switch.take_snapshot()
            case cmd.Reply():
                waiting = self._asked.pop(command.request, None)
                if waiting is not None and not waiting.done():
                    waiting.set_result(command.answer)

    def _arm(self) -> None:
        due = self.core.next_deadline()
        if due is not None:
            due = max(due, self._patient_until)
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


_ORDERS: dict[type[cmd.AnyCommand], Callable[[Switch, Any], None]] = {
    cmd.Announce: lambda switch, command: switch.announce(command),
    cmd.ChangeQueue: lambda switch, command: switch.change_queue(command),
    cmd.SendAway: lambda switch, command: switch.send_away(command),
    cmd.Dial: lambda switch, command: switch.dial(command),
    cmd.Reach: lambda switch, command: switch.reach(command),
    cmd.GiveUp: lambda switch, command: switch.give_up(command),
}
"""What the switch is told as it is."""
