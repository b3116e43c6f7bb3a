"""locate in random worlds, by kernel sockets and without any capability: how often the link is right.

There is no peer to run beside it: CenTrace needs root and hundreds of triggers for one answer (from its code,
280 to 616 for a filter that drops), and OONI's tlsmiddlebox gives no answer.
"""

from __future__ import annotations

import statistics
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from benchmarks.labrun import in_worlds
from benchmarks.locating_worlds import KINDS, RESOLVERS, draw

# Loss each way, jitter in ms; the share of exact links wanted of each.
LINES = ((0.0, 0.0, 0.99), (0.01, 5.0, 0.97), (0.03, 5.0, 0.95))
WORLDS = 500
MOST_WRONG = 0.01
# Worlds in one namespace: they share one engine, and a busy engine is a slow line.
TOGETHER = 50
# Namespaces at once: nearly all of the time is waiting for answers that do not come.
_AT_ONCE = 6


def answers(
    method: str, loss: float, jitter: float, count: int, *, boxed: bool = True
) -> list[dict[str, Any]]:
    """Locate in ``count`` worlds, some in one namespace, and give what was found in each."""
    each = len(RESOLVERS) if method == "dns" else TOGETHER
    batches = [(seed, min(each, count - seed * each)) for seed in range(-(-count // each))]

    def one(batch: tuple[int, int]) -> list[dict[str, Any]]:
        seed, size = batch
        text, rows = draw(seed, method, size, loss=loss, jitter=jitter, boxed=boxed)
        return in_worlds(text, rows, "benchmarks.locating_client")

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return [row for rows in pool.map(one, batches) for row in rows]


def mark(row: dict[str, Any]) -> str:
    """Hold an answer against the truth: exact, wider, wrong, cannot_tell; of a free world none or false."""
    place = row["place"]
    if not row["box"]:
        return "false" if place else "none"
    if place is None:
        return "cannot_tell"
    if [place["before"], place["after"]] == row["finest"]:
        return "exact"
    return "wider" if place["before"] < row["box"] <= place["after"] else "wrong"


def run(quick: bool) -> dict[str, Any]:
    """Print, for each method and line, how many links are exact, wider, wrong and not told."""
    count = 20 if quick else WORLDS
    goals: list[dict[str, Any]] = []
    detail: dict[str, Any] = {}
    capabilities: set[str] = set()
    for method in KINDS:
        for loss, jitter, wanted in LINES[1:2] if quick else LINES:
            rows = answers(method, loss, jitter, count)
            capabilities |= {row["capabilities"] for row in rows}
            marks = Counter(map(mark, rows))
            name = f"{method}, {loss:.0%} loss, {jitter:.0f} ms jitter"
            spent = [row["triggers"] for row in rows]
            exact, wrong = marks["exact"] / len(rows), marks["wrong"] / len(rows)
            goals += [
                _goal(
                    f"{name}: exact link", f"{exact:.1%} of {len(rows)}", f">= {wanted:.0%}", exact >= wanted
                ),
                _goal(f"{name}: wrong link", f"{wrong:.1%}", f"<= {MOST_WRONG:.0%}", wrong <= MOST_WRONG),
                _goal(
                    f"{name}: triggers, median and most",
                    f"{statistics.median(spent)} and {max(spent)}",
                    "<= 12 and <= 20",
                    statistics.median(spent) <= 12 and max(spent) <= 20,
                ),
            ]
            detail[name] = dict(marks)
    free = [row for method in KINDS for row in answers(method, 0.01, 5.0, count // len(KINDS), boxed=False)]
    false = sum(mark(row) == "false" for row in free)
    goals.append(
        _goal("worlds without interference that yield a link", f"{false} of {len(free)}", "0", not false)
    )
    goals.append(_goal("effective capabilities", " ".join(capabilities), "0", capabilities == {"0"}))
    return {"goals": goals, "peer": {}, "detail": detail}


def _goal(name: str, value: str, goal: str, met: bool) -> dict[str, Any]:
    return {"name": name, "value": value, "goal": goal, "met": met}
