"""Which queue is empty, in the eyes of a call: where no seat is there that one could reasonably wait for."""

from acd.core.books import Book
from acd.core.model import Call, Seat, State


def is_empty(state: State, call: Call, book: Book, absences: tuple[str, ...]) -> bool:
    """Whether no seat of a call's queue counts as there."""
    return not any(_is_there(state, call, seat, absences) for seat in book.seats)


def _is_there(state: State, call: Call, seat: Seat, absences: tuple[str, ...]) -> bool:
    """Whether a seat counts. The words are app_queue's, as `joinempty` has them, by our names."""
    if seat.presence == "logged-out":
        return False
    if "paused" in absences and (seat.presence == "paused" or seat.next_word == "pause"):
        return False
    if "unreachable" in absences and not seat.reachable:
        return False
    wraps_up = any(state.offers[name].state == "wrap-up" for name in seat.work)
    if "wrap-up" in absences and wraps_up:
        return False
    if "busy" in absences and (seat.busy or (seat.work and not wraps_up)):
        return False
    if "tier" in absences:
        place = seat.rule.queues.index(call.queue)
        tier = seat.rule.tiers[place] if place < len(seat.rule.tiers) else 0
        return call.tiers[0] <= tier <= call.tiers[1]
    return True
