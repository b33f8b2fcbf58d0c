"""Customers as a CRM outside knows them: what it said is kept as its word, and never goes before what was said here."""

from msgspec import Struct
from sqlalchemy import select
from sqlalchemy.orm import Session

from acd.store import hooks, people, text
from acd.store.handles import Named
from acd.store.hook_schema import Outside
from acd.store.rows import among
from acd.store.schema import Attribute

LINK_MOST = 2_000


class Said(Struct, frozen=True, kw_only=True):
    """What a CRM says of a customer. Hostile, within its limits (`acd.hooks.lookup`)."""

    external_id: str = ""
    name: str = ""
    language: str = ""
    link: str = ""
    attributes: dict[str, str] = {}


class Question(Struct, frozen=True, kw_only=True):
    """Who a CRM is asked about."""

    named: Named
    person: int | None
    """None for who is not in the file."""
    external_id: str


class Elsewhere(Struct, frozen=True, kw_only=True):
    """A customer in a CRM."""

    source: str
    external_id: str
    link: str


def question(session: Session, named: Named, source: str, since: int) -> Question | None:
    """Return what a CRM is to be asked; None if it has said since then what it knows."""
    person = people.find(session, named)
    row = None if person is None else _row(session, people.group(session, person), source)
    if row is not None and row.answered_at >= since:
        return None
    return Question(named=named, person=person, external_id=row.external_id if row is not None else "")


def _row(session: Session, ids: list[int], source: str) -> Outside | None:
    wanted = select(Outside).where(among(Outside.person_id, ids), Outside.source == source)
    return session.scalar(wanted.order_by(Outside.answered_at.desc()).limit(1))


def take(session: Session, named: Named, said: Said | None, source: hooks.Source, at: int) -> None:
    """Keep what a CRM said of who has a number or an address; None: it does not know him.

    Name and language become his if he had none, or that of its last word; attributes, unless somebody here said them.
    """
    hooks.came_from(session, source)
    person = people.find(session, named)
    if person is None:
        if said is None:
            return
        person = people.find_or_make(session, named, at)
    ids = people.group(session, person)
    row = _row(session, ids, source.name)
    if row is None:
        row = Outside(person_id=ids[0], source=source.name, external_id="", link="", name="", language="")
        session.add(row)
    row.answered_at = at
    if said is None:
        return
    _rename(session, ids[0], row, said)
    _characterise(session, ids, said, source.name, at)
    external_id, link = text.line(said.external_id), text.line(said.link, LINK_MOST)
    if (external_id, link) != (row.external_id, row.link):
        row.external_id, row.link = external_id, link
        hooks.changed(session, ids[0], elsewhere={source.name: {"external_id": external_id, "link": link}})
    session.flush()


def _rename(session: Session, person: int, row: Outside, said: Said) -> None:
    known = people.profile(session, person)
    name, language = text.line(said.name), text.line(said.language, 20)
    if name and known.name in {"", row.name}:
        people.rename(session, person, name=name)
        row.name = name
    if language and known.language in {"", row.language}:
        people.rename(session, person, language=language)
        row.language = language


def _characterise(session: Session, ids: list[int], said: Said, source: str, at: int) -> None:
    rows = session.execute(select(Attribute.name, Attribute.source).where(among(Attribute.person_id, ids)))
    owners: dict[str, set[str]] = {}
    for name, owner in rows:
        owners.setdefault(name, set()).add(owner)
    wanted = {text.line(name, 40).lower(): value for name, value in said.attributes.items()}
    for name, value in wanted.items():
        if name and value and owners.get(name, {source}) == {source}:
            people.set_attribute(session, ids[0], name, value, at, source=source)
    for name in [name for name, who in owners.items() if who == {source} and not wanted.get(name)]:
        people.set_attribute(session, ids[0], name, "", at, source=source)


def elsewhere(session: Session, ids: list[int]) -> tuple[Elsewhere, ...]:
    """Return where else a group is known, and a page of it."""
    wanted = select(Outside).where(among(Outside.person_id, ids)).order_by(Outside.source, Outside.answered_at.desc())
    found: dict[str, Elsewhere] = {}
    for row in session.scalars(wanted):
        if row.external_id or row.link:
            one = Elsewhere(source=row.source, external_id=row.external_id, link=row.link)
            found.setdefault(row.source, one)
    return tuple(found.values())
