"""Exact tests of counts: so many hits by chance?  And of signs: were one way and the other as likely?

The sign test is that of Q. McNemar, Psychometrika 12, 1947.
"""

from __future__ import annotations

from math import comb


def at_least(hits: int, trials: int, chance: float) -> float:
    """Give the probability of so many hits or more, where each of the trials has this chance (binomial)."""
    return sum(comb(trials, k) * chance**k * (1 - chance) ** (trials - k) for k in range(hits, trials + 1))


def sign_test(hits: int, misses: int) -> float | None:
    """Give the chance of so many hits or more if hits and misses were alike; None where there are none."""
    n = hits + misses
    return at_least(hits, n, 0.5) if n else None


def sign_test_both_ways(up: int, down: int) -> float | None:
    """Give the chance of a split at least so one-sided, whichever way; None where there are none."""
    chance = sign_test(max(up, down), min(up, down))
    return None if chance is None else min(1.0, 2 * chance)
