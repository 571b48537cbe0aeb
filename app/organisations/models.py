"""An organisation with its venues, and the places that it has on partnerships."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import Field as Described
from pydantic import field_validator
from sqlalchemy import JSON, Index, text
from sqlmodel import Field, SQLModel

from app.authorities.models import AuthorityCode, AuthorityReference
from app.kit.database import Row, enum_type
from app.kit.shapes import ROW_MEMBERS, Reference, Referred, Write
from app.kit.text import Email, Line, Paragraphs, Phone, SafeHTML, Slug, Url
from app.kit.times import today
from app.vocabularies.models import TermId

EMBEDDED_VENUES = 100
"""How many venues one organisation shows without asking for the list."""
MOST_ACCESS = 40
NAME_LENGTH = 160
WORDS_LENGTH = 1_000

CharityNumber = Annotated[
    str,
    Described(pattern=r"^([0-9]{6,7}|SC0[0-9]{5}|NIC1[0-9]{5})$", examples=["1089810"]),
]
"""A charity's number in England and Wales, in Scotland or in Northern Ireland."""
CompanyNumber = Annotated[
    str,
    Described(
        pattern=r"^([0-9]{8}|[A-Z]{2}[0-9]{6}|IP[0-9]{5}R|R[0-9]{7})$", examples=["03812951"]
    ),
]
"""A number of Companies House: of a company, a partnership or a registered society."""


class Visibility(StrEnum):
    """Who may read it."""

    PUBLIC = "public"
    PRIVATE = "private"


class Artsmark(StrEnum):
    """How far a school has come with Artsmark."""

    WORKING_TOWARDS = "working_towards"
    SILVER = "silver"
    GOLD = "gold"
    PLATINUM = "platinum"


# --- what an organisation says ---------------------------------------------------------------


class ContactFields(SQLModel):
    """How the public reaches an organisation."""

    role: Line | None = Field(
        default=None,
        max_length=120,
        description="Whom it reaches, as a role and never as a person.",
        schema_extra={"examples": ["Learning team"]},
    )
    email: Email | None = Field(
        default=None, max_length=254, description="A role address, never a private one."
    )
    phone: Phone | None = Field(default=None, max_length=40)
    url: Url | None = Field(default=None, max_length=2_000, description="A page to write from.")


class OrganisationContactWrite(Write, ContactFields):
    """A contact as it is written."""


class OrganisationContactRead(ContactFields):
    """A public contact."""


class AccreditationFields(SQLModel):
    """What an organisation has been accredited with."""

    artsmark: Artsmark | None = None
    arts_award_centre: bool = False


class AccreditationsWrite(Write, AccreditationFields):
    """Accreditations as staff write them."""


class AccreditationsRead(AccreditationFields):
    """Accreditations; the regional team looks after them."""


class SafeguardingFields(SQLModel):
    """What an organisation does to keep children safe."""

    policy_url: Url | None = Field(
        default=None, max_length=2_000, description="Where its policy can be read."
    )
    reviewed_on: date | None = Field(
        default=None, description="The day on which the policy was last reviewed."
    )
    lead_named: bool = Field(
        default=False, description="Whether somebody is named as lead; who is not kept here."
    )


class SafeguardingWrite(Write, SafeguardingFields):
    """Safeguarding facts as they are written."""

    @field_validator("reviewed_on")
    @classmethod
    def reviewed(cls, value: date | None) -> date | None:
        """A review has happened, it is not promised."""
        if value and value > today():
            raise ValueError("reviewed_on must not lie in the future.")
        return value


class SafeguardingRead(SafeguardingFields):
    """Safeguarding facts."""

    complete: bool = Field(
        description="Whether all three are given; listings may need that to be published."
    )


class OrganisationFacts(SQLModel):
    """What an organisation says of itself in a list."""

    name: Line = Field(max_length=NAME_LENGTH, schema_extra={"examples": ["Dance Hub"]})
    sector: TermId = Field(
        max_length=60,
        description="A term of the vocabulary `sector`.",
        schema_extra={"examples": ["arts"]},
    )
    summary: Paragraphs = Field(default="", max_length=1_000)
    website: Url | None = Field(default=None, max_length=2_000)
    charity_number: CharityNumber | None = Field(
        default=None, max_length=9, description="As its charity register writes it."
    )
    company_number: CompanyNumber | None = Field(
        default=None, max_length=8, description="The eight characters of Companies House."
    )
    visibility: Visibility = Field(
        default=Visibility.PUBLIC,
        sa_type=enum_type(Visibility),
        description="What is private is seen by staff, by its own people, and by the "
        "coordinators of the partnerships it sits on.",
    )


