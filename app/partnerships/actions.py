"""Changing partnerships, their areas, stages and priorities.

The authorities' `Cover` and the organisations' `Seat` show on lower floors what is decided here:
`settle` writes both anew in the transaction of each change.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import delete
from sqlmodel import Session, col, select

from app.access import audit
from app.access.models import Caller
from app.authorities.models import Authority, Cover
from app.authorities.queries import by_code
from app.kit.conditional import IfMatch
from app.kit.database import key, touch
from app.kit.identifiers import slugify
from app.kit.problems import CONFLICT, FORBIDDEN, INVALID, NOT_FOUND, FieldError, Problem, invalid
from app.kit.shapes import merged
from app.kit.times import now, today
from app.organisations.models import Seat, Visibility
from app.partnerships import queries
from app.partnerships.models import (
    WORDS_LENGTH,
    Area,
    AreaFields,
    AreaWrite,
    Partnership,
    PartnershipFields,
    PartnershipWrite,
    Priority,
    PriorityWrite,
    Stage,
    StageWrite,
)
from app.vocabularies.models import Vocabulary
from app.webhooks.emitting import Scope, emit
from app.webhooks.events import EventType

FIRST_STAGE = "emerging"
ENTERED = "Entered with the partnership."
CHANGED = "Changed by the regional team."


# --- the partnership -------------------------------------------------------------------------


def create_partnership(
    session: Session,
    caller: Caller,
    write: PartnershipWrite,
    *,
    reason: str = ENTERED,
    loaded_as: str | None = None,
) -> Partnership:
    """Make a partnership with its areas and the first entry of its stages."""
    slug = write.slug or slugify(write.name)
    if not slug:
        raise invalid("#/slug", "No slug can be made from this name. Give one.")
    _refuse_taken(session, slug)
    stage = write.stage or FIRST_STAGE
    _check_stage(session, stage)
    row = Partnership(slug=slug, stage=stage, loaded_as=loaded_as, name=write.name)
    _write_fields(session, caller, row, write)
    session.add(row)
    session.flush()
    session.add(Stage(partnership_pk=key(row), stage=stage, reason=reason, from_date=today()))
    _write_areas(session, row, write.areas or [], "#/areas")
    settle(session, row)
    audit.record(session, caller, "partnership.create", "partnership", row.id, after=row)
    return row


def replace_partnership(
    session: Session, caller: Caller, ref: str, write: PartnershipWrite, if_match: IfMatch
) -> Partnership:
    """Write a partnership anew. Its slug, stage and areas stay unless staff change them."""
    row = editable(session, caller, ref)
    if_match.check(row)
    return _rewrite(session, caller, row, write)


def update_partnership(
    session: Session, caller: Caller, ref: str, patch: Mapping[str, Any], if_match: IfMatch
) -> Partnership:
    """Change some members of a partnership by a merge patch."""
    row = editable(session, caller, ref)
    if_match.check(row)
    return _rewrite(session, caller, row, merged(_as_written(session, row), patch))


def delete_partnership(session: Session, caller: Caller, ref: str, if_match: IfMatch) -> None:
    """Take a partnership out of sight; its history is kept and its slug becomes free."""
    row = editable(session, caller, ref)
    if_match.check(row)
    row.deleted_at = now()
    settle(session, row)
    audit.record(session, caller, "partnership.delete", "partnership", row.id)


def editable(session: Session, caller: Caller, ref: str) -> Partnership:
    """The partnership that the caller wants to change: 404 if unseen, 403 if another's."""
    row = queries.partnership(session, caller, ref)
    if row is None:
        raise Problem(NOT_FOUND, f"There is no partnership {ref!r}.")
    if not caller.coordinates(row.pk):
        raise Problem(FORBIDDEN, "You may change only the partnerships of your own key.")
    return row


