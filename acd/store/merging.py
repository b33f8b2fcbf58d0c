"""Duplicates: two people who are one, and the undoing of that.

Nothing is moved: the duplicate's row says who he is now, and questions are asked of both (`people.group`). Undone, all
that belonged to the duplicate is his again, whatever was merged into him before included. What was added while they
were one was added to the survivor, and stays with him; what was taken away, such as a number, stays away.
"""

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from acd.store import StoreError, hooks, text
from acd.store.people import UnknownPersonError
from acd.store.rows import among
from acd.store.schema import Person


def merge(session: Session, duplicate: int, survivor: int, at: int, by: str = "") -> None:
    """Make a duplicate and a survivor one.

    Raises:
        StoreError: one of them does not exist, or is merged into somebody; or they are one already.

    """
    for person in (duplicate, survivor):
        row = _locked(session, person)
        if row.merged_into is not None:
            raise StoreError(f"customer {person} is merged into {row.merged_into} already")
    if duplicate == survivor:
        raise StoreError(f"customer {duplicate} cannot be merged into himself")
    row = _locked(session, duplicate)
    row.merged_into, row.merged_at, row.merged_by = survivor, at, text.line(by)
    session.flush()
    session.execute(update(Person).where(Person.root == duplicate).values(root=survivor))
    hooks.changed(session, survivor, merged=[duplicate])


def unmerge(session: Session, person: int) -> int:
    """Make one who was merged somebody of his own again; gives whom he was merged into.

    Raises:
        StoreError: he does not exist, or is not merged.

    """
    row = _locked(session, person)
    survivor = row.merged_into
    if survivor is None:
        raise StoreError(f"customer {person} is not merged into anybody")
    row.merged_into, row.merged_at, row.merged_by = None, None, ""
    session.flush()
    session.execute(update(Person).where(among(Person.id, _under(session, person))).values(root=person))
    hooks.changed(session, survivor, unmerged=[person])
    return survivor


def _locked(session: Session, person: int) -> Person:
    row = session.scalar(select(Person).where(Person.id == person).with_for_update())
    if row is None:
        raise UnknownPersonError(person)
    return row


def _under(session: Session, person: int) -> list[int]:
    """Return a person and all who were merged into him, by whatever steps."""
    found, newest = [person], [person]
    while newest:
        newest = list(session.scalars(select(Person.id).where(among(Person.merged_into, newest))))
        found += newest
    return found
