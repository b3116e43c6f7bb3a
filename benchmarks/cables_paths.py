"""What a volunteer's traceroutes show of a world: hops with everything that makes them lie.

Ways back that are others, queues, tunnels with and without labels, silent routers, border routers that wear a
neighbour's address, prefixes listed under a registry's country, names that are out of date, exchanges with
members far away.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pandas as pd

from benchmarks.cables_truth import CARRIERS, Route, World, ms, route
from gatewatch_analysis.cables.knowledge import companies_of
from gatewatch_analysis.prefixes import Prefix, PrefixTable
from gatewatch_analysis.tables import Hops
from gatewatch_targets.carriers import carrier
from gatewatch_targets.geography import City, borders_between, cities, hints
from gatewatch_targets.reference import networks

# How the routers of each domain are called; {} is the code.
_NAMES = {
    "pccwbtn.net": "hu-0-0-0-1.clbr02.{}04.pccwbtn.net",
    "as6453.net": "if-ae-6-2.tcore2.x1-{}.as6453.net",
    "bb.gin.ntt.net": "ae-7.r21.{}07.xx.bb.gin.ntt.net",
    "he.net": "100ge10-1.core1.{}1.he.net",
    "atlas.cogentco.com": "be3733.ccr31.{}01.atlas.cogentco.com",
    "ip.twelve99.net": "{}-b4-link.ip.twelve99.net",
}
#: How often what goes wrong; printed with the results.
NOISE = {
    "a border router at home wears the carrier's address": 0.15,
    "the first router abroad wears the provider's address": 0.08,
    "the first router abroad wears a third network's address": 0.03,
    "the first hop abroad is an exchange's": 0.10,
    "an exchange's member stands elsewhere": 0.28,
    "a router is silent": 0.08,
    "a tunnel over the border": 0.25,
    "a tunnel shows its labels": 0.5,
    "a router has a name, where its carrier gives names": 0.5,
    "a name is wrong": 0.06,
    "another way back": 0.25,
    "a router of a local network follows at once": 0.25,
    "a listing is wrong": 0.02,
}


@dataclass(frozen=True, slots=True)
class Crossed:
    """The truth of one border link: who crosses it where; ``addresses`` of its routers abroad."""

    isp: int
    carrier: int
    city: City
    route: Route
    chinese_carrier: bool
    addresses: frozenset[str]
    destinations: tuple[str, ...]


@dataclass(slots=True)
class _Addresses:
    """Gives every network addresses of its own, and remembers whose they are."""

    rng: random.Random
    prefixes: list[Prefix] = field(default_factory=list)
    known: dict[tuple[int, str, str], tuple[int, int]] = field(default_factory=dict)

    def of(self, asn: int, country: str, ixp: str = "") -> str:
        """Give the next address of a network under a listing."""
        key = (asn, country, ixp)
        block, used = self.known.get(key, (len(self.known), 0))
        self.known[key] = (block, used + 1)
        # A /16 each, from 60.0.0.0 on.
        network = ip_network(f"{60 + block // 256}.{block % 256}.0.0/16")
        if not used:
            right = bool(ixp) or self.rng.random() >= NOISE["a listing is wrong"]
            self.prefixes.append(Prefix(network, asn, country if right else "US", f"AS{asn}", ixp))
        return str(network[1 + used * 3])


def measured(world: World) -> tuple[pd.DataFrame, PrefixTable, list[Crossed]]:
    """Trace from every provider of a world to some destinations, some days of a month."""
    rng = world.rng
    addresses = _Addresses(rng)
    rows: list[tuple[Any, ...]] = []
    truths = []
    known = [n.asn for n in networks() if n.country == world.country and carrier(n.asn) is None]
    queue = rng.choice((0.5, 3.0, 15.0))
    number = 0
    for i in range(rng.randint(3, 9)):
        isp = known[i] if world.ours and i < len(known) else 64500 + i
        for _ in range(rng.randint(1, 3)):
            made = _crossed(world, addresses, isp)
            if made is None:
                continue
            truth, lines = made
            truths.append(truth)
            for destination in truth.destinations:
                for repeat in range(rng.randint(1, 4)):
                    about: dict[str, Any] = {
                        "country": world.country,
                        "isp": f"AS{isp}",
                        "asn": isp,
                        "lab": False,
                        "run": "r",
                        "trace": number,
                        "start": pd.Timestamp(world.day, tz="UTC") + timedelta(hours=repeat),
                        "destination": destination,
                        "flow": "udp 1 2",
                        "reached": True,
                    }
                    rows += [_row(about | hop) for hop in _once(world, lines, destination, queue)]
                    number += 1
    return Hops.frame(rows), PrefixTable(addresses.prefixes), truths


@dataclass(slots=True)
class _Line:
    """A router on the path: its address, true time there and back, and how it shows itself."""

    address: str | None
    rtt: float
    name: str | None = None
    labels: str | None = None


def _crossed(world: World, addresses: _Addresses, isp: int) -> tuple[Crossed, list[_Line]] | None:
    rng = world.rng
    for _ in range(8):
        asn, listed, domain, pops = rng.choice(CARRIERS)
        city = cities()[rng.choice(pops.split())]
        if city.country == world.country or listed == world.country:
            continue
        helped = companies_of(isp, world.day) | companies_of(asn, world.day)
        way = route(world, city, helped)
        if way is not None and ms(way.km) < 120:
            break
    else:
        return None
    lines, abroad = _lines(world, addresses, isp, (asn, listed, domain), city, way)
    known = carrier(asn)
    truth = Crossed(
        isp, asn, city, way, known is not None and known.is_chinese, frozenset(abroad),
        tuple(addresses.of(13335, "US") for _ in range(rng.randint(1, 4))),
    )  # fmt: skip
    return truth, lines


def _lines(
    world: World, addresses: _Addresses, isp: int, sold: tuple[int, str, str], city: City, way: Route
) -> tuple[list[_Line], list[str]]:
    rng, (asn, listed, domain) = world.rng, sold
    access = rng.uniform(1.0, 12.0)
    inland = ms(rng.uniform(0, 300)) * 2
    back = way.km
    if rng.random() < NOISE["another way back"]:
        other = route(world, city, frozenset())
        back = other.km if other else way.km
    far = access + ms(way.km + back) + rng.uniform(0.2, 2.0)
    lines = [_Line("192.168.1.1", 0.5), _Line(addresses.of(isp, world.country), access)]
    lines += [
        _Line(addresses.of(isp, world.country), access + inland * rng.random())
        for _ in range(rng.randint(1, 3))
    ]
    if rng.random() < NOISE["a border router at home wears the carrier's address"]:
        lines.append(_Line(addresses.of(asn, listed), access + inland))
    abroad: list[_Line] = []
    what = rng.random()
    for name, chance in list(NOISE.items())[1:4]:
        what -= chance
        if what < 0:
            abroad.append(_Line(_worn(world, addresses, isp, name, city), far))
            break
    for _ in range(rng.randint(2, 4)):
        # Some carriers list their routers where they stand, most where they are registered.
        country = city.country if rng.random() < 0.25 else listed
        abroad.append(_Line(addresses.of(asn, country), far + rng.uniform(0, 0.8), _name(rng, domain, city)))
    if rng.random() < NOISE["a router of a local network follows at once"]:
        abroad.append(_Line(addresses.of(64800 + rng.randrange(20), city.country), far + rng.uniform(0, 0.8)))
    if rng.random() < NOISE["a tunnel over the border"]:
        _tunnel(rng, lines, abroad)
    named = [line.address for line in abroad if line.address]
    lines += abroad
    for line in lines[1:]:
        if rng.random() < NOISE["a router is silent"]:
            line.address = None
    lines += [_Line(addresses.of(asn, listed), far + rng.uniform(5, 150)) for _ in range(rng.randint(0, 2))]
    return lines, named


def _worn(world: World, addresses: _Addresses, isp: int, name: str, city: City) -> str:
    rng = world.rng
    if "provider's" in name:
        return addresses.of(isp, world.country)
    if "third" in name:
        other = rng.choice(CARRIERS)
        return addresses.of(other[0], other[1])
    place = city
    if rng.random() < NOISE["an exchange's member stands elsewhere"]:
        place = rng.choice([c for c in cities().values() if c.country != world.country])
    return addresses.of(0, place.country, f"Exchange {place.name}")


def _name(rng: random.Random, domain: str, city: City) -> str | None:
    if not domain or rng.random() >= NOISE["a router has a name, where its carrier gives names"]:
        return None
    codes = {place.code: code for code, place in hints()[domain].codes.items()}
    if rng.random() < NOISE["a name is wrong"]:
        return _NAMES[domain].format(rng.choice(sorted(codes.values())))
    return _NAMES[domain].format(codes[city.code]) if city.code in codes else None


def _tunnel(rng: random.Random, lines: list[_Line], abroad: list[_Line]) -> None:
    """Let the last router at home and the first ones abroad be inside one tunnel: all as far as its end."""
    inside = [lines[-1], *abroad[:-1]] if rng.random() < 0.5 else abroad[:-1]
    shown = rng.random() < NOISE["a tunnel shows its labels"]
    for line in inside:
        line.rtt = abroad[-1].rtt + rng.uniform(0, 0.4)
        if shown:
            line.labels = str(rng.randrange(16, 1 << 20))


def _row(values: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(values.get(column) for column in Hops.columns())


def _once(world: World, lines: list[_Line], destination: str, queue: float) -> Iterator[dict[str, Any]]:
    rng = world.rng
    shown = [*lines, _Line(destination, lines[-1].rtt + 0.5)]
    for ttl, line in enumerate(shown, 1):
        silent = rng.random() < NOISE["a router is silent"] / 3
        for _ in range(3):
            if silent or line.address is None:
                yield {"ttl": ttl}
                continue
            rtt = line.rtt + rng.expovariate(1 / queue)
            heard = {"address": line.address, "rtt_ms": rtt, "labels": line.labels, "name": line.name}
            yield {"ttl": ttl, "icmp_type": 11, "icmp_code": 0, "quoted_ttl": 1, **heard}


def land_class(world: World, city: City) -> str:
    """Say how a country and a city lie to one another."""
    crossed = borders_between(world.country, city.country)
    if crossed is None:
        return "by sea alone"
    return "next door" if crossed == 1 else f"{crossed} borders by land" if crossed <= 3 else "far by land"
