"""A campaign in miniature: probes that do as they are told, a line that is down when it is told to be."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trio
from tests.worlds.clock import run

from gatewatch.net.wire import Wire
from gatewatch.records import NetworkEvent, Query, TestKeys
from gatewatch.runner.about import Vantage
from gatewatch.runner.budget import Budget
from gatewatch.runner.campaign import Campaign
from gatewatch.runner.line import Line, Look
from gatewatch.runner.machine import Machine
from gatewatch.runner.pace import Pace
from gatewatch.runner.plan import Item, Plan
from gatewatch.store import RunFolder, Scrubber, create
from gatewatch.verdict import Verdict
from gatewatch_targets import Target

Act = Callable[[Target], Awaitable[TestKeys]]


class Fake:
    """A probe: does ``act`` for each target and keeps when each began."""

    name = "fake"
    test_name = "fake"
    version = "1.0.0"
    risk = "low"
    typical_bytes = 1

    def __init__(self, act: Act) -> None:
        self._act = act
        self.starts: list[tuple[str, float]] = []

    async def measure(self, target: Target, wire: Wire) -> TestKeys:
        self.starts.append((target.url, trio.current_time()))
        return await self._act(target)


def lasting(seconds: float, *, num_bytes: int = 0) -> Act:
    """Take so long, find nothing wrong."""

    async def act(_: Target) -> TestKeys:
        await trio.sleep(seconds)
        return TestKeys(
            network_events=(NetworkEvent(failure=None, operation="read", num_bytes=num_bytes, t=seconds),)
        )

    return act


def failed(t: float | None) -> TestKeys:
    """What a measurement gives that failed ``t`` seconds after its start."""
    return TestKeys(
        queries=(
            Query(
                answers=None,
                engine="udp",
                failure="generic_timeout_error",
                hostname="",
                query_type="A",
                resolver_address="",
                t=t,
            ),
        )
    )


class FakeLine(Line):
    """A line that is down from each of ``down``'s first moments to its second; a look takes no time.

    ``full`` tells whether it is full; asked when it is looked at.
    """

    def __init__(self, *down: tuple[float, float], full: Callable[[], bool] = lambda: False) -> None:
        super().__init__(Wire(own_resolvers=()), lambda: True)
        self._down = down
        self._full = full

    @property
    def is_up(self) -> bool:
        return not any(since <= trio.current_time() < until for since, until in self._down)

    async def look(self) -> Look:
        await trio.lowlevel.checkpoint()
        return self._note(Look(True, ("a page",) if self.is_up else (), full=self._full()))


@dataclass
class Log:
    """An observer that remembers what it was told, and when."""

    told: list[tuple[Any, ...]] = field(default_factory=list)
    verdicts: dict[str, Verdict | None] = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)

    def started(self, total: int, done: int) -> None:
        self.told.append(("started", total, done))

    def measured(self, item: Item, verdict: Verdict | None) -> None:
        self.verdicts[item.id] = verdict

    def skipped(self, item: Item, why: str) -> None:
        self.told.append(("skipped", item.id, why))

    def paused(self, reason: str) -> None:
        self.told.append(("paused", trio.current_time()))
        self.reasons.append(reason)

    def resumed(self) -> None:
        self.told.append(("resumed", trio.current_time()))


def plan(urls: Iterable[str], probe: str = "fake") -> Plan:
    """A plan in just this order."""
    items = tuple(Item(f"{probe}-{n}", probe, Target(url)) for n, url in enumerate(urls))
    return Plan(items, 0, "2024-01-01T00:00:00Z")


def sites(count: int) -> list[str]:
    """The addresses of so many hosts."""
    return [f"https://site{n}.org/" for n in range(count)]


@dataclass
class Ran:
    """How a campaign went."""

    whole: bool
    seconds: float
    log: Log
    folder: RunFolder
    skipped: Sequence[dict[str, str]]
    about: dict[str, Any]
    ended: str = ""


def campaign(
    root: Path,
    urls: Iterable[str],
    probe: Fake,
    *,
    rate: float = 10,
    budget: Budget | None = None,
    line: FakeLine | None = None,
    folder: RunFolder | None = None,
    machine: Callable[[], Machine] = Machine,
    wire: Wire | None = None,
    **more: Any,
) -> Ran:
    """Run one in an empty folder (or go on in ``folder``), without jitter, on a clock that begins at 0."""
    wanted = plan(urls)
    opened = folder or create(root, wanted.to_json(), {})
    log = Log()

    async def main() -> Ran:
        made = Campaign(
            folder=opened,
            items=wanted.items,
            probes={"fake": probe},
            wire=wire or Wire(own_resolvers=()),
            line=line or FakeLine(),
            pace=Pace(rate, jitter=0),
            scrubber=Scrubber(()),
            vantage=Vantage("KH", 38623, "An ISP"),
            observer=log,
            budget=budget or Budget(),
            machine=machine(),
            **more,
        )
        await made.line.look()
        whole = await made.run()
        return Ran(whole, trio.current_time(), log, opened, made.skipped, made.about(), made.ended)

    return run(main)
