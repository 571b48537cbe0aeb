"""A listing in the words of Open Referral UK, made from its stored document."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid5

from app.feeds.openactive_places import address_lines
from app.feeds.oruk_models import (
    OrukAccessibility,
    OrukAddress,
    OrukCostOption,
    OrukLocation,
    OrukOrganizationSummary,
    OrukSchedule,
    OrukService,
    OrukServiceArea,
    OrukServiceAtLocation,
    OrukServiceSummary,
)
from app.feeds.oruk_terms import KIND, MEMBERS, Terms
from app.feeds.paragraphs import paragraphs
from app.opportunities.recurrence import WEEKDAYS
from app.vocabularies.models import Vocabulary

Shown = Mapping[str, Any]
Organizations = Mapping[UUID, OrukOrganizationSummary]

REGION, COUNTRY = "West Midlands", "GB"
MOST_SCHEDULES = 100
"""Of one service: a directory shows when it is, and is no diary."""


def summary(shown: Shown, organizations: Organizations) -> OrukServiceSummary:
    """A service as lists show it."""
    return OrukServiceSummary(**_facts(shown, organizations))


def whole(shown: Shown, organizations: Organizations, terms: Terms) -> OrukService:
    """A service with all that is known of it."""
    service = UUID(shown["id"])
    return OrukService(
        **_facts(shown, organizations),
        schedules=list(_schedules(service, shown)) or None,
        service_areas=_areas(service, shown) or None,
        service_at_locations=[at_location(shown, terms)],
        cost_options=list(_costs(service, shown)) or None,
        attributes=terms.attributes(service, list(_carried(shown))) or None,
    )


def at_location(
    shown: Shown, terms: Terms, organizations: Organizations | None = None, *, brief: bool = False
) -> OrukServiceAtLocation:
    """Where a service is. It has the id of the service, since each is in one place.

    Lists are `brief`: the standard has no addresses in them.
    """
    service = UUID(shown["id"])
    place = _location(service, shown, terms)
    if brief:
        place = place.model_copy(update={"addresses": None, "accessibility": None})
    return OrukServiceAtLocation(
        id=service,
        service_id=service,
        location_id=place.id,
        location=place,
        service=None if organizations is None else summary(shown, organizations),
    )


def _facts(shown: Shown, organizations: Organizations) -> dict[str, Any]:
    provider = shown["provider"]
    organization = organizations.get(UUID(provider["id"])) if provider else None
    return {
        "id": shown["id"],
        "organization_id": organization.id if organization else None,
        "name": shown["title"],
        "description": _description(shown) or None,
        "url": shown["source"]["url"] or shown["href"],
        "email": (shown["contact"] or {}).get("email"),
        "fees": _fees(shown["price"]),
        "minimum_age": shown["age_min"],
        "maximum_age": shown["age_max"],
        "last_modified": shown["updated_at"],
        "organization": organization,
    }


def _description(shown: Shown) -> str:
    first, text = shown["summary"] or "", paragraphs(shown["description"] or "")
    if text.startswith(first):
        return text
    return f"{first}\n\n{text}" if text else first


def _carried(shown: Shown) -> Iterator[tuple[str, str]]:
    for vocabulary, member in MEMBERS.items():
        for code in shown[member]:
            yield vocabulary, code
    if shown["kind"]:
        yield KIND, shown["kind"]


# --- where ------------------------------------------------------------------------------------


def _location(service: UUID, shown: Shown, terms: Terms) -> OrukLocation:
    venue = shown["venue"]
    if venue is None:
        virtual = shown["delivery"] == "online"
        names = [area["name"] for area in shown["outreach_areas"]]
        return OrukLocation(
            id=uuid5(service, "location"),
            location_type="virtual" if virtual else "physical",
            name="Online" if virtual else f"Comes to you: {', '.join(names) or REGION}",
        )
    identifier = UUID(venue["id"]) if venue["id"] else uuid5(service, "location")
    return OrukLocation(
        id=identifier,
        location_type="physical",
        name=venue["name"],
        latitude=venue["lat"],
        longitude=venue["lng"],
        addresses=_addresses(identifier, venue) or None,
        accessibility=[
            OrukAccessibility(
                id=uuid5(identifier, code),
                location_id=identifier,
                description=terms.name(Vocabulary.ACCESS, code),
            )
            for code in venue["access"]
        ]
        or None,
    )


def _addresses(location: UUID, venue: Mapping[str, Any]) -> list[OrukAddress]:
    """The address in full, if it is told; the standard knows no half of one."""
    if venue["hidden"] or not venue["postcode"]:
        return []
    lines = address_lines(venue) or [venue["name"] or ""]
    area = venue["authority"]["name"] if venue["authority"] else REGION
    street, city = (", ".join(lines[:-1]), lines[-1]) if len(lines) > 1 else (lines[0], area)
    return [
        OrukAddress(
            id=uuid5(location, "address"),
            location_id=location,
            address_1=street,
            city=city,
            state_province=REGION,
            postal_code=venue["postcode"],
            country=COUNTRY,
        )
    ]


def _areas(service: UUID, shown: Shown) -> list[OrukServiceArea]:
    return [
        OrukServiceArea(
            id=uuid5(service, f"area {area['code']}"),
            service_id=service,
            name=area["name"],
            extent=area["code"],
            extent_type="GSS code",
        )
        for area in shown["outreach_areas"]
    ]


# --- what it costs ----------------------------------------------------------------------------


def _fees(price: Mapping[str, Any] | None) -> str | None:
    if not price:
        return None
    if price["free"]:
        return "Free"
    if price["text"]:
        return str(price["text"])
    if price["from"] is None:
        return "Pay what you can" if price["pay_what_you_can"] else None
    upper = f" to £{price['to']}" if price["to"] not in {None, price["from"]} else ""
    per = f" per {price['per'].replace('_', ' ')}" if price["per"] else ""
    return f"£{price['from']}{upper}{per}"


def _costs(service: UUID, shown: Shown) -> Iterator[OrukCostOption]:
    price = shown["price"]
    told = _fees(price)
    if not price or told is None:
        return
    amounts = [0.0] if price["free"] else [price[name] for name in ("from", "to") if price[name]]
    per = f"Per {price['per'].replace('_', ' ')}" if price["per"] else "Price"
    for amount in dict.fromkeys(amounts) or [None]:
        yield OrukCostOption(
            id=uuid5(service, f"cost {amount}"),
            service_id=service,
            option="Free" if price["free"] else per,
            amount=None if amount is None else float(amount),
            amount_description=told,
        )


# --- when -------------------------------------------------------------------------------------


def _schedules(service: UUID, shown: Shown) -> Iterator[OrukSchedule]:
    """What repeats as one schedule, and the rest one by one; cancelled sessions are left out."""
    if shown["always_available"]:
        return
    alike: dict[tuple[int, str | None, str | None], list[date]] = defaultdict(list)
    for one in shown["sessions"]:
        if one["status"] != "cancelled":
            day = date.fromisoformat(one["date"])
            alike[day.weekday(), _clock(one["starts_at"]), _clock(one["ends_at"])].append(day)
    count = 0
    for (weekday, opens, closes), days in alike.items():
        for some in _evenly(sorted(set(days))):
            if count == MOST_SCHEDULES:
                return
            count += 1
            yield _schedule(service, some, WEEKDAYS[weekday], opens, closes)


def _evenly(days: Sequence[date]) -> list[list[date]]:
    """The days together, if they are equally far apart; else each by itself."""
    gaps = {later - earlier for earlier, later in pairwise(days)}
    return [list(days)] if len(gaps) == 1 else [[day] for day in days]


def _schedule(
    service: UUID, days: Sequence[date], weekday: str, opens: str | None, closes: str | None
) -> OrukSchedule:
    first, last = days[0], days[-1]
    repeats = len(days) > 1
    return OrukSchedule(
        id=uuid5(service, f"schedule {first} {last} {opens} {closes}"),
        service_id=service,
        dtstart=first.isoformat(),
        valid_from=first.isoformat(),
        valid_to=last.isoformat(),
        freq="WEEKLY" if repeats else None,
        interval=(days[1] - first) // timedelta(weeks=1) if repeats else None,
        byday=weekday if repeats else None,
        opens_at=opens,
        closes_at=closes,
        description=None if opens else "The time is not stated.",
    )


def _clock(moment: str | None) -> str | None:
    return f"{datetime.fromisoformat(moment):%H:%M:%S}" if moment else None
