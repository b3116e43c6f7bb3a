import hashlib
import json
from typing import Any
from urllib.parse import urlsplit

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.analysis.observed import DER, KEYS, line, observed, rows
from tests.analysis.runs import START, measurement, trace, web

from gatewatch.records import dumps
from gatewatch_analysis.loading.observations import (
    carriers,
    observe,
    words,
)
from gatewatch_analysis.tables import Observations
from gatewatch_targets.url import UrlError, parse


@pytest.mark.parametrize("full", [True, False])
def test_columns_are_those_documented(full: bool) -> None:
    lines = [line(keys=KEYS), dumps(trace("1.1.1.1", [("36.37.128.1", 1.0)]))] if full else []
    frame, _ = observed(*lines)
    kinds = {name: str(kind) for name, kind in frame.dtypes.items()}
    assert kinds == {name: column.dtype for name, column in Observations.columns().items()}
    assert len(frame) == (7 if full else 0)
    assert Observations.title.startswith("observations")


def test_every_column_of_answers_connects_handshakes_and_transactions() -> None:
    frame, observer = observed(line(keys=KEYS, probe_network_name="Metfone"))
    assert not observer.problems and frame["kind"].tolist() == [
        *("answer", "answer", "answer", "connect", "handshake", "transaction")
    ]
    assert rows(
        frame.head(1), "country", "isp", "asn", "lab", "run", "test_name", "input", "control", "part"
    ) == [["KH", "Metfone", 38623, False, "run", "web_connectivity", "https://a.com/", False, None]]
    assert set(frame["start"]) == {pd.Timestamp(START, tz="UTC")}
    answers = frame[frame["kind"] == "answer"]
    assert rows(answers, "hostname", "query_type", "engine", "resolver", "rcode", "failure") == [
        ["a.com", "A", "udp", "9.9.9.9:53", 0, None],
        ["a.com", "A", "udp", "9.9.9.9:53", 0, None],
        ["a.com", None, "getaddrinfo", None, None, "dns_nxdomain_error"],
    ]
    assert rows(answers, "answer_type", "answer_name", "address", "answer_asn", "answer_ttl_s", "ip_ttl") == [
        ["CNAME", "b.com", None, None, 60, 57],
        ["A", None, "1.2.3.4", 13335, 30, 57],
        [None, None, None, None, None, None],
    ]
    assert rows(answers.head(1), "tags", "transaction", "t0_s", "t_s") == [
        ["classic depth=0", 10001, 0.5, 0.75]
    ]
    assert rows(frame[frame["kind"] == "connect"], "address", "port", "transport", "failure") == [
        ["1.2.3.4", 443, "tcp", "connection_reset"]
    ]
    handshake = frame[frame["kind"] == "handshake"]
    assert rows(handshake, "address", "port", "transport", "hostname", "verified", "tls_version", "alpn") == [
        ["2001:db8::1", 443, "udp", "a.com", True, "TLSv1.3", None]
    ]
    assert rows(handshake, "certificates", "certificate_sha256", "certificate_issuer") == [
        [2, hashlib.sha256(DER).hexdigest(), None]
    ]
    body = KEYS["requests"][0]["response"]["body"].encode()  # type: ignore[index]
    transaction = frame[frame["kind"] == "transaction"]
    assert rows(
        transaction, "url", "hostname", "address", "port", "method", "status_code", "location", "server"
    ) == [["http://A.com:80/x", "a.com", "1.2.3.4", 80, "GET", 302, "https://a.com/", "nginx"]]
    assert rows(transaction, "page_title", "body_bytes", "body_truncated", "body_sha1") == [
        ["Stop & go", len(body), True, hashlib.sha1(body).hexdigest()]
    ]


def test_what_the_test_helper_saw_is_marked() -> None:
    control = {
        "dns": {"failure": None, "addrs": ["1.2.3.4", "2001:db8::1"]},
        "ip_info": {"1.2.3.4": {"asn": 15169, "flags": 11}},
        "tcp_connect": {
            "1.2.3.4:443": {"status": False, "failure": None},
            "[2001:db8::1]:443": {"status": True},
        },
        "tls_handshake": {"1.2.3.4:443": {"server_name": "a.com", "status": True, "failure": None}},
        "http_request": {"status_code": -1, "body_length": -1, "failure": "unknown_error", "title": ""},
    }
    frame, _ = observed(line(keys={"control": control}))
    assert frame["control"].all()
    assert rows(frame, "kind", "hostname", "address", "port", "answer_asn", "failure") == [
        ["answer", "a.com", "1.2.3.4", None, 15169, None],
        ["answer", "a.com", "2001:db8::1", None, None, None],
        ["connect", None, "1.2.3.4", 443, None, "unknown_failure"],
        ["connect", None, "2001:db8::1", 443, None, None],
        ["handshake", "a.com", "1.2.3.4", 443, None, None],
        ["transaction", "a.com", None, None, None, "unknown_error"],
    ]
    assert rows(frame.tail(1), "status_code", "body_bytes", "page_title") == [[None, None, None]]


