"""Changing organisations: staff all of it, coordinators and publishers what is theirs to say."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlmodel import Session

from app.access import audit
from app.access.models import Caller, Role
from app.authorities.queries import check_codes, names
from app.kit.conditional import IfMatch
from app.kit.database import key, touch
from app.kit.problems import CONFLICT, FORBIDDEN, NOT_FOUND, FieldError, Problem
from app.kit.shapes import merged
from app.kit.times import now
from app.organisations import queries
from app.organisations.models import (
    AccreditationsWrite,
    Organisation,
    OrganisationContactWrite,
    OrganisationFields,
    OrganisationWrite,
    SafeguardingWrite,
)

NOT_THEIRS: Mapping[Role, frozenset[str]] = {
    Role.PUBLISHER: frozenset(OrganisationWrite.model_fields) - {"contact", "safeguarding"},
    Role.COORDINATOR: frozenset({"slug", "accreditations"}),
}
"""What those who may edit an organisation leave to the regional team."""


def create_organisation(
    session: Session, caller: Caller, write: OrganisationWrite, *, demo: bool = False
) -> Organisation:
    """Make an organisation. A coordinator may choose its slug, but not accredit it."""
    unstated = OrganisationWrite(name=write.name, sector=write.sector, slug=write.slug)
    _refuse_foreign(caller, _changed(unstated, write))
    queries.check_sector(session, write.sector)
    if write.slug:
        _refuse_taken(session, write.slug)
    slug = write.slug or queries.free_slug(session, Organisation, write.name)
    row = Organisation(slug=slug, name=write.name, sector=write.sector, demo=demo)
    _write(session, row, write)
    session.add(row)
    session.flush()
    touch(session, row)
    audit.record(session, caller, "organisation.create", "organisation", row.id, after=row)
    return row


def replace_organisation(
    session: Session, caller: Caller, ref: str, write: OrganisationWrite, if_match: IfMatch
) -> Organisation:
    """Write an organisation anew; members that are not the caller's to change must be as read."""
    row = editable(session, caller, ref)
    if_match.check(row)
    return _rewrite(session, caller, row, write)


def update_organisation(
    session: Session, caller: Caller, ref: str, patch: Mapping[str, Any], if_match: IfMatch
) -> Organisation:
    """Change some members of an organisation by a merge patch."""
    row = editable(session, caller, ref)
    if_match.check(row)
    return _rewrite(session, caller, row, merged(_as_written(session, row), patch))


def delete_organisation(session: Session, caller: Caller, ref: str, if_match: IfMatch) -> None:
    """Take an organisation and its venues out of sight; their slugs become free."""
    row = editable(session, caller, ref)
    if_match.check(row)
    row.deleted_at = now()
    gone = queries.venues_of(session, [key(row)]).get(key(row), [])
    for venue in gone:
        venue.deleted_at = row.deleted_at
    session.flush()
    touch(session, row, *gone)
    audit.record(session, caller, "organisation.delete", "organisation", row.id)


def editable(session: Session, caller: Caller, ref: str) -> Organisation:
    """The organisation that the caller wants to change: 404 if unseen, 403 if another's."""
    row = queries.organisation(session, caller, ref)
    if row is None:
        raise Problem(NOT_FOUND, f"There is no organisation {ref!r}.")
    if not queries.among_own(session, caller, [key(row)]):
        raise Problem(FORBIDDEN, "You may change only the organisations that you act for.")
    return row


def _rewrite(
    session: Session, caller: Caller, row: Organisation, write: OrganisationWrite
) -> Organisation:
    current = _as_written(session, row)
    if write.slug is None:
        write.slug = row.slug
    changed = _changed(current, write)
    _refuse_foreign(caller, changed)
    before = row.model_dump()
    queries.check_sector(session, write.sector, kept=row.sector)
    if write.slug != row.slug:
        _refuse_taken(session, write.slug)
        row.slug = write.slug
    _write(session, row, write)
    session.add(row)
    session.flush()
    touch(session, row)
    audit.record(
        session, caller, "organisation.update", "organisation", row.id, before=before, after=row
    )
    return row


def _write(session: Session, row: Organisation, write: OrganisationWrite) -> None:
    members = write.members()
    row.sqlmodel_update({name: members[name] for name in OrganisationFields.model_fields})
    row.sqlmodel_update({f"contact_{name}": v for name, v in members["contact"].items()})
    row.sqlmodel_update({f"safeguarding_{name}": v for name, v in members["safeguarding"].items()})
    row.sqlmodel_update(members["accreditations"])
    row.words = queries.words_of(row.name)
    row.authority_pk = _authority_pk(session, write.authority)


def _authority_pk(session: Session, code: str | None) -> int | None:
    if code is None:
        return None
    check_codes(session, [code], "#/authority")
    return next(pk for pk, name in names(session).items() if name.code == code)


def _as_written(session: Session, row: Organisation) -> OrganisationWrite:
    authority = None
    if row.authority_pk is not None:
        authority = names(session)[row.authority_pk].code
    return OrganisationWrite.model_construct(
        **row.model_dump(include=set(OrganisationFields.model_fields)),
        slug=row.slug,
        authority=authority,
        contact=OrganisationContactWrite.model_construct(
            role=row.contact_role,
            email=row.contact_email,
            phone=row.contact_phone,
            url=row.contact_url,
        ),
        accreditations=AccreditationsWrite.model_construct(
            artsmark=row.artsmark, arts_award_centre=row.arts_award_centre
        ),
        safeguarding=SafeguardingWrite.model_construct(
            policy_url=row.safeguarding_policy_url,
            reviewed_on=row.safeguarding_reviewed_on,
            lead_named=row.safeguarding_lead_named,
        ),
    )


def _changed(current: OrganisationWrite, write: OrganisationWrite) -> list[str]:
    before, after = current.members(), write.members()
    return [name for name, value in after.items() if value != before[name]]


def _refuse_foreign(caller: Caller, changed: Sequence[str]) -> None:
    names = [name for name in changed if name in NOT_THEIRS.get(caller.role, ())]
    if not names:
        return
    detail = f"Only the regional team changes {', '.join(names)}. Leave them as they are."
    errors = [
        FieldError(
            pointer=f"#/{name}", detail="Only the regional team changes this.", code="staff_only"
        )
        for name in names
    ]
    raise Problem(FORBIDDEN, detail, errors=errors)


def _refuse_taken(session: Session, slug: str) -> None:
    if queries.slug_is_taken(session, Organisation, slug):
        raise Problem(CONFLICT, f"There is an organisation {slug} already. Choose another slug.")
