"""What is counted of a seat by the day, for its agent."""

from msgspec import Struct


class Tally(Struct, kw_only=True, gc=False):
    """What a seat has done on one day."""

    day: str = ""
    calls: int = 0
    """Talks that have ended."""
    talk_ms: int = 0
    """How long these were."""
    wrap_up_ms: int = 0
