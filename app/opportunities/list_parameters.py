"""What a list of listings takes in its query: filters, and how much of what to show."""

from typing import Annotated, Any

from pydantic import Field as Described
from pydantic import field_validator
from sqlmodel import Field

from app.kit.pages import ListParameters
from app.opportunities.facets import Facet
from app.opportunities.filters import OpportunityFilters
from app.opportunities.shown import OpportunityRead

MEMBERS = frozenset(OpportunityRead.model_fields)


class OpportunityFileParameters(OpportunityFilters):
    """Which listings, in which order, and which members of them."""

    fields: Annotated[list[str], Described(max_length=60)] = Field(
        default_factory=list,
        description="Only these members of each item, by commas; `id` and `href` are always there.",
        schema_extra={"examples": [["title,venue,next_session_at"]]},
    )

    @field_validator("fields", mode="before")
    @classmethod
    def fields_by_commas(cls, value: Any) -> Any:
        """Several in one, by commas."""
        return _by_commas(value)

    @field_validator("fields")
    @classmethod
    def known_members(cls, value: list[str]) -> list[str]:
        """Only members of a listing."""
        for name in value:
            if name not in MEMBERS:
                raise ValueError(f"{name!r} is not one of {', '.join(sorted(MEMBERS))}.")
        return value


class OpportunityListParameters(ListParameters, OpportunityFileParameters):
    """Which listings, in which order, what of them, and which page."""

    highlight: bool = Field(default=False, description="With `q`: show in `matched` what matched.")

    facets: Annotated[list[Facet], Described(max_length=len(Facet))] = Field(
        default_factory=list,
        description="What to count, by commas: each without its own filter, of what is published.",
        schema_extra={"examples": [["artform,age_band,free"]]},
    )

    @field_validator("facets", mode="before")
    @classmethod
    def facets_by_commas(cls, value: Any) -> Any:
        """Several in one, by commas."""
        return _by_commas(value)


def _by_commas(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    return [
        part.strip() if isinstance(part, str) else part
        for one in value
        for part in (one.split(",") if isinstance(one, str) else [one])
    ]
