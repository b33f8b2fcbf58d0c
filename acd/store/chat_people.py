"""Who a visitor of a chat says that he is, and what follows from that. Nothing proves it.

So it is believed for what it is about, and no further: his contacts are found with that person, and go on with his
case. But no number and no address is given to somebody who was known before: else whoever names a customer's address
and his own number would be that customer when he calls.
"""

import contextlib

from msgspec import Struct
from sqlalchemy import select
from sqlalchemy.orm import Session

from acd.store import people, text, timeline
from acd.store.chat_schema import Chat, ChatContact
from acd.store.chats import Visitor, find, make
from acd.store.handles import Named, email, number
from acd.store.people import TakenError
from acd.store.schema import Case, Interaction


class Self(Struct, frozen=True, kw_only=True):
    """What he says of himself; what is empty he does not say. Hostile."""

    name: str = ""
    email: str = ""
    number: str = ""


def identify(session: Session, visitor: Visitor, told: Self, at: int, country: str) -> str:
    """Note who a visitor is; gives his address as far as it is known.

    Raises:
        HandleError: it is no address, or no number; nothing was changed.

    """
    handles = [email(told.email)] if told.email else []
    handles += [number(told.number, country)] if told.number else []
    make(session, visitor, at)
    chat = find(session, visitor.token)
    assert chat is not None, "it was made if it was not here"
    chat.name = text.line(told.name, 80) or chat.name
    for named in handles:
        chat.address = named.value
        _recognise(session, chat, named, at)
    if chat.is_own and chat.person_id is not None and told.name:
        people.rename(session, chat.person_id, chat.name)
    _assign(session, chat)
    return chat.address


def _recognise(session: Session, chat: Chat, named: Named, at: int) -> None:
    owner = people.find(session, named)
    if chat.person_id is None:
        chat.is_own = owner is None
        chat.person_id = people.find_or_make(session, named, at, name=chat.name, language=chat.language)
    elif owner is None and chat.is_own:
        with contextlib.suppress(TakenError):  # somebody else was faster
            people.give(session, chat.person_id, named, at)


def _assign(session: Session, chat: Chat) -> None:
    """Find his contacts with him, in his case."""
    if chat.person_id is None:
        return
    own = select(Interaction).join(ChatContact, ChatContact.interaction_id == Interaction.id)
    ids = people.group(session, chat.person_id)
    for row in session.scalars(own.where(ChatContact.chat_id == chat.id, Interaction.person_id.is_(None))):
        row.person_id = ids[0]
        case = session.get(Case, row.case_id) if row.case_id is not None else None
        known = timeline.open_case(session, ids, row.started_at)
        if known is not None and known is not case:
            row.case_id, known.changed_at = known.id, max(known.changed_at, row.started_at)
            session.flush()
            _drop_if_empty(session, case)
        elif case is not None and case.person_id is None:
            case.person_id = ids[0]
        session.flush()


def _drop_if_empty(session: Session, case: Case | None) -> None:
    if case is None or case.person_id is not None:
        return
    if session.scalar(select(Interaction.id).where(Interaction.case_id == case.id).limit(1)) is None:
        session.delete(case)


def call_back(session: Session, call: str, key: str, named: str, at: int) -> bool:
    """Have the callback that a visitor asks for on the timeline before it is promised: so it is of the same case.

    Answers whether it may be promised: one that is over is not promised again.

    Args:
        session: to write in.
        call: his contact, "" for none.
        key: the callback's.
        named: the number, E.164.
        at: now.

    Raises:
        HandleError: it is no number.

    """
    contact = session.scalar(select(ChatContact).where(ChatContact.call == call))
    row = session.get(Interaction, contact.interaction_id) if contact is not None else None
    person = row.person_id if row is not None else None
    if person is None:
        person = people.find_or_make(session, number(named), at)
    made = timeline.begin(
        session,
        timeline.Contact(
            key=key,
            medium="callback",
            direction="out",
            at=at,
            person=person,
            call=key,
            queue=row.queue if row is not None else "",
            case=row.case_id if row is not None else None,
        ),
    )
    return session.get_one(Interaction, made).ended_at is None
