"""Where a listing takes place and how it is delivered, from the columns of one row."""

import re
from typing import Any

from app.kit import national_grid
from app.opportunities.written import REGION
from app.sources.cell_values import RowCells, one_line, remembered
from app.sources.headings import plain
from app.sources.plain_writing import read_list, read_postcode
from app.sources.synonyms import DELIVERIES

DELIVERY_TERMS = {code: code for code in DELIVERIES}
ONLINE_PLACES = frozenset(
    map(plain, ("online", "zoom", "via zoom", "on zoom", "virtual", "online only", "digital",
                "online via zoom", "microsoft teams", "ms teams", "webinar", "online zoom"))
)  # fmt: skip
OUTREACH_PLACES = frozenset(
    map(plain, ("your school", "in school", "in schools", "at your school", "your setting",
                "in your school", "your school or setting", "schools", "outreach", "your place",
                "at your setting", "your venue", "in your setting", "school"))
)  # fmt: skip
UNKNOWN_PLACES = frozenset(
    map(plain, ("tbc", "tba", "to be confirmed", "various", "various venues", "various locations",
                "multiple venues", "n/a", "none", "see website", "unknown", "to be announced"))
)  # fmt: skip
WHOLE_REGION = frozenset(
    map(plain, ("region", "region wide", "regional", "west midlands", "whole region", "all areas",
                "all", "the west midlands", "across the west midlands", "west midlands region",
                "anywhere in the west midlands"))
)  # fmt: skip
COORDINATES = ("venue_lat", "venue_lng", "venue_easting", "venue_northing")
LONGEST_NAME, LONGEST_ADDRESS = 160, 300
_CODE = re.compile(r"[EWSN]\d{8}$")

_postcode = remembered(read_postcode)


def read_place(cells: RowCells) -> None:
    """Set the delivery, the venue and the outreach areas of a listing."""
    name = cells.line("venue_name")
    key = plain(name)
    delivery = _delivery(cells)
    if key in ONLINE_PLACES:
        delivery, name = delivery or "online", ""
    elif key in OUTREACH_PLACES:
        delivery, name = delivery or "outreach", ""
    elif key in UNKNOWN_PLACES:
        cells.doubt("#/venue", "place_unknown", "Say where it takes place.", "venue_name")
        name = ""
    known = cells.context.named("venues", name) if name else None
    venue = known or _venue(cells, name)
    if cells.has("is_online") and cells.yes("is_online", "#/delivery"):
        delivery = "hybrid" if venue and delivery in {None, "in_person", "hybrid"} else "online"
        if delivery == "hybrid":
            cells.doubt(
                "#/delivery",
                "online_with_venue",
                "It is online and has a venue: both.",
                "is_online",
            )
    cells.put("delivery", delivery)
    cells.put("venue", venue)
    if cells.has("outreach_areas"):
        _read_areas(cells, wanted=delivery == "outreach" or (venue is None and delivery is None))


def _delivery(cells: RowCells) -> str | None:
    text = cells.line("delivery")
    if not text:
        return None
    known, code = cells.context.word("delivery", text, DELIVERY_TERMS)
    if known:
        return code
    found = {
        code
        for word in read_list(text)
        for _, code in [cells.context.word("delivery", word, DELIVERY_TERMS)]
        if code
    }
    if found == {"in_person", "online"}:
        return "hybrid"
    if len(found) == 1:
        return found.pop()
    cells.doubt(
        "#/delivery",
        "unknown_word",
        f"“{text[:60]}” is no way of delivery: use in_person, online, hybrid or outreach.",
        "delivery",
    )
    return None


def _venue(cells: RowCells, name: str) -> dict[str, Any] | None:
    postcode = None
    if cells.has("venue_postcode"):
        postcode = cells.take(
            "#/venue/postcode", "venue_postcode", _postcode(cells.line("venue_postcode"))
        )
    lines = _address_lines(cells, postcode or cells.line("venue_postcode"))
    if postcode is None:
        postcode = _postcode_in(name) or _postcode_in(", ".join(lines))
    if "," in name and not lines:
        # A whole address in the place of a name.
        name, _, rest = name.partition(",")
        lines = [part.strip() for part in rest.split(",")]
    if postcode:
        name, *lines = (_without(line, postcode) for line in (name, *lines))
    lines = [line for line in lines if line]
    spot = _coordinates(cells)
    if not (name or lines or postcode or spot):
        return None
    name = name or _stand_in(cells, lines, postcode)
    if not name:
        return None
    if len(name) > LONGEST_NAME:
        lines.insert(0, name)
        name = name.partition(",")[0][:LONGEST_NAME].rstrip()
    told = {"name": name, "address": _address(cells, lines), "postcode": postcode}
    return {member: value for member, value in told.items() if value} | spot


