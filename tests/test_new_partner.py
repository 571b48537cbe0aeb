"""A new partner with a messy spreadsheet of a thousand rows, from the first look to a full export.

Every row is accounted for at each step.
"""

import csv
import io
import random
from collections import Counter
from typing import Any

from starlette.testclient import TestClient

from tests import build
from tests.test_service import problem

PATH = "/v1/sources/dance-hub-spreadsheet"
ROWS = 1_000
HEADINGS = [
    "Our ref ", "WHAT'S ON", "Organisation ", "start_date", "Start time", "End Time",
    "Who is it for?", "Age Group", "building_name", "Post_Code", "Cost", "Discipline",
    "Sort of thing", "", "Publication_URL", "E_Mail", "Notes for Jo",
]  # fmt: skip
POSTCODES = ["B1 1BB", "b11bb", "B2 4QA", "B24QA ", "CV1 1FJ", "WV1 1SH", "DY1 1HF", "B1  1BB"]
AGES = [
    "5-11",
    "under 5s",
    "8+",
    "KS2",
    "Year 3",
    "all ages",
    "0–18 months",
    "11 to 16",
    "families",
]
PRICES = ["Free", "£3.50 per child", "£5/£4 conc.", "pay what you can", "£117 per class per hour",
          "£6", "free but booking fee", "From £5"]  # fmt: skip
ARTFORMS = ["Dance", "music", "Visual Arts", "Theatre; Dance", "film"]
TITLES = ["Saturday dance club", "Clay for tots", "Street beats", "Make a puppet", "Big sing",
          "Print lab", "Young film makers", "Drum circle", "Story time",
          "Comic workshop"]  # fmt: skip


def rows() -> list[list[str]]:
    """The volunteer's rows: mostly good, some odd, some wrong, each for a known reason."""
    chance = random.Random(20261124)
    found = []
    for n in range(ROWS):
        day, month = 1 + n % 28, 1 + n % 12
        dates = [
            f"{day:02}/{month:02}/2027",
            f"{day} {_month(month)} 2027",
            f"2027-{month:02}-{day:02}",
        ]
        found.append([
            f"DH/{n:04}", f"{TITLES[n % 10]} no. {n}{' ' * (n % 3)}", "Dance Hub",
            dates[n % 3], ["10am", "10.30 am", "14:00"][n % 3], ["12pm", "noon", "15:30"][n % 3],
            "Bring a drink. Group of 30.", AGES[n % len(AGES)],
            chance.choice(["The Dance Room", "the dance room", "Studio 2"]),
            POSTCODES[n % len(POSTCODES)], PRICES[n % len(PRICES)], ARTFORMS[n % len(ARTFORMS)],
            ["Workshop", "club", "Course"][n % 3], "", f"dancehub.example/{n}",
            "hello@dancehub.example", "ring back" if n % 50 == 0 else "",
        ])  # fmt: skip
    for n in range(0, 1_000, 100):
        found[n + 7][3] = "31/02/2027"  # no such day
        found[n + 13][9] = "ZZ1 1ZZ"  # no such postcode
        found[n + 21][1] = ""  # no title
    for n in (333, 666):
        found[n][0] = ""  # no id
    found[500][0] = found[499][0]  # one id for two things
    found[42][4], found[42][5] = "3pm", "1pm"  # ends before it starts
    return found


def mend(n: int, row: list[str], headings: list[str]) -> None:
    """Correct what is wrong with a row of the file, under these headings."""
    wrong = {
        7: ("start_date", "28/02/2027"),
        13: ("Post_Code", "B1 1BB"),
        21: ("WHAT'S ON", f"Open studio {n}"),
    }
    if n % 100 in wrong:
        heading, text = wrong[n % 100]
        row[headings.index(heading)] = text
    if n == 500:
        row[headings.index("Our ref")] = "DH/0500"
    if n == 42:
        row[headings.index("End Time")] = "5pm"


def _month(number: int) -> str:
    names = "January February March April May June July August September October November December"
    return names.split()[number - 1]


def as_csv(found: list[list[str]]) -> bytes:
    """As the volunteer's program saves it: Windows-1252, semicolons, two title rows, mixed ends."""
    out = io.StringIO()
    csv.writer(out, delimiter=";", lineterminator="\r\n").writerows([HEADINGS, *found])
    title = "Dance Hub;;;;\r\nWhat we do in 2027 (updated 3 Nov);;;;\n"
    return (title + out.getvalue()).encode("cp1252")


def send(client: TestClient, headers: build.Headers, data: bytes, query: str = "") -> Any:
    """Push the file; the report, in which every row must be."""
    answer = client.post(f"{PATH}/batches{query}", content=data, headers=headers)
    assert answer.status_code in {200, 201}, answer.text
    return answer.json()


