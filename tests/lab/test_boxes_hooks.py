"""What every box may use: the way back, waiting, its own TCP, limits of address and port, TTL, residue."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest
from tests.lab.village import (
    CLIENT,
    PUBLIC_RESOLVER,
    SERVER_MS,
    Village,
    assert_sound,
    bench,
    box,
    client_hello,
    read,
    run,
    scenario,
    tcp,
    udp,
)

from gatewatch.lab import boxes
from gatewatch.lab.apps import Connection, StreamApp
from gatewatch.lab.boxes.base import Box, Wire
from gatewatch.lab.boxes.flow import Unclear
from gatewatch.lab.boxes.sni import server_name
from gatewatch.lab.boxes.takeover import Hijacker, Terminator
from gatewatch.lab.country.scenario import Box as Description
from gatewatch.lab.path import packet as p
from gatewatch.lab.path.engine import Engine
from gatewatch.net import dnswire

BAD, GOOD = "1.0.0.2", "1.0.0.1"
QUERY = dnswire.query("bad.com", "A", 77)
AT_BOX = 3.0  # hop 2 is 1.5 ms away


@pytest.fixture
def kinds(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Engine]:
    """Benches with box classes of a test's own: give (class, hop) pairs."""

    def build(*classes: tuple[type[Box], int]) -> Engine:
        # The descriptions' kinds are real ones, since scenarios know no others; what is built is not.
        descriptions = {box("tcp-drop", hop=hop): cls for cls, hop in classes}
        monkeypatch.setattr(
            "gatewatch.lab.path.way.build",
            lambda description, world, resolver: descriptions[description](description, world, resolver),
        )
        return Engine(scenario(*descriptions), "bench", Village(), clock=lambda: 0.0)

    return build


class Seen(Box):
    """Watches datagrams both ways and notes when they pass."""

    protocol = p.UDP
    looks_back = True

    def __init__(self, description: Description, world: Village, resolver: str) -> None:
        super().__init__(description, world, resolver)
        Seen.there.clear()
        Seen.back.clear()

    there: list[float] = []  # noqa: RUF012 -- one box a test
    back: list[float] = []  # noqa: RUF012

    def inspect(self, packet: bytearray, wire: Wire) -> bool:
        self.there.append(round(wire.time * 1000, 6))
        return True

    def inspect_return(self, packet: bytes, wire: Wire) -> bool:
        self.back.append(round(wire.time * 1000, 6))
        return True


class Swallow(Seen):
    def inspect_return(self, packet: bytes, wire: Wire) -> bool:
        super().inspect_return(packet, wire)
        return False


class Slow(Box):
    """Holds datagrams, 10 ms there and 20 ms back."""

    protocol = p.UDP
    looks_back = True

    def inspect(self, packet: bytearray, wire: Wire) -> bool:
        wire.hold(0.010)
        return True

    def inspect_return(self, packet: bytes, wire: Wire) -> bool:
        wire.hold(0.020)
        return True


class Echo(Box):
    """Answers every datagram in the server's name after a second, and lets it pass."""

    protocol = p.UDP

    def inspect(self, packet: bytearray, wire: Wire) -> bool:
        sport, dport = p.ports(packet)
        wire.to_client(p.udp(p.destination(packet), dport, p.source(packet), sport, b"forged"), later=1.0)
        return True


def test_a_box_sees_a_packet_and_its_answer_at_the_times_they_pass(kinds: Callable[..., Engine]) -> None:
    engine = kinds((Seen, 2))
    ((when, _),) = run(engine, udp(PUBLIC_RESOLVER, 53))
    assert (Seen.there, Seen.back, when) == ([1.5], [2 * SERVER_MS - 1.5], 2 * SERVER_MS)


def test_what_a_box_swallows_on_the_way_back_is_gone_and_boxes_before_it_see_nothing(
    kinds: Callable[..., Engine],
) -> None:
    engine = kinds((Seen, 1), (Swallow, 3))
    assert run(engine, udp(PUBLIC_RESOLVER, 53)) == []
    assert Seen.back == [2 * SERVER_MS - 2.5]


def test_a_held_packet_comes_later_in_either_direction(kinds: Callable[..., Engine]) -> None:
    engine = kinds((Seen, 1), (Slow, 2), (Seen, 3))
    ((when, _),) = run(engine, udp(PUBLIC_RESOLVER, 53))
    assert when == 2 * SERVER_MS + 30
    assert Seen.there == [0.5, 2.5 + 10]
    # Behind the slow box the answer has waited 10 ms, before it 30.
    assert Seen.back == [2 * SERVER_MS + 10 - 2.5, 2 * SERVER_MS + 30 - 0.5]


