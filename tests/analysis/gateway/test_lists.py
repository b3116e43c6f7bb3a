"""Lists compared: between ISPs, and with an ISP's own repeats."""

from __future__ import annotations

from typing import Any

import pytest
from tests.analysis.gateway.frames import measurements, only, records, verdicts

from gatewatch_analysis.blocking import everywhere_down
from gatewatch_analysis.gateway.lists import list_agreement, list_pairs

NAMES = ["a", "b", "c", "d", "e", "f"]


def round_of(number: int, blocked: str, *, at: float = 0.0, decided: str = "abcdef") -> list[dict[str, Any]]:
    run = f"r{at}-"
    return [
        row
        for name in decided
        for row in verdicts(number, "tls.reset" if name in blocked else "ok", [name], run=run, at=at)
    ]


def test_two_isps_and_a_repeat() -> None:
    rows = measurements(round_of(1, "abcd", at=0), round_of(1, "abce", at=24), round_of(2, "abc", at=3))
    pairs = records(list_pairs(rows))
    # Its latest two rounds: three of five.  The other ISP against the latest: three of four.
    assert [(p["isp"], p["isp2"], p["repeat"], p["jaccard"]) for p in pairs] == [
        ("ISP 1", "ISP 1", True, 3 / 5),
        ("ISP 1", "ISP 2", False, 3 / 4),
    ]
    row = only(list_agreement(list_pairs(rows)))
    assert (row["isps"], row["pairs"], row["repeats"], row["mean"], row["ceiling"]) == (2, 1, 1, 0.75, 0.6)
    assert row["ratio"] == pytest.approx(1.25)


def test_only_what_both_decided_counts() -> None:
    rows = measurements(round_of(1, "abcd"), round_of(2, "ab", decided="abef"))
    assert only(list_pairs(rows))["jaccard"] == 1.0
    # Of two targets the index says nothing.
    assert list_pairs(measurements(round_of(1, "abcd"), round_of(2, "ab", decided="ab"))).empty


def test_rounds_that_block_nothing_are_no_lists() -> None:
    assert list_pairs(measurements(round_of(1, ""), round_of(2, ""))).empty
    # The round before blocking began is not held against the one after.
    rows = measurements(round_of(1, "", at=0), round_of(1, "ab", at=24), round_of(1, "ab", at=48))
    assert only(list_pairs(rows))["jaccard"] == 1.0


def test_a_site_that_is_dead_everywhere_is_on_nobodys_list() -> None:
    dead = [
        verdicts(1, "tcp.timeout", ["gone"]),
        verdicts(2, "down", ["gone"]),
        verdicts(3, "down", ["gone"]),
    ]
    rows = measurements(round_of(1, "ab"), round_of(2, "ab"), *dead)
    [pair] = [p for p in records(list_pairs(rows, everywhere_down(rows))) if p["isp2"] == "ISP 2"]
    assert (pair["common"], pair["blocked"], pair["jaccard"]) == (6, 2, 1.0)


def test_the_interval_resamples_isps() -> None:
    rows = measurements(*(round_of(n, "abcd") for n in range(1, 6)), round_of(6, "ef"))
    row = only(list_agreement(list_pairs(rows)))
    # Ten of fifteen pairs agree wholly, five not at all.
    assert row["mean"] == pytest.approx(10 / 15)
    assert 0.0 < row["low"] < row["mean"] < row["high"] <= 1.0
    assert (row["ceiling"], row["ratio"]) == (None, None)


def test_the_order_of_rows_changes_nothing() -> None:
    rows = measurements(*(round_of(n, "abcd"[: n % 4 + 1], at=n) for n in range(1, 6)))
    assert list_pairs(rows.iloc[::-1]).equals(list_pairs(rows))
