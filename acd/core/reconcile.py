"""What a snapshot of the switch means for what we believed.

The switch is right about what exists, we are right about why. So: whatever we hold that the switch does not has ended;
whatever the switch holds in `acd-hold` that we do not know waits, since the time its own channel names; and our own
order, refusals, pauses and wrap-ups stand. What began after the snapshot was asked for is left alone, because the
answer may have been written before it.
"""

from msgspec import structs

from acd.core.commands import Withdraw
from acd.core.events import HandsetState, HeldCall, LiveLeg, Snapshot
from acd.core.floor import Floor
from acd.core.model import Call
from acd.core.transitions import CallState, OfferState

SETTLE_MS = 1_000
"""For a moment after a talk the caller stands alone where he waited before. That is no return: an event would tell of
one. Only after a gap in our sight, when such an event may have been missed, it counts at once."""


def reconcile(floor: Floor, snapshot: Snapshot) -> None:
    """Bring the state in line; afterwards it is fresh and decisions may be made."""
    state = floor.state
    younger = {call.id for call in state.calls.values() if max(call.known_at, call.since) >= snapshot.asked}
    _legs(floor, snapshot)
    held = {call.call: call for call in snapshot.calls}
    for call in list(state.calls.values()):
        if call.known_at < snapshot.asked and call.id not in held:
            floor.forget(call)
    for known in held.values():
        if known.call not in younger:
            _held(floor, known)
    astray = {leg.seat for leg in snapshot.legs if leg.joined and leg.offer not in state.offers}
    for handset in snapshot.handsets:
        set_handset(floor, structs.replace(handset, busy=True) if handset.seat in astray else handset)
    state.fresh = True
    floor.plan_look()
    for seat in state.seats.values():
        floor.show(seat, again=True)


def _legs(floor: Floor, snapshot: Snapshot) -> None:
    live = {leg.offer: leg for leg in snapshot.legs}
    for offer in list(floor.state.offers.values()):
        leg = live.pop(offer.id, None)
        if leg is None:
            if offer.made_at < snapshot.asked:
                floor.end(offer, "hung-up" if offer.state is OfferState.CONNECTED else "failed")
        elif leg.joined:
            floor.connected(offer, seen=True)
    for leg in live.values():
        _stray(floor, leg)


def _stray(floor: Floor, leg: LiveLeg) -> None:
    """Judge a leg whose offer is not in our books.

    One that only rings would surprise an agent with a call that is elsewhere by now; two people who talk are left to.
    """
    if leg.joined:
        return
    call = floor.state.calls.get(leg.call)
    spoken_for = call is not None and call.offer is not None  # his token is that offer's now, and must stay
    floor.commands.append(Withdraw(offer=leg.offer, call="" if spoken_for else leg.call))


def _held(floor: Floor, held: HeldCall) -> None:
    call = floor.state.calls.get(held.call)
    if call is None:
        if held.waiting:
            admit(floor, held)
    elif held.waiting and call.state in {CallState.TALKING, CallState.AFTER}:
        if not floor.state.fresh or floor.at - call.since >= SETTLE_MS:
            come_back(floor, call, held)
    elif not held.waiting and call.state is CallState.WAITING:
        floor.leave_queue(call)


def admit(floor: Floor, held: HeldCall) -> None:
    """A call that is new to us joins its queue."""
    state = floor.state
    state.calls_counted += 1
    queue = state.queues.get(held.queue)
    call = Call(
        id=held.call,
        number=state.calls_counted,
        queue=held.queue,
        caller=held.caller,
        medium=held.medium,
        rank=held.priority if held.priority is not None else (queue.priority if queue else 0),
        due=held.since,
        since=floor.at,
        known_at=floor.at,
        give_up_at=max(held.since + queue.max_wait_ms, floor.at) if queue else floor.at,
    )
    floor.arrive(call)


def come_back(floor: Floor, call: Call, held: HeldCall) -> None:
    """A caller who was with an agent waits again: a new stay, at the end of the line."""
    floor.forget(call)
    admit(floor, held)


def set_handset(floor: Floor, handset: HandsetState) -> None:
    """What the switch says of a seat's handset."""
    seat = floor.state.seats.get(handset.seat)
    if seat is not None:
        seat.reachable, seat.busy = handset.reachable, handset.busy
        floor.show(seat)
