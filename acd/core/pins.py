"""Wrong PINs, counted where the count survives a restart and parallel attempts cannot slip between it.

At a seat's own phone they count for the seat, which its rule locks after a few. At any other phone they count for that
phone: who has stolen one phone's password gets a few tries in a while over all seats together, and can lock no seat at
its own phone. A seat that there is not counts alike, so nobody learns by a lock which ones there are.
"""

from acd.core.events import LogInAsked
from acd.core.floor import Floor
from acd.core.model import Away, Seat
from acd.core.rules import SeatRule

AWAY_MOST = 10
"""Wrong PINs at a phone, of seats not its own, in the time of a lock: of many who log in there a few mistype."""

_NOBODY = SeatRule(name="")


def is_locked(floor: Floor, wish: LogInAsked, seat: Seat | None) -> bool:
    """Whether no PIN is looked at, and count this one if it is wrong: then whether that locks it."""
    if seat is not None and wish.phone in {"", seat.name}:
        return _is_locked_at_home(floor, wish, seat)
    return _is_locked_away(floor, wish, (seat.rule if seat is not None else _NOBODY).lock_ms)


def _is_locked_at_home(floor: Floor, wish: LogInAsked, seat: Seat) -> bool:
    if seat.locked_until is not None and seat.locked_until > floor.at:
        return True
    seat.locked_until = None
    seat.wrong_pins = 0 if wish.pin_matches else seat.wrong_pins + 1
    if seat.wrong_pins >= seat.rule.pin_tries:
        seat.wrong_pins, seat.locked_until = 0, floor.at + seat.rule.lock_ms
    return seat.locked_until is not None


def _is_locked_away(floor: Floor, wish: LogInAsked, lock_ms: int) -> bool:
    away = floor.state.away.get(wish.phone)
    if away is not None and away.locked_until is not None and away.locked_until > floor.at:
        return True
    if wish.pin_matches:  # what others have tried there stands
        return False
    if away is None or away.locked_until is not None or floor.at - away.since > lock_ms:
        away = floor.state.away[wish.phone] = Away(since=floor.at)
    away.wrong += 1
    if away.wrong >= AWAY_MOST:
        away.locked_until = floor.at + lock_ms
    return away.locked_until is not None
