"""Calls in line: how they join, wait, are eased, and leave without an agent.

A call in line is in its queue's book; while it may be offered it is also in the matcher. `line_up` and `step_out` move
it, and whatever changes its place or its class does so between the two.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from acd.core import telling, waits
from acd.core.books import Book
from acd.core.classes import all_needs, eased
from acd.core.commands import Announce, ChangeQueue, SendAway
from acd.core.emptiness import is_empty
from acd.core.floor import Floor
from acd.core.model import Call, Seat
from acd.core.rules import FRONT, QueueRule, Reason, Step, rings_at_first

HOPS_MOST = 10
"""A call that overflowed from queue to queue so often goes in a circle."""


# Joining


def join(floor: Floor, call: Call, *, at_any_rate: bool = False) -> None:
    """A call comes to its queue: it lines up, or goes where the queue sends whom it does not take."""
    book = floor.books.get(call.queue)
    if book is None:
        _plan_end(floor, call, floor.state.now)
        overflow(floor, call, "unknown-queue")
        return
    rule = book.rule
    _take_rules(floor, call, rule)
    if call.virtual:
        call.place = -1  # nobody listens how long it takes, and a wait of days would teach callers nothing
    elif not at_any_rate and (reason := _kept_out(floor, call, book)) is not None:
        overflow(floor, call, reason)
        return
    else:
        call.place = book.ahead_of(call)
        if rule.tell_first_ms or rule.expected_most_ms:
            waits.promise(floor.state, call, call.place)
    if rule.steps:
        plan_step(floor, call)
    telling.plan(floor, call, rule)
    line_up(floor, call)
    look_around(floor, call)


def take_up(floor: Floor, call: Call, queue: str) -> None:
    """A virtual call whose queue did not exist waits in one that does."""
    if call.virtual and call.state == "after" and call.move("give_back", floor.state.now):
        if call.queue != queue:
            call.queue = queue
            floor.commands.append(ChangeQueue(call=call.id, queue=queue, reason="moved"))
        join(floor, call)


def _plan_end(floor: Floor, call: Call, at: int) -> None:
    """Note when the wait is over, served or not."""
    if not call.virtual:
        call.give_up_at = at
        floor.deadlines.add(at, "give-up", call.id)


def _take_rules(floor: Floor, call: Call, rule: QueueRule) -> None:
    call.needs, call.tiers = all_needs(call.asked, rule), rule.tiers
    call.rank = max(rule.priority if call.priority is None else call.priority, 0)
    ahead = call.ahead_ms + rule.ahead_ms
    call.due = call.arrived - ahead if ahead else call.arrived  # one number, not two: a hundred thousand may wait
    call.steps_done = call.passed = call.passed_by = call.told_at = 0
    call.step_at = call.circle_at = call.tell_at = None
    call.rings = rings_at_first(rule)
    if call.give_up_at is not None:
        floor.deadlines.add(call.give_up_at, "give-up", call.id)
    call.hold_until = None
    if rule.serve_after_ms and call.arrived + rule.serve_after_ms > floor.state.now:
        call.hold_until = call.arrived + rule.serve_after_ms
        floor.deadlines.add(call.hold_until, "hold", call.id)
    if call.pulled_from is not None:
        call.want_no_more()
    if not call.wants and rule.last_seat_ms and call.caller in floor.state.last_seats:
        call.wants = floor.state.last_seats[call.caller][0]
    if call.wants and call.wants_until is None:
        call.wants_until = floor.state.now + rule.seat_wait_ms
        floor.deadlines.add(call.wants_until, "wants", call.id)
    seat = floor.state.seats.get(call.wants)
    if seat is None or not _will_come(seat, call):
        call.wants, call.wants_until = "", None


def learn_rules(floor: Floor, call: Call, rule: QueueRule) -> None:
    """The rules of its queue have changed. Its place stands, and how long it may wait, and what was eased for it.

    A virtual call in an agent's hand may be given back, and waits by the new rules then.
    """
    if call.state not in {"waiting", "offered"} and not (call.virtual and call.state == "talking"):
        return
    eases = [step for number, step in enumerate(rule.steps) if call.steps_done >> number & 1]
    call.needs, call.tiers = all_needs(call.asked, rule), rule.tiers
    for step in eases:
        call.needs, call.tiers = eased(call.needs, step.drop, step.lower), step.tiers or call.tiers
    call.rings = rings_at_first(rule)
    call.circle_at = None
    if call.state == "offered":
        plan_circle(floor, call, rule)
    if 0 < rule.overtake_most <= call.passed:
        call.rank, call.due = FRONT, call.arrived
    if call.state != "talking":
        plan_step(floor, call)
        telling.plan(floor, call, rule)


def _will_come(seat: Seat, call: Call) -> bool:
    """Whether it makes sense to wait for a seat: it is there, it takes calls, and did not just refuse this one."""
    at_work = seat.presence == "ready" and seat.next_word == "ready" and seat.reachable
    return at_work and seat.name not in (call.barred or ())


def _kept_out(floor: Floor, call: Call, book: Book) -> Reason | None:
    rule = book.rule
    if floor.state.is_closed(rule):
        return "closed"
    if rule.waiting_most and book.callers >= rule.waiting_most:
        return "full"
    if rule.join_empty is not None and is_empty(floor.state, call, book, rule.join_empty):
        return "empty"
    if rule.expected_most_ms:
        expected = waits.range_ms(floor.state.waits.get(rule.name), book.ahead_of(call))
        if expected is not None and expected[1] > rule.expected_most_ms:
            return "too-long"
    return None


# Waiting


def line_up(floor: Floor, call: Call) -> None:
    """Stand in line, where rank, due time and number say."""
    book = floor.books[call.queue]
    book.add(call)
    if floor.may_be_offered(call):
        floor.routing.waits(call)
    if call.wants:
        floor.keep(call)
    for number, step in enumerate(book.rule.steps):
        if number in book.steps_on:
            _take_step(floor, call, number, step)
        elif step.when_waiting is not None and book.callers >= step.when_waiting:
            book.steps_on.add(number)
            _ease_crowd(floor, book, number, step)
        if not book.holds(call):  # sent elsewhere
            return


def _ease_crowd(floor: Floor, book: Book, number: int, step: Step) -> None:
    """So many wait that all are eased; where that sends them elsewhere, only until they are fewer."""
    for other in book.in_line():
        if number not in book.steps_on:
            return
        if book.holds(other):
            _take_step(floor, other, number, step)


def ease_crowds(floor: Floor) -> None:
    """Take the steps that are for crowds by new rules."""
    for book in floor.books.values():
        for number in sorted(book.steps_on):
            _ease_crowd(floor, book, number, book.rule.steps[number])


def look_around(floor: Floor, call: Call) -> None:
    """A call has lined up: if nobody is there for it, that holds for it too."""
    book = floor.books[call.queue]
    if call.state != "waiting" or (book.signed_in and book.rule.leave_empty is None):
        return
    _take_if_nobody(floor, call, book)
    _leave_if_empty(floor, call, book)


@contextmanager
def changing(floor: Floor, call: Call) -> Iterator[None]:
    """Let a call's place or class change, in line or while more seats may ring for it."""
    in_line = call.state == "waiting"
    in_matcher = floor.routing.is_waiting(call)
    if in_line:
        step_out(floor, call)
    elif in_matcher:
        floor.routing.leaves(call)
    yield
    if in_line:
        line_up(floor, call)
    elif in_matcher:
        floor.routing.waits(call)


