"""Random paths with a filter somewhere on them: one scenario holds many, each behind its own address.

The filter stands at any hop but the server's own.  What it may be is drawn for each method from what is known
to exist; whatever forges packets does so in the path or beside it, and of these one in five copies the TTL of
what it answers (seen of one DNS injector only: "Triplet Censors", FOCI 2020, but the hardest habit to place).

- tls: reset, FIN or silence after the SNI, and interception with another certificate (always in the path).
  Half of those that cut leave a residual block behind: a hundredth of 30, 90 or 180 s, for client, server and
  its port (China) or the whole flow (Turkmenistan), by silence or by reset (beside the path by reset only).
- http: the same after the Host header, with a block page or a redirect besides.
- dns: answers that are injected (the question goes on: beside the path by nature), answers in the path,
  silence, and a proxy that answers every name.  No residual block: no injector is known that remembers.
- syn: reset or silence by address.  No residual block: such a filter meets every SYN alike, which is all that
  a memory could do.  No forged SYN-ACK: with it connections come about, and what follows is tls's or http's.
- quic: silence after the Initial with the SNI, for the flow and then, in half of the worlds, for the server's
  port (180 s: Zohaib et al., USENIX Security 2025).  Nothing is forged: no such filter is known.  Not drawn:
  a filter that lets the Initial pass and blocks what follows, which no trigger alone shows (China's, 2025).

Around the filter: silent routers, load balancers, and a NAT in front of a third of the worlds, which keeps
ports or does not.  A fifth is over IPv6, where NATs are not in use.  In a fifth the server lies behind a sea:
its last routers are all silent, and it is much farther away than any that answers.  In some of the worlds
without interference a proxy answers, honestly.
"""

from __future__ import annotations

import json
import random
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.somewhere import beginning
from gatewatch_targets import resolvers

#: What a box of each method may be.
KINDS: dict[str, tuple[str, ...]] = {
    "tls": ("sni-reset", "sni-drop", "sni-eof", "tls-mitm"),
    "http": ("http-reset", "http-drop", "http-eof", "http-blockpage", "http-redirect"),
    "dns": ("dns-inject", "dns-lie", "dns-drop", "dns-proxy"),
    "syn": ("tcp-drop", "tcp-reset"),
    "quic": ("quic-sni-drop",),
}
#: What answers in the servers' place and lies to nobody: no interference with the name.
PROXIES = {"tls": "sni-proxy", "http": "http-proxy", "dns": "dns-proxy"}
#: Where names are asked for: each with a path of its own.
RESOLVERS = tuple(a for r in resolvers() if r.do53 for a in (*r.ipv4, *r.ipv6))
#: Boxes with a TCP or a resolver of their own, which are in the path and send as others do.
_WHOLE = ("tls-mitm", "dns-proxy")
#: Whether this kernel has IPv6 at all.
SIX = Path("/proc/sys/net/ipv6").is_dir()
_LIE = "104.16.9.9"
# One way over a sea, as from South-East Asia to Europe (ms).
_SEA_MS = 80.0


def head(seed: int, loss: float, jitter: float) -> str:
    """Write the beginning of a scenario; routes and boxes follow."""
    hop = '{ address = "192.168.1.1", address6 = "2403:5b40:24::1", ms = 0.6 }'
    line = f"loss = {loss}\njitter_ms = {jitter}\npath = [{hop}]"
    if SIX:
        line += '\nclient6 = "2403:5b40:24::10"\nipv6 = "works"'
    return beginning("somewhere", "Random paths", seed, "104.23.10.5", line)


@dataclass(frozen=True, slots=True)
class World:
    """One destination and the truth: ``box`` is the filter's hop, 0 for none; ``length`` is the server's TTL.

    ``site`` is the address of the name, which ``address`` is not where a resolver is asked.

    ``finest`` is the narrowest link that any TTL method can name: where routers are silent, a filter that
    only drops cannot be told from one a silent router further on.  ``nat``: none, or one that keeps source
    ports or changes them; it stands before all hops that are counted here.
    """

    seed: int
    number: int
    address: str
    site: str
    name: str
    method: str
    kind: str
    box: int
    length: int
    finest: tuple[int, int]
    in_path: bool = True
    copies: bool = False
    residual: float = 0.0
    residual_by: str = ""
    silent: bool = False
    sea: bool = False
    balanced: bool = False
    nat: str = ""


def variants(row: dict[str, Any]) -> list[str]:
    """Give the words for what a world is like, as counted."""
    forges = row["box"] and not row["kind"].endswith("-drop") and row["kind"] not in _WHOLE
    words = {
        row["kind"]: True,
        "in the path": forges and row["in_path"],
        "beside the path": forges and not row["in_path"],
        "copies TTLs": row["copies"],
        f"residual block {row['residual_by']}": row["residual"] > 0,
        "silent routers around it": row["silent"],
        "a sea before the server": row["sea"],
        "load balancers": row["balanced"],
        f"NAT that {row['nat']} ports": row["nat"] != "",
        "IPv6": ":" in row["address"],
    }
    return [word for word, so in words.items() if word and so]


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


