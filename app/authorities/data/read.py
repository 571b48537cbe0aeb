"""Read the reference data on authorities that ships with the service."""

import csv
import json
import lzma
from collections.abc import Iterator
from importlib.resources import files
from itertools import accumulate, chain, repeat
from typing import Any, Literal, NamedTuple, TypedDict, cast

AuthorityKind = Literal["metropolitan_borough", "unitary", "county", "district"]

Geometry = dict[str, Any]
"""A GeoJSON (RFC 7946) Polygon or MultiPolygon, in WGS 84 degrees."""

_HERE = files("app.authorities.data")


class AuthorityRecord(NamedTuple):
    """A local authority; `parent` is the county of a district, or None."""

    gss_code: str
    name: str
    kind: AuthorityKind
    parent: str | None
    aliases: tuple[str, ...]


class PostcodeRecord(NamedTuple):
    """A postcode without spaces, its authority, and its place in grid metres."""

    postcode: str
    gss_code: str
    easting: int
    northing: int


class PostcodeColumns(TypedDict):
    """The layout of `postcodes.json.xz`: columns, in postcode order."""

    sectors: str
    """One a line: a postcode less its last two letters, a space, each last two letters."""
    authorities: list[tuple[str, int]]
    """Runs: an authority's code, and how many postcodes in a row it has."""
    easting_steps: list[int]
    """Each easting less the one before it, in metres; the first is less zero."""
    northing_steps: list[int]
    """Each northing less the one before it, in metres; the first is less zero."""


def authorities() -> list[AuthorityRecord]:
    """The 30 lower- or single-tier authorities and 3 counties, in order of code."""
    lines = _HERE.joinpath("authorities.csv").read_text(encoding="utf-8").splitlines()
    return [
        AuthorityRecord(
            gss_code=row["gss_code"],
            name=row["name"],
            kind=cast(AuthorityKind, row["kind"]),
            parent=row["parent"] or None,
            aliases=tuple(filter(None, row["aliases"].split(";"))),
        )
        for row in csv.DictReader(lines)
    ]


def postcodes() -> Iterator[PostcodeRecord]:
    """The region's 203,821 postcodes, ended ones included, in order of postcode."""
    columns = cast(PostcodeColumns, _read("postcodes.json.xz"))
    return map(
        PostcodeRecord,
        _joined(columns["sectors"]),
        chain.from_iterable(repeat(*run) for run in columns["authorities"]),
        accumulate(columns["easting_steps"]),
        accumulate(columns["northing_steps"]),
    )


def boundaries() -> dict[str, Geometry]:
    """An indicative outline for each of the 33 authorities, by code."""
    collection = _read("boundaries.geojson.xz")
    return {feature["id"]: feature["geometry"] for feature in collection["features"]}


def _joined(sectors: str) -> Iterator[str]:
    """Whole postcodes, from lines of a sector and the endings found in it."""
    for line in sectors.splitlines():
        sector, endings = line.split(" ")
        for at in range(0, len(endings), 2):
            yield sector + endings[at : at + 2]


def _read(name: str) -> Any:
    """The JSON value in a compressed file of this package."""
    return json.loads(lzma.decompress(_HERE.joinpath(name).read_bytes()))
