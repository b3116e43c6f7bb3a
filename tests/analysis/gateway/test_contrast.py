"""Contrasts, ISP by ISP, and the sign test over them."""

from __future__ import annotations

import pytest
from tests.analysis.gateway.frames import contrasts, only, records

from gatewatch_analysis.gateway.contrast import contrast_by_isp, contrast_signs
from gatewatch_analysis.statistics import sign_test


def said(*rows: tuple[int, str, str, str]) -> dict[int, str | None]:
    return {r["asn"]: r["conclusion"] for r in records(contrast_by_isp(contrasts(*rows)))}


def test_one_layer_that_is_cut_says_more_than_two_that_pass() -> None:
    assert said(
        (1, "a", "tls", "foreign_only"),
        (1, "a", "http", "neither"),
        (1, "a", "dns", "neither"),
        (2, "a", "tls", "neither"),
        (2, "a", "http", "cannot_tell"),
    ) == {1: "foreign_only", 2: "neither"}


def test_names_vote_and_a_tie_says_nothing() -> None:
    two = [(1, "a", "tls", "foreign_only"), (1, "b", "tls", "both")]
    assert said(*two) == {1: None}
    assert said(*two, (1, "c", "http", "both")) == {1: "both"}
    # However often one name is tried.
    assert said(*two, *[two[1]] * 9) == {1: None}


def test_what_cannot_be_told_counts_nothing() -> None:
    row = only(contrast_by_isp(contrasts((1, "a", "tls", "cannot_tell"))))
    assert (row["names"], row["neither"], row["conclusion"]) == (1, 0, None)


def test_the_sign_test_over_isps() -> None:
    rows = [(n, "a", "tls", "foreign_only") for n in range(1, 6)] + [(6, "a", "tls", "both")]
    row = only(contrast_signs(contrast_by_isp(contrasts(*rows, (7, "a", "tls", "domestic_only")))))
    assert (row["isps"], row["foreign_only"], row["both"], row["domestic_only"]) == (7, 5, 1, 1)
    # Six ISPs on which the ways differ, five one way: (6 + 1) / 64.
    assert row["p_value"] == 7 / 64


@pytest.mark.parametrize(
    ("hits", "misses", "chance"), [(5, 0, 1 / 32), (0, 3, 1.0), (1, 1, 0.75), (0, 0, None)]
)
def test_the_exact_chance(hits: int, misses: int, chance: float | None) -> None:
    assert sign_test(hits, misses) == chance
