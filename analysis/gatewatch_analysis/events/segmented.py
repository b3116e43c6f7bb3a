"""Segmented regression of a share: the step and the bend at a date, with an interval that knows of repeats.

The share of a day is modelled as ``a + b t + c D + d D (t - t0)``, where ``D`` is 1 from the date on: ``c``
is the step, ``d`` the bend (J. Lopez Bernal, S. Cummins, A. Gasparrini, Int. J. Epidemiology 46 (1), 2017).
Days are weighted by their trials.  The errors of neighbouring days are alike, so that the interval is that of
W. K. Newey and K. D. West, Econometrica 55 (3), 1987, with a lag of 4 (n / 100)^(2/9) days; and it is never
narrower than counting alone makes it, as a series that never varies would else have none.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# The 97.5th percentile of the normal distribution.
_Z = 1.959963984540054
#: Days with measurements that each side needs: two parameters a side, and twice as many again for the errors.
LEAST_DAYS = 6


@dataclass(frozen=True, slots=True)
class Step:
    """The step of a share at a date, the ends of its 95 % interval, and the bend of its slope per day."""

    level: float
    low: float
    high: float
    trend: float

    @property
    def told(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.low > 0 or self.high < 0


def step_at(
    days: NDArray[np.int64], hits: NDArray[np.int64], trials: NDArray[np.int64], first: int, last: int
) -> Step | None:
    """Fit the step between day ``first`` and day ``last`` (numbers of days; what lies between is left out).

    ``days`` are in order.  None where either side has fewer than ``LEAST_DAYS`` days with trials.
    """
    use = (trials > 0) & ((days < first) | (days >= last))
    days, hits, trials = days[use], hits[use], trials[use]
    after = (days >= last).astype(float)
    if after.sum() < LEAST_DAYS or len(days) - after.sum() < LEAST_DAYS:
        return None
    t = (days - last).astype(float)
    design = np.column_stack([np.ones(len(t)), t, after, after * t])
    weights = trials / trials.mean()
    share = hits / trials
    weighted = design * weights[:, None]
    inverse = np.linalg.pinv(design.T @ weighted)
    found = inverse @ (weighted.T @ share)
    scores = weighted * (share - design @ found)[:, None]
    covariance = inverse @ _newey_west(scores) @ inverse
    # What counting alone gives: Jeffreys' share keeps a variance where all or none were hit.
    smooth = (hits + 0.5) / (trials + 1)
    counted = (
        inverse @ ((weighted * weights[:, None]).T * (smooth * (1 - smooth) / trials)) @ design @ inverse
    )
    error = sqrt(max(covariance[2, 2], counted[2, 2], 0.0))
    level = float(found[2])
    return Step(level, level - _Z * error, level + _Z * error, float(found[3]))


def _newey_west(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    n, width = scores.shape
    whole: NDArray[np.float64] = scores.T @ scores
    lag = int(4 * (n / 100) ** (2 / 9))
    for k in range(1, lag + 1):
        cross = scores[k:].T @ scores[:-k]
        whole = whole + (1 - k / (lag + 1)) * (cross + cross.T)
    # HC1's correction for small samples: n over what is left of it after the parameters.
    corrected: NDArray[np.float64] = whole * (n / (n - width))
    return corrected
