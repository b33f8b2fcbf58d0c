"""Every state and every legal move, on one page.

Three machines share the work. An *offer* ties one call to one seat, and lives until the seat has nothing more to do
with it:

    offer     ringing -> answered -> connected -> wrap-up -> (gone)    doubtful: the switch's word is overdue, we look
                                     suspended: set aside              withdrawing: taken back, not yet confirmed
    call      waiting -> offered -> talking -> after -> (gone)         a caller may leave from anywhere; one who waits
                                                                       again begins a new stay, as a new `Call`; a
                                                                       virtual call goes back to its old place
                          -> calling -> (gone)                         a callback whose customer is called first
    seat      logged-out  ready  paused: the agent's word. What the seat does is in its offers; `Seat.state` sums up.

A move that the table does not name is not an error: events come late, twice and out of order, and a late word about
a dead offer is legal. `move` answers False for it and nothing changes. It is the callers' duty to change fields only
after a move was granted, and nobody else's to compare states.

What must change together: a state here, its deadline in `model`, its check in `invariants`.
"""

from typing import Literal

from acd.core.commands import SeatLook

CallState = Literal["waiting", "offered", "calling", "talking", "after"]
"""Where a call stands. A call that is gone is not in the state at all.

after: the talk is over, the caller's channel still lives: survey, goodbye, with one whom an agent gave it to,
or on its way to a queue again. A virtual call is there only while its queue does not exist.
calling: the customer of a callback is called, before any agent.
"""

Presence = Literal["logged-out", "ready", "paused"]
"""An agent's word."""

SeatState = Literal["logged-out", "ready", "offered", "talking", "wrap-up", "paused"]
"""What a seat does, summed up from its presence and its offers."""

OfferState = Literal["ringing", "answered", "connected", "suspended", "doubtful", "withdrawing", "wrap-up"]
"""Where an offer stands. An offer that has ended is not in the state at all."""

CALL_MOVES: dict[tuple[CallState, str], CallState] = {
    ("waiting", "offer"): "offered",
    ("offered", "requeue"): "waiting",
    ("waiting", "reach"): "calling",
    ("calling", "requeue"): "waiting",
    ("offered", "connect"): "talking",
    ("talking", "part"): "after",
    ("after", "part"): "after",  # given on by somebody whom it was given to
    ("after", "take_over"): "talking",  # the talk of the call by which the agent asked first
    ("waiting", "leave"): "after",
    ("talking", "give_back"): "waiting",  # a virtual call that was not closed
    ("after", "give_back"): "waiting",  # one whose queue is there again
}

SEAT_MOVES: dict[tuple[Presence, str], Presence] = {
    ("logged-out", "log_in"): "ready",
    ("ready", "log_out"): "logged-out",
    ("paused", "log_out"): "logged-out",
    ("ready", "pause"): "paused",
    ("paused", "pause"): "paused",  # another reason
    ("paused", "ready"): "ready",
    ("ready", "ready"): "ready",  # on with it
}

OFFER_MOVES: dict[tuple[OfferState, str], OfferState] = {
    ("ringing", "answer"): "answered",
    ("ringing", "connect"): "connected",
    ("answered", "connect"): "connected",
    ("ringing", "doubt"): "doubtful",
    ("answered", "doubt"): "doubtful",
    ("doubtful", "answer"): "answered",
    ("doubtful", "connect"): "connected",
    ("doubtful", "withdraw"): "withdrawing",
    ("withdrawing", "talk"): "connected",  # a snapshot shows it: taken back too late
    ("ringing", "withdraw"): "withdrawing",
    ("answered", "withdraw"): "withdrawing",
    ("withdrawing", "withdraw"): "withdrawing",  # not confirmed in time: once more
    ("connected", "suspend"): "suspended",
    ("suspended", "resume"): "connected",
    ("connected", "wrap_up"): "wrap-up",
    ("suspended", "wrap_up"): "wrap-up",
}

IN_TALK = frozenset({"connected", "suspended"})
"""Caller and agent have met."""

ON_ITS_WAY = frozenset({"ringing", "answered", "doubtful", "withdrawing"})
"""They have not met yet."""

LOOK_STATES: dict[SeatLook, SeatState] = {
    "logged-out": "logged-out",
    "ready": "ready",
    "ringing": "offered",
    "talking": "talking",
    "wrap-up": "wrap-up",
    "paused": "paused",
}
"""What a lamp shows, as what the seat does."""
