"""One trap beside innocent targets: a whole session in memory, measured twice, with the trap and without.

Used by the benchmark `traps` and by the tests.  Times are those of the emulated clock, so that a delay is
one that the trap has caused and not the machine; memory is Python's own (tracemalloc), in megabytes.
"""

from __future__ import annotations

import gc
import json
import tempfile
import tracemalloc
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import thread_time
from typing import Any, NamedTuple

import trio

from gatewatch.lab import memory, rehearse
from gatewatch.lab.country.scenario import load as scenario
from gatewatch.net.trust import Trust
from gatewatch.net.wire import Wire
from gatewatch.records import TestKeys
from gatewatch.runner.budget import Budget
from gatewatch.runner.plan import Item, Plan
from gatewatch.runner.probes import Probe, load
from gatewatch.runner.session import Session, conduct
from gatewatch.store import read
from gatewatch.verdict import Verdict
from gatewatch_targets import Target

#: The item's budget, which no measurement may outlast.
SECONDS = Budget().item
#: Targets beside the trap, and the one that stands in its place in the run without it.
OTHERS, INNOCENT = 8, "https://innocent.org/"
HELPER = "https://0.th.ooni.org/"


class Case(NamedTuple):
    """A trap as it is met: by which probe, under which URL, from which provider, with which helpers."""

    probe: str
    url: str
    isp: str = "clear"
    helpers: tuple[str, ...] = (HELPER,)


@dataclass
class Ran:
    """What a session gave: seconds by URL, the trap's line and verdict, what was left open."""

    seconds: dict[str, float] = field(default_factory=dict)
    line: bytes = b""
    label: str = ""
    rule: str = ""
    skipped: dict[str, str] = field(default_factory=dict)
    lines: int = 0
    state: str = ""
    open_sockets: int = 0
    tasks_left: int = 0
    peak_mb: float = 0.0
    step_ms: float = 0.0  # of the processor: the longest that nobody else got any

    @property
    def received(self) -> int:
        """Bytes that the trap's measurement read."""
        events = json.loads(self.line)["test_keys"].get("network_events") or () if self.line else ()
        reads = (e for e in events if e["operation"] in ("read", "read_from"))
        return sum(e.get("num_bytes") or 0 for e in reads)


class _Timed:
    """A probe that notes how long each target takes."""

    def __init__(self, probe: Probe, seconds: dict[str, float]) -> None:
        self._probe, self._seconds = probe, seconds

    def __getattr__(self, name: str) -> Any:
        return getattr(self._probe, name)

    async def measure(self, target: Target, wire: Wire) -> TestKeys:
        began = trio.current_time()
        try:
            return await self._probe.measure(target, wire)
        finally:
            self._seconds[target.url] = trio.current_time() - began


class _Steps(trio.abc.Instrument):
    """Times each step of each task but the emulated internet's: while it lasts, every other task waits."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._began = thread_time()

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        """Start the clock."""
        self._began = thread_time()

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        """Stop it."""
        if "MemoryInternet" not in task.name:
            self.longest = max(self.longest, thread_time() - self._began)


@dataclass
class _Watcher:
    """An observer that keeps the verdict of one item, and what was given up."""

    ran: Ran
    trap: str

    def started(self, total: int, done: int) -> None:
        """Nothing to do."""

    def measured(self, item: Item, verdict: Verdict | None) -> None:
        """Keep the trap's verdict."""
        if item.target.url == self.trap and verdict is not None:
            self.ran.label, self.ran.rule = verdict.label, verdict.rule

    def skipped(self, item: Item, why: str) -> None:
        """Keep why."""
        self.ran.skipped[item.target.url] = why

    def paused(self, reason: str) -> None:
        """Nothing to do."""

    def resumed(self) -> None:
        """Nothing to do."""


def others(count: int = OTHERS, probe: str = "web") -> tuple[str, ...]:
    """Innocent targets for a probe; of apps there are not as many."""
    apps = ("https://signal.org/", "https://www.messenger.com/")
    return apps[:count] if probe == "app" else tuple(f"https://other{n}.org/" for n in range(count))


def stand_in(probe: str) -> str:
    """The innocent target in the trap's place."""
    return "https://web.whatsapp.com/" if probe == "app" else INNOCENT


def session(case: Case, urls: Iterable[str], *, memory_too: bool = False) -> Ran:
    """Run a session of one probe over these URLs, the case's among them, and watch the case's."""
    ran = Ran()
    world = scenario("hostile")
    around, vantage = rehearse.in_memory(world, case.isp)
    isp = world.isp(case.isp)
    items = tuple(Item(f"{case.probe}-{n}", case.probe, Target(url)) for n, url in enumerate(urls))

    @asynccontextmanager
    async def enter() -> AsyncIterator[Wire]:
        async with memory.attached(world, case.isp) as internet:
            with tempfile.NamedTemporaryFile(suffix=".pem") as bundle:
                bundle.write(internet.world.ca_pem())
                bundle.flush()
                trust = Trust(bundle.name)
            before = trio.lowlevel.current_statistics().tasks_living
            steps = _Steps()
            trio.lowlevel.add_instrument(steps)
            yield Wire(trust=trust, own_resolvers=isp.resolvers)
            trio.lowlevel.remove_instrument(steps)
            ran.step_ms = steps.longest * 1000
            ran.tasks_left = trio.lowlevel.current_statistics().tasks_living - before
            ran.open_sockets = internet.left_open()

    with tempfile.TemporaryDirectory(prefix="gatewatch-trap-") as folder:
        asked = Session(
            root=Path(folder),
            plan=Plan(items, 0, "2024-01-01T00:00:00Z"),
            probes={case.probe: _Timed(load(case.probe), ran.seconds)},
            vantage=vantage,
            rate=rehearse.RATE,
            helpers=case.helpers,
            surroundings=replace(around, enter=enter),
        )
        if memory_too:
            tracemalloc.start()
        try:
            outcome = conduct(asked, _Watcher(ran, case.url))
            ran.peak_mb = tracemalloc.get_traced_memory()[1] / 1e6 if memory_too else 0.0
        finally:
            tracemalloc.stop()
            gc.unfreeze()
        ran.state = outcome.state
        for line in read(outcome.folder) if outcome.folder else ():
            ran.lines += 1
            if json.loads(line)["input"] == case.url:
                ran.line = line
    return ran
