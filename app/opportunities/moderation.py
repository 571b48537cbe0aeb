"""Deciding about listings, one or hundreds: the same rules, in a bounded number of statements.

Every rule is looked at before anything is written, so that an item is decided on as a whole or
not at all. What goes in force runs through the intake, once for each source.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, update
from sqlmodel import Session, col

from app.access import audit
from app.access.models import Caller, Role
from app.deliveries.actions import announce
from app.kit.problems import (
    CONFLICT,
    FORBIDDEN,
    GONE,
    NOT_FOUND,
    STALE,
    FieldError,
    Kind,
    Problem,
    invalid,
)
from app.kit.times import now
from app.opportunities import differences, documents, intake, origins, queries, storing
from app.opportunities.life import MERGE, PARTNER, STAFF, Rules
from app.opportunities.models import Opportunity, Status
from app.opportunities.planned import Item, Origin, Outcome, Planned
from app.opportunities.submissions import tell_submitted

NOT_PUBLISHABLE = Kind(
    "not_publishable", 409, "Not ready to be published", "Add what `errors` lists, then try again."
)


class Action(StrEnum):
    """What a person does to a listing."""

    SUBMIT = "submit"
    APPROVE = "approve"
    REJECT = "reject"
    WITHDRAW = "withdraw"
    RESTORE = "restore"


@dataclass(frozen=True)
class Decision:
    """What is done, why, and to which fields of a change that waits (none named: to all)."""

    action: Action
    reason: str | None = None
    fields: tuple[str, ...] = ()


@dataclass(frozen=True)
class Named:
    """A listing that somebody decides on, at the version that they saw."""

    id: UUID
    version: int


@dataclass(frozen=True)
class Decided:
    """What became of one of them: its state and version now, and what stood against it."""

    id: UUID
    version: int | None
    status: Status | None
    problem: Problem | None


@dataclass
class _Done:
    """The listings decided on so far: the new state, or why not."""

    states: dict[int, Status] = field(default_factory=dict)
    problems: dict[int, Problem] = field(default_factory=dict)


# --- one, and many ----------------------------------------------------------------------------


def decide(
    session: Session, caller: Caller, row: Opportunity, decision: Decision, rules: Rules
) -> None:
    """Decide about one listing, which is locked; a problem if that may not be."""
    done = _decide(session, caller, [row], decision, rules)
    for problem in done.problems.values():
        raise problem
    session.refresh(row)
    action, status = decision.action, row.status
    announce(session, f"opportunity.{action}", {"id": str(row.id), "status": status.value})


def decide_all(
    session: Session, caller: Caller, named: Sequence[Named], decision: Decision, rules: Rules
) -> list[Decided]:
    """Decide about many listings; one that may not be decided on stops none of the others."""
    rows = queries.locked(session, caller, [one.id for one in named])
    problems = _unfit(session, named, rows)
    fit = [row for row in rows.values() if row.id not in problems]
    done = _decide(session, caller, fit, decision, rules)
    problems |= {row.id: done.problems[pk] for row in fit if (pk := _pk(row)) in done.problems}
    states = queries.states(session, [_pk(row) for row in rows.values()])
    if done.states:
        items = [{"id": str(states[pk].id), "status": status} for pk, status in done.states.items()]
        announce(session, "opportunity.moderated", {"action": decision.action, "items": items})
    found = []
    for one in named:
        row = rows.get(one.id)
        state = states[_pk(row)] if row else None
        found.append(
            Decided(
                id=one.id,
                version=state.version if state else None,
                status=state.status if state else None,
                problem=problems.get(one.id),
            )
        )
    return found


def _unfit(
    session: Session, named: Sequence[Named], rows: Mapping[UUID, Opportunity]
) -> dict[UUID, Problem]:
    """What keeps some of them from being looked at: unseen, changed meanwhile, named twice."""
    problems: dict[UUID, Problem] = {}
    met: set[UUID] = set()
    gone = queries.were_public(session, [one.id for one in named if one.id not in rows])
    for one in named:
        row = rows.get(one.id)
        if one.id in met:
            problems[one.id] = Problem(CONFLICT, "It is named more than once. Name it once.")
        elif row is None:
            missing = Problem(NOT_FOUND, "There is no listing with this id.")
            problems[one.id] = Problem(GONE) if one.id in gone else missing
        elif row.version != one.version:
            problems[one.id] = Problem(STALE)
        met.add(one.id)
    return problems


def _decide(
    session: Session,
    caller: Caller,
    rows: Sequence[Opportunity],
    decision: Decision,
    rules: Rules,
) -> _Done:
    session.flush()
    done = _Done()
    managed = queries.managed(session, caller, [_pk(row) for row in rows])
    moderates = caller.role is not Role.PUBLISHER
    allowed = []
    for row in rows:
        owns = _pk(row) in managed
        problem = _refusal(row, decision, owns=owns, moderates=owns and moderates)
        if problem:
            done.problems[_pk(row)] = problem
        else:
            allowed.append(row)
    match decision.action:
        case Action.SUBMIT:
            _submit(session, allowed, rules, done)
        case Action.APPROVE:
            _approve(session, allowed, decision, rules, done)
        case Action.REJECT:
            _reject(session, allowed, decision, done)
        case Action.WITHDRAW:
            _withdraw(session, allowed, decision, STAFF if moderates else PARTNER, done)
        case Action.RESTORE:
            _restore(session, caller, allowed, rules, done)
    changes = [
        (row.id, row.status, done.states[pk]) for row in rows if (pk := _pk(row)) in done.states
    ]
    audit.record_all(session, caller, f"opportunity.{decision.action}", "opportunity", changes)
    documents.mark(session, done.states)
    return done


# --- the rules --------------------------------------------------------------------------------


def _refusal(
    row: Opportunity, decision: Decision, *, owns: bool, moderates: bool
) -> Problem | None:
    """What stands against a decision about a listing as it is."""
    if decision.action in {Action.SUBMIT, Action.WITHDRAW}:
        if not owns:
            return Problem(FORBIDDEN, "This listing belongs to another organisation.")
    elif not moderates:
        return Problem(FORBIDDEN, "Only staff and the coordinators of its area decide about it.")
    status = row.status
    match decision.action:
        case Action.APPROVE | Action.REJECT:
            return _undecidable(row, decision)
        case Action.SUBMIT if status is not Status.DRAFT:
            return Problem(CONFLICT, f"Only a draft is submitted; this listing is {status}.")
        case Action.WITHDRAW if status is Status.REJECTED:
            return Problem(CONFLICT, "It was rejected: nothing of it is public.")
        case Action.WITHDRAW if status is Status.WITHDRAWN:
            if row.withdrawn_by == STAFF or not moderates:
                return Problem(CONFLICT, "It is withdrawn already.")
        case Action.RESTORE if status is not Status.WITHDRAWN:
            return Problem(
                CONFLICT, f"Only what is withdrawn is restored; this listing is {status}."
            )
    return None


def _undecidable(row: Opportunity, decision: Decision) -> Problem | None:
    if row.pending is not None:
        return _wrong_fields(row, row.pending, decision.fields)
    if row.status not in {Status.SUBMITTED, Status.DRAFT}:
        return Problem(CONFLICT, f"Nothing waits for a decision; this listing is {row.status}.")
    if decision.fields:
        return Problem(
            CONFLICT,
            "Only a change that waits beside a published listing is decided field by field. "
            "Leave `fields` out.",
        )
    return None


def _wrong_fields(
    row: Opportunity, pending: Mapping[str, Any], fields: Sequence[str]
) -> Problem | None:
    waits = differences.waiting(row.payload, pending, row.overrides) if fields else []
    for index, name in enumerate(fields):
        if name not in waits:
            return invalid(
                f"#/fields/{index}",
                f"No change of {name!r} waits. What waits: {', '.join(waits) or 'nothing'}.",
            )
    return None


# --- what is done -----------------------------------------------------------------------------


def _submit(session: Session, rows: Sequence[Opportunity], rules: Rules, done: _Done) -> None:
    asked = [_Asked.again(row) for row in rows]
    complete = _complete(_planned(session, asked, rules, trusted=False), done)
    values = {"status": Status.SUBMITTED, "rejection_reason": None}
    _set(session, [entry.asked.row for entry in complete], values)
    done.states |= {_pk(entry.asked.row): Status.SUBMITTED for entry in complete}
    tell_submitted(session, [_pk(entry.asked.row) for entry in complete])


def _approve(
    session: Session,
    rows: Sequence[Opportunity],
    decision: Decision,
    rules: Rules,
    done: _Done,
) -> None:
    asked = [
        _Asked.again(row) if row.pending is None else _Asked.of(row, row.pending, decision.fields)
        for row in rows
    ]
    found = _complete(_planned(session, asked, rules, trusted=True), done)
    _apply(session, found, done)
    left = [
        {"pending": one.asked.left, "refused_digest": one.asked.refused, "row_pk": one.planned.pk}
        for one in found
        if one.asked.left or one.asked.refused
    ]
    _set_each(session, ("pending", "refused_digest"), left, edited=False)


def _reject(session: Session, rows: Sequence[Opportunity], decision: Decision, done: _Done) -> None:
    changes, listings = [], []
    for row in rows:
        if row.pending is None:
            listings.append(row)
            done.states[_pk(row)] = Status.REJECTED
            continue
        # The approved content stays. The refused payload is remembered, so that sending it
        # again unchanged does not make it wait again.
        refused = {*row.pending.get("refused", ()), *decision.fields}
        left: dict[str, Any] | None = {**row.pending, "refused": sorted(refused)}
        if not decision.fields or not differences.waiting(row.payload, left or {}, row.overrides):
            left = None
        digest = row.refused_digest if left else row.pending["digest"]
        changes.append({"pending": left, "refused_digest": digest, "row_pk": _pk(row)})
        done.states[_pk(row)] = row.status
    reason = {"rejection_reason": decision.reason}
    _set(session, listings, {"status": Status.REJECTED, "approved_at": None, **reason})
    _set_each(session, ("pending", "refused_digest"), changes, reason)


def _withdraw(
    session: Session,
    rows: Sequence[Opportunity],
    decision: Decision,
    by: str,
    done: _Done,
) -> None:
    values = {
        "status": Status.WITHDRAWN,
        "withdrawn_by": by,
        "pending": None,
        "rejection_reason": decision.reason,
    }
    _set(session, rows, values)
    done.states |= {_pk(row): Status.WITHDRAWN for row in rows}


def _restore(
    session: Session,
    caller: Caller,
    rows: Sequence[Opportunity],
    rules: Rules,
    done: _Done,
) -> None:
    for row in rows:
        if row.withdrawn_by == MERGE:
            origins.part(session, caller, row)
    # As if the partner had taken them away: that is what a push, and so the intake, revives.
    before = [{"withdrawn_by": row.withdrawn_by, "row_pk": _pk(row)} for row in rows]
    _set(session, rows, {"withdrawn_by": PARTNER}, edited=False)
    for approved in (True, False):
        some = [row for row in rows if (row.approved_at is not None) is approved]
        found = _planned(session, [_Asked.again(row) for row in some], rules, trusted=approved)
        _apply(session, _valid(found, done), done)
    refused = [one for one in before if one["row_pk"] in done.problems]
    _set_each(session, ("withdrawn_by",), refused, edited=False)


# --- through the intake -----------------------------------------------------------------------


@dataclass(frozen=True)
class _Asked:
    """What is to be in force of a listing, and what still waits afterwards."""

    row: Opportunity
    payload: Mapping[str, Any]
    digest: str
    texts: Mapping[str, Any] | None
    left: dict[str, Any] | None = None
    refused: str | None = None

    @classmethod
    def again(cls, row: Opportunity) -> "_Asked":
        """Its own payload, looked at afresh: what was missing may be there by now."""
        return cls(row, row.payload, row.payload_digest, row.origin_text)

    @classmethod
    def of(cls, row: Opportunity, pending: dict[str, Any], fields: Collection[str]) -> "_Asked":
        """The change that waits beside it, or some fields of that; the rest keeps waiting."""
        refused = pending.get("refused", ())
        waits = differences.waiting(row.payload, pending, row.overrides)
        whole = not fields or set(fields) >= set(waits)
        if whole and not refused:
            return cls(row, pending["payload"], pending["digest"], pending.get("texts"))
        names = [name for name in differences.FIELDS if name in waits] if whole else fields
        payload = differences.mixed(row.payload, pending["payload"], names)
        return cls(
            row,
            payload,
            intake.digest_of(payload),
            differences.mixed_texts(row.origin_text, pending.get("texts"), names),
            left=None if whole else pending,
            refused=pending["digest"] if whole else row.refused_digest,
        )


@dataclass(frozen=True)
class _Plan:
    """What the intake makes of it."""

    asked: _Asked
    origin: Origin
    planned: Planned


def _planned(
    session: Session, asked: Iterable[_Asked], rules: Rules, *, trusted: bool
) -> list[_Plan]:
    """Plan them, one source at a time."""
    by_source: dict[int, list[_Asked]] = {}
    for one in asked:
        by_source.setdefault(one.row.source_pk, []).append(one)
    found = []
    for together in by_source.values():
        origin = origin_of(together[0].row, trusted=trusted)
        left = together
        while left:
            items = [
                Item(index, one.row.external_id, dict(one.payload), texts=one.texts)
                for index, one in enumerate(left)
            ]
            planned = intake.plan(session, origin, items, rules, force=True)
            plans = [_Plan(*both) for both in zip(left, [origin] * len(left), planned, strict=True)]
            # So many sessions at once are too many for one plan: the rest take the next one.
            later = [one for one in plans if _is_too_much(one.planned)]
            if len(later) == len(left):
                later = []
            found += [one for one in plans if not (later and _is_too_much(one.planned))]
            left = [one.asked for one in later]
    return found


def origin_of(
    row: Opportunity, *, trusted: bool, manual: bool = False, reviewed: bool = True
) -> Origin:
    """The origin of a listing that was taken in before."""
    return Origin(
        pk=row.source_pk,
        key=row.source_key,
        name=row.source_name,
        owner_pk=row.owner_pk,
        trusted=trusted,
        manual=manual,
        reviewed=reviewed,
    )


def _is_too_much(planned: Planned) -> bool:
    return any(error.code == "too_many_sessions" for error in planned.errors)


def _valid(found: Iterable[_Plan], done: _Done) -> list[_Plan]:
    """Those that the intake would take; the others are told why not."""
    valid = []
    for one in found:
        if one.planned.outcome is Outcome.REJECTED:
            done.problems[_pk(one.asked.row)] = refused(one.planned)
        else:
            valid.append(one)
    return valid


def _complete(found: Iterable[_Plan], done: _Done) -> list[_Plan]:
    """Those that lack nothing; the others are told what."""
    complete = []
    for one in found:
        errors: list[FieldError] = [
            *one.planned.errors,
            *intake.explain(one.planned.missing),
        ]
        if errors:
            problem = Problem(NOT_PUBLISHABLE, errors[0].detail, errors=errors)
            done.problems[_pk(one.asked.row)] = problem
        else:
            complete.append(one)
    return complete


def refused(planned: Planned) -> Problem:
    """Why the intake does not take a listing again."""
    first = planned.errors[0]
    return Problem(CONFLICT, f"{first.pointer}: {first.detail}", errors=planned.errors)


def _apply(session: Session, found: Iterable[_Plan], done: _Done) -> None:
    by_source: dict[int, list[_Plan]] = {}
    for one in found:
        by_source.setdefault(one.origin.pk, []).append(one)
    for plans in by_source.values():
        for one in plans:
            one.planned.digest = one.asked.digest
            one.planned.columns["payload_digest"] = one.asked.digest
            verdict = one.planned.verdict
            done.states[_pk(one.asked.row)] = verdict.status if verdict else one.asked.row.status
        storing.apply(session, plans[0].origin, [one.planned for one in plans])


# --- writing ----------------------------------------------------------------------------------


def _set(
    session: Session,
    rows: Sequence[Opportunity],
    values: Mapping[str, Any],
    *,
    edited: bool = True,
) -> None:
    """Give listings the same values; `edited` makes it a new version."""
    if rows:
        session.execute(
            update(Opportunity)
            .where(col(Opportunity.pk).in_([row.pk for row in rows]))
            .values(**values, **(_new_version() if edited else {}))
            .execution_options(synchronize_session=False)
        )


def _set_each(
    session: Session,
    names: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
    values: Mapping[str, Any] | None = None,
    *,
    edited: bool = True,
) -> None:
    """Give listings, named by `row_pk`, values of their own for these columns."""
    if not rows:
        return
    table = Opportunity.__table__  # type: ignore[attr-defined]
    statement = (
        update(table)
        .where(table.c.pk == bindparam("row_pk"))
        .values(
            {name: bindparam(f"new_{name}", type_=table.c[name].type) for name in names}
            | dict(values or {})
            | (_new_version() if edited else {})
        )
    )
    each = [
        {"row_pk": row["row_pk"], **{f"new_{name}": row[name] for name in names}} for row in rows
    ]
    session.connection().execute(statement, each)


def _new_version() -> dict[str, Any]:
    return {"version": Opportunity.version + 1, "updated_at": now()}


def _pk(row: Opportunity) -> int:
    return row.pk or 0
