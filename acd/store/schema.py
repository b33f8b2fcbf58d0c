"""The tables. Every text in them may have come from outside: hostile, stored as it is, escaped where it is shown.

Times are integer milliseconds since the epoch, as in the journal. A table changes by a migration (`migrations`), and a
test holds the two together.
"""

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, LargeBinary, MetaData, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

Key = BigInteger().with_variant(Integer, "sqlite")  # only an INTEGER is SQLite's own row id
Plain = Text().with_variant(Text(collation="C"), "postgresql")  # compared by its bytes, so that prefixes use an index


class Base(DeclarativeBase):
    """What all tables have in common: how their constraints are named."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {str: Text, int: BigInteger}  # noqa: RUF012 - SQLAlchemy reads it from the class


class Person(Base):
    """A customer."""

    __tablename__ = "people"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    root: Mapped[int | None] = mapped_column(ForeignKey("people.id"), index=True)
    """Who he is: himself, or the one whom he was merged into, whatever the steps. Null only while he is being made."""
    merged_into: Mapped[int | None] = mapped_column(ForeignKey("people.id"), index=True)
    merged_at: Mapped[int | None]
    merged_by: Mapped[str] = mapped_column(default="")
    name: Mapped[str] = mapped_column(default="")
    name_key: Mapped[str] = mapped_column(Plain, default="", index=True)
    """The name in small letters without accents, to search by."""
    language: Mapped[str] = mapped_column(default="")
    made_at: Mapped[int]


class Handle(Base):
    """A number or an address: of one person at a time."""

    __tablename__ = "handles"
    __table_args__ = (UniqueConstraint("kind", "value"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), index=True)
    kind: Mapped[str] = mapped_column(Plain)
    value: Mapped[str] = mapped_column(Plain)
    """In its normal form, see `handles`."""
    label: Mapped[str] = mapped_column(default="")
    """Such as mobile, work."""
    made_at: Mapped[int]


class Attribute(Base):
    """Something known of a person by a name, such as his tier."""

    __tablename__ = "attributes"

    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), primary_key=True)
    name: Mapped[str] = mapped_column(Plain, primary_key=True)
    value: Mapped[str]
    set_at: Mapped[int]
    source: Mapped[str] = mapped_column(default="", server_default="")
    """Who said so: a CRM of acd.conf; empty for what was said here, which counts more."""


class Consent(Base):
    """That a person agreed to something, or took it back. Nothing is overwritten: the latest word counts."""

    __tablename__ = "consents"
    __table_args__ = (UniqueConstraint("person_id", "medium", "purpose", "at"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    medium: Mapped[str] = mapped_column(Plain)
    purpose: Mapped[str] = mapped_column(Plain)
    given: Mapped[bool]
    at: Mapped[int]
    how: Mapped[str] = mapped_column(default="")
    """By which words or form."""


class Case(Base):
    """One matter of a person, over as many contacts and media as it takes."""

    __tablename__ = "cases"
    __table_args__ = (Index(None, "person_id", "changed_at"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    """Null once he is erased."""
    subject: Mapped[str] = mapped_column(default="")
    opened_at: Mapped[int]
    changed_at: Mapped[int]
    """Of its latest contact."""
    closed_at: Mapped[int | None]
    closed_by: Mapped[str] = mapped_column(default="")


class Interaction(Base):
    """One contact, of any medium: a line of the timeline."""

    __tablename__ = "interactions"
    __table_args__ = (
        Index(None, "person_id", "started_at"),
        Index(None, "seat", "answered_at"),
        Index(None, "medium", "started_at"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    key: Mapped[str] = mapped_column(Plain, unique=True)
    """Of a call in the journal its id; of a message the call's id and what of it. The same key is the same contact."""
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    """Null for who withheld his number, and once he is erased."""
    case_id: Mapped[int | None] = mapped_column(ForeignKey("cases.id"), index=True)
    medium: Mapped[str] = mapped_column(Plain)
    direction: Mapped[str]
    """in: he came to us; out: we went to him."""
    call: Mapped[str] = mapped_column(Plain, default="", index=True)
    """The call's id in the journal."""
    thread: Mapped[str] = mapped_column(Plain, default="")
    """Contacts of one thread are one contact for who counts them: a call, and the message that it ended in."""
    queue: Mapped[str] = mapped_column(default="")
    seat: Mapped[str] = mapped_column(Plain, default="")
    """Who talked to him last."""
    agent: Mapped[str] = mapped_column(default="")
    """His name then."""
    started_at: Mapped[int]
    answered_at: Mapped[int | None]
    ended_at: Mapped[int | None]
    outcome: Mapped[str] = mapped_column(default="")
    """answered, or how it ended without that, in the words of reports; empty while it is open."""
    code: Mapped[str] = mapped_column(default="")
    """What the agent said it was about (the disposition)."""
    subject: Mapped[str] = mapped_column(default="")
    summary: Mapped[str] = mapped_column(default="")
    told_at: Mapped[int]
    """When the latest fact about it happened: older ones are in it already."""


