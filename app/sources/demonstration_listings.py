"""One made-up listing: the same seed, number and day always make the same one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from html import escape
from random import Random
from typing import Any

from app.opportunities.models import Delivery
from app.opportunities.written import REGION
from app.sources import demonstration_words as words
from app.sources.demonstration_dates import DAY, WEEK, Calendar, dates
from app.sources.demonstration_words import Form, Maker, Pattern, Subject

OVER_EVERY = 53
"""One listing in so many is over already."""
LACKING_EVERY = 97
"""One in so many leaves out something that it needs."""
CAN_LACK = ("price", "artforms", "kind", "sessions")
DATES_ONLY = {Pattern.OPEN_DAYS, Pattern.DAYS, Pattern.DEADLINE}
LITTLE = 5
"""The age up to which children come with somebody."""
LICENCE = "CC BY 4.0"


@dataclass(frozen=True)
class Provider:
    """An invented organisation with what its listings refer to."""

    maker: Maker
    slug: str
    town: str
    venues: Sequence[str]
    halls: Sequence[tuple[str, str]]
    """Places that it borrows: name and postcode."""
    programmes: Sequence[str]
    areas: Sequence[str]
    """Codes of the authorities that it may come to, its own first."""


def listing(seed: int, number: int, provider: Provider, calendar: Calendar) -> dict[str, Any]:
    """A listing as a partner's system would send it, with its external id."""
    random = Random(f"{seed}/{number}")  # noqa: S311 - the same every time is what is wanted
    timing = Random(f"{seed}/{number}/dates")  # noqa: S311 - apart: words stay from day to day
    over = number % OVER_EVERY == 7
    form = _form(random, provider.maker.sector, dated=over)
    ages = random.choice(form.ages)
    artform, subject = _subject(random, provider.maker.artforms, ages)
    holiday, days = dates(timing, form, calendar, over=over)
    texts = _texts(random, form, subject, ages, provider, holiday)
    external_id = f"listing-{number:06}"
    item: dict[str, Any] = {
        "external_id": external_id,
        "title": _title(random, form, ages, texts),
        "kind": form.kind.value,
        "artforms": _artforms(random, artform, provider.maker.artforms),
        "themes": _themes(random, form, provider.maker),
        "audiences": list(form.audiences),
        "delivery": form.delivery.value,
        "price": _price(random, form.price),
        "access": _access(random, form),
        "booking": _booking(random, provider, external_id),
        "contact": {"role": "Learning team", "email": f"{provider.slug}@example.org"},
        "url": f"https://example.org/{provider.slug}/{external_id}",
    }
    item["summary"], item["description"] = _description(random, form, artform, texts)
    if ages:
        item["age_min"], item["age_max"] = ages
    item |= _where(random, form, provider)
    item |= _when(timing, form, days)
    if provider.programmes and random.random() < 0.25:
        item["programme"] = random.choice(provider.programmes)
    if random.random() < 0.6:
        item["image"] = {
            "url": f"https://example.org/pictures/{artform}-{random.randint(1, 40)}.jpg",
            "alt": f"{texts['who']} taking part in {subject.name}",
            "credit": provider.maker.name,
        }
    if random.random() < 0.5:
        item["licence"] = LICENCE
    if number % LACKING_EVERY == 13:
        item.pop(random.choice(CAN_LACK), None)
        item.pop("recurrence", None)
    return item


# --- what it is ------------------------------------------------------------------------------


def _form(random: Random, sector: str, *, dated: bool) -> Form:
    weights = words.FORMS_OF.get(sector, words.OTHER_FORMS)
    forms = {
        name: weight
        for name, weight in weights.items()
        if not (dated and words.FORMS[name].pattern is Pattern.ALWAYS)
    }
    (name,) = random.choices(list(forms), list(forms.values()))
    return words.FORMS[name]


def _subject(
    random: Random, artforms: Sequence[str], ages: tuple[float, float] | None
) -> tuple[str, Subject]:
    """An artform of the organisation and a subject that suits the ages, if it has one."""
    own = [(code, subject) for code in artforms for subject in words.SUBJECTS[code]]
    every = [(code, subject) for code, found in words.SUBJECTS.items() for subject in found]
    for choices in (own, every):
        suitable = [pair for pair in choices if _suits(pair[1], ages)]
        if suitable:
            return random.choice(suitable)
    return random.choice(own)


