"""Merging listings into one, taking them apart again, and keeping what was merged together.

A merged listing is withdrawn and names its survivor. The job `keep_up` then follows what happens
to either: what a source sends of a merged listing reaches the survivor, a merged listing that its
own source takes away leaves it, and when the survivor itself goes, those merged into it return.
All of it is told from the rows, so no push has to know of it.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import and_, bindparam, or_, select, update
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app.access import audit
from app.access.models import SYSTEM, Caller
from app.deliveries.actions import announce
from app.kit.database import Database, key
from app.kit.problems import CONFLICT, FORBIDDEN, NOT_FOUND, Problem, invalid
from app.kit.times import now
from app.opportunities import documents, duplicate_queries, intake, origins, queries, storing
from app.opportunities.actions import MANUAL, editable
from app.opportunities.life import HELD, MERGE, PARTNER, Rules
from app.opportunities.matches import (
    Decision,
    MatchKind,
    MatchStatus,
    OpportunityMatch,
    in_order,
)
from app.opportunities.models import Opportunity, Status
from app.opportunities.planned import Item, Origin, Outcome

CHUNK = 200
MERGEABLE = (Status.DRAFT, Status.SUBMITTED, Status.PUBLISHED, Status.EXPIRED)


# --- deciding ---------------------------------------------------------------------------------


def decide(
    session: Session, caller: Caller, row: Opportunity, other_id: UUID, decision: Decision
) -> OpportunityMatch:
    """Refuse a pair, or confirm that it is a series; who moderates one of the two may."""
    other = queries.by_id(session, caller, other_id)
    pair = duplicate_queries.pair_of(session, key(row), key(other)) if other else None
    if other is None or pair is None:
        raise Problem(NOT_FOUND, "These two are not among the pairs that were found.")
    if not any(queries.may_moderate(session, caller, key(one)) for one in (row, other)):
        raise Problem(FORBIDDEN, "Only staff and the coordinators of either area decide about it.")
    if row.merged_into_pk == other.pk or other.merged_into_pk == row.pk:
        raise Problem(CONFLICT, "They are merged. `restore` the merged one to take them apart.")
    if decision is Decision.CONFIRM_SERIES and pair.kind is not MatchKind.SERIES:
        raise Problem(
            CONFLICT, "They seem to be one offer, not a series. `merge` them, or refuse the pair."
        )
    confirmed = decision is Decision.CONFIRM_SERIES
    pair.status = MatchStatus.CONFIRMED if confirmed else MatchStatus.REFUSED
    pair.decided_by, pair.decided_at = caller.key_id or "system", now()
    session.add(pair)
    subject = f"{row.id} {other.id}"
    audit.record(session, caller, f"duplicate.{decision}", "duplicate", subject, after=pair.status)
    announce(
        session,
        f"duplicate.{decision}",
        {"one": str(row.id), "other": str(other.id), "kind": pair.kind.value},
    )
    session.flush()
    return pair


# --- merging ----------------------------------------------------------------------------------


def merge(
    session: Session,
    caller: Caller,
    row: Opportunity,
    into: UUID,
    reason: str | None,
    rules: Rules,
) -> Opportunity:
    """Merge a listing into another one, or into the one that stands for that; the survivor.

    What was merged into it before comes along.
    """
    survivor = _survivor(session, caller, into)
    _check(session, caller, row, survivor)
    at = now()
    # What a moderator merges is approved by it: its words now show through the survivor.
    row.approved_at = row.approved_at or at
    left = row.merged_into_pk
    row.status = Status.WITHDRAWN
    row.withdrawn_by = MERGE
    row.merged_into_pk = survivor.pk
    row.pending = None
    row.gaps = None
    row.rejection_reason = reason
    row.updated_at = at
    session.add(row)
    session.flush()
    session.execute(
        update(Opportunity)
        .where(col(Opportunity.merged_into_pk) == row.pk)
        .values(merged_into_pk=survivor.pk)
        .execution_options(synchronize_session=False)
    )
    _confirm(session, caller, key(row), key(survivor))
    _take_in(session, sorted({key(survivor), left or key(survivor)}), rules)
    documents.mark(session, [key(row), key(survivor)])
    audit.record(session, caller, "opportunity.merge", "opportunity", row.id, after=survivor.id)
    announce(session, "opportunity.merge", {"id": str(row.id), "into": str(survivor.id)})
    session.refresh(survivor)
    return survivor


def held_pair(session: Session, caller: Caller, identifier: UUID, into: UUID) -> Opportunity:
    """The listing that is to be merged, both locked in the order of their keys."""
    both = select(col(Opportunity.pk)).where(col(Opportunity.id).in_([identifier, into]))
    session.execute(both.order_by(col(Opportunity.pk)).with_for_update(key_share=True))
    return editable(session, caller, identifier)


def _survivor(session: Session, caller: Caller, into: UUID) -> Opportunity:
    statement = select(Opportunity).where(col(Opportunity.id) == into)
    found: Opportunity | None = session.execute(statement).scalar_one_or_none()
    if found is not None and found.withdrawn_by == MERGE and found.merged_into_pk is not None:
        statement = select(Opportunity).where(col(Opportunity.pk) == found.merged_into_pk)
        found = session.execute(statement.with_for_update(key_share=True)).scalar_one()
    if found is None or queries.by_id(session, caller, found.id) is None:
        raise invalid("#/into", f"There is no listing {into}. Give the id of the one that stays.")
    return found


def _check(session: Session, caller: Caller, row: Opportunity, survivor: Opportunity) -> None:
    if not all(queries.may_moderate(session, caller, key(one)) for one in (row, survivor)):
        raise Problem(FORBIDDEN, "Only staff and coordinators of both areas merge two listings.")
    if row.pk == survivor.pk:
        raise Problem(
            CONFLICT, "A listing cannot be merged into itself, nor into one that it stands for."
        )
    if row.withdrawn_by == MERGE and row.status is Status.WITHDRAWN:
        raise Problem(CONFLICT, "It is merged already. `restore` it first.")
    if row.status not in MERGEABLE:
        raise Problem(CONFLICT, f"It is {row.status}: there is nothing to merge.")
    if survivor.status not in MERGEABLE:
        raise Problem(
            CONFLICT, f"The listing that would stay is {survivor.status}. Bring it back first."
        )
    if row.status is Status.PUBLISHED and survivor.status is not Status.PUBLISHED:
        raise Problem(
            CONFLICT,
            f"This listing is published and the other one is {survivor.status}, so the offer "
            "would be lost. Merge the other way round, or publish that one first.",
        )


def _confirm(session: Session, caller: Caller, merged: int, survivor: int) -> None:
    pair = duplicate_queries.pair_of(session, merged, survivor)
    if pair is None:
        one, other = in_order(merged, survivor)
        pair = OpportunityMatch(
            one_pk=one,
            other_pk=other,
            kind=MatchKind.DUPLICATE,
            score=100,
            reasons=["They were merged by hand."],
        )
    pair.kind = MatchKind.DUPLICATE
    pair.status = MatchStatus.CONFIRMED
    pair.decided_by, pair.decided_at = caller.key_id or "system", now()
    session.add(pair)
    session.flush()


# --- keeping up -------------------------------------------------------------------------------


def keep_up(database: Database, rules: Rules) -> int:
    """Follow what happened to merged listings and to those that stand for them; their number."""
    total, last = 0, (0, 0)
    while True:
        with database.writing(seconds=60) as session:
            moved = _moved(session, last)
            if not moved:
                return total
            last = moved[-1].merged_into_pk, moved[-1].pk
            _lock(session, {pk for row in moved for pk in (row.pk, row.merged_into_pk)})
            _follow(session, moved, rules)
            total += len(moved)


def _moved(session: Session, after: tuple[int, int]) -> Sequence[Any]:
    """Merged listings of which something changed: they, or the ones that stand for them."""
    survivor = aliased(Opportunity)
    merged = and_(
        col(Opportunity.status) == Status.WITHDRAWN, col(Opportunity.withdrawn_by) == MERGE
    )
    statement = (
        select(
            col(Opportunity.pk),
            col(Opportunity.merged_into_pk),
            merged.label("stays"),
            _is_orphan(survivor).label("orphan"),
        )
        .join(survivor, col(survivor.pk) == col(Opportunity.merged_into_pk))
        .where(
            col(Opportunity.merged_into_pk) >= after[0],
            or_(col(Opportunity.merged_into_pk) > after[0], col(Opportunity.pk) > after[1]),
            or_(
                ~merged,
                col(Opportunity.merged_version).is_distinct_from(col(Opportunity.version)),
                _is_orphan(survivor),
            ),
        )
        .order_by(col(Opportunity.merged_into_pk), col(Opportunity.pk))
        .limit(CHUNK)
    )
    return session.execute(statement).all()


def _is_orphan(survivor: Any) -> Any:
    """Holds where the survivor is gone, though not by a moderator, or over before its merged."""
    held = and_(col(survivor.withdrawn_by).is_not(None), col(survivor.withdrawn_by).in_(HELD))
    return or_(
        and_(col(survivor.status) == Status.WITHDRAWN, ~held),
        and_(
            col(survivor.status) == Status.EXPIRED,
            or_(
                col(Opportunity.always_available).is_(True),
                col(Opportunity.last_session_ends_at) > now(),
            ),
        ),
    )


def _lock(session: Session, pks: set[int]) -> None:
    statement = select(col(Opportunity.pk)).where(col(Opportunity.pk).in_(pks))
    session.execute(statement.order_by(col(Opportunity.pk)).with_for_update(key_share=True))


def _follow(session: Session, moved: Sequence[Any], rules: Rules) -> None:
    parted = [row for row in moved if not row.stays]
    orphans = [row for row in moved if row.stays and row.orphan]
    for rows, values in (
        (parted, {}),
        (orphans, {"withdrawn_by": PARTNER, "version": Opportunity.version + 1}),
    ):
        if rows:
            session.execute(
                update(Opportunity)
                .where(col(Opportunity.pk).in_([row.pk for row in rows]))
                .values(merged_into_pk=None, merged_version=None, **values)
                .execution_options(synchronize_session=False)
            )
    if orphans:
        released = [row.pk for row in orphans]
        for row in orphans:
            _propose_again(session, row.pk, row.merged_into_pk)
        reconsider(session, released, rules)
        documents.mark(session, released)
        audit.record(session, SYSTEM, "opportunity.release", "opportunity", len(released))
    _take_in(session, sorted({row.merged_into_pk for row in moved}), rules)
    documents.mark(session, {row.merged_into_pk for row in moved})


def _propose_again(session: Session, merged: int, survivor: int) -> None:
    one, other = in_order(merged, survivor)
    session.execute(
        update(OpportunityMatch)
        .where(col(OpportunityMatch.one_pk) == one, col(OpportunityMatch.other_pk) == other)
        .values(status=MatchStatus.PROPOSED, decided_by=None, decided_at=None)
        .execution_options(synchronize_session=False)
    )


def _take_in(session: Session, survivors: Sequence[int], rules: Rules) -> None:
    """Give survivors what their merged listings say now, as far as a moderator has seen it."""
    table = Opportunity.__table__  # type: ignore[attr-defined]
    contents: dict[int, list[Mapping[str, Any]]] = {pk: [] for pk in survivors}
    merged = select(table.c.merged_into_pk, table.c.content, table.c.approved_at).where(
        table.c.merged_into_pk.in_(survivors), origins.is_merged()
    )
    standing = set()
    for row in session.execute(merged.order_by(table.c.pk)):
        standing.add(row.merged_into_pk)
        if row.approved_at is not None:
            contents[row.merged_into_pk].append(row.content)
    changed = []
    stored = select(table.c.pk, table.c.gaps, table.c.status).where(table.c.pk.in_(survivors))
    for row in session.execute(stored.order_by(table.c.pk)).all():
        gaps = origins.gaps_of(contents[row.pk]) if row.pk in standing else None
        if gaps == row.gaps:
            continue
        session.execute(update(table).where(table.c.pk == row.pk).values(gaps=gaps))
        if (gaps or {}) != (row.gaps or {}) and row.status is not Status.WITHDRAWN:
            changed.append(row.pk)
    session.execute(
        update(table)
        .where(table.c.merged_into_pk.in_(survivors))
        .values(merged_version=table.c.version)
    )
    reconsider(session, changed, rules)


def reconsider(session: Session, pks: Sequence[int], rules: Rules) -> None:
    """Run listings' own payloads through the intake again, a plan for each source.

    What waits beside a published one goes on waiting. One whose payload is refused by now stays
    as it is.
    """
    if not pks:
        return
    table = Opportunity.__table__  # type: ignore[attr-defined]
    statement = select(
        *(table.c[name] for name in (*_OF_ORIGIN, *_KEPT, "payload", "payload_digest")),
        table.c.approved_at.is_not(None).label("approved"),
    ).where(table.c.pk.in_(pks))
    by_origin: dict[tuple[int, bool], list[Any]] = {}
    for row in session.execute(statement.order_by(table.c.pk)):
        by_origin.setdefault((row.source_pk, row.approved), []).append(row)
    for rows in by_origin.values():
        origin = Origin(
            pk=rows[0].source_pk,
            key=rows[0].source_key,
            name=rows[0].source_name,
            owner_pk=rows[0].owner_pk,
            trusted=rows[0].approved,
            manual=rows[0].source_key.startswith(MANUAL),
            reviewed=True,
        )
        items = [Item(index, row.external_id, row.payload) for index, row in enumerate(rows)]
        kept = []
        for row, entry in zip(
            rows, intake.plan(session, origin, items, rules, force=True), strict=True
        ):
            if entry.outcome is not Outcome.REJECTED:
                entry.digest = row.payload_digest
                entry.columns["payload_digest"] = row.payload_digest
                kept.append(entry)
        storing.apply(session, origin, kept)
        session.connection().execute(
            update(table)
            .where(table.c.pk == bindparam("row_pk"))
            .values({name: bindparam(f"old_{name}", type_=table.c[name].type) for name in _KEPT}),
            [
                {"row_pk": row.pk, **{f"old_{name}": getattr(row, name) for name in _KEPT}}
                for row in rows
            ],
        )


_OF_ORIGIN = ("pk", "source_pk", "source_key", "source_name", "owner_pk", "external_id")
_KEPT = ("pending", "last_seen_at", "rejection_reason")
"""What only a push or a moderator changes."""
