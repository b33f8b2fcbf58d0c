"""E-mails: those that came in, each the work of one call, and those that go out, each sent once.

All that follows from a mail is one transaction: its contact on the timeline, its message and files, its place in a
case, that it is open, and what is sent because of it. So whatever ends afterwards, the mail is here whole, or it is not
here and its sender was never told that it is.
"""

from collections.abc import Callable, Sequence

from msgspec import Struct
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from acd.store import hooks, people, text, timeline
from acd.store.files import Kept
from acd.store.handles import HandleError, email
from acd.store.rows import insert_new
from acd.store.schema import Attachment, Case, Interaction, Mail, Message, Outbound

MEDIUM = "email"
RAW_TYPE, RAW_NAME = "message/rfc822", "message.eml"
SAID_MOST = 500


class Letter(Struct, frozen=True, kw_only=True):
    """A mail that came in."""

    call: str
    mailbox: str
    queue: str
    at: int
    sender: str
    """Its author's address, "" if it has none that can be read."""
    sender_name: str
    recipient: str
    subject: str
    body: str
    html: str | None
    raw: Kept | None
    files: tuple[timeline.File, ...]
    name: str
    """Its Message-ID."""
    case: int | None
    """Which it goes on with."""
    fault: str
    marks: tuple[str, ...]
    is_work: bool
    """Whether somebody has to look at it: else it is only kept."""
    is_theirs: bool
    """Whether its author is the customer: not of a report about a mail of ours."""


class Post(Struct, frozen=True, kw_only=True):
    """A mail of ours, ready to be sent."""

    ref: str
    """Its Message-ID."""
    mailbox: str
    at: int
    sender: str
    """Of the envelope."""
    recipients: tuple[str, ...]
    needs_smtputf8: bool
    subject: str
    body: str
    raw: Kept
    files: tuple[timeline.File, ...] = ()


class Due(Struct, frozen=True, kw_only=True):
    """A mail of ours that is to be sent now."""

    id: int
    ref: str
    call: str
    mailbox: str
    sender: str
    recipient: str
    needs_smtputf8: bool
    raw: str
    made_at: int
    tries: int


class Kin(Struct, frozen=True, kw_only=True):
    """An open mail, as its call needs it."""

    call: str
    queue: str
    sender: str
    at: int


class Found(Struct, frozen=True, kw_only=True):
    """All of a mail that came in."""

    mail: Mail
    contact: Interaction
    message: Message
    files: tuple[Attachment, ...]
    """Without the mail itself."""


# In


def take(session: Session, letter: Letter, answer: Callable[[Session, int], Post | None]) -> int | None:
    """Keep a mail; gives its case, or None if the mail is here already, or belongs to no case.

    Args:
        session: to write in.
        letter: the mail.
        answer: makes what is sent at once because of it, given the case.

    """
    if session.scalar(select(Mail.id).where(Mail.call == letter.call)) is not None:
        return None
    contact = _contact(session, letter)
    raw = () if letter.raw is None else (timeline.File(name=RAW_NAME, content_type=RAW_TYPE, kept=letter.raw),)
    written = timeline.Written(
        ref=letter.call,
        direction="in",
        at=letter.at,
        sender=f"{letter.sender_name} <{letter.sender}>" if letter.sender_name else letter.sender,
        recipient=letter.recipient,
        subject=letter.subject,
        body=letter.body,
        html=letter.html,
        files=(*raw, *letter.files),
    )
    message = timeline.write(session, contact.id, written)
    assert message is not None, "the mail is not here, so its message is not"
    insert_new(
        session,
        Mail,
        call=letter.call,
        message_id=message,
        mailbox=letter.mailbox,
        name=text.line(letter.name, 300),
        sender=text.line(letter.sender, 400),
        raw="" if letter.raw is None else letter.raw.hash,
        fault=text.line(letter.fault, 300),
        marks=" ".join(letter.marks),
        at=letter.at,
        closed_at=None if letter.is_work else letter.at,
        closed_by="",
        code="",
    )
    if contact.case_id is not None and (post := answer(session, contact.case_id)) is not None:
        put(session, contact.id, letter.call, post)
    return contact.case_id


