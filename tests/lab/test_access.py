"""Lossy, jittery and slow lines: the shares and bounds that a scenario gives, the same again by the seed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trio
from tests.lab.runs import labels, measured
from tests.lab.test_path import engine, syn, udp
from tests.lab.village import SERVER_MS, box
from tests.lab.village import run as carry
from trio.testing import MockClock

from gatewatch.lab.country.host import Host
from gatewatch.lab.country.scenario import Scenario, load
from gatewatch.lab.memory import attached
from gatewatch.lab.path import access
from gatewatch.lab.path import packet as p
from gatewatch.lab.path.access import Chance
from gatewatch.lab.path.engine import Engine
from gatewatch.net import stream, transfer
from gatewatch.net.journal import Journal
from gatewatch.net.url import parse

SIX = load("six")


def line(*boxes: Any, seed: int = 0, **isp: Any) -> Engine:
    return engine(*boxes, seed=seed, isp=isp)


def share(lab: Engine, *, six: bool = False, ttl: int = 64, port: int = 7, count: int = 4000) -> float:
    packets = (udp(port, ttl=ttl, six=six, sport=1024 + n) for n in range(count))
    return len(carry(lab, *packets)) / count


@pytest.mark.parametrize("six", [False, True])
def test_the_share_is_lost_on_each_way(six: bool) -> None:
    # Two ways of 10 % each: 81 % come back.
    assert share(line(loss=0.1), six=six) == pytest.approx(0.81, abs=0.02)


@pytest.mark.parametrize("hop", [1, 3, 6])
def test_near_routers_are_lost_less_often_than_far_ones(hop: int) -> None:
    # Seven links lead to the server, so many to the router and back.
    passes = (1 - 0.3 * hop / 7) ** 2
    assert share(line(loss=0.3), ttl=hop, port=33434) == pytest.approx(passes, abs=0.025)


def test_what_a_box_injects_is_lost_on_its_way_to_the_client_and_to_the_server() -> None:
    lab = line(box("tcp-reset", hop=3), loss=0.3)
    answers = carry(lab, *(syn(sport=1024 + n) for n in range(4000)), until=0.1)
    there_and_back = (1 - 0.3 * 3 / 7) ** 2
    assert len(answers) / 4000 == pytest.approx(there_and_back, abs=0.025)


def test_a_box_before_the_loss_sees_what_one_behind_it_does_not() -> None:
    def refused(hop: int) -> int:
        lab = line(box("tcp-drop", hop=hop), loss=0.5, seed=3)
        struck = [0]
        (stand,) = lab._ways[p.packed("1.0.0.2")].stands(p.TCP << 16 | 80)
        inner = stand.inspect

        def inspect(packet: bytearray, wire: Any) -> bool:
            struck[0] += 1
            return inner(packet, wire)

        stand.inspect = inspect
        carry(lab, *(syn(sport=1024 + n) for n in range(2000)), until=0.1)
        return struck[0]

    assert refused(1) / 2000 == pytest.approx(1 - 0.5 / 7, abs=0.03)
    assert refused(6) / 2000 == pytest.approx(1 - 0.5 * 6 / 7, abs=0.03)


def test_jitter_is_bounded_and_keeps_the_order_of_a_way() -> None:
    lab = line(jitter_ms=10.0)
    packets = [udp(7, data=bytes([n])) for n in range(200)]
    for place, packet in enumerate(packets):
        lab.from_client(bytearray(packet), place * 0.001)
    got = []
    while (due := lab.due()) is not None:
        got += [(due, p.payload(packet)[0]) for packet in lab.pop(due)]
    assert [number for _, number in got] == list(range(200))
    trips = [1000 * (when - place * 0.001) for when, place in got]
    assert min(trips) >= 2 * SERVER_MS
    assert max(trips) <= 2 * (SERVER_MS + 10.0)
    assert max(trips) - min(trips) > 5


def test_one_packet_at_a_time_is_late_by_anything_up_to_the_jitter() -> None:
    lab = line(jitter_ms=10.0)
    trips = [carry(lab, udp(7), now=float(n))[0][0] - 2 * SERVER_MS for n in range(500)]
    # The sum of two even spreads from 0 to 10 ms: 10 ms on average.
    assert sum(trips) / len(trips) == pytest.approx(10.0, abs=0.6)
    assert min(trips) < 2 and max(trips) > 18


@pytest.mark.parametrize("isp", [{"loss": 0.2}, {"jitter_ms": 5.0}, {"loss": 0.1, "jitter_ms": 5.0}])
def test_a_seed_repeats_exactly_and_another_does_not(isp: dict[str, float]) -> None:
    def trip(seed: int) -> list[tuple[float, bytes]]:
        return carry(line(seed=seed, **isp), *(udp(7, data=bytes([n])) for n in range(100)))

    assert trip(1) == trip(1) != trip(2)


def test_what_goes_to_one_server_changes_nothing_on_the_way_to_another() -> None:
    def drawn(order: str) -> dict[str, list[float]]:
        chance = Chance("1 isp up")
        found: dict[str, list[float]] = {way: [] for way in order}
        for way in order:
            found[way].append(chance.draw(way))
        return found

    found = drawn("abababab")
    assert found == drawn("bbbbaaaa") and found["a"] != found["b"]
    assert len({*found["a"], *found["b"]}) == 8


def test_draws_are_even_and_those_of_many_ways_do_not_begin_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access, "_WAYS", 2)
    chance = Chance("1 isp up")
    draws = [chance.draw(way) for _ in range(3000) for way in "abc"]
    assert len(set(draws)) == len(draws)
    assert sum(draws) / len(draws) == pytest.approx(0.5, abs=0.02)
    assert sum(draw < 0.01 for draw in draws) / len(draws) == pytest.approx(0.01, abs=0.004)


def test_a_slow_line_spaces_packets_out_and_drops_what_its_queue_does_not_hold() -> None:
    # 1,000 bytes at 80 kbit/s take 100 ms; the queue holds 200 ms at most.
    lab = line(down_kbps=80.0)
    got = carry(lab, *(udp(7, data=bytes(972)) for _ in range(10)))
    assert [when for when, _ in got] == pytest.approx([2 * SERVER_MS + 100.0 * n for n in (1, 2, 3)])
    up = line(up_kbps=80.0, queue_ms=1000.0)
    got = carry(up, *(udp(7, data=bytes(972)) for _ in range(5)))
    assert [when for when, _ in got] == pytest.approx([2 * SERVER_MS + 100.0 * n for n in range(1, 6)])


def test_a_line_without_faults_is_not_there() -> None:
    assert line()._access is None
    assert [when for when, _ in carry(line(), *(udp(7) for _ in range(3)))] == [2 * SERVER_MS] * 3


# -- through sockets


def fetched(scenario: Scenario, seed: int | None, size: int = 0) -> tuple[str | None, int, float]:
    """One page over plain HTTP: the failure, the body's size, the seconds."""

    async def main() -> tuple[str | None, int, float]:
        async with attached(scenario, "absent", seed=seed) as lab:
            began = trio.current_time()
            address = lab.world.address_of("large.com")[0]
            journal = Journal()
            tcp, failure = await stream.connect(journal, address, 80)
            if tcp is None:
                return failure, 0, trio.current_time() - began
            got = await transfer.exchange(journal, tcp, parse("http://large.com/"))
            tcp.close()
            return got.failure, len(got.raw_body), trio.current_time() - began

    return trio.run(main, clock=MockClock(autojump_threshold=0))


