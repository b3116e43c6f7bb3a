"""Locates in every world of a scenario, from inside the lab; worlds and answers are JSON lines."""

from __future__ import annotations

import ctypes
import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import trio

from benchmarks import nat
from gatewatch.net import residual
from gatewatch.net.shot import Flow
from gatewatch.net.wire import Wire
from gatewatch_probes.place import hunt, triggers
from gatewatch_probes.place.truth import judge

# Source ports of the first world, and of the first whose NAT changes them.
_PORTS, _CHANGED = 40_000, nat.CHANGED
_BEHIND = "behind"


def trigger(world: dict[str, Any], port: int) -> triggers.Trigger:
    """The trigger that a world wants."""
    address, name = world["address"], world["name"]
    if world["method"] == "tls":
        return triggers.tls(Flow(address, 443, port), name)
    if world["method"] == "http":
        return triggers.http(Flow(address, 80, port), name)
    if world["method"] == "dns":
        return triggers.Question(Flow(address, 53, port), name, true=judge(Wire(), [world["site"]]))
    if world["method"] == "quic":
        return triggers.Greeting(Flow(address, 443, port), name)
    return triggers.Opening(Flow(address, 443, port))


async def one(world: dict[str, Any]) -> None:
    """Locate in one world."""
    port = (_CHANGED if world["nat"] == "changes" else _PORTS) + world["number"]
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


async def _all(worlds: list[dict[str, Any]]) -> None:
    """Locate in all worlds, started a little apart."""
    # The worlds' residual blocks are scaled down a hundred times, and so is the waiting for their end.
    residual.BACK_OFF = (0.3, 0.6, 0.9, 1.8, 3.0)
    left = give_up_privileges()
    async with trio.open_nursery() as nursery:
        for world in worlds:
            nursery.start_soon(one, {**world, "capabilities": left})
            await trio.sleep(0.2)


def main(path: str, role: str = "") -> None:
    """Locate where we are in some worlds, and from behind a NAT, in a process of its own, in the others.

    Where no NAT can be, all are located in from here, and their rows say that there was none, and why.
    """
    worlds = [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]
    inside = [world for world in worlds if world["nat"]]
    if role == _BEHIND:
        trio.run(_all, inside)
        return
    if not inside:
        trio.run(_all, worlds)
        return
    try:
        with nat.behind(households=len(inside)) as enter:
            answers = Path(f"{path}.behind")
            again = [*enter, sys.executable, "-m", "benchmarks.locating_client", path, _BEHIND]
            with answers.open("w", encoding="utf-8") as file, subprocess.Popen(again, stdout=file) as process:
                trio.run(_all, [world for world in worlds if not world["nat"]])
            print(answers.read_text(encoding="utf-8"), end="", flush=True)
            if process.returncode:
                sys.exit(process.returncode)
    except nat.Unavailable as why:
        trio.run(_all, [{**world, "nat": "", "no_nat": str(why)} for world in worlds])


if __name__ == "__main__":
    main(*sys.argv[1:])
