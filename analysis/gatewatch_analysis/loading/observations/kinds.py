"""The columns of each kind of row, each made in one go from the records side by side."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gatewatch_analysis.loading.observations.carriers import Rows
from gatewatch_analysis.loading.observations.shape import Status, Transaction
from gatewatch_analysis.loading.observations.words import chain, endpoint, host_of, page

#: Column name to values.
Columns = dict[str, list[Any]]

_NO_STATUS = Status()


def _failures(found: list[Any]) -> list[str | None]:
    # Old reports write false for none; an empty text says nothing either.
    return [f if f.__class__ is str and f else None for f in found]


def _shared(records: list[Any]) -> Columns:
    """The columns that all kinds but hops have."""
    return {
        "transaction": [r.transaction_id or None for r in records],
        "tags": [" ".join(r.tags) if r.tags else None for r in records],
        "t0_s": [r.t0 for r in records],
        "t_s": [r.t for r in records],
    }


def answers(rows: Rows) -> Columns:
    """The columns of DNS answers."""
    queries, found = rows.queries, rows.answers
    return {
        **_shared(queries),
        "failure": _failures([q.failure for q in queries]),
        "hostname": [q.hostname for q in queries],
        "address": [a.ipv4 or a.ipv6 for a in found],
        "query_type": [q.query_type for q in queries],
        "engine": [q.engine for q in queries],
        "resolver": [q.resolver_address or None for q in queries],
        "rcode": [q.rcode for q in queries],
        "answer_type": [a.answer_type for a in found],
        "answer_name": [a.hostname for a in found],
        "answer_asn": [a.asn or None for a in found],
        "answer_ttl_s": [a.ttl for a in found],
        "ip_ttl": [q.x_gatewatch_ip_ttl for q in queries],
        "late": [q.x_gatewatch_late for q in queries],
    }


def connects(rows: Rows) -> Columns:
    """The columns of TCP connects."""
    found = rows.connects
    states = [c.status or _NO_STATUS for c in found]
    return {
        **_shared(found),
        # Of a connect that says neither, nothing is known: that is no success.
        "failure": [
            s.failure
            if s.failure.__class__ is str and s.failure
            else None
            if s.success
            else "unknown_failure"
            for s in states
        ],
        "address": [c.ip for c in found],
        "port": [c.port for c in found],
        "transport": ["tcp"] * len(found),
    }


def handshakes(rows: Rows) -> Columns:
    """The columns of TLS and QUIC handshakes."""
    found = rows.handshakes
    ends = [endpoint(h.address) for h in found]
    chains = [chain(h.peer_certificates) for h in found]
    return {
        **_shared(found),
        "failure": _failures([h.failure for h in found]),
        "hostname": [h.server_name or None for h in found],
        "address": [address for address, _ in ends],
        "port": [port for _, port in ends],
        # Until 2022-09 OONI called it quic.
        "transport": ["udp" if h.network == "quic" else h.network for h in found],
        "tls_version": [h.tls_version or None for h in found],
        "cipher_suite": [h.cipher_suite or None for h in found],
        "alpn": [h.negotiated_protocol or None for h in found],
        "verified": [None if h.no_tls_verify is None else not h.no_tls_verify for h in found],
        "certificates": [c.length for c in chains],
        "certificate_sha256": [c.sha256 for c in chains],
        "certificate_issuer": [c.issuer for c in chains],
        "so_error": [h.so_error for h in found],
        "ttl": rows.handshake_ttls,
    }


def transactions(rows: Rows) -> Columns:
    """The columns of HTTP transactions."""
    found = rows.transactions
    ends = [endpoint(t.address) for t in found]
    urls = [t.request.url if t.request else None for t in found]
    pages = [page(t.response) for t in found]
    codes = [t.response.code if t.response else None for t in found]
    return {
        **_shared(found),
        "failure": _failures([t.failure for t in found]),
        "hostname": [host_of(url) for url in urls],
        "address": [address for address, _ in ends],
        "port": [port for _, port in ends],
        "transport": ["udp" if t.network == "quic" else t.network for t in found],
        "alpn": [t.alpn or None for t in found],
        "url": urls,
        "method": [t.request.method if t.request else None for t in found],
        # 0 is written where no response came, -1 by the test helper.
        "status_code": [code if code and code > 0 else None for code in codes],
        "location": [_header(t, "Location", "location") for t in found],
        "server": [_header(t, "Server", "server") for t in found],
        "page_title": [p.title for p in pages],
        "body_bytes": [
            p.length if p.length or (code and code > 0) else None
            for p, code in zip(pages, codes, strict=True)
        ],
        "body_truncated": [t.response.body_is_truncated if t.response else None for t in found],
        "body_sha1": [p.sha1 for p in pages],
    }


def _header(transaction: Transaction, name: str, lower: str) -> str | None:
    response = transaction.response
    headers: Mapping[str, Any] | None = response.headers if response is not None else None
    if not headers:
        return None
    value = headers.get(name)
    if value is None:
        value = headers.get(lower)
        if value is None:
            # Rare: a server with spellings of its own.
            size = len(lower)
            for key in headers:
                if len(key) == size and key.lower() == lower:
                    value = headers[key]
    return value if value.__class__ is str else None


def hops(rows: Rows) -> Columns:
    """The columns of replies to traceroute probes."""
    found, ways = rows.replies, rows.ways
    return {
        "t_s": [r.t for r in found],
        "address": [r.address for r in found],
        "transport": [w.transport for w in ways],
        "port": [w.port for w in ways],
        "destination": [w.destination for w in ways],
        "reached": [w.reached for w in ways],
        "ttl": [r.ttl for r in found],
        "flow_number": [r.flow or 0 for r in found],
        "attempt": [r.attempt for r in found],
        "rtt_ms": [r.rtt for r in found],
        "icmp_type": [r.icmp_type for r in found],
        "icmp_code": [r.icmp_code for r in found],
        "reply_ttl": [r.reply_ttl for r in found],
        "quoted_ttl": [r.quoted_ttl for r in found],
        "labels": [
            ",".join(str(x.label) for x in r.labels if x.label is not None) or None if r.labels else None
            for r in found
        ],
    }
