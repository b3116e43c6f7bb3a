"""When did a share change?  Exact Bayesian change points of counts per time bin, and a test without a model.

A series is, for each time bin, how many of so many independent units were hit: ISPs that block, days on which
a site was blocked.  What counts as a unit is the caller's word; repeats that hang together are one unit, or
every probability here is too sure.

The model: between two changes the share is constant and unknown, with Jeffreys' prior Beta(1/2, 1/2); a
change falls on any boundary between bins with equal chance, and there is none at all with chance one half.
All segmentations are summed exactly, forwards and backwards (P. Fearnhead, Statistics and Computing 16, 2006,
203-213; the sums over segments go back to D. Barry and J. Hartigan, Annals of Statistics 20, 1992).

False alarms: when nothing changes, the odds for a change exceed K in at most one series of K, whatever its
length (the mean of a Bayes factor under the hypothesis it speaks against is 1, and Markov's inequality), for
shares as the prior has them.  Units that hang together break that; :func:`p_value` holds as long as the bins
could be exchanged for one another, and with ``block`` as long as blocks of them could.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import lgamma, log
from typing import Any

import numpy as np

from gatewatch_analysis.statistics.intervals import wilson

Ints = Any  # a one-dimensional array of whole numbers, or anything that becomes one
Floats = Any

#: How sure one must be that there is a change at all before any is reported: odds of 99, so that at most one
#: steady series in 99 gives a false alarm.
SURE = 0.99
# The part of a date's probability that its interval holds.
_LEVEL = 0.95
# Jeffreys' prior for a share (H. Jeffreys, Theory of Probability, 3rd ed. 1961, section 3.10).
_PRIOR = 0.5
# Prior chance that nothing changes.
_STEADY = 0.5
# Work on this many numbers at a time.
_CHUNK = 2_000_000


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a share, in bins counted from 0.

    ``at`` is the first bin of the new level, where it most probably lies; ``low`` to ``high`` holds it with
    95 %.  Where bins are empty, the change may lie on any boundary within the gap, and ``at`` is the first
    bin that was seen after it.  ``probability``: that there is a change between this one's neighbours.
    ``before`` and ``after``: hits and units of the levels on both sides, up to the neighbouring changes.
    """

    at: int
    low: int
    high: int
    probability: float
    before: tuple[int, int]
    after: tuple[int, int]

    @property
    def levels(self) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
        """The share before and after, each with the ends of its 95 % interval (Wilson)."""
        (h0, t0), (h1, t1) = self.before, self.after
        return (h0 / t0, *wilson(h0, t0)), (h1 / t1, *wilson(h1, t1))


@dataclass(frozen=True, slots=True)
class Changes:
    """Every change of a series, and the probability that there is any."""

    probability: float
    found: tuple[Change, ...]


class Segments:
    """The log probability of what was seen in any segment of a series, its share unknown."""

    def __init__(self, hits: Ints, trials: Ints) -> None:
        """Take hits and units by bin; raises ValueError for what are no counts."""
        h, t = np.asarray(hits, np.int64), np.asarray(trials, np.int64)
        if h.shape != t.shape or h.ndim != 1 or (h < 0).any() or (h > t).any():
            raise ValueError("a series needs as many hits as trials, each 0 <= hits <= trials")
        #: The bins in which there was anything to see, and their place among all bins.
        self.places = np.flatnonzero(t)
        self.size, self.bins = len(self.places), len(t)
        self.hits = np.concatenate(([0], np.cumsum(h[self.places])))
        self.trials = np.concatenate(([0], np.cumsum(t[self.places])))
        # The least power of two, so that few sizes are ever computed.
        self._half, self._one = _tables(1 << int(self.trials[-1]).bit_length())

    def __call__(self, start: Any, end: Any) -> Floats:
        """Give the log probability of bins ``start`` up to, not with, ``end`` (numbers or arrays of them)."""
        h = self.hits[end] - self.hits[start]
        t = self.trials[end] - self.trials[start]
        return self._half[h] + self._half[t - h] - self._one[t]

    def boundaries(self) -> tuple[Floats, Floats]:
        """Give the log chance of a change, and of none, between each seen bin and the one before it."""
        stay = log(_STEADY) / max(self.bins - 1, 1) * np.diff(self.places)
        return np.log(-np.expm1(stay)), stay


