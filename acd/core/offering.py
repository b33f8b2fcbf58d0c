"""Calls and seats together: offers, from the ring to the end of wrap-up.

An offer holds its seat's room, its line and its queue's share of seats from the moment it is made until the seat has
nothing more to do with it. Several may ring for one call; the switch says which of them has it.
"""

from acd.core import closing, commands, lanes, overtaking, queueing, waits
from acd.core.commands import GiveUp, Resume, Suspend, TakeSnapshot, Withdraw
from acd.core.floor import NOT_ANSWERING, Floor
from acd.core.model import Call, Offer, Seat
from acd.core.outcomes import OfferOutcome
from acd.core.rules import QueueRule, rings_at_first, rings_many
from acd.core.transitions import IN_TALK

RING_GRACE_MS = 5_000
"""The switch ends a ring by itself; this long after it should have, we ask."""
JOIN_MS = 5_000
"""From the agent's answer to the report of the bridge."""
RACE_MS = 1_000
"""An agent who answered has his caller long before: past this, the word of it is late or lost."""
LOOK_MS = 3_000
"""From a doubt to the snapshot that settles it."""
WITHDRAW_MS = 3_000
"""From a withdrawal to its confirmation."""
BACK_MS = 5_000
"""A virtual call that a seat gave back does not ring there again at once, whatever `refusal_ms` is."""

UNDELIVERED = frozenset({"busy", "unreachable", "failed"})
"""Outcomes that are no fault of the agent."""


# Making offers


def make_offer(floor: Floor, call: Call, seat: Seat) -> None:
    """Give a call to a seat that the matcher chose for it."""
    state = floor.state
    book = floor.books[call.queue]
    rule = book.rule
    if floor.limited and call.pulled_from is None:
        overtaking.count_passes(floor, call, seat)
    state.offers_counted += 1
    made = Offer(
        id=f"offer-{state.run}-{state.offers_counted}",
        call=call.id,
        seat=seat.name,
        queue=call.queue,
        medium=call.medium,
        virtual=call.virtual,
        wrap_up_ms=rule.wrap_up_most_ms if rule.wrap_up_until_coded else rule.wrap_up_ms,
        since=state.now,
        made_at=state.now,
        deadline=None,
    )
    at_desk = call.virtual and state.is_for_desk(seat, call.medium)
    if seat.rule.line_group and not at_desk:
        line = floor.lines.pick(seat.rule.line_group, "seat")
        assert line is not None, f"the matcher gave {seat.name}, whose lines are all taken"
        floor.lines.take(line, made, state.offers_counted + state.legs_counted)
    state.offers[made.id] = made
    _take_call(floor, call, made, rule)
    seat.work = (*seat.work, made.id)
    seat.turn = state.offers_counted
    if floor.lucky:
        lanes.note_drawn(state, seat, rule.strategy)
    book.busy += 1
    if book.busy == rule.seats_most:
        floor.routing.shut(call.queue, shut=True)
    floor.give_deadline(made, rule.ring_ms + RING_GRACE_MS)
    floor.commands.append(
        commands.Offer(
            offer=made.id,
            call=call.id,
            seat=seat.name,
            ring_ms=rule.ring_ms,
            shared=rings_many(rule),
            line=made.line,
            medium=made.carrier,
            desk=at_desk,
        )
    )
    floor.show(seat)
    if floor.lines.changed:
        floor.lines_changed()


def _take_call(floor: Floor, call: Call, offer: Offer, rule: QueueRule) -> None:
    """A seat rings for the call; if it is the first, the call stands in line no more."""
    if call.state == "waiting":
        if call.known_at == floor.state.now:
            call.place = -1  # it did not have to wait, and teaches nothing about waits
        queueing.step_out(floor, call)
        granted = call.move("offer", floor.state.now)
        assert granted, f"the matcher gave {call.id}, which is {call.state}"
        queueing.plan_circle(floor, call, rule)
    call.offers = (*call.offers, offer.id)
    call.offers_made += 1
    if rings_many(rule):
        floor.routing.rings(call, floor.state.seats[offer.seat])
    if floor.may_be_offered(call):
        floor.routing.waits(call)


# The switch's word


