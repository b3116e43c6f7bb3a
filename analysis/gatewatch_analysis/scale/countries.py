"""Country by country: what no country's rows tell of another's is computed for each by itself."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pandas as pd

from gatewatch_analysis.loading.spread import WorkerDied, spread

_KEYS = ["country", "lab"]


def by_country(
    function: Callable[..., pd.DataFrame], *frames: pd.DataFrame, processes: int = 1
) -> pd.DataFrame:
    """Give ``function`` of each country's rows of ``frames``, one below the other, by country.

    ``function`` is one of a module, from tables to a table, that never compares countries.  Spread over the
    cluster in use, or over so many processes.  Raises :class:`WorkerDied` where a country's rows could not be
    computed: a table without it would be read as a country where nothing happens.
    """
    places = sorted({key for frame in frames for key in frame[_KEYS].itertuples(index=False, name=None)})
    pieces = [tuple(_of(frame, place) for frame in frames) for place in places]
    if not pieces:
        return function(*frames)
    found = []
    for _, result in spread(partial(_call, function), pieces, processes):
        if isinstance(result, WorkerDied):
            raise result
        found.append(result)
    return pd.concat(found, ignore_index=True)


def _of(frame: pd.DataFrame, place: tuple[str, bool]) -> pd.DataFrame:
    return frame[(frame["country"] == place[0]) & (frame["lab"] == place[1])]


def _call(function: Callable[..., pd.DataFrame], frames: tuple[pd.DataFrame, ...]) -> pd.DataFrame:
    return function(*frames)
