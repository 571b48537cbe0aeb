"""Reading partnerships and what belongs to them.

What is private is seen by the regional team and by the partnership's own coordinators.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, and_, false, func, or_, true
from sqlalchemy.orm import Mapped
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from app.access.models import SYSTEM, Caller
from app.authorities.models import Authority
from app.authorities.queries import by_code
from app.kit.database import key
from app.kit.identifiers import slugify
from app.kit.problems import INVALID, FieldError, Problem, invalid
from app.kit.shapes import Reference
from app.kit.times import today
from app.organisations import queries as organisations
from app.organisations.models import Organisation, Visibility
from app.partnerships.models import Area, Member, MemberRole, Partnership, Priority, Stage
from app.vocabularies.models import Vocabulary
from app.vocabularies.queries import known_codes, labels


def visible_to(caller: Caller) -> SelectOfScalar[Partnership]:
    """The partnerships that a caller may see."""
    statement = select(Partnership).where(col(Partnership.deleted_at).is_(None))
    if caller.is_staff:
        return statement
    return statement.where(
        or_(
            col(Partnership.visibility) == Visibility.PUBLIC,
            col(Partnership.pk).in_(caller.partnership_pks),
        )
    )


def partnership(session: Session, caller: Caller, ref: str) -> Partnership | None:
    """One partnership, by its slug or its id."""
    return partnerships_by_ref(session, [ref], caller).get(ref)


def partnerships_by_ref(
    session: Session, refs: Iterable[str], caller: Caller = SYSTEM
) -> dict[str, Partnership]:
    """Partnerships by the slugs or ids that name them; what does not exist is left out.

    For a filter or a reference that the public gives, hand over the caller.
    """
    wanted = set(refs)
    if not wanted:
        return {}
    ids = {identifier: ref for ref in wanted if (identifier := as_uuid(ref))}
    statement = visible_to(caller).where(
        or_(col(Partnership.slug).in_(wanted), col(Partnership.id).in_(ids))
    )
    found: dict[str, Partnership] = {}
    for row in session.execute(statement).scalars():
        if row.id in ids:
            found[ids[row.id]] = row
        if row.slug in wanted:
            found[row.slug] = row
    return found


def pks_by_partnership_id(session: Session, ids: Iterable[UUID]) -> dict[UUID, int]:
    """The primary keys of partnerships that are not deleted, by their ids."""
    statement = select(Partnership.id, Partnership.pk).where(
        col(Partnership.id).in_(set(ids)), col(Partnership.deleted_at).is_(None)
    )
    return {row[0]: row[1] for row in session.execute(statement)}


def summaries(
    session: Session, pks: Iterable[int], public_url: str, caller: Caller = SYSTEM
) -> dict[int, Reference]:
    """References to partnerships that exist and that the caller may see, by primary key."""
    wanted = set(pks)
    if not wanted:
        return {}
    statement = visible_to(caller).where(col(Partnership.pk).in_(wanted))
    return {
        key(row): Reference(id=row.id, slug=row.slug, name=row.name, href=address(row, public_url))
        for row in session.execute(statement).scalars()
    }


def ids_shown(session: Session, pks: Collection[int], caller: Caller) -> dict[int, UUID]:
    """The ids of partnerships by primary key, without those that the caller may not see."""
    statement = visible_to(caller).where(col(Partnership.pk).in_(pks))
    return {key(row): row.id for row in session.execute(statement).scalars()}


def address(row: Partnership, public_url: str) -> str:
    """Where a partnership is read."""
    return f"{public_url}/v1/partnerships/{row.slug}"


def organisation_id(session: Session, pk: int) -> str:
    """The id of an organisation, to write it down as a reference."""
    return str(organisations.by_pks(session, [pk])[pk].id)


def organisation_meant(
    session: Session, caller: Caller, ref: str, pointer: str, current: int | None
) -> int:
    """The key of the organisation that a body names; 422 unless it is current or in sight.

    Who could seat an organisation out of sight would thereby come to see it.
    """
    if current is not None:
        kept = organisations.by_pks(session, [current])[current]
        if ref in {kept.slug, str(kept.id)}:
            return current
    found = organisations.organisation(session, caller, ref)
    if found is None:
        raise invalid(pointer, f"There is no organisation {ref!r}.")
    return key(found)


def leads(
    session: Session, caller: Caller, pks: Collection[int], public_url: str
) -> dict[int, Reference]:
    """References to lead organisations in sight, by primary key."""
    if not pks:
        return {}
    statement = organisations.visible_to(caller).where(col(Organisation.pk).in_(pks))
    return {
        key(row): organisations.reference(row, public_url)
        for row in session.execute(statement).scalars()
    }


def slug_is_taken(session: Session, slug: str) -> bool:
    """Whether a partnership that is not deleted has this slug."""
    statement = visible_to(SYSTEM).where(col(Partnership.slug) == slug)
    return session.execute(statement).first() is not None


def origins(session: Session) -> set[str]:
    """The slugs that are or were in use, and those of what came with the software."""
    statement = select(Partnership.slug, Partnership.loaded_as)
    return {name for names in session.execute(statement) for name in names if name}


# --- filters ---------------------------------------------------------------------------------


def listed(
    caller: Caller,
    *,
    visibility: Visibility | None = None,
    stages: Collection[str] = (),
    authority_pks: Collection[int] | None = None,
    sectors: Collection[str] = (),
    priorities: Collection[str] = (),
    q: str | None = None,
) -> SelectOfScalar[Partnership]:
    """The partnerships that a caller may see, narrowed by what is given."""
    statement = visible_to(caller)
    if visibility:
        statement = statement.where(col(Partnership.visibility) == visibility)
    if stages:
        statement = statement.where(col(Partnership.stage).in_(stages))
    if authority_pks is not None:
        statement = statement.where(col(Partnership.pk).in_(covering(caller, authority_pks)))
    if sectors:
        members = select(Member.partnership_pk).where(
            col(Member.sector).in_(sectors), members_shown_to(caller), at_present(Member)
        )
        statement = statement.where(col(Partnership.pk).in_(members))
    if priorities:
        having = select(Priority.partnership_pk).where(col(Priority.priority).in_(priorities))
        statement = statement.where(col(Partnership.pk).in_(having))
    if q is not None:
        statement = statement.where(holds_words(col(Partnership.words), q))
    return statement


def covering(caller: Caller, authority_pks: Collection[int]) -> SelectOfScalar[int]:
    """The keys of the partnerships in sight that cover one of these authorities at present."""
    shown = visible_to(caller).with_only_columns(col(Partnership.pk))
    return select(Area.partnership_pk).where(
        col(Area.authority_pk).in_(authority_pks),
        at_present(Area),
        col(Area.partnership_pk).in_(shown),
    )


def authorities_meant(session: Session, codes: Sequence[str]) -> set[int]:
    """The keys of these authorities, their counties and their districts; 422 if one is unknown."""
    known = by_code(session)
    for code in codes:
        if code not in known:
            raise invalid("?authority", f"There is no authority {code}. Give a GSS code.")
    asked = {known[code].pk for code in codes}
    parents = {known[code].parent_pk for code in codes}
    return {
        row.pk
        for row in known.values()
        if row.pk is not None and (row.pk in asked | parents or row.parent_pk in asked)
    }


def partnerships_meant(session: Session, caller: Caller, refs: Sequence[str]) -> set[int]:
    """The keys of the partnerships that `?partnership=` names; 422 if one is unknown."""
    found = partnerships_by_ref(session, refs, caller)
    for ref in refs:
        if ref not in found:
            raise invalid("?partnership", f"There is no partnership {ref}.")
    return {key(row) for row in found.values()}


def check_filter(session: Session, name: str, vocabulary: Vocabulary, codes: Sequence[str]) -> None:
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


def check_codes(
    session: Session,
    carried: Iterable[tuple[str, Vocabulary, str]],
    kept: Collection[str] = (),
) -> None:
    """A 422 that points at each code (pointer, vocabulary, code) that is no current term.

    `kept` are codes that the item carries already: they may have been retired since.
    """
    carried = [item for item in carried if item[2] not in kept]
    if not carried:
        return
    known = known_codes(session)
    errors = [
        FieldError(
            pointer=pointer,
            detail=f"{code!r} is not a term of {vocabulary}. "
            f"Use one of {', '.join(sorted(known[vocabulary]))}.",
            code="unknown_term",
        )
        for pointer, vocabulary, code in carried
        if code not in known[vocabulary]
    ]
    if errors:
        raise Problem(INVALID, errors[0].detail, errors=errors)


def at_present(table: type[Area] | type[Member]) -> ColumnElement[bool]:
    """Whether a row with a period holds today."""
    day = today()
    return and_(
        or_(col(table.from_date).is_(None), col(table.from_date) <= day),
        or_(col(table.until_date).is_(None), col(table.until_date) > day),
    )


def words_of(*texts: str, limit: int) -> str:
    """Texts as plain words, the way `holds_words` looks for them."""
    return slugify(" ".join(texts), limit).replace("-", " ")


def holds_words(column: Mapped[str], q: str) -> ColumnElement[bool]:
    """Whether a column of plain words holds each word of `q`, in any order."""
    words = words_of(q, limit=200).split()
    if not words:
        return false()
    return and_(*(column.contains(word, autoescape=True) for word in words))


def as_uuid(ref: str) -> UUID | None:
    """The UUID that a text is, if it is one."""
    try:
        return UUID(ref)
    except ValueError:
        return None


# --- what belongs to partnerships ------------------------------------------------------------


def areas(session: Session, pks: Collection[int]) -> Mapping[int, list[tuple[Area, Authority]]]:
    """The areas of several partnerships with their authorities, by name, in one query."""
    statement = (
        select(Area, Authority)
        .join(Authority, col(Authority.pk) == Area.authority_pk)
        .where(col(Area.partnership_pk).in_(pks))
        .order_by(col(Authority.name), col(Area.from_date), col(Area.pk))
    )
    found: dict[int, list[tuple[Area, Authority]]] = {}
    for area, authority in session.execute(statement):
        found.setdefault(area.partnership_pk, []).append((area, authority))
    return found


def members_shown_to(caller: Caller) -> ColumnElement[bool]:
    """Whether a member may be shown: a private organisation's place is not public."""
    if caller.is_staff:
        return true()
    shown = organisations.visible_to(caller).with_only_columns(col(Organisation.pk))
    return or_(
        col(Member.organisation_pk).is_(None),
        col(Member.organisation_pk).in_(shown),
        col(Member.partnership_pk).in_(caller.partnership_pks),
    )


