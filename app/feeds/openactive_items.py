"""A listing in the words of OpenActive, made from its stored document and from nothing else.

A document that changes gets a new change number, so an item made from it can never differ without
its number moving. What is not known is left out: the standard has no nulls.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from app.feeds.openactive_models import Feed
from app.feeds.openactive_places import place
from app.feeds.openactive_words import (
    HERE,
    STORED_HERE,
    SUPPORT,
    VISUAL_IMPAIRMENT,
    activities,
    official,
)
from app.feeds.paragraphs import paragraphs
from app.kit.strict_json import dumps
from app.kit.times import LONDON
from app.vocabularies.models import Vocabulary

Labels = Mapping[Vocabulary, Mapping[str, str]]
Shown = Mapping[str, Any]

KINDS: Mapping[Feed, str] = {
    Feed.SESSION_SERIES: "SessionSeries",
    Feed.EVENT: "Event",
    Feed.COURSE_INSTANCE: "CourseInstance",
}
CONTEXT = "https://openactive.io/"
CATEGORIES = (
    ("artforms", Vocabulary.ARTFORM),
    ("themes", Vocabulary.THEME),
    ("audiences", Vocabulary.AUDIENCE),
)
WHOLE = frozenset({"course", "term", "week"})
"""What one price pays for when all sessions are booked together."""
FOR_THE_YOUNG = frozenset(
    {
        *("children", "young_people", "families", "early_years_settings", "schools"),
        *("home_educated", "looked_after", "send", "young_carers", "refugees"),
    }
)
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
STATUSES = {"cancelled": "https://schema.org/EventCancelled"}
SCHEDULED = "https://schema.org/EventScheduled"
_HERE_AS_JSON = dumps(HERE)[1:-1]
FREQUENCIES = {"DAILY": "D", "WEEKLY": "W", "MONTHLY": "M", "YEARLY": "Y"}


def feed_of(shown: Shown) -> Feed:
    """Where a listing belongs: what is booked as a whole, what happens once, and what repeats.

    It goes by all sessions, not by those still to come: a series with one left is a series.
    """
    several = (
        shown["first_session_at"] != shown["last_session_at"]
        or len(shown["sessions"]) > 1
        or shown["always_available"]
    )
    if not several:
        return Feed.EVENT
    per = (shown["price"] or {}).get("per")
    if shown["sessions"] and (shown["kind"] == "course" or per in WHOLE):
        return Feed.COURSE_INSTANCE
    return Feed.SESSION_SERIES


def updated(feed: Feed, shown: Shown, labels: Labels) -> bytes:
    """The item of a listing that a feed shows, open at its end."""
    item = {
        "state": "updated",
        "kind": KINDS[feed],
        "id": shown["id"],
        "data": _data(feed, shown, labels),
    }
    return dumps(item)[:-1].replace(_HERE_AS_JSON, STORED_HERE)


def deleted(kind: str, identifier: object) -> bytes:
    """The item of what a feed no longer shows, open at its end."""
    return f'{{"state":"deleted","kind":"{kind}","id":"{identifier}"'.encode()


def _data(feed: Feed, shown: Shown, labels: Labels) -> dict[str, Any]:
    address = f"{HERE}/v1/opportunities/{shown['id']}"
    artforms = labels.get(Vocabulary.ARTFORM, {})
    found: dict[str, Any] = {
        "@context": CONTEXT,
        "@type": KINDS[feed],
        "@id": address,
        "identifier": shown["id"],
        "url": shown["source"]["url"] or address,
        "name": shown["title"],
        "description": _description(shown),
        "activity": activities(shown, artforms),
        "category": _categories(shown, labels),
        "ageRange": _ages(shown),
        "location": place(shown),
        "organizer": _organizer(shown),
        "programme": _programme(shown),
        "image": _image(shown),
        **_access(shown, labels.get(Vocabulary.ACCESS, {})),
        **_prices(address, shown),
    }
    if feed is Feed.SESSION_SERIES:
        found |= _series(shown)
    elif feed is Feed.EVENT:
        found |= _occasion(shown["sessions"][0]) if shown["sessions"] else {}
    else:
        found |= _course(address, shown, found.get("isAccessibleForFree"))
    return {name: value for name, value in found.items() if value not in (None, "", [], {})}


def _categories(shown: Shown, labels: Labels) -> list[str]:
    """All that sorts a listing, in words: the standard knows sports, and any text besides."""
    found = [
        labels.get(vocabulary, {}).get(code, code)
        for member, vocabulary in CATEGORIES
        for code in shown[member]
    ]
    if shown["kind"]:
        found.append(shown["kind"].replace("_", " ").capitalize())
    return list(dict.fromkeys(found))


def _description(shown: Shown) -> str:
    summary, text = shown["summary"] or "", paragraphs(shown["description"] or "")
    if text.startswith(summary):
        return text
    return f"{summary}\n\n{text}" if text else summary


def _ages(shown: Shown) -> dict[str, Any] | None:
    # Where nothing is said, the standard's readers take it to be for adults only.
    lowest, highest = shown["age_min"], shown["age_max"]
    if lowest is None and highest is None:
        if FOR_THE_YOUNG.isdisjoint(shown["audiences"]):
            return None
        lowest = 0
    found: dict[str, Any] = {"@type": "QuantitativeValue"}
    # Whole years: a child of 4½ is 4, and someone of up to 4½ is at most 4.
    if lowest is not None:
        found["minValue"] = int(lowest)
    if highest is not None:
        found["maxValue"] = int(highest)
    return found


def _organizer(shown: Shown) -> dict[str, Any]:
    provider, contact = shown["provider"], shown["contact"] or {}
    found = {"@type": "Organization", "name": shown["source"]["name"]}
    if provider:
        address = f"{HERE}/v1/organisations/{provider['slug']}"
        found |= {"@id": address, "name": provider["name"], "url": address}
    if contact.get("email"):
        found["email"] = contact["email"]
    if contact.get("phone"):
        found["telephone"] = contact["phone"]
    return found


def _programme(shown: Shown) -> dict[str, Any] | None:
    programme = shown["programme"]
    if not programme:
        return None
    address = f"{HERE}/v1/programmes/{programme['slug']}"
    return {"@type": "Brand", "@id": address, "name": programme["name"], "url": address}


def _image(shown: Shown) -> list[dict[str, Any]]:
    image = shown["image"]
    if not image:
        return []
    # What it shows: a member of schema.org, which readers of OpenActive may pass over.
    return [{"@type": "ImageObject", "url": image["url"], "caption": image["alt"]}]


def _access(shown: Shown, labels: Mapping[str, str]) -> dict[str, Any]:
    venue = shown["venue"] or {}
    codes = list(dict.fromkeys([*shown["access"], *venue.get("access", [])]))
    said = [", ".join(labels.get(code, code) for code in codes), shown["access_text"] or ""]
    found: dict[str, Any] = {"accessibilityInformation": ". ".join(one for one in said if one)}
    if "audio_described" in codes:
        found["accessibilitySupport"] = [official(SUPPORT, VISUAL_IMPAIRMENT)]
    return found


def _prices(address: str, shown: Shown) -> dict[str, Any]:
    """What it costs. A price told in words alone has no number, and none is made up."""
    price, booking = shown["price"] or {}, shown["booking"] or {}
    lowest, highest = price.get("from"), price.get("to")
    asks_nothing = price.get("free") or (price.get("pay_what_you_can") and lowest is None)
    per = f" per {price['per'].replace('_', ' ')}" if price.get("per") else ""
    wanted: list[tuple[str, str, float]] = []
    if asks_nothing:
        name = "Free" if price.get("free") else "Pay what you can"
        wanted.append(("free", name, 0.0))
    elif lowest is not None:
        rises = highest is not None and highest != lowest
        wanted.append(("from", ("Lowest price" if rises else "Price") + per, float(lowest)))
        if highest is not None and rises:
            wanted.append(("to", "Highest price" + per, float(highest)))
    offers = []
    for key, name, amount in wanted:
        offer: dict[str, Any] = {
            "@type": "Offer",
            "@id": f"{address}#/offers/{key}",
            "name": name,
            "price": int(amount) if amount == int(amount) else amount,
            "priceCurrency": "GBP",
        }
        if price.get("text"):
            offer["description"] = price["text"]
        if booking.get("url"):
            offer["url"] = booking["url"]
        offers.append(offer)
    free = any(amount == 0 for *_, amount in wanted)
    return {"offers": offers, "isAccessibleForFree": True if free else None}


# --- when -------------------------------------------------------------------------------------


def duration(length: timedelta) -> str:
    """A length of time as ISO 8601 writes it."""
    minutes = int(length.total_seconds()) // 60
    days, rest = divmod(minutes, 24 * 60)
    hours, rest = divmod(rest, 60)
    found = f"P{days}D" if days else "P"
    if hours or rest:
        found += "T" + (f"{hours}H" if hours else "") + (f"{rest}M" if rest else "")
    return found


def _occasion(session: Mapping[str, Any]) -> dict[str, Any]:
    """When one session is, and whether it takes place."""
    found: dict[str, Any] = {"eventStatus": STATUSES.get(session["status"], SCHEDULED)}
    starts, ends = session["starts_at"], session["ends_at"]
    if starts is None:
        day = datetime.fromisoformat(session["date"]).replace(tzinfo=LONDON)
        found |= {"startDate": day.isoformat(), "schedulingNote": "The time is not stated."}
    else:
        found["startDate"] = starts
    if starts is not None and ends is not None:
        length = datetime.fromisoformat(ends) - datetime.fromisoformat(starts)
        if length >= timedelta(minutes=1):
            found |= {"endDate": ends, "duration": duration(length)}
    return found | places(session["capacity"], session["places_left"], session["status"])


def places(capacity: int | None, left: int | None, status: str) -> dict[str, int]:
    """How many may come, and how many still can."""
    if status == "full":
        left = 0
    found = {}
    if capacity is not None:
        found["maximumAttendeeCapacity"] = capacity
    if left is not None:
        found["remainingAttendeeCapacity"] = left
    return found


def _series(shown: Shown) -> dict[str, Any]:
    """Roughly when a series is; its sessions, one by one, are in the feed beside it."""
    schedule: dict[str, Any] = {"@type": "PartialSchedule", "scheduleTimezone": "Europe/London"}
    if shown["always_available"]:
        note = "Always available."
        return {"eventSchedule": [schedule], "schedulingNote": note}
    going = [one for one in shown["sessions"] if one["status"] != "cancelled"]
    sessions = going or shown["sessions"]
    first, last = _day(shown["first_session_at"]), _day(shown["last_session_at"])
    if first and last:
        schedule |= {"startDate": first, "endDate": last}
    times = {_times(one) for one in sessions}
    if len(times) == 1:
        ((starts, ends),) = times
        schedule |= {"startTime": starts} if starts else {}
        schedule |= {"endTime": ends} if starts and ends and ends > starts else {}
    days = sorted({datetime.fromisoformat(one["date"]).weekday() for one in sessions})
    schedule["byDay"] = [f"https://schema.org/{DAYS[day]}" for day in days]
    frequency = _frequency(shown["recurrence"], sessions)
    if frequency:
        schedule["repeatFrequency"] = frequency
    if "startTime" in schedule and "endTime" in schedule:
        length = datetime.fromisoformat(f"2000-01-01T{schedule['endTime']}") - (
            datetime.fromisoformat(f"2000-01-01T{schedule['startTime']}")
        )
        schedule["duration"] = duration(length)
    return {"eventSchedule": [schedule]}


def _day(instant: str | None) -> str | None:
    if instant is None:
        return None
    return datetime.fromisoformat(instant).astimezone(LONDON).date().isoformat()


def _times(session: Mapping[str, Any]) -> tuple[str | None, str | None]:
    starts, ends = session["starts_at"], session["ends_at"]
    return (starts and starts[11:16], ends and ends[11:16])


def _frequency(rule: Mapping[str, Any] | None, sessions: Sequence[Mapping[str, Any]]) -> str | None:
    """How often it repeats: by its rule, else where all days lie equally far apart."""
    if rule:
        parts = dict(part.split("=", 1) for part in _bare_rule(rule["rrule"]).split(";") if part)
        letter = FREQUENCIES.get(parts.get("FREQ", ""))
        return f"P{parts.get('INTERVAL', '1')}{letter}" if letter else None
    days = sorted({datetime.fromisoformat(one["date"]) for one in sessions})
    gaps = {(later - earlier).days for earlier, later in pairwise(days)}
    if len(gaps) != 1:
        return None
    (gap,) = gaps
    return f"P{gap // 7}W" if gap % 7 == 0 else f"P{gap}D"


def _bare_rule(rule: str) -> str:
    return rule.upper().replace(" ", "").removeprefix("RRULE:")


def _course(address: str, shown: Shown, free: bool | None) -> dict[str, Any]:
    """From when to when a course goes, and the sessions that belong to it."""
    sessions = shown["sessions"]
    first = _day(shown["first_session_at"]) or sessions[0]["date"]
    last = _day(shown["last_session_at"]) or sessions[-1]["date"]
    length = datetime.fromisoformat(last) - datetime.fromisoformat(first)
    cancelled = all(one["status"] == "cancelled" for one in sessions)
    parts = []
    for one in sessions:
        part = {
            "@type": "Event",
            "@id": f"{address}#/subEvent/{one['id']}",
            **_occasion(one),
        }
        if free:
            part["isAccessibleForFree"] = True
        parts.append(part)
    return {
        "startDate": first,
        "endDate": last,
        "duration": duration(length + timedelta(days=1)),
        "eventStatus": STATUSES["cancelled"] if cancelled else SCHEDULED,
        "subEvent": parts,
    }
