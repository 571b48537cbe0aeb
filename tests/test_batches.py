"""Batches: what a partner may send, what becomes of it, and what it is told."""

import csv
import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx2 as httpx
import openpyxl
import pytest
import time_machine
from sqlmodel import col, func, select
from starlette.testclient import TestClient

from app.opportunities.models import Opportunity
from app.sources import batches
from app.sources.models import Batch
from tests import build
from tests.conftest import serving
from tests.test_opportunities import push
from tests.test_service import problem

PATH = "/v1/sources/web/batches"
HEADINGS = ("ID", "Activity", "Date", "Time", "Ages", "Venue", "Postcode", "Price", "Artform",
            "Type")  # fmt: skip
ROW = ("C-1", "Saturday dance club", "Sat 5 June 2027", "10am-11.30am", "7-11", "The Dance Room",
       "B1 1BB", "£4.50 per child", "Dance", "Club")  # fmt: skip


def sheet(*rows: Sequence[str], headings: Sequence[str] = HEADINGS) -> bytes:
    """A CSV file."""
    out = io.StringIO()
    csv.writer(out).writerows([headings, *rows])
    return out.getvalue().encode()


def workbook(*rows: Sequence[Any], headings: Sequence[str] = HEADINGS) -> bytes:
    """An XLSX file."""
    book = openpyxl.Workbook()
    active = book.active
    assert active is not None
    for row in (headings, *rows):
        active.append(list(row))
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def ndjson(*items: Any) -> bytes:
    """A line of JSON for each item."""
    return "\n".join(json.dumps(item) for item in items).encode()


def named(external_id: str, **more: Any) -> dict[str, Any]:
    """A listing with an id."""
    return {"external_id": external_id, **build.listing(**more)}


def many(count: int, prefix: str = "n") -> list[dict[str, Any]]:
    """So many listings that differ."""
    return [named(f"{prefix}{n}", title=f"Listing {n}") for n in range(count)]


def send(
    client: TestClient,
    headers: build.Headers,
    data: bytes | Sequence[Any],
    query: str = "",
    **more: Any,
) -> Any:
    """Push a batch; its report."""
    body = data if isinstance(data, bytes) else json.dumps({"items": data}).encode()
    answer = client.post(f"{PATH}{query}", content=body, headers=headers, **more)
    assert answer.status_code in {200, 201}, answer.text
    return answer.json()


def outcomes(report: Mapping[str, Any]) -> dict[str, int]:
    """The counts that are not nought."""
    return {name: count for name, count in report["counts"].items() if count}


def states(client: TestClient, headers: build.Headers) -> dict[str, int]:
    """How many listings the source has in each state."""
    found: dict[str, int] = client.get("/v1/sources/web", headers=headers).json()["listings"]
    return found


