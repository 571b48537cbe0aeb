"""Webhooks, their messages, and the attempts to deliver them.

Revision ID: 0010
Revises: 0009
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Go up."""
    op.create_table(
        "webhook",
        sa.Column("pk", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("key_pk", sa.Integer(), nullable=False),
        sa.Column("family", sa.Uuid(), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "publisher",
                "coordinator",
                "staff",
                "admin",
                name="keyrole",
                native_enum=False,
                create_constraint=True,
            ),
            nullable=False,
        ),
        sa.Column("organisation_pk", sa.Integer(), nullable=True),
        sa.Column("url", sa.String(length=2000), nullable=False),
        sa.Column("description", sa.String(length=200), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("events", sa.JSON(), nullable=False),
        sa.Column("secret", sa.String(length=100), nullable=False),
        sa.Column("earlier_secret", sa.String(length=100), nullable=True),
        sa.Column("earlier_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "stopped",
            sa.Enum(
                "owner",
                "gone",
                "failing",
                "key",
                name="stopped",
                native_enum=False,
                create_constraint=True,
            ),
            nullable=True,
        ),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("follows", sa.Boolean(), nullable=False),
        sa.Column("told_to", sa.BigInteger(), nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("paused_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("succeeded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("served_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("locked_by", sa.String(length=40), nullable=True),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "length(description) <= 200", name=op.f("ck_webhook_description_length")
        ),
        sa.CheckConstraint(
            "length(earlier_secret) <= 100", name=op.f("ck_webhook_earlier_secret_length")
        ),
        sa.CheckConstraint("length(email) <= 254", name=op.f("ck_webhook_email_length")),
        sa.CheckConstraint("length(locked_by) <= 40", name=op.f("ck_webhook_locked_by_length")),
        sa.CheckConstraint("length(secret) <= 100", name=op.f("ck_webhook_secret_length")),
        sa.CheckConstraint("length(url) <= 2000", name=op.f("ck_webhook_url_length")),
        sa.ForeignKeyConstraint(["key_pk"], ["api_key.pk"], name=op.f("fk_webhook_key_pk")),
        sa.ForeignKeyConstraint(
            ["organisation_pk"], ["organisation.pk"], name=op.f("fk_webhook_organisation_pk")
        ),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_webhook")),
        sa.UniqueConstraint("id", name=op.f("uq_webhook_id")),
    )
    with op.batch_alter_table("webhook", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_webhook_family"), ["family"], unique=False)
        batch_op.create_index(batch_op.f("ix_webhook_key_pk"), ["key_pk"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_webhook_organisation_pk"), ["organisation_pk"], unique=False
        )

    op.create_table(
        "webhook_message",
        sa.Column("pk", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("webhook_pk", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(length=60), nullable=False),
        sa.Column("data", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("run_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("after", sa.BigInteger(), nullable=True),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.Column("new_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent", sa.Integer(), nullable=False),
        sa.CheckConstraint("length(type) <= 60", name=op.f("ck_webhook_message_type_length")),
        sa.ForeignKeyConstraint(
            ["webhook_pk"], ["webhook.pk"], name=op.f("fk_webhook_message_webhook_pk")
        ),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_webhook_message")),
        sa.UniqueConstraint("id", name=op.f("uq_webhook_message_id")),
    )
    with op.batch_alter_table("webhook_message", schema=None) as batch_op:
        batch_op.create_index("ix_webhook_message_created_at", ["created_at"], unique=False)
        batch_op.create_index(
            "ix_webhook_message_waiting",
            ["webhook_pk", "run_at"],
            unique=False,
            sqlite_where=sa.text("delivered_at IS NULL AND failed_at IS NULL"),
            postgresql_where=sa.text("delivered_at IS NULL AND failed_at IS NULL"),
        )
        batch_op.create_index("ix_webhook_message_webhook", ["webhook_pk", "pk"], unique=False)

    op.create_table(
        "webhook_attempt",
        sa.Column("pk", sa.Integer(), nullable=False),
        sa.Column("message_pk", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("webhook_id", sa.String(length=40), nullable=False),
        sa.Column("status_code", sa.Integer(), nullable=True),
        sa.Column("duration_ms", sa.Integer(), nullable=False),
        sa.Column("sent", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(length=300), nullable=True),
        sa.CheckConstraint("length(error) <= 300", name=op.f("ck_webhook_attempt_error_length")),
        sa.CheckConstraint(
            "length(webhook_id) <= 40", name=op.f("ck_webhook_attempt_webhook_id_length")
        ),
        sa.ForeignKeyConstraint(
            ["message_pk"], ["webhook_message.pk"], name=op.f("fk_webhook_attempt_message_pk")
        ),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_webhook_attempt")),
    )
    with op.batch_alter_table("webhook_attempt", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_webhook_attempt_message_pk"), ["message_pk"], unique=False
        )


def downgrade() -> None:
    """Go back down."""
    with op.batch_alter_table("webhook_attempt", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_webhook_attempt_message_pk"))

    op.drop_table("webhook_attempt")
    with op.batch_alter_table("webhook_message", schema=None) as batch_op:
        batch_op.drop_index("ix_webhook_message_webhook")
        batch_op.drop_index(
            "ix_webhook_message_waiting",
            sqlite_where=sa.text("delivered_at IS NULL AND failed_at IS NULL"),
            postgresql_where=sa.text("delivered_at IS NULL AND failed_at IS NULL"),
        )
        batch_op.drop_index("ix_webhook_message_created_at")

    op.drop_table("webhook_message")
    with op.batch_alter_table("webhook", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_webhook_organisation_pk"))
        batch_op.drop_index(batch_op.f("ix_webhook_key_pk"))
        batch_op.drop_index(batch_op.f("ix_webhook_family"))

    op.drop_table("webhook")
