"""Scenarios varied by code: both schemes, both IP families, and one more thing amiss that must not matter.

Each variant's truth is derived, never written by hand:

- the scheme: :func:`gatewatch.lab.country.truth.truth` reads from the scenario's text what its boxes do to
it;
- the family: servers, and the addresses that boxes watch, get IPv6 twins, so the truth stays.  Where the site
  has IPv6 only and the line none, only a lie about its name is left to be told;
- a confounder: the truth stays, since none of them is interference.  The one that hides everything, a
  captive portal, makes it inconclusive(captive_portal).
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple
from urllib.parse import urlsplit

from gatewatch.lab.country.host import Host
from gatewatch.lab.country.scenario import Box, Isp, Scenario
from gatewatch.lab.country.truth import truth
from gatewatch.lab.scoring.examine import Case, accepted
from gatewatch.lab.scoring.trial import Trial
from gatewatch.net.address import is_bogon

SCHEMES = ("http", "https")


class Family(NamedTuple):
    """Which families the site has, and what the line's IPv6 is."""

    four: bool
    six: bool
    line: str


FAMILIES: Mapping[str, Family] = {
    "ipv4": Family(True, False, "none"),
    "dual": Family(True, True, "works"),
    "ipv6": Family(False, True, "works"),
    "broken-ipv6": Family(True, True, "broken"),
    "no-ipv6": Family(False, True, "none"),
}
# A twin's first 32 bits, by the place of its network in the plan; nobody else in the lab lives there.
_TWIN = 0x2A0E_1000
# A second address, at Cloudflare, and an answer for the rest of the world, at Fastly; no scenario uses them.
_SECOND, _ELSEWHERE = "104.18.0.77", "151.101.0.77"


def _twin(scenario: Scenario, address: str) -> str:
    """Give the IPv6 address that stands for an IPv4 one, in the same network."""
    if ":" in address:
        return address
    if is_bogon(address):
        return "::1"
    network = scenario.network_of(address)
    place = scenario.networks.index(network) if network is not None else 0xFFF
    high = _TWIN + place
    return socket.inet_ntop(socket.AF_INET6, high.to_bytes(4, "big") + bytes(8) + socket.inet_aton(address))


def _both(scenario: Scenario, addresses: tuple[str, ...], family: Family) -> tuple[str, ...]:
    four = [a for a in addresses if ":" not in a] if family.four else []
    # Where a site has addresses of its own already, those are its IPv6.
    own = [a for a in addresses if ":" in a] or [_twin(scenario, a) for a in addresses]
    return (*four, *(own if family.six else ()))


def _watched(scenario: Scenario, box: Box) -> Box:
    """Let a box that filters addresses filter their twins; of whole blocks only "everything" has one."""
    twins = tuple(_twin(scenario, a) for a in box.addresses if "/" not in a)
    everything = ("::/0",) if "0.0.0.0/0" in box.addresses else ()
    return replace(box, addresses=(*box.addresses, *twins, *everything)) if box.addresses else box


def in_family(scenario: Scenario, name: str) -> Scenario:
    """Give a scenario where every pinned site has these families, and the line this IPv6."""
    family = FAMILIES[name]
    if not family.six:
        return replace(scenario, isps=tuple(replace(isp, ipv6=family.line) for isp in scenario.isps))
    networks = tuple(
        replace(network, prefixes=(*network.prefixes, f"{(_TWIN + i) >> 16:x}:{(_TWIN + i) & 0xFFFF:x}::/32"))
        for i, network in enumerate(scenario.networks)
    )
    hosts = tuple(
        replace(
            host,
            addresses=_both(scenario, host.addresses, family),
            abroad=_both(scenario, host.abroad, family),
            silent=tuple(dict.fromkeys((*host.silent, *(_twin(scenario, a) for a in host.silent)))),
        )
        for host in scenario.hosts
    )
    isps = tuple(
        replace(
            isp,
            client6=isp.client6 or f"2001:760:91::{i + 1:x}",
            ipv6=family.line,
            boxes=tuple(_watched(scenario, box) for box in isp.boxes),
        )
        for i, isp in enumerate(scenario.isps)
    )
    return replace(scenario, networks=networks, hosts=tuple(map(_kept, hosts)), isps=isps)


def _kept(host: Host) -> Host:
    """Keep only those silent addresses that the host still has."""
    return replace(host, silent=tuple(a for a in host.silent if a in host.everywhere))


def with_scheme(url: str, scheme: str) -> str:
    """Give a URL in the other scheme; a port that is written stays."""
    return f"{scheme}://{url.partition('://')[2]}"


