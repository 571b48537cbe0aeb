"""A made-up region: organisations, programmes and listings, all marked as demonstration data.

The same seed and the same day make the same region. What is there already is found by its slug
or key and kept; listings are pushed again as a partner would push them.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from sqlmodel import Session, col, select

from app.access import audit
from app.access.models import SYSTEM
from app.kit.database import Database, key
from app.kit.times import now, today
from app.opportunities import intake, moderation, storing
from app.opportunities.life import Rules
from app.opportunities.models import Opportunity, Status
from app.opportunities.moderation import Action, Decision
from app.opportunities.planned import Item, Outcome, Planned
from app.sources import actions, queries
from app.sources import demonstration_words as words
from app.sources.demonstration_dates import Calendar
from app.sources.demonstration_listings import Provider, listing
from app.sources.demonstration_organisations import (
    HALLS,
    Site,
    chances,
    coverings,
    demo_slug,
    is_incomplete,
    make_members,
    make_organisations,
    make_venues,
    places_drawn,
    sites_at,
    town_names,
)
from app.sources.demonstration_programmes import make_case_studies, make_programmes
from app.sources.demonstration_terms import make_school_terms
from app.sources.demonstration_words import MAKERS, Maker
from app.sources.models import Source, SourceWrite, Trust

SOURCE_NAME = "Demonstration data"
REJECTED_BECAUSE = "The description is too short for families to decide by. Say what happens."
CHUNK = 500
SECONDS = 60.0

Progress = Callable[[int, int], None]


def load_demonstration(
    database: Database, *, seed: int, listings: int, progress: Progress
) -> dict[str, int]:
    """Fill the region with made-up data; the counts of what was made.

    `listings` counts those that are new; `listings_rejected` those that could not be taken, such
    as when staff retired a term that they use.
    """
    made: Counter[str] = Counter()
    progress(0, listings)
    with database.writing(SECONDS) as session:
        make_school_terms(session, today(), made)
        places = places_drawn(session, seed)
        make_organisations(session, seed, made)
        sites = sites_at(places)
        make_venues(session, seed, sites, made)
        make_members(session, seed, made)
        programmes = make_programmes(session, seed, made)
        make_case_studies(session, seed, programmes, made)
        _make_sources(session, made)
        providers = _providers(session, sites, places, programmes)
    calendar = Calendar(today())
    done = 0
    for provider, numbers in zip(providers, _shares(listings), strict=True):
        for start in range(0, len(numbers), CHUNK):
            chunk = numbers[start : start + CHUNK]
            said = [listing(seed, number, provider, calendar) for number in chunk]
            with database.writing(SECONDS) as session:
                _push(session, provider, said, made)
            done += len(chunk)
            progress(done, listings)
    return {name: made[name] for name in COUNTED}


COUNTED = (
    "school_terms",
    "organisations",
    "venues",
    "members",
    "programmes",
    "case_studies",
    "sources",
    "listings",
    "listings_updated",
    "listings_unchanged",
    "listings_rejected",
)


# --- sources and listings --------------------------------------------------------------------


def _is_moderated(maker: Maker) -> bool:
    """Whether its listings wait for a moderator: about one in eleven."""
    return MAKERS.index(maker) % 11 == 5


def _source_key(maker: Maker) -> str:
    return demo_slug(maker.name)


def _make_sources(session: Session, made: Counter[str]) -> None:
    keys = [_source_key(maker) for maker in MAKERS]
    statement = queries.visible_to(SYSTEM).where(col(Source.key).in_(keys))
    known = {row.key for row in session.execute(statement).scalars()}
    for maker in MAKERS:
        if _source_key(maker) in known:
            continue
        write = SourceWrite(
            key=_source_key(maker),
            name=SOURCE_NAME,
            organisation=demo_slug(maker.name),
            trust=Trust.MODERATED if _is_moderated(maker) else Trust.TRUSTED,
        )
        source = actions.create(session, SYSTEM, write)
        source.demo = True
        session.add(source)
        made["sources"] += 1


def _providers(
    session: Session,
    sites: Sequence[Site],
    places: Mapping[str, Sequence[str]],
    programmes: Mapping[str, Sequence[str]],
) -> list[Provider]:
    """What the listings of each organisation refer to, in the order of `MAKERS`."""
    towns = town_names(session)
    covers = coverings(session)
    codes = sorted(places)
    return [
        Provider(
            maker=maker,
            slug=demo_slug(maker.name),
            town=towns[maker.authority],
            venues=[site.slug for site in sites if site.maker is maker],
            halls=[
                (f"{words.AREA_NAMES[(number + position) % 8]} {hall}", postcode)
                for position, (hall, postcode) in enumerate(
                    zip(words.HALLS[number % 3 :], places[maker.authority][:HALLS], strict=False)
                )
            ],
            programmes=[
                slug
                for partnership in covers.get(maker.authority, [])
                for slug in programmes.get(partnership, [])
            ],
            areas=[maker.authority, *(code for code in codes if code != maker.authority)],
        )
        for number, maker in enumerate(MAKERS)
    ]


def _shares(listings: int) -> list[list[int]]:
    """The numbers of the listings of each organisation: one each, then by the sector's weight.

    No seed plays a part, so that another seed changes listings and doubles none.
    """
    shares: list[list[int]] = [[] for _ in MAKERS]
    weights = [
        words.WEIGHTS.get(maker.sector, 2) * (0.25 if is_incomplete(maker) else 1.0)
        for maker in MAKERS
    ]
    random = chances(0)
    chosen = random.choices(range(len(MAKERS)), weights, k=max(listings - len(MAKERS), 0))
    for number, position in enumerate([*range(len(MAKERS)), *chosen][:listings]):
        shares[position].append(number)
    return shares


def _push(
    session: Session, provider: Provider, said: Sequence[Mapping[str, object]], made: Counter[str]
) -> None:
    """Push some listings of one source, the way that a partner's batch goes."""
    source = queries.by_key(session, SYSTEM, _source_key(provider.maker), lock=True)
    assert source is not None, "it was made, or found, just before"
    items = [Item(index, item["external_id"], dict(item)) for index, item in enumerate(said)]
    origin = queries.origin(source)
    planned = intake.plan(session, origin, items, Rules())
    storing.apply(session, origin, planned)
    outcomes = Counter(entry.outcome for entry in planned)
    made["listings"] += outcomes[Outcome.CREATED]
    made["listings_updated"] += outcomes[Outcome.UPDATED]
    made["listings_unchanged"] += outcomes[Outcome.UNCHANGED]
    made["listings_rejected"] += outcomes[Outcome.REJECTED]
    if outcomes[Outcome.CREATED] or outcomes[Outcome.UPDATED]:
        queries.note(session, key(source), {"last_push_at": now(), "revision": source.revision + 1})
        counts = {outcome.value: outcomes[outcome] for outcome in Outcome}
        audit.record(session, SYSTEM, "source.demonstrate", "source", source.key, after=counts)
    _reject_one(session, planned)


def _reject_one(session: Session, planned: Sequence[Planned]) -> None:
    """Refuse the first new listing that waits for a moderator: its partner sees why."""
    first = planned[0]
    waiting = first.verdict is not None and first.verdict.status is Status.SUBMITTED
    if first.outcome is Outcome.CREATED and waiting:
        row = session.execute(
            select(Opportunity).where(col(Opportunity.pk) == first.pk)
        ).scalar_one()
        decision = Decision(Action.REJECT, REJECTED_BECAUSE)
        moderation.decide(session, SYSTEM, row, decision, Rules())
