"""Likelihoods by hand."""

from __future__ import annotations

from math import exp, log

import pytest

from gatewatch_analysis.gateway.likelihood import Bins, Groups, Shares
from gatewatch_analysis.gateway.weigh import BESIDE, PATH, agreement


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


def test_states_between_bounds() -> None:
    bins = Bins({"a": 0.5, "b": 0.3, "c": 0.2})
    assert bins.log(["a"]) == log(0.5)
    assert bins.log(["a", "c"]) == pytest.approx(log(0.7))
    assert bins.log(["a", "b", "c"]) == pytest.approx(0.0)


@pytest.mark.parametrize(
    ("groups", "alike", "pairs"),
    [
        (Groups(), 0, 0),
        (Groups((1,)), 0, 0),
        (Groups((2, 1)), 1, 3),
        # Cambodia, 2024: three by 127.0.0.1, three by NXDOMAIN, five by themselves.
        (Groups((3, 3, 1, 1, 1, 1, 1)), 6, 55),
        # Four at one node are alike anyway; a fifth is like them, or is not.
        (Groups((4,), (4,)), 0, 0),
        (Groups((5,), (4,)), 4, 4),
        (Groups((4, 1), (4,)), 0, 4),
        (Groups((3, 2), (3, 2)), 0, 6),
    ],
)
def test_pairs_that_could_be_alike_and_are(groups: Groups, alike: int, pairs: int) -> None:
    assert (groups.alike, groups.pairs) == (alike, pairs)


@pytest.mark.parametrize(
    ("groups", "state"),
    [
        (Groups((1,)), {}),
        (Groups((1, 1)), {"mechanisms on the path, few pairs": [["under 0.5"]]}),
        (Groups((2, 1, 1)), {"mechanisms on the path": [["under 0.2"]]}),
        (Groups((7,)), {"mechanisms on the path": [["0.8 and more"]]}),
        (Groups((5, 1), (4,)), {BESIDE: [["0.4 to 0.6"]]}),
        (Groups((4,), (4,)), {}),
    ],
)
def test_the_state_of_p(groups: Groups, state: dict[str, list[list[str]]]) -> None:
    assert agreement(PATH, [groups]) == state