def answered(floor: Floor, offer: Offer) -> None:
    """The agent picked up. Whether he has the call the switch will say: another may have been quicker."""
    if offer.move("answer", floor.state.now):
        floor.give_deadline(offer, JOIN_MS)
        floor.show(floor.state.seats[offer.seat])


def connected(floor: Floor, offer: Offer, *, seen: bool = False) -> None:
    """They talk. Of an offer that is being withdrawn this counts only if a snapshot has `seen` it.

    An event may tell of a joining that our withdrawal, on its way, ends at once. But a withdrawal that never
    reached the switch must not be repeated into a talk that has been going on for a while.
    """
    if not seen:
        offer.unheard = False
    if not (offer.move("connect", floor.state.now) or (seen and offer.move("talk", floor.state.now))):
        return
    offer.deadline, offer.connected_at, offer.unheard = None, floor.state.now, seen
    seat = floor.state.seats[offer.seat]
    seat.unanswered = 0
    seat.taken += 1
    call = floor.state.calls[offer.call] if offer.call is not None else None
    if call is not None:
        _win(floor, call, offer)
    for name in seat.work if len(seat.work) > 1 else ():
        other = floor.state.offers[name]
        if other is not offer and floor.routing.capacity.sets_aside(offer.medium, other.medium):
            _set_aside(floor, other)
        elif other.state == "connected" and floor.routing.capacity.sets_aside(other.medium, offer.medium):
            _set_aside(floor, offer)  # it rang when that began, and was taken all the same
    floor.show(seat)


def _win(floor: Floor, call: Call, offer: Offer) -> None:
    """Of all that rang for a call, this offer has it."""
    if len(call.offers) > 1 or call.rings > 1:
        floor.routing.leaves(call)
        others, call.offers, call.circle_at = call.offers, (offer.id,), None
        for name in others:
            other = floor.state.offers[name]
            floor.routing.rings_no_more(call, floor.state.seats[other.seat])
            if name != offer.id:
                other.call = None
                withdraw(floor, other)
    else:
        call.circle_at = None
        floor.routing.rings_no_more(call, floor.state.seats[offer.seat])
    if call.move("connect", floor.state.now):
        if call.place >= 0:
            waits.learn(floor.state, call)
        rule = floor.state.queues.get(call.queue)
        if rule is not None and rule.last_seat_ms and call.caller:
            until = floor.state.now + rule.last_seat_ms
            floor.state.last_seats[call.caller] = offer.seat, until
            floor.deadlines.add(until, "last", call.caller)


def _set_aside(floor: Floor, offer: Offer) -> None:
    if offer.move("suspend", floor.state.now):
        floor.commands.append(Suspend(offer=offer.id, call=offer.call or ""))


def overdue(floor: Floor, offer: Offer) -> None:
    """The switch's word did not come in time, or wrap-up is over.

    See for ourselves before anything is taken back: only what is no talk by then is.
    """
    if offer.state == "wrap-up":
        let_go(floor, offer)
    elif not floor.state.fresh:  # no word can come; the snapshot that ends this will tell
        floor.give_deadline(offer, LOOK_MS)
    elif not doubt(floor, offer):  # the look was not answered, or the withdrawal not: they may talk by now
        floor.give_deadline(offer, LOOK_MS)
        floor.commands.append(TakeSnapshot())


def doubt(floor: Floor, offer: Offer) -> bool:
    """Look at the switch before an offer is taken back: they may talk, and the word of it be late or lost."""
    doubtful = offer.move("doubt", floor.state.now)
    if doubtful:
        floor.give_deadline(offer, LOOK_MS)
        floor.commands.append(TakeSnapshot())
    return doubtful


def withdraw(floor: Floor, offer: Offer) -> None:
    """Take it back, or ask once more for it to be taken back."""
    if offer.move("withdraw", floor.state.now):
        floor.give_deadline(offer, WITHDRAW_MS)
        floor.commands.append(Withdraw(offer=offer.id, call=offer.call or "", medium=offer.carrier))


