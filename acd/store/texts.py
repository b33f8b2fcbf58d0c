"""Short messages that come in, as work: what belongs to one contact, what is whole, what is here already.

All that follows from a text is one transaction, and its centre is told that it is here after that. The contact of a
customer with a number of ours is open from his first text until its agent is done; what he writes meanwhile is in it.
"""

import secrets
from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import Session

from acd.channels.sms.notices import Notices
from acd.channels.sms.parts import Place, joined
from acd.store import people, text, timeline
from acd.store.handles import HandleError, Named, number
from acd.store.rows import insert_new
from acd.store.schema import Arrival, Case, EarlyReceipt, Interaction, Message, Talk, TextPart
from acd.store.text import line

MEDIUM, PURPOSE = "sms", "texts"
SAME_MS = 3_600_000
"""The same, brought again by another session within this time, is the same."""
KEPT_MS = 86_400_000
PARTS_MOST = 300
"""So many parts of one sender wait at most: more than the largest message has. The oldest message is given up then."""
INCOMPLETE = "not-parsed"
BEFORE_MOST = 10


class Text(Struct, frozen=True, kw_only=True):
    """Something that was brought."""

    gate: str
    session: str
    digest: str
    own: str
    theirs: str
    queue: str
    """Of a new contact."""
    at: int
    body: str
    is_sure: bool = True
    """It could be read as its sender wrote it."""
    place: Place | None = None
    same_ms: int = SAME_MS


class Kin(Struct, frozen=True, kw_only=True):
    """An open contact, as its call needs it."""

    call: str
    queue: str
    sender: str
    at: int


class Found(Struct, frozen=True, kw_only=True):
    """All of a contact."""

    talk: Talk
    contact: Interaction
    messages: tuple[Message, ...]
    """Both ways, oldest first."""
    before: tuple[Message, ...]
    """Of earlier contacts with the same number, the latest few."""


# In


def take(session: Session, brought: Text, notices: Notices) -> list[Kin]:
    """Keep what was brought, unless it is here; gives the contacts that are open because of it."""
    if _is_here(session, brought):
        return []
    if brought.place is None:
        return _whole(session, brought, notices)
    return _take_part(session, brought, brought.place, notices)


def _is_here(session: Session, brought: Text) -> bool:
    same = select(Arrival).where(Arrival.digest == brought.digest, Arrival.at > brought.at - brought.same_ms)
    other = session.scalar(same.where(Arrival.session != brought.session).order_by(Arrival.id).limit(1))
    if other is not None:
        other.session = brought.session  # once more by this one is another
        return True
    session.add(Arrival(digest=brought.digest, session=brought.session, at=brought.at))
    return False


def _take_part(session: Session, brought: Text, place: Place, notices: Notices) -> list[Kin]:
    opened: list[Kin] = []
    same = _same(brought.gate, brought.own, brought.theirs, place.ref, place.total)
    there = {one.number: one.body for one in session.scalars(select(TextPart).where(*same))}
    if place.number in there:
        if there[place.number] == brought.body:
            return []
        opened += _give_up_parts(session, same, brought.at, notices)  # the reference is used again
    values = {"gate": brought.gate, "own": brought.own, "theirs": brought.theirs, "ref": place.ref}
    values |= {"total": place.total, "number": place.number, "body": text.body(brought.body)}
    insert_new(session, TextPart, **values, is_sure=brought.is_sure, at=brought.at)
    if session.scalar(select(func.count()).select_from(TextPart).where(*same)) == place.total:
        return opened + _give_up_parts(session, same, brought.at, notices)
    waiting = select(func.count()).select_from(TextPart).where(TextPart.theirs == brought.theirs)
    while (session.scalar(waiting) or 0) > PARTS_MOST:
        opened += _oldest(session, notices, brought.at, TextPart.theirs == brought.theirs)
    return opened


def _same(gate: str, own: str, theirs: str, ref: int, total: int) -> tuple[ColumnElement[bool], ...]:
    return (
        TextPart.gate == gate,
        TextPart.own == own,
        TextPart.theirs == theirs,
        TextPart.ref == ref,
        TextPart.total == total,
    )


def _oldest(session: Session, notices: Notices, at: int, *where: ColumnElement[bool]) -> list[Kin]:
    first = session.scalar(select(TextPart).where(*where).order_by(TextPart.id).limit(1))
    if first is None:
        return []
    same = _same(first.gate, first.own, first.theirs, first.ref, first.total)
    return _give_up_parts(session, same, at, notices)


def _give_up_parts(session: Session, same: tuple[ColumnElement[bool], ...], at: int, notices: Notices) -> list[Kin]:
    """Bring what came of a message, whole or not."""
    parts = session.scalars(select(TextPart).where(*same).order_by(TextPart.number)).all()
    first, bodies = parts[0], {one.number: one.body for one in parts}
    session.execute(delete(TextPart).where(*same))
    whole = Text(
        gate=first.gate,
        session="",
        digest="",
        own=first.own,
        theirs=first.theirs,
        queue=notices.queue_of(first.gate, first.own),
        at=at,
        body=joined(bodies, first.total),
        is_sure=len(bodies) == first.total and all(one.is_sure for one in parts),
    )
    return _whole(session, whole, notices)


