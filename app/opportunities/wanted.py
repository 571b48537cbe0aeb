"""What is asked of the listings: filters that have been looked up, for SQL and for counting."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from app.opportunities.ages import AgeBand, KeyStage
from app.opportunities.grid import Box, Near
from app.opportunities.models import Delivery, Kind, Status
from app.opportunities.words import Asked


class Sort(StrEnum):
    """The orders of a list of listings."""

    NEXT_SESSION = "next_session"
    DISTANCE = "distance"
    RELEVANCE = "relevance"
    PUBLISHED = "published"
    UPDATED = "updated"
    TITLE = "title"
    QUALITY = "quality"


class Weekday(StrEnum):
    """Days of the week, Monday first."""

    MONDAY = "mon"
    TUESDAY = "tue"
    WEDNESDAY = "wed"
    THURSDAY = "thu"
    FRIDAY = "fri"
    SATURDAY = "sat"
    SUNDAY = "sun"

    @property
    def number(self) -> int:
        """0 is Monday."""
        return list(Weekday).index(self)


class TimeOfDay(StrEnum):
    """Parts of a day, by the London minute at which a session starts."""

    MORNING = "morning"
    AFTERNOON = "afternoon"
    EVENING = "evening"

    @property
    def minutes(self) -> tuple[int, int]:
        """The first minute of the day that belongs to it, and the first that does not."""
        return _PARTS[self]


NOON, FIVE, MIDNIGHT = 12 * 60, 17 * 60, 24 * 60
_PARTS: dict[TimeOfDay, tuple[int, int]] = {
    TimeOfDay.MORNING: (0, NOON),
    TimeOfDay.AFTERNOON: (NOON, FIVE),
    TimeOfDay.EVENING: (FIVE, MIDNIGHT),
}

Days = tuple[tuple[date, date], ...]
"""Stretches of days, both ends included."""


@dataclass(frozen=True)
class OnSchoolDays:
    """Days of one sort in the school year: the region's, and of authorities with their own."""

    region: Days
    own: tuple[tuple[int, Days], ...] = ()
    """By the key of the authority."""
    outside: bool = False
    """Whether days that are not of the sort are meant."""


@dataclass(frozen=True)
class When:
    """What must hold together for one session of a listing. What is always available has it all."""

    starts_from: date | None = None
    starts_to: date | None = None
    weekdays: tuple[Weekday, ...] = ()
    times: tuple[TimeOfDay, ...] = ()
    school: tuple[OnSchoolDays, ...] = ()
    """Each must hold."""
    has_places: bool | None = None

    def __bool__(self) -> bool:
        """Whether anything is asked."""
        return self != When()

    @property
    def is_dates_alone(self) -> bool:
        """Whether only days are asked, which are counted ahead."""
        return self == When(starts_from=self.starts_from, starts_to=self.starts_to)


@dataclass(frozen=True)
class Wanted:
    """The filters of a list, resolved: they hold together, and each is one of its values.

    None, or nothing in it, is no filter. An empty `reaching` is a filter that nothing meets.
    """

    statuses: Sequence[Status] = ()
    authority_pks: Collection[int] | None = None
    """Authorities and their districts, of which a listing reaches one."""
    partnership_pks: Collection[int] | None = None
    """Authorities in the areas of the partnerships that are asked for, as they are today."""
    organisation_pks: Sequence[int] = ()
    programme_pks: Sequence[int] = ()
    venue_pks: Sequence[int] = ()
    source_keys: Sequence[str] = ()
    artforms: Sequence[str] = ()
    audiences: Sequence[str] = ()
    access: Sequence[str] = ()
    """Features of which a listing has every one."""
    kinds: Sequence[Kind] = ()
    deliveries: Sequence[Delivery] = ()
    ages: Sequence[float] = ()
    age_bands: Sequence[AgeBand] = ()
    key_stages: Sequence[KeyStage] = ()
    free: bool | None = None
    max_pence: int | None = None
    near: Near | None = None
    box: Box | None = None
    when: When = When()
    words: Asked | None = None
    quality_min: int | None = None
    updated_since: datetime | None = None
    changed_after: int | None = None
    pending: bool | None = None
    asked: bool | None = None

    @property
    def is_public(self) -> bool:
        """Whether only what anybody may see is asked for."""
        return (
            list(self.statuses) == [Status.PUBLISHED]
            and self.pending is None
            and self.asked is None
        )
