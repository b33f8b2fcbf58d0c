"""The rules a site sets, as the core sees them: no secret, no address, no name of a file.

They travel in the `Configured` event, so a replay decides by the rules of its day.
"""

from typing import Literal

from msgspec import Struct


class QueueRule(Struct, frozen=True, kw_only=True):
    """One queue."""

    name: str
    strategy: Literal["longest-idle"] = "longest-idle"
    """Which of several free seats gets the call."""
    priority: int = 10
    """Priority class of its calls where the call has none of its own; 0 is served first."""
    ring_ms: int = 15_000
    """How long a seat rings before the call goes back to the head of the queue."""
    wrap_up_ms: int = 10_000
    """Time after a talk before the seat is free again; 0 for none."""
    refusal_ms: int = 30_000
    """How long a call is kept from a seat that refused it or let it ring out."""
    max_wait_ms: int = 3_600_000
    """A call that waited this long is sent to the overflow."""


class SeatRule(Struct, frozen=True, kw_only=True):
    """One seat."""

    name: str
    queues: tuple[str, ...] = ()
    set_aside_after: int = 3
    """This many offers in a row unanswered, and the seat is paused with the reason `not-answering`; 0 for never."""
    pin_tries: int = 3
    """Wrong PINs in a row before the seat is locked."""
    lock_ms: int = 300_000
    """How long a seat stays locked."""
