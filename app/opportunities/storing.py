"""Storing what was planned, set by set: no read and no statement for each listing."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update
from sqlmodel import Session, col

from app.kit.change_numbers import number
from app.kit.database import chunks
from app.kit.identifiers import uuid7
from app.kit.times import now
from app.opportunities import documents, indexing, occasions, rendering
from app.opportunities.life import (
    PARTNER,
    STAFF,
    Verdict,
)
from app.opportunities.models import Opportunity, OpportunityArea, Status
from app.opportunities.planned import Known, Origin, Outcome, Planned
from app.opportunities.submissions import tell_submitted

AT_ONCE = 500
"""New listings that are inserted together: their rows take more than they do."""


def apply(session: Session, origin: Origin, planned: Sequence[Planned]) -> None:
    """Write what was planned, in the caller's transaction."""
    at = now()
    fresh = [entry for entry in planned if entry.outcome is Outcome.CREATED]
    edited = [entry for entry in planned if entry.outcome is Outcome.UPDATED]
    waiting = [entry for entry in edited if entry.verdict and entry.verdict.pending]
    applied = [entry for entry in edited if entry.verdict and not entry.verdict.pending]
    for entry in planned:
        if entry.known:
            entry.pk, entry.id = entry.known.pk, entry.known.id
    for some in chunks(fresh, AT_ONCE):
        _insert(session, origin, some, at)
        _link(session, some)
        for entry in some:
            entry.release()
    _update(session, applied, at)
    _hold(session, waiting, at)
    _see(session, [entry for entry in planned if entry.outcome is Outcome.UNCHANGED], at)
    gone = [entry.pk for entry in planned if entry.outcome is Outcome.WITHDRAWN and entry.pk]
    _withdraw(session, gone, at)
    changed = {entry.pk: entry for entry in applied if entry.pk is not None}
    _unlink(session, list(changed))
    _link(session, applied)
    documents.mark_anew(
        session, occasions.store(session, {pk: entry.occasions for pk, entry in changed.items()})
    )
    held = [entry.pk for entry in waiting if entry.pk is not None]
    documents.mark(session, [*changed, *held, *gone])
    waits = [entry.pk for entry in (*fresh, *applied) if entry.pk and _is_submitted(entry)]
    tell_submitted(session, waits)


def _is_submitted(entry: Planned) -> bool:
    """Whether a listing waits for a moderator now, and did not before."""
    before = entry.known.status if entry.known else None
    after = entry.verdict.status if entry.verdict else None
    return after is Status.SUBMITTED and before is not Status.SUBMITTED


def _state(entry: Planned, at: datetime) -> dict[str, Any]:
    verdict = entry.verdict or Verdict(Status.DRAFT)
    known = entry.known
    published = known.published_at if known else None
    if verdict.status is Status.PUBLISHED and published is None:
        published = at
    approved = known.approved_at if known else None
    if verdict.status is Status.PUBLISHED:
        approved = approved or at
    elif verdict.approved is not None:
        approved = (approved or at) if verdict.approved else None
    elif verdict.status is not Status.EXPIRED and verdict.status is not Status.WITHDRAWN:
        approved = None
    return {
        "status": verdict.status,
        "published_at": published,
        "approved_at": approved,
        "withdrawn_by": known.withdrawn_by
        if known and verdict.status is Status.WITHDRAWN
        else None,
        "rejection_reason": known.rejection_reason if known and _stays(known, verdict) else None,
        "pending": None,
        # It is remembered as long as what it was refused for is in force.
        "refused_digest": known.refused_digest if known and known.digest == entry.digest else None,
    }


def _stays(known: Known, verdict: Verdict) -> bool:
    """Whether a moderator's no still stands, and so the reason for it."""
    if verdict.status is Status.WITHDRAWN:
        return known.withdrawn_by == STAFF
    return verdict.status is Status.REJECTED


