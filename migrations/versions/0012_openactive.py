"""The items of the OpenActive feeds.

Listings that were public before are noted as unsorted: the job gives each its item. Until then
their sessions have no number, since only those that a feed tells of have one.

Revision ID: 0012
Revises: 0011
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

FEED = sa.Enum(
    "session_series",
    "event",
    "course_instance",
    "unsorted",
    name="feed",
    native_enum=False,
    create_constraint=True,
    length=15,
)


def upgrade() -> None:
    """Go up."""
    op.create_table(
        "openactive_item",
        sa.Column("opportunity_pk", sa.Integer(), nullable=False),
        sa.Column("feed", FEED, nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.Column("stale", sa.Boolean(), nullable=False),
        sa.Column("change_number", sa.BigInteger(), nullable=True),
        sa.Column("item", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["opportunity_pk"],
            ["opportunity.pk"],
            name=op.f("fk_openactive_item_opportunity_pk"),
        ),
        sa.PrimaryKeyConstraint("opportunity_pk", "feed", name=op.f("pk_openactive_item")),
    )
    with op.batch_alter_table("openactive_item", schema=None) as batch_op:
        batch_op.create_index("ix_openactive_item_feed", ["feed", "change_number"], unique=True)
        batch_op.create_index(
            "ix_openactive_item_stale",
            ["opportunity_pk"],
            unique=False,
            sqlite_where=sa.text("stale = 1"),
            postgresql_where=sa.text("stale"),
        )
    op.execute(
        "INSERT INTO openactive_item (opportunity_pk, feed, id, live, stale, change_number, item) "
        "SELECT pk, 'unsorted', id, status = 'published', 1 = 1, "
        "change_number, '' FROM opportunity WHERE change_number IS NOT NULL"
    )
    op.execute("UPDATE opportunity_session SET change_number = NULL")


def downgrade() -> None:
    """Go back down."""
    op.drop_table("openactive_item")
