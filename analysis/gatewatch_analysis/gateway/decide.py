"""What further measurement would decide it: the expected gain of information of each that could be made.

The gain is the entropy of the posterior less what is expected to be left of it after the measurement, each
outcome weighed by how probable the classes make it (D. Lindley, Annals of Mathematical Statistics 27, 1956).
A measurement that fails tells nothing, so what is said here is the most that one more may bring.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import exp, log2
from typing import TypeVar

from gatewatch_analysis.gateway.calibration import CLASSES, TITLES, Calibration, Class
from gatewatch_analysis.gateway.contrast import CONCLUSIONS
from gatewatch_analysis.gateway.isps import Isp, titles
from gatewatch_analysis.gateway.likelihood import Groups
from gatewatch_analysis.gateway.node import PLACES
from gatewatch_analysis.gateway.seen import EXITS, LISTS, ONSETS, Seen
from gatewatch_analysis.gateway.weigh import posterior, weights

# Outcomes that are worth a word.
_LIKELY = 0.1
Name = TypeVar("Name", bound=str)


@dataclass(frozen=True, slots=True)
class Step:
    """A possible next measurement, and what each outcome would leave."""

    what: str
    on: str
    bits: float
    outcomes: str


def steps(known: Calibration, what: Seen, hit: Mapping[Isp, bool]) -> list[Step]:
    """List the measurements that could be made next, the most telling first."""
    untempered = replace(known, pieces={n: replace(p, temper=1.0) for n, p in known.pieces.items()})
    before = _logs(untempered, what)
    now = posterior(known.prior, weights(known, what))
    found = []
    for name, on, outcomes in _possible(what, hit):
        chances = _chances(untempered, before, outcomes, now)
        after = {label: posterior(known.prior, weights(known, seen)) for label, seen in outcomes.items()}
        left = sum(chance * entropy(after[label]) for label, chance in chances.items())
        said = [
            f"{label} ({chances[label]:.0%}): {_leading(after[label])}"
            for label in sorted(chances, key=lambda label: (-chances[label], label))
            if chances[label] >= _LIKELY
        ]
        found.append(Step(name, on, max(entropy(now) - left, 0.0), "; ".join(said)))
    return sorted(found, key=lambda step: (-step.bits, step.what))


def entropy(probabilities: Mapping[Class, float]) -> float:
    """Give the entropy in bits."""
    return -sum(p * log2(p) for p in probabilities.values() if p > 0)


def _logs(known: Calibration, what: Seen) -> dict[Class, float]:
    logs = weights(known, what)
    return {kind: sum(piece[kind] for piece in logs.values()) for kind in CLASSES}


def _chances(
    known: Calibration,
    before: Mapping[Class, float],
    outcomes: Mapping[str, Seen],
    now: Mapping[Class, float],
) -> dict[str, float]:
    """Give how probable each outcome is: by class, and over the classes as they stand now."""
    by_class: dict[str, dict[Class, float]] = {}
    for label, seen in outcomes.items():
        after = _logs(known, seen)
        by_class[label] = {kind: exp(after[kind] - before[kind]) for kind in CLASSES}
    # What joins one of several groups is told by the largest: the rest is shared out.
    whole = {kind: sum(row[kind] for row in by_class.values()) for kind in CLASSES}
    return {
        label: sum(now[kind] * row[kind] / whole[kind] for kind in CLASSES) for label, row in by_class.items()
    }


def _leading(probabilities: Mapping[Class, float]) -> str:
    kind = max(CLASSES, key=lambda c: probabilities[c])
    return f"{TITLES[kind]} {probabilities[kind]:.0%}"


def _possible(what: Seen, hit: Mapping[Isp, bool]) -> Iterator[tuple[str, str, dict[str, Seen]]]:
    """Give what could be measured: its name, where, and for each outcome what would be seen then."""
    affected = [isp for isp in what.isps if hit.get(isp)]
    yield (
        "locate where it is cut, on one more ISP",
        titles(isp for isp in affected if isp not in what.located),
        {p: replace(what, places=_more(what.places, p)) for p in PLACES},
    )
    group = "not placed"
    counts = what.contrasts.get(group, {})
    yield (
        "contrast a name abroad with one at home, on one more ISP",
        titles(isp for isp in affected if isp not in what.contrasted),
        {c: replace(what, contrasts={**what.contrasts, group: _more(counts, c)}) for c in CONCLUSIONS},
    )
    yes, no = what.hit
    sizes, alike = what.mechanisms
    another = {"free": replace(what, hit=(yes, no + 1))}
    more = replace(what, hit=(yes + 1, no))
    lies = what.lies.sizes or (0,)
    another["its resolver lies like others"] = replace(more, lies=Groups((lies[0] + 1, *lies[1:])))
    another["its resolver lies in another way"] = replace(more, lies=Groups((*what.lies.sizes, 1)))
    if sizes:
        joined = Groups((sizes[0] + 1, *sizes[1:]), alike)
        another["affected on the path, like others"] = replace(more, mechanisms=joined)
        another["affected on the path, in another way"] = replace(more, mechanisms=Groups((*sizes, 1), alike))
    else:
        another["affected on the path"] = replace(more, mechanisms=Groups((1,)))
    yield "measure pages on one more ISP", "", another
    if what.exits is None:
        yield "trace the ways abroad", titles(what.isps), {e: replace(what, exits=e) for e in EXITS}
    if what.lists is None:
        lists = {n: replace(what, lists=frozenset([n])) for n in LISTS}
        yield "measure the whole list twice on each ISP", titles(what.isps), lists
    if what.onsets is None:
        onsets = {n: replace(what, onsets=frozenset([n])) for n in ONSETS}
        yield "measure often, before and after the next order", titles(what.isps), onsets
    if sizes[0:1] > (1,):
        yield "locate with --deep, on one more ISP", titles(affected), _deep(what)


def _deep(what: Seen) -> dict[str, Seen]:
    """One more box of the commonest mechanism: of a type that was seen, or of another."""
    (sizes, alike), *rest = sorted(what.boxes, key=lambda box: -box.many) or [Groups((1,))]
    return {
        "the same type": replace(what, boxes=(*rest, Groups((sizes[0] + 1, *sizes[1:]), alike))),
        "another type": replace(what, boxes=(*rest, Groups((*sizes, 1), alike))),
    }


def _more(counts: Mapping[Name, float], name: Name) -> dict[Name, float]:
    return {**counts, name: counts.get(name, 0.0) + 1.0}
