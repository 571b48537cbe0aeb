"""Terms and the vocabularies that hold them."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field as Described
from pydantic import field_validator
from sqlalchemy import JSON, UniqueConstraint
from sqlmodel import Field, SQLModel

from app.kit.database import Row, enum_type
from app.kit.shapes import ROW_MEMBERS, Write
from app.kit.text import Line, Paragraphs

TermId = Annotated[
    str, Described(pattern=r"^[a-z0-9]+(?:_[a-z0-9]+)*$", min_length=1, max_length=60)
]
"""What an item carries to say that it has a term, such as `visual_arts`."""


class Vocabulary(StrEnum):
    """The vocabularies whose terms are rows."""

    ARTFORM = "artform"
    THEME = "theme"
    AUDIENCE = "audience"
    ACCESS = "access"
    CONCESSION = "concession"
    SECTOR = "sector"
    PRIORITY = "priority"
    STAGE = "stage"
    INDICATOR = "indicator"


DESCRIPTIONS = {
    Vocabulary.ARTFORM: "Kinds of art, craft and heritage; each maps to Arts Council England's.",
    Vocabulary.THEME: "What a listing is about or works towards.",
    Vocabulary.AUDIENCE: "Whom a listing is for.",
    Vocabulary.ACCESS: "What makes a place or a session accessible.",
    Vocabulary.CONCESSION: "Who pays less, or nothing.",
    Vocabulary.SECTOR: "Kinds of organisations and members.",
    Vocabulary.PRIORITY: "What partnerships work towards.",
    Vocabulary.STAGE: "How far a partnership has come, in order.",
    Vocabulary.INDICATOR: "What programmes count as outcomes.",
}


class TermFields(SQLModel):
    """What a term says."""

    label: Line = Field(max_length=120, description="What people read.")
    description: Paragraphs = Field(default="", max_length=1_000)
    parent: TermId | None = Field(
        default=None, max_length=60, description="The wider term in the same vocabulary."
    )
    position: int = Field(default=0, ge=0, le=100_000, description="Its place in the order.")
    retired: bool = Field(default=False, description="Kept for old items, not for new ones.")


class Term(Row, TermFields, table=True):
    """A term of a vocabulary."""

    __table_args__ = (UniqueConstraint("vocabulary", "code"),)

    vocabulary: Vocabulary = Field(sa_type=enum_type(Vocabulary))
    code: str = Field(max_length=60)
    mappings: dict[str, str] = Field(default_factory=dict, sa_type=JSON)


class TermWrite(Write, TermFields):
    """A term as it is written."""

    read_only = ROW_MEMBERS | {"vocabulary"}

    mappings: Annotated[dict[str, str], Field(max_length=20)] = Field(
        default_factory=dict,
        description="The same idea in standard vocabularies, by the name of the standard.",
    )

    @field_validator("mappings")
    @classmethod
    def short(cls, value: dict[str, str]) -> dict[str, str]:
        """Names and values of a mapping are short."""
        if any(len(name) > 60 or len(term) > 300 for name, term in value.items()):
            raise ValueError("Keep names under 60 and values under 300 characters.")
        return value


class TermRead(TermFields):
    """A term."""

    id: str = Field(description="What items carry to say that they have this term.")
    mappings: dict[str, str] = Field(default_factory=dict)
    version: int = Field(default=0, description="0 for a fixed term, which cannot be edited.")


class VocabularyRead(SQLModel):
    """A vocabulary with its terms in order."""

    id: str
    description: str
    editable: bool = Field(description="Whether staff may add and change terms.")
    terms: list[TermRead]


class VocabularyList(SQLModel):
    """Every vocabulary."""

    items: list[VocabularyRead]
