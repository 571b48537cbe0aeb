"""Taking listings in: plan (reads only) and apply (set-based writes), for one item or thousands.

`plan` validates each item, resolves what it refers to in a bounded number of queries, and
decides what will become of it. `storing.apply` writes that.
"""

import hashlib
import json
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from pydantic import ValidationError
from sqlalchemy import func, or_, select
from sqlmodel import Session, col

from app.kit.database import ReadyJSON, chunks
from app.kit.problems import FieldError, field_error
from app.kit.strict_json import dumps
from app.kit.times import now
from app.opportunities import occasions, origins, quality, references, remarks, titles
from app.opportunities.life import (
    HELD,
    MERGE,
    WHAT_IS_MISSING,
    Rules,
    Verdict,
    after_push,
    missing_facts,
)
from app.opportunities.models import (
    Opportunity,
    Status,
)
from app.opportunities.planned import NEVER, Item, Known, Origin, Outcome, Planned
from app.opportunities.references import World
from app.opportunities.written import OpportunityWrite
from app.organisations.models import Organisation

PARSER = 2
"""Part of every digest: a new version of this module looks at every item again."""
AT_ONCE = 1_000
"""Items that are looked at together."""
MOST_ERRORS = 20
"""Told of one item: a list of a thousand bad sessions is wrong in one way."""
MOST_OCCASIONS = 100_000
"""Sessions of one push: rules of a hundred bytes each would else become millions of rows."""
TOO_MANY = f"A push holds at most {MOST_OCCASIONS:,} sessions. Send the rest in another one."
LIVE = (Status.DRAFT, Status.SUBMITTED, Status.PUBLISHED)
"""States of a listing that its source still has; the others have ended one way or another."""


# --- plan -------------------------------------------------------------------------------------


def plan(
    session: Session,
    origin: Origin,
    items: Sequence[Item],
    rules: Rules,
    *,
    force: bool = False,
    complete: bool = False,
) -> list[Planned]:
    """Decide what becomes of each item; nothing is written.

    `force` looks at unchanged ones. `complete` means that the items are all that the source has:
    what it left out is to be withdrawn, unless an item could not be identified.
    """
    planned = [
        Planned(item, errors=list(item.errors), warnings=list(item.warnings)) for item in items
    ]
    _identify(planned, origin)
    _find_known(session, origin, [entry for entry in planned if not entry.errors])
    room = MOST_OCCASIONS
    applicable: list[Planned] = []
    # In parts: a listing takes several times its size while it is looked at.
    for some in chunks([entry for entry in planned if not entry.errors], AT_ONCE):
        candidates = [entry for entry in some if _is_to_be_looked_at(entry, origin, force=force)]
        valid = _fit([entry for entry in candidates if _validate(entry)], room)
        room -= sum(len(entry.occasions) for entry in valid)
        if valid:
            _resolve(session, origin, valid, rules)
        for entry in candidates:
            entry.write = None
        applicable += [entry for entry in valid if not entry.errors]
    for entry in applicable:
        if entry.known is None:
            entry.outcome = Outcome.CREATED
        elif not force and _is_the_same_draft(entry, entry.known):
            entry.outcome = Outcome.UNCHANGED
        else:
            entry.outcome = Outcome.UPDATED
            if not force:
                entry.warnings += _told_of_its_state(entry, entry.known)
    _tell_alike(applicable)
    if complete and all(entry.external_id for entry in planned):
        planned += _left_out(session, origin, {entry.external_id for entry in planned})
    return planned


def _is_to_be_looked_at(entry: Planned, origin: Origin, *, force: bool) -> bool:
    """Whether an item says something new; what is settled already gets its outcome here."""
    entry.digest = digest_of(_basis(entry, origin))
    if entry.item.withdrawn:
        entry.outcome = _withdrawal(entry)
    elif not force and _is_settled(entry):
        entry.outcome = Outcome.UNCHANGED
    else:
        return True
    return False


