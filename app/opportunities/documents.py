"""The stored document of a listing: its public JSON, kept up when something in it changes.

Reads serve it as it stands, without a query for each thing that it shows. It leaves out what
moves on its own: the change number is spliced in, and addresses start with `@`, which stands for
the public address of the service. A document that differs from the stored one makes a new change
number, and so does a session that differs, which may be one of those that no document shows.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import String, and_, bindparam, cast, or_, select, text, true, update
from sqlmodel import Session, col

from app.authorities.models import Authority, Cover
from app.kit.change_numbers import number
from app.kit.database import Database, Row, touched
from app.kit.strict_json import dumps
from app.opportunities import indexing, places
from app.opportunities.models import (
    Opportunity,
    OpportunityArea,
    OpportunityTerm,
    Status,
)
from app.opportunities.rendering import Shown
from app.organisations.models import Organisation, Venue
from app.partnerships.models import Partnership
from app.programmes.models import Programme
from app.vocabularies.models import Term

AT_ONCE = 1_000
"""Up to this many listings follow a change elsewhere in its own transaction; more by a job."""
CHUNK = 500
Members = Callable[[Any], str]
"""Members of JSON for a row, each behind a comma."""


def nothing(_: Any) -> str:
    """No members."""
    return ""


# --- serving ----------------------------------------------------------------------------------


def served(document: str, change_number: int | None, public_url: str, **more: Any) -> str:
    """A stored document as it is sent: change number and addresses filled in, members added."""
    text = document.replace('"href":"@/', f'"href":"{public_url}/')
    added = {"change_number": change_number, **more}
    return text[:-1] + "," + dumps(added).decode()[1:]


def served_together(rows: Iterable[Any], public_url: str, more: Members = nothing) -> str:
    """The documents of a page as they are sent, with their numbers and what is told of each."""
    return served_apart(rows, public_url, ",", more).removesuffix(",")


def served_apart(rows: Iterable[Any], public_url: str, end: str, more: Members = nothing) -> str:
    """The same, each with this end behind it."""
    found = "".join(
        f'{row.document[:-1]},"change_number":{row.change_number or "null"}{more(row)}}}{end}'
        for row in rows
    )
    return found.replace('"href":"@/', f'"href":"{public_url}/')


# --- keeping up -------------------------------------------------------------------------------


def mark(session: Session, pks: Iterable[int]) -> None:
    """Note listings that changed; their documents follow before the commit."""
    session.info.setdefault("listings", set()).update(pks)


def mark_anew(session: Session, pks: Iterable[int]) -> None:
    """Note listings that changed beyond what their documents show: they get a new number anyway."""
    noted = set(pks)
    mark(session, noted)
    session.info.setdefault("anew", set()).update(noted)


def refresh_touched(session: Session) -> None:
    """The before-commit listener: re-render what changed, and what shows something that did."""
    pks: set[int] = session.info.pop("listings", set())
    for row in touched(session):
        if isinstance(row, Venue):
            places.follow(session, row)
    showing = _showing(touched(session))
    if showing:
        where = or_(*showing)
        found = session.execute(select(col(Opportunity.pk)).where(where).limit(AT_ONCE + 1))
        affected = set(found.scalars())
        if len(affected) > AT_ONCE:
            session.execute(
                update(Opportunity)
                .where(where)
                .values(stale=True)
                .execution_options(synchronize_session=False)
            )
        else:
            pks |= affected
    refresh(session, sorted(pks))


def rename_source(session: Session, source_pk: int, name: str) -> None:
    """Give the listings of a source its new name; their documents follow by the job."""
    session.execute(
        update(Opportunity)
        .where(col(Opportunity.source_pk) == source_pk)
        .values(source_name=name, stale=True)
        .execution_options(synchronize_session=False)
    )
    into = select(col(Opportunity.merged_into_pk)).where(
        col(Opportunity.source_pk) == source_pk, col(Opportunity.merged_into_pk).is_not(None)
    )
    session.execute(
        update(Opportunity)
        .where(col(Opportunity.pk).in_(into))
        .values(stale=True)
        .execution_options(synchronize_session=False)
    )


def refresh_stale(database: Database) -> int:
    """The job that renders what a wide change left stale, chunk by chunk; the number rendered."""
    total = 0
    while True:
        with database.writing(seconds=60) as session:
            statement = (
                select(col(Opportunity.pk))
                .where(col(Opportunity.stale) == true())
                .order_by(col(Opportunity.pk))
                .limit(CHUNK)
                .with_for_update(key_share=True, skip_locked=True)
            )
            pks = list(session.execute(statement).scalars())
            if not pks:
                return total
            refresh(session, pks)
            total += len(pks)


def refresh(session: Session, pks: Sequence[int]) -> None:
    """Render these listings afresh; those whose document differs get a new change number."""
    session.flush()
    anew: set[int] = session.info.get("anew", set())
    for start in range(0, len(pks), CHUNK):
        _refresh_chunk(session, pks[start : start + CHUNK], anew)
    anew.difference_update(pks)


def _refresh_chunk(session: Session, pks: Sequence[int], anew: Collection[int]) -> None:
    table = Opportunity.__table__  # type: ignore[attr-defined]
    # Locked before they are read: else a push that commits in between would be shown no more.
    locked = select(table.c.pk).where(table.c.pk.in_(pks)).order_by(table.c.pk)
    session.execute(locked.with_for_update(key_share=True))
    shown = Shown.read(session, pks)
    changed: dict[int, str] = {}
    numbered = []
    indexed = {}
    for row in shown.listings:
        rendered = shown.render(row)
        document = dumps(rendered).decode()
        indexed[row.pk] = shown.index(row, rendered)
        if document != row.document or row.stale:
            changed[row.pk] = document
        if (document != row.document or row.pk in anew) and (
            row.status is Status.PUBLISHED or row.change_number is not None
        ):
            numbered.append(row.pk)
    if changed:
        _store(session, changed)
    indexing.update(session, indexed)
    number(session, table, numbered)


def _store(session: Session, changed: Mapping[int, str]) -> None:
    """Give listings their new documents.

    The version stays: an edit of such a listing by somebody else is no conflict with it.
    """
    table = Opportunity.__table__  # type: ignore[attr-defined]
    connection = session.connection()
    if connection.dialect.name != "sqlite":
        connection.execute(
            text(
                "UPDATE opportunity SET document = n.document, stale = FALSE, unmatched = TRUE"
                " FROM unnest(CAST(:pks AS int[]), CAST(:documents AS text[])) AS n(pk, document)"
                " WHERE opportunity.pk = n.pk"
            ),
            {"pks": list(changed), "documents": list(changed.values())},
        )
        return
    connection.execute(
        update(table)
        .where(table.c.pk == bindparam("row_pk"))
        .values(document=bindparam("new_document"), stale=False, unmatched=True),
        [{"row_pk": pk, "new_document": document} for pk, document in changed.items()],
    )


def _showing(rows: Sequence[Row]) -> list[Any]:
    """Conditions that find the listings which show one of the rows."""
    found: dict[type[Row], list[int]] = {}
    for row in rows:
        if row.pk is not None:
            found.setdefault(type(row), []).append(row.pk)
    conditions: list[Any] = []
    if Organisation in found:
        conditions.append(col(Opportunity.provider_pk).in_(found[Organisation]))
    if Venue in found:
        conditions.append(col(Opportunity.venue_pk).in_(found[Venue]))
    if Programme in found:
        conditions.append(col(Opportunity.programme_pk).in_(found[Programme]))
    if Authority in found:
        conditions.append(reaching(found[Authority]))
    if Term in found:
        # Its label is one of the words that find a listing.
        carrying = (
            select(col(OpportunityTerm.opportunity_pk))
            .join(
                Term,
                and_(
                    cast(col(Term.vocabulary), String) == col(OpportunityTerm.vocabulary),
                    col(Term.code) == col(OpportunityTerm.code),
                ),
            )
            .where(col(Term.pk).in_(found[Term]))
        )
        conditions.append(col(Opportunity.pk).in_(carrying))
    if Partnership in found:
        ids = select(col(Partnership.id)).where(col(Partnership.pk).in_(found[Partnership]))
        covered = select(col(Cover.authority_pk)).where(col(Cover.partnership_id).in_(ids))
        conditions.append(reaching(covered))
    return conditions


def reaching(authority_pks: Any) -> Any:
    """Listings that reach one of these authorities, or a district of one."""
    districts = select(col(Authority.pk)).where(
        or_(col(Authority.pk).in_(authority_pks), col(Authority.parent_pk).in_(authority_pks))
    )
    return col(Opportunity.pk).in_(
        select(col(OpportunityArea.opportunity_pk)).where(
            col(OpportunityArea.authority_pk).in_(districts)
        )
    )
