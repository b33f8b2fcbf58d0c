"""What a seat's leg is given when it is asked for, and what of it stands on the caller's channel."""

from collections.abc import Mapping

from acd.core import commands as cmd
from ivr.held import Leg
from ivr.wires import LIFTED

OFFER_MARK = "SHARED(ACD_OFFER)"
NOWHERE = "acd-no-forward"
"""A context that is not there: a handset that forwards (SIP 302) forwards to nobody. The call was for its seat, and a
number that an agent's phone names could be any, at the site's cost."""


def token(leg: Leg | None) -> str:
    """Name the variable of a caller's channel that lets a leg have him: one for all, or, shared, one a seat."""
    return f"SHARED(ACD_OFFER_{leg.seat})" if leg is not None and leg.shared else OFFER_MARK


def variables(command: cmd.Offer) -> list[str]:
    """What the channel of a seat's leg knows of its offer."""
    known = [f"ACD_OFFER={command.offer}", f"ACD_CALL={command.call}", f"ACD_RUNG={command.seat}"]
    known.append(f"FORWARD_CONTEXT={NOWHERE}")
    if command.line:
        known.append(f"ACD_LINE={command.line}")
    if command.shared:
        known.append("ACD_SHARED=1")
    return known


def found(known: Mapping[str, str], seat: str) -> Leg:
    """Make a leg of what its channel knows: nobody else does, after a restart. `seat` is at the channel's handset."""
    return Leg(
        call=known.get("ACD_CALL", ""),
        seat=known.get("ACD_RUNG", "") or seat,
        line=known.get("ACD_LINE", ""),
        wired=LIFTED in known,
        lifts=known.get(LIFTED, "") != "",
    )


def caller_id(name: str, number: str) -> str:
    """What the agent's phone shows. Quotes, brackets and backslashes would end the quoted name."""
    plain = "".join(char for char in name if char not in '"<>\\')
    digits = "".join(char for char in number if char in "0123456789+*#")
    return f'"{plain[:60]}" <{digits[:32]}>'
