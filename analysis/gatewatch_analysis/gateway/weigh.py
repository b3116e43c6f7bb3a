"""Weighs the evidence of a country: from what counts to a posterior over the classes.

posterior(class) = prior(class) * product over pieces of likelihood(piece | class) ** temper, normalised.
What is missing has no factor.  All likelihoods are counts of emulated countries (``calibration``).
"""

from __future__ import annotations

from collections.abc import Mapping
from math import exp
from typing import Any

from gatewatch_analysis.gateway.calibration import CLASSES, Calibration, Class, Model
from gatewatch_analysis.gateway.likelihood import Bins, Partition, Shares
from gatewatch_analysis.gateway.seen import LISTS, ONSETS, Seen

#: What a piece is given: counts by category, sizes of groups, or states.
Observation = Any


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
    if what.mechanisms.tells:
        found["mechanisms"] = [what.mechanisms]
    if what.boxes:
        found["boxes"] = list(what.boxes)
    if what.lists or what.onsets:
        states = [joint(a, b) for a in what.lists or LISTS for b in what.onsets or ONSETS]
        found["orders"] = [states]
    if what.exits:
        found["exits"] = [[what.exits]]
    if what.carriers:
        found["carriers"] = [[what.carriers]]
    return found


def log_of(model: Model, observation: Observation) -> float:
    """Give the log likelihood of one observation."""
    match model:
        case Shares() | Partition() | Bins():
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
