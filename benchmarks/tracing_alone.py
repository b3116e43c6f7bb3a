"""The client of the tracing benchmark that traces one destination at a time, as a person at a terminal does.

    tracing_alone FOLDER COUNT        the first COUNT destinations of FOLDER/truth.json

Each is traced by the product's probe without privilege, by Debian's traceroute and by mtr, one after the
other, with three probes a hop by UDP and else with what each does by itself.  Prints one JSON object: for
every tool its wall times in s, and of the hops that answer how many it found right, wrong and not at all.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import trio

from benchmarks.tracing_client import Truth
from gatewatch.net.tracing.tracer import SINGLE, Way, trace

Heard = dict[int, set[str]]


def ours(address: str) -> Heard:
    """By the product, as the probe `trace` does it, without raw sockets."""

    async def one() -> Heard:
        (keys,) = await trace((address,), Way("udp", raw=False), SINGLE)
        heard: Heard = {}
        for reply in keys.replies:
            if reply.address is not None:
                heard.setdefault(reply.ttl, set()).add(reply.address)
        return heard

    return trio.run(one)


def traceroute(address: str) -> Heard:
    """By `traceroute -n`: lines of a TTL, then addresses, times and stars."""
    heard: Heard = {}
    for line in _output("traceroute", "-n", address).splitlines()[1:]:
        ttl, *words = line.split()
        heard[int(ttl)] = {word for word in words if word.count(".") == 3}
    return heard


def mtr(address: str) -> Heard:
    """By mtr's report of three rounds in JSON."""
    report = json.loads(_output("mtr", "-n", "-u", "-r", "-c", "3", "-j", address))
    return {
        int(hub["count"]): {hub["host"]} for hub in report["report"]["hubs"] if hub["host"].count(".") == 3
    }


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout


def score(rows: list[list[str]], heard: Heard) -> dict[str, int]:
    """Count hops that answer: right (only routers that are there), wrong, missing."""
    counts = {"right": 0, "wrong": 0, "missing": 0}
    for ttl, row in enumerate(rows, 1):
        here = heard.get(ttl, set())
        if here:
            counts["right" if here <= set(row) else "wrong"] += 1
        elif row:
            counts["missing"] += 1
    return counts


def main() -> None:
    """Trace, in turns, so that other load of the machine meets all of them."""
    truth: Truth = json.loads(Path(sys.argv[1], "truth.json").read_text())
    tools: list[Callable[[str], Heard]] = [ours, *(t for t in (traceroute, mtr) if shutil.which(t.__name__))]
    told: dict[str, dict[str, Any]] = {
        tool.__name__: {"wall_s": [], "right": 0, "wrong": 0, "missing": 0} for tool in tools
    }
    for address, rows in list(truth.items())[: int(sys.argv[2])]:
        # The lab compiles a way once; that is nobody's tracing time.
        trio.run(trace, (address,), Way("udp", raw=False))
        for tool in tools:
            began = time.monotonic()
            heard = tool(address)
            told[tool.__name__]["wall_s"].append(time.monotonic() - began)
            for what, count in score(rows, heard).items():
                told[tool.__name__][what] += count
    print(json.dumps(told))


if __name__ == "__main__":
    main()
