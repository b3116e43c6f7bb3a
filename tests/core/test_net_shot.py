"""One packet with a chosen TTL: what comes back, in memory with exact times, and through a kernel."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest
from tests.worlds.clock import run
from tests.worlds.country import attached

from gatewatch.lab import kernel
from gatewatch.net import dnswire, hello
from gatewatch.net.shot import Echo, Flow

T = TypeVar("T")
WINDOW = 0.2
# Scenario small: routers of its ISP `blocked` at 0.5, 2, 2.5, 3 (silent) and 3.5 ms, then 15.5 and 23.5 ms,
# and a server at 25 ms; resets for reset.com at the fourth, 3 ms away.
RTTS = {1: 1.0, 2: 4.0, 3: 5.0, 5: 7.0, 6: 31.0, 7: 47.0}
ROUTERS = {1: "192.168.1.1", 2: "36.37.128.1", 3: "36.37.129.9", 5: "36.37.130.14", 6: "104.23.10.5"}


def in_small(main: Callable[[Flow], Awaitable[T]], name: str = "reset.com", port: int = 443) -> T:
    """Run with a flow to a site of the scenario."""

    async def inside() -> T:
        async with attached("blocked") as (_, world):
            return await main(Flow(world.address_of(name)[0], port, 61000))

    return run(inside)


@pytest.mark.parametrize("ttl", [*RTTS, 4, 8])
def test_a_syn_names_the_router_where_it_expires(ttl: int) -> None:
    echo = in_small(lambda flow: flow.syn(ttl, WINDOW))
    if ttl == 4:
        assert echo is None
    elif ttl == 8:
        assert echo == Echo("open", 50.0)
    else:
        assert echo == Echo("expired", RTTS[ttl], ROUTERS.get(ttl, "104.23.11.9"))


@pytest.mark.parametrize("ttl", [1, 2, 3, 5, 6, 7])
def test_data_that_expire_are_told_without_a_name(ttl: int) -> None:
    echoes = in_small(lambda flow: flow.say(hello.client_hello("free.com"), ttl, WINDOW))
    assert echoes == [Echo("expired", RTTS[ttl])]


def test_a_forbidden_name_is_reset_from_the_filter_on_and_not_before() -> None:
    def say(ttl: int) -> list[Echo] | None:
        return in_small(lambda flow: flow.say(hello.client_hello("reset.com"), ttl, WINDOW))

    assert say(3) == [Echo("expired", 5.0)]
    assert say(4) == say(5) == say(64) == [Echo("reset", 6.0)]


def test_an_honest_answer_and_the_same_port_again() -> None:
    async def twice(flow: Flow) -> list[str]:
        kinds: list[str] = []
        for _ in range(2):
            echoes = await flow.say(hello.client_hello("free.com"), 64, 1.0)
            assert echoes is not None
            kinds.append(echoes[0].kind)
        return kinds

    assert in_small(twice, "free.com") == ["data", "data"]


def test_no_connection_is_none_and_a_refusal_is_an_echo() -> None:
    assert in_small(lambda flow: flow.say(b"x", 64, WINDOW), "refused.com") is None
    assert in_small(lambda flow: flow.syn(64, WINDOW), "refused.com") == Echo("refused", 50.0)


def test_screening_keeps_out_what_comes_with_a_low_ttl() -> None:
    # What this filter forges starts with 64 and has passed three routers on its way back.
    def say(screen: int) -> list[Echo] | None:
        return in_small(lambda flow: flow.say(hello.client_hello("reset.com"), 5, WINDOW, screen=screen))

    assert say(61) == [Echo("reset", 6.0)]
    assert say(62) == []


def test_datagrams_name_routers_and_carry_their_ttl_back() -> None:
    async def ask(ttl: int) -> list[Echo]:
        async with attached("blocked") as (wire, _):
            flow = Flow(wire.own_resolvers[0], 53, 61000)
            return await flow.datagram(dnswire.query("lied.com", "A", 7), ttl, WINDOW)

    assert run(lambda: ask(2)) == [Echo("expired", 4.0, "36.37.128.1")]
    (lie,) = run(lambda: ask(3))
    assert (lie.kind, lie.rtt, lie.ttl) == ("data", 5.0, 62)
    assert dnswire.parse(lie.data).addresses == ("127.0.0.1",)


def test_late_answers_to_others_are_passed_over() -> None:
    async def ask() -> list[Echo]:
        async with attached("blocked") as (wire, _):
            flow = Flow(wire.own_resolvers[0], 53, 61000)
            query = dnswire.query("free.com", "A", 7)
            return await flow.datagram(query, 64, WINDOW, mine=lambda data: data[:2] == b"\0\1")

    assert run(ask) == []


KERNEL = """
import asyncio, json, socket, sys, trio
from gatewatch.net import hello
from gatewatch.net.shot import Flow

async def main():
    address = socket.getaddrinfo("reset.com", 443)[0][4][0]
    flow = Flow(address, 443, 61000)
    found = []
    for ttl in (1, 2, 3, 5, 6, 7, 8):
        echo = await flow.syn(ttl, 0.3)
        found.append([echo.kind, echo.router] if echo else None)
    for name, ttl in (("free.com", 3), ("reset.com", 3), ("reset.com", 4), ("reset.com", 8), ("free.com", 8)):
        found.append([echo.kind for echo in await flow.say(hello.client_hello(name), ttl, 0.3)][:1])
    found.append([echo.kind for echo in await flow.say(hello.client_hello("reset.com"), 8, 0.3, screen=62)])
    print(json.dumps(found))

trio.run(main)
"""


def test_the_kernels_sockets_say_the_same(tmp_path: Path) -> None:
    if kernel.available() is None:
        pytest.skip(f"no kernel attachment: {kernel.why()}")
    script = tmp_path / "shots.py"
    script.write_text(KERNEL, encoding="utf-8")
    command = kernel.argv("small", "blocked", [sys.executable, str(script)])
    done = subprocess.run(
        command, capture_output=True, text=True, env=kernel.environment(), timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [
        *(["expired", ROUTERS.get(ttl, "104.23.11.9")] for ttl in (1, 2, 3, 5, 6, 7)),
        ["open", None],
        *(["expired"], ["expired"], ["reset"], ["reset"], ["data"]),
        [],
    ]
