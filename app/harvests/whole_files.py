"""Fetching a table or a calendar: the whole of what a source has, in one file.

What is there is taken in, what is not there any more is withdrawn, guarded like any push that
replaces all.
"""

from sqlmodel import Session

from app.access.models import SYSTEM
from app.harvests import actions, building, following, queries
from app.harvests.actions import Held
from app.harvests.fetching import Fault, Known, Reader, known_of
from app.harvests.models import HarvestPosition
from app.kit.database import Database, key
from app.kit.outbound import Answer
from app.kit.problems import Problem
from app.kit.times import now
from app.opportunities.life import Rules
from app.sources import batches
from app.sources.batches import BUSY, GUARD, Push
from app.sources.models import Mode
from app.sources.reports import Report

ACCEPT = (
    "text/csv, application/vnd.openxmlformats-officedocument.spreadsheetml.sheet;q=0.9, */*;q=0.5"
)


def harvest(database: Database, mine: Held, reader: Reader, rules: Rules) -> None:
    """Fetch a file if it changed, and send it in."""
    url = mine.source.feed_url or ""
    position = _position(database, mine, url)
    confirmed = mine.confirm_withdraw is not None  # what was refused is looked at once more
    known = None if confirmed else Known(position.etag, position.modified)
    answer = reader.read(url, ACCEPT, known)
    if answer is None:
        with database.writing() as session:
            following.count(actions.held(session, mine), reader)
        return
    push = Push(
        answer.body, mode=Mode.REPLACE, fetched=True, confirm_withdraw=mine.confirm_withdraw
    )

    def done(session: Session, report: Report) -> None:
        harvest = actions.held(session, mine)
        following.count(harvest, reader, items=len(report.planned))
        building.note_batch(harvest, report)
        _note(session, position, answer)

    try:
        batches.take(database, SYSTEM, mine.source.key, push, rules, done=done)
    except Problem as problem:
        if problem.kind in {GUARD, BUSY}:
            raise
        raise Fault("unreadable", problem.detail or problem.kind.advice, url=url) from None


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
