"""Fuzz targets: what comes over the wire below HTTP: DNS, TLS, ICMP, captured packets, QUIC."""

from __future__ import annotations

import base64
import socket
import ssl
import struct
import tempfile
from collections.abc import Hashable
from functools import cache

import dns.exception
import dns.flags
import dns.message
import dns.rdatatype

from benchmarks.fuzz import mutate, shapes
from benchmarks.fuzz.packets import capture_seeds, dns_seeds, icmp_raw_seeds, queue_seeds
from benchmarks.fuzz.registry import Target
from benchmarks.fuzz.watch import Differs
from gatewatch.lab.boxes import request, sni
from gatewatch.lab.path import initial, packet
from gatewatch.lab.path.initial import Initials
from gatewatch.net import certificate, chain, dissect, dnswire, errqueue, hello, identity, message, quicwire
from gatewatch.net.capture import Caught
from gatewatch.net.tracing import mpls, packets
from gatewatch.net.trust import Trust, parse_certificates


def dns_fast(data: bytes) -> Hashable:
    """Read a response and a query by hand; what is read, dnspython must read alike."""
    try:
        reply = dnswire.parse(data)
    except dnswire.Unusual as error:
        try:
            asked = dnswire.asked(data)
        except dnswire.Unusual:
            return str(error)[:12]
        return "query", asked.qtype if asked.qtype < 300 else 300, asked.nsid
    if len(data) & 7 == 0:
        # One in eight, as dnspython takes ten times as long.
        _same(reply, data)
    return reply.rcode, len(reply.records), reply.truncated, len({r.rtype for r in reply.records})


def _same(reply: dnswire.Reply, data: bytes) -> None:
    try:
        theirs = dns.message.from_wire(data, ignore_trailing=True)
    except (dns.exception.DNSException, ValueError):
        return  # they read the sections behind, too
    if (theirs.id, int(theirs.rcode()) & 15) != (reply.txid, reply.rcode):
        raise Differs(f"rcode {theirs.rcode()}, not {reply.rcode}")
    wanted = sorted(
        rdata.to_text()
        for rrset in theirs.answer
        for rdata in rrset
        if rrset.rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA)
    )
    found = sorted(dict.fromkeys(reply.addresses))
    if all(rrset.rdclass == 1 for rrset in theirs.answer) and sorted(set(wanted)) != found:
        raise Differs(f"addresses {wanted}, not {found}")


def dns_read(data: bytes) -> Hashable:
    """Read a response as probes do, whatever is in it."""
    query = message.response(
        data,
        question=(7, "www.example.com", "A"),
        engine="udp",
        resolver="192.0.2.1:53",
        t0=0.0,
        t=0.1,
        tags=(),
        transaction_id=1,
    )
    told = identity.read(data)
    try:
        rcode, failure, answers, _ = message.read(data)
    except ValueError:
        return query.failure, told is None
    return rcode, failure, len(answers), told is not None and (len(told.texts), bool(told.nsid))


def tls_chain(data: bytes) -> Hashable:
    """Take a Certificate message apart, and read the certificates in it."""
    found = parse_certificates(data, modern=bool(len(data) & 1))
    if sum(map(len, found)) > len(data):
        raise Differs("more certificates than came")
    names = [certificate.issuer(der) for der in found[:8]]
    logged = [certificate.is_logged(der) for der in found[:8]]
    named = any(certificate.is_for(der, "www.example.com") for der in found[:8])
    return len(found), tuple(map(bool, names)), named, any(logged)


@cache
def _trust() -> Trust:
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:
        file.write(ssl.DER_cert_to_PEM_cert(_certificates()[1]).encode())
        file.flush()
        return Trust(file.name)


def tls_verify(data: bytes) -> Hashable:
    """Verify a chain whose certificates are cut by their own lengths."""
    return chain.verify(_trust(), parse_certificates(data, modern=False)[:4], "www.example.com")


def _message(*certificates: bytes, modern: bool) -> bytes:
    tail = b"\0\0" if modern else b""
    body = b"".join(len(der).to_bytes(3, "big") + der + tail for der in certificates)
    start = b"\x0b\0\0\0" + (b"\0" if modern else b"")
    return start + len(body).to_bytes(3, "big") + body


