"""A measurement behind boxes of a test's own: the clear ISP of `small`, with these on its way."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.worlds.country import measure

from gatewatch.lab.country.scenario import Box, PageHost, Scenario, load
from gatewatch.records import Measurement, TestKeys
from gatewatch.runner.probes import load as probe
from gatewatch.verdict import judge

SMALL = load("small")
NOTICE = "104.20.1.1"  # the host of a block page


def blocks(kind: str, name: str = "example.org", hop: int = 3, **rest: Any) -> Box:
    """A box that acts on one name."""
    return Box(kind, hop, frozenset({name}), **rest)


def country(*boxes: Box) -> Scenario:
    """The scenario with these boxes on the clear ISP's way."""
    isps = tuple(replace(isp, boxes=boxes) if isp.id == "clear" else isp for isp in SMALL.isps)
    return replace(SMALL, isps=isps, pagehosts=(*SMALL.pagehosts, PageHost(NOTICE)))


def verdict(keys: TestKeys, url: str, test: str = "web_connectivity") -> str:
    """What is judged of a record."""
    when = "2024-01-01 00:00:00"
    return judge(
        Measurement(
            test_name=test,
            input=url,
            test_keys=keys,
            probe_cc="KH",
            measurement_start_time=when,
            test_start_time=when,
            software_version="1",
        )
    ).label


def web(url: str, *boxes: Box) -> tuple[TestKeys, str]:
    """Measure a URL with the web probe; gives the record and the verdict."""
    keys = measure(probe("web"), url, "clear", country(*boxes))
    return keys, verdict(keys, url)
