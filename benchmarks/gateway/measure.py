"""Measures a drawn country with the real probes in memory, and gives the tables that the analysis reads.

Everything that the analysis reads was measured: each web page, trace, locate and contrast is a probe's run
through the lab's engine, judged, scrubbed, written as JSON lines and loaded again.  What is laid over it is
the calendar: rounds are measured before and after an order, and then dated as a line that measures every ten
minutes, or every hour, or every day would have made them; and what is left out, as volunteers leave it out.
"""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import trio
from trio.testing import MockClock

from benchmarks.gateway.country import Isp, scenario
from benchmarks.gateway.policy import DEAD, EXTRA, FREE, ORDERED, Plan
from gatewatch.lab import memory
from gatewatch.lab.country.check import complete
from gatewatch.lab.country.decode import decode
from gatewatch.lab.country.scenario import Scenario
from gatewatch.lab.world import World
from gatewatch.net.trust import Trust
from gatewatch.net.wire import Wire
from gatewatch.records import TIME_FORMAT, Measurement, dumps
from gatewatch.runner.probes import Probe, named
from gatewatch.store import Scrubber
from gatewatch.verdict import judge
from gatewatch.whereabouts import PrefixTable, parse_prefixes
from gatewatch_analysis.loading import Dataset, load
from gatewatch_probes.contrast import ContrastProbe
from gatewatch_probes.locate import Locate
from gatewatch_probes.trace import Trace
from gatewatch_probes.web import Web
from gatewatch_targets import Target

_HELPER = "https://0.th.ooni.org/"
#: Where traces go: two hosting networks and a public resolver abroad.
_TRACED = ("104.16.200.9", "151.101.77.9", "9.9.9.9")
_ORDER = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
# How often lines measure, in minutes.
_EVERY = (10.0, 60.0, 60.0, 360.0, 1440.0)
_AFTER = [*ORDERED, *EXTRA, *FREE, *DEAD]


@dataclass(frozen=True, slots=True)
class Effort:
    """What a volunteer at one ISP does."""

    before: bool
    rounds: int
    every: float
    traces: int
    locates: int
    deep: bool
    contrasts: int


def effort(rng: random.Random) -> Effort:
    """Draw it: many do a part."""
    return Effort(
        before=rng.random() < 0.5,
        rounds=2 if rng.random() < 0.7 else 1,
        every=rng.choice(_EVERY),
        traces=len(_TRACED) if rng.random() < 0.8 else 0,
        locates=rng.choice((0, 0, 0, 1, 1, 1, 1, 2, 2, 2)),
        deep=rng.random() < 0.35,
        contrasts=rng.choice((0, 0, 0, 0, 1, 1, 1, 1, 1, 2)),
    )


def measured(plan: Plan, seed: int) -> tuple[Dataset, str]:
    """Measure a country, and give its table of prefixes as CSV beside the tables.

    ``seed`` is for chance on the lines and for what the volunteers do.
    """
    rng = random.Random(f"volunteers {plan.kind} {seed}")
    after, before = (_complete(plan, seed, blocked=blocked) for blocked in (True, False))
    # One set of servers, and one of certificates: who blocks what is the path's business.
    world = World(after)
    prefixes = _prefixes(after, rng, plan)
    with tempfile.TemporaryDirectory(prefix="gatewatch-gateway-") as folder:
        for isp in plan.country.isps:
            _volunteer(Path(folder), plan, isp, effort(rng), (before, after), world, prefixes, seed)
        return replace(load([folder]), prefixes=()), prefixes


def _complete(plan: Plan, seed: int, *, blocked: bool) -> Scenario:
    return complete(decode(Scenario, scenario(plan.country, f"drawn-{seed}", seed, blocked=blocked), ""))


def _prefixes(country: Scenario, rng: random.Random, plan: Plan) -> str:
    """Write the table of prefixes; in every sixth one a block of a carrier is listed as of this country."""
    rows = country.prefixes_csv()
    if rng.random() < 1 / 6:
        number = rng.randrange(len(plan.country.carriers))
        rows += f"62.{number}.0.0/24,{64800 + number},KH,Carrier {number}\n"
    return rows