def _contact(session: Session, letter: Letter) -> Interaction:
    case = session.get(Case, letter.case) if letter.case is not None else None
    person = case.person_id if case is not None else None
    if letter.is_theirs:
        try:
            person = people.find_or_make(session, email(letter.sender), letter.at, name=letter.sender_name)
        except HandleError:
            person = None
    if case is None and person is None and letter.is_work:  # it can be answered all the same, to a Reply-To
        case = Case(person_id=None, subject="", opened_at=letter.at, changed_at=letter.at, closed_by="")
        session.add(case)
        session.flush()
    made = timeline.begin(
        session,
        timeline.Contact(
            key=letter.call,
            medium=MEDIUM,
            direction="in",
            at=letter.at,
            person=person,
            call=letter.call if letter.is_work else "",
            queue=letter.queue,
            subject=letter.subject,
            case=None if case is None else case.id,
            ended_at=None if letter.is_work else letter.at,
            outcome="" if letter.is_work else "automatic",
        ),
    )
    return session.get_one(Interaction, made)


def cases(session: Session, names: Sequence[str]) -> dict[str, int]:
    """Return the cases of those among these Message-IDs that came in; of a name that several have, the first one's."""
    wanted = select(Mail.name, Interaction.case_id).join(Message, Mail.message_id == Message.id).join(Interaction)
    rows = session.execute(
        wanted.where(Mail.name.in_(names), Interaction.case_id.is_not(None)).order_by(Mail.id.desc())
    )
    return {name: case for name, case in rows if case is not None}


def has(session: Session, call: str) -> bool:
    """Tell whether a mail is here."""
    return session.scalar(select(Mail.id).where(Mail.call == call)) is not None


def find(session: Session, call: str) -> Found | None:
    """Return all of a mail; None if there is nothing of it any more."""
    mail = session.scalar(select(Mail).where(Mail.call == call))
    if mail is None:
        return None
    message = session.get_one(Message, mail.message_id)
    wanted = select(Attachment).where(Attachment.message_id == message.id).order_by(Attachment.id)
    files = [one for one in session.scalars(wanted) if not (one.content_type == RAW_TYPE and one.hash == mail.raw)]
    contact = session.get_one(Interaction, message.interaction_id)
    return Found(mail=mail, contact=contact, message=message, files=tuple(files))


def still_open(session: Session) -> list[Kin]:
    """Return the mails that wait for somebody, oldest first, each with the queue in which it was last."""
    wanted = select(Mail.call, Interaction.queue, Mail.sender, Mail.at)
    joined = wanted.join(Message, Mail.message_id == Message.id).join(Interaction)
    rows = session.execute(joined.where(Mail.closed_at.is_(None)).order_by(Mail.at, Mail.id))
    return [Kin(call=call, queue=queue, sender=sender, at=at) for call, queue, sender, at in rows]


def closed_among(session: Session, calls: Sequence[str]) -> list[str]:
    """Return those of these calls whose mails are closed."""
    return list(session.scalars(select(Mail.call).where(Mail.call.in_(calls), Mail.closed_at.is_not(None))))


def close(session: Session, call: str, at: int, by: str = "", code: str = "") -> bool:
    """Note that there is nothing to do any more for a mail; False if that was so, or there is no such mail."""
    done = update(Mail).where(Mail.call == call, Mail.closed_at.is_(None))
    values = {"closed_at": at, "closed_by": text.line(by), "code": text.line(code)}
    return session.scalar(done.values(values).returning(Mail.id)) is not None


# Out


def put(session: Session, contact: int, call: str, post: Post) -> None:
    """Have a mail sent, and put it on the timeline of its contact."""
    raw = timeline.File(name=RAW_NAME, content_type=RAW_TYPE, kept=post.raw)
    written = timeline.Written(
        ref=post.ref,
        direction="out",
        at=post.at,
        sender=post.sender,
        recipient=", ".join(post.recipients),
        subject=post.subject,
        body=post.body,
        files=(raw, *post.files),
    )
    message = timeline.write(session, contact, written)
    assert message is not None, "nobody else makes a Message-ID of ours"
    for recipient in post.recipients:
        session.add(
            Outbound(
                message_id=message,
                call=call,
                mailbox=post.mailbox,
                sender=post.sender,
                recipient=recipient,
                needs_smtputf8=post.needs_smtputf8,
                raw=post.raw.hash,
                made_at=post.at,
                due_at=post.at,
                tries=0,
                said="",
            )
        )


