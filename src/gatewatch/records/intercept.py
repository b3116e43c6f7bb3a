"""Who answers on port 53, and from which hop: the record of an ``intercept`` measurement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gatewatch.records.field import doc, extra


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkAnswer:
    """One DNS answer to one question of a walk."""

    rcode: int | None = doc("response code, RFC 1035 4.1.1; null for what is no DNS message")
    addresses: tuple[str, ...] = doc("A and AAAA records", ())
    ip_ttl: int | None = doc("IP TTL (IPv6: hop limit) of the answer as received", None)
    rtt: float | None = doc("from the question to this answer", None, unit="ms")
    extra: Mapping[str, Any] = extra()


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkStep:
    """One packet of a walk and what it brought back: an answer, an ICMP error, both or nothing."""

    name: str = doc("innocuous, trigger, or other_port for a packet to a port where nobody answers")
    ttl: int = doc("TTL (IPv6: hop limit) that it was sent with", unit="hops")
    attempt: int = doc("which packet with this name and TTL, from 0", 0)
    address: str | None = doc("who sent the ICMP error; null when none came", None)
    icmp_type: int | None = doc("its type in IPv4's numbers: 11 time exceeded, 3 unreachable", None)
    icmp_code: int | None = doc("its code", None)
    icmp_rtt: float | None = doc("from the packet to the ICMP error", None, unit="ms")
    answers: tuple[WalkAnswer, ...] = doc("answers in the order of their arrival", ())
    t: float | None = doc("when it was sent, from the measurement's start", None, unit="s")
    extra: Mapping[str, Any] = extra()


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoy:
    """A question to an address of documentation space, where no resolver can be: any answer is a forger's."""

    destination: str = doc("the address asked, of RFC 5737 or RFC 3849")
    name: str = doc("innocuous or trigger")
    answers: tuple[WalkAnswer, ...] = doc("what came back", ())
    extra: Mapping[str, Any] = extra()


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What the resolver that answers says of itself, against what is known of the one that was asked."""

    server: str | None = doc(
        "its answer to id.server CHAOS TXT; scrubbed where it may be a home router", None
    )
    nsid: str | None = doc("its NSID (RFC 5001)", None)
    egress: str | None = doc("prefix (/24, /48) that its own questions come from, by a whoami name", None)
    known: str = doc("own: as the one asked; other: not as the one asked; isp: as the line's own; unknown")
    extra: Mapping[str, Any] = extra()


@dataclass(frozen=True, slots=True, kw_only=True)
class Intercept:
    """Whether DNS on this line is answered by who was asked, and if not, by whom and from which hop."""

    kind: str = doc("none, proxy, injector, resolver_lies, unclear")
    resolver: str = doc("address of the resolver that was asked")
    resolver_name: str = doc("its name in the table of resolvers, empty when it is not in it", "")
    innocuous: str = doc("the name that nobody forbids")
    trigger: str | None = doc("the name in question; null when only the innocuous one was asked", None)
    hop: int | None = doc("first TTL that the impostor sees: it acts on the link [hop - 1, hop]", None)
    before: str | None = doc("router at hop - 1, null when silent", None)
    after: str | None = doc("router at hop, null when silent", None)
    distance: int | None = doc("first TTL at which the innocuous name was answered", None, unit="hops")
    trigger_distance: int | None = doc("the same for the trigger", None, unit="hops")
    in_path: bool | None = doc(
        "whether the impostor keeps the question from going on; null when not seen", None
    )
    copies_ttl: bool = doc("whether the forged answer takes its TTL from the question", False)
    forged: tuple[str, ...] = doc("addresses in the forged answers", ())
    true: tuple[str, ...] = doc("addresses in the answer over an encrypted channel", ())
    identity: Identity | None = doc("who the answering resolver says it is", None)
    decoys: tuple[Decoy, ...] = doc("questions to addresses where nobody resolves", ())
    transports: Mapping[str, str] = doc(
        "the same question over tcp, dot, doh: same, different, answered (UDP was silent), or a failure",
        {},
    )
    evidence: tuple[str, ...] = doc("what speaks for this kind, in words", ())
    packets: int = doc("UDP packets sent in all", 0)
    source_port: int | None = doc("source port of the walk, the same for every packet", None)
    steps: tuple[WalkStep, ...] = doc("the walk, packet by packet", ())
    extra: Mapping[str, Any] = extra()
