"""What must be true after every event, said independently of the code that keeps it so.

Each check is simpler than what it checks: it walks the plain state, never the matcher, the books or the heap. A broken
one is our bug, so it is an `AssertionError`; `broken` gives all of them as text for an alarm that must not stop the
phones.
"""

from collections import Counter
from collections.abc import Iterator

from acd.core import explain
from acd.core.commands import AnyCommand
from acd.core.commands import Offer as OfferMade
from acd.core.model import Call, Offer, Seat, State
from acd.core.rules import FRONT, MediumRule
from acd.core.transitions import IN_TALK


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
    yield from _lines(state)
    yield from _legs(state)
    yield from _phones(state)
    yield from _missed_match(state)


def _offer(state: State, offer: Offer) -> Iterator[str]:
    seat = state.seats.get(offer.seat)
    if seat is None or offer.id not in seat.work:
        yield f"{offer.id} is out for seat {offer.seat}, which holds {seat and seat.work}"
    if offer.call is not None:
        call = state.calls.get(offer.call)
        if call is None or offer.id not in call.offers:
            yield f"{offer.id} is out for call {offer.call}, which holds {call and call.offers}"
    if offer.state not in IN_TALK and (offer.deadline is None or offer.deadline < state.now):
        yield f"{offer.id} is {offer.state} without a deadline ahead ({offer.deadline}, now {state.now})"
    line = state.lines.get(offer.line)  # none for a line that is gone from the rules
    if line is not None and line.offer != offer.id:
        yield f"{offer.id} goes over line {offer.line}, which carries another"


def _call(state: State, call: Call) -> Iterator[str]:
    holds_offer = call.state in {"offered", "talking"}
    if holds_offer != bool(call.offers):
        yield f"call {call.id} is {call.state} with offers {call.offers}"
    for name in call.offers:
        if name not in state.offers or state.offers[name].call != call.id:
            yield f"call {call.id} holds {name}, which has ended or is another's"
    if call.state == "talking" and len(call.offers) != 1:
        yield f"call {call.id} talks on {call.offers}"
    if call.state == "waiting":
        yield from _waiting(state, call)
    if call.state == "calling" and (call.leg not in state.legs or state.legs[call.leg].call != call.id):
        yield f"call {call.id} is calling by {call.leg}, which has ended or is another's"
    if any(until < state.now for until in (call.barred or {}).values()):
        yield f"call {call.id} is barred beyond its time: {call.barred}"


def _waiting(state: State, call: Call) -> Iterator[str]:
    rule = state.queues.get(call.queue)
    if rule is None:
        yield f"call {call.id} waits in queue {call.queue}, which does not exist"
    elif 0 < rule.overtake_most <= call.passed and call.rank != FRONT:
        yield f"call {call.id} was passed {call.passed} times, {rule.overtake_most} are allowed"
    if call.pulled_from is not None and (not call.wants or call.wants_until is None):
        yield f"call {call.id} was pulled to seat {call.wants!r} until {call.wants_until}"
    for what in ("give_up_at", "hold_until", "step_at", "tell_at", "wants_until"):
        at = getattr(call, what)
        if at is not None and at < state.now:
            yield f"call {call.id} waits beyond its {what} {at}"


def _seat(state: State, seat: Seat) -> Iterator[str]:
    offers = [state.offers.get(name) for name in seat.work]
    if None in offers:
        yield f"seat {seat.name} holds {seat.work}, of which one has ended"
        return
    held = [offer for offer in offers if offer is not None]
    if seat.resting_until is not None and seat.resting_until < state.now:
        yield f"seat {seat.name} rests beyond its time {seat.resting_until}"
    if len({offer.line for offer in held if offer.line}) != sum(bool(offer.line) for offer in held):
        yield f"seat {seat.name} has one line for two legs"


def _phones(state: State) -> Iterator[str]:
    there = Counter(seat.at_phone for seat in state.seats.values() if seat.presence != "logged-out")
    for phone, count in there.items():
        if count > 1:
            yield f"{count} seats are logged in at phone {phone}"
    for seat in state.seats.values():
        if seat.phone and seat.presence == "logged-out":
            yield f"seat {seat.name} is logged out and at phone {seat.phone}"


def _lines(state: State) -> Iterator[str]:
    for name, line in state.lines.items():
        if line.offer and line.offer not in state.offers and line.offer not in state.legs:
            yield f"line {name} carries {line.offer}, which has ended"
        if line.fault_until is not None and line.fault_until < state.now:
            yield f"line {name} is left alone beyond its time"
        if line.out_why and line.out_since is None:
            yield f"line {name} is in service, and out of it because: {line.out_why}"
        if max(line.since, line.out_since or 0) > state.now:
            yield f"line {name} is {line.look} since a time to come"


def _legs(state: State) -> Iterator[str]:
    for leg in state.legs.values():
        line = state.lines.get(leg.line)
        if line is not None and line.offer != leg.id:
            yield f"{leg.id} goes over line {leg.line}, which carries {line.offer or 'nothing'}"
        if leg.connected_at is None and (leg.deadline is None or leg.deadline < state.now):
            yield f"{leg.id} is on its way without a deadline ahead ({leg.deadline}, now {state.now})"


def _missed_match(state: State) -> Iterator[str]:
    for call, seat in explain.missed(state):
        yield f"call {call.id} waits in {call.queue} while seat {seat.name} is free"


def broken_offers(state: State, commands: list[AnyCommand]) -> Iterator[str]:
    """All that is wrong with offers that were just made: bounds that later changes of rules may leave behind."""
    made = [state.offers[command.offer] for command in commands if isinstance(command, OfferMade)]
    busy = Counter(offer.queue for offer in state.offers.values()) if made else Counter()
    for offer in made:
        rule, seat = state.queues[offer.queue], state.seats[offer.seat]
        if rule.seats_most and busy[offer.queue] > rule.seats_most:
            yield f"queue {offer.queue} keeps {busy[offer.queue]} seats busy, {rule.seats_most} are allowed"
        line = state.lines.get(offer.line)
        if line is not None and (line.in_use or line.trouble or line.out_since is not None or line.fault_until):
            yield f"{offer.id} goes over line {offer.line}, which is not to be had: {line}"
        held = [state.offers[name] for name in seat.work[: seat.work.index(offer.id) + 1]]  # as it was then
        media = [state.media.get(other.medium) or MediumRule(name=other.medium) for other in held]
        count = sum(other.medium == offer.medium for other in held)
        most = seat.rule.most.get(offer.medium, media[held.index(offer)].most)
        if count > most:
            yield f"seat {seat.name} has {count} {offer.medium} contacts, {most} are allowed"
        for other, medium in zip(held, media, strict=True):
            if other is offer or offer.medium in medium.interrupted_by:
                continue
            if "*" in medium.blocks or offer.medium in medium.blocks:
                yield f"seat {seat.name} was offered {offer.medium} during {other.medium}"
        cost = sum(m.cost for m in media if offer.medium not in m.interrupted_by or m.name == offer.medium)
        if cost > seat.rule.budget:
            yield f"seat {seat.name} has spent {cost} of its budget of {seat.rule.budget}"
