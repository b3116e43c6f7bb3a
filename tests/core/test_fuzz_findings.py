"""What fuzzing found, each as the smallest input that once broke its parser (benchmarks.fuzz)."""

from __future__ import annotations

import gzip
import json
import math
import ssl
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
import requests

from gatewatch.consent import ledger
from gatewatch.helper.networks import Networks
from gatewatch.lab.country.decode import ScenarioError
from gatewatch.lab.country.scenario import load
from gatewatch.net import url
from gatewatch.net.response import BODY_CAP, Response
from gatewatch.runner import line
from gatewatch.store import runs
from gatewatch.store.files import read_json
from gatewatch.summary import facts, wording
from gatewatch.unattended.status import STATUS, Status, faults
from gatewatch.update import download
from gatewatch.update.catalogue import DATA, datasets
from gatewatch.update.convert import Converted, convert
from gatewatch.update.download import Refused
from gatewatch.whereabouts import About, packed
from gatewatch_probes.visit import echoes
from gatewatch_targets.url import UrlError
from gatewatch_targets.url import parse as spelt

DEEP = b'{"a":' + b"[" * 100_000
NOW = datetime(2026, 1, 2, tzinfo=UTC)


def test_a_certificate_of_a_version_that_does_not_exist_is_invalid(tmp_path: Path) -> None:
    trustme = pytest.importorskip("trustme", reason="needs the extra lab: pip install 'gatewatch[lab]'")
    pytest.importorskip("aioquic", reason="needs the extra quic: pip install 'gatewatch[quic]'")
    from gatewatch.net import chain
    from gatewatch.net.trust import Trust

    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    good = ssl.PEM_cert_to_DER_cert(authority.issue_cert("a.example").cert_chain_pems[0].bytes().decode())
    trust = Trust(str(tmp_path / "ca.pem"))
    assert chain.verify(trust, [good], "a.example") is None
    assert good.count(b"\xa0\x03\x02\x01\x02") == 1
    odd = good.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x25")
    assert chain.verify(trust, [odd], "a.example") == "ssl_invalid_certificate"


def test_an_echo_without_a_port_is_none() -> None:
    said = {"request_line": "GET / HTTP/1.1", "headers_list": []}
    assert echoes._told(json.dumps(said).encode()) is None
    assert echoes._told(json.dumps({**said, "peer_port": 1}).encode()) == ("GET / HTTP/1.1", [])


def test_an_address_is_as_short_as_it_must_be_when_it_is_sent() -> None:
    base = url.parse("https://www.example.com/")
    with pytest.raises(UrlError, match="as it is sent"):
        url.redirected(base, "/" + "ไ" * 1000)
    assert len(str(url.redirected(base, "/" + "ไ" * 800))) < url.LONGEST
    with pytest.raises(UrlError, match="as it is sent"):
        spelt("https://a.example/" + "é" * 400)


def test_a_date_beyond_all_numbers_says_nothing_of_the_clock() -> None:
    # In plain HTTP, anybody on the way writes it.
    for zone in ("+99999999999999", "-0000", "+9999"):
        assert line._offset({"Date": f"Mon, 02 Nov 2026 00:00:00 {zone}"}) is None
    assert line._offset({"date": "Mon, 99999999999999999999 Nov 2026 00:00:00 GMT"}) is None
    assert line._offset({"Date": "Mon, 02 Nov 2026 00:00:00 GMT"}) is not None


def test_lengths_of_thousands_of_digits_are_none() -> None:
    answer = requests.Response()
    answer.url, answer.status_code = "https://mirror.example/a", 206
    answer.headers.update({"Content-Length": "9" * 5000, "Content-Range": f"bytes {'9' * 5000}-1/*"})
    assert download._total(answer, 0) is None
    with pytest.raises(Refused, match="another part"):
        download._begins(answer, 5)
    answer.headers.update({"Content-Length": "95", "Content-Range": "bytes 5-99/100"})
    assert (download._total(answer, 5), download._begins(answer, 5)) == (100, 5)


def test_a_table_whose_header_is_nested_without_end(tmp_path: Path) -> None:
    file = tmp_path / "table"
    file.write_bytes(packed._MAGIC + DEEP[:60_000] + b"\n")
    with pytest.raises(packed.DamagedTable, match="header cannot be read"):
        packed.load(file)


