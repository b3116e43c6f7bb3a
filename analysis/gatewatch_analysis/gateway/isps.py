"""The unit of every count: an ISP of a country; and countries, of which the lab's are counted apart.

Tables come and go as DataFrames; what is counted ISP by ISP is read as plain rows, since a frame for each
ISP would take a hundred times as long.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, cast

import pandas as pd

from gatewatch_analysis.tables import VANTAGE

#: What names a country in a table: the real one and the lab's emulation of it never mix.
COUNTRY = ["country", "lab"]

Country = tuple[str, bool]
Rows = list[tuple[Any, ...]]


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

    @property
    def where(self) -> Country:
        """Its country."""
        return self.country, self.lab


def plain(frame: pd.DataFrame, *columns: str) -> Iterator[tuple[Any, ...]]:
    """Give some columns as rows of plain values, None for what is missing."""
    values = [
        [None if gone else value for value, gone in zip(frame[c].tolist(), frame[c].isna(), strict=True)]
        for c in columns
    ]
    return zip(*values, strict=True)


def isps_of(frame: pd.DataFrame, name: str = "isp", asn: str = "asn") -> list[Isp]:
    """Name the ISP of each row; another column for its name and its network may be given."""
    rows = plain(frame, "country", name, asn, "lab")
    return [Isp(str(country), str(isp), int(number or 0), bool(lab)) for country, isp, number, lab in rows]


def by_isp(frame: pd.DataFrame) -> Iterator[tuple[Isp, pd.DataFrame]]:
    """Give each ISP with its rows as a frame, ISPs sorted."""
    for keys, rows in frame.groupby(VANTAGE, sort=True):
        country, name, asn, lab = cast("tuple[str, str, int, bool]", keys)
        yield Isp(str(country), str(name), int(asn), bool(lab)), rows


def rows_by_isp(frame: pd.DataFrame, *columns: str) -> dict[Isp, Rows]:
    """Give each ISP with the plain rows of some columns, ISPs sorted, rows in the table's order."""
    found: dict[Isp, Rows] = defaultdict(list)
    rows = plain(frame, *columns) if columns else [()] * len(frame)
    for isp, row in zip(isps_of(frame), rows, strict=True):
        found[isp].append(row)
    return dict(sorted(found.items()))


def by_country(frame: pd.DataFrame) -> Iterator[tuple[Country, pd.DataFrame]]:
    """Give each country with its rows, sorted."""
    for keys, rows in frame.groupby(COUNTRY, sort=True):
        yield (str(keys[0]), bool(keys[1])), rows


def countries(*frames: pd.DataFrame) -> list[Country]:
    """List the countries that any of the tables knows."""
    found: set[Country] = set()
    for frame in frames:
        pairs = frame[COUNTRY].drop_duplicates().itertuples(index=False, name=None)
        found.update((str(country), bool(lab)) for country, lab in pairs)
    return sorted(found)


def of_country(frame: pd.DataFrame, country: Country) -> pd.DataFrame:
    """Give the rows of one country."""
    return frame[(frame["country"] == country[0]) & (frame["lab"] == country[1])]


def only(frame: pd.DataFrame, keep: Iterable[bool]) -> pd.DataFrame:
    """Give the rows to keep, the columns even where there are none."""
    return frame[pd.Series(list(keep), index=frame.index, dtype=bool)]


def titles(isps: Iterable[Isp]) -> str:
    """Name several, sorted."""
    return ", ".join(sorted(isp.title for isp in isps))
