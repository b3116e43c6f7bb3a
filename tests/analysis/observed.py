"""Observations of made-up lines, for tests."""

from __future__ import annotations

import base64
import json
from typing import Any

import pandas as pd
from tests.analysis.runs import START

from gatewatch_analysis.loading.observations import Observer
from gatewatch_analysis.tables import Observations
from gatewatch_analysis.tables.arrow import to_pandas

DER = b"0\x03\x02\x01\x05"


def line(test_name: str = "web_connectivity", keys: Any = None, **about: Any) -> bytes:
    made = {
        "input": "https://a.com/",
        "measurement_start_time": START,
        "probe_asn": "AS38623",
        "probe_cc": "KH",
    }
    return json.dumps({**made, "test_name": test_name, "test_keys": keys or {}, **about}).encode()


def observed(*lines: bytes) -> tuple[pd.DataFrame, Observer]:
    observer = Observer("run", None)
    for number, text in enumerate(lines, 1):
        observer.line(number, text)
    return to_pandas(observer.take(), Observations), observer


def rows(frame: pd.DataFrame, *columns: str) -> list[list[Any]]:
    plain = frame[list(columns)].astype(object)
    found: list[list[Any]] = plain.where(plain.notna(), None).values.tolist()
    return found


KEYS = {
    "queries": [
        {
            "engine": "udp",
            "hostname": "a.com",
            "query_type": "A",
            "resolver_address": "9.9.9.9:53",
            "answers": [
                {"answer_type": "CNAME", "hostname": "b.com", "ttl": 60},
                {"answer_type": "A", "ipv4": "1.2.3.4", "asn": 13335, "ttl": 30},
            ],
            "failure": None,
            "rcode": 0,
            "t0": 0.5,
            "t": 0.75,
            "tags": ["classic", "depth=0"],
            "transaction_id": 10001,
            "x_gatewatch_ip_ttl": 57,
        },
        {"engine": "getaddrinfo", "hostname": "a.com", "answers": None, "failure": "dns_nxdomain_error"},
    ],
    "tcp_connect": [
        {"ip": "1.2.3.4", "port": 443, "status": {"failure": "connection_reset", "success": False}}
    ],
    "tls_handshakes": [
        {
            "address": "[2001:db8::1]:443",
            "failure": "ssl_unknown_authority",
            "network": "quic",
            "no_tls_verify": False,
            "peer_certificates": [
                {"format": "base64", "data": base64.b64encode(DER).decode()},
                {"data": "AA=="},
            ],
            "server_name": "a.com",
            "tls_version": "TLSv1.3",
            "negotiated_protocol": "",
        }
    ],
    "requests": [
        {
            "address": "1.2.3.4:80",
            "network": "tcp",
            "failure": None,
            "request": {"method": "GET", "url": "http://A.com:80/x"},
            "response": {
                "body": "<title>Stop &amp; go</title>\u1780",
                "body_is_truncated": True,
                "code": 302,
                "headers": {"LOCATION": "https://a.com/", "Server": "nginx"},
            },
        }
    ],
}
