"""How a fact stands in our tables: a value with ``confidence`` and ``source``, dates, shares."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast, get_args

from gatewatch_targets.model import Confidence
from gatewatch_targets.tree import Node

from .model import Known, When

T = TypeVar("T")

CONFIDENCES = cast(tuple[Confidence, ...], get_args(Confidence))
SURE = ("confidence", "source", "note")


def when(node: Node) -> When:
    """Give a day, month, quarter or year."""
    try:
        return When.parse(node.as_text())
    except ValueError as error:
        raise node.error(str(error)) from None


def known(node: Node, key: str, value: Callable[[Node], T]) -> Known[T] | None:
    """Give the fact under ``key``, whose value is read by ``value``; None where it is not told."""
    if not node.has(key):
        return None
    fact = node.get(key)
    return Known(value(fact), confidence(fact), fact.sources(), fact.text("note", ""))


def dated(node: Node) -> When:
    """Give the value of a fact that is a date."""
    node.only("date", *SURE)
    return when(node.get("date"))


def confidence(node: Node) -> Confidence:
    """Give how sure a fact is."""
    return node.choice("confidence", CONFIDENCES)


def shares(node: Node) -> tuple[float, float]:
    """Give the bounds of a share: ``share`` where it is told exactly, else ``share_min``, ``share_max``."""

    def share(key: str, default: float) -> float:
        return node.number(key, 0, 1, "a share from 0 to 1") if node.has(key) else default

    if node.has("share"):
        for key in ("share_min", "share_max"):
            if node.has(key):
                raise node.get(key).error("stands beside share, which tells it exactly")
        return share("share", 0), share("share", 0)
    low, high = share("share_min", 0.0), share("share_max", 1.0)
    if low > high:
        raise node.get("share_min").error(f"{low} is more than share_max")
    return low, high


def period(node: Node) -> tuple[When | None, When | None]:
    """Give ``since`` and ``until``, which must not be the wrong way round."""
    since, until = (when(node.get(key)) if node.has(key) else None for key in ("since", "until"))
    if since and until and until.last < since.first:
        raise node.get("until").error(f"{until} is before {since}")
    return since, until
