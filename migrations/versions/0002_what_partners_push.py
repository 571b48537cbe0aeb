"""what partners push

Revision ID: 0002
Revises: 0001
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Go up."""
    with op.batch_alter_table("batch", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "format",
                sa.Enum(
                    "json",
                    "ndjson",
                    "csv",
                    "xlsx",
                    name="format",
                    native_enum=False,
                    create_constraint=True,
                ),
                nullable=False,
                server_default="json",
            )
        )
        batch_op.add_column(
            sa.Column(
                "mode",
                sa.Enum(
                    "upsert", "replace", name="mode", native_enum=False, create_constraint=True
                ),
                nullable=False,
                server_default="upsert",
            )
        )
        batch_op.add_column(sa.Column("notes", sa.JSON(), nullable=False, server_default="[]"))
        batch_op.add_column(sa.Column("columns", sa.JSON(), nullable=False, server_default="[]"))

    with op.batch_alter_table("batch_item", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("left_out", sa.Boolean(), nullable=False, server_default=sa.false())
        )
        batch_op.add_column(
            sa.Column("attention", sa.Boolean(), nullable=False, server_default=sa.false())
        )
        batch_op.add_column(sa.Column("line", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("warnings", sa.JSON(), nullable=False, server_default="[]"))
        batch_op.add_column(
            sa.Column("corrections", sa.JSON(), nullable=False, server_default="{}")
        )
        batch_op.add_column(sa.Column("cells", sa.JSON(none_as_null=True), nullable=True))

    with op.batch_alter_table("source", schema=None) as batch_op:
        batch_op.add_column(sa.Column("mapping", sa.JSON(), nullable=False, server_default="{}"))


def downgrade() -> None:
    """Go back down."""
    with op.batch_alter_table("source", schema=None) as batch_op:
        batch_op.drop_column("mapping")

    with op.batch_alter_table("batch_item", schema=None) as batch_op:
        batch_op.drop_column("cells")
        batch_op.drop_column("corrections")
        batch_op.drop_column("warnings")
        batch_op.drop_column("line")
        batch_op.drop_column("attention")
        batch_op.drop_column("left_out")

    with op.batch_alter_table("batch", schema=None) as batch_op:
        batch_op.drop_constraint("format", type_="check")
        batch_op.drop_constraint("mode", type_="check")
        batch_op.drop_column("columns")
        batch_op.drop_column("notes")
        batch_op.drop_column("mode")
        batch_op.drop_column("format")
