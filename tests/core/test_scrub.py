from __future__ import annotations

import base64
import dataclasses
from pathlib import Path
from typing import Any

import dns.message
import pytest

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
    dumps,
    loads,
)
from gatewatch.store import SCRUBBED, Scrubber, Unscrubbable

QA = Path(__file__).resolve().parents[2] / "../shared/data/ooni_qa"
OWN4 = "36.37.200.10"
OWN6 = "2400:cb00:12:3400:a1b2:c3ff:fed4:e5f6"
SCRUBBER = Scrubber(
    [OWN4, OWN6, "192.168.1.23", "127.0.0.1"], ["alice", "laptop77.lan", "/home/alice", "root"]
)


def measurement(**keys: Any) -> Measurement:
    return Measurement(
        input="https://www.example.com/",
        measurement_start_time="2024-02-12 20:33:47",
        software_version="0.1.0",
        test_name="web_connectivity",
        test_start_time="2024-02-12 20:33:47",
        test_keys=TestKeys(**keys),
    )


def scrubbed(**keys: Any) -> TestKeys:
    return SCRUBBER.measurement(measurement(**keys)).test_keys


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("from 93.184.216.34.", "from [scrubbed]."),
        ("dial tcp 93.184.216.34:443: reset", "dial tcp [scrubbed]: reset"),
        ("<b>[2001:db8::1]:8080</b>", "<b>[scrubbed]</b>"),
        ("2001:0db8:0:0:0:0:0:1 and fe80::1%eth0;", "[scrubbed] and [scrubbed];"),
        ("x=::ffff:93.184.216.34", "x=[scrubbed]"),
        ("IP:2001:db8::1, 1:2:3:4:5:6:7:2001:db8::2", "IP:[scrubbed], 1:2:3:[scrubbed]"),
        ("00:c0:ca:ab:12:34 00-C0-CA-AB-12-34 00c0.caab.1234", "[scrubbed] [scrubbed] [scrubbed]"),
        ("Chrome/122.0.0.0 Safari", "Chrome/[scrubbed] Safari"),
        ("host 36-37-200-10.isp.example", "host [scrubbed].isp.example"),
        ("10.200.37.36.in-addr.arpa", "[scrubbed].in-addr.arpa"),
        ("you=%33%36.37%2E200%2E10&b", "you=[scrubbed]&b"),
        ("ip 606455818 or 2425C80A", "ip [scrubbed] or [scrubbed]"),
        ("at /home/alice/x by Alice@laptop77", "at [scrubbed]/x by [scrubbed]@[scrubbed]"),
    ],
)
def test_text_from_outside(before: str, after: str) -> None:
    assert SCRUBBER.text(before) == after


@pytest.mark.parametrize(
    "text",
    [
        "at 12:34:56 and 2024-01-02 12:34:56.789",
        "std::abs(x); a::before {} Foo::Bar :: x ::",
        "version 1.2.3, 300.1.2.3, 1.2.3.4567, 12345.6.7.8",
        "AB:CD:EF:00 is no MAC, nor is 1234.5678.9012",
        "alicent, malice, root and chaos",
        "",
    ],
)
def test_text_that_is_left_alone(text: str) -> None:
    assert SCRUBBER.text(text) == text


def test_targets_keep_their_addresses() -> None:
    keys = scrubbed(
        queries=(
            Query(
                answers=(Answer(answer_type="A", ipv4="93.184.216.34"), Answer(answer_type="A", ipv4=OWN4)),
                engine="udp",
                failure=None,
                hostname="10.200.37.36.in-addr.arpa",
                query_type="A",
                resolver_address="8.8.8.8:53",
                t=1.0,
            ),
        ),
        tcp_connect=(
            Connect(ip="136.37.200.10", port=443, status=ConnectStatus(failure=None, success=True), t=0.1),
            Connect(
                ip=OWN4, port=443, status=ConnectStatus(failure="connection_refused", success=False), t=0.1
            ),
        ),
        extra={"control": {"ip_info": {"93.184.216.34": {}, "2400:CB00:0012:3400:0:0:0:9": {"flags": 1}}}},
    )
    assert keys.queries
    assert keys.queries[0].addresses == ("93.184.216.34", SCRUBBED)
    assert keys.queries[0].hostname == "[scrubbed].in-addr.arpa"
    assert [connect.ip for connect in keys.tcp_connect or ()] == ["136.37.200.10", SCRUBBED]
    # The second lies in the household's own /64.
    assert keys.extra["control"] == {"ip_info": {"93.184.216.34": {}, SCRUBBED: {"flags": 1}}}


