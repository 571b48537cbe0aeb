"""Fetching a table or a calendar: the whole of what a source has, in one file.

What is there is taken in, what is not there any more is withdrawn, guarded like any push that
replaces all.
"""

from collections.abc import Mapping
from datetime import datetime

from sqlmodel import Session

from app.access.models import SYSTEM
from app.harvests import actions, building, calendar_reading, following, queries
from app.harvests.actions import Held
from app.harvests.fetching import Fault, Known, Reader, known_of
from app.harvests.models import HarvestPosition
from app.harvests.readings import Unreadable
from app.kit.database import Database, key
from app.kit.outbound import Answer
from app.kit.problems import Problem
from app.kit.times import LONDON, now, today
from app.opportunities.life import Rules
from app.opportunities.planned import Item
from app.sources import batches
from app.sources.batches import BUSY, GUARD, Arrived, Push
from app.sources.models import Format, Mode, SourceKind
from app.sources.reports import Report
from app.sources.spreadsheets import words_of

ACCEPT = (
    "text/csv, application/vnd.openxmlformats-officedocument.spreadsheetml.sheet;q=0.9, */*;q=0.5"
)


def harvest(database: Database, mine: Held, reader: Reader, rules: Rules) -> None:
    """Fetch a file if it changed, and send it in."""
    url = mine.source.feed_url or ""
    position = _position(database, mine, url)
    confirmed = mine.confirm_withdraw is not None  # what was refused is looked at once more
    # A calendar that stands still is expanded anew each day, since its horizon moves.
    fresh = mine.source.kind is not SourceKind.ICAL or _is_today(position.read_at)
    known = Known(position.etag, position.modified) if fresh and not confirmed else None
    answer = reader.read(url, ACCEPT, known)
    if answer is None:
        with database.writing() as session:
            following.count(actions.held(session, mine), reader)
        return
    data: bytes | Arrived
    ignored: Mapping[str, int]
    if mine.source.kind is SourceKind.ICAL:
        data, ignored = _events(database, mine, answer.body, url)
    else:
        data, ignored = answer.body, {}
    push = Push(data, mode=Mode.REPLACE, fetched=True, confirm_withdraw=mine.confirm_withdraw)

    def done(session: Session, report: Report) -> None:
        harvest = actions.held(session, mine)
        following.count(harvest, reader, items=len(report.planned), ignored=ignored)
        building.note_batch(harvest, report)
        _note(session, position, answer)

    try:
        batches.take(database, SYSTEM, mine.source.key, push, rules, done=done)
    except Problem as problem:
        if problem.kind in {GUARD, BUSY}:
            raise
        raise Fault("unreadable", problem.detail or problem.kind.advice, url=url) from None


def _events(
    database: Database, mine: Held, body: bytes, url: str
) -> tuple[Arrived, Mapping[str, int]]:
    """The events of a calendar as items of a batch, and what is passed over."""
    with database.reading() as session:
        words = words_of(session, mine.source)
    try:
        found = calendar_reading.listings(body, words, today())
    except Unreadable as error:
        raise Fault("unreadable", str(error), url=url) from None
    items = [
        Item(index, one.external_id, one.item, warnings=one.warnings, withdrawn=one.withdrawn)
        for index, one in enumerate(found.readings)
    ]
    items += [
        Item(index, name or None, {"external_id": name}, errors=errors)
        for index, (name, errors) in enumerate(found.refused, start=len(items))
    ]
    return Arrived(Format.ICAL, items), found.ignored


def _is_today(moment: datetime | None) -> bool:
    return moment is not None and moment.astimezone(LONDON).date() == today()


def _position(database: Database, mine: Held, url: str) -> HarvestPosition:
    with database.writing() as session:
        actions.held(session, mine)
        found = queries.positions(session, key(mine.source))
        position = next((one for one in found if one.address == url), None)
        if position is None:
            position = HarvestPosition(source_pk=key(mine.source), address=url, next_url=url)
            session.add(position)
            session.flush()
        session.refresh(position)
        session.expunge(position)
        return position


def _note(session: Session, position: HarvestPosition, answer: Answer) -> None:
    said = known_of(answer)
    row = session.get_one(HarvestPosition, position.pk)
    row.etag, row.modified, row.read_at, row.ended = said.etag, said.modified, now(), True
    session.add(row)