def _fit(entries: Sequence[Planned], room: int) -> list[Planned]:
    """Those whose sessions are not too many, all together."""
    found = []
    for entry in entries:
        room -= len(entry.occasions)
        if room < 0:
            entry.refuse("#/sessions", TOO_MANY, "too_many_sessions")
        else:
            found.append(entry)
    return found


def live(session: Session, origin: Origin) -> int:
    """How many live listings a source has."""
    statement = select(func.count()).where(
        col(Opportunity.source_pk) == origin.pk, col(Opportunity.status).in_(LIVE)
    )
    count: int = session.execute(statement).scalar_one()
    return count


def _left_out(session: Session, origin: Origin, present: Collection[Any]) -> list[Planned]:
    table = Opportunity.__table__  # type: ignore[attr-defined]
    statement = (
        select(*(table.c[name] for name in _KNOWN))
        .where(
            table.c.source_pk == origin.pk,
            or_(table.c.status.in_(LIVE), table.c.withdrawn_by == MERGE),
        )
        .order_by(table.c.pk)
    )
    found = []
    for external_id, *rest in session.execute(statement):
        if external_id not in present:
            entry = Planned(Item(None, external_id, None), external_id, Outcome.WITHDRAWN)
            entry.known = Known(*rest)
            found.append(entry)
    return found


def _told_of_its_state(entry: Planned, known: Known) -> list[FieldError]:
    """What keeps a change from being shown where it was sent."""
    found = list(remarks.stood_for(known))
    if entry.verdict and entry.verdict.status is Status.WITHDRAWN:
        found += remarks.held_back(known)
    return found


def _is_the_same_draft(entry: Planned, known: Known) -> bool:
    """A draft is looked at each time, since what it lacked elsewhere may be there; it was not."""
    return (
        known.digest == entry.digest
        and known.status is Status.DRAFT
        and entry.verdict == Verdict(Status.DRAFT)
        and list(known.missing) == entry.missing
    )


def _withdrawal(entry: Planned) -> Outcome:
    """What becomes of an item that is not to be shown: it is withdrawn if it is live."""
    known = entry.known
    if known is not None and (known.status in LIVE or known.withdrawn_by == MERGE):
        return Outcome.WITHDRAWN
    return Outcome.UNCHANGED


def _tell_alike(entries: Sequence[Planned]) -> None:
    told = [
        (
            entry.external_id,
            entry.columns["title"],
            entry.columns["venue_pk"] or entry.columns["easting"],
            entry.columns["first_session_at"],
        )
        for entry in entries
    ]
    for position, warning in remarks.alike(told):
        entries[position].warnings.append(warning)


def plan_held(
    session: Session,
    origin: Origin,
    items: Sequence[Item],
    rules: Rules,
    planned: list[Planned] | None = None,
    *,
    complete: bool = False,
) -> list[Planned]:
    """A plan that nobody can overtake: its listings are locked, and still as it found them.

    A plan that was made before, without the lock, is made again if a moderator or the clock
    came in between.
    """
    if planned is None:
        planned = plan(session, origin, items, rules, complete=complete)
    while not _lock(session, planned):
        planned = plan(session, origin, items, rules, complete=complete)
    return planned


def _lock(session: Session, planned: Sequence[Planned]) -> bool:
    """Lock the listings that a plan is about; whether they are as it found them."""
    found = {entry.known.pk: entry.known.version for entry in planned if entry.known}
    table = Opportunity.__table__  # type: ignore[attr-defined]
    stands = True
    for pks in chunks(sorted(found)):
        # In one order everywhere, so that two writers never wait for each other.
        statement = select(table.c.pk, table.c.version).where(table.c.pk.in_(pks))
        held = session.execute(statement.order_by(table.c.pk).with_for_update(key_share=True))
        stands = all(found[pk] == version for pk, version in held.all()) and stands
    return stands


