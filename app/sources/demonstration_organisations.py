"""Made-up organisations, their venues at real postcodes, their places on partnerships."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from sqlalchemy import func, tuple_
from sqlmodel import Session, col, select

from app.access.models import SYSTEM
from app.authorities.models import Authority, Cover, Postcode
from app.authorities.postcodes import spaced
from app.authorities.queries import by_code
from app.kit.database import key
from app.kit.identifiers import slugify
from app.kit.problems import CONFLICT, Problem
from app.kit.times import today
from app.organisations.actions import create_organisation
from app.organisations.models import (
    AccreditationsWrite,
    Artsmark,
    OrganisationContactWrite,
    OrganisationWrite,
    SafeguardingWrite,
    VenueWrite,
)
from app.organisations.queries import organisations_by_ref, venues_by_ref
from app.organisations.venue_actions import create_venue
from app.partnerships.member_actions import add_member
from app.partnerships.models import Member, MemberRole, MemberWrite
from app.partnerships.queries import partnerships_by_ref
from app.sources import demonstration_words as words
from app.sources.demonstration_dates import DAY
from app.sources.demonstration_words import MAKERS, Maker

PREFIX = "demo"
"""Slugs and keys start so: nobody mistakes them, and no real ones are in the way."""
HALLS = 2
"""Places for hire in each authority, beside the organisations' own venues."""


@dataclass(frozen=True)
class Site:
    """A venue to be made: its name, slug and organisation, and its place in the authority."""

    maker: Maker
    name: str
    slug: str
    hidden: bool
    postcode: str


def chances(seed: int, *names: object) -> Random:
    """Chances of its own for each thing, so that one more of them leaves the others as they are."""
    text = "/".join(str(part) for part in (seed, *names))
    return Random(text)  # noqa: S311 - the same every time is what is wanted


def demo_slug(text: str) -> str:
    """The slug or key of something made up."""
    return slugify(f"{PREFIX} {text}")


# --- organisations and their venues ----------------------------------------------------------


def is_incomplete(maker: Maker) -> bool:
    """Whether it has not given its safeguarding facts: about one in ten."""
    return MAKERS.index(maker) % 10 == 9


def make_organisations(session: Session, seed: int, made: Counter[str]) -> None:
    """Add the organisations that are missing."""
    known = organisations_by_ref(session, [demo_slug(maker.name) for maker in MAKERS])
    for maker in MAKERS:
        if demo_slug(maker.name) not in known:
            create_organisation(session, SYSTEM, _organisation(seed, maker), demo=True)
            made["organisations"] += 1


def _organisation(seed: int, maker: Maker) -> OrganisationWrite:
    random = chances(seed, maker.name)
    slug = demo_slug(maker.name)
    works_with = " and ".join(code.replace("_", " ") for code in maker.artforms[-2:])
    is_school = maker.sector in {"school", "special_school"}
    safeguarding = SafeguardingWrite(
        policy_url=f"https://example.org/{slug}/safeguarding",
        reviewed_on=today() - random.randint(20, 330) * DAY,
        lead_named=True,
    )
    if is_incomplete(maker):
        safeguarding = SafeguardingWrite(policy_url=f"https://example.org/{slug}/safeguarding")
    return OrganisationWrite(
        name=maker.name,
        slug=slug,
        sector=maker.sector,
        authority=maker.authority,
        summary=f"{words.MADE_UP} Works with {works_with} for children and young people.",
        description=f"<p>{words.MADE_UP}</p>",
        website=f"https://example.org/{slug}",
        contact=OrganisationContactWrite(role="Learning team", email=f"{slug}@example.org"),
        accreditations=AccreditationsWrite(
            artsmark=random.choice((None, *Artsmark)) if is_school else None,
            arts_award_centre=random.random() < 0.4,
        ),
        safeguarding=safeguarding,
    )


