"""A session in the lab: the surroundings that make the same run go through an emulated country.

Two ways in.  ``kernel``: the command is started again inside namespaces (:mod:`gatewatch.lab.inside`), finds
``GATEWATCH_LAB`` in its environment and measures with the kernel's own sockets.  ``memory``: no privilege at
all; the same engine behind the network seam of this process, on a clock that jumps over waiting.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from importlib.util import find_spec
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from gatewatch.lab.country.scenario import Scenario, load
from gatewatch.net.trust import Trust
from gatewatch.net.wire import Wire
from gatewatch.runner.about import Vantage
from gatewatch.runner.session import Surroundings
from gatewatch.store.folder import utc
from gatewatch.words import Phrase, phrase

if TYPE_CHECKING:
    from gatewatch.lab.world import World

Attach = Literal["auto", "kernel", "memory"]
#: Starts a second in the lab, where nobody is disturbed.
RATE = 200.0
ENVIRONMENT = "GATEWATCH_LAB"
# What the lab's servers are made of, beyond the base installation.
_EXTRA = ("h11", "trustme", "cryptography")


class NoLab(RuntimeError):
    """The lab cannot be entered as asked; the message says why and what to do."""


def choose(attach: Attach) -> tuple[Literal["kernel", "memory"], Phrase]:
    """Choose an attachment, and say why in a sentence; raises NoLab when there is none to choose."""
    missing = [name for name in _EXTRA if find_spec(name) is None]
    if missing:
        raise NoLab(f"the lab needs {', '.join(missing)}: install it with pip install 'gatewatch[lab]'")
    if attach == "memory":
        return "memory", phrase("Attached in memory, as asked.")
    try:
        from gatewatch.lab import kernel
    except ImportError as error:
        found, why = None, str(error)
    else:
        found, why = kernel.available(), kernel.why()
    if found is not None:
        return "kernel", phrase("Attached through the kernel ({how}).", how=found)
    if attach == "kernel":
        raise NoLab(f"there is no kernel attachment here: {why}")
    return "memory", phrase("Attached in memory: {why}.", why=why)


def vantage(scenario: Scenario, isp_id: str) -> Vantage:
    """The vantage that an ISP's client is."""
    isp = scenario.isp(isp_id)
    return Vantage(scenario.country, isp.asn, isp.title, "lab")


def inside() -> tuple[Surroundings, Vantage] | None:
    """The surroundings of a process that was started inside the kernel attachment; None elsewhere."""
    text = os.environ.get(ENVIRONMENT)
    if text is None:
        return None
    about = json.loads(text)
    scenario = load(about["scenario"])
    lab = {"scenario": scenario.name, "isp": about["isp"], "attach": about["attach"]}
    files = {"prefixes.csv": Path(about["prefixes"]).read_bytes()}
    return Surroundings(lab=lab, files=files), vantage(scenario, about["isp"])


def in_memory(
    name: str | Scenario,
    isp_id: str,
    *,
    seed: int | None = None,
    world: World | None = None,
    began: datetime | None = None,
    dies: float = inf,
) -> tuple[Surroundings, Vantage]:
    """The surroundings of a session in memory, in a scenario or one of that name.

    ``seed`` is for what is left to chance (None: the scenario's).  ``world``: servers to share with other
    sessions.  ``began``: what the clock on the wall says at the beginning, in place of the machine's own.
    ``dies``: seconds after which the line is dead.
    """
    # Here, because every run comes through this module: trio.testing loads pytest where there is one (7 MB).
    from trio.testing import MockClock

    from gatewatch.lab import memory

    scenario = (load(name) if isinstance(name, str) else name).seeded(seed)
    isp = scenario.isp(isp_id)

    @asynccontextmanager
    async def enter() -> AsyncIterator[Wire]:
        async with memory.attached(scenario, isp_id, world, dies=dies) as internet:
            with tempfile.NamedTemporaryFile(suffix=".pem") as ca:
                ca.write(internet.world.ca_pem())
                ca.flush()
                trust = Trust(ca.name)
            yield Wire(trust=trust, own_resolvers=(isp.resolver,))

    clock = MockClock(autojump_threshold=0)
    surroundings = Surroundings(
        enter=enter,
        route=lambda: True,
        route6=lambda: bool(isp.routed6),
        own_addresses=lambda: (isp.client, isp.routed6) if isp.routed6 else (isp.client,),
        router=str,
        resolvers=tuple,
        clock=clock,
        wall=utc if began is None else lambda: began + timedelta(seconds=clock.current_time()),
        durable=False,
        lab={"scenario": scenario.name, "isp": isp_id, "attach": "memory"},
        files={"prefixes.csv": scenario.prefixes_csv().encode()},
    )
    return surroundings, vantage(scenario, isp_id)
