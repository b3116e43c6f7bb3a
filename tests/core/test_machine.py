"""What happens to a machine during a run, one row a fault: clocks, sleep, a standstill, network, resolver."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Network
from pathlib import Path

import pytest
import trio
from tests.worlds.clock import run
from trio.testing import MockClock, wait_all_tasks_blocked

from gatewatch.runner import machine as machines
from gatewatch.runner.clock import Steady
from gatewatch.runner.machine import (
    ASLEEP,
    BEAT,
    CHANGED,
    CLOCK_SET,
    RESOLVER,
    Machine,
    Network,
    router,
)
from gatewatch.whereabouts import Prefix

YEAR = 365 * 86_400.0
HOME = Network(("192.168.1.5",), "aa:aa:aa:aa:aa:aa")
CAFE = Network(("192.168.1.5",), "bb:bb:bb:bb:bb:bb")


class Fake:
    """A machine whose clocks and network are what a test says."""

    def __init__(self) -> None:
        self.wall, self.waking, self.always = 1.7e9, 100.0, 100.0
        self.network = HOME
        self.resolvers: tuple[str, ...] = ("192.168.1.1",)

    def machine(self, whose: Callable[[str], Prefix | None] = lambda _: None) -> Machine:
        return Machine(
            lambda: self.network,
            lambda: self.resolvers,
            whose,
            waking=lambda: self.waking,
            always=lambda: self.always,
            wall=lambda: self.wall,
        )

    def passes(self, seconds: float) -> None:
        self.wall += seconds
        self.waking += seconds
        self.always += seconds

    def sleeps(self, seconds: float) -> None:
        self.wall += seconds
        self.always += seconds

    def set_clock(self, seconds: float) -> None:
        self.wall += seconds

    def moves(self, network: Network) -> None:
        self.network = network

    def asks(self, *resolvers: str) -> None:
        self.resolvers = resolvers


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (lambda f: f.passes(3600), None),
        (lambda f: f.sleeps(4 * 3600), ASLEEP),
        (lambda f: f.set_clock(YEAR), CLOCK_SET),
        (lambda f: f.set_clock(-YEAR), CLOCK_SET),
        # What a time server does all day.
        (lambda f: f.set_clock(0.5), None),
        (lambda f: f.set_clock(-20), None),
        (lambda f: f.moves(Network()), CHANGED),
        (lambda f: f.moves(CAFE), CHANGED),
        (lambda f: f.moves(Network(("192.168.1.6",), HOME.router)), CHANGED),
        (lambda f: f.moves(Network((*HOME.addresses, "2401:f3c0::1"), HOME.router)), CHANGED),
        # The kernel forgets its neighbours and learns them again.
        (lambda f: f.moves(Network(HOME.addresses)), None),
        (lambda f: f.asks("1.1.1.1"), RESOLVER),
        (lambda f: f.asks(), RESOLVER),
    ],
)
def test_what_spoils_a_measurement(fault: Callable[[Fake], None], why: str | None) -> None:
    async def main() -> None:
        fake = Fake()
        made = fake.machine()
        made.look()
        then = made.moment()
        fault(fake)
        assert made.changed_since(then) is (why is not None)
        assert [note["what"] for note in made.notes] == ([why] if why else [])
        # It is over: what begins now is not spoilt by it.
        assert not made.changed_since(made.moment())

    run(main)


def test_a_change_back_and_forth_between_two_looks_of_a_measurement_is_seen_by_the_watch() -> None:
    async def main() -> None:
        fake = Fake()
        made = fake.machine()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(made.watch)
            await trio.sleep(BEAT / 2)  # between two beats
            then = made.moment()
            fake.moves(Network())
            await trio.sleep(BEAT)
            fake.moves(HOME)
            await trio.sleep(BEAT)
            assert made.changed_since(then) and made.changes == 2 and not made.elsewhere
            nursery.cancel_scope.cancel()

    run(main)


KNOWN = [("36.37.128.0/17", 38623), ("103.5.24.0/22", 45498), ("36.37.0.0/17", 38623)]


def whose(address: str) -> Prefix | None:
    from ipaddress import ip_address

    for prefix, asn in KNOWN:
        if (network := IPv4Network(prefix)) and ip_address(address) in network:
            return Prefix(network, asn, "KH", "")
    return None


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        (HOME, HOME, True),
        (HOME, CAFE, False),
        (HOME, Network(HOME.addresses), True),
        # The router gave another address, even another subnet.
        (HOME, Network(("192.168.0.77",), HOME.router), True),
        # Everybody's home is 192.168.1.0/24: without its router it is anybody's.
        (Network(("192.168.1.5",)), Network(("192.168.1.77",)), False),
        # A VPN, which has no router.
        (HOME, Network(("10.8.0.2",)), False),
        # Public addresses: of one block, of one provider by the table, of another, of nobody known.
        (Network(("103.5.24.10",)), Network(("103.5.24.77",)), True),
        (Network(("36.37.200.10",)), Network(("36.37.20.10",)), True),
        (Network(("103.5.24.10",)), Network(("36.37.200.10",)), False),
        (Network(("203.0.114.1",)), Network(("198.18.200.1",)), False),
        # IPv6 came, went, or changed its privacy address; alone, its /48 counts.
        (Network(("103.5.24.10", "2403:5b40:24::10")), Network(("103.5.24.10",)), True),
        (Network(("103.5.24.10",)), Network(("103.5.24.10", "2403:5b40:24::10")), True),
        (Network(("2403:5b40:24::10",)), Network(("2403:5b40:24:1::20",)), True),
        (Network(("2403:5b40:24::10",)), Network(("2401:f3c0:200::10",)), False),
        (Network(("103.5.24.10",)), Network(("2401:f3c0:200::10",)), False),
    ],
)
def test_which_network_is_another(before: Network, after: Network, same: bool) -> None:
    assert after.is_same(before, whose) is same
    fake = Fake()
    fake.network = before
    made = fake.machine(whose)

    async def main() -> None:
        made.look()
        fake.network = after
        made.look()
        assert made.elsewhere is not same
        fake.network = Network()  # without any network it is nowhere else
        made.look()
        assert not made.elsewhere
        assert set(made.addresses) == {*before.addresses, *after.addresses}

    run(main)


def test_a_network_that_cannot_be_asked_for_is_not_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no file may be opened, there seem to be no address and no resolver."""

    async def main() -> None:
        fake = Fake()
        made = fake.machine()
        then = made.moment()
        fake.moves(Network())
        fake.asks()
        with monkeypatch.context() as patch:
            patch.setattr(machines, "no_files", lambda: True)
            assert not made.changed_since(then)
        assert made.changed_since(then)

    run(main)