def _suits(subject: Subject, ages: tuple[float, float] | None) -> bool:
    if ages is None:
        return subject.oldest > 12
    lowest, highest = ages
    youngest = highest if highest - lowest > 6 else lowest + 1
    return subject.youngest <= youngest and subject.oldest >= highest - 4


def _artforms(random: Random, artform: str, others: Sequence[str]) -> list[str]:
    second = random.choice(others)
    return [artform] if second == artform or random.random() < 0.7 else [artform, second]


def _themes(random: Random, form: Form, maker: Maker) -> list[str]:
    themes = list(form.themes)
    if maker.sector in {"health", "social_care"}:
        themes.append("mental_health")
    if random.random() < 0.3:
        themes.append(random.choice(("community", "history", "climate", "diversity", "language")))
    return themes


# --- what it says ----------------------------------------------------------------------------


def _texts(
    random: Random,
    form: Form,
    subject: Subject,
    ages: tuple[float, float] | None,
    provider: Provider,
    holiday: str,
) -> dict[str, str]:
    who = _who(form, ages)
    return {
        "who": who,
        "who_lower": who[0].lower() + who[1:],
        "do": subject.do,
        "subject": subject.name,
        "Subject": _capital(subject.name),
        "town": provider.town,
        "short": provider.maker.short,
        "show": random.choice(words.SHOWS),
        "exhibition": random.choice(words.EXHIBITIONS),
        "Holiday": _capital(holiday),
    }


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _who(form: Form, ages: tuple[float, float] | None) -> str:
    if ages and ages[1] <= LITTLE:
        return "Small children and their grown-ups"
    if "families" in form.audiences:
        return "Families"
    if "schools" in form.audiences:
        return "Pupils"
    if ages and ages[0] >= 11:
        return "Young people"
    return "Children" if ages and ages[1] <= 13 else "Children and young people"


def _title(
    random: Random, form: Form, ages: tuple[float, float] | None, texts: dict[str, str]
) -> str:
    title = _capital(random.choice(form.titles).format(**texts))
    if ages and random.random() < 0.25:
        title += f" ({ages[0]:g}–{ages[1]:g})"
    return title


def _description(
    random: Random, form: Form, artform: str, texts: dict[str, str]
) -> tuple[str | None, str]:
    """A summary, and two to four sentences of description."""
    template = random.choice(form.opening)
    opening = template.format(**texts)
    sentences = [opening]
    taking_part = "{do}" in template and form.pattern not in DATES_ONLY
    if taking_part and random.random() < 0.6:
        sentences.append(random.choice(words.LEADERS))
    if taking_part and artform in words.PRACTICAL and random.random() < 0.5:
        sentences.append(words.PRACTICAL[artform])
    if len(sentences) == 1 or random.random() < 0.7:
        sentences.append(random.choice(form.closing))
    description = f"<p>{escape(' '.join(sentences), quote=False)}</p>{words.NOT_REAL}"
    return (opening if random.random() < 0.85 else None), description


# --- where and when --------------------------------------------------------------------------


def _where(random: Random, form: Form, provider: Provider) -> dict[str, Any]:
    if form.delivery is Delivery.ONLINE:
        return {}
    if form.delivery is Delivery.OUTREACH:
        if random.random() < 0.1:
            return {"outreach_areas": [REGION]}
        own, *others = provider.areas
        return {"outreach_areas": [own, *random.sample(others, random.randint(0, 3))]}
    if random.random() < 0.15:
        name, postcode = random.choice(provider.halls)
        return {
            "venue": {
                "name": name,
                "address": f"{random.choice(words.STREETS)}, {provider.town}",
                "postcode": postcode,
                "access": random.sample(words.VENUE_ACCESS, random.randint(0, 3)),
            }
        }
    return {"venue": random.choice(provider.venues)}


def _when(random: Random, form: Form, days: Sequence[date]) -> dict[str, Any]:
    if form.pattern is Pattern.ALWAYS:
        return {"always_available": True}
    if form.pattern in DATES_ONLY:
        return {"sessions": [{"date": day.isoformat()} for day in days]}
    starts = time.fromisoformat(random.choice(form.starts))
    length = timedelta(minutes=random.choice(form.minutes))
    times = [datetime.combine(day, starts) for day in days]  # London's own
    if form.pattern is Pattern.WEEKLY and random.random() < 0.15:
        return {"recurrence": _rule(times, length)}
    named = random.random() < 0.3
    capacity = random.choice((None, 12, 15, 20, 30))
    sessions = [
        {
            "starts_at": start.isoformat(),
            "ends_at": (start + length).isoformat(),
            **({"external_id": f"s{position}"} if named else {}),
            **_places(random, capacity),
        }
        for position, start in enumerate(times, 1)
    ]
    return {"sessions": sessions}


