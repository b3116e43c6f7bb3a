"""One TCP connect to one address, df-005 (tcpconnect)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gatewatch.records.field import doc, extra


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectStatus:
    """What came of it."""

    failure: str | None = doc("df-007 failure, or null")
    success: bool | None = doc("whether the connection was established")
    blocked: bool | None = doc("OONI web_connectivity 0.4's own opinion", optional=True)
    extra: Mapping[str, Any] = extra()


@dataclass(frozen=True, slots=True, kw_only=True)
class Connect:
    """One attempt at one address: never several behind one name."""

    ip: str | None = doc("address connected to")
    port: int | None = doc("TCP port")
    status: ConnectStatus = doc("what came of it")
    t0: float | None = doc("when the SYN was sent", unit="s", optional=True)
    t: float | None = doc("when it was established or given up", unit="s")
    tags: tuple[str, ...] | None = doc("labels such as depth=0", ())
    transaction_id: int | None = doc("joins the records of one connection", 0)
    extra: Mapping[str, Any] = extra()
