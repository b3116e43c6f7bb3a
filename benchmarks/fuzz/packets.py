"""Seeds in bytes: DNS messages, ICMP errors about probes of ours, captured packets; by our own encoders."""

from __future__ import annotations

import socket
import struct

from gatewatch.lab.path import packet as lab
from gatewatch.net import dnswire
from gatewatch.net.tracing import packets

_CLIENT, _SERVER, _ROUTER = "192.0.2.7", "198.51.100.9", "203.0.113.1"
_CLIENT6, _SERVER6, _ROUTER6 = "2001:db8::7", "2001:db8:1::9", "2001:db8:2::1"
# RFC 4884: version 2, then an object of class 1 (MPLS), two labels.
_LABELS = (
    b"\x20\0\0\0"
    + struct.pack("!HBB", 12, 1, 1)
    + struct.pack("!II", 0x12345 << 12 | 64, 0x54321 << 12 | 0x101)
)


def dns_seeds() -> list[bytes]:
    """Queries and responses of all kinds that probes meet."""
    asked = dnswire.query("www.example.com", "A", 7)
    named = dnswire.query("id.server", "TXT", 7, qclass=dnswire.CHAOS, nsid=True)
    name = dnswire.encode_name("edge.example.net")
    alias = b"\xc0\x0c" + struct.pack("!HHIH", 5, 1, 60, len(name)) + name
    there = name and b"\xc0\x2d" + struct.pack("!HHIH", 1, 1, 60, 4) + bytes((1, 2, 3, 4))
    chain = struct.pack("!6H", 7, 0x8180, 1, 2, 0, 0) + asked[12:33] + alias + there
    soa = struct.pack("!6H", 7, 0x8183, 1, 0, 1, 0) + asked[12:33]
    soa += b"\xc0\x10" + struct.pack("!HHIH", 6, 1, 60, 24) + b"\xc0\x0c\xc0\x0c" + bytes(20)
    mixed = struct.pack("!6H", 7, 0x8180, 1, 3, 0, 1) + asked[12:33]
    for kind, value in (
        (65, b"\0\1\0\0\1\0\3\2h2"),
        (15, b"\0\5\xc0\x0c"),
        (46, b"\0\1\5\2" + bytes(14) + b"\0sig"),
    ):
        mixed += b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 60, len(value)) + value
    mixed += b"\0" + struct.pack("!HHIH", 41, 1232, 0, 8) + struct.pack("!HH", 3, 4) + b"ns-1"
    return [
        *(asked, named, chain, soa, mixed),
        dnswire.answer(asked, addresses=("1.2.3.4", "5.6.7.8", "2001:db8::1")),
        dnswire.answer(asked, rcode=3),
        dnswire.answer(named, texts=("ns1.fra", "two"), nsid=b"ns1.fra"),
    ]


def icmp_raw_seeds() -> list[bytes]:
    """Answers to probes as a raw socket gives them; the first byte says which socket."""
    found = []
    for protocol in ("udp", "icmp", "tcp"):
        flow = packets.Flow(protocol, _CLIENT, _SERVER, port=packets.PORT)
        probe = bytes(flow.probe(5, 123_456))
        for tail in (b"", bytes(max(0, 128 - len(probe))) + _LABELS):
            body = b"\x0b\0\0\0\0\x20\0\0" + probe + tail
            found.append(b"\0" + _ip4(packets.ICMP, _ROUTER, body))
        six = packets.Flow(protocol, _CLIENT6, _SERVER6, port=packets.PORT)
        probe = bytes(six.probe(5, 123_456))
        found.append(b"\1" + b"\3\0\0\0\x10\0\0\0" + probe + bytes(max(0, 128 - len(probe))) + _LABELS)
    echo = packets.Flow("icmp", _CLIENT, _SERVER, port=0)
    answer = b"\0" + bytes(echo.probe(9, 5))[21:]
    found.append(b"\0" + _ip4(packets.ICMP, _SERVER, answer))
    tcp = packets.Flow("tcp", _CLIENT, _SERVER, port=80)
    refused = struct.pack("!HHIIBBHHH", 80, tcp.port, 0, (9 << 26) + 6, 5 << 4, 0x14, 0, 0, 0)
    found += [b"\0" + _ip4(packets.TCP, _SERVER, refused), b"\3" + refused]
    return found


def _ip4(number: int, source: str, body: bytes) -> bytes:
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 1, 0, 60, number, 0)
    return head + socket.inet_aton(source) + socket.inet_aton(_CLIENT) + body


def queue_seeds() -> list[bytes]:
    """Messages of an error queue: which ancillary data, its length, it, and the datagram quoted."""
    extended = struct.Struct("=IBBBBII")
    offender = struct.pack("=HH", socket.AF_INET, 0) + socket.inet_aton(_ROUTER) + bytes(8)
    offender6 = (
        struct.pack("=HHI", socket.AF_INET6, 0, 0) + socket.inet_pton(socket.AF_INET6, _ROUTER6) + bytes(4)
    )
    quoted = b"GW\5" + bytes(20)
    told = [
        (0, extended.pack(113, 2, 11, 0, 0, 0, 0) + offender),
        (0, extended.pack(113, 2, 3, 13, 0, 20, 0) + offender),
        (1, extended.pack(113, 3, 3, 0, 0, 0, 0) + offender6),
        (1, extended.pack(90, 3, 2, 0, 0, 1280, 0) + offender6),
        (2, struct.pack("=i", 57)),
        (3, struct.pack("=i", 57)),
        (4, struct.pack("=qq", 1_700_000_000, 5)),
    ]
    found = [bytes((kind, len(value))) + value + quoted for kind, value in told]
    return [*found, bytes((0, 4)) + bytes(4) + bytes(128) + _LABELS]


def capture_seeds() -> list[bytes]:
    """Packets from their IP header on: TCP, UDP, ICMP errors, both families."""
    found = []
    for family, client, server in ((socket.AF_INET, _CLIENT, _SERVER), (socket.AF_INET6, _CLIENT6, _SERVER6)):
        ends = socket.inet_pton(family, server), socket.inet_pton(family, client)
        syn = lab.tcp(
            ends[0], 443, ends[1], 4000, seq=1, ack=2, flags=0x12, window=9, options=b"\2\4\5\xb4\3\3\7\0"
        )
        reset = lab.tcp(ends[0], 443, ends[1], 4000, seq=1, ack=2, flags=0x14)
        data = lab.tcp(ends[0], 443, ends[1], 4000, seq=1, ack=2, flags=0x18, data=b"HTTP/1.1 302 x\r\n\r\n")
        found += [syn, reset, data, lab.udp(ends[0], 53, ends[1], 4000, b"\0\7\x81\x80" + bytes(8))]
    found += [seed[1:] for seed in icmp_raw_seeds() if seed[0] == 0]
    six = socket.inet_pton(socket.AF_INET6, _ROUTER6), socket.inet_pton(socket.AF_INET6, _CLIENT6)
    body = icmp_raw_seeds()[2][1:]
    found.append(struct.pack("!IHBB", 6 << 28, len(body), 58, 60) + b"".join(six) + body)
    return found
