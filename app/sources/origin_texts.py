"""What a person wrote, by the member of a listing that was made of it: kept for provenance."""

from collections.abc import Mapping
from typing import Any

from app.kit.strict_json import dumps
from app.sources.cell_values import Understood
from app.sources.headings import BY_NAME

LONGEST = 2_000
"""Characters kept of what stood in the cells of one member."""
_WHEN = ("when", "start_", "end_", "weekday", "times", "weekly_", "season", "status", "capacity",
         "places_left", "session_")  # fmt: skip
_MEMBERS: tuple[tuple[tuple[str, ...], str], ...] = (
    (_WHEN, "sessions"),
    (("ages", "age_min"), "age_min"),
    (("venue_",), "venue"),
    (("is_online", "delivery"), "delivery"),
    (("price", "is_free", "concessions"), "price"),
    (("booking_", "drop_in"), "booking"),
    (("image_",), "image"),
    (("contact_",), "contact"),
)
"""The beginnings of our columns, and the member that they make together."""


def member_of(column: str) -> str:
    """The member of a listing that a column of ours goes into."""
    for beginnings, member in _MEMBERS:
        if column.startswith(beginnings):
            return member
    return column


def origin_texts(understood: Understood, headings: Mapping[str, str]) -> str | None:
    """As JSON, what stood in the cells of each member, under which headings, and how sure it is.

    `headings` are those that stand over our columns. Cells under headings that mean nothing to
    us, or whose columns are not used, are `kept`.
    """
    texts: dict[str, dict[str, Any]] = {}
    kept = dict(understood.kept)
    for column, text in understood.texts.items():
        known = BY_NAME.get(column)
        heading = headings.get(column, column)
        if known is not None and not known.used:
            kept[heading] = text[:LONGEST]
            continue
        if column in {"external_id", "parent_id"}:
            continue
        member = member_of(column)
        if member == "sessions" and "recurrence" in understood.item:
            member = "recurrence"
        found = texts.setdefault(member, {"text": "", "heading": "", "confidence": None})
        found["text"] = "; ".join(filter(None, (found["text"], text)))[:LONGEST]
        found["heading"] = ", ".join(filter(None, (found["heading"], heading)))
        sure = understood.confidence.get(column)
        if sure is not None:
            found["confidence"] = (
                sure if found["confidence"] is None else min(sure, found["confidence"])
            )
    # One text says both ages.
    if "age_min" in texts and "age_max" in understood.item:
        texts.setdefault("age_max", texts["age_min"])
    return dumps({"texts": texts, "kept": kept}).decode() if texts or kept else None
