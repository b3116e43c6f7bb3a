"""The random paths of :mod:`benchmarks.locating_worlds`, with a filter that injects, each in its own hand."""

from __future__ import annotations

import json
import random
from dataclasses import asdict
from typing import Any

from benchmarks.locating_worlds import RESOLVERS, head, one, row

#: What is provoked; quic has no box that injects.
METHODS = ("tls", "http", "dns", "syn")
_KINDS = {
    "tls": ("sni-reset",),
    "http": ("http-reset", "http-blockpage"),
    "dns": ("dns-inject",),
    "syn": ("tcp-reset",),
}
ASKED = tuple(a for a in RESOLVERS if ":" not in a)


def hand(rng: random.Random, kind: str) -> dict[str, Any]:
    """Draw how a box forges: as known ones do, and otherwise."""
    drawn: dict[str, Any] = {
        "initial_ttl": rng.choice((64, 128, 255)),
        "ip_id": rng.choice(("0", "1", "0x9916-0x9933", "random", "counter")),
        "dont_fragment": rng.random() < 0.5,
    }
    if kind.endswith("-reset"):
        drawn |= {
            # A system that is opening a connection passes over a reset without ACK (RFC 9293 3.10.7.3).
            "flags": "RA" if kind == "tcp-reset" else rng.choice(("R", "RA")),
            "window": rng.choice((0, 0, 1980, 65535)),
            "copies": rng.choice((1, 1, 2, 3)),
            "payload": rng.choice(("", "", "01020304050607080900")),
        }
    return drawn


def draw(seed: int, method: str, count: int, *, loss: float, jitter: float) -> tuple[str, str]:
    """Draw a scenario with ``count`` worlds; gives its TOML and the worlds as JSON lines."""
    rng = random.Random(f"deep {seed} {method}")
    parts, worlds = [], []
    for number in range(min(count, len(ASKED) if method == "dns" else 250)):
        # Over IPv6 there are neither IP IDs nor DF.
        world, text = one(
            rng,
            number,
            method,
            boxed=True,
            kinds=_KINDS[method],
            six=False,
            resolver=ASKED[number % len(ASKED)],
        )
        drawn = hand(rng, world.kind)
        # The box is a world's last table.
        parts.append(f"{text}\n{row(drawn)}")
        worlds.append(json.dumps({**asdict(world), "hand": drawn}) + "\n")
    return head(seed, loss, jitter) + "\n".join(parts) + "\n", "".join(worlds)
