"""Small runs made by hand, written with the project's own records."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from gatewatch.records import HopReply, Measurement, TestKeys, TraceKeys, dumps, encode

START = "2024-05-01 12:00:00"
#: One country (KH: 36.37.128.0/17, 103.5.24.0/22), one carrier abroad, and a smaller prefix inside it.
PREFIXES = """\
prefix,asn,country,name
36.37.128.0/17,38623,KH,Viettel (Cambodia)
103.5.24.0/22,45498,KH,Smart Axiata
63.218.0.0/16,3491,US,PCCW Global
63.218.7.0/24,9902,KH,Neocom
104.16.0.0/13,13335,US,Cloudflare
"""


def measurement(
    test_name: str,
    target: str,
    extra: dict[str, Any] | None = None,
    *,
    asn: int = 38623,
    name: str = "Viettel",
    cc: str = "KH",
    start: str = START,
    category: str | None = "NEWS",
    verdict: dict[str, Any] | None = None,
) -> Measurement:
    return Measurement(
        input=target,
        measurement_start_time=start,
        probe_asn=f"AS{asn}",
        probe_cc=cc,
        probe_network_name=name,
        software_version="0.1.0",
        test_keys=TestKeys(extra=extra or {}),
        test_name=test_name,
        test_runtime=1.5,
        test_start_time=start,
        x_gatewatch_target=None if category is None else {"category": category, "risk": "low", "lists": []},
        x_gatewatch_verdict=verdict,
    )


def web(target: str, label: str, *, confidence: float = 0.8, **about: Any) -> Measurement:
    """A judged web measurement; ``label`` is a status, or layer.method for blocked."""
    layer, _, method = label.partition(".")
    blocked = bool(method)
    verdict: dict[str, Any] = {
        "status": "blocked" if blocked else label.partition("(")[0],
        "layer": layer if blocked else None,
        "method": method if blocked else None,
        "label": f"blocked({label})" if blocked else label,
        "rule": f"{label}.test",
        "evidence": [],
        "confidence": confidence,
    }
    return measurement("web_connectivity", target, verdict=verdict, **about)


def trace(
    destination: str, path: Sequence[tuple[str | None, float | None]], *, reached: bool = True, **about: Any
) -> Measurement:
    """A trace with one reply a TTL, from TTL 1; the address None is silence."""
    replies = tuple(
        HopReply(ttl=ttl, address=address, rtt=rtt, icmp_type=11 if address else None, icmp_code=0)
        for ttl, (address, rtt) in enumerate(path, 1)
    )
    keys = TraceKeys(
        protocol="udp",
        destination=destination,
        source_port=4242,
        destination_port=33434,
        reached=reached,
        replies=replies,
    )
    return measurement("trace", destination, encode(keys), **about)


def write_lines(file: Path, lines: Iterable[bytes]) -> Path:
    data = b"".join(lines)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(gzip.compress(data) if file.name.endswith(".gz") else data)
    return file


def write_run(
    folder: Path,
    measurements: Iterable[Measurement],
    *,
    isp: str | None = "Metfone",
    lab: dict[str, str] | None = None,
    prefixes: str | None = None,
    compressed: bool = False,
) -> Path:
    name = "measurements.jsonl.gz" if compressed else "measurements.jsonl"
    # As the runner names them; without one, equal lines would be copies of one measurement.
    named = (replace(m, id=m.id or f"{folder.name}.{n}") for n, m in enumerate(measurements))
    write_lines(folder / name, map(dumps, named))
    about = {"vantage": {"country": "KH", "asn": "AS38623", "isp": isp}, "state": "done", "lab": lab}
    (folder / "run.json").write_text(json.dumps(about))
    if prefixes is not None:
        (folder / "prefixes.csv").write_text(prefixes)
    return folder
