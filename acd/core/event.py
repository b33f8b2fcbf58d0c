"""What all events are; see `acd.core.events`."""

from msgspec import Struct


class Event(Struct, frozen=True, kw_only=True, tag=True, omit_defaults=True, gc=False):
    """Something that happened."""

    at: int = 0
    """When, integer milliseconds since the epoch; 0 until the dispatcher stamps it. Never runs backwards."""
