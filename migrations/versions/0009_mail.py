"""Mail: what a delivery is about, the order in which some are sent, and those that are dead.

Revision ID: 0009
Revises: 0008
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

WAITING = sa.text("delivered_at IS NULL AND abandoned_at IS NULL")
DEAD = sa.text("abandoned_at IS NOT NULL")


def upgrade() -> None:
    """Go up."""
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.add_column(sa.Column("about", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("sequence_key", sa.String(length=64), nullable=True))
        batch_op.create_check_constraint(
            batch_op.f("ck_delivery_sequence_key_length"), "length(sequence_key) <= 64"
        )
        batch_op.create_index(batch_op.f("ix_delivery_about"), ["about"], unique=False)
        batch_op.create_index(
            "ix_delivery_sequence",
            ["sequence_key", "pk"],
            unique=False,
            sqlite_where=WAITING,
            postgresql_where=WAITING,
        )
        batch_op.create_index(
            "ix_delivery_dead",
            ["abandoned_at"],
            unique=False,
            sqlite_where=DEAD,
            postgresql_where=DEAD,
        )


def downgrade() -> None:
    """Go back down."""
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.drop_index("ix_delivery_dead", sqlite_where=DEAD, postgresql_where=DEAD)
        batch_op.drop_index("ix_delivery_sequence", sqlite_where=WAITING, postgresql_where=WAITING)
        batch_op.drop_index(batch_op.f("ix_delivery_about"))
        batch_op.drop_constraint(batch_op.f("ck_delivery_sequence_key_length"), type_="check")
        batch_op.drop_column("sequence_key")
        batch_op.drop_column("about")