def test_parts_of_a_measurement_are_named() -> None:
    query = {"hostname": "dns.google", "answers": [{"ipv4": "8.8.8.8"}]}
    connect = {"ip": "8.8.8.8", "port": 853, "status": {"success": True}}
    check = {"bootstrap": {"queries": [query]}, "lookups": {"dot://8.8.8.8": {"tcp_connect": [connect]}}}
    bridge = {"targets": {"f7a6": {"tcp_connect": [connect], "target_protocol": "obfs4"}}}
    frame, observer = observed(line("dnscheck", check), line("tor", bridge, input=None))
    assert not observer.problems
    assert rows(frame, "test_name", "kind", "part") == [
        ["dnscheck", "answer", "bootstrap"],
        ["dnscheck", "connect", "dot://8.8.8.8"],
        ["tor", "connect", "f7a6"],
    ]


def test_handshakes_with_a_ttl() -> None:
    def half(name: str, *ends: tuple[int, str | None, int]) -> dict[str, Any]:
        shaken = [{"ttl": ttl, "handshake": {"failure": why, "so_error": no}} for ttl, why, no in ends]
        return {"server_name": name, "iterations": shaken}

    keys = {
        "iterative_trace": [
            {
                "address": "1.2.3.4:443",
                "control_trace": half("example.com", (1, "host_unreachable", 113)),
                "target_trace": half("bad.com", (2, "connection_reset", 104), (3, None, 0)),
            }
        ]
    }
    frame, _ = observed(line("tlsmiddlebox", keys))
    assert rows(frame, "part", "hostname", "address", "ttl", "failure", "so_error") == [
        ["control_trace", "example.com", "1.2.3.4", 1, "host_unreachable", 113],
        ["target_trace", "bad.com", "1.2.3.4", 2, "connection_reset", 104],
        ["target_trace", "bad.com", "1.2.3.4", 3, None, 0],
    ]


def test_hops_of_traces_and_of_located_interference() -> None:
    located = {
        "x_gatewatch_locate": [
            {
                "method": "tls",
                "address": "1.2.3.4",
                "port": 443,
                "hops": [{"ttl": 1, "address": "10.0.0.1", "rtt": 1}],
            }
        ]
    }
    frame, _ = observed(
        dumps(trace("1.1.1.1", [("36.37.128.1", 1.5), (None, None)])), line("locate", located)
    )
    columns = ("kind", "part", "destination", "transport", "port", "ttl", "address", "rtt_ms", "icmp_type")
    assert rows(frame, *columns) == [
        ["hop", None, "1.1.1.1", "udp", 33434, 1, "36.37.128.1", 1.5, 11],
        ["hop", None, "1.1.1.1", "udp", 33434, 2, None, None, None],
        ["hop", "tls", "1.2.3.4", "tls", 443, 1, "10.0.0.1", 1.0, None],
    ]


def test_late_answers_are_counted() -> None:
    query = {"hostname": "a.com", "answers": [{"ipv4": "1.2.3.4"}]}
    keys = {"queries": [query, {**query, "x_gatewatch_late": 2}], "x_dns_duplicate_responses": [query]}
    frame, _ = observed(line(keys=keys))
    assert rows(frame, "late") == [[None], [2], [1]]


def test_an_odd_value_costs_itself_alone() -> None:
    keys = {
        "queries": [{"hostname": 7, "engine": "udp"}, "no query", {"hostname": "a.com", "failure": False}],
        "tcp_connect": "none",
        "requests": [
            {"request": {"url": "http://a.com/"}, "response": {"code": 10**30, "body": {"data": 7}}}
        ],
    }
    frame, observer = observed(line(keys=keys, probe_asn=38623, input="\ud800"))
    assert rows(frame, "kind", "hostname", "failure", "status_code", "input") == [
        ["answer", None, None, None, "?"],
        ["answer", "a.com", None, None, "?"],
        ["transaction", "a.com", None, None, "?"],
    ]
    assert (observer.read, observer.aside) == (1, 0)
    assert [p.reason for p in observer.problems] == [
        "$.probe_asn: 38623 does not fit",
        "$.test_keys.queries[0].hostname: 7 does not fit",
        '$.test_keys.queries[1]: "no query" does not fit',
        '$.test_keys.tcp_connect: "none" does not fit',
        "$.test_keys.requests[0].response.body.data: 7 does not fit",
        "$.test_keys.requests[0].response.code: 1000000000000000000000000000000 does not fit",
    ]
    assert all(p.kept and p.line == 1 for p in observer.problems)


def test_a_line_of_nothing_but_oddities_is_told_shortly() -> None:
    _, observer = observed(line(keys={"queries": [7] * 1000}))
    assert len(observer.problems) == 9 and observer.problems[-1].reason == "and 992 values more"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"{", "Expecting property name"),
        (b"7", "7 is no measurement"),
        (b'{"test_name": "x"}', "it has no test_name or no test_keys"),
        (b'{"test_name": "", "test_keys": {}}', "it has no test_name or no test_keys"),
        (b'{"test_keys": []}', "it has no test_name or no test_keys"),
        (b'"\xff"', "codec can't decode"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"type": "traceroute"}', "no traceroute result that can be read"),
    ],
)
def test_what_is_no_measurement_is_set_aside(text: bytes, why: str) -> None:
    frame, observer = observed(line(keys=KEYS), text)
    assert len(frame) == 6 and (observer.read, observer.aside) == (1, 1)
    (problem,) = [p for p in observer.problems if not p.kept]
    assert problem.line == 2 and why in problem.reason


