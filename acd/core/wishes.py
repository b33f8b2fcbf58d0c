"""What agents ask for, and what they are told.

A wish is never lost and never cuts a talk: with work in hand it is kept as the seat's next word and the answer is
"later".
"""

from collections.abc import Callable
from typing import Any, get_args

from acd.core import offering, pins, queueing, virtual
from acd.core.commands import Answer
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
from acd.core.floor import Floor
from acd.core.model import Call, Offer, Seat
from acd.core.promised import reached_as, sleeps

PULL_MS = 30_000
"""So long a call that was pulled waits for the seat: until its agent has put down the phone that he asked with."""

AnyWish = (
    LogInAsked
    | LogOutAsked
    | ReadyAsked
    | PauseAsked
    | WrapUpEndAsked
    | WrapUpExtendAsked
    | CodeAsked
    | PullAsked
    | PickUpAsked
    | CloseAsked
    | DeferAsked
)
WISHES: tuple[type[AnyWish], ...] = get_args(AnyWish)


def answer(floor: Floor, wish: AnyWish) -> Answer:
    """Fulfil a wish as far as it can be, and say how far that was."""
    seat = floor.state.seats.get(wish.seat)
    if isinstance(wish, LogInAsked) and pins.is_locked(floor, wish, seat):
        return "locked"
    if seat is None:
        return "unknown-seat"
    if seat.presence == "logged-out" and not isinstance(wish, LogInAsked):
        return "not-logged-in"
    return _ANSWERS[type(wish)](floor, seat, wish)


def _log_in(floor: Floor, seat: Seat, wish: LogInAsked) -> Answer:
    if not wish.pin_matches:
        return "wrong-pin"
    phone = wish.phone or seat.name
    if seat.presence != "logged-out":
        return _change_phone(floor, seat, phone)
    if _is_taken(floor, seat, phone):
        return "taken"
    granted = seat.move("log_in")
    assert granted, f"seat {seat.name} is {seat.presence} and cannot log in"
    floor.use_phone(seat, phone)
    seat.next_word, seat.pause_reason, seat.unanswered = "ready", "", 0
    seat.logged_in_at, seat.busy_ms, seat.taken = floor.at, 0, _fewest_taken(floor, seat)
    floor.begins_idle(seat)
    floor.signed(seat, 1)
    floor.show(seat)
    return "ok"


def _is_taken(floor: Floor, seat: Seat, phone: str) -> bool:
    """Whether somebody else is logged in at a phone."""
    others = (other for other in floor.state.seats.values() if other.presence != "logged-out" and other is not seat)
    return any(other.at_phone == phone for other in others)


def _change_phone(floor: Floor, seat: Seat, phone: str) -> Answer:
    """An agent who is logged in sits down at another phone: his shift goes on there, unless he has work in hand."""
    if phone == seat.at_phone or seat.work:
        return "already"
    if _is_taken(floor, seat, phone):
        return "taken"
    floor.use_phone(seat, phone)
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


def _log_out(floor: Floor, seat: Seat, _wish: AnyWish) -> Answer:
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


def _pause(floor: Floor, seat: Seat, wish: PauseAsked) -> Answer:
    seat.next_word, seat.pause_reason = "pause", wish.reason
    if seat.work:
        floor.show(seat)
        return "later"
    floor.go_on(seat)
    return "ok"


def _ready(floor: Floor, seat: Seat, _wish: AnyWish) -> Answer:
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


def _end_wrap_up(floor: Floor, seat: Seat, _wish: AnyWish) -> Answer:
    wrap_ups = _wrap_ups(floor, seat)
    for offer in wrap_ups:
        offering.let_go(floor, offer)
    return "ok" if wrap_ups else "already"


def _extend_wrap_up(floor: Floor, seat: Seat, wish: WrapUpExtendAsked) -> Answer:
    wrap_ups = _wrap_ups(floor, seat)
    for offer in wrap_ups:
        assert offer.deadline is not None
        assert offer.wrap_up_most is not None
        until = min(offer.deadline + wish.more_ms, offer.wrap_up_most)
        floor.give_deadline(offer, max(until, offer.deadline) - floor.at)
    return "ok" if wrap_ups else "already"


def _code(floor: Floor, seat: Seat, _wish: AnyWish) -> Answer:
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