def test_from_the_first_look_to_a_full_export(client: TestClient, keys: build.Keys) -> None:
    build.organisation(client, keys)
    mine = keys.publisher("dance-hub")
    made = client.post(
        "/v1/sources", json={"name": "Spreadsheet", "kind": "spreadsheet"}, headers=mine
    )
    assert made.headers["location"].endswith(PATH)
    held = client.get(PATH, headers=keys.staff)
    client.patch(
        PATH, json={"trust": "trusted"}, headers={**keys.staff, "If-Match": held.headers["etag"]}
    )
    file = rows()

    # A look: what is not understood is said, nothing is stored.
    seen = client.post(f"{PATH}/mapping/preview", content=as_csv(file), headers=mine).json()
    assert (seen["total"], seen["heading_line"], seen["encoding"]) == (ROWS, 3, "cp1252")
    how = {column["heading"]: column["field"] for column in seen["columns"]}
    assert how["start_date"] == "start_date"
    unread = {heading for heading, field in how.items() if field is None}
    assert {"Sort of thing", "Notes for Jo"} <= unread, unread

    # A mapping: their headings, their words.
    held = client.get(PATH, headers=mine)
    mapping = {
        "columns": {
            "Our ref": "external_id",
            "WHAT'S ON": "title",
            "Who is it for?": "description",
            "Sort of thing": "kind",
            "Notes for Jo": "",
        },
        "values": {"artforms": {"Visual Arts": "visual_arts", "film": "film"}},
    }
    saved = client.patch(
        PATH, json={"mapping": mapping}, headers={**mine, "If-Match": held.headers["etag"]}
    )
    assert saved.status_code == 200, saved.text
    seen = client.post(f"{PATH}/mapping/preview", content=as_csv(file), headers=mine).json()
    assert seen["unfilled"] == []
    assert not any("unmapped" in note["code"] for note in seen["notes"]), seen["notes"]

    # A dry run: the same report as the real thing, and nothing written.
    dry = send(client, mine, as_csv(file), "?dry_run=true")
    assert sum(dry["counts"].values()) == ROWS
    assert client.get(PATH, headers=mine).json()["listings"] == {}
    wrong = {item["line"]: item for item in dry["items"] if item["outcome"] == "rejected"}
    titleless = {3 + 1 + n + 21 for n in range(0, 1_000, 100)}
    assert titleless <= wrong.keys()
    assert {3 + 1 + 499, 3 + 1 + 500} <= wrong.keys(), "one id for two things"
    for item in wrong.values():
        assert item["errors"][0]["detail"], item

    # The real thing: the same counts, and what is not applied or not ready can be fetched.
    first = send(client, mine, as_csv(file))
    assert first["counts"] == dry["counts"]
    listed = client.get(f"{PATH}", headers=mine).json()["listings"]
    assert sum(listed.values()) == first["counts"]["created"]
    report = client.get(f"/v1/batches/{first['id']}/report.csv", headers=mine)
    told = list(csv.DictReader(io.StringIO(report.content.decode("utf-8-sig"))))
    assert Counter(row["report: outcome"] for row in told)["rejected"] == len(wrong)
    assert {row["report: line"] for row in told} >= {str(line) for line in wrong}

    # Mended in that file, where it says so, and sent back: only those rows change.
    back = list(csv.reader(io.StringIO(report.content.decode("utf-8-sig"))))
    for row in back[1:]:
        mend(int(row[back[0].index("report: line")]) - 4, row, back[0])
    out = io.StringIO()
    csv.writer(out).writerows(back)
    second = send(client, mine, out.getvalue().encode())
    assert sum(second["counts"].values()) == len(told)
    assert second["counts"]["rejected"] == 0, [
        item for item in second["items"] if item["outcome"] == "rejected"
    ][:3]
    assert second["counts"]["created"] == len(wrong)
    listed = client.get(f"{PATH}", headers=mine).json()["listings"]
    assert sum(listed.values()) == ROWS

    # The volunteer's own file takes over the same, and the ids that were made.
    again = rows()
    derived = {row["WHAT'S ON"].strip(): row["Our ref"] for row in told}
    for n, row in enumerate(again):
        mend(n, row, [heading.strip() for heading in HEADINGS])
        if not row[0]:
            row[0] = derived[row[1].strip()]
            assert row[0].startswith("row-")

    # Sent once more: nothing happens.
    third = send(client, mine, as_csv(again))
    assert third["counts"]["unchanged"] == ROWS
    assert third["items"] == []

    # Staff correct one; the next push keeps that, and says so.
    (item,) = client.get(
        "/v1/opportunities?q=dance%20club%20no.%20110&limit=1", headers=mine
    ).json()["items"]
    path = f"/v1/opportunities/{item['id']}"
    held = client.get(path, headers=keys.staff)
    client.patch(
        path,
        json={"title": "Dance on Saturdays", "reason": "The name on the poster."},
        headers={**keys.staff, "If-Match": held.headers["etag"]},
    )
    again[110][11] = "Theatre"
    fourth = send(client, mine, as_csv(again))
    assert (fourth["counts"]["updated"], fourth["counts"]["unchanged"]) == (1, ROWS - 1)
    assert fourth["items"][0]["corrections"] == {"title": "The name on the poster."}
    shown = client.get(path).json()
    assert (shown["title"], shown["artforms"]) == ("Dance on Saturdays", ["theatre"])

    # A full export with half of it missing trips the guard; nothing is withdrawn by it.
    half = as_csv(again[:500])
    answer = client.post(f"{PATH}/batches?mode=replace", content=half, headers=mine)
    told_off = problem(answer, 409, "confirm_withdraw")
    assert told_off["would_withdraw"] == 500
    assert sum(client.get(PATH, headers=mine).json()["listings"].values()) == ROWS
    most = send(client, mine, as_csv(again[:950]), "?mode=replace")
    assert (most["counts"]["unchanged"], most["counts"]["withdrawn"]) == (950, 50)
    confirmed = send(client, mine, half, "?mode=replace&confirm_withdraw=450")
    assert (confirmed["counts"]["unchanged"], confirmed["counts"]["withdrawn"]) == (500, 450)
    listed = client.get(PATH, headers=mine).json()["listings"]
    assert (listed["withdrawn"], sum(listed.values())) == (500, ROWS)
    assert client.get(path).json()["title"] == "Dance on Saturdays"