def test_a_line_made_to_fill_the_memory_is_set_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    # Quick to refuse: nothing of it is read.
    bomb = b'{"test_name":"web_connectivity","test_keys":{"queries":[' + b"{}," * 600_000 + b"{}]}}"
    monkeypatch.setattr(carriers, "MOST_ROWS", 100)
    monkeypatch.setattr("gatewatch_analysis.loading.observations.flatten.MOST_ROWS", 100)
    monkeypatch.setattr(observe, "MOST_ROWS", 100)
    frame, observer = observed(bomb, line(keys={"queries": [{}] * 101}), line(keys=KEYS))
    assert [p.reason for p in observer.problems] == [
        "not a measurement: more than 524288 objects and lists",
        "not a measurement: 101 observations, more than 100",
    ]
    assert len(frame) == 6 and (observer.read, observer.aside) == (1, 2)


def test_texts_and_numbers_beyond_all_measure() -> None:
    keys = {
        "queries": [{"hostname": "x" * 100_000, "t": 1e308, "t0": None}],
        "tcp_connect": [{"ip": "y", "t": 1}],
    }
    text = line(keys=keys).replace(b"1e+308", b"1e999")
    frame, _ = observed(text)
    assert frame["hostname"].iloc[0] == "x" * 8000
    assert rows(frame, "t_s") == [[None], [1.0]]


def test_a_list_of_results_is_read_item_by_item() -> None:
    good = json.loads(line(keys=KEYS))
    frame, observer = observed(json.dumps([good, 7, {"type": "cycle-start"}, good]).encode())
    assert len(frame) == 12 and frame["measurement"].nunique() == 1
    assert (observer.read, observer.aside, observer.passed) == (2, 1, 1)
    assert [p.reason for p in observer.problems] == ["item 2: not a measurement: 7 is no measurement"]


def numbers(*lines: bytes) -> list[int]:
    frame, _ = observed(*lines)
    return [int(n) for n in frame["measurement"].drop_duplicates()]


def test_copies_of_a_measurement_have_one_number() -> None:
    report: dict[str, Any] = {"report_id": "20240501T000000Z_x", "keys": {"queries": [{}]}}
    assert len(numbers(line(**report), line(**report, measurement_uid="u", bucket_date="2024-05-01"))) == 1
    assert len(numbers(line(**report), line(**report, input="https://b.com/"))) == 2
    # The id that others write is the same in all of theirs.
    assert len(numbers(line(**report, id="bdd2"), line(**report, id="bdd2", input="b"))) == 2
    ours: dict[str, Any] = {"software_name": "gatewatch", "keys": {"queries": [{}]}}
    assert (
        len(numbers(line(**ours, id="r/1"), line(**ours, id="r/1", report_id="x"), line(**ours, id="r/2")))
        == 2
    )
    alone: dict[str, Any] = {"keys": {"queries": [{}]}}
    assert len(numbers(line(**alone), line(**alone) + b"\n", line(**alone, measurement_uid="u"))) == 2


def test_a_judged_record_of_ours_without_steps_gives_no_rows() -> None:
    frame, observer = observed(
        dumps(web("http://a.com/", "ok")), dumps(measurement("app", "a", {"targets": {}}))
    )
    assert frame.empty and observer.read == 2 and not observer.problems


URLS = (
    "http://a.com/ https://www.A.com/x http://1.2.3.4/ http://a.com.:80 http://u@a.com/ "
    "http://x.onion/ http://a..com/ "
    "http://xn--d1acpjx3f.xn--p1ai/ http://xn--a.com/ http://-a.com/ http://a.com:99999/ http://a.1e2/ a.com "
    "http://a.com:80@b.com/ http://a.com#@b.com/ http://localhost/ http://a_b.com/ http://a.com?x http://[::1]/"
)


@pytest.mark.parametrize("url", URLS.split())
def test_a_host_is_the_one_that_would_be_measured(url: str) -> None:
    try:
        slowly = parse(url).host
    except UrlError:
        slowly = None
    assert words.host_of(url) == slowly


@settings(max_examples=200, deadline=None, database=None)
@given(st.from_regex(r"https?://[a-z0-9.@:_-]{1,30}(com|onion|x--y)[:@/?#\\]?[a-z@./]{0,9}", fullmatch=True))
def test_a_host_that_is_read_off_is_the_one_that_parsing_gives(url: str) -> None:
    plain = words._PLAIN.match(url)
    if plain is not None:
        assert urlsplit(url).hostname == plain[1] == parse(f"https://{plain[1]}/").host
