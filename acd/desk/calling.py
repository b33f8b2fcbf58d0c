"""Calling out, as a seat asks for it: judge the number, ask the core, say what is to be dialled."""

from collections.abc import Callable

import structlog
from msgspec import Struct

from acd.core.commands import CallOutAnswer, Reach
from acd.core.events import CallOutAsked, LegFailed
from acd.core.out import Leg
from acd.core.outcomes import LegOutcome
from acd.core.outgoing import EMERGENCY_RING_MS
from acd.dispatcher import Dispatcher
from acd.numbers import Barred, Destination, destination, emergency_numbers, rate_of, written
from acd.settings import CallingOutSettings, SeatSettings, Site

log = structlog.get_logger()


class CallOut(Struct, frozen=True, kw_only=True):
    """What came of a wish to call out."""

    answer: CallOutAnswer
    barred: Barred = ""
    """Why, where the answer is "barred"."""
    leg: str = ""
    line: str = ""
    number: str = ""
    """As it is dialled on that line."""
    caller_id: str = ""
    ring_ms: int = 0
    longest_ms: int = 0
    help_number: str = ""
    """Of a call for help, whom it calls; empty for any other."""


class CallingDesk:
    """Lets seats call out; see `acd.core.outgoing` for what the core decides."""

    def __init__(self, dispatcher: Dispatcher, site: Callable[[], Site]) -> None:
        self._dispatcher = dispatcher
        self._site = site

    async def call_out(self, seat: SeatSettings | None, channel: str, dialled: str) -> CallOut:
        """Call what was dialled on a handset, the prefix included.

        A handset of no seat, or whose agent is not there, may call for help and nothing else.
        """
        settings = self._site().calling_out
        to = self._destination(dialled, settings)
        name = seat.rule.name if seat is not None else ""
        if to.kind == "emergency":
            where = seat.location if seat is not None else None
            log.warning("emergency call", seat=name, location=where, number=to.number, channel=channel)
        wish = CallOutAsked(
            seat=name,
            channel=channel,
            number=to.number,
            country=to.country,
            emergency=to.kind == "emergency",
            barred=to.barred,
            rate=rate_of(to.number, settings.rates) or 0,
        )
        return self._told(await self._dispatcher.ask(wish), channel, seat, to.barred)

    async def call_back(self, seat: SeatSettings, offer: str, number: str) -> CallOut:
        """Call the customer of a callback that the seat has in hand; the offer's leg is the channel that calls."""
        site = self._site()
        plan = site.calling_out.plan
        to = destination(number, plan) if plan is not None else Destination(number="", barred="not-allowed")
        wish = CallOutAsked(
            seat=seat.rule.name,
            channel=offer,
            number=to.number,
            country=to.country,
            barred=to.barred,
            rate=rate_of(to.number, site.calling_out.rates) or 0,
            offer=offer,
        )
        return self._told(await self._dispatcher.ask(wish), offer, seat, to.barred)

    def to_customer(self, command: Reach) -> CallOut:
        """Say how a customer is called whom the core has called first."""
        legs = self._dispatcher.core.state.legs
        return self._form(legs[command.leg], None) if command.leg in legs else CallOut(answer="over")

    async def failed(
        self, seat: SeatSettings | None, channel: str, leg: str, outcome: LegOutcome, cause: int
    ) -> CallOut:
        """Say that a line, or the other side, did not answer; the next line, if there is one, is in what comes back."""
        name = seat.rule.name if seat is not None else ""
        answer = await self._dispatcher.ask(LegFailed(seat=name, leg=leg, outcome=outcome, cause=cause))
        return self._told(answer, channel, seat, "")

    def is_emergency(self, dialled: str) -> bool:
        """Whether what was dialled on a handset calls for help."""
        return self._destination(dialled, self._site().calling_out).kind == "emergency"

    @staticmethod
    def _destination(dialled: str, settings: CallingOutSettings) -> Destination:
        plan = settings.plan
        if plan is None:
            return Destination(number="", barred="not-allowed")
        bare = dialled.removeprefix(settings.prefix)
        return destination(dialled if dialled in emergency_numbers(plan.country) else bare, plan)

    def _told(self, answer: CallOutAnswer, channel: str, seat: SeatSettings | None, barred: Barred) -> CallOut:
        legs = self._dispatcher.core.state.legs.values()
        leg = next((leg for leg in legs if leg.channel == channel), None) if answer == "ok" else None
        if leg is None:  # "ok", and over already: the caller has hung up meanwhile
            return CallOut(answer="over" if answer == "ok" else answer, barred=barred)
        return self._form(leg, seat)

    def _form(self, leg: Leg, seat: SeatSettings | None) -> CallOut:
        site = self._site()
        plan = site.calling_out.plan
        form = site.number_forms.get(self._dispatcher.core.state.lines[leg.line].group, "plus")
        return CallOut(
            answer="ok",
            leg=leg.id,
            line=leg.line,
            number=written(leg.number, form, plan.country if plan is not None else ""),
            caller_id=self._caller_id(leg, seat),
            ring_ms=EMERGENCY_RING_MS if leg.emergency else site.calling_out.rule.ring_ms,
            help_number=leg.number if leg.emergency else "",
            longest_ms=leg.longest_ms,
        )

    def _caller_id(self, leg: Leg, seat: SeatSettings | None) -> str:
        site = self._site()
        if seat is not None and leg.emergency:
            own = seat.emergency_id
        else:
            own = site.caller_ids.get(leg.queue or self._queue_of(leg, seat), "")
        return own or site.calling_out.caller_id

    def _queue_of(self, leg: Leg, seat: SeatSettings | None) -> str:
        """Name the queue that a seat calls for: that of the caller it talks to, or has given away; else its first."""
        state = self._dispatcher.core.state
        if leg.channel in state.calls:
            return state.calls[leg.channel].queue
        talks = (offer.queue for offer in state.offers.values() if offer.seat == leg.seat and offer.in_talk)
        return next(talks, seat.rule.queues[0] if seat is not None and seat.rule.queues else "")
