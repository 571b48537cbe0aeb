"""Pairs of listings that may be one, and listings merged into another.

Revision ID: 0003
Revises: 0002
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Go up."""
    op.create_table(
        "opportunity_match",
        sa.Column("pk", sa.Integer(), nullable=False),
        sa.Column("one_pk", sa.Integer(), nullable=False),
        sa.Column("other_pk", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "duplicate", "series", name="matchkind", native_enum=False, create_constraint=True
            ),
            nullable=False,
        ),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "proposed",
                "confirmed",
                "refused",
                name="matchstatus",
                native_enum=False,
                create_constraint=True,
            ),
            nullable=False,
        ),
        sa.Column("decided_by", sa.String(length=16), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "length(decided_by) <= 16", name=op.f("ck_opportunity_match_decided_by_length")
        ),
        sa.CheckConstraint("one_pk < other_pk", name=op.f("ck_opportunity_match_in_order")),
        sa.ForeignKeyConstraint(
            ["one_pk"], ["opportunity.pk"], name=op.f("fk_opportunity_match_one_pk")
        ),
        sa.ForeignKeyConstraint(
            ["other_pk"], ["opportunity.pk"], name=op.f("fk_opportunity_match_other_pk")
        ),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_opportunity_match")),
        sa.UniqueConstraint(
            "one_pk", "other_pk", name=op.f("uq_opportunity_match_one_pk_other_pk")
        ),
    )
    with op.batch_alter_table("opportunity_match", schema=None) as batch_op:
        batch_op.create_index(
            "ix_opportunity_match_listed", ["status", "score", "pk"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_opportunity_match_other_pk"), ["other_pk"], unique=False
        )

    op.create_table(
        "opportunity_match_key",
        sa.Column("key", sa.BigInteger(), nullable=False),
        sa.Column("opportunity_pk", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["opportunity_pk"],
            ["opportunity.pk"],
            name=op.f("fk_opportunity_match_key_opportunity_pk"),
        ),
        sa.PrimaryKeyConstraint("key", "opportunity_pk", name=op.f("pk_opportunity_match_key")),
    )
    with op.batch_alter_table("opportunity_match_key", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_opportunity_match_key_opportunity_pk"), ["opportunity_pk"], unique=False
        )

    # As one statement, which SQLite can do without making the table anew.
    op.execute(
        "ALTER TABLE opportunity ADD COLUMN merged_into_pk INTEGER "
        "CONSTRAINT fk_opportunity_merged_into_pk REFERENCES opportunity (pk)"
    )
    with op.batch_alter_table("opportunity", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("unmatched", sa.Boolean(), server_default=sa.true(), nullable=False)
        )
        batch_op.add_column(sa.Column("merged_version", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("gaps", sa.JSON(none_as_null=True), nullable=True))
        batch_op.create_index(
            "ix_opportunity_merged_into_pk",
            ["merged_into_pk"],
            unique=False,
            sqlite_where=sa.text("merged_into_pk IS NOT NULL"),
            postgresql_where=sa.text("merged_into_pk IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_opportunity_unmatched",
            ["pk"],
            unique=False,
            sqlite_where=sa.text("unmatched = 1"),
            postgresql_where=sa.text("unmatched"),
        )


def downgrade() -> None:
    """Go back down."""
    with op.batch_alter_table("opportunity", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_opportunity_unmatched",
            sqlite_where=sa.text("unmatched = 1"),
            postgresql_where=sa.text("unmatched"),
        )
        batch_op.drop_index(
            "ix_opportunity_merged_into_pk",
            sqlite_where=sa.text("merged_into_pk IS NOT NULL"),
            postgresql_where=sa.text("merged_into_pk IS NOT NULL"),
        )
        batch_op.drop_column("gaps")
        batch_op.drop_column("merged_version")
        batch_op.drop_column("unmatched")
    # SQLite drops no column that refers to a table: it is made anew without it.
    sqlite = op.get_bind().dialect.name == "sqlite"
    with op.batch_alter_table("opportunity", recreate="always" if sqlite else "never") as batch_op:
        batch_op.drop_column("merged_into_pk")

    with op.batch_alter_table("opportunity_match_key", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_opportunity_match_key_opportunity_pk"))

    op.drop_table("opportunity_match_key")
    with op.batch_alter_table("opportunity_match", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_opportunity_match_other_pk"))
        batch_op.drop_index("ix_opportunity_match_listed")

    op.drop_table("opportunity_match")
