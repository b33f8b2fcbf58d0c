"""Every state and every legal move, on one page.

Three machines share the work. An *offer* ties one call to one seat; while it lives it drives both:

    offer     ringing -> answered -> connected -> (gone)          doubtful: the switch's word is overdue, we look
                                                                  withdrawing: taken back, not yet confirmed
    call      waiting -> offered -> talking -> after -> (gone)    a caller may leave from anywhere; one who waits
                                                                  again begins a new stay, as a new `Call`
    seat      ready -> offered -> talking -> wrap-up -> ready     with paused and logged-out beside

A move that the table does not name is not an error: events come late, twice and out of order, and a late word about
a dead offer is legal. `move` answers None for it and nothing changes. It is the callers' duty to change fields only
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


class SeatState(StrEnum):
    """Where a seat stands."""

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
    DOUBTFUL = "doubtful"
    WITHDRAWING = "withdrawing"


CALL_MOVES: dict[tuple[CallState, str], CallState] = {
    (CallState.WAITING, "offer"): CallState.OFFERED,
    (CallState.OFFERED, "requeue"): CallState.WAITING,
    (CallState.OFFERED, "connect"): CallState.TALKING,
    (CallState.TALKING, "part"): CallState.AFTER,
    (CallState.WAITING, "leave"): CallState.AFTER,
}

SEAT_MOVES: dict[tuple[SeatState, str], SeatState] = {
    (SeatState.LOGGED_OUT, "log_in"): SeatState.READY,
    (SeatState.READY, "log_out"): SeatState.LOGGED_OUT,
    (SeatState.PAUSED, "log_out"): SeatState.LOGGED_OUT,
    (SeatState.WRAP_UP, "log_out"): SeatState.LOGGED_OUT,
    (SeatState.READY, "pause"): SeatState.PAUSED,
    (SeatState.PAUSED, "pause"): SeatState.PAUSED,  # another reason
    (SeatState.PAUSED, "ready"): SeatState.READY,
    (SeatState.WRAP_UP, "ready"): SeatState.READY,
    (SeatState.WRAP_UP, "pause"): SeatState.PAUSED,  # at its end, when that was asked for
    (SeatState.READY, "offer"): SeatState.OFFERED,
    (SeatState.OFFERED, "connect"): SeatState.TALKING,
    (SeatState.OFFERED, "ready"): SeatState.READY,
    (SeatState.OFFERED, "pause"): SeatState.PAUSED,
    (SeatState.OFFERED, "log_out"): SeatState.LOGGED_OUT,
    (SeatState.TALKING, "wrap_up"): SeatState.WRAP_UP,
    (SeatState.TALKING, "ready"): SeatState.READY,
    (SeatState.TALKING, "pause"): SeatState.PAUSED,
    (SeatState.TALKING, "log_out"): SeatState.LOGGED_OUT,
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
}

ON_A_CALL = frozenset({SeatState.OFFERED, SeatState.TALKING})
"""The present call comes first: a wish of the agent is kept until it is over."""
