"""What must be true after every event, said independently of the code that keeps it so.

Each check is simpler than what it checks: it walks the plain state, never the matcher or the heap. A broken one is our
bug, so it is an `AssertionError`; `broken` gives all of them as text for an alarm that must not stop the phones.
"""

from collections.abc import Iterator

from acd.core.model import Call, Offer, Seat, State
from acd.core.transitions import ON_A_CALL, CallState, OfferState, SeatState


def check(state: State) -> None:
    """Raise for the first thing that is wrong.

    Raises:
        AssertionError: the state contradicts itself or breaks a promise.

    """
    for fault in broken(state):
        raise AssertionError(fault)


def broken(state: State) -> Iterator[str]:
    """All that is wrong."""
    for offer in state.offers.values():
        yield from _offer(state, offer)
    for call in state.calls.values():
        yield from _call(state, call)
    for seat in state.seats.values():
        yield from _seat(state, seat)
    yield from _missed_match(state)


def _offer(state: State, offer: Offer) -> Iterator[str]:
    seat = state.seats.get(offer.seat)
    if seat is None or seat.offer != offer.id:
        yield f"{offer.id} is out for seat {offer.seat}, which holds {seat and seat.offer}"
    if offer.call is not None:
        call = state.calls.get(offer.call)
        if call is None or call.offer != offer.id:
            yield f"{offer.id} is out for call {offer.call}, which holds {call and call.offer}"
    if offer.state is not OfferState.CONNECTED and (offer.deadline is None or offer.deadline < state.now):
        yield f"{offer.id} is {offer.state} without a deadline ahead ({offer.deadline}, now {state.now})"


def _call(state: State, call: Call) -> Iterator[str]:
    holds_offer = call.state in {CallState.OFFERED, CallState.TALKING}
    if holds_offer != (call.offer is not None):
        yield f"call {call.id} is {call.state} with offer {call.offer}"
    if call.offer is not None and call.offer not in state.offers:
        yield f"call {call.id} holds {call.offer}, which has ended"
    if call.state is CallState.WAITING and call.queue not in state.queues:
        yield f"call {call.id} waits in queue {call.queue}, which does not exist"
    if call.state is CallState.WAITING and call.give_up_at < state.now:
        yield f"call {call.id} waits beyond its time {call.give_up_at}"
    if any(until < state.now for until in call.barred.values()):
        yield f"call {call.id} is barred beyond its time: {call.barred}"


def _seat(state: State, seat: Seat) -> Iterator[str]:
    if (seat.state in ON_A_CALL) != (seat.offer is not None):
        yield f"seat {seat.name} is {seat.state} with offer {seat.offer}"
    if seat.offer is not None and seat.offer not in state.offers:
        yield f"seat {seat.name} holds {seat.offer}, which has ended"
    if (seat.state is SeatState.WRAP_UP) != (seat.wrap_up_until is not None):
        yield f"seat {seat.name} is {seat.state} with wrap-up until {seat.wrap_up_until}"
    if seat.wrap_up_until is not None and seat.wrap_up_until < state.now:
        yield f"seat {seat.name} is in wrap-up beyond its time {seat.wrap_up_until}"
    if seat.resting_until is not None and seat.resting_until < state.now:
        yield f"seat {seat.name} rests beyond its time {seat.resting_until}"


def _missed_match(state: State) -> Iterator[str]:
    """No free seat beside a waiting call that it may serve."""
    if not state.fresh:
        return
    free: dict[str, list[Seat]] = {}
    for seat in state.seats.values():
        if seat.eligible:
            for queue in seat.rule.queues:
                free.setdefault(queue, []).append(seat)
    for call in state.calls.values():
        if call.state is not CallState.WAITING:
            continue
        for seat in free.get(call.queue, ()):
            if seat.name not in call.barred:
                yield f"call {call.id} waits in {call.queue} while seat {seat.name} is free"
                return
