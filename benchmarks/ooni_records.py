"""What a web_connectivity record of OONI looks like, 0.4 and 0.5: hops in, one JSON line out.

Keys, their order and the lists in them are those of real records (probe-cli 3.18 to 3.22; JSON as Go writes
it, with ``<`` as ``\\u003c``).  What is shorter than in life are bodies and certificate chains, so that the
mean is 8 KB: hosts, addresses, bodies, certificates, times and ids differ in every record.
"""

from __future__ import annotations

import base64
import random
from dataclasses import dataclass, field
from typing import Any

import msgspec

AGENT = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/122.0.0.0 Safari/537.3"
)
_ACCEPT = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
_RESOLVERS = ("8.8.8.8:53", "9.9.9.9:53", "1.1.1.1:53", "208.67.222.222:53")
_encode = msgspec.json.Encoder().encode


@dataclass(slots=True)
class Lookup:
    """What one resolver said: addresses, or a failure."""

    addresses: tuple[str, ...] = ()
    failure: str | None = None


@dataclass(slots=True)
class Page:
    """A response; ``location`` of a redirect."""

    code: int
    headers: dict[str, str]
    body: str = ""
    truncated: bool = False


@dataclass(slots=True)
class Hop:
    """What happened on the way to one URL.

    ``tcp``, ``tls``: failure by address, for those that were tried.  ``fetched``: the address asked, then the
    request's failure and its page, None where no request was made.
    """

    url: str
    host: str
    port: int
    system: Lookup
    others: Lookup
    tcp: dict[str, str | None] = field(default_factory=dict)
    tls: dict[str, str | None] = field(default_factory=dict)
    fetched: tuple[str, str | None, Page | None] | None = None


@dataclass(slots=True)
class Visit:
    """One measurement: who measured, the hops, the control, and what OONI concluded."""

    input: str
    hops: list[Hop]
    control: dict[str, Any] | None
    control_failure: str | None
    keys: dict[str, Any]
    country: str
    asn: int
    network: str
    start: str
    asns: dict[str, int] = field(default_factory=dict)


def record(visit: Visit, version: str, rng: random.Random) -> bytes:
    """Write one line."""
    write = _V5 if version.startswith("0.5") else _V4
    raw: bytes = _encode(write(visit, version, rng).measurement())
    return raw.replace(b"<", b"\\u003c").replace(b">", b"\\u003e").replace(b"&", b"\\u0026") + b"\n"


def certificate(rng: random.Random, size: int) -> dict[str, str]:
    """Make up bytes of a certificate's size."""
    return {"data": base64.b64encode(rng.randbytes(size)).decode(), "format": "base64"}


