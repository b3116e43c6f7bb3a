"""What a report tells of: a dataset's tables, computed once, and cut to a country."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from gatewatch.words import say
from gatewatch_analysis.cables import Cables, whose_cables
from gatewatch_analysis.gateway.border import borders
from gatewatch_analysis.gateway.exits import exits
from gatewatch_analysis.loading import Dataset
from gatewatch_analysis.prefixes import Whereabouts
from gatewatch_analysis.report.overview import Analysis, analyse, whereabouts
from gatewatch_analysis.tables import Exits


@dataclass(frozen=True, slots=True)
class Contents:
    """Every table that a report shows.

    ``exits_by_month``: the table ``Exits`` with a column ``month``, for the months with paths abroad.
    """

    analysis: Analysis
    exits: pd.DataFrame
    exits_by_month: pd.DataFrame
    cables: Cables

    @property
    def countries(self) -> list[tuple[str, bool]]:
        """The countries measured, those of the lab apart."""
        frames = [self.analysis.dataset.measurements, self.analysis.dataset.hops]
        both = pd.concat([frame[["country", "lab"]] for frame in frames]).drop_duplicates()
        return sorted((str(country), bool(lab)) for country, lab in both.itertuples(index=False, name=None))


def gather(
    dataset: Dataset,
    prefixes: Iterable[Path] = (),
    otherwise: Callable[[], Whereabouts | None] = lambda: None,
) -> Contents:
    """Compute the tables; arguments as :func:`gatewatch_analysis.report.analyse` takes them."""
    given = list(prefixes)
    analysis = analyse(dataset, given, otherwise)
    addresses, _ = whereabouts(dataset, given, otherwise)
    months = list(_by_month(dataset.hops, addresses))
    by_month = pd.concat(months, ignore_index=True) if months else Exits.frame([]).assign(month=None)
    return Contents(analysis, exits(analysis.borders), by_month, whose_cables(dataset.hops, addresses))


def _by_month(hops: pd.DataFrame, addresses: Whereabouts) -> Iterator[pd.DataFrame]:
    for when, part in hops.groupby(hops["start"].dt.strftime("%Y-%m")):
        yield exits(borders(part, addresses)).assign(month=str(when))


def of_country(frame: pd.DataFrame, country: tuple[str, bool]) -> pd.DataFrame:
    """Give the rows of one country."""
    return frame[(frame["country"] == country[0]) & (frame["lab"] == country[1])]


def named(country: tuple[str, bool]) -> str:
    """Name a country by its code, and say when it is the lab's."""
    return say("{country} (lab)", country=country[0]) if country[1] else country[0]