class OrganisationFields(OrganisationFacts):
    """All that an organisation says of itself in its own words."""

    description: SafeHTML = Field(default="", max_length=20_000)


class Organisation(Row, OrganisationFields, table=True):
    """An arts organisation, school, library, music hub or the like."""

    __table_args__ = (
        Index(
            "uq_organisation_live_slug",
            "slug",
            unique=True,
            sqlite_where=text("deleted_at IS NULL"),
            postgresql_where=text("deleted_at IS NULL"),
        ),
        Index("ix_organisation_name", "name", "pk"),
    )

    slug: str = Field(max_length=80)
    authority_pk: int | None = Field(default=None, foreign_key="authority.pk", index=True)
    contact_role: str | None = Field(default=None, max_length=120)
    contact_email: str | None = Field(default=None, max_length=254)
    contact_phone: str | None = Field(default=None, max_length=40)
    contact_url: str | None = Field(default=None, max_length=2_000)
    artsmark: Artsmark | None = Field(
        default=None,
        sa_type=enum_type(Artsmark),
        index=True,
    )
    arts_award_centre: bool = False
    safeguarding_policy_url: str | None = Field(default=None, max_length=2_000)
    safeguarding_reviewed_on: date | None = None
    safeguarding_lead_named: bool = False
    words: str = Field(default="", max_length=WORDS_LENGTH)
    """The name as plain words, for `q`."""
    demo: bool = False
    deleted_at: datetime | None = None

    @property
    def safeguarding_complete(self) -> bool:
        """Whether all of its safeguarding facts are given."""
        return bool(
            self.safeguarding_policy_url
            and self.safeguarding_reviewed_on
            and self.safeguarding_lead_named
        )


class OrganisationWrite(Write, OrganisationFields):
    """An organisation as it is written. Its own people write `contact` and `safeguarding`."""

    read_only: ClassVar[frozenset[str]] = ROW_MEMBERS | {
        "partnerships",
        "venues",
        "listings",
        "demo",
    }

    slug: Slug | None = Field(
        default=None, description="Left out: made from the name, or kept. Staff change it."
    )
    authority: AuthorityCode | None = None
    contact: OrganisationContactWrite | None = None
    accreditations: AccreditationsWrite | None = Field(
        default=None, description="The regional team writes them."
    )
    safeguarding: SafeguardingWrite | None = None

    @field_validator("safeguarding", mode="before")
    @classmethod
    def without_verdict(cls, value: object) -> object:
        """`complete` may be sent back; the service decides it."""
        if isinstance(value, dict):
            return {name: item for name, item in value.items() if name != "complete"}
        return value

    def members(self) -> dict[str, Any]:
        """Its members as plain values, parts that were left out filled in as empty."""
        return {
            **self.model_dump(),
            "contact": (self.contact or OrganisationContactWrite()).model_dump(),
            "accreditations": (self.accreditations or AccreditationsWrite()).model_dump(),
            "safeguarding": (self.safeguarding or SafeguardingWrite()).model_dump(),
        }


class SeatRead(Reference):
    """A partnership that an organisation sits on."""

    role: str = Field(description="Chair, vice_chair, member or bridge.")
    from_date: date | None
    until_date: date | None


class OrganisationSummary(OrganisationFacts):
    """An organisation in a list."""

    id: UUID
    slug: str
    href: str
    authority: AuthorityReference | None
    contact: OrganisationContactRead
    accreditations: AccreditationsRead
    safeguarding: SafeguardingRead
    partnerships: list[SeatRead] = Field(description="Those that it sits on at present.")
    listings: str = Field(description="Where its published listings are.")
    demo: bool = Field(description="Whether it is made up, for demonstration.")
    version: int
    created_at: datetime
    updated_at: datetime


# --- the places it has on partnerships -------------------------------------------------------


