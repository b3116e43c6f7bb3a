"""How fast light can be: the least round-trip time between two places, and along a cable.

A bound says what is impossible, never what is likely: equipment, detours and land lines only add.
"""

from __future__ import annotations

from math import asin, cos, radians, sin, sqrt

from .model import Cable, Landing

#: Speed of light in vacuum, km per ms (exact by the definition of the metre).
LIGHT_KM_PER_MS = 299.792458
# Pure fused silica's group index is nowhere less than 1.4616 (at 1273 nm; 1.4626 at 1550 nm; Malitson 1965,
# its three-term formula), and cores of cables are of it or of glass doped to a higher one (data sheets of
# G.652: 1.467 to 1.469).  Fibre with a hollow core is faster; no submarine system of these tables is known
# to have any.
GROUP_INDEX = 1.4616
#: The fastest that light goes in the fibre of a cable, km per ms one way.
FIBRE_KM_PER_MS = LIGHT_KM_PER_MS / GROUP_INDEX
# Mean radius R1 of the earth (IUGG, Moritz 2000).  On the ellipsoid a distance differs by up to 0.56 %.
EARTH_KM = 6371.0088
ELLIPSOID = 0.0056


def distance(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Give the great-circle distance in km between points in degrees (haversine: true to 0.6 %)."""
    a, b = radians(lat1), radians(lat2)
    half = sin((b - a) / 2) ** 2 + cos(a) * cos(b) * sin(radians(lon2 - lon1) / 2) ** 2
    return 2 * EARTH_KM * asin(min(1.0, sqrt(half)))


def least_rtt(km: float) -> float:
    """Give the least round-trip time in ms over ``km`` of fibre."""
    return 2 * km / FIBRE_KM_PER_MS


def least_rtt_between(lat1: float, lon1: float, lat2: float, lon2: float, blur_km: float = 0.0) -> float:
    """Give the least round-trip time in ms between two points, whatever the way.

    ``blur_km``: how far off the positions may be together.  The ellipsoid's 0.6 % are taken off, too: a
    bound must not be too high.
    """
    return least_rtt(max(0.0, distance(lat1, lon1, lat2, lon2) * (1 - ELLIPSOID) - blur_km))


# A town's position stands for a station on its shore.  Of 200 landings compared with a public map the
# farthest lay 18 km off (Medan).
TOWN_KM = 25.0


def cable_rtt(cable: Cable, here: Landing, there: Landing) -> tuple[float, float] | None:
    """Give bounds of the round-trip time in ms that the cable alone adds between two of its landings.

    The lower one is the great circle's, or the stated length's where the cable has only these two landings.
    The upper one is that of the whole stated length, infinite where none is told.  Positions
    are those of towns.  None where a position is not known and the length does not help either.
    """
    length = cable.length.value if cable.length else None
    high = least_rtt(length.high) if length else float("inf")
    counted = cable.landing_count.value if cable.landing_count else len(cable.landings)
    if length and counted == 2 and len(cable.landings) == 2:
        return least_rtt(length.low), high
    if here.lat is None or here.lon is None or there.lat is None or there.lon is None:
        return None
    return min(high, least_rtt_between(here.lat, here.lon, there.lat, there.lon, 2 * TOWN_KM)), high
