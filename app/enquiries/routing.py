"""Who answers: the thing it is about, else the postcode's partnership, else the regional team.

Only what the public sees routes and is named, since the enquirer is told who answers.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple
from uuid import UUID

from sqlmodel import Session, col, select

from app.access.models import ANONYMOUS
from app.authorities.models import Authority
from app.authorities.queries import postcode as located
from app.enquiries.models import TITLE_LENGTH, RoutedBy, Subject
from app.enquiries.written import AboutWrite
from app.kit.database import key
from app.kit.problems import invalid
from app.opportunities.models import Opportunity, OpportunityArea
from app.opportunities.queries import visible_to as listings_visible_to
from app.organisations.queries import organisation as organisation_of
from app.organisations.queries import seats
from app.partnerships.models import Area, Partnership
from app.partnerships.queries import as_uuid, at_present, partnership
from app.partnerships.queries import visible_to as partnerships_visible_to
from app.programmes import queries as programmes


class Thing(NamedTuple):
    """What an enquiry is about, and the partnerships that it belongs to, the first first."""

    kind: Subject
    id: UUID
    ref: str
    name: str
    organisation_pk: int | None
    partnerships: Sequence[Partnership]


class Routed(NamedTuple):
    """Who answers, and why."""

    partnership: Partnership | None
    by: RoutedBy
    reason: str
    thing: Thing | None


def route(session: Session, about: AboutWrite | None, postcode: str | None) -> Routed:
    """Where an enquiry goes. 422 if it is about something that is not there."""
    thing = _thing(session, about) if about else None
    local: list[Partnership] = []
    found_none = ""
    if thing is None or len(thing.partnerships) != 1:  # else the postcode decides nothing
        local, found_none = _local(session, postcode)
    if thing is not None and thing.partnerships:
        here = {row.pk for row in local}
        chosen = next((row for row in thing.partnerships if row.pk in here), thing.partnerships[0])
        reason = f"It is about the {thing.kind} {thing.name!r} of {chosen.name}."
        if thing.kind is Subject.PARTNERSHIP:
            reason = f"It is about the partnership {chosen.name}."
        return Routed(chosen, RoutedBy.ABOUT, _fitting(reason), thing)
    if local:
        reason = f"{local[0].name} covers the postcode."
        return Routed(local[0], RoutedBy.POSTCODE, reason, thing)
    if thing is not None:
        found_none = f"The {thing.kind} it is about belongs to no partnership. {found_none}"
    return Routed(None, RoutedBy.REGION, found_none, thing)


def _local(session: Session, postcode: str | None) -> tuple[list[Partnership], str]:
    """The partnerships that cover a postcode, the likeliest first, or why there is none."""
    if postcode is None:
        return [], "No postcode was given."
    place = located(session, postcode)
    if place is None:
        return [], "The postcode is none of the region's."
    authorities = [place.authority.pk, *([place.parent.pk] if place.parent else [])]
    found = covering(session, authorities)
    return found, "" if found else f"No partnership covers {place.authority.name}."


def covering(session: Session, authority_pks: Sequence[int]) -> list[Partnership]:
    """The partnerships that cover one of these authorities today, the likeliest first.

    One that has confirmed it goes first, then an area's own before its county's.
    """
    statement = (
        partnerships_visible_to(ANONYMOUS)
        .join(Area, col(Area.partnership_pk) == col(Partnership.pk))
        .where(col(Area.authority_pk).in_(authority_pks), at_present(Area))
        .add_columns(col(Area.confirmed), col(Area.authority_pk))
    )
    rows = sorted(
        session.execute(statement),
        key=lambda row: (not row[1], authority_pks.index(row[2]), row[0].name),
    )
    return list({key(row[0]): row[0] for row in rows}.values())


def _thing(session: Session, about: AboutWrite) -> Thing:
    ((name, ref),) = about.named().items()
    kind = Subject(name)
    find = {
        Subject.PARTNERSHIP: _partnership,
        Subject.OPPORTUNITY: _opportunity,
        Subject.PROGRAMME: _programme,
        Subject.ORGANISATION: _organisation,
    }[kind]
    found = find(session, ref)
    if found is None:
        raise invalid(
            f"#/about/{name}",
            f"There is no such {name} any more. Leave `about` out, and say in the message what "
            "it is about.",
            "unknown_reference",
        )
    return found._replace(name=found.name[:TITLE_LENGTH])


def _partnership(session: Session, ref: str) -> Thing | None:
    row = partnership(session, ANONYMOUS, ref)
    if row is None:
        return None
    return Thing(Subject.PARTNERSHIP, row.id, row.slug, row.name, None, [row])


def _programme(session: Session, ref: str) -> Thing | None:
    row = programmes.programme(session, ANONYMOUS, ref)
    if row is None:
        return None
    pks = programmes.partnership_pks(session, [key(row)]).get(key(row), [])
    carriers = _by_pks(session, pks)
    return Thing(Subject.PROGRAMME, row.id, row.slug, row.title, None, carriers)


def _organisation(session: Session, ref: str) -> Thing | None:
    row = organisation_of(session, ANONYMOUS, ref)
    if row is None:
        return None
    ids = [seat.partnership_id for seat in seats(session, [key(row)]).get(key(row), [])]
    statement = partnerships_visible_to(ANONYMOUS).where(col(Partnership.id).in_(ids))
    found = {one.id: one for one in session.execute(statement).scalars()} if ids else {}
    seated = [found[identifier] for identifier in dict.fromkeys(ids) if identifier in found]
    return Thing(Subject.ORGANISATION, row.id, row.slug, row.name, row.pk, seated)


def _opportunity(session: Session, ref: str) -> Thing | None:
    identifier = as_uuid(ref)
    if identifier is None:
        return None
    # Not the whole row: of what it holds, five columns matter here.
    statement = (
        listings_visible_to(ANONYMOUS)
        .where(col(Opportunity.id) == identifier)
        .with_only_columns(
            col(Opportunity.pk),
            col(Opportunity.title),
            col(Opportunity.provider_pk),
            col(Opportunity.owner_pk),
            col(Opportunity.authority_pk),
        )
    )
    row = session.execute(statement).one_or_none()
    if row is None:
        return None
    areas = select(OpportunityArea.authority_pk).where(OpportunityArea.opportunity_pk == row.pk)
    # Where it takes place counts before where else it reaches.
    pks = sorted(session.exec(areas), key=lambda pk: (pk != row.authority_pk, pk))
    parents = select(Authority.parent_pk).where(col(Authority.pk).in_(pks))
    counties = [pk for pk in session.exec(parents) if pk is not None and pk not in pks]
    found = covering(session, [*pks, *dict.fromkeys(counties)])
    return Thing(
        Subject.OPPORTUNITY,
        identifier,
        str(identifier),
        row.title,
        row.provider_pk or row.owner_pk,
        found,
    )


def _by_pks(session: Session, pks: Collection[int]) -> list[Partnership]:
    if not pks:
        return []
    statement = partnerships_visible_to(ANONYMOUS).where(col(Partnership.pk).in_(pks))
    found = {key(row): row for row in session.execute(statement).scalars()}
    return [found[pk] for pk in pks if pk in found]


def _fitting(reason: str) -> str:
    return reason if len(reason) <= 300 else reason[:299] + "…"
