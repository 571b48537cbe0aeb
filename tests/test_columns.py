"""What columns mean, and the listings that rows become."""

import json
from datetime import date, datetime, time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.opportunities.written import OpportunityWrite
from app.sources import headings
from app.sources.cell_values import Context, RowCells, Understood, amount, one_line
from app.sources.cells import Cell, Note, Row
from app.sources.columns import ColumnUnderstanding, How, as_text, understand, unfilled
from app.sources.items import to_item, to_items
from app.sources.plain_writing import DateOrder
from app.sources.synonyms import BY_FIELD, words
from app.sources.tables import read_table
from app.vocabularies.models import Vocabulary
from app.vocabularies.terms import TERMS

LABELS = {name.value: {term.code: term.label for term in terms} for name, terms in TERMS.items()}
KNOWN = {
    name: {said.casefold(): code for code, label in terms.items() for said in (code, label)}
    for name, terms in LABELS.items()
}
TODAY = date(2026, 11, 24)
CONTEXT = Context(
    terms=KNOWN,
    organisations={"dance hub": "dance-hub", "dance-hub": "dance-hub"},
    programmes={"summer of stories": "summer-of-stories"},
    venues={"the dance room": "the-dance-room"},
    areas={"birmingham": "E08000025", "dudley": "E08000027", "herefordshire": "E06000019"},
    today=TODAY,
)
DOMAIN_HEADINGS = """
    System_Ref | id | import_id | Ref | URN | title | Name | name | Provider_Name
    | FIS_Provider_Name | Early_Years_Provider_Name | Activity name | Event
    | organisers | organisation
    | FIS_Registration_Name | Recipient | Applicant Name | Organisation | content | content_area
    | Service_Description | description | Note | summary | start_date | Start date | Start time
    | Availability_Start_Date | Availability_End_Date | visible_from | Date | DTSTART | Day
    | Start_Time | End_Time | scheduled_weekday | schedules_opens_at | schedules_closes_at
    | Opening_Times_Description | Is_Free | free | cost_details | Per_Session | Total_Cost__Session
    | Total_Cost__Hour | Total_Cost__Day | Total_Cost__Week | Total_Cost__Term | cost_option
    | cost_amount | cost_type | Price | Age_Group_Description | min_age | max_age
    | attendance_information | ageRange | building_name | First_Line | Second_Line | Third_Line
    | Locality | Town | Full_Address | location_name | location_address_1 | LOCATION | Post_Code
    | postcode | location_postcode | postalCode | latitude | longitude | Easting | Northing | Lat
    | location_latitude | Area_Covered_Description | Local Authority | Political_Ward_Description
    | event_categories | Level_1_Description | Level_2_Description | Level_3_Description
    | service_taxonomies | Discipline | Main discipline | Groups | accessibility_information
    | Facility_Description | location_accessibilities | send_needs_support
    | Special_Needs_Area_of_Experience_Description | is_local_offer | E_Mail | Telephone | Mobile
    | Web_Site | WebSiteCorrected | Publication_URL | booking_link | cta | Referral_Procedure
    | needs_referral | virtual | Delivery_Channel_Description | published | approved | visible
    | temporarily_closed | Last_Modified | duplicated_from | import_id_reference
"""


def columns_of(*said: str, rows: list[list[Cell]] | None = None, **more: Any) -> Any:
    found = [Row(place + 2, place + 2, cells) for place, cells in enumerate(rows or [])]
    return understand(said, found, **more)


def fields_of(*said: str, **more: Any) -> list[str | None]:
    return [column.field for column in columns_of(*said, **more)]


def item_of(**said: Cell) -> Understood:
    """The listing of a row with a title and these fields."""
    return item_in(CONTEXT, said)


def item_in(context: Context, said: dict[str, Cell]) -> Understood:
    """The same among other words."""
    given: dict[str, Cell] = {"external_id": "1", "title": "A", **said}
    row = Row(2, 2, list(given.values()))
    found = to_item(row, understand(list(given), [row], None, context.terms), context)
    if not found.errors:
        accepted(found)
    return found


def accepted(found: Understood) -> OpportunityWrite:
    """The item as the service takes it."""
    said = {name: value for name, value in found.item.items() if name != "external_id"}
    return OpportunityWrite.model_validate(said)


def items_of(text: str, saved: dict[str, Any] | None = None) -> list[Understood]:
    """The listings of a CSV text."""
    table = read_table(text.encode())
    rows = list(table.rows)
    return to_items(rows, understand(table.headings, rows, saved, CONTEXT.terms), CONTEXT)


def doubts(found: Understood) -> set[str]:
    return {remark.code for remark in found.doubts}


def errors(found: Understood) -> set[str]:
    return {remark.code for remark in found.errors}


