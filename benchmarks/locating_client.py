"""Locates in every world of a scenario, from inside the lab; worlds and answers are JSON lines."""

from __future__ import annotations

import ctypes
import json
import sys
from dataclasses import asdict
from pathlib import Path

import trio

from gatewatch.net import residual
from gatewatch.net.shot import Flow
from gatewatch_probes.place import hunt, triggers


def trigger(world: dict[str, object], port: int) -> triggers.Trigger:
    """The trigger that a world wants."""
    address, name = str(world["address"]), str(world["name"])
    if world["method"] == "tls":
        return triggers.tls(Flow(address, 443, port), name)
    if world["method"] == "http":
        return triggers.http(Flow(address, 80, port), name)
    if world["method"] == "dns":
        return triggers.Question(Flow(address, 53, port), name)
    if world["method"] == "quic":
        return triggers.Greeting(Flow(address, 443, port), name)
    return triggers.Opening(Flow(address, 443, port))


async def one(world: dict[str, object], port: int) -> None:
    """Locate in one world."""
    found = hunt.Hunt(trigger(world, port), most_triggers=20)
    began = trio.current_time()
    await found.run()
    place = asdict(found.place) if found.place else None
    print(
        json.dumps(
            {
                **world,
                "place": place,
                "found_length": found.path.length,
                "reason": found.reason,
                "signature": found.signature,
                "triggers": found.triggers,
                "controls": found.controls,
                "seconds": round(trio.current_time() - began, 1),
                "sightings": [[s.ttl, s.outcome, s.rtt, s.screened] for s in found.sightings],
                "rtts": found.path.rtts,
                "echoes": [
                    [ttl, [[e.kind, e.rtt, len(e.data)] for e in echoes]] for ttl, echoes in found.shots
                ],
            }
        ),
        flush=True,
    )


def give_up_privileges() -> str:
    """Drop every capability, also those of root in a namespace; gives what is left, in hex."""
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # linux/capability.h: version 3, this thread
    nothing = (ctypes.c_uint32 * 6)()
    if ctypes.CDLL(None, use_errno=True).capset(header, nothing):
        raise OSError(ctypes.get_errno(), "capset")
    status = Path("/proc/thread-self/status").read_text(encoding="ascii")
    return status.partition("CapEff:")[2].split()[0].lstrip("0") or "0"


async def main(path: str) -> None:
    """Locate in all worlds, started a little apart."""
    # The worlds' residual blocks are scaled down a hundred times, and so is the waiting for their end.
    residual.BACK_OFF = (0.3, 0.6, 0.9, 1.8, 3.0)
    worlds = [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]
    left = give_up_privileges()
    async with trio.open_nursery() as nursery:
        for number, world in enumerate(worlds):
            nursery.start_soon(one, {**world, "capabilities": left}, 40000 + number)
            await trio.sleep(0.2)


if __name__ == "__main__":
    trio.run(main, sys.argv[1])
