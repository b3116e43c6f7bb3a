"""Whether a scenario makes sense as a whole: hops inside the path, real addresses, known kinds."""

from __future__ import annotations

from dataclasses import replace

from gatewatch.lab.country import calendar, stages
from gatewatch.lab.country.check_box import options, throttle
from gatewatch.lab.country.check_path import address as _address
from gatewatch.lab.country.check_path import any_address as _any_address
from gatewatch.lab.country.check_path import back, hops, line, prefix
from gatewatch.lab.country.check_path import require as _require
from gatewatch.lab.country.check_path import share as _share
from gatewatch.lab.country.decode import ScenarioError
from gatewatch.lab.country.host import CERTIFICATES, DOMESTIC, DOWN, VARIES, Host
from gatewatch.lab.country.parts import ENDPOINTS
from gatewatch.lab.country.scenario import KINDS, Box, Isp, PageHost, Route, Scenario
from gatewatch.lab.country.traps import METHODS, TRAPS
from gatewatch.lab.servers.known import INFRASTRUCTURE

HELPER_STATES = ("up", "slow", "silent", "refused", "error_500")
# The layers and methods of the verdict vocabulary that a box can cause.
_METHODS = {
    "dns": {"nxdomain", "bogon", "redirect", "injected", "timeout", "proxied"},
    "tcp": {"refused", "reset", "timeout"},
    "tls": {"reset", "eof", "timeout", "mitm"},
    "http": {"blockpage", "reset", "eof", "timeout", "diff"},
    "quic": {"timeout"},
}
# What a DNS box may say instead of an address.
_ERRORS = ("nxdomain", "empty", "servfail", "refused")
# Boxes that need no domains: they act on every name in some way.
_UNSELECTIVE = (
    "portal",
    "http-proxy",
    "sni-proxy",
    "dns-proxy",
    "dns-proxy-tcp",
    "dns-rewrite",
    "quic-drop",
    "icmp-flood",
)
# DNS boxes that act on questions to every resolver unless told otherwise.
_FOR_ALL = ("dns-inject", "dns-proxy", "dns-proxy-tcp")


def _one_of(value: str, allowed: tuple[str, ...], where: str) -> None:
    _require(value in allowed, where, f"{value!r} is none of {', '.join(allowed)}")


def _box(box: Box, where: str, isp: Isp, longest: int, lists: tuple[str, ...]) -> None:
    _one_of(box.kind, tuple(KINDS), f"{where}.kind")
    _require(1 <= box.hop <= longest, f"{where}.hop", f"{box.hop} is past the path's {longest} hops")
    _share(box.share, f"{where}.share")
    selective = bool(box.domains or box.lists) or box.share > 0
    if box.kind in ENDPOINTS:
        _require(bool(box.addresses or box.ports), where, "needs addresses or ports")
    else:
        _require(selective or box.kind in _UNSELECTIVE, where, "needs domains, lists or a share")
    options(box, where)
    if box.kind in METHODS:
        _one_of(box.method, METHODS[box.kind], f"{where}.method")
    if box.kind == "quic-drop":
        _one_of(box.method, ("", "version"), f"{where}.method")
    for i, name in enumerate(box.lists):
        _one_of(name, lists, f"{where}.lists[{i}]")
    for domain in box.domains:
        _require(domain == domain.lower(), f"{where}.domains", f"{domain!r}: write it in lower case")
    if box.layer == "dns" and box.kind not in ("dns-drop", "dns-hostile") and selective:
        _one_of(box.method, (*_ERRORS, "bogon", "redirect"), f"{where}.method")
    if box.kind == "dns-rewrite" or box.method in ("bogon", "redirect"):
        _address(box.address, f"{where}.address")
    for i, lie in enumerate(box.lies):
        _any_address(lie, f"{where}.lies[{i}]")
    _require(1 <= box.answers <= 8, f"{where}.answers", f"{box.answers} is not a number from 1 to 8")
    if box.layer == "dns" and box.resolvers:
        _one_of(box.resolvers, ("isp", "all"), f"{where}.resolvers")
    if box.layer == "dns":
        # Queries to the ISP's own resolver never come further than its local hops.
        reach = box.hop <= isp.local_hops or box.resolvers == "all" or box.kind in _FOR_ALL
        _require(reach, f"{where}.hop", f"{box.hop} is behind the resolver at hop {isp.local_hops}")
    if box.kind == "throttle":
        throttle(box, where)
    if box.verdict in ("down", "ok", "throttled") or box.verdict.startswith("inconclusive("):
        return
    layer, _, method = box.verdict.partition(".")
    _require(method in _METHODS.get(layer, ()), f"{where}.truth", f"{box.verdict!r} is not a layer.method")


