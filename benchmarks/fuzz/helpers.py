"""Fuzz targets: the test helper's JSON, as the helper reads it and as a probe does; echoes; collectors."""

from __future__ import annotations

import json
from collections.abc import Hashable
from functools import cache
from typing import Any

from benchmarks.fuzz import shapes
from benchmarks.fuzz.registry import Target
from gatewatch.records import Measurement, control, decode
from gatewatch.records.ports import offered
from gatewatch.upload import collector
from gatewatch.verdict import judge
from gatewatch.verdict.export.ooni import classic_keys
from gatewatch_probes import web
from gatewatch_probes.visit import echoes
from gatewatch_probes.visit.asking import Attempt


def helper_request(data: bytes) -> Hashable:
    """Read what a helper is asked."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):  # as gatewatch.helper.app has it
        return "no JSON"
    try:
        asked = control.question(value)
    except control.BadQuestion as error:
        return str(error)[:20]
    port = control.written_port(asked.url)
    tried = control.ports(asked.url.partition(":")[0], port)
    return len(asked.addresses), len(asked.headers), asked.quic, port is None, len(tried)


def _request_seeds() -> list[bytes]:
    one = {
        "http_request": "https://www.example.com/",
        "http_request_headers": {"User-Agent": ["x"], "Accept": ["*/*"], "Accept-Language": ["en"]},
        "tcp_connect": ["192.0.2.1:443", "[2001:db8::1]:443"],
        "x_quic_enabled": False,
    }
    return [json.dumps(value).encode() for value in (one, {"http_request": "http://a.example:8080/x?y"})]


def helper_answer(data: bytes) -> Hashable:
    """Take a helper's answer as a probe does, and judge a measurement in which it is the control."""
    attempt = Attempt("https://helper.example")
    attempt._read(data)
    if attempt.answer is None:
        return attempt.state
    known = web._addresses(attempt.answer)
    raw = json.loads(_measured())
    raw["test_keys"]["control"] = attempt.answer
    m, _ = decode(Measurement, raw)
    verdict = judge(m)
    classic_keys(m, verdict)
    return verdict.rule, len(known)


def _answer() -> dict[str, Any]:
    return control.answer(
        names=(["203.0.113.9", "2001:db8::9"], None),
        flags={"203.0.113.9": 11, "2001:db8::9": 10},
        asns={"203.0.113.9": 64496},
        tcp={
            "203.0.113.9:443": control.connected(None),
            "203.0.113.9:80": control.connected("connection_reset"),
        },
        tls={"203.0.113.9:443": control.shaken("www.example.com", None)},
        http=control.fetched(200, [("Server", "nginx"), ("X-A", "b")], b"<title>A page</title>" * 9),
    )


def _answer_seeds() -> list[bytes]:
    failed = {**_answer(), "http_request": control.not_fetched("connection_reset")}
    return [json.dumps(value).encode() for value in (_answer(), failed)]


@cache
def _measured() -> bytes:
    from benchmarks import ooni_mix

    return next(iter(ooni_mix.each(1, 7)))


def helper_echo(data: bytes) -> Hashable:
    """Read what an echo says to have seen, which ports a helper offers, and what a collector answers."""
    told = echoes._told(data)
    changed: tuple[str, ...] = ()
    if told is not None:
        changed = echoes._changes("GET / HTTP/1.1", [("Host", "a"), ("Accept", "*/*")], *told)
    try:
        ports = offered(json.loads(data))
    except (ValueError, RecursionError):
        ports = ()
    said = collector._object(data)
    reason = "" if said is None else collector._reason(500, said)
    return told is None, changed[:2], len(ports), said is None, len(reason) > 10


def _echo_seeds() -> list[bytes]:
    echo = {
        "request_line": "GET / HTTP/1.1",
        "headers_list": [["Host", "a"], ["Accept", "*/*"]],
        "peer_port": 5,
    }
    said = {
        "detail": "no such report",
        "error": "x",
        "report_id": "20240101T000000Z_AS0_x",
        "measurement_uid": "y",
    }
    return [json.dumps(value).encode() for value in (echo, {"tcp": [80, 443], "udp": [443]}, said)]


TARGETS = {
    "helper-request": Target(helper_request, _request_seeds, shapes.tree),
    "helper-answer": Target(helper_answer, _answer_seeds, shapes.tree),
    "helper-echo": Target(helper_echo, _echo_seeds, shapes.tree),
}
