"""Chats: what visitors and agents say to each other, each line numbered, and what agents have to do because of it.

All that follows from a line is one transaction, and whoever wrote it is told after that. A line whose name is here
already is the one that is here. A contact is open from a line of the visitor until its agent is done, and holds what he
writes meanwhile; what its agent was never shown goes on in another one.

Some have no page and no token, but an address, which their server vouches for: our lines are sent there (`chat_out`),
and he is who has that address in the customer file. His talk has no end, so it goes on in another row now and then.
"""

import secrets
from collections.abc import Sequence

from msgspec import Struct
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from acd.store import hooks, people, text, timeline
from acd.store.chat_schema import Chat, ChatContact, ChatLine, ChatOut
from acd.store.handles import guess
from acd.store.rows import insert_new
from acd.store.schema import Attachment, Case, Interaction, Message

MEDIUM = "chat"
ENDED = "ended-"
"""Instead of the hash of a token that is of no use any more."""
AFAR = "afar-"
"""Before the hash of an address."""
LINES_MOST = 10_000
"""Of one talk."""
CALLS_MOST = 500
"""Contacts of one talk."""
SAME_MS = 86_400_000
"""A name that came from afar, where some count from 1 each time, is that of another line after so long."""


class FullError(Exception):
    """There may be no more lines in this talk."""


class Visitor(Struct, frozen=True, kw_only=True):
    """Whose talk it is."""

    token: str
    """The hash of it."""
    section: str
    queue: str
    """Of a new contact."""
    language: str
    address: str = ""
    """Of who has one, with its kind before it: `xmpp:jan@example.org`."""


class Entry(Struct, frozen=True, kw_only=True):
    """A line that is to be kept."""

    name: str
    at: int
    body: str
    sender: str = ""
    files: tuple[timeline.File, ...] = ()


class Line(Struct, frozen=True, kw_only=True):
    """A line that is here."""

    seq: int
    name: str
    is_theirs: bool
    at: int
    body: str | None
    """None once it is deleted."""
    sender: str
    files: tuple[Attachment, ...] = ()


class Kin(Struct, frozen=True, kw_only=True):
    """An open contact, as its call needs it."""

    call: str
    queue: str
    sender: str
    at: int
    token: str
    """The hash of it."""
    section: str
    language: str
    address: str
    """Of who has one; else empty."""
    is_ended: bool
    """Its visitor has ended it, and cannot come back."""


class Taken(Struct, frozen=True, kw_only=True):
    """What became of a line."""

    line: Line
    kin: Kin | None
    """The contact that is open; None of a line that was here already."""


class Known(Struct, frozen=True, kw_only=True):
    """A talk that is here."""

    last: int
    shown: int
    seen: int
    call: str
    """Of the contact that is open; empty for none."""
    is_over: bool
    """There was one, and it is closed."""


# Lines


def find(session: Session, token: str) -> Chat | None:
    """Return a talk by the hash of its token."""
    return session.scalar(select(Chat).where(Chat.token == token))


def known(session: Session, token: str) -> Known | None:
    """Return what a page that comes again has to know of its talk."""
    chat = find(session, token)
    if chat is None:
        return None
    latest = select(ChatContact).where(ChatContact.chat_id == chat.id).order_by(ChatContact.id.desc()).limit(1)
    contact = session.scalar(latest)
    return Known(
        last=chat.last,
        shown=chat.shown,
        seen=chat.seen,
        call=contact.call if contact is not None and contact.closed_at is None else "",
        is_over=contact is not None and contact.closed_at is not None,
    )


def take(session: Session, visitor: Visitor, entry: Entry) -> Taken:
    """Keep a visitor's line, and have a contact that it is in.

    Raises:
        FullError: there may be no more.

    """
    chat = find(session, visitor.token) or _make(session, visitor, entry.at)
    session.execute(select(Chat.id).where(Chat.id == chat.id).with_for_update())  # one line after the other
    session.refresh(chat)
    if (there := _named(session, chat, entry.name)) is not None:
        if not visitor.address or entry.at - there.at < SAME_MS:
            return Taken(line=there, kin=None)
        _rename(session, chat, there)
    contact = _open(session, chat)
    if contact is None:
        chat = _known(session, chat, visitor, entry.at) if visitor.address else chat
        contact = _begin(session, chat, visitor.queue, entry.at)
    line = _append(session, chat, contact.interaction_id, entry, is_theirs=True)
    chat.language = text.line(visitor.language, 20)
    return Taken(line=line, kin=_kin(session, chat, contact))


def _rename(session: Session, chat: Chat, line: Line) -> None:
    """Have the name of a line free for another."""
    row = session.scalars(select(ChatLine).where(ChatLine.chat_id == chat.id, ChatLine.seq == line.seq)).one()
    row.name = f"{line.name}-{line.seq}"
    session.get_one(Message, row.message_id).ref = _ref(chat, row.name)
    session.flush()