@cache
def _certificates() -> tuple[bytes, ...]:
    import trustme

    authority = trustme.CA()
    leaf = authority.issue_cert("www.example.com", "192.0.2.1")
    pems = (leaf.cert_chain_pems[0].bytes(), authority.cert_pem.bytes())
    return tuple(ssl.PEM_cert_to_DER_cert(pem.decode()) for pem in pems)


def _chain_seeds() -> list[bytes]:
    leaf, root = _certificates()
    return [_message(leaf, root, modern=m) for m in (False, True)] + [_message(leaf, modern=False)]


def tls_hello(data: bytes) -> Hashable:
    """Read what a server answers to a ClientHello first, and what a filter reads in one."""
    return hello.first_answer(data), _kind(sni.server_name(data)), _kind(request.host(data))


def _kind(found: object) -> object:
    return len(found) if isinstance(found, str) else found


def _hello_seeds() -> list[bytes]:
    plain = hello.client_hello("www.example.com")
    server = b"\x16\x03\x03\0\x2e\x02\0\0\x2a\x03\x03" + bytes(32) + b"\0\x13\x01\0\0\x02\0+\0"
    return [
        *(plain, hello.in_two_records(plain, "www.example.com"), hello.client_hello("a.example", ech=True)),
        *(server, b"\x15\x03\x03\0\x02\x02\x70", b"GET /a HTTP/1.1\r\nHost: example.com\r\n\r\n"),
    ]


def icmp_queue(data: bytes) -> Hashable:
    """Read a message of the error queue: the first bytes choose level and kind of what stands beside it."""
    from gatewatch.net.tracing.pool import PoolCourier

    level, kind = _LEVELS[data[0] % len(_LEVELS)] if data else _LEVELS[0]
    cut = data[1] if len(data) > 1 else 0
    ancillary = [(level, kind, data[2 : 2 + cut])]
    payload = data[2 + cut :]
    found = errqueue.parse(payload, ancillary)
    # It uses nothing of its courier.
    reply_ttl, at, labels = PoolCourier._ancillary(None, payload, ancillary)  # type: ignore[arg-type]
    deep = mpls.labels(payload, six=False), mpls.labels(payload, six=True), mpls.extension(payload)
    code = found and (found.icmp_type, found.icmp_code > 15)
    return code, reply_ttl is None, at is None, len(labels), tuple(map(len, deep))


_LEVELS = (
    (socket.IPPROTO_IP, errqueue.IP_RECVERR),
    (socket.IPPROTO_IPV6, errqueue.IPV6_RECVERR),
    (socket.IPPROTO_IP, 2),
    (socket.IPPROTO_IPV6, 52),
    (socket.SOL_SOCKET, 35),
)


def icmp_raw(data: bytes) -> Hashable:
    """Decode answers of the raw path; a socket never gives less than an IP and an ICMP header."""
    if not data:
        return None
    kind, body = data[0], data[1:]
    if kind & 1:
        answer = packets.read_ip6(body, bytes(16), 64, packets.TCP if kind & 2 else packets.ICMP6)
    else:
        answer = packets.read_ip4(memoryview(body)) if len(body) >= 28 else None
    if answer is None:
        return kind & 3
    return kind & 3, answer.icmp_type, answer.icmp_code & 15, len(answer.labels), answer.residual is None


def capture(data: bytes) -> Hashable:
    """Dissect a captured packet; and as the lab's engine does, what a client's kernel may send."""
    found = dissect.read(Caught(1.0, False, data))
    if isinstance(found, dissect.Packet):
        _ = found.next_seq
    if len(data) < 40:
        return type(found).__name__, len(data) < 20
    read = None
    if data[0] == 0x45 or data[0] >> 4 == 6:
        read = packet.segment(data)
    flags = getattr(found, "flags", "")
    return type(found).__name__, getattr(found, "icmp_type", None), flags, read and (read.mss, read.scale)


_ASKED = quicwire.Question(b"", 0x1A2A3A4A, b"to-be-id", b"from--id")


