"""Made-up web_connectivity measurements of OONI's form, some 8 KB each: pages, most of which load.

Every record has its own host, addresses, certificates, page, times and ids, so that nothing is remembered
from one to the next.  A site has one address or two, which show one certificate; that makes a dozen rows.
"""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Iterator
from typing import Any

_COUNTRIES = (("KH", 38623), ("TH", 17552), ("MY", 4788), ("NP", 17501))
_WORDS = [
    "border",
    "cable",
    "carrier",
    "country",
    "filter",
    "gate",
    "hop",
    "line",
    "link",
    "list",
    "name",
    "network",
    "page",
    "path",
    "probe",
]
_FAILURES = (None,) * 9 + ("connection_reset",)


def lines(count: int, seed: int) -> Iterator[bytes]:
    """Give so many measurements, one line each; the same seed gives the same ones."""
    rng = random.Random(seed)
    for number in range(count):
        yield json.dumps(_record(rng, number), separators=(",", ":")).encode() + b"\n"


def _record(rng: random.Random, number: int) -> dict[str, Any]:
    country, asn = rng.choice(_COUNTRIES)
    start = f"2024-05-{1 + number % 4:02d} {rng.randrange(24):02d}:{rng.randrange(60):02d}:{number % 60:02d}"
    host = f"www.{rng.choice(_WORDS)}{number}.{rng.choice(_WORDS)}.org"
    return {
        "annotations": {"engine_name": "ooniprobe-engine", "platform": "linux", "network_type": "wifi"},
        "data_format_version": "0.2.0",
        "input": f"https://{host}/",
        "measurement_start_time": start,
        "probe_asn": f"AS{asn}",
        "probe_cc": country,
        "probe_ip": "127.0.0.1",
        "probe_network_name": f"Network {asn}",
        "report_id": f"{start[:10]}_webconnectivity_{country}_{asn}_n1_{number // 50:016x}",
        "resolver_asn": f"AS{asn}",
        "resolver_ip": "127.0.0.2",
        "software_name": "ooniprobe-cli",
        "software_version": "3.22.0",
        "test_keys": _keys(rng, host),
        "test_name": "web_connectivity",
        "test_runtime": round(rng.random() * 5, 6),
        "test_start_time": start,
        "test_version": "0.5.28",
    }


def _keys(rng: random.Random, host: str) -> dict[str, Any]:
    addresses = [
        f"104.{rng.randrange(16, 32)}.{rng.randrange(256)}.{rng.randrange(256)}"
        for _ in range(rng.choice((1, 1, 2)))
    ]
    failure = rng.choice(_FAILURES)
    about = {"tags": ["classic", "tcptls_experiment", "depth=0", "fetch_body=true"], "transaction_id": 50001}

    def times() -> dict[str, float]:
        began = round(rng.random(), 6)
        return {"t0": began, "t": round(began + rng.random() / 5, 6)}

    chain = [{"format": "base64", "data": base64.b64encode(rng.randbytes(700)).decode()} for _ in range(2)]
    text = " ".join(rng.choices(_WORDS, k=rng.randrange(20, 120)))
    body = f"<!doctype html><html><head><title>{host}</title></head><body><p>{text}</p></body></html>"
    headers = {"Content-Type": "text/html", "Server": "nginx", "Content-Length": str(len(body))}
    return {
        "queries": [
            {
                "answers": [{"answer_type": "A", "ipv4": a, "asn": 13335, "ttl": None} for a in addresses],
                "engine": engine,
                "failure": None,
                "hostname": host,
                "query_type": "A" if resolver else "ANY",
                "resolver_address": resolver,
                "tags": ["depth=0"],
                "transaction_id": number,
                **times(),
            }
            for number, (engine, resolver) in enumerate((("getaddrinfo", ""), ("udp", "9.9.9.9:53")), 10001)
        ],
        "tcp_connect": [
            {"ip": a, "port": 443, "status": {"failure": None, "success": True}, **about, **times()}
            for a in addresses
        ],
        "tls_handshakes": [
            {
                "network": "tcp",
                "address": f"{a}:443",
                "cipher_suite": "" if failure else "TLS_AES_128_GCM_SHA256",
                "failure": failure,
                "negotiated_protocol": "" if failure else "h2",
                "no_tls_verify": False,
                "peer_certificates": [] if failure else chain,
                "server_name": host,
                "tls_version": "" if failure else "TLSv1.3",
                **about,
                **times(),
            }
            for a in addresses
        ],
        "requests": []
        if failure
        else [
            {
                "network": "tcp",
                "address": f"{addresses[0]}:443",
                "alpn": "h2",
                "failure": None,
                "request": {
                    "method": "GET",
                    "url": f"https://{host}/",
                    "headers": {"Host": host},
                    "body": "",
                },
                "response": {"body": body, "body_is_truncated": False, "code": 200, "headers": headers},
                **about,
                **times(),
            }
        ],
        "network_events": [
            {
                "address": f"{addresses[0]}:443",
                "failure": None,
                "num_bytes": rng.randrange(60, 4000),
                "operation": ("connect", "write", "read", "read")[n % 4],
                "proto": "tcp",
                **about,
                **times(),
            }
            for n in range(13)
        ],
        "control": {
            "dns": {"failure": None, "addrs": addresses},
            "tcp_connect": {f"{a}:443": {"status": True, "failure": None} for a in addresses},
            "tls_handshake": {
                f"{a}:443": {"server_name": host, "status": True, "failure": None} for a in addresses
            },
            "http_request": {
                "body_length": len(body),
                "failure": None,
                "title": host,
                "headers": headers,
                "status_code": 200,
            },
            "ip_info": {a: {"asn": 13335, "flags": 11} for a in addresses},
        },
        "control_failure": None,
        "dns_experiment_failure": None,
        "dns_consistency": "consistent",
        "http_experiment_failure": failure,
        "body_length_match": None if failure else True,
        "blocking": "http-failure" if failure else False,
        "accessible": failure is None,
    }
