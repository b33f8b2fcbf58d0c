"""The tables of webhooks and of who customers are elsewhere; what holds of all tables: `acd.store.schema`."""

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from acd.store.schema import Base, Key, Plain


class Endpoint(Base):
    """A webhook of acd.conf: who changes the file, a server or a command, finds here who wants to be told."""

    __tablename__ = "webhooks"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    name: Mapped[str] = mapped_column(Plain, unique=True)
    """The section of acd.conf."""
    events: Mapped[str] = mapped_column(default="")
    """What it wants to hear, parted by blanks; empty for all."""
    queues: Mapped[str] = mapped_column(default="")
    """Likewise."""
    url: Mapped[str] = mapped_column(default="")
    """A digest of where it is: another one is another endpoint, which has not said that it is gone."""
    since: Mapped[int]
    """What happened before that is not told."""
    stopped: Mapped[str] = mapped_column(default="")
    """Why it is told nothing any more; empty while it is."""
    sent: Mapped[int] = mapped_column(default=0)
    """So many it has taken."""
    sent_at: Mapped[int | None]
    dropped: Mapped[int] = mapped_column(default=0)
    """So many were too many to wait, since somebody last looked after it."""
    failing_since: Mapped[int | None]
    """Null while it takes what it is sent."""
    said: Mapped[str] = mapped_column(default="")
    """Its last word, or why it was not reached."""


class Told(Base):
    """What happened, as it is told, to the octet; gone when nobody is to be told any more."""

    __tablename__ = "webhook_events"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    name: Mapped[str] = mapped_column(Plain, unique=True)
    """The `webhook-id`."""
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"), index=True)
    body: Mapped[str]


class Delivery(Base):
    """That an endpoint is to be told something."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (Index(None, "webhook_id", "state", "id"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    webhook_id: Mapped[int] = mapped_column(ForeignKey("webhooks.id", ondelete="CASCADE"))
    event_id: Mapped[int] = mapped_column(ForeignKey("webhook_events.id", ondelete="CASCADE"), index=True)
    state: Mapped[str] = mapped_column(Plain)
    """waits: in its order; aside: it was refused for itself, and holds up nobody; given-up."""
    made_at: Mapped[int]
    due_at: Mapped[int]
    """When it is tried next; of one that is given up, when that was."""
    tries: Mapped[int] = mapped_column(default=0)
    """How often it was refused."""
    said: Mapped[str] = mapped_column(default="")


class Outside(Base):
    """A customer as another system knows him: a CRM of acd.conf."""

    __tablename__ = "outside_people"
    __table_args__ = (UniqueConstraint("person_id", "source"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    source: Mapped[str] = mapped_column(Plain)
    """The section of acd.conf."""
    external_id: Mapped[str] = mapped_column(Plain, default="")
    """His id there."""
    link: Mapped[str] = mapped_column(default="")
    """A page of his there."""
    name: Mapped[str] = mapped_column(default="")
    language: Mapped[str] = mapped_column(default="")
    """As it said them: what a person has by another word is his own."""
    answered_at: Mapped[int]