def test_a_forged_answer_passes_the_boxes_before_the_forger_only(kinds: Callable[..., Engine]) -> None:
    engine = kinds((Seen, 1), (Echo, 2), (Seen, 3))
    run(engine, udp("5.6.7.8", 9))  # a port that swallows
    assert Seen.back == [1000 + AT_BOX - 0.5]


def test_boxes_that_look_back_see_no_packet_that_expires_before_them(kinds: Callable[..., Engine]) -> None:
    class Short(Echo):
        def inspect(self, packet: bytearray, wire: Wire) -> bool:
            sport, dport = p.ports(packet)
            ends = p.destination(packet), dport, p.source(packet), sport
            # From hop 4, it takes three routers to the client and one to hop 3.
            for ttl in (1, 2, 3, 4):
                wire.to_client(p.udp(*ends, b"forged", ttl=ttl))
            return False

    engine = kinds((Seen, 1), (Seen, 3), (Short, 4))
    got = run(engine, udp(PUBLIC_RESOLVER, 9))
    assert [packet[8] for _, packet in got] == [1]
    # Hop 3's box, behind one router, sees TTL 2 and more; hop 1's, behind three, what arrives.
    assert Seen.back == [3.5, 3.5, 3.5, 5.5]


def test_a_box_that_looks_only_there_costs_the_way_back_nothing() -> None:
    engine, _ = bench(box("tcp-drop"))
    run(engine, udp(PUBLIC_RESOLVER, 53))
    way = engine._ways[socket.inet_aton(PUBLIC_RESOLVER)]
    assert way.returns is None


# -- boxes that answer themselves


class Speaker(StreamApp):
    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def data_received(self, data: bytes) -> None:
        self.connection.write(b"box heard " + data)

    def eof_received(self) -> None:
        self.connection.close()


class Portal(Terminator):
    def inspect(self, packet: bytearray, wire: Wire) -> bool:
        self.take(packet, wire)
        return False

    def serve(self, address: str, port: int, connection: Connection) -> StreamApp | None:
        return Speaker(connection)


class Impostor(Hijacker):
    def name(self, start: bytes) -> str | Unclear:
        return server_name(start)

    def serve(self, address: str, port: int, connection: Connection) -> StreamApp | None:
        return Speaker(connection)


def test_a_box_with_its_own_tcp_answers_from_its_hop_in_the_servers_name(
    kinds: Callable[..., Engine],
) -> None:
    engine = kinds((Portal, 2))
    ((when, packet),) = run(engine, tcp(BAD, 443, flags=p.SYN, seq=41), until=0.1)
    opened = read(packet)
    assert (when, opened.flags, opened.ack) == (AT_BOX, p.SYN | p.ACK, 42)
    assert (p.source(packet), p.ttl(packet)) == (socket.inet_aton(BAD), 63)
    ours = opened.seq + 1
    ((when, packet),) = run(engine, tcp(BAD, 443, flags=p.ACK, seq=42, ack=ours, data=b"hello"), until=0.1)
    assert (when, read(packet).data) == (AT_BOX, b"box heard hello")


def test_a_boxs_own_tcp_repeats_what_is_lost(kinds: Callable[..., Engine]) -> None:
    engine = kinds((Portal, 2))
    answers = run(engine, tcp(BAD, 443, flags=p.SYN, seq=41), until=1.5)
    assert [read(packet).flags for _, packet in answers] == [p.SYN | p.ACK] * 2


@pytest.mark.parametrize("cut", [1000, 60, 3])
def test_a_box_steps_into_the_servers_place_when_the_name_is_read(
    kinds: Callable[..., Engine], cut: int
) -> None:
    engine = kinds((Impostor, 2))
    ((_, syn_ack),) = run(engine, tcp(BAD, 443, flags=p.SYN, seq=999), until=0.1)
    ours, hello = read(syn_ack).seq + 1, client_hello("www.bad.com")
    seq, got = 1000, []
    for piece in filter(None, (hello[:cut], hello[cut:])):
        got += run(engine, tcp(BAD, 443, flags=p.ACK, seq=seq, ack=ours, data=piece), until=0.01)
        seq += len(piece)
    when, packet = got[0]
    first = read(packet)
    heard = b"".join(read(packet).data for _, packet in got)
    assert (when, first.seq) == (AT_BOX, ours)
    assert heard.replace(b"box heard ", b"") == hello
    # The box goes on in the server's numbers.
    ours += len(heard)
    ((when, packet),) = run(engine, tcp(BAD, 443, flags=p.ACK, seq=seq, ack=ours, data=b"more"), until=0.01)
    assert (when, read(packet).data, read(packet).seq) == (AT_BOX, b"box heard more", ours)


