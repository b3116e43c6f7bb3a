"""Where interference happens: the record of a ``locate`` measurement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gatewatch.records.box import InjectedPacket
from gatewatch.records.field import doc, extra
from gatewatch.records.second import ResidualWait


@dataclass(frozen=True, slots=True, kw_only=True)
class LocateHop:
    """One hop of the path, as packets of the very flow that name nothing have shown it."""

    ttl: int = doc("TTL (IPv6: hop limit) of the packets, that is the hop's number", unit="hops")
    address: str | None = doc("router, or the server at the last; null for silence")
    rtt: float | None = doc("least round-trip time", None, unit="ms")
    asked: int = doc("packets sent with this TTL", 0)
    answered: int = doc("answers to them", 0)
    extra: Mapping[str, Any] = extra()


@dataclass(frozen=True, slots=True, kw_only=True)
class LocateShot:
    """One trigger, sent once with a TTL."""

    ttl: int = doc("TTL (IPv6: hop limit) that it was sent with", unit="hops")
    outcome: str = doc(
        "interfered (a reset, an end, forged data), expired (a router, or the server itself, answered as it "
        "does to a control) or silent"
    )
    rtt: float | None = doc("until what decided came", None, unit="ms")
    screened: bool = doc("packets whose own TTL was no greater than this one's were kept out", False)
    reply_ttl: int | None = doc("the forged packet's own TTL as received; of TCP, in deep mode only", None)
    t: float | None = doc("when it was sent, from the measurement's start", None, unit="s")
    injected: tuple[InjectedPacket, ...] = doc("deep mode: packets that the server's kernel did not send", ())
    offender: str | None = doc("deep mode: the router that said the trigger itself expired there", None)
    offender_rtt: float | None = doc("deep mode: when it said so after the trigger", None, unit="ms")
    went_on: bool | None = doc(
        "deep mode: whether the trigger passed the filter that answered it; null where nobody would say", None
    )
    extra: Mapping[str, Any] = extra()


@dataclass(frozen=True, slots=True, kw_only=True)
class Locus:
    """The link on which a trigger meets interference, a row of ``x_gatewatch_locate``.

    The filter sits between ``before`` and ``after``; ``hop`` is the likeliest place within.  Where routers
    stay silent, a filter that only drops cannot be told from one behind the next silent router: then the link
    spans several hops.
    """

    method: str = doc("dns, syn, tls, http or quic: what the trigger is")
    address: str = doc("the server's address")
    port: int = doc("its port")
    source_port: int = doc("source port of every packet")
    name: str = doc("the forbidden name that was sent; empty for syn", "")
    signature: str = doc(
        "drop, reset, fin, answer (forged) or proxy (of dns: whatever is asked is answered there, and this "
        "falsely); empty where nothing was found",
        "",
    )
    before: int | None = doc(
        "TTL of the near end; 0 is the vantage; null where no link was found", None, unit="hops"
    )
    after: int | None = doc("TTL of the far end", None, unit="hops")
    hop: int | None = doc("TTL of the likeliest place", None, unit="hops")
    before_address: str | None = doc("router at the near end, null when silent", None)
    after_address: str | None = doc("router at the far end, null when silent", None)
    before_asn: int | None = doc("AS that announces the near end's address, by the table of prefixes", None)
    before_country: str | None = doc("country that its prefix is listed under", None)
    before_ixp: str | None = doc("exchange whose peering LAN it is in", None)
    after_asn: int | None = doc("AS that announces the far end's address", None)
    after_country: str | None = doc("country that its prefix is listed under", None)
    after_ixp: str | None = doc("exchange whose peering LAN it is in", None)
    place: str = doc(
        "access, domestic-shared, border, foreign, endpoint or unknown, by the rules of "
        "gatewatch.locus.label; empty where no link was found",
        "",
    )
    place_why: str = doc("why it is called so", "")
    probability: float | None = doc("that the filter is on this link, by gatewatch.locus", None)
    in_path: float | None = doc("probability that it swallows the trigger, and does not only add to it", None)
    copies_ttl: float | None = doc("probability that it copies the trigger's TTL into what it forges", None)
    reset_ttl: int | None = doc(
        "TTL with which resets came, asked for by --reply-ttl; null where the triggers did not suffice",
        None,
        unit="hops",
    )
    reset_ttl_least: int | None = doc("the least that it may be", None, unit="hops")
    reset_ttl_most: int | None = doc("the greatest that it may be", None, unit="hops")
    server_ttl: int | None = doc("TTL with which the server's SYN-ACKs came", None, unit="hops")
    reason: str = doc("why no link was found; empty where one was", "")
    distance: int | None = doc("TTL that reaches the server; null behind a proxy", None, unit="hops")
    triggers: int = doc("triggers sent", 0)
    controls: int = doc("packets and exchanges that name nothing forbidden", 0)
    evidence: str | None = doc(
        "the capture of its packets, scrubbed, in the run's folder", None, optional=True
    )
    hops: tuple[LocateHop, ...] = doc("the path", ())
    shots: tuple[LocateShot, ...] = doc("the triggers, in order", ())
    residual: tuple[ResidualWait, ...] = doc("waits for a block left behind to end", ())
    extra: Mapping[str, Any] = extra()
