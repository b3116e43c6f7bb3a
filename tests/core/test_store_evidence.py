"""Evidence files: bare packets that tshark reads, and nothing in them that tells who made them."""

from __future__ import annotations

import shutil
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatewatch.lab.path import packet as p
from gatewatch.net.capture import Caught
from gatewatch.store import Evidence, Scrubber, create
from gatewatch.store.evidence import Veil
from gatewatch.store.files import read_json

ME, SERVER, HOME, STREET, FAR = "103.5.24.10", "104.16.1.1", "192.168.1.1", "36.37.128.1", "63.218.10.5"
ROUTERS = ((1, HOME), (2, STREET), (3, FAR))
SIX = ("2403:5b40:24::10", "2606:4700::1", "fe80::1", "2403:5b40:1::9", "2001:5a0::1")
BLANK = Scrubber([ME, SIX[0]]).payload


def hello(data: bytes = b"hello", *, six: bool = False) -> bytes:
    me, server = (SIX[0], SIX[1]) if six else (ME, SERVER)
    ends = p.packed(me), 61000, p.packed(server), 443
    return p.tcp(*ends, seq=7, ack=9, flags=p.ACK | p.PSH, window=500, data=data, ttl=3)


def back(data: bytes = b"", *, six: bool = False) -> bytes:
    me, server = (SIX[0], SIX[1]) if six else (ME, SERVER)
    ends = p.packed(server), 443, p.packed(me), 61000
    return p.tcp(*ends, seq=9, ack=12, flags=p.ACK | p.RST, data=data, ttl=58)


def error(router: str, about: bytes) -> bytes:
    return p.icmp_error(p.TIME_EXCEEDED, 0, p.packed(router), about, quoted_ttl=1, ttl=62)


def sound(packet: bytes) -> bool:
    """Check every checksum."""
    start = p.head(packet)
    body = packet[start:]
    good = p.checksum(packet[:start]) == 0xFFFF or packet[0] != p.PLAIN_IPV4
    if p.protocol(packet) != p.ICMP:
        body = p.pseudo(p.protocol(packet), p.source(packet), p.destination(packet), len(body)) + body
    return good and p.checksum(body) in (0, 0xFFFF)


def records(path: Path) -> Iterator[tuple[float, bytes]]:
    data = path.read_bytes()
    assert struct.unpack_from("<IHHiIII", data) == (0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)
    at = 24
    while at < len(data):
        seconds, micros, size, whole = struct.unpack_from("<IIII", data, at)
        assert size == whole
        yield seconds + micros / 1e6, data[at + 16 : at + 16 + size]
        at += 16 + size


def veiled(data: bytes, *, sent: bool = False, six: bool = False) -> bytes:
    rows = zip((1, 2, 3), SIX[2:], strict=True) if six else ROUTERS
    server = SIX[1] if six else SERVER
    veil = Veil(server, [{"ttl": ttl, "address": address} for ttl, address in rows], BLANK)
    out = veil.packet(data, sent=sent)
    assert out is not None
    assert sound(out)
    return out


@pytest.mark.parametrize("six", [False, True])
def test_the_own_address_is_one_for_documentation(six: bool) -> None:
    own, server = ("2001:db8::1", SIX[1]) if six else ("192.0.2.1", SERVER)
    out = veiled(hello(six=six), sent=True, six=six)
    assert (p.unpacked(p.source(out)), p.unpacked(p.destination(out))) == (own, server)
    out = veiled(back(six=six), six=six)
    assert (p.unpacked(p.source(out)), p.unpacked(p.destination(out))) == (server, own)


@pytest.mark.parametrize(
    ("router", "shown"),
    [(HOME, "192.168.0.0"), (STREET, "36.37.128.0"), (FAR, FAR), ("36.37.129.77", "36.37.129.0")],
)
def test_first_hops_and_strangers_are_prefixes_and_the_quote_tells_nothing(router: str, shown: str) -> None:
    # Another address than ours behind a bad NAT, too.
    for mine in (hello(), hello().replace(p.packed(ME), p.packed("103.5.24.11"))):
        out = veiled(error(router, mine))
        assert p.unpacked(p.source(out)) == shown
        quoted = p.payload(out)
        assert p.unpacked(p.source(quoted)) == "192.0.2.1"
        assert p.checksum(quoted[:20]) == 0xFFFF
        assert p.packed(ME) not in out
        assert p.packed("103.5.24.11") not in out


def test_ipv6_errors() -> None:
    out = veiled(error(SIX[3], hello(six=True)), six=True)
    assert p.unpacked(p.source(out)) == "2403:5b40:1::"
    assert p.packed(SIX[0]) not in out


@pytest.mark.parametrize("said", [b"for 103.5.24.10", b"for 9.8.7.6", b"\0" + p.packed(ME)])
def test_a_payload_that_spells_an_address_is_blanked_whole(said: bytes) -> None:
    out = veiled(back(said))
    segment = p.segment(out)
    assert segment is not None
    assert segment.data == bytes(len(said))


def test_what_is_harmless_stays_as_it_came() -> None:
    segment = p.segment(veiled(back(b"\1\2\3")))
    assert segment is not None
    assert (segment.data, segment.seq, segment.flags) == (b"\1\2\3", 9, p.ACK | p.RST)


def test_no_torn_packet_raises() -> None:
    veil = Veil(SERVER, [], BLANK)
    for whole in (hello(), hello(six=True), error(FAR, hello())):
        for size in range(len(whole)):
            veil.packet(whole[:size], sent=False)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    run = create(tmp_path, {"items": []}, {})
    evidence = Evidence(run, BLANK)
    packets = [
        hello(),
        back(b"\1\2"),
        error(FAR, hello()),
        p.udp(p.packed(SERVER), 60001, p.packed(ME), 60002, bytes(20)),
    ]
    caught = [Caught(1e9 + n / 4, n == 0, packet) for n, packet in enumerate(packets)]
    assert evidence("tls", SERVER, [], ROUTERS) is None
    assert evidence("tls", SERVER, caught, ROUTERS) == "evidence/001-tls.pcap"
    assert evidence("dns", SERVER, caught[:1], ROUTERS) == "evidence/002-dns.pcap"
    run.close("done")
    assert read_json(run.path / "run.json")["evidence"] == ["evidence/001-tls.pcap", "evidence/002-dns.pcap"]
    return run.path / "evidence" / "001-tls.pcap"


def test_a_file_has_no_date_and_is_readable_by_its_owner_alone(file: Path) -> None:
    assert [time for time, _ in records(file)] == [0.0, 0.25, 0.5, 0.75]
    assert all(sound(packet) for _, packet in records(file))
    assert file.stat().st_mode & 0o077 == 0


def test_tshark_reads_it_and_finds_every_sum_right(file: Path) -> None:
    tshark = shutil.which("tshark")
    if tshark is None:
        pytest.skip("tshark is not installed")
    checks = [f"{name}.check_checksum:TRUE" for name in ("ip", "tcp", "udp")]
    command = [tshark, "-r", str(file), *(word for check in checks for word in ("-o", check))]
    everything = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert len(everything) == 4
    assert "RST, ACK" in everything[1]
    assert "Time-to-live exceeded" in everything[2]
    wrong = " || ".join(f"{name}.checksum.status == 0" for name in ("ip", "tcp", "udp", "icmp"))
    bad = subprocess.run(
        [*command, "-Y", f"{wrong} || _ws.malformed"], capture_output=True, text=True, check=True
    )
    assert bad.stdout == ""
