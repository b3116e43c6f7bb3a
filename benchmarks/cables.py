"""cables in random worlds: is the truth within the bounds, is the true system a candidate, how wide are the bounds.

Every world is a country whose cables, land fibres, owners and paths are drawn; a part of them is in no table.  What
is measured is made to lie in the ways that ``cables_paths.NOISE`` states.  Seeds from :data:`FIRST` on were
never looked at while the analysis was made.  There is no peer to run beside it: Nautilus gives cables without
chances, and no answer for owners.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from benchmarks.cables_paths import NOISE, Crossed, land_class, measured
from benchmarks.cables_truth import World, draw
from gatewatch_analysis.cables import ATTRIBUTES, Priors
from gatewatch_analysis.cables.overview import Judged, draws, judge
from gatewatch_analysis.cables.shares import Draw, Share, share

FIRST, WORLDS, QUICK = 1_000_000, 1000, 120


@dataclass(frozen=True, slots=True)
class Seen:
    """One reported share with the truth of it: ``level`` is crossing, ISP or country."""

    level: str
    attribute: str
    kind: str
    truth: float
    found: Share

    @property
    def within(self) -> bool:
        return self.found.low - 1e-9 <= self.truth <= self.found.high + 1e-9


@dataclass(slots=True)
class Tally:
    """What was seen in all worlds."""

    seen: list[Seen]
    among: dict[str, list[bool]]
    counts: list[int]
    best: list[bool]
    abstained: list[float]
    lost: int = 0
    missed: int = 0


def truth_of(attribute: str, crossed: Crossed) -> float:
    """Give 1 where a crossing is Chinese in that respect."""
    way = crossed.route
    return float(
        {
            "owned": way.owned,
            "built": way.built,
            "operated": way.operated,
            "carrier": crossed.chinese_carrier,
        }[attribute]
    )


def one(world: World, tally: Tally) -> None:
    """Judge a world and hold what is said against the truth."""
    hops, prefixes, truths = measured(world)
    if not truths:
        return
    judged = judge(hops, prefixes, world.knowledge, world.day, Priors())
    pairs: list[tuple[Judged, Crossed]] = []
    for item in judged:
        crossing = item.crossing
        match = next(
            (
                t
                for t in truths
                if t.isp == crossing.vantage[2] and {crossing.foreign, crossing.far} & t.addresses
            ),
            None,
        ) or next((t for t in truths if set(t.destinations) & crossing.destinations), None)
        if match is None:
            tally.lost += 1
        else:
            pairs.append((item, match))
    tally.missed += sum(all(t is not m for _, m in pairs) for t in truths)
    for item, truth in pairs:
        kind = land_class(world, truth.city)
        ids = [candidate.id for candidate in item.candidates]
        main = truth.route.main
        tally.among["all"].append(main in ids)
        tally.among["listed" if main not in ("unlisted", "terrestrial") else main].append(main in ids)
        named = [c for c in item.candidates if c.kind not in ("abstain",)]
        tally.best.append(named[0].id == main)
        tally.counts.append(sum(c.weight > 0.001 for c in item.candidates))
        tally.abstained.append(next(c.weight for c in item.candidates if c.kind == "abstain"))
        for attribute in ATTRIBUTES:
            found = share([Draw(item.chances[attribute], 1.0)])
            tally.seen.append(Seen("crossing", attribute, kind, truth_of(attribute, truth), found))
    _groups(pairs, tally)


def _groups(pairs: list[tuple[Judged, Crossed]], tally: Tally) -> None:
    isps: dict[int, list[tuple[Judged, Crossed]]] = defaultdict(list)
    for item, truth in pairs:
        isps[truth.isp].append((item, truth))
    for attribute in ATTRIBUTES:
        truths, all_draws = [], []
        for own in isps.values():
            weights = [len(item.crossing.destinations) for item, _ in own]
            true = sum(w * truth_of(attribute, t) for w, (_, t) in zip(weights, own, strict=True)) / sum(
                weights
            )
            tally.seen.append(Seen("ISP", attribute, "", true, share(draws([i for i, _ in own], attribute))))
            truths.append(true)
            all_draws += draws([item for item, _ in own], attribute, 1 / len(isps))
        if truths:
            found = share(all_draws)
            tally.seen.append(Seen("country", attribute, "", sum(truths) / len(truths), found))


def run(quick: bool, first: int = FIRST, worlds: int | None = None) -> dict[str, Any]:
    """Draw the worlds and print shares, widths and counts."""
    tally = Tally([], defaultdict(list), [], [], [])
    for seed in range(first, first + (worlds or (QUICK if quick else WORLDS))):
        one(draw(seed), tally)
    goals = []
    for level in ("crossing", "ISP", "country"):
        rows = [seen for seen in tally.seen if seen.level == level]
        right = _mean(seen.within for seen in rows)
        goals.append(_goal(f"{level}: the true attribute lies within the bounds", right, len(rows), 0.99))
    goals.append(
        _goal(
            "the true system is among the candidates",
            _mean(tally.among["all"]),
            len(tally.among["all"]),
            0.97,
        )
    )
    listed = tally.among["listed"]
    goals.append(_goal("  of those that some list holds", _mean(listed), len(listed), 0.97))
    detail: dict[str, Any] = {
        "candidates with a weight over 0.001, mean": f"{_mean(tally.counts):.1f}",
        "the likeliest named one is the true one": f"{_mean(tally.best):.1%}",
        "weight of abstain, mean; crossings where it has over a half": (
            f"{_mean(tally.abstained):.2f}; {_mean(a > 0.5 for a in tally.abstained):.1%}"
        ),
        "border links not matched to a truth; truths of which no border link was found": f"{tally.lost}; {tally.missed}",
        "the prior": str(Priors()),
        "the noise": [f"{what}: {chance:.0%}" for what, chance in NOISE.items()],
    }
    detail["bounds, by level and attribute"] = _table(tally.seen, lambda s: (s.level, s.attribute))
    crossings = [seen for seen in tally.seen if seen.level == "crossing"]
    detail["bounds of crossings, by class of link and attribute"] = _table(
        crossings, lambda s: (s.kind, s.attribute)
    )
    detail["calibration: crossings by the middle of the chance's bounds"] = _calibration(crossings)
    return {"goals": goals, "peer": {}, "detail": detail}


def _mean(values: Iterable[Any]) -> float:
    found = [float(value) for value in values]
    return sum(found) / len(found) if found else float("nan")


def _goal(name: str, value: float, count: int, wanted: float) -> dict[str, Any]:
    return {
        "name": name, "value": f"{value:.2%} of {count}", "goal": f">= {wanted:.0%}", "met": value >= wanted
    }  # fmt: skip


def _table(seen: Iterable[Seen], key: Any) -> list[str]:
    groups: dict[tuple[str, ...], list[Seen]] = defaultdict(list)
    for item in seen:
        groups[key(item)].append(item)
    lines = ["within | p-width | p-width < 0.5 | width | width < 0.5 | of"]
    for name, own in sorted(groups.items()):
        p = [s.found.most - s.found.least for s in own]
        wide = [s.found.high - s.found.low for s in own]
        lines.append(
            f"{' '.join(name):<32} {_mean(s.within for s in own):7.2%} | {_mean(p):.2f} | {_mean(w < 0.5 for w in p):4.0%}"
            f" | {_mean(wide):.2f} | {_mean(w < 0.5 for w in wide):4.0%} | {len(own)}"
        )
    return lines


def _calibration(seen: list[Seen]) -> list[str]:
    """Group crossings by the middle of their bounds: is the part that is Chinese between the mean bounds?"""
    lines = ["Chinese in truth | mean p_min to mean p_max | crossings"]
    for attribute in ATTRIBUTES:
        for low in range(0, 100, 20):
            own = [
                s for s in seen
                if s.attribute == attribute and low / 100 <= (s.found.least + s.found.most) / 2 < (low + 20) / 100 + (low == 80)
            ]  # fmt: skip
            if own:
                least, most = _mean(s.found.least for s in own), _mean(s.found.most for s in own)
                part = _mean(s.truth for s in own)
                mark = "" if least - 0.03 <= part <= most + 0.03 else "  OUTSIDE"
                lines.append(
                    f"{attribute:<9} {low / 100:.1f}: {part:.2f} | {least:.2f} to {most:.2f} | {len(own)}{mark}"
                )
    return lines
