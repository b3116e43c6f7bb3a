"""Real kernels believe the lab's routers: the same script on the paths of scenario `paths`, in memory too."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
import trio
from tests.lab import wayfarer
from trio.testing import MockClock

from gatewatch.lab import kernel
from gatewatch.lab.country.scenario import load
from gatewatch.lab.memory import attached

_done: dict[tuple[str, str], dict[str, Any]] = {}
ISPS = sorted(wayfarer.ERRANDS)


def in_memory(isp: str) -> dict[str, Any]:
    async def main() -> dict[str, Any]:
        async with attached(load("paths"), isp):
            return await wayfarer.run(isp)

    return trio.run(main, clock=MockClock(autojump_threshold=0))


def in_kernel(isp: str, attach: kernel.Attachment) -> dict[str, Any]:
    if kernel.available(attach) is None:
        pytest.skip(f"no {attach} attachment: {kernel.why(attach)}")
    command = kernel.argv("paths", isp, [sys.executable, "-m", "tests.lab.wayfarer", isp], attach=attach)
    done = subprocess.run(command, env=kernel.environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    results: dict[str, Any] = json.loads(done.stdout)
    return results


def results(isp: str, where: str) -> dict[str, Any]:
    if (isp, where) not in _done:
        _done[isp, where] = (
            in_memory(isp) if where == "memory" else in_kernel(isp, "tun" if where == "tun" else "veth")
        )
    return _done[isp, where]


@pytest.mark.parametrize("isp", ISPS)
def test_memory_is_like_the_kernel(isp: str) -> None:
    assert results(isp, "memory") == results(isp, "tun")


def test_a_veth_pair_carries_narrow_paths_of_both_families() -> None:
    assert results("narrow", "memory") == results("narrow", "veth")


def test_a_narrow_link_is_told_with_its_mtu() -> None:
    told, (_, _, ancillary, _, _) = results("narrow", "memory")["too big"]
    assert told == "EMSGSIZE"
    (message,) = [bytes.fromhex(value) for _, kind, value in ancillary if kind == 11]
    assert int.from_bytes(message[8:12], sys.byteorder) == 1400
    assert results("narrow", "memory")["download"] == [True]
    assert results("narrow", "memory")["upload"] == ["HTTP/1.1 "]


def test_paris_traceroutes_see_one_branch_each_and_together_all() -> None:
    traces = results("diamonds", "memory")
    hops = {sport: [hop[2] for hop in trace] for sport, trace in traces.items()}
    assert len({json.dumps(path[3:5]) for path in hops.values()}) > 1
    for path in hops.values():
        offenders = [bytes.fromhex(hop[-1][2])[20:24] for hop in path[3:5]]
        assert offenders[0][3] == offenders[1][3]  # 36.37.130.N leads to 36.37.131.N


def test_a_page_comes_through_a_lossy_and_through_a_slow_line() -> None:
    assert results("lossy", "memory")["download"] == [True]
    assert results("slow", "memory") == {"download": [True], "in time": True}