def _late(gate: str, before: int) -> Any:
    """Give the messages of which no part came since then."""
    of = (TextPart.own, TextPart.theirs, TextPart.ref, TextPart.total)
    return select(*of).where(TextPart.gate == gate).group_by(*of).having(func.max(TextPart.at) < before)


def has_late(session: Session, gate: str, before: int) -> bool:
    """Tell whether parts wait whose others do not come: none since then."""
    return session.execute(_late(gate, before).limit(1)).first() is not None


def late(session: Session, gate: str, before: int, now: int, notices: Notices) -> list[Kin]:
    """Bring what came of messages of which no part came since then."""
    opened: list[Kin] = []
    for own, theirs, ref, total in session.execute(_late(gate, before)).all():
        opened += _give_up_parts(session, _same(gate, own, theirs, ref, total), now, notices)
    return opened


def sweep(session: Session, now: int) -> None:
    """Forget what could only be brought again by now."""
    session.execute(delete(Arrival).where(Arrival.at < now - KEPT_MS))
    session.execute(delete(EarlyReceipt).where(EarlyReceipt.at < now - KEPT_MS))


# Whole


def _whole(session: Session, brought: Text, notices: Notices) -> list[Kin]:
    from acd.store import texts_out  # noqa: PLC0415 - is built upon this

    wish = notices.wish(brought.body)
    talk = _open(session, brought.own, brought.theirs)
    is_new = talk is None
    person = person_of(session, brought.theirs, notices.country, brought.at)
    if talk is None:
        talk = _begin(session, brought, person, wish)
    marks = dict.fromkeys(talk.marks.split())
    talk.marks = " ".join(marks if brought.is_sure else {**marks, INCOMPLETE: None})
    name = f"{MEDIUM}-{secrets.token_hex(16)}"
    said = timeline.Written(ref=name, direction="in", at=brought.at, sender=brought.theirs, recipient=brought.own)
    timeline.write(session, talk.interaction_id, _with(said, brought.body))
    contact = session.get_one(Interaction, talk.interaction_id)
    notice = ""
    if person is not None and wish:
        is_told = _wished(session, brought, person, wish)
        notice = notices.confirmation(contact.case_id, brought.body) if is_told else ""
    elif person is not None and is_new and not has_opted_out(session, person):
        was_told = texts_out.was_noticed(session, brought.theirs, brought.at - KEPT_MS)
        notice = "" if was_told else notices.acknowledgement(contact.case_id, brought.body)
    if notice:
        texts_out.put(session, talk, notices.out_gate(talk.gate), notice, brought.at, is_notice=True)
    return [] if talk.closed_at is not None else [_kin(talk, contact)]


def _wished(session: Session, brought: Text, person: int, wish: str) -> bool:
    """Note what a customer agrees to by his text; tells whether he is told so."""
    from acd.store import texts_out  # noqa: PLC0415 - is built upon this

    was_out, how = has_opted_out(session, person), line(brought.body)
    agreed = people.Agreed(medium=MEDIUM, purpose=PURPOSE, given=wish == "start", at=brought.at, how=how)
    people.agree(session, person, agreed)
    if wish == "start" or was_out:
        return False
    texts_out.drop(session, brought.theirs, "opted out")
    return True


def _with(written: timeline.Written, body: str) -> timeline.Written:
    return timeline.Written(
        ref=written.ref,
        direction=written.direction,
        at=written.at,
        sender=written.sender,
        recipient=written.recipient,
        body=body,
    )


def _open(session: Session, own: str, theirs: str) -> Talk | None:
    wanted = select(Talk).where(Talk.own == own, Talk.theirs == theirs, Talk.closed_at.is_(None))
    return session.scalar(wanted.order_by(Talk.id).limit(1))


def _begin(session: Session, brought: Text, person: int | None, wish: str) -> Talk:
    call = f"{MEDIUM}-{secrets.token_hex(16)}"
    case = None
    if person is None:
        made = Case(person_id=None, subject="", opened_at=brought.at, changed_at=brought.at, closed_by="")
        session.add(made)
        session.flush()
        case = made.id
    contact = timeline.begin(
        session,
        timeline.Contact(
            key=call,
            medium=MEDIUM,
            direction="in",
            at=brought.at,
            person=person,
            call="" if wish else call,
            queue=brought.queue,
            case=case,
            ended_at=brought.at if wish else None,
            outcome={"stop": "opted-out", "start": "opted-in"}.get(wish, ""),
        ),
    )
    talk = Talk(
        call=call,
        interaction_id=contact,
        gate=brought.gate,
        own=brought.own,
        theirs=brought.theirs,
        shown=0,
        marks="",
        at=brought.at,
        closed_at=brought.at if wish else None,
        closed_by="",
        code="",
    )
    session.add(talk)
    session.flush()
    return talk


