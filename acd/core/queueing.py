"""Calls in line: how they join, wait, are eased, are told how they stand, and leave without an agent.

A call in line is in its queue's book; while it may be offered it is also in the matcher. `line_up` and `step_out` move
it, and whatever changes its place or its class does so between the two.
"""

from acd.core import waits
from acd.core.books import Book
from acd.core.classes import all_needs, eased
from acd.core.commands import Announce, ChangeQueue, SendAway
from acd.core.floor import Floor
from acd.core.model import Call, Seat
from acd.core.rules import FRONT, QueueRule, Reason, Step
from acd.core.transitions import CallState, OfferState, Presence

HOPS_MOST = 10
"""A call that overflowed from queue to queue so often goes in a circle."""
RING_ALL = 1_000_000
"""As many seats as there are."""


# Joining


def join(floor: Floor, call: Call) -> None:
    """A call comes to its queue: it lines up, or goes where the queue sends whom it does not take."""
    book = floor.books.get(call.queue)
    if book is None:
        call.give_up_at = floor.state.now
        overflow(floor, call, "unknown-queue")
        return
    _take_rules(floor, call, book.rule)
    reason = _kept_out(floor, call, book)
    if reason is not None:
        overflow(floor, call, reason)
        return
    rule, hops = book.rule, call.hops
    call.place = book.ahead_of(call)
    if rule.steps:
        _plan_step(floor, call, rule)
    line_up(floor, call)
    if rule.steps:
        _take_if_nobody(floor, call, book)
    if call.hops != hops:  # a step sent it elsewhere
        return
    if rule.tell_first_ms:
        call.tell_at = floor.state.now + rule.tell_first_ms
        floor.deadlines.add(call.tell_at, "tell", call.id)
    if rule.tell_first_ms or rule.expected_most_ms:
        waits.promise(floor.state, call, call.place)


def _take_rules(floor: Floor, call: Call, rule: QueueRule) -> None:
    call.needs, call.tiers = all_needs(call.asked, rule), rule.tiers
    call.rank = rule.priority if call.priority is None else call.priority
    call.due = call.arrived - call.ahead_ms - rule.ahead_ms
    call.steps_done, call.passed, call.told_at = 0, 0, 0
    call.step_at = call.circle_at = call.tell_at = None
    call.rings = _rings(rule)
    floor.deadlines.add(call.give_up_at, "give-up", call.id)
    call.hold_until = None
    if rule.serve_after_ms and call.arrived + rule.serve_after_ms > floor.state.now:
        call.hold_until = call.arrived + rule.serve_after_ms
        floor.deadlines.add(call.hold_until, "hold", call.id)
    if not call.wants and rule.last_seat_ms and call.caller in floor.state.last_seats:
        call.wants = floor.state.last_seats[call.caller][0]
    if call.wants and call.wants_until is None:
        call.wants_until = floor.state.now + rule.seat_wait_ms
        floor.deadlines.add(call.wants_until, "wants", call.id)
    seat = floor.state.seats.get(call.wants)
    if seat is None or not _will_come(seat, call):
        call.wants, call.wants_until = "", None


def learn_rules(floor: Floor, call: Call, rule: QueueRule) -> None:
    """The rules of its queue have changed. Its place stands, and how long it may wait, and what was eased for it."""
    if call.state not in {CallState.WAITING, CallState.OFFERED}:
        return
    eases = [step for number, step in enumerate(rule.steps) if call.steps_done >> number & 1]
    call.needs, call.tiers = all_needs(call.asked, rule), rule.tiers
    for step in eases:
        call.needs, call.tiers = eased(call.needs, step.drop, step.lower), step.tiers or call.tiers
    call.rings = _rings(rule)
    call.circle_at = None
    if 0 < rule.overtake_most <= call.passed:
        call.rank, call.due = FRONT, call.arrived
    _plan_step(floor, call, rule)
    if rule.tell_first_ms and call.tell_at is None:
        call.tell_at = floor.state.now + rule.tell_first_ms
        floor.deadlines.add(call.tell_at, "tell", call.id)


def _rings(rule: QueueRule) -> int:
    """How many seats may ring at once at first."""
    return {"ring-all": RING_ALL, "ring-circles": rule.circle_seats}.get(rule.strategy, 1)


def _will_come(seat: Seat, call: Call) -> bool:
    """Whether it makes sense to wait for a seat: it is there, it takes calls, and did not just refuse this one."""
    at_work = seat.presence is Presence.READY and seat.next_word == "ready" and seat.reachable
    return at_work and seat.name not in (call.barred or ())


def _kept_out(floor: Floor, call: Call, book: Book) -> Reason | None:
    rule = book.rule
    if floor.state.closed.get(rule.name, rule.closed):
        return "closed"
    if rule.waiting_most and len(book.order) >= rule.waiting_most:
        return "full"
    if rule.join_empty is not None and _is_empty(floor, call, book, rule.join_empty):
        return "empty"
    if rule.expected_most_ms:
        expected = waits.range_ms(floor.state.waits.get(rule.name), book.ahead_of(call))
        if expected is not None and expected[1] > rule.expected_most_ms:
            return "too-long"
    return None


