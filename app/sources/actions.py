"""Making and changing sources, and pushing one listing."""

from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from app.access import audit
from app.access.models import Caller, Role
from app.kit.identifiers import slugify, uuid7
from app.kit.problems import CONFLICT, FORBIDDEN, NOT_FOUND, Kind, Problem, invalid
from app.kit.times import now
from app.opportunities import documents, intake, storing
from app.opportunities.actions import MANUAL
from app.opportunities.life import PARTNER, Rules
from app.opportunities.models import Opportunity, Status
from app.opportunities.planned import Item, Outcome, Planned
from app.organisations import queries as organisations
from app.organisations.models import Organisation
from app.sources import allowance, queries
from app.sources.models import HARVESTED, Source, SourceKind, SourceWrite, Trust

FETCHED = Kind(
    "source_is_fetched", 409, "The listings of this source are fetched",
    "Change them in the feed; POST to its harvests to have it fetched now.",
)  # fmt: skip
PAUSED = Kind("source_paused", 409, "Paused", "Ask the regional team, or end the pause.")


def create(session: Session, caller: Caller, write: SourceWrite) -> Source:
    """Make a source; a publisher's are its own organisation's and moderated."""
    organisation = _owner(session, caller, write)
    if write.kind is SourceKind.MANUAL:
        raise invalid("#/kind", "Every organisation has its manual source already.")
    key = write.key or slugify(f"{organisation.slug} {write.name}")
    if key.startswith(MANUAL):
        raise invalid("#/key", f"Keys that start with {MANUAL} are kept for manual sources.")
    if session.exec(
        select(Source.pk).where(Source.key == key, col(Source.deleted_at).is_(None))
    ).first():
        raise Problem(CONFLICT, f"There is a source {key!r} already. Choose another key.")
    source = Source(
        key=key,
        name=write.name,
        paused=write.paused,
        organisation_pk=organisation.pk or 0,
        kind=write.kind,
        trust=write.trust if caller.is_staff else Trust.MODERATED,
        defaults=write.defaults,
        mapping=write.mapping.model_dump(mode="json"),
        providers=_providers(session, caller, write, []),
        max_listings=write.max_listings,
        pushes_per_hour=write.pushes_per_hour,
        feed_url=write.feed_url,
        harvest_hours=write.harvest_hours,
    )
    if not caller.is_staff and write.trust is not Trust.MODERATED:
        raise Problem(FORBIDDEN, "Only staff may trust a source: leave `trust` out.")
    _check_limits(caller, write, None, None)
    session.add(source)
    session.flush()
    audit.record(session, caller, "source.create", "source", source.key, after=source)
    return source


def replace(session: Session, caller: Caller, source: Source, write: SourceWrite) -> Source:
    """Change a source; its trust and other providers are for staff to change."""
    before = source.model_dump(mode="json")
    if write.key not in {None, source.key}:
        raise invalid("#/key", "The key of a source does not change: its listings carry it.")
    if write.kind is not source.kind:
        raise invalid("#/kind", "The kind of a source does not change. Make another one.")
    if write.organisation and _owner(session, caller, write).pk != source.organisation_pk:
        raise invalid("#/organisation", "A source stays with its organisation.")
    if write.trust is not source.trust and not caller.is_staff:
        raise Problem(FORBIDDEN, "Only staff may change `trust`.")
    _check_limits(caller, write, source.max_listings, source.pushes_per_hour)
    renamed = write.name != source.name
    source.name = write.name
    source.paused = write.paused
    source.trust = write.trust
    source.defaults = write.defaults
    source.mapping = write.mapping.model_dump(mode="json")
    source.providers = _providers(session, caller, write, source.providers)
    source.max_listings = write.max_listings
    source.pushes_per_hour = write.pushes_per_hour
    source.feed_url = write.feed_url
    source.harvest_hours = write.harvest_hours
    session.add(source)
    session.flush()
    if renamed:
        documents.rename_source(session, source.pk or 0, source.name)
    audit.record(
        session, caller, "source.replace", "source", source.key, before=before, after=source
    )
    return source


def delete(session: Session, caller: Caller, source: Source) -> None:
    """Retire a source that has no live listing left; the manual one stays."""
    if source.kind is SourceKind.MANUAL:
        raise Problem(CONFLICT, "Every organisation keeps its manual source. Pause it instead.")
    live = queries.counts_by_state(session, [source.pk or 0]).get(source.pk or 0, {})
    if live.get(Status.PUBLISHED, 0) or live.get(Status.SUBMITTED, 0):
        raise Problem(CONFLICT, "It still has live listings. Withdraw them first.")
    source.deleted_at = now()
    session.add(source)
    audit.record(session, caller, "source.delete", "source", source.key)


def manual_source(session: Session, caller: Caller, organisation: Organisation) -> Source:
    """The manual source of an organisation, made when it is first needed."""
    key = f"{MANUAL}{organisation.slug}"[:80]
    statement = select(Source).where(
        Source.organisation_pk == organisation.pk, Source.kind == SourceKind.MANUAL
    )
    source = session.exec(statement).first()
    if source is None:
        source = Source(
            key=key,
            name=f"{organisation.name}, by hand"[:160],
            organisation_pk=organisation.pk or 0,
            kind=SourceKind.MANUAL,
            trust=Trust.MODERATED,
        )
        session.add(source)
        session.flush()
        audit.record(session, caller, "source.create", "source", source.key, after=source)
    return source


