import json
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest

from gatewatch.records import (
    Connect,
    Handshake,
    Measurement,
    Problem,
    Query,
    TestKeys,
    TraceKeys,
    Transaction,
    decode,
    dumps,
    encode,
    loads,
)

OONI = Path(__file__).resolve().parents[2] / "../shared/data/ooni_qa"
FILES = sorted(path for path in OONI.rglob("*.json") if path.name != "cases.json")
QUERY = {
    "answers": [{"answer_type": "A", "ipv4": "104.16.1.1", "ttl": None}],
    "engine": "udp",
    "failure": None,
    "hostname": "example.org",
    "query_type": "A",
    "resolver_address": "8.8.8.8:53",
    "resolver_hostname": None,
    "resolver_port": None,
    "t": 0.1,
    "tags": ["depth=0"],
    "transaction_id": 1,
}


@pytest.mark.parametrize("path", FILES or [None], ids=lambda path: path.stem if path else "none")
def test_oonis_own_files_come_back_exactly(path: Path | None) -> None:
    if path is None:
        pytest.skip(f"OONI's reference measurements are not present: {OONI}")
    text = path.read_bytes()
    measurement, problems = loads(text)
    assert problems == ()
    assert json.loads(dumps(measurement)) == json.loads(text)


def test_a_line_is_one_line_of_compact_json() -> None:
    m = Measurement(
        input="http://example.org/\n",
        measurement_start_time="2024-01-01 00:00:00",
        software_version="0",
        test_keys=TestKeys(),
        test_name="web_connectivity",
        test_start_time="2024-01-01 00:00:00",
    )
    line = dumps(m)
    assert line.endswith(b"}\n") and line.count(b"\n") == 1 and b'": ' not in line
    assert loads(line) == (m, ())


def with_(**changes: Any) -> dict[str, Any]:
    return QUERY | changes


def without(key: str) -> dict[str, Any]:
    return {k: v for k, v in QUERY.items() if k != key}


@pytest.mark.parametrize(
    ("value", "problems"),
    [
        (QUERY, ()),
        (with_(t="soon"), (Problem("$.t", '"soon" does not fit'),)),
        (with_(t=True), (Problem("$.t", "true does not fit"),)),
        (with_(transaction_id=1.5), (Problem("$.transaction_id", "1.5 does not fit"),)),
        (with_(tags="depth=0"), (Problem("$.tags", '"depth=0" does not fit'),)),
        (with_(tags=["a", 3]), (Problem("$.tags", '["a", 3] does not fit'),)),
        (with_(answers=["1.1.1.1"]), (Problem("$.answers", '["1.1.1.1"] does not fit'),)),
        (
            with_(answers=[{"answer_type": "A", "ttl": "60"}]),
            (Problem("$.answers[0].ttl", '"60" does not fit'),),
        ),
        (with_(failure=False), ()),
        (with_(failure=7), (Problem("$.failure", "7 does not fit"),)),
        (with_(rcode=None), ()),
        (with_(other={"software": ["kept"]}), ()),
    ],
)
def test_what_does_not_fit_is_reported_with_its_path_and_written_back(
    value: dict[str, Any], problems: tuple[Problem, ...]
) -> None:
    query, found = decode(Query, value)
    assert found == problems
    assert encode(query) == value


def test_a_value_that_does_not_fit_leaves_the_field_none() -> None:
    query, _ = decode(Query, with_(t="soon", answers=[{"answer_type": "A", "ttl": "60"}]))
    assert query.t is None and query.extra == {"t": "soon"}
    assert query.answers is not None and query.answers[0].ttl is None


def test_a_missing_key_is_reported_and_holds_its_default() -> None:
    query, problems = decode(Query, without("transaction_id"))
    assert problems == (Problem("$.transaction_id", "missing"),)
    assert query.transaction_id == 0


def test_a_missing_optional_key_is_no_problem() -> None:
    query, problems = decode(Query, QUERY)
    assert problems == () and query.rcode is None and "rcode" not in encode(query)


def test_failure_false_means_none_and_stays_false_in_the_file() -> None:
    query, problems = decode(Query, with_(failure=False))
    assert query.failure is None and problems == () and encode(query)["failure"] is False


@pytest.mark.parametrize(
    "certificate",
    [
        {"format": "base64", "data": "AQI="},
        {"format": "base64", "data": "AQ"},
        {"format": "base64", "data": "é"},
        {"format": "base64", "data": "AR=="},
        {"format": "hex", "data": "01"},
        {"format": "base64", "data": "AQI=", "more": 1},
        "AQI=",
    ],
)
def test_bytes_come_back_as_they_were_or_are_set_aside(certificate: Any) -> None:
    raw = {
        "failure": None,
        "network": "tcp",
        "address": "1.2.3.4:443",
        "cipher_suite": "",
        "negotiated_protocol": "",
        "no_tls_verify": False,
        "server_name": "",
        "t": 1,
        "tags": [],
        "tls_version": "",
        "transaction_id": 1,
        "peer_certificates": [certificate],
    }
    record, problems = decode(Handshake, raw)
    fits = certificate == {"format": "base64", "data": "AQI="}
    assert record.peer_certificates == ((b"\1\2",) if fits else None)
    assert len(problems) == (0 if fits else 1)
    assert encode(record) == raw


@pytest.mark.parametrize("value", [[], 1, None, "x", True])
def test_no_object_is_a_type_error(value: Any) -> None:
    with pytest.raises(TypeError, match="is no Measurement"):
        decode(Measurement, value)


@pytest.mark.parametrize("line", [b"", b"{", b"\xff\xfe{}x", b"[" * 100_000, b"1" * 5000])
def test_no_json_is_a_value_error(line: bytes) -> None:
    with pytest.raises(ValueError):
        loads(line)


def test_nothing_at_all_is_read_as_a_measurement_of_nothing() -> None:
    measurement, problems = loads("{}")
    assert measurement.test_keys is None
    assert Problem("$.test_keys", "missing") in problems
    assert measurement.probe_cc == "ZZ"


def test_a_lone_surrogate_survives() -> None:
    line = b'{"input":"\\ud800"}'
    again, _ = loads(dumps(loads(line)[0]))
    assert again.input == "\ud800"


@pytest.mark.parametrize("cls", [Query, Connect, Handshake, Transaction, TraceKeys, TestKeys, Measurement])
def test_reading_never_raises_whatever_stands_in_the_fields(cls: type[Any]) -> None:
    names = [name for name in cls.__dataclass_fields__ if name != "extra"]
    for odd in (None, False, 0, 1.5, "x", [], [None], 10**30):
        value = dict.fromkeys(names, odd)
        record, _ = decode(cls, value)
        assert encode(record) == value
    assert decode(cls, {name: {} for name in names})[0] is not None  # records inside then hold their defaults


def test_records_are_frozen_and_slotted() -> None:
    query, _ = decode(Query, QUERY)
    with pytest.raises(FrozenInstanceError):
        query.t = 1.0  # type: ignore[misc]
    assert not hasattr(query, "__dict__")


def test_the_addresses_of_a_query_stand_in_order() -> None:
    answers = [
        {"answer_type": "CNAME", "hostname": "cdn.example", "ttl": 1},
        {"answer_type": "A", "ipv4": "104.16.1.1", "ttl": 1},
        {"answer_type": "AAAA", "ipv6": "2606::1", "ttl": 1},
    ]
    assert decode(Query, with_(answers=answers))[0].addresses == ("104.16.1.1", "2606::1")
