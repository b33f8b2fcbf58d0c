"""Virtual calls that a seat has in hand: closed, put off, or, of a callback, tried in vain."""

from typing import Literal

from acd.core import offering
from acd.core.commands import CallOver
from acd.core.floor import Floor
from acd.core.model import Call, Offer, Seat

DEFER_MOST_MS = 31 * 86_400_000
"""None is put off for longer."""


def close(floor: Floor, seat: Seat, name: str) -> bool:
    """The agent is done with the virtual call that he has on this offer. Answers whether he has one."""
    call = _virtual_call(floor, seat, name)
    if call is not None:
        offering.forget(floor, call)
    return call is not None


def called_back(floor: Floor, seat: Seat, name: str) -> None:
    """The customer of a callback answered: that was it, whatever comes of the talk."""
    call = _virtual_call(floor, seat, name)
    if call is not None:
        over(floor, call, "called-back")


def over(floor: Floor, call: Call, reason: Literal["called-back", "not-reached", "called-again", "expired"]) -> None:
    """A callback is over."""
    offering.forget(floor, call)
    floor.commands.append(CallOver(call=call.id, reason=reason))


def not_reached(floor: Floor, offer: Offer) -> None:
    """The customer of a callback did not answer: once more after a while, or no more."""
    seat = floor.state.seats[offer.seat]
    call = _virtual_call(floor, seat, offer.id)
    rule = floor.state.queues.get(offer.queue)
    if call is None or rule is None:
        return
    call.attempts += 1
    if call.attempts >= rule.callback_tries:
        over(floor, call, "not-reached")
    else:
        defer(floor, seat, offer.id, rule.callback_retry_ms)


def defer(floor: Floor, seat: Seat, name: str, for_ms: int) -> bool:
    """He puts it off. Answers whether he has one."""
    call = _virtual_call(floor, seat, name)
    if call is not None:
        call.hold_until = floor.state.now + min(max(for_ms, 0), DEFER_MOST_MS)
        floor.deadlines.add(call.hold_until, "hold", call.id)
    return call is not None


def _virtual_call(floor: Floor, seat: Seat, name: str) -> Call | None:
    offer = floor.state.offers.get(name)
    if offer is None or offer.seat != seat.name or not offer.in_talk or offer.call is None:
        return None
    call = floor.state.calls[offer.call]
    return call if call.virtual else None
