"""A customer who is called before any agent: what becomes of his callback while the call to him goes out."""

from acd.core import queueing, virtual
from acd.core.floor import Floor
from acd.core.model import Call
from acd.core.out import Leg
from acd.core.rules import QueueRule


def put_off(floor: Floor, call: Call, for_ms: int) -> None:
    """Call nobody for a callback for a while."""
    call.hold_until = floor.at + for_ms
    floor.deadlines.add(call.hold_until, "hold", call.id)


def answered(floor: Floor, leg: Leg) -> None:
    """He has had his callback then, whatever comes of it; and until he is in line he keeps his ground."""
    call, leg.call = floor.state.calls.get(leg.call), ""
    if call is not None:
        call.leg = ""
        virtual.over(floor, call, "called-back")


def in_line(floor: Floor, leg: Leg) -> None:
    """He is there, or it is over: another customer may be called for the seat that was free for him."""
    seat, leg.seat = floor.state.seats.get(leg.seat), ""
    if seat is not None:
        floor.routing.grounds.discard(seat.name)
        floor.routing.seat_changed(seat)


def not_answered(floor: Floor, leg: Leg) -> None:
    """It is over without an answer: he is called again after a while, or no more."""
    call, leg.call = floor.state.calls.get(leg.call), ""
    if call is None:
        return
    call.leg = ""
    call.attempts += 1
    rule = floor.state.queues.get(call.queue)
    if rule is not None and call.attempts >= rule.callback_tries:
        virtual.over(floor, call, "not-reached")
    elif call.move("requeue", floor.at):
        _wait_again(floor, call, rule)


def _wait_again(floor: Floor, call: Call, rule: QueueRule | None) -> None:
    if rule is None:
        queueing.overflow(floor, call, "unknown-queue")
        return
    put_off(floor, call, rule.callback_retry_ms)
    queueing.learn_rules(floor, call, rule)
    queueing.line_up(floor, call)
    queueing.look_around(floor, call)
