"""The client inside the lab that the tracing benchmark runs; prints one JSON value.

tracing_client FOLDER RATE TRIAL...      trace all destinations of FOLDER/truth.json; each trial is raw,
                                         unprivileged or scamper
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import trio

from gatewatch.net.tracing import outcome, raw
from gatewatch.net.tracing.agenda import Manner
from gatewatch.net.tracing.courier import Courier, carry
from gatewatch.net.tracing.packets import PORT
from gatewatch.net.tracing.pool import PoolCourier
from gatewatch.net.tracing.raw import RawCourier
from gatewatch.records import HopReply, TraceKeys, decode
from gatewatch.records.scamper import from_scamper

Truth = dict[str, list[list[str]]]
_NOBODY = 65534
# Rounds of the unprivileged trial: a rate is only held if it is held for a while.
_ROUNDS = 4


def score(truth: Truth, found: dict[str, tuple[HopReply, ...]]) -> dict[str, int]:
    """Count answering hops: right, wrong (another router's address, or one where none is), missing."""
    counts = {"right": 0, "wrong": 0, "missing": 0}
    for address, rows in truth.items():
        heard: dict[int, set[str]] = {}
        for reply in found.get(address, ()):
            if reply.address is not None:
                heard.setdefault(reply.ttl, set()).add(reply.address)
        for ttl, row in enumerate(rows, 1):
            here = heard.get(ttl, set())
            if here:
                # One flow: one router, and one of those that are there.
                counts["right" if len(here) == 1 and here <= set(row) else "wrong"] += 1
            elif row:
                counts["missing"] += 1
    return counts


async def _ours(courier: Courier, truth: Truth, manner: Manner) -> dict[str, Any]:
    marks: list[tuple[float, int]] = []
    sent = 0

    def watch(left: int, so_far: int) -> None:
        nonlocal sent
        sent = so_far
        if left * 2 > len(truth):
            marks[:] = [(trio.current_time(), so_far)]

    began, cpu = trio.current_time(), time.process_time()
    courses = await carry(courier, list(truth), manner, watch=watch)
    wall = trio.current_time() - began
    replies = {a: outcome.replies(c, began) for a, c in zip(truth, courses, strict=True)}
    half = marks[0] if marks else (began + wall, sent)
    return {
        **score(truth, replies),
        "wall_s": round(wall, 3),
        "probes": sent,
        "cpu_us_per_probe": round((time.process_time() - cpu) / sent * 1e6, 1),
        "probes_per_s_of_a_core": round(sent / max(time.process_time() - cpu, 1e-9)),
        "probes_per_s": round(sent / wall),
        "probes_per_s_while_half_were_under_way": round(half[1] / max(half[0] - began, 1e-9)),
        "reached": sum(course.stop == "reached" for course in courses),
        "flows_that_met_two_routers_at_one_hop": sum(
            bool(outcome.changed(outcome.hops(found))) for found in replies.values()
        ),
    }


def _scamper(folder: Path, truth: Truth, rate: int) -> dict[str, Any]:
    (folder / "list").write_text("".join(f"{address}\n" for address in truth))
    out = folder / "scamper.json"
    command = ["scamper", "-p", str(rate), "-w", "1000", "-c", "trace -P udp-paris -q 1 -w 1"]
    command += ["-O", "json", "-o", str(out), "-f", str(folder / "list")]
    began = time.monotonic()
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    wall = time.monotonic() - began
    found: dict[str, tuple[HopReply, ...]] = {}
    reached = probes = 0
    for line in out.read_text().splitlines():
        row = json.loads(line)
        if row.get("type") == "trace":
            keys, _ = decode(TraceKeys, dict(from_scamper(row).test_keys.extra))
            found[keys.destination] = keys.replies
            reached += keys.reached
            probes += row.get("probe_count", 0)
    return {**score(truth, found), "wall_s": round(wall, 3), "probes": probes, "reached": reached}


async def _warm(truth: Truth) -> None:
    """Have the lab compile every way once; that takes seconds, and is nobody's tracing time."""
    courier = PoolCourier("udp", [(address, 0) for address in truth], port=PORT)
    before = 0
    for _ in range(30):
        # The first hop, and the full TTL: a destination that answers it is there.
        courses = await carry(courier, list(truth), Manner(max_ttl=1, gap=1, tries=1, rate=2000))
        there = sum(bool(course.goal or course.end) for course in courses)
        if there == before and there > len(truth) // 2:
            break
        before = there
    courier.close()


def main() -> None:
    """Run the trials in order."""
    folder, rate = Path(sys.argv[1]), int(sys.argv[2])
    truth: Truth = json.loads((folder / "truth.json").read_text())
    trio.run(_warm, truth)
    found: list[dict[str, Any]] = []
    ends = [(address, 0) for address in truth]
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    for trial in sys.argv[3:]:
        if trial == "scamper":
            row = _scamper(folder, truth, rate)
        elif trial == "raw":

            async def whole() -> dict[str, Any]:
                courier = RawCourier("udp", ends, port=PORT)
                try:
                    return await _ours(courier, truth, Manner(rate=rate))
                finally:
                    courier.close()

            row = trio.run(whole)
        else:
            # The last trial: there is no way back.
            if os.geteuid() == 0:
                os.setgroups([])
                os.setresgid(_NOBODY, _NOBODY, _NOBODY)
                os.setresuid(_NOBODY, _NOBODY, _NOBODY)
            if raw.permitted():
                raise SystemExit("this trial must run without CAP_NET_RAW")

            async def pool() -> dict[str, Any]:
                courier = PoolCourier("udp", ends, port=PORT)
                try:
                    manner = Manner(rate=rate, repeats=_ROUNDS, tries=_ROUNDS)
                    return await _ours(courier, truth, manner)
                finally:
                    courier.close()

            row = trio.run(pool)
        found.append({"trial": trial, "offered_per_s": rate, **row})
    print(json.dumps(found))


if __name__ == "__main__":
    main()
