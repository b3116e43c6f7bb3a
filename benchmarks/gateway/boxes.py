"""What a filter is made of: the way in which it blocks, and the habits of its maker."""

from __future__ import annotations

import random
from typing import Any

#: One box of a scenario, as a table.
Table = dict[str, Any]

#: Where a resolver's lie leads; the first stands for a regulator's page.
PAGE, SINK = "103.31.28.9", "203.190.164.182"
#: Lies that an ISP's own resolver tells.
LIES: dict[str, Table] = {
    "nxdomain": {"method": "nxdomain"},
    "bogon": {"method": "bogon", "address": "127.0.0.1"},
    "empty": {"method": "empty"},
    "page": {"method": "redirect", "address": PAGE},
    "sink": {"method": "redirect", "address": SINK},
}
#: Ways of a filter on the path: its kinds of boxes.
ON_PATH: dict[str, tuple[str, ...]] = {
    "reset": ("sni-reset", "http-reset"),
    "drop": ("sni-drop", "http-drop"),
    "end": ("sni-eof", "http-eof"),
    "page": ("sni-reset", "http-blockpage"),
    "address": ("tcp-drop",),
    "refuse": ("tcp-reset",),
    "inject": ("dns-inject", "sni-reset"),
}
# Kinds whose boxes swallow the trigger, and can stand nowhere else than in the path.
_IN_PATH = ("drop", "end", "page", "refuse")


def maker(rng: random.Random) -> Table:
    """Draw the habits of one maker's boxes; each stands for what many have in common."""
    return {
        "flags": rng.choice(("R", "RA")),
        "initial_ttl": rng.choice((32, 64, 64, 128, 255)),
        "ip_id": rng.choice(("0", "0", "random", "counter", "54321", "1")),
        "dont_fragment": rng.random() < 0.5,
        "window": rng.choice((0, 0, 512, 8192, 65535)),
        "copies": rng.choice((1, 1, 2, 3)),
        "in_path": rng.random() < 0.5,
        "copies_ttl": rng.random() < 0.1,
        "residual": rng.choice((0.0, 0.0, 0.0, 20.0, 60.0)),
    }


def on_path(way: str, hop: int, names: list[str], made: Table) -> list[Table]:
    """Give the boxes of a filter on the path, before the router at a hop."""
    boxes: list[Table] = []
    for kind in ON_PATH[way]:
        box: Table = {"kind": kind, "hop": hop, "domains": names}
        if kind == "dns-inject":
            box |= {"method": "redirect", "address": SINK}
        else:
            drops = kind.endswith("drop")
            # What is dropped forges nothing, and what copies TTLs is not what resets.
            box["in_path"] = made["in_path"] or way in _IN_PATH
            if not drops:
                box |= {key: made[key] for key in ("initial_ttl", "ip_id", "dont_fragment")}
            if kind.endswith("reset"):
                box |= {key: made[key] for key in ("flags", "window", "copies", "copies_ttl")}
            if kind.startswith(("sni", "http")) and made["residual"]:
                box |= {
                    "residual": made["residual"],
                    "residual_action": "drop" if box["in_path"] else "reset",
                }
        boxes.append(box)
    return boxes


def lie(way: str, hop: int, names: list[str]) -> list[Table]:
    """Give the box of a resolver that lies."""
    return [{"kind": "dns-lie", "hop": hop, "domains": names, **LIES[way]}]
