"""DNS messages on the fast path: questions written, address answers read, without a message object.

Parsing with a general library costs about 75 microseconds a message and caps a resolver at 10,000 messages a
second; nearly every answer gatewatch meets is a plain A, AAAA or CNAME chain, which this file reads in a few
microseconds.  Whatever it does not understand raises :class:`Unusual`, and the caller hands the same bytes to
dnspython.  Wire format: RFC 1035 section 4, EDNS(0): RFC 6891.
"""

from __future__ import annotations

import socket
import struct
from functools import lru_cache
from typing import NamedTuple

QTYPES = {"A": 1, "NS": 2, "CNAME": 5, "SOA": 6, "PTR": 12, "TXT": 16, "AAAA": 28, "OPT": 41, "HTTPS": 65}
TYPE_NAMES = {number: name for name, number in QTYPES.items()}

# RFC 1035 4.1.1: QR, then opcode, AA, TC, RD, RA; the response code is the low four bits.
_QR, _TC, _RD, _RA, _RCODE = 0x8000, 0x0200, 0x0100, 0x0080, 0x000F
_HEADER = struct.Struct("!6H")
_RR = struct.Struct("!HHIH")
# An OPT record that offers 1232 bytes, the size that survives every common path (DNS flag day 2020).
_EDNS = b"\x00" + _RR.pack(41, 1232, 0, 0)
# The same with an empty NSID option (RFC 5001 2.1), which asks the server to say which one it is.
NSID = 3
_EDNS_NSID = b"\x00" + _RR.pack(41, 1232, 0, 4) + struct.pack("!HH", NSID, 0)
# RFC 1035 3.2.4: the class in which servers tell of themselves (RFC 4892).
IN, CHAOS = 1, 3
# Compression pointers can be chained into a loop by a hostile answer; no honest name needs more.
_MAX_POINTERS = 16
# A name of 255 bytes has at most 127 labels (RFC 1035 2.3.4); an endless one costs its length each time.
_MAX_LABELS = 127
# Records of an answer that are read: no honest one comes near, and the longest message has room for 4,000.
MOST_RECORDS = 128


class Unusual(ValueError):
    """The message is malformed or of a shape the fast path does not read."""


class Record(NamedTuple):
    """One resource record of an answer section: ``value`` is an address or a name, ``ttl`` in seconds."""

    name: str
    rtype: str
    ttl: int
    value: str


class Reply(NamedTuple):
    """A DNS response: transaction id, response code, question and the address and CNAME records answered."""

    txid: int
    rcode: int
    truncated: bool
    qname: str
    qtype: int
    records: tuple[Record, ...]

    @property
    def addresses(self) -> tuple[str, ...]:
        """The A and AAAA values, in the order of the message."""
        return tuple(r.value for r in self.records if r.rtype in ("A", "AAAA"))


@lru_cache(maxsize=4096)
def encode_name(name: str) -> bytes:
    """Encode an ASCII domain name as length-prefixed labels; raises ValueError for labels past 63 bytes."""
    out = bytearray()
    for label in name.rstrip(".").split("."):
        raw = label.encode("ascii")
        if not 0 < len(raw) < 64:
            raise ValueError(f"{name!r} is not a domain name")
        out.append(len(raw))
        out += raw
    if len(out) > 254:
        raise ValueError(f"{name!r} is longer than 255 bytes")
    return bytes(out) + b"\0"


def query(name: str, qtype: str, txid: int, *, qclass: int = IN, nsid: bool = False) -> bytes:
    """Write a recursive query with EDNS(0), as stub resolvers send it; ``nsid`` asks who answers."""
    return (
        _HEADER.pack(txid, _RD, 1, 0, 0, 1)
        + encode_name(name)
        + struct.pack("!HH", QTYPES[qtype], qclass)
        + (_EDNS_NSID if nsid else _EDNS)
    )


def _name(wire: bytes, at: int) -> tuple[str, int]:
    """Read a possibly compressed name at offset ``at``; gives the name and the offset after it."""
    labels: list[str] = []
    after = -1
    for _ in range(_MAX_POINTERS):
        length = wire[at]
        while 0 < length < 64:
            labels.append(wire[at + 1 : at + 1 + length].decode("ascii"))
            at += 1 + length
            length = wire[at]
        if len(labels) > _MAX_LABELS:
            raise Unusual("endless name")
        if length == 0:
            return ".".join(labels), (after if after >= 0 else at + 1)
        if length < 192:
            raise Unusual("unknown label type")
        if after < 0:
            after = at + 2
        at = ((length & 0x3F) << 8) | wire[at + 1]
    raise Unusual("compression loop")


