"""What is known of each channel that matters to the distributor; kept by `ivr.channels`."""

import re

import msgspec

ON_A_LINE = re.compile(r"\bLINE\b")
"""Stands in a handset for the trunk line that its leg takes: `PJSIP/5550123@LINE`, `DAHDI/LINE/5550123`."""


def place_of(seat: str) -> str:
    """Name the variable of the dialplan that says where a seat is rung; empty for its own handset."""
    return f"CALLFLOOR_AT_{seat}"


WIRED = "DAHDI/"
"""Handsets at the end of a wire, and trunk lines: their legs are rung from acd-wire (ivr.wires)."""

OFFER_PREFIX = "offer-"
"""The unique id of a seat's leg is its offer's, and begins so."""
TALK_MARK = "SHARED(ACD_TALK)"
"""Names on a caller's channel the offer whose leg took him, until he waits again."""
WIRE_PREFIX = "wire-"
"""Unique ids of the far halves of Local channels that are seats' legs, see `WIRED`."""
WORDS_PREFIX = "words-"
"""Unique ids of the channels that speak to a waiting caller (ivr.announcer)."""


class Held(msgspec.Struct, kw_only=True):
    """A caller's channel."""

    channel: str
    number: str
    name: str
    queue: str
    language: str = ""
    talk: str = ""
    """The bridge of his last talk."""
    waits: bool = True
    """He is in the hold, for an agent."""
    took: str = ""
    """The bridge in which he took over the talk of an agent's own call."""
    given: bool = False
    """An agent gave him away, and he is on his way."""


class Leg(msgspec.Struct, kw_only=True):
    """A seat's channel."""

    call: str
    seat: str
    line: str = ""
    """The trunk line that it takes."""
    ring_ms: int = 0
    made_at: int = 0
    born_at: int | None = None
    """When its channel came into being; None while the switch is still at it."""
    ringing: bool = False
    answered: bool = False
    joined: bool = False
    withdrawn: bool = False
    shared: bool = False
    """Others may ring for the same caller; who answers has him only when they are in one bridge."""
    wired: bool = False
    """Its telephone is rung by a Local channel, see `ivr.wires`."""
    lifts: bool = False
    """And takes the place of that one once it is lifted."""
    bridges: dict[str, set[str]] = msgspec.field(default_factory=dict)
    """Bridge -> which of the two, leg and caller, entered it."""

    @property
    def exists(self) -> bool:
        """Whether there is a channel."""
        return self.born_at is not None


class Meanwhile(msgspec.Struct):
    """What changed while a snapshot was on its way."""

    begun: set[str] = msgspec.field(default_factory=set)
    """Unique ids of channels that came into being, or into a queue."""
    ended: set[str] = msgspec.field(default_factory=set)
    """Unique ids of channels that are gone, or out of their queue."""
    handsets: set[str] = msgspec.field(default_factory=set)
    """Devices of phones that came or went."""
    troubles: set[tuple[str, int]] = msgspec.field(default_factory=set)
    """Devices of trunk lines with whom it was that said something of them."""
