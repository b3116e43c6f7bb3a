"""A scenario with a thousand ways for the tracing benchmark, and its truth: who may answer at each TTL."""

from __future__ import annotations

import json
import random
from typing import Any

from benchmarks.somewhere import beginning

# The hops that the ISP itself has, before each way's own.
_OWN = ("192.168.1.1", "103.5.24.1")
# One-way delay of the longest ways' last routers, as to the next continent (ms).
_FARTHEST = 40.0


def draw(
    seed: int, count: int, *, loss: float = 0.0, silent: float = 0.05, dark: int = 0, mute: float = 0.0
) -> tuple[str, dict[str, list[list[str]]]]:
    """Draw a scenario.

    A hop is silent by chance (``silent``); ``dark`` hops of every way are silent besides; a share of
    destinations (``mute``) swallows everything.  Gives the scenario's TOML, and for each destination, by TTL,
    who may answer ([]: nobody).
    """
    rng = random.Random(seed)
    own = 'path = [{ address = "192.168.1.1", ms = 0.6 }, { address = "103.5.24.1", ms = 1.5 }]'
    line = f"loss = {loss}\n{own}"
    text = [
        beginning(
            "thousand-ways", "A thousand destinations, each with a way of its own", seed, "104.23.250.5", line
        )
    ]
    truth: dict[str, list[list[str]]] = {}
    for number in range(count):
        address = f"104.17.{number // 200}.{number % 200 + 1}"
        # 5 to 30 places in all, the last one the destination.
        routers = rng.randint(2, 27)
        darkened = set(rng.sample(range(routers), min(dark, routers)))
        places = [[own] for own in _OWN]
        path: list[str] = []
        ms = 0.0
        step = _FARTHEST / 27
        for place in range(routers):
            ms += step * rng.uniform(0.5, 1.5)
            one = f"104.{18 + place % 4}.{number // 250 + place // 4 * 4}.{number % 250 + 1}"
            hop: dict[str, Any] = {"address": one, "ms": round(ms, 2)}
            row = [one]
            if place in darkened or rng.random() < silent:
                hop["silent"], row = True, []
            elif rng.random() < 0.1:
                beside = f"104.22.{number // 250 + place * 4}.{number % 250 + 1}"
                hop["parallel"] = [beside]
                row.append(beside)
            places.append(row)
            path.append("{ " + ", ".join(f"{k} = {json.dumps(v)}" for k, v in hop.items()) + " }")
        mutes = rng.random() < mute
        truth[address] = [*places, [] if mutes else [address]]
        text.append(
            f'[[route]]\nname = "{address}"\nprefixes = ["{address}/32"]\n'
            f"path = [{', '.join(path)}]\nserver_ms = {round(ms + step, 2)}\n"
        )
        if mutes:
            named = f'names = ["mute{number}.com"]\naddresses = ["{address}"]\nsilent = ["{address}"]\n'
            text.append(f"[[host]]\n{named}")
    return "\n".join(text), truth
