"""intercept: proxy and injector are told apart, with the hop, wherever they stand and whoever is silent."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from tests.worlds.country import measure

from gatewatch.lab.country.check import complete
from gatewatch.lab.country.scenario import Box, Hop, Scenario, load
from gatewatch.records import Intercept, Measurement, decode, dumps, loads
from gatewatch.runner.probes import load as probe
from gatewatch.verdict import judge

SMALL = load("small")
TRIGGER = "https://www.rfa.org/"
LIE = {"method": "redirect", "address": "36.37.242.94"}
ABROAD = 3  # hops behind the border on the way to public resolvers, as below


def line(
    hops: int, *boxes: Box, silent: frozenset[int] = frozenset(), loss: float = 0.0, seed: int = 0
) -> Scenario:
    """A country with one way out of so many hops, some of them silent."""
    inside = tuple(
        Hop(f"36.37.{128 + n // 200}.{n % 200 + 1}", 0.5 + n, silent=n + 1 in silent)
        for n in range(hops - ABROAD)
    )
    outside = tuple(
        Hop(f"104.23.10.{n + 1}", 3.0 + 5 * n, silent=hops - ABROAD + n + 1 in silent) for n in range(ABROAD)
    )
    isp = replace(SMALL.isps[0], path=inside, local_hops=min(3, len(inside)), boxes=boxes, loss=loss)
    abroad = replace(SMALL.routes[0], prefixes=("default",), isps=(), path=outside, server_ms=25.0)
    return complete(replace(SMALL, isps=(isp,), routes=(abroad,), lists=(), seed=seed))


def box(kind: str, hop: int, **more: Any) -> Box:
    return Box(kind, hop, **{"domains": frozenset({"rfa.org"}), "resolvers": "all", **LIE, **more})


def look(scenario: Scenario, url: str = TRIGGER) -> Intercept:
    keys = measure(probe("intercept"), url, "blocked", scenario)
    found, problems = decode(Intercept, dict(keys.extra["x_gatewatch_intercept"]))
    assert problems == ()
    assert found.packets <= 40
    return found


def routers(scenario: Scenario, hop: int) -> tuple[str | None, str | None]:
    """Who stands on both sides of the link before a hop; None for the silent."""
    path = (*scenario.isps[0].path, *scenario.routes[0].path)
    sides = [path[n - 1] if n else None for n in (hop - 1, hop)]
    before, after = (None if side is None or side.silent else side.address for side in sides)
    return before, after


@pytest.mark.parametrize("hop", range(1, 10))
@pytest.mark.parametrize("kind", ["dns-proxy", "dns-inject"])
def test_at_every_hop(kind: str, hop: int) -> None:
    scenario = line(9, box(kind, hop))
    found = look(scenario)
    assert found.kind == {"dns-proxy": "proxy", "dns-inject": "injector"}[kind]
    assert (found.hop, found.before, found.after) == (hop, *routers(scenario, hop))
    assert found.in_path is (kind == "dns-proxy")
    assert found.forged == ("36.37.242.94",)
    assert found.transports == {"tcp": "same", "dot": "same", "doh": "same"}
    if kind == "dns-proxy":
        assert found.identity is not None and found.identity.known == "isp"
        # The name of the first router's resolver may be its owner's.
        assert found.identity.server == ("[scrubbed]" if hop == 1 else "ns-36-37-242-53")
        assert ("ns-36-37-242-53" in str(found)) is (hop > 1)
        assert found.distance == found.trigger_distance == hop
    else:
        assert found.identity is not None and found.identity.known == "own"
        assert found.distance == 10 and found.trigger_distance == hop


def seeds(count: int) -> list[Any]:
    return [pytest.param(seed, id=f"seed{seed}") for seed in range(count)]


@pytest.mark.parametrize("seed", seeds(24))
@pytest.mark.parametrize("kind", ["dns-proxy", "dns-inject", ""])
def test_random_ways_with_silent_hops_and_one_percent_loss(kind: str, seed: int) -> None:
    dice = random.Random(f"{kind} {seed}")
    hops = dice.randint(5, 16)
    hop = dice.randint(1, hops)
    # A third of all routers say nothing, and often the ones around the box.
    silent = {n for n in range(1, hops + 1) if dice.random() < (0.5 if abs(n - hop) < 2 else 0.3)}
    boxes = (box(kind, hop),) if kind else ()
    scenario = line(hops, *boxes, silent=frozenset(silent), loss=0.01, seed=seed)
    found = look(scenario)
    if not kind:
        assert (found.kind, found.hop) == ("none", None), found.evidence
        return
    assert found.kind == {"dns-proxy": "proxy", "dns-inject": "injector"}[kind], found.evidence
    assert found.hop == hop
    before, after = routers(scenario, hop)
    assert found.before in (before, None) and found.after in (after, None)


@pytest.mark.parametrize("hop", [1, 2, 4, 6, 8, 9])
def test_an_injector_that_copies_the_ttl_is_found_by_it(hop: int) -> None:
    # Triplet Censors (FOCI 2020): the third injector of the Great Firewall does that.
    found = look(line(9, box("dns-inject", hop, copies_ttl=True)))
    assert (found.kind, found.hop, found.copies_ttl) == ("injector", hop, True), found.evidence


@pytest.mark.parametrize("hop", [1, 5, 9])
def test_a_forger_in_the_path_is_no_proxy(hop: int) -> None:
    found = look(line(9, box("dns-lie", hop)))
    assert (found.kind, found.hop) == ("injector", hop)
    assert found.in_path is True


def test_an_honest_line() -> None:
    found = look(line(9))
    assert (found.kind, found.hop, found.forged, found.evidence) == ("none", None, (), ())
    assert found.resolver == "8.8.8.8" and found.resolver_name == "Google"
    assert found.identity is not None
    assert (found.identity.known, found.identity.nsid, found.identity.egress) == (
        "own",
        "gpdns-sin",
        "8.8.8.0/24",
    )
    assert not any(decoy.answers for decoy in found.decoys)
    assert {decoy.destination for decoy in found.decoys} == {"192.0.2.53", "198.51.100.53"}


@pytest.mark.parametrize(
    ("url", "name", "address"),
    [
        ("https://dns.google/", "Google", "8.8.8.8"),
        ("https://one.one.one.one/", "Cloudflare", "1.1.1.1"),
        ("https://cloudflare-dns.com/dns-query", "Cloudflare", "1.1.1.1"),
        ("https://9.9.9.10/", "Quad9 unfiltered", "9.9.9.10"),
        ("https://unfiltered.adguard-dns.com/", "AdGuard unfiltered", "94.140.14.140"),
    ],
)
def test_a_resolver_as_target_is_itself_asked_and_nothing_is_forbidden(
    url: str, name: str, address: str
) -> None:
    honest, led = look(line(9), url), look(line(9, box("dns-proxy", 4)), url)
    for found in (honest, led):
        assert (found.resolver_name, found.resolver, found.trigger) == (name, address, None)
    assert honest.kind == "none", honest.evidence
    assert (led.kind, led.hop) == ("proxy", 4)


def test_a_proxy_for_well_known_resolvers_only_leaves_decoys_alone() -> None:
    # net4people/bbs 392: in Malaysia less known resolvers still worked.
    scenario = line(9, box("dns-proxy", 4, addresses=("8.8.8.0/24",)))
    found = look(scenario)
    assert (found.kind, found.hop) == ("proxy", 4)
    assert not any(decoy.answers for decoy in found.decoys)
    assert look(scenario, "https://one.one.one.one/").kind == "none"


def test_dropped_questions_are_no_forgery() -> None:
    found = look(line(9, box("dns-drop", 4, method="")))
    assert (found.kind, found.hop, found.trigger_distance) == ("dropper", None, None)
    assert set(found.transports.values()) == {"answered"} and found.true
    # A name that nobody has an answer for may have slow servers of its own.
    doors = Box("endpoint-drop", 5, ports=(443, 853), addresses=("8.8.8.8",))
    found = look(line(9, box("dns-drop", 4, method=""), doors))
    assert (found.kind, found.true) == ("unclear", ())
    assert found.evidence == ("www.rfa.org is not answered, example.com is; nothing says if it exists",)


def test_a_resolver_that_does_not_answer_says_nothing() -> None:
    everything = Box("dns-drop", 2, frozenset({"com", "org"}), resolvers="all")
    found = look(line(9, everything))
    assert found.kind == "unclear"
    assert found.evidence == ("example.com is not answered",)


SIX = load("six")


def look6(*boxes: Box) -> Intercept:
    isp = replace(SIX.isp("works"), boxes=boxes)
    scenario = complete(replace(SIX, isps=(isp,), lists=()))
    keys = measure(probe("intercept"), TRIGGER, "works", scenario, ipv4=False, ipv6=True)
    found, problems = decode(Intercept, dict(keys.extra["x_gatewatch_intercept"]))
    assert problems == () and found.packets <= 40
    return found


@pytest.mark.parametrize(("kind", "said"), [("dns-proxy", "proxy"), ("dns-inject", "injector"), ("", "none")])
@pytest.mark.parametrize("hop", [2, 3, 5])
def test_over_ipv6(kind: str, said: str, hop: int) -> None:
    found = look6(*((box(kind, hop),) if kind else ()))
    assert found.resolver == "2001:4860:4860::8888"
    assert (found.kind, found.hop) == (said, hop if kind else None), found.evidence
    path = SIX.isp("works").path
    if kind:
        assert (found.before, found.after) == (path[hop - 2].address6 or None, path[hop - 1].address6 or None)
    assert {decoy.destination for decoy in found.decoys} == {"2001:db8::53", "2001:db8:1::53"}


def judged(scenario: Scenario, url: str = TRIGGER) -> Any:
    keys = measure(probe("intercept"), url, "blocked", scenario)
    measurement = Measurement(
        input=url,
        measurement_start_time="2026-01-01 00:00:00",
        software_version="0",
        test_keys=keys,
        test_name="intercept",
        test_start_time="2026-01-01 00:00:00",
    )
    again, problems = loads(dumps(measurement))
    assert problems == ()
    return judge(again)


def test_what_is_judged() -> None:
    assert judged(line(9)).label == "ok"
    proxied, forged = judged(line(9, box("dns-proxy", 4))), judged(line(9, box("dns-inject", 4)))
    assert (proxied.label, proxied.rule) == ("tampered(dns.proxied)", "dns.intercept.proxy")
    assert (forged.label, forged.rule) == ("blocked(dns.injected)", "dns.intercept.injector")
    for verdict in (proxied, forged):
        assert "hop 4, between 36.37.128.3 and 36.37.128.4" in verdict.evidence[0]
    assert judged(line(9, box("dns-drop", 4, method=""))).label == "blocked(dns.timeout)"
    nobody = Box("dns-drop", 2, frozenset({"com", "org"}), resolvers="all")
    assert judged(line(9, nobody)).label == "inconclusive(silent)"


def test_a_proxy_that_takes_tcp_as_well() -> None:
    # Over TLS and HTTPS the resolver itself still answers; over TCP the proxy denies the name.
    nobody = {"method": "nxdomain", "address": ""}
    udp, tcp = box("dns-proxy", 4, **nobody), box("dns-proxy-tcp", 4, **nobody)
    found = look(line(9, udp))
    assert found.transports == {"tcp": "different", "dot": "different", "doh": "different"}
    found = look(line(9, udp, tcp))
    assert (found.kind, found.hop) == ("proxy", 4)
    assert found.transports == {"tcp": "same", "dot": "different", "doh": "different"}
    assert found.true and not found.forged
    # Who is asked over TCP for another name gets the ISP's resolver's true answer.
    honest = look(line(9, box("dns-proxy-tcp", 4, domains=frozenset())), "https://dns.google/")
    assert (honest.kind, honest.transports["tcp"]) == ("none", "same")


PATHS = load("paths")


@pytest.mark.parametrize("isp", [isp.id for isp in PATHS.isps])
@pytest.mark.parametrize(("kind", "said"), [("dns-proxy", "proxy"), ("dns-inject", "injector"), ("", "none")])
def test_over_ways_that_branch_hide_limit_and_return_elsewhere(isp: str, kind: str, said: str) -> None:
    last = len(PATHS.route_for(PATHS.isp(isp), "8.8.8.8").hops)
    for hop in (2, last - 1, last) if kind else (0,):
        boxes = (box(kind, hop),) if kind else ()
        scenario = complete(replace(PATHS, isps=(replace(PATHS.isp(isp), boxes=boxes),), lists=()))
        found = measure(probe("intercept"), TRIGGER, isp, scenario).extra["x_gatewatch_intercept"]
        assert (found["kind"], found["hop"]) == (said, hop or None), found["evidence"]