def question(wire: bytes) -> tuple[int, str, int]:
    """Read a query's transaction id, name (lower case) and type number; raises :class:`Unusual`."""
    try:
        txid, flags, questions = struct.unpack_from("!3H", wire)
        if flags & _QR or questions != 1:
            raise Unusual("not a query")
        name, at = _name(wire, 12)
        return txid, name.lower(), struct.unpack_from("!H", wire, at)[0]
    except (IndexError, struct.error, UnicodeDecodeError) as error:
        raise Unusual(str(error)) from error


def parse(wire: bytes) -> Reply:
    """Read a response's answer section, its first :data:`MOST_RECORDS` records.

    Raises :class:`Unusual` on anything but A, AAAA and CNAME records.
    """
    try:
        txid, flags, questions, answers, _, _ = _HEADER.unpack_from(wire)
        if not flags & _QR or questions > 1:
            raise Unusual("not a response to one question")
        at, qname, qtype = 12, "", 0
        if questions:
            qname, at = _name(wire, at)
            qtype = struct.unpack_from("!H", wire, at)[0]
            at += 4
        records = []
        for _ in range(min(answers, MOST_RECORDS)):
            name, at = _name(wire, at) if wire[at : at + 2] != b"\xc0\x0c" else (qname, at + 2)
            rtype, _, ttl, size = _RR.unpack_from(wire, at)
            at += 10
            if at + size > len(wire):
                raise Unusual("record past the end")
            if rtype == 1 and size == 4:
                value = socket.inet_ntoa(wire[at : at + 4])
            elif rtype == 28 and size == 16:
                value = socket.inet_ntop(socket.AF_INET6, wire[at : at + 16])
            elif rtype == 5:
                value = _name(wire, at)[0]
            else:
                raise Unusual(f"record type {rtype}")
            records.append(Record(name, TYPE_NAMES[rtype], ttl, value))
            at += size
        return Reply(txid, flags & _RCODE, bool(flags & _TC), qname, qtype, tuple(records))
    except (IndexError, struct.error, UnicodeDecodeError) as error:
        raise Unusual(str(error)) from error


class Asked(NamedTuple):
    """A whole question: transaction id, name in lower case, type and class, and whether NSID was asked."""

    txid: int
    name: str
    qtype: int
    qclass: int
    nsid: bool


def asked(wire: bytes) -> Asked:
    """Read a query with its class and its wish for NSID; raises :class:`Unusual`."""
    txid, name, qtype = question(wire)
    try:
        _, end = _name(wire, 12)
        (qclass,) = struct.unpack_from("!H", wire, end + 2)
        return Asked(txid, name, qtype, qclass, wire[end + 4 :] == _EDNS_NSID)
    except (IndexError, struct.error) as error:
        raise Unusual(str(error)) from error


def answer(
    query_wire: bytes,
    *,
    rcode: int = 0,
    addresses: tuple[str, ...] = (),
    texts: tuple[str, ...] = (),
    ttl: int = 60,
    nsid: bytes = b"",
) -> bytes:
    """Write the response to a query: its question, a record for each address or text, and who answers."""
    txid, _, _ = question(query_wire)
    _, end = _name(query_wire, 12)
    records = b""
    for address in addresses:
        six = ":" in address
        packed = socket.inet_pton(socket.AF_INET6 if six else socket.AF_INET, address)
        records += b"\xc0\x0c" + _RR.pack(28 if six else 1, 1, ttl, len(packed)) + packed
    for text in texts:
        raw = text.encode("ascii")[:255]
        # A text's class is the question's: CHAOS for what servers tell of themselves.
        head = b"\xc0\x0c" + struct.pack("!H", QTYPES["TXT"]) + query_wire[end + 2 : end + 4]
        records += head + struct.pack("!IH", ttl, len(raw) + 1) + bytes((len(raw),)) + raw
    extra = b""
    if nsid:
        option = struct.pack("!HH", NSID, len(nsid)) + nsid
        extra = b"\x00" + _RR.pack(41, 1232, 0, len(option)) + option
    counts = 1, len(addresses) + len(texts), 0, 1 if extra else 0
    return _HEADER.pack(txid, _QR | _RD | _RA | rcode, *counts) + query_wire[12 : end + 4] + records + extra
