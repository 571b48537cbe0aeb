"""How sure it is that two listings are one offer, or parts of one series, and why.

Points for what they have in common, from one table; what cannot be one offer scores nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import hypot
from typing import Any

from app.opportunities.matches import MatchKind
from app.opportunities.titles import likeness, read_title, set_apart

WEIGHTS = {
    "title": 40,
    "sessions": 20,
    "place": 15,
    "provider": 10,
    "link": 10,
    "external_id": 5,
    "ages": 5,
    "price": 3,
    "other_ages": -8,
    "other_price": -4,
    "other_kind": -8,
}
"""Points for what two listings share, and against what differs; the sum is kept to 0 to 100."""
THRESHOLD = 60
"""Points from which a pair is shown to people."""
NEAR_TITLE = 0.7
"""Titles less alike than this are never the same offer."""
SAME_TITLE = 0.85
"""Titles of one series are at least so alike."""
NEAR_METRES = 250
"""Within so many metres it is the same place."""
SPOT_METRES = 50
"""Within so many metres, all points of `place`."""
FAR_METRES = 1_000
"""Beyond so many metres it is another offer, a tour perhaps."""
ONLY_OVERLAPS = 0.6
"""What a session counts that overlaps with another, or shares its day, but not its start."""
HALF_OPEN = 0.4
"""What it counts when one is always available and the other has dates."""


@dataclass(frozen=True)
class Facts:
    """What is compared of a listing. Places are National Grid metres, prices pence."""

    pk: int
    title: str
    kind: str | None
    provider_pk: int | None
    source_pk: int
    external_id: str
    easting: int | None
    northing: int | None
    age_min: float | None
    age_max: float | None
    price_pence: int | None
    always_available: bool
    first_at: datetime | None
    last_at: datetime | None
    links: frozenset[str]


@dataclass(frozen=True)
class Meeting:
    """One session: its instants, and whether its time of day is known."""

    starts_at: datetime
    ends_at: datetime
    has_time: bool


@dataclass(frozen=True)
class Judged:
    """What two listings are to each other, how sure that is (0 to 100), and why."""

    kind: MatchKind
    score: int
    reasons: list[str]


def may_be_one(one: str, other: str) -> bool:
    """Whether two titles are near enough to look any further."""
    first, second = read_title(one), read_title(other)
    return not set_apart(first.marks, second.marks) and likeness(first, second) >= NEAR_TITLE


def judge(
    one: Facts,
    other: Facts,
    meetings: Sequence[Meeting] = (),
    others: Sequence[Meeting] = (),
) -> Judged | None:
    """What two listings are to each other, or nothing; the order makes no difference.

    `meetings` and `others` are their coming sessions.
    """
    metres = _metres(one, other)
    if not may_be_one(one.title, other.title) or _other_group(one, other):
        return None
    if metres is not None and metres > FAR_METRES:
        return None
    share, same = _together(meetings, others)
    tally = _Tally()
    _title(tally, one, other)
    if share:
        tally.add("sessions", _said(same), share)
        kind = MatchKind.DUPLICATE
    elif one.always_available and other.always_available:
        tally.add("sessions", "Both are always available.")
        kind = MatchKind.DUPLICATE
    elif one.always_available or other.always_available:
        tally.add("sessions", "One is always available, so the other falls into it.", HALF_OPEN)
        kind = MatchKind.DUPLICATE
    elif _follows(one, other, metres):
        tally.add("sessions", "Their dates do not meet: the one comes after the other.")
        kind = MatchKind.SERIES
    else:
        return None
    _circumstances(tally, one, other, metres)
    score = max(0, min(100, round(tally.points)))
    return Judged(kind, score, tally.reasons) if score >= THRESHOLD else None


class _Tally:
    def __init__(self) -> None:
        self.points = 0.0
        self.reasons: list[str] = []

    def add(self, name: str, reason: str, share: float = 1.0) -> None:
        self.points += WEIGHTS[name] * share
        self.reasons.append(reason)


def _title(tally: _Tally, one: Facts, other: Facts) -> None:
    alike = likeness(read_title(one.title), read_title(other.title))
    said = "The titles say the same." if alike > 0.99 else f"The titles are {alike:.0%} alike."
    tally.add("title", said.replace("%", " %"), alike)


def _circumstances(tally: _Tally, one: Facts, other: Facts, metres: float | None) -> None:
    if metres is not None and metres <= SPOT_METRES:
        tally.add("place", "Both are at the same place.")
    elif metres is not None and metres <= NEAR_METRES:
        tally.add("place", f"They are {metres:.0f} metres apart.", 0.7)
    elif one.easting is None and other.easting is None:
        tally.add("place", "Neither is tied to a place.", 0.5)
    if one.provider_pk is not None and one.provider_pk == other.provider_pk:
        tally.add("provider", "The same organisation offers both.")
    if one.links & other.links:
        tally.add("link", "They have the same web or booking page.")
    if one.source_pk != other.source_pk and one.external_id == other.external_id:
        tally.add("external_id", "Two sources call them by the same id.")
    _terms(tally, one, other)


def _terms(tally: _Tally, one: Facts, other: Facts) -> None:
    ages = (one.age_min, one.age_max), (other.age_min, other.age_max)
    if (None, None) not in ages:
        if ages[0] == ages[1]:
            tally.add("ages", "They are for the same ages.")
        else:
            tally.add("other_ages", "But the ages differ.")
    if one.price_pence is not None and other.price_pence is not None:
        if one.price_pence == other.price_pence:
            tally.add("price", "They cost the same.")
        else:
            tally.add("other_price", "But the prices differ.")
    if one.kind and other.kind and one.kind != other.kind:
        tally.add("other_kind", "But they are of different kinds.")


def _other_group(one: Facts, other: Facts) -> bool:
    """Whether they are for different ages: a band that only touches the other is another group."""
    low, high = sorted((one, other), key=lambda facts: (facts.age_min or 0, facts.age_max or 0))
    if low.age_max is None or high.age_min is None:
        return False
    same = (low.age_min, low.age_max) == (high.age_min, high.age_max)
    return not same and high.age_min >= low.age_max


def _metres(one: Facts, other: Facts) -> float | None:
    if None in (one.easting, one.northing, other.easting, other.northing):
        return None
    return hypot(
        (one.easting or 0) - (other.easting or 0), (one.northing or 0) - (other.northing or 0)
    )


def _follows(one: Facts, other: Facts, metres: float | None) -> bool:
    """Whether the one is the other with new dates: same offer, same place, later altogether."""
    if one.provider_pk is None or one.provider_pk != other.provider_pk:
        return False
    placed = one.easting is not None or other.easting is not None
    if placed and (metres is None or metres > NEAR_METRES):
        return False
    if likeness(read_title(one.title), read_title(other.title)) < SAME_TITLE:
        return False
    spans: list[Any] = [(facts.first_at, facts.last_at) for facts in (one, other)]
    if any(None in span for span in spans):
        return False
    (_, ends), (starts, _) = sorted(spans)
    return bool(ends.date() < starts.date())


def _together(
    one: Sequence[Meeting], other: Sequence[Meeting]
) -> tuple[float, tuple[int, int, bool]]:
    """The share of the shorter programme that the other has too; how many of how many."""
    shorter, longer = sorted((one, other), key=lambda some: (len(some), str(some[:1])))
    if not shorter:
        return 0.0, (0, 0, False)
    starts = {meeting.starts_at for meeting in longer if meeting.has_time}
    exact = sum(meeting.has_time and meeting.starts_at in starts for meeting in shorter)
    loose = sum(
        not (meeting.has_time and meeting.starts_at in starts)
        and any(_overlap(meeting, against) for against in longer)
        for meeting in shorter
    )
    share = (exact + ONLY_OVERLAPS * loose) / len(shorter)
    return share, (exact + loose, len(shorter), loose > 0)


def _overlap(one: Meeting, other: Meeting) -> bool:
    if one.starts_at == other.starts_at:
        return True
    return one.starts_at < other.ends_at and other.starts_at < one.ends_at


def _said(counted: tuple[int, int, bool]) -> str:
    together, of, overlap = counted
    how = "overlap" if overlap else "start at the same time"
    if together == of:
        return f"All sessions {how}." if of > 1 else f"Their sessions {how}."
    return f"{together} of {of} sessions {how}."