def _known(session: Session, chat: Chat, visitor: Visitor, at: int) -> Chat:
    """Say who it is who has an address, as a contact of his begins; gives the row in which his talk goes on."""
    if chat.last > LINES_MOST // 2 or _contacts(session, chat) > CALLS_MOST // 2:
        revoke(session, chat.token)
        session.refresh(chat)
        chat = _make(session, visitor, at)
    chat.address = visitor.address
    chat.person_id = people.find_or_make(session, guess(visitor.address), at, language=visitor.language)
    return chat


def answer(session: Session, call: str, entry: Entry) -> tuple[str, Line] | None:
    """Keep a line of ours in a contact; gives the hash of the talk's token, and the line. None if it is not here.

    One to who has an address waits to be sent.
    """
    contact = session.scalar(select(ChatContact).where(ChatContact.call == call))
    if contact is None:
        return None
    chat = session.get_one(Chat, contact.chat_id, with_for_update=True)
    line = _append(session, chat, contact.interaction_id, entry, is_theirs=False)
    if chat.token.startswith(AFAR):
        own = select(ChatLine.id).where(ChatLine.chat_id == chat.id, ChatLine.seq == line.seq)
        session.add(ChatOut(line_id=session.scalars(own).one(), waits=True, said=""))
    return chat.token, line


def _make(session: Session, visitor: Visitor, at: int) -> Chat:
    made = Chat(token=visitor.token, section=visitor.section, language=visitor.language, made_at=at, heard_at=at)
    session.add(made)
    session.flush()
    return made


def make(session: Session, visitor: Visitor, at: int) -> None:
    """Have a talk before its first line: somebody said who he is."""
    if find(session, visitor.token) is None:
        _make(session, visitor, at)


def _append(session: Session, chat: Chat, interaction: int, entry: Entry, *, is_theirs: bool) -> Line:
    if chat.last >= LINES_MOST and is_theirs:
        raise FullError
    message = timeline.write(
        session,
        interaction,
        timeline.Written(
            ref=_ref(chat, entry.name),
            direction="in" if is_theirs else "out",
            at=entry.at,
            sender=entry.sender or chat.name if is_theirs else entry.sender,
            body=entry.body,
            files=entry.files,
        ),
    )
    assert message is not None, "no other talk has this token, and this one has no line of this name"
    if not (is_theirs or chat.token.startswith(AFAR)):  # what goes to an address has not left the house yet
        hooks.message(session, "message-sent", interaction, message, entry.at)
    chat.last, chat.heard_at = chat.last + 1, entry.at
    insert_new(session, ChatLine, chat_id=chat.id, seq=chat.last, name=entry.name, message_id=message)
    session.flush()
    (line,) = lines(session, chat.token, chat.last - 1, 1)
    return line


def _ref(chat: Chat, name: str) -> str:
    return f"{MEDIUM}-{chat.token[:40] if chat.token.startswith(AFAR) else chat.token[:32]}-{name}"


def _named(session: Session, chat: Chat, name: str) -> Line | None:
    there = select(ChatLine.seq).where(ChatLine.chat_id == chat.id, ChatLine.name == name)
    seq = session.scalar(there)
    return None if seq is None else next(iter(lines(session, chat.token, seq - 1, 1)), None)


def lines(session: Session, token: str, after: int, most: int) -> list[Line]:
    """Return lines of a talk after a number, oldest first."""
    wanted = select(ChatLine, Message).join(Message, ChatLine.message_id == Message.id)
    wanted = wanted.join(Chat, ChatLine.chat_id == Chat.id).where(Chat.token == token, ChatLine.seq > after)
    rows = session.execute(wanted.order_by(ChatLine.seq).limit(most))
    return lines_of(session, [(line, message) for line, message in rows])


def lines_of(session: Session, rows: Sequence[tuple[ChatLine, Message]]) -> list[Line]:
    """Make lines of rows, in their order."""
    of = [message.id for _, message in rows]
    wanted = select(Attachment).where(Attachment.message_id.in_(of)).order_by(Attachment.id)
    files = list(session.scalars(wanted)) if of else []
    return [
        Line(
            seq=line.seq,
            name=line.name,
            is_theirs=message.direction == "in",
            at=message.at,
            body=message.body,
            sender=message.sender,
            files=tuple(file for file in files if file.message_id == message.id),
        )
        for line, message in rows
    ]


# Contacts


def _open(session: Session, chat: Chat) -> ChatContact | None:
    wanted = select(ChatContact).where(ChatContact.chat_id == chat.id, ChatContact.closed_at.is_(None))
    return session.scalar(wanted.order_by(ChatContact.id.desc()).limit(1))


