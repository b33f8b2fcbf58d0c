"""Callbacks by rule: promised to who hung up, called customer first, dropped. What agents do with them is `virtual`.

Agent first a callback is offered to a seat like a message, and its agent calls. Customer first (`callback_first`): when
a seat is free for it and nobody is before it, its customer is called, over a line that is kept for callbacks if
need be. The seat is not held for him: it takes what else comes, only no second customer is called for it meanwhile. So
there are never more of them under way than seats that were free. He answers, hears that he is called back, and comes to
the queue as a call with the place that he had; who does not answer is called again after a while, so often as the rule
says.

One customer, one callback: who calls by himself has his place, and the callback is dropped.
"""

from acd.core import offering, outgoing, queueing, reaching, virtual
from acd.core.commands import Promise, Reach
from acd.core.events import CallArrived
from acd.core.floor import Floor
from acd.core.model import Call, Seat
from acd.core.out import Leg
from acd.core.promised import is_callback, reached_as

LINE_MS = 5_000
"""So long a customer is not called for whom no line was free."""
AGAIN_MS = 60_000
"""A callback that expires while it is worked on is looked at again so much later."""
PROMISES_MOST = 10_000
"""So many callbacks by rule: whoever could make the house call numbers without end is stopped there."""


def assign(floor: Floor) -> None:
    """Give every call that can be served to a seat, or call its customer."""
    if not floor.state.fresh:
        return
    match = floor.routing.match
    while (pair := match()) is not None:
        call, seat = pair
        if floor.on_offer is not None:
            floor.on_offer(call, seat)
        if call.virtual and reached_as(floor.state, call):
            _reach(floor, call, seat)
        else:
            offering.make_offer(floor, call, seat)


# Customer first


def _reach(floor: Floor, call: Call, seat: Seat) -> None:
    """Call the customer for a seat that is free; without a line to spare, or beyond a cap, later."""
    queueing.step_out(floor, call)
    leg = outgoing.leg_to(floor, call, seat)
    if isinstance(leg, Leg):
        call.move("reach", floor.at)
        call.leg = leg.id
        floor.routing.grounds.add(seat.name)
        floor.commands.append(_order(floor, call, leg))
    else:
        rule = floor.state.queues[call.queue]
        reaching.put_off(floor, call, LINE_MS if leg == "no-line" else rule.callback_retry_ms)
        queueing.line_up(floor, call)
    floor.routing.seat_changed(seat)
    floor.lines_changed()


def _order(floor: Floor, call: Call, leg: Leg) -> Reach:
    return Reach(
        leg=leg.id,
        customer=leg.customer,
        call=call.id,
        number=leg.number,
        line=leg.line,
        ring_ms=floor.state.calling_out.ring_ms,
        longest_ms=leg.longest_ms,
        queue=call.queue,
        since=call.arrived,
        priority=call.priority,
        needs=call.asked,
        head_start_ms=call.ahead_ms,
        seat=call.wants,
        language=call.language,
    )


# Promised by rule


def abandoned(floor: Floor, call: Call) -> CallArrived | None:
    """Say what callback comes of a call whose caller has hung up, if one does."""
    state = floor.state
    rule = state.queues.get(call.queue)
    waited = floor.at - call.waits_since
    if rule is None or call.state not in {"waiting", "offered"} or not call.dial or call.virtual:
        return None
    if not 0 < rule.callback_abandoned_ms <= waited or _promised_to(floor, call.dial) is not None:
        return None
    medium = next((one.name for one in state.media.values() if one.virtual and one.becomes), None)
    name = f"callback-{call.id}"
    if medium is None or name in state.calls or len(floor.callbacks) >= PROMISES_MOST:
        return None
    floor.commands.append(Promise(call=name, queue=call.queue, caller=call.dial, medium=medium))
    return CallArrived(
        call=name,
        queue=call.queue,
        caller=call.dial,
        medium=medium,
        priority=call.priority,
        needs=call.asked,
        head_start_ms=call.ahead_ms,
        dial=call.dial,
        rate=call.rate,
        language=call.language,
        since=call.arrived,
    )


def _promised_to(floor: Floor, number: str) -> Call | None:
    return next((call for call in floor.callbacks.values() if call.caller == number), None)


def take_place(floor: Floor, call: Call) -> None:
    """A caller who was promised a callback calls by himself: he stands where that stood, and it is dropped."""
    if not call.dial or call.virtual:
        return
    back = _promised_to(floor, call.dial)
    if back is None or back.queue != call.queue or back.state in {"talking", "after"}:
        return
    call.arrived = call.due = min(call.arrived, back.arrived)
    call.ahead_ms = max(call.ahead_ms, back.ahead_ms)
    virtual.over(floor, back, "called-again")


# Dropped


def promised(floor: Floor, call: Call) -> None:
    """A call is new; if it is a callback it is dropped after a while."""
    if not is_callback(floor.state, call):
        return
    floor.callbacks[call.id] = call
    rule = floor.state.queues.get(call.queue)
    if rule is not None and rule.callback_expire_ms:
        call.expires_at = floor.at + rule.callback_expire_ms
        floor.deadlines.add(call.expires_at, "expire", call.id)


def expired(floor: Floor, call: Call) -> None:
    """It has waited too long for somebody to call."""
    if call.state == "waiting":
        virtual.over(floor, call, "expired")
    else:
        call.expires_at = floor.at + AGAIN_MS
        floor.deadlines.add(call.expires_at, "expire", call.id)
