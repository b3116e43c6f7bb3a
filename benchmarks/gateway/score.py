"""How good is a posterior: confusion, F1, Brier's score, and whether its probabilities hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from gatewatch_analysis.gateway import UNDETERMINED
from gatewatch_analysis.gateway.calibration import CLASSES, Class

#: Bins of a table of calibration: lower ends.
_BINS = (0.0, 0.4, 0.6, 0.8, 0.9, 0.95, 0.99)


class Weighed(NamedTuple):
    """One country: the truth, the posterior, and what was answered."""

    truth: Class
    posterior: Mapping[Class, float]
    answer: str

    @property
    def leaning(self) -> Class:
        """The most probable class."""
        return max(CLASSES, key=lambda kind: self.posterior[kind])


def macro_f1(pairs: Sequence[tuple[str, str]]) -> float:
    """Give the mean over the classes of F1, for pairs of truth and what was said."""
    counts = Counter(pairs)
    scores = []
    for kind in CLASSES:
        right = counts[kind, kind]
        said = sum(count for (_, answer), count in counts.items() if answer == kind)
        true = sum(count for (truth, _), count in counts.items() if truth == kind)
        scores.append(2 * right / (said + true) if said + true else 0.0)
    return sum(scores) / len(scores)


def brier(worlds: Sequence[Weighed]) -> float:
    """Give Brier's score as he wrote it: squared errors summed over the classes, 0 to 2 (G. Brier, 1950)."""
    total = sum((w.posterior[kind] - (kind == w.truth)) ** 2 for w in worlds for kind in CLASSES)
    return total / len(worlds)


def confusion(worlds: Sequence[Weighed]) -> list[str]:
    """Lay out truth against the most probable class, and how many were not said aloud."""
    counts = Counter((w.truth, w.leaning) for w in worlds)
    silent = Counter(w.truth for w in worlds if w.answer == UNDETERMINED)
    lines = [f"{'truth':>18}" + "".join(f"{kind[:9]:>11}" for kind in CLASSES) + f"{UNDETERMINED:>14}"]
    for truth in CLASSES:
        row = "".join(f"{counts[truth, kind]:>11}" for kind in CLASSES)
        lines.append(f"{truth:>18}{row}{silent[truth]:>14}")
    return lines


def calibration(worlds: Sequence[Weighed]) -> list[str]:
    """Hold every probability against how often it came true: all classes of all countries."""
    said = [(w.posterior[kind], kind == w.truth) for w in worlds for kind in CLASSES]
    lines = [f"{'probability':>14}{'said':>8}{'mean':>9}{'true':>9}"]
    ends = (*_BINS[1:], 1.000001)
    for low, high in zip(_BINS, ends, strict=True):
        inside = [(p, true) for p, true in said if low <= p < high]
        if inside:
            mean = sum(p for p, _ in inside) / len(inside)
            share = sum(true for _, true in inside) / len(inside)
            lines.append(f"{f'{low:.2f} to {min(high, 1):.2f}':>14}{len(inside):>8}{mean:>9.3f}{share:>9.3f}")
    return lines