def _beside(isp: Isp, routes: list[Route], hop: int) -> int:
    """How many routers stand beside each other at a hop, on the way where there are most."""
    paths = [route.joined(isp.path).hops for route in routes]
    return max((1 + len(path[hop - 1].parallel) for path in paths if 1 <= hop <= len(path)), default=1)


def _isp(scenario: Scenario, isp: Isp, where: str) -> None:
    _require(bool(isp.path), f"{where}.path", "needs at least one hop")
    inside = 1 <= isp.local_hops <= len(isp.path)
    _require(inside, f"{where}.local_hops", f"{isp.local_hops} is past the ISP's {len(isp.path)} hops")
    line(scenario, isp, where)
    hops(isp.path, f"{where}.path")
    usable = [route for route in scenario.routes if not route.isps or isp.id in route.isps]
    general = any("default" in route.prefixes for route in usable)
    _require(general, where, 'has no route with prefixes = ["default"]')
    for route in usable:
        inside = 0 <= route.hops <= len(isp.path)
        _require(
            inside, f"route {route.name}.hops", f"{route.hops} is past the {len(isp.path)} hops of {isp.id}"
        )
    longest = max(len(route.joined(isp.path).hops) for route in usable)
    lists = tuple(item.name for item in scenario.lists)
    for i, box in enumerate(isp.boxes):
        beside = _beside(isp, usable, box.hop)
        _require(
            0 <= box.branch <= beside, f"{where}.box[{i}].branch", f"{box.branch} is none of {beside} routers"
        )
        _box(box, f"{where}.box[{i}]", isp, longest, lists)


def _plan(scenario: Scenario) -> None:
    for i, network in enumerate(scenario.networks):
        for j, block in enumerate(network.prefixes):
            prefix(block, f"network[{i}].prefixes[{j}]")
    hosting = {network.country == scenario.country for network in scenario.networks if network.hosting}
    _require(hosting == {True, False}, "network", "needs hosting networks inside and outside the country")
    sites = scenario.sites
    if sites.ipv6 or sites.ipv6_only or sites.ipv6_share:
        six = any(
            ":" in block for network in scenario.networks if network.hosting for block in network.prefixes
        )
        _require(six, "sites.ipv6", "needs a hosting network with an IPv6 prefix")
    for i, route in enumerate(scenario.routes):
        hops(route.path, f"route[{i}].path")
        back(route.back, f"route[{i}].back")
        last = route.path[-1].ms if route.path else 0.0
        _require(route.server_ms >= last, f"route[{i}].server_ms", "is less than the last hop's delay")
    for i, host in enumerate(scenario.pagehosts):
        _pagehost(host, f"pagehost[{i}]")


def _pagehost(host: PageHost, where: str) -> None:
    _address(host.address, f"{where}.address")
    for key in ("http", "https"):
        _one_of(getattr(host, key), ("serve", "refused", "silent", "timeout"), f"{where}.{key}")
    # An address either vanishes or does not: the engine asks before it looks at ports.
    both = (host.http == "timeout") == (host.https == "timeout")
    _require(both, where, '"timeout" needs both http and https; one port alone can be "silent"')