def settle(session: Session, row: Partnership) -> None:
    """Finish a change: a new version, who is told, and what lower floors show of it."""
    row.updated_at = now()
    session.add(row)
    session.flush()
    covered = select(col(Cover.authority_pk)).where(col(Cover.partnership_id) == row.id)
    # Where it was before counts too: what is there stops showing it.
    touch(session, row, *session.exec(select(Authority).where(col(Authority.pk).in_(covered))))
    emit(
        session,
        EventType.PARTNERSHIP_CHANGED,
        {
            "id": str(row.id),
            "slug": row.slug,
            "deleted": row.deleted_at is not None,
            "href": f"/v1/partnerships/{row.slug}",
        },
        scope=Scope(public=row.visibility is Visibility.PUBLIC, partnerships=frozenset({key(row)})),
    )
    session.execute(delete(Cover).where(col(Cover.partnership_id) == row.id))
    session.execute(delete(Seat).where(col(Seat.partnership_id) == row.id))
    if row.deleted_at is not None or row.visibility is not Visibility.PUBLIC:
        return
    for area, _ in queries.areas(session, [key(row)]).get(key(row), []):
        session.add(
            Cover(
                authority_pk=area.authority_pk,
                partnership_id=row.id,
                slug=row.slug,
                name=row.name,
                stage=row.stage,
                whole=area.whole,
                confirmed=area.confirmed,
                from_date=area.from_date,
                until_date=area.until_date,
            )
        )
    for organisation_pk, member in queries.seated(session, key(row)):
        session.add(
            Seat(
                organisation_pk=organisation_pk,
                partnership_id=row.id,
                slug=row.slug,
                name=row.name,
                role=member.role,
                from_date=member.from_date,
                until_date=member.until_date,
            )
        )
    session.flush()


def _rewrite(
    session: Session, caller: Caller, row: Partnership, write: PartnershipWrite
) -> Partnership:
    before = row.model_dump()
    new_slug = write.slug is not None and write.slug != row.slug
    new_stage = write.stage is not None and write.stage != row.stage
    new_areas = write.areas is not None and _differ(session, row, write.areas)
    changed = {"slug": new_slug, "stage": new_stage, "areas": new_areas}
    if not caller.is_staff and any(changed.values()):
        raise _for_staff([name for name, differs in changed.items() if differs])
    if new_slug and write.slug is not None:
        _refuse_taken(session, write.slug)
        row.slug = write.slug
    if new_stage and write.stage is not None:
        _enter_stage(session, row, StageWrite(stage=write.stage, reason=CHANGED))
    _write_fields(session, caller, row, write)
    if new_areas and write.areas is not None:
        _write_areas(session, row, write.areas, "#/areas")
    settle(session, row)
    audit.record(
        session, caller, "partnership.update", "partnership", row.id, before=before, after=row
    )
    return row


def _write_fields(
    session: Session, caller: Caller, row: Partnership, write: PartnershipWrite
) -> None:
    lead = None
    if write.lead_organisation is not None:
        lead = queries.organisation_meant(
            session,
            caller,
            write.lead_organisation,
            "#/lead_organisation",
            row.lead_organisation_pk,
        )
    row.sqlmodel_update(write.model_dump(include=set(PartnershipFields.model_fields)))
    row.words = queries.words_of(row.name, *row.aliases, limit=WORDS_LENGTH)
    row.lead_organisation_pk = lead


def _as_written(session: Session, row: Partnership) -> PartnershipWrite:
    lead = None
    if row.lead_organisation_pk is not None:
        lead = queries.organisation_id(session, row.lead_organisation_pk)
    # Not validated here: `merged` does, and answers with a problem.
    return PartnershipWrite.model_construct(
        **row.model_dump(include=set(PartnershipFields.model_fields)),
        slug=row.slug,
        stage=row.stage,
        areas=_areas_as_written(session, row),
        lead_organisation=lead,
    )


def _refuse_taken(session: Session, slug: str) -> None:
    if queries.slug_is_taken(session, slug):
        raise Problem(CONFLICT, f"There is a partnership {slug} already. Choose another slug.")


def _for_staff(names: Sequence[str]) -> Problem:
    detail = f"Only the regional team changes {', '.join(names)}. Leave them as they are."
    errors = [
        FieldError(
            pointer=f"#/{name}", detail="Only the regional team changes this.", code="staff_only"
        )
        for name in names
    ]
    return Problem(FORBIDDEN, detail, errors=errors)


# --- areas -----------------------------------------------------------------------------------


def replace_areas(
    session: Session, caller: Caller, ref: str, writes: Sequence[AreaWrite], if_match: IfMatch
) -> Partnership:
    """Write all areas of a partnership anew."""
    row = editable(session, caller, ref)
    if_match.check(row)
    before = _shape(session, row)
    _write_areas(session, row, writes, "#/items")
    settle(session, row)
    audit.record(
        session,
        caller,
        "partnership.areas",
        "partnership",
        row.id,
        before=before,
        after=_shape(session, row),
    )
    return row


