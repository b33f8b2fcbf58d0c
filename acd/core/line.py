"""One trunk line: what it does, and what can be wrong with it."""

from typing import Literal

from msgspec import Struct

from acd.core.rules import LineRule

TroubleKind = Literal["absent", "alarm", "d-channel", "not-reachable", "not-registered"]
"""Why a trunk line cannot be used.

absent          the switch knows no such channel
alarm           the hardware has one, such as a cable that is out
d-channel       the channel that signals for its span is down
not-reachable   the other side of a SIP trunk does not answer
not-registered  the other side of a SIP trunk does not let us register
"""


class Trouble(Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """What is wrong with a trunk line."""

    kind: TroubleKind
    said: str = ""
    """The switch's own word for it, where it has one: `Red Alarm`."""


LineLook = Literal["free", "ours", "in-use", "out", "left-alone"] | TroubleKind
"""What a line does, summed up. ours: it carries a leg to a seat. in-use: another call is on it. out: taken out of
service by hand. left-alone: it failed, and is not tried for a while."""


class Line(Struct, kw_only=True, gc=False):
    """One trunk line."""

    rule: LineRule
    group: str
    offer: str = ""
    """The offer, or the call out, whose leg it carries."""
    in_use: bool = False
    """The switch says that it carries a call, ours or another."""
    trouble: Trouble | None = None
    """The switch says that it cannot be used, and why."""
    out_since: int | None = None
    """Taken out of service by hand, and when: nobody gets it until it is put back."""
    out_why: str = ""
    """Why, in the words of who did it."""
    faults: int = 0
    """Failures in a row."""
    fault_until: int | None = None
    turn: int = 0
    """Number of the leg that last went over it."""
    used_at: int = 0
    """When it was last in use, ours or another's."""
    since: int = 0
    """When the look was last another one; 0 if that was before it was noted."""

    @property
    def look(self) -> LineLook:
        """What it does, summed up. A call on it comes first: it goes on whatever else is the matter."""
        if self.offer:
            return "ours"
        if self.in_use:
            return "in-use"
        if self.out_since is not None:
            return "out"
        if self.trouble is not None:
            return self.trouble.kind
        return "left-alone" if self.fault_until is not None else "free"
