"""What people wrote at the source of a listing, and which of its changes was refused.

Revision ID: 0004
Revises: 0003
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Go up."""
    with op.batch_alter_table("opportunity", schema=None) as batch_op:
        batch_op.add_column(sa.Column("origin_text", sa.JSON(none_as_null=True), nullable=True))
    # In plain SQL, which both engines know: SQLite would else copy the table to add a CHECK.
    op.execute(
        "ALTER TABLE opportunity ADD COLUMN refused_digest VARCHAR(32) "
        "CONSTRAINT ck_opportunity_refused_digest_length CHECK (length(refused_digest) <= 32)"
    )


def downgrade() -> None:
    """Go back down."""
    with op.batch_alter_table("opportunity", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_opportunity_refused_digest_length"), type_="check")
        batch_op.drop_column("refused_digest")
        batch_op.drop_column("origin_text")
