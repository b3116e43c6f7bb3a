"""How likely is what was seen, under a class whose habits the lab has shown?  Two kinds of counts.

``Shares``: so many ISPs in each of some categories.  ISPs of one country are more alike than draws from all
countries (one carrier, one maker, one official decides for several), so the shares themselves vary from
country to country by a Dirichlet distribution: the Dirichlet-multinomial (J. Mosimann, Biometrika 49, 1962).
Its concentration says how much: with 0.1 the second ISP tells hardly more than the first had told.

``Bins``: one of some states, or, where bounds are wide, one of several.

``Groups`` says which ISPs are alike; of it the share of pairs is taken that agree and need not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import comb, lgamma, log
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
    def pairs(self) -> int:
        """How many pairs of ISPs could be alike or not."""
        return comb(self.many, 2) - sum(comb(many, 2) for many in self.given)

    @property
    def alike(self) -> int:
        """How many of these pairs are alike."""
        return sum(comb(size, 2) for size in self.sizes) - sum(comb(many, 2) for many in self.given)


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
class Bins:
    """Chances of states."""

    chances: Mapping[str, float]

    def log(self, states: Iterable[str]) -> float:
        """Give the log likelihood that it is one of some states."""
        return log(sum(self.chances[state] for state in states))
