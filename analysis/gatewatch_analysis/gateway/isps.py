"""The unit of every count: an ISP of a country; and countries, of which the lab's are counted apart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, cast

import pandas as pd

from gatewatch_analysis.tables import VANTAGE

#: What names a country in a table: the real one and the lab's emulation of it never mix.
COUNTRY = ["country", "lab"]


class Isp(NamedTuple):
    """An ISP: the columns of a vantage in order; ``asn`` is 0 where it is not known."""

    country: str
    isp: str
    asn: int
    lab: bool

    @property
    def title(self) -> str:
        """Its name with its number, where the name does not say it: ``Metfone (AS38623)``."""
        return self.isp if not self.asn or self.isp == f"AS{self.asn}" else f"{self.isp} (AS{self.asn})"


def isp_of(row: Any) -> Isp:
    """Name the ISP of a row: anything with the columns of a vantage."""
    return Isp(str(row["country"]), str(row["isp"]), int(row["asn"]), bool(row["lab"]))


def by_isp(frame: pd.DataFrame) -> Iterator[tuple[Isp, pd.DataFrame]]:
    """Give each ISP with its rows, sorted by the ISP, so that no order of rows changes a result."""
    for keys, rows in frame.groupby(VANTAGE, sort=True):
        country, name, asn, lab = cast("tuple[str, str, int, bool]", keys)
        yield Isp(str(country), str(name), int(asn), bool(lab)), rows


def by_country(frame: pd.DataFrame) -> Iterator[tuple[tuple[str, bool], pd.DataFrame]]:
    """Give each country with its rows, sorted."""
    for keys, rows in frame.groupby(COUNTRY, sort=True):
        yield (str(keys[0]), bool(keys[1])), rows


def countries(*frames: pd.DataFrame) -> list[tuple[str, bool]]:
    """List the countries that any of the tables knows."""
    found: set[tuple[str, bool]] = set()
    for frame in frames:
        pairs = frame[COUNTRY].drop_duplicates().itertuples(index=False, name=None)
        found.update((str(country), bool(lab)) for country, lab in pairs)
    return sorted(found)


def of_country(frame: pd.DataFrame, country: tuple[str, bool]) -> pd.DataFrame:
    """Give the rows of one country."""
    return frame[(frame["country"] == country[0]) & (frame["lab"] == country[1])]


def titles(isps: Iterable[Isp]) -> str:
    """Name several, sorted."""
    return ", ".join(sorted(isp.title for isp in isps))