class TestHeadings:
    @pytest.mark.parametrize("heading", [h.strip() for h in DOMAIN_HEADINGS.split("|")])
    def test_every_heading_of_real_files_is_known(self, heading: str) -> None:
        assert fields_of(heading) != [None]

    def test_no_heading_means_two_things(self) -> None:
        seen: dict[str, str] = {}
        for field in headings.FIELDS:
            for said in (field.name, field.label, *field.synonyms):
                assert seen.setdefault(headings.plain(said), field.name) == field.name, said
        for said in headings.UNDECIDED:
            assert headings.plain(said) not in seen, said

    @pytest.mark.parametrize(
        "heading",
        ["Post Code", "POST_CODE", "post-code", " Postcode* ", "Postcode (required)", "Pôstcode"],
    )
    def test_matching_is_blind(self, heading: str) -> None:
        assert fields_of(heading) == ["venue_postcode"]

    def test_how_a_column_was_read(self) -> None:
        columns = columns_of("Title", "external_id", "Ref no", "Ward", "Colour", "Kind")
        assert [column.how for column in columns] == [
            How.EXACT,
            How.EXACT,
            How.SYNONYM,
            How.EXACT,
            How.UNMAPPED,
            How.EXACT,
        ]
        assert columns[0].label == "Title"

    def test_a_heading_with_several_meanings_takes_what_is_free(self) -> None:
        assert fields_of("Provider_Name", "Date") == ["title", "when"]
        assert fields_of("Provider_Name", "Event") == ["provider", "title"]
        assert fields_of("Location", "Venue") == ["venue_address", "venue_name"]
        assert fields_of("Note", "Note") == ["description", "description"]

    def test_a_second_column_for_one_field(self) -> None:
        telephone, mobile = columns_of("Telephone", "Mobile")
        assert (telephone.field, mobile.field) == ("contact_phone", "contact_phone")
        assert [doubt.code for doubt in mobile.doubts] == ["same_field"]

    def test_the_same_heading_twice(self) -> None:
        _, second = columns_of("Name", "Name (2)")
        assert (second.field, second.how) == (None, How.UNMAPPED)
        assert [doubt.code for doubt in second.doubts] == ["repeated_heading"]

    def test_a_saved_mapping_comes_first(self) -> None:
        saved = {
            "columns": {"WHAT NOW": "title", "Title": None, "x": "nonsense", "y": "access:bsl"}
        }
        columns = columns_of("what_now", "Title", "X", "Y", saved=saved)
        assert [(column.field, column.how) for column in columns] == [
            ("title", How.SAVED),
            (None, How.SAVED),
            (None, How.UNMAPPED),
            ("access:bsl", How.SAVED),
        ]
        assert [doubt.code for doubt in columns[2].doubts] == ["unknown_field"]

    def test_boxes_to_tick(self) -> None:
        rows: list[list[Cell]] = [
            ["A", "Y", True, "x", "Yes", "red"],
            ["B", "", False, "", "N", ""],
        ]
        columns = columns_of(
            "Title",
            "Wheelchair accessible",
            "BSL",
            "Street dance",
            "Colour",
            "Music",
            rows=rows,
            terms=KNOWN,
        )
        assert [column.field for column in columns] == [
            "title",
            "access:wheelchair",
            "access:bsl",
            "artforms:dance",
            None,
            None,
        ]

    def test_samples_and_the_order_of_dates(self) -> None:
        rows: list[list[Cell]] = [
            ["01/02/2027", "7/4/2027"],
            ["01/02/2027", "7/25/2027"],
            [date(2027, 3, 1), "8/1/2027"],
            ["x" * 200, ""],
        ]
        first, second = columns_of("Start date", "End date", rows=rows)
        assert first.samples == ["01/02/2027", "2027-03-01", "x" * 80]
        assert (first.order, second.order) == (DateOrder.DMY, DateOrder.MDY)

    def test_dates_that_contradict_one_another(self) -> None:
        (column,) = columns_of("Date", rows=[["25/07/2027"], ["7/25/2027"]])
        assert [doubt.code for doubt in column.doubts] == ["mixed_date_order"]

    def test_what_no_column_gives(self) -> None:
        assert unfilled(columns_of("Title", "Date", "Artform", "Type")) == [
            "ages or an audience",
            "a place",
            "a price",
        ]


