"""Chats with who has an address: our lines that are sent to it."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "chat_out",
        sa.Column("id", KEY, nullable=False),
        sa.Column("line_id", KEY, nullable=False),
        sa.Column("waits", sa.Boolean, nullable=False),
        sa.Column("said", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_chat_out"),
        sa.ForeignKeyConstraint(["line_id"], ["chat_lines.id"], name="fk_chat_out_line_id", ondelete="CASCADE"),
        sa.UniqueConstraint("line_id", name="uq_chat_out_line_id"),
    )
    op.create_index("ix_chat_out_waits", "chat_out", ["waits"])