def _begin(session: Session, chat: Chat, queue: str, at: int) -> ChatContact:
    if _contacts(session, chat) >= CALLS_MOST:
        raise FullError
    call = f"{MEDIUM}-{secrets.token_hex(16)}"
    contact = timeline.Contact(
        key=call,
        medium=MEDIUM,
        direction="in",
        at=at,
        person=chat.person_id,
        call=call,
        queue=queue,
        case=_case(session, chat, at),
    )
    made = ChatContact(
        call=call,
        chat_id=chat.id,
        interaction_id=timeline.begin(session, contact),
        at=at,
        closed_at=None,
        closed_by="",
        code="",
    )
    session.add(made)
    session.flush()
    return made


def _contacts(session: Session, chat: Chat) -> int:
    count = select(func.count()).select_from(ChatContact).where(ChatContact.chat_id == chat.id)
    return session.scalar(count) or 0


def _case(session: Session, chat: Chat, at: int) -> int | None:
    """Give the case that a contact goes on with: that of the last one, if that is not long ago, else a person's own."""
    latest = select(Case).join(Interaction, Interaction.case_id == Case.id)
    latest = latest.join(ChatContact, ChatContact.interaction_id == Interaction.id).where(
        ChatContact.chat_id == chat.id
    )
    case = session.scalar(latest.order_by(ChatContact.id.desc()).limit(1))
    if case is not None and case.closed_at is None and case.changed_at >= at - timeline.CASE_MS:
        return case.id
    if chat.person_id is not None:
        return None
    made = Case(person_id=None, subject="", opened_at=at, changed_at=at, closed_by="")
    session.add(made)
    session.flush()
    return made.id


def _kin(session: Session, chat: Chat, contact: ChatContact) -> Kin:
    queue = session.get_one(Interaction, contact.interaction_id).queue
    return Kin(
        call=contact.call,
        queue=queue,
        sender=chat.address,
        at=contact.at,
        token=chat.token,
        section=chat.section,
        language=chat.language,
        address=chat.address if chat.token.startswith(AFAR) else "",
        is_ended=chat.token.startswith(ENDED),
    )


def show(session: Session, call: str, seq: int) -> bool:
    """Note that an agent was shown the talk up to this line. Answers whether that is new."""
    own = select(ChatContact.chat_id).where(ChatContact.call == call)
    done = update(Chat).where(Chat.id == own.scalar_subquery(), Chat.shown < seq).values(shown=seq)
    return session.scalar(done.returning(Chat.id)) is not None


def see(session: Session, token: str, seq: int) -> None:
    """Note that the visitor has seen our lines up to this one."""
    session.execute(update(Chat).where(Chat.token == token, Chat.seen < seq).values(seen=seq))


def revoke(session: Session, token: str) -> None:
    """Have nobody find a talk by its token any more."""
    kind = AFAR if token.startswith(AFAR) else ""
    session.execute(update(Chat).where(Chat.token == token).values(token=f"{kind}{ENDED}{secrets.token_hex(24)}"))


def close(session: Session, call: str, at: int, by: str = "", code: str = "") -> Kin | None:
    """Note that there is nothing to do any more for a contact; gives the one of what its agent was never shown.

    Without an agent there is none of that: the visitor was gone, or a hand has taken the contact out.
    """
    contact = session.scalar(select(ChatContact).where(ChatContact.call == call, ChatContact.closed_at.is_(None)))
    if contact is None:
        return None
    contact.closed_at, contact.closed_by, contact.code = at, text.line(by), text.line(code)
    session.flush()
    chat = session.get_one(Chat, contact.chat_id)
    theirs = select(Message.id, ChatLine.seq).join(ChatLine, ChatLine.message_id == Message.id)
    theirs = theirs.where(Message.interaction_id == contact.interaction_id, Message.direction == "in")
    rows = session.execute(theirs).all()
    rest = [message for message, seq in rows if seq > chat.shown]
    if not by or not 0 < len(rest) < len(rows):  # whoever was shown nothing of it has not missed the rest
        return None
    queue = session.get_one(Interaction, contact.interaction_id).queue
    made = _begin(session, chat, queue, at)
    session.execute(update(Message).where(Message.id.in_(rest)).values(interaction_id=made.interaction_id))
    return _kin(session, chat, made)


def still_open(session: Session) -> list[Kin]:
    """Return the contacts that wait for somebody, oldest first, each with the queue in which it was last."""
    wanted = select(ChatContact, Chat).join(Chat, ChatContact.chat_id == Chat.id)
    rows = session.execute(wanted.where(ChatContact.closed_at.is_(None)).order_by(ChatContact.at, ChatContact.id))
    return [_kin(session, chat, contact) for contact, chat in rows]


def closed_among(session: Session, calls: Sequence[str]) -> list[str]:
    """Return those of these calls whose contacts are closed."""
    wanted = select(ChatContact.call).where(ChatContact.call.in_(calls), ChatContact.closed_at.is_not(None))
    return list(session.scalars(wanted))
