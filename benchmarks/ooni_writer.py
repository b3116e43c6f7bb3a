"""The parts of which a web_connectivity record is made, whatever its version: steps, requests, envelope.

Keys, their order and the lists in them are those of real records (probe-cli 3.18 to 3.22).
"""

from __future__ import annotations

import base64
import random
from typing import Any

from benchmarks.ooni_visits import Hop, Lookup, Page, Visit, endpoint

AGENT = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/122.0.0.0 Safari/537.3"
)
_ACCEPT = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


def certificate(rng: random.Random, size: int) -> dict[str, str]:
    """Make up bytes of a certificate's size."""
    return {"data": base64.b64encode(rng.randbytes(size)).decode(), "format": "base64"}


class Writer:
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
        """Give the time, a little later than before."""
        self.now += self.rng.random() * most
        return round(self.now, 6)

    def query(self, hop: Hop, lookup: Lookup, engine: str, kind: str, **about: Any) -> dict[str, Any]:
        """A lookup."""
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
        """A handshake."""
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
        """Add a network event."""
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
        """A transaction."""
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
        """What the control was asked."""
        first = self.visit.hops[0]
        return {
            "http_request": self.visit.input,
            "http_request_headers": {"Accept": [_ACCEPT], "User-Agent": [AGENT]},
            "tcp_connect": [endpoint(a, first.port) for a in first.tcp],
            "x_quic_enabled": False,
        }

    def keys(self) -> dict[str, Any]:
        """The test keys, which differ from version to version."""
        raise NotImplementedError

    def measurement(self) -> dict[str, Any]:
        """The whole record."""
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
