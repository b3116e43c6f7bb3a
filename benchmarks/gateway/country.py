"""The road of an emulated country: ISPs, carriers, who buys from whom; and its scenario as a table."""

from __future__ import annotations

import random
import tomllib
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from benchmarks.gateway.boxes import PAGE, SINK, Table

# Private AS numbers (RFC 6996): nobody's, so that no name of a real network is lent to an invented one.
FIRST_ISP, FIRST_CARRIER, GATE = 64600, 64800, 64999
#: Networks that sites are housed in; what the second prefix houses may leave by another carrier.
SECOND = "151.101.0.0/16"
_HOSTING = {"asn": 9902, "name": "Hosting at home", "country": "KH", "hosting": True}
_HOMES = ("SG", "HK", "IN", "TH", "VN", "US", "JP")


@dataclass(slots=True)
class Isp:
    """One ISP on paper.

    ``own``: its routers, the line's own first; ``tail``: routers at home behind them; ``leaves``: how many of
    all these stand before traffic to other networks at home; ``carriers``: the main one, and the one for
    sites of the second prefix.
    """

    number: int
    own: list[Table]
    leaves: int
    local: int
    carriers: tuple[int, int]
    seller: int | None = None
    tail: list[Table] = field(default_factory=list)
    boxes: list[Table] = field(default_factory=list)
    #: What was there before any order: filters of a few sites, ad-blocking resolvers.
    noise: list[Table] = field(default_factory=list)

    @property
    def id(self) -> str:
        """Its name in the scenario."""
        return f"isp{self.number}"

    @property
    def asn(self) -> int:
        """Its network."""
        return FIRST_ISP + self.number

    @property
    def border(self) -> int:
        """The hop of the country's last router on its way."""
        return len(self.own) + len(self.tail)


@dataclass(slots=True)
class Country:
    """An emulated country on paper."""

    rng: random.Random
    isps: list[Isp]
    #: For each carrier: its country, and whether each customer meets a router interface of its own.
    carriers: list[tuple[str, bool]]
    loss: float
    jitter: float
    #: Routers of the gate's network were drawn.
    gate: bool = False
    flaky: bool = False

    def isp(self, number: int) -> Isp:
        """Give an ISP by its number."""
        return self.isps[number - 1]


def skeleton(rng: random.Random, count: int) -> Country:
    """Draw a country of so many ISPs, each with its ways; in two of five one sells transit to others."""
    carriers = [(rng.choice(_HOMES), rng.random() < 0.6) for _ in range(rng.randint(3, 5))]
    isps = []
    for number in range(1, count + 1):
        hops, ms = [{"address": f"192.168.{number}.1", "ms": 0.5}], 0.5
        for place in range(rng.randint(3, 6)):
            ms += 0.2 + rng.expovariate(0.7)
            # The first routers of a line serve many; what stands further on has one address each.
            hop: Table = {"address": f"36.{number}.{place}.1", "ms": round(ms, 2)}
            if rng.random() < 0.1:
                hop["silent"] = True
            hops.append(hop)
        main = rng.randrange(len(carriers))
        second = rng.randrange(len(carriers)) if rng.random() < 0.4 else main
        local = rng.randint(2, 3)
        isps.append(Isp(number, hops, rng.randint(local, len(hops) - 1), local, (main, second)))
    country = Country(rng, isps, carriers, rng.choice((0.0, 0.005, 0.01, 0.02)), rng.choice((0.0, 1.0, 5.0)))
    country.flaky = rng.random() < 0.3
    if count > 2 and rng.random() < 0.4:
        share = rng.uniform(0.2, 0.6)
        for isp in isps[1:]:
            if rng.random() < share:
                buys(country, isp, isps[0])
    return country


def buys(country: Country, isp: Isp, seller: Isp) -> None:
    """Lead an ISP's way abroad through the last routers of another, whose carriers it has then."""
    offset = isp.own[-1]["ms"]
    routers = seller.own[-2:]
    isp.seller, isp.carriers = seller.number, seller.carriers
    isp.tail = [{**hop, "ms": round(offset + 0.4 * (i + 1), 2)} for i, hop in enumerate(routers)]


