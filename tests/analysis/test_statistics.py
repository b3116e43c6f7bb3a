import pytest

from gatewatch_analysis.statistics import wilson, wilsons


# R. G. Newcombe, Statistics in Medicine 17, 1998, table I, method 3.
@pytest.mark.parametrize(
    ("hits", "trials", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_published_intervals(hits: int, trials: int, low: float, high: float) -> None:
    assert wilson(hits, trials) == pytest.approx((low, high), abs=5e-5)


def test_extremes_are_exact() -> None:
    assert wilson(0, 7)[0] == 0.0
    assert wilson(7, 7)[1] == 1.0
    assert wilson(0, 0) == (0.0, 1.0)


def test_columns_of_intervals_are_those_of_single_ones() -> None:
    pairs = [(h, t) for t in range(12) for h in range(t + 1)]
    low, high = wilsons([h for h, _ in pairs], [t for _, t in pairs])
    assert list(zip(low, high, strict=True)) == [pytest.approx(wilson(h, t), abs=1e-12) for h, t in pairs]
