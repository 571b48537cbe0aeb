"""What the contract shows of organisations and venues, with one query for each kind of thing."""

from collections.abc import Collection, Mapping, Sequence

from sqlmodel import Session

from app.access.models import Caller
from app.authorities.models import Authority, AuthorityReference
from app.kit.database import key
from app.organisations import queries
from app.organisations.models import (
    AccreditationsRead,
    Organisation,
    OrganisationContactRead,
    OrganisationFacts,
    OrganisationRead,
    OrganisationSummary,
    SafeguardingRead,
    Seat,
    SeatRead,
    Venue,
    VenueRead,
    VenueSummary,
)

# --- organisations ---------------------------------------------------------------------------


def in_list(
    session: Session, rows: Sequence[Organisation], public_url: str
) -> list[OrganisationSummary]:
    """Organisations as a list shows them, in the order of the rows."""
    seats = queries.seats(session, [key(row) for row in rows])
    authorities = queries.centres(
        session, {row.authority_pk for row in rows if row.authority_pk is not None}
    )
    return [
        OrganisationSummary(
            **row.model_dump(include=set(OrganisationFacts.model_fields)),
            id=row.id,
            slug=row.slug,
            href=queries.address(row, public_url),
            authority=_authority(authorities.get(row.authority_pk or 0), public_url),
            contact=OrganisationContactRead(
                role=row.contact_role,
                email=row.contact_email,
                phone=row.contact_phone,
                url=row.contact_url,
            ),
            accreditations=AccreditationsRead(
                artsmark=row.artsmark, arts_award_centre=row.arts_award_centre
            ),
            safeguarding=SafeguardingRead(
                policy_url=row.safeguarding_policy_url,
                reviewed_on=row.safeguarding_reviewed_on,
                lead_named=row.safeguarding_lead_named,
                complete=row.safeguarding_complete,
            ),
            partnerships=[_seat(seat, public_url) for seat in seats.get(key(row), ())],
            listings=f"{public_url}/v1/opportunities?organisation={row.slug}",
            demo=row.demo,
            version=row.version,
            created_at=row.created_at,
            updated_at=row.updated_at,
        )
        for row in rows
    ]


def whole(session: Session, caller: Caller, row: Organisation, public_url: str) -> OrganisationRead:
    """An organisation with its venues."""
    brief = in_list(session, [row], public_url)[0]
    venues = queries.first_venues(session, key(row))
    return OrganisationRead(
        **brief.model_dump(),
        description=row.description,
        venues=venue_summaries(session, caller, venues, public_url),
    )


def _seat(seat: Seat, public_url: str) -> SeatRead:
    return SeatRead(
        id=seat.partnership_id,
        slug=seat.slug,
        name=seat.name,
        href=f"{public_url}/v1/partnerships/{seat.slug}",
        role=seat.role,
        from_date=seat.from_date,
        until_date=seat.until_date,
    )


# --- venues ----------------------------------------------------------------------------------


def venue_summaries(
    session: Session, caller: Caller, rows: Sequence[Venue], public_url: str
) -> list[VenueSummary]:
    """Venues as an organisation shows them; the address only to whom it may be shown."""
    authorities = queries.centres(session, {row.authority_pk for row in rows})
    own = queries.among_own(session, caller, {row.organisation_pk for row in rows})
    return [_summary(row, own, authorities, public_url) for row in rows]


def venue_reads(
    session: Session, caller: Caller, rows: Sequence[Venue], public_url: str
) -> list[VenueRead]:
    """Venues as the contract promises them; the address only to whom it may be shown."""
    authorities = queries.centres(session, {row.authority_pk for row in rows})
    organisation_pks = {row.organisation_pk for row in rows}
    own = queries.among_own(session, caller, organisation_pks)
    organisations = queries.summaries(session, organisation_pks, public_url)
    return [
        VenueRead(
            **_summary(row, own, authorities, public_url).model_dump(),
            organisation=organisations[row.organisation_pk],
            access_text="" if _hidden(row, own) else row.access_text,
            url=None if _hidden(row, own) else row.url,
            demo=row.demo,
            version=row.version,
            created_at=row.created_at,
            updated_at=row.updated_at,
        )
        for row in rows
    ]


def _summary(
    row: Venue, own: Collection[int], authorities: Mapping[int, Authority], public_url: str
) -> VenueSummary:
    authority = authorities[row.authority_pk]
    hidden = _hidden(row, own)
    outward, _, _ = row.postcode.partition(" ")
    return VenueSummary(
        id=row.id,
        slug=row.slug,
        href=f"{public_url}/v1/venues/{row.slug}",
        name=authority.name if hidden else row.name,
        address="" if hidden else row.address,
        postcode=outward if hidden else row.postcode,
        authority=_reference(authority, public_url),
        lat=authority.lat if hidden else row.lat,
        lng=authority.lng if hidden else row.lng,
        access=row.access,
        hide_exact_address=row.hide_exact_address,
    )


def _hidden(row: Venue, own: Collection[int]) -> bool:
    return row.hide_exact_address and row.organisation_pk not in own


def _authority(authority: Authority | None, public_url: str) -> AuthorityReference | None:
    return _reference(authority, public_url) if authority else None


def _reference(authority: Authority, public_url: str) -> AuthorityReference:
    return AuthorityReference(
        code=authority.code,
        name=authority.name,
        href=f"{public_url}/v1/authorities/{authority.code}",
    )
