"""How likely is what was seen, under a class whose habits the lab has shown?  Three kinds of counts.

``Shares``: so many ISPs in each of some categories.  ISPs of one country are more alike than draws from all
countries (one carrier, one maker, one official decides for several), so the shares themselves vary from
country to country by a Dirichlet distribution: the Dirichlet-multinomial (J. Mosimann, Biometrika 49, 1962).
Its concentration says how much: with 0.1 the second ISP tells hardly more than the first had told.

``Partition``: so many sites to each mechanism, whatever the mechanisms are called: Ewens' sampling formula
(W. Ewens, Theoretical Population Biology 3, 1972), with one parameter from "all alike" (0) to "all
different", mixed over a few values of it.

``Bins``: one of some states, or, where bounds are wide, one of several.

Each also says what the next observation would be, for :mod:`gatewatch_analysis.gateway.decide`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, lgamma, log

#: What a site that is seen next may be: of a mechanism that others have, or of a new one.
ALIKE, NEW = "like others", "unlike all"


@dataclass(frozen=True, slots=True)
class Shares:
    """A Dirichlet-multinomial: the pseudo-counts of its categories."""

    alphas: Mapping[str, float]

    def log(self, counts: Mapping[str, float]) -> float:
        """Give the log likelihood of the ISPs seen, in any one order."""
        whole, many = sum(self.alphas.values()), sum(counts.values())
        found = lgamma(whole) - lgamma(whole + many)
        for name, count in counts.items():
            found += lgamma(self.alphas[name] + count) - lgamma(self.alphas[name])
        return found

    def ahead(self, counts: Mapping[str, float]) -> dict[str, float]:
        """Give the chances of what the next ISP is."""
        whole = sum(self.alphas.values()) + sum(counts.values())
        return {name: (alpha + counts.get(name, 0.0)) / whole for name, alpha in self.alphas.items()}


@dataclass(frozen=True, slots=True)
class Partition:
    """A mixture of Ewens' distributions: weight for each value of the parameter."""

    weights: Mapping[float, float]

    def log(self, sizes: Sequence[int]) -> float:
        """Give the log likelihood of a partition; one site, or none, says nothing."""
        return _logsum(self._each(sizes))

    def _each(self, sizes: Sequence[int]) -> list[float]:
        return [log(weight) + ewens(sizes, theta) for theta, weight in self.weights.items() if weight > 0]

    def ahead(self, sizes: Sequence[int]) -> dict[str, float]:
        """Give the chances that the next site is like one of those seen, or like none."""
        each, n = self._each(sizes), sum(sizes)
        whole = _logsum(each)
        thetas = (theta for theta, weight in self.weights.items() if weight > 0)
        new = sum(exp(part - whole) * theta / (theta + n) for part, theta in zip(each, thetas, strict=True))
        return {ALIKE: 1 - new, NEW: new}


def ewens(sizes: Sequence[int], theta: float) -> float:
    """Give the log probability that sites fall into groups of these sizes (as a partition of named sites)."""
    n = sum(sizes)
    return len(sizes) * log(theta) + sum(lgamma(size) for size in sizes) + lgamma(theta) - lgamma(theta + n)


@dataclass(frozen=True, slots=True)
class Bins:
    """Chances of states."""

    chances: Mapping[str, float]

    def log(self, states: Iterable[str]) -> float:
        """Give the log likelihood that it is one of some states."""
        return log(sum(self.chances[state] for state in states))


def _logsum(values: Sequence[float]) -> float:
    top = max(values)
    return top + log(sum(exp(value - top) for value in values))
