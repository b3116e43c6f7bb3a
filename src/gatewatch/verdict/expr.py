"""Conditions stated once: over the features of one measurement, and over whole columns of them.

``F("dns_system") == "nxdomain"`` is an expression, not a truth value; ``&``, ``|`` and ``~`` join them.
Called with a mapping of names to scalars an expression gives a bool; with a mapping of names to columns
(numpy arrays, pandas Series) it gives a column of bools.  Columns are only ever compared and joined by
their own operators, so no table library is imported.  Of a row in which features are missing,
:meth:`Expr.maybe` says whether the condition holds whatever they are.  Printed, an expression reads as it
was written.
"""

from __future__ import annotations

import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_COMPARE: Mapping[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Expr(ABC):
    """A condition; the classes below say of what kind."""

    __slots__ = ()

    @abstractmethod
    def __call__(self, row: Mapping[str, Any]) -> Any:
        """Evaluate: a bool for scalars, a column of bools for columns; KeyError for a missing feature."""

    @abstractmethod
    def maybe(self, row: Mapping[str, Any]) -> bool | None:
        """Evaluate with features missing (Kleene's logic): None where it may be either."""

    @abstractmethod
    def names(self) -> frozenset[str]:
        """Give the features that the condition reads."""

    @abstractmethod
    def python(self) -> str:
        """Write the condition in Python, over a mapping ``row`` of scalars."""

    def __and__(self, other: Expr) -> Expr:
        return Joined("&", self, other)

    def __or__(self, other: Expr) -> Expr:
        return Joined("|", self, other)

    def __invert__(self) -> Expr:
        return Not(self)

    def __bool__(self) -> bool:
        # `and`, `or`, `not` and chained comparisons would silently drop half of a condition.
        raise TypeError("join conditions with &, | and ~, and put comparisons in brackets")


@dataclass(frozen=True, slots=True, eq=False)
class F(Expr):
    """A feature by its name; alone it must be one that is true or false."""

    name: str

    def __call__(self, row: Mapping[str, Any]) -> Any:
        """Evaluate."""
        return row[self.name]

    def maybe(self, row: Mapping[str, Any]) -> bool | None:
        """Evaluate, or None."""
        return self(row) if self.name in row else None

    def names(self) -> frozenset[str]:
        """Give the features that are read."""
        return frozenset({self.name})

    def __eq__(self, other: object) -> Expr:  # type: ignore[override]
        return Compare(self.name, "==", other)

    def __ne__(self, other: object) -> Expr:  # type: ignore[override]
        return Compare(self.name, "!=", other)

    def __lt__(self, other: float) -> Expr:
        return Compare(self.name, "<", other)

    def __le__(self, other: float) -> Expr:
        return Compare(self.name, "<=", other)

    def __gt__(self, other: float) -> Expr:
        return Compare(self.name, ">", other)

    def __ge__(self, other: float) -> Expr:
        return Compare(self.name, ">=", other)

    def any_of(self, *words: str) -> Expr:
        """Say that the feature is one of some words."""
        return OneOf(self.name, words)

    def python(self) -> str:
        """Write the condition in Python."""
        return f"row[{self.name!r}]"

    # Comparing gives an expression, so features cannot be told apart in a set or a dict.
    __hash__ = None  # type: ignore[assignment]

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True, eq=False)
class Compare(Expr):
    """A feature against a constant."""

    name: str
    sign: str
    constant: Any

    def __call__(self, row: Mapping[str, Any]) -> Any:
        """Evaluate."""
        return _COMPARE[self.sign](row[self.name], self.constant)

    def maybe(self, row: Mapping[str, Any]) -> bool | None:
        """Evaluate, or None."""
        return self(row) if self.name in row else None

    def names(self) -> frozenset[str]:
        """Give the features that are read."""
        return frozenset({self.name})

    def python(self) -> str:
        """Write the condition in Python."""
        return f"row[{self.name!r}] {self.sign} {self.constant!r}"

    def __str__(self) -> str:
        constant = "''" if self.constant == "" else self.constant
        return f"{self.name} {self.sign} {constant}"


