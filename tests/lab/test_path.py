"""What routers do: balanced flows, label stacks, ICMP errors of all kinds, ways back, narrow links, IPv6."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from tests.lab.village import CLIENT, PUBLIC_RESOLVER, ROUTERS, SERVER_MS, Village, assert_sound, box, read
from tests.lab.village import run as carry
from tests.lab.village import scenario as village_scenario

from gatewatch.lab.country.scenario import Box, Isp, Route
from gatewatch.lab.path import packet as p
from gatewatch.lab.path.engine import Engine

CLIENT6, FAR6 = "2403:5b40:24::10", "2606:4700:3000::1"
ROUTERS6 = tuple(f"2403:5b40::{n}" for n in range(1, 7))


def engine(
    *boxes: Box, seed: int = 0, isp: dict[str, Any] | None = None, village: Village | None = None, **hops: Any
) -> Engine:
    """The village's path with some hops changed: ``hop5={"labels": (16,)}``; hops 5 and 6 are abroad."""
    plain = village_scenario(*boxes)
    wide = replace(plain.isps[0], **({"client6": CLIENT6, "ipv6": "works"} | (isp or {})))
    inside = tuple(
        replace(hop, **({"address6": ROUTERS6[place]} | hops.get(f"hop{place + 1}", {})))
        for place, hop in enumerate(wide.path)
    )
    abroad, short = plain.routes
    tail = tuple(
        replace(hop, **({"address6": ROUTERS6[place]} | hops.get(f"hop{place + 1}", {})))
        for place, hop in enumerate(abroad.path, len(inside))
    )
    isps: tuple[Isp, ...] = (replace(wide, path=inside),)
    routes: tuple[Route, ...] = (replace(abroad, path=tail, **hops.get("route", {})), short)
    scenario = replace(plain, isps=isps, routes=routes)
    return Engine(scenario, "bench", village or Village(), clock=lambda: 0.0, seed=seed)


def udp(
    port: int, *, ttl: int = 64, sport: int = 4000, six: bool = False, data: bytes = b"question"
) -> bytes:
    here, there = (CLIENT6, FAR6) if six else (CLIENT, PUBLIC_RESOLVER)
    return p.udp(p.packed(here), sport, p.packed(there), port, data, ttl=ttl)


def syn(*, ttl: int = 64, sport: int = 4000, six: bool = False, address: str = "") -> bytes:
    here, there = (CLIENT6, FAR6) if six else (CLIENT, "1.0.0.2")
    ends = p.packed(here), sport, p.packed(address or there), 80
    return p.tcp(*ends, seq=1000, flags=p.SYN, window=64000, ttl=ttl)


def senders(lab: Engine, *packets: bytes) -> list[str]:
    return [p.unpacked(p.source(answer)) for _, answer in carry(lab, *packets, until=0.2)]


# -- diamonds

TWO = {"parallel": ("103.5.25.10",)}
FOUR = {"parallel": ("63.218.10.6", "63.218.10.7", "63.218.10.8")}


def test_a_paris_traceroute_stays_in_one_branch_and_a_classic_one_sees_all() -> None:
    lab = engine(hop5=FOUR)
    # Paris: the five-tuple stays as it is. Classic: the destination port counts up.
    paris = senders(lab, *(udp(33434, ttl=5) for _ in range(30)))
    classic = Counter(senders(lab, *(udp(33434 + n, ttl=5) for n in range(400))))
    assert len(set(paris)) == 1
    assert set(classic) == {"63.218.10.5", *FOUR["parallel"]}
    assert all(60 < count < 140 for count in classic.values())


def test_tcp_and_udp_of_the_same_ports_are_different_flows_and_a_syn_takes_the_way_of_its_data() -> None:
    lab = engine(hop5=FOUR)
    for sport in range(4000, 4020):
        ends = p.packed(CLIENT), sport, p.packed("1.0.0.2"), 80
        data = p.tcp(*ends, seq=1001, ack=1, flags=p.ACK, data=b"GET /", ttl=5)
        first, second = senders(lab, syn(ttl=5, sport=sport), data)
        assert first == second


