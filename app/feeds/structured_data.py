"""A listing in the words of schema.org, as JSON-LD: what search engines read.

With dates it is an `Event` of the sort that fits. Without, it is no event, and is called what it
is: a thing to learn from, or a service. Nothing is said that the listing does not say; what it
leaves open is left out.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import pydantic_core

from app.feeds.calendars import page_of
from app.kit.strict_json import dumps
from app.kit.times import LONDON
from app.opportunities.documents import served
from app.opportunities.models import Kind
from app.opportunities.tokens import plain

MEDIA_TYPE = "application/ld+json"
CONTEXT = "https://schema.org"
GROWN_UP = 18
LEARNING = frozenset(
    {
        Kind.WORKSHOP, Kind.COURSE, Kind.SCHOOL_VISIT, Kind.OUTREACH, Kind.RESIDENCY, Kind.CPD,
        Kind.TEACHERS_NETWORK, Kind.WORK_EXPERIENCE, Kind.APPRENTICESHIP, Kind.ARTS_AWARD,
    }
)  # fmt: skip
FOR_STAFF = frozenset({Kind.CPD, Kind.TEACHERS_NETWORK})
"""What is about children of an age, and not for them."""
RESOURCES = frozenset({Kind.LOAN_RESOURCE, Kind.ONLINE_RESOURCE})
STATUSES = {"scheduled": "EventScheduled", "full": "EventScheduled", "cancelled": "EventCancelled"}
DAYS = {
    "MO": "Monday", "TU": "Tuesday", "WE": "Wednesday", "TH": "Thursday", "FR": "Friday",
    "SA": "Saturday", "SU": "Sunday",
}  # fmt: skip
PERIODS = {"DAILY": "D", "WEEKLY": "W", "MONTHLY": "M", "YEARLY": "Y"}

Members = dict[str, Any]
Shown = Mapping[str, Any]


def linked_data(document: str, public_url: str) -> bytes:
    """A stored document as JSON-LD, which may stand in a script of a page as it is."""
    shown = pydantic_core.from_json(served(document, None, public_url))
    return dumps(of(shown)).replace(b"<", b"\\u003c").replace(b">", b"\\u003e")


def script(document: str, public_url: str) -> bytes:
    """A script that puts the JSON-LD of a listing into the page that loads it."""
    data = linked_data(document, public_url)
    # Two line ends that JSON allows in a text and older scripts do not.
    data = data.replace("\u2028".encode(), b"\\u2028").replace("\u2029".encode(), b"\\u2029")
    return (
        b'(function(){var s=document.createElement("script");s.type="application/ld+json";'
        b"s.text=JSON.stringify(" + data + b");document.head.appendChild(s)})();\n"
    )


def of(shown: Shown) -> Members:
    """A listing, as it is read, in the words of schema.org."""
    provider = _organisation(shown["provider"])
    common: Members = {
        "@context": CONTEXT,
        "@type": _type(shown),
        "@id": shown["href"],
        "identifier": shown["id"],
        "url": page_of(shown),
        "name": shown["title"],
        "description": _description(shown),
        "image": _image(shown["image"]),
        "isAccessibleForFree": (shown["price"] or {}).get("free"),
        "offers": _offers(shown),
        "audience": _audience(shown),
        "typicalAgeRange": _age_range(shown["age_min"], shown["age_max"]),
        "keywords": ", ".join([*shown["artforms"], *shown["themes"]]).replace("_", " "),
        "inLanguage": "en-GB",
    }
    if shown["sessions"]:
        common |= {"organizer": provider, **_event(shown)}
    else:
        common |= {"provider": provider}
        if common["@type"] == "Service":
            common.pop("isAccessibleForFree")
            common.pop("inLanguage")
            common.pop("keywords")
            common.pop("typicalAgeRange")
            common |= {
                "serviceType": (shown["kind"] or "").replace("_", " "),
                "areaServed": _areas(shown),
            }
    told: Members = _without_nothing(common)
    return told


def _type(shown: Shown) -> str:
    kind = shown["kind"]
    if not shown["sessions"]:
        return "LearningResource" if kind in RESOURCES else "Service"
    high = shown["age_max"]
    if high is not None and high < GROWN_UP and kind not in FOR_STAFF:
        return "ChildrensEvent"
    return "EducationEvent" if kind in LEARNING else "Event"


# --- when -------------------------------------------------------------------------------------


def _event(shown: Shown) -> Members:
    sessions = shown["sessions"]
    going = [one for one in sessions if one["status"] != "cancelled"]
    first, last = (going or sessions)[0], (going or sessions)[-1]
    where: Members = {
        "eventAttendanceMode": _attendance(shown["delivery"]),
        "location": _location(shown),
    }
    single = len(sessions) == 1
    return {
        "startDate": first["starts_at"] or first["date"],
        "endDate": _end(last),
        "eventStatus": f"{CONTEXT}/{'EventScheduled' if going else 'EventCancelled'}",
        **where,
        **(_places(first) if single else {}),
        "subEvent": None if single else [_sub_event(shown, one, where) for one in sessions],
        "eventSchedule": _schedule(shown["recurrence"]),
    }


def _sub_event(shown: Shown, one: Shown, where: Members) -> Members:
    return {
        "@type": _type(shown),
        "@id": f"{shown['href']}#{one['id']}",
        "name": shown["title"],
        "startDate": one["starts_at"] or one["date"],
        "endDate": _end(one),
        "eventStatus": f"{CONTEXT}/{STATUSES[one['status']]}",
        **where,
        **_places(one),
    }


def _end(one: Shown) -> Any:
    """When a session ends; a day without hours ends as that day, hours without an end are open."""
    return one["ends_at"] or (one["date"] if one["starts_at"] is None else None)


def _places(one: Shown) -> Members:
    left = 0 if one["status"] == "full" else one["places_left"]
    return {"maximumAttendeeCapacity": one["capacity"], "remainingAttendeeCapacity": left}


def _schedule(recurrence: Shown | None) -> Members | None:
    """The rule of its sessions, as far as schema.org has words for it."""
    if recurrence is None:
        return None
    rule = dict(
        part.split("=", 1)
        for part in recurrence["rrule"].upper().removeprefix("RRULE:").split(";")
        if "=" in part
    )
    start = datetime.fromisoformat(recurrence["starts_at"]).astimezone(LONDON)
    days = [one for one in rule.get("BYDAY", "").split(",") if one]
    until = rule.get("UNTIL", "")[:8]
    schedule: Members = {
        "@type": "Schedule",
        "startDate": start.date().isoformat(),
        "endDate": f"{until[:4]}-{until[4:6]}-{until[6:]}" if until else None,
        "startTime": f"{start:%H:%M:%S}",
        "scheduleTimezone": "Europe/London",
        "repeatFrequency": f"P{rule.get('INTERVAL', '1')}{PERIODS[rule['FREQ']]}",
        "repeatCount": int(rule["COUNT"]) if "COUNT" in rule else None,
        # The second Saturday of a month is `2SA` there, too.
        "byDay": [f"{CONTEXT}/{DAYS[one]}" if one in DAYS else one for one in days],
        "byMonth": _numbers(rule.get("BYMONTH")),
        "byMonthDay": _numbers(rule.get("BYMONTHDAY")),
        "exceptDate": list(recurrence["exdates"]),
    }
    if recurrence["ends_at"]:
        end = datetime.fromisoformat(recurrence["ends_at"]).astimezone(LONDON)
        schedule["endTime"] = f"{end:%H:%M:%S}"
    return schedule


def _numbers(text: str | None) -> list[int]:
    return [int(one) for one in text.split(",")] if text else []


# --- where, for whom, how much ----------------------------------------------------------------


def _attendance(delivery: str) -> str:
    modes = {"online": "OnlineEventAttendanceMode", "hybrid": "MixedEventAttendanceMode"}
    return f"{CONTEXT}/{modes.get(delivery, 'OfflineEventAttendanceMode')}"


def _location(shown: Shown) -> Any:
    places: list[Members] = []
    if shown["venue"] is not None:
        places.append(_place(shown["venue"]))
    elif shown["delivery"] != "online":
        places += _areas(shown)
    if shown["delivery"] in {"online", "hybrid"}:
        places.append({"@type": "VirtualLocation", "url": page_of(shown)})
    return places[0] if len(places) == 1 else places


def _place(venue: Shown) -> Members:
    authority = venue["authority"] or {}
    address = {
        "@type": "PostalAddress",
        "streetAddress": (venue["address"] or "").replace("\n", ", "),
        "addressLocality": authority.get("name"),
        "postalCode": venue["postcode"],
        "addressCountry": "GB",
    }
    geo = None
    if venue["lat"] is not None and not venue["hidden"]:
        geo = {"@type": "GeoCoordinates", "latitude": venue["lat"], "longitude": venue["lng"]}
    return {
        "@type": "Place",
        "name": venue["name"] or authority.get("name"),
        "address": address,
        "geo": geo,
        "amenityFeature": [
            {
                "@type": "LocationFeatureSpecification",
                "name": feature.replace("_", " "),
                "value": True,
            }
            for feature in venue["access"]
        ],
    }


def _areas(shown: Shown) -> list[Members]:
    areas = shown["outreach_areas"] or ([shown["authority"]] if shown["authority"] else [])
    return [
        {
            "@type": "AdministrativeArea",
            "name": area["name"],
            "address": {
                "@type": "PostalAddress",
                "addressLocality": area["name"],
                "addressCountry": "GB",
            },
        }
        for area in areas
    ]


def _organisation(provider: Shown | None) -> Members | None:
    if provider is None:
        return None
    href = provider["href"]
    return {"@type": "Organization", "@id": href, "name": provider["name"], "url": href}


def _audience(shown: Shown) -> Members | None:
    low, high = shown["age_min"], shown["age_max"]
    kind = ", ".join(shown["audiences"]).replace("_", " ")
    if low is None and high is None:
        return {"@type": "Audience", "audienceType": kind} if kind else None
    return {
        "@type": "PeopleAudience",
        "audienceType": kind,
        "suggestedMinAge": low,
        "suggestedMaxAge": high,
    }


def _age_range(low: float | None, high: float | None) -> str | None:
    if low is None and high is None:
        return None
    return f"{low or 0:g}-" + ("" if high is None else f"{high:g}")


def _offers(shown: Shown) -> Members | None:
    price = shown["price"]
    if not price:
        return None
    booking = shown["booking"] or {}
    coming = shown["sessions"]
    is_full = bool(coming) and all(one["status"] == "full" for one in coming)
    low, high = price["from"], price["to"]
    offer: Members = {
        "@type": "Offer",
        "description": price["text"] or ("Pay what you can" if price["pay_what_you_can"] else None),
        "priceCurrency": "GBP",
        "price": "0" if price["free"] else low,
        "url": booking.get("url") or page_of(shown),
        "availability": f"{CONTEXT}/{'SoldOut' if is_full else 'InStock'}",
        "validFrom": booking.get("opens_at"),
        "availabilityEnds": booking.get("closes_at"),
    }
    if not price["free"] and low is not None and high is not None and high != low:
        del offer["price"]
        offer |= {"@type": "AggregateOffer", "lowPrice": low, "highPrice": high}
    return offer


# --- words and pictures -----------------------------------------------------------------------


def _description(shown: Shown) -> str | None:
    whole = plain(shown["description"] or "")
    return whole or shown["summary"]


def _image(image: Shown | None) -> Members | None:
    if image is None:
        return None
    return {
        "@type": "ImageObject",
        "url": image["url"],
        "caption": image["alt"],
        "creditText": image["credit"],
    }


def _without_nothing(value: Any) -> Any:
    """The same without what is null or empty, which schema.org has no use for."""
    match value:
        case dict():
            members = {name: _without_nothing(item) for name, item in value.items()}
            return {name: item for name, item in members.items() if not _is_nothing(item)}
        case list():
            return [item for item in map(_without_nothing, value) if not _is_nothing(item)]
        case _:
            return value


def _is_nothing(value: Any) -> bool:
    return value is None or (isinstance(value, Sequence | Mapping) and not value)