def _insert(session: Session, origin: Origin, entries: Sequence[Planned], at: datetime) -> None:
    """Insert new listings with their documents, which are rendered from what was planned."""
    if not entries:
        return
    rows = []
    for entry in entries:
        entry.id = uuid7()
        rows.append(
            {
                **entry.columns,
                **_state(entry, at),
                "payload": entry.payload,
                "origin_text": entry.origin_text,
                "id": entry.id,
                "created_at": at,
                "updated_at": at,
                "last_seen_at": at,
                "version": 1,
                "source_pk": origin.pk,
                "source_key": origin.key,
                "source_name": origin.name,
                "owner_pk": origin.owner_pk,
                "external_id": entry.external_id,
                "overrides": {},
                "stale": False,
                "unmatched": True,
                "gaps": None,
                "demo": origin.demo,
            }
        )
    sessions = {
        row["id"]: occasions.rows_of(entry.occasions)
        for row, entry in zip(rows, entries, strict=True)
    }
    areas = {row["id"]: entry.areas for row, entry in zip(rows, entries, strict=True)}
    rendered = rendering.of_new(session, rows, sessions, areas)
    for row, (document, _) in zip(rows, rendered, strict=True):
        row["document"] = document
    table = Opportunity.__table__  # type: ignore[attr-defined]
    session.connection().execute(insert(table), rows)
    by_id = {entry.id: entry for entry in entries}
    for ids in chunks(list(by_id)):
        for pk, identifier in session.execute(
            select(table.c.pk, table.c.id).where(table.c.id.in_(ids))
        ):
            by_id[identifier].pk = pk
    indexing.add(
        session,
        {
            entry.pk: indexed
            for entry, (_, indexed) in zip(entries, rendered, strict=True)
            if entry.pk is not None
        },
    )
    occasions.insert_new(
        session, {entry.pk: sessions[entry.id] for entry in entries if entry.pk and entry.id}
    )
    number(
        session,
        table,
        [
            entry.pk
            for entry, row in zip(entries, rows, strict=True)
            if entry.pk is not None and row["status"] is Status.PUBLISHED
        ],
    )


_UPDATED = (
    "provider_pk",
    "programme_pk",
    "venue_pk",
    "authority_pk",
    "easting",
    "northing",
    "cell",
    "region_wide",
    "first_session_at",
    "next_session_at",
    "next_session_ends_at",
    "last_session_at",
    "last_session_ends_at",
    "title",
    "title_sort",
    "kind",
    "delivery",
    "age_min",
    "age_max",
    "free",
    "price_pence",
    "always_available",
    "content",
    "payload",
    "payload_digest",
    "missing",
    "sort_at",
    "quality",
    "quality_gaps",
    "quality_version",
    "status",
    "published_at",
    "approved_at",
    "withdrawn_by",
    "pending",
    "rejection_reason",
    "refused_digest",
    "origin_text",
)


def _update(session: Session, entries: Sequence[Planned], at: datetime) -> None:
    if not entries:
        return
    table = Opportunity.__table__  # type: ignore[attr-defined]
    statement = (
        update(table)
        .where(table.c.pk == bindparam("row_pk"))
        .values(
            {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in _UPDATED}
            | {
                "version": table.c.version + 1,
                "updated_at": at,
                "last_seen_at": at,
            }
        )
    )
    rows = []
    for entry in entries:
        values = entry.columns | _state(entry, at)
        values |= {"payload": entry.payload, "origin_text": entry.origin_text}
        rows.append({"row_pk": entry.pk, **{f"new_{name}": values[name] for name in _UPDATED}})
    session.connection().execute(statement, rows)


def _hold(session: Session, entries: Sequence[Planned], at: datetime) -> None:
    """Keep a moderated change beside the approved content."""
    for entry in entries:
        session.execute(
            update(Opportunity)
            .where(col(Opportunity.pk) == entry.pk)
            .values(
                pending={
                    "payload": entry.payload,
                    "digest": entry.digest,
                    "since": at.isoformat(),
                    "texts": entry.origin_text,
                },
                last_seen_at=at,
                version=Opportunity.version + 1,
            )
            .execution_options(synchronize_session=False)
        )


def _withdraw(session: Session, pks: Sequence[int], at: datetime) -> None:
    """Take away what its source no longer has; sending it again brings it back."""
    for some in chunks(pks):
        session.execute(
            update(Opportunity)
            .where(col(Opportunity.pk).in_(some))
            .values(
                status=Status.WITHDRAWN,
                withdrawn_by=PARTNER,
                pending=None,
                version=Opportunity.version + 1,
                updated_at=at,
            )
            .execution_options(synchronize_session=False)
        )


def _see(session: Session, entries: Sequence[Planned], at: datetime) -> None:
    """Note that the source still has them; that is no change."""
    for pks in chunks([entry.pk for entry in entries if entry.pk is not None]):
        session.execute(
            update(Opportunity)
            .where(col(Opportunity.pk).in_(pks))
            .values(last_seen_at=at)
            .execution_options(synchronize_session=False, unseen=True)
        )


def _unlink(session: Session, pks: Sequence[int]) -> None:
    for some in chunks(pks):
        session.execute(
            delete(OpportunityArea)
            .where(col(OpportunityArea.opportunity_pk).in_(some))
            .execution_options(synchronize_session=False)
        )


def _link(session: Session, entries: Sequence[Planned]) -> None:
    areas = [
        {"opportunity_pk": entry.pk, "authority_pk": authority_pk}
        for entry in entries
        for authority_pk in sorted(entry.areas)
    ]
    if areas:
        session.connection().execute(insert(OpportunityArea.__table__), areas)  # type: ignore[attr-defined]
