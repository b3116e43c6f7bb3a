"""Kernel sockets and memory sockets tell a client the same: one script of errands, done in both."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import trio
from tests.lab import errands, errands6
from trio.testing import MockClock

from gatewatch.lab import kernel
from gatewatch.lab.country.scenario import load
from gatewatch.lab.memory import attached

SCENARIO = str(Path(__file__).with_name("errands.toml"))
_done: dict[str, dict[str, Any]] = {}


def in_memory() -> dict[str, Any]:
    async def main() -> dict[str, Any]:
        async with attached(load(SCENARIO), "isp"):
            return await errands.run()

    return trio.run(main, clock=MockClock(autojump_threshold=0))


def in_kernel(attach: kernel.Attachment) -> dict[str, Any]:
    if kernel.available(attach) is None:
        pytest.skip(f"no {attach} attachment: {kernel.why(attach)}")
    command = kernel.argv(SCENARIO, "isp", [sys.executable, "-m", "tests.lab.errands"], attach=attach)
    done = subprocess.run(command, env=kernel.environment(), capture_output=True, text=True, check=True)
    results: dict[str, Any] = json.loads(done.stdout)
    return results


def results(where: str) -> dict[str, Any]:
    if where not in _done:
        _done[where] = in_memory() if where == "memory" else in_kernel("tun" if where == "tun" else "veth")
    return _done[where]


EXPECTED = {
    "connect good.com": None,
    "connect refused.com": "ECONNREFUSED",
    "connect vanished.com": "timeout",
    "connect tcp-drop.com": "timeout",
    "connect tcp-reset.com": "ECONNREFUSED",
    "hello sni-reset.com": ["ECONNRESET", "", "EPIPE"],
    "hello sni-reset-onpath.com": ["ECONNRESET", "", "EPIPE"],
    "hello sni-drop.com": ["timeout"],
    "hello good.com": "16",
    "page good.com": ["HTTP/1.1 200 \r\n", False, "EOF"],
    "page page.com": ["HTTP/1.1 200 OK", True, "EOF"],
    "page http-reset.com": "ECONNRESET",
    "lookup bogon.com": [["127.0.0.9", 80]],
    "lookup injected.com": [["104.16.0.66", 80]],
    "lookup nxdomain.com": "gaierror -2",
    "lookup dead.com": "gaierror -2",
    "lookup_dropped": "gaierror -3",
    "lookup_ipv6_only": "gaierror -5",
    "connect6 v6.good.com": [None, "2403:5b40:24::10", 0, 0, True, 443, 0, 0],
    "connect6 v6.refused.com": ["ECONNREFUSED"],
    "connect6 vanished6.com": ["timeout"],
    "connect6 v6.tcp-drop.com": ["timeout"],
    "connect6 v6.tcp-reset.com": ["ECONNREFUSED"],
    "hello6 v6.good.com": "16",
    "hello6 v6.sni-reset.com": "ECONNRESET",
    "page6 v6.good.com": ["HTTP/1.1 200 \r\n", False, "EOF"],
    "page6 v6.page.com": ["HTTP/1.1 200 OK", True, "EOF"],
    "answers6_with_their_hop_limit": [[[41, 52, 60]], 0, f"('{errands6.PUBLIC6}', 53, 0, 0)", 1],
    "data6_that_expire_on_an_open_connection": ["EHOSTUNREACH", "timeout", "HTTP/1.1 200 \r\n"],
    "expired_data6_are_a_soft_error_without_recverr": ["timeout", "EHOSTUNREACH", 0],
    "datagram6_to_a_closed_port": ["ECONNREFUSED", "ECONNREFUSED", 1],
    "hops6_by_default": [64, 3, 64],
    # The kernel looks at the quoted packet's TTL over IPv4, and at the error's own over IPv6.
    "data_that_expire_while_low_ttls_are_screened_out": "timeout",
    "data6_that_expire_while_low_hop_limits_are_screened_out": "EHOSTUNREACH",
    "data_that_expire_on_an_open_connection": ["EHOSTUNREACH", "timeout", "HTTP/1.1 200 \r\n"],
    "expired_data_are_a_soft_error_without_recverr": ["timeout", "EHOSTUNREACH", 0],
    "datagram_to_a_closed_port": ["ECONNREFUSED", "ECONNREFUSED", 1],
}


@pytest.mark.parametrize("where", ["memory", "tun", "veth"])
@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_what_the_client_sees(where: str, name: str) -> None:
    assert results(where)[name] == EXPECTED[name]


@pytest.mark.parametrize("where", ["tun", "veth"])
@pytest.mark.parametrize("name", sorted(errands.ERRANDS))
def test_memory_is_like_the_kernel(where: str, name: str) -> None:
    assert results("memory")[name] == results(where)[name]
