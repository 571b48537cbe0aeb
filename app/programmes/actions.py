"""Changing programmes, their milestones, outcomes and budgets."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import delete
from sqlmodel import Session, col

from app.access import audit
from app.access.models import Caller
from app.kit.conditional import IfMatch
from app.kit.database import key, touch
from app.kit.identifiers import slugify
from app.kit.problems import CONFLICT, FORBIDDEN, INVALID, NOT_FOUND, FieldError, Problem, invalid
from app.kit.shapes import merged
from app.kit.times import now
from app.organisations.models import Visibility
from app.partnerships.queries import check_codes, ids_shown, partnerships_by_ref, words_of
from app.programmes import queries
from app.programmes.models import (
    WORDS_LENGTH,
    BudgetLine,
    BudgetLineFields,
    BudgetLineWrite,
    Milestone,
    MilestoneFields,
    MilestoneWrite,
    Outcome,
    OutcomeFields,
    OutcomeWrite,
    Programme,
    ProgrammeFields,
    ProgrammePartnership,
    ProgrammePriority,
    ProgrammeWrite,
    ProgrammeYear,
)
from app.vocabularies.models import Vocabulary
from app.webhooks.emitting import Scope, emit
from app.webhooks.events import EventType


def create_programme(
    session: Session, caller: Caller, write: ProgrammeWrite, *, demo: bool = False
) -> Programme:
    """Make a programme. Coordinators make them for their own partnerships."""
    slug = write.slug or slugify(write.title)
    if not slug:
        raise invalid("#/slug", "No slug can be made from this title. Give one.")
    _refuse_taken(session, slug)
    row = Programme(slug=slug, demo=demo, title=write.title, kind=write.kind)
    carriers = _carriers(session, caller, write, [])
    _check_codes(session, write, kept=frozenset())
    _write_fields(row, write)
    session.add(row)
    session.flush()
    _write_lists(session, row, write, carriers)
    _settle(session, row)
    audit.record(session, caller, "programme.create", "programme", row.id, after=row)
    return row


def replace_programme(
    session: Session, caller: Caller, ref: str, write: ProgrammeWrite, if_match: IfMatch
) -> Programme:
    """Write a programme anew, with its milestones and outcomes."""
    row = editable(session, caller, ref)
    if_match.check(row)
    return _rewrite(session, caller, row, write)


def update_programme(
    session: Session, caller: Caller, ref: str, patch: Mapping[str, Any], if_match: IfMatch
) -> Programme:
    """Change some members of a programme by a merge patch."""
    row = editable(session, caller, ref)
    if_match.check(row)
    return _rewrite(session, caller, row, merged(_as_written(session, caller, row), patch))


def delete_programme(session: Session, caller: Caller, ref: str, if_match: IfMatch) -> None:
    """Take a programme out of sight; its record is kept and its slug becomes free."""
    row = editable(session, caller, ref)
    if_match.check(row)
    row.deleted_at = now()
    _settle(session, row)
    audit.record(session, caller, "programme.delete", "programme", row.id)


def replace_budget(
    session: Session,
    caller: Caller,
    ref: str,
    writes: Sequence[BudgetLineWrite],
    if_match: IfMatch,
) -> Programme:
    """Write the whole budget of a programme anew."""
    row = editable(session, caller, ref)
    if_match.check(row)
    kept = {line.id: line for line in queries.parts(session, BudgetLine, key(row))}
    _refuse_foreign(kept, writes, "#/items")
    for position, write in enumerate(writes):
        line = kept.pop(write.id, None) if write.id else None
        values = {
            **write.model_dump(include=set(BudgetLineFields.model_fields)),
            "pence": int(write.amount * 100),
            "position": position,
        }
        if line is None:
            line = BudgetLine(programme_pk=key(row), **values)
        else:
            line.sqlmodel_update(values)
        session.add(line)
    for line in kept.values():
        session.delete(line)
    _settle(session, row)
    audit.record(
        session,
        caller,
        "programme.budget",
        "programme",
        row.id,
        after=[write.model_dump(mode="json") for write in writes],
    )
    return row


def editable(session: Session, caller: Caller, ref: str) -> Programme:
    """The programme that the caller wants to change: 404 if unseen, 403 if of others."""
    row = queries.programme(session, caller, ref)
    if row is None:
        raise Problem(NOT_FOUND, f"There is no programme {ref!r}.")
    if not caller.coordinates(*queries.partnership_pks(session, [key(row)]).get(key(row), [])):
        raise Problem(FORBIDDEN, "This is for the coordinators of its partnerships.")
    return row


def _rewrite(session: Session, caller: Caller, row: Programme, write: ProgrammeWrite) -> Programme:
    before = row.model_dump()
    if write.slug is not None and write.slug != row.slug:
        _refuse_taken(session, write.slug)
        row.slug = write.slug
    current = queries.partnership_pks(session, [key(row)]).get(key(row), [])
    carriers = _carriers(session, caller, write, current)
    kept = {
        *queries.priorities(session, [key(row)]).get(key(row), []),
        *(outcome.indicator for outcome in queries.parts(session, Outcome, key(row))),
    }
    _check_codes(session, write, kept)
    _write_fields(row, write)
    _write_lists(session, row, write, carriers)
    _settle(session, row)
    audit.record(session, caller, "programme.update", "programme", row.id, before=before, after=row)
    return row


def _settle(session: Session, row: Programme) -> None:
    row.updated_at = now()
    session.add(row)
    session.flush()
    touch(session, row)
    carriers = queries.partnership_pks(session, [key(row)]).get(key(row), [])
    emit(
        session,
        EventType.PROGRAMME_CHANGED,
        {
            "id": str(row.id),
            "slug": row.slug,
            "deleted": row.deleted_at is not None,
            "href": f"/v1/programmes/{row.slug}",
        },
        scope=Scope(public=row.visibility is Visibility.PUBLIC, partnerships=frozenset(carriers)),
    )


def _carriers(
    session: Session, caller: Caller, write: ProgrammeWrite, current: Sequence[int]
) -> list[int]:
    """The partnerships that are to carry a programme; others' come and go by staff alone."""
    found = partnerships_by_ref(session, write.partnerships, caller)
    errors = [
        FieldError(
            pointer=f"#/partnerships/{index}",
            detail=f"There is no partnership {ref}.",
            code="unknown_partnership",
        )
        for index, ref in enumerate(write.partnerships)
        if ref not in found
    ]
    if errors:
        raise Problem(INVALID, errors[0].detail, errors=errors)
    wanted = list(dict.fromkeys(key(found[ref]) for ref in write.partnerships))
    if not wanted:
        raise invalid("#/partnerships", "Name one partnership at least.")
    # What the caller cannot see, it can neither name nor remove.
    shown = ids_shown(session, current, caller)
    hidden = [pk for pk in current if pk not in shown]
    if caller.is_staff:
        return wanted + hidden
    if not caller.coordinates(*wanted) or not caller.partnership_pks >= set(wanted) ^ set(shown):
        raise Problem(
            FORBIDDEN,
            "Name your own partnership. Only the regional team adds or removes another.",
            errors=[
                FieldError(
                    pointer="#/partnerships",
                    detail="Only the regional team adds or removes another's partnership.",
                    code="staff_only",
                )
            ],
        )
    return wanted + hidden


