"""Reading calendars as people publish them: the right hour, each change, no rule without end."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.harvests import calendar_reading
from app.harvests.calendar_reading import Events
from app.harvests.readings import Unreadable
from app.opportunities.written import OpportunityWrite
from app.sources.cell_values import Context

TODAY = date(2027, 3, 1)
WORDS = Context(
    terms={
        "artform": {"dance": "dance", "visual arts": "visual_arts", "theatre and drama": "theatre"},
        "theme": {"climate": "climate"},
        "audience": {"families": "families"},
    }
)
LONDON = """BEGIN:VTIMEZONE
TZID:GMT Standard Time
BEGIN:STANDARD
DTSTART:16010101T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T010000
TZOFFSETFROM:+0000
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE"""


def calendar(*events: str, zone: str = "", end: str = "\r\n") -> bytes:
    whole = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Test//EN"]
    whole += zone.splitlines()
    for lines in events:
        whole += [
            "BEGIN:VEVENT",
            *(one.strip() for one in lines.strip().splitlines()),
            "END:VEVENT",
        ]
    return (end.join([*whole, "END:VCALENDAR"]) + end).encode()


def read(*events: str, **more: Any) -> Events:
    return calendar_reading.listings(calendar(*events, **more), WORDS, TODAY)


def item(*events: str, **more: Any) -> dict[str, Any]:
    """The one listing of a calendar; it is one that can be written."""
    found = read(*events, **more)
    assert found.refused == []
    (reading,) = found.readings
    OpportunityWrite.model_validate(
        {name: value for name, value in reading.item.items() if name != "external_id"}
    )
    return reading.item


def starts(*events: str, **more: Any) -> list[str]:
    return [one.get("starts_at") or one["date"] for one in item(*events, **more)["sessions"]]


ONCE = "UID:1\nSUMMARY:Dance\nDTSTART:20270405T090000Z\nDTEND:20270405T103000Z"


class TestTimes:
    @pytest.mark.parametrize(
        ("said", "start"),
        [
            ("DTSTART:20270405T090000Z", "2027-04-05T10:00:00+01:00"),
            ("DTSTART:20270305T090000Z", "2027-03-05T09:00:00+00:00"),
            ("DTSTART:20270405T100000", "2027-04-05T10:00:00+01:00"),
            ("DTSTART;TZID=Europe/London:20270405T100000", "2027-04-05T10:00:00+01:00"),
            ("DTSTART;TZID=America/New_York:20270405T050000", "2027-04-05T10:00:00+01:00"),
            ("DTSTART;TZID=GMT Standard Time:20270405T100000", "2027-04-05T10:00:00+01:00"),
            ("DTSTART;VALUE=DATE:20270405", "2027-04-05"),
        ],
    )
    @pytest.mark.parametrize("zone", ["", LONDON])
    def test_starts(self, said: str, start: str, zone: str) -> None:
        assert starts(f"UID:1\nSUMMARY:Dance\n{said}", zone=zone) == [start]

    @pytest.mark.parametrize(
        ("said", "end"),
        [
            ("DTEND:20270405T103000Z", "2027-04-05T11:30:00+01:00"),
            ("DURATION:PT1H30M", "2027-04-05T11:30:00+01:00"),
            ("DTEND:20270405T080000Z", None),
            ("DTEND;VALUE=DATE:20270406", None),
            ("", None),
        ],
    )
    def test_ends(self, said: str, end: str | None) -> None:
        (one,) = item(f"UID:1\nSUMMARY:Dance\nDTSTART:20270405T090000Z\n{said}")["sessions"]
        assert one.get("ends_at") == end

    def test_days_without_a_time_end_before_their_end(self) -> None:
        said = "UID:1\nSUMMARY:Show\nDTSTART;VALUE=DATE:20270405\nDTEND;VALUE=DATE:20270408"
        assert starts(said) == ["2027-04-05", "2027-04-06", "2027-04-07"]

    def test_the_hour_stays_when_the_clocks_change(self) -> None:
        rule = "DTSTART;TZID=Europe/London:20270320T100000\nRRULE:FREQ=WEEKLY;COUNT=3"
        assert starts(f"UID:1\nSUMMARY:Dance\n{rule}") == [
            "2027-03-20T10:00:00+00:00",
            "2027-03-27T10:00:00+00:00",
            "2027-04-03T10:00:00+01:00",
        ]

    def test_a_rule_of_universal_time_moves_with_it(self) -> None:
        rule = "DTSTART:20270320T100000Z\nRRULE:FREQ=WEEKLY;COUNT=3;UNTIL=20270403T100000Z"
        assert starts(f"UID:1\nSUMMARY:Dance\n{rule}")[-1] == "2027-04-03T11:00:00+01:00"


WEEKLY = "UID:1\nSUMMARY:Dance\nDTSTART;TZID=Europe/London:20270405T100000\nDURATION:PT1H"


class TestRepeating:
    def test_one_that_began_long_ago(self) -> None:
        said = (
            "UID:1\nSUMMARY:Dance\nDTSTART;TZID=Europe/London:20100104T100000\n"
            "RRULE:FREQ=WEEKLY;INTERVAL=4;BYDAY=MO"
        )
        found = starts(said)
        assert found[0] == "2027-02-08T10:00:00+00:00", "a month of the past stays"
        assert found[-1] < "2028-04-06"
        assert len(found) == 16

    def test_exceptions_and_more_dates(self) -> None:
        said = (
            f"{WEEKLY}\nRRULE:FREQ=WEEKLY;UNTIL=20270503T235959Z\n"
            "EXDATE;TZID=Europe/London:20270412T100000\nEXDATE:20270419T090000Z\n"
            "RDATE;TZID=Europe/London:20270507T140000"
        )
        assert [start[:16] for start in starts(said)] == [
            "2027-04-05T10:00",
            "2027-04-26T10:00",
            "2027-05-03T10:00",
            "2027-05-07T14:00",
        ]

    def test_one_occasion_moves_and_another_is_cancelled(self) -> None:
        rule = f"{WEEKLY}\nRRULE:FREQ=WEEKLY;COUNT=3"
        moved = (
            "UID:1\nSUMMARY:Dance\nRECURRENCE-ID;TZID=Europe/London:20270412T100000\n"
            "DTSTART;TZID=Europe/London:20270413T150000\nDURATION:PT2H"
        )
        off = (
            "UID:1\nSUMMARY:Dance\nRECURRENCE-ID:20270419T090000Z\n"
            "DTSTART:20270419T090000Z\nSTATUS:CANCELLED"
        )
        before, after = item(rule)["sessions"], item(moved, rule, off)["sessions"]
        assert [one["external_id"] for one in after] == [one["external_id"] for one in before]
        assert [one["starts_at"][:16] for one in after] == [
            "2027-04-05T10:00", "2027-04-13T15:00", "2027-04-19T10:00",
        ]  # fmt: skip
        assert after[1]["ends_at"][:16] == "2027-04-13T17:00"
        assert [one.get("status") for one in after] == [None, None, "cancelled"]

    def test_days_repeat(self) -> None:
        said = "UID:1\nSUMMARY:Dance\nDTSTART;VALUE=DATE:20270405\nRRULE:FREQ=MONTHLY;COUNT=2"
        assert starts(said) == ["2027-04-05", "2027-05-05"]

    def test_what_happens_once_has_no_id_that_moving_would_change(self) -> None:
        assert "external_id" not in item(ONCE)["sessions"][0]

    @pytest.mark.parametrize(
        "rule",
        [
            "FREQ=SECONDLY",
            "FREQ=MINUTELY;COUNT=5",
            "FREQ=HOURLY",
            "FREQ=DAILY;BYSECOND=1,2,3",
            "FREQ=DAILY;BYHOUR=1,2,3",
            "FREQ=DAILY;COUNT=1000000",
            "FREQ=WEEKLY;INTERVAL=0",
            "FREQ=YEARLY;BYWEEKNO=20",
            "FREQ=NEVER",
        ],
    )
    def test_hostile_rules_are_refused_and_the_rest_is_read(self, rule: str) -> None:
        found = read(f"{WEEKLY}\nRRULE:{rule}", ONCE.replace("UID:1", "UID:2"))
        assert [one.external_id for one in found.readings] == ["2"]
        ((name, errors),) = found.refused
        assert name == "1"
        assert errors[0].pointer == "#/sessions"

    def test_a_rule_that_never_matches_ends(self) -> None:
        said = "UID:1\nSUMMARY:Dance\nDTSTART:20000230T100000Z".replace("0230", "0229")
        found = read(f"{said}\nRRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30")
        assert found.ignored == {"over": 1}

    def test_too_many_dates(self) -> None:
        dates = ",".join(
            f"2027{month:02}{day:02}T{hour:02}0000Z"
            for month in range(4, 13)
            for day in range(1, 29)
            for hour in range(10)
        )
        found = read(f"{ONCE}\nRDATE:{dates}")
        assert "at most 2,000" in found.refused[0][1][0].detail


class TestMembers:
    def test_all_that_a_calendar_says(self) -> None:
        said = (
            f"{ONCE}\nDESCRIPTION:Come and dance\\, and sing.\\n\\nBring a drink\\; please.\n"
            "LOCATION:The Dance Room\\, 1 Centenary Square\\, Birmingham B1 1BB\n"
            "GEO:52.4797;-1.9085\nURL:https://hall.example/dance\n"
            "CATEGORIES:Dance,Families\nCATEGORIES:Climate,Workshop,Bees\n"
            "ORGANIZER;CN=Jo Bloggs:mailto:jo@example.org\nATTENDEE:mailto:kim@example.org\n"
            "CONTACT:Jo Bloggs 07700 900000"
        )
        found = item(said)
        assert found["description"] == (
            "<p>Come and dance, and sing.</p><p>Bring a drink; please.</p>"
        )
        assert found["venue"] == {
            "name": "The Dance Room",
            "address": "The Dance Room, 1 Centenary Square, Birmingham B1 1BB",
            "postcode": "B1 1BB",
            "lat": 52.4797,
            "lng": -1.9085,
        }
        assert found["url"] == "https://hall.example/dance"
        assert (found["artforms"], found["audiences"], found["themes"], found["kind"]) == (
            ["dance"], ["families"], ["climate"], "workshop",
        )  # fmt: skip
        assert "Bloggs" not in str(found)
        assert "kim" not in str(found)
        (reading,) = read(said).readings
        assert [one.code for one in reading.warnings] == ["unknown_word"]

    def test_online(self) -> None:
        assert item(f"{ONCE}\nLOCATION:https://zoom.example/1")["delivery"] == "online"
        assert item(f"{ONCE}\nLOCATION:Online")["delivery"] == "online"

    def test_states_and_classes(self) -> None:
        found = read(
            f"{ONCE}\nSTATUS:CANCELLED",
            ONCE.replace("UID:1", "UID:2") + "\nCLASS:PRIVATE",
            ONCE.replace("UID:1", "UID:3") + "\nCLASS:CONFIDENTIAL",
            ONCE.replace("UID:1", "UID:4").replace("2027", "2020"),
        )
        assert [(one.external_id, one.withdrawn) for one in found.readings] == [("1", True)]
        assert found.ignored == {"private": 2, "over": 1}

    def test_long_names(self) -> None:
        found = item(ONCE.replace("UID:1", f"UID:{'u' * 500}").replace("Dance", "D" * 500))
        assert found["external_id"].startswith("sha256:")
        assert len(found["title"]) == 160

    @pytest.mark.parametrize(
        "missing", ["UID:1\n", "SUMMARY:Dance\n", "DTSTART:20270405T090000Z\n"]
    )
    def test_what_is_missing_is_told(self, missing: str) -> None:
        found = read(ONCE.replace(missing, ""))
        assert found.readings == []
        assert len(found.refused) == 1

    def test_line_ends_folds_and_marks(self) -> None:
        said = "UID:1\nSUMMARY:Café für alle\nDTSTART:20270405T090000Z"
        whole = calendar(said, end="\n")
        assert calendar_reading.listings(whole, WORDS, TODAY).readings[0].item["title"]
        cut = whole.index("é".encode()) + 1  # in the middle of a character, as the standard allows
        folded = b"\xef\xbb\xbf" + whole[:cut] + b"\r\n " + whole[cut:]
        found = calendar_reading.listings(folded, WORDS, TODAY)
        assert found.readings[0].item["title"] == "Café für alle"
        latin = calendar_reading.listings(whole.decode().encode("latin-1"), WORDS, TODAY)
        assert "Caf" in latin.readings[0].item["title"]


class TestNoCalendars:
    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"<html></html>",
            b"BEGIN:VCARD\r\nEND:VCARD\r\n",
            b"BEGIN:VCALENDAR\r\n" + b"BEGIN:VEVENT\r\nEND:VEVENT\r\n" * 20_001,
            b"BEGIN:VCALENDAR\r\nX-A:" + b"a" * 300_000 + b"\r\nEND:VCALENDAR\r\n",
        ],
    )
    def test_they_are_refused(self, data: bytes) -> None:
        with pytest.raises(Unreadable):
            calendar_reading.listings(data, WORDS, TODAY)

    def test_one_that_breaks_off_tells_of_nothing(self) -> None:
        data = b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nBEGIN:VEVENT\r\n"
        assert calendar_reading.listings(data, WORDS, TODAY).readings == []

    @given(
        st.lists(
            st.one_of(
                st.sampled_from(
                    ["BEGIN:VEVENT", "END:VEVENT", "UID:1", "SUMMARY:A", "DTSTART:20270405T090000Z",
                     "RRULE:FREQ=DAILY", "RRULE:FREQ=WEEKLY;BYDAY=MO", "EXDATE:x", "GEO:1;2",
                     "DURATION:-P1D", "RECURRENCE-ID:20270405T090000Z", "STATUS:CANCELLED",
                     "BEGIN:VTIMEZONE", "END:VTIMEZONE", "TZID:X", "DTSTART;TZID=X:20270405T090000",
                     "DTSTART;VALUE=DATE:20270405", "RDATE;VALUE=PERIOD:20270405T090000Z/PT1H",
                     "CATEGORIES:Dance,Families", "LOCATION:Hall, B1 1BB"]
                ),
                st.text(max_size=30),
            ),
            max_size=30,
        )
    )  # fmt: skip
    def test_whatever_it_holds_it_is_read_or_refused(self, lines: list[str]) -> None:
        data = "\r\n".join(["BEGIN:VCALENDAR", *lines, "END:VCALENDAR"]).encode("utf-8", "replace")
        try:
            found = calendar_reading.listings(data, WORDS, TODAY)
        except Unreadable:
            return  # any other exception fails
        assert all(reading.external_id for reading in found.readings)
