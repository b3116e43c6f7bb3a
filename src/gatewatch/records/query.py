"""One DNS lookup, df-002 (dnst): what was asked, through which resolver, and every answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gatewatch.records.field import doc, extra


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One resource record of a DNS answer."""

    answer_type: str | None = doc("record type: A, AAAA or CNAME")
    asn: int | None = doc("network of the address, where known", optional=True)
    as_org_name: str | None = doc("holder of that network", optional=True)
    hostname: str | None = doc("the name a CNAME points to", optional=True)
    ipv4: str | None = doc("IPv4 address", optional=True)
    ipv6: str | None = doc("IPv6 address", optional=True)
    ttl: int | None = doc("time to live; null from getaddrinfo, which hides it", None, unit="s")
    extra: Mapping[str, Any] = extra()


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One DNS query and its first answer; later answers to the same query are queries of their own."""

    answers: tuple[Answer, ...] | None = doc("the answer section; null on failure")
    engine: str | None = doc("system, getaddrinfo, udp, tcp, dot or doh")
    failure: str | None = doc("df-007 failure, or null")
    hostname: str | None = doc("the name that was asked for")
    query_type: str | None = doc("A, AAAA, or ANY for getaddrinfo, which asks for both")
    resolver_address: str | None = doc("address:port or URL of the resolver")
    resolver_hostname: str | None = doc("unused, kept for old readers", None)
    resolver_port: str | None = doc("unused, kept for old readers", None)
    getaddrinfo_error: int | None = doc("the EAI_* number that getaddrinfo gave", optional=True)
    raw_response: str | None = doc("the response message as received, base64", optional=True)
    rcode: int | None = doc("response code, RFC 1035 4.1.1", optional=True)
    t0: float | None = doc("when the query was sent, from the measurement's start", unit="s", optional=True)
    t: float | None = doc("when the answer came or the wait ended", unit="s")
    tags: tuple[str, ...] | None = doc("labels such as depth=0", ())
    transaction_id: int | None = doc("joins the records of one lookup or connection", 0)
    x_gatewatch_ip_ttl: int | None = doc("IP TTL of the answer as received (IP_RECVTTL)", optional=True)
    x_gatewatch_late: int | None = doc(
        "how many answers to this very query came before this one; absent for the first", optional=True
    )
    extra: Mapping[str, Any] = extra()

    @property
    def addresses(self) -> tuple[str, ...]:
        """IPv4 and IPv6 addresses answered, in order."""
        return tuple(a for r in self.answers or () for a in (r.ipv4, r.ipv6) if a)
