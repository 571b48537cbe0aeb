"""Changing venues. Where a venue is comes from its postcode."""

from collections.abc import Mapping
from typing import Any

from sqlmodel import Session

from app.access import audit
from app.access.models import Caller
from app.authorities.postcodes import normalise_postcode, spaced
from app.authorities.queries import Place, locate, names
from app.kit.conditional import IfMatch
from app.kit.database import key, touch
from app.kit.problems import CONFLICT, FORBIDDEN, NOT_FOUND, Problem, invalid
from app.kit.shapes import merged
from app.kit.times import now
from app.organisations import queries
from app.organisations.models import Organisation, Venue, VenueFields, VenueWrite


def create_venue(
    session: Session, caller: Caller, write: VenueWrite, *, demo: bool = False
) -> Venue:
    """Make a venue of an organisation that the caller acts for."""
    organisation = _owner(session, caller, write)
    queries.check_access(session, write.access)
    place = _located(session, write.postcode)
    if write.slug:
        _refuse_taken(session, write.slug)
    row = Venue(
        organisation_pk=key(organisation),
        slug=write.slug or _made_slug(session, write, place),
        name=write.name,
        demo=demo,
        **_columns(place),
    )
    _write(row, write)
    session.add(row)
    _settle(session, row, organisation)
    audit.record(session, caller, "venue.create", "venue", row.id, after=row)
    return row


def replace_venue(
    session: Session, caller: Caller, ref: str, write: VenueWrite, if_match: IfMatch
) -> Venue:
    """Write a venue anew."""
    row, organisation = _editable(session, caller, ref)
    if_match.check(row)
    return _rewrite(session, caller, row, organisation, write)


def update_venue(
    session: Session, caller: Caller, ref: str, patch: Mapping[str, Any], if_match: IfMatch
) -> Venue:
    """Change some members of a venue by a merge patch."""
    row, organisation = _editable(session, caller, ref)
    if_match.check(row)
    current = VenueWrite.model_construct(
        **row.model_dump(include=set(VenueFields.model_fields)),
        organisation=organisation.slug,
        slug=row.slug,
        postcode=row.postcode,
    )
    return _rewrite(session, caller, row, organisation, merged(current, patch))


def delete_venue(session: Session, caller: Caller, ref: str, if_match: IfMatch) -> None:
    """Take a venue out of sight; its slug becomes free. Listings there keep their place."""
    row, organisation = _editable(session, caller, ref)
    if_match.check(row)
    row.deleted_at = now()
    _settle(session, row, organisation)
    audit.record(session, caller, "venue.delete", "venue", row.id)


def _owner(session: Session, caller: Caller, write: VenueWrite) -> Organisation:
    ref = write.organisation
    if ref is None and caller.organisation_pk is not None:
        ref = str(queries.by_pks(session, [caller.organisation_pk])[caller.organisation_pk].id)
    if ref is None:
        raise invalid("#/organisation", "Say whose venue it is.", "missing")
    found = queries.organisation(session, caller, ref)
    if found is None:
        raise invalid("#/organisation", f"There is no organisation {ref!r}.")
    if not queries.among_own(session, caller, [key(found)]):
        raise Problem(FORBIDDEN, "You may add venues only to the organisations that you act for.")
    return found


def _editable(session: Session, caller: Caller, ref: str) -> tuple[Venue, Organisation]:
    row = queries.venue(session, caller, ref)
    if row is None:
        raise Problem(NOT_FOUND, f"There is no venue {ref!r}.")
    if not queries.among_own(session, caller, [row.organisation_pk]):
        raise Problem(FORBIDDEN, "You may change only the venues of organisations you act for.")
    return row, queries.by_pks(session, [row.organisation_pk])[row.organisation_pk]


def _rewrite(
    session: Session, caller: Caller, row: Venue, organisation: Organisation, write: VenueWrite
) -> Venue:
    if write.organisation not in {None, organisation.slug, str(organisation.id)}:
        raise invalid("#/organisation", "A venue stays with its organisation.")
    before = row.model_dump()
    queries.check_access(session, write.access, kept=row.access)
    place = _located(session, write.postcode)
    if write.slug not in {None, row.slug}:
        _refuse_taken(session, write.slug or "")
        row.slug = write.slug or row.slug
    elif write.hide_exact_address and not row.hide_exact_address:
        # The slug that it had was made from the name, and would give the place away.
        row.slug = _made_slug(session, write, place)
    row.sqlmodel_update(_columns(place))
    _write(row, write)
    _settle(session, row, organisation)
    audit.record(session, caller, "venue.update", "venue", row.id, before=before, after=row)
    return row


def _write(row: Venue, write: VenueWrite) -> None:
    row.sqlmodel_update(write.model_dump(include=set(VenueFields.model_fields)))
    row.words = queries.words_of(row.name, row.address)


def _settle(session: Session, row: Venue, organisation: Organisation) -> None:
    organisation.updated_at = now()  # it shows its venues: a new version of it, too
    session.flush()
    touch(session, row)  # listings show the venue, not what else its organisation has


def _located(session: Session, text: str) -> Place:
    try:
        postcode = normalise_postcode(text)
    except ValueError as error:
        raise invalid("#/postcode", str(error), "malformed_postcode") from None
    place = locate(session, [postcode]).get(postcode)
    if place is None:
        raise invalid(
            "#/postcode", f"{spaced(postcode)} is not a postcode known here.", "unknown_postcode"
        )
    return place


def _columns(place: Place) -> dict[str, Any]:
    return {**place._asdict(), "postcode": spaced(place.postcode)}


def _made_slug(session: Session, write: VenueWrite, place: Place) -> str:
    if write.hide_exact_address:
        return queries.free_slug(session, Venue, f"venue {names(session)[place.authority_pk].name}")
    return queries.free_slug(session, Venue, write.name)


def _refuse_taken(session: Session, slug: str) -> None:
    if queries.slug_is_taken(session, Venue, slug):
        raise Problem(CONFLICT, f"There is a venue {slug} already. Choose another slug.")
