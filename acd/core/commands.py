"""What the distributor wants done: the one door out.

A command names things by the core's ids only; the executor at the edge knows channels, endpoints and sockets. Each is
carried out after the event it follows from is in the journal. None waits for an answer: what comes of it is an event.
"""

from typing import Literal

from msgspec import Struct

SeatLook = Literal["logged-out", "ready", "ringing", "talking", "wrap-up", "paused"]
"""What a lamp or a wallboard shows of a seat."""

Answer = Literal["ok", "later", "wrong-pin", "locked", "not-logged-in", "already", "unknown-seat"]
"""How an agent's wish was met. later: it holds from the end of the present call on."""


class Command(Struct, frozen=True, kw_only=True, tag=True):
    """Something to do."""


class Offer(Command, frozen=True, kw_only=True):
    """Ring this seat for this call, `ring_ms` long. Ends in exactly one `OfferEnded`."""

    offer: str
    call: str
    seat: str
    ring_ms: int


class Withdraw(Command, frozen=True, kw_only=True):
    """Take an offer back. The switch confirms by `OfferEnded`; until then the call is offered to nobody else."""

    offer: str
    call: str


class SendAway(Command, frozen=True, kw_only=True):
    """The call has waited as long as its queue allows: hand it to the site's overflow."""

    call: str


class ShowSeat(Command, frozen=True, kw_only=True):
    """A seat looks different: set its lamp."""

    seat: str
    look: SeatLook


class TakeSnapshot(Command, frozen=True, kw_only=True):
    """Ask the switch for all it holds; comes back as a `Snapshot`."""


class Reply(Command, frozen=True, kw_only=True):
    """The answer to an agent's wish."""

    request: int
    answer: Answer


AnyCommand = Offer | Withdraw | SendAway | ShowSeat | TakeSnapshot | Reply