def step_out(floor: Floor, call: Call) -> None:
    """Stand in line no more, for whatever reason."""
    floor.routing.leaves(call)
    book = floor.books.get(call.queue)
    if book is None or not book.remove(call):
        return
    if call.wants:
        floor.keep_no_more(call)
    for number in list(book.steps_on) if book.steps_on else ():
        if book.callers < (book.rule.steps[number].when_waiting or 0):
            book.steps_on.discard(number)


def hold_over(floor: Floor, call: Call) -> None:
    """It has waited long enough to be offered."""
    call.hold_until = None
    if call.state == "waiting" and floor.may_be_offered(call):
        floor.routing.waits(call)


def want_no_more(floor: Floor, call: Call) -> None:
    """It waited long enough for the seat it is kept for, or that is gone: any will do, if there is one."""
    with changing(floor, call):
        call.want_no_more()
    floor.let_ring(call)  # where it rings there, it may ring elsewhere besides from now on
    floor.unsettled.add(call.queue)


def widen_circle(floor: Floor, call: Call) -> None:
    """More seats may ring for it."""
    rule = floor.books[call.queue].rule if call.queue in floor.books else None
    call.circle_at = None
    if call.state == "offered" and rule is not None:
        call.rings = len(call.offers) + rule.circle_seats
        plan_circle(floor, call, rule)
        floor.let_ring(call)


def plan_circle(floor: Floor, call: Call, rule: QueueRule) -> None:
    """Some ring; more will after a while."""
    if rule.strategy == "ring-circles" and call.circle_at is None:
        call.circle_at = floor.state.now + rule.circle_ms
        floor.deadlines.add(call.circle_at, "circle", call.id)


# Escalation


def step_due(floor: Floor, call: Call) -> None:
    """The time of one or more steps has come."""
    call.step_at = None
    book = floor.books.get(call.queue)
    if book is None or call.state not in {"waiting", "offered"}:
        return
    waited = floor.state.now - call.waits_since
    for number, step in enumerate(book.rule.steps):
        if step.after_ms is not None and step.after_ms <= waited:
            _take_step(floor, call, number, step)
            if call.queue != book.rule.name:  # it went elsewhere
                return
    if call.state in {"waiting", "offered"}:  # in a talk none is taken, and would be due for ever
        plan_step(floor, call)


