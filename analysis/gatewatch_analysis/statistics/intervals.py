"""Intervals for shares: what a count of blocked targets does and does not tell."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np

# The 97.5th percentile of the normal distribution, for a two-sided interval of 95 %.
_Z = 1.959963984540054


def wilson(hits: int, trials: int) -> tuple[float, float]:
    """Give the 95 % score interval of a share; (0, 1), that is nothing known, without trials.

    Source: E. B. Wilson, JASA 22 (158), 1927, 209-212.  Chosen because it keeps its level for small counts
    and shares near 0 and 1, where the textbook interval fails (Brown, Cai, DasGupta, Statistical Science
    16 (2), 2001).
    """
    if trials == 0:
        return 0.0, 1.0
    share, z2 = hits / trials, _Z * _Z
    centre = share + z2 / (2 * trials)
    half = _Z * sqrt(share * (1 - share) / trials + z2 / (4 * trials * trials))
    scale = 1 + z2 / trials
    # The ends are exactly 0 and 1 at the extremes; rounding must not take them past.
    low = 0.0 if hits == 0 else max(0.0, (centre - half) / scale)
    high = 1.0 if hits == trials else min(1.0, (centre + half) / scale)
    return low, high


def wilsons(hits: Any, trials: Any) -> tuple[Any, Any]:
    """Give the ends of :func:`wilson` for whole columns; trials may be parts of units (autocorrelation)."""
    h, t = np.asarray(hits, np.float64), np.asarray(trials, np.float64)
    some = np.where(t > 0, t, 1.0)
    share, z2 = h / some, _Z * _Z
    half = _Z * np.sqrt(share * (1 - share) / some + z2 / (4 * some * some))
    middle, scale = share + z2 / (2 * some), 1 + z2 / some
    low = np.where((h <= 0) | (t <= 0), 0.0, np.maximum(0.0, (middle - half) / scale))
    high = np.where((h >= t) | (t <= 0), 1.0, np.minimum(1.0, (middle + half) / scale))
    return low, high
