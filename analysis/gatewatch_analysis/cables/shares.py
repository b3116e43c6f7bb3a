"""From chances to shares: how much of a provider's or a country's crossings is Chinese, for sure and at most.

A chance is not a share: of ten crossings with a chance of a half each, none or all can be Chinese.  And ten
crossings of one provider to one country mostly lie in the same cable, so they count as one draw.  The bounds
given hold in 95 of 100 cases even when all that is not resolved goes the wrong way, which it seldom does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor
from typing import TYPE_CHECKING, Any

import numpy as np

from gatewatch_analysis.cables.attributes import Chance

if TYPE_CHECKING:
    from numpy.typing import NDArray

#: In so many cases of a hundred the true share lies within; half of the rest is left on either side.
LEVEL = 0.95
# The share is reckoned in steps of a ten-thousandth.
_STEPS = 10_000
# Of floating point numbers, far below a step.
_SLACK = 1e-6


@dataclass(frozen=True, slots=True)
class Share:
    """Bounds of a chance (``least``, ``most``: of a crossing taken at random) and of the share itself."""

    least: float
    most: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Draw:
    """Crossings that stand or fall together, with the chance that they are Chinese and their part of all."""

    chance: Chance
    weight: float


def share(draws: Sequence[Draw]) -> Share:
    """Give the bounds over draws that are independent of one another; of none, nothing is known."""
    if not draws:
        return Share(0.0, 1.0, 0.0, 1.0)
    weights = np.array([draw.weight for draw in draws])
    parts = weights / weights.sum()
    # Rounded together, so that they add up: all of them are the whole.
    steps = np.diff(np.rint(np.cumsum(parts) * _STEPS).astype(int), prepend=0)
    least = np.array([draw.chance.least for draw in draws])
    most = np.array([draw.chance.most for draw in draws])
    low, high = _surely(least, steps), 1 - _surely(1 - most, steps)
    # Outwards to a thousandth: the steps must take nothing from the bounds.
    low, high = floor(low * 1000 + _SLACK) / 1000, ceil(high * 1000 - _SLACK) / 1000
    return Share(float(parts @ least), float(parts @ most), low, high)


def _surely(chances: NDArray[Any], steps: NDArray[Any]) -> float:
    """Give the share that is reached but in the lower tail of the cases."""
    spread = np.zeros(_STEPS + 1)
    spread[0] = 1.0
    for chance, step in zip(chances, steps, strict=True):
        moved = np.zeros_like(spread)
        moved[step:] = spread[: len(spread) - step]
        spread = (1 - chance) * spread + chance * moved
    return float(np.searchsorted(np.cumsum(spread), (1 - LEVEL) / 2, side="right") / _STEPS)