def test_what_the_control_says_of_the_site() -> None:
    http = {"title": "You are 93.184.216.34", "headers": {"X-Ip": "93.184.216.34"}, "failure": None}
    control = {"http_request": http, "dns": {"addrs": ["93.184.216.34"], "failure": "lookup 1.2.3.4: no"}}
    extra = {"control": control, "control_failure": "unknown_failure: 1.2.3.4:443", "x_version": "1.2.3.4"}
    kept = scrubbed(extra=extra).extra
    assert kept["control"]["http_request"] == {
        "title": "You are [scrubbed]",
        "headers": {"X-Ip": SCRUBBED},
        "failure": None,
    }
    assert kept["control"]["dns"] == {"addrs": ["93.184.216.34"], "failure": "lookup [scrubbed]: no"}
    assert (kept["control_failure"], kept["x_version"]) == ("unknown_failure: [scrubbed]", "1.2.3.4")


def _transaction(body: str | bytes, **headers: str) -> Transaction:
    table = dict(headers)
    return Transaction(
        failure="unknown_failure: read 1.2.3.4",
        request=HttpRequest(headers={}, headers_list=(), url="http://93.184.216.34/"),
        response=HttpResponse(body=body, code=200, headers=table, headers_list=tuple(table.items())),
        t=1.0,
    )


def test_bodies_and_headers() -> None:
    utf16 = f"<p>{OWN4}".encode("utf-16-le")
    packed = b"\x89PNG" + bytes([36, 37, 200, 10]) + b"93.184.216.34"
    texts = ("<p>93.184.216.34</p>", utf16, packed, b"plain", "plain")
    keys = scrubbed(
        requests=tuple(_transaction(text, Client="[2001:db8::1]:80", Kept="yes") for text in texts)
    )
    bodies = []
    for request in keys.requests or ():
        assert request.failure == "unknown_failure: read [scrubbed]"
        assert request.request.url == "http://93.184.216.34/"
        assert request.response
        assert request.response.headers == {"Client": SCRUBBED, "Kept": "yes"}
        assert request.response.headers_list == (("Client", SCRUBBED), ("Kept", "yes"))
        bodies.append(request.response.body)
    assert bodies == ["<p>[scrubbed]</p>", b"[scrubbed]", b"\x89PNG[scrubbed][scrubbed]", b"plain", "plain"]


def _raw(text: str) -> str:
    return base64.b64encode(
        dns.message.from_text(f"id 1\nopcode QUERY\n;QUESTION\n{text}").to_wire()
    ).decode()


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        ("a.example. IN A\n;ANSWER\na.example. 60 IN A 93.184.216.34", True),
        (f"a.example. IN A\n;ANSWER\na.example. 60 IN A {OWN4}", False),
        (f"a.example. IN AAAA\n;ANSWER\na.example. 60 IN AAAA {OWN6}", False),
        (f'a.example. IN TXT\n;ANSWER\na.example. 60 IN TXT "{OWN4}"', False),
        (f'a.example. IN TXT\n;ANSWER\na.example. 60 IN TXT "you are {OWN6}"', False),
        ("10.200.37.36.in-addr.arpa. IN PTR", False),
    ],
)
def test_raw_responses(answer: str, kept: bool) -> None:
    raw = _raw(answer)
    query = Query(
        answers=None,
        engine="udp",
        failure=None,
        hostname="a.example",
        query_type="A",
        resolver_address="8.8.8.8:53",
        raw_response=raw,
        t=1.0,
    )
    keys = scrubbed(queries=(query,))
    assert keys.queries
    assert keys.queries[0].raw_response == (raw if kept else None)
    keys = scrubbed(extra={"x_dns_duplicate_responses": [{"raw_response": raw, "t": 1.0}]})
    assert keys.extra["x_dns_duplicate_responses"] == [{"raw_response": raw if kept else None, "t": 1.0}]


