"""Reading the TTL of received TCP packets by IP_MINTTL: exact, in few questions, here and in a kernel."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from tests.core.test_net_shot import in_small
from tests.worlds.clock import run

from gatewatch.lab import kernel
from gatewatch.net import hello
from gatewatch.net.minttl import Reading, read_ttl, reset_ttl, syn_ack_ttl
from gatewatch.net.shot import Flow


def read(ttl: int, *, budget: int = 40, loss: float = 0.0, seed: int = 0) -> Reading:
    chance = random.Random(seed)

    async def heard(least: int) -> bool:
        return least <= ttl and chance.random() >= loss

    return run(lambda: read_ttl(heard, budget=budget))


@pytest.mark.parametrize("ttl", [1, 2, 57, 64, 128, 254, 255])
def test_every_ttl_is_found_in_ten_questions(ttl: int) -> None:
    assert read(ttl, budget=10) == Reading(ttl, ttl, ttl, read(ttl).asked)


def test_a_budget_is_kept_and_what_is_known_by_then_is_said() -> None:
    reading = read(57, budget=5)
    assert (reading.ttl, reading.asked) == (None, 5)
    assert reading.least <= 57 <= reading.most


def test_nothing_to_be_heard_is_one_question() -> None:
    assert read(0) == Reading(None, 0, 255, 1)


def test_lost_packets_do_not_mislead_often() -> None:
    readings = [read(57, loss=0.03, seed=seed) for seed in range(500)]
    assert sum(reading.ttl not in (57, None) for reading in readings) <= 5
    assert all(reading.ttl is None or reading.ttl <= 57 for reading in readings)


def test_a_caller_that_cannot_ask_ends_it() -> None:
    async def heard(_: int) -> bool | None:
        return None

    assert run(lambda: read_ttl(heard, budget=9)).ttl is None


# Scenario small: seven routers before the server; the filter at the fourth resets with 64, past three.


def test_a_servers_syn_ack() -> None:
    reading = in_small(lambda flow: syn_ack_ttl(flow, 0.2))
    assert (reading.ttl, reading.asked) == (57, 10)


def test_a_filters_reset_counts_its_triggers_and_asks_the_guard_before_each() -> None:
    asked = []

    async def clear() -> bool:
        asked.append(1)
        return True

    async def main(flow: Flow, budget: int) -> Reading:
        made = lambda: hello.client_hello("reset.com")  # noqa: E731
        return await reset_ttl(flow, made, 5, 0.2, clear=clear, budget=budget)

    reading = in_small(lambda flow: main(flow, 12))
    assert (reading.ttl, len(asked)) == (61, reading.asked)
    assert in_small(lambda flow: main(flow, 4)).ttl is None


def test_a_guard_that_says_no_ends_it() -> None:
    async def clear() -> bool:
        return False

    reading = in_small(lambda flow: reset_ttl(flow, lambda: b"", 5, 0.2, clear=clear, budget=12))
    assert reading.ttl is None


KERNEL = """
import json, socket, trio
from gatewatch.net import hello
from gatewatch.net.minttl import reset_ttl, syn_ack_ttl
from gatewatch.net.shot import Flow

async def clear():
    return True

async def main():
    address = socket.getaddrinfo("reset.com", 443)[0][4][0]
    flow = Flow(address, 443, 61000)
    server = await syn_ack_ttl(flow, 0.3)
    reset = await reset_ttl(flow, lambda: hello.client_hello("reset.com"), 5, 0.3, clear=clear, budget=12)
    print(json.dumps([server.ttl, reset.ttl, reset.asked <= 12]))

trio.run(main)
"""


def test_the_kernels_sockets_say_the_same(tmp_path: Path) -> None:
    if kernel.available() is None:
        pytest.skip(f"no kernel attachment: {kernel.why()}")
    script = tmp_path / "ttls.py"
    script.write_text(KERNEL, encoding="utf-8")
    command = kernel.argv("small", "blocked", [sys.executable, str(script)])
    done = subprocess.run(
        command, capture_output=True, text=True, env=kernel.environment(), timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [57, 61, True]