def _is_empty(floor: Floor, call: Call, book: Book, absences: tuple[str, ...]) -> bool:
    return not any(_is_there(floor, call, seat, absences) for seat in book.seats)


def _is_there(floor: Floor, call: Call, seat: Seat, absences: tuple[str, ...]) -> bool:
    """Whether a seat counts. The words are app_queue's, as `joinempty` has them, by our names."""
    if seat.presence is Presence.LOGGED_OUT:
        return False
    if "paused" in absences and (seat.presence is Presence.PAUSED or seat.next_word == "pause"):
        return False
    if "unreachable" in absences and not seat.reachable:
        return False
    wraps_up = any(floor.state.offers[name].state is OfferState.WRAP_UP for name in seat.work)
    if "wrap-up" in absences and wraps_up:
        return False
    if "busy" in absences and (seat.busy or (seat.work and not wraps_up)):
        return False
    if "tier" in absences:
        place = seat.rule.queues.index(call.queue)
        tier = seat.rule.tiers[place] if place < len(seat.rule.tiers) else 0
        return call.tiers[0] <= tier <= call.tiers[1]
    return True


# Waiting


def line_up(floor: Floor, call: Call) -> None:
    """Stand in line, where rank, due time and number say."""
    book = floor.books[call.queue]
    book.add(call)
    if call.hold_until is None:
        floor.routing.waits(call)
    if call.wants:
        floor.keep(call)
    for number, step in enumerate(book.rule.steps):
        if number in book.steps_on:
            _take_step(floor, call, number, step)
        elif step.when_waiting is not None and len(book.order) >= step.when_waiting:
            book.steps_on.add(number)
            for other in book.in_line():
                _take_step(floor, other, number, step)


def step_out(floor: Floor, call: Call) -> None:
    """Stand in line no more, for whatever reason."""
    floor.routing.leaves(call)
    book = floor.books.get(call.queue)
    if book is None or not book.remove(call):
        return
    if call.wants:
        floor.keep_no_more(call)
    for number in list(book.steps_on):
        if len(book.order) < (book.rule.steps[number].when_waiting or 0):
            book.steps_on.discard(number)


def hold_over(floor: Floor, call: Call) -> None:
    """It has waited long enough to be offered."""
    call.hold_until = None
    if call.state is CallState.WAITING:
        floor.routing.waits(call)


def want_no_more(floor: Floor, call: Call) -> None:
    """It waited long enough for the seat it is kept for: any will do."""
    in_line = call.state is CallState.WAITING
    if in_line:
        step_out(floor, call)
    call.wants, call.wants_until = "", None
    if in_line:
        line_up(floor, call)


def widen_circle(floor: Floor, call: Call) -> None:
    """More seats may ring for it."""
    rule = floor.books[call.queue].rule if call.queue in floor.books else None
    call.circle_at = None
    if call.state is CallState.OFFERED and rule is not None:
        call.rings = len(call.offers) + rule.circle_seats
        plan_circle(floor, call, rule)
        if not floor.routing.is_waiting(call):
            floor.routing.waits(call)


def plan_circle(floor: Floor, call: Call, rule: QueueRule) -> None:
    """Some ring; more will after a while."""
    if rule.strategy == "ring-circles" and call.circle_at is None:
        call.circle_at = floor.state.now + rule.circle_ms
        floor.deadlines.add(call.circle_at, "circle", call.id)


def tell(floor: Floor, call: Call) -> None:
    """Tell a caller how he stands."""
    call.tell_at = None
    book = floor.books.get(call.queue)
    if book is None or call.state not in {CallState.WAITING, CallState.OFFERED}:
        return
    rule = book.rule
    if call.state is CallState.OFFERED:  # his phone is about to be answered; should it not be, he hears later
        call.tell_at = floor.state.now + rule.ring_ms
        floor.deadlines.add(call.tell_at, "tell", call.id)
        return
    ahead = book.ahead_of(call)
    expected = waits.promise(floor.state, call, ahead) if rule.tell_wait else None
    least, most = expected or (0, 0)
    if rule.tell_position or most:
        position = ahead + 1 if rule.tell_position else 0
        floor.commands.append(Announce(call=call.id, position=position, wait_least_ms=least, wait_most_ms=most))
    if rule.tell_every_ms:
        call.tell_at = floor.state.now + rule.tell_every_ms
        floor.deadlines.add(call.tell_at, "tell", call.id)


# Escalation


def step_due(floor: Floor, call: Call) -> None:
    """The time of one or more steps has come."""
    call.step_at = None
    book = floor.books.get(call.queue)
    if book is None:
        return
    waited = floor.state.now - call.arrived
    for number, step in enumerate(book.rule.steps):
        if step.after_ms is not None and step.after_ms <= waited:
            _take_step(floor, call, number, step)
            if call.queue != book.rule.name:  # it went elsewhere
                return
    if call.state is not CallState.AFTER:
        _plan_step(floor, call, book.rule)


