"""What the contract shows of partnerships, gathered with one query for each kind of thing."""

from collections.abc import Collection, Sequence

from sqlmodel import Session, col

from app.access.models import Caller
from app.authorities.models import Authority, AuthorityReference
from app.kit.database import key
from app.organisations.queries import summaries as organisation_summaries
from app.partnerships import queries
from app.partnerships.models import (
    ANONYMOUS_MEMBER,
    EMBEDDED_MEMBERS,
    Area,
    AreaFields,
    AreaRead,
    IndividualRead,
    Member,
    MemberFields,
    MemberRead,
    Partnership,
    PartnershipFields,
    PartnershipLinks,
    PartnershipRead,
    PartnershipSummary,
    Priority,
    PriorityRead,
    Stage,
    StageRead,
)


def in_list(
    session: Session, caller: Caller, rows: Sequence[Partnership], public_url: str
) -> list[PartnershipSummary]:
    """Partnerships as a list shows them, in the order of the rows."""
    pks = [key(row) for row in rows]
    areas = queries.areas(session, pks)
    counts = queries.member_counts(session, caller, pks)
    leads = queries.leads(
        session,
        caller,
        {row.lead_organisation_pk for row in rows if row.lead_organisation_pk},
        public_url,
    )
    return [
        PartnershipSummary(
            **row.model_dump(include=set(PartnershipSummary.model_fields)),
            href=queries.address(row, public_url),
            areas=[area_read(*pair, public_url) for pair in areas.get(key(row), [])],
            lead_organisation=leads.get(row.lead_organisation_pk or 0),
            member_count=counts.get(key(row), 0),
        )
        for row in rows
    ]


def whole(session: Session, caller: Caller, row: Partnership, public_url: str) -> PartnershipRead:
    """A partnership with all that belongs to it."""
    brief = in_list(session, caller, [row], public_url)[0]
    statement = queries.members(caller, key(row)).order_by(col(Member.pk)).limit(EMBEDDED_MEMBERS)
    members = session.execute(statement).scalars().all()
    return PartnershipRead(
        **row.model_dump(include=set(PartnershipFields.model_fields)),
        **brief.model_dump(exclude=set(PartnershipFields.model_fields)),
        members=member_reads(session, caller, row, members, public_url),
        stages=[stage_read(stage) for stage in queries.stages(session, key(row))],
        priorities=[priority_read(item) for item in queries.priorities(session, key(row))],
        links=PartnershipLinks(
            members=f"{queries.address(row, public_url)}/members",
            programmes=f"{public_url}/v1/programmes?partnership={row.slug}",
            opportunities=f"{public_url}/v1/opportunities?partnership={row.slug}",
            case_studies=f"{public_url}/v1/case-studies?partnership={row.slug}",
        ),
    )


def area_reads(session: Session, row: Partnership, public_url: str) -> list[AreaRead]:
    """The areas of one partnership."""
    pairs = queries.areas(session, [key(row)]).get(key(row), [])
    return [area_read(area, authority, public_url) for area, authority in pairs]


def area_read(area: Area, authority: Authority, public_url: str) -> AreaRead:
    """An area with its authority."""
    return AreaRead(
        **area.model_dump(include=set(AreaFields.model_fields)),
        authority=AuthorityReference(
            code=authority.code,
            name=authority.name,
            href=f"{public_url}/v1/authorities/{authority.code}",
        ),
    )


def member_reads(
    session: Session,
    caller: Caller,
    row: Partnership,
    members: Collection[Member],
    public_url: str,
) -> list[MemberRead]:
    """Members of one partnership, people without consent unnamed for all but its own."""
    organisations = organisation_summaries(
        session, {item.organisation_pk for item in members if item.organisation_pk}, public_url
    )
    own = caller.coordinates(row.pk)
    return [
        MemberRead(
            **item.model_dump(include=set(MemberFields.model_fields)),
            id=item.id,
            href=f"{queries.address(row, public_url)}/members/{item.id}",
            organisation=organisations.get(item.organisation_pk or 0),
            individual=_individual(item, own=own),
            version=item.version,
            created_at=item.created_at,
            updated_at=item.updated_at,
        )
        for item in members
    ]


def _individual(member: Member, *, own: bool) -> IndividualRead | None:
    if member.person_name is None:
        return None
    if own:
        return IndividualRead(name=member.person_name, consent_on=member.consent_on)
    return IndividualRead(name=member.person_name if member.consent_on else ANONYMOUS_MEMBER)


def stage_read(stage: Stage) -> StageRead:
    """A stage as the contract promises it."""
    return StageRead.model_validate(stage, from_attributes=True)


def priority_read(priority: Priority) -> PriorityRead:
    """A priority as the contract promises it."""
    return PriorityRead.model_validate(priority, from_attributes=True)