def _kin(talk: Talk, contact: Interaction) -> Kin:
    return Kin(call=talk.call, queue=contact.queue, sender=talk.theirs, at=talk.at)


def person_of(session: Session, theirs: str, country: str, at: int) -> int | None:
    """Return whose number it is; None of a sender that is no number."""
    named = _named(theirs, country)
    return None if named is None else people.find_or_make(session, named, at)


def _named(theirs: str, country: str) -> Named | None:
    try:
        return number(theirs, country)
    except HandleError:
        return None


def has_opted_out(session: Session, person: int) -> bool:
    """Tell whether a person wants no texts."""
    agreed = people.consents(session, people.group(session, person))
    return any(one.medium == MEDIUM and one.purpose == PURPOSE and not one.given for one in agreed)


def may_be_written_to(session: Session, theirs: str, country: str) -> bool:
    """Tell whether whoever has a number has not opted out."""
    named = _named(theirs, country)
    person = None if named is None else people.find(session, named)
    return person is None or not has_opted_out(session, person)


# Before an agent


def find(session: Session, call: str) -> Found | None:
    """Return all of a contact; None if there is nothing of it any more."""
    talk = session.scalar(select(Talk).where(Talk.call == call))
    if talk is None:
        return None
    contact = session.get_one(Interaction, talk.interaction_id)
    own = select(Message).where(Message.interaction_id == contact.id).order_by(Message.id)
    kin = select(Message).join(Talk, Talk.interaction_id == Message.interaction_id)
    kin = kin.where(Talk.own == talk.own, Talk.theirs == talk.theirs, Talk.id < talk.id, Message.body.is_not(None))
    before = session.scalars(kin.order_by(Message.id.desc()).limit(BEFORE_MOST)).all()
    messages = tuple(session.scalars(own))
    return Found(talk=talk, contact=contact, messages=messages, before=tuple(reversed(before)))


def show(session: Session, call: str, message: int) -> None:
    """Note that an agent was shown a contact up to this message."""
    session.execute(update(Talk).where(Talk.call == call, Talk.shown < message).values(shown=message))


def close(session: Session, call: str, at: int, by: str = "", code: str = "") -> Kin | None:
    """Note that its agent is done with a contact; gives the contact of what he was never shown, if there is any."""
    talk = session.scalar(select(Talk).where(Talk.call == call, Talk.closed_at.is_(None)))
    if talk is None:
        return None
    talk.closed_at, talk.closed_by, talk.code = at, text.line(by), text.line(code)
    session.flush()
    contact = session.get_one(Interaction, talk.interaction_id)
    unseen = _unseen(session, talk)
    if not talk.shown or not unseen:
        return None
    rest = Text(
        gate=talk.gate,
        session="",
        digest="",
        own=talk.own,
        theirs=talk.theirs,
        queue=contact.queue,
        at=at,
        body="",
    )
    made = _begin(session, rest, contact.person_id, "")
    session.execute(update(Message).where(Message.id.in_(unseen)).values(interaction_id=made.interaction_id))
    return _kin(made, session.get_one(Interaction, made.interaction_id))


def _unseen(session: Session, talk: Talk) -> Sequence[int]:
    wanted = select(Message.id).where(Message.interaction_id == talk.interaction_id, Message.direction == "in")
    return session.scalars(wanted.where(Message.id > talk.shown)).all()


def bring_back(session: Session, talk: Talk, words: str, at: int) -> Kin:
    """Have somebody see that an answer did not arrive: in the open contact with that customer, or a new one."""
    contact = session.get_one(Interaction, talk.interaction_id)
    there = _open(session, talk.own, talk.theirs)
    if there is None:
        back = Text(
            gate=talk.gate,
            session="",
            digest="",
            own=talk.own,
            theirs=talk.theirs,
            queue=contact.queue,
            at=at,
            body="",
        )
        there = _begin(session, back, contact.person_id, "")
    there.marks = " ".join(dict.fromkeys([*there.marks.split(), "undelivered"]))
    name = f"{MEDIUM}-{secrets.token_hex(16)}"
    written = timeline.Written(ref=name, direction="in", at=at, recipient=talk.own)
    timeline.write(session, there.interaction_id, _with(written, words))
    session.flush()
    return _kin(there, session.get_one(Interaction, there.interaction_id))


def still_open(session: Session) -> list[Kin]:
    """Return the contacts that wait for somebody, oldest first, each with the queue in which it was last."""
    wanted = select(Talk, Interaction).join(Interaction, Talk.interaction_id == Interaction.id)
    rows = session.execute(wanted.where(Talk.closed_at.is_(None)).order_by(Talk.at, Talk.id))
    return [_kin(talk, contact) for talk, contact in rows]


def closed_among(session: Session, calls: Sequence[str]) -> list[str]:
    """Return those of these calls whose contacts are closed."""
    return list(session.scalars(select(Talk.call).where(Talk.call.in_(calls), Talk.closed_at.is_not(None))))
