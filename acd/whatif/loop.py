"""The core in virtual time.

The switch is as simple as can be: an offer rings, is answered or not, the two talk, the leg ends. Everything else is
`acd.core` itself, event by event, so a simulated day is decided as a real one would be.
"""

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from msgspec.structs import replace

from acd.core import Core
from acd.core import commands as cmd
from acd.core import events as ev
from acd.core.floor import NOT_ANSWERING
from acd.core.transitions import ON_ITS_WAY
from acd.whatif.day import Ring, Talk

WITHDRAW_MS = 20
"""From a withdrawal to its confirmation: what Asterisk takes."""


class World(Protocol):
    """Callers and agents."""

    def gives_up(self, key: str) -> tuple[int, str] | None:
        """Return when a caller leaves of his own accord, ms since his wait began, and how; None for never."""

    def ring(self, key: str, seat: str, time: int) -> Ring:
        """Return what comes of ringing a seat for a caller for the n-th time."""

    def talk(self, key: str) -> Talk:
        """Return the talk that follows."""

    def comes_back_ms(self, seat: str, time: int) -> int:
        """Return how long after it was set aside for the n-th time a seat's agent is ready again."""


class Simulation:
    """One run. `watch` sees each event with its commands, the core's state after it at hand."""

    def __init__(self, world: World, watch: Callable[[ev.AnyEvent, Sequence[cmd.AnyCommand]], None]) -> None:
        self.core = Core()
        self.now = 0
        self.before_leaving: Callable[[str], None] = lambda _: None
        """Told of each caller who is about to give up."""
        self._world = world
        self._watch = watch
        self._heap: list[tuple[int, int, Callable[[Any], None], Any]] = []
        self._pushed = 0
        self._rung: Counter[tuple[str, str]] = Counter()
        self._returned: Counter[str] = Counter()
        self._began: dict[str, int] = {}
        """Caller -> when his wait began."""
        self._talks: dict[str, int] = {}
        """Offer -> when its talk will be over."""
        self._aside: dict[str, int] = {}
        """Offer that is set aside -> how much of its talk is left."""
        self._of: dict[str, tuple[str, str]] = {}
        """Offer -> caller and seat."""

    def run(self, happenings: Iterable[ev.AnyEvent], until: int) -> None:
        """Let everything happen, in the order of its time, and what follows from it, up to a time."""
        for event in happenings:
            self._at(event.at, self._happen, event)
        while True:
            due = self.core.next_deadline()
            planned = self._heap[0][0] if self._heap else None
            if due is not None and (planned is None or due <= planned):
                if due > until:
                    break
                self.now = max(self.now, due)
                self._decide(ev.DeadlineReached(at=self.now))
            elif planned is not None and planned <= until:
                self.now, _, act, what = heapq.heappop(self._heap)
                act(what)
            else:
                break

    def _at(self, at: int, act: Callable[[Any], None], what: Any) -> None:
        self._pushed += 1
        heapq.heappush(self._heap, (at, self._pushed, act, what))

    def _decide(self, event: ev.AnyEvent) -> None:
        commands = self.core.decide(event)
        self._watch(event, commands)
        for command in commands:
            match command:
                case cmd.Offer():
                    self._ring(command)
                case cmd.Withdraw():
                    self._at(self.now + WITHDRAW_MS, self._end_leg, (command.offer, "withdrawn"))
                case cmd.SendAway():
                    self._at(self.now, self._hang_up, (command.call, "hung-up"))
                case cmd.Suspend():
                    self._aside[command.offer] = max(0, self._talks.pop(command.offer, self.now) - self.now)
                case cmd.Resume():
                    self._plan_end(command.offer, self.now + self._aside.pop(command.offer, 0))
                case cmd.ShowSeat() if command.look == "paused":
                    self._paused(command.seat)

    # What happens

    def _happen(self, event: ev.AnyEvent) -> None:
        self._decide(event)
        if isinstance(event, ev.CallArrived):
            began = event.at if event.since is None else event.since
            self._began[event.call] = began
            leaves = self._world.gives_up(event.call)
            if leaves is not None:
                self._at(max(self.now, began + leaves[0]), self._give_up, (event.call, leaves[1]))

    def _give_up(self, what: tuple[str, str]) -> None:
        call = self.core.state.calls.get(what[0])
        if call is not None and call.state in {"waiting", "offered"}:
            self.before_leaving(call.id)
            self._hang_up((call.id, "key-exit" if what[1] == "key-exit" else "hung-up"))

    def _hang_up(self, what: tuple[str, Any]) -> None:
        if what[0] in self.core.state.calls:
            self._decide(ev.CallEnded(at=self.now, call=what[0], reason=what[1]))

    def _ring(self, offer: cmd.Offer) -> None:
        self._of[offer.offer] = offer.call, offer.seat
        ring = self._world.ring(offer.call, offer.seat, self._rung[offer.call, offer.seat])
        self._rung[offer.call, offer.seat] += 1
        if ring.outcome == "answered" and ring.ms < offer.ring_ms:
            self._at(self.now + ring.ms, self._answer, offer.offer)
            return
        gives_way = ring.outcome in {"answered", "no-answer"}
        ms = offer.ring_ms if gives_way else min(ring.ms, offer.ring_ms)
        self._at(self.now + ms, self._end_leg, (offer.offer, "no-answer" if gives_way else ring.outcome))

    def _answer(self, offer: str) -> None:
        if offer not in self.core.state.offers:
            return
        self._decide(ev.Connected(at=self.now, offer=offer))
        known = self.core.state.offers[offer]
        if known.in_talk and known.connected_at == self.now:
            talk = self._world.talk(self._of[offer][0])
            self._plan_end(offer, self.now + talk.ms)
            for after_ms, wish in talk.wishes:
                self._at(self.now + max(0, talk.ms + after_ms), self._wish, (offer, wish, after_ms >= 0))

    def _plan_end(self, offer: str, at: int) -> None:
        self._talks[offer] = at
        self._at(at, self._end_talk, offer)

    def _end_talk(self, offer: str) -> None:
        if self._talks.get(offer) == self.now:  # else it was set aside meanwhile, and ends later
            del self._talks[offer]
            call = self.core.state.calls.get(self._of[offer][0])
            if call is not None and call.virtual:
                self._hang_up((call.id, "done"))  # first: a talk that ends does not close it
            self._decide(ev.OfferEnded(at=self.now, offer=offer, outcome="hung-up"))
            self._hang_up((self._of[offer][0], "hung-up"))

    def _end_leg(self, what: tuple[str, Any]) -> None:
        offer = self.core.state.offers.get(what[0])
        if offer is not None and offer.state in ON_ITS_WAY:
            self._decide(ev.OfferEnded(at=self.now, offer=what[0], outcome=what[1]))

    def _wish(self, what: tuple[str, Any, bool]) -> None:
        """What an agent asked about his wrap-up, he asks of this one."""
        offer, wish, after_talk = what
        known = self.core.state.offers.get(offer)
        if known is not None and (known.state == "wrap-up") == after_talk:
            self._decide(replace(wish, at=self.now, seat=known.seat))

    def _paused(self, seat: str) -> None:
        if self.core.state.seats[seat].pause_reason == NOT_ANSWERING:
            ms = self._world.comes_back_ms(seat, self._returned[seat])
            self._returned[seat] += 1
            self._at(self.now + ms, self._come_back, seat)

    def _come_back(self, seat: str) -> None:
        known = self.core.state.seats.get(seat)
        if known is not None and known.pause_reason == NOT_ANSWERING:
            self._decide(ev.ReadyAsked(at=self.now, seat=seat))