def test_the_branch_depends_on_the_seed_and_on_nothing_else() -> None:
    def found(seed: int) -> list[str]:
        return senders(engine(hop5=FOUR, seed=seed), *(udp(33434 + n, ttl=5) for n in range(40)))

    assert found(1) == found(1) != found(2)


def test_two_balancers_choose_independently_unless_they_are_one() -> None:
    other = {"parallel": ("103.5.26.2",)}
    probes = range(200)

    def pairs(**hops: Any) -> Counter[tuple[str, ...]]:
        lab = engine(**hops)
        return Counter(tuple(senders(lab, udp(33434 + n, ttl=3), udp(33434 + n, ttl=4))) for n in probes)

    apart = pairs(hop3=TWO, hop4=other)
    assert len(apart) == 4
    assert all(25 < count < 80 for count in apart.values())
    together = pairs(hop3={**TWO, "balancer": "b"}, hop4={**other, "balancer": "b"})
    assert set(together) == {(ROUTERS[2], ROUTERS[3]), ("103.5.25.10", "103.5.26.2")}


def test_a_box_on_one_branch_acts_on_its_flows_alone() -> None:
    lab = engine(box("tcp-reset", hop=5, branch=2), hop5={"parallel": ("63.218.10.6",)})
    refused = 0
    for sport in range(4000, 4040):
        ((_, short),) = carry(lab, syn(ttl=5, sport=sport), until=0.1)
        ((_, long),) = carry(lab, syn(sport=sport), until=0.1)
        if read(long).flags & p.RST:
            refused += 1
            assert p.protocol(short) == p.TCP
        else:
            # Whoever passes the box comes by the other router.
            assert p.unpacked(p.source(short)) == ROUTERS[4]
    assert 10 < refused < 30


# -- ICMP


def test_a_label_stack_is_told() -> None:
    lab = engine(hop5={"labels": (24015, 16)})
    ((_, error),) = carry(lab, udp(33434, ttl=5))
    assert_sound(error)
    extension = error[28 + error[25] * 4 :]
    labels = [int.from_bytes(extension[at : at + 4], "big") for at in (8, 12)]
    assert [label >> 12 for label in labels] == [24015, 16]
    assert [label >> 8 & 1 for label in labels] == [0, 1]  # the bottom of the stack is marked
    ((_, plain),) = carry(engine(), udp(33434, ttl=5))
    assert len(plain) == 56


def test_an_error_quotes_eight_bytes_or_as_much_as_it_can() -> None:
    lengths = {
        quote: len(carry(engine(hop5={"full_quote": quote}), udp(33434, ttl=5, data=b"x" * 900))[0][1])
        for quote in (False, True)
    }
    assert lengths == {False: 20 + 8 + 28, True: 576}


def test_a_limited_router_answers_at_its_rate_after_a_burst() -> None:
    lab = engine(hop3={"icmp_per_s": 2.0, "icmp_burst": 3})

    def answered(at: float, count: int) -> int:
        return len([1 for _ in range(count) for _ in carry(lab, udp(33434, ttl=3), now=at, until=0.01)])

    assert answered(10.0, 10) == 3  # the burst
    assert answered(10.4, 1) == 0  # 0.8 of one
    assert answered(10.6, 2) == 1
    assert answered(60.0, 10) == 3  # never more than a burst
    # The limit is the router's, whatever the destination; other routers have their own.
    elsewhere = p.udp(p.packed(CLIENT), 4000, p.packed("1.0.0.1"), 33434, b"", ttl=3)
    assert carry(lab, elsewhere, now=60.0, until=0.01) == []
    assert len(carry(lab, *(udp(33434, ttl=4) for _ in range(10)), now=60.0, until=0.1)) == 10


def test_a_slow_router_answers_late_and_delays_nothing_else() -> None:
    lab = engine(hop3={"icmp_ms": 40.0})
    ((late, _),) = carry(lab, udp(33434, ttl=3))
    ((beyond, _),) = carry(lab, udp(33434, ttl=4))
    assert (late, beyond) == (2 * 2.5 + 40.0, 2 * 3.0)


