"""What the switch holds at the moment of a `Snapshot`: calls, legs, handsets."""

from msgspec import Struct

from acd.core.rules import Needs


class HeldCall(Struct, frozen=True, kw_only=True):
    """A call that the switch holds at the moment of a `Snapshot`."""

    call: str
    queue: str
    since: int
    caller: str = ""
    medium: str = "voice"
    priority: int | None = None
    needs: Needs = ()
    head_start_ms: int = 0
    seat: str = ""
    dial: str = ""
    rate: int = 0
    language: str = ""
    waiting: bool = True
    """In the hold context; False: joined with a seat, or on its way after the talk."""


class LiveLeg(Struct, frozen=True, kw_only=True):
    """A seat's leg that exists at the moment of a `Snapshot`."""

    offer: str
    call: str
    seat: str
    joined: bool
    """In a bridge with its caller."""


class LiveTalk(Struct, frozen=True, kw_only=True):
    """One who talks to a caller at the moment of a `Snapshot`, besides the seat that has an offer for him."""

    call: str
    leg: str
    """As in `LegJoined`, or an offer whose agent asks somebody meanwhile."""
    who: str = ""
    held: bool = False
    """He is in another talk, and has the caller on hold."""


class HandsetState(Struct, frozen=True, kw_only=True):
    """One handset at the moment of a `Snapshot`."""

    seat: str
    reachable: bool
    busy: bool


class LiveOut(Struct, frozen=True, kw_only=True):
    """A call out that exists at the moment of a `Snapshot`."""

    leg: str
    answered: bool
