"""From a posterior to an answer: a class, or "undetermined", which is what is said unless rules allow more.

A posterior is only as good as the emulated countries that it was calibrated on, so probability alone is not
enough: some answers need evidence of a kind, and of enough ISPs, whatever the number says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from gatewatch_analysis.gateway.calibration import CLASSES, Class
from gatewatch_analysis.gateway.seen import Seen

UNDETERMINED = "undetermined"
#: With 2 of 2 ISPs alike, the share of a country's ISPs may still be under one half (Jeffreys' bound 0.43);
#: with 3 of 3 it is above (0.56).
LEAST_ISPS = 3
#: Odds of 20 to 1 are what is usually asked for before a claim is made (1 - 0.05).
ENOUGH = 0.95
#: Where something stands can only be said where it was placed, or its ways compared: one list, one mechanism
#: and one moment come of orders as well.  Three of three, as above.
LEAST_PLACED = 3
#: One gate for all is said of five ISPs at least, of which two do not buy from one another: with fewer, a few
#: ISPs' own boxes, or one seller's, look the same.
LEAST_FOR_A_GATE, LEAST_UNITS = 5, 2
#: Answers that say where something stands.
_PLACED: tuple[Class, ...] = ("central", "gateway", "upstream", "not identifiable")


class Rule(NamedTuple):
    """A rule: when it forbids an answer, and in which words."""

    forbids: Callable[[Class, float, Seen], bool]
    words: Callable[[Class, float, Seen], str]


RULES = (
    Rule(
        lambda kind, p, what: len(what.isps) < LEAST_ISPS,
        lambda kind, p, what: f"{len(what.isps)} of at least {LEAST_ISPS} ISPs measured",
    ),
    Rule(
        lambda kind, p, what: p < ENOUGH,
        lambda kind, p, what: f"no class has a probability of {ENOUGH:.0%}",
    ),
    Rule(
        lambda kind, p, what: kind in _PLACED and len(what.located | what.contrasted) < LEAST_PLACED,
        lambda kind, p, what: (
            f"interference was placed, or contrasted, on {len(what.located | what.contrasted)} of at least "
            f"{LEAST_PLACED} ISPs"
        ),
    ),
    Rule(
        lambda kind, p, what: kind == "gateway" and len(what.isps) < LEAST_FOR_A_GATE,
        lambda kind, p, what: (
            f"a gateway is said of at least {LEAST_FOR_A_GATE} ISPs, not of {len(what.isps)}"
        ),
    ),
    Rule(
        lambda kind, p, what: kind == "gateway" and what.units < LEAST_UNITS,
        lambda kind, p, what: f"all {len(what.isps)} ISPs hang together: they buy from one another",
    ),
)


class Answer(NamedTuple):
    """What may be said; ``why`` names every rule that forbids more."""

    answer: str
    leaning: Class
    probability: float
    why: tuple[str, ...]


def answer(probabilities: Mapping[Class, float], what: Seen) -> Answer:
    """Say what may be said."""
    leaning = max(CLASSES, key=lambda kind: (probabilities[kind], -CLASSES.index(kind)))
    chance = probabilities[leaning]
    why = tuple(rule.words(leaning, chance, what) for rule in RULES if rule.forbids(leaning, chance, what))
    return Answer(UNDETERMINED if why else leaning, leaning, chance, why)
