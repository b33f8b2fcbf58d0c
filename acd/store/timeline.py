"""What was said: contacts of all media on one timeline, the messages in them, cases, and notes.

A contact is named by its key and a message by its own, so that telling of either twice changes nothing.

A case is one matter. A contact of a person goes on with his open case, whatever the medium: who hangs up and texts
keeps it. It ends when somebody closes it, or by itself when nothing was heard of it for `CASE_MS`: the next contact
then opens another one.
"""

from collections.abc import Sequence

from msgspec import Struct
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from acd.store import StoreError, hooks, text
from acd.store.files import Kept
from acd.store.people import group, root_of
from acd.store.rows import among, insert_new
from acd.store.schema import Attachment, Case, Interaction, Message, Note

CASE_MS = 7 * 86_400_000
FOLLOWS_MS = 600_000
"""A message left, or a callback wished for, within this time of a call is of the same thread."""
LINES_MOST = 100


class Contact(Struct, frozen=True, kw_only=True):
    """A contact that begins."""

    key: str
    medium: str
    direction: str
    """in or out."""
    at: int
    person: int | None = None
    """None for who is not known, and shall not be."""
    call: str = ""
    thread: str = ""
    """Empty: a thread of its own, or that of the call that it follows if it `follows`."""
    follows: bool = False
    """It comes of another contact of the person, of a moment ago."""
    queue: str = ""
    seat: str = ""
    agent: str = ""
    subject: str = ""
    summary: str = ""
    ended_at: int | None = None
    outcome: str = ""
    case: int | None = None
    """The case that it goes on with, where the contact itself says so, such as an answer to a message of ours."""


class File(Struct, frozen=True, kw_only=True):
    """An attachment, its content kept by `files`."""

    name: str
    content_type: str
    kept: Kept


class Written(Struct, frozen=True, kw_only=True):
    """A message."""

    ref: str
    """What names it all over the world, such as its Message-ID."""
    direction: str
    at: int
    sender: str = ""
    recipient: str = ""
    subject: str = ""
    body: str = ""
    html: str | None = None
    files: tuple[File, ...] = ()


# Contacts


def begin(session: Session, contact: Contact) -> int:
    """Put a contact on the timeline, unless it is there; gives its id."""
    known = session.scalar(select(Interaction.id).where(Interaction.key == contact.key))
    if known is not None:
        return known
    ids = group(session, contact.person) if contact.person is not None else []
    thread = contact.thread or (_thread_before(session, ids, contact.at) if contact.follows and ids else "")
    made = insert_new(
        session,
        Interaction,
        key=contact.key,
        person_id=ids[0] if ids else None,
        case_id=_case(session, contact, ids),
        medium=contact.medium,
        direction=contact.direction,
        call=contact.call,
        thread=thread or contact.key,
        queue=contact.queue,
        seat=contact.seat,
        agent=text.line(contact.agent),
        started_at=contact.at,
        answered_at=None,
        ended_at=contact.ended_at,
        outcome=contact.outcome,
        code="",
        subject=text.line(contact.subject, 500),
        summary=text.body(contact.summary, 10_000),
        told_at=contact.at,
    )
    if made is None:  # another process was faster
        made = session.scalars(select(Interaction.id).where(Interaction.key == contact.key)).one()
    return made


def _thread_before(session: Session, ids: Sequence[int], at: int) -> str:
    latest = select(Interaction).where(among(Interaction.person_id, ids), Interaction.started_at <= at)
    found = session.scalar(latest.order_by(Interaction.started_at.desc()).limit(1))
    if found is None or (found.ended_at is not None and found.ended_at < at - FOLLOWS_MS):
        return ""
    return found.thread


def assign(session: Session, interaction: int, person: int) -> None:
    """Say whose contact it was, if that was not known."""
    row = session.get(Interaction, interaction)
    if row is None:
        raise StoreError(f"there is no contact {interaction}")
    ids = group(session, person)
    row.person_id, row.case_id = ids[0], case_of(session, ids, row.started_at, row.subject)


def contacts(session: Session, person: int, most: int = LINES_MOST, before: int | None = None) -> list[Interaction]:
    """Return the latest contacts of a person, latest first; with `before` those that began earlier than that."""
    ids = group(session, person)
    wanted = select(Interaction).where(among(Interaction.person_id, ids))
    if before is not None:
        wanted = wanted.where(Interaction.started_at < before)
    return list(session.scalars(wanted.order_by(Interaction.started_at.desc(), Interaction.id.desc()).limit(most)))


