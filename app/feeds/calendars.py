"""Sessions of listings as events of a calendar, and the traces of those that are gone.

What stops being public stays for a while as cancelled, since a calendar that only leaves an event
out may go on showing it. A trace of a listing that was withdrawn says when it was, and no more.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from uuid import UUID

import pydantic_core
from sqlalchemy import and_, case, or_, select
from sqlmodel import Session, col

from app.feeds import calendar_text
from app.feeds.files import Search
from app.kit.database import MAXIMUM_INTEGER, Database, chunks
from app.kit.times import day_starts, today
from app.opportunities.conditions import Sight
from app.opportunities.documents import served
from app.opportunities.models import Opportunity, OpportunitySession, SessionStatus, Status
from app.opportunities.tokens import plain
from app.opportunities.wanted import Sort
from app.vocabularies.models import Vocabulary
from app.vocabularies.queries import every_label

KEPT = timedelta(days=30)
"""How long a session stays after it took place, and what was cancelled after that."""
MOST_LISTINGS = 1_000
MOST_EVENTS = 10_000
"""In one calendar: more than that no telephone takes well."""
AT_ONCE = 50
SECONDS = 20.0
LONGEST_DESCRIPTION = 1_500
READABLE = (Status.PUBLISHED, Status.EXPIRED)
GONE = (Status.WITHDRAWN, Status.DRAFT)
"""What a published listing can become. In other states it says what nobody has approved."""
CANCELLED = "Cancelled"
"""All that is said of an event whose listing was withdrawn."""


@dataclass(frozen=True)
class Calendar:
    """What a calendar shows: some listings, under a name."""

    database: Database
    name: str
    description: str
    address: str
    public_url: str

    def text(self, keys: Sequence[int]) -> Iterator[bytes]:
        """The calendar, part by part."""
        return calendar_text.calendar(
            name=self.name,
            description=self.description,
            address=self.address,
            events=self._events(keys),
        )

    def _events(self, keys: Sequence[int]) -> Iterator[bytes]:
        since = kept_since()
        left = MOST_EVENTS
        labels: Mapping[str, str] | None = None
        for some in chunks(keys, AT_ONCE):
            if not left:
                return
            with self.database.reading(SECONDS) as session:
                labels = labels or every_label(session)[Vocabulary.ARTFORM]
                rows = {row.pk: row for row in _listings(session, some)}
                sessions = _sessions(session, some, since, left)
            left -= len(sessions)
            parts = {
                pk: Event(row, labels, self.public_url) for pk, row in rows.items() if _is_told(row)
            }
            told = (
                parts[one.opportunity_pk].of(one) for one in sessions if one.opportunity_pk in parts
            )
            yield b"".join(event for event in told if event is not None)


def keys_of(found: Search, session: Session) -> tuple[list[int], bool]:
    """The listings of a search, then those that were withdrawn of late and would be among them.

    And whether there are more than a calendar takes.
    """
    first = found.keys(session, MOST_LISTINGS + 1)
    keys = list(first[:MOST_LISTINGS])
    if found.wanted.is_public:
        since = kept_since()
        if found.wanted.updated_since is not None:
            since = max(since, found.wanted.updated_since)
        gone = replace(
            found,
            wanted=replace(found.wanted, statuses=GONE, updated_since=since),
            sight=Sight(everything=True),
            sort=Sort.UPDATED,
        )
        keys += gone.keys(session, MOST_LISTINGS)
    return keys, len(first) > MOST_LISTINGS


def kept_since() -> datetime:
    """What was over or cancelled before this instant is shown no more. It moves at midnight."""
    return day_starts(today() - KEPT)


def standing(session: Session, identifier: UUID) -> Any:
    """The key and title of a listing, and whether it is public, was withdrawn, or left a trace."""
    was_public = col(Opportunity.published_at).is_not(None)
    statement = select(
        col(Opportunity.pk),
        col(Opportunity.title),
        col(Opportunity.status).in_(READABLE).label("is_public"),
        and_(was_public, col(Opportunity.status) == Status.WITHDRAWN).label("was_withdrawn"),
        and_(
            was_public,
            col(Opportunity.status).in_(GONE),
            col(Opportunity.updated_at) > kept_since(),
        ).label("left_a_trace"),
    ).where(col(Opportunity.id) == identifier)
    return session.execute(statement).one_or_none()


def _listings(session: Session, pks: Sequence[int]) -> Sequence[Any]:
    # What is gone has a document too, which is nobody's business any more.
    document = case((col(Opportunity.status).in_(READABLE), col(Opportunity.document)))
    statement = select(
        col(Opportunity.pk),
        document.label("document"),
        col(Opportunity.change_number),
        col(Opportunity.published_at),
        col(Opportunity.updated_at),
    ).where(col(Opportunity.pk).in_(list(pks)), col(Opportunity.status).in_((*READABLE, *GONE)))
    return session.execute(statement).all()


def _is_told(row: Any) -> bool:
    """Whether anybody saw it: what was never public leaves no trace."""
    return row.document is not None or row.published_at is not None


def _sessions(session: Session, pks: Sequence[int], since: datetime, limit: int) -> Sequence[Any]:
    table = OpportunitySession.__table__  # type: ignore[attr-defined]
    statement = (
        select(
            table.c.id,
            table.c.opportunity_pk,
            table.c.starts_at,
            table.c.ends_at,
            table.c.has_time,
            table.c.has_end,
            table.c.local_date,
            table.c.status,
            table.c.deleted_at,
            table.c.change_number,
        )
        .where(
            table.c.opportunity_pk.in_(list(pks)),
            table.c.ends_at > since,
            or_(table.c.deleted_at.is_(None), table.c.deleted_at > since),
        )
        .order_by(table.c.opportunity_pk, table.c.starts_at, table.c.pk)
        .limit(limit)
    )
    return session.execute(statement).all()


# --- events -----------------------------------------------------------------------------------


class Event:
    """What all events of one listing share, written once."""

    def __init__(self, row: Any, labels: Mapping[str, str], public_url: str) -> None:
        self._number: int = row.change_number or 0
        self._gone_at: datetime | None = None if row.document else row.updated_at
        self._shown: Mapping[str, Any] | None = None
        if row.document is not None:
            self._shown = pydantic_core.from_json(served(row.document, None, public_url))
        self._shared = b"".join(_shared(row, self._shown, labels))

    @cached_property
    def _details(self) -> bytes:
        return _details(self._shown)

    @cached_property
    def _full(self) -> bytes:
        return _details(self._shown, "Fully booked.")

    def of(self, one: Any) -> bytes | None:
        """The event of one session, or None if it had begun before it was taken away.

        Many systems send only what is to come: what is no longer sent has mostly taken place.
        """
        ended = one.deleted_at or self._gone_at
        if ended is not None and one.starts_at <= ended:
            return None
        is_cancelled = ended is not None or one.status is SessionStatus.CANCELLED
        number = min(max(self._number, one.change_number or 0), MAXIMUM_INTEGER)
        return b"".join(
            (
                b"BEGIN:VEVENT\r\n",
                calendar_text.line("UID", str(one.id)),
                calendar_text.line("SEQUENCE", str(number)),
                b"STATUS:CANCELLED\r\n" if is_cancelled else b"STATUS:CONFIRMED\r\n",
                *_times(one),
                self._shared,
                self._full if one.status is SessionStatus.FULL else self._details,
                b"END:VEVENT\r\n",
            )
        )


def _times(one: Any) -> Iterator[bytes]:
    if not one.has_time:
        yield calendar_text.days(one.local_date)
        return
    yield calendar_text.moment("DTSTART", one.starts_at)
    if one.has_end and one.ends_at > one.starts_at:
        yield calendar_text.moment("DTEND", one.ends_at)


def _shared(
    row: Any, shown: Mapping[str, Any] | None, labels: Mapping[str, str]
) -> Iterator[bytes]:
    changed = calendar_text.instant(row.updated_at)
    yield calendar_text.line("DTSTAMP", changed)
    yield calendar_text.line("LAST-MODIFIED", changed)
    # It is an offer and not an appointment: whoever subscribes is not busy.
    yield b"TRANSP:TRANSPARENT\r\n"
    if shown is None:
        yield calendar_text.line("SUMMARY", CANCELLED)
        return
    yield calendar_text.line("SUMMARY", calendar_text.text(shown["title"]))
    if row.published_at is not None:
        yield calendar_text.line("CREATED", calendar_text.instant(row.published_at))
    place = place_of(shown)
    if place:
        yield calendar_text.line("LOCATION", calendar_text.text(place))
    venue = shown["venue"]
    if venue and venue["lat"] is not None and not venue["hidden"]:
        yield calendar_text.line("GEO", f"{venue['lat']:.6f};{venue['lng']:.6f}")
    yield calendar_text.line("URL", page_of(shown))
    names = [labels.get(code, code) for code in shown["artforms"]]
    if names:
        yield calendar_text.line("CATEGORIES", calendar_text.texts(names))


def page_of(shown: Mapping[str, Any]) -> str:
    """Where a person reads on: the provider's own page, or that to book, or ours."""
    booking = shown["booking"] or {}
    found: str = shown["source"]["url"] or booking.get("url") or shown["href"]
    return found


