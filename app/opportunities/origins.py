"""The listings merged into another one: what it shows of them, and what they say in its place.

A listing is merged while it is withdrawn by a merge and names the one that stands for it. Its row
goes on: what its source sends keeps it current, so that nothing is lost if it ever returns.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import ColumnElement, and_, select, update
from sqlmodel import Session, col

from app.access.models import Caller
from app.kit.database import key
from app.kit.times import now
from app.opportunities.life import MERGE
from app.opportunities.matches import MatchStatus, OpportunityMatch, in_order
from app.opportunities.models import Opportunity, Status

FILLED = (
    ("summary",),
    ("description",),
    ("themes",),
    ("audiences",),
    ("age_min", "age_max"),
    ("price",),
    ("access",),
    ("access_text",),
    ("booking",),
    ("image",),
    ("contact",),
    ("licence",),
)
"""Members that a merged listing may fill; those of one group come from the same listing."""
CHUNK = 500


@dataclass(frozen=True)
class Survivor:
    """The listing that stands for a merged one."""

    id: UUID
    status: Status


class Merging(Protocol):
    """What is known of a listing that may be merged."""

    merged_into_pk: int | None
    withdrawn_by: str | None
    survivor: Survivor | None


def is_merged() -> ColumnElement[bool]:
    """Holds for the listings that another one stands for."""
    return and_(
        col(Opportunity.merged_into_pk).is_not(None),
        col(Opportunity.status) == Status.WITHDRAWN,
        col(Opportunity.withdrawn_by) == MERGE,
    )


def note_survivors(session: Session, known: Iterable[Merging]) -> None:
    """Fill in which listing stands for each merged one; without any, nothing is asked."""
    merged = [
        (one, one.merged_into_pk)
        for one in known
        if one.merged_into_pk is not None and one.withdrawn_by == MERGE
    ]
    pks = sorted({into for _, into in merged})
    survivors: dict[int, Survivor] = {}
    table = Opportunity.__table__  # type: ignore[attr-defined]
    for start in range(0, len(pks), CHUNK):
        statement = select(table.c.pk, table.c.id, table.c.status).where(
            table.c.pk.in_(pks[start : start + CHUNK])
        )
        survivors |= {row.pk: Survivor(row.id, row.status) for row in session.execute(statement)}
    for one, into in merged:
        one.survivor = survivors.get(into)


def filled(payload: Mapping[str, Any], gaps: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """What a listing says, with what its merged ones say wherever it says nothing."""
    if not gaps:
        return payload
    added = {
        name: gaps[name]
        for group in FILLED
        if all(_says_nothing(payload.get(name)) for name in group)
        for name in group
        if name in gaps
    }
    return {**payload, **added}


def gaps_of(contents: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """What these contents say of the members that can be filled; the first to speak is heard."""
    found: dict[str, Any] = {}
    for content in contents:
        for group in FILLED:
            said = {name: content.get(name) for name in group}
            if not any(name in found for name in group) and not all(
                map(_says_nothing, said.values())
            ):
                found |= {name: value for name, value in said.items() if value is not None}
    return found


def shown(session: Session, pks: Sequence[int]) -> Mapping[int, Sequence[Mapping[str, Any]]]:
    """The origins of the listings merged into each of these, in the order of their merging."""
    if not pks:
        return {}
    table = Opportunity.__table__  # type: ignore[attr-defined]
    statement = (
        select(
            table.c.merged_into_pk,
            table.c.source_key,
            table.c.source_name,
            table.c.external_id,
            table.c.content["url"].as_string().label("url"),
        )
        .where(table.c.merged_into_pk.in_(pks), is_merged())
        .order_by(table.c.pk)
    )
    found: dict[int, list[Mapping[str, Any]]] = {}
    for row in session.execute(statement):
        found.setdefault(row.merged_into_pk, []).append(
            {
                "key": row.source_key,
                "name": row.source_name,
                "external_id": row.external_id,
                "url": row.url,
            }
        )
    return found


def part(session: Session, caller: Caller, row: Opportunity) -> None:
    """Note that a merged listing is an offer of its own after all; a job then parts them."""
    if row.merged_into_pk is None:
        return
    one, other = in_order(key(row), row.merged_into_pk)
    session.execute(
        update(OpportunityMatch)
        .where(col(OpportunityMatch.one_pk) == one, col(OpportunityMatch.other_pk) == other)
        .values(status=MatchStatus.REFUSED, decided_by=caller.key_id or "system", decided_at=now())
        .execution_options(synchronize_session=False)
    )


def _says_nothing(value: Any) -> bool:
    if isinstance(value, Mapping):  # a price that is not free, and nothing else
        return all(
            _says_nothing(item) and not (name == "required" and item is False)
            for name, item in value.items()
        )
    return value is None or value is False or value in ("", [])