def _places(random: Random, capacity: int | None) -> dict[str, Any]:
    if random.random() < 0.02:
        return {"status": "cancelled"}
    if capacity is None:
        return {}
    left = random.randint(0, capacity)
    return {
        "capacity": capacity,
        "places_left": left,
        "status": "scheduled" if left else "full",
    }


def _rule(times: Sequence[datetime], length: timedelta) -> dict[str, Any]:
    """The same weekly dates as a rule, the weeks without a session taken out."""
    first, last = times[0], times[-1]
    weeks = ((first + number * WEEK).date() for number in range((last - first) // WEEK + 1))
    kept = {one.date() for one in times}
    weekday = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")[first.weekday()]
    until = (last + DAY).strftime("%Y%m%d")
    return {
        "rrule": f"FREQ=WEEKLY;BYDAY={weekday};UNTIL={until}",
        "exdates": [week.isoformat() for week in weeks if week not in kept],
        "starts_at": first.isoformat(),
        "ends_at": (first + length).isoformat(),
    }


# --- what it costs, and for whom it is made easy -----------------------------------------------

PRICES: dict[str, tuple[float, str, tuple[str, ...]]] = {
    "child": (0.5, "child", ("2.00", "3.00", "3.50", "4.00", "5.00", "6.50", "8.00")),
    "youth": (0.8, "session", ("1.00", "2.00", "3.00")),
    "course": (0.3, "course", ("24.00", "36.00", "45.00", "54.00", "60.00", "75.00")),
    "day": (0.35, "child", ("7.50", "10.00", "12.00", "15.00")),
    "family": (0.6, "family", ("4.00", "6.00", "8.00", "10.00")),
    "ticket": (0.25, "person", ("4.00", "5.00", "7.00", "8.50", "12.00")),
    "entry": (0.7, "person", ("2.50", "4.00", "5.50")),
    "class": (0.25, "class", ("80.00", "95.00", "117.00", "120.00", "150.00", "180.00", "250.00")),
    "school": (0.3, "school", ("240.00", "360.00", "480.00", "600.00")),
    "teacher": (0.55, "person", ("10.00", "15.00", "25.00", "40.00")),
    "loan": (0.5, "term", ("10.00", "15.00", "25.00")),
}
"""For each way to charge: how much of it is free, what is paid for, and prices in pounds."""


def _price(random: Random, profile: str) -> dict[str, Any]:
    if profile == "paid":
        return {"free": True, "text": "Nothing to pay: this is paid work."}
    if profile == "free_meals":
        return {
            "from": "0.00",
            "to": "20.00",
            "per": "day",
            "concessions": ["free_school_meals"],
            "text": "Free for children on free school meals, £20 a day for others.",
        }
    if profile == "free":
        return {"free": True}
    free, per, prices = PRICES[profile]
    if random.random() < free:
        return {"free": True}
    if random.random() < 0.08:
        return {"pay_what_you_can": True, "concessions": ["pay_what_you_can"]}
    lowest = random.choice(prices)
    price: dict[str, Any] = {"from": lowest, "per": per}
    if profile == "ticket":
        price["to"] = f"{float(lowest) + 3:.2f}"
    if profile == "class":
        price["text"] = f"£{lowest} a class of up to 30, travel not included."
    elif random.random() < 0.5:
        choices = ("free_school_meals", "sibling", "low_income", "residents", "bursary")
        price["concessions"] = random.sample(choices, random.randint(1, 2))
        price["bursary"] = "bursary" in price["concessions"]
    return price


def _access(random: Random, form: Form) -> list[str]:
    choices = words.SHOW_ACCESS if form.price == "ticket" else words.SESSION_ACCESS
    return random.sample(choices, random.choice((0, 0, 1, 1, 2, 3)))


def _booking(random: Random, provider: Provider, external_id: str) -> dict[str, Any]:
    required = random.random() < 0.7
    booking: dict[str, Any] = {"required": required}
    if required or random.random() < 0.3:
        booking["url"] = f"https://example.org/{provider.slug}/book/{external_id}"
    if random.random() < 0.3:
        booking["phone"] = "01632 960123"  # Ofcom keeps this range for drama
    return booking