def _volunteer(
    folder: Path,
    plan: Plan,
    isp: Isp,
    does: Effort,
    scenarios: tuple[Scenario, Scenario],
    world: World,
    prefixes: str,
    seed: int,
) -> None:
    """Measure from one ISP, and lay its runs into the folder."""
    rng = random.Random(f"line {plan.kind} {seed} {isp.number}")
    table = PrefixTable(parse_prefixes(prefixes.splitlines(), lambda *_: None))
    line = _Line(isp, world, table, rng.randrange(1 << 30))
    began = plan.onsets.get(isp.number, 0.0)
    # Its rounds are so many minutes apart; the order comes somewhere between two of them.
    first = began + rng.uniform(0.0, does.every)
    runs: list[list[Measurement]] = []
    if does.before:
        runs.append(line.run(scenarios[0], first - does.every, lambda: line.pages(ORDERED[:3])))
    for number in range(does.rounds):
        runs.append(line.run(scenarios[1], first + number * does.every, lambda: line.pages(_AFTER)))
    cut = [m.input for m in runs[-1] if (m.x_gatewatch_verdict or {}).get("status") == "blocked"]
    rng.shuffle(cut)
    urls = [url for url in cut if url is not None]
    last = first + does.rounds * does.every

    async def further() -> list[Measurement]:
        return [
            *[m async for m in line.located(urls[: does.locates], deep=does.deep)],
            *[m async for m in line.contrasted(urls[: does.contrasts])],
            *[m async for m in line.traced(_TRACED[: does.traces])],
        ]

    runs.append(line.run(scenarios[1], last, further))
    scrubber = Scrubber([f"36.{isp.number}.200.10"])
    for number, run in enumerate(runs):
        place = folder / f"{isp.id}-{number}"
        place.mkdir()
        lines = b"".join(dumps(scrubber.measurement(m)) for m in run)
        (place / "measurements.jsonl").write_bytes(lines)
        about = {"vantage": {"isp": f"ISP {isp.number}"}, "lab": {"scenario": scenarios[1].name}}
        (place / "run.json").write_text(json.dumps(about))
        if number == 0:
            (place / "prefixes.csv").write_text(prefixes)


class _Line:
    """A volunteer's line: probes run on it in memory, one after another."""

    def __init__(self, isp: Isp, world: World, table: PrefixTable, seed: int) -> None:
        self._isp, self._world, self._table, self._seed = isp, world, table, seed
        self._wire = Wire()
        self._at = _ORDER

    def run(
        self, country: Scenario, minutes: float, work: Callable[[], Awaitable[list[Measurement]]]
    ) -> list[Measurement]:
        """Do some work on the line, dated so many minutes after the order."""
        self._seed += 1
        self._at = _ORDER + timedelta(minutes=minutes)

        async def main() -> list[Measurement]:
            async with memory.attached(country, self._isp.id, self._world, seed=self._seed) as internet:
                with tempfile.NamedTemporaryFile(suffix=".pem") as ca:
                    ca.write(internet.world.ca_pem())
                    ca.flush()
                    trust = Trust(ca.name)
                self._wire = Wire(
                    trust=trust,
                    own_resolvers=(country.isp(self._isp.id).resolver,),
                    helpers=(_HELPER,),
                    whereabouts=self._table,
                    asn=self._isp.asn,
                    country="KH",
                )
                return await work()

        return trio.run(main, clock=MockClock(autojump_threshold=0))

    async def pages(self, names: list[str]) -> list[Measurement]:
        """Measure pages as a campaign does, several at once and never two of one host."""
        probe, found = Web(), []

        async def one(url: str) -> None:
            found.append(await self._measure(probe, Target(url)))

        async with trio.open_nursery() as nursery:
            for name in names:
                nursery.start_soon(one, f"https://{name}/")
        return sorted(found, key=lambda m: m.input or "")

    async def located(self, urls: list[str], *, deep: bool) -> Any:
        """Locate where pages are cut."""
        self._wire.deep = deep
        for url in urls:
            yield await self._measure(Locate(seed=self._seed), Target(url))

    async def contrasted(self, urls: list[str]) -> Any:
        """Send the names abroad and at home."""
        for url in urls:
            yield await self._measure(ContrastProbe(seed=self._seed), Target(url))

    async def traced(self, addresses: tuple[str, ...]) -> Any:
        """Trace the ways abroad."""
        for address in addresses:
            yield await self._measure(Trace(), Target(address))

    async def _measure(self, probe: Probe, target: Target) -> Measurement:
        """Measure, judge and date, as a campaign does."""
        start = trio.current_time()
        keys = await probe.measure(target, self._wire)
        when = (self._at + timedelta(seconds=start)).strftime(TIME_FORMAT)
        found = Measurement(
            input=target.url,
            measurement_start_time=when,
            probe_asn=f"AS{self._isp.asn}",
            probe_cc="KH",
            probe_network_name=f"ISP {self._isp.number}",
            software_version="0",
            test_keys=keys,
            test_name=named(probe, target),
            test_runtime=round(trio.current_time() - start, 6),
            test_start_time=self._at.strftime(TIME_FORMAT),
            test_version=probe.version,
        )
        if found.test_name == "trace":
            return found
        return replace(found, x_gatewatch_verdict=judge(found).to_json())
