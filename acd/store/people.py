"""People: finds or makes who has a number, and keeps what is known of them.

A person is named by the id of his root, and what is asked of him is asked of all who were merged into him: where two of
them say something else, his own word counts, then that of who was merged first.
"""

from collections.abc import Sequence

from msgspec import Struct
from sqlalchemy import case, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from acd.store import StoreError, hooks, text
from acd.store.handles import HandleError, Named, guess
from acd.store.rows import among, insert_new
from acd.store.schema import Attribute, Consent, Handle, Person

FOUND_MOST = 50
TIER = "tier"


class UnknownPersonError(StoreError):
    """There is no such person."""

    def __init__(self, person: int) -> None:
        super().__init__(f"there is no customer {person}")


class TakenError(StoreError):
    """The number or address belongs to somebody else."""

    def __init__(self, named: Named, person: int) -> None:
        self.named, self.person = named, person
        super().__init__(f"{named.kind} {named.value} belongs to customer {person}")


class Agreed(Struct, frozen=True, kw_only=True):
    """The latest word of a person about one purpose in one medium."""

    medium: str
    purpose: str
    given: bool
    at: int
    how: str = ""


class Profile(Struct, frozen=True, kw_only=True):
    """What is known of a person."""

    id: int
    name: str
    language: str
    handles: tuple[Named, ...]
    attributes: dict[str, str]
    consents: tuple[Agreed, ...]
    merged: tuple[int, ...]
    """Who was merged into him."""


# Who is it


def root_of(session: Session, person: int) -> int:
    """Return who a person is by now.

    Raises:
        UnknownPersonError: there is none.

    """
    root = session.scalar(select(Person.root).where(Person.id == person))
    if root is None:
        raise UnknownPersonError(person)
    return root


def group(session: Session, person: int) -> list[int]:
    """Return a person's id and the ids of all who were merged into him, himself first.

    Raises:
        UnknownPersonError: there is none.

    """
    root = root_of(session, person)
    itself_first = case((Person.id == root, 0), else_=1)
    order = (itself_first, Person.merged_at, Person.id)
    return list(session.scalars(select(Person.id).where(Person.root == root).order_by(*order)))


def find(session: Session, named: Named) -> int | None:
    """Return whose number or address it is; None for nobody's."""
    owner = select(Person.root).join(Handle, Handle.person_id == Person.id)
    return session.scalar(owner.where(Handle.kind == named.kind, Handle.value == named.value))


def make(session: Session, at: int, *, name: str = "", language: str = "") -> int:
    """Make a person."""
    name = text.line(name)
    made = Person(name=name, name_key=text.folded(name), language=text.line(language, 20), made_at=at)
    session.add(made)
    session.flush()
    made.root = made.id
    session.flush()
    return made.id


def find_or_make(session: Session, named: Named, at: int, *, name: str = "", language: str = "") -> int:
    """Return whose number or address it is; nobody's becomes a new person's, who has this name then."""
    while (found := find(session, named)) is None:
        person = make(session, at, name=name, language=language)
        if insert_new(session, Handle, person_id=person, kind=named.kind, value=named.value, label="", made_at=at):
            return person
        session.execute(delete(Person).where(Person.id == person))  # another process was faster
    return found


def search(session: Session, words: str, country: str = "", most: int = FOUND_MOST) -> list[int]:
    """Return who has this number or address, or whose name begins so or has all of these words in it."""
    try:
        found = find(session, guess(words, country))
    except HandleError:
        found = None
    if found is not None:
        return [found]
    if not (folded := text.folded(words)):
        return []
    begins = select(Person.root).where(Person.name_key >= folded, Person.name_key < folded + "\U0010ffff")
    roots = session.scalars(begins.order_by(Person.name_key).limit(most)).all()
    if not roots:
        holds = [Person.name_key.contains(word, autoescape=True) for word in folded.split()]
        roots = session.scalars(select(Person.root).where(*holds).limit(most)).all()
    return [root for root in dict.fromkeys(roots) if root is not None]


# What is known


def profile(session: Session, person: int) -> Profile:
    """Return what is known of a person.

    Raises:
        UnknownPersonError: there is none.

    """
    ids = group(session, person)
    rows = {one.id: one for one in session.scalars(select(Person).where(among(Person.id, ids)))}
    people = [rows[one] for one in ids]
    handles = session.execute(
        select(Handle.kind, Handle.value).where(among(Handle.person_id, ids)).order_by(Handle.kind.desc(), Handle.id)
    )
    return Profile(
        id=ids[0],
        name=next((one.name for one in people if one.name), ""),
        language=next((one.language for one in people if one.language), ""),
        handles=tuple(Named(kind, value) for kind, value in handles),
        attributes=attributes(session, ids),
        consents=consents(session, ids),
        merged=tuple(ids[1:]),
    )


