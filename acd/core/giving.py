"""An agent gives his caller to somebody else, or to another queue.

What the seat has to do with it ends as with any talk, when its leg is gone (`offering.end`); the caller comes to a
queue by an arrival of his own (`reconcile.come_back`). Here is what lies between the two.
"""

from acd.core import offering
from acd.core.floor import Floor
from acd.core.model import Call


def have_talked(floor: Floor, call: Call) -> None:
    """Its agent could give it away: so they have talked, though the switch's word of that may have been lost."""
    for name in call.offers:
        offer = floor.state.offers[name]
        if offer.state == "answered":
            offering.connected(floor, offer)
            return


def talks_unheard(floor: Floor, call: Call, with_another_than: str = "") -> bool:
    """Whether a snapshot saw it talk (with somebody else), and the word of that is still to come.

    A busy switch tells late what a snapshot shows at once: that it waits, or was given away, may be older than that.
    """
    offer = floor.state.offers[call.offers[0]] if call.state == "talking" and call.offers else None
    return offer is not None and offer.unheard and offer.seat != with_another_than


def give_away(floor: Floor, call: Call) -> None:
    """Its agent gave it to somebody else: he has his caller no more, though his own leg may live for a moment."""
    if not call.move("part", floor.state.now):
        return
    call.given = True
    for name in call.offers:
        floor.state.offers[name].call = None
    call.offers = ()


def take_over(floor: Floor, call: Call, other: Call) -> None:
    """The agent asked in a queue by a call of his own, and gave his caller there: the talk is the caller's now."""
    in_talk = bool(other.offers) and floor.state.offers[other.offers[0]].in_talk
    if not in_talk or not call.move("take_over", floor.state.now):
        return
    call.given = False
    call.offers, other.offers = other.offers, ()
    floor.state.offers[call.offers[0]].call = call.id
    other.move("part", floor.state.now)