@lru_cache(maxsize=32)
def _tables(most: int) -> tuple[Floats, Floats]:
    """Give log B(h + 1/2, m + 1/2) / B(1/2, 1/2) in two parts, for whole numbers up to ``most``."""
    k = np.arange(most)
    half = np.concatenate(([lgamma(_PRIOR)], lgamma(_PRIOR) + np.cumsum(np.log(k + _PRIOR))))
    one = np.concatenate(([0.0], np.cumsum(np.log(k + 2 * _PRIOR))))
    return half - lgamma(_PRIOR), one


def _logsum(values: Floats) -> float:
    top = values.max()
    return float(top + np.log(np.exp(values - top).sum())) if np.isfinite(top) else float(top)


def changes(hits: Ints, trials: Ints, *, sure: float = SURE) -> Changes:
    """Find the changes of a share, counts per time bin in; none is reported below ``sure``.

    The segmentation reported is the most probable one.  Costs the square of the bins that hold anything:
    about a third of a second for ten years of days.
    """
    segments = Segments(hits, trials)
    n = segments.size
    total = segments.hits[-1]
    # One bin, or one outcome throughout, cannot speak for a change.
    if n < 2 or total in (0, segments.trials[-1]):
        return Changes(0.0, ())
    model = _Sums(segments)
    probability = 1 - float(np.exp(model.steady - model.whole))
    if probability < sure:
        return Changes(probability, ())
    at = model.best()
    edges = [0, *at, n]
    found = []
    for left, here, right in zip(edges, edges[1:], edges[2:], strict=False):
        first, last = (left + here) // 2 + 1 if left else 1, (here + right + 1) // 2 if right < n else n
        found.append(_change(segments, model, (left, here, right), (first, max(last, here + 1))))
    return Changes(probability, tuple(found))


def _change(segments: Segments, model: _Sums, edges: tuple[int, int, int], window: tuple[int, int]) -> Change:
    left, here, right = edges
    # Where this one lies if its neighbours lie where they do: what else may have changed blurs no date.
    between = np.arange(left + 1, right)
    weight = segments(left, between) + segments(between, right) + model.change[between]
    low, high = _interval(np.exp(weight - weight.max()), here - left - 1)
    places, h, t = segments.places, segments.hits, segments.trials
    return Change(
        at=int(places[here]),
        # The boundary may lie anywhere in the gap before the bin.
        low=int(places[left + low]) + 1,
        high=int(places[left + 1 + high]),
        probability=1 - model.nothing_in(*window),
        before=(int(h[here] - h[left]), int(t[here] - t[left])),
        after=(int(h[right] - h[here]), int(t[right] - t[here])),
    )


def _interval(mass: Floats, peak: int) -> tuple[int, int]:
    """Grow an interval from the peak, always to the heavier side, until it holds its part of the mass."""
    low = high = peak
    held, enough = mass[peak], _LEVEL * mass.sum()
    while held < enough and (low > 0 or high < len(mass) - 1):
        down = mass[low - 1] if low > 0 else -1.0
        up = mass[high + 1] if high < len(mass) - 1 else -1.0
        if down > up:
            low, held = low - 1, held + down
        else:
            high, held = high + 1, held + up
    return low, high


class _Sums:
    """The sums over all segmentations of one series."""

    def __init__(self, segments: Segments) -> None:
        self.segments, n = segments, segments.size
        change, stay = segments.boundaries()
        # Boundary j is the one before bin j; those at both ends are certain.
        self.change = np.concatenate(([0.0], change, [0.0]))
        self._stay = np.concatenate(([0.0, 0.0], np.cumsum(stay)))
        self.forward, self._back = self._forwards()
        self.backward = self._backwards()
        self.whole = float(self.forward[n])
        self.steady = float(segments(0, n) + self._stay[n])
        self.marginal = np.exp(self.forward + self.backward - self.whole)

    def _row(self, starts: Any, end: Any) -> Floats:
        """Log probability of segments, and of no change at the boundaries within."""
        return self.segments(starts, end) + self._stay[end] - self._stay[starts + 1]

    def _forwards(self) -> tuple[Floats, Ints]:
        n = self.segments.size
        total, best = np.zeros(n + 1), np.zeros(n + 1)
        back = np.zeros(n + 1, np.int64)
        for end in range(1, n + 1):
            row = self._row(np.arange(end), end)
            total[end] = _logsum(total[:end] + row) + self.change[end]
            row += best[:end]
            back[end] = row.argmax()
            best[end] = row[back[end]] + self.change[end]
        return total, back

    def _backwards(self) -> Floats:
        n = self.segments.size
        total = np.zeros(n + 1)
        for start in range(n - 1, -1, -1):
            ends = np.arange(start + 1, n + 1)
            row = self._row(np.full(n - start, start), ends)
            # The chance of the boundary where the segment ends; the one where it begins is in ``forward``.
            total[start] = _logsum(row + self.change[ends] + total[ends])
        return total

    def best(self) -> list[int]:
        """Give the boundaries of the most probable segmentation; at least one, the most probable boundary."""
        found, end = [], int(self._back[self.segments.size])
        while end:
            found.append(end)
            end = int(self._back[end])
        return found[::-1] or [1 + int(self.marginal[1:-1].argmax())]

    def nothing_in(self, first: int, last: int) -> float:
        """Give the probability that no boundary from ``first`` up to, not with, ``last`` is a change."""
        n = self.segments.size
        ends = np.arange(last, n + 1)
        tails = self.change[ends] + self.backward[ends]
        rows = [
            self.forward[start] + self._row(np.full(len(ends), start), ends) + tails for start in range(first)
        ]
        return min(1.0, float(np.exp(_logsum(np.concatenate(rows)) - self.whole)))


