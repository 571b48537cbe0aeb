"""Which concepts of OpenActive say what our words say.

The concepts are from the OpenActive activity list and the accessibility support list, published by
the OpenActive community under CC BY 4.0 (see NOTICE). They are about physical activity: most arts
have no concept there and keep ours, of the scheme that `/openactive/artforms` publishes.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

ACTIVITIES = "https://openactive.io/activity-list"
SUPPORT = "https://openactive.io/accessibility-support"
HERE = "\x01"
"""Stands for the public address in an item; no text that anybody sends holds it."""
STORED_HERE = b"\x01"
"""The same in what is stored: JSON has no such byte, and one byte is found the quickest."""
SCHEME = f"{HERE}/openactive/artforms"

Concept = tuple[str, str]

DANCE = ("6ca15167-51da-4d91-a1ae-8a45dc47b0ea", "Dance")
STYLES: Sequence[tuple[re.Pattern[str], Concept]] = tuple(
    (re.compile(pattern, re.IGNORECASE), concept)
    for pattern, concept in (
        (r"\bstreet[ -]?danc", ("85ddf0e4-115d-4c0b-9bca-4c3b4b635bb2", "Street Dance")),
        (r"\bballet\b", ("1ae7395a-27a7-4e33-9f6d-a1a6c17d0757", "Ballet")),
        (r"\bbreak[ -]?danc|\bbreaking\b", ("6e5bbb26-4aa1-4ab7-947b-fa58687ab374", "Break Dance")),
        (r"\bfolk[ -]danc", ("34cabe03-72b3-4539-ac52-e69a52393330", "Folk Dance")),
        (r"\bafrican[ -]danc", ("560624c2-d64c-462a-acc3-0e6d551069e7", "African Dance")),
        (r"\bdancehall\b", ("bc18a355-c6af-4801-b673-053af9aa0422", "Dancehall")),
    )
)
"""Kinds of dance, by the words of a title."""
CIRCUS = ("27422896-7cca-4e1f-8071-117838e70148", "Circus Skills")
SINGING = ("e2b21a40-66a4-42bb-a24f-3638cc356299", "Singing")
SINGS = re.compile(r"\b(sing(ing|ers?)?|choirs?|choral|chorus)\b", re.IGNORECASE)
HOLIDAY_CAMP = ("051e492d-e053-4d24-a54c-e9de9fc637cf", "Activity Holiday Camp")
VISUAL_IMPAIRMENT = ("1393f2dc-3fcc-4be9-a99f-f1e51f5ad277", "Visual impairment")


def activities(shown: Mapping[str, Any], artforms: Mapping[str, str]) -> list[dict[str, str]]:
    """What is done, in the concepts of OpenActive where one fits, and in ours elsewhere."""
    if shown["kind"] == "holiday_activity":
        camp = [official(ACTIVITIES, HOLIDAY_CAMP)]
    else:
        camp = []
    return camp + [
        found
        for code in shown["artforms"]
        for found in _activities(code, shown["title"], artforms.get(code, code))
    ]


def _activities(code: str, title: str, label: str) -> Iterator[dict[str, str]]:
    if code == "dance":
        styles = [concept for pattern, concept in STYLES if pattern.search(title)]
        for concept in styles or [DANCE]:
            yield official(ACTIVITIES, concept)
    elif code == "circus":
        yield official(ACTIVITIES, CIRCUS)
    elif code == "music" and SINGS.search(title):
        yield official(ACTIVITIES, SINGING)
    else:
        yield {
            "@type": "Concept",
            "@id": f"{SCHEME}#{code}",
            "prefLabel": label,
            "inScheme": SCHEME,
        }


def official(scheme: str, concept: Concept) -> dict[str, str]:
    """A concept of one of OpenActive's own lists."""
    return {
        "@type": "Concept",
        "@id": f"{scheme}#{concept[0]}",
        "prefLabel": concept[1],
        "inScheme": scheme,
    }
