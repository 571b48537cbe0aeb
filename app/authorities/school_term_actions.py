"""Replacing the school terms: staff only, all at once."""

from collections.abc import Mapping, Sequence
from datetime import date

from sqlalchemy import update
from sqlmodel import Session, col

from app.access import audit
from app.access.models import Caller
from app.authorities import queries, school_term_queries
from app.authorities.school_terms import (
    SchoolTerm,
    SchoolTermFields,
    SchoolTermsReport,
    SchoolTermsWrite,
    SchoolTermWrite,
)
from app.kit.database import Counter, touch
from app.kit.problems import INVALID, FieldError, Problem

COUNTER = "school_terms"
"""Counts the replacements; the lock on it lets one at a time in."""
FIELDS = set(SchoolTermFields.model_fields)


def replace(
    session: Session, caller: Caller, write: SchoolTermsWrite, *, demo: bool = False
) -> SchoolTermsReport:
    """Make these the only school terms; the same again changes nothing.

    A term that stays on its first day, of the same authority, keeps its id.
    """
    # Two replacements at once would each spare what the other adds.
    session.execute(
        update(Counter)
        .where(col(Counter.name) == COUNTER)
        .values(value=Counter.value + 1)
        .execution_options(synchronize_session=False)
    )
    pks = {name.code: name.pk for name in queries.names(session).values()}
    _check(write.items, pks)
    rows = school_term_queries.stored(session)
    before = [row.model_dump(mode="json") for row in rows]
    left = {(row.authority_pk, row.starts_on): row for row in rows}
    touched: list[SchoolTerm] = []
    added = 0
    for item in write.items:
        authority_pk = pks[item.authority] if item.authority else None
        values = {**item.model_dump(include=FIELDS), "demo": demo}
        row = left.pop((authority_pk, item.starts_on), None)
        if row is None:
            row = SchoolTerm(authority_pk=authority_pk, **values)
            added += 1
        elif all(getattr(row, name) == value for name, value in values.items()):
            continue
        else:
            row.sqlmodel_update(values)
        session.add(row)
        touched.append(row)
    for row in left.values():
        session.delete(row)
    report = SchoolTermsReport(
        terms=len(write.items),
        added=added,
        changed=len(touched) - added,
        removed=len(left),
        unchanged=len(write.items) - len(touched),
    )
    touched += left.values()
    if touched:
        touch(session, *touched)
        session.flush()
        after = write.model_dump(mode="json")
        audit.record(
            session, caller, "school_terms.replace", "school_terms", "all",
            before=before, after=after,
        )  # fmt: skip
    return report


def _check(items: Sequence[SchoolTermWrite], pks: Mapping[str, int]) -> None:
    """A 422 that names each item of no known authority, and each that overlaps an earlier one."""
    errors = [
        FieldError(
            pointer=f"#/items/{index}/authority",
            detail=f"There is no authority {item.authority}. Use a GSS code of /v1/authorities, "
            "or none for the whole region.",
            code="unknown_authority",
        )
        for index, item in enumerate(items)
        if item.authority is not None and item.authority not in pks
    ]
    errors += _overlaps(items)
    if errors:
        first = f"{errors[0].pointer}: {errors[0].detail}"
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        raise Problem(INVALID, first + more, errors=errors)


def _overlaps(items: Sequence[SchoolTermWrite]) -> list[FieldError]:
    errors = []
    latest: dict[str | None, tuple[date, SchoolTermWrite]] = {}
    for index, item in sorted(enumerate(items), key=lambda one: (one[1].starts_on, one[0])):
        until, other = latest.get(item.authority, (date.min, item))
        if item.starts_on <= until:
            errors.append(
                FieldError(
                    pointer=f"#/items/{index}/starts_on",
                    detail=f"It overlaps {other.name!r} of the same authority, which lasts from "
                    f"{other.starts_on} to {other.ends_on}.",
                    code="overlap",
                )
            )
        if item.ends_on >= until:
            latest[item.authority] = item.ends_on, item
    return errors
