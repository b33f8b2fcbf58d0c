"""The agents' side of the distributor, over one dispatcher and one site."""

import hmac

from msgspec import Struct

from acd.core.commands import Answer, SeatLook
from acd.core.events import (
    CloseAsked,
    CodeAsked,
    DeferAsked,
    LogInAsked,
    LogOutAsked,
    PauseAsked,
    PickUpAsked,
    PullAsked,
    ReadyAsked,
    WrapUpEndAsked,
    WrapUpExtendAsked,
)
from acd.core.explain import refusal, unsuited
from acd.core.model import Seat
from acd.dispatcher import Dispatcher
from acd.settings import Site

MORE_WRAP_UP_MS = 60_000
"""What one wish for more time adds, as far as the queue allows."""
TALKED = frozenset({"voice", "video", "callback"})
"""Media in which two hear each other on the switch."""
NUMBER_MOST = 20
"""So many signs of a caller's number are told; it is hostile text, and E.164 has 15 digits."""


class Figures(Struct, frozen=True, kw_only=True):
    """An agent's own figures. Of today: talks that have ended, and wrap-up so far."""

    calls: int
    talk_ms: int
    average_ms: int
    """Of a talk; 0 where there was none."""
    wrap_up_ms: int
    occupancy: int | None
    """Share of talk and wrap-up in the time since log-in, percent; None while logged out."""


class NextCall(Struct, frozen=True, kw_only=True):
    """The call that a seat would be offered next."""

    call: str = ""
    """Its id."""
    queue: str
    medium: str
    waited_ms: int
    number: str
    """The caller's: digits and +; empty where it is not known."""


class AgentDesk:
    """Implements `acd.ports.Desk`, and the view of a seat that is spoken or shown to its agent."""

    def __init__(self, dispatcher: Dispatcher, site: Site) -> None:
        self._dispatcher = dispatcher
        self.site = site

    async def log_in(self, seat: str, pin: str, phone: str = "") -> Answer:
        """Begin a shift. An unknown seat and a wrong PIN sound the same, and take the same time."""
        settings = self.site.seats.get(seat)
        expected = settings.pin if settings is not None else ""
        matches = hmac.compare_digest(expected.encode(), pin.encode()) and expected != ""
        answer = await self._dispatcher.ask(LogInAsked(seat=seat, pin_matches=matches, phone=phone))
        return "wrong-pin" if answer == "unknown-seat" else answer

    async def log_out(self, seat: str) -> Answer:
        """End it."""
        return await self._dispatcher.ask(LogOutAsked(seat=seat))

    async def ready(self, seat: str) -> Answer:
        """Take calls again."""
        return await self._dispatcher.ask(ReadyAsked(seat=seat))

    async def pause(self, seat: str, reason: str) -> Answer:
        """Take none."""
        return await self._dispatcher.ask(PauseAsked(seat=seat, reason=reason))

    async def end_wrap_up(self, seat: str) -> Answer:
        """Wrap-up is done."""
        return await self._dispatcher.ask(WrapUpEndAsked(seat=seat))

    async def extend_wrap_up(self, seat: str) -> Answer:
        """More time for it."""
        return await self._dispatcher.ask(WrapUpExtendAsked(seat=seat, more_ms=MORE_WRAP_UP_MS))

    async def code(self, seat: str, code: str) -> Answer:
        """Say what the last call was about."""
        return await self._dispatcher.ask(CodeAsked(seat=seat, code=code))

    async def close(self, seat: str, offer: str) -> Answer:
        """Be done with the virtual call of an offer."""
        return await self._dispatcher.ask(CloseAsked(seat=seat, offer=offer))

    async def defer(self, seat: str, offer: str, for_ms: int) -> Answer:
        """Put it off."""
        return await self._dispatcher.ask(DeferAsked(seat=seat, offer=offer, for_ms=for_ms))

    async def pull(self, seat: str, queue: str) -> Answer:
        """Have the call that waited longest go to this seat next. A seat of no supervisor is as one that is unknown."""
        settings = self.site.seats.get(seat)
        if settings is None or not settings.supervisor:
            return "unknown-seat"
        return await self._dispatcher.ask(PullAsked(seat=seat, queue=queue))

    async def pick_up(self, seat: str, of: str) -> Answer:
        """Have what rings at another seat ring at this one."""
        return await self._dispatcher.ask(PickUpAsked(seat=seat, of=of))

    def look(self, seat: str) -> SeatLook:
        """How the seat stands."""
        known = self._seat(seat)
        return known.shown if known is not None else "logged-out"

    def at_phone(self, phone: str) -> str:
        """Which seat is logged in at a phone; empty if none is."""
        seats = self._dispatcher.core.state.seats.values()
        return next((one.name for one in seats if one.presence != "logged-out" and one.at_phone == phone), "")

    def pause_reason(self, seat: str) -> str:
        """Why it is paused; empty if it is not."""
        known = self._seat(seat)
        return known.pause_reason if known is not None else ""

    def waiting(self, seat: str) -> tuple[int, int]:
        """How many calls wait in the seat's queues, and how long the first of them has, ms."""
        known, state = self._seat(seat), self._dispatcher.core.state
        if known is None:
            return 0, 0
        due = [
            call.due
            for call in state.calls.values()
            if call.state in {"waiting", "offered"} and call.queue in known.rule.queues
        ]
        return len(due), self._dispatcher.clock() - min(due) if due else 0

    def next_call(self, seat: str) -> NextCall | None:
        """Which call the seat would be offered next, were it free: of those that wait and that it may serve."""
        known, state = self._seat(seat), self._dispatcher.core.state
        if known is None:
            return None
        may_serve = (
            call
            for call in state.calls.values()
            if call.state == "waiting" and unsuited(state, call, known) is None and refusal(state, call, known) is None
        )
        call = min(may_serve, key=lambda call: (call.pulled_from is None, call.key), default=None)
        return (
            None
            if call is None
            else NextCall(
                call=call.id,
                queue=call.queue,
                medium=call.medium,
                waited_ms=max(self._dispatcher.clock() - call.arrived, 0),
                number=""
                if "@" in call.caller
                else "".join(char for char in call.caller[:NUMBER_MOST] if char in "+0123456789"),
            )
        )

    def talk_of(self, seat: str) -> str:
        """On which offer the seat talks by telephone; empty if it does not."""
        known, state = self._seat(seat), self._dispatcher.core.state
        offers = [state.offers[name] for name in known.work] if known is not None else []
        return next((one.id for one in offers if one.state == "connected" and one.medium in TALKED), "")

    def figures(self, seat: str) -> Figures:
        """What the seat did today, and how busy it has been since log-in."""
        known, state = self._seat(seat), self._dispatcher.core.state
        if known is None:
            return Figures(calls=0, talk_ms=0, average_ms=0, wrap_up_ms=0, occupancy=None)
        now, tally = self._dispatcher.clock(), known.tally_of(state.day)
        offers = [state.offers[name] for name in known.work]
        busy_ms = known.busy_ms + sum(now - offer.connected_at for offer in offers if offer.connected_at is not None)
        here_ms = max(now - known.logged_in_at, 1)
        return Figures(
            calls=tally.calls,
            talk_ms=tally.talk_ms,
            average_ms=tally.talk_ms // max(tally.calls, 1),
            wrap_up_ms=tally.wrap_up_ms + sum(now - offer.since for offer in offers if offer.state == "wrap-up"),
            occupancy=None if known.presence == "logged-out" else min(100, 100 * busy_ms // here_ms),
        )

    def _seat(self, name: str) -> Seat | None:
        return self._dispatcher.core.state.seats.get(name)
