"""Turn OSGB36 National Grid references (metres) into WGS 84 degrees, and back.

A transverse Mercator projection joins grid to Airy 1830; a seven-parameter Helmert
shift joins Airy 1830 to WGS 84. Measured against OSTN15, it is within 2.2 m in the West
Midlands and 7.2 m anywhere on the grid. A postcode's own place is good to about 100 m.
There and back again is within 2 mm.

Sources: Ordnance Survey, "A guide to coordinate systems in Great Britain", for the
constants; Krüger's series in the third flattening, as given by Karney (2011), for the
projection. Heights are taken as zero and ignored.
"""

from cmath import sin as complex_sin
from math import (
    asin,
    asinh,
    atan2,
    atanh,
    cos,
    cosh,
    degrees,
    hypot,
    radians,
    sin,
    sinh,
    sqrt,
)
from typing import Final, NamedTuple

GRID_WIDTH: Final = 700_000
"""Largest easting, in metres."""
GRID_HEIGHT: Final = 1_300_000
"""Largest northing, in metres."""

Vector = tuple[float, float, float]
Matrix = tuple[Vector, Vector, Vector]


class _Ellipsoid(NamedTuple):
    """An ellipsoid of revolution, semi-axes in metres."""

    semi_major: float
    semi_minor: float

    @property
    def eccentricity_squared(self) -> float:
        """First eccentricity squared."""
        return 1 - (self.semi_minor / self.semi_major) ** 2

    @property
    def third_flattening(self) -> float:
        """Difference of the semi-axes over their sum."""
        return (self.semi_major - self.semi_minor) / (self.semi_major + self.semi_minor)


_AIRY_1830: Final = _Ellipsoid(6_377_563.396, 6_356_256.909)
_WGS_84: Final = _Ellipsoid(6_378_137.0, 6_356_752.3142)

# The National Grid projection: true origin 49° N 2° W, at E 400 000 N -100 000.
_CENTRAL_SCALE: Final = 0.9996012717
_ORIGIN_LATITUDE: Final = radians(49)
_ORIGIN_LONGITUDE: Final = radians(-2)
_FALSE_EASTING: Final = 400_000.0
_FALSE_NORTHING: Final = -100_000.0

# WGS 84 to OSGB36: a shift in metres, a scale change and three small turns.
_SHIFT: Final[Vector] = (-446.448, 125.157, -542.060)
_SCALE: Final = 1 + 20.4894e-6
_TURN_X, _TURN_Y, _TURN_Z = (radians(s / 3600) for s in (-0.1502, -0.2470, -0.8421))
_TO_OSGB36: Final[Matrix] = (
    (_SCALE, -_TURN_Z, _TURN_Y),
    (_TURN_Z, _SCALE, -_TURN_X),
    (-_TURN_Y, _TURN_X, _SCALE),
)


def _inverse(matrix: Matrix) -> Matrix:
    """The inverse of a 3 by 3 matrix, by cofactors."""
    (a, b, c), (d, e, f), (g, h, i) = matrix
    k = 1 / (a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g))
    return (
        ((e * i - f * h) * k, (c * h - b * i) * k, (b * f - c * e) * k),
        ((f * g - d * i) * k, (a * i - c * g) * k, (c * d - a * f) * k),
        ((d * h - e * g) * k, (b * g - a * h) * k, (a * e - b * d) * k),
    )


_FROM_OSGB36: Final = _inverse(_TO_OSGB36)

# Krüger's series to the third order in n, which is within 1 mm on this grid.
_N: Final = _AIRY_1830.third_flattening
_RADIUS: Final = (  # scaled radius of the circle with the meridian's length, in metres
    _CENTRAL_SCALE * _AIRY_1830.semi_major / (1 + _N) * (1 + _N**2 / 4 + _N**4 / 64)
)
_ALPHA_1: Final = _N / 2 - 2 * _N**2 / 3 + 5 * _N**3 / 16
_ALPHA_2: Final = 13 * _N**2 / 48 - 3 * _N**3 / 5
_ALPHA_3: Final = 61 * _N**3 / 240
_BETA_1: Final = _N / 2 - 2 * _N**2 / 3 + 37 * _N**3 / 96
_BETA_2: Final = _N**2 / 48 + _N**3 / 15
_BETA_3: Final = 17 * _N**3 / 480
_DELTA_1: Final = 2 * _N - 2 * _N**2 / 3 - 2 * _N**3
_DELTA_2: Final = 7 * _N**2 / 3 - 8 * _N**3 / 5
_DELTA_3: Final = 56 * _N**3 / 15
_AIRY_ECCENTRICITY: Final = sqrt(_AIRY_1830.eccentricity_squared)


def _stretch(plane: complex) -> complex:
    """A point of the conformal sphere's plane, as one of the ellipsoid's (radians)."""
    return (
        plane
        + _ALPHA_1 * complex_sin(2 * plane)
        + _ALPHA_2 * complex_sin(4 * plane)
        + _ALPHA_3 * complex_sin(6 * plane)
    )


