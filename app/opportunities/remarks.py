"""What is told of an item that was pushed: where, what, and what stood there."""

import json
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

from pydantic import Field

from app.kit.problems import FieldError
from app.kit.times import LONDON, from_london, is_skipped
from app.opportunities.life import STAFF
from app.opportunities.occasions import Occasion
from app.opportunities.planned import Known
from app.opportunities.written import OpportunityWrite, SessionWrite

LONGEST_VALUE = 200
EXACT = 1e15
"""Whole numbers below it are exact."""


class Remark(FieldError):
    """Something about one item: an error keeps it from being applied, a warning does not."""

    value: str | None = Field(default=None, description="What stood there, shortened.")
    heading: str | None = Field(default=None, description="The column, in a spreadsheet.")


def with_value(found: FieldError, payload: Any, headings: Mapping[str, str]) -> Remark:
    """A remark that shows the offending value, and its column if it came from a spreadsheet."""
    if isinstance(found, Remark) and found.value is not None:
        return found
    path = [part for part in found.pointer.split("/")[1:] if not part.isdecimal()]
    named = (headings.get("_".join(path[:size])) for size in range(len(path), 0, -1))
    whole = not path and isinstance(payload, dict)  # nobody reads a whole item
    told = found.heading if isinstance(found, Remark) else None
    return Remark(
        pointer=found.pointer,
        detail=found.detail,
        code=found.code,
        value=None if whole else _shortened(_at(payload, found.pointer)),
        heading=told or next(filter(None, named), None),
    )


def _at(payload: Any, where: str) -> Any:
    for part in where.removeprefix("#").split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(payload, dict):
            payload = payload.get(name)
        elif isinstance(payload, list) and name.isdecimal() and int(name) < len(payload):
            payload = payload[int(name)]
        else:
            return None
    return payload


def _shortened(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer() and abs(value) < EXACT:
        value = int(value)  # a cell that says 5 is 5.0 once it is read
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if len(text) > LONGEST_VALUE:
        text = text[: LONGEST_VALUE - 1] + "…"
    # What is no character (half of a pair) cannot be stored or sent.
    return text.encode("utf-8", "replace").decode().replace("\x00", "�")


# --- what is odd about a valid item -----------------------------------------------------------


def overlap(occasions: Sequence[Occasion]) -> FieldError | None:
    """Two sessions of one listing at the same time: said once, for the first pair."""
    timed = [one for one in occasions if one.has_time and one.has_end]
    for index, (one, other) in enumerate(pairwise(timed)):
        if other.starts_at < one.ends_at:
            return FieldError(
                pointer="#/sessions",
                detail=f"Sessions {index + 1} and {index + 2} in order of time overlap on "
                f"{other.local_date:%d %B %Y}. If they are for different groups, make a listing "
                "of each.",
                code="sessions_overlap",
            )
    return None


def repeated(sessions: Sequence[SessionWrite]) -> Iterator[FieldError]:
    """Sessions without an id that start at the same time, of which one stands for all."""
    seen: dict[object, int] = {}
    for place, one in enumerate(sessions):
        first = place if one.external_id else seen.setdefault(one.starts_at or one.date, place)
        if first != place:
            yield FieldError(
                pointer=f"#/sessions/{place}",
                detail=f"It starts when session {first + 1} does: only the last of them was kept. "
                "If both take place, give each an external_id.",
                code="repeated_session",
            )


def skipped(
    write: OpportunityWrite, occasions: Sequence[Occasion], said: Mapping[str, Any]
) -> Iterator[FieldError]:
    """Times that the clocks skip in spring, and were taken for an hour later."""
    for place, one in enumerate(write.sessions):
        for name in ("starts_at", "ends_at"):
            yield from _skipped(getattr(one, name), said, f"#/sessions/{place}/{name}")
    if write.recurrence:
        start, where = write.recurrence.starts_at.astimezone(LONDON), "#/recurrence/starts_at"
        yield from _skipped(write.recurrence.starts_at, said, where)
        for occasion in occasions:
            if occasion.local_minute != start.hour * 60 + start.minute:
                meant = datetime.combine(occasion.local_date, start.time())
                yield _told_skipped(meant, where)


def _skipped(read: datetime | None, said: Mapping[str, Any], where: str) -> Iterator[FieldError]:
    # In UTC the hour after the change is from 1 to 2 on the last Sunday of March.
    if read and read.month == 3 and read.day > 24 and read.hour == 1 and read.weekday() == 6:
        written = _at(said, where)
        meant = datetime.fromisoformat(written.strip()) if isinstance(written, str) else read
        if meant.tzinfo is None and is_skipped(meant):
            yield _told_skipped(meant, where)


def _told_skipped(meant: datetime, where: str) -> FieldError:
    read = from_london(meant).astimezone(LONDON)
    return FieldError(
        pointer=where,
        detail=f"{meant:%H:%M} on {meant:%d %B %Y} is skipped when the clocks go forward: it was "
        f"read as {read:%H:%M}. Correct it.",
        code="skipped_hour",
    )


def held_back(known: Known) -> Iterator[FieldError]:
    """That what was sent is kept and not shown, since staff took the listing away, and why."""
    if known.withdrawn_by == STAFF:
        why = f": {known.rejection_reason}" if known.rejection_reason else "."
        yield FieldError(
            pointer="#",
            detail=f"Staff withdrew this listing{why}"[:LONGEST_VALUE].rstrip(".")
            + ". What you send is kept, and shown once they restore it.",
            code="withdrawn_by_staff",
        )


def stood_for(known: Known) -> Iterator[FieldError]:
    """That the listing was merged, and which one what was sent goes into."""
    if known.survivor:
        yield FieldError(
            pointer="#",
            detail=f"This listing was merged into {known.survivor.id}, which is shown in its "
            "place: what you send fills what that one leaves out.",
            code="merged",
        )


def title_key(title: str) -> str:
    """A title without case, accents and punctuation, for seeing that two say the same."""
    plain = unicodedata.normalize("NFKD", title.casefold())
    return " ".join("".join(c if c.isalnum() else " " for c in plain if c.isascii()).split())


def alike(
    told: Sequence[tuple[Any, str, object, object]],
) -> Iterator[tuple[int, FieldError]]:
    """Items of one push that say the same: (external id, title, place, first start) each.

    The position of each such item, and the warning.
    """
    seen: dict[tuple[object, ...], list[int]] = {}
    for position, (_, title, place, start) in enumerate(told):
        if place is not None and start is not None:
            seen.setdefault((title_key(title), place, start), []).append(position)
    for same in seen.values():
        if len(same) < 2:
            continue
        ids = [str(told[position][0]) for position in same]
        for position in same:
            others = ", ".join(one for one in ids if one != str(told[position][0]))[:300]
            yield (
                position,
                FieldError(
                    pointer="#/title",
                    detail=f"It has the title, place and first session of {others}. If it is the "
                    "same thing, send it once.",
                    code="alike_in_batch",
                ),
            )