def one(
    rng: random.Random,
    number: int,
    method: str,
    *,
    boxed: bool,
    seed: int = 0,
    kinds: tuple[str, ...] = (),
    six: bool = SIX,
    resolver: str = RESOLVERS[0],
) -> tuple[World, str]:
    """Draw one world; gives it and its part of the scenario."""
    address, site, name = f"104.17.{number}.10", f"104.17.{number}.10", f"site{number}.com"
    if rng.random() < 0.2 and six and method != "dns":
        address = site = f"2606:4700:{number + 1:x}::10"
    if method == "dns":
        address = resolver
    nat = rng.choice(("", "", "", "keeps", "changes")) if ":" not in address else ""
    routers = rng.randint(5, 20)  # on the route; the ISP's first one comes before them
    hop = rng.randint(1, routers + 1)
    silent = {h for h in range(2, routers + 2) if rng.random() < 0.05}
    if rng.random() < 0.25:  # silent hops around the filter
        silent.add(max(2, min(routers + 1, hop + rng.choice((-1, 0, 1)))))
    sea = _sea(rng)
    silent |= {h for h in range(2, routers + 2) if h > routers + 1 - sea}
    path, ms = _routers(rng, number, routers, silent)
    kind = rng.choice(kinds or KINDS[method])
    if kind == "dns-proxy":
        # Only a router further on tells it from the server.
        hop = min(hop, max({*range(1, routers + 2)} - silent) - 1) or 1
    drops = kind.endswith("-drop")
    forges = not drops and kind not in _WHOLE
    copies = boxed and forges and rng.random() < 0.2
    in_path = not forges or kind == "dns-lie" or (kind != "dns-inject" and rng.random() < 0.5)
    residual = rng.choice((0.0, 0.0, 0.0, 0.3, 0.9, 1.8))
    key, action = rng.choice(("3-tuple", "4-tuple")), rng.choice(("drop", "reset"))
    if method == "quic" or not in_path:
        action = "drop" if method == "quic" else "reset"
    if not boxed or method in ("dns", "syn") or kind in _WHOLE:
        residual = 0.0
    before, after = hop - 1, hop
    if drops:
        while before in silent:
            before -= 1
        while after in silent:
            after += 1
    text = ["", "[[host]]", row({"names": [name], "addresses": [site]}), "", "[[route]]"]
    prefix = f"{address}/{128 if ':' in address else 32}"
    away = round(ms + (_SEA_MS if sea else 0.0), 2)
    text.append(row({"name": name, "prefixes": [prefix], "path": path, "server_ms": away}))
    if boxed:
        box: dict[str, Any] = {"kind": kind, "hop": hop, "domains": [name], "in_path": in_path}
        if copies:
            box["copies_ttl"] = True
        if residual:
            box |= {"residual": residual, "residual_key": key, "residual_action": action}
        if kind == "quic-sni-drop":
            box["forgets"] = rng.choice((0.3, 1.0))
        if method == "dns":
            box |= {"resolvers": "all", "addresses": [prefix]}
        if kind in ("dns-inject", "dns-lie", "dns-proxy"):
            box |= {"method": "redirect", "address": _LIE}
        if kind == "http-redirect":
            box["location"] = f"http://{_LIE}/blocked"
        text += ["", "[[box]]", row(box)]
    elif method in PROXIES and rng.random() < 0.1:
        kind = PROXIES[method]
        proxy = {"kind": kind, "hop": hop, "addresses": [prefix]}
        text += ["", "[[box]]", row(proxy | ({"resolvers": "all"} if method == "dns" else {}))]
    else:
        kind = "nothing"
    return World(
        seed, number, address, site, name, method, kind, hop if boxed else 0,
        routers + 2, (before, after), in_path, copies, residual, f"{key} {action}" if residual else "",
        bool(silent & {hop - 1, hop, hop + 1}), sea > 0, any("parallel" in h for h in path), nat,
    ), "\n".join(text)  # fmt: skip


def _sea(rng: random.Random) -> int:
    """Draw how many of the last routers are silent because a sea lies between: mostly none."""
    return rng.randint(2, 8) if rng.random() < 0.2 else 0


def _routers(
    rng: random.Random, number: int, routers: int, silent: set[int]
) -> tuple[list[dict[str, Any]], float]:
    """Draw the routers of a route, as tables, and the delay up to the server."""
    ms, path = 0.6, []
    for place in range(2, routers + 2):
        ms += 0.3 + rng.expovariate(0.4)
        hop: dict[str, Any] = {
            "address": f"104.2{place % 3}.{number}.{place}",
            "address6": f"2606:4700:{number + 1:x}:{place:x}::1",
            "ms": round(ms - 0.6, 2),
        }
        if place in silent:
            hop["silent"] = True
        elif rng.random() < 0.1:
            hop["parallel"] = [f"104.2{place % 3}.{number}.{100 + place}"]
            hop["parallel6"] = [f"2606:4700:{number + 1:x}:{place:x}::2"]
        path.append(hop)
    return path, ms


def draw(
    seed: int, method: str, count: int, *, loss: float, jitter: float, boxed: bool = True
) -> tuple[str, str]:
    """Draw a scenario with ``count`` worlds; gives its TOML and the worlds as JSON lines."""
    rng = random.Random(f"{seed} {method} {boxed}")
    asked = [a for a in RESOLVERS if SIX or ":" not in a]
    rng.shuffle(asked)
    most = len(asked) if method == "dns" else 250
    made = [
        one(rng, number, method, boxed=boxed, seed=seed, resolver=asked[number % len(asked)])
        for number in range(min(count, most))
    ]
    text = head(seed, loss, jitter) + "\n".join(part for _, part in made) + "\n"
    if method == "quic":
        text += "\n[sites]\n" + row({"quic": [world.name for world, _ in made]}) + "\n"
    return text, "".join(json.dumps(asdict(world)) + "\n" for world, _ in made)