def endpoint(address: str, port: int) -> str:
    """Write ``address:port``."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


class _Writer:
    """What both versions share."""

    def __init__(self, visit: Visit, version: str, rng: random.Random) -> None:
        self.visit, self.version, self.rng = visit, version, rng
        self.now = 0.0
        self.queries: list[dict[str, Any]] = []
        self.connects: list[dict[str, Any]] = []
        self.handshakes: list[dict[str, Any]] = []
        self.requests: list[dict[str, Any]] = []
        self.events: list[dict[str, Any]] = []

    def tick(self, most: float = 0.2) -> float:
        self.now += self.rng.random() * most
        return round(self.now, 6)

    def query(self, hop: Hop, lookup: Lookup, engine: str, kind: str, **about: Any) -> dict[str, Any]:
        six = {"A": False, "AAAA": True}
        addresses = [a for a in lookup.addresses if kind == "ANY" or (":" in a) == six[kind]]
        failure = lookup.failure or (None if addresses else "dns_no_answer")
        answers = [
            {
                "asn": self.visit.asns.get(a, 13335),
                "as_org_name": f"Network {self.visit.asns.get(a, 13335)} Ltd",
                "answer_type": "AAAA" if ":" in a else "A",
                "ipv6" if ":" in a else "ipv4": a,
                "ttl": None,
            }
            for a in addresses
        ]
        t0 = self.tick(0.01)
        return {
            "answers": answers or None,
            "engine": engine,
            "failure": failure,
            "hostname": hop.host,
            "query_type": kind,
            "resolver_hostname": None,
            "resolver_port": None,
            "resolver_address": about.pop("resolver", ""),
            "t0": t0,
            "t": self.tick(),
            **about,
        }

    def handshake(self, hop: Hop, address: str, failure: str | None, **about: Any) -> dict[str, Any]:
        came = failure is None or failure.startswith("ssl_")
        return {
            "network": "tcp",
            "address": endpoint(address, hop.port if hop.url.startswith("https") else 443),
            "cipher_suite": "TLS_AES_128_GCM_SHA256" if failure is None else "",
            "failure": failure,
            "negotiated_protocol": "h2" if failure is None else "",
            "no_tls_verify": False,
            "peer_certificates": [certificate(self.rng, 260), certificate(self.rng, 240)] if came else [],
            "server_name": hop.host,
            "t0": self.tick(0.01),
            "t": self.tick(),
            "tls_version": "TLSv1.3" if failure is None else "",
            **about,
        }

    def event(self, address: str, operation: str, failure: str | None = None, **about: Any) -> None:
        row: dict[str, Any] = {"address": address, "failure": failure}
        if operation in ("read", "write"):
            row["num_bytes"] = self.rng.randint(60, 4000)
        row |= {"operation": operation, "proto": "tcp", "t0": self.tick(0.001), "t": self.tick(0.02)}
        self.events.append(row | about)

    def flow(self, address: str, failure: str | None, **about: Any) -> None:
        """The events of one connection's handshake."""
        self.event(address, "connect", **about)
        self.event("", "tls_handshake_start", **about)
        self.event(address, "write", **about)
        if failure is None or failure.startswith("ssl_"):
            for operation in ("read", "read", "write"):
                self.event(address, operation, **about)
        else:
            self.event(address, "read", failure, **about)
        self.event("", "tls_handshake_done", failure, **about)

    def request(self, hop: Hop, failure: str | None, page: Page | None, before: str) -> dict[str, Any]:
        sent = {
            "Accept": _ACCEPT,
            "Accept-Language": "en-US,en;q=0.9",
            "Host": hop.host,
            "Referer": before,
            "User-Agent": AGENT,
        }
        got = page.headers if page else {}
        return {
            "failure": failure,
            "request": {
                "body": "",
                "body_is_truncated": False,
                "headers_list": [[k, v] for k, v in sent.items()],
                "headers": sent,
                "method": "GET",
                "tor": {"exit_ip": None, "exit_name": None, "is_tor": False},
                "x_transport": "tcp",
                "url": hop.url,
            },
            "response": {
                "body": page.body if page else "",
                "body_is_truncated": bool(page and page.truncated),
                "code": page.code if page else 0,
                "headers_list": [[k, v] for k, v in got.items()],
                "headers": got,
            },
        }

    def question(self) -> dict[str, Any]:
        first = self.visit.hops[0]
        return {
            "http_request": self.visit.input,
            "http_request_headers": {"Accept": [_ACCEPT], "User-Agent": [AGENT]},
            "tcp_connect": [endpoint(a, first.port) for a in first.tcp],
            "x_quic_enabled": False,
        }

    def keys(self) -> dict[str, Any]:
        raise NotImplementedError

    def measurement(self) -> dict[str, Any]:
        keys = self.keys()
        v, token = self.visit, self.rng.randbytes(8).hex()
        return {
            "annotations": {
                "architecture": "arm64",
                "engine_name": "ooniprobe-engine",
                "engine_version": "3.22.0",
                "go_version": "go1.21.8",
                "network_type": self.rng.choice(("wifi", "mobile")),
                "origin": "autorun",
                "platform": "android",
                "vcs_modified": "false",
                "vcs_tool": "git",
            },
            "data_format_version": "0.2.0",
            "extensions": {"dnst": 0, "httpt": 0, "netevents": 0, "tcpconnect": 0, "tlshandshake": 0},
            "input": v.input,
            "measurement_start_time": v.start,
            "probe_asn": f"AS{v.asn}",
            "probe_cc": v.country,
            "probe_ip": "127.0.0.1",
            "probe_network_name": v.network,
            "report_id": f"20240501T000000Z_webconnectivity_{v.country}_{v.asn}_n1_{token}",
            "resolver_asn": f"AS{v.asn}",
            "resolver_ip": "203.223.42.100",
            "resolver_network_name": v.network,
            "software_name": "ooniprobe-android-unattended",
            "software_version": "3.8.5",
            "test_helpers": {"backend": {"address": "https://3.th.ooni.org", "type": "https"}},
            "test_keys": keys,
            "test_name": "web_connectivity",
            "test_runtime": round(self.now, 6),
            "test_start_time": v.start,
            "test_version": self.version,
        }


class _V4(_Writer):
    """One lookup by the system, connects and handshakes without depth, requests newest first."""

    def keys(self) -> dict[str, Any]:
        first = self.visit.hops[0]
        self.queries.append(self.query(first, first.system, "getaddrinfo", "ANY"))
        number = 3
        for address, failure in first.tcp.items():
            at = endpoint(address, first.port)
            self.connects.append(
                {
                    "ip": address,
                    "port": first.port,
                    "status": {
                        "blocked": failure is not None,
                        "failure": failure,
                        "success": failure is None,
                    },
                    "t0": self.tick(0.001),
                    "t": self.tick(),
                    "transaction_id": number,
                }
            )
            if address in first.tls:
                shaken = first.tls[address]
                self.handshakes.append(
                    self.handshake(first, address, shaken, tags=["tcptls_experiment"], transaction_id=number)
                )
                self.flow(at, shaken, tags=["tcptls_experiment"], transaction_id=number)
            else:
                self.event(at, "connect", failure, tags=["tcptls_experiment"], transaction_id=number)
            number += 1
        before = ""
        for hop in self.visit.hops:
            if hop.fetched is not None:
                self.requests.insert(0, self.request(hop, *hop.fetched[1:], before))
                before = hop.url
        v = self.visit
        return {
            "agent": "redirect",
            "client_resolver": "203.223.42.100",
            "retries": None,
            "socksproxy": None,
            "network_events": self.events,
            "tls_handshakes": self.handshakes,
            "queries": self.queries,
            "dns_experiment_failure": first.system.failure,
            "dns_consistency": v.keys["dns_consistency"],
            "control_failure": v.control_failure,
            "x_control_request": self.question(),
            "control": v.control,
            "tcp_connect": self.connects,
            "http_experiment_failure": v.keys["http_experiment_failure"],
            "requests": self.requests or None,
            "body_length_match": True,
            "body_proportion": 1,
            "status_code_match": True,
            "headers_match": True,
            "title_match": True,
            "accessible": v.keys["accessible"],
            "blocking": v.keys["blocking"],
            "x_status": 1,
            "x_dns_runtime": self.rng.randrange(10**9),
            "x_th_runtime": self.rng.randrange(10**9),
            "x_tcptls_runtime": self.rng.randrange(10**9),
            "x_http_runtime": self.rng.randrange(10**9),
        }


