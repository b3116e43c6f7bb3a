"""The engine: times, TTL, ICMP and servers' answers, to the microsecond."""

from __future__ import annotations

import socket

import pytest
from tests.lab.village import (
    CLIENT,
    DELAYS,
    PUBLIC_RESOLVER,
    ROUTERS,
    SERVER_MS,
    Village,
    assert_sound,
    bench,
    box,
    read,
    run,
    scenario,
    tcp,
    udp,
)

from gatewatch.lab.path import packet as p
from gatewatch.lab.path.engine import Engine


def source(packet: bytes) -> str:
    return socket.inet_ntoa(packet[12:16])


@pytest.mark.parametrize(("hop", "address", "ms"), [*zip(range(1, 7), ROUTERS, DELAYS, strict=True)])
def test_a_packet_expires_at_the_router_its_ttl_reaches(hop: int, address: str, ms: float) -> None:
    engine, _ = bench()
    ((when, error),) = run(engine, udp(PUBLIC_RESOLVER, 33434, ttl=hop))
    assert (when, source(error)) == (2 * ms, address)
    assert error[20:22] == bytes((p.TIME_EXCEEDED, 0))
    assert error[8] == 256 - hop
    assert_sound(error)
    assert error[28 + 12 : 28 + 20] == socket.inet_aton(CLIENT) + socket.inet_aton(PUBLIC_RESOLVER)


def test_a_silent_router_says_nothing() -> None:
    engine, _ = bench()
    assert run(engine, udp("5.6.7.8", 33434, ttl=5)) == []
    assert len(run(engine, udp("5.6.7.8", 33434, ttl=6))) == 1


def test_a_closed_udp_port_is_unreachable_from_the_server() -> None:
    engine, _ = bench()
    ((when, error),) = run(engine, udp(PUBLIC_RESOLVER, 33434))
    assert (when, source(error)) == (2 * SERVER_MS, PUBLIC_RESOLVER)
    assert error[20:22] == bytes((p.UNREACHABLE, p.PORT_UNREACHABLE))
    assert error[8] == 64 - 6
    # The quote shows what was left of our 64 at the server.
    assert error[28 + 8] == 64 - 6
    assert_sound(error)


def test_a_datagram_is_answered_after_the_round_trip() -> None:
    engine, _ = bench()
    ((when, answer),) = run(engine, udp(PUBLIC_RESOLVER, 53))
    assert (when, p.payload(answer), p.ports(answer)) == (2 * SERVER_MS, b"true question", (53, 4000))
    assert answer[8] == 64 - 6
    assert_sound(answer)


def test_the_echo_port_of_every_address_echoes() -> None:
    engine, _ = bench()
    ((when, answer),) = run(engine, udp("1.0.0.1", 7, b"ping"))
    assert (when, p.payload(answer), source(answer)) == (2 * SERVER_MS, b"ping", "1.0.0.1")
    assert answer[8] == 64 - 6
    assert_sound(answer)


@pytest.mark.parametrize("ttl", [7, 58, 64, 255])
def test_an_echo_of_any_ttl_comes_back_sound(ttl: int) -> None:
    engine, _ = bench()
    ((_, answer),) = run(engine, udp("1.0.0.1", 7, ttl=ttl))
    assert answer[8] == 64 - 6
    assert_sound(answer)


@pytest.mark.parametrize(("target", "ms"), [("1.0.0.1", SERVER_MS), (ROUTERS[4], 15.0)])
def test_servers_and_routers_answer_pings(target: str, ms: float) -> None:
    engine, _ = bench()
    echo = p.icmp(p.ECHO, 0, socket.inet_aton(CLIENT), socket.inet_aton(target), b"payload", rest=0x12340001)
    ((when, reply),) = run(engine, echo)
    assert (when, source(reply), reply[20]) == (2 * ms, target, p.ECHO_REPLY)
    assert reply[24:] == bytes.fromhex("12340001") + b"payload"
    assert_sound(reply)