def _check_codes(session: Session, write: ProgrammeWrite, kept: set[str] | frozenset[str]) -> None:
    check_codes(
        session,
        [
            *(
                (f"#/priorities/{index}", Vocabulary.PRIORITY, code)
                for index, code in enumerate(write.priorities)
            ),
            *(
                (f"#/outcomes/{index}/indicator", Vocabulary.INDICATOR, item.indicator)
                for index, item in enumerate(write.outcomes)
            ),
        ],
        kept,
    )


def _write_fields(row: Programme, write: ProgrammeWrite) -> None:
    row.sqlmodel_update(write.model_dump(include=set(ProgrammeFields.model_fields)))
    row.words = words_of(row.title, row.summary, limit=WORDS_LENGTH)


def _write_lists(
    session: Session, row: Programme, write: ProgrammeWrite, carriers: Sequence[int]
) -> None:
    pk = key(row)
    for table in (ProgrammePartnership, ProgrammePriority, ProgrammeYear):
        session.execute(delete(table).where(col(table.programme_pk) == pk))
    for position, partnership_pk in enumerate(carriers):
        session.add(
            ProgrammePartnership(programme_pk=pk, partnership_pk=partnership_pk, position=position)
        )
    for position, code in enumerate(write.priorities):
        session.add(ProgrammePriority(programme_pk=pk, priority=code, position=position))
    for year in write.plan_years:
        session.add(ProgrammeYear(programme_pk=pk, year=year))
    _write_milestones(session, pk, write.milestones)
    _write_outcomes(session, pk, write.outcomes)


