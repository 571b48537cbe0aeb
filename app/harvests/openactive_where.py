"""Where an OpenActive item takes place, and how it reaches people."""

import re
from typing import Any

from app.harvests.linked_data import (
    Data,
    first_object,
    kind_of,
    line,
    member,
    number,
    objects,
)
from app.harvests.openactive_when import Warn
from app.opportunities.written import REGION
from app.sources.cell_values import Context
from app.sources.plain_writing import read_postcode

NAME_LENGTH, ADDRESS_LENGTH = 160, 300
ONLINE = frozenset({"online", "virtual", "online event", "virtual event", "zoom"})
REGION_NAMES = frozenset({"west midlands", "the west midlands"})
DELIVERIES = {
    "OnlineEventAttendanceMode": "online",
    "MixedEventAttendanceMode": "hybrid",
    "OfflineEventAttendanceMode": "in_person",
}
_LISTED = re.compile(r"\s*,\s*")


def where(data: Data, words: Context, warn: Warn) -> dict[str, Any]:
    """The venue, the areas that are reached, and the way of delivery, as far as they are told."""
    mode = line(member(data, "eventAttendanceMode", "beta:eventAttendanceMode")).rpartition("/")[2]
    found: dict[str, Any] = {}
    if mode in DELIVERIES:
        found["delivery"] = DELIVERIES[mode]
    place = first_object(member(data, "location", "beta:affiliatedLocation"))
    name = line(place.get("name"))
    if kind_of(place) == "VirtualLocation" or name.casefold() in ONLINE:
        return {"delivery": "online"} | found
    venue = _venue(place, name)
    if "postcode" in venue or "lat" in venue:
        return found | {"venue": venue}
    areas = _areas(name, words)
    if areas:
        return {"delivery": "outreach"} | found | {"outreach_areas": areas}
    if place:
        warn(
            "#/venue",
            "no_place",
            "The place has no postcode and no coordinates, so it cannot be found on a map.",
        )
    return found | ({"venue": venue} if venue.get("name") else {})


def _venue(place: Data, name: str) -> dict[str, Any]:
    """A place as a venue of a listing."""
    postal = member(place, "address")
    parts: list[str] = []
    postcode = ""
    if isinstance(postal, dict):
        postcode = read_postcode(line(postal.get("postalCode"))).value or ""
        parts = [
            text for key in ("streetAddress", "addressLocality") if (text := line(postal.get(key)))
        ]
    elif isinstance(postal, str):
        text = line(postal)
        postcode = read_postcode(text).value or ""
        parts = [text]
    address = ", ".join(parts)
    found: dict[str, Any] = {"name": (name or address or postcode)[:NAME_LENGTH]}
    if address and len(address) <= ADDRESS_LENGTH:
        found["address"] = address
    if postcode:
        found["postcode"] = postcode[:10]
    geo = first_object(place.get("geo"))
    lat, lng = number(geo.get("latitude")), number(geo.get("longitude"))
    if lat is not None and lng is not None and (lat or lng):
        found |= {"lat": lat, "lng": lng}
    access = _amenities(place)
    if access:
        found["access"] = access
    return found


def _amenities(place: Data) -> list[str]:
    """What makes a building accessible, by the names under which our own feeds tell of it."""
    names = {
        line(one.get("name")).casefold()
        for one in objects(place.get("amenityFeature"))
        if one.get("value") is not False
    }
    return [code for code, name in AMENITIES.items() if name in names]


AMENITIES = {
    "accessible_toilet": "accessible toilet",
    "changing_place": "changing places toilet",
    "accessible_parking": "accessible parking",
}


def _areas(name: str, words: Context) -> list[str]:
    """The authorities that are named instead of a venue, if all of them are known."""
    if name.casefold() in REGION_NAMES:
        return [REGION]
    found = [words.named("areas", part) for part in _LISTED.split(name) if part]
    return [code for code in found if code] if found and all(found) else []


def accessibility(data: Data, words: Context) -> dict[str, Any]:
    """Access features where the text lists them by our names, and the rest as it was written."""
    said = line(data.get("accessibilityInformation"))
    labels = words.terms.get("access", {})
    head, _, rest = said.partition(". ")
    codes = [labels.get(part.casefold().rstrip(".")) for part in _LISTED.split(head) if part]
    known = [code for code in codes if code]
    text = rest if codes and len(known) == len(codes) else said
    if text is said:
        known = []
    more = [
        label
        for one in objects(data.get("accessibilitySupport"))
        if (label := line(one.get("prefLabel"))) and label.casefold() not in said.casefold()
    ]
    if "audio_described" in known:
        more = [label for label in more if label != "Visual impairment"]
    found: dict[str, Any] = {"access": known} if known else {}
    text = ". ".join(
        [part for part in (text.rstrip(".") if more else text, ", ".join(more)) if part]
    )
    return found | ({"access_text": text[:500]} if text else {})
