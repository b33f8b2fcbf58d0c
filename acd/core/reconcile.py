"""What a snapshot of the switch means for what we believed.

The switch is right about what exists, we are right about why. So: whatever we hold that the switch does not has ended;
whatever the switch holds in `acd-hold` that we do not know waits, since the time its own channel names; and our own
order, refusals, pauses and wrap-ups stand. What began after the snapshot was asked for is left alone, because the
answer may have been written before it. Of virtual calls it says nothing, only of the seats' legs.
"""

from msgspec import structs

from acd.core import callbacks, offering, outgoing, queueing, tickets
from acd.core.commands import SendAway, Withdraw
from acd.core.events import CallArrived, HandsetState, HeldCall, LiveLeg, Snapshot
from acd.core.floor import Floor
from acd.core.model import Call, Gap, Offer

NEWS_MS = 1_000
"""Who did not talk so long ago may do so now: an older look takes nothing back, a new one has to."""
SETTLE_MS = 1_000
"""For a moment after a talk the caller stands alone where he waited before. That is no return: an event would tell of
one. Only after a gap in our sight, when such an event may have been missed, it counts at once."""


AHEAD_MOST_MS = 10**12
"""No head start is longer, some thirty years: a due time fits 64 bits with all that is added to it."""
GAPS_MOST = 100
"""So many gaps are remembered; the journal knows of all."""


def lose_sight(floor: Floor, at: int, why: str) -> None:
    """Nothing is decided from now on until a snapshot tells what the switch holds."""
    state = floor.state
    if state.blind_since is None:
        state.blind_since, state.blind_why = at, why
    state.fresh = False
    state.look_at = None


def _see_again(floor: Floor) -> None:
    state = floor.state
    if state.blind_since is not None and state.blind_why:
        gap = Gap(start=state.blind_since, end=floor.at, why=state.blind_why)
        state.gaps = [*state.gaps, gap][-GAPS_MOST:]
    state.blind_since = None
    if not state.fresh:
        state.fresh = True
        floor.unsettled.update(state.queues)  # nobody was sent away meanwhile
    floor.plan_look()


def reconcile(floor: Floor, snapshot: Snapshot) -> None:
    """Bring the state in line; afterwards it is fresh and decisions may be made."""
    state = floor.state
    held = {call.call: call for call in snapshot.calls}
    if snapshot.switch_run and state.switch_run and snapshot.switch_run != state.switch_run:
        tickets.write(floor, [call for call in state.calls.values() if _misses(snapshot, held, call)])
    state.switch_run = snapshot.switch_run or state.switch_run
    younger = {call.id for call in state.calls.values() if max(call.known_at, call.since) >= snapshot.asked}
    outgoing.learn(floor, snapshot.answered)
    _legs(floor, snapshot)
    for call in list(state.calls.values()):
        if _misses(snapshot, held, call):
            leave(floor, call)
    for known in held.values():
        if known.call not in younger:
            _held(floor, known)
    astray = {leg.seat for leg in snapshot.legs if leg.joined and leg.offer not in state.offers}
    for handset in snapshot.handsets:
        set_handset(floor, structs.replace(handset, busy=True) if handset.seat in astray else handset)
    outgoing.reconcile(floor, snapshot.asked, snapshot.outgoing)
    for line, in_use in snapshot.lines.items():
        floor.lines.seen(line, in_use=in_use, trouble=snapshot.troubles.get(line))
    floor.lines_changed()
    _see_again(floor)
    for seat in state.seats.values():
        floor.show(seat, again=True)


def _misses(snapshot: Snapshot, held: dict[str, HeldCall], call: Call) -> bool:
    """Whether a call that the snapshot should name is not in it."""
    return call.known_at < snapshot.asked and call.id not in held and not call.virtual


def _legs(floor: Floor, snapshot: Snapshot) -> None:
    live = {leg.offer: leg for leg in snapshot.legs}
    is_news = floor.at - snapshot.asked <= NEWS_MS
    for offer in list(floor.state.offers.values()):
        leg = live.pop(offer.id, None)
        if offer.state == "wrap-up":  # the talk is over; a leg that is on its way out is no stray
            continue
        if leg is None:
            if offer.made_at < snapshot.asked:
                offering.end(floor, offer, "hung-up" if offer.in_talk else "failed")
        elif leg.joined:
            offering.connected(floor, offer, seen=True)
        elif is_news and (offer.state == "withdrawing" or _is_settled(offer, snapshot.asked)):
            offering.withdraw(floor, offer)  # once more: it may never have reached the switch; before they talk
        # else its deadline has us look again
    for leg in live.values():
        _stray(floor, leg)


