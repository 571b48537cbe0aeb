"""Pushing many listings: plan while reading, then apply in one transaction.

Only `apply` holds the write lock. The plan is made again under it if the source was pushed to or
edited in the meantime, or one of its listings moderated: so two batches never interleave, and no
decision of a moderator is undone.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert
from sqlmodel import Session
from starlette.responses import Response

from app.access import audit
from app.access.models import Caller
from app.deliveries.actions import announce
from app.kit import idempotency
from app.kit.database import Database, key
from app.kit.identifiers import uuid7
from app.kit.problems import FieldError, Problem
from app.kit.times import now
from app.opportunities import intake
from app.opportunities.intake import Item, Outcome, Planned
from app.opportunities.life import Rules
from app.opportunities.models import Status
from app.sources import actions, queries
from app.sources.models import Batch, BatchItem, BatchReport, ItemReport, Source

SECONDS = 60.0
"""How long planning, and then applying, may take."""
INLINE = 1_000
"""Items in the answer; the rest are read from the stored report."""


def run(
    database: Database,
    caller: Caller,
    source_key: str,
    said: Sequence[Any],
    rules: Rules,
    *,
    public_url: str,
    dry_run: bool,
    idempotency_key: idempotency.Key | None,
) -> Response:
    """Push a batch; the answer is its report, remembered with the key if there is one."""
    items = [Item(index, _external_id(one), one) for index, one in enumerate(said)]
    with database.reading(SECONDS) as session:
        source = actions.seen(session, caller, source_key)
        seen = source.revision, source.version
        planned = intake.plan(session, queries.origin(source), items, rules)
    if dry_run:
        return _answer(_report(source, planned, None, public_url), 200)
    with database.writing(SECONDS) as session:
        if idempotency_key:
            idempotency.begin(session, idempotency_key)
        source = actions.seen(session, caller, source_key, lock=True)
        if source.paused:
            raise Problem(actions.PAUSED, f"The source {source.key} is paused.")
        origin = queries.origin(source)
        stands = seen == (source.revision, source.version)
        planned = intake.plan_held(session, origin, items, rules, planned if stands else None)
        intake.apply(session, origin, planned)
        batch = _store(session, caller, source, planned)
        response = _answer(_report(source, planned, batch, public_url), 201)
        response.headers["Location"] = _address(public_url, batch)
        idempotency.remember(session, response)
        return response


def _external_id(said: Any) -> Any:
    return said.get("external_id") if isinstance(said, dict) else None


def _store(session: Session, caller: Caller, source: Source, planned: Sequence[Planned]) -> Batch:
    counts = _counts(planned)
    batch = Batch(
        id=uuid7(), source_pk=key(source), caller=caller.key_id or "system", counts=counts
    )
    session.add(batch)
    session.flush()
    rows = [
        {
            "batch_pk": batch.pk,
            "position": entry.item.index,
            "external_id": entry.external_id,
            "outcome": entry.outcome,
            "opportunity_id": entry.id,
            "status": _status(entry),
            "pending": bool(entry.verdict and entry.verdict.pending),
            "missing": entry.missing,
            "errors": [error.model_dump() for error in entry.errors],
        }
        for entry in planned
    ]
    session.execute(insert(BatchItem), rows)
    changed = any(counts.get(one, 0) for one in ("created", "updated", "withdrawn"))
    queries.note(
        session,
        key(source),
        {"last_push_at": now(), "revision": source.revision + (1 if changed else 0)},
    )
    audit.record(session, caller, "batch.apply", "batch", batch.id, after=counts)
    announce(session, "batch.finished", {"id": str(batch.id), "source": source.key, **counts})
    return batch


def _counts(planned: Sequence[Planned]) -> dict[str, int]:
    found = Counter(entry.outcome for entry in planned)
    return {outcome.value: found[outcome] for outcome in Outcome}


def _status(entry: Planned) -> Status | None:
    if entry.verdict:
        return entry.verdict.status
    return entry.known.status if entry.known else None


def _address(public_url: str, batch: Batch) -> str:
    return f"{public_url}/v1/batches/{batch.id}"


def _report(
    source: Source, planned: Sequence[Planned], batch: Batch | None, public_url: str
) -> BatchReport:
    told = [entry for entry in planned if entry.outcome is not Outcome.UNCHANGED]
    return BatchReport(
        id=batch.id if batch else None,
        href=_address(public_url, batch) if batch else None,
        source=source.key,
        dry_run=batch is None,
        received_at=batch.received_at if batch else now(),
        counts={Outcome(name): count for name, count in _counts(planned).items()},
        items=[item_report(entry, public_url) for entry in told[:INLINE]],
    )


def item_report(entry: Planned, public_url: str) -> ItemReport:
    """What is told of one item."""
    return ItemReport(
        index=entry.item.index,
        external_id=entry.external_id,
        outcome=entry.outcome,
        status=_status(entry),
        id=entry.id,
        href=f"{public_url}/v1/opportunities/{entry.id}" if entry.id else None,
        pending=bool(entry.verdict and entry.verdict.pending),
        missing=entry.missing,
        errors=entry.errors,
    )


def stored_report(row: BatchItem, public_url: str) -> ItemReport:
    """What was told of one item, from the stored report."""
    return ItemReport(
        index=row.position,
        external_id=row.external_id,
        outcome=row.outcome,
        status=Status(row.status) if row.status else None,
        id=row.opportunity_id,
        href=f"{public_url}/v1/opportunities/{row.opportunity_id}" if row.opportunity_id else None,
        pending=row.pending,
        missing=row.missing,
        errors=[FieldError(**error) for error in row.errors],
    )


def _answer(report: BatchReport, status: int) -> Response:
    return Response(report.model_dump_json(), status, media_type="application/json")
