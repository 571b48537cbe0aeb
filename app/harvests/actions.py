"""Asking for harvests, taking them in turn, and writing down how they went."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import delete, update
from sqlmodel import Session, col

from app.access import audit
from app.access.models import SYSTEM, Caller
from app.deliveries.mail import queue_mail
from app.harvests import queries
from app.harvests.fetching import Fault
from app.harvests.models import (
    MOST_PROBLEMS,
    OPEN,
    Harvest,
    HarvestDue,
    HarvestedItem,
    HarvestOutcome,
    HarvestPosition,
    HarvestProblem,
)
from app.kit.database import key
from app.kit.problems import Kind, Problem
from app.kit.times import now
from app.organisations.models import Organisation
from app.sources.actions import must_take
from app.sources.models import HARVESTED, Source
from app.sources.state_models import SourceHarvest

log = logging.getLogger("app.harvests")

SCHEDULE = "schedule"
LEASE = timedelta(minutes=3)
"""How long a harvest is held from one page to the next: more than the slowest of them takes."""
FIRST_WAIT = timedelta(minutes=5)
LONGEST_WAIT = timedelta(days=1)
LONGEST_WHY = 500
PUSHED = Kind(
    "source_is_pushed", 409, "This source pushes its listings",
    "Make a source of the kind rpde, ical or csv_url, with a feed_url.",
)  # fmt: skip


def ask(
    session: Session, caller: Caller, source: Source, confirm_withdraw: int | None
) -> tuple[Harvest, bool]:
    """A harvest as soon as may be, and whether it is a new one; one that waits is enough."""
    if source.kind not in HARVESTED:
        raise Problem(PUSHED, f"There is nothing to fetch for {source.key}.")
    must_take(source, fetched=True)
    harvest = queries.open_harvest(session, key(source))
    fresh = harvest is None
    if harvest is None:
        harvest = Harvest(source_pk=key(source), asked_by=caller.key_id or "system")
    if confirm_withdraw is not None:
        harvest.confirm_withdraw = confirm_withdraw
    session.add(harvest)
    session.flush()
    # Whoever asks believes that it is there again.
    session.execute(
        update(HarvestPosition)
        .where(col(HarvestPosition.source_pk) == key(source))
        .values(stopped=None)
        .execution_options(synchronize_session=False)
    )
    if fresh:
        audit.record(session, caller, "source.harvest", "source", source.key)
    return harvest, fresh


def schedule(session: Session) -> int:
    """Let a harvest wait for each source that is due; their number."""
    found = session.execute(queries.due(now())).scalars().all()
    for source in found:
        session.add(Harvest(source_pk=key(source), asked_by=SCHEDULE))
    return len(found)


@dataclass(frozen=True)
class Held:
    """A harvest that somebody is at work on."""

    pk: int
    source: Source
    state: SourceHarvest
    holder: str
    confirm_withdraw: int | None


def claim(session: Session, holder: str) -> Held | None:
    """Take the next harvest that nobody is at work on."""
    at = now()
    statement = queries.next_open(at).limit(1).with_for_update(skip_locked=True)
    harvest = session.execute(statement).scalar_one_or_none()
    if harvest is None:
        return None
    harvest.outcome = HarvestOutcome.RUNNING
    harvest.started_at = harvest.started_at or at
    harvest.held_by = holder
    harvest.held_until = at + LEASE
    session.add(harvest)
    source = session.get_one(Source, harvest.source_pk)
    state = _state(session, source)
    session.flush()
    session.refresh(source)
    held = Held(harvest.pk or 0, source, state, holder, harvest.confirm_withdraw)
    session.expunge(source)
    session.expunge(state)
    return held


def _state(session: Session, source: Source) -> SourceHarvest:
    """How fetching stands; begun anew if the address is another one."""
    state = queries.state(session, key(source))
    if state is None:
        state = SourceHarvest(source_pk=key(source), feed_url=source.feed_url or "")
    elif state.feed_url != source.feed_url:
        for table in (HarvestDue, HarvestedItem, HarvestPosition):
            session.execute(
                delete(table)
                .where(col(table.source_pk) == key(source))
                .execution_options(synchronize_session=False)
            )
        # What the former feed told of is to go, unless the new one tells of it too.
        state.sqlmodel_update(
            {"feed_url": source.feed_url or "", "failures": 0, "failing_since": None, "why": None}
        )
        state.sweep = True
    session.add(state)
    session.flush()
    session.refresh(state)
    return state


def swept(session: Session, mine: Held) -> None:
    """What a former address told of is gone."""
    held(session, mine)
    state = session.get_one(SourceHarvest, mine.source.pk)
    state.sweep = False
    session.add(state)


class Lost(Exception):
    """Another took the harvest over, since we were silent for long."""


def held(session: Session, mine: Held) -> Harvest:
    """The harvest, held on to for some time more; Lost if another has it."""
    harvest = session.get_one(Harvest, mine.pk, with_for_update=True)
    if harvest.held_by != mine.holder or harvest.outcome is not HarvestOutcome.RUNNING:
        raise Lost
    harvest.held_until = now() + LEASE
    session.add(harvest)
    return harvest


def note_problems(harvest: Harvest, problems: Sequence[HarvestProblem]) -> None:
    """Add what was wrong, up to the bound."""
    room = MOST_PROBLEMS - len(harvest.problems)
    if problems and room > 0:
        told = [one.model_dump(mode="json") for one in problems[:room]]
        harvest.problems = [*harvest.problems, *told]


def end(
    session: Session,
    mine: Held,
    outcome: HarvestOutcome,
    faults: Sequence[Fault],
    *,
    would_withdraw: int | None = None,
    stopped: bool = False,
) -> None:
    """Write down how a harvest ended, and when there is another."""
    harvest = held(session, mine)
    note_problems(
        harvest,
        [HarvestProblem(url=one.url, code=one.code, detail=one.detail) for one in faults],
    )
    harvest.outcome = outcome
    harvest.ended_at = now()
    harvest.held_by = harvest.held_until = None
    harvest.would_withdraw = would_withdraw
    session.add(harvest)
    state = session.get_one(SourceHarvest, mine.source.pk)
    source = session.get_one(Source, mine.source.pk)
    hours = source.harvest_hours
    usual = now() + timedelta(hours=hours) if hours else None
    if outcome is HarvestOutcome.INCOMPLETE:
        state.due_at = now()
    elif outcome is HarvestOutcome.FINISHED:
        _went_well(session, source, state)
        state.due_at = usual
    else:
        _failed(session, source, state, faults, stopped=stopped)
        wait = max([_back_off(state.failures), *(one.after for one in faults if one.after)])
        state.due_at = None if stopped or usual is None else now() + wait
    session.add(state)


def _back_off(failures: int) -> timedelta:
    doubled: int = 2 ** min(failures - 1, 20)
    return min(FIRST_WAIT * doubled, LONGEST_WAIT)


def _went_well(session: Session, source: Source, state: SourceHarvest) -> None:
    if state.told:
        _tell(
            session,
            source,
            "Your feed can be read again",
            [f"The feed of {source.name} was read to its end. Its listings are up to date again."],
        )
    state.harvested_at = now()
    state.failures, state.failing_since, state.why, state.told = 0, None, None, False


def _failed(
    session: Session,
    source: Source,
    state: SourceHarvest,
    faults: Sequence[Fault],
    *,
    stopped: bool,
) -> None:
    state.failures += 1
    state.failing_since = state.failing_since or now()
    state.why = faults[0].detail[:LONGEST_WHY] if faults else None
    log.warning(
        "a harvest failed",
        extra={"source": source.key, "failures": state.failures, "code": faults[0].code},
    )
    if state.told or not (stopped or state.failures >= queries.TOLD_AFTER):
        return
    state.told = True
    audit.record(session, SYSTEM, "source.feed_failing", "source", source.key)
    host = urlsplit(source.feed_url or "").hostname  # not the rest, which may hold a secret
    later = "It is not asked again by itself." if stopped else "It is asked again now and then."
    _tell(
        session,
        source,
        "Your feed cannot be read",
        [
            f"The feed of {source.name} on {host} cannot be read. {state.why}",
            f"The listings that were read before stay as they are. {later}",
            f"Once it is mended, POST /v1/sources/{source.key}/harvests has it read at once.",
        ],
    )


def purge(session: Session, *, days: int) -> int:
    """Forget harvests that ended so long ago; their number."""
    old = delete(Harvest).where(
        col(Harvest.ended_at) < now() - timedelta(days=days),
        col(Harvest.outcome).not_in(OPEN),
    )
    result: Any = session.execute(old.execution_options(synchronize_session=False))
    return int(result.rowcount)


def _tell(session: Session, source: Source, subject: str, paragraphs: list[str]) -> None:
    """Write to the organisation; the inbox of its keys tells too."""
    organisation = session.get_one(Organisation, source.organisation_pk)
    if organisation.contact_email:
        values = {"subject": subject, "paragraphs": paragraphs, "link": None}
        queue_mail(
            session,
            template="notice",
            to=organisation.contact_email,
            values=values,
            about=source.id,
        )
