"""What a measurement leaves behind is freed at once: nothing waits in rings for a full collection.

Python frees what forms a ring only when it collects everything, and it does that seldom while a long plan
lies in memory; until then the process grows.
"""

from __future__ import annotations

import gc
import socket
from collections import Counter
from pathlib import Path
from typing import Any, Self

import pytest
import trio
from tests.lab.runs import measured

from gatewatch.lab.country.scenario import load
from gatewatch.net import lookup
from gatewatch.net.journal import Journal
from gatewatch.runner.campaign import Campaign

METHODS = load("methods")


class Rings:
    """Counts by type what only a full collection frees, from `with` to its end, with none meanwhile."""

    def __enter__(self) -> Self:
        self.found: Counter[str] = Counter()
        gc.collect()
        gc.disable()
        return self

    def __exit__(self, *_: object) -> None:
        gc.set_debug(gc.DEBUG_SAVEALL)
        try:
            gc.collect()
            self.found.update(type(one).__qualname__ for one in gc.garbage)
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
            gc.enable()


@pytest.fixture
def rings(monkeypatch: pytest.MonkeyPatch) -> Rings:
    """What a campaign leaves, from its first measurement to its last."""
    counted, whole = Rings(), Campaign.run

    async def watched(campaign: Campaign) -> bool:
        with counted:
            return await whole(campaign)

    monkeypatch.setattr(Campaign, "run", watched)
    return counted


@pytest.mark.parametrize("isp", [isp.id for isp in METHODS.isps])
def test_a_run_leaves_nothing_in_rings(rings: Rings, tmp_path: Path, isp: str) -> None:
    blocked = [f"https://{name}/" for name in ("www.bbc.com", "twitter.com", "nobody.invalid")]
    _, lines = measured(tmp_path, METHODS, isp, [*blocked, "http://www.bbc.com/news"])
    assert len(lines) == 4 and not rings.found


def test_a_ring_would_be_seen() -> None:
    with Rings() as rings:
        ring: list[Any] = []
        ring.append(ring)
        del ring
    assert rings.found == {"list": 1}


def test_a_name_that_the_system_does_not_know_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    async def asked() -> Rings:
        with Rings() as rings:
            # A task that ends, as a measurement's does; the system is asked in a thread of trio's.
            async with trio.open_nursery() as nursery:
                nursery.start_soon(lookup.system, Journal(), "nobody.invalid")
        return rings

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert not trio.run(asked).found
