"""A change that waits beside what is approved: how the two differ, and mixing them by field.

The `pending` of a listing holds the `payload` that its source sent, its `digest`, `since` when
it waits, the `texts` that people wrote, and the fields that were `refused` already.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from app.kit.times import LONDON
from app.opportunities.written import OpportunityWrite

FIELDS = tuple(OpportunityWrite.model_fields)
SESSIONS = "sessions"


def mixed(
    base: Mapping[str, Any], other: Mapping[str, Any], names: Collection[str]
) -> dict[str, Any]:
    """A payload with these members as another has them; absent where that has none."""
    kept = {name: value for name, value in base.items() if name not in names}
    return kept | {name: other[name] for name in names if name in other}


def mixed_texts(
    base: Mapping[str, Any] | None, other: Mapping[str, Any] | None, names: Collection[str]
) -> dict[str, Any] | None:
    """What people wrote, with these fields as another payload's texts have them."""
    base, other = base or {}, other or {}
    defaults = [name for name in base.get("defaults", ()) if name not in names]
    defaults += [name for name in other.get("defaults", ()) if name in names]
    found = {
        "texts": mixed(base.get("texts", {}), other.get("texts", {}), names),
        "kept": other.get("kept") or base.get("kept"),
        "defaults": defaults,
    }
    return {name: value for name, value in found.items() if value} or None


def proposal(approved: Mapping[str, Any], pending: Mapping[str, Any]) -> dict[str, Any]:
    """The payload that still waits: what was refused of it stays as it is approved."""
    return mixed(pending["payload"], approved, pending.get("refused", ()))


def waiting(
    approved: Mapping[str, Any], pending: Mapping[str, Any], overrides: Mapping[str, Any]
) -> list[str]:
    """The fields that await a decision, in the order of the form."""
    before, after = _both(approved, proposal(approved, pending), overrides)
    return [name for name in FIELDS if before.get(name) != after.get(name)]


def changes(
    approved: Mapping[str, Any], pending: Mapping[str, Any], overrides: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """What would change, as `PendingChange` shows it: sessions one by one, the rest by member."""
    before, after = _both(approved, proposal(approved, pending), overrides)
    texts = (pending.get("texts") or {}).get("texts", {})
    found = []
    for name in FIELDS:
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        said = {
            "field": name,
            "text": texts.get(name, {}).get("text"),
            "overridden": name in overrides,
            "sessions": None,
        }
        if name == SESSIONS:
            difference = _sessions(old or [], new or [])
            nothing = {"approved": None, "proposed": None, "sessions": difference}
            found.append({**said, "pointer": f"#/{name}", **nothing})
            continue
        for pointer, one, other in _members(f"#/{name}", old, new):
            found.append({**said, "pointer": pointer, "approved": one, "proposed": other})
    return found


def shown(since: str, version: int, found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The members of `PendingRead`."""
    return {"since": datetime.fromisoformat(since), "version": version, "changes": found}


def _both(
    approved: Mapping[str, Any], proposed: Mapping[str, Any], overrides: Mapping[str, Any]
) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Both payloads in the same plain form, so that only what means something else differs."""
    before, after = normal(approved, overrides), normal(proposed, overrides)
    if before is None or after is None:
        return approved, proposed
    return before, after


def normal(payload: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any] | None:
    """A payload as it is understood, every member stated; None if it is no longer valid.

    A corrected field may be wrong at its source: it is looked at as it was sent.
    """
    corrected = {name: override["value"] for name, override in overrides.items()}
    try:
        write = OpportunityWrite.model_validate({**payload, **corrected})
    except ValidationError:
        return None
    found = write.model_dump(mode="json", by_alias=True)
    return found | {name: payload.get(name) for name in corrected}


def _members(pointer: str, old: Any, new: Any) -> Iterator[tuple[str, Any, Any]]:
    """Where two values differ: of objects the members, of anything else the whole."""
    if not (isinstance(old, dict) and isinstance(new, dict)):
        yield pointer, old, new
        return
    for name in dict.fromkeys([*old, *new]):
        if old.get(name) != new.get(name):
            yield from _members(f"{pointer}/{name}", old.get(name), new.get(name))


def _sessions(
    old: Iterable[Mapping[str, Any]], new: Iterable[Mapping[str, Any]]
) -> dict[str, list[Any]]:
    before, after = _by_identity(old), _by_identity(new)
    return {
        "added": [_session(after[key]) for key in after if key not in before],
        "removed": [_session(before[key]) for key in before if key not in after],
        "changed": [
            {"approved": _session(before[key]), "proposed": _session(after[key])}
            for key in before
            if key in after and before[key] != after[key]
        ],
    }


def _by_identity(sessions: Iterable[Mapping[str, Any]]) -> dict[Any, Mapping[str, Any]]:
    met: Counter[Any] = Counter()
    found = {}
    for one in sessions:
        name = one.get("external_id") or one.get("starts_at") or one.get("date")
        met[name] += 1  # two may start at once
        found[name, met[name]] = one
    return found


def _session(one: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _london(value) if name in {"starts_at", "ends_at"} and value else value
        for name, value in one.items()
    }


def _london(instant: str) -> str:
    try:
        return datetime.fromisoformat(instant).astimezone(LONDON).isoformat()
    except (TypeError, ValueError):
        return instant  # as it was sent
