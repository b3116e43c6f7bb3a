"""Likelihoods by hand."""

from __future__ import annotations

from math import exp, log

import pytest

from gatewatch_analysis.gateway.likelihood import Bins, Groups, Partition, Shares, ewens, given


def test_shares_by_polyas_urn() -> None:
    even = Shares({"a": 1.0, "b": 1.0})
    # 1/2, then 2/3, then 1/4.
    assert exp(even.log({"a": 2.0})) == pytest.approx(1 / 3)
    assert exp(even.log({"a": 2.0, "b": 1.0})) == pytest.approx(1 / 12)
    assert even.log({}) == 0.0


def test_the_more_alike_a_countrys_isps_are_the_less_the_second_tells() -> None:
    def second(concentration: float) -> float:
        shares = Shares({"a": 0.2 * concentration, "b": 0.8 * concentration})
        return exp(shares.log({"a": 2.0}) - shares.log({"a": 1.0}))

    assert second(0.01) == pytest.approx(1.0, abs=0.01)
    assert second(1000.0) == pytest.approx(0.2, abs=0.01)


@pytest.mark.parametrize("theta", [0.1, 1.0, 7.0])
def test_ewens_formula_is_a_probability_over_all_partitions(theta: float) -> None:
    # Of three ISPs: all alike, one apart (three ways), all apart.
    assert exp(ewens((3,), theta)) + 3 * exp(ewens((2, 1), theta)) + exp(ewens((1, 1, 1), theta)) == (
        pytest.approx(1.0)
    )
    assert exp(ewens((1, 1), theta)) == pytest.approx(theta / (theta + 1))


def test_what_is_alike_anyway_is_divided_out() -> None:
    # Four at one node: that they are alike says nothing; a fifth joins them with 4 / (theta + 4).
    assert given(Groups((4,), (4,)), 2.0) == pytest.approx(0.0)
    assert exp(given(Groups((5,), (4,)), 2.0)) == pytest.approx(4 / 6)
    assert exp(given(Groups((4, 1), (4,)), 2.0)) == pytest.approx(2 / 6)


@pytest.mark.parametrize(
    ("groups", "tells"),
    [
        (Groups(), False),
        (Groups((1,)), False),
        (Groups((2,)), True),
        (Groups((1, 1)), True),
        (Groups((4,), (4,)), False),
        (Groups((5,), (4,)), True),
    ],
)
def test_whether_anything_could_have_been_otherwise(groups: Groups, tells: bool) -> None:
    assert groups.tells is tells


def test_a_mixture() -> None:
    mixed = Partition({0.01: 0.5, 100.0: 0.5})
    assert exp(mixed.log(Groups((2,)))) == pytest.approx((1 / 1.01 + 1 / 101) / 2)


def test_states_between_bounds() -> None:
    bins = Bins({"a": 0.5, "b": 0.3, "c": 0.2})
    assert bins.log(["a"]) == log(0.5)
    assert bins.log(["a", "c"]) == pytest.approx(log(0.7))
    assert bins.log(["a", "b", "c"]) == pytest.approx(0.0)
