"""What all questions to the tables need."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import InstrumentedAttribute, Session

from acd.store.schema import Base


def insert_new(session: Session, table: type[Base], **values: Any) -> int | None:
    """Insert a row unless its like is there; gives its id, or None."""
    dialect = session.get_bind().dialect.name
    insert = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
    made: Insert = insert.values(**values).on_conflict_do_nothing()
    return session.scalar(made.returning(table.id))  # type: ignore[attr-defined]  # all but two tables have one


def among(column: InstrumentedAttribute[Any], ids: Sequence[int]) -> ColumnElement[bool]:
    """Say that a column is one of these; of a single one so that an index gives its rows in order."""
    return column == ids[0] if len(ids) == 1 else column.in_(ids)
