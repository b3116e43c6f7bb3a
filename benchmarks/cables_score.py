"""What the analysis says of random countries, held against what is true of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import Any

from benchmarks.cables_paths import Crossed, land_class, measured
from benchmarks.cables_truth import World
from gatewatch_analysis.cables import ATTRIBUTES, Priors
from gatewatch_analysis.cables.overview import Judged, draws, judge
from gatewatch_analysis.cables.shares import Draw, Share, share

_SLACK = 1e-9


@dataclass(frozen=True, slots=True)
class Seen:
    """One reported share with the truth of it; ``level`` is crossing, ISP or country."""

    level: str
    attribute: str
    kind: str
    truth: float
    found: Share

    @property
    def within(self) -> bool:
        """Whether the truth lies within the bounds of the share."""
        return self.found.low - _SLACK <= self.truth <= self.found.high + _SLACK

    @property
    def chance(self) -> float:
        """How far the bounds of the chance are apart."""
        return self.found.most - self.found.least

    @property
    def width(self) -> float:
        """How far the bounds of the share are apart."""
        return self.found.high - self.found.low


@dataclass(slots=True)
class Tally:
    """What was seen in all worlds.

    ``among``: whether the true system was a candidate, by its kind.  ``best``: whether the likeliest one
    named was the true one.  ``lost``: border links without a truth; ``missed``: the other way round.
    """

    seen: list[Seen] = field(default_factory=list)
    among: dict[str, list[bool]] = field(default_factory=lambda: defaultdict(list))
    counts: list[int] = field(default_factory=list)
    best: list[bool] = field(default_factory=list)
    abstained: list[float] = field(default_factory=list)
    lost: int = 0
    missed: int = 0


def judge_world(world: World, tally: Tally) -> None:
    """Judge a world and hold what is said against the truth."""
    hops, prefixes, truths = measured(world)
    if not truths:
        return
    pairs: list[tuple[Judged, Crossed]] = []
    for item in judge(hops, prefixes, world.knowledge, world.day, Priors()):
        match = _truth(item, truths)
        if match is None:
            tally.lost += 1
        else:
            pairs.append((item, match))
    tally.missed += sum(all(truth is not match for _, match in pairs) for truth in truths)
    for item, truth in pairs:
        _one(item, truth, land_class(world, truth.city), tally)
    _groups(pairs, tally)


def _truth(item: Judged, truths: list[Crossed]) -> Crossed | None:
    """Find the truth of a border link by its routers, else by whom its paths lead to."""
    crossing = item.crossing
    own = [truth for truth in truths if truth.isp == crossing.vantage[2]]
    for truth in own:
        if {crossing.foreign, crossing.far} & truth.addresses:
            return truth
    return next((truth for truth in own if set(truth.destinations) & crossing.destinations), None)


def truth_of(attribute: str, crossed: Crossed) -> float:
    """Give 1 where a crossing is Chinese in that respect."""
    if attribute == "carrier":
        return float(crossed.chinese_carrier)
    return float(getattr(crossed.route, attribute))


def _one(item: Judged, truth: Crossed, kind: str, tally: Tally) -> None:
    main = truth.route.main
    ids = [candidate.id for candidate in item.candidates]
    tally.among[main if main in ("unlisted", "terrestrial") else "listed"].append(main in ids)
    named = [candidate for candidate in item.candidates if candidate.kind != "abstain"]
    tally.best.append(named[0].id == main)
    tally.counts.append(sum(candidate.weight > 0.001 for candidate in item.candidates))
    tally.abstained += [c.weight for c in item.candidates if c.kind == "abstain"]
    for attribute in ATTRIBUTES:
        found = share([Draw(item.chances[attribute], 1.0)])
        tally.seen.append(Seen("crossing", attribute, kind, truth_of(attribute, truth), found))


def _groups(pairs: list[tuple[Judged, Crossed]], tally: Tally) -> None:
    isps: dict[int, list[tuple[Judged, Crossed]]] = defaultdict(list)
    for item, truth in pairs:
        isps[truth.isp].append((item, truth))
    for attribute in ATTRIBUTES:
        truths: list[float] = []
        all_draws: list[Draw] = []
        for own in isps.values():
            weights = [len(item.crossing.destinations) for item, _ in own]
            parts = zip(weights, own, strict=True)
            truths.append(sum(w * truth_of(attribute, t) for w, (_, t) in parts) / sum(weights))
            items = [item for item, _ in own]
            tally.seen.append(Seen("ISP", attribute, "", truths[-1], share(draws(items, attribute))))
            all_draws += draws(items, attribute, 1 / len(isps))
        if truths:
            true = sum(truths) / len(truths)
            tally.seen.append(Seen("country", attribute, "", true, share(all_draws)))


def mean(values: Iterable[Any]) -> float:
    """Give the mean, not a number where there is nothing."""
    found = [float(value) for value in values]
    return sum(found) / len(found) if found else float("nan")


def widths(seen: Iterable[Seen], key: Callable[[Seen], tuple[str, ...]]) -> list[str]:
    """Write a line per group: how often right, how wide, how many narrower than a half."""
    groups: dict[tuple[str, ...], list[Seen]] = defaultdict(list)
    for item in seen:
        groups[key(item)].append(item)
    head = f"{'':<32} within    chance: width, < 0.5    share: width, < 0.5    of"
    lines = [head]
    for name, own in sorted(groups.items()):
        chance, width = [s.chance for s in own], [s.width for s in own]
        lines.append(
            f"{' '.join(name):<32} {mean(s.within for s in own):7.2%}   {mean(chance):13.2f} "
            f"{mean(w < 0.5 for w in chance):6.0%}   {mean(width):12.2f} {mean(w < 0.5 for w in width):6.0%}"
            f"   {len(own):6}"
        )
    return lines


def saying(seen: Sequence[Seen]) -> list[str]:
    """Count the bounds that say anything: those from nothing to all are always right."""
    lines = []
    for level in ("crossing", "ISP", "country"):
        own = [item for item in seen if item.level == level]
        told = [item for item in own if item.width < 1 - 1e-3]
        lines.append(f"{level}: {len(told)} of {len(own)}, right {mean(s.within for s in told):.2%}")
    return lines


def calibration(seen: Iterable[Seen]) -> tuple[list[str], int]:
    """Group crossings by the middle of the chance's bounds: is the Chinese part between the mean bounds?

    Gives the lines, and in how many crossings' groups it is not, by more than chance would allow.
    """
    groups: dict[tuple[str, int], list[Seen]] = defaultdict(list)
    for item in seen:
        middle = (item.found.least + item.found.most) / 2
        groups[item.attribute, min(4, int(middle * 5))].append(item)
    lines, outside = [f"{'':<20} Chinese in truth   mean p_min to mean p_max   crossings"], 0
    for (attribute, fifth), own in sorted(groups.items()):
        least, most = mean(s.found.least for s in own), mean(s.found.most for s in own)
        part = mean(s.truth for s in own)
        # 2.6 standard errors of a share: one group of a hundred would lie outside by chance.
        room = 2.6 * sqrt(max(part * (1 - part), 1 / (4 * len(own))) / len(own))
        bad = not least - room <= part <= most + room
        outside += len(own) if bad else 0
        span = f"{attribute} {fifth / 5:.1f} to {fifth / 5 + 0.2:.1f}"
        lines.append(
            f"{span:<20} {part:16.2f}   {least:.2f} to {most:.2f}   {len(own):20}"
            + ("  OUTSIDE" if bad else "")
        )
    return lines, outside
