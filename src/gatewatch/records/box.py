"""What deep mode sees of the filter itself: the packets it injects, and the habits they have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gatewatch.records.field import doc, extra


@dataclass(frozen=True, slots=True, kw_only=True)
class InjectedPacket:
    """A packet in the server's name that its kernel did not send, a row of a shot's ``injected``."""

    rtt: float = doc("from the trigger's leaving to its coming", unit="ms")
    told_by: tuple[str, ...] = doc(
        "why it is not the server's: ttl (another than its SYN-ACK came with), early (before the server can "
        "have answered), unreachable (the trigger never came as far)"
    )
    ttl: int = doc("IP TTL (IPv6: hop limit) as received")
    ip_id: int | None = doc("IPv4 identification; null for IPv6", None)
    dont_fragment: bool | None = doc("IPv4 DF; null for IPv6", None)
    tos: int = doc("IPv4 type of service, IPv6 traffic class", 0)
    flags: str = doc("TCP control bits, of FSRPAUEC; empty for UDP", "")
    window: int | None = doc("TCP window, unscaled", None)
    options: str = doc("TCP options, in hex", "")
    seq_offset: int | None = doc(
        "its sequence number less the next one expected; null for UDP", None, unit="bytes"
    )
    ack_offset: int | None = doc(
        "its acknowledgement less the trigger's end; null without ACK", None, unit="bytes"
    )
    size: int = doc("payload", 0, unit="bytes")
    payload: bytes = doc("its first 64 bytes", b"")
    extra: Mapping[str, Any] = extra()


@dataclass(frozen=True, slots=True, kw_only=True)
class BoxMatch:
    """A box of ``boxes.csv`` held against this one; "consistent with" it where nothing contradicts."""

    id: str = doc("its row")
    name: str = doc("what it is called there")
    agree: tuple[str, ...] = doc("fields that agree", ())
    contradict: tuple[str, ...] = doc("fields that do not", ())
    extra: Mapping[str, Any] = extra()


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """What identifies an injector, a row of ``x_gatewatch_box``; null where nothing tells."""

    method: str = doc("the trigger: dns, syn, tls, http or quic")
    address: str = doc("the server in whose name it speaks")
    shots: int = doc("triggers that it answered", 0)
    packets_least: int = doc("fewest packets injected for one trigger", 0)
    packets_most: int = doc("most of them", 0)
    flags: tuple[str, ...] = doc("TCP control bits of its packets, each kind once", ())
    dont_fragment: bool | None = doc("whether they have DF; null where they differ, and for IPv6", None)
    ip_id: str | None = doc(
        "pattern of the IP ID: zero, constant, incrementing (in small steps) or random", None
    )
    ip_id_least: int | None = doc("smallest IP ID", None)
    ip_id_most: int | None = doc("greatest", None)
    ttl_least: int | None = doc("smallest TTL received", None)
    ttl_most: int | None = doc("greatest", None)
    initial_ttl: str | None = doc(
        "what the packets set out with: 32, 64, 128 or 255; varies; copied (from the trigger)", None
    )
    window_least: int | None = doc("smallest TCP window", None)
    window_most: int | None = doc("greatest", None)
    options: tuple[str, ...] = doc("TCP options, in hex, each kind once", ())
    payload: bytes | None = doc("payload that all resets have (64 bytes of it); null where they differ", None)
    delay_least: float | None = doc("least time from the trigger to the first packet", None, unit="ms")
    delay_median: float | None = doc("median of it", None, unit="ms")
    hop_rtt: float | None = doc("least round-trip time to the far end of its link", None, unit="ms")
    residual_least: float | None = doc(
        "how long a block was still seen after a trigger; 0 where none was", None, unit="s"
    )
    residual_most: float | None = doc(
        "after how long none was left; null where it never ended", None, unit="s"
    )
    spares_server: bool | None = doc(
        "true where the server answered the trigger all the same: the box resets the client only", None
    )
    in_path: bool | None = doc("true in the path, false beside it, null where it cannot be told", None)
    consistent_with: tuple[str, ...] = doc(
        "known boxes that at least three fields agree with and none contradicts", ()
    )
    compared: tuple[BoxMatch, ...] = doc("the nearest of the known boxes, field by field", ())
    extra: Mapping[str, Any] = extra()