class TestFormats:
    """The bytes decide what a file is, not what it is called."""

    @pytest.mark.parametrize("declared", ["application/json", "text/csv", "image/png", ""])
    def test_each_is_known_by_its_bytes(
        self, client: TestClient, trusted: build.Headers, declared: str
    ) -> None:
        headers = {**trusted, "Content-Type": declared}
        files = {
            "json": json.dumps({"items": [named("j")]}, indent=1).encode(),
            "ndjson": ndjson(named("n1"), named("n2", title="Sunday club")),
            "csv": sheet(ROW),
            "xlsx": workbook(("X-1", *ROW[1:])),
        }
        for kind, data in files.items():
            report = send(client, headers, data)
            assert report["format"] == kind
            assert set(outcomes(report)) == {"created"}, report
            assert {item["status"] for item in report["items"]} == {"published"}, report
            stored = client.get(f"/v1/batches/{report['id']}", headers=trusted).json()
            assert (stored["format"], stored["items"]) == (kind, report["items"])

    def test_a_form_with_one_file(self, client: TestClient, trusted: build.Headers) -> None:
        answer = client.post(PATH, files={"file": ("x.json", sheet(ROW))}, headers=trusted)
        assert outcomes(answer.json()) == {"created": 1}
        both = {"file": ("a.csv", sheet(ROW)), "other": ("b.csv", sheet(ROW))}
        problem(client.post(PATH, files=both, headers=trusted), 422, "invalid")
        problem(client.post(PATH, data={"file": "text"}, files=None, headers={
            **trusted, "Content-Type": "multipart/form-data; boundary=x"
        }), 400, "bad_request")  # fmt: skip

    def test_all_say_the_same_of_one_listing(
        self, client: TestClient, trusted: build.Headers
    ) -> None:
        items = []
        for data in (sheet(ROW), workbook(ROW)):
            (told,) = send(client, trusted, data)["items"] or [None]
            items.append(client.get(f"/v1/opportunities/{told['id']}").json())
            client.delete("/v1/sources/web/opportunities/C-1", headers=trusted)
        for item in items:
            assert item["title"] == "Saturday dance club"
            assert (item["age_min"], item["age_max"]) == (7, 11)
            assert item["sessions"][0]["starts_at"] == "2027-06-05T10:00:00+01:00"
            assert item["sessions"][0]["ends_at"] == "2027-06-05T11:30:00+01:00"
            assert (item["price"]["from"], item["price"]["per"]) == ("4.50", "child")
            assert item["venue"]["postcode"] == "B1 1BB"
            assert (item["kind"], item["artforms"]) == ("club", ["dance"])

    def test_a_bad_line_spoils_itself_only(
        self, client: TestClient, trusted: build.Headers
    ) -> None:
        data = ndjson(named("a")) + b'\n{"external_id": "b", "title": \n\n' + ndjson(named("c"))
        report = send(client, trusted, data)
        assert outcomes(report) == {"created": 2, "rejected": 1}
        bad = next(item for item in report["items"] if item["outcome"] == "rejected")
        assert (bad["line"], bad["errors"][0]["code"]) == (2, "json_invalid")
        assert "Line 2" in bad["errors"][0]["detail"]
        assert [item["line"] for item in report["items"]] == [1, 2, 4]

    def test_lines_are_named_where_there_are_lines(
        self, client: TestClient, trusted: build.Headers
    ) -> None:
        report = send(client, trusted, b"\n" + ndjson(named("a"), named("b"), named("a")))
        assert outcomes(report) == {"created": 1, "rejected": 2}
        assert "on lines 2, 4." in report["items"][0]["errors"][0]["detail"]

    def test_a_nul_spoils_its_item_only(self, client: TestClient, trusted: build.Headers) -> None:
        items = [named("a"), named("b", title="Club\0"), named("c\0"), named("d", title="D")]
        report = send(client, trusted, items)
        assert outcomes(report) == {"created": 2, "rejected": 2}
        _, bad, nameless, _ = report["items"]
        assert (bad["external_id"], nameless["external_id"]) == ("b", None)
        (error,) = bad["errors"]
        assert (error["code"], error["pointer"]) == ("nul_character", "#/title")
        assert nameless["errors"][0]["pointer"] == "#/external_id"
        assert send(client, trusted, items)["counts"]["unchanged"] == 2

    def test_a_cell_that_is_not_read_is_the_only_complaint(
        self, client: TestClient, trusted: build.Headers
    ) -> None:
        spoilt = ("C-2", "Club\0", *ROW[2:])
        long = ("C-3", "x" * 200_000, *ROW[2:])
        report = send(client, trusted, sheet(ROW, spoilt, long))
        assert outcomes(report) == {"created": 1, "rejected": 2}
        told = [[error["code"] for error in item["errors"]] for item in report["items"][1:]]
        assert told == [["nul_character"], ["cell_too_long"]]

    @pytest.mark.parametrize(
        ("data", "code"),
        [
            (b'{"items": [' + b"{}," * 2_000_000 + b"{}]}", "json_invalid"),
            (
                b'{"items": [{' + b",".join(b'"%d":1' % n for n in range(2_000)) + b"}]}",
                "json_invalid",
            ),
            (b"ID,Title\n" + b"\n" * 3_000_000, "too_many_lines"),
            (b"", "empty"),
            (b"  \n ", "empty"),
            (b"\x00\x01\x02\x03" * 300, "nul_bytes"),
            (b"%PDF-1.7 something", "not_a_table"),
            (b"<html><body><table></table>", "markup"),
            (sheet(), "header_only"),
            (workbook(), "header_only"),
            (b"PK\x03\x04" + b"nonsense" * 50, "corrupt"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "xls"),
            (b"[]", "object_expected"),
            (b'{"items": [', "json_invalid"),
        ],
    )
    def test_what_cannot_be_read_at_all(
        self, shared_client: TestClient, shared_keys: build.Keys, data: bytes, code: str
    ) -> None:
        headers = shared_keys.staff
        if shared_client.get("/v1/sources/web", headers=headers).status_code == 404:
            build.organisation(shared_client, shared_keys)
            build.source(shared_client, shared_keys, key="web")
        answer = shared_client.post(PATH, content=data, headers=headers)
        assert answer.status_code == 422, answer.text
        (error,) = answer.json()["errors"]
        assert error["code"] == code, error
        assert len(error["detail"]) > 20, error

    def test_forty_megabytes(self, client: TestClient, trusted: build.Headers) -> None:
        large = client.post(PATH, content=b"a,b\n" * 10_000_000, headers=trusted)
        told = problem(large, 413, "too_large")
        assert "at most 32 MB" in told["detail"]
        assert "split" in told["detail"]

    def test_more_than_ten_thousand(self, client: TestClient, trusted: build.Headers) -> None:
        lines = b'{"external_id": "1"}\n' * 10_001
        problem(client.post(PATH, content=lines, headers=trusted), 422, "invalid")
        rows = sheet(*([ROW] * 10_001))
        problem(client.post(PATH, content=rows, headers=trusted), 422, "unreadable_file")
        assert states(client, trusted) == {}

    def test_strangers_are_told_before_they_are_read(self, client: TestClient) -> None:
        problem(client.post(PATH, content=sheet(ROW)), 401, "unauthenticated")


