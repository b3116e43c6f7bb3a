"""Packets: right to the bit, as another implementation reads them."""

from __future__ import annotations

import pytest
from tests.lab.village import assert_sound

from gatewatch.lab import packet as p

HERE, THERE = bytes((103, 5, 24, 10)), bytes((8, 8, 8, 8))


def scapy_rebuilt(packet: bytes) -> bytes:
    """The same packet with its lengths and checksums computed by scapy."""
    from scapy.layers.inet import ICMP, IP, TCP, UDP

    again = IP(packet)
    del again.chksum, again.len
    for layer in (TCP, UDP, ICMP):
        if again.haslayer(layer):
            del again[layer].chksum
    return bytes(again)


@pytest.mark.parametrize("size", [0, 1, 2, 1459, 1460])
def test_tcp_is_what_scapy_builds(size: int) -> None:
    built = p.tcp(
        HERE,
        4000,
        THERE,
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
    assert len(built) == 44 + size or size > 1280


@pytest.mark.parametrize("data", [b"", b"a", b"\xff\xff", b"\0" * 1472])
def test_udp_is_what_scapy_builds(data: bytes) -> None:
    built = p.udp(HERE, 4000, THERE, 53, data)
    assert built == scapy_rebuilt(built)
    assert p.payload(built) == data
    assert p.ports(built) == (4000, 53)


def test_icmp_error_quotes_header_and_eight_bytes_with_the_ttl_of_arrival() -> None:
    original = p.udp(HERE, 4000, THERE, 53, b"x" * 40, ttl=5)
    error = p.icmp_error(p.TIME_EXCEEDED, 0, bytes((10, 0, 0, 1)), original, quoted_ttl=1, ttl=250)
    quote = error[28:]
    assert (len(quote), quote[8], error[8], error[20]) == (28, 1, 250, p.TIME_EXCEEDED)
    assert p.checksum(quote[:20]) == 0xFFFF
    assert error == scapy_rebuilt(error)


@pytest.mark.parametrize("ttl", range(1, 256))
def test_lowering_the_ttl_keeps_the_checksum_right(ttl: int) -> None:
    packet = bytearray(p.udp(HERE, ttl, THERE, 53, b"data", ttl=ttl))
    p.lower_ttl(packet, ttl // 2)
    assert packet[8] == ttl - ttl // 2
    assert_sound(bytes(packet))


def test_a_segment_is_read_back() -> None:
    options = b"\x01\x02\x04\x05\xb4\x03\x03\x07"
    built = p.tcp(HERE, 1, THERE, 2, seq=3, ack=4, flags=p.SYN, window=5, data=b"six", options=options)
    assert p.segment(built) == p.Segment(HERE, THERE, 1, 2, 3, 4, p.SYN, 5, b"six", 1460, 7)


def test_link_padding_is_no_data() -> None:
    built = p.tcp(HERE, 1, THERE, 2, seq=3, ack=4, flags=p.ACK)
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
