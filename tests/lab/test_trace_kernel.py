"""gatewatch trace with the kernel's own sockets, raw and unprivileged, on the lab's paths with habits."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from gatewatch.lab import kernel
from gatewatch.lab.country.scenario import load
from gatewatch.net.tracing import raw
from gatewatch.records import TraceKeys, decode
from gatewatch.records.atlas import from_atlas

PATHS = load("paths")
FAR, FAR6 = "8.8.8.8", "2001:4860:4860::8888"
# Whether the lab's client may open raw sockets: as root, or in a user namespace of its own, it may.
WAYS = [("udp", True), ("udp", False), ("tcp", True), ("tcp", False), ("icmp", True)]


@pytest.fixture(autouse=True)
def attachment() -> None:
    if kernel.available() is None:
        pytest.skip(f"no kernel attachment: {kernel.why()}")


def command(isp: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        kernel.argv("paths", isp, [sys.executable, "-m", "gatewatch", "trace", "--quiet", *arguments]),
        env=kernel.environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def traced(isp: str, address: str, *arguments: str) -> TraceKeys:
    done = command(isp, address, "--json", *arguments)
    if "not permitted" in done.stderr or "needs CAP_NET_RAW" in done.stderr:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    assert done.returncode == 0, done.stderr
    keys, problems = decode(TraceKeys, json.loads(done.stdout)["test_keys"])
    assert problems == ()
    return keys


@pytest.mark.parametrize("address", [FAR, FAR6])
@pytest.mark.parametrize(("protocol", "privileged"), WAYS)
def test_every_protocol_names_every_router(protocol: str, privileged: bool, address: str) -> None:
    if privileged and not raw.permitted():
        pytest.skip("raw sockets need CAP_NET_RAW")
    keys = traced("diamonds", address, "-P", protocol, *(() if privileged else ("--no-raw",)))
    hops = PATHS.isp("diamonds").path
    assert keys.reached and keys.hops[-1].addresses == (address,)
    assert (keys.method == "raw") is privileged
    # The first hops are truncated in what is printed.
    for hop, truth in zip(keys.hops[2:], hops[2:], strict=False):
        assert len(hop.addresses) == 1 and hop.addresses[0] in truth.of(":" in address), hop
        # However busy the machine: a sum of other hops' or another unit would be further off.
        assert hop.rtt is not None and 2 * truth.ms <= hop.rtt < 2 * truth.ms + 300
    assert [hop.back for hop in keys.hops[:6]] == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("privileged", [True, False])
def test_labels(privileged: bool) -> None:
    if privileged and not raw.permitted():
        pytest.skip("raw sockets need CAP_NET_RAW")
    keys = traced("labels", FAR, *(() if privileged else ("--no-raw",)))
    found = {r.ttl: [x.label for x in r.labels] for r in keys.replies if r.labels}
    assert found == {3: [24015, 16], 4: [24102, 16], 5: [16]}


@pytest.mark.parametrize("arguments", [("--no-raw",), ()])
def test_multipath(arguments: tuple[str, ...]) -> None:
    hops = PATHS.isp("diamonds").path
    # Its confidence is a promise, and no more: at 0.99 a branch is missed once in a hundred runs.
    for _ in range(3):
        keys = traced("diamonds", FAR, "--multipath", "0.99", *arguments)
        widths = {branch.ttl: len(branch.addresses) for branch in keys.branches if 3 <= branch.ttl <= 6}
        if widths == {3: 1, 4: 4, 5: 4, 6: 1}:
            break
    assert widths == {3: 1, 4: 4, 5: 4, 6: 1}
    assert all(branch.complete for branch in keys.branches)
    assert set(next(b for b in keys.branches if b.ttl == 4).addresses) == set(hops[3].of(False))


def test_many_at_once_in_the_words_of_ripe_atlas() -> None:
    done = command("labels", "8.8.8.8", "1.1.1.1", "9.9.9.9", "--atlas", "--repeats", "1")
    assert done.returncode == 0, done.stderr
    rows: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["dst_addr"] for row in rows] == ["8.8.8.8", "1.1.1.1", "9.9.9.9"]
    for row in rows:
        keys, _ = decode(TraceKeys, dict(from_atlas(row).test_keys.extra))
        assert keys.reached and "192.168.1.1" not in json.dumps(row)
