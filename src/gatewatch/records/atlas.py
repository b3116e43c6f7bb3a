"""Traceroutes as RIPE Atlas writes them, both ways.

The format: https://atlas.ripe.net/docs/apis/result-format/ (version 5000).  Atlas knows no flows beside the
first, and where a hop is withheld for the volunteer's sake it stays silent.  Imported, a trace has no source
port (Atlas tells a Paris id instead) and its summary of hops is left to whoever analyses it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from gatewatch.records.hop import HopReply, MplsLabel, TraceKeys
from gatewatch.records.measurement import TIME_FORMAT, Measurement, TestKeys

# The firmware whose format is written; ids of measurements and probes are given by Atlas, and we have none.
_FIRMWARE = 5020
_MINIMUM_FIELDS = ("type", "msm_id", "prb_id", "timestamp", "result")
_UNREACHABLE = 3
# ICMP codes as Atlas writes them, and back; port unreachable by the destination is no error.
_ERRORS = {0: "N", 1: "H", 2: "P", 3: "p", 13: "A"}
_CODES = {letter: code for code, letter in _ERRORS.items()}


def to_atlas(m: Measurement, keys: TraceKeys) -> dict[str, Any]:
    """Write a trace as an Atlas result; the vantage's addresses are not in it."""
    began = _seconds(m.measurement_start_time)
    rows: dict[int, list[dict[str, Any]]] = {}
    for reply in keys.replies:
        if not reply.flow:
            rows.setdefault(reply.ttl, []).append(_packet(reply))
    made: dict[str, Any] = {
        "fw": _FIRMWARE,
        "type": "traceroute",
        "msm_id": 0,
        "prb_id": 0,
        "msm_name": "Traceroute",
        "timestamp": began,
        "endtime": began + round(m.test_runtime or 0),
        "af": 6 if ":" in keys.destination else 4,
        "dst_name": m.input or keys.destination,
        "dst_addr": keys.destination,
        "proto": keys.protocol.upper(),
        "paris_id": 1,
        "size": 12,
        "result": [{"hop": ttl, "result": row} for ttl, row in sorted(rows.items())],
    }
    if keys.failure is not None:
        made["result"] = [{"hop": 1, "error": keys.failure}]
    return made


def _packet(reply: HopReply) -> dict[str, Any]:
    if reply.address is None or not _is_address(reply.address):
        return {"x": "*"}
    packet: dict[str, Any] = {"from": reply.address}
    optional = {"ttl": reply.reply_ttl, "rtt": reply.rtt, "ittl": reply.quoted_ttl}
    packet |= {key: value for key, value in optional.items() if value is not None}
    if reply.icmp_type == _UNREACHABLE and reply.icmp_code != 3:
        packet["err"] = _ERRORS.get(reply.icmp_code or 0, reply.icmp_code or 0)
    if reply.labels:
        stack = [
            {"label": x.label, "exp": x.traffic_class, "s": int(x.bottom), "ttl": x.ttl} for x in reply.labels
        ]
        packet["icmpext"] = {"version": 2, "rfc4884": 1, "obj": [{"class": 1, "type": 1, "mpls": stack}]}
    return packet


def from_atlas(data: Mapping[str, Any]) -> Measurement:
    """Read an Atlas traceroute result; raises ValueError or TypeError when it is none."""
    if data.get("type") != "traceroute" or any(field not in data for field in _MINIMUM_FIELDS):
        raise ValueError("not a traceroute result of RIPE Atlas")
    destination = str(data.get("dst_addr") or "")
    if not _is_address(destination):
        raise ValueError("the result names no destination address")
    replies: list[HopReply] = []
    failure: str | None = None
    for hop in data["result"]:
        if "error" in hop:
            failure = f"unknown_failure: {hop['error']}"
            continue
        for attempt, packet in enumerate(hop.get("result", ())):
            replies.append(_reply(int(hop["hop"]), attempt, packet, destination))
    keys = TraceKeys(
        protocol=str(data.get("proto", "")).lower(),
        destination=destination,
        source_port=None,
        destination_port=None,
        reached=any(reply.address == destination for reply in replies),
        replies=tuple(replies),
        failure=failure if not replies else None,
    )
    began, ended = int(data["timestamp"]), data.get("endtime")
    runtime = float(ended - began) if isinstance(ended, int) else None
    return measurement(keys, began, str(data.get("dst_name") or destination), runtime, "ripe-atlas")


def _reply(ttl: int, attempt: int, packet: Mapping[str, Any], destination: str) -> HopReply:
    address = packet.get("from")
    if not isinstance(address, str) or not _is_address(address):
        return HopReply(ttl=ttl, address=None, attempt=attempt)
    error = packet.get("err")
    there = address == destination and error is None
    code = _CODES.get(error, error) if isinstance(error, str) else error
    return HopReply(
        ttl=ttl,
        address=address,
        rtt=packet.get("rtt"),
        # Atlas names errors only; what else comes from a router is "time exceeded".
        icmp_type=_UNREACHABLE if error is not None else None if there else 11,
        icmp_code=code if isinstance(code, int) else None if there or error is not None else 0,
        attempt=attempt,
        reply_ttl=packet.get("ttl"),
        quoted_ttl=packet.get("ittl"),
        labels=tuple(
            MplsLabel(
                label=entry["label"],
                traffic_class=entry.get("exp", 0),
                bottom=bool(entry.get("s")),
                ttl=entry.get("ttl", 1),
            )
            for found in (packet.get("icmpext") or {}).get("obj", ())
            for entry in found.get("mpls", ())
        ),
    )


def measurement(keys: TraceKeys, began: int, name: str, runtime: float | None, software: str) -> Measurement:
    """Wrap an imported trace into a measurement that says whose it is."""
    from gatewatch.records.codec import encode

    start = datetime.fromtimestamp(began, UTC).strftime(TIME_FORMAT)
    return Measurement(
        input=name,
        measurement_start_time=start,
        test_start_time=start,
        software_name=software,
        software_version="",
        test_name="trace",
        test_runtime=runtime,
        test_keys=TestKeys(extra=encode(keys)),
    )


def _seconds(text: str | None) -> int:
    try:
        return int(datetime.strptime(text or "", TIME_FORMAT).replace(tzinfo=UTC).timestamp())
    except ValueError:
        return 0


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