def _relax(plane: complex) -> complex:
    """The inverse of `_stretch` (radians)."""
    return (
        plane
        - _BETA_1 * complex_sin(2 * plane)
        - _BETA_2 * complex_sin(4 * plane)
        - _BETA_3 * complex_sin(6 * plane)
    )


def _conformal_tangent(latitude: float) -> float:
    """Tangent of the conformal latitude of an Airy 1830 latitude in radians."""
    s = sin(latitude)
    return sinh(atanh(s) - _AIRY_ECCENTRICITY * atanh(_AIRY_ECCENTRICITY * s))


_ORIGIN_ARC: Final = (
    _RADIUS * _stretch(complex(atan2(_conformal_tangent(_ORIGIN_LATITUDE), 1))).real
)
"""Scaled distance along the meridian from the equator to the true origin, in metres."""


def _project(latitude: float, longitude: float) -> tuple[float, float]:
    """Easting and northing in metres of an Airy 1830 position in radians."""
    tangent = _conformal_tangent(latitude)
    from_centre = longitude - _ORIGIN_LONGITUDE
    cosine = cos(from_centre)
    plane = _stretch(
        complex(
            atan2(tangent, cosine),
            asinh(sin(from_centre) / hypot(tangent, cosine)),
        )
    )
    return (
        _FALSE_EASTING + _RADIUS * plane.imag,
        _FALSE_NORTHING - _ORIGIN_ARC + _RADIUS * plane.real,
    )


def _unproject(easting: float, northing: float) -> tuple[float, float]:
    """Airy 1830 latitude and longitude in radians of a grid position in metres."""
    plane = _relax(
        complex(northing - _FALSE_NORTHING + _ORIGIN_ARC, easting - _FALSE_EASTING) / _RADIUS
    )
    conformal = asin(sin(plane.real) / cosh(plane.imag))
    return (
        conformal
        + _DELTA_1 * sin(2 * conformal)
        + _DELTA_2 * sin(4 * conformal)
        + _DELTA_3 * sin(6 * conformal),
        _ORIGIN_LONGITUDE + atan2(sinh(plane.imag), cos(plane.real)),
    )


def _to_cartesian(latitude: float, longitude: float, on: _Ellipsoid) -> Vector:
    """Earth-centred coordinates in metres of a position in radians at height zero."""
    e2 = on.eccentricity_squared
    s = sin(latitude)
    radius = on.semi_major / sqrt(1 - e2 * s * s)
    from_axis = radius * cos(latitude)
    return from_axis * cos(longitude), from_axis * sin(longitude), radius * (1 - e2) * s


def _from_cartesian(point: Vector, on: _Ellipsoid) -> tuple[float, float]:
    """Latitude and longitude in radians of an earth-centred point, by Bowring (1976)."""
    x, y, z = point
    a, b = on
    e2 = on.eccentricity_squared
    from_axis = hypot(x, y)
    reduced = atan2(z * a, from_axis * b)
    return (
        atan2(
            z + e2 * a * a / b * sin(reduced) ** 3,
            from_axis - e2 * a * cos(reduced) ** 3,
        ),
        atan2(y, x),
    )


def _apply(matrix: Matrix, vector: Vector) -> Vector:
    """The product of a matrix and a column vector."""
    (a, b, c), (d, e, f), (g, h, i) = matrix
    x, y, z = vector
    return a * x + b * y + c * z, d * x + e * y + f * z, g * x + h * y + i * z


def _on_grid(easting: float, northing: float) -> bool:
    """Whether a position in metres is on the grid; not so for "not a number"."""
    return 0 <= easting <= GRID_WIDTH and 0 <= northing <= GRID_HEIGHT


def to_wgs84(easting: float, northing: float) -> tuple[float, float]:
    """WGS 84 (lat, lng) in degrees of grid metres; ValueError outside the grid."""
    if not _on_grid(easting, northing):
        raise ValueError(f"({easting}, {northing}) is outside the National Grid")
    x, y, z = _to_cartesian(*_unproject(easting, northing), _AIRY_1830)
    dx, dy, dz = _SHIFT
    latitude, longitude = _from_cartesian(_apply(_FROM_OSGB36, (x - dx, y - dy, z - dz)), _WGS_84)
    return degrees(latitude), degrees(longitude)


def from_wgs84(lat: float, lng: float) -> tuple[float, float]:
    """Grid (easting, northing) in metres of WGS 84 degrees; ValueError off the grid."""
    if not (49 <= lat <= 62 and -10 <= lng <= 5):  # a loose box; the grid is inside it
        raise ValueError(f"({lat}, {lng}) is outside the National Grid")
    x, y, z = _apply(_TO_OSGB36, _to_cartesian(radians(lat), radians(lng), _WGS_84))
    dx, dy, dz = _SHIFT
    easting, northing = _project(*_from_cartesian((x + dx, y + dy, z + dz), _AIRY_1830))
    if not _on_grid(easting, northing):
        raise ValueError(f"({lat}, {lng}) is outside the National Grid")
    return easting, northing