class Message(Base):
    """What was written: an e-mail, a short message, a line of a chat."""

    __tablename__ = "messages"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    interaction_id: Mapped[int] = mapped_column(ForeignKey("interactions.id"), index=True)
    ref: Mapped[str] = mapped_column(Plain, unique=True)
    """What names it: its Message-ID, the carrier's number. The same name is the same message."""
    direction: Mapped[str]
    sender: Mapped[str] = mapped_column(default="")
    recipient: Mapped[str] = mapped_column(default="")
    subject: Mapped[str] = mapped_column(default="")
    body: Mapped[str | None]
    """Null once it is deleted."""
    html: Mapped[str | None]
    at: Mapped[int]


class Attachment(Base):
    """A file that came or went with a message."""

    __tablename__ = "attachments"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id"), index=True)
    name: Mapped[str] = mapped_column(default="")
    content_type: Mapped[str] = mapped_column(default="")
    size: Mapped[int]
    hash: Mapped[str] = mapped_column(Plain, index=True)
    """SHA-256 of what is in it, hexadecimal: names the file where `data` is null."""
    data: Mapped[bytes | None] = mapped_column(LargeBinary)


class Mail(Base):
    """An e-mail that came in, as work for somebody: what is known of it beside its message."""

    __tablename__ = "mails"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    call: Mapped[str] = mapped_column(Plain, unique=True)
    """Its call's id, made of what it is: the same mail, brought again, is the same call."""
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), index=True)
    mailbox: Mapped[str] = mapped_column(Plain)
    """The section of acd.conf."""
    name: Mapped[str] = mapped_column(Plain, index=True)
    """The Message-ID that it says it has; others may say the same."""
    sender: Mapped[str] = mapped_column(default="")
    """Where an answer would go if the mail itself did not say."""
    raw: Mapped[str] = mapped_column(Plain, default="")
    """The file of it as it came; empty for what did not come as a mail."""
    fault: Mapped[str] = mapped_column(default="")
    """Why it could not be parsed."""
    marks: Mapped[str] = mapped_column(default="")
    at: Mapped[int]
    closed_at: Mapped[int | None] = mapped_column(index=True)
    """Null while there is something to do for it."""
    closed_by: Mapped[str] = mapped_column(default="")
    code: Mapped[str] = mapped_column(default="")


class Outbound(Base):
    """An e-mail that goes out to one recipient, sent or not yet."""

    __tablename__ = "outbox"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), index=True)
    call: Mapped[str] = mapped_column(Plain)
    """Of which contact it is."""
    mailbox: Mapped[str] = mapped_column(Plain)
    sender: Mapped[str]
    """Of the envelope; empty for the null sender."""
    recipient: Mapped[str] = mapped_column(Plain, index=True)
    needs_smtputf8: Mapped[bool]
    raw: Mapped[str] = mapped_column(Plain)
    made_at: Mapped[int]
    due_at: Mapped[int | None] = mapped_column(index=True)
    """When it is tried next; null when it is sent or given up."""
    tries: Mapped[int] = mapped_column(default=0)
    sent_at: Mapped[int | None]
    said: Mapped[str] = mapped_column(default="")
    """The last word of the mail server, or why it was not reached."""


