"""Several rows that are one listing: a row for each day, age band or facility."""

from collections.abc import Iterable, Sequence
from typing import Any

from app.sources.cell_values import Remark, Understood
from app.sources.item_when import as_sessions

UNITED = ("artforms", "themes", "audiences", "access", "outreach_areas")
"""Members whose lists are joined."""
OWN = {"external_id", "sessions", "recurrence", "age_min", "age_max", *UNITED}
UNREAD = {"cell_too_long", "nul_character", "too_many_cells"}
"""Faults of a row some of whose cells were not read."""
CONTINUING = {"sessions", "recurrence", "age_min", "age_max", "access", "audiences"}
"""Members that a row without id and title may add to the listing above it."""


def grouped(rows: Iterable[Understood]) -> list[Understood]:
    """Listings out of rows, in the order of their first rows; orphans and conflicts are errors."""
    groups: dict[str, list[Understood]] = {}
    loose: list[Understood] = []
    last: list[Understood] | None = None
    order: list[list[Understood]] = []
    for row in rows:
        identifier = row.item.get("external_id")
        if identifier is None:
            if last is not None and _continues(row):
                row.doubts.append(
                    Remark("#", "continued_row", "It was read as part of the listing above it.")
                )
                last.append(row)
            else:
                _orphan(row)
                loose.append(row)
                order.append([row])
            continue
        if identifier not in groups:
            groups[identifier] = []
            order.append(groups[identifier])
        groups[identifier].append(row)
        last = groups[identifier]
    return [one for group in order for one in _settled(group)]


def _continues(row: Understood) -> bool:
    unread = UNREAD & {error.code for error in row.errors}
    return bool(row.item) and set(row.item) <= CONTINUING and not unread


def _orphan(row: Understood) -> None:
    if UNREAD & {error.code for error in row.errors}:
        return  # its title may stand in the cell that could not be read
    identifier = row.item.get("external_id")
    whose = f"the id {identifier!r}" if identifier else "no id"
    row.errors.append(
        Remark(
            "#/title",
            "orphan_row",
            f"Row {row.number} has no title and {whose}; no other row says what it belongs to.",
        )
    )


def _settled(group: list[Understood]) -> list[Understood]:
    if len(group) == 1 and not group[0].item.get("title"):
        if "orphan_row" not in {error.code for error in group[0].errors}:
            _orphan(group[0])
        return group
    if len(group) == 1:
        return group
    main = next((one for one in group if one.item.get("title") and not one.parent_id), None)
    if main is None:
        for row in group:
            _orphan(row)
        return group
    others = [one for one in group if one is not main]
    differing = sorted({name for one in others for name in _conflicts(main, one)})
    if differing:
        return _refused(group, f"but differ in {', '.join(differing)}")
    if any(one.item == main.item and not one.derived_id for one in others):
        return _refused(group, "and say the same")
    _join(main, others)
    return [main]


def _conflicts(main: Understood, other: Understood) -> set[str]:
    """The members in which a row contradicts the listing that it belongs to."""
    return {
        name
        for name, value in other.item.items()
        if name not in OWN and name in main.item and main.item[name] != value
    }


def _refused(group: Sequence[Understood], why: str) -> list[Understood]:
    numbers = ", ".join(str(one.number) for one in group)
    for one in group:
        one.errors.append(
            Remark(
                "#/external_id",
                "duplicate_external_id",
                f"Rows {numbers} share the id {one.item['external_id']!r} {why}. Keep one, or make "
                "the others differ only in dates, ages or facilities.",
                text=str(one.item["external_id"]),
            )
        )
    return list(group)


def _join(main: Understood, others: Sequence[Understood]) -> None:
    item = main.item
    for other in others:
        main.lines.extend(other.lines)
        main.errors.extend(other.errors)
        main.doubts.extend(
            one for one in other.doubts if not (other.derived_id and one.pointer == "#/external_id")
        )
        main.withdrawn = main.withdrawn or other.withdrawn
        for name, said in (("texts", other.texts), ("kept", other.kept)):
            held: dict[str, str] = getattr(main, name)
            for key, text in said.items():
                if key not in held:
                    held[key] = text
                elif text not in held[key].split("\n"):
                    held[key] += f"\n{text}"
        for key, confidence in other.confidence.items():
            main.confidence[key] = min(main.confidence.get(key, 1.0), confidence)
        for name, value in other.item.items():
            if name not in OWN:
                item.setdefault(name, value)
        if other.item == item and other.derived_id:
            main.doubts.append(
                Remark("#", "repeated_row", f"Row {other.number} says the same again.")
            )
    _join_lists(item, [other.item for other in others])
    _join_ages(main, [other.item for other in others])
    _join_sessions(main, [other.item for other in others])


def _join_lists(item: dict[str, Any], others: Sequence[dict[str, Any]]) -> None:
    for name in UNITED:
        found = [code for one in (item, *others) for code in one.get(name, ())]
        if found:
            item[name] = list(dict.fromkeys(found))


def _join_ages(main: Understood, others: Sequence[dict[str, Any]]) -> None:
    """One span out of the age bands of several rows; a gap between them is told."""
    bands = [
        (one.get("age_min"), one.get("age_max"))
        for one in (main.item, *others)
        if "age_min" in one or "age_max" in one
    ]
    if len(set(bands)) < 2:
        if bands:
            main.item |= {
                name: age
                for name, age in zip(("age_min", "age_max"), bands[0], strict=True)
                if age is not None
            }
        return
    lows = [low for low, _ in bands if low is not None]
    highs = [high for _, high in bands if high is not None]
    main.item.pop("age_min", None)
    main.item.pop("age_max", None)
    if len(lows) == len(bands):
        main.item["age_min"] = min(lows)
    if len(highs) == len(bands):
        main.item["age_max"] = max(highs)
    edges = sorted((low or 0.0, high if high is not None else 120.0) for low, high in set(bands))
    reach = edges[0][1]
    for low, high in edges[1:]:
        if low > reach + 1:
            main.doubts.append(
                Remark(
                    "#/age_min",
                    "several_ranges",
                    f"Its rows name ages with a gap between {reach:g} and {low:g}: "
                    "they were read as one span.",
                )
            )
        reach = max(reach, high)


def _join_sessions(main: Understood, others: Sequence[dict[str, Any]]) -> None:
    """The sessions of all rows; several rules are written out, since a listing has one."""
    item = main.item
    dated = [one for one in (item, *others) if one.get("sessions") or one.get("recurrence")]
    rules = [one["recurrence"] for one in dated if "recurrence" in one]
    if not dated or (len(rules) == len(dated) and all(rule == rules[0] for rule in rules)):
        if rules:
            item["recurrence"] = rules[0]
        return
    try:
        sessions = [session for one in dated for session in as_sessions(one)]
    except ValueError as error:
        main.errors.append(Remark("#/recurrence", "recurrence", str(error)))
        return
    if rules:
        main.doubts.append(
            Remark(
                "#/sessions",
                "rules_written_out",
                "Its rows repeat in different ways: the dates of the next 400 days were written "
                "out. Send it again before they are over.",
            )
        )
    item.pop("recurrence", None)
    unique: dict[tuple[Any, ...], dict[str, Any]] = {}
    for session in sessions:
        # Rows that differ in age or facility only repeat their date.
        unique.setdefault(tuple(sorted((k, str(v)) for k, v in session.items())), session)
    item["sessions"] = list(unique.values())
