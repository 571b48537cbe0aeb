"""What pushed listings refer to: whom, where, and by which terms, looked up for all at once."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlmodel import Session

from app.access.models import SYSTEM, Caller, Role
from app.authorities import queries as authorities
from app.authorities.models import Authority
from app.authorities.postcodes import normalise_postcode, spaced
from app.authorities.queries import Place
from app.kit import national_grid
from app.opportunities import grid, places
from app.opportunities.models import Delivery
from app.opportunities.planned import Origin, Planned
from app.opportunities.written import REGION, OpportunityWrite, VenueItem
from app.organisations import queries as organisations
from app.organisations.models import Organisation, Venue, Visibility
from app.programmes import queries as programmes
from app.programmes.models import Programme
from app.vocabularies.models import Vocabulary
from app.vocabularies.queries import known_codes, unknown_terms


@dataclass
class World:
    """What the items of one push refer to, read in a handful of queries."""

    organisations: Mapping[str, Organisation]
    owner: Organisation | None
    programmes: Mapping[str, Programme]
    venues: Mapping[str, Venue]
    halls: Mapping[tuple[int, str], Sequence[Venue]]
    """Venues of the organisations concerned, by organisation and postcode."""
    places: Mapping[str, Place]
    authorities: Mapping[str, Authority]
    districts: Mapping[int, Collection[int]]
    terms: Mapping[Vocabulary, set[str]]
    by_pk: Mapping[int, Authority]


def read_world(session: Session, origin: Origin, writes: Sequence[OpportunityWrite]) -> World:
    """Look up whatever these items name, as far as their source may name it."""
    by_code = authorities.by_code(session)
    # A listing makes public what it names: a source names only what its owner may see.
    eyes = SYSTEM if origin.reviewed else Caller(Role.PUBLISHER, organisation_pk=origin.owner_pk)
    postcodes = set()
    for write in writes:
        if isinstance(write.venue, VenueItem) and write.venue.postcode:
            try:
                postcodes.add(normalise_postcode(write.venue.postcode))
            except ValueError:
                continue  # reported with its item
    providers = organisations.organisations_by_ref(
        session, {write.provider for write in writes if write.provider}
    )
    owners = {origin.owner_pk, *(found.pk or 0 for found in providers.values())}
    return World(
        organisations=providers,
        owner=session.get(Organisation, origin.owner_pk),
        programmes=programmes.programmes_by_ref(
            session, {write.programme for write in writes if write.programme}, eyes
        ),
        venues=organisations.venues_by_ref(
            session, {write.venue for write in writes if isinstance(write.venue, str)}, eyes
        ),
        halls=organisations.venues_at(session, owners, map(spaced, postcodes)),
        places=authorities.locate(session, postcodes),
        authorities=by_code,
        districts=places.districts(by_code.values()),
        terms=known_codes(session, retired=origin.reviewed),
        by_pk={authority.pk: authority for authority in by_code.values() if authority.pk},
    )


def place(
    session: Session, entry: Planned, write: OpportunityWrite, origin: Origin, world: World
) -> None:
    """Fill in whom and what the item refers to, and where it is."""
    carried = [
        ("#/artforms", Vocabulary.ARTFORM, write.artforms),
        ("#/themes", Vocabulary.THEME, write.themes),
        ("#/audiences", Vocabulary.AUDIENCE, write.audiences),
        ("#/access", Vocabulary.ACCESS, write.access),
    ]
    if write.price:
        carried.append(("#/price/concessions", Vocabulary.CONCESSION, write.price.concessions))
    if isinstance(write.venue, VenueItem):
        carried.append(("#/venue/access", Vocabulary.ACCESS, write.venue.access))
    entry.errors.extend(unknown_terms(world.terms, carried))
    columns = entry.columns
    columns["provider_pk"] = _provider(entry, write, origin, world)
    columns["programme_pk"] = None
    if write.programme:
        programme = world.programmes.get(write.programme)
        if programme is None:
            entry.refuse("#/programme", f"There is no programme {write.programme}.", "unknown")
        else:
            columns["programme_pk"] = programme.pk
    columns |= {
        "venue_pk": None,
        "authority_pk": None,
        "easting": None,
        "northing": None,
    }
    if isinstance(write.venue, VenueItem):
        _locate(session, entry, write.venue, world)
        _recognise(entry, write.venue, origin, world)
    elif write.venue:
        _known_venue(entry, write.venue, world)
    columns["cell"] = grid.cell(columns["easting"], columns["northing"])
    _reach(entry, write, world)


def _provider(entry: Planned, write: OpportunityWrite, origin: Origin, world: World) -> int | None:
    provider = world.organisations.get(write.provider) if write.provider else world.owner
    allowed = provider is not None and (
        origin.reviewed or provider.pk in {origin.owner_pk, *origin.providers}
    )
    if provider is not None and provider.deleted_at is not None:
        provider = None
    if provider is None or not (allowed or provider.visibility is Visibility.PUBLIC):
        named = f" {write.provider}. Use its slug." if write.provider else " for it any more."
        entry.refuse("#/provider", f"There is no organisation{named}", "unknown")
        return None
    if not allowed:
        entry.refuse(
            "#/provider",
            f"This source may not publish for {provider.slug}. Ask the regional team to allow it.",
            "provider_not_allowed",
        )
    return provider.pk


def _known_venue(entry: Planned, ref: str, world: World) -> None:
    venue = world.venues.get(ref)
    if venue is None:
        entry.refuse(
            "#/venue", f"There is no venue {ref}. Use its slug, or give it in full.", "unknown"
        )
        return
    centre = world.by_pk.get(venue.authority_pk or 0)
    entry.columns |= {"venue_pk": venue.pk, **places.whereabouts(venue, centre)}


def _recognise(entry: Planned, said: VenueItem, origin: Origin, world: World) -> None:
    """One hall is one venue: a known one of the provider, or of the source's owner, is meant."""
    if not said.postcode or entry.errors:
        return
    postcode = spaced(normalise_postcode(said.postcode))
    for owner in (entry.columns["provider_pk"], origin.owner_pk):
        venue = places.same_hall(said.name, world.halls.get((owner or 0, postcode), ()))
        if venue is not None:
            centre = world.by_pk.get(venue.authority_pk)
            entry.columns |= {"venue_pk": venue.pk, **places.whereabouts(venue, centre)}
            if venue.name != said.name:
                entry.warn(
                    "#/venue/name",
                    f"Taken to be your venue {venue.name}. To say so yourself, send its slug, "
                    f"{venue.slug}.",
                    "venue_matched",
                )
            return