def members(
    caller: Caller,
    partnership_pk: int,
    *,
    ended: bool = False,
    sectors: Collection[str] = (),
    roles: Collection[MemberRole] = (),
) -> SelectOfScalar[Member]:
    """The members of a partnership at present, or with `ended` all that it ever had."""
    statement = select(Member).where(
        col(Member.partnership_pk) == partnership_pk, members_shown_to(caller)
    )
    if not ended:
        statement = statement.where(at_present(Member))
    if sectors:
        statement = statement.where(col(Member.sector).in_(sectors))
    if roles:
        statement = statement.where(col(Member.role).in_(roles))
    return statement


def member(
    session: Session, caller: Caller, partnership_pk: int, identifier: UUID
) -> Member | None:
    """One member of a partnership, by its id."""
    statement = members(caller, partnership_pk, ended=True).where(col(Member.id) == identifier)
    return session.execute(statement).scalar_one_or_none()


def memberships(session: Session, partnership_pk: int, organisation_pk: int) -> list[Member]:
    """Every membership that an organisation has or had in a partnership."""
    statement = members(SYSTEM, partnership_pk, ended=True).where(
        col(Member.organisation_pk) == organisation_pk
    )
    return list(session.execute(statement).scalars())


def seated(session: Session, partnership_pk: int) -> list[tuple[int, Member]]:
    """The organisations that are or were members of a partnership, by key."""
    found = session.execute(members(SYSTEM, partnership_pk, ended=True)).scalars()
    return [(row.organisation_pk, row) for row in found if row.organisation_pk is not None]


