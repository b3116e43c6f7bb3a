"""The table applied: which rules speak for features, and which decides.

Features come as one row, as one row in which some are missing, or as whole columns.
"""

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


def settled(row: Mapping[str, Any]) -> Rule | None:
    """Give the rule that decides whatever the missing features are; None where they matter.

    So whoever knows only a part of a row (that TLS vouches for the page, say) need not look at the rest.
    """
    might: list[tuple[list[Rule], bool]] = []  # of each layer, who may speak, and whether somebody does
    for layer in BY_LAYER:
        rules, certain = _may_speak(layer, row)
        if layer[0].layer == "line" and rules:
            return rules[0] if certain and len(rules) == 1 else None
        might.append((rules, certain))
    if any(rule.status == "blocked" for rules, _ in might for rule in rules):
        return _surely_blocked(might)
    speaking = next(((rules, certain) for rules, certain in might if rules), None)
    return speaking[0][0] if speaking and speaking[1] and len(speaking[0]) == 1 else None


def _surely_blocked(might: list[tuple[list[Rule], bool]]) -> Rule | None:
    for rules, certain in might:
        blocked = [rule for rule in rules if rule.status == "blocked"]
        if blocked:
            return rules[0] if certain and len(rules) == 1 else None
    return None


def may_block(row: Mapping[str, Any]) -> bool:
    """Tell whether a row in which features are missing may be one of a hop that is blocked."""
    for layer in BY_LAYER:
        rules, certain = _may_speak(layer, row)
        if any(rule.status == "blocked" for rule in rules):
            return True
        if certain and layer[0].layer == "line":
            return False
    return False


def _may_speak(layer: tuple[Rule, ...], row: Mapping[str, Any]) -> tuple[list[Rule], bool]:
    """Give the rules of a layer that may be the first to hold, and whether one of them surely is."""
    found = []
    for rule in layer:
        if rule.status == "note":
            continue
        holds = rule.when.maybe(row)
        if holds is not False:
            found.append(rule)
        if holds:
            return found, True
    return found, False
