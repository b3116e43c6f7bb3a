"""The outline of land from Iran to Japan, for maps: coarse, and in the public domain (Natural Earth)."""

from __future__ import annotations

from functools import lru_cache

from .reference import open_data
from .rows import DataError, Problem, lines

_FILE = "outline.txt"
#: West, south, east and north edges, in degrees.
BOUNDS = (60.0, -12.0, 150.0, 50.0)

#: A ring of points, each (longitude, latitude).
Ring = tuple[tuple[float, float], ...]


@lru_cache(maxsize=1)
def outline() -> tuple[tuple[str, Ring], ...]:
    """Give the rings of land (``land``) and of the four countries (their code); raises DataError."""

    def fail(problem: Problem) -> None:
        raise DataError(problem)

    found = []
    with open_data(_FILE) as stream:
        for number, line in lines(stream, _FILE, fail):
            if line.startswith("#"):
                continue
            kind, *points = line.split()
            try:
                pairs = [tuple(map(float, point.split(","))) for point in points]
                ring = tuple((lon, lat) for lon, lat in pairs)
            except ValueError:
                raise DataError(Problem(_FILE, number, "points", "are not longitude,latitude")) from None
            west, south, east, north = BOUNDS
            if len(ring) < 3 or not all(west <= x <= east and south <= y <= north for x, y in ring):
                raise DataError(Problem(_FILE, number, "points", "are no ring within the bounds"))
            found.append((kind, ring))
    return tuple(found)
