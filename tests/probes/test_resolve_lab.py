"""Look-ups in the lab: habits of the line's own resolver, ways round closed doors, answers that come late."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from tests.probes.test_intercept import LIE, box, line
from tests.worlds.clock import run
from tests.worlds.country import attached, measure

from gatewatch.lab.country.parts import unregistered
from gatewatch.lab.country.scenario import Box
from gatewatch.net.journal import Journal
from gatewatch.records import Query, ResolverHabits, TestKeys, decode
from gatewatch.runner.probes import load as probe
from gatewatch_probes.names.habits import ADVERTISER, ENDINGS, learn, random_name
from gatewatch_probes.resolve import look_up
from gatewatch_probes.web import Web
from gatewatch_targets import Target, resolvers

RFA = "https://www.rfa.org/"


def resolve(*boxes: Box, url: str = RFA, **changes: Any) -> TestKeys:
    return measure(probe("resolve"), url, "blocked", line(7, *boxes), **changes)


def habits(*boxes: Box) -> ResolverHabits:
    found, problems = decode(ResolverHabits, dict(resolve(*boxes).extra["x_gatewatch_resolver"]))
    assert problems == ()
    return found


def closed(port: int, kind: str = "endpoint-reset") -> Box:
    """A gateway that lets nobody talk to public resolvers on a port."""
    return Box(kind, 5, ports=(port,), addresses=tuple(a for r in resolvers() for a in r.ipv4))


def test_random_names_exist_for_nobody() -> None:
    names = {random_name(ending) for ending in ENDINGS for _ in range(50)}
    assert len(names) == 100 and all(map(unregistered, names))
    assert not any(map(unregistered, ["www.rfa.org", "bananabananabananabanana.a.com", ADVERTISER]))


def test_an_honest_resolver_has_no_habits() -> None:
    found = habits()
    assert (found.rewrites, found.denies, found.filters) == ((), True, "addresses")
    assert (found.egress, found.name, found.asn) == ("36.37.242.0/24", "", 0)


def test_a_resolver_that_rewrites_is_told_by_random_names() -> None:
    found = habits(Box("dns-rewrite", 2, address="36.37.242.94", resolvers="isp"))
    assert (found.rewrites, found.denies) == (("36.37.242.94",), False)


FILTERS = [("bogon", "0.0.0.0", "bogon"), ("nxdomain", "", "nxdomain")]


@pytest.mark.parametrize(("method", "address", "word"), FILTERS)
def test_a_resolver_that_filters_is_told_by_an_advertiser(method: str, address: str, word: str) -> None:
    ads = frozenset({"googlesyndication.com"})
    found = habits(Box("dns-filter", 2, ads, resolvers="isp", method=method, address=address))
    assert (found.filters, found.filter_answers) == (word, (address,) if address else ())


def test_habits_are_asked_once_a_run() -> None:
    async def main() -> int:
        async with attached("blocked", line(7)) as (wire, world):
            asked: list[str] = []
            true = world.datagram

            def count(address: str, port: int, source: tuple[str, int], data: bytes) -> Any:
                asked.append(address)
                return true(address, port, source, data)

            world.datagram = count  # type: ignore[method-assign]
            first = await learn(wire)
            before = len(asked)
            assert await learn(wire) is first
            assert before > 0
            return len(asked) - before

    assert run(main) == 0


def engines(keys: TestKeys) -> list[tuple[str | None, str | None]]:
    return [(q.engine, q.failure) for q in keys.queries or () if q.engine in ("doh", "dot", "tcp")]


DENIED = Box("dns-lie", 2, frozenset({"rfa.org"}), method="nxdomain", resolvers="all")


def test_closed_doors_are_gone_round() -> None:
    true = resolve(DENIED)
    assert engines(true) == [("doh", None)]
    over_tls = resolve(DENIED, closed(443))
    assert engines(over_tls) == [("doh", "connection_refused")] * 3 + [("dot", None)]
    over_tcp = resolve(DENIED, closed(443), closed(853))
    refused = [("doh", "connection_refused")] * 3 + [("dot", "connection_refused")] * 3
    assert engines(over_tcp) == [*refused, ("tcp", None)]
    answers = [(keys.queries or ())[-1].addresses for keys in (true, over_tls, over_tcp)]
    assert answers[0] and answers[0] == answers[1] == answers[2]
    nothing = resolve(DENIED, closed(443), closed(853), closed(53))
    assert engines(nothing) == [*refused, *[("tcp", "connection_refused")] * 2]


def test_silent_doors_are_not_waited_for_again_and_again() -> None:
    scenario = line(7, DENIED, *(closed(port, "endpoint-drop") for port in (443, 853)))

    async def main() -> tuple[list[float], list[tuple[str | None, str | None]]]:
        async with attached("blocked", scenario) as (wire, _):
            times = []
            for host in ("www.rfa.org", "rfa.org", "news.rfa.org"):
                start, journal = trio.current_time(), Journal()
                await look_up(journal, wire, host, ())
                times.append(round(trio.current_time() - start, 1))
            return times, engines(journal.keys())

    (first, second, third), last = run(main)
    # Six doors are tried 1.2 s after one another; for a third name nobody knocks there any more.
    assert 7 < first < 8 and 7 < second < 8 and third < 1
    # What is broken off when TCP answers is no silence.
    assert [engine for engine, _ in last] == ["tcp"]


def test_ipv6_resolvers_are_asked_where_ipv6_works() -> None:
    asked = {q.resolver_address for q in resolve(ipv6=True).queries or () if q.engine == "udp"}
    assert "[2001:4860:4860::8888]:53" in asked
    asked = {q.resolver_address for q in resolve(ipv4=False, ipv6=True).queries or () if q.engine == "udp"}
    assert {"[2001:4860:4860::8888]:53", "[2606:4700:4700::1111]:53"} <= asked and "8.8.8.8:53" not in asked


def late_first(keys: TestKeys) -> list[Query]:
    return [q for q in keys.queries or () if q.x_gatewatch_late]


def test_a_late_true_answer_is_used() -> None:
    keys = measure(Web(), RFA, "blocked", line(7, box("dns-inject", 2)))
    true = {a for q in late_first(keys) for a in q.addresses}
    assert true and LIE["address"] not in true
    assert true <= {c.ip for c in keys.tcp_connect or ()}
    assert any(h.failure is None for h in keys.tls_handshakes or ())


def test_names_that_share_an_answer_are_counted_over_the_run() -> None:
    scenario = line(7, box("dns-lie", 2, domains=frozenset({"com", "org"})))

    async def main() -> list[dict[str, int]]:
        async with attached("blocked", scenario) as (wire, _):
            wire.helpers = ()
            web = Web()
            found = []
            for host in ("one.com", "www.one.com", "two.org", "three.com"):
                keys = await web.measure(Target(f"https://{host}/"), wire)
                found.append(dict(keys.extra["x_gatewatch_shared"]))
            return found

    # A site and its www are one name.
    assert run(main) == [{LIE["address"]: n} for n in (1, 1, 2, 3)]
    keys = measure(Web(), RFA, "blocked", line(7))
    assert "x_gatewatch_shared" not in keys.extra
