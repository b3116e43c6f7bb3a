"""Measurements written by hand: what each resolver said, what each address did, what the control saw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gatewatch.net.address import endpoint
from gatewatch.records import (
    Answer,
    Connect,
    ConnectStatus,
    Handshake,
    HttpRequest,
    HttpResponse,
    Measurement,
    Query,
    TestKeys,
    Transaction,
)

SITE = "93.184.216.34"
OTHER = "93.184.216.35"
LIE = "202.58.101.80"
HOST = "www.example.org"
PAGE = "<html><head><title>Example news of the day</title></head><body>" + "news " * 1000 + "</body></html>"
NOTICE = "<html><head><title>Access denied</title></head><body>by order</body></html>"
HEADERS = {"Server": "nginx", "Content-Type": "text/html", "X-Request-Id": "1", "Content-Length": "5080"}
TIMEOUT = "generic_timeout_error"

Said = str | Sequence[str]


def query(
    engine: str, said: Said, *, host: str = HOST, tags: Sequence[str] = ("depth=0",), **more: Any
) -> Query:
    """One lookup: ``said`` is a failure, or the addresses answered."""
    failed = isinstance(said, str)
    rows = () if failed else tuple(_answer(address) for address in said)
    udp = engine == "udp"
    given = {
        "resolver_address": "8.8.8.8:53" if udp else "",
        "query_type": "A" if engine != "getaddrinfo" else "ANY",
        "t0": 0.0,
        "t": 0.1,
        **more,
    }
    return Query(
        answers=None if failed else rows,
        engine=engine,
        failure=said if isinstance(said, str) else None,
        hostname=host,
        tags=tuple(tags),
        **given,
    )


def _answer(address: str) -> Answer:
    if ":" in address:
        return Answer(answer_type="AAAA", ipv6=address)
    return Answer(answer_type="A", ipv4=address)


def connect(address: str, failure: str | None = None, *, port: int = 443, depth: int = 0) -> Connect:
    """One connect."""
    status = ConnectStatus(failure=failure, success=failure is None)
    return Connect(ip=address, port=port, status=status, t=0.2, tags=(f"depth={depth}",))


def handshake(
    address: str,
    failure: str | None = None,
    *,
    host: str = HOST,
    port: int = 443,
    depth: int = 0,
    tags: Sequence[str] = (),
    chain: Sequence[bytes] | None = None,
) -> Handshake:
    """One TLS handshake."""
    return Handshake(
        address=endpoint(address, port),
        failure=failure,
        server_name=host,
        t=0.3,
        tags=(*tags, f"depth={depth}"),
        peer_certificates=None if chain is None else tuple(chain),
    )


def second(kind: str, outcome: str, *, at: str = SITE, port: int = 443, **more: Any) -> dict[str, Any]:
    """One row of a second control."""
    return {
        "kind": kind,
        "depth": 0,
        "address": at,
        "port": port,
        "name": "example.com",
        "outcome": outcome,
        "failure": None,
        **more,
    }


def fetch(
    url: str,
    failure: str | None = None,
    *,
    code: int = 200,
    body: str | bytes = PAGE,
    headers: Mapping[str, Any] = HEADERS,
    at: str = SITE,
    tags: Sequence[str] = ("depth=0",),
    truncated: bool = False,
) -> Transaction:
    """One GET; a failed one has no response, unless a code is given with it."""
    empty = failure is not None
    return Transaction(
        address=endpoint(at, 443 if url.startswith("https") else 80),
        failure=failure,
        request=HttpRequest(url=url, headers={}, headers_list=()),
        response=HttpResponse(
            code=0 if empty and code == 200 else code,
            body="" if empty else body,
            headers={} if empty else headers,
            headers_list=(),
            body_is_truncated=truncated,
        ),
        t=0.5,
        tags=tuple(tags),
    )


def control(
    said: Said = (SITE,),
    *,
    tcp: Mapping[str, str | None] | None = None,
    tls: Mapping[str, str | None] | None = None,
    http: str | None = None,
    code: int = 200,
    body_length: int = len(PAGE),
    title: str = "Example news of the day",
    headers: Mapping[str, Any] = HEADERS,
    asns: Mapping[str, int] | None = None,
) -> dict[str, Any]:
    """What the helper saw: failures are the helper's spellings; None is success."""
    addrs = [] if isinstance(said, str) else list(said)
    tcp = {f"{a}:{port}": None for a in addrs for port in (80, 443)} if tcp is None else tcp
    tls = {f"{a}:443": None for a in addrs} if tls is None else tls
    failed = http is not None
    return {
        "dns": {"failure": said if isinstance(said, str) else None, "addrs": addrs},
        "tcp_connect": {e: {"status": f is None, "failure": f} for e, f in tcp.items()},
        "tls_handshake": {
            e: {"server_name": HOST, "status": f is None, "failure": f} for e, f in tls.items()
        },
        "http_request": {
            "body_length": -1 if failed else body_length,
            "failure": http,
            "title": "" if failed else title,
            "headers": {} if failed else dict(headers),
            "status_code": -1 if failed else code,
        },
        "ip_info": {a: {"asn": n, "flags": 2} for a, n in (asns or {}).items()},
    }


def web(
    url: str = f"https://{HOST}/",
    *,
    queries: Sequence[Query] = (),
    connects: Sequence[Connect] = (),
    handshakes: Sequence[Handshake] = (),
    requests: Sequence[Transaction] = (),
    control: Mapping[str, Any] | None = None,
    control_failure: str | None = None,
    ipv6: bool | None = False,
    country: str = "KH",
    asn: str = "AS38623",
    test: str = "web_connectivity",
    **extra: Any,
) -> Measurement:
    """A measurement; without a control there is a failure of the control."""
    if control is None and control_failure is None:
        control_failure = TIMEOUT
    if ipv6 is not None:
        extra["x_gatewatch_line"] = {"ipv4": True, "ipv6": ipv6}
    return Measurement(
        input=url,
        measurement_start_time="2026-11-01 00:00:00",
        probe_cc=country,
        probe_asn=asn,
        software_version="0.1.0",
        test_keys=TestKeys(
            queries=tuple(queries),
            tcp_connect=tuple(connects),
            tls_handshakes=tuple(handshakes),
            requests=tuple(requests),
            extra={"control": control, "control_failure": control_failure, **extra},
        ),
        test_name=test,
        test_start_time="2026-11-01 00:00:00",
    )


def names(system: Said, public: Said | None = None, doh: Said | None = None, **more: Any) -> list[Query]:
    """The lookups of the first hop."""
    found = [query("getaddrinfo", system, tags=("classic", "depth=0"), **more)]
    if public is not None:
        found.append(query("udp", public, **more))
    if doh is not None:
        found.append(query("doh", doh, **more))
    return found
