"""The tables of chats; see `schema`."""

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from acd.store.schema import Base, Key, Plain


class Chat(Base):
    """One visitor's talk, for as long as his browser knows its token: any number of contacts."""

    __tablename__ = "chats"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    token: Mapped[str] = mapped_column(Plain, unique=True)
    """SHA-256 of it, hexadecimal: who reads this table cannot take the talk up. Of who has an address instead, `afar`
    and the SHA-256 of the section and that."""
    section: Mapped[str] = mapped_column(Plain)
    """Of acd.conf."""
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"), index=True)
    """Who he says that he is. Null before he says it."""
    is_own: Mapped[bool] = mapped_column(default=False)
    """That person was not known before, so all that he says of himself may be kept there."""
    name: Mapped[str] = mapped_column(default="")
    address: Mapped[str] = mapped_column(default="")
    """An e-mail address or a number, as he gave it last, in its normal form; `xmpp:` and the address of who has one."""
    language: Mapped[str] = mapped_column(default="")
    last: Mapped[int] = mapped_column(default=0)
    """Number of the last line."""
    shown: Mapped[int] = mapped_column(default=0)
    """Of the last line that an agent was shown."""
    seen: Mapped[int] = mapped_column(default=0)
    """Of the last line of ours that he has seen."""
    made_at: Mapped[int]
    heard_at: Mapped[int] = mapped_column(index=True)


class ChatContact(Base):
    """What an agent has to do for a visitor: a contact, from a line of his until it is closed."""

    __tablename__ = "chat_contacts"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    call: Mapped[str] = mapped_column(Plain, unique=True)
    chat_id: Mapped[int] = mapped_column(ForeignKey("chats.id", ondelete="CASCADE"), index=True)
    interaction_id: Mapped[int] = mapped_column(ForeignKey("interactions.id", ondelete="CASCADE"), index=True)
    at: Mapped[int]
    closed_at: Mapped[int | None] = mapped_column(index=True)
    """Null while there is something to do for it."""
    closed_by: Mapped[str] = mapped_column(default="")
    code: Mapped[str] = mapped_column(default="")


class ChatLine(Base):
    """The number of a line, whose words are its message's."""

    __tablename__ = "chat_lines"
    __table_args__ = (UniqueConstraint("chat_id", "seq"), UniqueConstraint("chat_id", "name"))

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    chat_id: Mapped[int] = mapped_column(ForeignKey("chats.id", ondelete="CASCADE"))
    seq: Mapped[int]
    name: Mapped[str] = mapped_column(Plain)
    """Given by who wrote it: said twice it is one line."""
    message_id: Mapped[int] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"), index=True)


class ChatOut(Base):
    """A line of ours that is sent to an address, sent or not yet."""

    __tablename__ = "chat_out"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    line_id: Mapped[int] = mapped_column(ForeignKey("chat_lines.id", ondelete="CASCADE"), unique=True)
    waits: Mapped[bool] = mapped_column(index=True)
    """It is to be sent."""
    said: Mapped[str] = mapped_column(default="")
    """What became of it."""