class Talk(Base):
    """Short messages with one customer as work for somebody: one contact, however many texts there are in it."""

    __tablename__ = "sms_talks"
    __table_args__ = (Index(None, "own", "theirs"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    call: Mapped[str] = mapped_column(Plain, unique=True)
    interaction_id: Mapped[int] = mapped_column(ForeignKey("interactions.id", ondelete="CASCADE"), index=True)
    gate: Mapped[str] = mapped_column(Plain)
    """The section of acd.conf that it came by."""
    own: Mapped[str] = mapped_column(Plain)
    theirs: Mapped[str] = mapped_column(Plain)
    shown: Mapped[int] = mapped_column(default=0)
    """The latest of its messages that an agent was shown."""
    marks: Mapped[str] = mapped_column(default="")
    at: Mapped[int]
    closed_at: Mapped[int | None] = mapped_column(index=True)
    """Null while there is something to do for it."""
    closed_by: Mapped[str] = mapped_column(default="")
    code: Mapped[str] = mapped_column(default="")


class Arrival(Base):
    """That something was brought, so that it is not taken twice; kept for a day."""

    __tablename__ = "sms_arrivals"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    digest: Mapped[str] = mapped_column(Plain, index=True)
    """Of all that it is."""
    session: Mapped[str] = mapped_column(Plain)
    """Who brought it: the same once more by the same is another."""
    at: Mapped[int] = mapped_column(index=True)


class TextPart(Base):
    """A part of a text whose other parts have not come yet."""

    __tablename__ = "sms_parts"
    __table_args__ = (UniqueConstraint("gate", "own", "theirs", "ref", "total", "number"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    gate: Mapped[str] = mapped_column(Plain)
    own: Mapped[str] = mapped_column(Plain)
    theirs: Mapped[str] = mapped_column(Plain, index=True)
    ref: Mapped[int]
    total: Mapped[int]
    number: Mapped[int]
    body: Mapped[str]
    is_sure: Mapped[bool]
    at: Mapped[int]


class TextOut(Base):
    """A short message that goes out, sent or not yet."""

    __tablename__ = "sms_out"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), index=True)
    call: Mapped[str] = mapped_column(Plain)
    gate: Mapped[str] = mapped_column(Plain, index=True)
    """The section that sends it."""
    own: Mapped[str] = mapped_column(Plain)
    theirs: Mapped[str] = mapped_column(Plain, index=True)
    body: Mapped[str]
    is_notice: Mapped[bool]
    """Nobody wrote it: it is not missed, and goes to who has opted out."""
    made_at: Mapped[int]
    due_at: Mapped[int | None] = mapped_column(index=True)
    """When it is tried next; null when it is sent or given up."""
    tries: Mapped[int] = mapped_column(default=0)
    sent_at: Mapped[int | None]
    said: Mapped[str] = mapped_column(default="")
    """The last word of the centre, or why it was not reached."""


class TextOutPart(Base):
    """A part of a short message that goes out."""

    __tablename__ = "sms_out_parts"
    __table_args__ = (UniqueConstraint("out_id", "number"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    out_id: Mapped[int] = mapped_column(ForeignKey("sms_out.id", ondelete="CASCADE"))
    number: Mapped[int]
    state: Mapped[str] = mapped_column(default="")
    """Empty before it is sent, then doubt, sent, delivered, failed."""
    doubts: Mapped[int] = mapped_column(default=0)
    """How often it was begun to be sent without that it is known what became of it."""
    name: Mapped[str] = mapped_column(Plain, default="", index=True)
    """That the centre gave it."""


class EarlyReceipt(Base):
    """A delivery receipt that came before the name of its message; kept for a day."""

    __tablename__ = "sms_receipts"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    gate: Mapped[str] = mapped_column(Plain)
    name: Mapped[str] = mapped_column(Plain, index=True)
    state: Mapped[str]
    said: Mapped[str]
    at: Mapped[int] = mapped_column(index=True)


class Note(Base):
    """What an agent wrote down about a person."""

    __tablename__ = "notes"
    __table_args__ = (Index(None, "person_id", "at"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    interaction_id: Mapped[int | None] = mapped_column(ForeignKey("interactions.id"), index=True)
    text: Mapped[str]
    by: Mapped[str] = mapped_column(default="")
    at: Mapped[int]


class Progress(Base):
    """How far a journal was read."""

    __tablename__ = "progress"

    source: Mapped[str] = mapped_column(Plain, primary_key=True)
    seq: Mapped[int]
    """Its last entry whose facts are stored."""
    at: Mapped[int]
    """When that happened: an entry of this number and another time is of another journal."""