class Seat(SQLModel, table=True):
    """A partnership that an organisation sits on; the partnerships write these rows."""

    __tablename__ = "organisation_seat"

    pk: int | None = Field(default=None, primary_key=True)
    organisation_pk: int = Field(foreign_key="organisation.pk", index=True)
    partnership_id: UUID = Field(index=True)
    slug: str = Field(max_length=80)
    name: str = Field(max_length=160)
    role: str = Field(max_length=40)
    from_date: date | None = None
    until_date: date | None = Field(
        default=None, description="The day it ended; from then on it no longer counts."
    )


# --- venues ----------------------------------------------------------------------------------


class VenueFields(SQLModel):
    """What is said of a place."""

    name: Line = Field(max_length=NAME_LENGTH, schema_extra={"examples": ["The Dance Room"]})
    address: Paragraphs = Field(
        default="",
        max_length=300,
        description="Lines as on an envelope, without the postcode.",
        schema_extra={"examples": ["1 Centenary Square\nBirmingham"]},
    )
    access: list[TermId] = Field(
        default_factory=list,
        max_length=MOST_ACCESS,
        sa_type=JSON,
        description="Terms of the vocabulary `access`.",
        schema_extra={"examples": [["step_free", "hearing_loop"]]},
    )
    access_text: Paragraphs = Field(
        default="", max_length=2_000, description="What else to know about getting in and around."
    )
    hide_exact_address: bool = Field(
        default=False,
        description="For a place that must not be found, such as a refuge. The public reads the "
        "name and the centre of the authority, and the first half of the postcode.",
    )
    url: Url | None = Field(default=None, max_length=2_000)


class Venue(Row, VenueFields, table=True):
    """A named place of an organisation. Where it is comes from its postcode."""

    __table_args__ = (
        Index(
            "uq_venue_live_slug",
            "slug",
            unique=True,
            sqlite_where=text("deleted_at IS NULL"),
            postgresql_where=text("deleted_at IS NULL"),
        ),
    )

    organisation_pk: int = Field(foreign_key="organisation.pk", index=True)
    slug: str = Field(max_length=80)
    postcode: str = Field(max_length=8, description="With its space.")
    authority_pk: int = Field(foreign_key="authority.pk", index=True)
    easting: int = Field(description="National Grid metres.")
    northing: int
    lat: float = Field(description="WGS 84 degrees.")
    lng: float
    words: str = Field(default="", max_length=WORDS_LENGTH)
    """The name and the address as plain words, for `q`."""
    demo: bool = False
    deleted_at: datetime | None = None


class VenueWrite(Write, VenueFields):
    """A venue as it is written."""

    read_only: ClassVar[frozenset[str]] = ROW_MEMBERS | {"authority", "lat", "lng", "demo"}

    organisation: Referred | None = Field(
        default=None, description="Left out: your own, or the one it has. It cannot change."
    )
    slug: Slug | None = Field(
        default=None,
        description="Left out: made from the name (of the authority, if the address is hidden), "
        "or kept.",
    )
    postcode: Annotated[str, Described(max_length=12)] = Field(
        description="Any spacing and case; it must be one that /v1/postcodes knows.",
        schema_extra={"examples": ["B1 2EP"]},
    )


class VenueSummary(SQLModel):
    """A venue of an organisation."""

    id: UUID
    slug: str
    href: str
    name: str
    address: str
    postcode: str = Field(description="Only its first half if the address is hidden from you.")
    authority: AuthorityReference
    lat: float | None = Field(description="WGS 84 degrees.")
    lng: float | None = Field(description="WGS 84 degrees.")
    access: list[str]
    hide_exact_address: bool


class VenueRead(VenueSummary):
    """A venue."""

    organisation: Reference
    access_text: str
    url: str | None
    demo: bool = Field(description="Whether it is made up, for demonstration.")
    version: int
    created_at: datetime
    updated_at: datetime


# --- the whole -------------------------------------------------------------------------------


class OrganisationRead(OrganisationSummary):
    """An organisation with its venues."""

    description: str
    venues: list[VenueSummary] = Field(
        description=f"The first {EMBEDDED_VENUES} by slug; "
        "/v1/venues?organisation={slug} has all."
    )