def quic_versions(data: bytes) -> Hashable:
    """Read an answer to our question about versions."""
    found = quicwire.versions(_ASKED, data)
    ids = len(quicwire.source_id(data)), len(quicwire.destination_id(data, 8))
    if found is not None and 4 * len(found) > len(data):
        raise Differs("more versions than came")
    return found is None or len(found), ids


def _version_seeds() -> list[bytes]:
    head = b"\x80\0\0\0\0" + b"\x08from--id" + b"\x08to-be-id"
    return [head + struct.pack("!2I", 1, 0x6B3343CF), head + struct.pack("!I", 1), quicwire.question().packet]


def quic_initial(data: bytes) -> Hashable:
    """Open a client's Initials as a filter does: two datagrams of one flow.

    What begins with a byte without its highest bit is frames, which are sealed first.
    """
    reader = Initials()
    if data[:1] < b"\x80":
        first = reader.feed(_sealed(data[1:1200]))
        return len(first), len(reader.feed(_sealed(data[::-1][:600]))), reader.full
    cut = len(data) // 2 if data[:1] == b"\xff" else len(data)
    first = reader.feed(data[:cut])
    return len(first), len(reader.feed(data[cut:])), reader.full


def _sealed(frames: bytes) -> bytes:
    """Seal frames in an Initial as a client does (RFC 9001 5)."""
    to_id, number = b"to-be-id", b"\0\0\0\1"
    aead, iv, cipher = initial._client_keys(1, to_id)
    length = 0x4000 | (len(number) + len(frames) + 16)
    head = b"\xc3\0\0\0\1" + bytes((len(to_id),)) + to_id + b"\0\0" + length.to_bytes(2, "big")
    nonce = (int.from_bytes(iv, "big") ^ 1).to_bytes(len(iv), "big")
    body = aead.encrypt(nonce, frames, head + number)
    mask = cipher.encryptor().update((body + bytes(16))[:16])
    hidden = bytes(a ^ b for a, b in zip(number, mask[1:], strict=False))
    return bytes((head[0] ^ (mask[0] & 0x0F),)) + head[1:] + hidden + body


def _initial_seeds() -> list[bytes]:
    from aioquic.quic.configuration import QuicConfiguration
    from aioquic.quic.connection import QuicConnection

    found = []
    for name in ("example.com", "a" * 60 + ".example.org"):
        client = QuicConnection(configuration=QuicConfiguration(is_client=True, server_name=name))
        client.connect(("192.0.2.1", 443), 0.0)
        found += [datagram for datagram, _ in client.datagrams_to_send(0.0)]
    said = hello.client_hello("www.example.com")[5:300]
    crypto = b"\6\0" + (0x4000 | len(said)).to_bytes(2, "big") + said
    two = b"\6\0\x05" + said[:5] + b"\6\5\x06" + said[5:11] + b"\2\1\1\1\1\1\1" + b"\1" + bytes(20)
    return [*found, b"\1" + crypto, b"\1" + two, b"\1" + bytes(20) + crypto]


def _atlas_abuf() -> bytes:
    return base64.b64decode("AAeBgAABAAEAAAAAB2V4YW1wbGUDY29tAAABAAHADAABAAEAAAA8AAQBAgME")


TARGETS = {
    "dns-fast": Target(dns_fast, lambda: [*dns_seeds(), _atlas_abuf()], shapes.dns),
    "dns-read": Target(dns_read, dns_seeds, shapes.dns),
    "tls-chain": Target(tls_chain, _chain_seeds, mutate.blind),
    "tls-verify": Target(tls_verify, _chain_seeds, mutate.blind),
    "tls-hello": Target(tls_hello, _hello_seeds, mutate.blind),
    "icmp-queue": Target(icmp_queue, queue_seeds, mutate.blind),
    "icmp-raw": Target(icmp_raw, icmp_raw_seeds, mutate.blind),
    "capture": Target(capture, capture_seeds, mutate.blind),
    "quic-versions": Target(quic_versions, _version_seeds, mutate.blind),
    "quic-initial": Target(quic_initial, _initial_seeds, mutate.blind),
}