class TestWords:
    def test_each_word_stands_for_a_term_that_ships(self) -> None:
        for field, vocabulary in (
            ("artforms", Vocabulary.ARTFORM),
            ("themes", Vocabulary.THEME),
            ("audiences", Vocabulary.AUDIENCE),
            ("access", Vocabulary.ACCESS),
            ("concessions", Vocabulary.CONCESSION),
        ):
            assert set(BY_FIELD[field]) <= {term.code for term in TERMS[vocabulary]}

    @pytest.mark.parametrize(
        ("said", "artforms"),
        [
            ("Drama", ["theatre"]),
            ("art", ["visual_arts"]),
            ("SINGING", ["music"]),
            ("Theatre and drama", ["theatre"]),
            ("Dance; Drama", ["dance", "theatre"]),
            ("dance, music", ["dance", "music"]),
            ("Drama and dance", ["theatre", "dance"]),
            ("Arts & Crafts", ["craft"]),
            ("visual_arts\n• film", ["visual_arts", "film"]),
        ],
    )
    def test_artforms(self, said: str, artforms: list[str]) -> None:
        found = item_of(artforms=said)
        assert found.item["artforms"] == artforms
        assert found.texts["artforms"] == said
        assert not found.doubts

    def test_a_word_that_is_no_term_is_told(self) -> None:
        found = item_of(artforms="Dance; Quidditch")
        assert found.item["artforms"] == ["dance"]
        (remark,) = found.doubts
        assert (remark.code, remark.pointer) == ("unknown_word", "#/artforms")
        assert "Quidditch" in remark.detail
        assert remark.heading == "artforms"

    def test_a_synonym_counts_only_while_its_term_exists(self) -> None:
        context = Context(terms={"artform": {"music": "music"}}, today=TODAY)
        found = item_in(context, {"artforms": "Drama"})
        assert "artforms" not in found.item
        assert doubts(found) == {"unknown_word"}

    def test_saved_words_come_first(self) -> None:
        values: dict[str, dict[str, str | None]] = {
            "artforms": {"Stage": "theatre", "Misc": None},
            "provider": {"us": "dance-hub"},
        }
        context = Context(terms=KNOWN, values=values, organisations={}, today=TODAY)
        found = item_in(context, {"artforms": "STAGE; misc", "provider": "Us"})
        assert found.item["artforms"] == ["theatre"]
        assert found.item["provider"] == "dance-hub"
        assert not found.doubts

    def test_categories_that_are_something_else(self) -> None:
        found = item_of(artforms="Dance; Families; Workshop; Wellbeing")
        assert found.item["artforms"] == ["dance"]
        assert found.item["audiences"] == ["families"]
        assert found.item["themes"] == ["mental_health"]
        assert found.item["kind"] == "workshop"

    @pytest.mark.parametrize(
        ("said", "kind"),
        [("School visit", "school_visit"), ("CPD", "cpd"), ("INSET", "cpd"), ("Classes", "course")],
    )
    def test_kinds(self, said: str, kind: str) -> None:
        assert item_of(kind=said).item["kind"] == kind

    def test_organisations_and_programmes(self) -> None:
        found = item_of(provider="DANCE HUB", programme="Summer of Stories")
        assert found.item["provider"] == "dance-hub"
        assert found.item["programme"] == "summer-of-stories"
        found = item_of(provider="Mrs Smith's group", programme="X")
        assert "provider" not in found.item
        assert doubts(found) == {"unknown_organisation", "unknown_programme"}

    def test_words_are_plain(self) -> None:
        assert words("artforms")["streetdance"] == "dance"


class TestTexts:
    def test_markup_and_entities(self) -> None:
        found = item_of(
            title="<b>Big &amp; bold</b>\n draw", description="<p>One</p><script>x</script>"
        )
        assert found.item["title"] == "Big & bold draw"
        assert found.item["description"] == "<p>One</p>"

    def test_several_descriptions_are_joined(self) -> None:
        (found,) = items_of("id,Title,Description,Further details\n1,A,One,Two\n")
        assert found.item["description"] == "<p>One</p><p>Two</p>"

    def test_a_long_summary_goes_into_the_description(self) -> None:
        found = item_of(summary="x " * 300)
        assert "summary" not in found.item
        assert doubts(found) == {"moved_to_description"}

    def test_unmapped_text_is_kept(self) -> None:
        (found,) = items_of("id,Title,Colour,Ward,,Price\n1,A,red,Ladywood,stray,£3\n")
        assert found.kept == {"Colour": "red", "Ward": "Ladywood", "column E": "stray"}
        assert found.texts["price"] == "£3"

    def test_nobody_s_name_is_kept(self) -> None:
        text = (
            "id,Title,Contact name,Contact\n1,A,Jo Bloggs,Jo Bloggs 0121 496 0000 jo@example.org\n"
        )
        (found,) = items_of(text)
        assert "Bloggs" not in repr(found)
        assert found.item["contact"] == {"email": "jo@example.org", "phone": "+44 121 496 0000"}

    def test_faults_of_a_row_are_errors(self) -> None:
        row = Row(2, 2, ["1", "A"], faults=[Note("cell_too_long", "Too long.")])
        found = to_item(row, columns_of("id", "Title"), CONTEXT)
        assert errors(found) == {"cell_too_long"}

    @pytest.mark.parametrize(
        ("cell", "text"),
        [
            (None, ""),
            (True, "Yes"),
            (3, "3"),
            (3.5, "3.5"),
            (date(2027, 6, 5), "2027-06-05"),
            (datetime.fromisoformat("2027-06-05T00:00"), "2027-06-05"),
            (datetime.fromisoformat("2027-06-05T10:30"), "2027-06-05T10:30"),
            (time(9, 5), "09:05"),
        ],
    )
    def test_cells_as_text(self, cell: Cell, text: str) -> None:
        assert as_text(cell) == text

    def test_one_line(self) -> None:
        assert one_line(" a\u0007\n b\u00a0c ") == "a b c"


