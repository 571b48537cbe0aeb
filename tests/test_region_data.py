"""The reference data on authorities, postcodes and boundaries that ships."""

import re
from collections import Counter
from functools import cache
from itertools import pairwise
from typing import Any

from app.authorities.data.read import (
    Geometry,
    PostcodeRecord,
    authorities,
    boundaries,
    postcodes,
)
from app.kit.national_grid import to_wgs84

Ring = list[list[float]]

POSTCODE = re.compile(r"[A-Z]{1,2}[0-9][0-9A-Z]?[0-9][ABD-HJLNP-UW-Z]{2}")

SAMPLE_EVERY = 23
"""One postcode in this many is looked up in its boundary."""


@cache
def all_postcodes() -> list[PostcodeRecord]:
    """Every postcode, read once."""
    return list(postcodes())


def rings(geometry: Geometry) -> list[list[Ring]]:
    """The polygons of a geometry, each a list of rings with the outer one first."""
    coordinates: Any = geometry["coordinates"]
    polygons: list[list[Ring]] = [coordinates] if geometry["type"] == "Polygon" else coordinates
    return polygons


def holds(geometry: Geometry, lat: float, lng: float) -> bool:
    """Whether a position in degrees is inside, by counting the edges to its east."""
    inside = False
    for polygon in rings(geometry):
        for ring in polygon:
            for (x1, y1), (x2, y2) in pairwise(ring):
                if (y1 > lat) != (y2 > lat):
                    inside ^= lng < x1 + (lat - y1) / (y2 - y1) * (x2 - x1)
    return inside


def turn(ring: Ring) -> float:
    """Twice a ring's signed area in square degrees: positive when anticlockwise."""
    x0, y0 = ring[0]
    return sum(
        (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0) for (x1, y1), (x2, y2) in pairwise(ring)
    )


def area(geometry: Geometry) -> float:
    """Twice a geometry's area in square degrees."""
    return sum(turn(ring) for polygon in rings(geometry) for ring in polygon)


def test_authorities() -> None:
    """There are 33 of them: 30 at the bottom and 3 counties over 19 districts."""
    records = authorities()
    assert Counter(record.kind for record in records) == {
        "metropolitan_borough": 7,
        "unitary": 4,
        "district": 19,
        "county": 3,
    }
    codes = [record.gss_code for record in records]
    assert codes == sorted(set(codes))
    assert len(codes) == 33


def test_counties_have_their_districts() -> None:
    """A district has a county as its parent, and nothing else has a parent."""
    records = {record.gss_code: record for record in authorities()}
    for record in records.values():
        if record.kind == "district":
            assert record.parent is not None
            assert records[record.parent].kind == "county"
        else:
            assert record.parent is None
    assert Counter(records[record.parent].name for record in records.values() if record.parent) == {
        "Staffordshire": 8,
        "Warwickshire": 5,
        "Worcestershire": 6,
    }


def test_codes_suit_kinds() -> None:
    """The start of a code tells the kind."""
    start = {
        "unitary": "E06",
        "district": "E07",
        "metropolitan_borough": "E08",
        "county": "E10",
    }
    for record in authorities():
        assert re.fullmatch(start[record.kind] + r"\d{6}", record.gss_code)


def test_names_and_aliases_are_unambiguous() -> None:
    """No name or alias stands for two authorities."""
    names = [name.casefold() for record in authorities() for name in (record.name, *record.aliases)]
    assert len(names) == len(set(names))
    assert all(name == name.strip() and name for name in names)


def test_everyday_names() -> None:
    """The everyday name finds the authority whose official one differs."""
    code = {alias: record.gss_code for record in authorities() for alias in record.aliases}
    assert code["Herefordshire"] == "E06000019"
    assert code["Telford"] == "E06000020"
    assert code["Stoke"] == "E06000021"


def test_postcodes() -> None:
    """All 203,821 are there once, in order and in form, in all 30 authorities."""
    found = [record.postcode for record in all_postcodes()]
    assert len(found) == 203_821
    assert all(before < after for before, after in pairwise(found))
    assert all(POSTCODE.fullmatch(postcode) for postcode in found)
    assert {record.gss_code for record in all_postcodes()} == {
        record.gss_code for record in authorities() if record.kind != "county"
    }


def test_postcodes_are_in_the_region() -> None:
    """Every position is a whole number of metres within the region's box."""
    for _, _, easting, northing in all_postcodes():
        assert type(easting) is int
        assert type(northing) is int
        assert 315_000 < easting < 460_000
        assert 210_000 < northing < 370_000


def test_known_postcodes() -> None:
    """A few well-known postcodes are where they should be."""
    known = {
        "B11BB": "E08000025",  # Birmingham Council House
        "CV15RR": "E08000026",  # Coventry Council House
        "ST41HH": "E06000021",  # Stoke-on-Trent Civic Centre
        "CV376BB": "E07000221",  # Royal Shakespeare Theatre
        "WR12HB": "E07000237",  # Worcester
    }
    found = {r.postcode: r.gss_code for r in all_postcodes() if r.postcode in known}
    assert found == known


def test_every_authority_has_a_boundary() -> None:
    """There are 33 boundaries, one for each authority."""
    assert list(boundaries()) == [record.gss_code for record in authorities()]


def test_rings_are_closed_and_right_handed() -> None:
    """Outer rings go anticlockwise and holes clockwise, as RFC 7946 asks."""
    for geometry in boundaries().values():
        for outer, *holes in rings(geometry):
            for ring in (outer, *holes):
                assert ring[0] == ring[-1]
                assert len(ring) >= 4
                assert all(before != after for before, after in pairwise(ring))
            assert turn(outer) > 0
            assert all(turn(hole) < 0 for hole in holes)


def test_coordinates_are_degrees_in_the_region() -> None:
    """Positions are (lng, lat), to five decimals at most."""
    for geometry in boundaries().values():
        for polygon in rings(geometry):
            for ring in polygon:
                for lng, lat in ring:
                    assert -3.3 < lng < -1.1
                    assert 51.7 < lat < 53.3
                    assert (lng, lat) == (round(lng, 5), round(lat, 5))


def test_boundaries_hold_their_own_postcodes() -> None:
    """More than 99 in 100 of a sample are in their authority, and in its county."""
    shapes = boundaries()
    parents = {record.gss_code: record.parent for record in authorities()}
    sample = all_postcodes()[::SAMPLE_EVERY]
    missed = 0
    for record in sample:
        lat, lng = to_wgs84(record.easting, record.northing)
        own, county = shapes[record.gss_code], parents[record.gss_code]
        missed += not (holds(own, lat, lng) and (county is None or holds(shapes[county], lat, lng)))
    assert missed < len(sample) / 100


def test_a_postcode_is_in_one_boundary_at_most() -> None:
    """Neighbours share an edge, and do not overlap."""
    counties = {r.gss_code for r in authorities() if r.kind == "county"}
    shapes = [shape for code, shape in boundaries().items() if code not in counties]
    for record in all_postcodes()[:: SAMPLE_EVERY * 40]:
        lat, lng = to_wgs84(record.easting, record.northing)
        assert sum(holds(shape, lat, lng) for shape in shapes) <= 1


def test_counties_are_their_districts() -> None:
    """A county is as large as its districts together."""
    shapes = boundaries()
    for county in (record for record in authorities() if record.kind == "county"):
        districts = sum(
            area(shapes[record.gss_code])
            for record in authorities()
            if record.parent == county.gss_code
        )
        assert abs(area(shapes[county.gss_code]) - districts) < 1e-9
