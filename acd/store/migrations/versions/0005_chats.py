"""Chats: visitors' talks, the contacts in them, the numbers of their lines."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
PLAIN = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _column(name: str, kind: object = sa.Text, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, kind, nullable=nullable)  # type: ignore[arg-type]


def _key(table: str) -> list[sa.schema.SchemaItem]:
    return [_column("id", KEY), sa.PrimaryKeyConstraint("id", name=f"pk_{table}")]


def _owner(table: str, column: str, other: str) -> list[sa.schema.SchemaItem]:
    key = sa.ForeignKeyConstraint([column], [f"{other}.id"], name=f"fk_{table}_{column}", ondelete="CASCADE")
    return [_column(column, KEY), key]


def _index(table: str, column: str) -> None:
    op.create_index(f"ix_{table}_{column}", table, [column])


def upgrade() -> None:
    """Make the tables."""
    number = sa.BigInteger
    op.create_table(
        "chats",
        *_key("chats"),
        *(_column(name, PLAIN) for name in ("token", "section")),
        _column("person_id", KEY, nullable=True),
        _column("is_own", sa.Boolean),
        *(_column(name) for name in ("name", "address", "language")),
        *(_column(name, number) for name in ("last", "shown", "seen", "made_at", "heard_at")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_chats_person_id"),
        sa.UniqueConstraint("token", name="uq_chats_token"),
    )
    _index("chats", "person_id")
    _index("chats", "heard_at")
    op.create_table(
        "chat_contacts",
        *_key("chat_contacts"),
        _column("call", PLAIN),
        *_owner("chat_contacts", "chat_id", "chats"),
        *_owner("chat_contacts", "interaction_id", "interactions"),
        _column("at", number),
        _column("closed_at", number, nullable=True),
        *(_column(name) for name in ("closed_by", "code")),
        sa.UniqueConstraint("call", name="uq_chat_contacts_call"),
    )
    for column in ("chat_id", "interaction_id", "closed_at"):
        _index("chat_contacts", column)
    op.create_table(
        "chat_lines",
        *_key("chat_lines"),
        *_owner("chat_lines", "chat_id", "chats"),
        _column("seq", number),
        _column("name", PLAIN),
        *_owner("chat_lines", "message_id", "messages"),
        sa.UniqueConstraint("chat_id", "seq", name="uq_chat_lines_chat_id_seq"),
        sa.UniqueConstraint("chat_id", "name", name="uq_chat_lines_chat_id_name"),
    )
    _index("chat_lines", "message_id")