class TestAges:
    @pytest.mark.parametrize(
        ("said", "low", "high"),
        [
            ({"ages": "5-11"}, 5, 11),
            ({"ages": "KS2"}, 7, 11),
            ({"age_min": 5, "age_max": 11}, 5, 11),
            ({"age_min": "5", "age_max": ""}, 5, None),
            ({"age_min": 0, "age_max": 1.5}, 0, 1.5),
            ({"age_min": "8+"}, 8, None),
            ({"audiences": "Families with children 5-11"}, 5, 11),
        ],
    )
    def test_ages(self, said: dict[str, Cell], low: float, high: float) -> None:
        found = item_of(**said)
        assert (found.item.get("age_min"), found.item.get("age_max")) == (low, high)

    @pytest.mark.parametrize("cell", ["05-Nov", "5 Nov", "Nov-05", date(2026, 11, 5)])
    def test_what_a_spreadsheet_made_a_date(self, cell: Cell) -> None:
        found = item_of(ages=cell)
        if cell == "Nov-05":
            assert "age_min" not in found.item
        else:
            assert (found.item["age_min"], found.item["age_max"]) == (5, 11)
            assert doubts(found) == {"date_for_ages"}
        assert found.doubts

    def test_an_audience_in_the_column_of_ages(self) -> None:
        assert item_of(ages="Families").item["audiences"] == ["families"]


class TestPlaces:
    def test_lines_are_joined_once(self) -> None:
        text = (
            "id,Title,Venue,First_Line,Town,Full_Address,Post_Code\n"
            '1,A,Town Hall,1 High Street,Dudley,"1 High Street, Dudley, DY1 1HF",dy11hf\n'
        )
        (found,) = items_of(text)
        assert found.item["venue"] == {
            "name": "Town Hall",
            "address": "1 High Street, Dudley",
            "postcode": "DY1 1HF",
        }

    def test_a_whole_address_as_a_name(self) -> None:
        found = item_of(venue_name="MAC, Cannon Hill Park, Birmingham B12 9QH")
        assert found.item["venue"] == {
            "name": "MAC",
            "address": "Cannon Hill Park, Birmingham",
            "postcode": "B12 9QH",
        }

    def test_a_venue_without_a_name(self) -> None:
        found = item_of(venue_address="1 High Street, Dudley", venue_postcode="DY1 1HF")
        assert found.item["venue"]["name"] == "1 High Street, Dudley"
        assert doubts(found) == {"venue_without_name"}

    def test_a_postcode_that_cannot_be_read_is_told(self) -> None:
        found = item_of(venue_name="Hall", venue_postcode="BX99")
        assert found.item["venue"] == {"name": "Hall"}
        assert doubts(found) == {"not_a_postcode"}
        assert found.texts["venue_postcode"] == "BX99"

    def test_a_known_venue(self) -> None:
        assert item_of(venue_name="The Dance Room").item["venue"] == "the-dance-room"

    def test_coordinates(self) -> None:
        found = item_of(venue_name="Hall", venue_lat="52.48", venue_lng=-1.9)
        assert found.item["venue"] == {"name": "Hall", "lat": 52.48, "lng": -1.9}
        found = item_of(venue_name="Hall", venue_lat=-1.9, venue_lng=52.48)
        assert found.item["venue"]["lat"] == 52.48
        assert doubts(found) == {"swapped"}
        found = item_of(venue_name="Hall", venue_easting=406_689, venue_northing=286_822)
        assert round(found.item["venue"]["lat"], 2) == 52.48
        assert doubts(item_of(venue_name="Hall", venue_lat="north", venue_lng="1")) == {
            "not_coordinates"
        }

    @pytest.mark.parametrize(
        ("said", "delivery"),
        [
            ({"delivery": "Face to face"}, "in_person"),
            ({"delivery": "Meeting a group of people"}, "in_person"),
            ({"delivery": "Online and in person"}, "hybrid"),
            ({"delivery": "Zoom"}, "online"),
            ({"venue_name": "Online"}, "online"),
            ({"venue_name": "Your school"}, "outreach"),
            ({"is_online": "Y"}, "online"),
            ({"is_online": True, "venue_name": "Hall"}, "hybrid"),
            ({"is_online": "no", "venue_name": "Hall"}, None),
        ],
    )
    def test_delivery(self, said: dict[str, Cell], delivery: str | None) -> None:
        assert item_of(**said).item.get("delivery") == delivery

    def test_areas(self) -> None:
        found = item_of(delivery="Outreach", outreach_areas="Birmingham; Dudley MBC; Mars")
        assert found.item["outreach_areas"] == ["E08000025", "E08000027"]
        assert doubts(found) == {"unknown_area"}
        found = item_of(delivery="outreach", outreach_areas="West Midlands")
        assert found.item["outreach_areas"] == ["region"]
        found = item_in(CONTEXT, {"venue_name": "Hall", "Local Authority": "Birmingham"})
        assert "outreach_areas" not in found.item
        assert found.texts["outreach_areas"] == "Birmingham"


