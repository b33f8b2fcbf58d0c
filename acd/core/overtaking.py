"""Bounded overtaking: a printed limit of how many that came later may go before a call.

Priority, head starts and escalation let a call pass another; each time that happens at a seat that the passed one could
have had, it counts. A call that was passed as often as its queue allows goes to the front, before every priority class.
"""

from acd.core import queueing
from acd.core.floor import Floor
from acd.core.model import Call, Seat
from acd.core.rules import FRONT


def count_passes(floor: Floor, call: Call, seat: Seat) -> None:
    """A seat goes to this call: who came before it, and could have had the seat, was passed once more.

    Who was passed as often as his queue allows moves to the front. Within the front the order is that of arrival, so
    nobody there is passed again by one who came later. Several seats may ring for one call: it passes another once.
    """
    media = floor.routing.room(seat)
    kept = {other.queue for other in floor.wanting.get(seat.name, {}).values()}  # for it, from whatever queue
    for queue in sorted(kept.union(seat.rule.queues)):
        book = floor.books.get(queue)
        if book is None or not book.rule.overtake_most or floor.routing.is_shut(queue):
            continue
        moved = []
        for arrived, number, other in book.by_arrival:
            if (arrived, number) >= (call.arrived, call.number):
                break
            if other.passed_by == call.number or seat.name in (other.barred or ()):
                continue
            if floor.routing.serves(seat, other, media):
                other.passed, other.passed_by = other.passed + 1, call.number
                if other.passed >= book.rule.overtake_most and other.rank != FRONT:
                    moved.append(other)
        for other in moved:
            queueing.step_out(floor, other)
            other.rank, other.due = FRONT, other.arrived
            queueing.line_up(floor, other)
