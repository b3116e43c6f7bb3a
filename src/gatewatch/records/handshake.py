"""One TLS handshake, df-006 (tlshandshake)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gatewatch.records.field import doc, extra


@dataclass(frozen=True, slots=True, kw_only=True)
class Handshake:
    """One TLS handshake over one TCP connection; the certificate chain is kept even when it is refused."""

    network: str | None = doc("tcp, or udp for QUIC", "tcp")
    address: str | None = doc("address:port")
    cipher_suite: str | None = doc("name of the cipher suite negotiated, or empty", "")
    failure: str | None = doc("df-007 failure, or null")
    so_error: int | None = doc("SO_ERROR of the socket, where it was read", optional=True)
    negotiated_protocol: str | None = doc("ALPN protocol, or empty", "")
    no_tls_verify: bool | None = doc("true when the certificate was not verified", False)
    peer_certificates: tuple[bytes, ...] | None = doc(
        "the chain as sent, DER, leaf first; null if none came", None
    )
    server_name: str | None = doc("the SNI sent, or empty")
    outer_server_name: str | None = doc("SNI of the outer ClientHello with ECH", optional=True)
    echconfig: str | None = doc("the ECH configuration used", optional=True)
    t0: float | None = doc("when the ClientHello was sent", unit="s", optional=True)
    t: float | None = doc("when the handshake ended", unit="s")
    tags: tuple[str, ...] | None = doc("labels such as depth=0", ())
    tls_version: str | None = doc("TLSv1.2, TLSv1.3, or empty", "")
    transaction_id: int | None = doc("joins the records of one connection", 0)
    extra: Mapping[str, Any] = extra()