# Messages


def write(session: Session, interaction: int, written: Written) -> int | None:
    """Put a message into a contact; gives its id, or None if it is there already."""
    message = insert_new(
        session,
        Message,
        interaction_id=interaction,
        ref=written.ref,
        direction=written.direction,
        sender=text.line(written.sender, 500),
        recipient=text.line(written.recipient, 500),
        subject=text.line(written.subject, 500),
        body=text.body(written.body),
        html=None if written.html is None else text.body(written.html),
        at=written.at,
    )
    for file in written.files if message is not None else ():
        session.add(
            Attachment(
                message_id=message,
                name=text.line(file.name),
                content_type=text.line(file.content_type, 100),
                size=file.kept.size,
                hash=file.kept.hash,
                data=file.kept.data,
            )
        )
    if message is not None and written.direction == "in":
        hooks.message(session, "message-received", interaction, message, written.at)
    return message


def messages(session: Session, interaction: int) -> list[tuple[Message, list[Attachment]]]:
    """Return the messages of a contact with their attachments, oldest first."""
    found = session.scalars(
        select(Message).where(Message.interaction_id == interaction).order_by(Message.at, Message.id)
    ).all()
    files = session.scalars(
        select(Attachment).where(Attachment.message_id.in_([one.id for one in found])).order_by(Attachment.id)
    ).all()
    return [(one, [file for file in files if file.message_id == one.id]) for one in found]


# Cases


def _case(session: Session, contact: Contact, ids: Sequence[int]) -> int | None:
    known = session.get(Case, contact.case) if contact.case is not None else None
    if known is None:
        return case_of(session, ids, contact.at, contact.subject) if ids else None
    known.changed_at = max(known.changed_at, contact.at)
    known.closed_at, known.closed_by = None, ""  # whoever answers goes on with it
    return known.id


def case_of(session: Session, ids: Sequence[int], at: int, subject: str = "") -> int:
    """Return the case that a contact of a group goes on with, or the one that it opens."""
    found = open_case(session, ids, at)
    if found is None:
        found = Case(person_id=ids[0], subject=text.line(subject, 500), opened_at=at, changed_at=at, closed_by="")
        session.add(found)
        session.flush()
        return found.id
    found.changed_at = max(found.changed_at, at)
    found.subject = found.subject or text.line(subject, 500)
    return found.id


def open_case(session: Session, ids: Sequence[int], at: int) -> Case | None:
    """Return the open case of a group; None if there is none, or nothing was heard of it for too long."""
    wanted = select(Case).where(
        among(Case.person_id, ids), Case.closed_at.is_(None), Case.changed_at >= at - CASE_MS, Case.opened_at <= at
    )
    return session.scalar(wanted.order_by(Case.changed_at.desc(), Case.id.desc()).limit(1))


def close_case(session: Session, case: int, at: int, by: str = "") -> bool:
    """Close a case; False if there is none that is open."""
    done = update(Case).where(Case.id == case, Case.closed_at.is_(None))
    return session.scalar(done.values(closed_at=at, closed_by=text.line(by)).returning(Case.id)) is not None


# Notes


def note(session: Session, person: int, words: str, at: int, *, by: str = "", interaction: int | None = None) -> int:
    """Write something down about a person.

    Raises:
        StoreError: he does not exist, or there is nothing to write.

    """
    words = text.body(words, 10_000).strip()
    if not words:
        raise StoreError("a note needs words")
    root = root_of(session, person)
    made = Note(person_id=root, interaction_id=interaction, text=words, by=text.line(by), at=at)
    session.add(made)
    session.flush()
    hooks.changed(session, root, notes=[{"id": made.id, "text": words, "by": made.by, "at": at}])
    return made.id


def notes(session: Session, person: int, most: int = LINES_MOST) -> list[Note]:
    """Return what was written down about a person, latest first."""
    ids = group(session, person)
    wanted = select(Note).where(among(Note.person_id, ids))
    return list(session.scalars(wanted.order_by(Note.at.desc(), Note.id.desc()).limit(most)))
