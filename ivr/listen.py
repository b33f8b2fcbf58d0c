"""A supervisor listens to a talk: *23, then the seat's number; the keys 1, 2 and 3 change what others hear of him.

Digits that are keyed in name a seat of the site and nothing else. What goes to the dialplan (`acd-listen`) is the id of
that seat's leg, as the core has it, and ChanSpy's options stand there. That somebody listens, to whom, and how, is
told by the dialplan as it happens, so the journal has it whatever becomes of this flow: `events.Listening`.
"""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import NoReturn, Protocol, get_args

import structlog

from acd.core.events import Listening
from acd.core.outcomes import ListenMode
from ivr.ami import Message, text
from ivr.flow import Collect, Play, Step
from ivr.held import OFFER_PREFIX, Leg

log = structlog.get_logger()

CONTEXT = "acd-listen"
SPIED = "ACD_SPIED"
TRIES = 3
DIGITS_MOST = 8
MODES: tuple[ListenMode, ...] = get_args(ListenMode)
_LEG = re.compile(rf"{OFFER_PREFIX}[A-Za-z0-9-]{{1,80}}|([A-Za-z0-9_-]{{1,64}}-)?[0-9]{{1,20}}\.[0-9]{{1,20}}")
"""An offer's, or a unique id of Asterisk's own."""


@dataclass(frozen=True, slots=True)
class Listen(Step[NoReturn]):
    """Last word, of the handset's flows only: the supervisor goes to where he hears a seat's leg."""

    leg: str

    def __post_init__(self) -> None:
        if not _LEG.fullmatch(self.leg):
            raise ValueError(f"{self.leg[:80]!r} is no leg")


class TalkView(Protocol):
    """Knows who talks; see `acd.desk.agents`."""

    def talk_of(self, seat: str) -> str:
        """Tell the offer on which a seat talks by telephone; empty if it does not."""


async def ask_listen(view: TalkView, own: str, seats: Collection[str], leg_of: Callable[[str], str] = str) -> None:
    """Ask for a seat and listen to it, if it talks. `leg_of` names the leg of an offer as the switch does."""
    for _ in range(TRIES):
        seat = await Collect("handset-listen-seat", max_digits=DIGITS_MOST, tries=2)
        if seat is None:
            break
        offer = view.talk_of(seat) if seat in seats and seat != own else ""
        if offer:
            log.info("supervisor listens", seat=own, to=seat, offer=offer)
            await Play("handset-listen-keys")
            await Listen(leg_of(offer))
        await Play("handset-not-talking")
    await Play("handset-unchanged")


class Listeners:
    """What the dialplan tells of those who listen, as events. It names the leg; who calls is known by his handset."""

    def __init__(self) -> None:
        self._to: dict[str, tuple[str, str]] = {}

    def take(self, message: Message, seat: str | None, legs: dict[str, Leg]) -> list[Listening]:
        """Read a UserEvent; `seat` is whose handset it came from. The leg may be gone when the last word comes."""
        offer, mode = text(message, "Offer"), text(message, "Mode")
        if seat is None or mode not in MODES:
            return []
        if offer in legs:
            self._to[seat] = legs[offer].seat, offer
        known = self._to.get(seat)
        if known is None or known[1] != offer:
            return []
        if mode == "over":
            del self._to[seat]
        return [Listening(seat=seat, to=known[0], offer=offer, mode=next(one for one in MODES if one == mode))]
