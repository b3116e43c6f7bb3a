"""One reply to a traceroute probe, what each hop comes to, and the trace they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gatewatch.records.field import doc, extra


@dataclass(frozen=True, slots=True, kw_only=True)
class MplsLabel:
    """One entry of the label stack that a packet carried where it expired (RFC 4950, RFC 3032 2.1)."""

    label: int = doc("the label, 20 bits")
    traffic_class: int = doc("traffic class, formerly experimental bits", 0)
    bottom: bool = doc("whether it is the last of its stack", False)
    ttl: int = doc("TTL of the entry", 1)
    extra: Mapping[str, Any] = extra()


@dataclass(frozen=True, slots=True, kw_only=True)
class HopReply:
    """What one probe at one TTL brought back; silence is a reply with no address."""

    ttl: int = doc("TTL of the probe, that is the hop's number from the vantage", unit="hops")
    address: str | None = doc("who answered; null for silence")
    rtt: float | None = doc("round-trip time", None, unit="ms")
    icmp_type: int | None = doc(
        "ICMP type of the answer, in RFC 792's numbers: 11 time exceeded, 3 unreachable, 0 echo reply; null "
        "for an answer over TCP",
        None,
    )
    icmp_code: int | None = doc("ICMP code of the answer", None)
    attempt: int = doc("which probe at this TTL, from 0", 0)
    t: float | None = doc("when the answer came or the wait ended", None, unit="s")
    reply_ttl: int | None = doc("IP TTL with which the answer came in", None, unit="hops")
    quoted_ttl: int | None = doc(
        "TTL of our probe as the answer quotes it, where that can be seen", None, unit="hops"
    )
    labels: tuple[MplsLabel, ...] = doc("MPLS label stack, outermost first (RFC 4950)", ())
    name: str | None = doc("reverse DNS name of the address, where whoever traced asked for it", None)
    flow: int = doc("which flow, from 0; only multipath discovery has several", 0)
    extra: Mapping[str, Any] = extra()


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceHop:
    """What all replies at one TTL on the first flow come to."""

    ttl: int = doc("the hop's number", unit="hops")
    addresses: tuple[str, ...] = doc("who answered, most often first; none: silent", ())
    rtt: float | None = doc("least round-trip time of the first of them", None, unit="ms")
    asked: int = doc("probes sent", 0)
    answered: int = doc("answers", 0)
    state: str = doc(
        "answers, silent, or limited: some probes answered and others not, although hops further on lost none"
    )
    back: int | None = doc(
        "routers on the way back, estimated from the answer's TTL and the usual first TTLs 64, 128, 255",
        None,
        unit="hops",
    )
    asn: int | None = doc("AS that announces the first address, where a table of prefixes is here", None)
    country: str | None = doc("country that its prefix is listed under; not where the router stands", None)
    ixp: str | None = doc("exchange whose peering LAN it is in", None)
    extra: Mapping[str, Any] = extra()


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceBranch:
    """What multipath discovery found at one TTL."""

    ttl: int = doc("the hop's number", unit="hops")
    addresses: tuple[str, ...] = doc("all routers that answered there, over all flows", ())
    flows: int = doc("flows whose probe was answered there", 0)
    complete: bool = doc("whether so many flows were asked that the stated confidence holds", False)
    extra: Mapping[str, Any] = extra()


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceLink:
    """Two routers that one flow met one behind the other."""

    ttl: int = doc("the nearer one's hop number", unit="hops")
    near: str = doc("the nearer router")
    far: str = doc("the one behind it")
    extra: Mapping[str, Any] = extra()


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceKeys:
    """test_keys of a ``trace``: one flow held constant (Paris traceroute), every reply kept."""

    protocol: str = doc("udp, icmp or tcp")
    destination: str = doc("address traced to")
    source_port: int | None = doc("source port, the same for every probe; of ICMP the identifier")
    destination_port: int | None = doc("destination port, the same for every probe; null for ICMP")
    reached: bool = doc("whether the destination itself answered")
    replies: tuple[HopReply, ...] = doc("replies by flow, TTL, then attempt")
    failure: str | None = doc("df-007 failure when the trace could not be sent", None)
    method: str | None = doc(
        "how answers were heard: raw sockets, the error queue, or connects (SYNs one at a time)", None
    )
    stop: str | None = doc(
        "why the trace ended: reached, unreachable (a router said so), loop, gap (silent hops) or max_ttl",
        None,
    )
    hops: tuple[TraceHop, ...] = doc("what each TTL comes to", ())
    loops: tuple[int, ...] = doc(
        "TTLs at which a router answered that had answered nearer by", (), unit="hops"
    )
    changed: tuple[int, ...] = doc(
        "TTLs at which one flow met different routers: the path changed meanwhile", (), unit="hops"
    )
    branches: tuple[TraceBranch, ...] = doc("multipath discovery, where it was asked for", ())
    links: tuple[TraceLink, ...] = doc("multipath discovery: which router leads to which", ())
    confidence: float | None = doc(
        "multipath discovery: the chance, at each complete hop, that no branch was missed", None
    )
    extra: Mapping[str, Any] = extra()
