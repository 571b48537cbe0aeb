"""Where a listing takes place, in the words of OpenActive, which wants every event to have one."""

import re
from collections.abc import Mapping
from typing import Any

from app.feeds.openactive_words import HERE

REGION = "West Midlands"
COUNTRY = "GB"
TOILETS = {"accessible_toilet": "Accessible toilet", "changing_place": "Changing Places toilet"}
_PARTS = re.compile(r"[,\n]+")
_COUNTRIES = frozenset({"", "uk", "england", "united kingdom", "great britain", "gb"})


def place(shown: Mapping[str, Any]) -> dict[str, Any]:
    """The venue; or, where there is none, the area that a listing reaches."""
    venue, authority = shown["venue"], shown["authority"]
    area = authority["name"] if authority else REGION
    if venue is None:
        return _reach(shown, area)
    found: dict[str, Any] = {"@type": "Place", "name": venue["name"] or area}
    # An address that is kept back is told by no page of the venue either.
    if venue["slug"] and not venue["hidden"]:
        address = f"{HERE}/v1/venues/{venue['slug']}"
        found |= {"@id": address, "url": address}
    postal = _postal(venue, area)
    if postal:
        found["address"] = postal
    if venue["lat"] is not None:
        found["geo"] = {
            "@type": "GeoCoordinates",
            "latitude": venue["lat"],
            "longitude": venue["lng"],
        }
    if "address" not in found and "geo" not in found:
        found["address"] = ", ".join(filter(None, [*address_lines(venue), area]))
    amenities = _amenities(venue["access"])
    if amenities:
        found["amenityFeature"] = amenities
    return found


def _reach(shown: Mapping[str, Any], area: str) -> dict[str, Any]:
    names = [one["name"] for one in shown["outreach_areas"]]
    if shown["delivery"] == "online" or not (names or shown["region_wide"]):
        name = "Online" if shown["delivery"] in {"online", "hybrid"} else area
    else:
        name = ", ".join(names) or REGION
    where = ", ".join(dict.fromkeys([*names, area, REGION]))
    return {"@type": "Place", "name": name, "address": where}


def address_lines(venue: Mapping[str, Any]) -> list[str]:
    """The lines of an address, without its postcode and its country."""
    postcode = (venue["postcode"] or "").replace(" ", "").lower()
    found = []
    for part in _PARTS.split(venue["address"] or ""):
        bare = part.strip(" .")
        if bare.lower() not in _COUNTRIES and bare.replace(" ", "").lower() != postcode:
            found.append(bare)
    return found


def _postal(venue: Mapping[str, Any], area: str) -> dict[str, Any] | None:
    """An address in full; the standard knows no half of one."""
    lines = address_lines(venue)
    if not lines or not venue["postcode"]:
        return None
    street, locality = lines, area
    if len(lines) > 1:
        *street, locality = lines
    return {
        "@type": "PostalAddress",
        "streetAddress": ", ".join(street),
        "addressLocality": locality,
        "addressRegion": REGION,
        "postalCode": venue["postcode"],
        "addressCountry": COUNTRY,
    }


def _amenities(codes: list[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"@type": "Toilets", "name": name, "value": True}
        for code, name in TOILETS.items()
        if code in codes
    ]
    if "accessible_parking" in codes:
        found.append({"@type": "Parking", "name": "Accessible parking", "value": True})
    return found
