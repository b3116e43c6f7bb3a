"""What a long run is watched for: memory, sockets, tasks, threads, files, pace; from inside the process.

A sample is taken every few seconds while a run goes on, and a census before it begins and after it has ended,
when nothing of it may be left.
"""

from __future__ import annotations

import gc
import os
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import trio

from gatewatch.net.wire import Wire
from gatewatch.runner.line import Line
from gatewatch.runner.session import Surroundings

#: The part of a run that counts as warming up: caches fill, the allocator finds its size.
WARM_UP = 0.25
# tcp(7)'s states in /proc/net/tcp, as `ss` reads them: closed by us, kept by the kernel for a minute.
_TIME_WAIT = "06"
_PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 1024**2
# trio keeps an idle thread for ten seconds (_core/_thread_cache.py, IDLE_TIMEOUT).
_THREADS_IDLE = 10.5


@dataclass(frozen=True, slots=True)
class Census:
    """What is there at one moment.

    ``t`` seconds of the run's clock, ``cpu_s`` of this process, ``measured`` and ``under_way`` measurements;
    ``rss_mb`` of this process, ``engine_mb`` of the lab's (0 where it is this one); ``files`` open in this
    process; ``sockets`` of this network namespace but those in TIME_WAIT; trio ``tasks``; ``threads``;
    ``temporary`` files in the temporary folder; ``disk_mb`` in the results' folder.
    """

    t: float
    cpu_s: float
    measured: int
    under_way: int
    rss_mb: float
    engine_mb: float
    files: int
    sockets: int
    tasks: int
    threads: int
    temporary: int
    disk_mb: float


def resident(pid: int | str = "self") -> float:
    """Resident memory of a process, in MB; 0 when it is gone."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * _PAGE_MB
    except (OSError, IndexError):
        return 0.0


def blocks() -> int:
    """How many pieces of memory Python's objects hold, once what nobody holds any more is gone."""
    gc.collect()
    return sys.getallocatedblocks()


def open_files() -> int:
    """How many file descriptors this process holds, less the one that counts them."""
    return len(os.listdir("/proc/self/fd")) - 1  # noqa: PTH208 -- a count of entries that vanish meanwhile


def sockets() -> Counter[str]:
    """Sockets of this network namespace by protocol, but those that the kernel keeps in TIME_WAIT."""
    found: Counter[str] = Counter()
    for name in ("tcp", "tcp6", "udp", "udp6"):
        lines = Path("/proc/self/net", name).read_text(encoding="ascii").splitlines()[1:]
        found[name] = sum(line.split()[3] != _TIME_WAIT for line in lines)
    return found


def tasks() -> int:
    """How many tasks this trio run has, its own included."""
    waiting, count = [trio.lowlevel.current_root_task()], 0
    while waiting:
        task = waiting.pop()
        if task is not None:
            count += 1
            waiting += [child for nursery in task.child_nurseries for child in nursery.child_tasks]
    return count


def temporary() -> int:
    """How many entries the temporary folder has, which the benchmark gives to its child alone."""
    return sum(1 for _ in Path(tempfile.gettempdir()).iterdir())


def size_mb(folder: Path) -> float:
    """What a folder holds, in MB."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.lstat().st_size
        except OSError:  # packed or deleted meanwhile
            continue
    return total / 1e6


def engine() -> int | None:
    """The process that carries the lab's packets: the other child of the one that made the namespaces."""
    if "GATEWATCH_LAB" not in os.environ:
        return None
    parent = os.getppid()
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii").split()
    return next((int(pid) for pid in children if int(pid) != os.getpid()), None)


class Watch:
    """Watches one session: give it its surroundings and its observer's count."""

    def __init__(self, root: Path, every: float, progress: Callable[[], tuple[int, int]]) -> None:
        self.samples: list[Census] = []
        self.before: Census | None = None
        self.after: Census | None = None
        self._root, self._every, self._progress = root, every, progress
        self._engine = engine()
        self._disk = (0.0, 0.0)

    def census(self) -> Census:
        """Count everything now."""
        measured, under_way = self._progress()
        began, disk = self._disk
        if time.monotonic() - began > 20 * self._every:  # walking a large folder costs time
            disk = size_mb(self._root)
            self._disk = time.monotonic(), disk
        return Census(
            t=trio.current_time(),
            cpu_s=time.process_time(),
            measured=measured,
            under_way=under_way,
            rss_mb=resident(),
            engine_mb=resident(self._engine) if self._engine else 0.0,
            files=open_files(),
            sockets=sockets().total(),
            tasks=tasks(),
            threads=threading.active_count(),
            temporary=temporary(),
            disk_mb=disk,
        )

    def around(self, inner: Surroundings) -> Surroundings:
        """Give surroundings in which the session is watched, on whatever clock they have."""

        @asynccontextmanager
        async def enter() -> AsyncIterator[Wire]:
            async with inner.enter() as wire:
                # What a run opens once and keeps: the task that listens for all UDP, and its poller.
                await Line(wire, inner.route, inner.route6).look()
                self.before = self.census()
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._sample)
                    yield wire
                    nursery.cancel_scope.cancel()
                if threading.active_count() > self.before.threads:
                    time.sleep(_THREADS_IDLE)  # in real time, whatever the run's clock
                self._disk = (0.0, 0.0)
                self.after = self.census()

        return replace(inner, enter=enter)

    async def _sample(self) -> None:
        while True:
            await trio.sleep(self._every)
            self.samples.append(self.census())

    def told(self) -> dict[str, Any]:
        """Everything as JSON has it."""
        return {
            "before": asdict(self.before) if self.before else None,
            "after": asdict(self.after) if self.after else None,
            "samples": [asdict(sample) for sample in self.samples],
        }


def slope(points: Sequence[tuple[float, float]]) -> float:
    """The least-squares slope of y over x; 0 for fewer than two different x."""
    n = len(points)
    if n < 2:
        return 0.0
    mean_x, mean_y = sum(x for x, _ in points) / n, sum(y for _, y in points) / n
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0


def warm(samples: Sequence[Any]) -> Sequence[Any]:
    """The samples after the warm-up."""
    return samples[int(len(samples) * WARM_UP) :]
