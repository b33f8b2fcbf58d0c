"""What the distributor wants done: the one door out.

A command names things by the core's ids only; the executor at the edge knows channels, endpoints and sockets. Each is
carried out after the event it follows from is in the journal. None waits for an answer: what comes of it is an event.
"""

from typing import Literal

from msgspec import Struct

from acd.core.rules import Needs

SeatLook = Literal["logged-out", "ready", "ringing", "talking", "wrap-up", "paused"]
"""What a lamp or a wallboard shows of a seat."""

Answer = Literal[
    "ok",
    "later",
    "wrong-pin",
    "locked",
    "not-logged-in",
    "already",
    "unknown-seat",
    "nobody-waits",
    "nobody-rings",
    "not-served",
    "unable",
    "taken",
]
"""How an agent's wish was met. later: it holds from the end of the present call on. unable: the seat takes no call, as
things stand. not-served: the seat does not serve that queue. taken: another seat is logged in at that phone."""

CallOutAnswer = Literal[
    "ok",
    "over",
    "not-logged-in",
    "unknown-seat",
    "barred",
    "cap-site",
    "cap-seat",
    "cap-number",
    "cap-spend",
    "no-line",
]
"""Whether a number is called, or another line tried.

over        no further line is tried
barred      by what the number is
cap-...     by one of the caps of `rules.OutRule`
"""


class Command(Struct, frozen=True, kw_only=True, tag=True, omit_defaults=True, gc=False):
    """Something to do."""


class Offer(Command, frozen=True, kw_only=True):
    """Ring this seat for this call, `ring_ms` long. Ends in exactly one `OfferEnded`."""

    offer: str
    call: str
    seat: str
    ring_ms: int
    shared: bool = False
    """Other seats may ring for the same call at the same time; the first who answers has it."""
    line: str = ""
    """The trunk line that carries the seat's leg; empty where it needs none."""
    medium: str = ""
    """Of a virtual call: says who carries this out. Empty for one that the switch holds."""
    desk: bool = False
    """It comes to the seat's desk; its handset is not rung."""


class Withdraw(Command, frozen=True, kw_only=True):
    """Take an offer back. The switch confirms by `OfferEnded`; until then the call is offered to nobody else."""

    offer: str
    call: str
    """Whose token is to be cleared; empty where another offer holds it by now."""
    medium: str = ""
    """As in the offer; empty for a leg whose offer is not known."""


class Suspend(Command, frozen=True, kw_only=True):
    """Set a contact aside at its seat, because one that goes before it has come."""

    offer: str
    call: str


class Resume(Command, frozen=True, kw_only=True):
    """Go on with a contact that was set aside."""

    offer: str
    call: str


class SendAway(Command, frozen=True, kw_only=True):
    """The wait is over without an agent."""

    call: str
    to: str = ""
    """`flow NAME`, `menu NAME`, `voicemail`, `number EXTENSION`; empty for what the site does with overflow."""
    reason: str = ""
    """One of `rules.Reason`."""


class ChangeQueue(Command, frozen=True, kw_only=True):
    """It waits in another queue from now on, with its old place. The edge notes it where a later snapshot reads it."""

    call: str
    queue: str
    reason: str = ""
    """One of `rules.Reason`; `moved` where a supervisor did it."""


class CallOver(Command, frozen=True, kw_only=True):
    """A virtual call is over, though its agent has not closed it."""

    call: str
    reason: Literal["called-back", "not-reached", "called-again", "expired"]
    """Of a callback: the customer answered, or did not, so often as he is tried; he called by himself; or it was too
    long until somebody called him."""


class Promise(Command, frozen=True, kw_only=True):
    """A callback waits from now on in the place of a caller who hung up. For the record: the core keeps it."""

    call: str
    queue: str
    caller: str
    """The number to call, E.164."""
    medium: str


class Reach(Command, frozen=True, kw_only=True):
    """Call the customer of a callback, before any agent.

    If he answers he comes to the queue: `CallArrived` of the call `customer`, with all that is said of him here.
    """

    leg: str
    """Also the id of the channel that calls."""
    customer: str
    call: str
    """The callback."""
    number: str
    line: str
    ring_ms: int
    longest_ms: int
    queue: str
    since: int
    """His place: when his wait began."""
    priority: int | None = None
    needs: Needs = ()
    head_start_ms: int = 0
    seat: str = ""
    """The seat he would like to have."""
    language: str = ""


class GiveUp(Command, frozen=True, kw_only=True):
    """Hang up a call out to the customer of a callback, who need not be called any more."""

    leg: str


class Announce(Command, frozen=True, kw_only=True):
    """Say something to a waiting caller. An offer interrupts it at any moment."""

    call: str
    position: int = 0
    """His place, 1 for the next to be served; 0 to leave it out."""
    wait_least_ms: int = 0
    wait_most_ms: int = 0
    """Nine in ten are served between these, as far as is known; 0 to leave it out."""
    prompt: str = ""
    """A prompt by name."""


class Dial(Command, frozen=True, kw_only=True):
    """Call a number from a channel that waits for it. Comes before the `Reply` to who asked."""

    leg: str
    channel: str
    seat: str
    number: str
    line: str
    ring_ms: int
    longest_ms: int
    """The talk is cut after this."""
    emergency: bool = False


class ShowSeat(Command, frozen=True, kw_only=True):
    """A seat looks different: set its lamp."""

    seat: str
    look: SeatLook


class UsePhone(Command, frozen=True, kw_only=True):
    """A seat is at this phone from now on: its offers ring there, and `HandsetChanged` tells of it, now for a start."""

    seat: str
    phone: str
    """The name of a phone; a seat's own has the seat's name."""


class TakeSnapshot(Command, frozen=True, kw_only=True):
    """Ask the switch for all it holds; comes back as a `Snapshot`."""


class Reply(Command, frozen=True, kw_only=True):
    """The answer to an agent's wish."""

    request: int
    answer: Answer | CallOutAnswer


AnyCommand = (
    Offer
    | Withdraw
    | Suspend
    | Resume
    | SendAway
    | ChangeQueue
    | Announce
    | CallOver
    | Promise
    | Reach
    | GiveUp
    | Dial
    | ShowSeat
    | UsePhone
    | TakeSnapshot
    | Reply
)
