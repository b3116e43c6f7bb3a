"""Cities where routers stand: data/cities.csv."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from gatewatch_targets.reference import table_rows

from .lands import degree

_COLUMNS = "code,name,country,lat,lon,source"


@dataclass(frozen=True, slots=True)
class City:
    """A city; ``lat`` and ``lon`` in degrees."""

    code: str
    name: str
    country: str
    lat: float
    lon: float


@lru_cache(maxsize=1)
def cities() -> Mapping[str, City]:
    """Give the cities by code; raises :class:`~gatewatch_targets.rows.DataError`."""
    found = {}
    for row in table_rows("cities.csv", _COLUMNS):
        code = row.text("code")
        if not re.fullmatch(r"[a-z]{3}", code):
            raise row.error("code", "is not three small letters")
        (country,) = row.countries("country")
        found[code] = City(code, row.text("name"), country, degree(row, "lat", 90), degree(row, "lon", 180))
    return MappingProxyType(found)


def city_named(text: str) -> City | None:
    """Give the one city whose name stands, in whole words, in a text such as an exchange's name."""
    words = " ".join(["", *re.findall(r"[^\W_]+", text.casefold()), ""])
    named = [city for city in cities().values() if f" {city.name.casefold()} " in words]
    return named[0] if len(named) == 1 else None
