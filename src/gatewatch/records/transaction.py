"""One HTTP request and its response, df-001 (httpt)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gatewatch.records.field import doc, extra

#: OONI's df-001 keeps a place for Tor; gatewatch never fetches through it.
NO_TOR: Mapping[str, Any] = {"exit_ip": None, "exit_name": None, "is_tor": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """What was sent."""

    body: str | bytes | None = doc("request body", "")
    body_is_truncated: bool | None = doc("whether the stored body is cut", False)
    headers: Mapping[str, Any] | None = doc("headers, last value of each name")
    headers_list: tuple[tuple[Any, ...], ...] | None = doc("headers as sent: [name, value] pairs in order")
    method: str | None = doc("request method", "GET")
    tor: Mapping[str, Any] | None = doc("always without Tor here", NO_TOR)
    url: str | None = doc("the URL asked for")
    x_transport: str | None = doc("tcp or udp, as OONI writes it", optional=True)
    extra: Mapping[str, Any] = extra()


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpResponse:
    """What came back: code 0 and no headers when nothing did."""

    body: str | bytes | None = doc("body after decompression, cut at 524,288 bytes", "")
    body_is_truncated: bool | None = doc("whether the body was cut", False)
    code: int | None = doc("status code", 0)
    headers: Mapping[str, Any] | None = doc("headers, last value of each name", None)
    headers_list: tuple[tuple[Any, ...], ...] | None = doc("headers as received, in order", None)
    extra: Mapping[str, Any] = extra()


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """One request on one connection.  In a measurement the newest stands first, as OONI writes them."""

    network: str | None = doc("tcp, or udp for HTTP/3", "tcp", optional=True)
    address: str | None = doc("address:port", optional=True)
    alpn: str | None = doc("ALPN protocol", optional=True)
    failure: str | None = doc("df-007 failure, or null")
    request: HttpRequest = doc("what was sent")
    response: HttpResponse | None = doc("what came back")
    t0: float | None = doc("when the request was sent", unit="s", optional=True)
    t: float | None = doc("when the response ended", unit="s", optional=True)
    tags: tuple[str, ...] | None = doc("labels such as depth=0", ())
    transaction_id: int | None = doc("joins the records of one connection", 0)
    extra: Mapping[str, Any] = extra()
