"""The table applied: which rules speak for one row of features, and which decides, in a row or in columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gatewatch.verdict.expr import first_of, opposite
from gatewatch.verdict.rule import Rule
from gatewatch.verdict.rules import BY_LAYER, RULES

# A note never takes the floor from a verdict: the two are looked for apart.
_FIRST = tuple(
    (part, first_of([rule.when for rule in part]))
    for layer in BY_LAYER
    for part in (
        tuple(rule for rule in layer if rule.status != "note"),
        tuple(rule for rule in layer if rule.status == "note"),
    )
    if part
)


def speaking(row: Mapping[str, Any]) -> list[Rule]:
    """Give the rule that speaks for each layer, and its note if it has one, in the layers' order."""
    found = []
    for layer, first in _FIRST:
        index = first(row)
        if index >= 0:
            found.append(layer[index])
            if found[0].layer == "line":
                break
    return found


def decide(speakers: list[Rule]) -> Rule:
    """Choose: the line first, then what is blocked, nearest the client first, then whatever is left."""
    if speakers[0].layer == "line":
        return speakers[0]
    blocked = (rule for rule in speakers if rule.status == "blocked")
    return next(blocked, None) or next(rule for rule in speakers if rule.status != "note")


def decisive(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Judge whole columns: for each rule's id, a column that is true where this rule decides.

    ``columns`` maps each name of :class:`~gatewatch.verdict.features.Features` to a column (a numpy array or
    a pandas Series, all of one length and index).  In every place exactly one rule decides.
    """
    found: dict[str, Any] = {}
    taken: Any = None  # where the line, or a nearer layer that blocks, decides already
    rest: list[tuple[Rule, Any]] = []
    for layer in BY_LAYER:
        before: Any = None
        firsts = []
        for rule in layer:
            holds = rule.when(columns)
            firsts.append((rule, holds if before is None else holds & opposite(before)))
            if rule.status != "note":
                before = holds if before is None else before | holds
        claims = [(r, mask) for r, mask in firsts if r.layer == "line" or r.status == "blocked"]
        rest += [(r, mask) for r, mask in firsts if r.layer != "line" and r.status not in ("blocked", "note")]
        now = taken
        for rule, mask in claims:
            found[rule.id] = mask if taken is None else mask & opposite(taken)
            now = mask if now is None else now | mask
        taken = now
    for rule, mask in rest:
        found[rule.id] = mask & opposite(taken)
        taken = taken | mask
    return {rule.id: found[rule.id] for rule in RULES if rule.id in found}
