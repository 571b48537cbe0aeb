"""The shapes of Open Referral UK 3.0, as far as they are told here. A member that is not known is
left out: the standard has no nulls."""

from datetime import datetime
from typing import Annotated, Generic, Literal, TypeVar
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict
from pydantic import Field as Described
from sqlmodel import Field

from app.kit.exact import Parameters

T = TypeVar("T")
MOST_ON_PAGE = 100
Day = Literal["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
Clock = Annotated[
    str, Described(pattern=r"^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$", examples=["09:30"])
]
Years = Annotated[float, Described(ge=0, le=120)]


class OrukShape(BaseModel):
    """Something that Open Referral UK tells of."""

    id: UUID


class OrukTaxonomyTerm(OrukShape):
    """A word by which services are sorted."""

    name: str
    description: str
    parent_id: UUID | None = None
    taxonomy: str | None = None
    taxonomy_id: UUID | None = None
    term_uri: str | None = None
    term: str | None = None


class OrukTaxonomy(OrukShape):
    """A list of words by which services are sorted."""

    name: str
    description: str
    uri: str | None = None


class OrukAttribute(OrukShape):
    """That something has a word."""

    link_id: UUID
    link_type: str
    taxonomy_term_id: UUID
    taxonomy_term: OrukTaxonomyTerm


class OrukOrganizationSummary(OrukShape):
    """An organisation that provides services."""

    name: str
    description: str
    email: str | None = None
    website: str | None = None
    uri: str | None = None


class OrukOrganization(OrukOrganizationSummary):
    """An organisation with what sorts it."""


class OrukAddress(OrukShape):
    """A postal address."""

    location_id: UUID
    address_1: str
    city: str
    state_province: str
    postal_code: str
    country: str
    address_type: Literal["physical"] = "physical"


class OrukAccessibility(OrukShape):
    """Something that makes a place accessible."""

    location_id: UUID
    description: str


class OrukLocation(OrukShape):
    """Where a service is."""

    location_type: Literal["physical", "virtual"]
    name: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    addresses: list[OrukAddress] | None = None
    accessibility: list[OrukAccessibility] | None = None


class OrukSchedule(OrukShape):
    """When a service is: once, or every so many weeks."""

    service_id: UUID
    dtstart: str
    valid_from: str
    valid_to: str
    freq: Literal["WEEKLY"] | None = None
    interval: int | None = None
    byday: str | None = None
    opens_at: str | None = None
    closes_at: str | None = None
    description: str | None = None


class OrukCostOption(OrukShape):
    """What a service costs."""

    service_id: UUID
    option: str
    amount: float | None = None
    amount_description: str | None = None


class OrukServiceArea(OrukShape):
    """An area to which a service comes."""

    service_id: UUID
    name: str
    extent: str | None = None
    extent_type: str | None = None


class OrukServiceSummary(OrukShape):
    """A service as lists show it."""

    organization_id: UUID | None = None
    name: str
    description: str | None = None
    url: str | None = None
    email: str | None = None
    status: Literal["active"] = "active"
    fees: str | None = None
    minimum_age: float | None = None
    maximum_age: float | None = None
    last_modified: datetime | None = None
    organization: OrukOrganizationSummary | None = None


class OrukServiceAtLocation(OrukShape):
    """That a service is somewhere."""

    service_id: UUID
    location_id: UUID
    location: OrukLocation
    service: OrukServiceSummary | None = None


class OrukService(OrukServiceSummary):
    """A service with all that is known of it."""

    schedules: list[OrukSchedule] | None = None
    service_areas: list[OrukServiceArea] | None = None
    service_at_locations: list[OrukServiceAtLocation] | None = None
    cost_options: list[OrukCostOption] | None = None
    attributes: list[OrukAttribute] | None = None


class OrukPage(BaseModel, Generic[T]):
    """A page of a list."""

    total_items: int
    total_pages: int
    page_number: int
    size: int = Described(description="Items on this page.")
    first_page: bool
    last_page: bool
    empty: bool
    contents: list[T]


class OrukRoot(BaseModel):
    """What is here."""

    version: Literal["HSDS-UK-3.0"] = "HSDS-UK-3.0"
    profile: str
    openapi_url: str


# --- what is asked for ------------------------------------------------------------------------


class OrukPaging(Parameters):
    """Which page."""

    model_config = ConfigDict(extra="forbid")

    page: Annotated[int, Described(ge=1, le=1_000_000, description="From 1.")] = 1
    per_page: Annotated[int, Described(ge=1, le=MOST_ON_PAGE, description="Items on a page.")] = 50


class OrukServiceParameters(OrukPaging):
    """Which services. All filters hold together."""

    search: str | None = Field(
        default=None, max_length=200, description="Words that all occur in it, in any form."
    )
    taxonomy_term_id: Annotated[
        list[UUID], Described(max_length=20, description="It has all of these terms.")
    ] = []
    taxonomy_id: Annotated[
        list[UUID], Described(max_length=10, description="It has a term of each of these.")
    ] = []
    organization_id: UUID | None = Field(default=None, description="Who provides it.")
    minimum_age: Years | None = Field(
        default=None, description="It suits somebody of this age or older, in years."
    )
    maximum_age: Years | None = Field(
        default=None, description="It suits somebody of this age or younger, in years."
    )
    day: Annotated[
        list[Day], Described(max_length=7, description="It has a session on one of these days.")
    ] = []
    start_time: Clock | None = Field(
        default=None, description="A session that starts at this time of the day or later."
    )
    end_time: Clock | None = Field(
        default=None, description="A session that ends at this time of the day or earlier."
    )
    modified_after: Annotated[AwareDatetime | None, Described()] = Field(
        default=None, description="Changed after this instant."
    )


class OrukServiceListParameters(OrukServiceParameters):
    """Which services, and how much of each."""

    minimal: bool = Field(default=False, description="Only the id, the name and the state.")
    full: bool = Field(default=False, description="All that is known of each.")


class OrukPlaceParameters(OrukServiceParameters):
    """Which services, and where."""

    postcode: str | None = Field(default=None, max_length=10, description="Near this postcode.")
    proximity: int | None = Field(
        default=None, ge=1, le=500_000, description="So many metres around it; 5,000 by default."
    )


class OrukTermParameters(OrukPaging):
    """Which terms."""

    taxonomy_id: UUID | None = Field(default=None, description="Of this taxonomy.")
    parent_id: UUID | None = Field(default=None, description="Narrower than this term.")
    search: str | None = Field(default=None, max_length=100, description="In their names.")


class OrukOrganizationParameters(OrukPaging):
    """Which organisations."""

    search: str | None = Field(default=None, max_length=100, description="In their names.")
