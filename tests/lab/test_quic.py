"""QUIC in the lab: what a box reads out of Initials, which packets it lets pass, and who answers."""

from __future__ import annotations

import json
import random
from dataclasses import replace

import pytest
from tests.lab.village import NAMES, Village, bench, box, run, scenario, udp
from tests.lab.visitor import ask, dial, get, read
from tests.worlds.quic import ISP, country
from tests.worlds.quic import box as quic_box

from gatewatch.lab.apps import DatagramApp, TalkLine
from gatewatch.lab.boxes.flow import Unclear
from gatewatch.lab.boxes.sni import hello_name
from gatewatch.lab.country.scenario import Box, load
from gatewatch.lab.country.truth import truth
from gatewatch.lab.path.engine import Engine
from gatewatch.lab.path.initial import VERSIONS, Initials
from gatewatch.lab.servers.http import Request
from gatewatch.lab.world import World
from gatewatch.net import quicwire

pytest.importorskip("aioquic", reason="QUIC clients for the lab are aioquic's")
from aioquic._buffer import Buffer
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.crypto import CryptoPair

BAD, GOOD = "www.bad.com", "good.com"


def first_flight(name: str, *, version: int = 1, long: bool = False) -> list[bytes]:
    """The datagrams of a client's ClientHello; ``long``: more than one of them."""
    protocols = ["h3", *("x" * 200 + str(n) for n in range(7 if long else 0))]
    client = QuicConnection(
        configuration=QuicConfiguration(
            is_client=True, server_name=name, alpn_protocols=protocols, original_version=version
        )
    )
    client.connect(("1.0.0.2", 443), now=0.0)
    return [data for data, _ in client.datagrams_to_send(now=0.0)]


def hello(name: str) -> bytes:
    """A ClientHello as QUIC carries it."""
    return Initials().feed(first_flight(name)[0])


def initial(*frames: bytes, number: int = 0, to_id: bytes = b"8 bytes.") -> bytes:
    """An Initial of version 1 that holds these frames."""
    plain = b"".join(frames)
    plain += bytes(1162 - len(plain))
    buffer = Buffer(capacity=1500)
    buffer.push_uint8(0xC1)
    buffer.push_uint32(1)
    buffer.push_uint8(len(to_id))
    buffer.push_bytes(to_id)
    buffer.push_uint8(0)
    buffer.push_uint_var(0)
    buffer.push_uint16(0x4000 | len(plain) + 2 + 16)
    buffer.push_uint16(number)
    pair = CryptoPair()
    pair.setup_initial(cid=to_id, is_client=True, version=1)
    return pair.encrypt_packet(buffer.data, plain, number)


def crypto(message: bytes, start: int, end: int) -> bytes:
    buffer = Buffer(capacity=1500)
    buffer.push_uint_var(0x06)
    buffer.push_uint_var(start)
    buffer.push_uint_var(len(message[start:end]))
    buffer.push_bytes(message[start:end])
    return buffer.data


class Counting(Village):
    """Counts the datagrams that arrive at QUIC's port, and answers none."""

    def __init__(self) -> None:
        super().__init__()
        self.came: list[str] = []

    def talk(self, address: str, port: int, line: TalkLine) -> DatagramApp | None:
        self.came.append(address)
        return None


def counting(*boxes: Box) -> tuple[Engine, list[str]]:
    village = Counting()
    return Engine(scenario(*boxes), "bench", village, clock=lambda: 0.0), village.came


@pytest.mark.parametrize("version", VERSIONS)
def test_the_name_is_read_out_of_an_initial_of_each_version(version: int) -> None:
    (datagram,) = first_flight(BAD, version=version)
    assert hello_name(Initials().feed(datagram)) == BAD


def test_rfc_9001s_own_example_opens() -> None:
    # RFC 9001 A.1 and A.2: the keys of this connection ID, by an implementation that is not ours.
    pair = CryptoPair()
    to_id = bytes.fromhex("8394c8f03e515708")
    pair.setup_initial(cid=to_id, is_client=True, version=1)
    assert Initials().feed(initial(crypto(b"hello there", 0, 11), number=2, to_id=to_id)) == b"hello there"


def test_a_hello_over_two_datagrams_is_read_with_the_second() -> None:
    first, second = first_flight(BAD, long=True)[:2]
    initials = Initials()
    names = [hello_name(initials.feed(first)), hello_name(initials.feed(second))]
    assert names == [Unclear.MORE, BAD]
    # And in the other order, as the path may bring them.
    initials = Initials()
    assert [hello_name(initials.feed(second)), hello_name(initials.feed(first))] == [Unclear.MORE, BAD]