@dataclass(frozen=True, slots=True, eq=False)
class OneOf(Expr):
    """A feature that is one of some words."""

    name: str
    words: tuple[str, ...]

    def __call__(self, row: Mapping[str, Any]) -> Any:
        """Evaluate."""
        value = row[self.name]
        if isinstance(value, str):
            return value in self.words
        found = value == self.words[0]
        for word in self.words[1:]:
            found = found | (value == word)
        return found

    def maybe(self, row: Mapping[str, Any]) -> bool | None:
        """Evaluate, or None."""
        return self(row) if self.name in row else None

    def names(self) -> frozenset[str]:
        """Give the features that are read."""
        return frozenset({self.name})

    def python(self) -> str:
        """Write the condition in Python."""
        return f"row[{self.name!r}] in {self.words!r}"

    def __str__(self) -> str:
        return f"{self.name} in ({', '.join(self.words)})"


@dataclass(frozen=True, slots=True, eq=False)
class Not(Expr):
    """The opposite."""

    inner: Expr

    def __call__(self, row: Mapping[str, Any]) -> Any:
        """Evaluate."""
        return opposite(self.inner(row))

    def maybe(self, row: Mapping[str, Any]) -> bool | None:
        """Evaluate, or None."""
        inner = self.inner.maybe(row)
        return None if inner is None else not inner

    def names(self) -> frozenset[str]:
        """Give the features that are read."""
        return self.inner.names()

    def python(self) -> str:
        """Write the condition in Python."""
        return f"not ({self.inner.python()})"

    def __str__(self) -> str:
        if isinstance(self.inner, OneOf):
            return str(self.inner).replace(" in ", " not in ", 1)
        return f"not {_inside(self.inner)}"


@dataclass(frozen=True, slots=True, eq=False)
class Joined(Expr):
    """Two conditions joined by and (``&``) or or (``|``)."""

    sign: str
    left: Expr
    right: Expr

    def __call__(self, row: Mapping[str, Any]) -> Any:
        """Evaluate."""
        left = self.left(row)
        # A scalar may settle it; a column never does.
        if self.sign == "&":
            return left if left is False else left & self.right(row)
        return left if left is True else left | self.right(row)

    def maybe(self, row: Mapping[str, Any]) -> bool | None:
        """Evaluate, or None: one side alone may settle it."""
        settles = self.sign == "|"
        left = self.left.maybe(row)
        if left is settles:
            return settles
        right = self.right.maybe(row)
        if right is settles:
            return settles
        return None if left is None or right is None else not settles

    def names(self) -> frozenset[str]:
        """Give the features that are read."""
        return self.left.names() | self.right.names()

    def python(self) -> str:
        """Write the condition in Python."""
        word = "and" if self.sign == "&" else "or"
        return f"({self.left.python()}) {word} ({self.right.python()})"

    def __str__(self) -> str:
        word = " and " if self.sign == "&" else " or "
        return word.join(_inside(part, self.sign) for part in (self.left, self.right))


def first_of(conditions: Sequence[Expr]) -> Callable[[Mapping[str, Any]], int]:
    """Give a function of a row of scalars: the index of the first condition that holds, or -1.

    Walking sixty trees of objects costs five times as much as all other work of a verdict's rules, so the
    conditions, which are ours and hold nothing from outside, are written out as one Python expression.
    """
    chain = "".join(f"{index} if {condition.python()} else " for index, condition in enumerate(conditions))
    found: Callable[[Mapping[str, Any]], int] = eval(f"lambda row: {chain}-1", {"__builtins__": {}})
    return found


def opposite(value: Any) -> Any:
    """Negate a bool or a column of bools (``~`` of a bool is a number)."""
    return not value if isinstance(value, bool) else ~value


def _inside(part: Expr, sign: str = "") -> str:
    """Write a part, in brackets where it would read otherwise without them."""
    return f"({part})" if isinstance(part, Joined) and part.sign != sign else str(part)
