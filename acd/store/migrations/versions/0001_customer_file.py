"""The first form: everything."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
PLAIN = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make all tables."""
    _people()
    _known_of_them()
    _contacts()
    _what_was_written()


def _people() -> None:
    op.create_table(
        "people",
        sa.Column("id", KEY, nullable=False),
        sa.Column("root", KEY, nullable=True),
        sa.Column("merged_into", KEY, nullable=True),
        sa.Column("merged_at", sa.BigInteger, nullable=True),
        sa.Column("merged_by", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("name_key", PLAIN, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["merged_into"], ["people.id"], name="fk_people_merged_into"),
        sa.ForeignKeyConstraint(["root"], ["people.id"], name="fk_people_root"),
        sa.PrimaryKeyConstraint("id", name="pk_people"),
    )
    op.create_index("ix_people_merged_into", "people", ["merged_into"])
    op.create_index("ix_people_name_key", "people", ["name_key"])
    op.create_index("ix_people_root", "people", ["root"])
    op.create_table(
        "handles",
        sa.Column("id", KEY, nullable=False),
        sa.Column("person_id", KEY, nullable=False),
        sa.Column("kind", PLAIN, nullable=False),
        sa.Column("value", PLAIN, nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_handles_person_id"),
        sa.PrimaryKeyConstraint("id", name="pk_handles"),
        sa.UniqueConstraint("kind", "value", name="uq_handles_kind_value"),
    )
    op.create_index("ix_handles_person_id", "handles", ["person_id"])


def _known_of_them() -> None:
    op.create_table(
        "attributes",
        sa.Column("person_id", KEY, nullable=False),
        sa.Column("name", PLAIN, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("set_at", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_attributes_person_id"),
        sa.PrimaryKeyConstraint("person_id", "name", name="pk_attributes"),
    )
    op.create_table(
        "consents",
        sa.Column("id", KEY, nullable=False),
        sa.Column("person_id", KEY, nullable=False),
        sa.Column("medium", PLAIN, nullable=False),
        sa.Column("purpose", PLAIN, nullable=False),
        sa.Column("given", sa.Boolean, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("how", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_consents_person_id"),
        sa.PrimaryKeyConstraint("id", name="pk_consents"),
        sa.UniqueConstraint("person_id", "medium", "purpose", "at", name="uq_consents_person_id_medium_purpose_at"),
    )


def _contacts() -> None:
    op.create_table(
        "cases",
        sa.Column("id", KEY, nullable=False),
        sa.Column("person_id", KEY, nullable=True),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("opened_at", sa.BigInteger, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.Column("closed_at", sa.BigInteger, nullable=True),
        sa.Column("closed_by", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_cases_person_id"),
        sa.PrimaryKeyConstraint("id", name="pk_cases"),
    )
    op.create_index("ix_cases_person_id_changed_at", "cases", ["person_id", "changed_at"])
    op.create_table(
        "interactions",
        sa.Column("id", KEY, nullable=False),
        sa.Column("key", PLAIN, nullable=False),
        sa.Column("person_id", KEY, nullable=True),
        sa.Column("case_id", KEY, nullable=True),
        sa.Column("medium", PLAIN, nullable=False),
        sa.Column("direction", sa.Text, nullable=False),
        sa.Column("call", PLAIN, nullable=False),
        sa.Column("thread", PLAIN, nullable=False),
        sa.Column("queue", sa.Text, nullable=False),
        sa.Column("seat", PLAIN, nullable=False),
        sa.Column("agent", sa.Text, nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("answered_at", sa.BigInteger, nullable=True),
        sa.Column("ended_at", sa.BigInteger, nullable=True),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("summary", sa.Text, nullable=False),
        sa.Column("told_at", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name="fk_interactions_case_id"),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_interactions_person_id"),
        sa.PrimaryKeyConstraint("id", name="pk_interactions"),
        sa.UniqueConstraint("key", name="uq_interactions_key"),
    )
    op.create_index("ix_interactions_call", "interactions", ["call"])
    op.create_index("ix_interactions_case_id", "interactions", ["case_id"])
    op.create_index("ix_interactions_medium_started_at", "interactions", ["medium", "started_at"])
    op.create_index("ix_interactions_person_id_started_at", "interactions", ["person_id", "started_at"])
    op.create_index("ix_interactions_seat_answered_at", "interactions", ["seat", "answered_at"])


def _what_was_written() -> None:
    op.create_table(
        "messages",
        sa.Column("id", KEY, nullable=False),
        sa.Column("interaction_id", KEY, nullable=False),
        sa.Column("ref", PLAIN, nullable=False),
        sa.Column("direction", sa.Text, nullable=False),
        sa.Column("sender", sa.Text, nullable=False),
        sa.Column("recipient", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=True),
        sa.Column("html", sa.Text, nullable=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["interaction_id"], ["interactions.id"], name="fk_messages_interaction_id"),
        sa.PrimaryKeyConstraint("id", name="pk_messages"),
        sa.UniqueConstraint("ref", name="uq_messages_ref"),
    )
    op.create_index("ix_messages_interaction_id", "messages", ["interaction_id"])
    op.create_table(
        "attachments",
        sa.Column("id", KEY, nullable=False),
        sa.Column("message_id", KEY, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("content_type", sa.Text, nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("hash", PLAIN, nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=True),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name="fk_attachments_message_id"),
        sa.PrimaryKeyConstraint("id", name="pk_attachments"),
    )
    op.create_index("ix_attachments_hash", "attachments", ["hash"])
    op.create_index("ix_attachments_message_id", "attachments", ["message_id"])
    op.create_table(
        "notes",
        sa.Column("id", KEY, nullable=False),
        sa.Column("person_id", KEY, nullable=False),
        sa.Column("interaction_id", KEY, nullable=True),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["interaction_id"], ["interactions.id"], name="fk_notes_interaction_id"),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_notes_person_id"),
        sa.PrimaryKeyConstraint("id", name="pk_notes"),
    )
    op.create_index("ix_notes_interaction_id", "notes", ["interaction_id"])
    op.create_index("ix_notes_person_id_at", "notes", ["person_id", "at"])
    op.create_table(
        "progress",
        sa.Column("source", PLAIN, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("source", name="pk_progress"),
    )
