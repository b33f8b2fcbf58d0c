"""Callers in line are told how they stand: their place, and how long it will take as far as that is known."""

from acd.core import waits
from acd.core.commands import Announce
from acd.core.floor import Floor
from acd.core.model import Call
from acd.core.rules import QueueRule


def plan(floor: Floor, call: Call, rule: QueueRule) -> None:
    """Note when its caller is first told how he stands."""
    if rule.tell_first_ms and call.tell_at is None and not call.virtual:  # of a virtual call nobody listens
        call.tell_at = floor.state.now + rule.tell_first_ms
        floor.deadlines.add(call.tell_at, "tell", call.id)


def tell(floor: Floor, call: Call) -> None:
    """Tell a caller how he stands."""
    call.tell_at = None
    book = floor.books.get(call.queue)
    if book is None or call.state not in {"waiting", "offered"}:
        return
    rule = book.rule
    if call.state == "offered":  # his phone is about to be answered; should it not be, he hears later
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
