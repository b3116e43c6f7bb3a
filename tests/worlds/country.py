"""A whole country in memory: the lab behind the network seam, and what a probe measures through."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.worlds.clock import run

from gatewatch.lab import memory
from gatewatch.lab.country.scenario import Scenario, load
from gatewatch.lab.world import World
from gatewatch.net.trust import Trust
from gatewatch.net.wire import Wire
from gatewatch.records import TestKeys
from gatewatch.runner.probes import Probe
from gatewatch_targets import Target

HELPER = "https://0.th.ooni.org/"


@asynccontextmanager
async def attached(isp: str, scenario: str | Scenario = "small") -> AsyncIterator[tuple[Wire, World]]:
    """Be a client of an ISP; gives what probes measure through, and the servers."""
    country = load(scenario) if isinstance(scenario, str) else scenario
    async with memory.attached(country, isp) as internet:
        with tempfile.NamedTemporaryFile(suffix=".pem") as bundle:
            bundle.write(internet.world.ca_pem())
            bundle.flush()
            trust = Trust(bundle.name)
        yield Wire(trust=trust, own_resolvers=(country.isp(isp).resolver,), helpers=(HELPER,)), internet.world


def measure(probe: Probe, url: str, isp: str, scenario: str | Scenario = "small", **changes: Any) -> TestKeys:
    """Measure one target with one probe on a fresh line; ``changes`` are made to the wire before."""

    async def main() -> TestKeys:
        async with attached(isp, scenario) as (wire, _):
            for name, value in changes.items():
                setattr(wire, name, value)
            return await probe.measure(Target(url), wire)

    return run(main)


def blocked(scenario: Scenario, isp: str) -> str:
    """A name that an ISP's first box acts on."""
    box = scenario.isp(isp).boxes[0]
    return next(name for n in range(200) if box.matches(name := f"site{n}.org"))
