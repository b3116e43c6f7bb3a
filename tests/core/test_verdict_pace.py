"""Throttling: the interval's arithmetic, and what must not be called throttled."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest
from tests.core.fires_pace import EVEN, SLOW, paced, transfers
from tests.core.verdict_build import web

from gatewatch.verdict import judge
from gatewatch.verdict.evidence.pace import ratio


def test_the_ratio_is_the_geometric_mean_with_students_interval() -> None:
    # Logs of the ratios: ln 8, ln 10, ln 12.5, ln 10: mean ln 10, standard error 0.0911, t(0.995; 3) = 5.841.
    found = ratio([(800, 100), (1000, 100), (1250, 100), (1000, 100)])
    assert found.pairs == 4
    assert found.value == pytest.approx(10.0)
    error = math.log(1.25) * math.sqrt(2 / 3 / 4)
    assert found.low == pytest.approx(10 * math.exp(-5.841 * error), rel=1e-3)
    assert found.high == pytest.approx(10 * math.exp(5.841 * error), rel=1e-3)


def test_one_pair_or_none_has_no_interval() -> None:
    assert ratio([]) == (0, -1.0, -1.0, -1.0)
    found = ratio([(100.0, 50.0)])
    assert (found.pairs, found.low, found.high) == (1, -1.0, -1.0)
    assert found.value == pytest.approx(2.0)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    chance = random.Random(20261101)
    missed = 0
    for _ in range(2000):
        pairs = [(math.exp(chance.gauss(1.0, 0.4)), math.exp(chance.gauss(0.0, 0.4))) for _ in range(5)]
        found = ratio(pairs)
        missed += not found.low <= math.e <= found.high
    assert missed / 2000 == pytest.approx(0.01, abs=0.007)


def test_a_wild_line_is_not_called_throttled() -> None:
    """Rates that differ by a factor of e from one transfer to the next, without any throttle."""
    chance = random.Random(7)
    alarms = 0
    for _ in range(500):
        draw = [[1000 * math.exp(chance.gauss(0, 1)) for _ in range(5)] for _ in range(2)]
        alarms += judge(paced(*transfers(*draw))).status == "tampered"
    assert alarms <= 2


def test_the_evidence_states_ratio_and_interval() -> None:
    verdict = judge(paced(*transfers(SLOW, EVEN)))
    assert (verdict.status, verdict.label, verdict.layer) == ("tampered", "tampered(throttled)", "throttled")
    (line,) = verdict.evidence
    assert "910.00 kbit/s for its name, 9100.00 for a neutral one from the same server (site)" in line
    assert "10.00 times slower, 99 % interval 10.00 to 10.00, 5 pairs" in line


def test_the_server_that_shows_it_speaks() -> None:
    # The site's address is slow for everybody; at the helper's, the name alone makes the difference.
    rows = [*transfers(SLOW, SLOW), *transfers(SLOW, EVEN, where="helper")]
    assert judge(paced(*rows)).label == "tampered(throttled)"


def test_a_transfer_cut_by_time_counts_however_little_came() -> None:
    rows = [{**row, "bytes": 9000, "cut": True} for row in transfers((7.0,) * 5, ())]
    assert judge(paced(*rows, *transfers((), EVEN))).label == "tampered(throttled)"


def test_faster_is_not_slower() -> None:
    assert judge(paced(*transfers(EVEN, SLOW))).label == "ok"


@pytest.mark.parametrize(
    "rows",
    [
        None,
        "x",
        [None, 7, {}],
        [{"where": "site", "arm": [], "pair": 0}],
        [{"where": "site", "arm": "named", "pair": {}, "kbps": 1.0}],
        [{"where": "site", "arm": "named", "pair": 0, "kbps": float("nan"), "bytes": 2**70}],
        [{"where": "site", "arm": "named", "pair": 0, "kbps": 1e300, "bytes": 1}] * 1000,
    ],
)
def test_odd_records_are_judged(rows: Any) -> None:
    assert judge(web(test="throttle", x_gatewatch_throttle={"transfers": rows})).status == "inconclusive"
