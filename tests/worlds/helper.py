"""The helper as an application on a line of an emulated country, and questions to it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.worlds.asgi import ask
from tests.worlds.clock import run
from tests.worlds.country import attached

from gatewatch.helper.app import App
from gatewatch.helper.guard import Guard
from gatewatch.helper.measure import Measurer
from gatewatch.helper.names import Doh, over_https
from gatewatch.helper.way import Way
from gatewatch.lab.world import World

HERE = "103.5.24.10"


@asynccontextmanager
async def helper(**options: Any) -> AsyncIterator[tuple[App, World]]:
    """A helper on the unfiltered provider's line."""
    limits = options.pop("limits", None)
    async with attached("clear", options.pop("scenario", "small")) as (wire, world):
        look_up = over_https([Doh.of(r) for r in wire.resolvers[:2]], wire.trust)
        # The lab's only route leads out from the client's own address; it has no IPv6.
        guard = Guard(lambda address: None if ":" in address else HERE)
        yield App(Measurer(Way(wire.trust, look_up, guard, limits)), **options), world


def question(url: str, *endpoints: str, **more: Any) -> bytes:
    return json.dumps({"http_request": url, "tcp_connect": endpoints, **more}).encode()


def post(url: str, *endpoints: str, **more: Any) -> Any:
    async def main() -> Any:
        async with helper() as (app, _):
            return await ask(app, "POST", body=question(url, *endpoints, **more))

    return run(main)
