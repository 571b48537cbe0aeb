"""School terms: the days on which schools are open.

Revision ID: 0007
Revises: 0006
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Go up."""
    op.create_table(
        "school_term",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("source", sa.String(length=300), nullable=True),
        sa.Column("pk", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("authority_pk", sa.Integer(), nullable=True),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.CheckConstraint("ends_on >= starts_on", name=op.f("ck_school_term_in_order")),
        sa.CheckConstraint("length(name) <= 80", name=op.f("ck_school_term_name_length")),
        sa.CheckConstraint("length(source) <= 300", name=op.f("ck_school_term_source_length")),
        sa.ForeignKeyConstraint(
            ["authority_pk"], ["authority.pk"], name=op.f("fk_school_term_authority_pk")
        ),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_school_term")),
        sa.UniqueConstraint("id", name=op.f("uq_school_term_id")),
    )
    with op.batch_alter_table("school_term", schema=None) as batch_op:
        batch_op.create_index(
            "ix_school_term_authority", ["authority_pk", "starts_on"], unique=False
        )
    op.execute("INSERT INTO counter (name, value) VALUES ('school_terms', 0)")


def downgrade() -> None:
    """Go back down."""
    op.execute("DELETE FROM counter WHERE name = 'school_terms'")
    with op.batch_alter_table("school_term", schema=None) as batch_op:
        batch_op.drop_index("ix_school_term_authority")

    op.drop_table("school_term")
