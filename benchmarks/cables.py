"""cables in random worlds: truth within bounds, true system among candidates, and the widths of the bounds.

Every world is a country whose cables, land fibres, owners and paths are drawn; a part of them is in no table.
What is measured is made to lie in the ways that ``cables_paths.NOISE`` states.  Seeds from :data:`FIRST` on
were never looked at while the analysis was made (1,000,000 to 1,000,999 were, once, and showed it too sure of
Chinese carriers).  There is no peer to run beside it: Nautilus names cables
without chances, and nothing answers for owners.
"""

from __future__ import annotations

from typing import Any

from benchmarks.cables_paths import NOISE
from benchmarks.cables_score import Tally, calibration, judge_world, mean, saying, widths
from benchmarks.cables_truth import draw
from gatewatch_analysis.cables import Priors

FIRST, WORLDS, QUICK = 2_000_000, 1000, 80


def run(quick: bool, first: int = FIRST, worlds: int | None = None) -> dict[str, Any]:
    """Draw the worlds and print shares, widths and counts."""
    tally = Tally()
    for seed in range(first, first + (worlds or (QUICK if quick else WORLDS))):
        judge_world(draw(seed), tally)
    goals = []
    for level in ("crossing", "ISP", "country"):
        rows = [seen for seen in tally.seen if seen.level == level]
        name = f"{level}: the true attribute lies within the bounds of the share"
        goals.append(_goal(name, mean(seen.within for seen in rows), len(rows), 0.99))
    crossings = [seen for seen in tally.seen if seen.level == "crossing"]
    lines, outside = calibration(crossings)
    within = 1 - outside / len(crossings)
    goals.append(_goal("the Chinese part of a group lies within its chances", within, len(crossings), 0.99))
    among = [found for own in tally.among.values() for found in own]
    goals.append(_goal("the true system is among the candidates", mean(among), len(among), 0.97))
    listed = tally.among["listed"]
    goals.append(_goal("of those that some list holds", mean(listed), len(listed), 0.97))
    return {
        "goals": goals,
        "peer": {},
        "detail": {
            "width of the bounds of the share, of the chance, mean": (
                f"{mean(s.width for s in crossings):.2f}, {mean(s.chance for s in crossings):.2f}"
            ),
            "bounds of the share that are not 0 to 1: how many, how often right": saying(tally.seen),
            "crossings whose bounds of the chance are narrower than 0.5": (
                f"{mean(s.chance < 0.5 for s in crossings):.0%}"
            ),
            "candidates with a weight over 0.001, mean": f"{mean(tally.counts):.1f}",
            "the likeliest named candidate is the true one": f"{mean(tally.best):.1%}",
            "weight of abstain, mean; over a half": (
                f"{mean(tally.abstained):.2f}; {mean(a > 0.5 for a in tally.abstained):.0%} of crossings"
            ),
            "true systems by kind": {kind: len(own) for kind, own in sorted(tally.among.items())},
            "border links without a truth; truths without a border link": f"{tally.lost}; {tally.missed}",
            "the prior": str(Priors()),
            "the noise": [f"{what}: {chance:.0%}" for what, chance in NOISE.items()],
            "by level and attribute": widths(tally.seen, lambda s: (s.level, s.attribute)),
            "crossings by class of link and attribute": widths(crossings, lambda s: (s.kind, s.attribute)),
            "calibration, by the middle of the chance's bounds": lines,
        },
    }


def _goal(name: str, value: float, count: int, wanted: float) -> dict[str, Any]:
    met = value >= wanted
    return {"name": name, "value": f"{value:.2%} of {count}", "goal": f">= {wanted:.0%}", "met": met}
