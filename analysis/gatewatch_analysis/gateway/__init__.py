"""Is there a gate? Borders, shared nodes, contrasts and uniformity, weighed into one answer.

Each piece of evidence is a module, from DataFrame to DataFrame; ``pieces`` computes them all, ``seen`` takes
from them what counts, once; ``weigh`` makes a posterior of it, by the likelihoods of ``calibration``;
``answer`` says what may be said, and ``decide`` what would tell more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp
from typing import Any

import pandas as pd

from gatewatch_analysis.gateway.answer import UNDETERMINED, answer
from gatewatch_analysis.gateway.calibration import CLASSES, TITLES, Calibration, Class, calibration
from gatewatch_analysis.gateway.decide import entropy, steps
from gatewatch_analysis.gateway.isps import COUNTRY, Country, countries, of_country, plain
from gatewatch_analysis.gateway.known import NOTHING, Known, known
from gatewatch_analysis.gateway.pieces import Pieces, pieces
from gatewatch_analysis.gateway.seen import Seen, seen
from gatewatch_analysis.gateway.told import told
from gatewatch_analysis.gateway.weigh import posterior, weights
from gatewatch_analysis.loading import Dataset
from gatewatch_analysis.prefixes import Whereabouts
from gatewatch_analysis.tables import Answers, Posterior, Steps, Weighed

__all__ = [
    "CLASSES",
    "COUNTRY",
    "NOTHING",
    "TITLES",
    "UNDETERMINED",
    "Found",
    "Known",
    "Pieces",
    "Seen",
    "find",
    "known",
    "weigh",
]


@dataclass(frozen=True, slots=True)
class Found:
    """All evidence, what it weighs, and what it comes to, country by country."""

    pieces: Pieces
    weighed: pd.DataFrame
    posterior: pd.DataFrame
    answers: pd.DataFrame
    steps: pd.DataFrame


def find(data: Dataset, prefixes: Whereabouts, about: Known | None = None) -> Found:
    """Weigh the evidence of every country of a dataset; ``about``: what is known of their networks."""
    return weigh(pieces(data, prefixes, known() if about is None else about))


def weigh(evidence: Pieces, by: Calibration | None = None) -> Found:
    """Weigh evidence that was computed before."""
    believed = by or calibration()
    rows: dict[str, list[tuple[Any, ...]]] = {"weighed": [], "posterior": [], "answers": [], "steps": []}
    for country in countries(evidence.units):
        what = seen(evidence, country)
        logs = weights(believed, what)
        after = posterior(believed.prior, logs)
        for piece, by_class in logs.items():
            fits = _fits(by_class)
            temper = believed.pieces[piece].temper
            rows["weighed"].append((*country, piece, told(piece, what, evidence, country), temper, *fits))
        rows["posterior"] += [(*country, kind, believed.prior[kind], after[kind]) for kind in CLASSES]
        rows["answers"].append((*country, *_answered(after, what, evidence, country)))
        open_bits = entropy(after)
        rows["steps"] += [
            (*country, s.what, s.on or None, s.bits, open_bits, s.outcomes or None)
            for s in steps(believed, what, evidence.affected)
        ]
    return Found(
        evidence,
        Weighed.frame(rows["weighed"]),
        Posterior.frame(rows["posterior"]),
        Answers.frame(rows["answers"]),
        Steps.frame(rows["steps"]),
    )


def _fits(by_class: Mapping[Class, float]) -> list[float]:
    """Give each class's likelihood against that of the class that fits best."""
    top = max(by_class.values())
    return [exp(by_class[kind] - top) for kind in CLASSES]


def _answered(
    after: Mapping[Class, float], what: Seen, evidence: Pieces, country: Country
) -> tuple[Any, ...]:
    said = answer(after, what)
    told_apart = next(plain(of_country(evidence.identifiable, country), "told"), (None,))[0]
    return (
        said.answer,
        said.leaning,
        said.probability,
        len(what.isps),
        what.units,
        len(what.located),
        len(what.contrasted),
        told_apart,
        "; ".join(said.why) or None,
    )
