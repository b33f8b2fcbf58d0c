"""What happened to a call, as far as the customer file keeps it. Storing a fact twice changes nothing.

A row knows when the latest fact about it happened; what is older is in it already.
"""

from collections.abc import Mapping

import structlog
from msgspec import Struct
from sqlalchemy import select, update
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session

from acd.store import people, timeline
from acd.store.handles import XMPP, HandleError, Named, email, number, xmpp
from acd.store.schema import Interaction
from acd.store.text import line

log = structlog.get_logger()

ANSWERED, LOST = "answered", "lost"
CALL_CHARS = 200


class Arrived(Struct, frozen=True, kw_only=True):
    """A contact begins, or one that was over goes on."""

    at: int
    call: str
    medium: str
    direction: str
    queue: str = ""
    caller: str = ""
    """His number or address, hostile."""
    language: str = ""
    since: int | None = None
    """When it began, if that was before `at`."""
    seat: str = ""
    virtual: bool = False


class Moved(Struct, frozen=True, kw_only=True):
    """It is in another queue."""

    at: int
    call: str
    queue: str


class Answered(Struct, frozen=True, kw_only=True):
    """A seat talks to him, or has his message before it."""

    at: int
    call: str
    seat: str = ""


class SentAway(Struct, frozen=True, kw_only=True):
    """It waits no more; unless somebody answers it, this is how it ended."""

    at: int
    call: str
    reason: str


class Ended(Struct, frozen=True, kw_only=True):
    """It is over."""

    at: int
    call: str
    how: str


class Coded(Struct, frozen=True, kw_only=True):
    """The agent of a seat says what a contact was about."""

    at: int
    seat: str
    code: str
    call: str = ""
    """Which; empty for the seat's latest."""


class Remaining(Struct, frozen=True, kw_only=True):
    """Of calls with a name in the journal, these alone are in the house: whatever else is open was lost in a gap."""

    at: int
    calls: frozenset[str]


Fact = Arrived | Moved | Answered | SentAway | Ended | Coded | Remaining


def store(session: Session, fact: Fact, country: str, agents: Mapping[str, str]) -> None:
    """Store a fact. One that cannot be stored, by a fault of ours, costs no more than itself.

    Args:
        session: to write in.
        fact: what happened.
        country: as of `handles.number`.
        agents: who sits where.

    Raises:
        OperationalError, InterfaceError: the database fails.

    """
    try:
        with session.begin_nested():
            _store(session, fact, country, agents)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        log.exception("fact cannot be stored", fact=repr(fact))


def _store(session: Session, fact: Fact, country: str, agents: Mapping[str, str]) -> None:
    match fact:
        case Arrived():
            _arrive(session, fact, country, agents)
        case Coded():
            _code(session, fact)
        case Remaining():
            _remain(session, fact)
        case _:
            row = _row(session, fact.call)
            if row is not None and fact.at >= row.told_at:
                row.told_at = fact.at
                _change(row, fact, agents)


def _row(session: Session, call: str) -> Interaction | None:
    return session.scalar(select(Interaction).where(Interaction.key == line(call, CALL_CHARS)))


def _change(row: Interaction, fact: Moved | Answered | SentAway | Ended, agents: Mapping[str, str]) -> None:
    match fact:
        case Moved():
            row.queue = line(fact.queue)
        case Answered():
            row.answered_at = row.answered_at or fact.at
            row.outcome = ANSWERED
            if fact.seat:
                row.seat, row.agent = line(fact.seat), line(agents.get(fact.seat, ""))
        case SentAway():
            row.outcome = row.outcome or line(fact.reason)
        case Ended():
            row.ended_at, row.outcome = fact.at, row.outcome or line(fact.how)


def _arrive(session: Session, fact: Arrived, country: str, agents: Mapping[str, str]) -> None:
    row = _row(session, fact.call)
    if row is not None:
        if row.ended_at is not None and fact.at > row.told_at:
            row.ended_at, row.told_at = None, fact.at
            row.queue = line(fact.queue) or row.queue
            row.outcome = ANSWERED if row.answered_at else ""
        return
    key = line(fact.call, CALL_CHARS)
    named = _named(fact, country)
    timeline.begin(
        session,
        timeline.Contact(
            key=key,
            medium=line(fact.medium, 20),
            direction=fact.direction,
            at=fact.at if fact.since is None else min(fact.since, fact.at),
            person=None if named is None else people.find_or_make(session, named, fact.at, language=fact.language),
            call=key,
            follows=fact.virtual,
            queue=line(fact.queue),
            seat=line(fact.seat),
            agent=agents.get(fact.seat, ""),
        ),
    )


def _named(fact: Arrived, country: str) -> Named | None:
    """Return the number or address of who it is; None for who withholds it."""
    kind, _, rest = fact.caller.partition(":")
    try:
        if fact.virtual and kind == XMPP:
            return xmpp(rest)
        return email(fact.caller) if fact.virtual and "@" in fact.caller else number(fact.caller, country)
    except HandleError:
        return None


def _code(session: Session, fact: Coded) -> None:
    if fact.call:
        row = _row(session, fact.call)
    else:
        latest = select(Interaction).where(Interaction.seat == fact.seat, Interaction.answered_at <= fact.at)
        row = session.scalar(latest.order_by(Interaction.answered_at.desc()).limit(1))
    if row is not None and fact.at >= row.told_at:
        row.code, row.told_at = line(fact.code), fact.at


def _remain(session: Session, fact: Remaining) -> None:
    lasts = select(Interaction.key).where(Interaction.ended_at.is_(None), Interaction.call != "")
    lost = [key for key in session.scalars(lasts.where(Interaction.told_at <= fact.at)) if key not in fact.calls]
    done = update(Interaction).where(Interaction.key.in_(lost), Interaction.outcome == "")
    session.execute(done.values(outcome=LOST))
    session.execute(update(Interaction).where(Interaction.key.in_(lost)).values(ended_at=fact.at, told_at=fact.at))
