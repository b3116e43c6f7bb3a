"""Was it some lines, one ISP, or the country?  Silent stretches, beside who was still heard.

Looked at are each ISP's visits, and all visits of a country together: a shutdown of some hours may leave each
ISP too few to be sure of alone.  Every ISP counts once, large ones as small ones.  What some lines met is
theirs; what one ISP met is an outage of one ISP; several with others still answering may hang on one
carrier.  Only where every ISP that was heard of was silent does it look like a shutdown, and even then cables
may have been cut: measurements tell that nothing came through, not why.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import pandas as pd

from gatewatch_analysis.shutdown.outages import of_visits, reach
from gatewatch_analysis.shutdown.stops import stops
from gatewatch_analysis.shutdown.visits import MOST, stretches, visits
from gatewatch_analysis.statistics import wilson
from gatewatch_analysis.tables import Shutdowns

_PLACE = ["country", "lab"]
_Isp = tuple[int, str]


class _Time(NamedTuple):
    start: Any
    end: Any
    probability: float


def shutdowns(attempts: pd.DataFrame, *, hours: float = 1.0) -> pd.DataFrame:
    """Find when networks of a country were silent, or not heard of (table ``Shutdowns``)."""
    table, gaps = visits(attempts, hours=hours), stops(attempts)
    rows: list[tuple[Any, ...]] = []
    for keys, heard in attempts.groupby(_PLACE, sort=True):
        seen, quiet = _here(table, keys), _here(gaps, keys)
        times = _joined([*_of_isps(seen), *_of_all(seen)])
        rows += [(*keys, *_failure(time, seen, quiet)) for time in times]
        rows += [(*keys, *row) for row in _silences(quiet, times, heard)]
    return Shutdowns.typed(Shutdowns.frame(rows).sort_values(["country", "lab", "start"], kind="stable"))


def _here(frame: pd.DataFrame, keys: tuple[Any, ...]) -> pd.DataFrame:
    country, lab = keys
    mine = (frame["country"] == country) & (frame["lab"] == lab)
    found: pd.DataFrame = frame[mine]
    return found.reset_index(drop=True)


def _of_isps(seen: pd.DataFrame) -> Iterator[_Time]:
    for row in of_visits(seen)[["start", "end", "probability"]].itertuples(index=False, name=None):
        yield _Time(*row)


def _of_all(seen: pd.DataFrame) -> Iterator[_Time]:
    """Give the stretches in which most visits of all ISPs together were silent."""
    for stretch in stretches(seen, least=MOST):
        met = seen.iloc[stretch.first : stretch.last + 1]
        met = met[met["silent"]]
        yield _Time(met["start"].min(), met["end"].max(), stretch.probability)


def _joined(times: list[_Time]) -> list[_Time]:
    """Join times that overlap, with the surest one's probability."""
    found: list[_Time] = []
    for time in sorted(times):
        if found and time.start <= found[-1].end:
            last = found.pop()
            time = _Time(last.start, max(last.end, time.end), max(last.probability, time.probability))
        found.append(time)
    return found


def _failure(time: _Time, seen: pd.DataFrame, quiet: pd.DataFrame) -> tuple[Any, ...]:
    """Say how many ISPs a time of silence is of, of how many."""
    inside = seen[(seen["start"] <= time.end) & (seen["end"] >= time.start)]
    shares = inside.groupby(["asn", "isp"])["silent"].mean()
    out = {(int(asn), str(isp)) for asn, isp in shares.index[shares >= MOST]}
    answered = {(int(asn), str(isp)) for asn, isp in shares.index} - out
    over = quiet["next"].isna() | (quiet["next"] >= time.start)
    stopped = _isps(quiet[over & (quiet["last"] <= time.end)])
    if not out:
        scope = "some lines"
        out = {(int(asn), str(isp)) for asn, isp in shares.index[shares > 0]}
        answered -= out
    elif len(out) == 1:
        scope = "one ISP"
    else:
        scope = "several ISPs" if answered else "every ISP heard"
    # It lasts where none of those that were out was seen to answer again.
    later = seen[(seen["start"] > time.end) & ~seen["silent"]]
    lasts = not (_isps(later) & out)
    share_low = None if scope == "some lines" else wilson(len(out), len(out) + len(answered))[0]
    return (
        *("failures", scope, time.start, None if lasts else time.end),
        *(len(out | answered), len(out), len(answered), len(stopped - out - answered)),
        *(reach(inside[inside["silent"]]), time.probability, share_low, _names(out)),
    )


def _silences(quiet: pd.DataFrame, times: list[_Time], heard: pd.DataFrame) -> Iterator[tuple[Any, ...]]:
    """Join gaps of two ISPs or more that overlap; those that lie beside failures are told with them."""
    last = heard["start"].max()
    table = quiet.assign(until=quiet["next"].fillna(last)).sort_values("last")
    reached = table["until"].cummax().shift()
    for _, group in table.groupby((table["last"] > reached).cumsum()):
        isps = _isps(group)
        # All of them were gone between the last one's last word and the first one's return.
        start, end = group["last"].max(), group["until"].min()
        if len(isps) < 2 or start >= end:
            continue
        if any(t.start <= group["until"].max() and t.end >= group["last"].min() for t in times):
            continue
        answered = _isps(heard[(heard["start"] > start) & (heard["start"] < end) & ~heard["silent"]]) - isps
        yield (
            *("measurements stopped", "several ISPs" if answered else "every ISP heard", start),
            None if group["next"].isna().any() else end,
            *(len(isps | answered), 0, len(answered), len(isps), "not known"),
            *(1 - float(group["chance"].max()), None, _names(isps)),
        )


def _isps(frame: pd.DataFrame) -> set[_Isp]:
    named = frame[["asn", "isp"]].drop_duplicates().itertuples(index=False, name=None)
    return {(int(asn), str(isp)) for asn, isp in named}


def _names(isps: set[_Isp]) -> str:
    return ", ".join(isp if isp == f"AS{asn}" else f"{isp} (AS{asn})" for asn, isp in sorted(isps))
