import errno
from email.utils import formatdate
from typing import Any

import pytest
import trio
from tests.worlds.clock import run
from tests.worlds.country import attached
from tests.worlds.datagrams import Datagrams
from tests.worlds.hosts import hosts, http
from tests.worlds.streams import Server, broken

from gatewatch.net.wire import comparison_resolvers
from gatewatch.runner import line as line_module
from gatewatch.runner.clock import Steady
from gatewatch.runner.line import Line, Look
from gatewatch_targets import beacons

NAMES = {b.url.split("/")[2]: (f"104.16.1.{n}",) for n, b in enumerate(beacons(), 1)}


def genuine() -> dict[tuple[str, int], Server]:
    """The true pages, which carry the date of this moment."""
    return {
        (f"104.16.1.{n}", 80): http(f"{b.status} X", f"Date: {formatdate(usegmt=True)}", body=b.body)
        for n, b in enumerate(beacons(), 1)
    }


GENUINE = genuine()
PORTAL = {(address, 80): http("302 Found", "Location: http://login.lan/") for (address,) in NAMES.values()}


def test_in_the_lab_everything_answers() -> None:
    async def main() -> Look:
        async with attached("clear") as (wire, _):
            return await Line(wire, lambda: True).look()

    look = run(main)
    assert look.up and not look.portal and look.reason == "The line is up."
    assert {word.split()[0] for word in look.answered} == {"udp", "tcp", "page"}


@pytest.mark.parametrize(
    ("names", "servers", "up", "portal", "reason"),
    [
        (NAMES, GENUINE, True, False, "The line is up."),
        (NAMES, PORTAL, False, True, "A captive portal answers in place of the internet"),
        (NAMES, {**PORTAL, **dict([next(iter(GENUINE.items()))])}, True, False, "The line is up."),
    ],
)
def test_a_portal_changes_every_page_and_a_censor_some(
    names: Any, servers: Any, up: bool, portal: bool, reason: str
) -> None:
    async def main() -> Look:
        with hosts(names, servers) as (wire, _):
            return await Line(wire, lambda: True).look()

    look = run(main)
    assert (look.up, look.portal) == (up, portal) and look.reason.startswith(reason)


def test_our_clock_is_compared_with_the_pages_dates() -> None:
    async def main() -> Look:
        with hosts(NAMES, genuine()) as (wire, _):
            return await Line(wire, lambda: True).look()

    offset = run(main).clock_offset
    assert offset is not None and abs(offset) < 60


def test_a_dead_line_is_known_after_its_patience() -> None:
    async def main() -> None:
        with hosts({}, {}) as (wire, _):
            Datagrams({})  # nor does any resolver answer
            look = await Line(wire, lambda: True).look()
        assert not look.up and look.reason.endswith("none of several well-known servers answers.")
        assert trio.current_time() == line_module.PATIENCE

    run(main)


def test_a_refused_connection_is_an_answer() -> None:
    async def main() -> None:
        servers = {(r.ipv4[0], 443): broken(errno.ECONNREFUSED) for r in comparison_resolvers()}
        with hosts({}, servers) as (wire, _):
            look = await Line(wire, lambda: True).look()
        assert look.up and "tcp 8.8.8.8" in look.answered

    run(main)


def test_without_a_route_nothing_is_sent() -> None:
    async def main() -> None:
        with hosts(NAMES, GENUINE) as (wire, world):
            look = await Line(wire, lambda: False).look()
        assert (
            not look.up and world.connected == [] and "no route" in look.reason and trio.current_time() == 0
        )

    run(main)


def test_the_line_is_looked_at_again_only_for_what_failed_since_it_was_seen_up() -> None:
    async def main() -> None:
        with hosts(NAMES, GENUINE) as (wire, world):
            route = [True]
            line = Line(wire, lambda: route[0])
            await line.look()
            seen, sent = line.seen_up, len(world.connected)
            route[0] = False
            assert await line.was_up_since(seen - 1)
            assert len(world.connected) == sent
            assert not await line.was_up_since(seen + 1)
            assert [look["up"] for look in line.looks] == [True, False]

    run(main)


def test_waiting_ends_when_the_line_is_back() -> None:
    async def main() -> None:
        with hosts(NAMES, GENUINE) as (wire, _):
            line = Line(wire, lambda: trio.current_time() >= 100)
            await line.look()
            await line.wait_until_up()
            assert 100 <= trio.current_time() < 100 + line_module.PAUSE + line_module.PATIENCE
            assert [look["up"] for look in line.looks] == [False, True]

    run(main)