def clean_external_id(value: Any) -> str:
    """An external id in NFC without outer spaces; ValueError says what is wrong with it."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value.strip():
        raise ValueError("Every item needs an external_id: your own id for it.")
    cleaned = unicodedata.normalize("NFC", value).strip()
    if len(cleaned) > 200:
        raise ValueError("An external_id has at most 200 characters.")
    if cleaned in {".", ".."} or any(unicodedata.category(one) == "Cc" for one in cleaned):
        raise ValueError("An external_id must not be `.` or `..`, nor hold control characters.")
    return cleaned


def _is_told(entry: Planned, code: str) -> bool:
    return any(error.code == code for error in entry.errors)


def _identify(planned: Sequence[Planned], origin: Origin) -> None:
    seen: dict[str, list[Planned]] = {}
    for entry in planned:
        if entry.errors and entry.item.external_id is None:
            continue
        if not isinstance(entry.item.said, dict):
            entry.refuse("#", "An item is a JSON object.", "object_expected")
            continue
        entry.defaults = origin.defaults
        try:
            entry.external_id = clean_external_id(entry.item.external_id)
        except ValueError as error:
            entry.refuse("#/external_id", str(error), "external_id")
            continue
        seen.setdefault(entry.external_id, []).append(entry)
    for external_id, same in seen.items():
        if len(same) > 1:
            if all(_is_told(entry, "duplicate_external_id") for entry in same):
                continue  # rows of a table, which name each other
            lines = [entry.item.line for entry in same]
            numbers = [entry.item.index for entry in same] if None in lines else lines
            places = f"{'at' if None in lines else 'on lines'} {', '.join(map(str, numbers))}"
            for entry in same:
                entry.refuse(
                    "#/external_id",
                    f"{external_id!r} is given more than once, {places}. Keep one.",
                    "duplicate_external_id",
                )


_KNOWN = (
    "external_id",
    "pk",
    "id",
    "version",
    "payload_digest",
    "status",
    "withdrawn_by",
    "approved_at",
    "published_at",
    "last_session_ends_at",
    "overrides",
    "pending",
    "provider_pk",
    "refused_digest",
    "missing",
    "gaps",
    "merged_into_pk",
    "rejection_reason",
)


def _find_known(session: Session, origin: Origin, planned: Sequence[Planned]) -> None:
    table = Opportunity.__table__  # type: ignore[attr-defined]
    by_id = {entry.external_id: entry for entry in planned if entry.external_id}
    for ids in chunks(list(by_id)):
        statement = select(*(table.c[name] for name in _KNOWN)).where(
            table.c.source_pk == origin.pk, table.c.external_id.in_(ids)
        )
        for external_id, *rest in session.execute(statement):
            by_id[external_id].known = Known(*rest)
    origins.note_survivors(session, [entry.known for entry in planned if entry.known])


def _basis(entry: Planned, origin: Origin) -> Any:
    """What must stay the same for an item to be unchanged."""
    if entry.item.basis is None:
        return entry.payload
    return [entry.item.basis, origin.defaults]


def digest_of(payload: Any) -> str:
    """What tells whether an item says the same as before, its defaults included."""
    text = json.dumps([PARSER, payload], sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _is_settled(entry: Planned) -> bool:
    """Whether a push of the same again leaves everything as it is."""
    known = entry.known
    if known is None:
        return False
    if known.pending is not None:
        return bool(known.pending["digest"] == entry.digest)
    if entry.digest not in {known.digest, known.refused_digest}:
        return False
    match known.status:
        case Status.PUBLISHED | Status.SUBMITTED | Status.REJECTED:
            return True
        case Status.WITHDRAWN:
            return known.withdrawn_by in HELD
        case Status.EXPIRED:
            return known.last_ends_at is not None and known.last_ends_at < now()
        case _:
            return False  # a draft: what was missing elsewhere may be there by now


def _validate(entry: Planned) -> bool:
    overrides = entry.known.overrides if entry.known else {}
    corrected = {name: override["value"] for name, override in overrides.items()}
    try:
        said = origins.filled(entry.payload, entry.known.gaps if entry.known else None)
        entry.write = OpportunityWrite.model_validate({**said, **corrected})
    except ValidationError as error:
        for found in error.errors()[:MOST_ERRORS]:
            entry.errors.append(field_error({**found, "loc": ("body", *found["loc"])}))
        return False
    try:
        entry.occasions = occasions.of(entry.write)
    except ValueError as error:
        entry.refuse("#/recurrence/rrule", str(error), "recurrence")
        return False
    return True


def _resolve(session: Session, origin: Origin, planned: Sequence[Planned], rules: Rules) -> None:
    writes = [entry.write for entry in planned if entry.write]
    world = references.read_world(session, origin, writes)
    at = now()
    for entry in planned:
        if entry.write:
            references.place(session, entry, entry.write, origin, world)
            if not entry.errors:
                _decide(entry, entry.write, origin, world, rules, at)


def _decide(
    entry: Planned,
    write: OpportunityWrite,
    origin: Origin,
    world: World,
    rules: Rules,
    at: datetime,
) -> None:
    columns = entry.columns
    columns |= occasions.summary(entry.occasions, at)
    provider = _organisation(world, columns["provider_pk"])
    entry.missing = missing_facts(
        write,
        has_provider=provider is not None,
        has_place=bool(entry.areas) or columns["region_wide"] or columns["easting"] is not None,
        has_dates=write.always_available or bool(entry.occasions),
        safeguarding=not rules.safeguarding_required
        or (provider is not None and provider.safeguarding_complete),
    )
    known = entry.known
    ends = columns["last_session_ends_at"]
    clash = remarks.overlap(entry.occasions)
    if clash:
        entry.warnings.append(clash)
    if len(entry.occasions) < len(write.sessions):
        entry.warnings += islice(remarks.repeated(write.sessions), MOST_ERRORS)
    entry.warnings += islice(remarks.skipped(write, entry.occasions, entry.item.said), MOST_ERRORS)
    if known and provider and known.provider_pk not in {None, provider.pk}:
        entry.warn(
            "#/provider",
            f"The listing moves to {provider.name}: it was another organisation's before.",
            "provider_changed",
        )
    entry.verdict = after_push(
        known.status if known else None,
        withdrawn_by=known.withdrawn_by if known else None,
        was_approved=bool(known and known.approved_at),
        changed=known is None or known.digest != entry.digest,
        trusted=origin.trusted,
        missing=bool(entry.missing),
        over=not write.always_available and ends is not None and ends < at,
        manual=origin.manual,
    )
    price = write.price
    content = write.model_dump(mode="json", by_alias=True, exclude={"sessions"})
    columns |= {
        "title": write.title,
        "title_sort": titles.sortable(write.title),
        "kind": write.kind,
        "delivery": write.delivery,
        "age_min": write.age_min,
        "age_max": write.age_max,
        "free": bool(price and price.free),
        "price_pence": _pence(write),
        "always_available": write.always_available,
        "content": ReadyJSON(dumps(content).decode()),
        "payload_digest": entry.digest,
        "missing": entry.missing,
        "sort_at": columns["next_session_at"] or NEVER,
    }
    columns |= quality.columns(content, entry.occasions)


def _organisation(world: World, pk: int | None) -> Organisation | None:
    if world.owner is not None and world.owner.pk == pk:
        return world.owner
    return next((found for found in world.organisations.values() if found.pk == pk), None)


def _pence(write: OpportunityWrite) -> int | None:
    if write.price is None or not (write.price.free or write.price.lowest is not None):
        return None
    return int((write.price.lowest or 0) * 100)


def explain(missing: Iterable[str]) -> list[FieldError]:
    """What is missing, as things to do."""
    return [
        FieldError(pointer=f"#/{name}", detail=WHAT_IS_MISSING[name], code=f"missing_{name}")
        for name in missing
    ]