def test_frames_in_any_order_with_padding_pings_and_acks_between() -> None:
    message = hello(BAD)
    cuts = sorted(random.Random(7).sample(range(1, len(message)), 9))
    pieces = [crypto(message, a, b) for a, b in zip((0, *cuts), (*cuts, len(message)), strict=True)]
    random.Random(8).shuffle(pieces)
    ack = bytes((0x02, 1, 0, 1, 0, 0, 0))
    ack_ecn = bytes((0x03, 1, 0, 0, 1, 1, 1, 1))
    between = [b"\x01", bytes(3), ack, ack_ecn]
    frames = [part for n, piece in enumerate(pieces) for part in (piece, between[n % 4])]
    assert hello_name(Initials().feed(initial(*frames))) == BAD


def test_what_is_damaged_or_no_quic_says_nothing() -> None:
    (datagram,) = first_flight(BAD)
    chance = random.Random(1)
    for _ in range(300):
        broken = bytearray(datagram[: chance.randint(0, len(datagram))])
        for _ in range(chance.randint(0, 3)):
            if broken:
                broken[chance.randrange(len(broken))] = chance.randrange(256)
        assert hello_name(Initials().feed(bytes(broken))) in (Unclear.MORE, BAD)
    assert Initials().feed(b"question") == b""


def test_a_box_swallows_the_flow_that_names_a_blocked_host_and_no_other() -> None:
    engine, talked = counting(box("quic-sni-drop"))
    for sport, name in ((4000, BAD), (4001, GOOD)):
        for data in first_flight(name):
            run(engine, udp(NAMES[BAD], 443, data, sport=sport))
    assert len(talked) == 1
    # Whatever follows on the caught flow is swallowed as well; its neighbour's goes on.
    run(engine, udp(NAMES[BAD], 443, b"\x40 short header", sport=4000))
    assert len(talked) == 1
    run(engine, udp(NAMES[BAD], 443, b"\x40 short header", sport=4001))
    assert len(talked) == 2


def test_a_split_hello_is_caught_at_its_last_piece() -> None:
    engine, talked = counting(box("quic-sni-drop"))
    for data in first_flight(BAD, long=True):
        run(engine, udp(NAMES[BAD], 443, data))
    assert len(talked) == 1


def test_a_filter_of_port_443_swallows_everything_there() -> None:
    engine, _ = bench(Box("quic-drop", 2))
    assert run(engine, udp(NAMES[GOOD], 443, b"anything")) == []
    assert len(run(engine, udp(NAMES[GOOD], 444, b"anything"))) == 1


def test_a_filter_of_versions_lets_unknown_ones_pass() -> None:
    engine, _ = bench(Box("quic-drop", 2, method="version"))
    assert run(engine, udp(NAMES[GOOD], 443, first_flight(GOOD)[0])) == []
    assert len(run(engine, udp(NAMES[GOOD], 443, quicwire.question().packet))) == 1


def test_a_filter_of_addresses_hits_the_names_beside() -> None:
    engine, _ = bench(box("quic-drop"))
    assert run(engine, udp(NAMES["shared.com"], 443, b"x")) == []
    assert len(run(engine, udp(NAMES[GOOD], 443, b"x"))) == 1


def test_sites_that_speak_quic_say_so_over_https_alone() -> None:
    world = World(country())
    assert "Alt-Svc" not in get(world, "good.com")[1]
    handler = world.handler(world.address_of("good.com")[0], 443)
    assert handler is not None
    reply = handler(
        Request("GET", "https", "good.com", "/", {}, b"", "1.2.3.4", world.address_of("good.com")[0], 443)
    )
    assert ("Alt-Svc", 'h3=":443"; ma=86400') in reply.headers
    assert [world.speaks_quic(world.address_of(name)[0]) for name in ("good.com", "lied.com")] == [
        True,
        False,
    ]
    assert world.speaks_quic("8.8.8.8")


def test_a_share_of_sites_speaks_quic() -> None:
    small = load("small")
    world = World(replace(small, sites=replace(small.sites, quic_share=0.3)))
    speaking = sum(world.speaks_quic(world.address_of(f"site{n}.com")[0]) for n in range(400))
    assert 80 < speaking < 160


def test_the_helper_shakes_hands_when_asked() -> None:
    world = World(country())
    address = world.address_of("good.com")[0]
    other = world.address_of("lied.com")[0]
    question = {"http_request": "https://good.com/", "tcp_connect": [f"{address}:443", f"{other}:443"]}

    def answer(**more: object) -> dict[str, object]:
        app, wire = dial(world, "68.183.70.80", 80)
        app.data_received(ask("0.th.ooni.org", method="POST", body=json.dumps({**question, **more}).encode()))
        found: dict[str, object] = json.loads(read(wire.take())[2])["quic_handshake"]
        return found

    assert answer() == {}
    assert answer(x_quic_enabled=True) == {
        f"{address}:443": {"server_name": "good.com", "status": True, "failure": None},
        f"{other}:443": {"server_name": "good.com", "status": False, "failure": "generic_timeout_error"},
    }


def test_boxes_for_quic_leave_a_page_over_tcp_alone() -> None:
    scenario = country(quic_box("quic-sni-drop"))
    assert truth(scenario, ISP, "https://bad.com/").label == "ok"
