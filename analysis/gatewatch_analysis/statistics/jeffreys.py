"""Jeffreys' interval for a share, and the beta distribution that it needs."""

from __future__ import annotations

from math import exp, lgamma, log, log1p

# Halvings of an interval of width 1: beyond a double's 53 bits nothing changes.
_HALVINGS = 60
# W. H. Press et al., Numerical Recipes, 3rd ed. 2007, 6.4: converges in O(sqrt(max(a, b))) steps.
_STEPS = 500
_TINY, _ENOUGH = 1e-300, 1e-15


def jeffreys_lower(hits: float, trials: float, level: float = 0.95) -> float:
    """Give the bound that a share exceeds with probability ``level``, for hits out of trials, one-sided.

    The prior is Beta(1/2, 1/2) (L. Brown, T. Cai and A. DasGupta, Statistical Science 16, 2001, 3.2).
    Numbers need not be whole: units that hang together count as parts of one.
    """
    if hits <= 0:
        return 0.0
    return beta_quantile(1 - level, hits + 0.5, trials - hits + 0.5)


def beta_quantile(probability: float, a: float, b: float) -> float:
    """Give the point below which a Beta(a, b) lies with this probability."""
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if beta_below(middle, a, b) < probability:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def beta_below(x: float, a: float, b: float) -> float:
    """Give the probability that a Beta(a, b) lies below ``x``: the regularised incomplete beta function."""
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x))
    # The fraction converges quickly on one side of the mean, and the function is symmetric.
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(x, a, b) / a
    return 1 - front * _fraction(1 - x, b, a) / b


def _fraction(x: float, a: float, b: float) -> float:
    """Lentz' method for the continued fraction of the incomplete beta function."""
    c, d = 1.0, 1 / _away(1 - (a + b) * x / (a + 1))
    found = d
    for m in range(1, _STEPS):
        for step in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            c, d = _away(1 + step / c), 1 / _away(1 + step * d)
            found *= c * d
        if abs(c * d - 1) < _ENOUGH:
            break
    return found


def _away(value: float) -> float:
    """Keep away from a division by zero."""
    return value if abs(value) > _TINY else _TINY
