"""What finds listings: words, tags and terms, squares of the map, and an index for each sort.

Every listing is marked stale, so that the worker's next ticks fill the new columns and indexes.

Revision ID: 0006
Revises: 0005
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

SORTS = {
    "ix_opportunity_published": ["status", "published_at", "pk"],
    "ix_opportunity_updated": ["status", "updated_at", "pk"],
    "ix_opportunity_title": ["status", "title_sort", "pk"],
    "ix_opportunity_best": ["status", "quality", "pk"],
}
LISTED = [
    "status",
    "sort_at",
    "pk",
    "region_wide",
    "age_min",
    "age_max",
    "free",
    "kind",
    "delivery",
]
PLACE = [
    "status",
    "cell",
    "easting",
    "northing",
    "pk",
    "region_wide",
    "age_min",
    "age_max",
    "free",
    "kind",
    "delivery",
]


def upgrade() -> None:
    """Go up."""
    op.create_table(
        "opportunity_term",
        sa.Column("opportunity_pk", sa.Integer(), nullable=False),
        sa.Column("vocabulary", sa.String(length=20), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.CheckConstraint("length(code) <= 60", name=op.f("ck_opportunity_term_code_length")),
        sa.CheckConstraint(
            "length(vocabulary) <= 20", name=op.f("ck_opportunity_term_vocabulary_length")
        ),
        sa.ForeignKeyConstraint(
            ["opportunity_pk"],
            ["opportunity.pk"],
            name=op.f("fk_opportunity_term_opportunity_pk"),
        ),
        sa.PrimaryKeyConstraint(
            "opportunity_pk", "vocabulary", "code", name=op.f("pk_opportunity_term")
        ),
    )
    op.create_index(
        "ix_opportunity_term_code", "opportunity_term", ["vocabulary", "code", "opportunity_pk"]
    )
    op.execute(
        "INSERT INTO opportunity_term (opportunity_pk, vocabulary, code)"
        " SELECT opportunity_pk, 'artform', code FROM opportunity_artform"
    )
    op.drop_table("opportunity_artform")
    # Each in a statement of its own, since SQLite would copy a table of long rows.
    op.execute("ALTER TABLE opportunity ADD COLUMN cell INTEGER")
    op.execute(
        "ALTER TABLE opportunity ADD COLUMN title_sort VARCHAR(160) DEFAULT '' NOT NULL"
        " CONSTRAINT ck_opportunity_title_sort_length CHECK (length(title_sort) <= 160)"
    )
    op.execute("ALTER TABLE opportunity DROP COLUMN search_text")
    op.execute(
        "UPDATE opportunity SET stale = TRUE, title_sort = lower(title),"
        " cell = easting / 1000 * 2000 + northing / 1000"
    )
    op.drop_index("ix_opportunity_place", "opportunity")
    op.create_index("ix_opportunity_place", "opportunity", PLACE)
    op.drop_index("ix_opportunity_listed", "opportunity")
    op.create_index("ix_opportunity_listed", "opportunity", [*LISTED, "always_available"])
    for name, columns in SORTS.items():
        op.create_index(name, "opportunity", columns)
    # Of the analysis of words that this migration's listings are indexed by.
    op.execute("INSERT INTO counter (name, value) VALUES ('words_analysed', 1)")
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE VIRTUAL TABLE opportunity_words USING fts5("
            "title, body, tags, tokenize = 'unicode61 remove_diacritics 0', columnsize = 0)"
        )
    else:
        op.execute(
            "CREATE TABLE opportunity_words ("
            " opportunity_pk INTEGER CONSTRAINT pk_opportunity_words PRIMARY KEY"
            " CONSTRAINT fk_opportunity_words_opportunity_pk REFERENCES opportunity (pk),"
            " words tsvector NOT NULL)"
        )
        op.execute(
            "CREATE INDEX ix_opportunity_words_words ON opportunity_words"
            " USING gin (words) WITH (fastupdate = off)"
        )


def downgrade() -> None:
    """Go down."""
    op.execute("DELETE FROM counter WHERE name = 'words_analysed'")
    op.execute("DROP TABLE opportunity_words")
    for name in SORTS:
        op.drop_index(name, "opportunity")
    op.drop_index("ix_opportunity_place", "opportunity")
    op.create_index("ix_opportunity_place", "opportunity", ["status", "easting", "northing"])
    op.drop_index("ix_opportunity_listed", "opportunity")
    op.create_index("ix_opportunity_listed", "opportunity", LISTED)
    op.execute("ALTER TABLE opportunity ADD COLUMN search_text TEXT DEFAULT '' NOT NULL")
    op.execute("ALTER TABLE opportunity DROP COLUMN cell")
    with op.batch_alter_table("opportunity", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_opportunity_title_sort_length"), type_="check")
        batch_op.drop_column("title_sort")
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
    op.create_index(
        "ix_opportunity_artform_code", "opportunity_artform", ["code", "opportunity_pk"]
    )
    op.execute(
        "INSERT INTO opportunity_artform (opportunity_pk, code)"
        " SELECT opportunity_pk, code FROM opportunity_term WHERE vocabulary = 'artform'"
    )
    op.drop_table("opportunity_term")
