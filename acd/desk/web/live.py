"""What happens, as it happens: numbered events for who listens, each what concerns his seat or its queues.

The last `BUFFER` are kept, so that who was cut off goes on where he was: he names the run of the server and the last
number that he has. If that is too long ago, or another run, he is told to load everything anew. A reader who does not
keep up is dropped when `LAG_MOST` wait for him: the server never waits.
"""

import asyncio
import secrets
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from acd.core import commands as cmd
from acd.core import events as ev
from acd.core.model import State
from acd.desk.web.access import Principal
from acd.happenings import Happening
from acd.store.projection import Projection
from acd.store.telling import Happenings

BUFFER = 2_000
LAG_MOST = 200
READERS_MOST = 300
EACH_MOST = 5
"""So many readers of one session or token."""
FIGURES_S = 1.0
"""The figures of queues are told no more often."""


class Told(Struct, frozen=True):
    """One event."""

    seq: int
    seat: str
    queue: str
    what: dict[str, Any]


class Reader:
    """One who listens."""

    def __init__(self, principal: Principal, queues: Callable[[], frozenset[str]]) -> None:
        self.principal = principal
        self.waiting: asyncio.Queue[Told | None] = asyncio.Queue(LAG_MOST)
        """None: that was too much, or the server ends."""
        self.is_dropped = False
        self._queues = queues

    def concerns(self, told: Told) -> bool:
        """Whether an event is for him."""
        if self.principal.may("supervisor", "read"):
            return True
        return told.seat == self.principal.seat if told.seat else told.queue in self._queues()

    def tell(self, told: Told) -> None:
        """Have him told of it, if it is for him and he keeps up."""
        if self.is_dropped or not self.concerns(told):
            return
        try:
            self.waiting.put_nowait(told)
        except asyncio.QueueFull:
            self.drop()

    def drop(self) -> None:
        """Tell him nothing more."""
        self.is_dropped = True
        while not self.waiting.empty():
            self.waiting.get_nowait()
        self.waiting.put_nowait(None)


class Live:
    """All readers, and what they may have missed."""

    def __init__(self, state: Callable[[], State], clock: Callable[[], int]) -> None:
        self.run = secrets.token_hex(4)
        self.seq = 0
        self._state, self._clock = state, clock
        self._kept: deque[Told] = deque(maxlen=BUFFER)
        self._readers: list[Reader] = []
        self._projection, self._happenings = Projection(state()), Happenings(state())
        self._stale: set[str] = set()
        """Queues whose figures have changed."""
        self._figures: asyncio.TimerHandle | None = None

    def join(self, principal: Principal) -> Reader | None:
        """Let somebody listen; None if there are too many."""
        own = sum(one.principal.key == principal.key for one in self._readers)
        if own >= EACH_MOST or len(self._readers) >= READERS_MOST:
            return None
        reader = Reader(principal, lambda: self._queues_of(principal.seat))
        self._readers.append(reader)
        return reader

    def leave(self, reader: Reader) -> None:
        """Forget one."""
        self._readers.remove(reader)

    def missed(self, reader: Reader, run: str, after: int) -> list[Told] | None:
        """Give what he has missed after a number; None if that cannot be told any more."""
        oldest = self._kept[0].seq if self._kept else self.seq + 1
        if run != self.run or not oldest - 1 <= after <= self.seq:
            return None
        return [told for told in self._kept if told.seq > after and reader.concerns(told)]

    def stop(self) -> None:
        """Let everybody go."""
        if self._figures is not None:
            self._figures.cancel()
        for reader in self._readers:
            reader.drop()

    def _queues_of(self, seat: str) -> frozenset[str]:
        known = self._state().seats.get(seat)
        return frozenset(known.rule.queues) if known is not None else frozenset()

    # What happens

    def watch(self, event: ev.AnyEvent, commands: list[cmd.AnyCommand]) -> None:
        """See what happened."""
        for one in self._happenings.of(event, commands, self._projection.facts(event, commands)):
            self._send(one.seat, one.queue, one.what)
            if one.queue:
                self._changed(one.queue)

    def tell(self, told: Sequence[Happening]) -> None:
        """Tell what happened in the customer file."""
        for one in told:
            self._send(one.seat, one.queue, one.what)

    def _send(self, seat: str, queue: str, what: dict[str, Any]) -> None:
        self.seq += 1
        told = Told(self.seq, seat, queue, what)
        self._kept.append(told)
        for reader in self._readers:
            reader.tell(told)

    def news(self, call: str, what: str) -> None:
        """Tell whoever has a written contact before him what its customer does meanwhile."""
        state = self._state()
        known = state.calls.get(call)
        offer = state.offers.get(known.offer or "") if known is not None else None
        if offer is not None and offer.in_talk:
            self._send(offer.seat, "", {"type": "contact-news", "call": call, "what": what})

    # Figures

    def _changed(self, queue: str) -> None:
        self._stale.add(queue)
        if self._figures is None and self._readers:
            self._figures = asyncio.get_running_loop().call_later(FIGURES_S, self._tell_figures)

    def _tell_figures(self) -> None:
        self._figures = None
        stale, self._stale = self._stale, set()
        state, now = self._state(), self._clock()
        waiting = [call for call in state.calls.values() if call.state in {"waiting", "offered"}]
        for queue in sorted(stale & state.queues.keys()):
            since = [call.arrived for call in waiting if call.queue == queue]
            what = {"type": "queue", "queue": queue, "waiting": len(since)}
            self._send("", queue, {**what, "longest_wait_ms": now - min(since) if since else 0})
