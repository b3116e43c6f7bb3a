"""Userspace TCP in flights: how it begins, what losses cost, and which size of packet a path takes."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from tests.lab.test_tcp import HERE, THERE, Peer, Wire, exchange, text

from gatewatch.lab.path import packet as p

HERE6, THERE6 = ("2400:7a00:1::10", 4000), ("2606:4700::1111", 80)


@pytest.mark.parametrize(("loss", "limit"), [(0.0, 0.3), (0.01, 2.0), (0.03, 5.0)])
@pytest.mark.parametrize("seed", range(5))
def test_a_page_of_500_kb_survives_loss_in_reasonable_time(loss: float, limit: float, seed: int) -> None:
    page, chance = text(500_000), random.Random(seed)
    server, client = Peer(sends=page, closes=True), Peer()
    wire = Wire(server, lambda number, segment: number > 3 and chance.random() < loss)
    exchange(wire, client, b"request")
    arrived = [when for when, segment in wire.seen if segment.dport == 80]
    assert bytes(client.heard) == page
    assert arrived[-1] < limit


def test_a_flight_begins_with_ten_segments_and_doubles() -> None:
    server, client = Peer(sends=text(100_000), closes=True), Peer()
    wire = Wire(server)
    exchange(wire, client, b"request")
    sent = Counter(round(when, 3) for when, segment in wire.seen if segment.sport == 80 and segment.data)
    # RFC 6928, RFC 5681: 100,000 bytes are 69 segments of 1,460.
    assert [count for _, count in sorted(sent.items())] == [10, 20, 39]


def test_several_losses_of_one_flight_cost_one_round_trip_each_and_no_timeout() -> None:
    server, client = Peer(sends=text(100_000), closes=True), Peer()
    dropped: set[int] = set()

    def lose(number: int, segment: p.Segment) -> bool:
        place = segment.seq % (1 << 32)
        first = len([s for _, s in wire.seen if s.sport == 80 and s.data])
        if segment.sport == 80 and segment.data and first in (12, 14, 20) and place not in dropped:
            dropped.add(place)
            return True
        return False

    wire = Wire(server, lose)
    exchange(wire, client, b"request")
    assert len(dropped) == 3
    assert len(client.heard) == 100_000
    # A timeout would be 200 ms at least (RFC 6298, Linux's floor).
    assert max(when for when, segment in wire.seen if segment.data) < 0.2


@pytest.mark.parametrize(("here", "there", "headers"), [(HERE, THERE, 40), (HERE6, THERE6, 60)])
def test_a_path_that_takes_smaller_packets_gets_them(
    here: tuple[str, int], there: tuple[str, int], headers: int
) -> None:
    server, client = Peer(sends=text(50_000), closes=True), Peer()
    told = []

    def lose(number: int, segment: p.Segment) -> bool:
        if len(segment.data) + headers <= 1400:
            return False
        ends = segment.source, segment.sport, segment.destination, segment.dport
        lost = p.tcp(*ends, seq=segment.seq, flags=p.ACK, data=segment.data)
        told.append(lost[: headers - 12])
        return True

    wire = Wire(server, lose)
    connection = wire.client.connect(here, there, client, 0.0, ttl=64)
    client.connection = connection
    wire.run(0.1)
    connection.write(b"request")
    wire.run(0.12)
    assert told
    wire.server.too_big(told[0], 1400, 0.12)
    wire.run(1.0)
    assert len(client.heard) == 50_000
    assert max(len(s.data) for _, s in wire.seen[-30:]) == 1400 - headers
    assert {s.mss for _, s in wire.seen if s.flags & p.SYN} == {1500 - headers}
