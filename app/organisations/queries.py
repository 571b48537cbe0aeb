"""Reading organisations, their seats and their venues.

What is private is seen by staff and by those who act for it: its publisher, and the coordinators
of the partnerships that it sits on. The same people see the address of a hidden venue.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Integer,
    String,
    Text,
    Uuid,
    and_,
    cast,
    column,
    false,
    or_,
    table,
    true,
)
from sqlalchemy.orm import Mapped
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from app.access.models import SYSTEM, Caller, Role
from app.authorities.models import Authority
from app.kit.database import key
from app.kit.identifiers import slugify
from app.kit.problems import INVALID, Problem, invalid
from app.kit.shapes import Reference
from app.kit.times import today
from app.organisations.models import (
    EMBEDDED_VENUES,
    WORDS_LENGTH,
    Artsmark,
    Organisation,
    Seat,
    Venue,
    Visibility,
)
from app.vocabularies.models import Vocabulary
from app.vocabularies.queries import known_codes, labels, unknown_terms

# Partnerships live on a higher floor: they are known here by name only.
_PARTNERSHIP = table(
    "partnership",
    column("pk", Integer),
    column("id", Uuid),
    column("slug", String),
    column("visibility", String),
    column("deleted_at", String),
)

_SLUG_STEM = 74
"""Letters of a slug that is made here: what remains of 80 is for a number."""


# --- who may see what ------------------------------------------------------------------------


def visible_to(caller: Caller) -> SelectOfScalar[Organisation]:
    """The organisations that a caller may see."""
    public = col(Organisation.visibility) == Visibility.PUBLIC
    return select(Organisation).where(
        col(Organisation.deleted_at).is_(None), or_(public, acts_for(caller, Organisation.pk))
    )


def venues_visible_to(caller: Caller) -> SelectOfScalar[Venue]:
    """The venues that a caller may see: those of the organisations it may see."""
    shown = visible_to(caller).with_only_columns(col(Organisation.pk))
    return select(Venue).where(
        col(Venue.deleted_at).is_(None), col(Venue.organisation_pk).in_(shown)
    )


def acts_for(caller: Caller, organisation_pk: int | None) -> ColumnElement[bool]:
    """Whether a caller acts for the organisation in this column; given as SQL."""
    if caller.is_staff:
        return true()
    if caller.role is Role.PUBLISHER:
        return col(organisation_pk) == caller.organisation_pk
    if caller.role is Role.COORDINATOR:
        own = select(_PARTNERSHIP.c.id).where(
            _PARTNERSHIP.c.pk.in_(caller.partnership_pks), _PARTNERSHIP.c.deleted_at.is_(None)
        )
        seated = select(Seat.organisation_pk).where(col(Seat.partnership_id).in_(own), at_present())
        return col(organisation_pk).in_(seated)
    return false()


def among_own(session: Session, caller: Caller, pks: Collection[int]) -> Collection[int]:
    """Those of some organisations that a caller acts for, and so may edit."""
    if caller.is_staff or not pks or not caller.is_signed_in:
        return pks if caller.is_staff else ()
    statement = select(Organisation.pk).where(
        col(Organisation.pk).in_(pks), acts_for(caller, Organisation.pk)
    )
    return {pk for pk in session.exec(statement) if pk is not None}


def at_present() -> ColumnElement[bool]:
    """Whether a seat is held today."""
    day = today()
    return and_(
        or_(col(Seat.from_date).is_(None), col(Seat.from_date) <= day),
        or_(col(Seat.until_date).is_(None), col(Seat.until_date) > day),
    )


# --- finding organisations -------------------------------------------------------------------


def organisation(session: Session, caller: Caller, ref: str) -> Organisation | None:
    """One organisation, by its slug or its id."""
    return organisations_by_ref(session, [ref], caller).get(ref)


def organisations_by_ref(
    session: Session, refs: Iterable[str], caller: Caller = SYSTEM
) -> dict[str, Organisation]:
    """Organisations by the slugs or ids that name them; what does not exist is left out.

    For a filter or a reference that the public gives, hand over the caller.
    """
    wanted = _possible(refs)
    ids = _ids(wanted)
    if not wanted:
        return {}
    statement = visible_to(caller).where(
        or_(col(Organisation.slug).in_(wanted), col(Organisation.id).in_(ids))
    )
    found: dict[str, Organisation] = {}
    for row in session.execute(statement).scalars():
        if row.slug in wanted:
            found[row.slug] = row
        for ref in ids.get(row.id, ()):
            found[ref] = row
    return found


def by_pks(session: Session, pks: Iterable[int]) -> dict[int, Organisation]:
    """Organisations by primary key, deleted ones included."""
    wanted = set(pks)
    if not wanted:
        return {}
    statement = select(Organisation).where(col(Organisation.pk).in_(wanted))
    return {key(row): row for row in session.exec(statement)}


def summaries(session: Session, pks: Iterable[int], public_url: str) -> dict[int, Reference]:
    """References to organisations by primary key, deleted ones included."""
    found = by_pks(session, pks)
    return {pk: reference(row, public_url) for pk, row in found.items()}


def reference(row: Organisation, public_url: str) -> Reference:
    """An organisation as it is named elsewhere."""
    return Reference(id=row.id, slug=row.slug, name=row.name, href=address(row, public_url))


def address(row: Organisation, public_url: str) -> str:
    """Where an organisation is read."""
    return f"{public_url}/v1/organisations/{row.slug}"


def listed(
    caller: Caller,
    *,
    visibility: Visibility | None = None,
    sectors: Collection[str] = (),
    authority_pks: Collection[int] | None = None,
    partnership_ids: Collection[UUID] | None = None,
    artsmarks: Collection[Artsmark] = (),
    arts_award_centre: bool | None = None,
    q: str | None = None,
) -> SelectOfScalar[Organisation]:
    """The organisations that a caller may see, narrowed by what is given."""
    statement = visible_to(caller)
    if visibility:
        statement = statement.where(col(Organisation.visibility) == visibility)
    if sectors:
        statement = statement.where(col(Organisation.sector).in_(sectors))
    if authority_pks is not None:
        statement = statement.where(col(Organisation.authority_pk).in_(authority_pks))
    if partnership_ids is not None:
        seated = select(Seat.organisation_pk).where(
            col(Seat.partnership_id).in_(partnership_ids), at_present()
        )
        statement = statement.where(col(Organisation.pk).in_(seated))
    if artsmarks:
        statement = statement.where(col(Organisation.artsmark).in_(artsmarks))
    if arts_award_centre is not None:
        statement = statement.where(col(Organisation.arts_award_centre).is_(arts_award_centre))
    if q is not None:
        statement = statement.where(holds_words(col(Organisation.words), q))
    return statement


def seats(session: Session, organisation_pks: Collection[int]) -> Mapping[int, list[Seat]]:
    """The seats that organisations hold today, by partnership, in one query."""
    if not organisation_pks:
        return {}
    statement = (
        select(Seat)
        .where(col(Seat.organisation_pk).in_(organisation_pks), at_present())
        .order_by(col(Seat.slug), col(Seat.pk))
    )
    found: dict[int, list[Seat]] = {}
    for seat in session.exec(statement):
        found.setdefault(seat.organisation_pk, []).append(seat)
    return found


# --- finding venues --------------------------------------------------------------------------


def venue(session: Session, caller: Caller, ref: str) -> Venue | None:
    """One venue, by its slug or its id."""
    return venues_by_ref(session, [ref], caller).get(ref)


def venues_by_ref(
    session: Session, refs: Iterable[str], caller: Caller = SYSTEM
) -> dict[str, Venue]:
    """Venues by the slugs or ids that name them; what does not exist is left out."""
    wanted = _possible(refs)
    ids = _ids(wanted)
    if not wanted:
        return {}
    statement = venues_visible_to(caller).where(
        or_(col(Venue.slug).in_(wanted), col(Venue.id).in_(ids))
    )
    found: dict[str, Venue] = {}
    for row in session.execute(statement).scalars():
        if row.slug in wanted:
            found[row.slug] = row
        for ref in ids.get(row.id, ()):
            found[ref] = row
    return found


def venues_at(
    session: Session, organisation_pks: Iterable[int], postcodes: Iterable[str]
) -> dict[tuple[int, str], list[Venue]]:
    """The venues of these organisations at these postcodes (with their space), by both."""
    statement = (
        select(Venue)
        .where(
            col(Venue.organisation_pk).in_(set(organisation_pks)),
            col(Venue.postcode).in_(set(postcodes)),
            col(Venue.deleted_at).is_(None),
        )
        .order_by(col(Venue.pk))
    )
    found: dict[tuple[int, str], list[Venue]] = {}
    for row in session.execute(statement).scalars():
        found.setdefault((row.organisation_pk, row.postcode), []).append(row)
    return found


def venues_of(session: Session, organisation_pks: Iterable[int]) -> dict[int, list[Venue]]:
    """The venues of organisations by slug, in one query."""
    wanted = set(organisation_pks)
    if not wanted:
        return {}
    statement = (
        select(Venue)
        .where(col(Venue.organisation_pk).in_(wanted), col(Venue.deleted_at).is_(None))
        .order_by(col(Venue.slug))
    )
    found: dict[int, list[Venue]] = {}
    for row in session.exec(statement):
        found.setdefault(row.organisation_pk, []).append(row)
    return found


def first_venues(session: Session, organisation_pk: int) -> Sequence[Venue]:
    """The venues that one organisation shows without asking for the list."""
    statement = (
        select(Venue)
        .where(Venue.organisation_pk == organisation_pk, col(Venue.deleted_at).is_(None))
        .order_by(col(Venue.slug))
        .limit(EMBEDDED_VENUES)
    )
    return session.exec(statement).all()


def venues_listed(
    caller: Caller,
    *,
    organisation_pks: Collection[int] | None = None,
    authority_pks: Collection[int] | None = None,
    access: Collection[str] = (),
    q: str | None = None,
) -> SelectOfScalar[Venue]:
    """The venues that a caller may see, narrowed by what is given."""
    statement = venues_visible_to(caller)
    if organisation_pks is not None:
        statement = statement.where(col(Venue.organisation_pk).in_(organisation_pks))
    if authority_pks is not None:
        statement = statement.where(col(Venue.authority_pk).in_(authority_pks))
    if access:
        codes = cast(col(Venue.access), Text)
        statement = statement.where(
            or_(*(codes.contains(f'"{code}"', autoescape=True) for code in access))
        )
    if q is not None:
        # A hidden place must not be found by its name or address either.
        exact = or_(
            col(Venue.hide_exact_address).is_(False), acts_for(caller, Venue.organisation_pk)
        )
        statement = statement.where(exact, holds_words(col(Venue.words), q))
    return statement


def centres(session: Session, authority_pks: Iterable[int]) -> dict[int, Authority]:
    """Authorities by primary key, for their names and centres, in one query."""
    wanted = set(authority_pks)
    if not wanted:
        return {}
    statement = select(Authority).where(col(Authority.pk).in_(wanted))
    return {key(row): row for row in session.exec(statement)}


# --- what a request names --------------------------------------------------------------------


def organisations_meant(session: Session, caller: Caller, refs: Collection[str]) -> set[int]:
    """The keys of the organisations that `?organisation=` names; 422 if one is unknown."""
    found = organisations_by_ref(session, refs, caller)
    for ref in refs:
        if ref not in found:
            raise invalid("?organisation", f"There is no organisation {ref!r}.")
    return {key(row) for row in found.values()}


def partnerships_meant(session: Session, caller: Caller, refs: Collection[str]) -> set[UUID]:
    """The ids of the partnerships that `?partnership=` names; 422 if one is unknown."""
    wanted = _possible(refs)
    ids = _ids(wanted)
    there = _PARTNERSHIP.c
    statement = select(there.id, there.slug).where(
        there.deleted_at.is_(None), or_(there.slug.in_(wanted), there.id.in_(ids))
    )
    if not caller.is_staff:
        statement = statement.where(
            or_(there.visibility == Visibility.PUBLIC.value, there.pk.in_(caller.partnership_pks))
        )
    found = {slug: identifier for identifier, slug in session.execute(statement)}
    named = {*found, *(ref for one in found.values() for ref in ids.get(one, ()))}
    for ref in refs:
        if ref not in named:
            raise invalid("?partnership", f"There is no partnership {ref!r}.")
    return set(found.values())


def check_filter(
    session: Session, name: str, vocabulary: Vocabulary, codes: Collection[str]
) -> None:
    """A 422 for a filter that names no term; retired terms still find old items."""
    if not codes:
        return
    known = labels(session, vocabulary)
    for code in codes:
        if code not in known:
            allowed = ", ".join(sorted(known))
            raise invalid(
                f"?{name}", f"{code!r} is not a term of {vocabulary}. Use one of {allowed}."
            )


def check_sector(session: Session, sector: str, kept: str | None = None) -> None:
    """A 422 unless this is a current term, or the one that the organisation has already."""
    known = known_codes(session)[Vocabulary.SECTOR]
    if sector != kept and sector not in known:
        raise invalid(
            "#/sector",
            f"{sector!r} is not a term of sector. Use one of {', '.join(sorted(known))}.",
            "unknown_term",
        )


def check_access(session: Session, codes: Sequence[str], kept: Iterable[str] = ()) -> None:
    """A 422 that names each code that is no current term; those kept may have been retired."""
    known = known_codes(session)
    known[Vocabulary.ACCESS].update(kept)
    errors = unknown_terms(known, [("#/access", Vocabulary.ACCESS, codes)])
    if errors:
        raise Problem(INVALID, errors[0].detail, errors=errors)


def free_slug(session: Session, model: type[Organisation] | type[Venue], text: str) -> str:
    """A slug made from a text that no live row has: numbered from -2 when it is taken.

    Two writers at once may choose the same one; the unique index then refuses the second.
    """
    start = slugify(text, limit=_SLUG_STEM)
    if not start:
        raise invalid("#/slug", "No slug can be made from this name. Give one.")
    statement = select(model.slug).where(
        col(model.slug).startswith(start, autoescape=True), col(model.deleted_at).is_(None)
    )
    taken = set(session.exec(statement))
    number = 1
    slug = start
    while slug in taken:
        number += 1
        slug = f"{start}-{number}"
    return slug


def slug_is_taken(session: Session, model: type[Organisation] | type[Venue], slug: str) -> bool:
    """Whether a row that is not deleted has this slug."""
    statement = select(model.pk).where(col(model.slug) == slug, col(model.deleted_at).is_(None))
    return session.exec(statement).first() is not None


# --- words -----------------------------------------------------------------------------------


def words_of(*texts: str) -> str:
    """Texts as plain words, the way `holds_words` looks for them."""
    return slugify(" ".join(texts), WORDS_LENGTH).replace("-", " ")


def holds_words(words: Mapped[str], q: str) -> ColumnElement[bool]:
    """Whether a column of plain words holds each word of `q`, in any order."""
    wanted = words_of(q).split()
    if not wanted:
        return false()
    return and_(*(words.contains(word, autoescape=True) for word in wanted))


def _possible(refs: Iterable[str]) -> set[str]:
    # PostgreSQL cannot even compare a text that holds NUL.
    return {ref for ref in refs if ref.isprintable()}


def _ids(refs: Iterable[str]) -> dict[UUID, list[str]]:
    found: dict[UUID, list[str]] = {}
    for ref in refs:
        try:
            found.setdefault(UUID(ref), []).append(ref)
        except ValueError:
            continue  # a slug
    return found
