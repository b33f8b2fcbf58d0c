"""The settings of appointments; how they are written: `acd.appointment_options`."""

from typing import Literal

from msgspec import Struct

To = Literal["customer", "host"]


class Telling(Struct, frozen=True):
    """Something that somebody is told because of an appointment."""

    to: To
    medium: str
    says: str
    """A reply that the site has ready."""
    before_ms: int | None = None
    """So long before it begins; None for at once."""


class AppointmentKind(Struct, frozen=True, kw_only=True):
    """A kind of appointment. What the fields mean: `acd.appointment_options`."""

    section: str
    title: str
    queue: str
    length_ms: int = 30 * 60_000
    place: str = ""
    invite: tuple[To, ...] = ()
    tellings: tuple[Telling, ...] = ()
    cancelled: str = ""
