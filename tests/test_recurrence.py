"""Rules that repeat, day by day."""

from datetime import timedelta

import pytest

from app.kit.times import LONDON
from app.opportunities.recurrence import expand
from app.opportunities.written import Recurrence


def days(rule: str, starts_at: str = "2027-10-12T16:00") -> list[str]:
    found = expand(Recurrence.model_validate({"rrule": rule, "starts_at": starts_at}))
    return [start.astimezone(LONDON).date().isoformat() for start, _ in found]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("FREQ=DAILY;COUNT=3", ["2027-10-12", "2027-10-13", "2027-10-14"]),
        ("RRULE:FREQ=DAILY;INTERVAL=2;COUNT=2", ["2027-10-12", "2027-10-14"]),
        ("FREQ=DAILY;BYDAY=SA,SU;UNTIL=20271018", ["2027-10-16", "2027-10-17"]),
        ("FREQ=WEEKLY;COUNT=2", ["2027-10-12", "2027-10-19"]),
        ("FREQ=WEEKLY;BYDAY=MO,TH;COUNT=3", ["2027-10-14", "2027-10-18", "2027-10-21"]),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=TU,SU;WKST=SU;COUNT=3",
         ["2027-10-12", "2027-10-24", "2027-10-26"]),
        ("FREQ=WEEKLY;UNTIL=20271019T150000Z", ["2027-10-12", "2027-10-19"]),
        ("FREQ=WEEKLY;UNTIL=20271019T145959Z", ["2027-10-12"]),
        ("FREQ=WEEKLY;UNTIL=20271019T160000", ["2027-10-12", "2027-10-19"]),
        ("FREQ=MONTHLY;COUNT=3", ["2027-10-12", "2027-11-12", "2027-12-12"]),
        ("FREQ=MONTHLY;BYMONTHDAY=31,-1;COUNT=3", ["2027-10-31", "2027-11-30", "2027-12-31"]),
        ("FREQ=MONTHLY;BYDAY=1SA,-1SA;COUNT=3", ["2027-10-30", "2027-11-06", "2027-11-27"]),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;COUNT=2", ["2027-10-29", "2027-11-30"]),
        ("FREQ=MONTHLY;INTERVAL=3;COUNT=2", ["2027-10-12", "2028-01-12"]),
        ("FREQ=YEARLY", ["2027-10-12", "2028-10-12"]),
        ("FREQ=YEARLY;BYMONTH=11,12", ["2027-11-12", "2027-12-12", "2028-11-12"]),
        ("FREQ=YEARLY;BYMONTH=12;BYDAY=1MO", ["2027-12-06"]),
        ("FREQ=YEARLY;BYDAY=1FR,-1FR", ["2027-12-31", "2028-01-07"]),
        ("FREQ=YEARLY;BYMONTHDAY=29;BYMONTH=2", ["2028-02-29"]),
    ],
)  # fmt: skip
def test_days(rule: str, expected: list[str]) -> None:
    assert days(rule) == expected


def test_four_hundred_days_and_no_more() -> None:
    assert len(days("FREQ=DAILY")) == 401


def test_it_keeps_to_the_clock_on_the_wall() -> None:
    found = expand(
        Recurrence.model_validate(
            {
                "rrule": "FREQ=WEEKLY;COUNT=2",
                "starts_at": "2027-10-26T16:00",
                "ends_at": "2027-10-26T17:00",
            }
        )
    )
    walls = [[one.astimezone(LONDON) for one in pair if one] for pair in found]
    assert [[f"{one:%H:%M}" for one in pair] for pair in walls] == [["16:00", "17:00"]] * 2
    assert found[1][0] - found[0][0] == timedelta(days=7, hours=1)


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=HOURLY",
        "FREQ=DAILY;BYHOUR=9",
        "FREQ=DAILY;FREQ=DAILY",
        "FREQ=DAILY;COUNT=0",
        "FREQ=DAILY;COUNT=٣",
        "FREQ=DAILY;INTERVAL=401",
        "FREQ=MONTHLY;BYMONTHDAY=0",
        "FREQ=MONTHLY;BYMONTHDAY=32",
        "FREQ=MONTHLY;BYDAY=54MO",
        "FREQ=DAILY;BYDAY=",
        "FREQ=DAILY;UNTIL=20279999",
        "FREQ=DAILY;UNTIL=20271012T9Z",
        "FREQ=DAILY;UNTIL=20271011",
    ],
)
def test_refused(rule: str) -> None:
    with pytest.raises(ValueError, match=r".+\."):
        days(rule)