def test_other_names_reach_the_server_past_a_box_that_could_step_in(kinds: Callable[..., Engine]) -> None:
    engine = kinds((Impostor, 2))
    ((_, syn_ack),) = run(engine, tcp(GOOD, 443, flags=p.SYN, seq=999), until=0.1)
    hello = tcp(GOOD, 443, flags=p.ACK, seq=1000, ack=read(syn_ack).seq + 1, data=client_hello("good.com"))
    ((when, packet),) = run(engine, hello, until=0.1)
    assert (when, read(packet).data) == (2 * SERVER_MS, b"hello from 1.0.0.1")


# -- options of every box


def test_a_box_can_be_limited_to_ports_and_addresses() -> None:
    syns = [(BAD, 80), (BAD, 443), (BAD, 8443), (GOOD, 443)]

    def dropped(**rest: object) -> list[tuple[str, int]]:
        engine, _ = bench(Description("endpoint-drop", 2, **rest))  # type: ignore[arg-type]
        return [to for to in syns if not run(engine, tcp(*to, flags=p.SYN), until=0.1)]

    assert dropped(ports=(443,)) == [(BAD, 443), (GOOD, 443)]
    assert dropped(addresses=("1.0.0.2",)) == [(BAD, 80), (BAD, 443), (BAD, 8443)]
    assert dropped(addresses=("1.0.0.0/24", "2001:db8::/32"), ports=(443, 853)) == [(BAD, 443), (GOOD, 443)]
    assert dropped(addresses=("1.0.0.2",), ports=(853,)) == []
    assert dropped(ports=(443,), domains=frozenset({"bad.com"})) == [(BAD, 443)]


def test_an_endpoint_can_be_refused_and_datagrams_dropped() -> None:
    engine, _ = bench(Description("endpoint-reset", 2, ports=(853,)))
    ((when, packet),) = run(engine, tcp(PUBLIC_RESOLVER, 853, flags=p.SYN), until=0.1)
    assert (when, read(packet).flags) == (AT_BOX, p.RST | p.ACK)
    engine, _ = bench(Description("udp-drop", 2, addresses=(PUBLIC_RESOLVER,), ports=(53,)))
    assert run(engine, udp(PUBLIC_RESOLVER, 53)) == []
    assert len(run(engine, udp(BAD, 53))) == 1
    engine, _ = bench(box("udp-drop", ports=(53,)))
    assert run(engine, udp(BAD, 53)) == []
    assert len(run(engine, udp(GOOD, 53))) == 1


def test_the_sni_filter_on_another_port() -> None:
    engine, _ = bench(box("sni-reset", ports=(8443,)))
    hello = {"flags": p.ACK, "ack": 7, "data": client_hello("bad.com")}
    assert run(engine, tcp(BAD, 8443, **hello), until=0.1)[0][0] == AT_BOX  # type: ignore[arg-type]
    assert run(engine, tcp(BAD, 443, **hello), until=0.1)[0][0] == 2 * SERVER_MS  # type: ignore[arg-type]


@pytest.mark.parametrize(("hop", "first"), [(1, 1), (2, 3), (3, 5), (4, 7)])
def test_a_box_that_copies_the_ttl_is_first_heard_at_twice_its_hop_minus_one(hop: int, first: int) -> None:
    engine, _ = bench(box("sni-reset", hop=hop, copies_ttl=True))
    heard = []
    for ttl in range(1, 9):
        trigger = tcp(BAD, 443, flags=p.ACK, ack=7, data=client_hello("bad.com"), ttl=ttl, sport=4000 + ttl)
        if any(p.protocol(packet) == p.TCP for _, packet in run(engine, trigger, until=0.1)):
            heard.append(ttl)
    assert heard == list(range(first, 9))