# -- confounders: each changes the scenario a little, for everybody on it


def _line(**changes: object) -> Callable[[Scenario, str], Scenario]:
    def change(scenario: Scenario, url: str) -> Scenario:
        return replace(scenario, isps=tuple(replace(isp, **changes) for isp in scenario.isps))  # type: ignore[arg-type]

    return change


def _box(**description: object) -> Callable[[Scenario, str], Scenario]:
    def change(scenario: Scenario, url: str) -> Scenario:
        spare = scenario.sites.spare
        added = Box(**{"spare": spare, **description})  # type: ignore[arg-type]
        isps = tuple(replace(isp, boxes=(*isp.boxes, added)) for isp in scenario.isps)
        return replace(scenario, isps=isps)

    return change


def _here(scenario: Scenario, url: str) -> Host | None:
    host = scenario.host((urlsplit(url).hostname or "").encode("idna").decode())
    return host if host is not None and host.addresses and not is_bogon(host.addresses[0]) else None


def _swapped(scenario: Scenario, old: Host, new: Host) -> Scenario:
    return replace(scenario, hosts=tuple(new if host is old else host for host in scenario.hosts))


def _geo(scenario: Scenario, url: str) -> Scenario:
    """Resolvers abroad give an address in another network."""
    host = _here(scenario, url)
    if host is None or host.abroad or any(box.addresses for isp in scenario.isps for box in isp.boxes):
        return scenario
    return _swapped(scenario, host, replace(host, abroad=(_ELSEWHERE,)))


def _second(scenario: Scenario, url: str) -> Scenario:
    """The site has a second address, at which nobody answers anybody."""
    host = _here(scenario, url)
    if host is None or any(box.addresses for isp in scenario.isps for box in isp.boxes):
        return scenario
    addresses = (*host.addresses, _SECOND)
    return _swapped(scenario, host, replace(host, addresses=addresses, silent=(*host.silent, _SECOND)))


CONFOUNDERS: Mapping[str, Callable[[Scenario, str], Scenario]] = {
    "": lambda scenario, url: scenario,
    "loss": _line(loss=0.01),
    "jitter": _line(jitter_ms=20.0),
    "slow-line": _line(down_kbps=1000.0, up_kbps=256.0),
    "rewriting-resolver": _box(kind="dns-rewrite", hop=3, address="62.149.128.40", resolvers="isp"),
    "geo-answers": _geo,
    "slow-helper": lambda scenario, url: (
        scenario if scenario.helpers != "up" else replace(scenario, helpers="slow")
    ),
    "silent-second-address": _second,
    "portal": _box(kind="portal", hop=1, location="http://login.example.net/"),
}


def derived(scenario: Scenario, isp: Isp, url: str) -> str:
    """Derive the label of the web probe for a varied scenario."""
    # The session's own look at the line finds a portal before anything is measured, over either scheme.
    if any(box.layer == "line" for box in isp.boxes):
        return "inconclusive(captive_portal)"
    return truth(scenario, isp.id, url).label


def variants(scenario: Scenario, url: str) -> Iterator[tuple[str, str, str, Scenario]]:
    """Give scheme, family, confounder and the scenario so varied, each combination once.

    A confounder that would change nothing, such as a slow helper where none answers, is left out.
    """
    for confounder, change in CONFOUNDERS.items():
        changed = change(scenario, url)
        if confounder and changed is scenario:
            continue
        for family in FAMILIES:
            varied = in_family(changed, family)
            for scheme in SCHEMES:
                yield scheme, family, confounder, varied


def combinations(chosen: Sequence[str], *, seeds: Iterable[int] = (0,)) -> list[Case]:
    """Every variant of the scenarios chosen, on each ISP with each seed, measured by web.

    The other probes of a scenario measure it as it is, with each confounder.
    """
    cases = []
    for name in chosen:
        scenario, table = accepted(name)
        own = urlsplit(table.input).scheme
        for scheme, family, confounder, varied in variants(scenario, table.input):
            url = with_scheme(table.input, scheme)
            words = " ".join(word for word in (scheme, family, confounder) if word)
            for isp in varied.isps:
                truths = {"web": derived(varied, isp, url)}
                if scheme == own and family == "ipv4" and confounder != "portal":
                    truths = {**table.gatewatch, **truths}
                    if confounder == "slow-line":  # a throttle to the line's own rate is none
                        truths.pop("throttle", None)
                trial = Trial(varied, isp.id, url, tuple(truths))
                case = Case(name, trial, truths, f"derived: {words}", variant=words)
                cases += [case._replace(trial=trial._replace(seed=seed)) for seed in seeds]
    return cases