def _plan_step(floor: Floor, call: Call, rule: QueueRule) -> None:
    ahead = [
        call.arrived + step.after_ms
        for number, step in enumerate(rule.steps)
        if step.after_ms is not None and not call.steps_done >> number & 1
    ]
    call.step_at = max(min(ahead), floor.state.now) if ahead else None
    if call.step_at is not None:
        floor.deadlines.add(call.step_at, "step", call.id)


def settle(floor: Floor) -> None:
    """Seats came or went: whoever waits for nobody is eased, or leaves; whoever waits for one that went takes any."""
    while floor.unwanted:
        name = min(floor.unwanted)
        floor.unwanted.discard(name)
        for call in list(floor.wanting.get(name, {}).values()):
            if call.wants_until is not None and not _will_come(floor.state.seats[name], call):
                want_no_more(floor, call)
    while floor.unsettled:
        name = min(floor.unsettled)
        floor.unsettled.discard(name)
        book = floor.books.get(name)
        if book is None or not book.order or (book.signed_in and book.rule.leave_empty is None):
            continue
        for call in book.in_line():
            _take_if_nobody(floor, call, book)
        if book.rule.leave_empty is not None and floor.state.fresh:
            for call in book.in_line():
                if _is_empty(floor, call, book, book.rule.leave_empty):
                    overflow(floor, call, "empty")


def _take_if_nobody(floor: Floor, call: Call, book: Book) -> None:
    if book.signed_in == 0:
        for number, step in enumerate(book.rule.steps):
            if step.when_nobody and call.queue == book.rule.name:
                _take_step(floor, call, number, step)


def _take_step(floor: Floor, call: Call, number: int, step: Step) -> None:
    """Ease a call by one step, unless it has taken that one already."""
    if call.steps_done >> number & 1 or call.state not in {CallState.WAITING, CallState.OFFERED}:
        return
    call.steps_done |= 1 << number
    in_line = call.state is CallState.WAITING
    if step.go is not None:
        if in_line:
            overflow(floor, call, "step", step.go)
        return
    if step.announce and in_line:
        floor.commands.append(Announce(call=call.id, prompt=step.announce))
    if not (step.drop or step.lower or step.tiers or step.ahead_ms or step.priority is not None):
        return
    if in_line:
        step_out(floor, call)
    call.needs = eased(call.needs, step.drop, step.lower)
    call.tiers = step.tiers or call.tiers
    if call.rank != FRONT:
        call.due -= step.ahead_ms
        call.rank = call.rank if step.priority is None else step.priority
    if in_line:
        line_up(floor, call)


# Leaving


def leave_queue(floor: Floor, call: Call) -> bool:
    """It waits no longer, though the caller is still there. Answers whether it did wait."""
    if not call.move("leave", floor.state.now):
        return False
    step_out(floor, call)
    return True


def overflow(floor: Floor, call: Call, reason: Reason, to: str | None = None) -> None:
    """The wait in this queue is over without an agent: on to where the queue says, or to the switch."""
    rule = floor.state.queues.get(call.queue)
    if to is None:
        to = rule.overflow.get(reason, "") if rule is not None else ""
    verb, _, name = to.partition(" ")
    call.hops += 1
    if call.state is CallState.WAITING and call.hops <= HOPS_MOST:
        if verb == "queue" and name in floor.state.queues:
            move_queue(floor, call, name, reason)
            return
        if verb == "seat" and rule is not None and name in floor.state.seats and call.wants != name:
            _only_seat(floor, call, name, rule)
            return
    if leave_queue(floor, call):
        floor.commands.append(SendAway(call=call.id, to="" if verb in {"queue", "seat"} else to, reason=reason))


def _only_seat(floor: Floor, call: Call, seat: str, rule: QueueRule) -> None:
    """Wait on, for one seat, as long as a wait in this queue may be."""
    step_out(floor, call)
    call.wants, call.wants_until = seat, None
    call.give_up_at = floor.state.now + rule.max_wait_ms
    floor.deadlines.add(call.give_up_at, "give-up", call.id)
    line_up(floor, call)


def move_queue(floor: Floor, call: Call, queue: str, reason: str) -> None:
    """Wait on in another queue, with the original place."""
    step_out(floor, call)
    call.queue = queue
    floor.commands.append(ChangeQueue(call=call.id, queue=queue, reason=reason))
    call.give_up_at = floor.state.now + floor.state.queues[queue].max_wait_ms
    join(floor, call)


def set_priority(floor: Floor, call: Call, priority: int) -> None:
    """Another class, at once, also for a call that waits."""
    in_line = call.state is CallState.WAITING
    if in_line:
        step_out(floor, call)
    call.priority = priority
    if call.rank != FRONT:
        call.rank = priority
    if in_line:
        line_up(floor, call)
