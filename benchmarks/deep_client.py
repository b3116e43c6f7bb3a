"""Locates deeply in every world of a scenario, from inside the lab; worlds and answers are JSON lines."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import trio

from benchmarks.locating_client import trigger
from gatewatch.locus.box import fingerprint
from gatewatch.net import capture, residual
from gatewatch.records import encode
from gatewatch_probes.place.deep import Watch
from gatewatch_probes.place.hunt import Hunt


async def one(world: dict[str, Any], port: int) -> None:
    """Locate in one world, with a capture beside it."""
    provoking = trigger(world, port)
    watch = Watch.over(provoking.flow, provoking.method)
    hunt = Hunt(provoking, most_triggers=20, watch=watch)
    await hunt.run()
    watch.capture.close()
    place = hunt.place
    box = fingerprint(
        provoking.method,
        provoking.flow.address,
        watch.looks,
        residual=hunt.residual,
        in_path=place.in_path if place else None,
        copies=place.copies if place else 0.0,
    )
    found = {
        "place": [place.before, place.after] if place else None,
        "reason": hunt.reason,
        "triggers": hunt.triggers,
        "box_seen": encode(box) if box else None,
        "shots": [
            [s.ttl, s.outcome, s.went_on, len(look.injected)]
            for s, look in zip(hunt.sightings, watch.looks, strict=True)
        ],
    }
    print(json.dumps({**world, **found}), flush=True)


async def main(path: str) -> None:
    """Locate in all worlds, started a little apart."""
    if why := capture.why():
        sys.exit(why)
    # The worlds' residual blocks are scaled down a hundred times, and so is the waiting for their end.
    residual.BACK_OFF = (0.3, 0.6, 0.9, 1.8, 3.0)
    worlds = [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]
    async with trio.open_nursery() as nursery:
        for number, world in enumerate(worlds):
            nursery.start_soon(one, world, 40000 + number)
            await trio.sleep(0.2)


if __name__ == "__main__":
    trio.run(main, sys.argv[1])
