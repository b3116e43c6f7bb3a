"""Traces in others' formats: RIPE Atlas' own reader accepts ours, and what was written comes back."""

import json
from typing import Any

import pytest

from gatewatch.records import HopReply, Measurement, MplsLabel, TraceKeys, decode, encode
from gatewatch.records.atlas import from_atlas, measurement, to_atlas
from gatewatch.records.scamper import from_scamper, to_scamper

LABELS = (MplsLabel(label=24015, traffic_class=3, ttl=1), MplsLabel(label=16, bottom=True, ttl=254))


def reply(ttl: int, address: str | None, attempt: int = 0, **more: Any) -> HopReply:
    given = {"rtt": 1.5 * ttl, "icmp_type": 11, "icmp_code": 0, "reply_ttl": 256 - ttl, "quoted_ttl": 1}
    return HopReply(ttl=ttl, address=address, attempt=attempt, **({**given, **more} if address else {}))


KEYS = TraceKeys(
    protocol="udp",
    destination="93.184.216.34",
    source_port=50000,
    destination_port=33434,
    reached=True,
    stop="reached",
    replies=(
        reply(1, "63.218.0.1"),
        reply(1, "63.218.0.1", 1),
        reply(2, None),
        reply(2, None, 1),
        reply(3, "63.218.0.3", labels=LABELS),
        reply(3, "63.218.0.33", 1),
        reply(4, "93.184.216.34", icmp_type=3, icmp_code=3),
        reply(4, "93.184.216.34", 1, icmp_type=3, icmp_code=3),
        # Another flow's: neither format knows of them.
        reply(3, "63.218.0.99", flow=1),
    ),
)


def measured(keys: TraceKeys = KEYS) -> Measurement:
    return measurement(keys, 1_795_507_060, "example.com", 2.5, "gatewatch")


def keys_of(m: Measurement) -> TraceKeys:
    keys, problems = decode(TraceKeys, dict(m.test_keys.extra))
    assert problems == () and m.test_name == "trace"
    return keys


def told(keys: TraceKeys) -> list[Any]:
    return [
        (r.ttl, r.attempt, r.address, r.rtt, r.reply_ttl, r.quoted_ttl, r.labels)
        for r in keys.replies
        if not r.flow
    ]


def test_ripe_atlas_own_reader_accepts_it() -> None:
    sagan = pytest.importorskip("ripe.atlas.sagan", reason="RIPE Atlas' sagan is not installed")
    text = json.dumps(to_atlas(measured(), KEYS))
    result = sagan.Result.get(
        text, on_error=sagan.Result.ACTION_FAIL, on_malformation=sagan.Result.ACTION_FAIL
    )
    assert type(result).__name__ == "TracerouteResult" and not result.is_malformed
    assert (result.af, result.protocol, result.destination_address) == (4, "UDP", "93.184.216.34")
    assert result.total_hops == 4 and result.destination_ip_responded and result.is_success
    assert result.ip_path == [
        ["63.218.0.1", "63.218.0.1"],
        [None, None],
        ["63.218.0.3", "63.218.0.33"],
        ["93.184.216.34", "93.184.216.34"],
    ]
    assert result.last_median_rtt == 6.0 and result.origin is None and result.source_address is None
    (found,) = result.hops[2].packets[0].icmp_header.objects
    assert [entry["label"] for entry in found["mpls"]] == [24015, 16]


def test_an_unreachable_and_a_failed_trace_are_read_too() -> None:
    sagan = pytest.importorskip("ripe.atlas.sagan", reason="RIPE Atlas' sagan is not installed")
    refused = TraceKeys(
        protocol="tcp", destination="93.184.216.34", source_port=1, destination_port=443, reached=False,
        replies=(reply(1, "63.218.0.1", icmp_type=3, icmp_code=13),),
    )  # fmt: skip
    result = sagan.Result.get(json.dumps(to_atlas(measured(refused), refused)))
    assert result.last_hop_errors == ["Administratively prohibited"] and not result.is_success
    failed = TraceKeys(
        protocol="icmp", destination="2606:2800::1", source_port=None, destination_port=None, reached=False,
        replies=(), failure="network_unreachable",
    )  # fmt: skip
    result = sagan.Result.get(json.dumps(to_atlas(measured(failed), failed)))
    assert result.af == 6 and result.last_hop_errors == ["network_unreachable"]


@pytest.mark.parametrize("form", ["atlas", "scamper"])
def test_what_was_written_comes_back(form: str) -> None:
    if form == "atlas":
        again = from_atlas(json.loads(json.dumps(to_atlas(measured(), KEYS))))
    else:
        again = from_scamper(json.loads(json.dumps(to_scamper(measured(), KEYS))))
    keys = keys_of(again)
    assert told(keys) == told(KEYS)
    assert keys.reached and keys.destination == KEYS.destination and keys.protocol == "udp"
    assert again.measurement_start_time == measured().measurement_start_time


