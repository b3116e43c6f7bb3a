"""Whole runs where IPv6 works, is broken or is absent: nothing is called blocked because of it."""

from __future__ import annotations

import json
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trio
from tests.lab.runs import labels, measured
from trio.testing import MockClock

from gatewatch.lab.country.parts import Box
from gatewatch.lab.country.scenario import load
from gatewatch.lab.country.truth import truth
from gatewatch.lab.memory import attached
from gatewatch.lab.memory.lookup import ordered
from gatewatch.lab.path.engine import Engine
from gatewatch.lab.path.packet import PLAIN_IPV4
from gatewatch.lab.rehearse import in_memory
from gatewatch.net import lookup
from gatewatch.net.journal import Journal

SIX = load("six")
URLS = [f"https://site-{n}.com/" for n in range(25)] + ["http://only-six.com/", "https://only-six.com/"]


@pytest.mark.parametrize("isp", ["works", "broken", "absent"])
def test_every_verdict_is_the_truth(tmp_path: Path, isp: str) -> None:
    _, lines = measured(tmp_path, "six", isp, URLS)
    told = labels(lines)
    assert told == {url: truth(SIX, isp, url).label for url in URLS}
    blocked = [url for url, label in told.items() if label.startswith("blocked")]
    assert bool(blocked) is (isp == "works")
    only = "ok" if isp == "works" else "inconclusive(no_ipv6)"
    assert told["https://only-six.com/"] == told["http://only-six.com/"] == only


@pytest.mark.parametrize(("isp", "used"), [("works", True), ("broken", False), ("absent", False)])
def test_ipv6_is_measured_where_the_line_was_seen_to_have_it(tmp_path: Path, isp: str, used: bool) -> None:
    _, lines = measured(tmp_path, "six", isp, URLS)
    connects = [row for line in lines for row in line["test_keys"].get("tcp_connect") or ()]
    assert any(":" in row["ip"] for row in connects) is used
    assert {line["test_keys"]["x_gatewatch_line"]["ipv6"] for line in lines} == {used}


def test_on_a_line_with_ipv6_alone_what_has_none_is_not_called_blocked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_ipv4(*given: Any, **more: Any) -> Any:
        surroundings, vantage = in_memory(*given, **more)
        return replace(surroundings, route=lambda: False), vantage

    monkeypatch.setattr("tests.lab.runs.in_memory", without_ipv4)
    _, lines = measured(tmp_path, "six", "works", URLS)
    told = labels(lines)
    for url, label in told.items():
        assert label in (truth(SIX, "works", url).label, "inconclusive(undetermined)")
    assert {"ok", "blocked(tcp.timeout)"} < set(told.values()) and told["https://only-six.com/"] == "ok"
    connects = [row["ip"] for line in lines for row in line["test_keys"].get("tcp_connect") or ()]
    assert connects and all(":" in address for address in connects)


def test_the_clients_addresses_of_both_families_are_scrubbed(tmp_path: Path) -> None:
    _, lines = measured(tmp_path, "six", "works", URLS)
    text = json.dumps(lines)
    isp = SIX.isp("works")
    assert isp.client not in text
    assert isp.client6 not in text


def test_an_answer_over_ipv6_tells_its_hop_limit() -> None:
    async def main() -> list[tuple[tuple[str, ...], int | None]]:
        async with attached(SIX, "works"):
            got = [
                (await lookup.udp(Journal(), resolver, "only-six.com", "AAAA", window=0.0))[0]
                for resolver in ("2401:f3c0:53::53", "2001:4860:4860::8888")
            ]
            return [(query.addresses, query.x_gatewatch_ip_ttl) for query in got]

    (near, near_ttl), (far, far_ttl) = trio.run(main, clock=MockClock(autojump_threshold=0))
    assert near == far != ()
    # The ISP's resolver stands behind three routers, the public one behind seven.
    assert (near_ttl, far_ttl) == (64 - 3, 64 - 7)


def test_a_second_resolver_is_asked_when_the_first_is_silent() -> None:
    silent = replace(
        SIX,
        isps=tuple(
            replace(isp, boxes=(Box("endpoint-drop", 3), Box("udp-drop", 1, addresses=(isp.resolver,))))
            for isp in SIX.isps
        ),
    )

    async def main() -> tuple[list[str], float]:
        async with attached(silent, "works"):
            began = trio.current_time()
            found = await trio.socket.getaddrinfo("only-six.com", 443, type=socket.SOCK_STREAM)
            return [str(entry[4][0]) for entry in found], trio.current_time() - began

    addresses, seconds = trio.run(main, clock=MockClock(autojump_threshold=0))
    assert len(addresses) == 1
    assert 2.0 < seconds < 2.1


@pytest.mark.parametrize(
    ("client6", "expected"),
    [
        ("2401:f3c0:200::10", ["2401:f3c0::1", "2606:4700::1", "104.16.0.1"]),
        ("2606:4700:9::10", ["2606:4700::1", "2401:f3c0::1", "104.16.0.1"]),
        ("", ["104.16.0.1", "2606:4700::1", "2401:f3c0::1"]),
    ],
)
def test_addresses_are_sorted_as_rfc_6724_has_it(client6: str, expected: list[str]) -> None:
    assert ordered(["104.16.0.1", "2606:4700::1", "2401:f3c0::1"], client6) == expected


def test_only_the_families_of_this_line_are_asked_for_where_one_wants_that() -> None:
    async def families(isp: str, flags: int) -> set[int]:
        async with attached(SIX, isp) as lab:
            name = next(n for n in (f"site-{i}.com" for i in range(40)) if len(lab.world.address_of(n)) == 2)
            return {int(entry[0]) for entry in await trio.socket.getaddrinfo(name, 443, flags=flags)}

    def found(isp: str, flags: int) -> set[int]:
        return trio.run(families, isp, flags, clock=MockClock(autojump_threshold=0))

    both = {int(socket.AF_INET), int(socket.AF_INET6)}
    assert found("works", socket.AI_ADDRCONFIG) == found("broken", socket.AI_ADDRCONFIG) == both
    assert found("absent", 0) == both
    assert found("absent", socket.AI_ADDRCONFIG) == {int(socket.AF_INET)}


def test_an_ipv6_that_dies_during_the_run_is_not_called_blocked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    carries = Engine.from_client
    began: list[float] = []

    def until_a_second_later(self: Engine, packet: bytearray, now: float) -> None:
        began[:] = began or [now]
        if now < began[0] + 1.0 or packet[0] == PLAIN_IPV4:
            carries(self, packet, now)

    monkeypatch.setattr(Engine, "from_client", until_a_second_later)
    urls = [f"https://site-{n}.com/" for n in range(40)]
    _, lines = measured(tmp_path, "six", "works", urls, rate=10.0)
    assert labels(lines) == {url: truth(SIX, "works", url).label for url in urls}
    seen = [line["test_keys"]["x_gatewatch_line"]["ipv6"] for line in lines]
    assert {True, False} == set(seen)
