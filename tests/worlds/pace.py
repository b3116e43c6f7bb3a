"""A country with a line of a known rate, large pages, and what may slow some of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.worlds.quic import ISP, country

from gatewatch.lab.country.host import Host
from gatewatch.lab.country.scenario import Box, Scenario

#: The access line's rate, and that of a throttle ten times slower, in kbit/s.
LINE, SLOW = 10_000.0, 1_000.0
#: Bytes of the large pages.
SIZE = 600_000


def line(*boxes: Box, size: int = SIZE, seed: int = 0, **isp: Any) -> Scenario:
    """Such a country; ``isp`` changes the line: loss, jitter_ms, down_kbps."""
    plain = country(*boxes)
    changes = {"down_kbps": LINE, **isp}
    isps = tuple(replace(one, **changes) if one.id == ISP else one for one in plain.isps)
    hosts = tuple(Host((name,), size=size) for name in ("bad.com", "good.com"))
    return replace(plain, isps=isps, hosts=hosts, seed=seed)