def _host(host: Host, where: str) -> None:
    _require(bool(host.names), f"{where}.names", "needs at least one")
    for name in host.names:
        _require(name == name.lower(), f"{where}.names", f"{name!r}: write it in lower case")
    for key in ("addresses", "abroad", "also_at", "silent"):
        for i, address in enumerate(getattr(host, key)):
            _any_address(address, f"{where}.{key}[{i}]")
    _require(bool(host.addresses) or not host.abroad, f"{where}.abroad", "needs addresses beside it")
    for address in host.silent:
        _require(address in host.everywhere, f"{where}.silent", f"{address} is none of its addresses")
    _one_of(host.certificate, CERTIFICATES, f"{where}.certificate")
    _one_of(host.domestic, DOMESTIC, f"{where}.domestic")
    _one_of(host.varies, VARIES, f"{where}.varies")
    _one_of(host.down, DOWN, f"{where}.down")
    _one_of(host.trap, ("", *TRAPS), f"{where}.trap")
    _share(host.flaky, f"{where}.flaky")
    for i, header in enumerate(host.headers):
        _require(":" in header, f"{where}.headers[{i}]", f"{header!r} is not `Name: value`")


def _placed(scenario: Scenario) -> Scenario:
    """Put every [[box]] of the scenario onto the paths of its ISPs."""
    ids = [isp.id for isp in scenario.isps]
    for i, box in enumerate(scenario.boxes):
        for j, name in enumerate(box.isps):
            _one_of(name, tuple(ids), f"box[{i}].isps[{j}]")
    isps = tuple(
        replace(isp, boxes=isp.boxes + tuple(b for b in scenario.boxes if not b.isps or isp.id in b.isps))
        for isp in scenario.isps
    )
    return replace(scenario, isps=isps, boxes=())


def complete(scenario: Scenario) -> Scenario:
    """Check a decoded scenario and fill in what follows from it; raises ScenarioError with the place."""
    _plan(scenario)
    _share(scenario.loss, "loss")
    _require(scenario.jitter_ms >= 0, "jitter_ms", "is less than nothing")
    for i, host in enumerate(scenario.hosts):
        _host(host, f"host[{i}]")
    _one_of(scenario.helpers, HELPER_STATES, "helpers")
    _one_of(scenario.client.getaddrinfo, ("glibc", "android"), "client.getaddrinfo")
    scenario = _placed(scenario)
    for key in ("dead", "refused", "vanished", "https_redirect", "path_redirect", "twin", "ipv6", "quic"):
        _share(getattr(scenario.sites, f"{key}_share"), f"sites.{key}_share")
    ids = [isp.id for isp in scenario.isps]
    _require(bool(ids), "isp", "needs at least one")
    stages.check(scenario)
    if scenario.rehearsal is not None:
        calendar.check(scenario.rehearsal, scenario)
    for i, isp in enumerate(scenario.isps):
        _require(ids.index(isp.id) == i, f"isp[{i}].id", f"{isp.id!r} is taken")
        _isp(scenario, isp, f"isp[{i}]")
    spare = scenario.sites.spare | INFRASTRUCTURE
    lists = {item.name: item.domains for item in scenario.lists}
    isps = tuple(
        replace(
            isp,
            boxes=tuple(_filled(box, spare, lists) for box in isp.boxes),
            down_kbps=scenario.client.down_kbps or isp.down_kbps,
            ipv6=scenario.client.ipv6 or isp.ipv6 or ("works" if isp.client6 else "none"),
            loss=scenario.loss if isp.loss is None else isp.loss,
            jitter_ms=scenario.jitter_ms if isp.jitter_ms is None else isp.jitter_ms,
        )
        for isp in scenario.isps
    )
    made = replace(scenario, isps=isps, sites=replace(scenario.sites, spare=spare))
    for day in stages.days(made):
        try:
            made.on(day)
        except ScenarioError as error:
            # A hop that a path of then has not, a box that makes no sense behind it.
            raise ScenarioError(f"on day {day}: {error}") from error
    return made


def _filled(box: Box, spare: frozenset[str], lists: dict[str, frozenset[str]]) -> Box:
    # An injector or proxy in the path does not tell resolvers apart; a lying resolver is just one resolver.
    resolvers = box.resolvers or ("all" if box.kind in _FOR_ALL else "isp")
    domains = box.domains.union(*(lists[name] for name in box.lists))
    return replace(box, domains=domains, spare=box.spare | spare, resolvers=resolvers)