class _V5(_Writer):
    """Three resolvers, every record tagged with its depth."""

    def keys(self) -> dict[str, Any]:
        before = ""
        for depth, hop in enumerate(self.visit.hops):
            self.hop(depth, hop, before)
            before = hop.url
        v = self.visit
        return {
            "agent": "redirect",
            "client_resolver": "203.223.42.100",
            "retries": None,
            "socksproxy": None,
            "network_events": self.events,
            "x_dns_whoami": {"system_v4": [{"address": "203.223.42.100"}], "udp_v4": {}},
            "x_doh": {"network_events": [], "queries": [], "requests": [], "tcp_connect": []},
            "x_do53": {"network_events": [], "queries": []},
            "x_dns_duplicate_responses": [],
            "queries": self.queries,
            "requests": self.requests,
            "tcp_connect": self.connects,
            "tls_handshakes": self.handshakes,
            "x_control_request": self.question(),
            "control": v.control,
            "x_conn_priority_log": [{"msg": "create with [system]", "t": self.tick(0.01)}],
            "control_failure": v.control_failure,
            "x_dns_flags": 0,
            "dns_experiment_failure": self.visit.hops[0].system.failure,
            "dns_consistency": v.keys["dns_consistency"],
            "http_experiment_failure": v.keys["http_experiment_failure"],
            "x_blocking_flags": 32,
            "x_null_null_flags": 0,
            "body_proportion": 1,
            "body_length_match": True,
            "headers_match": True,
            "status_code_match": True,
            "title_match": True,
            "blocking": v.keys["blocking"],
            "accessible": v.keys["accessible"],
        }

    def hop(self, depth: int, hop: Hop, before: str) -> None:
        here = f"depth={depth}"
        resolver = self.rng.choice(_RESOLVERS)
        for kind in ("A", "AAAA"):
            udp = {"resolver": resolver, "tags": [here], "transaction_id": 20001 + depth}
            self.queries.append(self.query(hop, hop.others, "udp", kind, **udp))
        if self.rng.random() < 0.1:
            # An encrypted channel is tried now and then.
            doh = {
                "resolver": "https://dns.google/dns-query",
                "tags": [here],
                "transaction_id": 30001 + depth,
            }
            self.queries += [self.query(hop, hop.others, "doh", kind, **doh) for kind in ("A", "AAAA")]
        system = {"tags": ["classic", here], "transaction_id": 10001 + depth}
        self.queries.append(self.query(hop, hop.system, "getaddrinfo", "ANY", **system))
        for number, (address, failure) in enumerate(hop.tcp.items(), 50001 + 100 * depth):
            tags = ["classic"] if address in hop.system.addresses else []
            fetch = hop.fetched is not None and hop.fetched[0] == address
            tags += [*(["tcptls_experiment"] if depth == 0 else []), here]
            tags.append(f"fetch_body={str(fetch).lower()}")
            about: dict[str, Any] = {"tags": tags, "transaction_id": number}
            at = endpoint(address, hop.port)
            status = {"failure": failure, "success": failure is None}
            self.connects.append(
                {
                    "ip": address,
                    "port": hop.port,
                    "status": status,
                    "t0": self.tick(0.001),
                    "t": self.tick(),
                    **about,
                }
            )
            if failure is not None:
                self.event(at, "connect", failure, **about)
                continue
            if address in hop.tls:
                self.handshakes.append(self.handshake(hop, address, hop.tls[address], **about))
                self.flow(at, hop.tls[address], **about)
            if fetch and hop.fetched is not None:
                row = {"network": "tcp", "address": at, "alpn": "http/1.1"}
                row |= self.request(hop, *hop.fetched[1:], before)
                self.requests.insert(0, row | {"t0": self.tick(0.001), "t": self.tick(), **about})
                self.event("", "http_transaction_start", **about)
                self.event(at, "write", **about)
                for _ in range(self.rng.randint(1, 5)):
                    self.event(at, "read", **about)
                self.event(at, "read", hop.fetched[1], **about)
                self.event("", "http_transaction_done", hop.fetched[1], **about)
