"""Who it is, at a glance, while his call rings: for a screen, or to be spoken on a handset.

Facts alone; whoever shows or speaks them finds the words.
"""

import time
from collections.abc import Sequence

from msgspec import Struct
from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from acd.store.handles import Named
from acd.store.outside import Elsewhere, elsewhere
from acd.store.people import TIER, attributes
from acd.store.rows import among
from acd.store.schema import Handle, Interaction, Person
from acd.store.timeline import open_case

LAST = 5
"""So many contacts are shown."""


class LastContact(Struct, frozen=True, kw_only=True):
    """One of his latest contacts."""

    at: int
    medium: str
    direction: str
    queue: str
    seat: str
    agent: str
    outcome: str
    code: str
    subject: str


class OpenCase(Struct, frozen=True, kw_only=True):
    """The case that goes on."""

    id: int
    subject: str
    opened_at: int


class Pop(Struct, frozen=True, kw_only=True):
    """A person at a glance. All texts are hostile."""

    person: int
    name: str
    language: str
    tier: str
    attributes: dict[str, str]
    elsewhere: tuple[Elsewhere, ...]
    """In which CRM he is known, and by what."""
    today: int
    """So many times he came to us today, this time included: 3 is his third contact."""
    last: tuple[LastContact, ...]
    """Latest first, this one left out."""
    case: OpenCase | None


class Spoken(Struct, frozen=True):
    """What a handset says of a person: "Jan Kowalski, third contact today, gold". What is empty is not said."""

    name: str
    today: int
    """1: the first contact of the day, which need not be said."""
    tier: str


def spoken(pop: Pop) -> Spoken:
    """Return what a handset says of a person."""
    return Spoken(pop.name, pop.today, pop.tier)


def midnight(at: int) -> int:
    """Return when the day began in which a time is, on this machine's clock."""
    day = time.localtime(at / 1000)
    return round(time.mktime((day.tm_year, day.tm_mon, day.tm_mday, 0, 0, 0, 0, 0, -1)) * 1000)


def screen_pop(session: Session, named: Named, at: int, call: str = "") -> Pop | None:
    """Return who has a number or an address, at a glance; None for nobody.

    Args:
        session: to read in.
        named: the number or address.
        at: now.
        call: the contact that is just coming, by its key; without one `today` counts what was before.

    """
    owner = select(Person.root).join(Handle, Handle.person_id == Person.id)
    root = owner.where(Handle.kind == named.kind, Handle.value == named.value).scalar_subquery()
    itself_first = case((Person.id == Person.root, 0), else_=1)
    people = session.execute(
        select(Person.id, Person.name, Person.language)
        .where(Person.root == root)
        .order_by(itself_first, Person.merged_at, Person.id)
    ).all()
    if not people:
        return None
    ids = [row.id for row in people]
    known = attributes(session, ids)
    going_on = open_case(session, ids, at)
    return Pop(
        person=ids[0],
        name=next((row.name for row in people if row.name), ""),
        language=next((row.language for row in people if row.language), ""),
        tier=known.get(TIER, ""),
        attributes=known,
        elsewhere=elsewhere(session, ids),
        today=_today(session, ids, at, call),
        last=_last(session, ids, call),
        case=None
        if going_on is None
        else OpenCase(id=going_on.id, subject=going_on.subject, opened_at=going_on.opened_at),
    )


def _today(session: Session, ids: Sequence[int], at: int, call: str) -> int:
    count = select(func.count(func.distinct(Interaction.thread))).where(
        among(Interaction.person_id, ids),
        Interaction.started_at >= midnight(at),
        Interaction.direction == "in",
        Interaction.thread != call,
    )
    return session.scalars(count).one() + (1 if call else 0)


def _last(session: Session, ids: Sequence[int], call: str) -> tuple[LastContact, ...]:
    shown = [getattr(Interaction, name) for name in LastContact.__struct_fields__[1:]]
    rows = session.execute(
        select(Interaction.started_at, *shown)
        .where(among(Interaction.person_id, ids), Interaction.key != call)
        .order_by(Interaction.started_at.desc())
        .limit(LAST)
    )
    return tuple(
        LastContact(at=row[0], **dict(zip(LastContact.__struct_fields__[1:], row[1:], strict=True))) for row in rows
    )