class TestItems:
    """Each is told clearly; the rest of the batch still lands."""

    def test_the_value_is_shown(self, client: TestClient, trusted: build.Headers) -> None:
        report = send(
            client,
            trusted,
            [
                named("ends-first", sessions=[
                    {"starts_at": "2027-06-05T11:00", "ends_at": "2027-06-05T10:00"}]),
                named("long-ago", sessions=[{"starts_at": "1970-01-01T00:00"}]),
                named("far-off", sessions=[{"starts_at": "2100-01-01T00:00"}]),
                named("many", sessions=[{"date": "2027-06-05"}] * 5_000),
                named("odd-age", age_min="seven"),
                named("nowhere", venue={"name": "Hall", "postcode": "ZZ99 9ZZ"}),
                named("good"),
            ],
        )  # fmt: skip
        assert outcomes(report) == {"created": 1, "rejected": 6}
        told = {item["external_id"]: item["errors"] for item in report["items"]}
        assert told["ends-first"][0]["pointer"].startswith("#/sessions/0")
        assert "after starts_at" in told["ends-first"][0]["detail"]
        assert "between 2000 and 2100" in told["long-ago"][0]["detail"]
        assert "between 2000 and 2100" in told["far-off"][0]["detail"]
        assert "1000" in told["many"][0]["detail"].replace(",", "")
        assert (told["odd-age"][0]["pointer"], told["odd-age"][0]["value"]) == (
            "#/age_min",
            "seven",
        )
        assert told["nowhere"][0]["value"] == "ZZ99 9ZZ"

    @pytest.mark.parametrize("external_id", ["two words", "a/b/c", "🎻 class", "é", "Ä-1", "0"])
    def test_ids_as_systems_make_them(
        self, client: TestClient, trusted: build.Headers, external_id: str
    ) -> None:
        report = send(client, trusted, [named(external_id), named("x" * 500)])
        assert outcomes(report) == {"created": 1, "rejected": 1}
        assert "200 characters" in report["items"][1]["errors"][0]["detail"]
        assert outcomes(send(client, trusted, [named(external_id)])) == {"unchanged": 1}

    def test_one_id_twice_in_a_spreadsheet(
        self, client: TestClient, trusted: build.Headers
    ) -> None:
        other = ("C-1", "Something else", *ROW[2:])
        report = send(client, trusted, sheet(ROW, other, ("C-2", *ROW[1:])))
        assert report["counts"]["created"] == 1
        assert report["counts"]["rejected"] == 2
        for item in report["items"][:2]:
            (error,) = item["errors"]
            assert error["code"] == "duplicate_external_id"
            assert "Rows 2, 3" in error["detail"]
        problem(client.get("/v1/sources/web/opportunities/C-1", headers=trusted), 404, "not_found")

    def test_what_is_odd_is_a_warning(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        twice = [
            {"starts_at": "2027-06-05T10:00", "ends_at": "2027-06-05T12:00"},
            {"starts_at": "2027-06-05T11:00", "ends_at": "2027-06-05T13:00"},
        ]
        report = send(
            client, trusted, [named("1", title="Clay", sessions=twice), named("2"), named("3")]
        )
        assert outcomes(report) == {"created": 3}
        codes = [[one["code"] for one in item["warnings"]] for item in report["items"]]
        assert codes == [["sessions_overlap"], ["alike_in_batch"], ["alike_in_batch"]]
        assert "3" in report["items"][1]["warnings"][0]["detail"]
        assert all(item["status"] == "published" for item in report["items"])

    def test_a_listing_that_changes_hands(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        build.organisation(client, keys, "Clay Works")
        held = client.get("/v1/sources/web", headers=keys.staff)
        client.patch(
            "/v1/sources/web",
            json={"providers": ["clay-works"]},
            headers={**keys.staff, "If-Match": held.headers["etag"]},
        )
        push(client, trusted)
        (told,) = send(client, trusted, [named("1", provider="clay-works")])["items"]
        assert told["outcome"] == "updated"
        assert [one["code"] for one in told["warnings"]] == ["provider_changed"]
        assert "Clay Works" in told["warnings"][0]["detail"]

    def test_one_hall_is_one_venue(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        venue = {
            "organisation": "dance-hub",
            "name": "The Dance Room at Fazeley",
            "address": "1 Fazeley Street",
            "postcode": "B5 5SE",
        }
        made = client.post("/v1/venues", json=venue, headers=trusted)
        assert made.status_code == 201, made.text
        said = [
            ("a", "the dance room at fazeley", "b55se"),
            ("b", "Dance Room", "B5 5SE"),
            ("c", "The Café", "B5 5SE"),
            ("d", "The Dance Room at Fazeley", "B1 1BB"),
        ]
        report = send(
            client,
            trusted,
            [named(id_, title=id_, venue={"name": n, "postcode": p}) for id_, n, p in said],
        )
        slugs = {}
        for item in report["items"]:
            slugs[item["external_id"]] = client.get(f"/v1/opportunities/{item['id']}").json()[
                "venue"
            ]["slug"]
        known = made.json()["slug"]
        assert slugs == {"a": known, "b": known, "c": None, "d": None}
        by_id = {item["external_id"]: item["warnings"] for item in report["items"]}
        assert [one["code"] for one in by_id["b"]] == ["venue_matched"]
        assert by_id["c"] == by_id["d"] == []

    def test_the_member_that_is_wrong_is_shown(
        self, client: TestClient, trusted: build.Headers
    ) -> None:
        late = {"starts_at": "2027-06-12T11:00", "ends_at": "2027-06-12T10:00"}
        sessions = [{"starts_at": "2027-06-05T11:00"}, late]
        report = send(client, trusted, [named("a", age_min=11, age_max=5, sessions=sessions)])
        (ends,) = report["items"][0]["errors"]
        assert (ends["pointer"], ends["value"]) == ("#/sessions/1/ends_at", "2027-06-12T10:00")
        report = send(client, trusted, [named("a", age_min=11, age_max=5)])
        (ages,) = report["items"][0]["errors"]
        assert (ages["pointer"], ages["value"]) == ("#/age_max", "5")

    def test_the_column_that_is_wrong_is_named(
        self, client: TestClient, trusted: build.Headers
    ) -> None:
        headings = (*HEADINGS[:3], "Starts", "Ends", "Age from", "Age to", *HEADINGS[5:])
        row = (*ROW[:2], "5/6/2027", "10am", "11am", "11", "5", *ROW[5:])
        report = send(client, trusted, sheet(row, headings=headings))
        (ages,) = report["items"][0]["errors"]
        assert (ages["pointer"], ages["value"], ages["heading"]) == ("#/age_max", "5", "Age to")
        row = (*ROW[:2], "5/6/2027", "10am", "11am", "5", "11", *ROW[5:6], "B1 9ZZ", *ROW[7:])
        report = send(client, trusted, sheet(row, headings=headings))
        (place,) = report["items"][0]["errors"]
        assert (place["pointer"], place["heading"]) == ("#/venue/postcode", "Postcode")

    def test_sessions_that_are_the_same_are_told(
        self, client: TestClient, trusted: build.Headers
    ) -> None:
        first = {"starts_at": "2027-06-05T10:00", "ends_at": "2027-06-05T11:00"}
        sessions = [first, {"date": "2027-06-06"}, {**first, "status": "full"}, first]
        report = send(client, trusted, [named("a", sessions=sessions)])
        (item,) = report["items"]
        assert outcomes(report) == {"created": 1}
        told = [(one["code"], one["pointer"]) for one in item["warnings"]]
        assert told == [("repeated_session", "#/sessions/2"), ("repeated_session", "#/sessions/3")]
        assert "session 1" in item["warnings"][0]["detail"]
        apart = [{**one, "external_id": str(place)} for place, one in enumerate(sessions)]
        report = send(client, trusted, [named("a", sessions=apart)])
        assert "repeated_session" not in {one["code"] for one in report["items"][0]["warnings"]}

    def test_an_hour_that_the_clocks_skip_is_told(
        self, client: TestClient, trusted: build.Headers
    ) -> None:
        gap = {"starts_at": "2027-03-28T01:30", "ends_at": "2027-03-28T01:45"}
        meant = [
            {"starts_at": "2027-03-28T02:30"},
            {"starts_at": "2027-03-28T01:40Z"},
            {"starts_at": "2027-03-27T01:30"},
        ]
        rule = {"rrule": "FREQ=DAILY;COUNT=3", "starts_at": "2027-03-27T01:30"}
        report = send(
            client,
            trusted,
            [
                named("a", sessions=[*meant, gap]),
                named("b", sessions=meant),
                named("c", sessions=[], recurrence=rule),
            ],
        )
        told = {
            item["external_id"]: [
                (one["pointer"], one["value"])
                for one in item["warnings"]
                if one["code"] == "skipped_hour"
            ]
            for item in report["items"]
        }
        assert told["a"] == [
            ("#/sessions/3/starts_at", "2027-03-28T01:30"),
            ("#/sessions/3/ends_at", "2027-03-28T01:45"),
        ]
        assert told["b"] == []
        assert told["c"] == [("#/recurrence/starts_at", "2027-03-27T01:30")]
        detail = next(
            one["detail"] for one in report["items"][0]["warnings"] if one["code"] == "skipped_hour"
        )
        assert "02:30" in detail


class TestTwice:
    def test_the_same_again_bumps_nothing(self, client: TestClient, trusted: build.Headers) -> None:
        for data in (json.dumps({"items": many(30)}).encode(), sheet(ROW), workbook(ROW)):
            send(client, trusted, data)
            before = client.get("/v1/opportunities?limit=200").json()["items"]
            again = send(client, trusted, data)
            assert set(outcomes(again)) == {"unchanged"}
            assert again["items"] == []
            assert client.get("/v1/opportunities?limit=200").json()["items"] == before

    def test_so_does_what_is_not_complete(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        bare = [{"external_id": "1", "title": "Clay"}]
        (told,) = send(client, trusted, bare)["items"]
        path = "/v1/sources/web/opportunities/1"
        before = client.get(path, headers=trusted)
        assert (told["status"], "price" in told["missing"]) == ("draft", True)
        assert outcomes(send(client, trusted, bare)) == {"unchanged": 1}
        single = client.put(path, json=bare[0], headers=trusted)
        assert single.json()["outcome"] == "unchanged"
        after = client.get(path, headers=trusted)
        assert after.json()["version"] == before.json()["version"]
        assert after.json()["updated_at"] == before.json()["updated_at"]

    def test_until_what_was_missing_elsewhere_is_there(
        self, client: TestClient, keys: build.Keys
    ) -> None:
        build.organisation(client, keys, safeguarding=None)
        build.source(client, keys, key="web")
        headers = keys.publisher("dance-hub")
        (told,) = send(client, headers, [named("1")])["items"]
        assert (told["status"], told["missing"]) == ("draft", ["safeguarding"])
        held = client.get("/v1/organisations/dance-hub", headers=headers)
        facts = {
            "policy_url": "https://example.org/p",
            "reviewed_on": "2026-09-01",
            "lead_named": True,
        }
        client.patch(
            "/v1/organisations/dance-hub",
            json={"safeguarding": facts},
            headers={**headers, "If-Match": held.headers["etag"]},
        )
        (told,) = send(client, headers, [named("1")])["items"]
        assert (told["outcome"], told["status"]) == ("updated", "published")

    def test_words_that_mean_another_day_tomorrow(
        self, client: TestClient, trusted: build.Headers
    ) -> None:
        weekly = ("C-9", "Drop-in", "every Tuesday", "4-5pm", *ROW[4:])
        (told,) = send(client, trusted, sheet(weekly))["items"]
        with time_machine.travel("2026-12-15T09:00:00Z", tick=True):
            assert outcomes(send(client, trusted, sheet(weekly))) == {"unchanged": 1}
            later = send(client, trusted, sheet((*weekly[:3], "5-6pm", *weekly[4:])))
            assert outcomes(later) == {"updated": 1}
        assert told["outcome"] == "created"

    def test_what_a_key_remembers(self, client: TestClient, trusted: build.Headers) -> None:
        headers = {**trusted, "Idempotency-Key": "nightly-1"}
        first = client.post(PATH, content=sheet(ROW), headers=headers)
        again = client.post(PATH, content=sheet(ROW), headers=headers)
        assert (first.content, again.headers["idempotency-replayed"]) == (again.content, "true")
        other = client.post(PATH, content=sheet(ROW, ROW), headers=headers)
        problem(other, 422, "idempotency_mismatch")


class TestReplace:
    def test_what_is_left_out_is_withdrawn(
        self, client: TestClient, trusted: build.Headers
    ) -> None:
        send(client, trusted, many(12))
        report = send(client, trusted, many(9), "?mode=replace")
        assert outcomes(report) == {"unchanged": 9, "withdrawn": 3}
        gone = [item for item in report["items"] if item["outcome"] == "withdrawn"]
        assert [(item["external_id"], item["index"], item["status"]) for item in gone] == [
            (f"n{n}", None, "withdrawn") for n in (9, 10, 11)
        ]
        assert client.get(f"/v1/opportunities/{gone[0]['id']}").status_code == 410
        stored = client.get(f"/v1/batches/{report['id']}/items?outcome=withdrawn", headers=trusted)
        assert stored.json()["items"] == gone
        back = send(client, trusted, many(12))
        assert outcomes(back) == {"updated": 3, "unchanged": 9}
        assert states(client, trusted) == {"published": 12}

    def test_the_guard(self, client: TestClient, trusted: build.Headers) -> None:
        send(client, trusted, many(12))
        dry = send(client, trusted, many(6), "?mode=replace&dry_run=true")
        assert (dry["counts"]["withdrawn"], dry["confirm_withdraw"]) == (6, 6)
        body = json.dumps({"items": many(6)})
        for query in ("", "&confirm_withdraw=5", "&confirm_withdraw=7"):
            answer = client.post(f"{PATH}?mode=replace{query}", content=body, headers=trusted)
            told = problem(answer, 409, "confirm_withdraw")
            assert "confirm_withdraw=6" in told["detail"]
            assert (told["would_withdraw"], told["live"]) == (6, 12)
        assert states(client, trusted) == {"published": 12}
        report = send(client, trusted, many(6), "?mode=replace&confirm_withdraw=6")
        assert outcomes(report) == {"unchanged": 6, "withdrawn": 6}

    def test_a_few_need_no_confirmation(self, client: TestClient, trusted: build.Headers) -> None:
        send(client, trusted, many(5))
        assert send(client, trusted, many(1), "?mode=replace")["counts"]["withdrawn"] == 4

    def test_what_is_there_but_wrong_is_there(
        self, client: TestClient, trusted: build.Headers
    ) -> None:
        send(client, trusted, many(4))
        items = [*many(3), named("n3", age_min=-1)]
        report = send(client, trusted, items, "?mode=replace")
        assert outcomes(report) == {"unchanged": 3, "rejected": 1}
        assert states(client, trusted) == {"published": 4}

    def test_nothing_is_withdrawn_while_an_item_is_nameless(
        self, client: TestClient, trusted: build.Headers
    ) -> None:
        send(client, trusted, many(4))
        report = send(client, trusted, [*many(3), build.listing()], "?mode=replace")
        assert outcomes(report) == {"unchanged": 3, "rejected": 1}
        assert [note["code"] for note in report["notes"]] == ["nothing_withdrawn"]
        assert states(client, trusted) == {"published": 4}

    def test_rows_need_ids_of_their_own(self, client: TestClient, trusted: build.Headers) -> None:
        bare = sheet(("", *ROW[1:]))
        made = send(client, trusted, bare)
        assert made["items"][0]["warnings"][0]["code"] == "derived_external_id"
        report = send(client, trusted, bare, "?mode=replace")
        assert outcomes(report) == {"rejected": 1}
        assert report["items"][0]["errors"][0]["code"] == "external_id_needed"
        assert states(client, trusted) == {"published": 1}

    def test_a_row_that_says_it_is_not_to_be_shown(
        self, client: TestClient, trusted: build.Headers
    ) -> None:
        headings = (*HEADINGS, "Published")
        send(client, trusted, sheet((*ROW, "Yes"), headings=headings))
        report = send(client, trusted, sheet((*ROW, "No"), headings=headings))
        assert outcomes(report) == {"withdrawn": 1}
        assert states(client, trusted) == {"withdrawn": 1}
        assert outcomes(send(client, trusted, sheet((*ROW, "No"), headings=headings))) == {
            "unchanged": 1
        }
        send(client, trusted, sheet((*ROW, "Yes"), headings=headings))
        assert states(client, trusted) == {"published": 1}

    def test_sources_keep_apart(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        build.source(client, keys, key="other", name="Other")
        client.post("/v1/sources/other/batches", json={"items": many(9, "o")}, headers=trusted)
        send(client, trusted, many(3))
        send(client, trusted, many(1), "?mode=replace")
        other = client.get("/v1/sources/other", headers=trusted).json()
        assert other["listings"] == {"published": 9}


class TestReports:
    def test_it_goes_out_as_csv_and_comes_back(
        self, client: TestClient, trusted: build.Headers
    ) -> None:
        bad = ("", '=HYPERLINK("http://x")', "31 February 2027", *ROW[3:])
        report = send(client, trusted, sheet(ROW, bad, ("", "Clay", *ROW[2:])))
        answer = client.get(f"/v1/batches/{report['id']}/report.csv", headers=trusted)
        assert answer.headers["content-type"] == "text/csv; charset=utf-8"
        assert "attachment" in answer.headers["content-disposition"]
        rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
        assert [row["Activity"] for row in rows] == ['\'=HYPERLINK("http://x")', "Clay"]
        assert rows[1]["ID"].startswith("row-")
        assert rows[0]["report: warnings"]
        for cell in answer.content.decode("utf-8-sig").replace("\r\n", ",").split(","):
            assert not cell.startswith(("=", "+", "-", "@")), cell

        rows[0]["Date"] = "Sun 6 June 2027"
        out = io.StringIO()
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
        back = send(client, trusted, out.getvalue().encode())
        assert back["counts"]["rejected"] == 0
        assert back["counts"]["unchanged"] == 1
        assert not any(column["heading"].startswith("report") for column in back["columns"])

    def test_a_json_batch_has_one_too(self, client: TestClient, trusted: build.Headers) -> None:
        report = send(client, trusted, [named("good"), named("-bad", age_min=-1)])
        text = client.get(f"/v1/batches/{report['id']}/report.csv", headers=trusted).content.decode(
            "utf-8-sig"
        )
        (row,) = csv.DictReader(io.StringIO(text))
        assert (row["external_id"], row["report: outcome"]) == ("'-bad", "rejected")
        text = client.get(
            f"/v1/batches/{report['id']}/report.csv?outcome=created", headers=trusted
        ).text
        assert "good" in text
        assert "bad" not in text

    def test_the_batches_of_a_source(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        ids = [send(client, trusted, many(n))["id"] for n in (1, 2, 3)]
        listed = client.get(f"{PATH}?limit=2", headers=trusted).json()
        assert [one["id"] for one in listed["items"]] == ids[:0:-1]
        assert listed["items"][0]["counts"]["unchanged"] == 2
        build.organisation(client, keys, "Clay Works")
        stranger = keys.publisher("clay-works")
        problem(client.get(PATH, headers=stranger), 404, "not_found")
        problem(client.get(f"/v1/batches/{ids[0]}/report.csv", headers=stranger), 404, "not_found")
        problem(client.get(f"/v1/batches/{ids[0]}/report.csv"), 401, "unauthenticated")

    def test_old_reports_are_forgotten(self, client: TestClient, trusted: build.Headers) -> None:
        database = build.database_of(client)
        with time_machine.travel("2025-10-01T09:00:00Z", tick=True):
            old = send(client, trusted, many(2))["id"]
        new = send(client, trusted, many(3))["id"]
        assert batches.purge_reports(database, days=400) == 1
        assert batches.purge_reports(database, days=400) == 0
        for batch, items in ((old, 0), (new, 3)):
            found = client.get(f"/v1/batches/{batch}/items", headers=trusted).json()["items"]
            assert len(found) == items
        kept = client.get(f"/v1/batches/{old}", headers=trusted).json()
        assert kept["counts"]["created"] == 2

    def test_a_correction_is_told_with_the_next_push(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        made = push(client, trusted)
        held = client.get(f"/v1/opportunities/{made['id']}", headers=keys.staff)
        client.patch(
            f"/v1/opportunities/{made['id']}",
            json={"title": "Dance club, Saturdays", "reason": "House style."},
            headers={**keys.staff, "If-Match": held.headers["etag"]},
        )
        (told,) = send(client, trusted, [named("1", age_max=12)])["items"]
        assert told["corrections"] == {"title": "House style."}
        assert client.get(f"/v1/opportunities/{made['id']}").json()["title"] == (
            "Dance club, Saturdays"
        )


class TestMappings:
    def test_a_saved_mapping_is_used(self, client: TestClient, trusted: build.Headers) -> None:
        odd = ("Ref", "What we do", "Date", "Time", "Ages", "Venue", "Postcode", "Price", "Sort",
               "Type")  # fmt: skip
        data = sheet((*ROW[:8], "Moves", "Club"), headings=odd)
        preview = client.post(
            "/v1/sources/web/mapping/preview", content=data, headers=trusted
        ).json()
        how = {column["heading"]: column["field"] for column in preview["columns"]}
        assert (how["What we do"], how["Ref"]) == (None, "external_id")
        assert preview["total"] == 1
        assert states(client, trusted) == {}

        held = client.get("/v1/sources/web", headers=trusted)
        mapping = {
            "columns": {**preview["mapping"]["columns"], "What we do": "title", "Sort": "artforms"},
            "values": {"artforms": {"Moves": "dance"}},
        }
        saved = client.patch(
            "/v1/sources/web",
            json={"mapping": mapping},
            headers={**trusted, "If-Match": held.headers["etag"]},
        )
        assert saved.status_code == 200, saved.text
        assert saved.json()["mapping"]["columns"]["What we do"] == "title"
        (told,) = send(client, trusted, data)["items"]
        item = client.get(f"/v1/opportunities/{told['id']}").json()
        assert (item["title"], item["artforms"]) == ("Saturday dance club", ["dance"])

    def test_a_changed_mapping_looks_again(
        self, client: TestClient, trusted: build.Headers
    ) -> None:
        odd = (*HEADINGS[:8], "Sort", "Type")
        data = sheet((*ROW[:8], "Moves", "Club"), headings=odd)
        send(client, trusted, data)
        held = client.get("/v1/sources/web", headers=trusted)
        client.patch(
            "/v1/sources/web",
            json={
                "mapping": {
                    "columns": {"Sort": "artforms"},
                    "values": {"artforms": {"Moves": "dance"}},
                }
            },
            headers={**trusted, "If-Match": held.headers["etag"]},
        )
        assert outcomes(send(client, trusted, data)) == {"updated": 1}

    @pytest.mark.parametrize(
        "mapping",
        [
            {"columns": {"Sort": "no_such_field"}},
            {"values": {"title": {"a": "b"}}},
            {"columns": []},
            {"colums": {}},
        ],
    )
    def test_a_bad_mapping_is_refused(
        self, client: TestClient, trusted: build.Headers, mapping: Any
    ) -> None:
        held = client.get("/v1/sources/web", headers=trusted)
        answer = client.patch(
            "/v1/sources/web",
            json={"mapping": mapping},
            headers={**trusted, "If-Match": held.headers["etag"]},
        )
        problem(answer, 422, "invalid")

    def test_who_may_look(
        self, client: TestClient, keys: build.Keys, trusted: build.Headers
    ) -> None:
        path = "/v1/sources/web/mapping/preview"
        problem(client.post(path, content=sheet(ROW)), 401, "unauthenticated")
        build.organisation(client, keys, "Clay Works")
        stranger = keys.publisher("clay-works")
        problem(client.post(path, content=sheet(ROW), headers=stranger), 404, "not_found")
        problem(client.post(path, json={"items": []}, headers=trusted), 422, "invalid")


class TestTemplates:
    def test_they_are_there_for_everybody(self, client: TestClient) -> None:
        text = client.get("/v1/templates/opportunities.csv")
        assert text.headers["content-type"] == "text/csv; charset=utf-8"
        assert text.content.startswith(b"\xef\xbb\xbf")
        book = openpyxl.load_workbook(
            io.BytesIO(client.get("/v1/templates/opportunities.xlsx").content)
        )
        assert len(book.sheetnames) >= 3

    def test_the_example_is_no_listing(self, client: TestClient, trusted: build.Headers) -> None:
        data = client.get("/v1/templates/opportunities.csv").content
        report = send(client, trusted, data)
        assert outcomes(report) == {"rejected": 1}
        assert report["items"][0]["errors"][0]["code"] == "example_row"
        mine = data.replace(b"example-1", b"ours-1")
        assert outcomes(send(client, trusted, mine)) == {"created": 1}


class TestAtOnce:
    def test_two_batches_never_interleave(self, client: TestClient, trusted: build.Headers) -> None:
        send(client, trusted, many(1))

        def one(word: str) -> httpx.Response:
            items = [named(f"n{n}", title=f"{word} {n}") for n in range(300)]
            return client.post(PATH, json={"items": items}, headers=trusted)

        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(one, ["Red", "Green", "Blue", "White"]))
        for answer in answers:
            if answer.status_code != 201:
                problem(answer, 409, "source_busy")
                assert int(answer.headers["retry-after"]) > 0
        assert [answer.status_code for answer in answers].count(201) >= 1
        found = client.get("/v1/opportunities?limit=200&sort=title").json()["items"]
        assert len({item["title"].split()[0] for item in found}) == 1

    def test_who_waits_too_long_is_told_to_come_again(
        self, database_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with serving(database_url) as client:
            keys = build.Keys(build.database_of(client))
            build.organisation(client, keys)
            build.source(client, keys, key="web")
            database = build.database_of(client)
            held, done = threading.Event(), threading.Event()

            def hold() -> None:
                from app.access.models import SYSTEM
                from app.sources import actions

                with database.writing(30) as session:
                    actions.seen(session, SYSTEM, "web", lock=True)
                    held.set()
                    done.wait(20)

            thread = threading.Thread(target=hold)
            thread.start()
            assert held.wait(10)
            try:
                answer = client.post(PATH, json={"items": many(1)}, headers=keys.staff)
            finally:
                done.set()
                thread.join()
            problem(answer, 409, "source_busy")
            assert answer.headers["retry-after"] == "5"
            assert states(client, keys.staff) == {}


@contextmanager
def own_process(url: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """The service in a process of its own, and its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "serve", "--no-worker", "--port", str(port)],
        env={**os.environ, "LCEP_DATABASE_URL": url, "LCEP_LOG_LEVEL": "ERROR"},
    )
    base = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                if httpx.get(f"{base}/readyz").status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.1)
        yield process, base
    finally:
        process.kill()
        process.wait()


def test_a_batch_that_is_killed_leaves_nothing(database_url: str) -> None:
    with serving(database_url) as client:
        keys = build.Keys(build.database_of(client))
        build.organisation(client, keys)
        build.source(client, keys, key="web")
        headers = dict(keys.staff)
        with own_process(database_url) as (process, base):
            body = json.dumps({"items": many(4_000)})

            def post() -> None:
                with pytest.raises(httpx.TransportError):
                    httpx.post(f"{base}{PATH}", content=body, headers=headers, timeout=60)

            # It works on the batch for seconds: a kill at any moment of it must leave nothing.
            thread = threading.Thread(target=post)
            thread.start()
            time.sleep(1.2)
            process.send_signal(signal.SIGKILL)
            process.wait()
            thread.join()
        database = build.database_of(client)
        with database.reading() as session:
            listings = session.exec(select(func.count(col(Opportunity.pk)))).one()
            batches = session.exec(select(func.count(col(Batch.pk)))).one()
        assert (listings, batches) == (0, 0)
        assert outcomes(send(client, keys.staff, many(20))) == {"created": 20}


class TestProvenance:
    def test_what_a_person_wrote_is_kept(self, client: TestClient, trusted: build.Headers) -> None:
        data = sheet((*ROW, "ring back"), headings=(*HEADINGS, "Note to self"))
        (told,) = send(client, trusted, data)["items"]
        found = client.get(f"/v1/opportunities/{told['id']}/provenance", headers=trusted).json()
        fields = {field["name"]: field for field in found["fields"]}
        assert fields["age_min"]["parsed_from"] == {"text": "7-11", "heading": "Ages"}
        assert fields["age_min"]["payload"] == 7
        assert fields["sessions"]["parsed_from"] == {
            "text": "Sat 5 June 2027; 10am-11.30am",
            "heading": "Date, Time",
        }
        assert fields["price"]["confidence"] == 1
        assert found["kept"] == [{"heading": "Note to self", "text": "ring back"}]
