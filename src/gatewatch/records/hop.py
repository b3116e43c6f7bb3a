"""One reply to a traceroute probe, and the trace it belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gatewatch.records.field import doc, extra


@dataclass(frozen=True, slots=True, kw_only=True)
class HopReply:
    """What one probe at one TTL brought back; silence is a reply with no address."""

    ttl: int = doc("TTL of the probe, that is the hop's number from the vantage", unit="hops")
    address: str | None = doc("who answered; null for silence")
    rtt: float | None = doc("round-trip time", None, unit="ms")
    icmp_type: int | None = doc("ICMP type of the answer: 11 time exceeded, 3 unreachable", None)
    icmp_code: int | None = doc("ICMP code of the answer", None)
    attempt: int = doc("which probe at this TTL, from 0", 0)
    t: float | None = doc("when the answer came or the wait ended", None, unit="s")
    extra: Mapping[str, Any] = extra()


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceKeys:
    """test_keys of a ``trace``: one flow held constant (Paris traceroute), every reply kept."""

    protocol: str = doc("udp, icmp or tcp")
    destination: str = doc("address traced to")
    source_port: int | None = doc("source port, the same for every probe")
    destination_port: int | None = doc("destination port, the same for every probe")
    reached: bool = doc("whether the destination itself answered")
    replies: tuple[HopReply, ...] = doc("replies by TTL, then attempt")
    failure: str | None = doc("df-007 failure when the trace could not be sent", None)
    extra: Mapping[str, Any] = extra()
