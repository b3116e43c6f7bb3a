"""locate in random worlds, by kernel sockets and without any capability: how often the link is right.

There is no peer to run beside it: CenTrace needs root and hundreds of triggers for one answer (from its code,
280 to 616 for a filter that drops), and OONI's tlsmiddlebox gives no answer.

What worlds there are is said in :mod:`benchmarks.locating_worlds`; a NAT in front of them needs root, and
iptables or nft.  One world is run again, alone, by
``python -m benchmarks.locating METHOD SEED NUMBER LOSS JITTER``.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from benchmarks.labrun import in_worlds
from benchmarks.locating_worlds import KINDS, RESOLVERS, SIX, draw, variants

# Loss each way, jitter in ms; the share of exact links wanted of each.
LINES = ((0.0, 0.0, 0.99), (0.01, 5.0, 0.97), (0.03, 5.0, 0.95))
WORLDS = 500
MOST_WRONG = 0.01
# Worlds in one namespace: they share one engine, and a busy engine is a slow line.
TOGETHER = 50
# Namespaces at once: nearly all of the time is waiting for answers that do not come.
_AT_ONCE = 6
_MARKS = ("exact", "wider", "wrong", "cannot_tell")


def answers(
    method: str, loss: float, jitter: float, count: int, *, boxed: bool = True
) -> list[dict[str, Any]]:
    """Locate in ``count`` worlds, some in one namespace, and give what was found in each."""
    each = sum(SIX or ":" not in address for address in RESOLVERS) if method == "dns" else TOGETHER
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
    in_front = 1 if row["nat"] else 0  # the NAT is a hop of its own
    if [place["before"] - in_front, place["after"] - in_front] == row["finest"]:
        return "exact"
    return "wider" if place["before"] < row["box"] + in_front <= place["after"] else "wrong"


def by_variant(rows: Iterable[dict[str, Any]]) -> list[str]:
    """Count the answers in all worlds of one sort, so that none hides in the mean."""
    found: dict[str, Counter[str]] = {}
    for row in rows:
        for word in variants(row):
            found.setdefault(word, Counter())[mark(row)] += 1
    lines = []
    for word, marks in sorted(found.items()):
        counts = ", ".join(f"{marks[m]} {m}" for m in marks if m not in _MARKS or marks[m])
        lines.append(f"{word}: {marks.total()} worlds: {counts}")
    return lines


def failed(rows: Iterable[dict[str, Any]], loss: float, jitter: float) -> list[str]:
    """Name the worlds whose link was not exact, as :func:`again` takes them."""
    return [
        f"{row['method']} {row['seed']} {row['number']} {loss} {jitter}: {mark(row)}, "
        f"{'; '.join(variants(row))}: {row['reason'] or row['place']}"
        for row in rows
        if mark(row) not in ("exact", "none")
    ]


def run(quick: bool) -> dict[str, Any]:
    """Print, for each method and line, how many links are exact, wider, wrong and not told."""
    count = 24 if quick else WORLDS
    goals: list[dict[str, Any]] = []
    detail: dict[str, Any] = {}
    every: list[dict[str, Any]] = []
    odd: list[str] = []
    for method in KINDS:
        mine = []
        for loss, jitter, wanted in LINES[1:2] if quick else LINES:
            rows = answers(method, loss, jitter, count)
            mine += rows
            odd += failed(rows, loss, jitter)
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
        detail[f"{method}, by variant"] = by_variant(mine)
        every += mine
    free = [row for method in KINDS for row in answers(method, 0.01, 5.0, count // len(KINDS), boxed=False)]
    false = sum(mark(row) == "false" for row in free)
    detail["without interference, by variant"] = by_variant(free)
    goals.append(
        _goal("worlds without interference that yield a link", f"{false} of {len(free)}", "0", not false)
    )
    capabilities = {row["capabilities"] for row in (*every, *free)}
    goals.append(_goal("effective capabilities", " ".join(capabilities), "0", capabilities == {"0"}))
    why = next((row["no_nat"] for row in (*every, *free) if row.get("no_nat")), "")
    behind = sum(row["nat"] != "" for row in (*every, *free))
    detail["worlds behind a NAT"] = f"{behind} of {len(every) + len(free)}" + (why and f": {why}")
    if not SIX:
        detail["worlds over IPv6"] = "none: this kernel has no IPv6"
    detail["not exact"] = odd or "none"
    return {"goals": goals, "peer": {}, "detail": detail}


def _goal(name: str, value: str, goal: str, met: bool) -> dict[str, Any]:
    return {"name": name, "value": value, "goal": goal, "met": met}


def again(method: str, seed: int, number: int, loss: float, jitter: float, *, boxed: bool = True) -> str:
    """Locate once more in one world of a batch, with nobody beside it; gives its mark and its row."""
    each = sum(SIX or ":" not in address for address in RESOLVERS) if method == "dns" else TOGETHER
    text, rows = draw(seed, method, each, loss=loss, jitter=jitter, boxed=boxed)
    (row,) = in_worlds(text, rows.splitlines()[number] + "\n", "benchmarks.locating_client")
    return f"{mark(row)} {json.dumps(row)}"


if __name__ == "__main__":
    named, which, place, lost, late = sys.argv[1:6]
    print(again(named, int(which), int(place), float(lost), float(late), boxed=sys.argv[6:] != ["free"]))
