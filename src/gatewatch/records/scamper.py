"""Traceroutes as scamper's ``sc_warts2json`` writes them, both ways.

Fields as in scamper 20211212 (utils/sc_warts2json): hops hold the answers only, ``probe_ttl`` and
``probe_id`` say to which probe; silence is a probe that no hop tells of.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from gatewatch.records.atlas import _is_address, _seconds, measurement
from gatewatch.records.hop import HopReply, MplsLabel, TraceKeys
from gatewatch.records.measurement import Measurement

# What scamper calls the methods that keep a flow constant, and its reasons for stopping.
_METHODS = {"udp": "udp-paris", "icmp": "icmp-echo-paris", "tcp": "tcp"}
_STOPS = {
    "reached": "COMPLETED",
    "unreachable": "UNREACH",
    "loop": "LOOP",
    "gap": "GAPLIMIT",
    "max_ttl": "HOPLIMIT",
}
# Silence that a line may tell of in its few numbers: as much as scamper's defaults leave three times over
# (five TTLs, asked twice each), and some for each answer, which takes the line forty bytes and more.
_SILENT, _FOR_EACH_ANSWER = 32, 8
_REASONS = {reason: stop for stop, reason in _STOPS.items()}


def to_scamper(m: Measurement, keys: TraceKeys) -> dict[str, Any]:
    """Write a trace as scamper does; the vantage's address is not in it."""
    first = [reply for reply in keys.replies if not reply.flow]
    asked = Counter(reply.ttl for reply in first)
    hops = [_hop(reply) for reply in first if reply.address is not None and _is_address(reply.address)]
    began = _seconds(m.measurement_start_time)
    return {
        "type": "trace",
        "version": "0.1",
        "userid": 0,
        "method": _METHODS.get(keys.protocol, keys.protocol),
        "src": "",
        "dst": keys.destination,
        **({"sport": keys.source_port} if keys.source_port is not None else {}),
        **({"dport": keys.destination_port} if keys.destination_port is not None else {}),
        "stop_reason": _STOPS.get(keys.stop or "", "NONE"),
        "stop_data": 0,
        "start": {"sec": began, "usec": 0, "ftime": m.measurement_start_time or ""},
        "hop_count": max(asked, default=0),
        "attempts": max(asked.values(), default=1),
        "hoplimit": 0,
        "firsthop": min(asked, default=1),
        "wait": 1,
        "wait_probe": 0,
        "tos": 0,
        "probe_size": 40,
        "probe_count": sum(asked.values()),
        "hops": hops,
    }


def _hop(reply: HopReply) -> dict[str, Any]:
    row: dict[str, Any] = {
        "addr": reply.address,
        "name": reply.name,
        "probe_ttl": reply.ttl,
        "probe_id": reply.attempt + 1,
        "probe_size": 40,
        "rtt": reply.rtt,
        "reply_ttl": reply.reply_ttl,
        "icmp_type": reply.icmp_type,
        "icmp_code": reply.icmp_code,
        "icmp_q_ttl": reply.quoted_ttl,
    }
    row = {key: value for key, value in row.items() if value is not None}
    if reply.labels:
        stack = [
            {"mpls_label": x.label, "mpls_exp": x.traffic_class, "mpls_s": int(x.bottom), "mpls_ttl": x.ttl}
            for x in reply.labels
        ]
        row["icmpext"] = [{"ie_cn": 1, "ie_ct": 1, "ie_dl": 4 * len(stack), "mpls_labels": stack}]
    return row


def from_scamper(data: Mapping[str, Any]) -> Measurement:
    """Read a trace; raises ValueError or TypeError when it is none.

    Silence is not written out without end: where numbers of a short line tell of more than a trace can have
    met, first the attempts and then the TTLs are fewer.
    """
    destination = data.get("dst")
    if data.get("type") != "trace" or not isinstance(destination, str) or not _is_address(destination):
        raise ValueError("not a trace of scamper's")
    attempts = int(data.get("attempts") or 1)
    heard = [_reply(row) for row in data.get("hops", ())]
    by_ttl: dict[int, list[HopReply]] = {}
    for reply in heard:
        by_ttl.setdefault(reply.ttl, []).append(reply)
    last = int(data.get("hop_count") or max(by_ttl, default=0))
    # scamper does not write silence down: a TTL without an answer was asked as often as it tries.
    ttls = range(max(int(data.get("firsthop") or 1), 1), min(last, 255) + 1)
    room = _SILENT + _FOR_EACH_ANSWER * len(heard)
    silent = [ttl for ttl in ttls if ttl not in by_ttl][:room]
    tries = min(attempts, max(room // max(len(silent), 1), 1))
    by_ttl |= {
        ttl: [HopReply(ttl=ttl, address=None, attempt=attempt) for attempt in range(tries)] for ttl in silent
    }
    replies = tuple(reply for ttl in ttls for reply in by_ttl.get(ttl, ()))
    method = str(data.get("method", ""))
    stop = _REASONS.get(str(data.get("stop_reason")))
    keys = TraceKeys(
        protocol=method.partition("-")[0],
        destination=destination,
        source_port=data.get("sport"),
        destination_port=None if method.startswith("icmp") else data.get("dport"),
        reached=stop == "reached" or any(reply.address == destination for reply in heard),
        replies=replies,
        stop=stop,
    )
    start = data.get("start") or {}
    return measurement(keys, int(start.get("sec", 0)), destination, None, "scamper")


def _reply(row: Mapping[str, Any]) -> HopReply:
    address = row.get("addr")
    if not isinstance(address, str) or not _is_address(address):
        raise ValueError("a hop without an address")
    labels = [entry for found in row.get("icmpext", ()) for entry in found.get("mpls_labels", ())]
    return HopReply(
        ttl=int(row["probe_ttl"]),
        address=address,
        rtt=row.get("rtt"),
        icmp_type=row.get("icmp_type"),
        icmp_code=row.get("icmp_code"),
        attempt=max(int(row.get("probe_id") or 1) - 1, 0),
        reply_ttl=row.get("reply_ttl"),
        quoted_ttl=row.get("icmp_q_ttl"),
        name=row.get("name"),
        labels=tuple(
            MplsLabel(
                label=entry["mpls_label"],
                traffic_class=entry.get("mpls_exp", 0),
                bottom=bool(entry.get("mpls_s")),
                ttl=entry.get("mpls_ttl", 1),
            )
            for entry in labels
        ),
    )
