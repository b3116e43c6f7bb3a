"""Common dates of several series, against sums by hand and series whose dates are known."""

from itertools import product
from math import prod
from typing import Any

import numpy as np
import pytest

from gatewatch_analysis.statistics import SURE, all_together, together
from gatewatch_analysis.statistics.changes import Segments

Series = tuple[list[list[int]], list[list[int]]]


def blocked_from(*dates: int | None, bins: int = 40, until: int | None = None) -> Series:
    """Series of one unit a bin, hit from a date on (and until another)."""
    hits = [
        [int(d is not None and i >= d and (until is None or i < until)) for i in range(bins)] for d in dates
    ]
    return hits, [[1] * bins for _ in dates]


def test_the_three_accounts_are_those_by_hand() -> None:
    rng = np.random.default_rng(0)
    trials = rng.integers(0, 3, (3, 5))
    hits = rng.binomial(trials, 0.5)

    def two_levels(k: int, cut: int) -> float:
        whole = sum(
            float(Segments(part, units)(0, Segments(part, units).size)) for part, units in halves(k, cut)
        )
        return float(np.exp(whole))

    def halves(k: int, cut: int) -> list[tuple[Any, Any]]:
        return [(hits[k][:cut], trials[k][:cut]), (hits[k][cut:], trials[k][cut:])]

    one = [float(np.exp(Segments(h, t)(0, Segments(h, t).size))) for h, t in zip(hits, trials, strict=True)]
    cuts = range(1, 5)
    two = [[two_levels(k, cut) for cut in cuts] for k in range(3)]
    both, apart = 0.0, 0.0
    for who in product((False, True), repeat=3):
        if sum(who) >= 2:
            both += float(
                np.mean([prod(two[k][i] if who[k] else one[k] for k in range(3)) for i in range(4)])
            )
        if any(who):
            apart += float(prod(float(np.mean(two[k])) if who[k] else one[k] for k in range(3)))
    # Four of eight choices have two or more, seven of eight somebody.
    weights = np.array([0.5 * prod(one), 0.25 * apart / 7, 0.25 * both / 4])
    seen = together(hits, trials)
    assert [seen.steady, seen.apart, seen.together] == pytest.approx(weights / weights.sum())


def test_a_common_date_is_found_with_those_who_took_part() -> None:
    seen = together(*blocked_from(12, 12, None, 12))
    assert seen.together > SURE
    assert (seen.low, seen.at, seen.high) == (12, 12, 12)
    assert [part > 0.9 for part in seen.takes_part] == [True, True, False, True]
    assert (seen.own[0], seen.spread) == (12, 0)


def test_dates_that_differ_are_no_common_date() -> None:
    seen = together(*blocked_from(5, 15, 25, 35))
    assert seen.apart > SURE


def test_one_series_alone_is_nobody_together() -> None:
    assert together(*blocked_from(12, None, None)).together < 0.9


def test_steady_series_raise_no_alarm() -> None:
    rng = np.random.default_rng(1)
    trials = np.ones((5, 60), int)
    seen = [together(rng.binomial(1, 0.3, (5, 60)), trials) for _ in range(100)]
    assert sum(s.together > SURE for s in seen) < 4
    assert np.mean([s.steady for s in seen]) > 0.6


def test_bins_without_units_hide_no_common_date() -> None:
    hits, trials = blocked_from(12, 12, 12)
    for row in range(3):
        for gap in range(10 + row, 14 + row):
            trials[row][gap] = hits[row][gap] = 0
    seen = together(hits, trials)
    assert seen.together > 0.98
    assert seen.low <= 12 <= seen.high


def test_a_block_and_its_end_are_two_common_dates() -> None:
    found = all_together(*blocked_from(12, 12, 12, None, bins=60, until=30))
    assert [(f.low, f.at, f.high) for f in found] == [(12, 12, 12), (30, 30, 30)]
    assert found[1].own[:3] == (30, 30, 30)


def test_shapes_are_checked() -> None:
    for hits, trials in (([[1, 1]], [[1, 1]]), ([[1], [1]], [[1], [1]]), ([[1, 1]] * 2, [[1, 1]] * 3)):
        with pytest.raises(ValueError, match="several series"):
            together(hits, trials)
