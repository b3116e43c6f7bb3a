"""The exact sign test: were one way and the other as likely?  (Q. McNemar, Psychometrika 12, 1947.)"""

from __future__ import annotations

from math import comb


def sign_test(hits: int, misses: int) -> float | None:
    """Give the chance of so many hits or more if hits and misses were alike; None where there are none."""
    n = hits + misses
    return sum(comb(n, k) for k in range(hits, n + 1)) / 2**n if n else None


def sign_test_both_ways(up: int, down: int) -> float | None:
    """Give the chance of a split at least so one-sided, whichever way; None where there are none."""
    chance = sign_test(max(up, down), min(up, down))
    return None if chance is None else min(1.0, 2 * chance)