def places_drawn(session: Session, seed: int) -> Mapping[str, list[str]]:
    """Real postcodes of each authority, drawn by the seed, in one query."""
    authorities = by_code(session)
    wanted: dict[tuple[int, int], str] = {}
    for code in sorted({maker.authority for maker in MAKERS}):
        authority = authorities.get(code)
        own = sum(len(_rooms(maker)) for maker in MAKERS if maker.authority == code) + HALLS
        if authority is None or authority.pk is None or authority.postcode_count < own:
            raise Problem(CONFLICT, f"The postcodes of {code} are not here. Load the region first.")
        random = chances(seed, code)
        for number in random.sample(range(1, authority.postcode_count + 1), own):
            wanted[authority.pk, number] = code
    numbered = select(
        col(Postcode.postcode),
        col(Postcode.authority_pk),
        func.row_number()
        .over(partition_by=col(Postcode.authority_pk), order_by=col(Postcode.postcode))
        .label("number"),
    ).subquery()
    statement = (
        select(numbered.c.postcode, numbered.c.authority_pk, numbered.c.number)
        .where(tuple_(numbered.c.authority_pk, numbered.c.number).in_(list(wanted)))
        .order_by(numbered.c.postcode)
    )
    found: dict[str, list[str]] = {}
    for postcode, authority_pk, number in session.execute(statement):
        found.setdefault(wanted[authority_pk, number], []).append(spaced(postcode))
    return found


def _rooms(maker: Maker) -> Sequence[str]:
    """What its venues are called: one or two of them."""
    rooms = words.VENUES.get(maker.sector, words.OTHER_VENUES)
    return rooms[: (1, 2, 2)[MAKERS.index(maker) % 3]]


def sites_at(places: Mapping[str, Sequence[str]]) -> list[Site]:
    """The venues of every organisation, each at one of the postcodes drawn for its authority."""
    left = {code: list(postcodes[HALLS:]) for code, postcodes in places.items()}
    sites = []
    for maker in MAKERS:
        for position, room in enumerate(_rooms(maker)):
            hidden = position == 0 and maker.sector in words.HIDDEN
            name = f"{maker.short} {room}"
            slug = demo_slug(f"{maker.sector} meeting place" if hidden else name)
            sites.append(Site(maker, name, slug, hidden, left[maker.authority].pop()))
    return sites


def make_venues(session: Session, seed: int, sites: Sequence[Site], made: Counter[str]) -> None:
    """Add the venues that are missing."""
    known = venues_by_ref(session, [site.slug for site in sites])
    towns = town_names(session)
    for site in sites:
        if site.slug in known:
            continue
        random = chances(seed, site.slug)
        write = VenueWrite(
            organisation=demo_slug(site.maker.name),
            slug=site.slug,
            name=site.name,
            address=f"{random.choice(words.STREETS)}\n{towns[site.maker.authority]}",
            postcode=site.postcode,
            access=random.sample(words.VENUE_ACCESS, random.randint(1, 6)),
            access_text=words.NO_PLACE,
            hide_exact_address=site.hidden,
        )
        create_venue(session, SYSTEM, write, demo=True)
        made["venues"] += 1


def town_names(session: Session) -> dict[str, str]:
    """The short name of each authority, without `County of`."""
    return {code: row.name.partition(",")[0] for code, row in by_code(session).items()}


# --- partnerships ----------------------------------------------------------------------------


def coverings(session: Session) -> dict[str, list[str]]:
    """The slugs of the partnerships that cover each authority today."""
    statement = (
        select(col(Authority.code), col(Cover.slug), col(Cover.until_date))
        .join(Cover, col(Cover.authority_pk) == col(Authority.pk))
        .order_by(col(Cover.slug))
    )
    found: dict[str, list[str]] = {}
    for code, slug, until in session.execute(statement):
        if until is None or until > today():
            found.setdefault(code, []).append(slug)
    return found


def make_members(session: Session, seed: int, made: Counter[str]) -> None:
    """Two organisations in three sit on the partnership of their area."""
    covers = coverings(session)
    partnerships = partnerships_by_ref(session, {slug for some in covers.values() for slug in some})
    organisations = organisations_by_ref(session, [demo_slug(maker.name) for maker in MAKERS])
    pks = [key(row) for row in organisations.values()]
    statement = select(Member.partnership_pk, Member.organisation_pk).where(
        col(Member.organisation_pk).in_(pks)
    )
    seated = {(partnership, member) for partnership, member in session.execute(statement)}
    for number, maker in enumerate(MAKERS):
        organisation = organisations[demo_slug(maker.name)]
        for slug in covers.get(maker.authority, []) if number % 3 else []:
            if (key(partnerships[slug]), organisation.pk) in seated:
                continue
            random = chances(seed, slug, maker.name)
            write = MemberWrite(
                organisation=organisation.slug,
                sector=maker.sector,
                role=MemberRole.BRIDGE if maker.sector == "bridge" else MemberRole.MEMBER,
                from_date=today() - random.randint(60, 1_500) * DAY,
            )
            add_member(session, SYSTEM, slug, write)
            made["members"] += 1
