"""Countries as boxes, and their land borders: data/lands.csv."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import atan2, cos, degrees, radians, sin
from types import MappingProxyType

from gatewatch_targets.cables.light import EARTH_KM, distance
from gatewatch_targets.reference import table_rows
from gatewatch_targets.rows import Row

_COLUMNS = "code,south,north,west,east,neighbours,source,note"
# Points along an edge where two boxes are compared; what lies between them is allowed for.
_POINTS = 9


@dataclass(frozen=True, slots=True)
class Box:
    """A box in degrees; it never crosses the antimeridian."""

    south: float
    north: float
    west: float
    east: float

    def distance(self, lat: float, lon: float) -> float:
        """Give the great-circle distance in km from a point to the nearest one in the box; 0 inside."""
        at = min(max(lat, self.south), self.north)
        if self.west <= lon <= self.east:
            return distance(lat, lon, at, lon)
        return min(self._to_edge(lat, lon, edge) for edge in (self.west, self.east))

    def _to_edge(self, lat: float, lon: float, edge: float) -> float:
        # The nearest point of a meridian lies where the great circles cross squarely.
        apart = radians(edge - lon)
        square = degrees(atan2(sin(radians(lat)), cos(radians(lat)) * cos(apart)))
        # Beyond a pole: it is one of the ends then.
        tried = {self.south, self.north, min(max(square, self.south), self.north)}
        return min(distance(lat, lon, at, edge) for at in tried)

    def between(self, other: Box) -> float:
        """Give a distance in km that no two points of the two boxes fall below."""
        if (
            self.south <= other.north
            and other.south <= self.north
            and self.west <= other.east
            and other.west <= self.east
        ):
            return 0.0
        # Both are such distances; the one that goes round the smaller box allows for less.
        return max(self._least(other), other._least(self))

    def _least(self, other: Box) -> float:
        least = min(self.distance(*point) for point in other._rim())
        # A distance changes by no more than one moves: half the way between two points tried.
        widest = max(other.north - other.south, other.east - other.west) / (_POINTS - 1) / 2
        return max(0.0, least - radians(widest) * EARTH_KM)

    def _rim(self) -> Iterator[tuple[float, float]]:
        for i in range(_POINTS):
            part = i / (_POINTS - 1)
            lat = self.south + part * (self.north - self.south)
            lon = self.west + part * (self.east - self.west)
            yield from ((lat, self.west), (lat, self.east), (self.south, lon), (self.north, lon))


@dataclass(frozen=True, slots=True)
class Land:
    """A country (ISO 3166-1): a box that holds it, and the countries that it can be left to by land."""

    code: str
    box: Box
    neighbours: tuple[str, ...]


@lru_cache(maxsize=1)
def lands() -> Mapping[str, Land]:
    """Give the countries by code; raises :class:`~gatewatch_targets.rows.DataError`."""
    found: dict[str, Land] = {}
    rows: list[Row] = []
    for row in table_rows("lands.csv", _COLUMNS):
        (code,) = row.countries("code")
        south, north, west, east = (
            degree(row, key, limit)
            for key, limit in (("south", 90), ("north", 90), ("west", 180), ("east", 180))
        )
        if south >= north or west >= east:
            raise row.error("north", "the box is empty")
        found[code] = Land(code, Box(south, north, west, east), row.countries("neighbours"))
        rows.append(row)
    for row in rows:
        code = row.text("code")
        for other in found[code].neighbours:
            if other not in found or code not in found[other].neighbours:
                raise row.error("neighbours", f"{other} does not name {code} in turn")
    return MappingProxyType(found)


def degree(row: Row, field: str, limit: int) -> float:
    """Give a field's degrees, from minus to plus ``limit``."""
    text = row.text(field)
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not -limit <= value <= limit:
        raise row.error(field, f"{text} is not a number of degrees from -{limit} to {limit}")
    return value


@lru_cache(maxsize=4096)
def borders_between(first: str, second: str) -> int | None:
    """Give how few land borders lie between two countries; None where no way by land is known."""
    todo, seen = deque([(first, 0)]), {first}
    while todo:
        at, crossed = todo.popleft()
        if at == second:
            return crossed
        for other in lands()[at].neighbours if at in lands() else ():
            if other not in seen:
                seen.add(other)
                todo.append((other, crossed + 1))
    return None