def _pull(floor: Floor, seat: Seat, wish: PullAsked) -> Answer:
    """Keep the call that has waited longest for this seat, before all others, whatever it asks for or refused there.

    The seat's handset is busy while its agent asks, so the offer follows when that call is over. Until then, and for
    `PULL_MS` at most, nobody else is offered the call.
    """
    state, routing = floor.state, floor.routing
    waiting = [call for call in state.calls.values() if call.state == "waiting"]
    if any(call.pulled_from is not None and call.wants == seat.name for call in waiting):
        return "already"
    if not _takes_calls(floor, seat):
        return "unable"
    queues = (wish.queue,) if wish.queue else seat.rule.queues
    found = [
        call
        for call in waiting
        if call.queue in queues
        and call.pulled_from is None
        and not routing.is_shut(call.queue)
        and not (call.virtual and _is_kept_back(floor, call))
    ]
    if not found:
        return "nobody-waits"
    media = routing.capacity.open_media(seat)
    longest = min(
        (call for call in found if call.medium in media), key=lambda call: (call.arrived, call.number), default=None
    )
    if longest is None:
        return "unable"
    with queueing.changing(floor, longest):
        _keep_for(floor, longest, seat)
        longest.hold_until = None
    return "ok"


def _is_kept_back(floor: Floor, call: Call) -> bool:
    """Whether a virtual call is for no seat now: put off, asleep, or its customer is called before any agent."""
    return call.hold_until is not None or sleeps(floor.state, call) or reached_as(floor.state, call) != ""


def _takes_calls(floor: Floor, seat: Seat) -> bool:
    """Whether a seat could be rung, were its phone not in its agent's hand."""
    without_line = seat.rule.line_group and seat.rule.line_group in floor.routing.without_line
    return seat.presence == "ready" and seat.next_word == "ready" and seat.reachable and not without_line


def _keep_for(floor: Floor, call: Call, seat: Seat) -> None:
    """A call is the next that a seat is offered, whatever it asks for or refused there."""
    if seat.name in (call.barred or ()):
        offering.unbar(floor, call, seat.name)
    if call.pulled_from is None:
        call.pulled_from = call.wants, call.wants_until
    call.wants, call.wants_until = seat.name, floor.at + PULL_MS
    floor.deadlines.add(floor.at + PULL_MS, "wants", call.id)


def _pick_up(floor: Floor, seat: Seat, wish: PickUpAsked) -> Answer:
    """Take back what rings at another seat, and keep its call for this one: the offer follows when that is confirmed.

    They may talk there by now, and the switch's word of it be late: that is looked at first.

    As after `_pull` it does so when the agent has put down the phone with which he asks.
    """
    call = _rings_at(floor, wish.of)
    if call is None or wish.of == seat.name:
        return "nobody-rings"
    if call.queue not in seat.rule.queues:
        return "not-served"
    calls = floor.state.calls
    rings_here = any(floor.state.offers[name].seat == seat.name for name in call.offers)
    if rings_here or any(one.pulled_from is not None and one.wants == seat.name for one in calls.values()):
        return "already"
    if not _takes_calls(floor, seat) or call.medium not in floor.routing.capacity.open_media(seat):
        return "unable"
    floor.routing.leaves(call)  # where many may ring for it, no more do
    _keep_for(floor, call, seat)
    for name in call.offers:
        offering.doubt(floor, floor.state.offers[name])
    return "ok"


def _rings_at(floor: Floor, name: str) -> Call | None:
    """Return the call that rings at a seat; one that is answered, or being taken back, rings no more."""
    seat = floor.state.seats.get(name)
    offers = _offers(floor, seat) if seat is not None else []
    ringing = next((offer for offer in offers if offer.state == "ringing" and offer.call is not None), None)
    return floor.state.calls[ringing.call or ""] if ringing is not None else None


_ANSWERS: dict[type[AnyWish], Callable[[Floor, Seat, Any], Answer]] = {
    LogInAsked: _log_in,
    LogOutAsked: _log_out,
    ReadyAsked: _ready,
    PauseAsked: _pause,
    WrapUpEndAsked: _end_wrap_up,
    WrapUpExtendAsked: _extend_wrap_up,
    CodeAsked: _code,
    PullAsked: _pull,
    PickUpAsked: _pick_up,
    CloseAsked: _close,
    DeferAsked: _defer,
}
"""Who answers which wish."""