@pytest.mark.parametrize(
    ("route6", "answers", "used"), [(True, True, True), (True, False, False), (False, True, False)]
)
def test_ipv6_is_used_where_it_was_seen_to_work(route6: bool, answers: bool, used: bool) -> None:
    six = comparison_resolvers()[0].ipv6[0]
    servers = {**GENUINE, **({(six, 443): http("200 OK")} if answers else {})}

    async def main() -> bool:
        with hosts(NAMES, servers) as (wire, _):
            await Line(wire, lambda: True, lambda: route6).look()
            return wire.ipv6

    assert run(main) is used


@pytest.mark.parametrize(
    ("translated", "measured"),
    [((), True), (("192.0.0.170", "64:ff9b::c000:aa"), True), (("192.0.0.170", "fd64::c000:aa"), False)],
)
def test_a_machine_with_ipv6_alone_has_a_line_and_a_clock(
    translated: tuple[str, ...], measured: bool
) -> None:
    six = [resolver.ipv6[0] for resolver in comparison_resolvers()[:3]]
    names: dict[str, tuple[str, ...]] = {name: (f"2606:4700::{n}",) for n, name in enumerate(NAMES, 1)}
    if translated:
        names["ipv4only.arpa"] = translated
    pages = {
        (f"2606:4700::{n}", 80): http(f"{b.status} X", f"Date: {formatdate(usegmt=True)}", body=b.body)
        for n, b in enumerate(beacons(), 1)
    }

    async def main() -> None:
        with hosts(names, {**pages, **{(address, 443): http("200 OK") for address in six}}) as (wire, world):
            look = await Line(wire, lambda: False, lambda: True).look()
            assert look.up is measured
            if not measured:
                # Every name would seem to be answered with an address that nobody can have.
                assert not look.route and world.connected == []
                return
            assert not look.portal and look.clock_offset == pytest.approx(0, abs=2)
            assert (wire.ipv4, wire.ipv6) == (False, True)
            assert world.connected and all(":" in address for address, *_ in world.connected)

    run(main)


def test_a_line_is_full_when_its_quickest_answer_takes_much_longer_than_before_the_run() -> None:
    async def main() -> list[tuple[bool, bool]]:
        found = []
        refusing = {(r.ipv4[0], 443): broken(errno.ECONNREFUSED) for r in comparison_resolvers()}
        with hosts(NAMES, {**GENUINE, **refusing}) as (wire, world):
            Datagrams({})  # whose answers would take no time
            line = Line(wire, lambda: True)
            for rtt in (0.1, 0.5, 0.7, 2.0, 0.1):
                world.rtt = rtt
                look = await line.look()
                found.append((look.up, look.full))
        assert [row["reason"] == "The line is up." for row in line.looks] == [True, False, True]
        return found

    assert run(main) == [(True, False), (True, False), (True, True), (True, True), (True, False)]


# -- the system's resolver


REFUSING = {(r.ipv4[0], 443): broken(errno.ECONNREFUSED) for r in comparison_resolvers()}


def test_a_resolver_that_answered_before_is_waited_for_and_then_taken_as_it_is() -> None:
    async def main() -> None:
        names = dict(NAMES)
        with hosts(names, {**GENUINE, **REFUSING}) as (wire, _):
            line = Line(wire, lambda: True)
            assert (await line.look()).up
            names.clear()
            look = await line.look()
            assert (look.up, look.deaf) == (False, True)
            assert look.reason == "The name server of this machine does not answer any more."
            began = trio.current_time()
            await line.wait_until_up()
            assert line_module.DEAF <= trio.current_time() - began < line_module.DEAF + 20
            assert [row["up"] for row in line.looks] == [True, False, True]
            # From then on it is how things are here; what comes of it is measured.
            names.update(NAMES)
            assert (await line.look()).up
            names.clear()
            assert (await line.look()).deaf

    run(main)


def test_a_resolver_that_never_answered_stops_no_measuring() -> None:
    async def main() -> None:
        with hosts({}, REFUSING) as (wire, _):
            look = await Line(wire, lambda: True).look()
        assert look.up and not look.deaf

    run(main)


def test_the_offset_is_that_of_the_runs_clock_whatever_the_machines_is_set_to() -> None:
    from datetime import UTC, datetime, timedelta

    async def main() -> None:
        ahead = [timedelta()]
        steady = Steady(lambda: datetime.now(UTC) + ahead[0])
        with hosts(NAMES, genuine()) as (wire, _):
            line = Line(wire, lambda: True, steady=steady)
            await line.look()
            ahead[0] = timedelta(days=365)
            await line.look()
        # The pages' dates are true, and so was the clock at the start; set_by is what was done to it since.
        assert line.clock_offset is not None and abs(line.clock_offset + 365 * 86_400) < 60

    run(main)