def test_scampers_own_words_are_read() -> None:
    # As scamper 20211212 prints it, shortened.
    line = """{"type":"trace","version":"0.1", "userid":0, "method":"udp-paris", "src":"103.5.24.10",
    "dst":"104.17.0.2", "sport":39611, "dport":33435, "stop_reason":"COMPLETED", "stop_data":0,
    "start":{"sec":1795507060, "usec":204066, "ftime":"2026-11-24 07:57:40"}, "hop_count":3, "attempts":2,
    "hoplimit":0, "firsthop":1, "wait":1, "wait_probe":0, "tos":0, "probe_size":44, "probe_count":4, "hops":[
    {"addr":"192.168.1.1", "name":"home.example", "probe_ttl":1, "probe_id":1, "probe_size":44, "rtt":2.946,
    "reply_ttl":255, "icmp_type":11, "icmp_code":0, "icmp_q_ttl":1}, {"addr":"104.17.0.2", "probe_ttl":3,
    "probe_id":2, "probe_size":44, "rtt":8.156, "reply_ttl":62, "icmp_type":3, "icmp_code":3,
    "icmp_q_ttl":1}]}"""
    m = from_scamper(json.loads(line))
    keys = keys_of(m)
    assert [(r.ttl, r.attempt, r.address) for r in keys.replies] == [
        (1, 0, "192.168.1.1"),
        (2, 0, None),
        (2, 1, None),
        (3, 1, "104.17.0.2"),
    ]
    assert [reply.name for reply in keys.replies] == ["home.example", None, None, None]
    assert keys.reached and (keys.source_port, keys.destination_port) == (39611, 33435)
    # The vantage's address is not taken over.
    assert "103.5.24.10" not in json.dumps(encode(m))


def test_a_first_hop_before_the_first_takes_no_time() -> None:
    row = {
        "type": "trace",
        "dst": "104.17.0.2",
        "firsthop": -(2**63),
        "hop_count": 2,
        "attempts": 1,
        "hops": [],
    }
    assert [reply.ttl for reply in keys_of(from_scamper(row)).replies] == [1, 2]


def scamper_row(heard: int, last: int, attempts: int) -> dict[str, Any]:
    hops = [{"addr": "104.17.0.1", "probe_ttl": ttl} for ttl in range(1, heard + 1)]
    return {"type": "trace", "dst": "104.17.0.2", "hop_count": last, "attempts": attempts, "hops": hops}


@pytest.mark.parametrize(
    ("heard", "last", "attempts"), [(0, 255, 32), (0, 2**40, 2**40), (1, 255, 20), (8, 255, 99)]
)
def test_a_short_line_tells_of_no_more_silence_than_a_trace_can_have_met(
    heard: int, last: int, attempts: int
) -> None:
    row = scamper_row(heard, last, attempts)
    replies = keys_of(from_scamper(row)).replies
    assert heard < len(replies) <= len(json.dumps(row))
    assert [reply.ttl for reply in replies if reply.address] == [*range(1, heard + 1)]
    # No TTL is left out before the last that is told of.
    assert {reply.ttl for reply in replies} == set(range(1, replies[-1].ttl + 1))


@pytest.mark.parametrize(("heard", "last", "attempts"), [(0, 5, 2), (0, 10, 3), (10, 40, 3), (20, 64, 4)])
def test_honest_silence_is_read_in_full(heard: int, last: int, attempts: int) -> None:
    replies = keys_of(from_scamper(scamper_row(heard, last, attempts))).replies
    assert len(replies) == heard + (last - heard) * attempts


@pytest.mark.parametrize("odd", [{}, {"type": "traceroute"}, {"type": "trace", "dst": "nowhere"}])
def test_what_is_no_trace_is_refused(odd: dict[str, Any]) -> None:
    for read in (from_atlas, from_scamper):
        with pytest.raises(ValueError):
            read(odd)


def test_a_withheld_hop_stays_silent() -> None:
    cut = TraceKeys(
        protocol="udp", destination="93.184.216.34", source_port=1, destination_port=2, reached=False,
        replies=(reply(1, "192.168.0.0/16"), reply(2, "63.218.0.1")),
    )  # fmt: skip
    assert to_atlas(measured(cut), cut)["result"][0] == {"hop": 1, "result": [{"x": "*"}]}
    assert [hop["probe_ttl"] for hop in to_scamper(measured(cut), cut)["hops"]] == [2]
