"""Did several series change at once?  One date for all against a date for each, and who took part.

Three accounts of some series in one window are compared: *steady*, none changes; *apart*, some change, each
on a date of its own; *together*, two or more change on one date.  Each series changes at most once and takes
part with chance one half; dates are equally likely; shares have Jeffreys' prior, as in
:mod:`gatewatch_analysis.statistics.changes`.  All dates and all choices of who takes part are summed exactly.

That series changed together tells of a common cause.  It tells of no common place: an order to every ISP
comes into force on one day, too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import log
from typing import Any

import numpy as np

from gatewatch_analysis.statistics.changes import SURE, Segments

# Prior chances: nothing changes, or something does, in either way.
_STEADY, _APART, _TOGETHER = 0.5, 0.25, 0.25
_TAKES_PART = 0.5
_LEVEL = 0.95
Floats = Any
Counts = Any  # an array of whole numbers in two dimensions, or lists that become one


@dataclass(frozen=True, slots=True)
class Together:
    """What one window says of several series, in bins counted from 0.

    ``steady``, ``apart`` and ``together`` are probabilities and add up to 1.  ``at``: the most probable
    common date, the first bin of the new levels; ``low`` to ``high`` holds it with 95 %.  ``takes_part``: for
    each series, the probability that it changes then; ``own``: for each, the date most probable by itself.
    """

    steady: float
    apart: float
    together: float
    at: int
    low: int
    high: int
    takes_part: tuple[float, ...]
    own: tuple[int, ...]

    @property
    def spread(self) -> int:
        """Bins between the first and the last date of the series' own, of those that take part."""
        dates = [own for own, part in zip(self.own, self.takes_part, strict=True) if part > _TAKES_PART]
        return max(dates) - min(dates) if dates else 0


def together(hits: Counts, trials: Counts) -> Together:
    """Compare the three accounts; a row of hits and one of units for each series, all of the same bins.

    Raises ValueError for fewer than two series or bins.
    """
    h, t = np.asarray(hits, np.int64), np.asarray(trials, np.int64)
    if h.ndim != 2 or h.shape != t.shape or min(h.shape) < 2:
        raise ValueError("several series of several bins are needed, as many hits as trials")
    # For each series and date: how much better two levels explain it than one.
    gain = np.array([_gains(row, units) for row, units in zip(h, t, strict=True)])
    more = _who(gain)[2]
    alone = _log_mean(gain)
    apart_none, *apart = _who(alone[:, None])
    logs = np.array(
        [
            log(_STEADY),
            # Nobody changing is the first account, not a part of the others.
            log(_APART) + float(np.logaddexp(apart[0][0], apart[1][0])) - _rest(float(apart_none[0])),
            log(_TOGETHER) + float(_log_mean(more[None])[0]) - _rest(*_counts(len(h))),
        ]
    )
    chances = np.exp(logs - logs.max())
    chances /= chances.sum()
    weight = np.exp(more - more.max())
    weight /= weight.sum()
    at = int(weight.argmax())
    order = np.argsort(-weight, kind="stable")
    held = np.sort(order[: int(np.searchsorted(np.cumsum(weight[order]), _LEVEL)) + 1])
    return Together(
        steady=float(chances[0]),
        apart=float(chances[1]),
        together=float(chances[2]),
        at=at + 1,
        low=int(held[0]) + 1,
        high=int(held[-1]) + 1,
        takes_part=tuple(float((weight * _part(gain, k)).sum()) for k in range(len(h))),
        own=tuple(int(row.argmax()) + 1 for row in gain),
    )


def _gains(hits: Any, trials: Any) -> Floats:
    segments = Segments(hits, trials)
    cuts = np.searchsorted(segments.places, np.arange(1, segments.bins))
    return segments(0, cuts) + segments(cuts, segments.size) - segments(0, segments.size)


def _log_mean(rows: Floats) -> Floats:
    top = rows.max(axis=1, keepdims=True)
    return top[:, 0] + np.log(np.exp(rows - top).mean(axis=1))


def _who(gain: Floats) -> tuple[Floats, Floats, Floats]:
    """Sum over who takes part, at each date: nobody, exactly one, two or more (logs; adding, never less)."""
    stays, goes = log(1 - _TAKES_PART), log(_TAKES_PART)
    none = np.zeros(gain.shape[1])
    one = np.full(gain.shape[1], -np.inf)
    more = np.full(gain.shape[1], -np.inf)
    for row in gain:
        more = np.logaddexp(more + np.logaddexp(stays, goes + row), one + goes + row)
        one = np.logaddexp(one + stays, none + goes + row)
        none = none + stays
    return none, one, more


def _counts(series: int) -> tuple[float, float]:
    """Log chances that nobody, and that exactly one, takes part."""
    return series * log(1 - _TAKES_PART), log(series) + (series - 1) * log(1 - _TAKES_PART) + log(_TAKES_PART)


def _rest(*logs: float) -> float:
    """Log of one less some chances."""
    return float(np.log1p(-sum(np.exp(x) for x in logs)))


def _part(gain: Floats, series: int) -> Floats:
    """The chance, at each date, that one series takes part, given that two or more do."""
    others = np.delete(gain, series, axis=0)
    _, one, more = _who(others)
    with_it = log(_TAKES_PART) + gain[series] + np.logaddexp(one, more)
    without = log(1 - _TAKES_PART) + more
    top = np.maximum(with_it, without)
    here, not_here = np.exp(with_it - top), np.exp(without - top)
    return here / (here + not_here)


def all_together(hits: Counts, trials: Counts, *, sure: float = SURE) -> list[Together]:
    """Find every common change, by halving at the surest (binary segmentation, L. Vostrikova, Soviet
    Mathematics Doklady 24, 1981); each is then dated between its neighbours.

    None is given below ``sure`` for *together*.
    """
    h, t = np.asarray(hits, np.int64), np.asarray(trials, np.int64)

    def within(start: int, end: int) -> Together | None:
        if end - start < 2:
            return None
        seen = together(h[:, start:end], t[:, start:end])
        if seen.together < sure:
            return None
        own = tuple(start + date for date in seen.own)
        return replace(seen, at=start + seen.at, low=start + seen.low, high=start + seen.high, own=own)

    def cuts(start: int, end: int) -> list[int]:
        seen = within(start, end)
        return [*cuts(start, seen.at), seen.at, *cuts(seen.at, end)] if seen else []

    edges = [0, *cuts(0, h.shape[1]), h.shape[1]]
    # Between its neighbours a change may be less sure than before they were known.
    return [seen for left, right in zip(edges, edges[2:], strict=False) if (seen := within(left, right))]


def on_both_sides(trials: Counts, at: int) -> Any:
    """Say of each series whether it has units before a bin and from it on."""
    t = np.asarray(trials, np.int64)
    return t[:, :at].any(axis=1) & t[:, at:].any(axis=1)


def took_part(seen: Together, trials: Counts) -> tuple[int, ...]:
    """Give the series that took part in a common change; none where fewer than two did.

    One that was not measured before it, or after, neither took part nor did not.
    """
    both = on_both_sides(trials, seen.at)
    part = tuple(k for k, chance in enumerate(seen.takes_part) if chance > _TAKES_PART and both[k])
    return part if len(part) > 1 else ()