def _fed(data: bytes, size: int) -> bytes:
    got = Response()
    for at in range(0, len(data), size):
        got.feed(data[at : at + size])
    got.end()
    return got.body


HEAD = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"
PAGE = b"<html>" + b"".join(b"<p>%d</p>" % n for n in range(3000))


def test_a_damaged_body_is_the_same_in_whatever_pieces_it_comes() -> None:
    sent = bytearray(gzip.compress(PAGE, mtime=0))
    sent[len(sent) // 2] ^= 0xFF
    bodies = {_fed(HEAD + bytes(sent), size) for size in (1, 7, 1460, 100_000)}
    (body,) = bodies
    whole = bytes(sent[-200:])
    # What could be read, then the rest as it came.
    assert body.startswith(PAGE[:2000]) and body.endswith(whole)


def test_a_body_that_is_not_packed_after_all_is_kept_from_its_first_byte() -> None:
    for text in (b"\x1f\x8b is no gzip", b"<html>plain</html>", b"\x1f"):
        expected = {text} if len(text) > 1 else {b""}
        assert {_fed(HEAD + text, size) for size in (1, 3, 100)} == expected


def test_a_packed_body_whose_header_never_ends_does_not_fill_the_memory() -> None:
    # The flag FNAME, and a name without an end (RFC 1952 2.3).
    got = Response()
    got.feed(HEAD + b"\x1f\x8b\x08\x08" + bytes(6))
    while not got.done and len(got._packed) <= BODY_CAP:
        got.feed(b"n" * 50_000)
    got.feed(b"n")
    assert got.done and got.truncated and len(got.body) == BODY_CAP and not got._packed


@pytest.mark.parametrize(
    "row", ["203.0.113.0/24,4294967296", "203.0.113.0/24,-1", "203.0.113.0/24," + "x" * 200_000]
)
def test_a_prefix_table_with_what_is_no_number_of_a_network(row: str, tmp_path: Path) -> None:
    file = tmp_path / "prefixes.csv"
    file.write_text(f"prefix,asn\n{row}\n")
    with pytest.raises(ValueError, match=r"prefixes\.csv, line \d"):
        Networks(file)
    file.write_text("prefix,asn\n203.0.113.0/24,AS4294967295\n")
    assert Networks(file).asn_of("203.0.113.9") == 4294967295


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"\xff", "codec"),
        (b"a = " + b"[" * 200_000, "recursion|Invalid value"),
        (b"seed = " + b"9" * 5000, "digits"),
        (b"include = 1", "include: expected a list"),
        (b'include = ["' + b"x" * 5000 + b'"]', "include: no packaged part"),
        (b'include = ["../nig"]', "include: no packaged part"),
        (b'include = ["abroad"]\nnetwork = 1', "network: expected a list"),
    ],
)
def test_a_scenario_that_is_none_is_told_with_its_place(text: bytes, why: str, tmp_path: Path) -> None:
    file = tmp_path / "odd.toml"
    file.write_bytes(text)
    with pytest.raises(ScenarioError, match=why) as told:
        load(str(file))
    assert str(told.value).startswith("odd.toml: ")


Convert = Callable[[str, dict[str, bytes]], Converted]


@pytest.fixture
def converted(tmp_path: Path) -> Convert:
    def made(form: str, parts: dict[str, bytes]) -> Converted:
        known = replace(datasets()["ip-to-as"], format=cast("Any", form))
        for name, data in parts.items():
            (tmp_path / name).write_bytes(data)
        about = About("x", "x", "2026-01-01T00:00:00Z", "x", "x")
        return convert(known, {name: tmp_path / name for name in parts}, about)

    return made


def test_fetched_tables_that_are_no_csv_are_refused(converted: Convert) -> None:
    with pytest.raises(Refused, match="no CSV"):
        converted("ranges-asn", {DATA: b"1.0.0.0,1.0.0.255,1\n1.0.1.0,\r1.0.1.255,2\n"})
    long = b'url,category_code,notes\nhttps://a.example/,NEWS,x\n"' + b"x,y\n" * 40_000
    with pytest.raises(Refused):
        converted("citizenlab", {DATA: long})


CABLE = {
    "id": "one",
    "name": "One \ud800",
    "landing_points": [{"id": "a", "name": "X, Cambodia", "country": "Cambodia"}],
}


