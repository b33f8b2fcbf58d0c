"""What agents ask for, and what they are told.

A wish is never lost and never cuts a talk: with work in hand it is kept as the seat's next word and the answer is
"later".
"""

from collections.abc import Callable
from typing import Any

from acd.core import offering, virtual
from acd.core.commands import Answer
from acd.core.events import (
    CloseAsked,
    CodeAsked,
    DeferAsked,
    LogInAsked,
    LogOutAsked,
    PauseAsked,
    ReadyAsked,
    WrapUpEndAsked,
    WrapUpExtendAsked,
)
from acd.core.floor import Floor
from acd.core.model import Offer, Seat

AnyWish = (
    LogInAsked
    | LogOutAsked
    | ReadyAsked
    | PauseAsked
    | WrapUpEndAsked
    | WrapUpExtendAsked
    | CodeAsked
    | CloseAsked
    | DeferAsked
)
WISHES: tuple[type[AnyWish], ...] = (
    LogInAsked,
    LogOutAsked,
    ReadyAsked,
    PauseAsked,
    WrapUpEndAsked,
    WrapUpExtendAsked,
    CodeAsked,
    CloseAsked,
    DeferAsked,
)


def answer(floor: Floor, wish: AnyWish) -> Answer:
    """Fulfil a wish as far as it can be, and say how far that was."""
    seat = floor.state.seats.get(wish.seat)
    if seat is None:
        return "unknown-seat"
    if isinstance(wish, LogInAsked):
        return _log_in(floor, seat, pin_matches=wish.pin_matches)
    if seat.presence == "logged-out":
        return "not-logged-in"
    return _FULFILLED_BY[type(wish)](floor, seat, wish)


def _log_in(floor: Floor, seat: Seat, *, pin_matches: bool) -> Answer:
    """Count the tries here, where they survive a restart and parallel attempts cannot slip between them."""
    if seat.locked_until is not None and seat.locked_until > floor.at:
        return "locked"
    seat.locked_until = None
    if not pin_matches:
        seat.wrong_pins += 1
        if seat.wrong_pins < seat.rule.pin_tries:
            return "wrong-pin"
        seat.wrong_pins, seat.locked_until = 0, floor.at + seat.rule.lock_ms
        return "locked"
    seat.wrong_pins = 0
    if not seat.move("log_in"):
        return "already"
    seat.next_word, seat.pause_reason, seat.unanswered = "ready", "", 0
    seat.logged_in_at, seat.busy_ms, seat.taken = floor.at, 0, _fewest_taken(floor, seat)
    floor.begins_idle(seat)
    floor.signed(seat, 1)
    floor.show(seat)
    return "ok"


def _fewest_taken(floor: Floor, seat: Seat) -> int:
    """Return what the least busy colleague has taken, so that fewest-calls does not flood who comes late."""
    books = [floor.books[queue] for queue in seat.rule.queues if queue in floor.books]
    colleagues = [
        other.taken
        for book in books
        if book.rule.strategy == "fewest-calls"
        for other in book.seats
        if other is not seat and other.presence != "logged-out"
    ]
    return min(colleagues, default=0)


def _offers(floor: Floor, seat: Seat) -> list[Offer]:
    return [floor.state.offers[name] for name in seat.work]


def _wrap_ups(floor: Floor, seat: Seat) -> list[Offer]:
    return [offer for offer in _offers(floor, seat) if offer.state == "wrap-up"]


def _log_out(floor: Floor, seat: Seat) -> Answer:
    seat.next_word = "log_out"
    for offer in _offers(floor, seat):
        if offer.state == "wrap-up":
            offering.let_go(floor, offer)
        elif offer.state == "ringing":  # as far as we know; the snapshot that is asked for takes it back
            offering.doubt(floor, offer)
    if seat.work:
        floor.show(seat)
        return "later"
    if seat.presence != "logged-out":
        floor.go_on(seat)
    return "ok"


def _pause(floor: Floor, seat: Seat, reason: str) -> Answer:
    seat.next_word, seat.pause_reason = "pause", reason
    if seat.work:
        floor.show(seat)
        return "later"
    floor.go_on(seat)
    return "ok"


def _ready(floor: Floor, seat: Seat) -> Answer:
    if not seat.work and seat.presence == "ready" and seat.next_word == "ready":
        return "already"
    seat.next_word, seat.pause_reason = "ready", ""
    for offer in _wrap_ups(floor, seat):
        offering.let_go(floor, offer)
    if seat.work:
        floor.show(seat)
        return "later"
    if seat.presence != "ready":
        floor.go_on(seat)
    return "ok"


def _end_wrap_up(floor: Floor, seat: Seat) -> Answer:
    wrap_ups = _wrap_ups(floor, seat)
    for offer in wrap_ups:
        offering.let_go(floor, offer)
    return "ok" if wrap_ups else "already"


def _extend_wrap_up(floor: Floor, seat: Seat, more_ms: int) -> Answer:
    wrap_ups = _wrap_ups(floor, seat)
    for offer in wrap_ups:
        assert offer.deadline is not None
        assert offer.wrap_up_most is not None
        until = min(offer.deadline + more_ms, offer.wrap_up_most)
        floor.give_deadline(offer, max(until, offer.deadline) - floor.at)
    return "ok" if wrap_ups else "already"


def _code(floor: Floor, seat: Seat) -> Answer:
    """Take a code for the last talk: given in it, it does away with the wait for one; after it, with wrap-up."""
    offers = [offer for offer in _offers(floor, seat) if offer.in_talk or offer.state == "wrap-up"]
    for offer in offers:
        rule = floor.state.queues.get(offer.queue)
        if rule is None or not rule.wrap_up_until_coded:
            continue
        if offer.state == "wrap-up":
            offering.let_go(floor, offer)
        else:
            offer.wrap_up_ms = rule.wrap_up_ms
    return "ok" if offers else "already"


def _close(floor: Floor, seat: Seat, wish: CloseAsked) -> Answer:
    return "ok" if virtual.close(floor, seat, wish.offer) else "already"


def _defer(floor: Floor, seat: Seat, wish: DeferAsked) -> Answer:
    return "ok" if virtual.defer(floor, seat, wish.offer, wish.for_ms) else "already"


_FULFILLED_BY: dict[type[AnyWish], Callable[[Floor, Seat, Any], Answer]] = {
    LogOutAsked: lambda floor, seat, _: _log_out(floor, seat),
    PauseAsked: lambda floor, seat, wish: _pause(floor, seat, wish.reason),
    ReadyAsked: lambda floor, seat, _: _ready(floor, seat),
    WrapUpEndAsked: lambda floor, seat, _: _end_wrap_up(floor, seat),
    WrapUpExtendAsked: lambda floor, seat, wish: _extend_wrap_up(floor, seat, wish.more_ms),
    CodeAsked: lambda floor, seat, _: _code(floor, seat),
    CloseAsked: _close,
    DeferAsked: _defer,
}