def _address(cells: RowCells, lines: list[str]) -> str:
    address = ", ".join(lines)
    if len(address) <= LONGEST_ADDRESS:
        return address
    cells.doubt(
        "#/venue/address",
        "too_long",
        f"An address has {LONGEST_ADDRESS} characters at most: left out.",
        "venue_address" if cells.has("venue_address") else "venue_name",
    )
    return ""


def _stand_in(cells: RowCells, lines: list[str], postcode: str | None) -> str:
    """What to call a venue without a name: its first line, else its postcode."""
    name = next(iter(lines), postcode or "")
    said = next(one for one in ("venue_address", "venue_postcode", "venue_lat", "venue_easting",
                                "venue_name") if cells.has(one))  # fmt: skip
    detail = f"The venue has no name; “{name[:60]}” was taken." if name else "Name the venue."
    cells.doubt("#/venue/name", "venue_without_name", detail, said)
    return name


def _address_lines(cells: RowCells, postcode: str) -> list[str]:
    """The lines of an address, those left out that another one holds already."""
    parts = [one_line(text).strip(" ,") for text in cells.all("venue_address")]
    parts = [part for part in parts if part and plain(part) != plain(postcode)]
    found: list[str] = []
    if len(parts) < 2:
        return parts
    for place, part in enumerate(parts):
        others = parts[:place] + parts[place + 1 :]
        held = any(len(other) > len(part) and plain(part) in plain(other) for other in others)
        if not held:
            found.append(part)
    return found


def _postcode_in(text: str) -> str | None:
    reading = _postcode(text) if text else None
    return reading.value if reading and reading.value and not reading.doubts else None


def _without(line: str, postcode: str) -> str:
    squeezed = plain(postcode)
    if squeezed not in plain(line):
        return line
    pattern = r"\s*".join(map(re.escape, squeezed))
    return re.sub(rf"[\s,]*\b{pattern}\b", "", line, flags=re.IGNORECASE).strip(" ,")


def _coordinates(cells: RowCells) -> dict[str, Any]:
    if not any(map(cells.has, COORDINATES)):
        return {}
    lat, lng = _number(cells, "venue_lat"), _number(cells, "venue_lng")
    if lat and lng:
        if 49 <= lng <= 61 and -9 <= lat <= 3:
            lat, lng = lng, lat
            cells.doubt(
                "#/venue/lat",
                "swapped",
                "Latitude and longitude stood in each other's place.",
                "venue_lat",
            )
        if -90 <= lat <= 90 and -180 <= lng <= 180:
            return {"lat": lat, "lng": lng}
    easting, northing = _number(cells, "venue_easting"), _number(cells, "venue_northing")
    if easting and northing:
        try:
            lat, lng = national_grid.to_wgs84(easting, northing)
        except ValueError:
            lat = lng = float("nan")
        if 49 <= lat <= 61 and -9 <= lng <= 3:
            return {"lat": round(lat, 6), "lng": round(lng, 6)}
    for name in ("venue_lat", "venue_easting"):
        if cells.has(name) and cells.line(name) not in {"0", "0.0"}:
            cells.doubt(
                "#/venue/lat", "not_coordinates", "These coordinates could not be read.", name
            )
    return {}


def _number(cells: RowCells, name: str) -> float | None:
    try:
        value = float(cells.line(name).replace(",", ""))
    except ValueError:
        return None
    return value if abs(value) < 1e8 else None


def _read_areas(cells: RowCells, *, wanted: bool) -> None:
    found: list[str] = []
    for word in (word for text in cells.all("outreach_areas") for word in read_list(text)):
        code = _area(cells, word)
        if code:
            found.append(code)
        elif wanted:
            cells.doubt(
                "#/outreach_areas",
                "unknown_area",
                f"“{word[:60]}” is no authority known here: use its name or GSS code.",
                "outreach_areas",
            )
    if found and wanted:
        cells.put("outreach_areas", list(dict.fromkeys(found)))


def _area(cells: RowCells, word: str) -> str | None:
    if _CODE.match(word.strip()):
        return word.strip()
    if plain(word) in WHOLE_REGION:
        return REGION
    short = re.sub(
        r"\b(?:city|county|borough|district|metropolitan|council|of|the|mbc|cc|dc|bc)\b",
        " ",
        word,
        flags=re.IGNORECASE,
    )
    return cells.context.named("areas", word) or (
        cells.context.named("areas", short) if short.strip() else None
    )
