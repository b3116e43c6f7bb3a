import base64
import json
import struct
from pathlib import Path
from typing import Any

import dns.message
import dns.rcode
import dns.rrset
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gatewatch_analysis.dataset import build
from gatewatch_analysis.loading import formats, load
from gatewatch_analysis.loading.formats.atlas_dns import from_atlas_dns
from gatewatch_analysis.loading.observations import Observer


def wire(*records: str, name: str = "a.com.", kind: str = "A", rcode: int = 0, klass: str = "IN") -> str:
    """A response message as Atlas has it; a record is ``owner TTL class type data``."""
    query = dns.message.make_query(name, kind, klass)
    answer = dns.message.make_response(query)
    answer.set_rcode(dns.rcode.Rcode(rcode))
    for record in records:
        owner, ttl, *rest = record.split(" ", 4)
        answer.answer.append(dns.rrset.from_text(owner, int(ttl), *rest))
    return base64.b64encode(answer.to_wire()).decode()


def result(**about: Any) -> dict[str, Any]:
    made = {"type": "dns", "fw": 5080, "msm_id": 30001, "prb_id": 6, "timestamp": 1_714_564_800, "af": 4}
    return {**made, "dst_addr": "9.9.9.9", "dst_port": "53", "proto": "UDP", "from": "36.37.128.9", **about}


def answered(abuf: str, **about: Any) -> dict[str, Any]:
    return result(result={"abuf": abuf, "rt": 25.5, "ID": 1}, **about)


def test_a_response_is_read_from_its_message() -> None:
    m = formats.read(answered(wire("a.com. 60 IN CNAME b.com.", "b.com. 30 IN A 1.2.3.4")))
    assert m is not None
    assert (m.test_name, m.input, m.software_name) == ("resolve", "a.com", "ripe-atlas")
    assert (m.measurement_start_time, m.measurement_uid) == (
        "2024-05-01 12:00:00",
        "ripe-atlas-30001-6-1714564800",
    )
    (query,) = m.test_keys.queries or ()
    assert (query.engine, query.resolver_address, query.hostname, query.query_type) == (
        "udp",
        "9.9.9.9:53",
        "a.com",
        "A",
    )
    assert (query.failure, query.rcode, query.t0, query.t) == (None, 0, 0.0, 0.0255)
    assert [(a.answer_type, a.hostname, a.ipv4, a.ttl) for a in query.answers or ()] == [
        ("CNAME", "b.com", None, 60),
        ("A", None, "1.2.3.4", 30),
    ]
    # The probe's own address is not taken over.
    assert "36.37.128.9" not in repr(m)


@pytest.mark.parametrize(
    ("about", "failure", "asked"),
    [
        (answered(wire(rcode=3)), "dns_nxdomain_error", "a.com"),
        (answered(wire()), "dns_no_answer", "a.com"),
        (answered("AAAA"), "dns_server_misbehaving", None),
        (answered("?"), "dns_server_misbehaving", None),
        (result(error={"timeout": 5000}), "generic_timeout_error", None),
        (result(error={"socket": "no route"}), "unknown_failure: socket no route", None),
        (result(error={"timeout": 1}, qbuf=wire()), "generic_timeout_error", None),
    ],
)
def test_failures_in_oonis_words(about: dict[str, Any], failure: str, asked: str | None) -> None:
    (query,) = from_atlas_dns(about).test_keys.queries or ()
    assert (query.failure, query.answers, query.hostname) == (failure, None, asked)


def test_a_silent_resolver_was_still_asked_something() -> None:
    qbuf = base64.b64encode(dns.message.make_query("a.com", "AAAA").to_wire()).decode()
    (query,) = from_atlas_dns(result(error={"timeout": 5000}, qbuf=qbuf)).test_keys.queries or ()
    assert (query.hostname, query.query_type) == ("a.com", "AAAA")