def test_a_copied_ttl_arrives_as_the_triggers_own_minus_twice_the_routers() -> None:
    for kind, packet in (
        ("tcp-reset", tcp(BAD, 80, flags=p.SYN)),
        (
            "dns-inject",
            udp(PUBLIC_RESOLVER, 53, QUERY),
        ),
        ("http-blockpage", tcp(BAD, 80, flags=p.ACK, ack=7, data=b"GET / HTTP/1.1\r\nHost: bad.com\r\n\r\n")),
    ):
        engine, _ = bench(box(kind, hop=3, copies_ttl=True, method="nxdomain", resolvers="all"))
        forged = run(engine, packet, until=0.1)[0][1]
        assert (kind, p.ttl(forged)) == (kind, 64 - 2 - 2)
        assert_sound(forged)


# -- residual blocking

HELLO = client_hello("bad.com")


def trigger(engine: Engine, now: float = 0.0, sport: int = 4000) -> list[tuple[float, bytes]]:
    return run(engine, tcp(BAD, 443, flags=p.ACK, ack=7, data=HELLO, sport=sport), now=now, until=0.01)


def handshake(engine: Engine, now: float, sport: int, to: str = BAD, port: int = 443) -> str:
    """What becomes of a SYN: silence, rst or syn-ack."""
    got = run(engine, tcp(to, port, flags=p.SYN, sport=sport), now=now, until=0.1)
    # Servers repeat their SYN-ACKs to the others, who never go on.
    mine = [read(packet) for _, packet in got if p.ports(packet)[1] == sport]
    if not mine:
        return "silence"
    return "rst" if mine[0].flags & p.RST else "syn-ack"


@pytest.mark.parametrize(("action", "meets"), [("drop", "silence"), ("reset", "rst")])
def test_what_follows_a_trigger_meets_the_residue_until_it_is_over(action: str, meets: str) -> None:
    engine, _ = bench(box("sni-reset", residual=60.0, residual_action=action))
    assert handshake(engine, 0.0, 4001) == "syn-ack"
    assert len(trigger(engine, 1.0)) == 1
    assert handshake(engine, 2.0, 4002) == meets
    assert handshake(engine, 60.9, 4003) == meets  # nothing that came meanwhile has renewed it
    assert handshake(engine, 61.1, 4004) == "syn-ack"
    # Other ends are not concerned.
    trigger(engine, 100.0)
    assert handshake(engine, 101.0, 4005, port=80) == "syn-ack"
    assert handshake(engine, 102.0, 4005, to=GOOD) == "syn-ack"


def test_a_residue_of_the_four_tuple_spares_other_source_ports() -> None:
    engine, _ = bench(box("sni-drop", residual=30.0, residual_key="4-tuple"))
    trigger(engine)
    assert handshake(engine, 1.0, 4000) == "silence"
    assert handshake(engine, 2.0, 4001) == "syn-ack"
    assert handshake(engine, 31.0, 4000) == "syn-ack"


def test_a_box_beside_the_path_resets_what_follows_and_lets_it_pass() -> None:
    engine, village = bench(box("sni-reset", in_path=False, residual=60.0, residual_action="reset"))
    trigger(engine)
    got = run(engine, tcp(BAD, 443, flags=p.SYN, sport=4007), now=1.0, until=0.1)
    mine = [read(packet).flags for _, packet in got if p.ports(packet)[1] == 4007]
    assert mine == [p.RST | p.ACK, p.SYN | p.ACK]
    assert village.accepted[-1] == (CLIENT, 4007)


def test_residue_works_for_datagrams() -> None:
    engine, _ = bench(box("dns-drop", resolvers="all", residual=10.0))
    assert run(engine, udp(PUBLIC_RESOLVER, 53, QUERY)) == []
    assert run(engine, udp(PUBLIC_RESOLVER, 53, b"x"), now=5.0) == []
    assert len(run(engine, udp(PUBLIC_RESOLVER, 53, b"x"), now=10.1)) == 1


def test_every_kind_can_be_built() -> None:
    from gatewatch.lab.country.parts import KINDS

    for kind in KINDS:
        assert isinstance(boxes.build(box(kind, method="nxdomain"), Village(), "9.9.9.9"), Box), kind


def test_what_a_residue_forges_copies_the_ttl_of_each_packet() -> None:
    engine, _ = bench(box("sni-reset", hop=3, copies_ttl=True, residual=60.0, residual_action="reset"))
    trigger(engine)
    for ttl, left in ((64, 60), (10, 6)):
        got = run(engine, tcp(BAD, 443, flags=p.SYN, sport=4000 + ttl, ttl=ttl), now=1.0, until=0.01)
        assert [p.ttl(packet) for _, packet in got if p.protocol(packet) == p.TCP] == [left]
