"""Local authorities, their boundaries and indicators, postcodes, and what covers them."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Literal, Self
from uuid import UUID

from pydantic import BeforeValidator, model_validator
from pydantic import Field as Described
from sqlalchemy import JSON, CheckConstraint, Index
from sqlmodel import Field, SQLModel

from app.kit.database import Row, enum_type
from app.kit.identifiers import slugify
from app.kit.shapes import ROW_MEMBERS, Reference, Write
from app.kit.text import Line

GSS_PATTERN = r"^[A-Z][0-9]{8}$"
NAME_LENGTH = 120
MOST_ALIASES = 20
WORDS_LENGTH = 4_000
NOTE = "Indicative: derived from postcodes, often hundreds of metres off. Not a legal boundary."
ATTRIBUTION = (
    "Source: Office for National Statistics licensed under the Open Government Licence v.3.0. "
    "Contains OS data © Crown copyright and database right 2025. "
    "Contains Royal Mail data © Royal Mail copyright and database right 2025."
)


class AuthorityKind(StrEnum):
    """Kinds of local authority."""

    METROPOLITAN_BOROUGH = "metropolitan_borough"
    UNITARY = "unitary"
    COUNTY = "county"
    DISTRICT = "district"
    LONDON_BOROUGH = "london_borough"


# --- tables ----------------------------------------------------------------------------------


class AuthorityFields(SQLModel):
    """What staff may change of an authority."""

    name: Line = Field(max_length=NAME_LENGTH, schema_extra={"examples": ["Birmingham"]})
    aliases: list[Annotated[Line, Described(max_length=NAME_LENGTH)]] = Field(
        default_factory=list,
        max_length=MOST_ALIASES,
        sa_type=JSON,
        description="Other names that people use.",
        schema_extra={"examples": [["City of Birmingham"]]},
    )
    valid_from: date | None = Field(
        default=None, description="The day it began; null if that does not matter here."
    )
    valid_to: date | None = Field(
        default=None,
        description="The day it ended, such as by reorganisation; null while it lasts.",
    )


class Authority(Row, AuthorityFields, table=True):
    """A local authority, known by its code of the Government Statistical Service (GSS)."""

    __table_args__ = (
        CheckConstraint(
            "valid_from IS NULL OR valid_to IS NULL OR valid_to >= valid_from", name="in_order"
        ),
        Index("ix_authority_name", "name", "code"),
    )

    code: str = Field(max_length=9, unique=True)
    kind: AuthorityKind = Field(sa_type=enum_type(AuthorityKind))
    parent_pk: int | None = Field(default=None, foreign_key="authority.pk", index=True)
    successor_pk: int | None = Field(default=None, foreign_key="authority.pk", index=True)
    region: str | None = Field(default=None, max_length=60)
    words: str = Field(default="", max_length=WORDS_LENGTH)
    """The name and the aliases as plain words, one a line, for `q`."""
    easting: int | None = Field(default=None, description="The mean of its postcodes, in metres.")
    northing: int | None = None
    lat: float | None = Field(default=None, description="The same in WGS 84 degrees.")
    lng: float | None = None
    postcode_count: int = 0


class Boundary(SQLModel, table=True):
    """The outline of an authority, apart from it so that lists stay light."""

    __tablename__ = "authority_boundary"

    authority_pk: int = Field(foreign_key="authority.pk", primary_key=True)
    geometry: dict[str, Any] = Field(sa_type=JSON)


class IndicatorFields(SQLModel):
    """A figure about an authority, with where it comes from."""

    name: str = Field(max_length=60, schema_extra={"examples": ["population"]})
    age_band: str | None = Field(
        default=None,
        max_length=20,
        description="The ages counted; null for all.",
        schema_extra={"examples": ["5-10"]},
    )
    value: float
    period: str = Field(max_length=40, schema_extra={"examples": ["mid-2020"]})
    source: str = Field(max_length=300)
    licence: str = Field(max_length=120)


class Indicator(IndicatorFields, table=True):
    """A figure about an authority; commands load them."""

    __tablename__ = "authority_indicator"

    pk: int | None = Field(default=None, primary_key=True)
    authority_pk: int = Field(foreign_key="authority.pk", index=True)


class Postcode(SQLModel, table=True):
    """A postcode, ended ones included: its authority and its place."""

    __table_args__ = (
        # Covering: the nearest authority is found in the index alone.
        Index("ix_postcode_place", "easting", "northing", "authority_pk"),
        {"sqlite_with_rowid": False},
    )

    postcode: str = Field(primary_key=True, max_length=7, description="Capitals, no space.")
    authority_pk: int = Field(foreign_key="authority.pk")
    easting: int = Field(description="National Grid metres.")
    northing: int
    lat: float = Field(description="WGS 84 degrees, to six places.")
    lng: float


class Cover(SQLModel, table=True):
    """A partnership that covers an authority for a time; the partnerships write these rows."""

    __tablename__ = "authority_cover"

    pk: int | None = Field(default=None, primary_key=True)
    authority_pk: int = Field(foreign_key="authority.pk", index=True)
    partnership_id: UUID = Field(index=True)
    slug: str = Field(max_length=80)
    name: str = Field(max_length=160)
    stage: str = Field(max_length=60)
    whole: bool = True
    confirmed: bool = True
    from_date: date | None = None
    until_date: date | None = Field(
        default=None, description="The day it ended; from then on it no longer counts."
    )


def words_of(name: str, aliases: list[str]) -> str:
    """A name and aliases as `q` looks for them: plain lower-case words, one name a line."""
    return "\n".join(plain_words(text) for text in (name, *aliases))[:WORDS_LENGTH]


def plain_words(text: str) -> str:
    """A text without capitals, accents and punctuation."""
    return slugify(text, limit=NAME_LENGTH * 2).replace("-", " ")


# --- shapes ----------------------------------------------------------------------------------


def _bare_code(value: object) -> object:
    return value.get("code") if isinstance(value, Mapping) else value


AuthorityCode = Annotated[
    str,
    Described(pattern=GSS_PATTERN, examples=["E08000025"]),
    BeforeValidator(_bare_code),
]
"""How an authority is named in a body."""


class AuthorityWrite(Write, AuthorityFields):
    """What staff write of an authority. Codes, kinds and counties come with the data."""

    read_only: ClassVar[frozenset[str]] = ROW_MEMBERS | {
        "code",
        "kind",
        "parent",
        "region",
        "centre",
        "postcode_count",
        "covered",
        "partnerships",
        "districts",
        "indicators",
        "links",
    }

    successor: AuthorityCode | None = Field(
        default=None,
        description="The GSS code of what took its place; a reference as it was read will do.",
    )

    @model_validator(mode="after")
    def in_order(self) -> Self:
        """`valid_to` may not come before `valid_from`."""
        if self.valid_from and self.valid_to and self.valid_to < self.valid_from:
            raise ValueError("valid_to must not come before valid_from.")
        return self


class AuthorityReference(SQLModel):
    """An authority named elsewhere, with where to read it."""

    code: str = Field(schema_extra={"examples": ["E08000025"]})
    name: str = Field(schema_extra={"examples": ["Birmingham"]})
    href: str


class Centre(SQLModel):
    """The mean position of an authority's postcodes."""

    lat: float = Field(description="WGS 84 degrees.")
    lng: float = Field(description="WGS 84 degrees.")
    easting: int = Field(description="National Grid metres.")
    northing: int = Field(description="National Grid metres.")


