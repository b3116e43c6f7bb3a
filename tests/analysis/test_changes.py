"""Change points against sums by hand, and against series whose changes are known."""

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewatch_analysis.statistics import changes, p_value, spread
from gatewatch_analysis.statistics.changes import SURE, Segments, _Sums


def by_hand(segments: Segments) -> tuple[float, dict[tuple[int, ...], float]]:
    """Every segmentation with its probability."""
    change, stay = segments.boundaries()
    n = segments.size
    logs = {}
    for number in range(n):
        for cuts in combinations(range(1, n), number):
            edges = (0, *cuts, n)
            log = sum(float(segments(a, b)) for a, b in pairwise(edges))
            logs[cuts] = log + sum(float((change if g in cuts else stay)[g - 1]) for g in range(1, n))
    whole = float(np.logaddexp.reduce(list(logs.values())))
    return whole, {cuts: float(np.exp(log - whole)) for cuts, log in logs.items()}


counts = st.lists(st.integers(0, 4).flatmap(lambda t: st.tuples(st.integers(0, t), st.just(t))), max_size=8)


@given(counts)
@settings(max_examples=60, deadline=None)
def test_the_sums_are_those_over_all_segmentations(bins: list[tuple[int, int]]) -> None:
    segments = Segments([h for h, _ in bins], [t for _, t in bins])
    if segments.size < 2:
        return
    whole, chances = by_hand(segments)
    sums = _Sums(segments)
    assert sums.whole == pytest.approx(whole)
    assert np.exp(sums.steady - sums.whole) == pytest.approx(chances[()])
    for boundary in range(1, segments.size):
        at = sum(chance for cuts, chance in chances.items() if boundary in cuts)
        assert sums.marginal[boundary] == pytest.approx(at)
        nothing = sum(chance for cuts, chance in chances.items() if not any(1 <= c < boundary for c in cuts))
        if boundary > 1:
            assert sums.nothing_in(1, boundary) == pytest.approx(nothing)
    best = max(chances, key=lambda cuts: chances[cuts])
    if best:
        assert chances[tuple(sums.best())] == pytest.approx(chances[best])


def test_a_block_that_begins_and_ends_is_dated() -> None:
    hits = [0] * 20 + [3] * 30 + [0] * 25
    found = changes(hits, [3] * 75)
    assert found.probability > SURE
    assert [(c.at, c.low, c.high) for c in found.found] == [(20, 20, 20), (50, 50, 50)]
    assert [(c.before, c.after) for c in found.found] == [((0, 60), (90, 90)), ((90, 90), (0, 75))]
    assert found.found[0].levels[1][0] == 1.0
    assert all(c.probability > SURE for c in found.found)


def test_in_a_gap_without_units_the_date_is_the_gap() -> None:
    hits = [0] * 20 + [0] * 10 + [1] * 20
    trials = [1] * 20 + [0] * 10 + [1] * 20
    [change] = changes(hits, trials).found
    assert (change.low, change.at, change.high) == (20, 30, 30)


@pytest.mark.parametrize("outcome", [0, 1])
def test_one_outcome_throughout_is_no_change(outcome: int) -> None:
    found = changes([outcome] * 50, [1] * 50)
    assert (found.probability, found.found) == (0.0, ())


@pytest.mark.parametrize("series", [[], [1], [0, 0, 0]])
def test_too_little_says_nothing(series: list[int]) -> None:
    assert changes(series, series).found == ()
    assert p_value(series, series) == 1.0


def test_what_are_no_counts_is_refused() -> None:
    for hits, trials in (([2], [1]), ([-1], [1]), ([1], [1, 1]), ([[1]], [[1]])):
        with pytest.raises(ValueError, match="as many hits as trials"):
            changes(hits, trials)


def test_a_change_too_small_for_its_counts_is_not_claimed() -> None:
    assert changes([0, 0, 1], [1, 1, 1]).found == ()
    assert changes([0] * 3 + [1] * 3, [1] * 6).probability < SURE


@pytest.mark.parametrize(("share", "bins", "units"), [(0.05, 60, 1), (0.3, 60, 3), (0.5, 30, 2)])
def test_false_alarms_are_no_more_than_stated(share: float, bins: int, units: int) -> None:
    rng = np.random.default_rng(7)
    alarms = sum(bool(changes(rng.binomial(units, share, bins), [units] * bins).found) for _ in range(200))
    # One in 99 is what the odds allow: 2 of 200, and 6 would come by chance in fewer than 2 of 100 tests.
    assert alarms < 6


def test_true_changes_are_found_and_their_intervals_hold_them() -> None:
    rng = np.random.default_rng(3)
    held = found = 0
    for _ in range(100):
        at = int(rng.integers(15, 45))
        share = np.where(np.arange(60) < at, 0.1, 0.6)
        seen = changes(rng.binomial(3, share), [3] * 60).found
        found += len(seen) == 1
        held += any(c.low <= at <= c.high for c in seen)
    assert found >= 95
    assert held >= 90


def test_counts_that_hang_together_are_seen_through() -> None:
    # Whole days are hit or not: a day's twenty units are one unit twenty times.
    rng = np.random.default_rng(5)
    hits = rng.binomial(1, 0.5, 40) * 20
    trials = [20] * 40
    assert changes(hits, trials).probability > SURE
    assert p_value(hits, trials) > 0.01
    assert spread(hits, trials) > 10


def test_p_values_are_small_for_changes_and_even_without() -> None:
    rng = np.random.default_rng(11)
    assert p_value([0] * 15 + [2] * 15, [2] * 30, rounds=199) == pytest.approx(1 / 200)
    values = [p_value(rng.binomial(2, 0.3, 30), [2] * 30, rounds=99, rng=rng) for _ in range(200)]
    assert 0.4 < float(np.mean(values)) < 0.6
    assert sum(v <= 0.05 for v in values) < 20  # 10 expected; 20 or more in fewer than 1 of 100 tests


def test_blocks_keep_what_hangs_together_in_time() -> None:
    # Weeks on and weeks off: bins are not exchangeable, weeks are.
    rng = np.random.default_rng(2)
    hits = np.repeat(rng.permutation([0, 1] * 4), 7)
    assert p_value(hits, [1] * 56) < 0.05
    assert p_value(hits, [1] * 56, block=7) > 0.05


def test_independent_units_have_a_spread_of_about_one() -> None:
    rng = np.random.default_rng(4)
    share = np.where(np.arange(200) < 80, 0.2, 0.7)
    hits = rng.binomial(10, share)
    assert 0.8 < spread(hits, [10] * 200, [80]) < 1.25
    assert spread(hits, [10] * 200) > 2
    assert spread([0, 0], [1, 1]) == 1.0
