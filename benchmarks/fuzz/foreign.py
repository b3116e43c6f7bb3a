"""Fuzz targets: measurements of ours, OONI's, RIPE Atlas' and scamper's, by every way that loads them."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Hashable, Iterator
from functools import cache
from typing import Any

import pyarrow as pa

from benchmarks import ooni_mix
from benchmarks.fuzz import samples, shapes
from benchmarks.fuzz.packets import dns_seeds
from benchmarks.fuzz.registry import Target
from benchmarks.fuzz.watch import Differs
from gatewatch.records import HopReply, Measurement, MplsLabel, TraceKeys, decode, dumps, loads
from gatewatch.records.atlas import measurement, to_atlas
from gatewatch.records.scamper import to_scamper
from gatewatch_analysis.loading import formats
from gatewatch_analysis.loading.blocks import Block
from gatewatch_analysis.loading.loader import Loader
from gatewatch_analysis.loading.measured.columns import Rows
from gatewatch_analysis.loading.observations.observe import Observer
from gatewatch_analysis.loading.sources import Source

# Python reads no number of so many digits (int_max_str_digits), and so the slow way does not read its line;
# the fast way steps over it where nobody asks for it.  The one difference that is meant to be.
_LONG_NUMBER = re.compile(rb"[0-9]{4301}")
_SOURCE = Source("fuzz.jsonl", "fuzz")


def records(data: bytes) -> Hashable:
    """Read a line as a record and write it: read again, it must be the same, and be written the same."""
    try:
        m, odd = loads(data)
    except (ValueError, TypeError) as error:
        return type(error).__name__
    written = dumps(m)
    again, _ = loads(written.decode("utf-8", "surrogatepass"))
    if dumps(again) != written:
        raise Differs("a record changes when it is written twice")
    return m.test_name, len(odd), len(m.extra)


def _imported(data: bytes, kind: str) -> Measurement | str:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return "no JSON"
    if not isinstance(value, dict) or value.get("type") != kind:
        return "another kind"
    try:
        made = formats.read(value)
    except ValueError as error:
        return str(error)[:40]
    return made if made is not None else "nothing"


def _traced(data: bytes, kind: str) -> Hashable:
    made = _imported(data, kind)
    if isinstance(made, str):
        return made
    keys, odd = decode(TraceKeys, dict(made.test_keys.extra))
    dumps(made)
    if isinstance(keys.replies, tuple) and isinstance(keys.destination, str) and not odd:
        to_atlas(made, keys), to_scamper(made, keys)
    return min(len(keys.replies or ()), 20), len(odd), keys.reached, keys.failure is None


def _trace() -> tuple[Measurement, TraceKeys]:
    label = MplsLabel(label=5, traffic_class=0, bottom=True, ttl=1)
    replies = (
        HopReply(ttl=1, address=None),
        HopReply(ttl=2, address="203.0.113.1", rtt=1.5, icmp_type=11, icmp_code=0, reply_ttl=62),
        HopReply(ttl=3, address="203.0.113.2", rtt=9.0, icmp_type=3, icmp_code=13, labels=(label,)),
        HopReply(ttl=4, address="198.51.100.9", rtt=20.25, name="a.example"),
    )
    keys = TraceKeys(
        protocol="udp",
        destination="198.51.100.9",
        source_port=4000,
        destination_port=33434,
        reached=True,
        replies=replies,
        stop="reached",
    )
    return measurement(keys, 1_700_000_000, "www.example.com", 3.0, "gatewatch"), keys


def _atlas_seeds() -> list[bytes]:
    made = to_atlas(*_trace())
    real = {**made, "msm_id": 5001, "prb_id": 6, "from": "192.0.2.9", "endtime": 1_700_000_009}
    failed = {**made, "result": [{"hop": 1, "error": "connect failed"}]}
    late = {
        **made,
        "result": [{"hop": 255, "result": [{"x": "*"}, {"from": "198.51.100.9", "late": 2}, {"error": "e"}]}],
    }
    return [json.dumps(value).encode() for value in (made, real, failed, late)]


def atlas_dns(data: bytes) -> Hashable:
    """Read a DNS result of RIPE Atlas."""
    made = _imported(data, "dns")
    if isinstance(made, str):
        return made
    dumps(made)
    queries = made.test_keys.queries or ()
    return (
        len(queries),
        frozenset(q.failure for q in queries if len(q.failure or "") < 40),
        made.input is None,
    )


def _atlas_dns_seeds() -> list[bytes]:
    packed = [base64.b64encode(data).decode() for data in dns_seeds()]
    one = {"type": "dns", "timestamp": 1_700_000_000, "msm_id": 1, "prb_id": 2, "fw": 5020, "proto": "UDP"}
    found: list[dict[str, Any]] = [
        {**one, "dst_addr": "9.9.9.9", "qbuf": packed[0], "result": {"rt": 12.5, "size": 99, "abuf": abuf}}
        for abuf in packed
    ]
    rows = [
        {
            "time": 1_700_000_001,
            "dst_addr": "192.0.2.1",
            "dst_port": "53",
            "result": {"rt": 1, "abuf": packed[2]},
        }
    ]
    found.append({**one, "resultset": [*rows, {"error": {"timeout": 5000}, "dst_name": "a.example"}]})
    return [json.dumps(value).encode() for value in found]


@cache
def _loader(fast: bool) -> Loader:
    """One for all inputs: its tables cost more than most of these lines."""
    return Loader(fast=fast)


def _loaded(data: bytes, *, fast: bool) -> tuple[dict[str, Any], int]:
    loader = _loader(fast)
    before = loader.slow
    loader.block(_SOURCE, Block("fuzz.jsonl", 1, data))
    loaded = loader.take()
    tables = {name: t.to_pylist() if len(t) else [] for name, t in loaded.others.items()}
    return {"measurements": [*_rows(loaded.measurements)], **tables}, loader.slow - before


def _rows(rows: Rows) -> Iterator[tuple[Any, ...]]:
    """Give rows with what their numbers stand for, which each way gives in an order of its own."""
    for c in rows.chunks:
        about = c.inputs.to_pylist(), c.hosts.to_pylist(), c.starts.tolist(), c.runtimes.tolist()
        for i, cells in enumerate(zip(*about, c.numbers.tolist(), strict=True)):
            known = rows.vantages[c.vantages[i]], rows.tests[c.tests[i]], rows.categories[c.categories[i]]
            yield (*known, rows.verdicts[c.verdicts[i]], *cells)


def load(data: bytes) -> Hashable:
    """Load lines both ways: every cell of every table must be the same."""
    quick, slow = _loaded(data, fast=True)
    whole, _ = _loaded(data, fast=False)
    if repr(quick) != repr(whole) and not _LONG_NUMBER.search(data):
        odd = next(name for name in quick if repr(quick[name]) != repr(whole[name]))
        raise Differs(f"{odd}: {str(quick[odd])[:200]} and not {str(whole[odd])[:200]}")
    rules = [row[3].rule for row in quick["measurements"]]
    return slow, tuple(rules)[:2], len(quick["problems"]), len(quick["hops"])


def observe(data: bytes) -> Hashable:
    """Take a line's observations, and make a table of them."""
    observer = Observer("fuzz")
    observer.block(enumerate(data.split(b"\n"), 1))
    told = len(observer.problems)
    if not len(observer):
        return told
    made: pa.Table = observer.take()
    made.validate(full=True)
    return told, min(len(made), 60), observer.read, observer.aside