def attributes(session: Session, ids: Sequence[int]) -> dict[str, str]:
    """Return what is known of a group by name."""
    found: dict[str, str] = {}
    rows = session.scalars(select(Attribute).where(among(Attribute.person_id, ids)).order_by(Attribute.name))
    for row in sorted(rows, key=lambda row: ids.index(row.person_id)):
        found.setdefault(row.name, row.value)
    return found


def consents(session: Session, ids: Sequence[int]) -> tuple[Agreed, ...]:
    """Return the latest word of a group about each purpose in each medium."""
    rows = session.scalars(select(Consent).where(among(Consent.person_id, ids)).order_by(Consent.at, Consent.id))
    latest = {(row.medium, row.purpose): row for row in rows}
    return tuple(
        Agreed(medium=row.medium, purpose=row.purpose, given=row.given, at=row.at, how=row.how)
        for _, row in sorted(latest.items())
    )


def rename(session: Session, person: int, name: str | None = None, language: str | None = None) -> None:
    """Give a person another name or language; None leaves it."""
    root = root_of(session, person)
    if name is not None:
        name = text.line(name)
        other = update(Person).where(Person.id == root, Person.name != name).returning(Person.id)
        if session.scalar(other.values(name=name, name_key=text.folded(name))) is not None:
            hooks.changed(session, root, name=name)
    if language is not None:
        language = text.line(language, 20)
        other = update(Person).where(Person.id == root, Person.language != language).returning(Person.id)
        if session.scalar(other.values(language=language)) is not None:
            hooks.changed(session, root, language=language)


def give(session: Session, person: int, named: Named, at: int, label: str = "") -> bool:
    """Give a person a number or an address; False if he has it.

    Raises:
        TakenError: it is somebody else's.

    """
    root = root_of(session, person)
    label = text.line(label, 40)
    if insert_new(session, Handle, person_id=root, kind=named.kind, value=named.value, label=label, made_at=at):
        hooks.changed(session, root, handles=True)
        return True
    owner = find(session, named)
    assert owner is not None, f"{named} could not be inserted, and is nobody's"
    if owner != root:
        raise TakenError(named, owner)
    return False


def take_away(session: Session, person: int, named: Named) -> bool:
    """Take a number or an address from a person; False if it is not his."""
    root = root_of(session, person)
    if find(session, named) != root:
        return False
    hooks.changed(session, root, handles=True)
    session.execute(delete(Handle).where(Handle.kind == named.kind, Handle.value == named.value))
    return True


def set_attribute(session: Session, person: int, name: str, value: str, at: int, *, source: str = "") -> None:
    """Set what is known of a person by a name, such as his tier; an empty value forgets it.

    Args:
        session: to write in.
        person: who.
        name: by which it is known.
        value: what.
        at: the time.
        source: who says so, if not somebody here.

    """
    ids, name, value = group(session, person), text.line(name, 40).lower(), text.line(value, 1_000)
    root, was = ids[0], attributes(session, ids).get(name, "")
    if value != was:
        hooks.changed(session, root, attributes={name: value})
    if not value:
        session.execute(delete(Attribute).where(among(Attribute.person_id, ids), Attribute.name == name))
        return
    dialect = session.get_bind().dialect.name
    insert = postgresql.insert(Attribute) if dialect == "postgresql" else sqlite.insert(Attribute)
    values = {"value": value, "set_at": at, "source": source}
    row = insert.values(person_id=root, name=name, **values)
    session.execute(row.on_conflict_do_update(index_elements=["person_id", "name"], set_=values))


def agree(session: Session, person: int, agreed: Agreed) -> None:
    """Note that a person agreed to something, or took it back."""
    root = root_of(session, person)
    said = {
        "medium": text.line(agreed.medium, 20),
        "purpose": text.line(agreed.purpose, 40),
        "given": agreed.given,
        "at": agreed.at,
        "how": text.line(agreed.how, 1_000),
    }
    if insert_new(session, Consent, person_id=root, **said) is not None:
        hooks.changed(session, root, consents=[said])
