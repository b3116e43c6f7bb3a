"""What a flush for each measurement costs: aside for all that wait, in the loop, or fifty at a time."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, cast

import trio
from tests.worlds.campaign import Fake, Log, lasting, plan, sites

from benchmarks.faults.stage import scratch
from gatewatch.net.wire import Wire
from gatewatch.runner.about import Vantage
from gatewatch.runner.campaign import Campaign
from gatewatch.runner.flush import Flush
from gatewatch.runner.line import Line
from gatewatch.runner.pace import Pace
from gatewatch.store import RunFolder, Scrubber, create

#: How long a flush takes: a good disk, the card of a small computer, a bad one.
DISKS_MS = (0.2, 10.0, 100.0)
WAYS = ("50 at a time", "each, in the loop", "each, aside")
_TICK = 0.001


class _Up:
    """A line that is up."""

    last = None
    looks = ()
    seen_full = float("-inf")

    async def was_up_since(self, *_: float) -> bool:
        return True


class _Told(Log):
    """Counts what was told and was not on the disk."""

    def __init__(self, disk: _Slow) -> None:
        super().__init__()
        self._disk = disk
        self.at_risk = 0

    def measured(self, item: Any, verdict: Any) -> None:
        super().measured(item, verdict)
        self.at_risk = max(self.at_risk, len(self.verdicts) - self._disk.kept)


class _Slow:
    """A disk whose flushes take so long."""

    def __init__(self, folder: RunFolder, seconds: float) -> None:
        self._folder = folder
        self._seconds = seconds
        self._flush = folder.sync
        self.flushes = self.kept = 0

    def sync(self) -> None:
        """Flush, as slowly."""
        had = self._folder.measured
        self._flush()
        # What is measured is the wait.
        time.sleep(self._seconds)
        self.flushes += 1
        self.kept = had


def measure(count: int, rate: float) -> dict[str, str]:
    """Run a campaign of so many items by each way on each disk; gives a line for each."""
    found = {}
    for milliseconds in DISKS_MS:
        for way in WAYS:
            with scratch() as root:
                found[f"flush of {milliseconds:g} ms, {way}"] = _one(
                    root, count, rate, milliseconds / 1000, way
                )
    return found


def _one(root: Path, count: int, rate: float, seconds: float, way: str) -> str:
    wanted = plan(sites(count))
    folder = create(root, wanted.to_json(), {})
    slow = _Slow(folder, seconds)
    folder.sync = slow.sync  # type: ignore[method-assign]
    told = _Told(slow)
    late: list[float] = []

    async def tick() -> None:
        while True:
            due = trio.current_time() + _TICK
            await trio.sleep(_TICK)
            late.append(trio.current_time() - due)

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(tick)
            made = Campaign(
                folder=folder,
                items=wanted.items,
                probes={"fake": Fake(lasting(0.05))},
                wire=Wire(own_resolvers=()),
                line=cast(Line, _Up()),
                pace=Pace(rate, jitter=0),
                scrubber=Scrubber(()),
                vantage=Vantage("KH", 38623, "An ISP"),
                observer=told,
                flush=None if way == WAYS[0] else Flush(folder, aside=way == WAYS[2]),
            )
            await made.run()
            nursery.cancel_scope.cancel()

    began = time.monotonic()
    trio.run(main)
    spent = time.monotonic() - began
    late.sort()
    return (
        f"{count} in {spent:.2f} s, {slow.flushes} flushes; at worst {told.at_risk} told, not on the disk; "
        f"a timer late by {1000 * late[int(len(late) * 0.99)]:.1f} ms (99 of 100)"
    )