def test_a_router_that_is_learnt_late_gives_a_network_away() -> None:
    async def main() -> None:
        fake = Fake()
        fake.network = Network(HOME.addresses)  # no packet was sent yet
        made = fake.machine()
        fake.network = HOME
        made.look()
        assert made.changes == 0
        for network in (Network(), Network(HOME.addresses)):
            fake.network = network
            made.look()
        assert made.changes == 2 and not made.elsewhere
        fake.network = CAFE
        then = made.moment()
        assert made.changed_since(then) and made.elsewhere

    run(main)


def test_a_machine_that_comes_back_goes_on_and_one_that_stays_away_does_not() -> None:
    async def main(back_after: float) -> tuple[bool, float]:
        fake = Fake()
        made = fake.machine()
        made.look()
        fake.network = CAFE
        made.look()

        async def back() -> None:
            await trio.sleep(back_after)
            fake.network = HOME

        async with trio.open_nursery() as nursery:
            nursery.start_soon(back)
            began = trio.current_time()
            found = await made.is_back()
            nursery.cancel_scope.cancel()
        return found, trio.current_time() - began

    assert run(lambda: main(10.25)) == (True, 10.5)
    assert run(lambda: main(1e6)) == (False, machines.GRACE)


@pytest.mark.parametrize(
    ("late", "beats", "spoilt"),
    [(0.0, 100, False), (0.01, 100, False), (0.4, 4, False), (0.4, 6, True), (12.0, 1, True)],
)
def test_standing_still_adds_up(late: float, beats: int, spoilt: bool) -> None:
    clock = MockClock()

    async def main() -> None:
        made = Machine()
        then = made.moment()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(made.watch)
            for _ in range(beats):
                await wait_all_tasks_blocked()
                # As SIGCONT finds it, or a processor that others had.
                clock.jump(BEAT + late)
            await wait_all_tasks_blocked()
            assert made.stood_still_since(then) is spoilt
            assert made.stood == pytest.approx(late * beats)
            nursery.cancel_scope.cancel()

    trio.run(main, clock=clock)


def test_a_pause_is_known_before_the_watch_has_woken() -> None:
    async def main() -> None:
        made = Machine()
        made._due = trio.current_time() - 12  # as after SIGCONT, when another task comes first
        then = machines.Moment(0.0, 0)
        assert made.stood_still_since(then)

    run(main)


def test_the_clock_of_a_run_is_read_once_and_nobody_sets_it() -> None:
    fake = Fake()
    began = datetime(2026, 3, 1, tzinfo=UTC)
    fake.wall = began.timestamp()
    steady = Steady(lambda: datetime.fromtimestamp(fake.wall, UTC), lambda: fake.always)
    fake.passes(10)
    fake.set_clock(YEAR)
    fake.sleeps(3600)
    assert steady() == began + timedelta(seconds=3610)
    assert steady.set_by() == YEAR


def test_the_router_is_read_from_the_kernels_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if sys.platform != "linux":
        pytest.skip("the kernel's tables are Linux's")
    routes, neighbours = tmp_path / "route", tmp_path / "arp"
    monkeypatch.setattr(machines, "_ROUTES", routes)
    monkeypatch.setattr(machines, "_NEIGHBOURS", neighbours)
    assert router() == ""
    head = "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n"
    # Two default routes, one with a better metric, and one of a link without a router.
    routes.write_text(
        head
        + "wlan0 00000000 0101A8C0 0003 0 0 600 00000000 0 0 0\n"
        + "eth0 00000000 0100A8C0 0003 0 0 100 00000000 0 0 0\n"
        + "tun0 00000000 00000000 0001 0 0 50 00000000 0 0 0\n"
    )
    rows = "192.168.1.1 0x1 0x2 bb:bb:bb:bb:bb:bb * wlan0\n192.168.0.1 0x1 {} {} * eth0\n"
    neighbours.write_text("IP HW Flags HWaddress Mask Device\n" + rows.format("0x2", "aa:aa:aa:aa:aa:aa"))
    assert router() == "aa:aa:aa:aa:aa:aa"
    neighbours.write_text("IP HW Flags HWaddress Mask Device\n" + rows.format("0x0", "00:00:00:00:00:00"))
    assert router() == ""
    routes.write_text("nonsense\nnonsense\n")
    assert router() == ""
