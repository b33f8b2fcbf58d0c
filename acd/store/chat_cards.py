"""What an agent is shown of a chat, and what of it is sent by mail."""

from msgspec import Struct
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from acd.store import mails
from acd.store.chat_schema import Chat, ChatContact, ChatLine
from acd.store.chats import MEDIUM, Line, lines_of
from acd.store.schema import Interaction, Message, Outbound


class Found(Struct, frozen=True, kw_only=True):
    """All of a contact."""

    contact: ChatContact
    chat: Chat
    interaction: Interaction
    lines: tuple[Line, ...]
    """Of the whole talk, the latest of them."""
    calls: dict[int, int]
    """Line -> the interaction that it is in."""


def found(session: Session, call: str, most: int) -> Found | None:
    """Return all of a contact; None if there is nothing of it any more.

    Args:
        session: to read in.
        call: the contact.
        most: so many of the latest lines of its talk.

    """
    contact = session.scalar(select(ChatContact).where(ChatContact.call == call))
    if contact is None:
        return None
    chat = session.get_one(Chat, contact.chat_id)
    wanted = select(ChatLine, Message).join(Message, ChatLine.message_id == Message.id)
    wanted = wanted.where(ChatLine.chat_id == chat.id).order_by(ChatLine.seq.desc()).limit(most)
    rows = [(line, message) for line, message in session.execute(wanted)][::-1]
    return Found(
        contact=contact,
        chat=chat,
        interaction=session.get_one(Interaction, contact.interaction_id),
        lines=tuple(lines_of(session, rows)),
        calls={line.seq: message.interaction_id for line, message in rows},
    )


class Latest(Struct, frozen=True, kw_only=True):
    """The latest contact of a talk."""

    call: str
    interaction: int
    case: int | None


def latest(session: Session, token: str) -> Latest | None:
    """Return the latest contact of a talk; None before there is one."""
    wanted = select(ChatContact.call, Interaction.id, Interaction.case_id)
    wanted = wanted.join(Interaction, ChatContact.interaction_id == Interaction.id).join(Chat)
    row = session.execute(wanted.where(Chat.token == token).order_by(ChatContact.id.desc()).limit(1)).one_or_none()
    return None if row is None else Latest(call=row[0], interaction=row[1], case=row[2])


def send_mail(session: Session, contact: Latest, post: mails.Post, since: int, most: int) -> bool:
    """Have a mail sent, and put it on the timeline of a contact; False if its address had so many of chats since then.

    Args:
        session: to write in.
        contact: of which it is.
        post: the mail, to one recipient.
        since: from when on they count.
        most: so many, and no more.

    """
    (recipient,) = post.recipients
    ours = Outbound.call.startswith(f"{MEDIUM}-", autoescape=True)
    sent = select(func.count()).where(Outbound.recipient == recipient, Outbound.made_at > since, ours)
    if (session.scalar(sent) or 0) >= most:
        return False
    mails.put(session, contact.interaction, contact.call, post)
    return True