def test_certificates() -> None:
    own, chance = b"0\x82\x87\x04" + bytes([36, 37, 200, 10]) + b"0", b"0\x82" + bytes([36, 37, 200, 10])
    handshake = Handshake(
        address="93.184.216.34:443",
        failure=None,
        peer_certificates=(own, chance),
        server_name="a.example",
        t=1.0,
    )
    keys = scrubbed(tls_handshakes=(handshake,))
    assert keys.tls_handshakes
    assert keys.tls_handshakes[0].peer_certificates == (b"[scrubbed]", chance)


def test_names_where_this_machine_writes() -> None:
    m = dataclasses.replace(
        measurement(extra={"note": "alice ran it", "dns": 1}),
        annotations={"host": "LAPTOP77", "platform": "linux"},
        options=("--targets", "/home/alice/list.csv"),
    )
    out = SCRUBBER.measurement(m)
    assert out.annotations == {"host": SCRUBBED, "platform": "linux"}
    assert out.options == ("--targets", "[scrubbed]/list.csv")
    assert out.test_keys.extra == {"note": "[scrubbed] ran it", "dns": 1}
    # A target that bears the name is what was measured; it tells nothing of the machine.
    named = dataclasses.replace(m, input="https://alice.example/", options=None)
    assert SCRUBBER.measurement(named).input == "https://alice.example/"
    assert SCRUBBER.measurement(named).test_keys.extra["note"] == "alice ran it"


def test_an_innocent_measurement_is_not_copied() -> None:
    m = measurement(extra={"control": {"http_request": {"title": "Example"}}})
    assert SCRUBBER.measurement(m) is m
    told = dataclasses.replace(m, probe_ip=OWN4)
    assert SCRUBBER.measurement(told).probe_ip == "127.0.0.1"


@pytest.mark.skipif(not QA.is_dir(), reason=f"not present: {QA}")
def test_real_measurements_keep_what_was_measured() -> None:
    """OONI's samples, scrubbed by OONI already: nothing but echoes may change, and few of those."""
    changed = 0
    for path in sorted(QA.rglob("*.json")):
        if path.name == "cases.json":
            continue
        m, _ = loads(path.read_bytes())
        before, after = m.test_keys, SCRUBBER.measurement(m).test_keys
        for name in ("queries", "tcp_connect", "tls_handshakes", "network_events"):
            assert getattr(before, name) == getattr(after, name), path.name
        for old, new in zip(before.requests or (), after.requests or (), strict=True):
            assert (old.request.url, old.address, old.failure) == (new.request.url, new.address, new.failure)
            changed += old.response != new.response
    # One page of the Internet Archive quotes a version number.
    assert changed <= 1


def test_unscrubbable() -> None:
    with pytest.raises(Unscrubbable):
        SCRUBBER.measurement(
            dataclasses.replace(measurement(), test_name="trace", test_keys=TestKeys(extra={"replies": 7}))
        )
    with pytest.raises(Unscrubbable):
        SCRUBBER.measurement(measurement(queries="no tuple of records"))
    # A float that spells an address is no field that text could be put into.
    with pytest.raises(Unscrubbable):
        SCRUBBER.measurement(measurement(extra={"ip": float(int.from_bytes(bytes([36, 37, 200, 10])))}))


def test_a_mac_address_goes_from_everywhere() -> None:
    note = {
        "neighbour": "00:c0:ca:ab:12:34",
        "fingerprint": "AA:BB:CC:DD:EE:FF:00:11",
        "host": "00-c0-ca-ab-12-34.example",
    }
    assert Scrubber([]).measurement(measurement(extra={"note": note})).test_keys.extra["note"] == note | {
        "neighbour": SCRUBBED
    }


def test_no_address_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        Scrubber(["nonsense"])


def test_run_notes() -> None:
    notes = {"line": [{"address": OWN4, "resolver": "8.8.8.8"}], "config": "/home/alice/.config"}
    assert SCRUBBER.json(notes) == {
        "line": [{"address": SCRUBBED, "resolver": "8.8.8.8"}],
        "config": "[scrubbed]/.config",
    }


def test_a_deep_nest_of_escapes_costs_no_time() -> None:
    # Each decoding gives one escape more to decode.
    text = "&" + "#38;" * 50_000 + "36.37.200.10"
    assert OWN4 not in SCRUBBER.text(text)


def test_surrogates_pass() -> None:
    keys = scrubbed(requests=(_transaction(f"\ud800 {OWN4}"),))
    assert dumps(dataclasses.replace(measurement(), test_keys=keys)).count(b"[scrubbed]") == 2