SESSION = [{"starts_at": "2027-06-05T10:00:00", "ends_at": "2027-06-05T12:00:00"}]


class TestDates:
    @pytest.mark.parametrize(
        "said",
        [
            {"when": "Sat 5 June 2027, 10am-12pm"},
            {"when": "05/06/2027", "times": "10am-12pm"},
            {"when": "5 June 2027", "start_time": "10:00", "end_time": "12:00"},
            {"start_date": "05/06/2027", "start_time": "10.00am", "end_time": "12noon"},
            {"start_date": date(2027, 6, 5), "start_time": time(10), "end_time": time(12)},
            {
                "start_date": datetime.fromisoformat("2027-06-05T10:00"),
                "end_date": datetime.fromisoformat("2027-06-05T12:00"),
            },
            {"start_date": "2027-06-05T10:00:00", "end_date": "2027-06-05T12:00:00"},
            {"start_date": "5 June 2027", "end_date": "5 June 2027", "times": "10am - 12pm"},
            {"weekday": "Saturday", "start_date": "5/6/2027", "times": "10am-12pm"},
            {"when": "5 June 2027", "start_date": "10:00", "end_date": "12:00"},
            {"start_date": "6/5/2027 12:00:00 AM", "start_time": "10:00", "end_time": "12:00"},
        ],
    )
    def test_one_session(self, said: dict[str, Cell]) -> None:
        if said.get("start_date") == "6/5/2027 12:00:00 AM":
            text = (
                "id,Title,Start date,Start time,End time\n"
                "1,A,6/5/2027 12:00:00 AM,10:00,12:00\n2,B,7/25/2027 12:00:00 AM,10:00,12:00\n"
            )
            found = items_of(text)[0]
        else:
            found = item_of(**said)
        assert found.item["sessions"] == SESSION
        assert not found.doubts

    @pytest.mark.parametrize(
        "said",
        [
            {"when": "every Saturday 10am-12pm from 5 June 2027 until 26 June 2027"},
            {
                "weekday": "Saturday",
                "start_date": "5 June 2027",
                "end_date": "26/06/2027",
                "times": "10am-12pm",
            },
            {
                "weekday": "Saturdays",
                "weekly_from": date(2027, 6, 5),
                "weekly_until": date(2027, 6, 26),
                "start_time": "10:00",
                "end_time": "12:00",
            },
        ],
    )
    def test_a_weekly_rule(self, said: dict[str, Cell]) -> None:
        found = item_of(**said)
        assert found.item["recurrence"]["rrule"] == "FREQ=WEEKLY;BYDAY=SA;UNTIL=20270626"
        assert found.item["recurrence"]["starts_at"] == "2027-06-05T10:00:00"
        assert not found.doubts

    def test_a_run_of_days(self) -> None:
        found = item_of(start_date="1 June 2027", end_date="3 June 2027", times="10am-4pm")
        assert [one["starts_at"][:10] for one in found.item["sessions"]] == [
            "2027-06-01",
            "2027-06-02",
            "2027-06-03",
        ]

    def test_a_date_without_a_time(self) -> None:
        assert item_of(start_date=date(2027, 6, 5)).item["sessions"] == [{"date": "2027-06-05"}]

    def test_doubts_are_told(self) -> None:
        assert "weekday" in doubts(item_of(weekday="Monday", start_date="5/6/2027"))
        assert "no_year" in doubts(item_of(when="5 June"))
        assert "term_time" in doubts(item_of(season="Term time"))
        found = item_of(when="TBC")
        assert "sessions" not in found.item
        assert doubts(found) == {"to_be_confirmed"}

    def test_always(self) -> None:
        assert item_of(always_available="Yes").item["always_available"] is True
        assert item_of(season="All Year").item["always_available"] is True
        found = item_of(always_available=True, when="5 June 2027")
        assert "sessions" not in found.item
        assert doubts(found) == {"dated_and_always"}

    def test_places_and_ids_of_sessions(self) -> None:
        found = item_of(when="5 June 2027", capacity=20, places_left="3", session_id="s1")
        assert found.item["sessions"] == [
            {"date": "2027-06-05", "external_id": "s1", "capacity": 20, "places_left": 3}
        ]
        assert doubts(item_of(when="5 June 2027", capacity="about 20")) == {"not_a_number"}

    def test_readings_do_not_share_their_sessions(self) -> None:
        first = item_of(when="5 June 2027", capacity=20)
        second = item_of(when="5 June 2027")
        assert first.item["sessions"] != second.item["sessions"]


