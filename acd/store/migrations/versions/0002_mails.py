"""E-mails: those that came in, as work, and those that go out."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
PLAIN = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "mails",
        sa.Column("id", KEY, nullable=False),
        sa.Column("call", PLAIN, nullable=False),
        sa.Column("message_id", KEY, nullable=False),
        sa.Column("mailbox", PLAIN, nullable=False),
        sa.Column("name", PLAIN, nullable=False),
        sa.Column("sender", sa.Text, nullable=False),
        sa.Column("raw", PLAIN, nullable=False),
        sa.Column("fault", sa.Text, nullable=False),
        sa.Column("marks", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("closed_at", sa.BigInteger, nullable=True),
        sa.Column("closed_by", sa.Text, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name="fk_mails_message_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_mails"),
        sa.UniqueConstraint("call", name="uq_mails_call"),
    )
    for column in ("message_id", "name", "closed_at"):
        op.create_index(f"ix_mails_{column}", "mails", [column])
    op.create_table(
        "outbox",
        sa.Column("id", KEY, nullable=False),
        sa.Column("message_id", KEY, nullable=False),
        sa.Column("call", PLAIN, nullable=False),
        sa.Column("mailbox", PLAIN, nullable=False),
        sa.Column("sender", sa.Text, nullable=False),
        sa.Column("recipient", PLAIN, nullable=False),
        sa.Column("needs_smtputf8", sa.Boolean, nullable=False),
        sa.Column("raw", PLAIN, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=True),
        sa.Column("tries", sa.BigInteger, nullable=False),
        sa.Column("sent_at", sa.BigInteger, nullable=True),
        sa.Column("said", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name="fk_outbox_message_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
    )
    for column in ("message_id", "recipient", "due_at"):
        op.create_index(f"ix_outbox_{column}", "outbox", [column])
