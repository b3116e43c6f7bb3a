"""Deep mode in random worlds, through kernel sockets: in the path or beside it, and in whose hand.

No peer gives either answer so cheaply: CenTrace tells on-path from in-path by a TCP of its own, a firewall
rule and hundreds of triggers (its code; 33 to 107 minutes a target), and OONI Probe captures nothing.
"""

from __future__ import annotations

import base64
import statistics
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from benchmarks.deep_worlds import ASKED, METHODS, draw
from benchmarks.labrun import in_worlds

# Loss each way, jitter in ms; the share of worlds told right that is wanted.
LINES = ((0.0, 0.0, 0.97), (0.01, 5.0, 0.95))
WORLDS, TOGETHER = 100, 25
MOST_WRONG = 0.01
# Of what was injected, each field.
FIELDS_RIGHT = 0.98
_PATTERNS = {"0": "zero", "1": "constant", "0x9916-0x9933": "random", "random": "random"}

Field = Callable[[dict[str, Any], dict[str, Any], dict[str, Any]], bool | None]


def answers(method: str, loss: float, jitter: float, count: int) -> list[dict[str, Any]]:
    """Locate deeply in ``count`` worlds, some in one namespace, and give what was found in each."""
    each = min(len(ASKED), TOGETHER) if method == "dns" else TOGETHER
    batches = [(seed, min(each, count - seed * each)) for seed in range(-(-count // each))]

    def one(batch: tuple[int, int]) -> list[dict[str, Any]]:
        seed, size = batch
        text, rows = draw(seed, method, size, loss=loss, jitter=jitter)
        return in_worlds(text, rows, "benchmarks.deep_client")

    return [row for batch in batches for row in one(batch)]


def told(row: dict[str, Any]) -> str:
    """Hold what was said of the path against the truth: right, wrong, or cannot_tell."""
    said = row["box_seen"] and row["box_seen"]["in_path"]
    if row["place"] is None or said is None:
        return "cannot_tell"
    return "right" if said is row["in_path"] else "wrong"


def _pattern(row: dict[str, Any], hand: dict[str, Any], box: dict[str, Any]) -> bool | None:
    if box["ip_id"] is None:
        return None
    if hand["ip_id"] == "counter":
        return bool(box["ip_id"] == "incrementing")
    # A short range may well go up three times in a row.
    good = {_PATTERNS[hand["ip_id"]], "incrementing" if "-" in hand["ip_id"] else ""}
    return box["ip_id"] in good


def _ttl(row: dict[str, Any], hand: dict[str, Any], box: dict[str, Any]) -> bool:
    return bool(box["initial_ttl"] == ("copied" if row["copies"] else str(hand["initial_ttl"])))


def _payload(row: dict[str, Any], hand: dict[str, Any], box: dict[str, Any]) -> bool | None:
    if "payload" not in hand or box["payload"] is None:
        return None
    return bool(base64.b64decode(box["payload"]["data"]).hex() == hand["payload"])


def _plain(name: str, seen: Callable[[dict[str, Any]], Any]) -> Field:
    return lambda row, hand, box: None if name not in hand else bool(seen(box) == hand[name])


FIELDS: dict[str, Field] = {
    "initial_ttl": _ttl,
    "ip_id": _pattern,
    "dont_fragment": _plain("dont_fragment", lambda box: box["dont_fragment"]),
    "flags": _plain("flags", lambda box: "".join(box["flags"])),
    "window": _plain("window", lambda box: box["window_most"]),
    "packets": _plain("copies", lambda box: box["packets_most"]),
    "payload": _payload,
}


def run(quick: bool) -> dict[str, Any]:
    """Print the share of worlds told right, wrong and not, and of fields equal to the box's truth."""
    count = 8 if quick else WORLDS
    goals: list[dict[str, Any]] = []
    detail: dict[str, Any] = {}
    for loss, jitter, wanted in LINES[1:] if quick else LINES:
        with ThreadPoolExecutor(2) as pool:
            found = pool.map(partial(answers, loss=loss, jitter=jitter, count=count), METHODS)
            every = dict(zip(METHODS, found, strict=True))
        line = f"{loss:.0%} loss, {jitter:.0f} ms jitter"
        for method, rows in every.items():
            detail[f"{method}, {line}"] = dict(Counter(map(told, rows)))
        rows = [row for part in every.values() for row in part]
        marks = Counter(map(told, rows))
        right, wrong = marks["right"] / len(rows), marks["wrong"] / len(rows)
        goals += [
            _goal(f"in the path or beside it, {line}: right", right, len(rows), wanted),
            {
                "name": f"in the path or beside it, {line}: wrong",
                "value": f"{wrong:.1%} of {len(rows)}, {marks['cannot_tell']} not told",
                "goal": f"<= {MOST_WRONG:.0%}",
                "met": wrong <= MOST_WRONG,
            },
        ]
        seen = [row for row in rows if row["box_seen"]]
        for name, field in FIELDS.items():
            words = [field(row, row["hand"], row["box_seen"]) for row in seen]
            said = [word for word in words if word is not None]
            if said:
                goals.append(_goal(f"{name}, {line}: as the box has it", sum(said) / len(said), len(said)))
        detail[f"triggers, {line}"] = statistics.median(row["triggers"] for row in rows)
    return {"goals": goals, "peer": {}, "detail": detail}


def _goal(name: str, share: float, of: int, wanted: float = FIELDS_RIGHT) -> dict[str, Any]:
    return {"name": name, "value": f"{share:.1%} of {of}", "goal": f">= {wanted:.0%}", "met": share >= wanted}