@pytest.mark.parametrize("coordinates", [[], [1.0], "x", 7, None, [1.0, 2.0, 3.0]])
@pytest.mark.parametrize("place", ["a", ["a"], {"a": 1}, None])
def test_a_map_of_cables_with_odd_landing_points(
    coordinates: object, place: object, converted: Convert
) -> None:
    points = {"features": [{"properties": {"id": "a"}, "geometry": {"coordinates": coordinates}}]}
    landings = [{"id": place, "name": "X, Cambodia", "country": "Cambodia"}]
    cable = {**CABLE, "landing_points": landings}
    try:
        parts = {"points": json.dumps(points).encode(), "each-one": json.dumps(cable).encode()}
        made = converted("cablemap", parts)
    except Refused as error:
        assert "cables cannot be read" in str(error)
    else:
        assert made.entries == 1 and b"\\ud800" not in made.content


@pytest.mark.parametrize(
    "odd",
    [
        {"next_due": 7},
        {"every_hours": "6"},
        {"state": []},
        {"uploads": 1},
        {"uploads": ["x"]},
        {"verdicts": "x"},
        {"verdicts": {"ok": []}},
        {"measured": True},
    ],
)
def test_a_status_file_with_values_of_other_types_is_none(odd: dict[str, Any], tmp_path: Path) -> None:
    good = Status(state="ended", next_due="2026-01-01T06:00:00Z", every_hours=6).to_json()
    (tmp_path / STATUS).write_text(json.dumps(good))
    assert Status.read(tmp_path) is not None
    (tmp_path / STATUS).write_text(json.dumps({**good, **odd}))
    assert Status.read(tmp_path) is None


def test_a_status_file_with_endless_hours_and_a_destination_without_a_name(tmp_path: Path) -> None:
    odd = Status(state="ended", next_due="9999-12-31T23:59:59Z", every_hours=10**30, uploads=[{"refused": 1}])
    (tmp_path / STATUS).write_text(json.dumps(odd.to_json()))
    found = Status.read(tmp_path)
    said = faults(found, NOW, going_on=False)
    assert len(said) == 2 and "clock" in said[0] and said[1] == "None refused 1 measurements"
    assert faults(replace(odd, every_hours=-(10**30)), NOW, going_on=False)[-1] == said[1]
    assert found is not None and list(found.told())


def test_files_that_are_nested_without_end(tmp_path: Path) -> None:
    (tmp_path / STATUS).write_bytes(DEEP)
    assert Status.read(tmp_path) is None and ledger._read(tmp_path / STATUS) == {}
    with pytest.raises(ValueError, match="nested too deeply"):
        read_json(tmp_path / STATUS)


@pytest.mark.parametrize(
    ("plan", "run"),
    [
        ({"probes": 1, "items": 1}, {}),
        ({}, {"state": [], "verdicts": {"ok": 1}}),
        ({}, {"state": "done", "verdicts": {"ok": "x"}}),
    ],
)
def test_a_run_whose_files_hold_values_of_other_types_is_listed(plan: Any, run: Any, tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    (tmp_path / "run.json").write_text(json.dumps(run))
    (tmp_path / "measurements.jsonl").write_text('{"x_gatewatch_verdict":{"label":"ok"}}\n')
    info = runs.look(tmp_path, going_on=False)
    assert info is not None and info.planned == 0 and info.probes == () and info.measured == 1


@pytest.mark.parametrize("plan", [{"items": 1}, {"settings": {"left_out": {"high": "x", "medium": [2]}}}])
@pytest.mark.parametrize("run", [{"skipped": 1}, {"skipped": [7]}, {}])
@pytest.mark.parametrize("confidence", [math.nan, -1, 10**400, "x"])
def test_a_run_with_values_of_other_types_is_summed_up(
    plan: Any, run: Any, confidence: Any, tmp_path: Path
) -> None:
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    (tmp_path / "run.json").write_text(json.dumps(run))
    verdict = {"status": "blocked", "layer": "dns", "method": "injected", "confidence": confidence}
    row = {"input": "https://a.example/", "x_gatewatch_verdict": verdict}
    (tmp_path / "measurements.jsonl").write_text(json.dumps(row) + "\n")
    found = facts.gather(tmp_path)
    assert [(s.status, s.confidence) for s in found.sites] == [("blocked", 0.0)]
    assert found.left_out == {} and found.unfinished == 0
    assert any("a.example" in line for line in wording.lines(found))