def test_who_answers_is_told_by_text_records() -> None:
    abuf = wire('hostname.bind. 0 CH TXT "res1.example"', name="hostname.bind.", kind="TXT", klass="CH")
    (query,) = from_atlas_dns(answered(abuf)).test_keys.queries or ()
    assert (query.failure, query.query_type, query.hostname) == (None, "TXT", "hostname.bind")
    assert [(a.answer_type, a.hostname) for a in query.answers or ()] == [("TXT", '"res1.example"')]


def test_every_resolver_of_the_probe_is_a_lookup() -> None:
    rows = [
        {
            "dst_addr": "10.0.0.1",
            "time": 1_714_564_801,
            "result": {"abuf": wire("a.com. 1 IN A 1.2.3.4"), "rt": 10},
        },
        {"dst_addr": "2001:db8::1", "error": {"timeout": 5000}},
        "no row",
    ]
    m = from_atlas_dns(result(resultset=rows))
    assert [(q.resolver_address, q.t0, q.failure) for q in m.test_keys.queries or ()] == [
        ("10.0.0.1:53", 1.0, None),
        ("[2001:db8::1]:53", 0.0, "generic_timeout_error"),
    ]


def test_they_become_observations_and_keep_one_number() -> None:
    observer = Observer("x")
    line = json.dumps(answered(wire("a.com. 60 IN A 1.2.3.4", "a.com. 60 IN A 1.2.3.5"))).encode()
    observer.line(1, line)
    observer.line(2, line.replace(b"5080", b"5090"))
    data = observer.take().to_pydict()
    assert data["address"] == ["1.2.3.4", "1.2.3.5"] * 2 and set(data["country"]) == {"ZZ"}
    assert len(set(data["measurement"])) == 1 and not observer.problems


@pytest.mark.parametrize("data", [{"type": "dns"}, {"type": "dns", "timestamp": "x"}, result(resultset={})])
def test_what_is_none(data: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no dns result that can be read"):
        formats.read(data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)
FIELDS = (
    "timestamp",
    "resultset",
    "result",
    "error",
    "qbuf",
    "time",
    "dst_addr",
    "dst_port",
    "proto",
    "msm_id",
)


@settings(max_examples=150, deadline=None, database=None)
@given(st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=4), st.booleans(), st.binary(max_size=60))
def test_whatever_stands_in_a_result_it_is_read_or_refused(
    odd: dict[str, Any], inside: bool, abuf: bytes
) -> None:
    good = answered(base64.b64encode(struct.pack("!6H", 1, 0x8000, 1, 1, 0, 0) + abuf).decode())
    data = {**good, "resultset": [odd]} if inside else {**good, **odd}
    try:
        assert formats.read(data) is not None
    except ValueError as error:
        assert "no dns result" in str(error)


def test_a_list_of_them_is_read_as_lines_are(tmp_path: Path) -> None:
    made = [answered(wire("a.com. 60 IN A 1.2.3.4"), prb_id=n) for n in (1, 2, 2)]
    file = tmp_path / "x.json"
    file.write_text(json.dumps([*made, {"type": "dns"}]))
    data = load([file])
    assert data.measurements["input"].tolist() == ["a.com"] * 2
    (reason,) = data.problems["reason"]
    assert "no dns result" in reason
    # A probe that stands in it twice is kept once, in a dataset as well.
    assert build(tmp_path / "out", [file], processes=1).copies == 1
    assert len(load([tmp_path / "out"]).measurements) == 2


def test_they_are_measurements_as_well_that_nothing_judges(tmp_path: Path) -> None:
    lines = [answered(wire("a.com. 60 IN A 1.2.3.4")), {"type": "cycle-stop"}, {"type": "dns"}]
    file = tmp_path / "x.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)))
    data = load([file])
    assert data.measurements[["test_name", "input", "host"]].values.tolist() == [
        ["resolve", "a.com", "a.com"]
    ]
    assert data.measurements["status"].isna().all()
    assert data.problems["line"].tolist() == [3]
