"""A queue is closed, or opened: who leaves it, and whose callbacks sleep."""

from acd.core import queueing
from acd.core.floor import Floor
from acd.core.model import Call


def set_queue(floor: Floor, queue: str) -> None:
    """Bring the calls of a queue in line with whether it is closed; of all queues, without a name."""
    if not queue:
        for name in list(floor.state.queues):
            set_queue(floor, name)
        return
    book = floor.books.get(queue)
    if book is None:
        return
    for call in book.in_line():
        if not call.virtual:
            leave_if_closed(floor, call)
        elif not floor.may_be_offered(call):
            floor.routing.leaves(call)
        elif not floor.routing.is_waiting(call):
            floor.routing.waits(call)


def set_all(floor: Floor) -> None:
    """The rules are new, and with them which queues are closed."""
    for queue, rule in list(floor.state.queues.items()):
        if rule.leave_closed:
            set_queue(floor, queue)


def leave_if_closed(floor: Floor, call: Call) -> None:
    """Its queue takes nobody any more, and keeps nobody either."""
    rule = floor.books[call.queue].rule
    if rule.leave_closed and floor.state.is_closed(rule) and not call.virtual:
        queueing.overflow(floor, call, "closed")