def member_counts(session: Session, caller: Caller, pks: Collection[int]) -> dict[int, int]:
    """How many members several partnerships have at present, in one query."""
    statement = (
        select(Member.partnership_pk, func.count())
        .where(col(Member.partnership_pk).in_(pks), members_shown_to(caller), at_present(Member))
        .group_by(col(Member.partnership_pk))
    )
    return {row[0]: row[1] for row in session.execute(statement)}


def stages(session: Session, partnership_pk: int) -> list[Stage]:
    """The stages of a partnership, latest first."""
    statement = (
        select(Stage)
        .where(Stage.partnership_pk == partnership_pk)
        .order_by(col(Stage.from_date).desc(), col(Stage.pk).desc())
    )
    return list(session.execute(statement).scalars())


def stage(session: Session, partnership_pk: int, identifier: UUID) -> Stage | None:
    """One stage of a partnership, by its id."""
    statement = select(Stage).where(Stage.partnership_pk == partnership_pk, Stage.id == identifier)
    return session.execute(statement).scalar_one_or_none()


def priorities(session: Session, partnership_pk: int) -> list[Priority]:
    """The priorities of a partnership in order."""
    statement = (
        select(Priority)
        .where(Priority.partnership_pk == partnership_pk)
        .order_by(col(Priority.position))
    )
    return list(session.execute(statement).scalars())