def reply(session: Session, call: str, post: Post) -> bool:
    """Have an answer to a mail sent; False if the mail is not here any more."""
    found = find(session, call)
    if found is not None:
        put(session, found.contact.id, call, post)
    return found is not None


def begin_notice(session: Session, contact: timeline.Contact) -> tuple[int, int, bool]:
    """Begin a contact in which we say something unasked; gives it, its case, and whether that is said already."""
    row = session.get_one(Interaction, timeline.begin(session, contact))
    if row.case_id is None:
        case = Case(person_id=None, subject="", opened_at=contact.at, changed_at=contact.at, closed_by="")
        session.add(case)
        session.flush()
        row.case_id = case.id
    return row.id, row.case_id, _is_said(session, row.id)


def put_notice(session: Session, contact: int, call: str, post: Post) -> None:
    """Have a notice sent, unless it was put already."""
    if not _is_said(session, contact):
        put(session, contact, call, post)


def _is_said(session: Session, contact: int) -> bool:
    return session.scalar(select(Message.id).where(Message.interaction_id == contact).limit(1)) is not None


def due(session: Session, now: int, most: int = 100) -> list[Due]:
    """Return what is to be sent now, longest overdue first."""
    wanted = select(Outbound, Message.ref).join(Message, Outbound.message_id == Message.id)
    rows = session.execute(wanted.where(Outbound.due_at <= now).order_by(Outbound.due_at, Outbound.id).limit(most))
    same = [name for name in Due.__struct_fields__ if name != "ref"]
    return [Due(ref=ref, **{name: getattr(row, name) for name in same}) for row, ref in rows]


def next_due(session: Session) -> int | None:
    """Return when something is to be sent next."""
    return session.scalar(select(func.min(Outbound.due_at)))


def sent(session: Session, out: int, at: int, said: str) -> None:
    """Note that a mail is with its server."""
    values = {"due_at": None, "sent_at": at, "said": text.line(said, SAID_MOST)}
    gone = update(Outbound).where(Outbound.id == out, Outbound.sent_at.is_(None)).values(values)
    message = session.scalar(gone.returning(Outbound.message_id))
    others = select(Outbound.id).where(
        Outbound.message_id == message, Outbound.id != out, Outbound.sent_at.is_not(None)
    )
    if message is not None and session.scalar(others.limit(1)) is None:  # told once, however many it goes to
        hooks.message(session, "message-sent", session.get_one(Message, message).interaction_id, message, at)


def later(session: Session, outs: Sequence[int], due_at: int, said: str) -> None:
    """Note that mails could not be sent, and are tried again."""
    tried = update(Outbound).where(Outbound.id.in_(outs), Outbound.due_at.is_not(None))
    session.execute(tried.values(due_at=due_at, tries=Outbound.tries + 1, said=text.line(said, SAID_MOST)))


def give_up(session: Session, out: int, said: str, back: Letter | None) -> bool:
    """Note that a mail will not be sent; and have it come back, if somebody waits for that. False if it is known."""
    gone = update(Outbound).where(Outbound.id == out, Outbound.due_at.is_not(None))
    values = {"due_at": None, "said": text.line(said, SAID_MOST)}
    is_new = session.scalar(gone.values(values).returning(Outbound.id)) is not None
    if is_new and back is not None:
        take(session, back, lambda _session, _case: None)
    return is_new


def was_acknowledged(session: Session, address: str, since: int) -> bool:
    """Tell whether something was sent there from the null sender since then: an acknowledgement."""
    wanted = select(Outbound.id).where(Outbound.recipient == address, Outbound.sender == "", Outbound.made_at > since)
    return session.scalar(wanted.limit(1)) is not None


def case_of(session: Session, call: str) -> int | None:
    """Return the case of a contact."""
    return session.scalar(select(Interaction.case_id).where(Interaction.key == call))


def words_of(session: Session, ref: str) -> tuple[str, str]:
    """Return subject and text of a message of ours."""
    row = session.execute(select(Message.subject, Message.body).where(Message.ref == ref)).one_or_none()
    return ("", "") if row is None else (row.subject, row.body or "")
