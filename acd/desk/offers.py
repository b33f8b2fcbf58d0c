"""Written contacts at the web desk: a seat that has one open is offered them there, and its handset stays silent.

    a page opens, the last one is gone            -> DeskChanged; the core says with each Offer whether it is for a desk
    Offer for a desk                              -> here; else -> its handset, as before
    accept                                        -> OfferAnswered, Connected, if the core still has it ringing here
    refuse, `ring_ms` over, Withdraw              -> OfferEnded
    a call begins beside a mail that still rings  -> OfferEnded: who talks accepts nothing
    closed, put off, given to another queue       -> the wish, then OfferEnded

A desk is open while a page of the seat listens to events, and a little longer, for a page that is loaded anew, or comes
back after a restart of the server. What an agent has accepted stays his when he closes it, for `absent_ms`; then it
waits again.

The switch holds no leg of such an offer, so its snapshot would say that the offer is over: `legs` is what it is told to
add. That outlives a restart by the names of files, one for each offer, in a folder of the server's home.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import structlog

from acd.core.commands import AnyCommand, Offer, Withdraw
from acd.core.events import AnyEvent, Connected, DeskChanged, LiveLeg, OfferAnswered, OfferEnded, OfferRinging, Started
from acd.core.outcomes import OfferOutcome
from acd.dispatcher import Dispatcher
from acd.ports import Medium

log = structlog.get_logger()

GRACE_S = 10.0
"""A desk counts as open for so long after its last page is gone, or after a server's start."""


