"""What is known: one `State`, made of plain structs, that can be stored and read back whole.

A deadline is a field of the thing that has it; `deadlines` keeps only an index over these fields. Sets that can be
derived (who is free, who waits) are not kept here but in the matcher, and are built anew from the state.
"""

from msgspec import Struct, field

from acd.core.commands import SeatLook
from acd.core.rules import QueueRule, SeatRule
from acd.core.transitions import CALL_MOVES, OFFER_MOVES, SEAT_MOVES, CallState, OfferState, SeatState


class Call(Struct, kw_only=True):
    """A contact that is in the house."""

    id: str
    number: int
    """Counts arrivals: the place among calls of one rank and due time, and the call's name in the matcher."""
    queue: str
    caller: str
    medium: str
    rank: int
    """Priority class, 0 first."""
    due: int
    """Calls of a rank are served in this order: the time the wait began."""
    state: CallState = CallState.WAITING
    since: int
    """When the state was entered."""
    known_at: int
    """When this stay in the queue was first heard of; a snapshot asked for earlier cannot miss it."""
    offer: str | None = None
    offers_made: int = 0
    give_up_at: int
    """When the wait is over, served or not."""
    barred: dict[str, int] = field(default_factory=dict)
    """Seat name -> until when this call is kept from it: it refused, or let it ring out."""

    def move(self, word: str, at: int) -> bool:
        """Make a move if the table allows it."""
        state = CALL_MOVES.get((self.state, word))
        if state is None:
            return False
        self.state, self.since = state, at
        return True


class Seat(Struct, kw_only=True):
    """One agent place."""

    name: str
    number: int
    """Its place in the configuration, and its name in the matcher."""
    rule: SeatRule
    state: SeatState = SeatState.LOGGED_OUT
    since: int
    """When the state was entered."""
    idle_since: int
    """Since when it has had nothing to do: the longest-idle key."""
    offer: str | None = None
    next_word: str = "ready"
    """The move to make when the present call is over: ready, pause or log_out."""
    pause_reason: str = ""
    wrap_up_until: int | None = None
    resting_until: int | None = None
    """Kept from offers for a moment, because the last one could not be delivered to its handset."""
    reachable: bool = False
    """The handset is registered."""
    busy: bool = False
    """The handset is in a call of its own."""
    unanswered: int = 0
    """Offers in a row that were not taken."""
    wrong_pins: int = 0
    locked_until: int | None = None
    shown: SeatLook = "logged-out"
    """What its lamp was last told."""

    def move(self, word: str, at: int) -> bool:
        """Make a move if the table allows it."""
        state = SEAT_MOVES.get((self.state, word))
        if state is None:
            return False
        self.state, self.since = state, at
        return True

    @property
    def eligible(self) -> bool:
        """May be offered a call now."""
        return self.state is SeatState.READY and self.reachable and not self.busy and self.resting_until is None

    def look(self, offer: "Offer | None") -> SeatLook:
        """What its lamp shows."""
        if self.state is not SeatState.OFFERED:
            return LOOKS[self.state]
        return "talking" if offer and offer.state is OfferState.ANSWERED else "ringing"


LOOKS: dict[SeatState, SeatLook] = {
    SeatState.LOGGED_OUT: "logged-out",
    SeatState.READY: "ready",
    SeatState.TALKING: "talking",
    SeatState.WRAP_UP: "wrap-up",
    SeatState.PAUSED: "paused",
}


class Offer(Struct, kw_only=True):
    """One attempt to give one call to one seat."""

    id: str
    call: str | None
    """None once the caller is gone or has moved on; the seat's leg may still live."""
    seat: str
    queue: str
    wrap_up_ms: int
    """What follows a talk, by the rule of the queue when the offer was made."""
    state: OfferState = OfferState.RINGING
    since: int
    made_at: int
    deadline: int | None
    """When the switch's word is overdue. None while they talk: the periodic snapshot watches over talks."""

    def move(self, word: str, at: int) -> bool:
        """Make a move if the table allows it."""
        state = OFFER_MOVES.get((self.state, word))
        if state is None:
            return False
        self.state, self.since = state, at
        return True


class State(Struct, kw_only=True):
    """All the distributor knows."""

    now: int = 0
    """Time of the last event."""
    run: str = ""
    fresh: bool = False
    """The switch's word is complete: a snapshot came after the last start or lost link. Else nothing is decided."""
    look_ms: int = 60_000
    look_at: int | None = None
    """When the next snapshot is due."""
    queues: dict[str, QueueRule] = field(default_factory=dict)
    seats: dict[str, Seat] = field(default_factory=dict)
    calls: dict[str, Call] = field(default_factory=dict)
    offers: dict[str, Offer] = field(default_factory=dict)
    calls_counted: int = 0
    offers_counted: int = 0
