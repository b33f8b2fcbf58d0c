"""Short messages: those that came in, as work, those that go out, and what is on its way."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
PLAIN = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _column(name: str, kind: object = sa.Text, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, kind, nullable=nullable)  # type: ignore[arg-type]


def _key(table: str) -> list[sa.schema.SchemaItem]:
    return [_column("id", KEY), sa.PrimaryKeyConstraint("id", name=f"pk_{table}")]


def _owner(table: str, column: str, other: str) -> list[sa.schema.SchemaItem]:
    key = sa.ForeignKeyConstraint([column], [f"{other}.id"], name=f"fk_{table}_{column}", ondelete="CASCADE")
    return [_column(column, KEY), key]


def _index(table: str, *columns: str) -> None:
    op.create_index(f"ix_{table}_{'_'.join(columns)}", table, list(columns))


def upgrade() -> None:
    """Make the tables."""
    _in()
    _out()


def _in() -> None:
    number = sa.BigInteger
    op.create_table(
        "sms_talks",
        *_key("sms_talks"),
        _column("call", PLAIN),
        *_owner("sms_talks", "interaction_id", "interactions"),
        *(_column(name, PLAIN) for name in ("gate", "own", "theirs")),
        _column("shown", number),
        _column("marks"),
        _column("at", number),
        _column("closed_at", number, nullable=True),
        _column("closed_by"),
        _column("code"),
        sa.UniqueConstraint("call", name="uq_sms_talks_call"),
    )
    _index("sms_talks", "own", "theirs")
    _index("sms_talks", "interaction_id")
    _index("sms_talks", "closed_at")
    op.create_table(
        "sms_arrivals",
        *_key("sms_arrivals"),
        _column("digest", PLAIN),
        _column("session", PLAIN),
        _column("at", number),
    )
    _index("sms_arrivals", "digest")
    _index("sms_arrivals", "at")
    place = ("gate", "own", "theirs", "ref", "total", "number")
    op.create_table(
        "sms_parts",
        *_key("sms_parts"),
        *(_column(name, PLAIN) for name in place[:3]),
        *(_column(name, number) for name in place[3:]),
        _column("body"),
        _column("is_sure", sa.Boolean),
        _column("at", number),
        sa.UniqueConstraint(*place, name=f"uq_sms_parts_{'_'.join(place)}"),
    )
    _index("sms_parts", "theirs")


def _out() -> None:
    number = sa.BigInteger
    op.create_table(
        "sms_out",
        *_key("sms_out"),
        *_owner("sms_out", "message_id", "messages"),
        *(_column(name, PLAIN) for name in ("call", "gate", "own", "theirs")),
        _column("body"),
        _column("is_notice", sa.Boolean),
        _column("made_at", number),
        _column("due_at", number, nullable=True),
        _column("tries", number),
        _column("sent_at", number, nullable=True),
        _column("said"),
    )
    for column in ("message_id", "gate", "theirs", "due_at"):
        _index("sms_out", column)
    op.create_table(
        "sms_out_parts",
        *_key("sms_out_parts"),
        *_owner("sms_out_parts", "out_id", "sms_out"),
        _column("number", number),
        _column("state"),
        _column("doubts", number),
        _column("name", PLAIN),
        sa.UniqueConstraint("out_id", "number", name="uq_sms_out_parts_out_id_number"),
    )
    _index("sms_out_parts", "name")
    op.create_table(
        "sms_receipts",
        *_key("sms_receipts"),
        _column("gate", PLAIN),
        _column("name", PLAIN),
        _column("state"),
        _column("said"),
        _column("at", number),
    )
    _index("sms_receipts", "name")
    _index("sms_receipts", "at")