class TestPrices:
    @pytest.mark.parametrize(
        ("said", "price"),
        [
            ({"price": "Free"}, {"free": True}),
            ({"price": "£3.50 per child"}, {"from": "3.50", "per": "child"}),
            ({"price": 5}, {"from": "5.00"}),
            ({"price": "5"}, {"from": "5.00"}),
            ({"price": 0}, {"free": True}),
            ({"is_free": "Y"}, {"free": True}),
            ({"is_free": True, "price": ""}, {"free": True}),
            ({"is_free": "£4"}, {"from": "4.00"}),
            ({"price_from": "3", "price_to": "5.5"}, {"from": "3.00", "to": "5.50"}),
            ({"price_from": 5, "price_to": 3}, {"from": "3.00", "to": "5.00"}),
            ({"price_from": 0}, {"free": True}),
            ({"price_from": 5, "price_per": "per head"}, {"from": "5.00", "per": "person"}),
            ({"price_session": 4.5}, {"from": "4.50", "per": "session"}),
            (
                {"price_session": "4.50", "price_term": "£40"},
                {
                    "from": "4.50",
                    "per": "session",
                    "text": "£4.50 per session; £40.00 per term",
                },
            ),
            (
                {"price": "£5", "concessions": "FSM; over 60s"},
                {
                    "from": "5.00",
                    "concessions": ["free_school_meals"],
                    "text": "Concessions: over 60s",
                },
            ),
        ],
    )
    def test_prices(self, said: dict[str, Cell], price: dict[str, Any]) -> None:
        assert item_of(**said).item["price"] == price

    def test_a_tick_beside_the_column_with_the_sum(self) -> None:
        text = "id,Title,Per_Session,Total_Cost__Session\n1,A,True,3.00\n"
        assert items_of(text)[0].item["price"] == {"from": "3.00", "per": "session"}

    def test_contradictions_are_told(self) -> None:
        found = item_of(is_free="Yes", price="£5")
        assert found.item["price"] == {"from": "5.00"}
        assert doubts(found) == {"free_with_a_price"}
        found = item_of(is_free="Y", price="£5 deposit")
        assert found.item["price"] == {"text": "£5 deposit"}
        assert "free_with_a_price" in doubts(found)
        found = item_of(is_free=True, price="Free to schools")
        assert found.item["price"] == {"text": "Free to schools"}
        assert "free_with_a_price" in doubts(found)
        found = item_of(is_free="Y", price="Donations welcome (suggested £3)")
        assert found.item["price"]["free"] is True
        assert doubts(found) == set()
        found = item_of(is_free="No", price="Free")
        assert "price" not in found.item
        assert doubts(found) == {"not_free"}

    def test_what_is_no_price(self) -> None:
        found = item_of(price="TBC")
        assert "price" not in found.item
        assert doubts(found) == {"to_be_confirmed"}

    @pytest.mark.parametrize("cell", [True, -1, "5-11", "1e5", "12345678", None])
    def test_no_sum(self, cell: Cell) -> None:
        assert amount(cell) is None


class TestOtherMembers:
    def test_access(self) -> None:
        found = item_of(
            access="Wheelchair access, BSL; ring us first", access_text="Lift to all floors."
        )
        assert found.item["access"] == ["wheelchair", "bsl"]
        assert found.item["access_text"] == "Lift to all floors. ring us first"

    def test_drop_in(self) -> None:
        found = item_of(drop_in="Yes")
        assert found.item["access"] == ["drop_in"]
        assert found.item["booking"] == {"required": False}

    @pytest.mark.parametrize(
        ("text", "required"),
        [
            ("Essential", True),
            ("Y", True),
            ("Not required", False),
            ("N", False),
            ("Drop-in", False),
        ],
    )
    def test_booking_required(self, text: str, required: bool) -> None:
        assert item_of(booking_required=text).item["booking"] == {"required": required}

    def test_how_to_book(self) -> None:
        text = "Book at www.example.org/book, ring 0121 496 0000 or mail hello@example.org."
        assert item_of(booking_text=text).item["booking"] == {
            "url": "https://www.example.org/book",
            "phone": "+44 121 496 0000",
            "email": "hello@example.org",
        }

    def test_addresses_that_are_none_do_not_spoil_the_row(self) -> None:
        found = item_of(
            url="see poster", contact_email="not one", contact_phone="ring", image_url="x"
        )
        assert set(found.item) == {"external_id", "title"}
        assert len(found.doubts) == 4

    def test_an_image_needs_a_description(self) -> None:
        found = item_of(image_url="https://example.org/a.jpg")
        assert "image" not in found.item
        assert doubts(found) == {"image_without_description"}
        found = item_of(
            image_url="https://example.org/a.jpg", image_alt="A dancer", image_credit="Me"
        )
        assert found.item["image"]["alt"] == "A dancer"

    def test_numbers_that_lost_their_nought(self) -> None:
        assert item_of(contact_phone=1214960000).item["contact"] == {"phone": "+44 121 496 0000"}

    @pytest.mark.parametrize(
        ("said", "withdrawn"),
        [
            ({"status": "Withdrawn"}, True),
            ({"status": "archived"}, True),
            ({"is_published": "No"}, True),
            ({"temporarily_closed": True}, True),
            ({"status": "Live"}, False),
            ({"is_published": "Yes"}, False),
            ({"temporarily_closed": False}, False),
        ],
    )
    def test_rows_that_are_not_to_be_shown(self, said: dict[str, Cell], withdrawn: bool) -> None:
        found = item_of(**said)
        assert found.withdrawn is withdrawn
        assert doubts(found) == ({"status_word"} if withdrawn else set())

    def test_cancelled_and_full(self) -> None:
        for word, status in (("CANCELLED", "cancelled"), ("Sold out", "full")):
            found = item_of(status=word, when="5 June 2027")
            assert found.item["sessions"][0]["status"] == status
            assert doubts(found) == {"status_word"}
        assert doubts(item_of(status="Perhaps")) == {"unknown_status"}