def create_manual(session: Session, caller: Caller, said: dict[str, Any], rules: Rules) -> Planned:
    """Make a draft for people who have no system."""
    provider = said.get("provider")
    if isinstance(provider, dict):
        provider = provider.get("slug") or provider.get("id")
    organisation = None
    if provider is not None:
        organisation = organisations.organisations_by_ref(session, [str(provider)]).get(
            str(provider)
        )
    elif caller.role is Role.PUBLISHER:
        organisation = session.get(Organisation, caller.organisation_pk)
    if organisation is None:
        raise invalid("#/provider", "Say which organisation offers it, by its slug.")
    if caller.role is Role.PUBLISHER and not caller.publishes(organisation.pk):
        raise Problem(FORBIDDEN, "You may make listings of your own organisation only.")
    source = manual_source(session, caller, organisation)
    return push(session, caller, source, str(uuid7()), said, rules)


def push(
    session: Session, caller: Caller, source: Source, external_id: str, said: Any, rules: Rules
) -> Planned:
    """Take in one listing: made, changed, or unchanged; a problem when it is refused."""
    must_take(source)
    allowance.admit(session, caller, source, rules)
    origin = queries.origin(source)
    (planned,) = intake.plan_held(session, origin, [Item(0, external_id, said)], rules)
    allowance.fit(session, source, rules, [planned])
    if planned.outcome is Outcome.REJECTED:
        raise Problem(INVALID_ITEM, planned.errors[0].detail, errors=planned.errors)
    storing.apply(session, origin, [planned])
    _note_push(session, source, changed=planned.outcome is not Outcome.UNCHANGED)
    if planned.outcome is not Outcome.UNCHANGED:
        audit.record(session, caller, f"opportunity.{planned.outcome}", "opportunity", planned.id)
    return planned


def withdraw(session: Session, caller: Caller, source: Source, row: Opportunity) -> None:
    """The partner takes a listing away; sending it again brings it back."""
    must_take(source)
    if row.status is Status.REJECTED:
        return  # nothing of it is public, and it stays rejected until its payload changes
    row.status = Status.WITHDRAWN
    row.withdrawn_by = PARTNER
    row.pending = None
    row.updated_at = now()
    session.add(row)
    session.flush()
    documents.mark(session, [row.pk or 0])
    _note_push(session, source, changed=True)
    audit.record(session, caller, "opportunity.withdrawn", "opportunity", row.id)


INVALID_ITEM = Kind(
    "invalid_item", 422, "The listing was not taken", "Change what `errors` points at, send again."
)


def must_take(source: Source, *, fetched: bool = False) -> None:
    """A 409 while the source is paused, or if its listings are fetched and these are pushed.

    Two that write the same listings would undo each other's work.
    """
    if source.paused:
        raise Problem(PAUSED, f"The source {source.key} is paused.")
    if source.kind in HARVESTED and not fetched:
        raise Problem(
            FETCHED, f"The source {source.key} takes its listings from {source.feed_url}."
        )


def _note_push(session: Session, source: Source, *, changed: bool) -> None:
    """A push is no edit of the source: its version stays."""
    values: dict[str, datetime | int] = {"last_push_at": now()}
    if changed:
        values["revision"] = source.revision + 1
    queries.note(session, source.pk or 0, values)


def _owner(session: Session, caller: Caller, write: SourceWrite) -> Organisation:
    if write.organisation is None:
        found = (
            session.get(Organisation, caller.organisation_pk) if caller.organisation_pk else None
        )
    else:
        found = organisations.organisations_by_ref(session, [write.organisation]).get(
            write.organisation
        )
    if found is None:
        raise invalid("#/organisation", "Name an organisation that exists, by its slug.")
    if not caller.publishes(found.pk):
        raise Problem(FORBIDDEN, "You may make sources of your own organisation only.")
    return found


def _check_limits(
    caller: Caller, write: SourceWrite, listings: int | None, pushes: int | None
) -> None:
    changed = (write.max_listings, write.pushes_per_hour) != (listings, pushes)
    if changed and not caller.is_staff:
        raise Problem(
            FORBIDDEN,
            "Only staff may change `max_listings` and `pushes_per_hour`: send them as they were "
            "read.",
        )


def _providers(
    session: Session, caller: Caller, write: SourceWrite, present: list[int]
) -> list[int]:
    found = organisations.organisations_by_ref(session, write.providers)
    for index, ref in enumerate(write.providers):
        if ref not in found:
            raise invalid(f"#/providers/{index}", f"There is no organisation {ref!r}.")
    pks = sorted({found[ref].pk or 0 for ref in write.providers})
    if pks != sorted(present) and not caller.is_staff:
        raise Problem(FORBIDDEN, "Only staff may let a source publish for other organisations.")
    return pks


def seen(session: Session, caller: Caller, key: str, *, lock: bool = False) -> Source:
    """A source that the caller may see, or a 404."""
    source = queries.by_key(session, caller, key, lock=lock)
    if source is None:
        raise Problem(NOT_FOUND, f"You have no source {key!r}. GET /v1/sources lists yours.")
    return source
