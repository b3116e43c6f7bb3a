"""Packets: right to the bit, as another implementation reads them."""

from __future__ import annotations

from typing import Any

import pytest
from tests.lab.village import assert_sound

from gatewatch.lab.path import packet as p

HERE, THERE = bytes((103, 5, 24, 10)), bytes((8, 8, 8, 8))
HERE6, THERE6 = p.packed("2400:7a00:1::10"), p.packed("2001:4860:4860::8888")
FAMILIES = pytest.mark.parametrize(("here", "there"), [(HERE, THERE), (HERE6, THERE6)], ids=["v4", "v6"])


def scapy_rebuilt(packet: bytes) -> bytes:
    """The same packet with its lengths and checksums computed by scapy."""
    from scapy.layers.inet import ICMP, IP, TCP, UDP
    from scapy.layers.inet6 import ICMPv6DestUnreach, ICMPv6EchoReply, ICMPv6TimeExceeded, IPv6

    again: Any
    if packet[0] >> 4 == 6:
        again = IPv6(packet)
        del again.plen
    else:
        again = IP(packet)
        del again.chksum, again.len
    for layer in (TCP, UDP, ICMP, ICMPv6DestUnreach, ICMPv6EchoReply, ICMPv6TimeExceeded):
        if again.haslayer(layer):
            again[layer].delfieldval("cksum" if layer.__name__.startswith("ICMPv6") else "chksum")
    return bytes(again)


@FAMILIES
@pytest.mark.parametrize("size", [0, 1, 2, 1439, 1440])
def test_tcp_is_what_scapy_builds(size: int, here: bytes, there: bytes) -> None:
    built = p.tcp(
        here,
        4000,
        there,
        443,
        seq=0xFFFFFFF0,
        ack=7,
        flags=p.ACK | p.PSH,
        window=501,
        data=bytes(range(256)) * 5 + b"\xff" * (size - 1280) if size > 1280 else b"\xfe" * size,
        options=b"\x02\x04\x05\xb4",
        ttl=3,
    )
    assert built == scapy_rebuilt(built)
    assert len(built) == p.head(built) + 24 + size or size > 1280


@FAMILIES
@pytest.mark.parametrize("data", [b"", b"a", b"\xff\xff", b"\0" * 1452])
def test_udp_is_what_scapy_builds(data: bytes, here: bytes, there: bytes) -> None:
    built = p.udp(here, 4000, there, 53, data)
    assert built == scapy_rebuilt(built)
    assert p.payload(built) == data
    assert p.ports(built) == (4000, 53)
    assert (p.protocol(built), p.source(built), p.destination(built)) == (p.UDP, here, there)
    assert p.flow(built) == here + there + (4000).to_bytes(2, "big") + (53).to_bytes(2, "big")
    assert p.plain(built)


@FAMILIES
def test_a_packet_turned_round_is_the_answer(here: bytes, there: bytes) -> None:
    packet = bytearray(p.udp(here, 4000, there, 7, b"ping"))
    p.turn_round(packet)
    assert packet == p.udp(there, 7, here, 4000, b"ping")


def test_options_fragments_and_extensions_are_not_plain() -> None:
    fragment = bytearray(p.udp(HERE, 1, THERE, 2, b""))
    fragment[7] = 1
    hop_by_hop = bytearray(p.udp(HERE6, 1, THERE6, 2, b""))
    hop_by_hop[6] = 0
    strange = (fragment, hop_by_hop, b"\x46" + bytes(40), b"\x45" + bytes(10), b"")
    assert not any(p.plain(packet) for packet in strange)
    assert not p.plain(p.udp(HERE6, 1, THERE6, 2, b"")[:47])


def test_icmp_error_quotes_header_and_eight_bytes_with_the_ttl_of_arrival() -> None:
    original = p.udp(HERE, 4000, THERE, 53, b"x" * 40, ttl=5)
    error = p.icmp_error(p.TIME_EXCEEDED, 0, bytes((10, 0, 0, 1)), original, quoted_ttl=1, ttl=250)
    quote = error[28:]
    assert (len(quote), quote[8], error[8], error[20]) == (28, 1, 250, p.TIME_EXCEEDED)
    assert p.checksum(quote[:20]) == 0xFFFF
    assert error == scapy_rebuilt(error)


@pytest.mark.parametrize(
    ("kind", "code", "numbers"),
    [
        (p.TIME_EXCEEDED, 0, (3, 0)),
        (p.UNREACHABLE, 0, (1, 0)),
        (p.UNREACHABLE, p.HOST_UNREACHABLE, (1, 3)),
        (p.UNREACHABLE, p.PORT_UNREACHABLE, (1, 4)),
        (p.UNREACHABLE, p.PROHIBITED, (1, 1)),
    ],
)
def test_icmpv6_errors_say_the_same_in_numbers_of_their_own(
    kind: int, code: int, numbers: tuple[int, int]
) -> None:
    original = p.udp(HERE6, 4000, THERE6, 53, b"x" * 1400, ttl=5)
    router = p.packed("2400:7a00::1")
    error = p.icmp_error(kind, code, router, original, quoted_ttl=1, ttl=250)
    # RFC 4443 2.4 (c): as much as fits 1,280 bytes.
    assert (len(error), p.protocol(error), p.ttl(error)) == (1280, p.ICMPV6, 250)
    assert (tuple(error[40:42]), p.icmp_kind(error)) == (numbers, kind)
    assert (p.source(error), p.destination(error)) == (router, HERE6)
    assert (p.ttl(error[48:]), p.flow(error[48:])) == (1, p.flow(original))
    assert error == scapy_rebuilt(error)


