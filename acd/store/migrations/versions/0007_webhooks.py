"""Webhooks with what waits to be told; who customers are elsewhere, and what was said of them there."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
PLAIN = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _column(name: str, kind: object = sa.Text, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, kind, nullable=nullable)  # type: ignore[arg-type]


def _key(table: str) -> list[sa.schema.SchemaItem]:
    return [_column("id", KEY), sa.PrimaryKeyConstraint("id", name=f"pk_{table}")]


def _of(
    table: str, column: str, other: str, *, nullable: bool = False, cascade: bool = True
) -> list[sa.schema.SchemaItem]:
    rule = "CASCADE" if cascade else None
    key = sa.ForeignKeyConstraint([column], [f"{other}.id"], name=f"fk_{table}_{column}", ondelete=rule)
    return [_column(column, KEY, nullable=nullable), key]


def upgrade() -> None:
    """Make the tables; what is known of people by a name says from now on who said it."""
    number = sa.BigInteger
    op.create_table(
        "webhooks",
        *_key("webhooks"),
        _column("name", PLAIN),
        *(_column(name) for name in ("events", "queues", "url", "stopped", "said")),
        *(_column(name, number) for name in ("since", "sent", "dropped")),
        *(_column(name, number, nullable=True) for name in ("sent_at", "failing_since")),
        sa.UniqueConstraint("name", name="uq_webhooks_name"),
    )
    op.create_table(
        "webhook_events",
        *_key("webhook_events"),
        _column("name", PLAIN),
        _column("body"),
        *_of("webhook_events", "person_id", "people", nullable=True, cascade=False),
        sa.UniqueConstraint("name", name="uq_webhook_events_name"),
    )
    op.create_index("ix_webhook_events_person_id", "webhook_events", ["person_id"])
    op.create_table(
        "webhook_deliveries",
        *_key("webhook_deliveries"),
        *_of("webhook_deliveries", "webhook_id", "webhooks"),
        *_of("webhook_deliveries", "event_id", "webhook_events"),
        _column("state", PLAIN),
        *(_column(name, number) for name in ("made_at", "due_at", "tries")),
        _column("said"),
    )
    op.create_index("ix_webhook_deliveries_event_id", "webhook_deliveries", ["event_id"])
    columns = ["webhook_id", "state", "id"]
    op.create_index("ix_webhook_deliveries_webhook_id_state_id", "webhook_deliveries", columns)
    op.create_table(
        "outside_people",
        *_key("outside_people"),
        *_of("outside_people", "person_id", "people", cascade=False),
        *(_column(name, PLAIN) for name in ("source", "external_id")),
        *(_column(name) for name in ("link", "name", "language")),
        _column("answered_at", number),
        sa.UniqueConstraint("person_id", "source", name="uq_outside_people_person_id_source"),
    )
    op.add_column("attributes", sa.Column("source", sa.Text, nullable=False, server_default=""))
