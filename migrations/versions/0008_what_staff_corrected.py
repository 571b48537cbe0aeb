"""What staff corrected, to be found at once.

Revision ID: 0008
Revises: 0007
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Go up."""
    with op.batch_alter_table("opportunity", schema=None) as batch_op:
        batch_op.create_index(
            "ix_opportunity_corrected",
            ["source_pk", "status", "updated_at"],
            unique=False,
            sqlite_where=sa.text("CAST(overrides AS TEXT) != '{}'"),
            postgresql_where=sa.text("CAST(overrides AS TEXT) != '{}'"),
        )


def downgrade() -> None:
    """Go back down."""
    with op.batch_alter_table("opportunity", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_opportunity_corrected",
            sqlite_where=sa.text("CAST(overrides AS TEXT) != '{}'"),
            postgresql_where=sa.text("CAST(overrides AS TEXT) != '{}'"),
        )