def routers_of_the_gate(isp: Isp, site: int, many: int, aliases: bool) -> list[Table]:
    """Give the gate's routers on an ISP's way: each neighbour may meet an interface of its own."""
    offset = isp.own[-1]["ms"]
    first = f"103.9.{site}.{isp.number}" if aliases else f"103.9.{site}.1"
    hops: list[Table] = [{"address": first, "ms": round(offset + 0.5, 2)}]
    if many > 1:
        hops.append({"address": f"103.9.{site}.254", "ms": round(offset + 0.9, 2)})
    return hops


def scenario(country: Country, name: str, seed: int, *, blocked: bool) -> Table:
    """Write the scenario's table; ``blocked``: after the order, or before it."""
    part = resources.files("gatewatch.lab") / "scenarios" / "parts" / "abroad.toml"
    abroad = tomllib.loads(part.read_text("utf-8"))["network"]
    networks = [
        *({"asn": i.asn, "name": f"ISP {i.number}", "country": "KH", "prefixes": [f"36.{i.number}.0.0/16"]}
          for i in country.isps),
        *({"asn": FIRST_CARRIER + n, "name": f"Carrier {n}", "country": home, "prefixes": [f"62.{n}.0.0/16"]}
          for n, (home, _) in enumerate(country.carriers)),
        {**_HOSTING, "prefixes": ["202.58.96.0/21"]},
    ]  # fmt: skip
    if country.gate:
        networks.append({"asn": GATE, "name": "The gate", "country": "KH", "prefixes": ["103.9.0.0/16"]})
    found: Table = {
        "name": name,
        "title": "An emulated country",
        "country": "KH",
        "source": f"drawn, seed {seed}",
        "seed": seed,
        "loss": country.loss,
        "jitter_ms": country.jitter,
        "network": [*networks, *abroad],
        "isp": [_isp(isp, blocked=blocked) for isp in country.isps],
        "route": [route for isp in country.isps for route in _routes(country, isp)],
        "sites": {"dead": ["gone.net"]},
        "pagehost": [{"address": PAGE}, {"address": SINK, "http": "timeout", "https": "timeout"}],
    }
    if country.flaky:
        found["host"] = [{"names": ["www.wobbly.net"], "flaky": 0.15}]
    return found


def _isp(isp: Isp, *, blocked: bool) -> Table:
    return {
        "id": isp.id,
        "asn": isp.asn,
        "title": f"ISP {isp.number}",
        "client": f"36.{isp.number}.200.10",
        "resolver": f"36.{isp.number}.201.53",
        "local_hops": isp.local,
        "path": [*isp.own, *isp.tail],
        "box": [*isp.noise, *isp.boxes] if blocked else list(isp.noise),
    }


def _routes(country: Country, isp: Isp) -> list[Table]:
    """Give an ISP's ways: at home, and abroad by its carriers."""
    home = {
        "name": f"{isp.id} at home",
        "isps": [isp.id],
        "prefixes": ["KH"],
        "hops": isp.leaves,
        "path": [{"address": "202.58.96.1", "ms": 0.7}],
        "server_ms": 1.2,
    }
    main, second = isp.carriers
    return [
        home,
        _abroad(country, isp, main, ["default"]),
        *([_abroad(country, isp, second, [SECOND])] if second != main else []),
    ]


def _abroad(country: Country, isp: Isp, carrier: int, prefixes: list[str]) -> Table:
    _, aliases = country.carriers[carrier]
    # Customers of a seller come over its interface.
    port = isp.seller or isp.number
    ms = 6.0 + 7.0 * carrier
    path: list[dict[str, Any]] = [
        {"address": f"62.{carrier}.0.{port}" if aliases else f"62.{carrier}.0.254", "ms": ms},
        {"address": f"62.{carrier}.250.1", "ms": ms + 4.0},
        {"address": f"62.{carrier}.251.1", "ms": ms + 9.0},
    ]
    return {
        "name": f"{isp.id} by carrier {carrier} to {prefixes[0]}",
        "isps": [isp.id],
        "prefixes": prefixes,
        "path": path,
        "server_ms": ms + 10.0,
    }
