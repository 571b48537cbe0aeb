"""The first schema.

Revision ID: 0001
Revises:
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0001"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Go up."""
    op.create_table(
        "audit_event",
        sa.Column("pk", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("caller", sa.String(length=16), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("action", sa.String(length=60), nullable=False),
        sa.Column("subject_kind", sa.String(length=40), nullable=False),
        sa.Column("subject_id", sa.String(length=80), nullable=False),
        sa.Column("before_digest", sa.String(length=24), nullable=True),
        sa.Column("after_digest", sa.String(length=24), nullable=True),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.CheckConstraint("length(action) <= 60", name=op.f("ck_audit_event_action_length")),
        sa.CheckConstraint(
            "length(after_digest) <= 24", name=op.f("ck_audit_event_after_digest_length")
        ),
        sa.CheckConstraint(
            "length(before_digest) <= 24", name=op.f("ck_audit_event_before_digest_length")
        ),
        sa.CheckConstraint("length(caller) <= 16", name=op.f("ck_audit_event_caller_length")),
        sa.CheckConstraint(
            "length(request_id) <= 64", name=op.f("ck_audit_event_request_id_length")
        ),
        sa.CheckConstraint("length(role) <= 16", name=op.f("ck_audit_event_role_length")),
        sa.CheckConstraint(
            "length(subject_id) <= 80", name=op.f("ck_audit_event_subject_id_length")
        ),
        sa.CheckConstraint(
            "length(subject_kind) <= 40", name=op.f("ck_audit_event_subject_kind_length")
        ),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_audit_event")),
        sa.UniqueConstraint("id", name=op.f("uq_audit_event_id")),
    )
    with op.batch_alter_table("audit_event", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_event_action"), ["action"], unique=False)
        batch_op.create_index(
            "ix_audit_event_subject", ["subject_kind", "subject_id", "pk"], unique=False
        )

    op.create_table(
        "authority",
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("aliases", sa.JSON(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("pk", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=9), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "metropolitan_borough",
                "unitary",
                "county",
                "district",
                "london_borough",
                name="authoritykind",
                native_enum=False,
                create_constraint=True,
            ),
            nullable=False,
        ),
        sa.Column("parent_pk", sa.Integer(), nullable=True),
        sa.Column("successor_pk", sa.Integer(), nullable=True),
        sa.Column("region", sa.String(length=60), nullable=True),
        sa.Column("words", sa.String(length=4000), nullable=False),
        sa.Column("easting", sa.Integer(), nullable=True),
        sa.Column("northing", sa.Integer(), nullable=True),
        sa.Column("lat", sa.Float(), nullable=True),
        sa.Column("lng", sa.Float(), nullable=True),
        sa.Column("postcode_count", sa.Integer(), nullable=False),
        sa.CheckConstraint("length(code) <= 9", name=op.f("ck_authority_code_length")),
        sa.CheckConstraint("length(name) <= 120", name=op.f("ck_authority_name_length")),
        sa.CheckConstraint("length(region) <= 60", name=op.f("ck_authority_region_length")),
        sa.CheckConstraint("length(words) <= 4000", name=op.f("ck_authority_words_length")),
        sa.CheckConstraint(
            "valid_from IS NULL OR valid_to IS NULL OR valid_to >= valid_from",
            name=op.f("ck_authority_in_order"),
        ),
        sa.ForeignKeyConstraint(
            ["parent_pk"], ["authority.pk"], name=op.f("fk_authority_parent_pk")
        ),
        sa.ForeignKeyConstraint(
            ["successor_pk"], ["authority.pk"], name=op.f("fk_authority_successor_pk")
        ),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_authority")),
        sa.UniqueConstraint("code", name=op.f("uq_authority_code")),
        sa.UniqueConstraint("id", name=op.f("uq_authority_id")),
    )
    with op.batch_alter_table("authority", schema=None) as batch_op:
        batch_op.create_index("ix_authority_name", ["name", "code"], unique=False)
        batch_op.create_index(batch_op.f("ix_authority_parent_pk"), ["parent_pk"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_authority_successor_pk"), ["successor_pk"], unique=False
        )

    op.create_table(
        "counter",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("length(name) <= 40", name=op.f("ck_counter_name_length")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_counter")),
    )
    op.create_table(
        "delivery",
        sa.Column("pk", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("topic", sa.String(length=80), nullable=False),
        sa.Column("recipient", sa.String(length=320), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("run_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("locked_by", sa.String(length=40), nullable=True),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("abandoned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.String(length=200), nullable=True),
        sa.CheckConstraint("length(last_error) <= 200", name=op.f("ck_delivery_last_error_length")),
        sa.CheckConstraint("length(locked_by) <= 40", name=op.f("ck_delivery_locked_by_length")),
        sa.CheckConstraint("length(recipient) <= 320", name=op.f("ck_delivery_recipient_length")),
        sa.CheckConstraint("length(topic) <= 80", name=op.f("ck_delivery_topic_length")),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_delivery")),
        sa.UniqueConstraint("id", name=op.f("uq_delivery_id")),
    )
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.create_index(
            "ix_delivery_delivered",
            ["delivered_at"],
            unique=False,
            sqlite_where=sa.text("delivered_at IS NOT NULL"),
            postgresql_where=sa.text("delivered_at IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_delivery_waiting",
            ["run_at", "pk"],
            unique=False,
            sqlite_where=sa.text("delivered_at IS NULL AND abandoned_at IS NULL"),
            postgresql_where=sa.text("delivered_at IS NULL AND abandoned_at IS NULL"),
        )

    op.create_table(
        "idempotency_key",
        sa.Column("scope", sa.String(length=64), nullable=False),
        sa.Column("request_digest", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("headers", sa.JSON(), nullable=False),
        sa.Column("body", sa.String(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "length(request_digest) <= 64", name=op.f("ck_idempotency_key_request_digest_length")
        ),
        sa.CheckConstraint("length(scope) <= 64", name=op.f("ck_idempotency_key_scope_length")),
        sa.PrimaryKeyConstraint("scope", name=op.f("pk_idempotency_key")),
    )
    with op.batch_alter_table("idempotency_key", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_idempotency_key_expires_at"), ["expires_at"], unique=False
        )

    op.create_table(
        "periodic_job",
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("locked_by", sa.String(length=40), nullable=True),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_run_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.String(length=200), nullable=True),
        sa.CheckConstraint(
            "length(last_error) <= 200", name=op.f("ck_periodic_job_last_error_length")
        ),
        sa.CheckConstraint(
            "length(locked_by) <= 40", name=op.f("ck_periodic_job_locked_by_length")
        ),
        sa.CheckConstraint("length(name) <= 60", name=op.f("ck_periodic_job_name_length")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_periodic_job")),
    )
    op.create_table(
        "programme",
        sa.Column("title", sa.String(length=160), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "activity",
                "development",
                "training",
                name="programmekind",
                native_enum=False,
                create_constraint=True,
            ),
            nullable=False,
        ),
        sa.Column("summary", sa.String(length=1000), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=True),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "planned",
                "active",
                "completed",
                "cancelled",
                name="programmestatus",
                native_enum=False,
                create_constraint=True,
            ),
            nullable=False,
        ),
        sa.Column("funders", sa.JSON(), nullable=False),
        sa.Column(
            "visibility",
            sa.Enum(
                "public", "private", name="visibility", native_enum=False, create_constraint=True
            ),
            nullable=False,
        ),
        sa.Column("pk", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("slug", sa.String(length=80), nullable=False),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.Column("words", sa.String(length=3000), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("length(slug) <= 80", name=op.f("ck_programme_slug_length")),
        sa.CheckConstraint("length(summary) <= 1000", name=op.f("ck_programme_summary_length")),
        sa.CheckConstraint("length(title) <= 160", name=op.f("ck_programme_title_length")),
        sa.CheckConstraint("length(words) <= 3000", name=op.f("ck_programme_words_length")),
        sa.CheckConstraint(
            "starts_on IS NULL OR ends_on IS NULL OR ends_on >= starts_on",
            name=op.f("ck_programme_in_order"),
        ),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_programme")),
        sa.UniqueConstraint("id", name=op.f("uq_programme_id")),
    )
    with op.batch_alter_table("programme", schema=None) as batch_op:
        batch_op.create_index("ix_programme_title", ["title", "pk"], unique=False)
        batch_op.create_index(
            "uq_programme_live_slug",
            ["slug"],
            unique=True,
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )

    op.create_table(
        "service_secret",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("value", sa.String(length=64), nullable=False),
        sa.CheckConstraint("length(name) <= 40", name=op.f("ck_service_secret_name_length")),
        sa.CheckConstraint("length(value) <= 64", name=op.f("ck_service_secret_value_length")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_service_secret")),
    )
    op.create_table(
        "term",
        sa.Column("label", sa.String(length=120), nullable=False),
        sa.Column("description", sa.String(length=1000), nullable=False),
        sa.Column("parent", sa.String(length=60), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("retired", sa.Boolean(), nullable=False),
        sa.Column("pk", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column(
            "vocabulary",
            sa.Enum(
                "artform",
                "theme",
                "audience",
                "access",
                "concession",
                "sector",
                "priority",
                "stage",
                "indicator",
                name="vocabulary",
                native_enum=False,
                create_constraint=True,
            ),
            nullable=False,
        ),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("mappings", sa.JSON(), nullable=False),
        sa.CheckConstraint("length(code) <= 60", name=op.f("ck_term_code_length")),
        sa.CheckConstraint("length(description) <= 1000", name=op.f("ck_term_description_length")),
        sa.CheckConstraint("length(label) <= 120", name=op.f("ck_term_label_length")),
        sa.CheckConstraint("length(parent) <= 60", name=op.f("ck_term_parent_length")),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_term")),
        sa.UniqueConstraint("id", name=op.f("uq_term_id")),
        sa.UniqueConstraint("vocabulary", "code", name=op.f("uq_term_vocabulary_code")),
    )
    op.create_table(
        "authority_boundary",
        sa.Column("authority_pk", sa.Integer(), nullable=False),
        sa.Column("geometry", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["authority_pk"], ["authority.pk"], name=op.f("fk_authority_boundary_authority_pk")
        ),
        sa.PrimaryKeyConstraint("authority_pk", name=op.f("pk_authority_boundary")),
    )
    op.create_table(
        "authority_cover",
        sa.Column("pk", sa.Integer(), nullable=False),
        sa.Column("authority_pk", sa.Integer(), nullable=False),
        sa.Column("partnership_id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.String(length=80), nullable=False),
        sa.Column("name", sa.String(length=160), nullable=False),
        sa.Column("stage", sa.String(length=60), nullable=False),
        sa.Column("whole", sa.Boolean(), nullable=False),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
        sa.Column("from_date", sa.Date(), nullable=True),
        sa.Column("until_date", sa.Date(), nullable=True),
        sa.CheckConstraint("length(name) <= 160", name=op.f("ck_authority_cover_name_length")),
        sa.CheckConstraint("length(slug) <= 80", name=op.f("ck_authority_cover_slug_length")),
        sa.CheckConstraint("length(stage) <= 60", name=op.f("ck_authority_cover_stage_length")),
        sa.ForeignKeyConstraint(
            ["authority_pk"], ["authority.pk"], name=op.f("fk_authority_cover_authority_pk")
        ),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_authority_cover")),
    )
    with op.batch_alter_table("authority_cover", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_authority_cover_authority_pk"), ["authority_pk"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_authority_cover_partnership_id"), ["partnership_id"], unique=False
        )

    op.create_table(
        "authority_indicator",
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("age_band", sa.String(length=20), nullable=True),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column("period", sa.String(length=40), nullable=False),
        sa.Column("source", sa.String(length=300), nullable=False),
        sa.Column("licence", sa.String(length=120), nullable=False),
        sa.Column("pk", sa.Integer(), nullable=False),
        sa.Column("authority_pk", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "length(age_band) <= 20", name=op.f("ck_authority_indicator_age_band_length")
        ),
        sa.CheckConstraint(
            "length(licence) <= 120", name=op.f("ck_authority_indicator_licence_length")
        ),
        sa.CheckConstraint("length(name) <= 60", name=op.f("ck_authority_indicator_name_length")),
        sa.CheckConstraint(
            "length(period) <= 40", name=op.f("ck_authority_indicator_period_length")
        ),
        sa.CheckConstraint(
            "length(source) <= 300", name=op.f("ck_authority_indicator_source_length")
        ),
        sa.ForeignKeyConstraint(
            ["authority_pk"], ["authority.pk"], name=op.f("fk_authority_indicator_authority_pk")
        ),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_authority_indicator")),
    )
    with op.batch_alter_table("authority_indicator", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_authority_indicator_authority_pk"), ["authority_pk"], unique=False
        )

    op.create_table(
        "organisation",
        sa.Column("name", sa.String(length=160), nullable=False),
        sa.Column("sector", sa.String(length=60), nullable=False),
        sa.Column("summary", sa.String(length=1000), nullable=False),
        sa.Column("website", sa.String(length=2000), nullable=True),
        sa.Column("charity_number", sa.String(length=9), nullable=True),
        sa.Column("company_number", sa.String(length=8), nullable=True),
        sa.Column(
            "visibility",
            sa.Enum(
                "public", "private", name="visibility", native_enum=False, create_constraint=True
            ),
            nullable=False,
        ),
        sa.Column("description", sa.String(length=20000), nullable=False),
        sa.Column("pk", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("slug", sa.String(length=80), nullable=False),
        sa.Column("authority_pk", sa.Integer(), nullable=True),
        sa.Column("contact_role", sa.String(length=120), nullable=True),
        sa.Column("contact_email", sa.String(length=254), nullable=True),
        sa.Column("contact_phone", sa.String(length=40), nullable=True),
        sa.Column("contact_url", sa.String(length=2000), nullable=True),
        sa.Column(
            "artsmark",
            sa.Enum(
                "working_towards",
                "silver",
                "gold",
                "platinum",
                name="artsmark",
                native_enum=False,
                create_constraint=True,
            ),
            nullable=True,
        ),
        sa.Column("arts_award_centre", sa.Boolean(), nullable=False),
        sa.Column("safeguarding_policy_url", sa.String(length=2000), nullable=True),
        sa.Column("safeguarding_reviewed_on", sa.Date(), nullable=True),
        sa.Column("safeguarding_lead_named", sa.Boolean(), nullable=False),
        sa.Column("words", sa.String(length=1000), nullable=False),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "length(charity_number) <= 9", name=op.f("ck_organisation_charity_number_length")
        ),
        sa.CheckConstraint(
            "length(company_number) <= 8", name=op.f("ck_organisation_company_number_length")
        ),
        sa.CheckConstraint(
            "length(contact_email) <= 254", name=op.f("ck_organisation_contact_email_length")
        ),
        sa.CheckConstraint(
            "length(contact_phone) <= 40", name=op.f("ck_organisation_contact_phone_length")
        ),
        sa.CheckConstraint(
            "length(contact_role) <= 120", name=op.f("ck_organisation_contact_role_length")
        ),
        sa.CheckConstraint(
            "length(contact_url) <= 2000", name=op.f("ck_organisation_contact_url_length")
        ),
        sa.CheckConstraint(
            "length(description) <= 20000", name=op.f("ck_organisation_description_length")
        ),
        sa.CheckConstraint("length(name) <= 160", name=op.f("ck_organisation_name_length")),
        sa.CheckConstraint(
            "length(safeguarding_policy_url) <= 2000",
            name=op.f("ck_organisation_safeguarding_policy_url_length"),
        ),
        sa.CheckConstraint("length(sector) <= 60", name=op.f("ck_organisation_sector_length")),
        sa.CheckConstraint("length(slug) <= 80", name=op.f("ck_organisation_slug_length")),
        sa.CheckConstraint("length(summary) <= 1000", name=op.f("ck_organisation_summary_length")),
        sa.CheckConstraint("length(website) <= 2000", name=op.f("ck_organisation_website_length")),
        sa.CheckConstraint("length(words) <= 1000", name=op.f("ck_organisation_words_length")),
        sa.ForeignKeyConstraint(
            ["authority_pk"], ["authority.pk"], name=op.f("fk_organisation_authority_pk")
        ),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_organisation")),
        sa.UniqueConstraint("id", name=op.f("uq_organisation_id")),
    )
    with op.batch_alter_table("organisation", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_organisation_artsmark"), ["artsmark"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_organisation_authority_pk"), ["authority_pk"], unique=False
        )
        batch_op.create_index("ix_organisation_name", ["name", "pk"], unique=False)
        batch_op.create_index(
            "uq_organisation_live_slug",
            ["slug"],
            unique=True,
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )

    op.create_table(
        "postcode",
        sa.Column("postcode", sa.String(length=7), nullable=False),
        sa.Column("authority_pk", sa.Integer(), nullable=False),
        sa.Column("easting", sa.Integer(), nullable=False),
        sa.Column("northing", sa.Integer(), nullable=False),
        sa.Column("lat", sa.Float(), nullable=False),
        sa.Column("lng", sa.Float(), nullable=False),
        sa.CheckConstraint("length(postcode) <= 7", name=op.f("ck_postcode_postcode_length")),
        sa.ForeignKeyConstraint(
            ["authority_pk"], ["authority.pk"], name=op.f("fk_postcode_authority_pk")
        ),
        sa.PrimaryKeyConstraint("postcode", name=op.f("pk_postcode")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("postcode", schema=None) as batch_op:
        batch_op.create_index(
            "ix_postcode_place", ["easting", "northing", "authority_pk"], unique=False
        )

    op.create_table(
        "programme_budget_line",
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "cash", "in_kind", name="budgetkind", native_enum=False, create_constraint=True
            ),
            nullable=False,
        ),
        sa.Column("description", sa.String(length=1000), nullable=False),
        sa.Column("pk", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("programme_pk", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("pence", sa.BigInteger(), nullable=False),
        sa.CheckConstraint(
            "length(description) <= 1000", name=op.f("ck_programme_budget_line_description_length")
        ),
        sa.CheckConstraint(
            "length(source) <= 200", name=op.f("ck_programme_budget_line_source_length")
        ),
        sa.ForeignKeyConstraint(
            ["programme_pk"], ["programme.pk"], name=op.f("fk_programme_budget_line_programme_pk")
        ),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_programme_budget_line")),
        sa.UniqueConstraint("id", name=op.f("uq_programme_budget_line_id")),
    )
    with op.batch_alter_table("programme_budget_line", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_programme_budget_line_programme_pk"), ["programme_pk"], unique=False
        )

    op.create_table(
        "programme_milestone",
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("done_on", sa.Date(), nullable=True),
        sa.Column("pk", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("programme_pk", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "length(title) <= 200", name=op.f("ck_programme_milestone_title_length")
        ),
        sa.ForeignKeyConstraint(
            ["programme_pk"], ["programme.pk"], name=op.f("fk_programme_milestone_programme_pk")
        ),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_programme_milestone")),
        sa.UniqueConstraint("id", name=op.f("uq_programme_milestone_id")),
    )
    with op.batch_alter_table("programme_milestone", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_programme_milestone_programme_pk"), ["programme_pk"], unique=False
        )

    op.create_table(
        "programme_outcome",
        sa.Column("target", sa.Float(), nullable=True),
        sa.Column("actual", sa.Float(), nullable=True),
        sa.Column("unit", sa.String(length=60), nullable=True),
        sa.Column("period", sa.String(length=60), nullable=True),
        sa.Column("pk", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("programme_pk", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("indicator", sa.String(length=60), nullable=False),
        sa.CheckConstraint(
            "length(indicator) <= 60", name=op.f("ck_programme_outcome_indicator_length")
        ),
        sa.CheckConstraint("length(period) <= 60", name=op.f("ck_programme_outcome_period_length")),
        sa.CheckConstraint("length(unit) <= 60", name=op.f("ck_programme_outcome_unit_length")),
        sa.ForeignKeyConstraint(
            ["programme_pk"], ["programme.pk"], name=op.f("fk_programme_outcome_programme_pk")
        ),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_programme_outcome")),
        sa.UniqueConstraint("id", name=op.f("uq_programme_outcome_id")),
    )
    with op.batch_alter_table("programme_outcome", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_programme_outcome_indicator"), ["indicator"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_programme_outcome_programme_pk"), ["programme_pk"], unique=False
        )

    op.create_table(
        "programme_priority",
        sa.Column("programme_pk", sa.Integer(), nullable=False),
        sa.Column("priority", sa.String(length=60), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "length(priority) <= 60", name=op.f("ck_programme_priority_priority_length")
        ),
        sa.ForeignKeyConstraint(
            ["programme_pk"], ["programme.pk"], name=op.f("fk_programme_priority_programme_pk")
        ),
        sa.PrimaryKeyConstraint("programme_pk", "priority", name=op.f("pk_programme_priority")),
    )
    with op.batch_alter_table("programme_priority", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_programme_priority_priority"), ["priority"], unique=False
        )

    op.create_table(
        "programme_year",
        sa.Column("programme_pk", sa.Integer(), nullable=False),
        sa.Column("year", sa.String(length=7), nullable=False),
        sa.CheckConstraint("length(year) <= 7", name=op.f("ck_programme_year_year_length")),
        sa.ForeignKeyConstraint(
            ["programme_pk"], ["programme.pk"], name=op.f("fk_programme_year_programme_pk")
        ),
        sa.PrimaryKeyConstraint("programme_pk", "year", name=op.f("pk_programme_year")),
    )
    with op.batch_alter_table("programme_year", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_programme_year_year"), ["year"], unique=False)

    op.create_table(
        "api_key",
        sa.Column("pk", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "publisher",
                "coordinator",
                "staff",
                "admin",
                name="keyrole",
                native_enum=False,
                create_constraint=True,
            ),
            nullable=False,
        ),
        sa.Column("public_id", sa.String(length=16), nullable=False),
        sa.Column("secret_digest", sa.String(length=64), nullable=False),
        sa.Column("family", sa.Uuid(), nullable=False),
        sa.Column("organisation_pk", sa.Integer(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("length(name) <= 120", name=op.f("ck_api_key_name_length")),
        sa.CheckConstraint("length(public_id) <= 16", name=op.f("ck_api_key_public_id_length")),
        sa.CheckConstraint(
            "length(secret_digest) <= 64", name=op.f("ck_api_key_secret_digest_length")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_pk"], ["organisation.pk"], name=op.f("fk_api_key_organisation_pk")
        ),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_api_key")),
        sa.UniqueConstraint("id", name=op.f("uq_api_key_id")),
        sa.UniqueConstraint("public_id", name=op.f("uq_api_key_public_id")),
    )
    with op.batch_alter_table("api_key", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_api_key_family"), ["family"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_api_key_organisation_pk"), ["organisation_pk"], unique=False
        )

    op.create_table(
        "organisation_seat",
        sa.Column("pk", sa.Integer(), nullable=False),
        sa.Column("organisation_pk", sa.Integer(), nullable=False),
        sa.Column("partnership_id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.String(length=80), nullable=False),
        sa.Column("name", sa.String(length=160), nullable=False),
        sa.Column("role", sa.String(length=40), nullable=False),
        sa.Column("from_date", sa.Date(), nullable=True),
        sa.Column("until_date", sa.Date(), nullable=True),
        sa.CheckConstraint("length(name) <= 160", name=op.f("ck_organisation_seat_name_length")),
        sa.CheckConstraint("length(role) <= 40", name=op.f("ck_organisation_seat_role_length")),
        sa.CheckConstraint("length(slug) <= 80", name=op.f("ck_organisation_seat_slug_length")),
        sa.ForeignKeyConstraint(
            ["organisation_pk"],
            ["organisation.pk"],
            name=op.f("fk_organisation_seat_organisation_pk"),
        ),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_organisation_seat")),
    )
    with op.batch_alter_table("organisation_seat", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_organisation_seat_organisation_pk"), ["organisation_pk"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_organisation_seat_partnership_id"), ["partnership_id"], unique=False
        )

    op.create_table(
        "partnership",
        sa.Column("name", sa.String(length=160), nullable=False),
        sa.Column("aliases", sa.JSON(), nullable=False),
        sa.Column("contact_role", sa.String(length=120), nullable=True),
        sa.Column("contact_email", sa.String(length=254), nullable=True),
        sa.Column("contact_phone", sa.String(length=40), nullable=True),
        sa.Column("website", sa.String(length=2000), nullable=True),
        sa.Column("summary", sa.String(length=2000), nullable=False),
        sa.Column("aims", sa.JSON(), nullable=False),
        sa.Column(
            "visibility",
            sa.Enum(
                "public", "private", name="visibility", native_enum=False, create_constraint=True
            ),
            nullable=False,
        ),
        sa.Column("pk", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("slug", sa.String(length=80), nullable=False),
        sa.Column("stage", sa.String(length=60), nullable=False),
        sa.Column("lead_organisation_pk", sa.Integer(), nullable=True),
        sa.Column("words", sa.String(length=4000), nullable=False),
        sa.Column("loaded_as", sa.String(length=80), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "length(contact_email) <= 254", name=op.f("ck_partnership_contact_email_length")
        ),
        sa.CheckConstraint(
            "length(contact_phone) <= 40", name=op.f("ck_partnership_contact_phone_length")
        ),
        sa.CheckConstraint(
            "length(contact_role) <= 120", name=op.f("ck_partnership_contact_role_length")
        ),
        sa.CheckConstraint("length(loaded_as) <= 80", name=op.f("ck_partnership_loaded_as_length")),
        sa.CheckConstraint("length(name) <= 160", name=op.f("ck_partnership_name_length")),
        sa.CheckConstraint("length(slug) <= 80", name=op.f("ck_partnership_slug_length")),
        sa.CheckConstraint("length(stage) <= 60", name=op.f("ck_partnership_stage_length")),
        sa.CheckConstraint("length(summary) <= 2000", name=op.f("ck_partnership_summary_length")),
        sa.CheckConstraint("length(website) <= 2000", name=op.f("ck_partnership_website_length")),
        sa.CheckConstraint("length(words) <= 4000", name=op.f("ck_partnership_words_length")),
        sa.ForeignKeyConstraint(
            ["lead_organisation_pk"],
            ["organisation.pk"],
            name=op.f("fk_partnership_lead_organisation_pk"),
        ),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_partnership")),
        sa.UniqueConstraint("id", name=op.f("uq_partnership_id")),
        sa.UniqueConstraint("loaded_as", name=op.f("uq_partnership_loaded_as")),
    )
    with op.batch_alter_table("partnership", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_partnership_lead_organisation_pk"),
            ["lead_organisation_pk"],
            unique=False,
        )
        batch_op.create_index("ix_partnership_name", ["name", "pk"], unique=False)
        batch_op.create_index(batch_op.f("ix_partnership_stage"), ["stage"], unique=False)
        batch_op.create_index(
            "uq_partnership_live_slug",
            ["slug"],
            unique=True,
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )

    op.create_table(
        "source",
        sa.Column("name", sa.String(length=160), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("pk", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("organisation_pk", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "push",
                "spreadsheet",
                "manual",
                name="sourcekind",
                native_enum=False,
                create_constraint=True,
            ),
            nullable=False,
        ),
        sa.Column(
            "trust",
            sa.Enum(
                "trusted", "moderated", name="trust", native_enum=False, create_constraint=True
            ),
            nullable=False,
        ),
        sa.Column("defaults", sa.JSON(), nullable=False),
        sa.Column("providers", sa.JSON(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("last_push_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.CheckConstraint('length("key") <= 80', name=op.f("ck_source_key_length")),
        sa.CheckConstraint("length(name) <= 160", name=op.f("ck_source_name_length")),
        sa.ForeignKeyConstraint(
            ["organisation_pk"], ["organisation.pk"], name=op.f("fk_source_organisation_pk")
        ),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_source")),
        sa.UniqueConstraint("id", name=op.f("uq_source_id")),
    )
    with op.batch_alter_table("source", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_source_organisation_pk"), ["organisation_pk"], unique=False
        )
        batch_op.create_index(
            "uq_source_key",
            ["key"],
            unique=True,
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )

    op.create_table(
        "venue",
        sa.Column("name", sa.String(length=160), nullable=False),
        sa.Column("address", sa.String(length=300), nullable=False),
        sa.Column("access", sa.JSON(), nullable=False),
        sa.Column("access_text", sa.String(length=2000), nullable=False),
        sa.Column("hide_exact_address", sa.Boolean(), nullable=False),
        sa.Column("url", sa.String(length=2000), nullable=True),
        sa.Column("pk", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("organisation_pk", sa.Integer(), nullable=False),
        sa.Column("slug", sa.String(length=80), nullable=False),
        sa.Column("postcode", sa.String(length=8), nullable=False),
        sa.Column("authority_pk", sa.Integer(), nullable=False),
        sa.Column("easting", sa.Integer(), nullable=False),
        sa.Column("northing", sa.Integer(), nullable=False),
        sa.Column("lat", sa.Float(), nullable=False),
        sa.Column("lng", sa.Float(), nullable=False),
        sa.Column("words", sa.String(length=1000), nullable=False),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("length(access_text) <= 2000", name=op.f("ck_venue_access_text_length")),
        sa.CheckConstraint("length(address) <= 300", name=op.f("ck_venue_address_length")),
        sa.CheckConstraint("length(name) <= 160", name=op.f("ck_venue_name_length")),
        sa.CheckConstraint("length(postcode) <= 8", name=op.f("ck_venue_postcode_length")),
        sa.CheckConstraint("length(slug) <= 80", name=op.f("ck_venue_slug_length")),
        sa.CheckConstraint("length(url) <= 2000", name=op.f("ck_venue_url_length")),
        sa.CheckConstraint("length(words) <= 1000", name=op.f("ck_venue_words_length")),
        sa.ForeignKeyConstraint(
            ["authority_pk"], ["authority.pk"], name=op.f("fk_venue_authority_pk")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_pk"], ["organisation.pk"], name=op.f("fk_venue_organisation_pk")
        ),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_venue")),
        sa.UniqueConstraint("id", name=op.f("uq_venue_id")),
    )
    with op.batch_alter_table("venue", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_venue_authority_pk"), ["authority_pk"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_venue_organisation_pk"), ["organisation_pk"], unique=False
        )
        batch_op.create_index(
            "uq_venue_live_slug",
            ["slug"],
            unique=True,
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )

    op.create_table(
        "api_key_partnership",
        sa.Column("key_pk", sa.Integer(), nullable=False),
        sa.Column("partnership_pk", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["key_pk"], ["api_key.pk"], name=op.f("fk_api_key_partnership_key_pk")
        ),
        sa.ForeignKeyConstraint(
            ["partnership_pk"],
            ["partnership.pk"],
            name=op.f("fk_api_key_partnership_partnership_pk"),
        ),
        sa.PrimaryKeyConstraint("key_pk", "partnership_pk", name=op.f("pk_api_key_partnership")),
    )
    with op.batch_alter_table("api_key_partnership", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_api_key_partnership_partnership_pk"), ["partnership_pk"], unique=False
        )

    op.create_table(
        "batch",
        sa.Column("pk", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source_pk", sa.Integer(), nullable=False),
        sa.Column("caller", sa.String(length=16), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.CheckConstraint("length(caller) <= 16", name=op.f("ck_batch_caller_length")),
        sa.ForeignKeyConstraint(["source_pk"], ["source.pk"], name=op.f("fk_batch_source_pk")),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_batch")),
        sa.UniqueConstraint("id", name=op.f("uq_batch_id")),
    )
    with op.batch_alter_table("batch", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_batch_source_pk"), ["source_pk"], unique=False)

    op.create_table(
        "case_study",
        sa.Column("title", sa.String(length=160), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("summary", sa.String(length=1000), nullable=False),
        sa.Column("story", sa.Text(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "draft",
                "published",
                name="casestudystatus",
                native_enum=False,
                create_constraint=True,
            ),
            nullable=False,
        ),
        sa.Column("pk", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("slug", sa.String(length=80), nullable=False),
        sa.Column("partnership_pk", sa.Integer(), nullable=False),
        sa.Column("programme_pk", sa.Integer(), nullable=True),
        sa.Column("reached", sa.JSON(), nullable=False),
        sa.Column("quotes", sa.JSON(), nullable=False),
        sa.Column("images", sa.JSON(), nullable=False),
        sa.Column("words", sa.String(length=3000), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("length(slug) <= 80", name=op.f("ck_case_study_slug_length")),
        sa.CheckConstraint("length(summary) <= 1000", name=op.f("ck_case_study_summary_length")),
        sa.CheckConstraint("length(title) <= 160", name=op.f("ck_case_study_title_length")),
        sa.CheckConstraint("length(words) <= 3000", name=op.f("ck_case_study_words_length")),
        sa.ForeignKeyConstraint(
            ["partnership_pk"], ["partnership.pk"], name=op.f("fk_case_study_partnership_pk")
        ),
        sa.ForeignKeyConstraint(
            ["programme_pk"], ["programme.pk"], name=op.f("fk_case_study_programme_pk")
        ),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_case_study")),
        sa.UniqueConstraint("id", name=op.f("uq_case_study_id")),
    )
    with op.batch_alter_table("case_study", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_case_study_partnership_pk"), ["partnership_pk"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_case_study_programme_pk"), ["programme_pk"], unique=False
        )
        batch_op.create_index("ix_case_study_year", ["year", "pk"], unique=False)
        batch_op.create_index(
            "uq_case_study_live_slug",
            ["slug"],
            unique=True,
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )

    op.create_table(
        "opportunity",
        sa.Column("pk", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("source_pk", sa.Integer(), nullable=False),
        sa.Column("source_key", sa.String(length=80), nullable=False),
        sa.Column("source_name", sa.String(length=160), nullable=False),
        sa.Column("owner_pk", sa.Integer(), nullable=False),
        sa.Column("external_id", sa.String(length=200), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("payload_digest", sa.String(length=32), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("overrides", sa.JSON(), nullable=False),
        sa.Column("pending", sa.JSON(none_as_null=True), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "draft",
                "submitted",
                "published",
                "rejected",
                "withdrawn",
                "expired",
                name="status",
                native_enum=False,
                create_constraint=True,
            ),
            nullable=False,
        ),
        sa.Column("withdrawn_by", sa.String(length=10), nullable=True),
        sa.Column("rejection_reason", sa.String(length=500), nullable=True),
        sa.Column("missing", sa.JSON(), nullable=False),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("title", sa.String(length=160), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "workshop",
                "course",
                "club",
                "performance",
                "exhibition",
                "festival",
                "school_visit",
                "outreach",
                "residency",
                "cpd",
                "teachers_network",
                "youth_board",
                "work_experience",
                "apprenticeship",
                "arts_award",
                "holiday_activity",
                "commission",
                "funding",
                "loan_resource",
                "online_resource",
                "meeting",
                name="kind",
                native_enum=False,
                create_constraint=True,
            ),
            nullable=True,
        ),
        sa.Column(
            "delivery",
            sa.Enum(
                "in_person",
                "online",
                "hybrid",
                "outreach",
                name="delivery",
                native_enum=False,
                create_constraint=True,
            ),
            nullable=False,
        ),
        sa.Column("provider_pk", sa.Integer(), nullable=True),
        sa.Column("programme_pk", sa.Integer(), nullable=True),
        sa.Column("venue_pk", sa.Integer(), nullable=True),
        sa.Column("authority_pk", sa.Integer(), nullable=True),
        sa.Column("easting", sa.Integer(), nullable=True),
        sa.Column("northing", sa.Integer(), nullable=True),
        sa.Column("region_wide", sa.Boolean(), nullable=False),
        sa.Column("age_min", sa.Float(), nullable=True),
        sa.Column("age_max", sa.Float(), nullable=True),
        sa.Column("free", sa.Boolean(), nullable=False),
        sa.Column("price_pence", sa.Integer(), nullable=True),
        sa.Column("always_available", sa.Boolean(), nullable=False),
        sa.Column("first_session_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_session_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_session_ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_session_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_session_ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sort_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.Column("document", sa.Text(), nullable=True),
        sa.Column("stale", sa.Boolean(), nullable=False),
        sa.Column("change_number", sa.BigInteger(), nullable=True),
        sa.Column("demo", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "age_min IS NULL OR age_max IS NULL OR age_min <= age_max",
            name=op.f("ck_opportunity_ages"),
        ),
        sa.CheckConstraint(
            "length(external_id) <= 200", name=op.f("ck_opportunity_external_id_length")
        ),
        sa.CheckConstraint(
            "length(payload_digest) <= 32", name=op.f("ck_opportunity_payload_digest_length")
        ),
        sa.CheckConstraint(
            "length(rejection_reason) <= 500", name=op.f("ck_opportunity_rejection_reason_length")
        ),
        sa.CheckConstraint(
            "length(source_key) <= 80", name=op.f("ck_opportunity_source_key_length")
        ),
        sa.CheckConstraint(
            "length(source_name) <= 160", name=op.f("ck_opportunity_source_name_length")
        ),
        sa.CheckConstraint("length(title) <= 160", name=op.f("ck_opportunity_title_length")),
        sa.CheckConstraint(
            "length(withdrawn_by) <= 10", name=op.f("ck_opportunity_withdrawn_by_length")
        ),
        sa.ForeignKeyConstraint(
            ["authority_pk"], ["authority.pk"], name=op.f("fk_opportunity_authority_pk")
        ),
        sa.ForeignKeyConstraint(
            ["owner_pk"], ["organisation.pk"], name=op.f("fk_opportunity_owner_pk")
        ),
        sa.ForeignKeyConstraint(
            ["programme_pk"], ["programme.pk"], name=op.f("fk_opportunity_programme_pk")
        ),
        sa.ForeignKeyConstraint(
            ["provider_pk"], ["organisation.pk"], name=op.f("fk_opportunity_provider_pk")
        ),
        sa.ForeignKeyConstraint(
            ["source_pk"], ["source.pk"], name=op.f("fk_opportunity_source_pk")
        ),
        sa.ForeignKeyConstraint(["venue_pk"], ["venue.pk"], name=op.f("fk_opportunity_venue_pk")),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_opportunity")),
        sa.UniqueConstraint("id", name=op.f("uq_opportunity_id")),
        sa.UniqueConstraint(
            "source_pk", "external_id", name=op.f("uq_opportunity_source_pk_external_id")
        ),
    )
    with op.batch_alter_table("opportunity", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_opportunity_authority_pk"), ["authority_pk"], unique=False
        )
        batch_op.create_index("ix_opportunity_change_number", ["change_number"], unique=True)
        batch_op.create_index(
            batch_op.f("ix_opportunity_last_session_at"), ["last_session_at"], unique=False
        )
        batch_op.create_index(
            "ix_opportunity_listed",
            [
                "status",
                "sort_at",
                "pk",
                "region_wide",
                "age_min",
                "age_max",
                "free",
                "kind",
                "delivery",
            ],
            unique=False,
        )
        batch_op.create_index(batch_op.f("ix_opportunity_owner_pk"), ["owner_pk"], unique=False)
        batch_op.create_index(
            "ix_opportunity_place", ["status", "easting", "northing"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_opportunity_programme_pk"), ["programme_pk"], unique=False
        )
        batch_op.create_index("ix_opportunity_provider", ["provider_pk", "status"], unique=False)
        batch_op.create_index(
            "ix_opportunity_stale",
            ["pk"],
            unique=False,
            sqlite_where=sa.text("stale = 1"),
            postgresql_where=sa.text("stale"),
        )
        batch_op.create_index(batch_op.f("ix_opportunity_venue_pk"), ["venue_pk"], unique=False)

    op.create_table(
        "partnership_area",
        sa.Column("from_date", sa.Date(), nullable=True),
        sa.Column("until_date", sa.Date(), nullable=True),
        sa.Column("whole", sa.Boolean(), nullable=False),
        sa.Column("part", sa.String(length=300), nullable=True),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
        sa.Column("pk", sa.Integer(), nullable=False),
        sa.Column("partnership_pk", sa.Integer(), nullable=False),
        sa.Column("authority_pk", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "NOT (whole AND part IS NOT NULL)", name=op.f("ck_partnership_area_part_of_whole")
        ),
        sa.CheckConstraint("length(part) <= 300", name=op.f("ck_partnership_area_part_length")),
        sa.CheckConstraint(
            "until_date IS NULL OR from_date IS NULL OR until_date >= from_date",
            name=op.f("ck_partnership_area_in_order"),
        ),
        sa.ForeignKeyConstraint(
            ["authority_pk"], ["authority.pk"], name=op.f("fk_partnership_area_authority_pk")
        ),
        sa.ForeignKeyConstraint(
            ["partnership_pk"], ["partnership.pk"], name=op.f("fk_partnership_area_partnership_pk")
        ),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_partnership_area")),
    )
    with op.batch_alter_table("partnership_area", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_partnership_area_authority_pk"), ["authority_pk"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_partnership_area_partnership_pk"), ["partnership_pk"], unique=False
        )

    op.create_table(
        "partnership_member",
        sa.Column("from_date", sa.Date(), nullable=True),
        sa.Column("until_date", sa.Date(), nullable=True),
        sa.Column("sector", sa.String(length=60), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "chair",
                "vice_chair",
                "member",
                "bridge",
                name="memberrole",
                native_enum=False,
                create_constraint=True,
            ),
            nullable=False,
        ),
        sa.Column("pk", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("partnership_pk", sa.Integer(), nullable=False),
        sa.Column("organisation_pk", sa.Integer(), nullable=True),
        sa.Column("person_name", sa.String(length=160), nullable=True),
        sa.Column("consent_on", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "(organisation_pk IS NULL) <> (person_name IS NULL)",
            name=op.f("ck_partnership_member_one_kind_of_member"),
        ),
        sa.CheckConstraint(
            "length(person_name) <= 160", name=op.f("ck_partnership_member_person_name_length")
        ),
        sa.CheckConstraint(
            "length(sector) <= 60", name=op.f("ck_partnership_member_sector_length")
        ),
        sa.CheckConstraint(
            "until_date IS NULL OR from_date IS NULL OR until_date >= from_date",
            name=op.f("ck_partnership_member_in_order"),
        ),
        sa.ForeignKeyConstraint(
            ["organisation_pk"],
            ["organisation.pk"],
            name=op.f("fk_partnership_member_organisation_pk"),
        ),
        sa.ForeignKeyConstraint(
            ["partnership_pk"],
            ["partnership.pk"],
            name=op.f("fk_partnership_member_partnership_pk"),
        ),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_partnership_member")),
        sa.UniqueConstraint("id", name=op.f("uq_partnership_member_id")),
    )
    with op.batch_alter_table("partnership_member", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_partnership_member_organisation_pk"), ["organisation_pk"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_partnership_member_partnership_pk"), ["partnership_pk"], unique=False
        )
        batch_op.create_index(
            "uq_partnership_member_current",
            ["partnership_pk", "organisation_pk"],
            unique=True,
            sqlite_where=sa.text("until_date IS NULL"),
            postgresql_where=sa.text("until_date IS NULL"),
        )

    op.create_table(
        "partnership_priority",
        sa.Column("text", sa.String(length=1000), nullable=False),
        sa.Column("pk", sa.Integer(), nullable=False),
        sa.Column("partnership_pk", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("priority", sa.String(length=60), nullable=False),
        sa.Column("targets", sa.JSON(), nullable=False),
        sa.CheckConstraint(
            "length(priority) <= 60", name=op.f("ck_partnership_priority_priority_length")
        ),
        sa.CheckConstraint(
            "length(text) <= 1000", name=op.f("ck_partnership_priority_text_length")
        ),
        sa.ForeignKeyConstraint(
            ["partnership_pk"],
            ["partnership.pk"],
            name=op.f("fk_partnership_priority_partnership_pk"),
        ),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_partnership_priority")),
    )
    with op.batch_alter_table("partnership_priority", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_partnership_priority_partnership_pk"), ["partnership_pk"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_partnership_priority_priority"), ["priority"], unique=False
        )

    op.create_table(
        "partnership_stage",
        sa.Column("stage", sa.String(length=60), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("evidence_url", sa.String(length=2000), nullable=True),
        sa.Column("pk", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("partnership_pk", sa.Integer(), nullable=False),
        sa.Column("from_date", sa.Date(), nullable=False),
        sa.CheckConstraint(
            "length(evidence_url) <= 2000", name=op.f("ck_partnership_stage_evidence_url_length")
        ),
        sa.CheckConstraint(
            "length(reason) <= 500", name=op.f("ck_partnership_stage_reason_length")
        ),
        sa.CheckConstraint("length(stage) <= 60", name=op.f("ck_partnership_stage_stage_length")),
        sa.ForeignKeyConstraint(
            ["partnership_pk"], ["partnership.pk"], name=op.f("fk_partnership_stage_partnership_pk")
        ),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_partnership_stage")),
        sa.UniqueConstraint("id", name=op.f("uq_partnership_stage_id")),
    )
    with op.batch_alter_table("partnership_stage", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_partnership_stage_partnership_pk"), ["partnership_pk"], unique=False
        )

    op.create_table(
        "programme_partnership",
        sa.Column("programme_pk", sa.Integer(), nullable=False),
        sa.Column("partnership_pk", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["partnership_pk"],
            ["partnership.pk"],
            name=op.f("fk_programme_partnership_partnership_pk"),
        ),
        sa.ForeignKeyConstraint(
            ["programme_pk"], ["programme.pk"], name=op.f("fk_programme_partnership_programme_pk")
        ),
        sa.PrimaryKeyConstraint(
            "programme_pk", "partnership_pk", name=op.f("pk_programme_partnership")
        ),
    )
    with op.batch_alter_table("programme_partnership", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_programme_partnership_partnership_pk"), ["partnership_pk"], unique=False
        )

    op.create_table(
        "batch_item",
        sa.Column("batch_pk", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("external_id", sa.String(length=200), nullable=True),
        sa.Column(
            "outcome",
            sa.Enum(
                "created",
                "updated",
                "unchanged",
                "withdrawn",
                "rejected",
                name="outcome",
                native_enum=False,
                create_constraint=True,
            ),
            nullable=False,
        ),
        sa.Column("opportunity_id", sa.Uuid(), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=True),
        sa.Column("pending", sa.Boolean(), nullable=False),
        sa.Column("missing", sa.JSON(), nullable=False),
        sa.Column("errors", sa.JSON(), nullable=False),
        sa.CheckConstraint(
            "length(external_id) <= 200", name=op.f("ck_batch_item_external_id_length")
        ),
        sa.CheckConstraint("length(status) <= 16", name=op.f("ck_batch_item_status_length")),
        sa.ForeignKeyConstraint(["batch_pk"], ["batch.pk"], name=op.f("fk_batch_item_batch_pk")),
        sa.PrimaryKeyConstraint("batch_pk", "position", name=op.f("pk_batch_item")),
    )
    with op.batch_alter_table("batch_item", schema=None) as batch_op:
        batch_op.create_index(
            "ix_batch_item_outcome", ["batch_pk", "outcome", "position"], unique=False
        )

    op.create_table(
        "case_study_priority",
        sa.Column("case_study_pk", sa.Integer(), nullable=False),
        sa.Column("priority", sa.String(length=60), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "length(priority) <= 60", name=op.f("ck_case_study_priority_priority_length")
        ),
        sa.ForeignKeyConstraint(
            ["case_study_pk"], ["case_study.pk"], name=op.f("fk_case_study_priority_case_study_pk")
        ),
        sa.PrimaryKeyConstraint("case_study_pk", "priority", name=op.f("pk_case_study_priority")),
    )
    with op.batch_alter_table("case_study_priority", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_case_study_priority_priority"), ["priority"], unique=False
        )

    op.create_table(
        "opportunity_area",
        sa.Column("opportunity_pk", sa.Integer(), nullable=False),
        sa.Column("authority_pk", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["authority_pk"], ["authority.pk"], name=op.f("fk_opportunity_area_authority_pk")
        ),
        sa.ForeignKeyConstraint(
            ["opportunity_pk"], ["opportunity.pk"], name=op.f("fk_opportunity_area_opportunity_pk")
        ),
        sa.PrimaryKeyConstraint("opportunity_pk", "authority_pk", name=op.f("pk_opportunity_area")),
    )
    with op.batch_alter_table("opportunity_area", schema=None) as batch_op:
        batch_op.create_index(
            "ix_opportunity_area_authority", ["authority_pk", "opportunity_pk"], unique=False
        )

    op.create_table(
        "opportunity_artform",
        sa.Column("opportunity_pk", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.CheckConstraint("length(code) <= 60", name=op.f("ck_opportunity_artform_code_length")),
        sa.ForeignKeyConstraint(
            ["opportunity_pk"],
            ["opportunity.pk"],
            name=op.f("fk_opportunity_artform_opportunity_pk"),
        ),
        sa.PrimaryKeyConstraint("opportunity_pk", "code", name=op.f("pk_opportunity_artform")),
    )
    with op.batch_alter_table("opportunity_artform", schema=None) as batch_op:
        batch_op.create_index(
            "ix_opportunity_artform_code", ["code", "opportunity_pk"], unique=False
        )

    op.create_table(
        "opportunity_session",
        sa.Column("pk", sa.Integer(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("opportunity_pk", sa.Integer(), nullable=False),
        sa.Column("external_id", sa.String(length=200), nullable=True),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("has_time", sa.Boolean(), nullable=False),
        sa.Column("has_end", sa.Boolean(), nullable=False),
        sa.Column("local_date", sa.Date(), nullable=False),
        sa.Column("local_minute", sa.Integer(), nullable=True),
        sa.Column("weekday", sa.Integer(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "scheduled",
                "cancelled",
                "full",
                name="sessionstatus",
                native_enum=False,
                create_constraint=True,
            ),
            nullable=False,
        ),
        sa.Column("capacity", sa.Integer(), nullable=True),
        sa.Column("places_left", sa.Integer(), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("change_number", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "length(external_id) <= 200", name=op.f("ck_opportunity_session_external_id_length")
        ),
        sa.ForeignKeyConstraint(
            ["opportunity_pk"],
            ["opportunity.pk"],
            name=op.f("fk_opportunity_session_opportunity_pk"),
        ),
        sa.PrimaryKeyConstraint("pk", name=op.f("pk_opportunity_session")),
        sa.UniqueConstraint("id", name=op.f("uq_opportunity_session_id")),
    )
    with op.batch_alter_table("opportunity_session", schema=None) as batch_op:
        batch_op.create_index(
            "ix_opportunity_session_change_number", ["change_number"], unique=True
        )
        batch_op.create_index(
            "ix_opportunity_session_times", ["opportunity_pk", "starts_at", "ends_at"], unique=False
        )

    op.execute("INSERT INTO counter (name, value) VALUES ('changes', 0)")


def downgrade() -> None:
    """Go back down."""
    with op.batch_alter_table("opportunity_session", schema=None) as batch_op:
        batch_op.drop_index("ix_opportunity_session_times")
        batch_op.drop_index("ix_opportunity_session_change_number")

    op.drop_table("opportunity_session")
    with op.batch_alter_table("opportunity_artform", schema=None) as batch_op:
        batch_op.drop_index("ix_opportunity_artform_code")

    op.drop_table("opportunity_artform")
    with op.batch_alter_table("opportunity_area", schema=None) as batch_op:
        batch_op.drop_index("ix_opportunity_area_authority")

    op.drop_table("opportunity_area")
    with op.batch_alter_table("case_study_priority", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_case_study_priority_priority"))

    op.drop_table("case_study_priority")
    with op.batch_alter_table("batch_item", schema=None) as batch_op:
        batch_op.drop_index("ix_batch_item_outcome")

    op.drop_table("batch_item")
    with op.batch_alter_table("programme_partnership", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_programme_partnership_partnership_pk"))

    op.drop_table("programme_partnership")
    with op.batch_alter_table("partnership_stage", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_partnership_stage_partnership_pk"))

    op.drop_table("partnership_stage")
    with op.batch_alter_table("partnership_priority", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_partnership_priority_priority"))
        batch_op.drop_index(batch_op.f("ix_partnership_priority_partnership_pk"))

    op.drop_table("partnership_priority")
    with op.batch_alter_table("partnership_member", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_partnership_member_current",
            sqlite_where=sa.text("until_date IS NULL"),
            postgresql_where=sa.text("until_date IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_partnership_member_partnership_pk"))
        batch_op.drop_index(batch_op.f("ix_partnership_member_organisation_pk"))

    op.drop_table("partnership_member")
    with op.batch_alter_table("partnership_area", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_partnership_area_partnership_pk"))
        batch_op.drop_index(batch_op.f("ix_partnership_area_authority_pk"))

    op.drop_table("partnership_area")
    with op.batch_alter_table("opportunity", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_opportunity_venue_pk"))
        batch_op.drop_index(
            "ix_opportunity_stale",
            sqlite_where=sa.text("stale = 1"),
            postgresql_where=sa.text("stale"),
        )
        batch_op.drop_index("ix_opportunity_provider")
        batch_op.drop_index(batch_op.f("ix_opportunity_programme_pk"))
        batch_op.drop_index("ix_opportunity_place")
        batch_op.drop_index(batch_op.f("ix_opportunity_owner_pk"))
        batch_op.drop_index("ix_opportunity_listed")
        batch_op.drop_index(batch_op.f("ix_opportunity_last_session_at"))
        batch_op.drop_index("ix_opportunity_change_number")
        batch_op.drop_index(batch_op.f("ix_opportunity_authority_pk"))

    op.drop_table("opportunity")
    with op.batch_alter_table("case_study", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_case_study_live_slug",
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.drop_index("ix_case_study_year")
        batch_op.drop_index(batch_op.f("ix_case_study_programme_pk"))
        batch_op.drop_index(batch_op.f("ix_case_study_partnership_pk"))

    op.drop_table("case_study")
    with op.batch_alter_table("batch", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_batch_source_pk"))

    op.drop_table("batch")
    with op.batch_alter_table("api_key_partnership", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_api_key_partnership_partnership_pk"))

    op.drop_table("api_key_partnership")
    with op.batch_alter_table("venue", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_venue_live_slug",
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_venue_organisation_pk"))
        batch_op.drop_index(batch_op.f("ix_venue_authority_pk"))

    op.drop_table("venue")
    with op.batch_alter_table("source", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_source_key",
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_source_organisation_pk"))

    op.drop_table("source")
    with op.batch_alter_table("partnership", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_partnership_live_slug",
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_partnership_stage"))
        batch_op.drop_index("ix_partnership_name")
        batch_op.drop_index(batch_op.f("ix_partnership_lead_organisation_pk"))

    op.drop_table("partnership")
    with op.batch_alter_table("organisation_seat", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_organisation_seat_partnership_id"))
        batch_op.drop_index(batch_op.f("ix_organisation_seat_organisation_pk"))

    op.drop_table("organisation_seat")
    with op.batch_alter_table("api_key", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_api_key_organisation_pk"))
        batch_op.drop_index(batch_op.f("ix_api_key_family"))

    op.drop_table("api_key")
    with op.batch_alter_table("programme_year", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_programme_year_year"))

    op.drop_table("programme_year")
    with op.batch_alter_table("programme_priority", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_programme_priority_priority"))

    op.drop_table("programme_priority")
    with op.batch_alter_table("programme_outcome", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_programme_outcome_programme_pk"))
        batch_op.drop_index(batch_op.f("ix_programme_outcome_indicator"))

    op.drop_table("programme_outcome")
    with op.batch_alter_table("programme_milestone", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_programme_milestone_programme_pk"))

    op.drop_table("programme_milestone")
    with op.batch_alter_table("programme_budget_line", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_programme_budget_line_programme_pk"))

    op.drop_table("programme_budget_line")
    with op.batch_alter_table("postcode", schema=None) as batch_op:
        batch_op.drop_index("ix_postcode_place")

    op.drop_table("postcode")
    with op.batch_alter_table("organisation", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_organisation_live_slug",
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.drop_index("ix_organisation_name")
        batch_op.drop_index(batch_op.f("ix_organisation_authority_pk"))
        batch_op.drop_index(batch_op.f("ix_organisation_artsmark"))

    op.drop_table("organisation")
    with op.batch_alter_table("authority_indicator", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_authority_indicator_authority_pk"))

    op.drop_table("authority_indicator")
    with op.batch_alter_table("authority_cover", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_authority_cover_partnership_id"))
        batch_op.drop_index(batch_op.f("ix_authority_cover_authority_pk"))

    op.drop_table("authority_cover")
    op.drop_table("authority_boundary")
    op.drop_table("term")
    op.drop_table("service_secret")
    with op.batch_alter_table("programme", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_programme_live_slug",
            sqlite_where=sa.text("deleted_at IS NULL"),
            postgresql_where=sa.text("deleted_at IS NULL"),
        )
        batch_op.drop_index("ix_programme_title")

    op.drop_table("programme")
    op.drop_table("periodic_job")
    with op.batch_alter_table("idempotency_key", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_idempotency_key_expires_at"))

    op.drop_table("idempotency_key")
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_delivery_waiting",
            sqlite_where=sa.text("delivered_at IS NULL AND abandoned_at IS NULL"),
            postgresql_where=sa.text("delivered_at IS NULL AND abandoned_at IS NULL"),
        )
        batch_op.drop_index(
            "ix_delivery_delivered",
            sqlite_where=sa.text("delivered_at IS NOT NULL"),
            postgresql_where=sa.text("delivered_at IS NOT NULL"),
        )

    op.drop_table("delivery")
    op.drop_table("counter")
    with op.batch_alter_table("authority", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_authority_successor_pk"))
        batch_op.drop_index(batch_op.f("ix_authority_parent_pk"))
        batch_op.drop_index("ix_authority_name")

    op.drop_table("authority")
    with op.batch_alter_table("audit_event", schema=None) as batch_op:
        batch_op.drop_index("ix_audit_event_subject")
        batch_op.drop_index(batch_op.f("ix_audit_event_action"))

    op.drop_table("audit_event")