def end(floor: Floor, offer: Offer, outcome: OfferOutcome) -> None:
    """The seat's leg is gone: settle what becomes of the call and of the seat."""
    if offer.state == "wrap-up":  # said twice
        return
    seat = floor.state.seats[offer.seat]
    call = floor.state.calls[offer.call] if offer.call is not None else None
    offer.call = None
    if offer.line:
        floor.lines.release(offer, failed=outcome == "failed")
    if offer.in_talk:
        if call is not None:
            call.offers = ()
            if call.virtual:
                _give_back(floor, call, seat)
            else:
                call.move("part", floor.state.now)
        _finish_talk(floor, seat, offer)
    else:
        _end_ring(floor, seat, offer, call, outcome)
    if floor.lines.changed:
        floor.lines_changed()


def _end_ring(floor: Floor, seat: Seat, offer: Offer, call: Call | None, outcome: OfferOutcome) -> None:
    withdrawn = offer.state == "withdrawing" or outcome == "withdrawn"
    lost = call is not None and len(call.offers) > 1 and offer.state != "withdrawing"
    if lost and (withdrawn or (offer.state == "answered" and outcome == "hung-up")):
        withdrawn = True  # a colleague was quicker; that word is still on its way, so do not ring here again
    else:
        lost = False
    if call is not None:
        floor.routing.rings_no_more(call, seat)
        if lost:
            bar(floor, call, seat, JOIN_MS)
        elif not withdrawn and outcome not in UNDELIVERED:
            bar(floor, call, seat, floor.books[call.queue].rule.refusal_ms if call.queue in floor.books else 0)
        call.offers = tuple(name for name in call.offers if name != offer.id)
        if not call.offers:
            requeue(floor, call)
        elif floor.may_be_offered(call) and not floor.routing.is_waiting(call):
            floor.routing.waits(call)
    _drop(floor, seat, offer)
    go_on_with_others(floor, seat)
    _finish_ring(floor, seat, "withdrawn" if withdrawn else outcome)


def _finish_talk(floor: Floor, seat: Seat, offer: Offer) -> None:
    tally = seat.tally_of(floor.state.day)
    tally.calls += 1
    tally.talk_ms += floor.state.now - (floor.state.now if offer.connected_at is None else offer.connected_at)
    if offer.wrap_up_ms and seat.next_word != "log_out":
        offer.move("wrap_up", floor.state.now)
        rule = floor.state.queues.get(offer.queue)
        offer.wrap_up_most = floor.state.now + max(offer.wrap_up_ms, rule.wrap_up_most_ms if rule is not None else 0)
        floor.give_deadline(offer, offer.wrap_up_ms)
        floor.show(seat)
    else:
        let_go(floor, offer)


def let_go(floor: Floor, offer: Offer) -> None:
    """The seat has nothing more to do with a talk; what was set aside for it goes on."""
    seat = floor.state.seats[offer.seat]
    _drop(floor, seat, offer)
    if offer.state == "wrap-up":
        seat.tally_of(floor.state.day).wrap_up_ms += floor.state.now - offer.since
    if offer.connected_at is not None:
        seat.busy_ms += floor.state.now - offer.connected_at
    if seat.work:
        go_on_with_others(floor, seat)
        seat.idle_since = floor.state.now  # should the rest be a ring that is taken back, it was busy until now
    floor.go_on(seat)


def go_on_with_others(floor: Floor, seat: Seat) -> None:
    """What was set aside for something that is over goes on."""
    held = [floor.state.offers[name] for name in seat.work]
    sets_aside = floor.routing.capacity.sets_aside
    for offer in held:
        if offer.state == "suspended" and not any(
            other is not offer and sets_aside(other.medium, offer.medium) for other in held
        ):
            offer.move("resume", floor.state.now)
            floor.commands.append(Resume(offer=offer.id, call=offer.call or ""))


def _finish_ring(floor: Floor, seat: Seat, outcome: OfferOutcome) -> None:
    declines_for_ever = outcome == "refused" and not seat.rule.set_aside_after
    if outcome in UNDELIVERED or declines_for_ever:
        floor.rest(seat)
    if outcome != "withdrawn" and outcome in seat.rule.set_aside_on:
        seat.unanswered += 1
        if seat.rule.set_aside_after and seat.unanswered >= seat.rule.set_aside_after:
            seat.unanswered = 0
            if seat.next_word == "ready":
                seat.next_word, seat.pause_reason = "pause", NOT_ANSWERING
    floor.go_on(seat, keep_idle=outcome == "withdrawn")


