"""Traps met with the kernel's own sockets, whose error queue, resolver and TCP are not ours."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from benchmarks.traps import RECORD

from gatewatch.lab import kernel
from gatewatch.store import read

# Real time: only traps that end quickly.
SERVERS = ("https://tls-hello-requests", "http://interim", "https://bomb-10-gb", "http://empty-members")
INNOCENT = "https://innocent.org/"
URLS = {
    "clear": tuple(f"{url}.lab-trap.net/" for url in SERVERS),
    "names": ("https://wrong-id.net/", "https://pointer-loop.net/"),
    "icmp-foreign": (),
    "icmp-unreachable": (),
}
Rows = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rows]:
    """`gatewatch run` in namespaces, all providers at once; gives the web measurements by URL."""
    if kernel.available() is None:
        pytest.skip(f"no kernel attachment: {kernel.why()}")
    under_way = {}
    for isp, urls in URLS.items():
        folder = tmp_path_factory.mktemp(isp)
        targets = folder / "targets.txt"
        targets.write_text("\n".join((*urls, INNOCENT)), encoding="utf-8")
        command = [sys.executable, "-m", "gatewatch", "run", "--targets", str(targets), "--json", "--quiet"]
        command += ["--lab", f"hostile:{isp}", "--attach", "kernel", "--root", str(folder), "--probe", "web"]
        under_way[isp] = subprocess.Popen(
            command, env=kernel.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
    found: dict[str, Rows] = {}
    for isp, child in under_way.items():
        told, complaints = child.communicate(timeout=90)
        assert child.returncode == 0, complaints
        lines = list(read(Path(json.loads(told)["folder"])))
        assert max(map(len, lines)) < RECORD
        rows = [json.loads(line) for line in lines]
        found[isp] = {row["input"]: row for row in rows if row["test_name"] == "web_connectivity"}
    return found


def label(row: dict[str, Any]) -> str:
    return str(row["x_gatewatch_verdict"]["label"])


def test_nothing_is_lost_and_the_innocent_site_is_ok(measured: dict[str, Rows]) -> None:
    for isp, urls in URLS.items():
        assert set(measured[isp]) == {*urls, INNOCENT}
        assert label(measured[isp][INNOCENT]) == "ok", isp


def test_servers(measured: dict[str, Rows]) -> None:
    rows = measured["clear"]
    for url in URLS["clear"]:
        assert rows[url]["test_runtime"] < 20 and not label(rows[url]).startswith("blocked")
    (shaken, *_) = rows[URLS["clear"][0]]["test_keys"]["tls_handshakes"]
    assert shaken["failure"] == "unknown_failure: a flood of bytes that say nothing"


def test_the_c_librarys_resolver_meets_the_same_answers(measured: dict[str, Rows]) -> None:
    strangers, loops = (measured["names"][url] for url in URLS["names"])
    assert label(strangers) == "ok"
    # glibc calls an answer that it cannot read none at all, and a box does forge it: a block, if an odd one.
    # What counts here: it ended in time, and over a resolver that nobody forges the site was seen.
    assert label(loops) in ("inconclusive(resolver_error)", "blocked(dns.nxdomain)")
    assert loops["test_runtime"] < 20 and loops["test_keys"]["requests"][0]["response"]["code"] == 200
