"""Bounded overtaking: a printed limit of how many that came later may go before a call.

Priority, head starts and escalation let a call pass another; each time that happens at a seat that the passed one could
have had, it counts. A call that was passed as often as its queue allows goes to the front, before every priority class.
"""

from acd.core import queueing
from acd.core.floor import Floor
from acd.core.model import Call, Seat
from acd.core.rules import FRONT
from acd.core.transitions import CallState


def count_passes(floor: Floor, call: Call, seat: Seat) -> None:
    """A seat goes to this call: who came before it, and could have had the seat, was passed once more.

    Who was passed as often as his queue allows moves to the front. Within the front the order is that of arrival, so
    nobody there is passed again by one who came later.
    """
    if call.state is not CallState.WAITING:  # another seat rings for it already: it was counted then
        return
    media = floor.routing.capacity.open_media(seat)
    for queue in seat.rule.queues:
        book = floor.books.get(queue)
        if book is None or not book.rule.overtake_most or floor.routing.is_shut(queue):
            continue
        moved = []
        for arrived, number, other in book.by_arrival:
            if (arrived, number) >= (call.arrived, call.number):
                break
            if floor.routing.serves(seat, other, media) and seat.name not in (other.barred or ()):
                other.passed += 1
                if other.passed >= book.rule.overtake_most and other.rank != FRONT:
                    moved.append(other)
        for other in moved:
            queueing.step_out(floor, other)
            other.rank, other.due = FRONT, other.arrived
            queueing.line_up(floor, other)
