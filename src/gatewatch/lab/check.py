"""Whether a scenario makes sense as a whole: hops inside the path, real addresses, known kinds."""

from __future__ import annotations

import ipaddress
from dataclasses import replace

from gatewatch.lab.decode import ScenarioError
from gatewatch.lab.scenario import KINDS, Box, Hop, Isp, PageHost, Scenario
from gatewatch.lab.servers.known import INFRASTRUCTURE

# The layers and methods of the verdict vocabulary that a box can cause.
_METHODS = {
    "dns": {"nxdomain", "bogon", "redirect", "injected", "timeout", "proxied"},
    "tcp": {"refused", "reset", "timeout"},
    "tls": {"reset", "eof", "timeout", "mitm"},
    "http": {"blockpage", "reset", "eof", "timeout", "diff"},
}

# What a DNS box may say instead of an address.
_ERRORS = ("nxdomain", "empty", "servfail", "refused")
# Boxes that need no domains: they act on every name in some way.
_UNSELECTIVE = ("dns-proxy", "dns-rewrite")
# DNS boxes that act on questions to every resolver unless told otherwise.
_FOR_ALL = ("dns-inject", "dns-proxy")


def _require(good: bool, where: str, why: str) -> None:
    if not good:
        raise ScenarioError(f"{where}: {why}")


def _address(text: str, where: str) -> None:
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        raise ScenarioError(f"{where}: {text!r} is not an IPv4 address") from None


def _any_address(text: str, where: str) -> None:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        raise ScenarioError(f"{where}: {text!r} is not an address") from None


def _one_of(value: str, allowed: tuple[str, ...], where: str) -> None:
    _require(value in allowed, where, f"{value!r} is none of {', '.join(allowed)}")


def _share(value: float, where: str) -> None:
    _require(0.0 <= value <= 1.0, where, f"{value} is not a share between 0 and 1")


def _box(box: Box, where: str, isp: Isp, longest: int, lists: tuple[str, ...]) -> None:
    _one_of(box.kind, tuple(KINDS), f"{where}.kind")
    _require(1 <= box.hop <= longest, f"{where}.hop", f"{box.hop} is past the path's {longest} hops")
    _share(box.share, f"{where}.share")
    selective = bool(box.domains or box.lists) or box.share > 0
    _require(selective or box.kind in _UNSELECTIVE, where, "needs domains, lists or a share")
    for i, name in enumerate(box.lists):
        _one_of(name, lists, f"{where}.lists[{i}]")
    for domain in box.domains:
        _require(domain == domain.lower(), f"{where}.domains", f"{domain!r}: write it in lower case")
    if box.layer == "dns" and box.kind != "dns-drop" and selective:
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
    if box.verdict == "down" or box.verdict.startswith("inconclusive("):
        return
    layer, _, method = box.verdict.partition(".")
    _require(method in _METHODS.get(layer, ()), f"{where}.truth", f"{box.verdict!r} is not a layer.method")


def _hops(path: tuple[Hop, ...], where: str) -> None:
    last = 0.0
    for i, hop in enumerate(path):
        _address(hop.address, f"{where}[{i}].address")
        _require(hop.ms >= last, f"{where}[{i}].ms", f"{hop.ms} is less than the hop before")
        last = hop.ms


def _isp(scenario: Scenario, isp: Isp, where: str) -> None:
    _address(isp.client, f"{where}.client")
    _address(isp.resolver, f"{where}.resolver")
    _require(bool(isp.path), f"{where}.path", "needs at least one hop")
    inside = 1 <= isp.local_hops <= len(isp.path)
    _require(inside, f"{where}.local_hops", f"{isp.local_hops} is past the ISP's {len(isp.path)} hops")
    for key in ("client", "resolver"):
        network = scenario.network_of(getattr(isp, key))
        own = network is not None and network.asn == isp.asn
        _require(own, f"{where}.{key}", f"{getattr(isp, key)} is outside the networks of AS{isp.asn}")
    _hops(isp.path, f"{where}.path")
    usable = [route for route in scenario.routes if not route.isps or isp.id in route.isps]
    general = any("default" in route.prefixes for route in usable)
    _require(general, where, 'has no route with prefixes = ["default"]')
    longest = len(isp.path) + max(len(route.path) for route in usable)
    lists = tuple(item.name for item in scenario.lists)
    for i, box in enumerate(isp.boxes):
        _box(box, f"{where}.box[{i}]", isp, longest, lists)


def _plan(scenario: Scenario) -> None:
    for i, network in enumerate(scenario.networks):
        for j, prefix in enumerate(network.prefixes):
            try:
                ipaddress.IPv4Network(prefix)
            except ValueError as error:
                raise ScenarioError(f"network[{i}].prefixes[{j}]: {error}") from None
    hosting = {network.country == scenario.country for network in scenario.networks if network.hosting}
    _require(hosting == {True, False}, "network", "needs hosting networks inside and outside the country")
    for i, route in enumerate(scenario.routes):
        _hops(route.path, f"route[{i}].path")
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


def complete(scenario: Scenario) -> Scenario:
    """Check a decoded scenario and fill in what follows from it; raises ScenarioError with the place."""
    _plan(scenario)
    for key in ("dead", "refused", "vanished", "https_redirect", "path_redirect", "twin"):
        _share(getattr(scenario.sites, f"{key}_share"), f"sites.{key}_share")
    ids = [isp.id for isp in scenario.isps]
    _require(bool(ids), "isp", "needs at least one")
    for i, isp in enumerate(scenario.isps):
        _require(ids.index(isp.id) == i, f"isp[{i}].id", f"{isp.id!r} is taken")
        _isp(scenario, isp, f"isp[{i}]")
    spare = scenario.sites.spare | INFRASTRUCTURE
    lists = {item.name: item.domains for item in scenario.lists}
    isps = tuple(
        replace(isp, boxes=tuple(_filled(box, spare, lists) for box in isp.boxes)) for isp in scenario.isps
    )
    return replace(scenario, isps=isps, sites=replace(scenario.sites, spare=spare))


def _filled(box: Box, spare: frozenset[str], lists: dict[str, frozenset[str]]) -> Box:
    # An injector or proxy in the path does not tell resolvers apart; a lying resolver is just one resolver.
    resolvers = box.resolvers or ("all" if box.kind in _FOR_ALL else "isp")
    domains = box.domains.union(*(lists[name] for name in box.lists))
    return replace(box, domains=domains, spare=box.spare | spare, resolvers=resolvers)