def test_the_way_back_may_have_another_length() -> None:
    lab = engine(hop3={"back": 5, "icmp_ttl": 64}, route={"back": 11})
    ((_, error),) = carry(lab, udp(33434, ttl=3))
    ((_, answer),) = carry(lab, udp(53))
    ((_, other),) = carry(lab, udp(33434, ttl=4))
    assert (p.ttl(error), p.ttl(answer), p.ttl(other)) == (64 - 5, 64 - 11, 255 - 3)
    ((_, echo),) = carry(lab, udp(7))
    assert p.ttl(echo) == 64 - 11


def test_what_a_box_forges_takes_the_way_back_of_its_hop() -> None:
    lab = engine(box("tcp-reset", hop=3), hop3={"back": 7})
    ((_, answer),) = carry(lab, syn(), until=0.1)
    assert p.ttl(answer) == 64 - 7


# -- narrow links


def test_a_packet_too_big_for_a_link_is_told_so_by_the_router_before_it() -> None:
    lab = engine(hop4={"mtu": 1400})
    ((when, error),) = carry(lab, udp(7, data=b"x" * 1400))
    assert (when, p.unpacked(p.source(error))) == (2 * 3.0, ROUTERS[3])
    assert error[20:22] == bytes((p.UNREACHABLE, p.TOO_BIG))
    assert p.icmp_mtu(error) == 1400
    assert p.ttl(error[28:]) == 64 - 3
    assert_sound(error)
    # It fits, it expires before, or it may be cut up: no complaint.
    assert len(carry(lab, udp(7, data=b"x" * 1372))) == 1
    ((_, expired),) = carry(lab, udp(7, data=b"x" * 1400, ttl=4))
    assert p.icmp_kind(expired) == p.TIME_EXCEEDED
    divisible = bytearray(udp(7, data=b"x" * 1400))
    divisible[6] = 0
    ((_, answer),) = carry(lab, bytes(divisible))
    assert len(p.payload(answer)) == 1400


def test_a_silent_router_before_a_narrow_link_is_a_black_hole() -> None:
    assert carry(engine(hop4={"mtu": 1400, "silent": True}), udp(7, data=b"x" * 1400)) == []


def test_a_box_behind_a_narrow_link_never_sees_what_does_not_fit() -> None:
    big = udp(53, data=b"x" * 1400)
    assert carry(engine(Box("udp-drop", 4, addresses=(PUBLIC_RESOLVER,)), hop4={"mtu": 1300}), big) == []
    behind = engine(Box("udp-drop", 5, addresses=(PUBLIC_RESOLVER,)), hop4={"mtu": 1300})
    assert len(carry(behind, big)) == 1


@pytest.mark.parametrize("six", [False, True])
def test_a_server_learns_from_too_big_and_sends_smaller_segments(six: bool) -> None:
    page = b"x" * 20_000

    class Long(Village):
        def accept(self, address: str, port: int, connection: Any) -> Any:
            class App:
                def data_received(self, data: bytes) -> None:
                    connection.write(page)

                def eof_received(self) -> None:
                    connection.close()

            return App()

    lab = engine(hop5={"mtu": 1300}, village=Long())
    here, there = (CLIENT6, FAR6) if six else (CLIENT, "1.0.0.1")
    ends = p.packed(here), 4000, p.packed(there), 80
    opening = p.tcp(*ends, seq=1, flags=p.SYN, window=65000, options=b"\x02\x04\x05\xa0", ttl=64)
    ((_, answer),) = carry(lab, opening, until=0.2)
    opened = p.segment(answer)
    assert opened is not None
    got, seq, now = bytearray(), (opened.seq + 1) & 0xFFFFFFFF, 1.0
    packets = [p.tcp(*ends, seq=2, ack=seq, flags=p.ACK | p.PSH, window=65000, data=b"GET /")]
    while packets and len(got) < len(page) and now < 30:
        arrived = [bytes(packet) for _, packet in carry(lab, *packets, now=now, until=1.0)]
        now += 1.0
        for packet in arrived:
            assert len(packet) <= 1300
            segment = p.segment(packet)
            assert segment is not None
            if segment.seq == (seq + len(got)) & 0xFFFFFFFF:
                got += segment.data
        packets = [p.tcp(*ends, seq=7, ack=(seq + len(got)) & 0xFFFFFFFF, flags=p.ACK, window=65000)]
    assert bytes(got) == page


