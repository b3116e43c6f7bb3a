"""A few random countries with a truth: the benchmark of the cables in small, and that it can fail."""

from __future__ import annotations

from dataclasses import replace

import pytest
from benchmarks.cables_score import Seen, Tally, calibration, judge_world, mean
from benchmarks.cables_truth import draw

from gatewatch_analysis.cables.shares import Share

# Of the seeds that the analysis was made with, not those that the benchmark counts.
SEEDS = (3, 26, 41, 57)


@pytest.fixture(scope="module")
def tally() -> Tally:
    found = Tally()
    for seed in SEEDS:
        judge_world(draw(seed), found)
    return found


def test_the_truth_lies_within_the_bounds_and_among_the_candidates(tally: Tally) -> None:
    assert len(tally.seen) > 200
    assert mean(seen.within for seen in tally.seen) >= 0.99
    among = [found for own in tally.among.values() for found in own]
    assert mean(among) >= 0.97 and len(among) > 40
    # Bounds that always went from nothing to all would be right, too, and useless.
    carriers = [seen for seen in tally.seen if seen.attribute == "carrier"]
    assert mean(seen.width for seen in carriers) < 0.6
    owned = [seen for seen in tally.seen if seen.attribute == "owned" and seen.level == "crossing"]
    assert mean(seen.chance for seen in owned) < 0.8


def test_a_world_is_the_same_for_the_same_seed() -> None:
    one, two = Tally(), Tally()
    judge_world(draw(SEEDS[0]), one)
    judge_world(draw(SEEDS[0]), two)
    assert one.seen == two.seen and one.counts == two.counts


def test_the_scoring_notices_bounds_that_are_wrong(tally: Tally) -> None:
    sure = Share(0.99, 1.0, 1.0, 1.0)
    wrong = [replace(seen, found=sure) for seen in tally.seen if seen.level == "crossing"]
    assert mean(seen.within for seen in wrong) < 0.8
    assert calibration(wrong)[1] > 0
    right = [Seen("crossing", "owned", "", 1.0, sure)] * 50
    assert calibration(right)[1] == 0 and mean(seen.within for seen in right) == 1
