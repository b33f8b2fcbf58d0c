"""Events about who talks to a caller, by an offer or else. For reports alone."""

from acd.core.event import Event
from acd.core.outcomes import ListenMode


class OfLeg(Event, frozen=True, kw_only=True):
    """About one leg of a call."""

    call: str
    leg: str
    """The offer, or the switch's unique id of the channel."""


class LegJoined(OfLeg, frozen=True, kw_only=True):
    """Somebody (a seat, or the name of a channel) who has no offer for it hears a caller."""

    who: str = ""


class LegLeft(OfLeg, frozen=True, kw_only=True):
    """He does so no more."""


class LegHeld(OfLeg, frozen=True, kw_only=True):
    """He who talks to a caller puts him on hold, with his queue's music, or takes him back."""

    held: bool


class Listening(Event, frozen=True, kw_only=True):
    """A supervisor listens to a talk, in another way than before, or no more. For the record: nothing follows."""

    seat: str
    """The supervisor's."""
    to: str
    """The seat that talks."""
    offer: str
    """On which it talks."""
    mode: ListenMode