def _write_areas(
    session: Session, row: Partnership, writes: Sequence[AreaWrite], pointer: str
) -> None:
    known = by_code(session)
    errors = [
        FieldError(
            pointer=f"{pointer}/{index}/authority",
            detail=f"There is no authority {write.authority}. Give a GSS code.",
            code="unknown_authority",
        )
        for index, write in enumerate(writes)
        if write.authority not in known
    ] + [
        FieldError(
            pointer=f"{pointer}/{index}",
            detail=f"{write.authority} is there twice for the same time. Keep one of them.",
            code="overlap",
        )
        for index, write in enumerate(writes)
        if any(_overlap(write, other) for other in writes[:index])
    ]
    if errors:
        raise Problem(INVALID, errors[0].detail, errors=errors)
    session.execute(delete(Area).where(col(Area.partnership_pk) == key(row)))
    for write in writes:
        session.add(
            Area(
                partnership_pk=key(row),
                authority_pk=_pk(known[write.authority]),
                **write.model_dump(include=set(AreaFields.model_fields)),
            )
        )
    session.flush()


def _overlap(one: AreaWrite, other: AreaWrite) -> bool:
    return (
        one.authority == other.authority
        and (one.from_date or date.min) < (other.until_date or date.max)
        and (other.from_date or date.min) < (one.until_date or date.max)
    )


def _pk(authority: Authority) -> int:
    if authority.pk is None:
        raise ValueError(f"{authority.code} has not been flushed")
    return authority.pk


def _differ(session: Session, row: Partnership, writes: Sequence[AreaWrite]) -> bool:
    wanted = sorted((audit.digest(write) for write in writes), key=str)
    return wanted != _shape(session, row)


def _shape(session: Session, row: Partnership) -> list[str | None]:
    return sorted((audit.digest(area) for area in _areas_as_written(session, row)), key=str)


def _areas_as_written(session: Session, row: Partnership) -> list[AreaWrite]:
    return [
        AreaWrite(authority=authority.code, **area.model_dump(include=set(AreaFields.model_fields)))
        for area, authority in queries.areas(session, [key(row)]).get(key(row), [])
    ]


# --- stages ----------------------------------------------------------------------------------


def add_stage(
    session: Session, caller: Caller, ref: str, write: StageWrite
) -> tuple[Partnership, Stage]:
    """Enter a stage that a partnership reached; the latest by date is its stage from now on."""
    row = editable(session, caller, ref)
    before = row.stage
    entry = _enter_stage(session, row, write)
    settle(session, row)
    audit.record(
        session, caller, "partnership.stage", "partnership", row.id, before=before, after=entry
    )
    return row, entry


def _enter_stage(session: Session, row: Partnership, write: StageWrite) -> Stage:
    _check_stage(session, write.stage)
    entry = Stage(
        partnership_pk=key(row),
        **write.model_dump(exclude={"from_date"}),
        from_date=write.from_date or today(),
    )
    session.add(entry)
    session.flush()
    row.stage = queries.stages(session, key(row))[0].stage
    return entry


def _check_stage(session: Session, stage: str) -> None:
    queries.check_codes(session, [("#/stage", Vocabulary.STAGE, stage)])


# --- priorities ------------------------------------------------------------------------------


def replace_priorities(
    session: Session, caller: Caller, ref: str, writes: Sequence[PriorityWrite], if_match: IfMatch
) -> Partnership:
    """Write all priorities of a partnership anew, in the order given."""
    row = editable(session, caller, ref)
    if_match.check(row)
    queries.check_codes(
        session,
        [
            (f"#/items/{index}/priority", Vocabulary.PRIORITY, write.priority)
            for index, write in enumerate(writes)
        ],
        kept={item.priority for item in queries.priorities(session, key(row))},
    )
    session.execute(delete(Priority).where(col(Priority.partnership_pk) == key(row)))
    for position, write in enumerate(writes):
        session.add(
            Priority(partnership_pk=key(row), position=position, **write.model_dump(mode="json"))
        )
    settle(session, row)
    audit.record(
        session,
        caller,
        "partnership.priorities",
        "partnership",
        row.id,
        after=[write.model_dump(mode="json") for write in writes],
    )
    return row
