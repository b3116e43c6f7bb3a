"""shutdowns: countries in which a network fails, is filtered or is not heard of, against their truth.

Worlds of every kind (``benchmarks.shutdown_worlds``), counted by what is found: the scope of a row of
failures, or measurements that stopped.  The goals are the project's own; no peer answers this question from
probes' measurements.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pandas as pd

from benchmarks.shutdown_worlds import KINDS, World, draw
from gatewatch_analysis.shutdown import shutdowns

GOAL_FALSE, GOAL_SCOPE, GOAL_DATES = 0.01, 0.95, 0.9
_START = pd.Timestamp("2024-05-01", tz="UTC")
# A line measures every two to four hours, and there are two or three of them.
_LATE_HOURS = 4.5


def run(quick: bool) -> dict[str, Any]:
    """Judge the worlds; gives goals and detail."""
    each = 5 if quick else 100
    detail: dict[str, Any] = {"worlds of each kind": each}
    alarms = quiet = right = events = dated = proven = 0
    for kind, truth in KINDS.items():
        said: Counter[str] = Counter()
        for seed in range(each):
            world = draw(kind, seed)
            found = shutdowns(world.attempts)
            scopes = [_word(row) for row in found.itertuples()]
            said[", ".join(scopes) or "nothing"] += 1
            if truth is None:
                quiet, alarms = quiet + 1, alarms + bool(scopes)
            elif truth == "stopped":
                proven += any(word != "stopped" for word in scopes)
            elif kind != "one line":
                events, right = events + 1, right + (scopes == [truth])
                dated += _in_time(world, found)
        detail[kind] = ", ".join(f"{what}: {count}" for what, count in said.most_common())
    goals = [
        _goal("false alarms where no network failed", alarms, quiet, GOAL_FALSE, most=True),
        _goal("scope of an outage or shutdown, exactly", right, events, GOAL_SCOPE),
        _goal(f"its beginning and end to {_LATE_HOURS} h", dated, events, GOAL_DATES),
        _goal("stopped measurements told as failures", proven, each, 0.0, most=True),
    ]
    return {"goals": goals, "peer": {}, "detail": detail}


def _word(row: Any) -> str:
    return str(row.scope) if row.kind == "failures" else "stopped"


def _in_time(world: World, found: pd.DataFrame) -> bool:
    if len(found) != 1 or pd.isna(found["end"].iloc[0]):
        return False
    seen = [(found[name].iloc[0] - _START).total_seconds() / 3600 for name in ("start", "end")]
    return all(abs(a - b) <= _LATE_HOURS for a, b in zip(seen, (world.begin, world.end), strict=True))


def _goal(name: str, hits: int, of: int, goal: float, *, most: bool = False) -> dict[str, Any]:
    share = hits / of
    return {
        "name": name,
        "value": f"{hits} of {of}",
        "goal": f"{'at most' if most else 'at least'} {goal:.0%}",
        "met": share <= goal if most else share >= goal,
    }