def place_of(shown: Mapping[str, Any]) -> str:
    """Where it takes place, on one line."""
    venue = shown["venue"]
    if venue is None:
        if shown["delivery"] == "online":
            return "Online"
        return ", ".join(area["name"] for area in shown["outreach_areas"])
    if venue["hidden"]:
        # The rest is told to who books.
        return venue["authority"]["name"] if venue["authority"] else ""
    lines = [venue["name"], *(venue["address"] or "").split("\n"), venue["postcode"]]
    unique = dict.fromkeys(part.strip() for part in lines if part and part.strip())
    return ", ".join(unique)


def _details(shown: Mapping[str, Any] | None, *first: str) -> bytes:
    if shown is None:
        return b""
    booking = shown["booking"] or {}
    provider = shown["provider"]
    told = [
        *first,
        shown["summary"],
        _short(plain(shown["description"] or "")),
        f"By {provider['name']}." if provider else None,
        _ages(shown["age_min"], shown["age_max"]),
        _price(shown["price"]),
        f"Book: {booking['url']}" if booking.get("url") else None,
        shown["href"],
    ]
    written = "\n\n".join(part for part in _once(told))
    return calendar_text.line("DESCRIPTION", calendar_text.text(written))


def _once(told: Iterable[str | None]) -> Iterable[str]:
    """What is said, without what is said twice: many a description begins with its summary."""
    kept: list[str] = []
    for part in filter(None, told):
        if kept and part.startswith(kept[-1]):
            kept.pop()
        kept.append(part)
    return kept


def _short(said: str) -> str:
    if len(said) <= LONGEST_DESCRIPTION:
        return said
    return said[:LONGEST_DESCRIPTION].rsplit(" ", 1)[0] + " …"


def _ages(low: float | None, high: float | None) -> str | None:
    if low is None and high is None:
        return None
    if high is None:
        return f"Ages {low:g} and over."
    if not low:
        return f"Up to {high:g} years."
    return f"Age {low:g}." if low == high else f"Ages {low:g} to {high:g}."


def _price(price: Mapping[str, Any] | None) -> str | None:
    if not price:
        return None
    if price["free"]:
        return "Free."
    if price["text"]:
        return str(price["text"])
    if price["from"] is None:
        return "Pay what you can." if price["pay_what_you_can"] else None
    upper = f" to £{price['to']}" if price["to"] not in {None, price["from"]} else ""
    per = f" per {price['per'].replace('_', ' ')}" if price["per"] else ""
    return f"£{price['from']}{upper}{per}."
