"""Time: instants are UTC, people's dates and times are London's."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, AwareDatetime

LONDON = ZoneInfo("Europe/London")


def now() -> datetime:
    """The present instant in UTC."""
    return datetime.now(UTC)


def today() -> date:
    """Today's date in London."""
    return now().astimezone(LONDON).date()


def from_london(value: datetime) -> datetime:
    """The UTC instant of a date and time; one without an offset is London's wall clock."""
    if value.tzinfo is None:
        value = value.replace(tzinfo=LONDON)
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError("This lies outside the years 1 to 9999.") from None


def is_skipped(value: datetime) -> bool:
    """Whether London's clocks skip this time in spring, so that nobody's watch shows it."""
    return from_london(value).astimezone(LONDON).replace(tzinfo=None) != value


Moment = Annotated[AwareDatetime, AfterValidator(from_london)]
"""An instant that people send, with its offset; kept in UTC."""


def day_starts(day: date) -> datetime:
    """The UTC instant at which a London day begins."""
    return from_london(datetime.combine(day, time.min))


def day_ends(day: date) -> datetime:
    """The UTC instant at which a London day ends (the next one begins)."""
    return (
        day_starts(day + timedelta(days=1)) if day < date.max else datetime.max.replace(tzinfo=UTC)
    )
