"""The clock of enquiries: it counts working days, England's bank holidays left out."""

from datetime import date, datetime, time, timedelta
from functools import cache
from typing import TYPE_CHECKING

from app.kit.times import LONDON, from_london

if TYPE_CHECKING:
    from holidays import HolidayBase

CLOSES = time(17)
"""A working day ends at this time in London."""
SATURDAY = 5


@cache
def _bank_holidays() -> "HolidayBase":
    # It knows 250 countries and takes 11 MB and a good part of a second to load, so a process
    # that never gets an enquiry does without.
    from holidays import country_holidays  # noqa: PLC0415 - loaded when first needed, see above

    return country_holidays("GB", subdiv="ENG")


def is_working(day: date) -> bool:
    """Whether offices in England are open on a day."""
    return day.weekday() < SATURDAY and day not in _bank_holidays()


def after(instant: datetime, days: int) -> datetime:
    """The end of the so-and-so-many-th working day after the London day of an instant."""
    day = instant.astimezone(LONDON).date()
    while days > 0:
        day += timedelta(days=1)
        days -= is_working(day)
    return from_london(datetime.combine(day, CLOSES))
