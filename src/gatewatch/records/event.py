"""One network event, df-008 (netevents): a step on the wire, and when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gatewatch.records.field import doc, extra


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkEvent:
    """A connect, read, write, handshake or HTTP step."""

    address: str | None = doc("address:port of the peer", optional=True)
    failure: str | None = doc("df-007 failure, or null")
    num_bytes: int | None = doc(
        "bytes read or written; of bytes_received_cumulative, all so far", unit="bytes", optional=True
    )
    operation: str | None = doc(
        "connect, read, write, read_from, write_to, tls_handshake_start, tls_handshake_done, "
        "http_transaction_start, http_transaction_done, quic_handshake_start, quic_handshake_done, "
        "bytes_received_cumulative"
    )
    proto: str | None = doc("tcp or udp", optional=True)
    t0: float | None = doc("when the step began", unit="s", optional=True)
    t: float | None = doc("when it ended", unit="s")
    tags: tuple[str, ...] | None = doc("labels such as depth=0", ())
    transaction_id: int | None = doc("joins the records of one connection", 0)
    extra: Mapping[str, Any] = extra()
