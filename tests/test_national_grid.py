"""The National Grid conversion, against published and independently computed places."""

from math import cos, dist, hypot, inf, nan, radians

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.national_grid import GRID_HEIGHT, GRID_WIDTH, from_wgs84, to_wgs84

# Ordnance Survey's OSTN15 test points: name, easting, northing, ETRS89 lat and lng.
# ETRS89 and WGS 84 differ by less than a metre. Checked with convertbng 2.0.0, to 7 mm.
ORDNANCE_SURVEY = [
    ("TP01 Scilly", 91492.146, 11318.804, 49.92226393730, -6.29977752014),
    ("TP08 Bristol", 362269.991, 169978.690, 51.42754743020, -2.54407618349),
    ("TP09 London", 530624.974, 178388.464, 51.48936564950, -0.11992557180),
    ("TP10 Carmarthen", 241124.584, 220332.641, 51.85890896400, -4.30852476960),
    ("TP12 Worcestershire", 389544.190, 261912.153, 52.25529381630, -2.15458614387),
    ("TP13 Northampton", 474335.969, 262047.755, 52.25160951230, -0.91248956970),
    ("TP15 Nottingham", 454002.834, 340834.943, 52.96219109410, -1.19747655922),
    ("TP16 Warrington", 357455.843, 383290.436, 53.34480280190, -2.64049320810),
    ("TP24 Carlisle", 339921.145, 556034.761, 54.89542340420, -2.93827741149),
    ("TP31 St Kilda", 9587.909, 899448.996, 57.81351838410, -8.57854456076),
    ("TP40 Shetland", 395999.668, 1138728.951, 60.13308091660, -2.07382822798),
]

# Across the region. The grid positions are round numbers near each place; the degrees
# are OSTN15's, computed with convertbng 2.0.0.
REGION = [
    ("Birmingham", 406600, 286900, 52.4800012, -1.9042447),
    ("Coventry", 433500, 279000, 52.4080021, -1.5089618),
    ("Wolverhampton", 391400, 298700, 52.5860511, -2.1283591),
    ("Stoke-on-Trent", 388200, 347500, 53.0246761, -2.1773740),
    ("Leek", 398400, 356500, 53.1057080, -2.0253498),
    ("Oswestry", 329000, 329500, 52.8583021, -3.0559363),
    ("Bishop's Castle", 332300, 288700, 52.4920066, -2.9985326),
    ("Ludlow", 351100, 274600, 52.3672686, -2.7196019),
    ("Hereford", 351000, 239800, 52.0544149, -2.7160245),
    ("Ross-on-Wye", 360000, 224100, 51.9139917, -2.5829411),
    ("Evesham", 403600, 243800, 52.0925455, -1.9488590),
    ("Stratford-upon-Avon", 420100, 254900, 52.1919914, -1.7073696),
    ("Rugby", 450300, 275100, 52.3716611, -1.2625986),
    ("Burton upon Trent", 424700, 323000, 52.8040111, -1.6350532),
    ("Telford", 370000, 308800, 52.6760799, -2.4451343),
]

METRES_A_DEGREE = 111_300
"""Length of a degree of latitude, near enough to measure a few metres."""

ANYWHERE_M = 5
REGION_M = 2.2
ROUND_TRIP_M = 0.01  # 0.0015 was measured


def apart(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Metres between two nearby (lat, lng) positions in degrees."""
    north, east = one[0] - other[0], (one[1] - other[1]) * cos(radians(one[0]))
    return METRES_A_DEGREE * hypot(north, east)


@pytest.mark.parametrize(("name", "easting", "northing", "lat", "lng"), ORDNANCE_SURVEY)
def test_published_points(
    name: str, easting: float, northing: float, lat: float, lng: float
) -> None:
    """Both directions agree with Ordnance Survey, from Scilly to Shetland."""
    assert apart(to_wgs84(easting, northing), (lat, lng)) < ANYWHERE_M
    assert dist(from_wgs84(lat, lng), (easting, northing)) < ANYWHERE_M


@pytest.mark.parametrize(("name", "easting", "northing", "lat", "lng"), REGION)
def test_places_in_the_region(
    name: str, easting: float, northing: float, lat: float, lng: float
) -> None:
    """In the region both directions are good to about 2 m."""
    assert apart(to_wgs84(easting, northing), (lat, lng)) < REGION_M
    assert dist(from_wgs84(lat, lng), (easting, northing)) < REGION_M


@given(st.floats(300_000, 470_000), st.floats(200_000, 380_000))
def test_there_and_back_in_the_region(easting: float, northing: float) -> None:
    """A grid position survives the trip to degrees and back."""
    back = from_wgs84(*to_wgs84(easting, northing))
    assert dist(back, (easting, northing)) < ROUND_TRIP_M


@given(st.floats(1, GRID_WIDTH - 1), st.floats(1, GRID_HEIGHT - 1))
def test_there_and_back_anywhere(easting: float, northing: float) -> None:
    """So does one anywhere on the grid."""
    back = from_wgs84(*to_wgs84(easting, northing))
    assert dist(back, (easting, northing)) < ROUND_TRIP_M


@pytest.mark.parametrize(
    ("easting", "northing"),
    [(-1, 0), (0, -1), (700_001, 0), (0, 1_300_001), (nan, 0), (0, nan), (inf, 0)],
)
def test_metres_off_the_grid(easting: float, northing: float) -> None:
    """Metres off the grid are refused, and so is what is not a number."""
    with pytest.raises(ValueError, match="outside the National Grid"):
        to_wgs84(easting, northing)


@pytest.mark.parametrize(
    ("lat", "lng"),
    [(0, 0), (90, 0), (52, 88), (48.85, 2.35), (49.1, -2), (52, 4.9), (nan, 0), (52, inf)],
)
def test_degrees_off_the_grid(lat: float, lng: float) -> None:
    """Degrees off the grid are refused, whether far from it or close."""
    with pytest.raises(ValueError, match="outside the National Grid"):
        from_wgs84(lat, lng)


def test_corners_of_the_grid() -> None:
    """The corners themselves are on the grid."""
    for easting in (0, GRID_WIDTH):
        for northing in (0, GRID_HEIGHT):
            lat, lng = to_wgs84(easting, northing)
            assert 49 < lat < 62
            assert -10 < lng < 5
