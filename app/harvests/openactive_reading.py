"""From an OpenActive item to a listing, as far as a listing can carry it.

Feeds are written by many systems, with care or without. What has the wrong shape says nothing; what
cannot be carried is told as a warning, never guessed. Persons are left out: a feed names leaders
and organisers, and nobody asked them whether we may.
"""

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from typing import Any

from app.harvests import openactive_when as times
from app.harvests.linked_data import (
    Data,
    address,
    email,
    first_object,
    identity,
    kind_of,
    line,
    lines,
    listed,
    member,
    number,
    objects,
    paragraphs,
    telephone,
)
from app.harvests.openactive_offers import prices
from app.harvests.openactive_when import Warn
from app.harvests.openactive_where import accessibility, where
from app.harvests.readings import Reading, Unreadable
from app.harvests.sorting import sort_word
from app.kit.problems import FieldError
from app.opportunities.models import OLDEST, Kind
from app.sources.cell_values import Context, unknown_word
from app.sources.plain_writing import read_ages, read_html

TITLE_LENGTH, ALT_LENGTH = 160, 300
NAME_LENGTH = 200
OWN_SCHEME = "/openactive/artforms"
"""How the address of our own concept scheme ends, wherever this software runs."""
GONE = "EventCancelled"
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f-\x9f\ufeff\u2028\u2029]")


def key_of(kind: str, rpde_id: str, data: Data) -> str:
    """The name of a listing: what it calls itself everywhere, else its id among its kind.

    An `@id` stays when an item moves from one feed to another; the id of a feed's item need not.
    """
    return listing_name(identity(data) or f"{kind}/{rpde_id}")


def series_of(data: Data) -> str | None:
    """The name of the series that a session belongs to."""
    said = data.get("superEvent")
    named = identity(said) if isinstance(said, dict) else line(said)
    return listing_name(named) if named else None


def listing_name(said: str) -> str:
    """A name that fits where external ids are kept; of a longer one its digest."""
    name = unicodedata.normalize("NFC", said).strip()
    if len(name) > NAME_LENGTH or not name.isprintable():
        return "sha256:" + hashlib.sha256(name.encode()).hexdigest()
    return name


def listing(
    name: str,
    kind: str,
    data: Data,
    sessions: Sequence[tuple[str, Data]],
    words: Context,
) -> Reading:
    """A listing of this name, of an item and the sessions that name it; Unreadable if it is none.

    `words` are what the source's words may mean.
    """
    warnings: list[FieldError] = []

    def warn(pointer: str, code: str, detail: str) -> None:
        if not any(one.code == code and one.pointer == pointer for one in warnings):
            warnings.append(FieldError(pointer=pointer, detail=detail, code=code))

    title = line(data.get("name"))
    if not title:
        raise Unreadable(
            [FieldError(pointer="#/title", detail="The item has no `name`.", code="no_name")]
        )
    if len(title) > TITLE_LENGTH:
        warn("#/title", "shortened", f"A title has {TITLE_LENGTH} characters at most: cut off.")
        title = title[: TITLE_LENGTH - 1].rstrip() + "…"
    item: dict[str, Any] = {
        "external_id": name,
        "title": title,
        "description": _description(data, warn),
        "url": address(data.get("url")),
        **_words(kind, data, words, warn),
        **_ages(data),
        **where(data, words, warn),
        **accessibility(data, words),
        **prices(data, warn),
        **_organizer(data, words, warn),
        **_programme(data, words, warn),
        **_image(data, warn),
    }
    if kind == "Event":
        item |= times.of_event(data, warn)
    elif kind == "CourseInstance":
        item |= times.of_course(data, warn)
    else:
        item |= times.of_series(data, sessions, warn)
    said = {key: value for key, value in item.items() if value not in (None, "", [], {})}
    return Reading(name, said, warnings)


def _description(data: Data, warn: Warn) -> str:
    text = paragraphs(member(data, "beta:formattedDescription", "description"))
    try:
        return read_html(_CONTROLS.sub("", text))[:20_000]
    except ValueError as error:
        warn("#/description", "unread", str(error))
        return ""


def _words(kind: str, data: Data, words: Context, warn: Warn) -> dict[str, Any]:
    """Artforms, themes, audiences and the kind, of the item's categories and activities."""
    found: dict[str, Any] = {"artforms": [], "themes": [], "audiences": []}
    for label in lines(data.get("category")):
        if not sort_word(label, words, found):
            warn("#/artforms", "unknown_word", unknown_word("artforms", label))
    for concept in listed(data.get("activity")):
        own = _own_artform(concept, words) if isinstance(concept, dict) else None
        if own:
            found["artforms"].append(own)
            continue
        label = line(member(concept, "prefLabel") if isinstance(concept, dict) else concept)
        if label and not sort_word(label, words, found):
            warn("#/artforms", "unknown_word", unknown_word("artforms", label))
    if kind == "CourseInstance":
        found.setdefault("kind", Kind.COURSE.value)
    return {
        name: list(dict.fromkeys(value)) if isinstance(value, list) else value
        for name, value in found.items()
    }


def _own_artform(concept: Data, words: Context) -> str | None:
    scheme, _, code = identity(concept).partition("#")
    known = words.terms.get("artform", {}).values()
    return code if scheme.endswith(OWN_SCHEME) and code in known else None


def _ages(data: Data) -> dict[str, Any]:
    span = data.get("ageRange")
    if isinstance(span, dict):
        lowest, highest = number(span.get("minValue")), number(span.get("maxValue"))
    elif text := line(member(data, "typicalAgeRange") or span):
        ages = read_ages(text).value
        lowest, highest = (ages.age_min, ages.age_max) if ages else (None, None)
    else:
        return {}
    found = {}
    if lowest is not None and 0 <= lowest <= OLDEST:
        found["age_min"] = lowest
    if highest is not None and max(lowest or 0, 0) <= highest <= OLDEST:
        found["age_max"] = highest
    return found


def _organizer(data: Data, words: Context, warn: Warn) -> dict[str, Any]:
    said = first_object(member(data, "organizer", "provider"))
    if kind_of(said) == "Person":
        warn("#/contact", "person", "A person organises it: names and ways to reach them stay out.")
        return {}
    found: dict[str, Any] = {}
    reached = {"email": email(said.get("email")), "phone": telephone(said.get("telephone"))}
    contact = {name: value for name, value in reached.items() if value}
    if contact:
        found["contact"] = contact
    name = line(said.get("name"))
    slug = words.named("organisations", name) if name else None
    if slug:
        found["provider"] = slug
    elif name:
        warn(
            "#/provider",
            "unknown_organisation",
            f"“{name[:60]}” is no organisation that this source may publish for: its own stands.",
        )
    return found


def _programme(data: Data, words: Context, warn: Warn) -> dict[str, Any]:
    name = line(first_object(data.get("programme")).get("name"))
    slug = words.named("programmes", name) if name else None
    if name and slug is None:
        warn("#/programme", "unknown_programme", f"“{name[:60]}” is no programme known here.")
    return {"programme": slug} if slug else {}


def _image(data: Data, warn: Warn) -> dict[str, Any]:
    for one in objects(data.get("image")):
        url = address(one.get("url"))
        if url is None:
            continue
        alt = line(member(one, "caption", "description", "name"))
        if alt:
            return {"image": {"url": url, "alt": alt[:ALT_LENGTH]}}
        warn(
            "#/image",
            "no_alt",
            "The picture has no `caption` that says what it shows, so it is left out: some cannot "
            "see it.",
        )
    return {}