def lossy(loss: float, **more: Any) -> Scenario:
    isps = tuple(replace(isp, loss=loss, **more) for isp in SIX.isps)
    return replace(SIX, isps=isps, hosts=(Host(("large.com",), size=500_000),))


@pytest.mark.parametrize(("loss", "limit"), [(0.0, 1.0), (0.01, 8.0), (0.03, 15.0)])
@pytest.mark.parametrize("seed", range(4))
def test_a_page_of_500_kb_comes_through_a_lossy_line(loss: float, limit: float, seed: int) -> None:
    failure, size, seconds = fetched(lossy(loss), seed)
    assert failure is None
    assert size >= 500_000
    assert seconds < limit


def test_chance_in_memory_follows_the_seed() -> None:
    scenario = lossy(0.03, jitter_ms=3.0)
    assert fetched(scenario, 5) == fetched(scenario, 5) != fetched(scenario, 6)


def test_a_slow_line_takes_its_time() -> None:
    _, size, seconds = fetched(lossy(0.0, down_kbps=1000.0), 1)
    assert size >= 500_000
    assert 4.0 < seconds < 6.5  # 4 Mbit at 1 Mbit/s


# -- whole runs

URLS = [f"https://site-{n}.com/" for n in range(30)]


@pytest.mark.parametrize("line", [{"loss": 0.03}, {"loss": 0.01, "jitter_ms": 40.0}, {"jitter_ms": 100.0}])
def test_a_lossy_line_gives_no_false_alarm(tmp_path: Path, line: dict[str, Any]) -> None:
    scenario = replace(SIX, isps=tuple(replace(isp, **line) for isp in SIX.isps))
    _, lines = measured(tmp_path, scenario, "absent", URLS)
    assert not [label for label in labels(lines).values() if label.startswith(("blocked", "tampered"))]


def test_a_run_that_fills_its_own_line_goes_slower_and_gives_no_false_alarm(tmp_path: Path) -> None:
    # A poor mobile line with a long queue; five starts a second ask for three times what it carries.
    slow: dict[str, Any] = {"down_kbps": 256.0, "up_kbps": 64.0, "queue_ms": 2000.0}
    scenario = replace(SIX, isps=tuple(replace(isp, **slow) for isp in SIX.isps))
    urls = [f"https://site-{n}.com/" for n in range(60)]
    about, lines = measured(tmp_path, scenario, "absent", urls, rate=5.0)
    assert not [label for label in labels(lines).values() if label.startswith(("blocked", "tampered"))]
    assert any("fills its own line" in look["reason"] for look in about["line"])
    assert about["campaign_s"] > 60  # 60 pages of some 30 KB at 256 kbit/s