def _drop(floor: Floor, seat: Seat, offer: Offer) -> None:
    """The offer is over, and holds nothing any more."""
    del floor.state.offers[offer.id]
    seat.work = tuple([name for name in seat.work if name != offer.id])
    book = floor.books.get(offer.queue)
    if book is not None:
        book.busy -= 1
        if book.busy < book.rule.seats_most:
            floor.routing.shut(offer.queue, shut=False)


# Calls that were offered


def requeue(floor: Floor, call: Call) -> None:
    """Back to its old place: rank, due time and number are what they were."""
    floor.routing.leaves(call)
    if call.move("requeue", floor.state.now):
        _line_up_again(floor, call)


def _give_back(floor: Floor, call: Call, seat: Seat) -> None:
    """The leg is gone and the agent has not closed the virtual call: it waits again, for him not at once."""
    floor.routing.leaves(call)
    if call.hold_until is None:  # else he has put it off, and may have it then
        rule = floor.state.queues.get(call.queue)
        bar(floor, call, seat, max(rule.refusal_ms if rule is not None else 0, BACK_MS))
    if call.move("give_back", floor.state.now):
        _line_up_again(floor, call)


def _line_up_again(floor: Floor, call: Call) -> None:
    call.circle_at = None
    gone = call.pulled_from is not None and floor.state.seats[call.wants].presence != "ready"
    if call.wants and (gone or call.wants in (call.barred or ())):
        call.want_no_more()
    if call.queue not in floor.books:
        queueing.overflow(floor, call, "unknown-queue")
        return
    call.rings = rings_at_first(floor.books[call.queue].rule)
    queueing.line_up(floor, call)
    queueing.plan_step(floor, call)
    queueing.look_around(floor, call)
    if call.queue in floor.books:
        closing.leave_if_closed(floor, call)
    if call.leaves_for:
        to, call.leaves_for = call.leaves_for, ""
        queueing.overflow(floor, call, "key", to)
    if call.give_up_at is not None and call.give_up_at <= floor.state.now:
        queueing.overflow(floor, call, "wait")


def bar(floor: Floor, call: Call, seat: Seat, for_ms: int) -> None:
    """Keep this call from this seat for a while."""
    if not for_ms:
        return
    until = floor.state.now + for_ms
    if call.barred is None:
        call.barred = {}
    if seat.name not in call.barred:
        floor.routing.bar(call, seat)
    call.barred[seat.name] = until
    floor.deadlines.add(until, "bar", call.id, seat.name)


def unbar(floor: Floor, call: Call, seat_name: str) -> None:
    """That was long enough ago."""
    assert call.barred is not None
    del call.barred[seat_name]
    floor.routing.unbar(call, floor.state.seats[seat_name])


def forget(floor: Floor, call: Call) -> None:
    """The caller is gone. A seat that rings for it is told to stop; one that talks hears it by itself."""
    queueing.step_out(floor, call)
    leg = floor.state.legs.get(call.leg) if call.leg else None
    if leg is not None and leg.call == call.id:  # its customer is called, and need not be any more
        leg.call = ""
        floor.commands.append(GiveUp(leg=leg.id))
    for seat_name in list(call.barred or ()):
        unbar(floor, call, seat_name)
    del floor.state.calls[call.id]
    floor.callbacks.pop(call.id, None)
    for name in call.offers:
        offer = floor.state.offers[name]
        floor.routing.rings_no_more(call, floor.state.seats[offer.seat])
        if offer.state not in IN_TALK and not _may_talk(floor, offer):
            withdraw(floor, offer)
        offer.call = None


def _may_talk(floor: Floor, offer: Offer) -> bool:
    """Look before a leg that was answered a while ago is taken from whoever may have it by now.

    Asked in this very queue first and given his agent's caller, the seat talks with that one, when the call by which it
    was asked ends; and either may be told of before the joining is.
    """
    is_late = offer.state == "answered" and floor.state.now - offer.since >= RACE_MS
    return is_late and floor.state.fresh and doubt(floor, offer)
