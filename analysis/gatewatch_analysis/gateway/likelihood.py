"""How likely is what was seen, under a class whose habits the lab has shown?  Three kinds of counts.

``Shares``: so many ISPs in each of some categories.  ISPs of one country are more alike than draws from all
countries (one carrier, one maker, one official decides for several), so the shares themselves vary from
country to country by a Dirichlet distribution: the Dirichlet-multinomial (J. Mosimann, Biometrika 49, 1962).
Its concentration says how much: with 0.1 the second ISP tells hardly more than the first had told.

``Partition``: so many ISPs to each mechanism, whatever the mechanisms are called: Ewens' sampling formula
(W. Ewens, Theoretical Population Biology 3, 1972), with one parameter from "all alike" (0) to "all
different", mixed over a few values of it.  ISPs at one node are alike anyway: that they are is taken for
given, and is divided out.

``Bins``: one of some states, or, where bounds are wide, one of several.

"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, lgamma, log
from typing import NamedTuple


class Groups(NamedTuple):
    """How many ISPs are of each kind; and how many of them are alike anyway, group by group."""

    sizes: tuple[int, ...] = ()
    given: tuple[int, ...] = ()

    @property
    def many(self) -> int:
        """How many ISPs there are."""
        return sum(self.sizes)

    @property
    def tells(self) -> bool:
        """Whether anything could have been otherwise."""
        return self.many - sum(max(many - 1, 0) for many in self.given) > 1


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


@dataclass(frozen=True, slots=True)
class Partition:
    """A mixture of Ewens' distributions: weight for each value of the parameter."""

    weights: Mapping[float, float]

    def log(self, groups: Groups) -> float:
        """Give the log likelihood of a partition; one ISP, or none, says nothing."""
        return logsum([log(weight) + given(groups, theta) for theta, weight in self.weights.items()])


def given(groups: Groups, theta: float) -> float:
    """Give the log probability of a partition, given that some are alike anyway."""
    return ewens(groups.sizes, theta) - sum(ewens((many,), theta) for many in groups.given if many > 1)


def ewens(sizes: Sequence[int], theta: float) -> float:
    """Give the log probability that named ISPs fall into groups of these sizes."""
    n = sum(sizes)
    blocks = sum(lgamma(size) for size in sizes)
    return len(sizes) * log(theta) + blocks + lgamma(theta) - lgamma(theta + n)


@dataclass(frozen=True, slots=True)
class Bins:
    """Chances of states."""

    chances: Mapping[str, float]

    def log(self, states: Iterable[str]) -> float:
        """Give the log likelihood that it is one of some states."""
        return log(sum(self.chances[state] for state in states))


def logsum(values: Sequence[float]) -> float:
    """Give the log of a sum of what the logs are of."""
    top = max(values)
    return top + log(sum(exp(value - top) for value in values))
