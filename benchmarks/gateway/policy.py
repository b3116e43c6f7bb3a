"""Who blocks what, where, how and since when: one policy for each class that must be told apart."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from benchmarks.gateway import boxes
from benchmarks.gateway.boxes import Table
from benchmarks.gateway.country import Country, Isp, buys, routers_of_the_gate, skeleton

#: What an order forbids, what some add on their own, what nobody forbids, and what is dead.
ORDERED = [f"www.forbidden{n}.org" for n in range(1, 7)]
EXTRA = ["www.extra1.net", "www.extra2.net"]
FREE = ["www.wobbly.net"]
DEAD = ["gone.net"]

_HOUR, _DAY = 60.0, 1440.0


@dataclass(slots=True)
class Plan:
    """A drawn country with its truth; ``onsets`` are the minutes from the order to each ISP's blocking."""

    kind: str
    country: Country
    onsets: dict[int, float] = field(default_factory=dict)


def draw(kind: str, seed: int, isps: int | None = None) -> Plan:
    """Draw a country of a class; the same for the same arguments."""
    rng = random.Random(f"{kind} {seed}")
    country = skeleton(rng, isps or rng.randint(5, 12))
    plan = Plan(kind, country)
    POLICIES[kind](rng, plan)
    for isp in country.isps:
        if rng.random() < 0.1:
            # Somebody's filter of a site or two: a court case, malware.
            isp.noise += boxes.lie(rng.choice(list(boxes.LIES)), 2, rng.sample(EXTRA, 1))
        if rng.random() < 0.08:
            isp.noise.append({"kind": "dns-filter", "hop": 2, "domains": FREE, **boxes.LIES["bogon"]})
    return plan


def none(rng: random.Random, plan: Plan) -> None:
    """Nobody forbids anything; what there is of filters is nobody's order."""


def ordered(rng: random.Random, plan: Plan) -> None:
    """Each ISP carries out an order by its own means: what it has bought, where it has room for it.

    One in seven countries prescribes a lie of the resolver and where it leads to, as in Malaysia and
    Thailand; in one of eight all have bought of one maker.  A seller's filter is met by its customers too.
    """
    country = plan.country
    makers = [boxes.maker(rng) for _ in range(rng.choice((1, 4, 6, 8, 8, 8, 8, 8)))]
    prescribed = rng.random() < 0.15
    lies = rng.uniform(0.2, 0.8)
    laziness, extra = rng.uniform(0.0, 0.35), rng.uniform(0.0, 0.3)
    _onsets(rng, plan, rng.choice(("minutes", "hours", "days")), country.isps)
    for isp in country.isps:
        names = _list(rng, laziness, extra)
        if isp.seller and rng.random() < 0.5:
            continue  # what its seller filters will do
        if prescribed or rng.random() < lies:
            way = "page" if prescribed else rng.choice(list(boxes.LIES))
            isp.boxes += boxes.lie(way, rng.randint(1, isp.local), names)
        else:
            way = rng.choice(list(boxes.ON_PATH))
            hop = rng.randint(2, len(isp.own))
            isp.boxes += boxes.on_path(way, hop, names, rng.choice(makers))
        for customer in country.isps:
            on_path = [box for box in isp.boxes if box["kind"] != "dns-lie"]
            if customer.seller == isp.number and on_path and on_path[0]["hop"] >= len(isp.own) - 1:
                behind = len(customer.own) + on_path[0]["hop"] - (len(isp.own) - 2)
                customer.boxes += [{**box, "hop": behind} for box in on_path]


def central(rng: random.Random, plan: Plan) -> None:
    """One hand's boxes of one kind stand in every ISP's network; some have none yet.

    They stand near the users, as in Russia; in one country of seven at each ISP's own border.
    """
    country = plan.country
    at_border = rng.random() < 0.15
    made, way = boxes.maker(rng), rng.choice(("reset", "drop", "end", "page", "inject"))
    covered = rng.uniform(0.8, 1.0)
    _onsets(rng, plan, rng.choice(("switch", "switch", "hours")), country.isps)
    for isp in country.isps:
        if rng.random() < covered:
            hop = len(isp.own) if at_border else rng.randint(2, 3)
            isp.boxes += boxes.on_path(way, hop, _list(rng, 0.02), made)
        elif rng.random() < 0.5:
            isp.boxes += boxes.lie(rng.choice(list(boxes.LIES)), 2, _list(rng, 0.2))


def gateway(rng: random.Random, plan: Plan) -> None:
    """All ways abroad lead through a gate that filters, and part again behind it, to each ISP's carriers.

    The gate has one to three sites.  Some ISPs are not behind it yet; some have the lying resolver of before;
    in one country of seven the domestic exchange is behind it, too.
    """
    country = plan.country
    made, way = boxes.maker(rng), rng.choice(list(boxes.ON_PATH))
    sites, many, aliases = rng.randint(1, 3), rng.randint(1, 2), rng.random() < 0.5
    exchange = rng.random() < 0.15
    past, legacy = rng.choice((0.0, 0.0, 0.15)), rng.uniform(0.0, 0.4)
    where = rng.randint(1, many + 1)  # which router of the gate it stands before, or the carrier's
    country.gate = True
    _parted(rng, country)
    behind = [isp for isp in country.isps if rng.random() >= past]
    _onsets(rng, plan, rng.choice(("switch", "switch", "hours")), country.isps)
    for isp in country.isps:
        if isp in behind:
            isp.seller = None
            isp.tail = routers_of_the_gate(isp, rng.randint(1, sites), many, aliases)
            isp.leaves = isp.border if exchange else len(isp.own)
            isp.boxes += boxes.on_path(way, len(isp.own) + where, _list(rng, 0.01), made)
        if rng.random() < (0.6 if isp not in behind else legacy):
            isp.boxes += boxes.lie(rng.choice(list(boxes.LIES)), 2, _list(rng, 0.25))