def _locate(session: Session, entry: Planned, venue: VenueItem, world: World) -> None:
    columns = entry.columns
    if venue.postcode:
        try:
            postcode = normalise_postcode(venue.postcode)
        except ValueError:
            entry.refuse(
                "#/venue/postcode", f"{venue.postcode!r} is not a postcode.", "malformed_postcode"
            )
            return
        place = world.places.get(postcode)
        if place is None:
            entry.refuse(
                "#/venue/postcode",
                f"{venue.postcode} is not a postcode known here. Check it, or give lat and lng.",
                "unknown_postcode",
            )
            return
        columns |= {
            "authority_pk": place.authority_pk,
            "easting": place.easting,
            "northing": place.northing,
        }
    if venue.lat is not None and venue.lng is not None:
        try:
            easting, northing = national_grid.from_wgs84(venue.lat, venue.lng)
        except ValueError:
            entry.refuse("#/venue/lat", "These coordinates are not in Great Britain.", "outside")
            return
        columns |= {"easting": round(easting), "northing": round(northing)}
        if columns["authority_pk"] is None:
            nearest = authorities.nearest_authority(session, round(easting), round(northing))
            columns["authority_pk"] = nearest.pk if nearest else None


def _reach(entry: Planned, write: OpportunityWrite, world: World) -> None:
    for index, code in enumerate(write.outreach_areas):
        if code != REGION and code not in world.authorities:
            entry.refuse(
                f"#/outreach_areas/{index}", f"{code} is not an authority known here.", "unknown"
            )
    authority_pk = entry.columns["authority_pk"]
    entry.areas = places.reached(
        authority_pk, write.outreach_areas, world.authorities, world.districts
    )
    placeless = not entry.areas
    online = write.delivery in {Delivery.ONLINE, Delivery.HYBRID} and not write.outreach_areas
    entry.columns["region_wide"] = REGION in write.outreach_areas or (
        online and (placeless or write.delivery is Delivery.ONLINE)
    )
