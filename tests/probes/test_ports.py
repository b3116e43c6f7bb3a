"""Are ports of VPNs cut on this line: in the lab, behind boxes that act on ports."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.lab.behind import country, verdict
from tests.worlds.clock import run
from tests.worlds.country import attached, measure

from gatewatch.lab.country.scenario import Box
from gatewatch.records import PortRow, TestKeys, decode
from gatewatch_probes.ports import Ports
from gatewatch_targets import Target, service_ports

URL = "https://example.org/"
EVERY = tuple({entry.port for entry in service_ports()})


def rows(keys: TestKeys) -> list[PortRow]:
    found = [decode(PortRow, row) for row in keys.extra["x_gatewatch_ports"]]
    assert all(problems == () for _, problems in found)
    return [row for row, _ in found]


def look(*boxes: Box, seed: int = 1, **changes: Any) -> tuple[list[PortRow], str]:
    keys = measure(Ports(seed), URL, "clear", country(*boxes), **changes)
    return rows(keys), verdict(keys, URL, "port_filtering")


def drop(*ports: int, kind: str = "endpoint-drop") -> Box:
    return Box(kind, 3, ports=ports)


def test_a_clear_line_is_asked_once_for_each_port() -> None:
    found, label = look()
    assert label == "ok" and {row.outcome for row in found} == {"answered"}
    assert [row.kind for row in (found[0], found[-1])] == ["base", "base"]
    tried = [(row.port, row.transport) for row in found if row.kind != "base"]
    assert sorted(tried) == sorted((entry.port, entry.transport) for entry in service_ports())
    assert tried != [(entry.port, entry.transport) for entry in service_ports()]


def test_every_port_stands_in_the_usual_lists() -> None:
    keys = measure(Ports(1), URL, "clear", country())
    connected = {(c.port, c.transaction_id) for c in keys.tcp_connect or ()}
    events = {e.transaction_id for e in keys.network_events or ()}
    for row in rows(keys):
        assert row.transaction_id in events
        assert row.transport == "udp" or (row.port, row.transaction_id) in connected


@pytest.mark.parametrize(
    ("box", "label", "ports"),
    [
        (drop(1194, 1723), "tampered(tcp.timeout)", {(1194, "tcp"), (1723, "tcp")}),
        (drop(853, kind="endpoint-reset"), "tampered(tcp.refused)", {(853, "tcp")}),
        (drop(500, 51820, kind="udp-drop"), "tampered(udp.timeout)", {(500, "udp"), (51820, "udp")}),
    ],
)
def test_ports_of_services_are_cut(box: Box, label: str, ports: set[tuple[int, str]]) -> None:
    found, judged = look(box)
    assert judged == label
    failed = [(row.port, row.transport) for row in found if row.outcome != "answered"]
    assert set(failed) == ports and len(failed) == 2 * len(ports)


@pytest.mark.parametrize("kind", ["endpoint-drop", "endpoint-reset", "udp-drop"])
def test_a_firewall_that_lets_only_known_ports_pass(kind: str) -> None:
    allowed = {587, 993, 123}
    box = drop(*(port for port in EVERY if port not in allowed), kind=kind)
    assert look(box)[1] == "inconclusive(firewall)"


def test_without_a_helper_of_ours() -> None:
    found, label = look(helpers=())
    assert (found, label) == ([], "inconclusive(no_cooperating_server)")
    # A server that knows no such page, as OONI's helpers do not.
    found, label = look(helpers=("https://example.com/",))
    assert (found, label) == ([], "inconclusive(no_cooperating_server)")


@pytest.mark.parametrize("seed", range(8))
def test_loss_is_no_alarm(seed: int) -> None:
    async def main() -> TestKeys:
        scenario = country()
        isps = tuple(replace(isp, loss=0.01) for isp in scenario.isps)
        async with attached("clear", replace(scenario, isps=isps, seed=seed)) as (wire, _):
            return await Ports(seed).measure(Target(URL), wire)

    assert verdict(run(main), URL, "port_filtering") == "ok"


def test_the_line_is_looked_at_once_a_run() -> None:
    probe = Ports(1)

    async def twice() -> list[TestKeys]:
        async with attached("clear", country(drop(1194))) as (wire, _):
            return [await probe.measure(Target(url), wire) for url in (URL, "https://other.com/")]

    first, second = run(twice)
    assert not second.tcp_connect and not second.requests
    assert [replace(row, t=None, transaction_id=0) for row in rows(first)] == rows(second)
    assert verdict(second, "https://other.com/", "port_filtering") == "tampered(tcp.timeout)"