class CoverRead(Reference):
    """A partnership that covers an authority."""

    stage: str = Field(description="A term of the vocabulary `stage`.")
    whole: bool = Field(description="Whether it covers all of the authority.")
    confirmed: bool = Field(description="False where it is uncertain that it covers this area.")
    through_county: bool = Field(description="Whether it covers the county of this district.")
    from_date: date | None
    until_date: date | None


class AuthoritySummary(AuthorityFields):
    """An authority as a list shows it."""

    id: UUID
    code: str = Field(description="GSS code.", schema_extra={"examples": ["E08000025"]})
    href: str
    kind: AuthorityKind
    parent: AuthorityReference | None = Field(description="The county of a district.")
    successor: AuthorityReference | None = Field(description="What took its place.")
    region: str | None
    centre: Centre | None = Field(description="Null while no postcode of it is known.")
    postcode_count: int
    covered: bool = Field(
        description="Whether a partnership is known for certain to cover some of it. A county "
        "is covered, too, when all of its districts are."
    )
    partnerships: list[CoverRead] = Field(description="Those that cover it today.")
    version: int


class AuthorityLinks(SQLModel):
    """Where to read on."""

    boundary: str
    opportunities: str


class AuthorityRead(AuthoritySummary):
    """An authority."""

    districts: list[AuthorityReference] = Field(description="The districts of a county.")
    indicators: list[IndicatorFields] = Field(
        description="Population, deprivation and the like, as far as they are loaded."
    )
    links: AuthorityLinks


class BoundaryProperties(SQLModel):
    """What is said with an outline."""

    code: str
    name: str
    kind: AuthorityKind
    parent: str | None = Field(description="The GSS code of a district's county.")
    covered: bool
    href: str
    note: str = Field(schema_extra={"examples": [NOTE]})
    attribution: str = Field(schema_extra={"examples": [ATTRIBUTION]})


class BoundaryFeature(SQLModel):
    """A GeoJSON Feature (RFC 7946): the outline of one authority."""

    type: Literal["Feature"] = "Feature"
    id: str = Field(description="GSS code.")
    geometry: dict[str, Any] = Field(description="A Polygon or MultiPolygon, WGS 84.")
    properties: BoundaryProperties


class BoundaryCollection(SQLModel):
    """A GeoJSON FeatureCollection of outlines. Those of counties lie over their districts'."""

    type: Literal["FeatureCollection"] = "FeatureCollection"
    features: list[BoundaryFeature]


class PostcodeRead(SQLModel):
    """A postcode, where it is, and who works there."""

    postcode: str = Field(description="With one space.", schema_extra={"examples": ["B1 1BB"]})
    href: str
    lat: float = Field(description="WGS 84 degrees, good to about 100 m.")
    lng: float = Field(description="WGS 84 degrees, good to about 100 m.")
    easting: int = Field(description="National Grid metres.")
    northing: int = Field(description="National Grid metres.")
    authority: AuthorityReference
    parent: AuthorityReference | None = Field(description="The county of a district.")
    partnerships: list[CoverRead] = Field(description="Those that cover it today.")
    nearby: str = Field(description="Leads to the opportunities near it.")
