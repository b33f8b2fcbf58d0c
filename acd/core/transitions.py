"""Every state and every legal move, on one page.

Three machines share the work. An *offer* ties one call to one seat, and lives until the seat has nothing more to do
with it:

    offer     ringing -> answered -> connected -> wrap-up -> (gone)    doubtful: the switch's word is overdue, we look
                                     suspended: set aside              withdrawing: taken back, not yet confirmed
    call      waiting -> offered -> talking -> after -> (gone)         a caller may leave from anywhere; one who waits
                                                                       again begins a new stay, as a new `Call`
    seat      logged-out  ready  paused: the agent's word. What the seat does is in its offers; `Seat.state` sums up.

A move that the table does not name is not an error: events come late, twice and out of order, and a late word about
a dead offer is legal. `move` answers False for it and nothing changes. It is the callers' duty to change fields only
after a move was granted, and nobody else's to compare states.

What must change together: a state here, its deadline in `model`, its check in `invariants`.
"""

from enum import StrEnum


class CallState(StrEnum):
    """Where a call stands. A call that is gone is not in the state at all."""

    WAITING = "waiting"
    OFFERED = "offered"
    TALKING = "talking"
    AFTER = "after"
    """The talk is over, the caller's channel still lives: survey, goodbye, or on its way to a queue again."""


class Presence(StrEnum):
    """An agent's word."""

    LOGGED_OUT = "logged-out"
    READY = "ready"
    PAUSED = "paused"


class SeatState(StrEnum):
    """What a seat does, summed up from its presence and its offers."""

    LOGGED_OUT = "logged-out"
    READY = "ready"
    OFFERED = "offered"
    TALKING = "talking"
    WRAP_UP = "wrap-up"
    PAUSED = "paused"


class OfferState(StrEnum):
    """Where an offer stands. An offer that has ended is not in the state at all."""

    RINGING = "ringing"
    ANSWERED = "answered"
    CONNECTED = "connected"
    SUSPENDED = "suspended"
    DOUBTFUL = "doubtful"
    WITHDRAWING = "withdrawing"
    WRAP_UP = "wrap-up"


CALL_MOVES: dict[tuple[CallState, str], CallState] = {
    (CallState.WAITING, "offer"): CallState.OFFERED,
    (CallState.OFFERED, "requeue"): CallState.WAITING,
    (CallState.OFFERED, "connect"): CallState.TALKING,
    (CallState.TALKING, "part"): CallState.AFTER,
    (CallState.WAITING, "leave"): CallState.AFTER,
}

SEAT_MOVES: dict[tuple[Presence, str], Presence] = {
    (Presence.LOGGED_OUT, "log_in"): Presence.READY,
    (Presence.READY, "log_out"): Presence.LOGGED_OUT,
    (Presence.PAUSED, "log_out"): Presence.LOGGED_OUT,
    (Presence.READY, "pause"): Presence.PAUSED,
    (Presence.PAUSED, "pause"): Presence.PAUSED,  # another reason
    (Presence.PAUSED, "ready"): Presence.READY,
    (Presence.READY, "ready"): Presence.READY,  # on with it
}

OFFER_MOVES: dict[tuple[OfferState, str], OfferState] = {
    (OfferState.RINGING, "answer"): OfferState.ANSWERED,
    (OfferState.RINGING, "connect"): OfferState.CONNECTED,
    (OfferState.ANSWERED, "connect"): OfferState.CONNECTED,
    (OfferState.RINGING, "doubt"): OfferState.DOUBTFUL,
    (OfferState.ANSWERED, "doubt"): OfferState.DOUBTFUL,
    (OfferState.DOUBTFUL, "answer"): OfferState.ANSWERED,
    (OfferState.DOUBTFUL, "connect"): OfferState.CONNECTED,
    (OfferState.DOUBTFUL, "withdraw"): OfferState.WITHDRAWING,
    (OfferState.WITHDRAWING, "talk"): OfferState.CONNECTED,  # a snapshot shows it: taken back too late
    (OfferState.RINGING, "withdraw"): OfferState.WITHDRAWING,
    (OfferState.ANSWERED, "withdraw"): OfferState.WITHDRAWING,
    (OfferState.WITHDRAWING, "withdraw"): OfferState.WITHDRAWING,  # not confirmed in time: once more
    (OfferState.CONNECTED, "suspend"): OfferState.SUSPENDED,
    (OfferState.SUSPENDED, "resume"): OfferState.CONNECTED,
    (OfferState.CONNECTED, "wrap_up"): OfferState.WRAP_UP,
    (OfferState.SUSPENDED, "wrap_up"): OfferState.WRAP_UP,
}

IN_TALK = frozenset({OfferState.CONNECTED, OfferState.SUSPENDED})
"""Caller and agent have met."""

ON_ITS_WAY = frozenset({OfferState.RINGING, OfferState.ANSWERED, OfferState.DOUBTFUL, OfferState.WITHDRAWING})
"""They have not met yet."""
