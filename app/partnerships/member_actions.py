"""Joining and leaving a partnership: organisations leave a trace, people do not."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from sqlmodel import Session

from app.access import audit
from app.access.models import Caller
from app.kit.conditional import IfMatch
from app.kit.database import key
from app.kit.problems import CONFLICT, NOT_FOUND, Problem
from app.kit.shapes import merged
from app.kit.times import today
from app.partnerships import queries
from app.partnerships.actions import editable, settle
from app.partnerships.models import (
    IndividualWrite,
    Member,
    MemberFields,
    MemberWrite,
    Partnership,
)
from app.vocabularies.models import Vocabulary

PERSONAL = {"person_name", "consent_on"}
"""What the audit trail leaves out, even from its digests."""


def add_member(
    session: Session, caller: Caller, ref: str, write: MemberWrite
) -> tuple[Partnership, Member]:
    """Let an organisation or an individual join a partnership."""
    partnership = editable(session, caller, ref)
    row = Member(partnership_pk=key(partnership), sector=write.sector)
    _write(session, caller, row, write, kept=set())
    session.add(row)
    settle(session, partnership)
    _record(session, caller, "member.create", row)
    return partnership, row


def replace_member(
    session: Session,
    caller: Caller,
    ref: str,
    identifier: UUID,
    write: MemberWrite,
    if_match: IfMatch,
) -> tuple[Partnership, Member]:
    """Write a member anew."""
    partnership, row = _found(session, caller, ref, identifier)
    if_match.check(row)
    return partnership, _rewrite(session, caller, partnership, row, write)


def update_member(
    session: Session,
    caller: Caller,
    ref: str,
    identifier: UUID,
    patch: Mapping[str, Any],
    if_match: IfMatch,
) -> tuple[Partnership, Member]:
    """Change some things about a member by a merge patch."""
    partnership, row = _found(session, caller, ref, identifier)
    if_match.check(row)
    write = merged(_as_written(session, row), patch)
    return partnership, _rewrite(session, caller, partnership, row, write)


def end_membership(
    session: Session, caller: Caller, ref: str, identifier: UUID, if_match: IfMatch
) -> None:
    """End a membership today. A person is erased, and so is what had not begun."""
    partnership, row = _found(session, caller, ref, identifier)
    if_match.check(row)
    before = row.model_dump(exclude=PERSONAL)
    day = today()
    if row.organisation_pk is None or (row.from_date and row.from_date > day):
        session.delete(row)
    else:
        row.until_date = min(row.until_date or day, day)
        session.add(row)
    settle(session, partnership)
    audit.record(session, caller, "member.end", "member", row.id, before=before)


def _found(
    session: Session, caller: Caller, ref: str, identifier: UUID
) -> tuple[Partnership, Member]:
    partnership = editable(session, caller, ref)
    row = queries.member(session, caller, key(partnership), identifier)
    if row is None:
        raise Problem(NOT_FOUND, "This partnership has no member of this id.")
    return partnership, row


def _rewrite(
    session: Session, caller: Caller, partnership: Partnership, row: Member, write: MemberWrite
) -> Member:
    before = row.model_dump(exclude=PERSONAL)
    _write(session, caller, row, write, kept={row.sector})
    session.add(row)
    settle(session, partnership)
    _record(session, caller, "member.update", row, before=before)
    return row


def _write(
    session: Session, caller: Caller, row: Member, write: MemberWrite, *, kept: set[str]
) -> None:
    # Everything is looked up before the row changes: a query would flush half a change.
    queries.check_codes(session, [("#/sector", Vocabulary.SECTOR, write.sector)], kept)
    organisation_pk = None
    if write.organisation is not None:
        organisation_pk = queries.organisation_meant(
            session, caller, write.organisation, "#/organisation", row.organisation_pk
        )
        others = queries.memberships(session, row.partnership_pk, organisation_pk)
        if any(_overlap(write, other) for other in others if other.id != row.id):
            raise Problem(
                CONFLICT, "It is a member at that time already. Change that membership instead."
            )
    row.sqlmodel_update(write.model_dump(include=set(MemberFields.model_fields)))
    row.organisation_pk = organisation_pk
    row.person_name = write.individual.name if write.individual else None
    row.consent_on = write.individual.consent_on if write.individual else None


def _overlap(write: MemberWrite, other: Member) -> bool:
    # A new membership of unknown beginning is taken to begin today.
    return (write.from_date or today()) < (other.until_date or date.max) and (
        other.from_date or date.min
    ) < (write.until_date or date.max)


def _as_written(session: Session, row: Member) -> MemberWrite:
    organisation = individual = None
    if row.organisation_pk is not None:
        organisation = queries.organisation_id(session, row.organisation_pk)
    if row.person_name is not None:
        individual = IndividualWrite.model_construct(
            name=row.person_name, consent_on=row.consent_on
        )
    # Not validated here: `merged` does, and answers with a problem.
    return MemberWrite.model_construct(
        **row.model_dump(include=set(MemberFields.model_fields)),
        organisation=organisation,
        individual=individual,
    )


def _record(
    session: Session,
    caller: Caller,
    action: str,
    row: Member,
    before: Mapping[str, Any] | None = None,
) -> None:
    after = row.model_dump(exclude=PERSONAL)
    audit.record(session, caller, action, "member", row.id, before=before, after=after)