def test_packets_to_a_vanished_server_expire_on_the_way_but_never_arrive() -> None:
    engine, _ = bench()
    assert run(engine, udp("1.0.0.3", 53), udp("1.0.0.3", 7), tcp("1.0.0.3", 80, flags=p.SYN)) == []
    ((_, error),) = run(engine, udp("1.0.0.3", 53, ttl=6))
    assert source(error) == ROUTERS[5]


def test_syn_is_answered_or_refused() -> None:
    engine, village = bench()
    ((when, answer),) = run(engine, tcp("1.0.0.1", 80, flags=p.SYN, seq=41), until=0.1)
    opened = read(answer)
    assert (when, opened.flags, opened.ack, opened.mss) == (2 * SERVER_MS, p.SYN | p.ACK, 42, 1460)
    assert village.accepted == [(CLIENT, 4000)]
    ((when, answer),) = run(engine, tcp("1.0.0.1", 81, flags=p.SYN, seq=41), until=0.1)
    refused = read(answer)
    assert (when, refused.flags, refused.seq, refused.ack) == (2 * SERVER_MS, p.RST | p.ACK, 0, 42)


def test_what_is_no_plain_ipv4_is_ignored() -> None:
    engine, _ = bench()
    fragment = bytearray(udp(PUBLIC_RESOLVER, 53))
    fragment[7] = 1
    options = b"\x46" + udp(PUBLIC_RESOLVER, 53)[1:]
    assert (
        run(
            engine,
            b"\x60" + bytes(59),
            bytes(fragment),
            options,
            b"\x45" + bytes(10),
        )
        == []
    )


def test_a_spoofed_ttl_of_zero_is_lost() -> None:
    engine, _ = bench()
    assert run(engine, udp(PUBLIC_RESOLVER, 53, ttl=0)) == []


def test_packets_of_one_moment_keep_their_order() -> None:
    engine, _ = bench()
    got = run(engine, *(udp("1.0.0.1", 7, bytes([n])) for n in range(50)))
    assert [p.payload(answer)[0] for _, answer in got] == list(range(50))


def test_server_work_is_done_in_stretches_so_that_due_packets_go_out_between() -> None:
    clock = [0.0]

    class Slow(Village):
        def datagram(self, address: str, port: int, source: tuple[str, int], data: bytes) -> bytes | None:
            clock[0] += 0.004  # four handshakes' worth of work
            return super().datagram(address, port, source, data)

    engine = Engine(scenario(), "bench", Slow(), clock=lambda: clock[0])
    for number in range(10):
        engine.from_client(bytearray(udp("1.0.0.1", 53, bytes([number]))), 0.0)
    arrival = SERVER_MS / 1000
    clock[0] = arrival
    assert engine.pop(arrival) == []
    assert clock[0] == pytest.approx(arrival + 0.004)  # one piece of work, not ten
    # A late server does not make its answers late: they leave at the time of arrival.
    while engine.due() == arrival:
        engine.pop(clock[0])
    assert engine.due() == pytest.approx(2 * arrival)


def test_boxes_act_in_the_order_of_the_path() -> None:
    engine, _ = bench(box("tcp-drop", hop=4), box("tcp-reset", hop=2))
    ((when, answer),) = run(engine, tcp("1.0.0.2", 80, flags=p.SYN))
    assert (when, read(answer).flags) == (2 * 1.5, p.RST | p.ACK)


def test_a_box_past_the_end_of_a_short_path_never_sees_it() -> None:
    # 5.0.0.0/8 lies behind five routers, everything else behind six.
    engine, village = bench(box("tcp-drop", hop=6))
    assert run(engine, tcp("1.0.0.2", 80, flags=p.SYN)) == []
    village.names_at = lambda address: ("bad.com",)  # type: ignore[method-assign]
    assert len(run(engine, tcp("5.6.7.8", 80, flags=p.SYN), until=0.1)) == 1
