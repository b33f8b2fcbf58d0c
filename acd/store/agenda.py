"""The tables of appointments; what holds of all tables: `acd.store.schema`."""

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from acd.store.schema import Base, Key, Plain


class Appointment(Base):
    """When a person is expected, or somebody goes to him."""

    __tablename__ = "appointments"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    uid: Mapped[str] = mapped_column(Plain, unique=True)
    """Names it in all calendars, for ever."""
    kind: Mapped[str] = mapped_column(Plain)
    """The section of acd.conf."""
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    case_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id"))
    starts_at: Mapped[int] = mapped_column(index=True)
    length_ms: Mapped[int]
    place: Mapped[str] = mapped_column(default="")
    host: Mapped[str] = mapped_column(default="")
    """Whom he meets, and where that one is told."""
    host_address: Mapped[str] = mapped_column(default="")
    host_number: Mapped[str] = mapped_column(default="")
    sequence: Mapped[int] = mapped_column(default=0)
    """Counted up whenever it is moved or cancelled."""
    made_at: Mapped[int]
    made_by: Mapped[str] = mapped_column(default="")
    cancelled_at: Mapped[int | None]


class Errand(Base):
    """Something that is to be said because of an appointment, said or not yet."""

    __tablename__ = "errands"
    __table_args__ = (UniqueConstraint("appointment_id", "sequence", "name"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    appointment_id: Mapped[int] = mapped_column(ForeignKey("appointments.id", ondelete="CASCADE"))
    sequence: Mapped[int]
    """Of the appointment: one that was moved has errands of its own."""
    name: Mapped[str] = mapped_column(Plain)
    to: Mapped[str]
    """customer or host."""
    medium: Mapped[str]
    says: Mapped[str]
    """A reply that the site has ready; empty for a calendar alone."""
    calendar: Mapped[str] = mapped_column(default="")
    """What iTIP calls the method; empty without a calendar."""
    due_at: Mapped[int | None] = mapped_column(index=True)
    """Null when it is done, or will not be."""
    done_at: Mapped[int | None]
    said: Mapped[str] = mapped_column(default="")
    """Why it could not be done."""
