"""Appointments, and what is said because of them."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
PLAIN = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "appointments",
        sa.Column("id", KEY, nullable=False),
        sa.Column("uid", PLAIN, nullable=False),
        sa.Column("kind", PLAIN, nullable=False),
        sa.Column("person_id", KEY, nullable=False),
        sa.Column("case_id", KEY, nullable=True),
        sa.Column("starts_at", sa.BigInteger, nullable=False),
        sa.Column("length_ms", sa.BigInteger, nullable=False),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("host_address", sa.Text, nullable=False),
        sa.Column("host_number", sa.Text, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("made_by", sa.Text, nullable=False),
        sa.Column("cancelled_at", sa.BigInteger, nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_appointments_person_id"),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_appointments_case_id"),
        sa.PrimaryKeyConstraint("id", name="pk_appointments"),
        sa.UniqueConstraint("uid", name="uq_appointments_uid"),
    )
    for column in ("person_id", "starts_at"):
        op.create_index(f"ix_appointments_{column}", "appointments", [column])
    op.create_table(
        "errands",
        sa.Column("id", KEY, nullable=False),
        sa.Column("appointment_id", KEY, nullable=False),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("name", PLAIN, nullable=False),
        sa.Column("to", sa.Text, nullable=False),
        sa.Column("medium", sa.Text, nullable=False),
        sa.Column("says", sa.Text, nullable=False),
        sa.Column("calendar", sa.Text, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=True),
        sa.Column("done_at", sa.BigInteger, nullable=True),
        sa.Column("said", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(
            ["appointment_id"], ["appointments.id"], name="fk_errands_appointment_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_errands"),
        sa.UniqueConstraint("appointment_id", "sequence", "name", name="uq_errands_appointment_id_sequence_name"),
    )
    op.create_index("ix_errands_due_at", "errands", ["due_at"])
