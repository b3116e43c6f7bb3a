"""The raw path's packets, checked by scapy, and the answers to them."""

import socket
from typing import Any

import pytest

from gatewatch.lab.path import packet as lab
from gatewatch.lab.path.icmp import Label
from gatewatch.net.tracing import packets
from gatewatch.net.tracing.packets import Answer, Flow, read_ip4, read_ip6

ENDS = {4: ("36.37.200.10", "93.184.216.34"), 6: ("2401:f3c0:200::10", "2606:2800:220:1::1")}
KINDS = [(protocol, version) for protocol in ("udp", "icmp", "tcp") for version in (4, 6)]
ROUTER = {4: socket.inet_aton("63.218.10.5"), 6: socket.inet_pton(socket.AF_INET6, "2400:8800::10:5")}
TICKS = 0x2ABCDEF


def made(protocol: str, version: int, number: int = 0) -> Flow:
    source, destination = ENDS[version]
    return Flow(protocol, source, destination, port=33434, flow=number)


def dissected(packet: bytes, version: int) -> Any:
    from scapy.layers.inet import IP
    from scapy.layers.inet6 import IPv6

    return (IP if version == 4 else IPv6)(packet)


def read(error: bytes, version: int) -> Answer | None:
    if version == 4:
        return read_ip4(error)
    return read_ip6(error[40:], error[8:24], error[7], error[6])


@pytest.mark.parametrize(("protocol", "version"), KINDS)
def test_every_probe_is_a_sound_packet_as_scapy_would_make_it(protocol: str, version: int) -> None:
    flow = made(protocol, version)
    for ttl, ticks in [(1, 0), (7, TICKS), (30, 0x3FFFFFF), (63, 0x10000), (5, 0xFFFF)]:
        packet = bytes(flow.probe(ttl, ticks))
        one = dissected(packet, version)
        assert (one.ttl if version == 4 else one.hlim) == ttl and one.dst == ENDS[version][1]
        again = one.copy()
        layer = again.payload
        field = "chksum" if hasattr(layer, "chksum") else "cksum"
        written = getattr(layer, field)
        delattr(layer, field)
        computed = getattr(dissected(bytes(again), version).payload, field)
        # Of UDP over IPv4, zero says that there is no checksum (RFC 768).
        assert written == computed or (protocol == "udp" and version == 4 and written == 0)


@pytest.mark.parametrize(("protocol", "version"), KINDS)
def test_what_balancers_hash_is_the_same_for_every_ttl(protocol: str, version: int) -> None:
    flow, at = made(protocol, version), 20 if version == 4 else 40

    def hashed(packet: bytes) -> bytes:
        ends = packet[12:20] if version == 4 else packet[8:40]
        return ends + packet[at : at + 4]  # ports; of ICMP type, code, checksum

    assert len({hashed(bytes(flow.probe(ttl, TICKS * ttl))) for ttl in range(1, 64)}) == 1
    # IPv6's flow label and traffic class, IPv4's type of service.
    assert len({bytes(flow.probe(ttl, TICKS))[0:2] for ttl in range(1, 64)}) == 1
    others = {hashed(bytes(made(protocol, version, n).probe(1, TICKS))) for n in range(100)}
    assert len(others) == 100


@pytest.mark.parametrize(("protocol", "version"), KINDS)
def test_eight_quoted_bytes_say_which_probe_an_error_is_about(protocol: str, version: int) -> None:
    flow = made(protocol, version)
    for ttl, ticks in [(1, 0), (13, TICKS), (63, 0x3FFFFFF)]:
        packet = bytes(flow.probe(ttl, ticks))
        error = lab.icmp_error(11, 0, ROUTER[version], packet, quoted_ttl=1, ttl=250)
        answer = read(error, version)
        assert answer is not None
        assert (answer.destination, answer.port, answer.ttl, answer.stamp) == (
            flow.destination,
            flow.port,
            ttl,
            ticks & 0x3FFFFFF,
        )
        assert answer.source == ROUTER[version] and (answer.icmp_type, answer.icmp_code) == (11, 0)
        assert (answer.reply_ttl, answer.residual, answer.labels) == (250, 1, ())


@pytest.mark.parametrize("version", [4, 6])
@pytest.mark.parametrize("full", [False, True])
def test_labels_are_read_behind_the_quote(version: int, full: bool) -> None:
    packet = bytes(made("udp", version).probe(9, TICKS))
    stack = (Label(24015, 3, 1), Label(16, 0, 254))
    error = lab.icmp_error(11, 0, ROUTER[version], packet, quoted_ttl=1, ttl=250, full=full, labels=stack)
    answer = read(error, version)
    assert answer is not None and answer.labels == ((24015, 3, False, 1), (16, 0, True, 254))
    # One flipped bit, and the extension's checksum does not fit.
    broken = bytearray(error)
    broken[-1] ^= 1
    answer = read(bytes(broken), version)
    assert answer is not None and answer.labels == ()


def test_answers_of_the_destination_itself() -> None:
    echo = bytes(made("icmp", 4).probe(12, TICKS))
    back = bytearray(echo[:12] + echo[16:20] + echo[12:16] + echo[20:])
    back[20] = 0
    answer = read_ip4(bytes(back))
    assert answer is not None and (answer.ttl, answer.stamp, answer.icmp_type) == (12, TICKS & 0x3FFFFFF, 0)
    syn = bytes(made("tcp", 4).probe(12, TICKS))
    sequence = int.from_bytes(syn[24:28], "big")
    segment = bytearray(20)
    segment[0:4] = syn[22:24] + syn[20:22]
    segment[8:12] = (sequence + 1).to_bytes(4, "big")
    segment[12:14] = b"\x50\x12"
    reply = bytes([*syn[:8], 57, 6, 0, 0]) + syn[16:20] + syn[12:16] + bytes(segment)
    answer = read_ip4(reply)
    assert answer is not None and (answer.ttl, answer.stamp, answer.icmp_type) == (12, TICKS & 0x3FFFFFF, -1)
    assert answer.reply_ttl == 57


@pytest.mark.parametrize("version", [4, 6])
def test_what_is_about_no_probe_of_ours_is_left_alone(version: int) -> None:
    packet = bytearray(made("udp", version).probe(9, TICKS))
    at = 20 if version == 4 else 40
    # Another program's port, and a destination that was rewritten on the way: the port is its hash.
    for place, value in ((at, 0x10), (16 if version == 4 else 24, packet[16] ^ 0x40)):
        changed = bytearray(packet)
        changed[place] = value
        error = lab.icmp_error(11, 0, ROUTER[version], bytes(changed), quoted_ttl=1, ttl=250)
        assert read(error, version) is None
    error = lab.icmp_error(11, 0, ROUTER[version], bytes(packet), quoted_ttl=1, ttl=250)
    for size in range(28 if version == 4 else 48, len(error)):
        read(error[:size], version)  # cut short anywhere: no exception


def test_the_time_of_day_wraps_without_harm() -> None:
    assert packets.since(5, 0x3FFFFFF) == pytest.approx(0.06)
    assert packets.since(TICKS + 2500, TICKS & 0x3FFFFFF) == pytest.approx(25.0)