def p_value(
    hits: Ints, trials: Ints, *, block: int = 1, rounds: int = 999, rng: np.random.Generator | None = None
) -> float:
    """Test whether one share could have been the same throughout, by exchanging the bins (Monte Carlo).

    The statistic is the Bayes factor for one change somewhere.  Valid for any spread of the counts, as long
    as bins, or blocks of ``block`` bins in their order, could be exchanged for one another if nothing changed
    (blocks: H. Kuensch, Annals of Statistics 17, 1989).  Never below 1 / (rounds + 1) (A. Davison and D.
    Hinkley, Bootstrap Methods and their Application, 1997, section 4.2).
    """
    segments = Segments(hits, trials)
    n = segments.size
    if n < 2:
        return 1.0
    rng = rng or np.random.default_rng(0)
    h, t = np.diff(segments.hits), np.diff(segments.trials)
    seen = _one_change(segments, h[None], t[None])[0]
    above, left = 0, rounds
    while left:
        some = min(left, max(1, _CHUNK // n))
        order = _orders(rng, n, some, block)
        # Equal but for rounding is not less.
        above += int((_one_change(segments, h[order], t[order]) >= seen - 1e-9).sum())
        left -= some
    return (above + 1) / (rounds + 1)


def _orders(rng: np.random.Generator, size: int, rounds: int, block: int) -> Ints:
    if block <= 1:
        return rng.permuted(np.broadcast_to(np.arange(size), (rounds, size)), axis=1)
    blocks = np.array_split(np.arange(size), -(-size // block))
    return np.array(
        [np.concatenate([blocks[i] for i in rng.permutation(len(blocks))]) for _ in range(rounds)]
    )


def _one_change(segments: Segments, hits: Ints, trials: Ints) -> Floats:
    """Give, for each row of bins, the log of the mean over boundaries of the two levels' probability."""
    h, t = np.cumsum(hits, axis=1), np.cumsum(trials, axis=1)
    both = _mass(segments, h[:, :-1], t[:, :-1]) + _mass(
        segments, h[:, -1:] - h[:, :-1], t[:, -1:] - t[:, :-1]
    )
    top = both.max(axis=1, keepdims=True)
    return top[:, 0] + np.log(np.exp(both - top).mean(axis=1))


def _mass(segments: Segments, hits: Ints, trials: Ints) -> Floats:
    return segments._half[hits] + segments._half[trials - hits] - segments._one[trials]


def spread(hits: Ints, trials: Ints, at: Sequence[int] = ()) -> float:
    """Give the dispersion of the counts within their levels: 1 for independent units, more when they hang
    together (Pearson's chi-squared over its degrees of freedom; McCullagh and Nelder, 1989, section 4.5).
    """
    h, t = np.asarray(hits, float), np.asarray(trials, float)
    chi = 0.0
    free = 0
    for part in np.split(np.arange(len(t)), list(at)):
        seen = part[t[part] > 0]
        share = h[seen].sum() / t[seen].sum() if len(seen) else 0.0
        if 0 < share < 1 and len(seen) > 1:
            chi += float(((h[seen] - t[seen] * share) ** 2 / (t[seen] * share * (1 - share))).sum())
            free += len(seen) - 1
    return chi / free if free else 1.0
