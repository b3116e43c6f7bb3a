import random
import struct

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest

from gatewatch.net import dnswire, message

NAMES = ["example.org", "a.b.c.example.co.uk", "xn--mgba3a4f16a.ir", "x" * 63 + ".com", "_dmarc.example.org"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("qtype", ["A", "AAAA", "TXT", "HTTPS"])
def test_dnspython_reads_our_question(name: str, qtype: str) -> None:
    asked = dns.message.from_wire(dnswire.query(name, qtype, 0x1234))
    assert asked.id == 0x1234 and asked.flags == dns.flags.RD and asked.edns == 0 and asked.payload == 1232
    assert asked.question[0].to_text() == f"{name}. IN {qtype}"


@pytest.mark.parametrize("name", NAMES)
def test_we_read_dnspythons_question(name: str) -> None:
    wire = dns.message.make_query(name.upper(), "AAAA", id=7).to_wire()
    assert dnswire.question(wire) == (7, name.lower(), 28)


def reply_from_dnspython(name: str, *rrsets: str, rcode: dns.rcode.Rcode = dns.rcode.NOERROR) -> bytes:
    made = dns.message.make_response(dns.message.make_query(name, "A", id=9))
    made.set_rcode(rcode)
    for rrset in rrsets:
        owner, ttl, rtype, *values = rrset.split(" ")
        made.answer.append(dns.rrset.from_text(owner, int(ttl), "IN", rtype, *values))
    return made.to_wire()


def test_we_read_dnspythons_answer_through_its_compression() -> None:
    wire = reply_from_dnspython(
        "www.example.org",
        "www.example.org. 300 CNAME cdn.example.org.",
        "cdn.example.org. 60 A 104.16.1.1",
        "cdn.example.org. 61 AAAA 2606:4700::1",
    )
    reply = dnswire.parse(wire)
    assert (reply.txid, reply.rcode, reply.truncated, reply.qname, reply.qtype) == (
        9, 0, False, "www.example.org", 1,
    )  # fmt: skip
    assert [(r.name, r.rtype, r.ttl, r.value) for r in reply.records] == [
        ("www.example.org", "CNAME", 300, "cdn.example.org"),
        ("cdn.example.org", "A", 60, "104.16.1.1"),
        ("cdn.example.org", "AAAA", 61, "2606:4700::1"),
    ]
    assert reply.addresses == ("104.16.1.1", "2606:4700::1")


def test_dnspython_reads_our_answer() -> None:
    query = dnswire.query("example.org", "A", 5)
    answer = dns.message.from_wire(dnswire.answer(query, addresses=("104.16.1.1", "2606:4700::1"), ttl=30))
    assert answer.id == 5 and answer.flags & dns.flags.QR
    assert [rrset.to_text() for rrset in answer.answer] == [
        "example.org. 30 IN A 104.16.1.1",
        "example.org. 30 IN AAAA 2606:4700::1",
    ]
    assert dns.message.from_wire(dnswire.answer(query, rcode=3)).rcode() == 3


@pytest.mark.parametrize(
    "name", ["", ".", "a..b", "x" * 64 + ".com", "münchen.de", ".".join(["abcdefg"] * 32)]
)
def test_what_is_no_domain_name_is_not_asked_for(name: str) -> None:
    with pytest.raises(ValueError):
        dnswire.query(name, "A", 1)


def test_the_longest_name_can_be_asked_for() -> None:
    name = ".".join(["a" * 63, "b" * 63, "c" * 63, "d" * 61])
    assert len(name) == 253
    assert dnswire.question(dnswire.query(name, "A", 1))[1] == name


HEAD = struct.pack("!6H", 1, 0x8180, 1, 1, 0, 0)


@pytest.mark.parametrize(
    "wire",
    [
        b"",
        HEAD[:11],
        dnswire.query("example.org", "A", 1),
        HEAD + b"\xc0\x0c\x00\x01\x00\x01",
        HEAD + b"\xc0\x0e\xc0\x0c\x00\x01\x00\x01",
        HEAD + b"\x80abc",
        HEAD + b"\x05ab",
        HEAD + b"\x01\xff\x00\x00\x01\x00\x01",
        HEAD + b"\x01a\x00\x00\x01\x00\x01\xc0\x0c\x00\x01\x00\x01\0\0\0\x3c\x00\x04\x01\x02\x03",
        HEAD + b"\x01a\x00\x00\x01\x00\x01\xc0\x0c\x00\x01\x00\x01\0\0\0\x3c\x00\x03\x01\x02\x03",
        HEAD + b"\x01a" * 128 + b"\0\0\1\0\1\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\1\2\3\4",
    ],
    ids=[
        "empty",
        "short",
        "query",
        "self loop",
        "loop",
        "label type",
        "past end",
        "not ascii",
        "cut",
        "odd",
        "endless",
    ],
)
def test_hostile_messages_are_unusual(wire: bytes) -> None:
    with pytest.raises(dnswire.Unusual):
        dnswire.parse(wire)


@pytest.mark.parametrize("seed", range(50))
def test_damaged_messages_raise_nothing_but_what_is_promised(seed: int) -> None:
    r = random.Random(seed)
    sound = [
        reply_from_dnspython("example.org", "example.org. 5 CNAME b.org.", "b.org. 6 A 1.2.3.4 5.6.7.8"),
        dnswire.answer(dnswire.query("example.org", "A", 5), addresses=("1.2.3.4",)),
        reply_from_dnspython("example.org", "example.org. 5 TXT hello", rcode=dns.rcode.NXDOMAIN),
        dnswire.query("example.org", "A", 5),
    ]
    for _ in range(60):
        wire = bytearray(r.choice(sound) if r.random() < 0.8 else r.randbytes(r.randrange(80)))
        for _ in range(r.randrange(4)):
            if wire:
                wire[r.randrange(len(wire))] = r.randrange(256)
        for reader, promised in (
            (dnswire.parse, dnswire.Unusual),
            (dnswire.question, dnswire.Unusual),
            (message.read, ValueError),
        ):
            try:
                reader(bytes(wire))
            except promised:
                continue
