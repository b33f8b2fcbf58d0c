"""Lines of ours to who has an address: each waits until the server there has it; one that comes back is told."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from msgspec import Struct
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from acd.store import chats, hooks, text
from acd.store.chat_schema import Chat, ChatLine, ChatOut
from acd.store.schema import Message

SENT, DELIVERED = "sent", "delivered"
SAID_MOST = 300
UNDELIVERED = "undelivered-"
"""Before the name of a line: that of the line that tells of it."""


class Due(Struct, frozen=True, kw_only=True):
    """A line that is to be sent."""

    id: int
    section: str
    language: str
    address: str
    name: str
    """The same whenever it is sent."""
    at: int
    body: str


class _Row(NamedTuple):
    """A line with all that it belongs to."""

    out: ChatOut
    line: ChatLine
    chat: Chat
    message: Message

    def due(self) -> Due:
        """Give it as it is sent."""
        return Due(
            id=self.out.id,
            section=self.chat.section,
            language=self.chat.language,
            address=self.chat.address,
            name=self.line.name,
            at=self.message.at,
            body=self.message.body or "",
        )


def _rows(session: Session, *where: Any, most: int = 1) -> list[_Row]:
    wanted = select(ChatOut, ChatLine, Chat, Message)
    wanted = wanted.join(ChatLine, ChatOut.line_id == ChatLine.id).join(Chat, ChatLine.chat_id == Chat.id)
    wanted = wanted.join(Message, ChatLine.message_id == Message.id)
    found = session.execute(wanted.where(*where).order_by(ChatOut.id).limit(most))
    return [_Row(out, line, chat, message) for out, line, chat, message in found]


def due(session: Session, section: str, most: int) -> list[Due]:
    """Return what is to be sent by a section, in its order; `section` is what stands before the `/`."""
    own = Chat.section.startswith(f"{section}/", autoescape=True)
    return [row.due() for row in _rows(session, ChatOut.waits, own, most=most)]


def sections(session: Session) -> set[str]:
    """Return the sections by which something is to be sent."""
    wanted = select(Chat.section).join(ChatLine, ChatLine.chat_id == Chat.id)
    wanted = wanted.join(ChatOut, ChatOut.line_id == ChatLine.id).where(ChatOut.waits).distinct()
    return {one.partition("/")[0] for one in session.scalars(wanted)}


def sent(session: Session, outs: Sequence[int], at: int) -> None:
    """Note that the server has these lines, since `at`."""
    for row in _rows(session, ChatOut.id.in_(outs), ChatOut.waits, most=len(outs)):
        _leave(session, row, SENT, at)


def _leave(session: Session, row: _Row, said: str, at: int) -> None:
    row.out.waits, row.out.said = False, said
    hooks.message(session, "message-sent", row.message.interaction_id, row.message.id, at)


def drop(session: Session, out: int, said: str) -> None:
    """Note that a line will not be sent, where nobody is left to be told."""
    session.execute(update(ChatOut).where(ChatOut.id == out).values(waits=False, said=text.line(said, SAID_MOST)))


def find(session: Session, token: str, name: str) -> Due | None:
    """Return a line of ours in a talk by its name, sent or not."""
    return next((row.due() for row in _rows(session, Chat.token == token, ChatLine.name == name)), None)


def delivered(session: Session, token: str, name: str, at: int) -> int:
    """Note that a line of ours has come to him, since `at`; gives its number, 0 for none of ours."""
    for row in _rows(session, Chat.token == token, ChatLine.name == name):
        if row.out.waits:
            _leave(session, row, DELIVERED, at)
        row.out.said = DELIVERED
        return row.line.seq
    return 0


def fail(session: Session, out: int, visitor: chats.Visitor, said: str, at: int) -> chats.Taken | None:
    """Note that a line has not come to him, and tell whoever has his contact, or gets it: by a line of its own.

    None if that was told, or it has come to him, or there may be no more lines.
    """
    row = next(iter(_rows(session, ChatOut.id == out)), None)
    if row is None or row.out.said not in {"", SENT}:
        return None
    said = text.line(said, SAID_MOST)
    row.out.waits, row.out.said = False, f"not delivered: {said}"
    session.flush()
    body = f"Not delivered to {visitor.address}: {said}\n\n{row.message.body or ''}"
    try:
        with session.begin_nested():
            return chats.take(session, visitor, chats.Entry(name=f"{UNDELIVERED}{row.line.name}", at=at, body=body))
    except chats.FullError:
        return None
