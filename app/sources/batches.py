"""Pushing many listings: plan while reading, then apply in one transaction.

Only `apply` holds the write lock. The plan is made again under it if the source was pushed to or
edited in the meantime, or one of its listings moderated: so two batches never interleave, and no
decision of a moderator is undone.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, insert
from sqlmodel import Session, col
from starlette.responses import Response

from app.access import audit
from app.access.models import Caller
from app.kit import idempotency
from app.kit.database import Database, Unavailable, key
from app.kit.identifiers import uuid7
from app.kit.problems import Kind, Problem
from app.kit.times import now
from app.opportunities import intake, storing
from app.opportunities.life import Rules
from app.opportunities.planned import Item, Origin, Planned
from app.sources import actions, allowance, formats, queries, reports, spreadsheets
from app.sources.models import Batch, BatchItem, BatchNote, Format, Mode, Source
from app.sources.reports import Report
from app.sources.spreadsheets import Spreadsheet
from app.webhooks.emitting import Scope, emit
from app.webhooks.events import EventType

SECONDS = 60.0
"""How long planning, and then applying, may take."""
GUARDED = 5
"""So many withdrawals are nothing unusual; more are, if they are over a third."""
GUARD = Kind(
    "confirm_withdraw", 409, "Too much would be withdrawn",
    "Check that the file is whole. If it is, send it again with `confirm_withdraw` set to the "
    "number that `would_withdraw` names.",
)  # fmt: skip
BUSY = Kind(
    "source_busy", 409, "Another push is being applied",
    "Nothing was changed. Send the same again as Retry-After says.",
)  # fmt: skip
RETRY_SECONDS = 5


@dataclass
class Arrived:
    """The items of a batch, once they are read."""

    format: Format
    items: Sequence[Item]
    sheet: Spreadsheet | None = None


@dataclass(frozen=True)
class Push:
    """A batch as it was asked for."""

    data: bytes | Arrived
    mode: Mode = Mode.UPSERT
    dry_run: bool = False
    confirm_withdraw: int | None = None
    fetched: bool = False
    """Whether we fetched it ourselves: nobody pushed, so no allowance is used up."""


Done = Callable[[Session, Report], None]
"""Something to write in the transaction of a batch."""


def run(
    database: Database,
    caller: Caller,
    source_key: str,
    push: Push,
    rules: Rules,
    *,
    public_url: str,
    idempotency_key: idempotency.Key | None,
) -> Response:
    """Push a batch; the answer is its report, remembered with the key if there is one."""
    answers: list[Response] = []

    def answer(session: Session, report: Report) -> None:
        response = report.answer(public_url, 201 if report.batch else 200)
        if report.batch:
            response.headers["Location"] = reports.address(public_url, report.batch.id)
            idempotency.remember(session, response)
        answers.append(response)

    take(database, caller, source_key, push, rules, idempotency_key=idempotency_key, done=answer)
    return answers[0]


def take(
    database: Database,
    caller: Caller,
    source_key: str,
    push: Push,
    rules: Rules,
    *,
    done: Done,
    idempotency_key: idempotency.Key | None = None,
) -> None:
    """Plan a batch, and apply it unless it is a dry run; `done` is told what became of it."""
    with database.reading(SECONDS) as session:
        source = actions.seen(session, caller, source_key)
        seen = source.revision, source.version
        arrived = _read(session, source, push)
        origin = queries.origin(source)
        complete = push.mode is Mode.REPLACE
        planned = intake.plan(session, origin, arrived.items, rules, complete=complete)
        if push.dry_run:
            allowance.fit(session, source, rules, planned)
            report = _report(source, arrived, planned, push)
            report.confirm_withdraw = _guard(session, origin, planned)
            done(session, report)
            return
    with _turn(database) as (session, took_turn):
        if idempotency_key:
            idempotency.begin(session, idempotency_key)
        source = actions.seen(session, caller, source_key, lock=True)
        took_turn()
        actions.must_take(source, fetched=push.fetched)
        if not push.fetched:
            allowance.admit(session, caller, source, rules, batch=True)
        origin = queries.origin(source)
        if source.version != seen[1]:
            arrived = _read(session, source, push)
        stands = seen == (source.revision, source.version)
        planned = intake.plan_held(
            session,
            origin,
            arrived.items,
            rules,
            planned if stands else None,
            complete=complete,
        )
        allowance.fit(session, source, rules, planned)
        guard = _guard(session, origin, planned)
        if guard is not None and guard != push.confirm_withdraw:
            raise _refusal(session, origin, guard)
        storing.apply(session, origin, planned)
        report = _report(source, arrived, planned, push)
        report.batch = _store(session, caller, source, report)
        done(session, report)


@contextmanager
def _turn(database: Database) -> Iterator[tuple[Session, Callable[[], None]]]:
    """A writing session; who waits too long for its turn at the source is told to come again."""
    waiting = [True]
    try:
        with database.writing(SECONDS) as session:
            yield session, waiting.clear
    except Unavailable as error:
        if waiting:
            raise Problem(BUSY, headers={"Retry-After": str(RETRY_SECONDS)}) from error
        raise


# --- what would be withdrawn ------------------------------------------------------------------


def _guard(session: Session, origin: Origin, planned: Sequence[Planned]) -> int | None:
    """How many listings a complete push would withdraw, if they are suspiciously many."""
    gone = sum(1 for entry in planned if entry.item.index is None)
    if gone < GUARDED or gone * 3 <= intake.live(session, origin):
        return None
    return gone


def _refusal(session: Session, origin: Origin, gone: int) -> Problem:
    live = intake.live(session, origin)
    return Problem(
        GUARD,
        f"This would withdraw {gone} of the {live} live listings of {origin.key}, which are not in "
        f"it. If that is meant, send it again with confirm_withdraw={gone}.",
        extra={"would_withdraw": gone, "live": live},
    )


# --- what arrived -----------------------------------------------------------------------------


def _read(session: Session, source: Source, push: Push) -> Arrived:
    if isinstance(push.data, Arrived):
        return push.data
    match formats.format_of(push.data):
        case Format.JSON:
            return Arrived(Format.JSON, formats.json_items(push.data))
        case Format.NDJSON:
            return Arrived(Format.NDJSON, formats.ndjson_items(push.data))
        case _:
            sheet = spreadsheets.read(session, source, push.data)
            items = spreadsheets.items(sheet, own_ids=push.mode is Mode.REPLACE)
            return Arrived(sheet.format, items, sheet)


# --- what became of it ------------------------------------------------------------------------


def _report(source: Source, arrived: Arrived, planned: list[Planned], push: Push) -> Report:
    notes = spreadsheets.notes(arrived.sheet) if arrived.sheet else []
    if push.mode is Mode.REPLACE and any(entry.external_id is None for entry in planned):
        notes.append(
            BatchNote(
                code="nothing_withdrawn",
                detail="An item could not be identified, so nothing was withdrawn: it might be "
                "one of those that seem to be left out. Mend it, and send the whole again.",
            )
        )
    return Report(source.key, arrived.format, push.mode, planned, notes, arrived.sheet)


def _store(session: Session, caller: Caller, source: Source, report: Report) -> Batch:
    counts = report.counts
    batch = Batch(
        id=uuid7(),
        source_pk=key(source),
        caller=caller.key_id or "system",
        format=report.format,
        mode=report.mode,
        counts=counts,
        notes=[note.model_dump() for note in report.notes],
        columns=report.stored_columns(),
    )
    session.add(batch)
    session.flush()
    table = BatchItem.__table__  # type: ignore[attr-defined]
    for rows in report.rows(batch.pk or 0):
        session.connection().execute(insert(table), rows)
    changed = any(counts[one] for one in ("created", "updated", "withdrawn"))
    queries.note(
        session,
        key(source),
        {"last_push_at": now(), "revision": source.revision + (1 if changed else 0)},
    )
    audit.record(session, caller, "batch.apply", "batch", batch.id, after=counts)
    emit(
        session,
        EventType.BATCH_FINISHED,
        {
            "id": str(batch.id),
            "source": source.key,
            "counts": dict(counts),
            "href": f"/v1/batches/{batch.id}",
        },
        scope=Scope(organisations=frozenset({source.organisation_pk})),
    )
    return batch


def purge_reports(database: Database, days: int) -> int:
    """Forget the items of batches that are older; what was counted stays. The number of batches."""
    total = 0
    while True:
        with database.writing(SECONDS) as session:
            old = session.execute(queries.with_items(now() - timedelta(days=days)).limit(1))
            batch_pk = old.scalar_one_or_none()
            if batch_pk is None:
                return total
            session.execute(
                delete(BatchItem)
                .where(col(BatchItem.batch_pk) == batch_pk)
                .execution_options(synchronize_session=False)
            )
            total += 1