def plan_step(floor: Floor, call: Call) -> None:
    """Note when the next step is due for a call, by the rules of the queue in which it is by now."""
    rule = floor.state.queues[call.queue]
    ahead = [
        call.waits_since + step.after_ms
        for number, step in enumerate(rule.steps)
        if step.after_ms is not None
        and not call.steps_done >> number & 1
        and (step.go is None or call.state == "waiting")  # nobody is sent away who is about to be answered
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
        for call in book.in_line():
            _leave_if_empty(floor, call, book)


def _leave_if_empty(floor: Floor, call: Call, book: Book) -> None:
    absences = book.rule.leave_empty
    if absences is None or call.virtual or not floor.state.fresh or not book.holds(call):
        return
    # Sent to one seat by the queue, perhaps because it is empty; or pulled, and so about to be served.
    waits_for_one = call.wants and (call.wants_until is None or call.pulled_from is not None)
    if not waits_for_one and is_empty(floor.state, call, book, absences):
        overflow(floor, call, "empty")


def _take_if_nobody(floor: Floor, call: Call, book: Book) -> None:
    if book.signed_in == 0:
        for number, step in enumerate(book.rule.steps):
            if step.when_nobody and call.queue == book.rule.name:
                _take_step(floor, call, number, step)


def _take_step(floor: Floor, call: Call, number: int, step: Step) -> None:
    """Ease a call by one step, unless it has taken that one already."""
    if call.steps_done >> number & 1 or call.state not in {"waiting", "offered"}:
        return
    in_line = call.state == "waiting"
    if step.go is not None and not in_line:  # about to be answered; should it not be, it goes then
        return
    call.steps_done |= 1 << number
    if step.go is not None:
        overflow(floor, call, "step", step.go)
        return
    if step.announce and in_line and not call.virtual:
        floor.commands.append(Announce(call=call.id, prompt=step.announce))
    if not (step.drop or step.lower or step.tiers or step.ahead_ms or step.priority is not None):
        return
    with changing(floor, call):
        call.needs = eased(call.needs, step.drop, step.lower)
        call.tiers = step.tiers or call.tiers
        if call.rank != FRONT:
            call.due -= step.ahead_ms
            call.rank = call.rank if step.priority is None else max(step.priority, 0)
    if step.tiers and floor.books[call.queue].rule.leave_empty is not None:
        floor.unsettled.add(call.queue)


# Leaving


def leave_queue(floor: Floor, call: Call) -> bool:
    """It waits no longer, though the caller is still there. Answers whether it did wait."""
    if not call.move("leave", floor.state.now):
        return False
    step_out(floor, call)
    return True


def overflow(floor: Floor, call: Call, reason: Reason, to: str | None = None) -> None:
    """The wait in this queue is over without an agent: on to where the queue says, or to the switch.

    A virtual call has nobody who could be sent to the switch: it stays, or leaves only for the lack of a queue.
    """
    if call.state != "waiting":
        return
    rule = floor.state.queues.get(call.queue)
    if to is None:
        to = rule.overflow.get(reason, "") if rule is not None else ""
    verb, _, name = to.partition(" ")
    call.hops += 1
    if call.hops <= HOPS_MOST:
        if verb == "queue" and name in floor.state.queues:
            move_queue(floor, call, name, reason)
            return
        if verb == "seat" and rule is not None and name in floor.state.seats and call.wants != name:
            _only_seat(floor, call, name, rule)
            return
    if call.virtual:
        if reason == "unknown-queue":
            leave_queue(floor, call)
    elif leave_queue(floor, call):
        floor.commands.append(SendAway(call=call.id, to="" if verb in {"queue", "seat"} else to, reason=reason))


def _only_seat(floor: Floor, call: Call, seat: str, rule: QueueRule) -> None:
    """Wait on, for one seat, as long as a wait in this queue may be."""
    step_out(floor, call)
    call.wants, call.wants_until, call.pulled_from = seat, None, None
    _plan_end(floor, call, floor.state.now + rule.max_wait_ms)
    plan_step(floor, call)
    line_up(floor, call)
    look_around(floor, call)


def move_queue(floor: Floor, call: Call, queue: str, reason: str) -> None:
    """Wait on in another queue, with the original place."""
    step_out(floor, call)
    call.queue = queue
    floor.commands.append(ChangeQueue(call=call.id, queue=queue, reason=reason))
    _plan_end(floor, call, floor.state.now + floor.state.queues[queue].max_wait_ms)
    join(floor, call)


def set_priority(floor: Floor, call: Call, priority: int) -> None:
    """Another class, at once, also for a call that waits. None is before the highest: that is for `FRONT`."""
    with changing(floor, call):
        call.priority = max(priority, 0)
        if call.rank != FRONT:
            call.rank = call.priority
