"""What agents ask for, and what they are told.

A wish is never lost and never cuts a talk: on a call it is kept as the seat's next word and the answer is "later".
"""

from acd.core.commands import Answer
from acd.core.events import LogInAsked, LogOutAsked, PauseAsked, ReadyAsked, WrapUpEndAsked
from acd.core.floor import Floor
from acd.core.model import Seat
from acd.core.transitions import ON_A_CALL, SeatState

AnyWish = LogInAsked | LogOutAsked | ReadyAsked | PauseAsked | WrapUpEndAsked


def answer(floor: Floor, wish: AnyWish) -> Answer:
    """Fulfil a wish as far as it can be, and say how far that was."""
    seat = floor.state.seats.get(wish.seat)
    if seat is None:
        return "unknown-seat"
    if isinstance(wish, LogInAsked):
        return _log_in(floor, seat, pin_matches=wish.pin_matches)
    if seat.state is SeatState.LOGGED_OUT:
        return "not-logged-in"
    match wish:
        case LogOutAsked():
            return _log_out(floor, seat)
        case PauseAsked(reason=reason):
            return _pause(floor, seat, reason)
        case ReadyAsked():
            return _ready(floor, seat)
        case WrapUpEndAsked():
            if seat.state is not SeatState.WRAP_UP:
                return "already"
            floor.go_on(seat)
            return "ok"


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
    if not seat.move("log_in", floor.at):
        return "already"
    seat.idle_since, seat.next_word, seat.pause_reason, seat.unanswered = floor.at, "ready", "", 0
    floor.show(seat)
    return "ok"


def _log_out(floor: Floor, seat: Seat) -> Answer:
    seat.next_word = "log_out"
    if seat.state not in ON_A_CALL:
        floor.go_on(seat)
        return "ok"
    if seat.state is SeatState.OFFERED and seat.offer is not None:
        floor.withdraw(floor.state.offers[seat.offer])
    return "later"


def _pause(floor: Floor, seat: Seat, reason: str) -> Answer:
    seat.next_word, seat.pause_reason = "pause", reason
    if seat.state in ON_A_CALL or seat.state is SeatState.WRAP_UP:
        return "later"
    floor.go_on(seat)
    return "ok"


def _ready(floor: Floor, seat: Seat) -> Answer:
    seat.next_word, seat.pause_reason = "ready", ""
    if seat.state in ON_A_CALL:
        return "later"
    if seat.state is SeatState.READY:
        return "already"
    floor.go_on(seat)
    return "ok"