class TestIdentity:
    def test_ids_are_texts(self) -> None:
        assert item_of(external_id=7).item["external_id"] == "7"
        assert item_of(external_id="a b/c 🎭").item["external_id"] == "a b/c 🎭"

    def test_a_derived_id_is_stable(self) -> None:
        text = "Title,Venue,Post_Code,Date,Price\n"
        first = items_of(f"{text}Big Draw,Hall,B1 1BB,Sat 5 June 2027,£3\n")[0]
        again = items_of(f"{text}BIG draw,Hall,b11bb,05/06/2027,£4\n")[0]
        other = items_of(f"{text}Big Draw,Hall,B1 1BB,12/06/2027,£3\n")[0]
        assert doubts(first) == {"derived_external_id"}
        assert first.derived_id
        assert first.item["external_id"] == again.item["external_id"]
        assert first.item["external_id"] != other.item["external_id"]

    def test_a_derived_id_does_not_hang_on_the_day_of_reading(self) -> None:
        text = "Title,When\nA,5 June\nB,every Tuesday 4pm-5pm\n"
        table = read_table(text.encode())
        rows = list(table.rows)
        columns = understand(table.headings, rows)
        found = [
            [one.item["external_id"] for one in to_items(rows, columns, Context(today=day))]
            for day in (TODAY, date(2028, 1, 1))
        ]
        assert found[0] == found[1]

    def test_the_example_of_the_template(self) -> None:
        assert errors(item_of(external_id="EXAMPLE-1")) == {"example_row"}


HEAD = "id,Title,Date,Start time,Age,Facilities,Price,Venue\n"


class TestSeveralRows:
    def test_a_row_for_each_date_age_band_and_facility(self) -> None:
        (found,) = items_of(
            f"{HEAD}1,A,5/6/2027,10am,5-7,BSL,£3,Hall\n"
            "1,A,12/6/2027,10am,8-11,Hearing loop,£3,Hall\n"
            "1,,19/6/2027,11am,8-11,,,\n"
        )
        assert [one["starts_at"] for one in found.item["sessions"]] == [
            "2027-06-05T10:00:00",
            "2027-06-12T10:00:00",
            "2027-06-19T11:00:00",
        ]
        assert (found.item["age_min"], found.item["age_max"]) == (5, 11)
        assert found.item["access"] == ["bsl", "hearing_loop"]
        assert found.lines == [2, 3, 4]
        assert found.texts["ages"] == "5-7\n8-11"
        assert not found.doubts
        assert not found.errors

    def test_rows_need_not_stand_together(self) -> None:
        first, second = items_of(f"{HEAD}1,A,5/6/2027\n2,B,5/6/2027\n1,,12/6/2027\n")
        assert len(first.item["sessions"]) == 2
        assert second.item["title"] == "B"

    def test_a_gap_between_age_bands(self) -> None:
        (found,) = items_of(f"{HEAD}1,A,5/6/2027,,5-7\n1,A,5/6/2027,,14-16\n")
        assert doubts(found) == {"several_ranges"}
        assert found.item["sessions"] == [{"date": "2027-06-05"}]

    def test_different_rules_are_written_out(self) -> None:
        (found,) = items_of(
            f"{HEAD}1,A,every Tuesday from 1 June 2027 until 15 June 2027,4pm\n"
            "1,A,every Thursday from 1 June 2027 until 15 June 2027,5pm\n"
        )
        assert "recurrence" not in found.item
        assert sorted(one["starts_at"] for one in found.item["sessions"]) == [
            "2027-06-01T16:00:00",
            "2027-06-03T17:00:00",
            "2027-06-08T16:00:00",
            "2027-06-10T17:00:00",
            "2027-06-15T16:00:00",
        ]
        assert doubts(found) == {"rules_written_out"}
        accepted(found)

    @pytest.mark.parametrize(
        "second", ["1,B,5/6/2027,10am", "1,A,5/6/2027,10am,,,£9", "1,A,5/6/2027,10am,,,,Other"]
    )
    def test_rows_that_contradict_are_all_refused(self, second: str) -> None:
        found = items_of(f"{HEAD}1,A,5/6/2027,10am,,,£3,Hall\n{second}\n2,C,5/6/2027\n")
        assert [errors(one) for one in found] == [
            {"duplicate_external_id"},
            {"duplicate_external_id"},
            set(),
        ]
        assert "Rows 2, 3 share the id '1'" in found[0].errors[0].detail

    def test_the_same_id_twice_with_nothing_new(self) -> None:
        found = items_of(f"{HEAD}1,A,5/6/2027\n1,A,5/6/2027\n")
        assert [errors(one) for one in found] == [{"duplicate_external_id"}] * 2

    def test_the_same_row_twice_without_an_id(self) -> None:
        (found,) = items_of("Title,Date\nA,5/6/2027\nA,5/6/2027\n")
        assert doubts(found) == {"derived_external_id", "repeated_row"}

    def test_children_that_name_their_parent(self) -> None:
        (found,) = items_of(
            "import_id,import_id_reference,Title,Date\n1,,A,\n11,1,,5/6/2027\n12,1,,12/6/2027\n"
        )
        assert found.item["sessions"] == [
            {"date": "2027-06-05", "external_id": "11"},
            {"date": "2027-06-12", "external_id": "12"},
        ]

    def test_orphans_are_told(self) -> None:
        found = items_of("id,parent_id,Title,Date\n1,,A,\n11,9,,5/6/2027\n12,9,B,5/6/2027\n3,,,\n")
        assert [errors(one) for one in found] == [
            set(),
            {"orphan_row"},
            {"orphan_row"},
            {"orphan_row"},
        ]

    def test_a_row_that_continues_the_one_above(self) -> None:
        first, second = items_of("Title,Date,Price\nA,5/6/2027,£3\n,12/6/2027,\n,,£9\n")
        assert len(first.item["sessions"]) == 2
        assert doubts(first) == {"derived_external_id", "continued_row"}
        assert errors(second) == {"orphan_row"}


