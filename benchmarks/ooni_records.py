"""What a web_connectivity record of OONI looks like, 0.4 and 0.5: hops in, one JSON line out.

Keys, their order and the lists in them are those of real records (probe-cli 3.18 to 3.22; JSON as Go writes
it, with ``<`` as ``\\u003c``).  What is shorter than in life are bodies and certificate chains, so that the
mean is 8 KB: hosts, addresses, bodies, certificates, times and ids differ in every record.
"""

from __future__ import annotations

import random
from typing import Any

import msgspec

from benchmarks.ooni_visits import Hop, Visit, endpoint
from benchmarks.ooni_writer import Writer

_RESOLVERS = ("8.8.8.8:53", "9.9.9.9:53", "1.1.1.1:53", "208.67.222.222:53")
_encode = msgspec.json.Encoder().encode


def record(visit: Visit, version: str, rng: random.Random) -> bytes:
    """Write one line."""
    write = _V5 if version.startswith("0.5") else _V4
    raw: bytes = _encode(write(visit, version, rng).measurement())
    return raw.replace(b"<", b"\\u003c").replace(b">", b"\\u003e").replace(b"&", b"\\u0026") + b"\n"


class _V4(Writer):
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


class _V5(Writer):
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
