"""Weighs the evidence of a country: from what counts to a posterior over the classes.

posterior(class) = prior(class) * product over pieces of likelihood(piece | class) ** temper, normalised.
What is missing has no factor.  All likelihoods are counts of emulated countries (``calibration``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import exp
from typing import Any

from gatewatch_analysis.gateway.calibration import CLASSES, Calibration, Class, Model
from gatewatch_analysis.gateway.likelihood import Bins, Groups, Shares
from gatewatch_analysis.gateway.seen import LISTS, ONSETS, Seen

#: What a piece is given: counts by category, or states.
Observation = Any

#: P, the share of pairs of ISPs that agree: lower ends of the bins; of few pairs it can be told less sharply.
AGREEMENT = {
    "under 0.2": 0.0,
    "0.2 to 0.4": 0.2,
    "0.4 to 0.6": 0.4,
    "0.6 to 0.8": 0.6,
    "0.8 and more": 0.8,
}
AGREEMENT_OF_FEW = {"under 0.5": 0.0, "0.5 and more": 0.5}
# The pairs of four ISPs.
LEAST_PAIRS = 6
PATH = "mechanisms on the path"
BESIDE = f"{PATH}, beside a shared node"
FEW = ", few pairs"


def joint(lists: str, onset: str) -> str:
    """Name a joint state of lists and onsets."""
    return f"{lists} / {onset}"


def observations(what: Seen) -> dict[str, list[Observation]]:
    """Give what is seen for each piece; nothing for a piece that is missing."""
    found: dict[str, list[Observation]] = {}
    affected, free = what.hit
    if affected + free:
        found["interference"] = [{"affected": float(affected), "free": float(free)}]
    if what.places:
        found["places"] = [what.places]
    for group, counts in what.contrasts.items():
        found[f"contrast, {group}"] = [counts]
    if what.mechanisms.many or what.lies.many:
        kinds = {"resolver": float(what.lies.many), "path": float(what.mechanisms.many)}
        found["resolver or path"] = [kinds]
    for name, groups in compared(what).items():
        found |= agreement(name, groups)
    if what.lists or what.onsets:
        states = [joint(a, b) for a in what.lists or LISTS for b in what.onsets or ONSETS]
        found["orders"] = [states]
    if what.exits:
        found["exits"] = [[what.exits]]
    if what.carriers:
        found["carriers"] = [[what.carriers]]
    return found


def compared(what: Seen) -> dict[str, tuple[Groups, ...]]:
    """Give what ISPs are compared by."""
    return {
        PATH: (what.mechanisms,),
        "lies of resolvers": (what.lies,),
        "boxes": what.boxes,
        "carriers beyond": (what.beyond,),
    }


def agreement(name: str, groups: Iterable[Groups]) -> dict[str, list[Observation]]:
    """Give the state of P, the share of pairs of ISPs that agree; few pairs have a piece of their own.

    So has what is left beside a node that some ISPs share: it is another question than how alike a country's
    ISPs are.
    """
    parts = list(groups)
    pairs, alike = sum(part.pairs for part in parts), sum(part.alike for part in parts)
    if not pairs:
        return {}
    if name == PATH and any(part.given for part in parts):
        return {BESIDE: [[_bin(AGREEMENT, alike / pairs)]]}
    if pairs >= LEAST_PAIRS:
        return {name: [[_bin(AGREEMENT, alike / pairs)]]}
    return {f"{name}{FEW}": [[_bin(AGREEMENT_OF_FEW, alike / pairs)]]}


def _bin(bins: Mapping[str, float], value: float) -> str:
    return max((low, label) for label, low in bins.items() if low <= value)[1]


def log_of(model: Model, observation: Observation) -> float:
    """Give the log likelihood of one observation."""
    match model:
        case Shares() | Bins():
            return model.log(observation)


def weights(known: Calibration, what: Seen) -> dict[str, dict[Class, float]]:
    """Give each piece's tempered log likelihoods by class."""
    found: dict[str, dict[Class, float]] = {}
    for name, seen in observations(what).items():
        piece = known.pieces[name]
        found[name] = {
            kind: piece.temper * sum(log_of(piece.models[kind], one) for one in seen) for kind in CLASSES
        }
    return found


def posterior(prior: Mapping[Class, float], logs: Mapping[str, Mapping[Class, float]]) -> dict[Class, float]:
    """Multiply prior and likelihoods."""
    whole = {kind: sum(piece[kind] for piece in logs.values()) for kind in CLASSES}
    top = max(whole.values())
    parts = {kind: prior[kind] * exp(value - top) for kind, value in whole.items()}
    total = sum(parts.values())
    return {kind: part / total for kind, part in parts.items()}