def _write_milestones(session: Session, pk: int, writes: Sequence[MilestoneWrite]) -> None:
    kept = {item.id: item for item in queries.parts(session, Milestone, pk)}
    _refuse_foreign(kept, writes, "#/milestones")
    for position, write in enumerate(writes):
        item = kept.pop(write.id, None) if write.id else None
        item = item or Milestone(programme_pk=pk, title=write.title, position=position)
        item.sqlmodel_update(write.model_dump(include=set(MilestoneFields.model_fields)))
        item.position = position
        session.add(item)
    for item in kept.values():
        session.delete(item)


def _write_outcomes(session: Session, pk: int, writes: Sequence[OutcomeWrite]) -> None:
    kept = {item.id: item for item in queries.parts(session, Outcome, pk)}
    _refuse_foreign(kept, writes, "#/outcomes")
    for position, write in enumerate(writes):
        item = kept.pop(write.id, None) if write.id else None
        item = item or Outcome(programme_pk=pk, indicator=write.indicator, position=position)
        item.sqlmodel_update(write.model_dump(include=set(OutcomeFields.model_fields)))
        item.position = position
        session.add(item)
    for item in kept.values():
        session.delete(item)


def _refuse_foreign(
    kept: Mapping[Any, object],
    writes: Sequence[MilestoneWrite] | Sequence[OutcomeWrite] | Sequence[BudgetLineWrite],
    pointer: str,
) -> None:
    given = [write.id for write in writes]
    errors = [
        FieldError(
            pointer=f"{pointer}/{index}/id",
            detail="The programme has no such item, or it is named twice. Leave the id out.",
            code="unknown_id",
        )
        for index, identifier in enumerate(given)
        if identifier and (identifier not in kept or identifier in given[:index])
    ]
    if errors:
        raise Problem(INVALID, errors[0].detail, errors=errors)


def _as_written(session: Session, caller: Caller, row: Programme) -> ProgrammeWrite:
    pk = key(row)
    carriers = queries.partnership_pks(session, [pk]).get(pk, [])
    ids = ids_shown(session, carriers, caller)
    # Not validated here: `merged` does, and answers with a problem.
    return ProgrammeWrite.model_construct(
        **row.model_dump(include=set(ProgrammeFields.model_fields)),
        slug=row.slug,
        partnerships=[str(ids[carrier]) for carrier in carriers if carrier in ids],
        priorities=queries.priorities(session, [pk]).get(pk, []),
        plan_years=queries.plan_years(session, [pk]).get(pk, []),
        milestones=[
            MilestoneWrite(**item.model_dump(include={*MilestoneFields.model_fields, "id"}))
            for item in queries.parts(session, Milestone, pk)
        ],
        outcomes=[
            OutcomeWrite(**item.model_dump(include={*OutcomeFields.model_fields, "id"}))
            for item in queries.parts(session, Outcome, pk)
        ],
    )


def _refuse_taken(session: Session, slug: str) -> None:
    if queries.slug_is_taken(session, slug):
        raise Problem(CONFLICT, f"There is a programme {slug} already. Choose another slug.")
