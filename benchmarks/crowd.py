"""crowd: 500 probes at once at `gatewatch helper serve`, inside the lab, each with real questions.

Every question is about a site that nobody has asked about: names over HTTPS, endpoints, TLS, the page,
through real sockets to the lab's servers; one in twenty is silent, one has no name, two refuse.  Each answer
must be what the lab's world says, within the time that a probe waits.  All share this machine.
The peer is a bare hypercorn app that answers the same probes with a constant.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from benchmarks.beside import beside
from benchmarks.crowd_client import ISP, PATIENCE, SCENARIO
from gatewatch.lab import kernel

PROBES, MEMORY_MB = 500, 200


def run(quick: bool) -> dict[str, Any]:
    """Let the crowd at the helper and at its peer; gives goals, the peer's figures, and the ratio."""
    rounds = 1 if quick else 6
    crowd, peer = ask(PROBES, rounds), ask(PROBES, rounds, "--peer")
    right = crowd["asked"] - crowd["wrong_count"]
    slowest, high = crowd["latency_s"]["max"], crowd["busy"]["vmhwm_mb"]
    ratios = {name: round(value / peer["latency_s"][name], 1) for name, value in crowd["latency_s"].items()}
    return {
        "goals": [
            {
                "name": f"questions of {PROBES} probes, {crowd['at_once']} in flight, answered as it is",
                "value": f"{right} of {crowd['asked']}",
                "goal": "all",
                "met": not crowd["wrong_count"] and crowd["at_once"] == PROBES,
            },
            {
                "name": "the slowest answer, s",
                "value": slowest,
                "goal": f"< {PATIENCE:.0f}, a probe's patience",
                "met": slowest < PATIENCE,
                "beside": beside("hypercorn answering a constant, s", slowest, peer["latency_s"]["max"]),
            },
            {
                "name": "helper's memory at its highest (VmHWM), MB",
                "value": round(high),
                "goal": f"< {MEMORY_MB}",
                "met": high < MEMORY_MB,
                "beside": beside("hypercorn answering a constant, MB", high, peer["busy"]["vmhwm_mb"]),
            },
            {
                "name": "a good question afterwards, s",
                "value": crowd["last_s"] if not crowd["last_wrong"] else crowd["last_wrong"][0],
                "goal": "right, < 2",
                "met": not crowd["last_wrong"] and crowd["last_s"] < 2,
            },
            {
                "name": "files left open in the helper",
                "value": crowd["quiet"]["files"] - crowd["idle"]["files"],
                "goal": "<= 0",
                "met": crowd["quiet"]["files"] <= crowd["idle"]["files"],
            },
        ],
        "peer": {
            "hypercorn answering a constant, s": str(peer["latency_s"]),
            "answers a second": round(peer["asked"] / peer["seconds"], 1),
            "memory (VmHWM), MB": round(peer["busy"]["vmhwm_mb"]),
        },
        "detail": {
            "latency, s": str(crowd["latency_s"]),
            "as a multiple of the peer's": str(ratios),
            "answers a second": round(crowd["asked"] / crowd["seconds"], 1),
            "statuses": str(crowd["statuses"]),
            "sent away as too many, and came again": crowd["turned_away"],
            "memory idle, busy, quiet, MB": [
                round(crowd[when]["vmrss_mb"]) for when in ("idle", "busy", "quiet")
            ],
            "wrong": crowd["wrong"],
        },
    }


def ask(probes: int, rounds: int, *more: str) -> dict[str, Any]:
    """Let the probes ask in the lab; raises RuntimeError where there is no kernel attachment."""
    if kernel.available() is None:
        raise RuntimeError(f"no kernel attachment: {kernel.why()}")
    client = [sys.executable, "-m", "benchmarks.crowd_client", str(probes), str(rounds), *more]
    done = subprocess.run(
        kernel.argv(SCENARIO, ISP, client),
        env=kernel.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"the crowd failed: {done.stderr[-2000:]}")
    result: dict[str, Any] = json.loads(done.stdout)
    return result
