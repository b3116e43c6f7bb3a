"""A box's hand: what it forges looks as its scenario says, byte for byte."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from tests.lab.village import assert_sound, bench, box, client_hello, read, run, tcp, udp

from gatewatch.lab.country.check import complete
from gatewatch.lab.country.decode import ScenarioError
from gatewatch.lab.path import packet as p
from gatewatch.net import dnswire

BAD = "1.0.0.2"


def forged(**hand: Any) -> list[bytes]:
    """What a ClientHello for a blocked name brings back."""
    engine, _ = bench(box("sni-reset", **hand))
    hello = tcp(BAD, 443, flags=p.ACK | p.PSH, seq=1001, ack=5000, data=client_hello("www.bad.com"))
    packets = [packet for _, packet in run(engine, hello, until=0.02)]
    for packet in packets:
        assert_sound(packet)
    return packets


def ip_id(packet: bytes) -> int:
    return int(struct.unpack_from("!H", packet, 4)[0])


def test_by_default_like_everybody_else() -> None:
    (packet,) = forged()
    assert (ip_id(packet), packet[6], p.ttl(packet)) == (0, 0x40, 63)
    segment = read(packet)
    assert (segment.flags, segment.window, segment.data, segment.seq) == (p.RST | p.ACK, 0, b"", 5000)


def test_a_hand_of_its_own() -> None:
    packets = forged(
        initial_ttl=255,
        ip_id="0x9916-0x9933",
        dont_fragment=False,
        flags="R",
        window=1980,
        copies=3,
        payload="0102",
    )
    assert len(packets) == 3
    for packet in packets:
        assert 0x9916 <= ip_id(packet) <= 0x9933
        assert (packet[6], p.ttl(packet)) == (0, 254)
        segment = read(packet)
        assert (segment.flags, segment.window, segment.data, segment.ack) == (p.RST, 1980, b"\1\2", 0)


def test_identifiers_count_or_are_random() -> None:
    assert [ip_id(packet) for packet in forged(ip_id="counter", copies=3)] == [1, 2, 3]
    assert len({ip_id(packet) for packet in forged(ip_id="random", copies=8)}) == 8
    assert {ip_id(packet) for packet in forged(ip_id="7", copies=2)} == {7}


def test_forged_answers_to_questions_have_it_too() -> None:
    engine, _ = bench(box("dns-inject", method="bogon", address="10.1.1.1", resolvers="all", ip_id="7"))
    ((_, packet), *_) = run(engine, udp("8.8.8.8", 53, dnswire.query("www.bad.com", "A", 77)))
    assert_sound(packet)
    assert (ip_id(packet), p.ttl(packet)) == (7, 63)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("initial_ttl", 256),
        ("ip_id", "many"),
        ("ip_id", "9-3"),
        ("ip_id", "0x10000"),
        ("flags", "F"),
        ("window", 65536),
        ("copies", 0),
        ("payload", "xyz"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_place(option: str, value: Any) -> None:
    from dataclasses import replace

    from gatewatch.lab.country.scenario import load

    small = load("small")
    isp = replace(small.isps[0], boxes=(box("sni-reset", **{option: value}),))
    with pytest.raises(ScenarioError, match=rf"box\[0\]\.{option}"):
        complete(replace(small, isps=(isp,)))