def upstream(rng: random.Random, plan: Plan) -> None:
    """A carrier abroad filters for its own country, and its customers here are hit."""
    country = plan.country
    made, way = boxes.maker(rng), rng.choice(list(boxes.ON_PATH))
    carrier, share = rng.randrange(len(country.carriers)), rng.uniform(0.35, 1.0)
    for isp in country.isps:
        if not isp.seller and rng.random() < share:
            isp.carriers = (carrier, carrier if rng.random() < 0.8 else isp.carriers[1])
        elif not isp.seller and isp.carriers[0] == carrier:
            other = (carrier + 1) % len(country.carriers)
            isp.carriers = (other, other)
    if sum(isp.carriers[0] == carrier for isp in country.isps) < 2:
        for isp in country.isps[:2]:
            isp.seller, isp.tail, isp.carriers = None, [], (carrier, carrier)
    for isp in country.isps:
        if isp.seller:
            isp.carriers = country.isp(isp.seller).carriers
    hit = [isp for isp in country.isps if isp.carriers[0] == carrier]
    hop = rng.choice((1, 2, 2, 3))
    names = _list(rng, 0.1)
    _onsets(rng, plan, "switch", hit)
    for isp in hit:
        isp.boxes += boxes.on_path(way, isp.border + hop, names, made)


def not_identifiable(rng: random.Random, plan: Plan) -> None:
    """Everybody leaves by one exit anyway, and there the filter stands.

    Either the exit is an ISP's that sells to all others, or a network's of its own with one carrier behind
    it: a gate, or one carrier's filter, and nothing that is measured from inside tells which.
    """
    country = plan.country
    made, way = boxes.maker(rng), rng.choice(list(boxes.ON_PATH))
    carriers = _one(rng, country)
    legacy = rng.uniform(0.0, 0.3)
    _onsets(rng, plan, rng.choice(("switch", "minutes", "hours")), country.isps)
    if rng.random() < 0.5:
        seller, at = country.isps[0], rng.randint(0, 1)
        hub = rng.random() < 0.5
        for isp in country.isps:
            isp.carriers = carriers
            if isp is not seller:
                buys(country, isp, seller)
                isp.carriers = carriers
                isp.leaves = isp.border if hub else min(isp.leaves, len(isp.own))
            isp.boxes += boxes.on_path(way, isp.border - at, _list(rng, 0.01), made)
    else:
        country.gate = True
        many, aliases = rng.randint(1, 2), rng.random() < 0.5
        where = rng.randint(1, many)
        for isp in country.isps:
            isp.seller, isp.carriers = None, carriers
            isp.tail = routers_of_the_gate(isp, 1, many, aliases)
            isp.leaves = len(isp.own)
            isp.boxes += boxes.on_path(way, len(isp.own) + where, _list(rng, 0.01), made)
    for isp in country.isps:
        if rng.random() < legacy:
            isp.boxes += boxes.lie(rng.choice(list(boxes.LIES)), 2, _list(rng, 0.25))


POLICIES: dict[str, Callable[[random.Random, Plan], None]] = {
    "none": none,
    "ordered": ordered,
    "central": central,
    "gateway": gateway,
    "upstream": upstream,
    "not identifiable": not_identifiable,
}


def _one(rng: random.Random, country: Country) -> tuple[int, int]:
    """Choose the carrier of a whole country, or two by destination."""
    main = rng.randrange(len(country.carriers))
    return main, main


def _parted(rng: random.Random, country: Country) -> None:
    """See to it that two carriers at least are in use, each by two ISPs."""
    mains = [isp.carriers[0] for isp in country.isps]
    if sum(n != mains[0] for n in mains) < 2:
        other = (mains[0] + 1) % len(country.carriers)
        for isp in country.isps[-2:]:
            isp.carriers = (other, other)


def _list(rng: random.Random, laziness: float, extra: float = 0.0) -> list[str]:
    """Give the names that somebody blocks, in carrying out the order; never none."""
    names = [name for name in ORDERED if rng.random() >= laziness] or ORDERED[:1]
    return names + [name for name in EXTRA if rng.random() < extra]


def _onsets(rng: random.Random, plan: Plan, how: str, isps: list[Isp]) -> None:
    """Draw when each ISP begins, in minutes after the order."""
    for isp in isps:
        plan.onsets[isp.number] = {
            "switch": lambda: rng.uniform(0.0, 3.0),
            "minutes": lambda: rng.uniform(0.0, 25.0),
            "hours": lambda: rng.uniform(0.5, 12.0) * _HOUR,
            "days": lambda: rng.uniform(0.2, 12.0) * _DAY,
        }[how]()


__all__ = ["DEAD", "EXTRA", "FREE", "ORDERED", "POLICIES", "Plan", "Table", "draw"]
