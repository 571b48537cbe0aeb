"""Changing authorities: staff only. None is made or deleted by HTTP."""

from collections.abc import Mapping
from typing import Any

from sqlmodel import Session

from app.access import audit
from app.access.models import Caller
from app.authorities import queries
from app.authorities.models import Authority, AuthorityFields, AuthorityWrite, words_of
from app.kit.conditional import IfMatch
from app.kit.database import touch
from app.kit.problems import NOT_FOUND, Problem, invalid
from app.kit.shapes import merged


def replace_authority(
    session: Session, caller: Caller, code: str, write: AuthorityWrite, if_match: IfMatch
) -> Authority:
    """Write anew what staff may change of an authority."""
    return _write(session, caller, _editable(session, caller, code, if_match), write)


def update_authority(
    session: Session, caller: Caller, code: str, patch: Mapping[str, Any], if_match: IfMatch
) -> Authority:
    """Change what a merge patch names."""
    row = _editable(session, caller, code, if_match)
    return _write(session, caller, row, merged(_as_written(session, row), patch))


def _editable(session: Session, caller: Caller, code: str, if_match: IfMatch) -> Authority:
    row = queries.authority(session, caller, code)
    if row is None:
        raise Problem(NOT_FOUND, f"There is no authority {code!r}.")
    if_match.check(row)
    return row


def _write(session: Session, caller: Caller, row: Authority, write: AuthorityWrite) -> Authority:
    before = row.model_dump()
    row.sqlmodel_update(write.model_dump(include=set(AuthorityFields.model_fields)))
    row.words = words_of(row.name, row.aliases)
    row.successor_pk = _successor_pk(session, row, write.successor)
    session.add(row)
    touch(session, row)
    session.flush()
    audit.record(
        session, caller, "authority.update", "authority", row.code, before=before, after=row
    )
    return row


def _successor_pk(session: Session, row: Authority, code: str | None) -> int | None:
    if code is None:
        return None
    known = queries.by_code(session)
    if code not in known:
        raise invalid("#/successor", f"There is no authority {code}. Give a GSS code.")
    following = {each.pk: each.successor_pk for each in known.values()}
    pk = known[code].pk
    while pk is not None:
        if pk == row.pk:
            raise invalid("#/successor", "An authority cannot come after itself.")
        pk = following[pk]
    return known[code].pk


def _as_written(session: Session, row: Authority) -> AuthorityWrite:
    successor = session.get(Authority, row.successor_pk) if row.successor_pk else None
    return AuthorityWrite(
        **row.model_dump(include=set(AuthorityFields.model_fields)),
        successor=successor.code if successor else None,
    )