# -- IPv6


@pytest.mark.parametrize("hop", range(1, 7))
def test_an_ipv6_packet_expires_at_the_router_its_hop_limit_reaches(hop: int) -> None:
    ((_, error),) = carry(engine(), udp(33434, ttl=hop, six=True))
    assert p.unpacked(p.source(error)) == ROUTERS6[hop - 1]
    assert tuple(error[40:42]) == (3, 0)
    assert (p.ttl(error), p.ttl(error[48:])) == (256 - hop, 1)
    assert_sound(error)


def test_ipv6_is_answered_like_ipv4() -> None:
    lab = engine()
    ((when, answer),) = carry(lab, udp(53, six=True))
    assert (when, p.payload(answer), p.ttl(answer)) == (2 * SERVER_MS, b"true question", 64 - 6)
    ((_, echo),) = carry(lab, udp(7, six=True))
    assert (p.payload(echo), p.ttl(echo)) == (b"question", 64 - 6)
    ((_, closed),) = carry(lab, udp(33434, six=True))
    assert tuple(closed[40:42]) == (1, 4)
    ping = p.icmp(p.ECHO, 0, p.packed(CLIENT6), p.packed(ROUTERS6[4]), b"payload", rest=0x12340001)
    ((when, reply),) = carry(lab, ping)
    assert (when, p.icmp_kind(reply), reply[44:]) == (
        30.0,
        p.ECHO_REPLY,
        bytes.fromhex("12340001") + b"payload",
    )
    opened = read(carry(lab, syn(six=True), until=0.1)[0][1])
    assert (opened.flags, opened.mss) == (p.SYN | p.ACK, 1440)
    for packet in (answer, echo, closed, reply):
        assert_sound(packet)


def test_a_hop_without_an_ipv6_address_is_silent_in_it() -> None:
    lab = engine(hop3={"address6": ""})
    assert carry(lab, udp(33434, ttl=3, six=True)) == []
    assert len(carry(lab, udp(33434, ttl=3))) == 1
    assert len(carry(lab, udp(33434, ttl=4, six=True))) == 1


@pytest.mark.parametrize("state", ["broken", "none"])
def test_where_ipv6_is_broken_or_absent_every_packet_vanishes(state: str) -> None:
    lab = engine(isp={"ipv6": state})
    packets = udp(53, six=True), udp(33434, ttl=1, six=True), udp(7, six=True), syn(six=True)
    assert carry(lab, *packets) == []
    assert len(carry(lab, udp(53))) == 1


def test_diamonds_and_limits_are_the_same_in_ipv6() -> None:
    lab = engine(hop5={"parallel6": ("2403:5b40::a",)}, hop3={"icmp_per_s": 1.0, "labels": (77,)})
    assert len(set(senders(lab, *(udp(33434, ttl=5, six=True) for _ in range(10))))) == 1
    assert len(set(senders(lab, *(udp(33434 + n, ttl=5, six=True) for n in range(40))))) == 2
    errors = carry(lab, *(udp(33434, ttl=3, six=True) for _ in range(5)), until=0.1)
    assert len(errors) == 1
    error = errors[0][1]
    assert int.from_bytes(error[48 + error[44] * 8 + 8 :][:4], "big") >> 12 == 77


def test_strange_ipv6_packets_are_ignored() -> None:
    lab = engine()
    extension = bytearray(udp(53, six=True))
    extension[6] = 44
    assert carry(lab, b"\x60" + bytes(39), b"\x60" + bytes(60), bytes(extension)) == []