def test_a_packet_too_big_tells_what_would_fit() -> None:
    for here, there in ((HERE, THERE), (HERE6, THERE6)):
        original = p.udp(here, 4000, there, 53, b"x" * 1400)
        error = p.icmp_error(p.UNREACHABLE, p.TOO_BIG, there, original, quoted_ttl=9, ttl=250, mtu=1300)
        assert (p.icmp_kind(error), p.icmp_mtu(error)) == (p.UNREACHABLE, 1300)
        assert_sound(error)
        other = p.icmp_error(p.UNREACHABLE, p.PORT_UNREACHABLE, there, original, quoted_ttl=9, ttl=250)
        assert p.icmp_mtu(other) == 0


def test_icmpv6_echoes_are_echoes() -> None:
    reply = p.icmp(p.ECHO_REPLY, 0, HERE6, THERE6, b"payload", rest=0x12340001)
    assert (reply[40], p.icmp_kind(reply), p.payload(reply)) == (129, p.ECHO_REPLY, b"payload")
    assert reply == scapy_rebuilt(reply)


LABELS = (p.Label(24015, 3, 1), p.Label(16, 0, 254))


@FAMILIES
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("size", [0, 60, 1200])
def test_label_stacks_are_what_scapy_reads(here: bytes, there: bytes, full: bool, size: int) -> None:
    from scapy.contrib.mpls import MPLS, ICMPExtension_MPLS
    from scapy.layers.inet import ICMPExtension_Header

    original = p.udp(here, 4000, there, 33434, b"x" * size)
    error = p.icmp_error(p.TIME_EXCEEDED, 0, there, original, quoted_ttl=1, ttl=250, full=full, labels=LABELS)
    assert_sound(error)
    at = p.head(error)
    # RFC 4884 4.1 to 4.4: the length of the quote in words, and the quote is at least 128 bytes.
    words, unit = (error[at + 5], 4) if len(here) == 4 else (error[at + 4], 8)
    extension = error[at + 8 + words * unit :]
    assert words * unit >= 128
    assert len(error) <= (576 if len(here) == 4 else 1280)
    assert p.checksum(extension) == 0xFFFF
    read = ICMPExtension_MPLS(bytes(ICMPExtension_Header(extension))[4:])
    assert (read.len, read.classnum, read.classtype) == (len(extension) - 4, 1, 1)
    stack = [MPLS(extension[start : start + 4]) for start in range(8, len(extension), 4)]
    assert [(one.label, one.cos, one.s, one.ttl) for one in stack] == [(24015, 3, 0, 1), (16, 0, 1, 254)]


def test_a_full_quote_is_as_long_as_an_error_may_be() -> None:
    original = p.udp(HERE, 4000, THERE, 53, b"x" * 1400)
    error = p.icmp_error(p.TIME_EXCEEDED, 0, THERE, original, quoted_ttl=1, ttl=250, full=True)
    assert len(error) == 576
    short = p.udp(HERE, 4000, THERE, 53, b"x")
    assert len(p.icmp_error(p.TIME_EXCEEDED, 0, THERE, short, quoted_ttl=1, ttl=250, full=True)) == 28 + 29


@pytest.mark.parametrize("ttl", range(1, 256))
def test_lowering_the_ttl_keeps_the_checksum_right(ttl: int) -> None:
    packet = bytearray(p.udp(HERE, ttl, THERE, 53, b"data", ttl=ttl))
    p.lower_ttl(packet, ttl // 2)
    assert packet[8] == ttl - ttl // 2
    assert_sound(bytes(packet))
    six = bytearray(p.udp(HERE6, ttl, THERE6, 53, b"data", ttl=ttl))
    p.lower_ttl(six, ttl // 2)
    assert p.ttl(six) == ttl - ttl // 2


@FAMILIES
def test_a_segment_is_read_back(here: bytes, there: bytes) -> None:
    options = b"\x01\x02\x04\x05\xb4\x03\x03\x07"
    built = p.tcp(here, 1, there, 2, seq=3, ack=4, flags=p.SYN, window=5, data=b"six", options=options)
    assert p.segment(built) == p.Segment(here, there, 1, 2, 3, 4, p.SYN, 5, b"six", 1460, 7)
    assert p.flags(built) == p.SYN


@FAMILIES
def test_link_padding_is_no_data(here: bytes, there: bytes) -> None:
    built = p.tcp(here, 1, there, 2, seq=3, ack=4, flags=p.ACK)
    padded = p.segment(built + b"\0" * 6)
    assert padded is not None
    assert padded.data == b""


@pytest.mark.parametrize(
    "options", [b"\x02", b"\x02\x00\x00\x00", b"\x03\x01\x00\x00", b"\x02\xff\x05\xb4", b"\x05" * 4]
)
def test_hostile_options_end_the_reading(options: bytes) -> None:
    options = options.ljust(4, b"\0")
    got = p.segment(p.tcp(HERE, 1, THERE, 2, seq=3, flags=p.SYN, options=options))
    assert got is not None
    assert (got.mss, got.scale) == (None, None)


def test_a_packet_shorter_than_its_headers_is_no_segment() -> None:
    built = bytearray(p.tcp(HERE, 1, THERE, 2, seq=3, flags=p.ACK))
    assert p.segment(built[:39]) is None
    built[32] = 0xF0  # a data offset past the end
    assert p.segment(built) is None
    built[32] = 0x40  # a header shorter than the fixed part
    assert p.segment(built) is None
