"""Enquiries: the form, the conversation, its limits, and what is counted when it is forgotten.

Revision ID: 0011
Revises: 0010
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


OPEN = sa.text("state IN ('received', 'assigned', 'in_progress')")


def upgrade() -> None:
    """Go up."""
    op.create_table(
        "enquiry_allowance",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("length(digest) <= 64", name=op.f("ck_enquiry_allowance_digest_length")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_enquiry_allowance")),
    )
    with op.batch_alter_table("enquiry_allowance", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_enquiry_allowance_ends_at"), ["ends_at"], unique=False)

    op.create_table(
        "enquiry_tally",
        sa.Column("partnership_pk", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "join_partnership",
                "opportunity",
                "programme",
                "school_support",
                "offer_activity",
                "press",
                "other",
                name="enquirykind",
                native_enum=False,
                create_constraint=True,
            ),
            nullable=False,
        ),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("partnership_pk", "kind", "month", name=op.f("pk_enquiry_tally")),
    )
    op.create_table(
        "enquiry",
        sa.Column("pk", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("reference", sa.String(length=20), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "join_partnership",
                "opportunity",
                "programme",
                "school_support",
                "offer_activity",
                "press",
                "other",
                name="enquirykind",
                native_enum=False,
                create_constraint=True,
            ),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "received",
                "assigned",
                "in_progress",
                "answered",
                "closed",
                "spam",
                name="state",
                native_enum=False,
                create_constraint=True,
            ),
            nullable=False,
        ),
        sa.Column(
            "outcome",
            sa.Enum(
                "helped",
                "referred",
                "unable",
                "no_reply",
                "withdrawn",
                "duplicate",
                name="enquiryoutcome",
                native_enum=False,
                create_constraint=True,
            ),
            nullable=True,
        ),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("phone", sa.String(length=40), nullable=True),
        sa.Column("organisation", sa.String(length=160), nullable=True),
        sa.Column("postcode", sa.String(length=7), nullable=True),
        sa.Column(
            "role",
            sa.Enum(
                "teacher",
                "parent_carer",
                "artist",
                "organisation",
                "young_person_13_plus",
                "other",
                name="enquirerrole",
                native_enum=False,
                create_constraint=True,
            ),
            nullable=False,
        ),
        sa.Column(
            "age_band",
            sa.Enum(
                "0-4",
                "5-10",
                "11-15",
                "16-18",
                "19-25",
                name="ageband",
                native_enum=False,
                create_constraint=True,
            ),
            nullable=True,
        ),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("consent_share", sa.Boolean(), nullable=False),
        sa.Column("privacy_notice_version", sa.String(length=40), nullable=False),
        sa.Column(
            "about_kind",
            sa.Enum(
                "partnership",
                "opportunity",
                "programme",
                "organisation",
                name="subject",
                native_enum=False,
                create_constraint=True,
            ),
            nullable=True,
        ),
        sa.Column("about_id", sa.Uuid(), nullable=True),
        sa.Column("about_ref", sa.String(length=80), nullable=True),
        sa.Column("about_name", sa.String(length=200), nullable=True),
        sa.Column("organisation_pk", sa.Integer(), nullable=True),
        sa.Column("partnership_pk", sa.Integer(), nullable=True),
        sa.Column(
            "routed_by",
            sa.Enum(
                "about",
                "postcode",
                "region",
                "staff",
                name="routedby",
                native_enum=False,
                create_constraint=True,
            ),
            nullable=False,
        ),
        sa.Column("routing_reason", sa.String(length=300), nullable=False),
        sa.Column("spam_reasons", sa.JSON(), nullable=False),
        sa.Column("assignee", sa.String(length=120), nullable=True),
        sa.Column("assignee_email", sa.String(length=254), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("remind_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("escalate_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("chased_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("overdue_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("escalated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("first_answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("shared_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("merged_into", sa.Uuid(), nullable=True),
        sa.Column("retain_until", sa.Date(), nullable=False),
        sa.Column("legal_hold", sa.Boolean(), nullable=False),
        sa.Column("hold_reason", sa.String(length=300), nullable=True),
        sa.CheckConstraint("length(about_name) <= 200", name=op.f("ck_enquiry_about_name_length")),
        sa.CheckConstraint("length(about_ref) <= 80", name=op.f("ck_enquiry_about_ref_length")),
        sa.CheckConstraint("length(assignee) <= 120", name=op.f("ck_enquiry_assignee_length")),
        sa.CheckConstraint(
            "length(assignee_email) <= 254", name=op.f("ck_enquiry_assignee_email_length")
        ),
        sa.CheckConstraint("length(email) <= 254", name=op.f("ck_enquiry_email_length")),
        sa.CheckConstraint(
            "length(hold_reason) <= 300", name=op.f("ck_enquiry_hold_reason_length")
        ),
        sa.CheckConstraint("length(name) <= 120", name=op.f("ck_enquiry_name_length")),
        sa.CheckConstraint(
            "length(organisation) <= 160", name=op.f("ck_enquiry_organisation_length")
        ),
        sa.CheckConstraint("length(phone) <= 40", name=op.f("ck_enquiry_phone_length")),
        sa.CheckConstraint("length(postcode) <= 7", name=op.f("ck_enquiry_postcode_length")),
        sa.CheckConstraint(
            "length(privacy_notice_version) <= 40",
            name=op.f("ck_enquiry_privacy_notice_version_length"),
        ),
        sa.CheckConstraint("length(reference) <= 20", name=op.f("ck_enquiry_reference_length")),
        sa.CheckConstraint(
            "length(routing_reason) <= 300", name=op.f("ck_enquiry_routing_reason_length")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_pk"], ["organisation.pk"], name=op.f("fk_enquiry_organisation_pk")
        ),
        sa.ForeignKeyConstraint(
            ["partnership_pk"], ["partnership.pk"], name=op.f("fk_enquiry_partnership_pk")
        ),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_enquiry")),
        sa.UniqueConstraint("id", name=op.f("uq_enquiry_id")),
        sa.UniqueConstraint("reference", name=op.f("uq_enquiry_reference")),
    )
    with op.batch_alter_table("enquiry", schema=None) as batch_op:
        batch_op.create_index(
            "ix_enquiry_clock",
            ["remind_at"],
            unique=False,
            sqlite_where=OPEN,
            postgresql_where=OPEN,
        )
        batch_op.create_index(batch_op.f("ix_enquiry_merged_into"), ["merged_into"], unique=False)
        batch_op.create_index("ix_enquiry_organisation", ["organisation_pk", "pk"], unique=False)
        batch_op.create_index("ix_enquiry_partnership", ["partnership_pk", "state"], unique=False)
        batch_op.create_index("ix_enquiry_retain_until", ["retain_until"], unique=False)
        batch_op.create_index("ix_enquiry_state", ["state", "pk"], unique=False)

    op.create_table(
        "enquiry_entry",
        sa.Column("pk", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("enquiry_pk", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "message",
                "reply",
                "note",
                "event",
                name="entrykind",
                native_enum=False,
                create_constraint=True,
            ),
            nullable=False,
        ),
        sa.Column("author", sa.String(length=120), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("message_id", sa.String(length=250), nullable=True),
        sa.CheckConstraint("length(author) <= 120", name=op.f("ck_enquiry_entry_author_length")),
        sa.CheckConstraint(
            "length(message_id) <= 250", name=op.f("ck_enquiry_entry_message_id_length")
        ),
        sa.ForeignKeyConstraint(
            ["enquiry_pk"], ["enquiry.pk"], name=op.f("fk_enquiry_entry_enquiry_pk")
        ),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_enquiry_entry")),
        sa.UniqueConstraint("id", name=op.f("uq_enquiry_entry_id")),
    )
    with op.batch_alter_table("enquiry_entry", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_enquiry_entry_enquiry_pk"), ["enquiry_pk"], unique=False
        )


def downgrade() -> None:
    """Go back down."""
    with op.batch_alter_table("enquiry_entry", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_enquiry_entry_enquiry_pk"))

    op.drop_table("enquiry_entry")
    with op.batch_alter_table("enquiry", schema=None) as batch_op:
        batch_op.drop_index("ix_enquiry_state")
        batch_op.drop_index("ix_enquiry_retain_until")
        batch_op.drop_index("ix_enquiry_partnership")
        batch_op.drop_index("ix_enquiry_organisation")
        batch_op.drop_index(batch_op.f("ix_enquiry_merged_into"))
        batch_op.drop_index("ix_enquiry_clock", sqlite_where=OPEN, postgresql_where=OPEN)

    op.drop_table("enquiry")
    op.drop_table("enquiry_tally")
    with op.batch_alter_table("enquiry_allowance", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_enquiry_allowance_ends_at"))

    op.drop_table("enquiry_allowance")