NASTY: list[Cell] = [
    "", " ", "-", "n/a", "TBC", "0", "-1", "1e400", "NaN", "x" * 3_000, "<b>", "&amp;", "'", '"',
    "5-11", "31/02/2027", "01/01/1970", "1/1/2100", "25:99", "£", "£-5", "£9999999", "B1",
    "http://", ",;|", "£5 £6", "\x85", "\u2028", "\x9f", "&#1;", "&#133;", "<p>\x01</p>",
    "=1+1", "\u202e", "\u0000", "🎭", "\ud7ff", "a@b", "+44", "2027", "46543", "every", "until",
    "every Tuesday", "10am-9am", "Free", "yes", "no", "Dance; ; Dance", "and", "1-1-1", "E08000025",
    True, False, 0, -1, 10**12, 0.1, -0.0, 1e300, date(1900, 1, 1), date(9999, 12, 31), time(0),
    datetime.fromisoformat("1970-01-01T00:00"), datetime.fromisoformat("2100-06-05T10:30"),
]  # fmt: skip
ALL_FIELDS = [field.name for field in headings.FIELDS]


WRITTEN = st.text(st.characters(codec="utf-8", exclude_categories=["No"]), max_size=60)


class TestAnything:
    @given(st.lists(st.sampled_from(NASTY) | WRITTEN, min_size=60, max_size=80))
    @settings(max_examples=150, deadline=None)
    def test_no_row_stops_the_others(self, said: list[Cell]) -> None:
        cells = [*said[: len(ALL_FIELDS)], *[None] * len(ALL_FIELDS)][: len(ALL_FIELDS)]
        row = Row(2, 2, cells)
        columns = understand(ALL_FIELDS, [row], None, KNOWN)
        for found in to_items([row, row], columns, CONTEXT):
            json.dumps(found.item, allow_nan=False)
            assert "unreadable_row" not in errors(found)
            assert all(remark.detail for remark in (*found.doubts, *found.errors))

    @given(st.sampled_from(ALL_FIELDS), st.sampled_from(NASTY) | WRITTEN)
    @settings(max_examples=500, deadline=None)
    def test_one_odd_cell_does_not_refuse_its_row(self, field: str, cell: Cell) -> None:
        if field not in {"external_id", "parent_id", "title", "licence"}:
            assert "unreadable_row" not in errors(item_of(**{field: cell}))

    def test_a_slip_of_ours_stays_in_its_row(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def slip(cells: RowCells) -> None:
            if cells.text("title") == "A":
                raise KeyError

        monkeypatch.setattr("app.sources.items.read_prices", slip)
        first, second = items_of("id,Title\n1,A\n2,B\n")
        assert "unreadable_row" in errors(first)
        assert second.item == {"external_id": "2", "title": "B"}


def test_a_column_understands_itself() -> None:
    column = ColumnUnderstanding("BSL", "access:bsl", How.SYNONYM)
    assert column.label == "access:bsl"
