"""report: the page of a dataset of 100,000 measurements: how long it takes, and how large it is.

The dataset is made here: four countries, twelve ISPs each, runs of 500 sites with verdicts, and a trace to
every fiftieth.  Loading is part of the time, as a reader waits for both.  The peer is the time that reading
the same lines as JSON takes, and nothing else: what no report can do without.
"""

from __future__ import annotations

import json
import random
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.beside import beside

GOAL_SECONDS, GOAL_BYTES = 30.0, 5e6
_COUNTRIES = ("KH", "TH", "MY", "NP")
_ISPS = 12
_SITES = 500
_WAYS = ("dns.nxdomain", "dns.redirect", "tls.reset", "tcp.timeout", "http.blockpage")


def dataset(folder: Path, count: int, seed: int = 1) -> Path:
    """Write run folders with so many measurements."""
    rng = random.Random(seed)
    written = 0
    run = 0
    while written < count:
        country, number = _COUNTRIES[run % 4], run // 4 % _ISPS
        asn = 64512 + 100 * (run % 4) + number
        day = datetime(2023, 1, 1, tzinfo=UTC) + timedelta(days=run // (4 * _ISPS) * 9)
        path = folder / f"run-{run:04}"
        path.mkdir()
        about = {"vantage": {"country": country, "asn": f"AS{asn}", "isp": f"{country} ISP {number}"}}
        (path / "run.json").write_text(json.dumps({**about, "state": "done", "lab": None}))
        (path / "prefixes.csv").write_text(_prefixes())
        with (path / "measurements.jsonl").open("w") as stream:
            for site in range(min(_SITES, count - written)):
                stream.write(json.dumps(_measurement(country, number, asn, day, site, rng)) + "\n")
                written += 1
        run += 1
    return folder


def _prefixes() -> str:
    rows = [
        "prefix,asn,country,name",
        "63.218.0.0/16,3491,US,PCCW Global",
        "104.16.0.0/13,13335,US,Cloudflare",
    ]
    for k, country in enumerate(_COUNTRIES):
        rows += [
            f"{101 + k}.{n}.0.0/16,{64512 + 100 * k + n},{country},{country} ISP {n}" for n in range(_ISPS)
        ]
    return "\n".join(rows) + "\n"


def _measurement(country: str, number: int, asn: int, day: datetime, site: int, rng: random.Random) -> Any:
    start = f"{day + timedelta(minutes=site // 8):%Y-%m-%d %H:%M:%S}"
    whole: dict[str, Any] = {
        "data_format_version": "0.2.0",
        "measurement_start_time": start,
        "test_start_time": start,
        "probe_asn": f"AS{asn}",
        "probe_cc": country,
        "probe_network_name": f"{country} ISP {number}",
        "software_name": "gatewatch",
        "software_version": "0.1.0",
        "test_runtime": 1.0,
        "test_version": "0.1.0",
    }
    if site % 50 == 0:
        first = 101 + _COUNTRIES.index(country)
        hops = [
            ("192.168.1.1", 0.5),
            (f"{first}.{number}.0.1", 3.0),
            ("63.218.10.5", 20.0),
            ("104.16.1.1", 40.0),
        ]
        replies = [
            {"ttl": ttl, "address": a, "rtt": rtt, "icmp_type": 11} for ttl, (a, rtt) in enumerate(hops, 1)
        ]
        keys = {"protocol": "udp", "destination": "104.16.1.1", "reached": True, "replies": replies}
        return {**whole, "test_name": "trace", "input": "104.16.1.1", "test_keys": keys}
    blocked = site < 60 and rng.random() < 0.95
    layer, method = _WAYS[(number + site // 20) % len(_WAYS)].split(".")
    status = "blocked" if blocked else "ok" if rng.random() < 0.97 else "down"
    label = f"blocked({layer}.{method})" if blocked else status
    verdict = {"status": status, "label": label, "rule": label, "confidence": 0.9, "evidence": []}
    verdict |= {"layer": layer if blocked else None, "method": method if blocked else None}
    return {
        **whole,
        "test_name": "web_connectivity",
        "input": f"https://www.site-{site}.example/",
        "test_keys": {},
        "x_gatewatch_target": {
            "category": ("NEWS", "POLR", "HUMR", "COMT")[site % 4],
            "risk": "low",
            "lists": [],
        },
        "x_gatewatch_verdict": verdict,
    }


def run(quick: bool) -> dict[str, Any]:
    """Measure."""
    from gatewatch_analysis.loading import load
    from gatewatch_analysis.page.report import report

    count = 20_000 if quick else 100_000
    with tempfile.TemporaryDirectory() as name:
        folder = dataset(Path(name), count)
        began = time.perf_counter()
        read = sum(1 for file in folder.rglob("*.jsonl") for line in file.open() if json.loads(line))
        plain = time.perf_counter() - began
        assert read == count
        began = time.perf_counter()
        loaded = load([folder])
        loading = time.perf_counter() - began
        page = report(loaded)
        seconds = time.perf_counter() - began
    size = len(page.encode())
    return {
        "goals": [
            {
                "name": f"seconds for the page of {count:,} measurements",
                "value": f"{seconds:.1f}",
                "goal": f"at most {GOAL_SECONDS:.0f}",
                "met": seconds <= GOAL_SECONDS,
                "beside": beside("json.loads of the same lines, s", seconds, plain),
            },
            {
                "name": "its size in MB",
                "value": f"{size / 1e6:.2f}",
                "goal": f"at most {GOAL_BYTES / 1e6:.0f}",
                "met": size <= GOAL_BYTES,
            },
        ],
        "peer": {
            "json.loads": f"{plain:.1f} s for the same lines; the page takes {seconds / plain:.1f} times that"
        },
        "detail": {"loading": f"{loading:.1f} s", "measurements": count},
    }
