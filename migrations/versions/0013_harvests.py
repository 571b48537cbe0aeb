"""Sources whose listings are fetched, and what was found there.

Revision ID: 0013
Revises: 0012
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

PUSHED = ("push", "spreadsheet", "manual")
FETCHED = ("rpde", "ical", "csv_url")
SENT = ("json", "ndjson", "csv", "xlsx")
FOUND = ("rpde", "ical")


def _allow(table: str, name: str, column: str, values: Sequence[str]) -> None:
    """Let a column hold these values and no others."""
    with op.batch_alter_table(table, schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f(name), type_="check")
        batch_op.create_check_constraint(batch_op.f(name), f"{column} IN {tuple(values)}")


def upgrade() -> None:
    """Go up."""
    op.create_table(
        "harvest",
        sa.Column("pk", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source_pk", sa.Integer(), nullable=False),
        sa.Column("asked_by", sa.String(length=16), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "outcome",
            sa.Enum(
                "waiting",
                "running",
                "finished",
                "incomplete",
                "refused",
                "failed",
                name="harvestoutcome",
                native_enum=False,
                create_constraint=True,
            ),
            nullable=False,
        ),
        sa.Column("held_by", sa.String(length=64), nullable=True),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirm_withdraw", sa.Integer(), nullable=True),
        sa.Column("would_withdraw", sa.Integer(), nullable=True),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.Column("problems", sa.JSON(), nullable=False),
        sa.Column("batches", sa.JSON(), nullable=False),
        sa.CheckConstraint("length(asked_by) <= 16", name=op.f("ck_harvest_asked_by_length")),
        sa.CheckConstraint("length(held_by) <= 64", name=op.f("ck_harvest_held_by_length")),
        sa.ForeignKeyConstraint(["source_pk"], ["source.pk"], name=op.f("fk_harvest_source_pk")),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_harvest")),
        sa.UniqueConstraint("id", name=op.f("uq_harvest_id")),
    )
    with op.batch_alter_table("harvest", schema=None) as batch_op:
        batch_op.create_index("ix_harvest_outcome", ["outcome", "pk"], unique=False)
        batch_op.create_index("ix_harvest_source", ["source_pk", "pk"], unique=False)

    op.create_table(
        "harvest_due",
        sa.Column("source_pk", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.CheckConstraint("length(name) <= 200", name=op.f("ck_harvest_due_name_length")),
        sa.ForeignKeyConstraint(
            ["source_pk"], ["source.pk"], name=op.f("fk_harvest_due_source_pk")
        ),
        sa.PrimaryKeyConstraint("source_pk", "name", name=op.f("pk_harvest_due")),
    )
    op.create_table(
        "harvest_position",
        sa.Column("pk", sa.Integer(), nullable=False),
        sa.Column("source_pk", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(length=2000), nullable=False),
        sa.Column("next_url", sa.String(length=2000), nullable=False),
        sa.Column("etag", sa.String(length=200), nullable=True),
        sa.Column("modified", sa.String(length=80), nullable=True),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended", sa.Boolean(), nullable=False),
        sa.Column("stopped", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "length(address) <= 2000", name=op.f("ck_harvest_position_address_length")
        ),
        sa.CheckConstraint("length(etag) <= 200", name=op.f("ck_harvest_position_etag_length")),
        sa.CheckConstraint(
            "length(modified) <= 80", name=op.f("ck_harvest_position_modified_length")
        ),
        sa.CheckConstraint(
            "length(next_url) <= 2000", name=op.f("ck_harvest_position_next_url_length")
        ),
        sa.ForeignKeyConstraint(
            ["source_pk"], ["source.pk"], name=op.f("fk_harvest_position_source_pk")
        ),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_harvest_position")),
        sa.UniqueConstraint(
            "source_pk", "address", name=op.f("uq_harvest_position_source_pk_address")
        ),
    )
    op.create_table(
        "source_harvest",
        sa.Column("source_pk", sa.Integer(), nullable=False),
        sa.Column("feed_url", sa.String(length=2000), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("harvested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("why", sa.String(length=500), nullable=True),
        sa.Column("told", sa.Boolean(), nullable=False),
        sa.Column("sweep", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "length(feed_url) <= 2000", name=op.f("ck_source_harvest_feed_url_length")
        ),
        sa.CheckConstraint("length(why) <= 500", name=op.f("ck_source_harvest_why_length")),
        sa.ForeignKeyConstraint(
            ["source_pk"], ["source.pk"], name=op.f("fk_source_harvest_source_pk")
        ),
        sa.PrimaryKeyConstraint("source_pk", name=op.f("pk_source_harvest")),
    )
    with op.batch_alter_table("source_harvest", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_source_harvest_due_at"), ["due_at"], unique=False)

    op.create_table(
        "harvested_item",
        sa.Column("position_pk", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column("item_id", sa.String(length=200), nullable=False),
        sa.Column("source_pk", sa.Integer(), nullable=False),
        sa.Column("modified", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=True),
        sa.CheckConstraint("length(item_id) <= 200", name=op.f("ck_harvested_item_item_id_length")),
        sa.CheckConstraint("length(kind) <= 60", name=op.f("ck_harvested_item_kind_length")),
        sa.CheckConstraint("length(name) <= 200", name=op.f("ck_harvested_item_name_length")),
        sa.ForeignKeyConstraint(
            ["position_pk"], ["harvest_position.pk"], name=op.f("fk_harvested_item_position_pk")
        ),
        sa.ForeignKeyConstraint(
            ["source_pk"], ["source.pk"], name=op.f("fk_harvested_item_source_pk")
        ),
        sa.PrimaryKeyConstraint("position_pk", "kind", "item_id", name=op.f("pk_harvested_item")),
    )
    with op.batch_alter_table("harvested_item", schema=None) as batch_op:
        batch_op.create_index("ix_harvested_item_name", ["source_pk", "name"], unique=False)

    with op.batch_alter_table("source", schema=None) as batch_op:
        batch_op.add_column(sa.Column("feed_url", sa.String(length=2000), nullable=True))
        batch_op.add_column(sa.Column("harvest_hours", sa.Integer(), nullable=True))
        batch_op.create_check_constraint(
            batch_op.f("ck_source_feed_url_length"), "length(feed_url) <= 2000"
        )
    _allow("source", "ck_source_sourcekind", "kind", (*PUSHED, *FETCHED))
    _allow("batch", "ck_batch_format", "format", (*SENT, *FOUND))
    op.execute("UPDATE source SET harvest_hours = 24")
    # The items of the feeds name kinds, themes and audiences now: the job makes them anew.
    op.execute("UPDATE openactive_item SET stale = (1 = 1)")


def downgrade() -> None:
    """Go back down."""
    op.execute(f"UPDATE batch SET format = 'json' WHERE format IN {FOUND}")
    op.execute(f"UPDATE source SET kind = 'push' WHERE kind IN {FETCHED}")
    _allow("batch", "ck_batch_format", "format", SENT)
    _allow("source", "ck_source_sourcekind", "kind", PUSHED)
    with op.batch_alter_table("source", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_source_feed_url_length"), type_="check")
        batch_op.drop_column("harvest_hours")
        batch_op.drop_column("feed_url")

    with op.batch_alter_table("harvested_item", schema=None) as batch_op:
        batch_op.drop_index("ix_harvested_item_name")

    op.drop_table("harvested_item")
    with op.batch_alter_table("source_harvest", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_source_harvest_due_at"))

    op.drop_table("source_harvest")
    op.drop_table("harvest_position")
    op.drop_table("harvest_due")
    with op.batch_alter_table("harvest", schema=None) as batch_op:
        batch_op.drop_index("ix_harvest_source")
        batch_op.drop_index("ix_harvest_outcome")

    op.drop_table("harvest")
