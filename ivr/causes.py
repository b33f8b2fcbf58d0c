"""How a leg ended, in one word, from what the switch says.

Hang-up causes are those of ITU-T Q.850; chan_pjsip makes them of SIP answers (hangup_sip2cause in chan_pjsip.c):
486 -> 17, 603 -> 21, 408 -> 18, 480 -> 19, 404 -> 1, 484 -> 28, 410 -> 22, no contact -> 20 or 3.
"""

import re

from acd.core.outcomes import LegOutcome, OfferOutcome
from ivr.held import Leg

RING_SLACK_MS = 250
"""A ring that lasted this close to its time-out was ended by it; Asterisk then reports a normal clearing."""

_BUSY = frozenset({17})
_REFUSED = frozenset({21})
_NO_ANSWER = frozenset({18, 19})
_UNREACHABLE = frozenset({1, 2, 3, 20, 22, 27, 38})

# What is about the number, and not about the way to it.
_NO_SUCH_NUMBER = frozenset({1, 2, 22, 28})
_NOT_ANSWERED = frozenset({19})
_REJECTED = frozenset({21, 29, 55, 57, 87})
_FORBIDDEN = re.compile(r"SIP 40[1237]\b")


def outcome_of(leg: Leg, cause: int, at: int) -> OfferOutcome:
    """Say how a seat's leg ended."""
    if leg.answered and (leg.joined or not leg.shared):
        return "hung-up"
    if leg.withdrawn or leg.answered:  # somebody else was quicker
        return "withdrawn"
    if cause in _REFUSED:
        return "refused"
    if cause in _BUSY:
        return "refused" if leg.ringing else "busy"  # many phones send 486 for the key that refuses a ringing call
    if cause in _NO_ANSWER or (leg.ring_ms and at - leg.made_at >= leg.ring_ms - RING_SLACK_MS):
        return "no-answer" if leg.ringing else "unreachable"  # a phone that is off says nothing, not even that it rings
    return "unreachable" if cause in _UNREACHABLE else "failed"


def leg_outcome(status: str, cause: int, *, said: str = "", rang: bool = True) -> LegOutcome:
    """Say how a call out ended without an answer.

    Args:
        status: Dial's DIALSTATUS.
        cause: what the line gave for it.
        said: the line's own words, such as `SIP 403 Forbidden`. That is Q.850's 21 as 603 is; but by it the trunk
            speaks of itself or of the account there, and not the other side of itself (RFC 3261, 21.4.4 and 21.6.2).
        rang: whether anything was heard of it meanwhile, be it that it rings.

    """
    if _FORBIDDEN.match(said):
        return "forbidden"
    if status == "NOANSWER" and not rang:
        return "silent"
    if status == "BUSY" or cause in _BUSY:
        return "busy"
    if status == "NOANSWER" or cause in _NOT_ANSWERED:
        return "no-answer"
    if cause in _NO_SUCH_NUMBER:
        return "no-such-number"
    if cause in _REJECTED:
        return "rejected"
    return "cancelled" if status == "CANCEL" else "congestion"