@cache
def _web() -> list[bytes]:
    small = sorted(ooni_mix.each(1, 11), key=len)
    return [line.strip() for line in small[:: max(1, len(small) // 24)] if len(line) < 12_000]


@cache
def _tests() -> list[bytes]:
    made, _ = _trace()
    found = [dumps(made).strip(), *_atlas_seeds()[:2], *_atlas_dns_seeds()[-1:]]
    found += [line.strip() for line in ooni_mix.lines(6, 3)]
    for name, keys in _OURS.items():
        about = {
            "test_name": name,
            "input": "https://www.example.com/",
            "probe_cc": "KH",
            "probe_asn": "AS38623",
        }
        made_at = {"measurement_start_time": "2026-01-01 00:00:00", "report_id": f"r-{name}"}
        found.append(json.dumps({**about, **made_at, "test_keys": keys}).encode())
    return found


_SILENT = {"success": False, "failure": "generic_timeout_error"}
_RELAY = {"ip": "128.31.0.39", "port": 9101, "status": {"success": True}}
_OURS: dict[str, dict[str, Any]] = {
    "locate": {
        "x_gatewatch_locate": [
            {
                "method": "tls",
                "name": "www.example.com",
                "address": "203.0.113.9",
                "port": 443,
                "before": 4,
                "after": 5,
                "confidence": 0.9,
                "hops": [{"ttl": 4, "address": "203.0.113.1", "rtt": 4.0}],
            }
        ]
    },
    "contrast": {"x_gatewatch_contrast": [{"address": "203.0.113.9", "outcome": "reset", "name": "a"}]},
    "telegram": {
        "queries": [
            {
                "hostname": "web.telegram.org",
                "query_type": "A",
                "failure": None,
                "answers": [{"answer_type": "A", "ipv4": "149.154.167.99"}],
            }
        ],
        "tcp_connect": [{"ip": "149.154.167.50", "port": 443, "status": _SILENT}],
        "requests": [
            {"request": {"url": "https://web.telegram.org/"}, "response": {"code": 200, "body": "x"}}
        ],
    },
    "tor": {"targets": {"a": {"target_protocol": "or_port_dirauth", "tcp_connect": [_RELAY]}}},
}
TARGETS = {
    "records": Target(records, lambda: [*_tests(), *_web()[:6]], shapes.tree),
    "atlas": Target(lambda data: _traced(data, "traceroute"), _atlas_seeds, shapes.tree),
    "atlas-dns": Target(atlas_dns, _atlas_dns_seeds, shapes.tree),
    "scamper": Target(
        lambda data: _traced(data, "trace"), lambda: [json.dumps(to_scamper(*_trace())).encode()], shapes.tree
    ),
    "ooni-load": Target(load, lambda: [*_web(), *samples.each_line("ooni_qa/*.json", 12)], shapes.tree_lines),
    "ooni-tests": Target(load, lambda: [*_tests(), b"\n".join(_tests()[:5])], shapes.tree_lines),
    "ooni-observe": Target(observe, lambda: [*_web()[:12], *_tests()], shapes.tree_lines),
}
