from __future__ import annotations

import math

import pytest

from gatewatch_analysis.statistics.jeffreys import beta_below, beta_quantile, jeffreys_lower


@pytest.mark.parametrize(
    ("hits", "trials", "bound"),
    [
        (3, 3, 0.56), (5, 5, 0.69), (6, 6, 0.74), (8, 8, 0.79), (10, 10, 0.83), (15, 15, 0.88),
        (4, 5, 0.44), (7, 8, 0.60), (9, 10, 0.67), (13, 15, 0.68),
    ],
)  # fmt: skip
def test_the_bounds_on_record(hits: int, trials: int, bound: float) -> None:
    assert round(jeffreys_lower(hits, trials), 2) == bound


def test_nothing_seen_bounds_nothing() -> None:
    assert jeffreys_lower(0, 9) == 0.0


def test_the_beta_distribution_where_it_has_a_closed_form() -> None:
    for x in (0.01, 0.2, 0.5, 0.9, 0.999):
        assert beta_below(x, 1, 1) == pytest.approx(x)
        assert beta_below(x, 3, 1) == pytest.approx(x**3)
        assert beta_below(x, 1, 4) == pytest.approx(1 - (1 - x) ** 4)
        # The arcsine law.
        assert beta_below(x, 0.5, 0.5) == pytest.approx(2 / math.pi * math.asin(math.sqrt(x)))
    assert (beta_below(0.0, 2, 3), beta_below(1.0, 2, 3)) == (0.0, 1.0)


def test_a_quantile_is_the_inverse() -> None:
    for a, b in ((0.5, 3.5), (40.5, 0.5), (200.5, 300.5)):
        for p in (0.05, 0.5, 0.95):
            assert beta_below(beta_quantile(p, a, b), a, b) == pytest.approx(p)
