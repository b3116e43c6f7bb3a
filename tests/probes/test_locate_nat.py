"""locate from behind a NAT of the kernel's: ports are rewritten, and ICMP errors come back all the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from benchmarks.nat import ROUTER
from tests.probes.behind_nat import SKIP

from gatewatch.lab import kernel

PROGRAM = Path(__file__).with_name("behind_nat.py")


@pytest.mark.parametrize(
    ("url", "method", "before", "after"),
    [
        ("https://reset.com/", "tls", "36.37.129.9", None),
        ("https://dropped.com/", "syn", "36.37.129.9", "36.37.130.14"),
        ("https://lied.com/", "dns", "36.37.128.1", "36.37.129.9"),
    ],
)
def test_the_link_is_found_from_behind_a_nat(
    url: str, method: str, before: str | None, after: str | None
) -> None:
    found = behind_nat(url)[-1]
    assert (found["method"], found["before_address"], found["after_address"]) == (method, before, after)
    # The NAT is a hop of its own, in front of all others.
    assert found["hops"][0]["address"] == ROUTER
    assert found["hops"][1]["address"] == "192.168.1.1"
    assert found["triggers"] <= 12


def test_a_router_that_answers_while_data_are_being_sent_is_heard() -> None:
    # As a virtual machine's own host does: its error is not told to a socket that is busy sending.
    assert behind_nat("http://free.com/") == [["expired"]]


def behind_nat(url: str) -> list[Any]:
    if kernel.available() is None:
        pytest.skip(f"no kernel attachment: {kernel.why()}")
    if os.geteuid():
        pytest.skip("only root may put a NAT into the lab's namespace")
    done = subprocess.run(
        kernel.argv("small", "blocked", [sys.executable, str(PROGRAM), url]),
        env=kernel.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == SKIP:
        pytest.skip(f"no NAT here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    answer: list[Any] = json.loads(done.stdout)
    return answer
