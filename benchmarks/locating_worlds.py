"""Random paths with a filter somewhere on them: one scenario holds many, each behind its own address."""

from __future__ import annotations

import json
import random
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.somewhere import beginning
from gatewatch_targets import resolvers

#: What a box of each method may be.
KINDS: dict[str, tuple[str, ...]] = {
    "tls": ("sni-reset", "sni-drop"),
    "http": ("http-reset", "http-blockpage"),
    "dns": ("dns-inject", "dns-drop"),
    "syn": ("tcp-drop", "tcp-reset"),
    "quic": ("quic-sni-drop",),
}
#: Where names are asked for: each with a path of its own.
RESOLVERS = tuple(r.ipv4[0] for r in resolvers() if r.do53 and r.ipv4)


def head(seed: int, loss: float, jitter: float) -> str:
    """Write the beginning of a scenario; routes and boxes follow."""
    line = f'loss = {loss}\njitter_ms = {jitter}\npath = [{{ address = "192.168.1.1", ms = 0.6 }}]'
    return beginning("somewhere", "Random paths", seed, "104.23.10.5", line)


@dataclass(frozen=True, slots=True)
class World:
    """One destination and the truth: ``box`` is the filter's hop, 0 for none; ``length`` is the server's TTL.

    ``finest`` is the narrowest link that any TTL method can name: where routers are silent, a filter that
    only drops cannot be told from one a silent router further on.
    """

    address: str
    name: str
    method: str
    kind: str
    box: int
    length: int
    finest: tuple[int, int]
    in_path: bool = True
    copies: bool = False
    residual: float = 0.0


def row(values: dict[str, Any]) -> str:
    """Write a table as lines of TOML."""

    def text(value: Any) -> str:
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, list):
            return "[" + ", ".join(text(item) for item in value) + "]"
        if isinstance(value, dict):
            return "{ " + row(value).replace("\n", ", ") + " }"
        return json.dumps(value)

    return "\n".join(f"{key} = {text(value)}" for key, value in values.items())


def one(rng: random.Random, number: int, method: str, *, boxed: bool) -> tuple[World, str]:
    """Draw one world; gives it and its part of the scenario."""
    address, name = f"104.17.{number}.10", f"site{number}.com"
    if method == "dns":
        address = RESOLVERS[number]
    routers = rng.randint(5, 20)  # on the route; the ISP's first one comes before them
    ms, path = 0.6, []
    hop = rng.randint(1, routers + 1)
    silent = {h for h in range(2, routers + 2) if rng.random() < 0.05}
    if rng.random() < 0.25:  # silent hops around the filter
        silent.add(max(2, min(routers + 1, hop + rng.choice((-1, 0, 1)))))
    for place in range(2, routers + 2):
        ms += 0.3 + rng.expovariate(0.4)
        hop_row: dict[str, Any] = {"address": f"104.2{place % 3}.{number}.{place}", "ms": round(ms - 0.6, 2)}
        if place in silent:
            hop_row["silent"] = True
        elif rng.random() < 0.1:
            hop_row["parallel"] = [f"104.2{place % 3}.{number}.{100 + place}"]
        path.append(hop_row)
    kind = rng.choice(KINDS[method])
    drops = kind.endswith("-drop")
    copies = boxed and not drops and method != "syn" and rng.random() < 0.2
    if copies:
        hop = rng.randint(1, (routers + 3) // 2)
    in_path = drops or rng.random() < 0.5
    residual = rng.choice((0.0, 0.0, 0.3, 1.8)) if boxed and method in ("tls", "http") else 0.0
    length = routers + 2
    before, after = hop - 1, hop
    if drops:
        while before in silent:
            before -= 1
        while after in silent:
            after += 1
    host = {"names": [name], "addresses": [address if method != "dns" else f"104.17.{number}.10"]}
    text = ["", "[[host]]", row(host), "", "[[route]]"]
    text.append(row({"name": name, "prefixes": [f"{address}/32"], "path": path, "server_ms": round(ms, 2)}))
    if boxed:
        box: dict[str, Any] = {"kind": kind, "hop": hop, "domains": [name], "in_path": in_path}
        if copies:
            box["copies_ttl"] = True
        if residual:
            box |= {"residual": residual, "residual_action": "drop" if in_path else "reset"}
        if kind == "quic-sni-drop":
            box["forgets"] = rng.choice((0.3, 1.0))
        if kind == "dns-inject":
            box |= {"method": "redirect", "address": "104.16.9.9"}
        if kind == "dns-drop":
            box["resolvers"] = "all"
        text += ["", "[[box]]", row(box)]
    made = World(
        address, name, method, kind if boxed else "none", hop if boxed else 0,
        length, (before, after), in_path, copies, residual,
    )  # fmt: skip
    return made, "\n".join(text)


def draw(
    seed: int, method: str, count: int, *, loss: float, jitter: float, boxed: bool = True
) -> tuple[str, str]:
    """Draw a scenario with ``count`` worlds; gives its TOML and the worlds as JSON lines."""
    rng = random.Random(f"{seed} {method} {boxed}")
    most = len(RESOLVERS) if method == "dns" else 250
    made = [one(rng, number, method, boxed=boxed) for number in range(min(count, most))]
    text = head(seed, loss, jitter) + "\n".join(part for _, part in made) + "\n"
    if method == "quic":
        text += "\n[sites]\n" + row({"quic": [world.name for world, _ in made]}) + "\n"
    return text, "".join(json.dumps(asdict(world)) + "\n" for world, _ in made)
