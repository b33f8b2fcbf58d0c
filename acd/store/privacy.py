"""A person's right to his data: all of it handed out, or all of it gone; and data that has served its time.

Erased, a person is gone with his numbers, names, notes, messages and files, whoever was merged into him included. That
there were contacts remains, without a word that leads to him: queue, seat, times, outcome. (The journal keeps callers'
numbers for as long as `journal_keep` says; it is deleted by whole files.)
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import Select, Text, cast, delete, func, literal, select, update
from sqlalchemy.orm import Session

from acd.store import hooks
from acd.store.agenda import Appointment
from acd.store.chat_schema import Chat, ChatContact, ChatLine, ChatOut
from acd.store.handles import NUMBER
from acd.store.hook_schema import Outside
from acd.store.people import group
from acd.store.rows import among
from acd.store.schema import (
    Attachment,
    Attribute,
    Base,
    Case,
    Consent,
    Handle,
    Interaction,
    Mail,
    Message,
    Note,
    Outbound,
    Person,
    Talk,
    TextOut,
    TextPart,
)

BATCH = 500
"""So many contacts are deleted in one transaction, so that no writer waits long."""
DAY_MS = 86_400_000
ANY_MEDIUM = "all"


class Erased(Struct, frozen=True):
    """What was erased."""

    people: int
    contacts: int
    """Kept, without him."""
    messages: int
    hashes: tuple[str, ...]
    """Of files that may be named by nothing now; `Files.remove` them when the transaction has ended."""


# Export


def export(session: Session, person: int) -> tuple[dict[str, Any], list[Attachment]]:
    """Return all that is kept of a person, as JSON can hold it, and the attachments, whose content is elsewhere.

    Raises:
        UnknownPersonError: there is none.

    """
    ids = group(session, person)
    contacts = _rows(session, select(Interaction).where(among(Interaction.person_id, ids)))
    written = select(Message).join(Interaction).where(among(Interaction.person_id, ids))
    messages = _rows(session, written)
    attachments = list(
        session.scalars(select(Attachment).join(Message).join(Interaction).where(among(Interaction.person_id, ids)))
    )
    told: dict[str, Any] = {
        "people": _rows(session, select(Person).where(among(Person.id, ids))),
        "numbers and addresses": _rows(session, select(Handle).where(among(Handle.person_id, ids))),
        "attributes": _rows(session, select(Attribute).where(among(Attribute.person_id, ids))),
        "consents": _rows(session, select(Consent).where(among(Consent.person_id, ids))),
        "cases": _rows(session, select(Case).where(among(Case.person_id, ids))),
        "chats": [
            {name: value for name, value in row.items() if name != "token"}
            for row in _rows(session, select(Chat).where(among(Chat.person_id, ids)))
        ],
        "contacts": contacts,
        "messages": messages,
        "appointments": _rows(session, select(Appointment).where(among(Appointment.person_id, ids))),
        "elsewhere": _rows(session, select(Outside).where(among(Outside.person_id, ids))),
        "notes": _rows(session, select(Note).where(among(Note.person_id, ids))),
        "files": [
            {
                "message_id": one.message_id,
                "name": one.name,
                "type": one.content_type,
                "size": one.size,
                "sha256": one.hash,
            }
            for one in attachments
        ],
    }
    return told, attachments


def _rows(session: Session, wanted: Select[Any]) -> list[dict[str, Any]]:
    return [
        {column.name: getattr(row, column.name) for column in row.__table__.columns} for row in session.scalars(wanted)
    ]


# Erasure


def erase(session: Session, person: int) -> Erased:
    """Erase a person, and all who were merged into him.

    Raises:
        UnknownPersonError: there is none.

    """
    ids = group(session, person)
    hooks.erased(session, ids, time.time_ns() // 1_000_000)
    contacts = list(session.scalars(select(Interaction.id).where(among(Interaction.person_id, ids))))
    messages, hashes = 0, set[str]()
    for begin in range(0, len(contacts), BATCH):
        some = contacts[begin : begin + BATCH]
        hashes |= _delete_messages(session, some)
        messages += _delete(session, Message, Message.interaction_id.in_(some))
        session.execute(delete(Note).where(Note.interaction_id.in_(some)))
        session.execute(delete(Talk).where(Talk.interaction_id.in_(some)))
        session.execute(update(Interaction).where(Interaction.id.in_(some)).values(_NOBODY))
        ended = update(Interaction).where(Interaction.id.in_(some), Interaction.ended_at.is_not(None))
        session.execute(ended.values(key=_erased(), thread=_erased(), call=""))  # of the others the journal still tells
    numbers = select(Handle.value).where(among(Handle.person_id, ids), Handle.kind == NUMBER)
    session.execute(delete(TextPart).where(TextPart.theirs.in_(numbers)))
    for table in (Appointment, Attribute, Chat, Consent, Handle, Note):
        session.execute(delete(table).where(among(table.person_id, ids)))
    session.execute(update(Case).where(among(Case.person_id, ids)).values(person_id=None, subject=""))
    session.execute(delete(Person).where(among(Person.id, ids)))
    return Erased(len(ids), len(contacts), messages, tuple(sorted(hashes)))


_NOBODY: dict[str, Any] = {"person_id": None, "case_id": None, "subject": "", "summary": ""}


def _erased() -> Any:
    return literal("erased-") + cast(Interaction.id, Text)


def _delete_messages(session: Session, contacts: Sequence[int]) -> set[str]:
    """Delete the attachments of contacts; gives the hashes of those that were files."""
    messages = select(Message.id).where(Message.interaction_id.in_(contacts))
    gone = delete(Attachment).where(Attachment.message_id.in_(messages))
    return set(session.scalars(gone.returning(Attachment.hash)))


def _delete(session: Session, table: type[Base], *where: Any) -> int:
    return len(session.scalars(delete(table).where(*where).returning(table.id)).all())  # type: ignore[attr-defined]


# Retention


def forget_contacts(
    session: Session, keep_days: Mapping[str, int], now: int, most: int = BATCH
) -> tuple[int, set[str]]:
    """Delete contacts that are older than they are kept; gives how many, and the hashes of files. Again until 0.

    Args:
        session: to write in.
        keep_days: by medium; `all` for those that are not named; 0 for ever.
        now: the time.
        most: so many at once.

    """
    old = _older(session, keep_days, now, most, Interaction.ended_at.is_not(None), *_at_rest())
    hashes = _delete_messages(session, old)
    session.execute(delete(Message).where(Message.interaction_id.in_(old)))
    session.execute(update(Note).where(Note.interaction_id.in_(old)).values(interaction_id=None))
    cases = list(session.scalars(_cases(old)))
    session.execute(delete(Interaction).where(Interaction.id.in_(old)))
    empty = ~select(Interaction.id).where(Interaction.case_id == Case.id).exists()
    session.execute(delete(Case).where(Case.id.in_(cases), empty))
    silent = ~select(ChatContact.id).where(ChatContact.chat_id == Chat.id).exists()
    session.execute(delete(Chat).where(silent, Chat.heard_at < now - DAY_MS))
    return len(old), hashes


def forget_bodies(session: Session, keep_days: Mapping[str, int], now: int, most: int = BATCH) -> tuple[int, set[str]]:
    """Delete what was written in contacts that are older than that is kept, the contacts stay. As `forget_contacts`."""
    written = select(Message.id).where(Message.interaction_id == Interaction.id, Message.body.is_not(None)).exists()
    old = _older(session, keep_days, now, most, written, *_at_rest())
    hashes = _delete_messages(session, old)
    blank = {"body": None, "html": None, "subject": "", "sender": "", "recipient": ""}
    session.execute(update(Message).where(Message.interaction_id.in_(old)).values(blank))
    for table in (Mail, Outbound, TextOut):  # nothing is left to be shown or sent
        written_then = select(Message.id).where(Message.interaction_id.in_(old))
        session.execute(delete(table).where(table.message_id.in_(written_then)))
    session.execute(delete(Talk).where(Talk.interaction_id.in_(old)))
    chats = select(ChatContact.chat_id).where(ChatContact.interaction_id.in_(old))
    nobody = update(Chat).where(Chat.id.in_(chats), Chat.heard_at < now - DAY_MS)
    session.execute(nobody.values(name="", address=""))
    session.execute(update(Interaction).where(Interaction.id.in_(old)).values(subject="", summary=""))
    session.execute(update(Case).where(Case.id.in_(_cases(old))).values(subject=""))
    return len(old), hashes


def _at_rest() -> tuple[Any, ...]:
    """Say that no e-mail, text or chat of a contact waits for an agent, or to be sent."""
    own = Message.interaction_id == Interaction.id
    waits = select(Mail.id).join(Message, Mail.message_id == Message.id).where(own, Mail.closed_at.is_(None))
    goes = select(Outbound.id).join(Message, Outbound.message_id == Message.id).where(own, Outbound.due_at.is_not(None))
    talks = select(Talk.id).where(Talk.interaction_id == Interaction.id, Talk.closed_at.is_(None))
    texts = select(TextOut.id).join(Message, TextOut.message_id == Message.id).where(own, TextOut.due_at.is_not(None))
    chats = select(ChatContact.id).where(ChatContact.interaction_id == Interaction.id, ChatContact.closed_at.is_(None))
    lines = select(ChatOut.id).join(ChatLine, ChatOut.line_id == ChatLine.id)
    lines = lines.join(Message, ChatLine.message_id == Message.id).where(own, ChatOut.waits)
    return tuple(~one.exists() for one in (waits, goes, talks, texts, chats, lines))


def _cases(contacts: Sequence[int]) -> Select[Any]:
    of_some = select(Interaction.case_id).where(Interaction.id.in_(contacts), Interaction.case_id.is_not(None))
    return of_some.distinct()


def _older(session: Session, keep_days: Mapping[str, int], now: int, most: int, *where: Any) -> list[int]:
    found: list[int] = []
    for medium in _media(session, keep_days):
        days = keep_days.get(medium, keep_days.get(ANY_MEDIUM, 0))
        if days and len(found) < most:
            wanted = select(Interaction.id).where(
                Interaction.medium == medium, Interaction.started_at < now - days * DAY_MS, *where
            )
            found += session.scalars(wanted.order_by(Interaction.started_at).limit(most - len(found)))
    return found


def _media(session: Session, keep_days: Mapping[str, int]) -> Iterable[str]:
    """Return all media of which there are contacts, one step of the index for each."""
    if not any(keep_days.values()):
        return
    medium = session.scalar(select(func.min(Interaction.medium)))
    while medium is not None:
        yield medium
        medium = session.scalar(select(func.min(Interaction.medium)).where(Interaction.medium > medium))