class DeskOffers:
    """Implements `acd.ports.Medium`, in front of the one that rings handsets.

    Args:
        handset: brings to a handset what does not come here.
        dispatcher: the core's.
        folder: of what outlives a restart, made when missing.
        absent_ms: how long an agent may be away from what he has accepted.

    """

    def __init__(
        self,
        handset: Medium,
        dispatcher: Dispatcher,
        folder: Path,
        absent_ms: Callable[[], int],
    ) -> None:
        self._handset, self._dispatcher = handset, dispatcher
        self._folder, self._absent_ms = folder, absent_ms
        self._is_over = False
        self._pages: Counter[str] = Counter()
        self._closing: dict[str, asyncio.TimerHandle] = {}
        """Seat -> when its desk counts as closed."""
        self._coming: list[str] = []
        """Seats that had a desk open when an earlier server ended."""
        self._leaving: dict[str, asyncio.TimerHandle] = {}
        """Seat -> when what it has waits again."""
        self._ringing: dict[str, asyncio.TimerHandle] = {}
        self._live: dict[str, LiveLeg] = {}
        """All offers at desks."""

    def begin(self) -> None:
        """Know what agents had before them when an earlier server ended."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        offers = self._dispatcher.core.state.offers
        self._coming = [seat.name for seat in self._dispatcher.core.state.seats.values() if seat.desk_open]
        for path in self._folder.iterdir():
            offer = offers.get(path.name)
            if offer is None or not offer.in_talk or offer.call is None:
                path.unlink(missing_ok=True)
                continue
            self._live[offer.id] = LiveLeg(offer=offer.id, call=offer.call, seat=offer.seat, joined=True)
            self._leave_later(offer.seat)

    def stop(self) -> None:
        """Decide nothing more; what is here stays for the next server."""
        self._is_over = True
        for timers in (self._closing, self._leaving, self._ringing):
            for timer in timers.values():
                timer.cancel()
            timers.clear()

    # Desks

    def is_open(self, seat: str) -> bool:
        """Whether a seat has a desk open."""
        return self._pages[seat] > 0 or seat in self._closing

    def opened(self, seat: str) -> None:
        """Note a page of a seat."""
        is_first = not self.is_open(seat)
        self._pages[seat] += 1
        for timers in (self._closing, self._leaving):
            if (timer := timers.pop(seat, None)) is not None:
                timer.cancel()
        if is_first:
            self._dispatcher.submit(DeskChanged(seat=seat, open=True))

    def closed(self, seat: str) -> None:
        """Note that a page of a seat is gone."""
        self._pages[seat] -= 1
        if self._pages[seat] > 0:
            return
        del self._pages[seat]
        if self._is_over:  # what becomes of its contacts is for the next server to say
            return
        loop = asyncio.get_running_loop()
        self._closing[seat] = loop.call_later(GRACE_S, self._close, seat)
        self._leave_later(seat)

    def _close(self, seat: str) -> None:
        del self._closing[seat]
        self._dispatcher.submit(DeskChanged(seat=seat, open=False))

    def _make_way(self, name: str) -> None:
        """Take back what rings beside a contact that has begun, and would be set aside for it: a mail, for a call."""
        state = self._dispatcher.core.state
        begun = state.offers.get(name)
        if begun is None or not begun.in_talk:
            return
        for leg in list(self._live.values()):
            rings = state.offers.get(leg.offer)
            if leg.joined or rings is None or leg.seat != begun.seat or rings.medium not in state.media:
                continue
            if begun.medium in state.media[rings.medium].interrupted_by:
                self.end(leg.offer, "withdrawn")

    def _come_back(self) -> None:
        """Wait for the pages of those who had one open."""
        loop = asyncio.get_running_loop()
        for seat in self._coming:
            self._closing[seat] = loop.call_later(GRACE_S, self._close, seat)
            self._dispatcher.submit(DeskChanged(seat=seat, open=True))
        self._coming.clear()

    def _leave_later(self, seat: str) -> None:
        if seat not in self._leaving:
            loop = asyncio.get_running_loop()
            self._leaving[seat] = loop.call_later(self._absent_ms() / 1_000, self._leave, seat)

    def _leave(self, seat: str) -> None:
        self._leaving.pop(seat, None)
        for leg in [one for one in self._live.values() if one.seat == seat and one.joined]:
            log.info("agent is away from the desk", seat=seat, call=leg.call)
            self.end(leg.offer, "hung-up")

    # Offers

    def has(self, offer: str) -> bool:
        """Whether an offer is at a desk."""
        return offer in self._live

    def legs(self) -> tuple[LiveLeg, ...]:
        """Name the offers at desks, as legs of a snapshot."""
        return tuple(self._live.values())

    def offer(self, command: Offer) -> None:
        """Bring a contact to a desk, or to a handset."""
        if not command.desk:
            self._handset.offer(command)
            return
        self._live[command.offer] = LiveLeg(offer=command.offer, call=command.call, seat=command.seat, joined=False)
        loop = asyncio.get_running_loop()
        self._ringing[command.offer] = loop.call_later(command.ring_ms / 1_000, self.end, command.offer, "no-answer")
        self._dispatcher.submit(OfferRinging(offer=command.offer))

    def withdraw(self, command: Withdraw) -> None:
        """Take an offer back."""
        leg = self._live.get(command.offer)
        if leg is None:
            self._handset.withdraw(command)
        else:
            self.end(command.offer, "withdrawn")

    def accept(self, offer: str) -> bool:
        """Have an agent take what is offered to him. Answers whether he has it now."""
        leg, known = self._live.get(offer), self._dispatcher.core.state.offers.get(offer)
        if leg is None or leg.joined or known is None or known.state != "ringing":
            return False
        self._stop_ringing(offer)
        self._live[offer] = LiveLeg(offer=offer, call=leg.call, seat=leg.seat, joined=True)
        (self._folder / offer).touch(mode=0o600)
        self._dispatcher.submit(OfferAnswered(offer=offer), Connected(offer=offer))
        known = self._dispatcher.core.state.offers.get(offer)
        return known is not None and known.in_talk and known.call == leg.call

    def end(self, offer: str, outcome: OfferOutcome) -> None:
        """End an offer at a desk; one that is not there, or not any more, is left alone."""
        if self._live.pop(offer, None) is None:
            return
        self._stop_ringing(offer)
        (self._folder / offer).unlink(missing_ok=True)
        self._dispatcher.submit(OfferEnded(offer=offer, outcome=outcome))

    def _stop_ringing(self, offer: str) -> None:
        if (timer := self._ringing.pop(offer, None)) is not None:
            timer.cancel()

    def watch(self, event: AnyEvent, _commands: list[AnyCommand]) -> None:
        """End what is at a desk though it is over, or its agent has what goes before it; at a start, wait for pages."""
        if isinstance(event, Started):
            self._come_back()
        elif isinstance(event, Connected):
            self._make_way(event.offer)
        offers = self._dispatcher.core.state.offers
        for offer in list(self._live):
            known = offers.get(offer)
            if known is None or (known.in_talk and known.call is None):
                self.end(offer, "hung-up")
