"""Quality of listings, the state of sources, questions and allowances.

Revision ID: 0005
Revises: 0004
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Go up."""
    op.create_table(
        "source_quality",
        sa.Column("source_pk", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("listings", sa.Integer(), nullable=False),
        sa.Column("mean", sa.Float(), nullable=False),
        sa.Column("gaps", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["source_pk"], ["source.pk"], name=op.f("fk_source_quality_source_pk")
        ),
        sa.PrimaryKeyConstraint("source_pk", "day", name=op.f("pk_source_quality")),
    )
    with op.batch_alter_table("batch", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_batch_source_pk"))
        batch_op.create_index("ix_batch_caller", ["caller", "received_at"], unique=False)
        batch_op.create_index("ix_batch_source", ["source_pk", "received_at"], unique=False)

    with op.batch_alter_table("opportunity", schema=None) as batch_op:
        batch_op.add_column(sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(
            sa.Column("quality", sa.SmallInteger(), server_default="0", nullable=False)
        )
        batch_op.add_column(
            sa.Column("quality_gaps", sa.Integer(), server_default="0", nullable=False)
        )
        batch_op.add_column(
            sa.Column("quality_version", sa.SmallInteger(), server_default="0", nullable=False)
        )
        batch_op.create_index(
            "ix_opportunity_asked",
            ["pk"],
            unique=False,
            sqlite_where=sa.text("asked_at IS NOT NULL"),
            postgresql_where=sa.text("asked_at IS NOT NULL"),
        )
        batch_op.create_index("ix_opportunity_assessed", ["quality_version", "pk"], unique=False)
        batch_op.create_index(
            "ix_opportunity_endless",
            ["status", "pk"],
            unique=False,
            sqlite_where=sa.text("last_session_ends_at IS NULL"),
            postgresql_where=sa.text("last_session_ends_at IS NULL"),
        )
        batch_op.create_index(
            "ix_opportunity_pending",
            ["source_pk"],
            unique=False,
            sqlite_where=sa.text("pending IS NOT NULL"),
            postgresql_where=sa.text("pending IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_opportunity_source",
            ["source_pk", "status", "last_seen_at", "quality", "quality_gaps"],
            unique=False,
        )

    with op.batch_alter_table("source", schema=None) as batch_op:
        batch_op.add_column(sa.Column("max_listings", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("pushes_per_hour", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("push_arrival_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Go back down."""
    with op.batch_alter_table("source", schema=None) as batch_op:
        batch_op.drop_column("push_arrival_at")
        batch_op.drop_column("pushes_per_hour")
        batch_op.drop_column("max_listings")

    with op.batch_alter_table("opportunity", schema=None) as batch_op:
        batch_op.drop_index("ix_opportunity_source")
        batch_op.drop_index(
            "ix_opportunity_pending",
            sqlite_where=sa.text("pending IS NOT NULL"),
            postgresql_where=sa.text("pending IS NOT NULL"),
        )
        batch_op.drop_index(
            "ix_opportunity_endless",
            sqlite_where=sa.text("last_session_ends_at IS NULL"),
            postgresql_where=sa.text("last_session_ends_at IS NULL"),
        )
        batch_op.drop_index("ix_opportunity_assessed")
        batch_op.drop_index(
            "ix_opportunity_asked",
            sqlite_where=sa.text("asked_at IS NOT NULL"),
            postgresql_where=sa.text("asked_at IS NOT NULL"),
        )
        batch_op.drop_column("quality_version")
        batch_op.drop_column("quality_gaps")
        batch_op.drop_column("quality")
        batch_op.drop_column("confirmed_at")
        batch_op.drop_column("asked_at")

    with op.batch_alter_table("batch", schema=None) as batch_op:
        batch_op.drop_index("ix_batch_source")
        batch_op.drop_index("ix_batch_caller")
        batch_op.create_index(batch_op.f("ix_batch_source_pk"), ["source_pk"], unique=False)

    op.drop_table("source_quality")