def _is_settled(offer: Offer, asked: int) -> bool:
    """Whether the switch was looked at since an offer is in doubt; one that was joined by then is in doubt no more."""
    return offer.state == "doubtful" and offer.since <= asked


def _stray(floor: Floor, leg: LiveLeg) -> None:
    """Judge a leg whose offer is not in our books.

    One that only rings would surprise an agent with a call that is elsewhere by now; two people who talk are left to.
    """
    if leg.joined:
        return
    call = floor.state.calls.get(leg.call)
    spoken_for = call is not None and bool(call.offers)  # his token is that offer's now, and must stay
    floor.commands.append(Withdraw(offer=leg.offer, call="" if spoken_for else leg.call))


def _held(floor: Floor, held: HeldCall) -> None:
    call = floor.state.calls.get(held.call)
    if call is None:
        if held.waiting:
            admit(floor, held)
    elif call.virtual:  # not the switch's to say
        return
    elif held.waiting and call.state in {"talking", "after"}:
        sent = any(isinstance(command, SendAway) and command.call == call.id for command in floor.commands)
        if not sent and (not floor.state.fresh or floor.at - call.since >= SETTLE_MS):
            come_back(floor, call, held)
    elif not held.waiting and call.state == "waiting":
        queueing.leave_queue(floor, call)


def leave(floor: Floor, call: Call, *, hung_up: bool = True) -> None:
    """A caller is gone; who hung up while he waited is called back, if his queue says so."""
    back = callbacks.abandoned(floor, call) if hung_up else None
    offering.forget(floor, call)
    if back is not None:
        admit(floor, back)


def admit(floor: Floor, held: HeldCall | CallArrived, *, given: bool = False) -> None:
    """A call that is new to us joins its queue. Whoever has a ticket gets the place that is on it.

    One that was `given` to the queue stands where it first came, but has waited for nothing yet.
    """
    state = floor.state
    state.calls_counted += 1
    rule = state.queues.get(held.queue)
    since = state.now if held.since is None else held.since
    medium = held.medium if held.medium in state.media else "voice"
    virtual = medium in state.media and state.media[medium].virtual
    gives_up_at = max(since + rule.max_wait_ms, state.now) if rule else state.now
    call = Call(
        id=held.call,
        number=state.calls_counted,
        queue=held.queue,
        caller=held.caller,
        medium=medium,
        virtual=virtual,
        priority=None if held.priority is None else max(held.priority, 0),
        rank=0,
        due=since,
        arrived=since,
        ahead_ms=min(max(held.head_start_ms, -AHEAD_MOST_MS), AHEAD_MOST_MS),
        asked=held.needs,
        wants=held.seat,
        dial=held.dial,
        rate=max(held.rate, 0),
        language=held.language,
        since=state.now,
        known_at=state.now,
        give_up_at=None if virtual else gives_up_at,
    )
    if state.tickets:
        tickets.redeem(floor, call)
    is_customer = bool(state.legs) and outgoing.came(floor, call.id)
    if given or is_customer:
        call.given_at = state.now
        call.give_up_at = state.now + rule.max_wait_ms if rule else state.now
    if is_customer:
        call.dial = ""  # he has had his callback: he is not called again because he hangs up
    callbacks.take_place(floor, call)
    state.calls[call.id] = call
    callbacks.promised(floor, call)
    queueing.join(floor, call, at_any_rate=is_customer)


def come_back(floor: Floor, call: Call, held: HeldCall | CallArrived) -> None:
    """A caller who was with an agent waits again: a new stay, where the time says that it came with.

    That is the end of the line, or, for one whom his agent gave to this queue, where he first came.
    """
    offering.forget(floor, call)
    admit(floor, held, given=call.given)


def set_handset(floor: Floor, handset: HandsetState) -> None:
    """What the switch says of a seat's handset."""
    seat = floor.state.seats.get(handset.seat)
    if seat is None:
        return
    if (seat.reachable, seat.busy) != (handset.reachable, handset.busy):
        floor.unsettled.update(seat.rule.queues)
    seat.reachable, seat.busy = handset.reachable, handset.busy
    floor.show(seat)
