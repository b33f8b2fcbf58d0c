"""What a journal says happened, put together: a call's wait in one queue, an offer and its talk, what a seat did."""

from msgspec import Struct
from msgspec.structs import replace

from acd.core.model import Call, Offer, State
from acd.core.transitions import CallState

ANSWERED, ABANDONED, KEY_EXIT, LOST = "answered", "abandoned", "key-exit", "lost"
"""How a stay ends, besides the reasons in `rules.Reason` and `moved`. lost: while nobody was looking."""


class Stay(Struct, kw_only=True):
    """A call's wait in one queue. A call that moves to another queue begins another stay, and is one caller still."""

    call: str
    caller: str
    queue: str
    medium: str
    virtual: bool = False
    """No caller waits: a message, a callback."""
    again: bool = False
    """It had been with an agent who gave it back."""
    began: int
    """When the caller's wait began: in the first queue, on the switch's word."""
    came: int
    """When he joined the first queue, as we know it: one number for all stays of a call."""
    joined: int
    """When he joined this queue."""
    ended: int | None = None
    how: str = ""
    """ANSWERED, ABANDONED, KEY_EXIT, LOST, or why it left the queue; empty while it lasts."""
    to: str = ""
    """Where it went instead: `queue NAME`, or a target of the switch."""
    seat: str = ""
    talk_ms: int | None = None
    wrap_up_ms: int | None = None
    told_at: int | None = None
    told_most_ms: int = 0
    """The first promise that he heard: answered within this, from `told_at` on."""

    @property
    def wait_ms(self) -> int:
        """What the caller lived through until this stay was over, whichever queues he waited in before."""
        return (self.joined if self.ended is None else self.ended) - self.began

    @property
    def moved_on(self) -> bool:
        """He waits on in another queue: no end for the caller."""
        return self.to.startswith("queue ")

    def in_queue(self, queue: str, at: int) -> "Stay":
        """Begin the stay that follows it, in another queue."""
        return replace(self, queue=queue, joined=at, ended=None, how="", to="", seat="", talk_ms=None, wrap_up_ms=None)

    def given_back(self, at: int) -> "Stay":
        """Begin the stay of a virtual call that an agent gave back: what it waits from now on is a wait of its own."""
        return replace(self.in_queue(self.queue, at), began=at, came=at, again=True, told_at=None, told_most_ms=0)


class Attempt(Struct, kw_only=True):
    """An offer, and the talk that it led to."""

    offer: str
    call: str
    seat: str
    queue: str
    made: int
    stay: Stay | None
    """None once the caller is gone or talks to somebody else."""
    connected: int | None = None
    ended: int | None = None
    """The seat's leg was gone."""
    outcome: str = ""
    """ANSWERED, or an `events.OfferOutcome`; empty while it lasts."""
    withdrawing: bool = False
    wrapped: int | None = None
    """Wrap-up was over."""


class Span(Struct, frozen=True):
    """What a seat did, for a time."""

    seat: str
    doing: str
    """A `commands.SeatLook`, or `unreachable`: ready, but its handset cannot be rung."""
    start: int
    end: int


class Contact(Struct, kw_only=True):
    """A call that is in the house."""

    stay: Stay
    state: CallState
    since: int
    known_at: int
    offers: list[str]
    given: bool = False
    """An agent gave it to somebody else."""

    def give_away(self, other: "Contact | None", now: int) -> list[str]:
        """Its agent gives it away, perhaps into the talk of an `other` call; answers the offers that are its then."""
        if self.state not in {"talking", "after"}:
            return []
        self.state, self.since, self.offers, self.given = "after", now, [], True
        if other is not None and other is not self and other.state == "talking":
            self.state, self.given, self.offers, other.offers = "talking", False, other.offers, []
            other.state, other.since = "after", now
        return self.offers


def contact_of(call: Call, state: State) -> Contact:
    """Read how a call stands from a state."""
    stay = Stay(
        call=call.id,
        caller=call.caller,
        queue=call.queue,
        medium=call.medium,
        virtual=call.virtual,
        began=call.waits_since,
        came=call.known_at,
        joined=call.known_at,
    )
    if call.state == "talking" and call.offer is not None:
        stay.ended, stay.how, stay.seat = call.since, ANSWERED, state.offers[call.offer].seat
    elif call.state == "after" and not call.virtual:  # a virtual one waits, only its queue is gone
        stay.ended, stay.how = call.since, LOST
    state_of: CallState = "waiting" if call.virtual and call.state == "after" else call.state
    return Contact(
        stay=stay,
        state=state_of,
        since=call.since,
        known_at=call.known_at,
        offers=list(call.offers),
        given=call.given,
    )


def attempt_of(offer: Offer, stay: Stay | None) -> Attempt:
    """Read how an offer stands from a state."""
    attempt = Attempt(
        offer=offer.id,
        call=offer.call or "",
        seat=offer.seat,
        queue=offer.queue,
        made=offer.made_at,
        stay=stay,
        connected=offer.connected_at,
        withdrawing=offer.state == "withdrawing",
    )
    if offer.state == "wrap-up":
        attempt.ended, attempt.outcome, attempt.stay = offer.since, ANSWERED, None
    return attempt
