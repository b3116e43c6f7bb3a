"""Random countries with their systems, and on which of them each provider's traffic truly goes.

Half of the worlds stand on our own table of cables, with systems beside it that the table does not list; in
the other half all systems are invented, on the true map, and a part of them is listed.  What the table leaves
open (owners not told, a cable planned and perhaps open, whose fibres cross a border) is drawn for each world.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import lru_cache
from itertools import pairwise

from gatewatch_analysis.cables import Knowledge
from gatewatch_targets.cables import (
    FIBRE_KM_PER_MS,
    Cable,
    Known,
    Landing,
    Length,
    Role,
    When,
    cables,
    chinese_built,
    chinese_operated,
    chinese_owned,
    companies,
    distance,
    links,
)
from gatewatch_targets.geography import City, borders_between, cities, lands
from gatewatch_targets.model import Confidence

#: Carriers that sell transit across a border: number, country of registration, domain of its routers' names,
#: and the cities where it has routers.
CARRIERS: tuple[tuple[int, str, str, str], ...] = (
    (4134, "CN", "", "can sha hkg sin"),
    (23764, "CN", "", "hkg sin tyo lax fra"),
    (10099, "HK", "", "hkg sin tyo lon"),
    (58453, "CN", "", "hkg sin kul bkk tyo"),
    (3491, "HK", "pccwbtn.net", "hkg tyo lon lax sjc sin"),
    (7473, "SG", "", "sin hkg bkk tyo"),
    (6453, "US", "as6453.net", "sin bom maa hkg lon mrs tyo"),
    (9498, "IN", "", "del bom maa sin lon"),
    (2914, "US", "bb.gin.ntt.net", "sin hkg kul osa tyo lon"),
    (4637, "HK", "", "hkg sin syd tyo"),
    (7552, "VN", "", "sgn han hkg sin"),
    (45899, "VN", "", "sgn dad hkg sin"),
    (6939, "US", "he.net", "sin hkg bkk tyo lax mrs"),
    (174, "US", "atlas.cogentco.com", "sin hkg mrs per sjc"),
    (1299, "SE", "ip.twelve99.net", "hkg lon fra sjc"),
    (9931, "TH", "", "bkk sin hkg"),
    (4788, "MY", "", "kul sin hkg"),
)
#: Countries of the worlds that stand on our table, the likelier the more there is to say of them.
OURS = ("KH", "KH", "KH", "TH", "TH", "MY", "MY", "NP")
#: Countries of the other worlds: with and without land borders.
ANY = (
    "BD",
    "CN",
    "FR",
    "HK",
    "ID",
    "IN",
    "JP",
    "KH",
    "KR",
    "LK",
    "MM",
    "MY",
    "NP",
    "PH",
    "PK",
    "SG",
    "TH",
    "TW",
    "VN",
)
_FAKE_ISPS = 64500
_BUILDERS = ("hmn-tech", "nec", "subcom", "asn")
_TOLD: Confidence = "medium"


@dataclass(frozen=True, slots=True)
class Route:
    """How packets truly get to a city: ``main`` is the system's id, or terrestrial, or unlisted.

    ``km``: the fibre one way.  ``owned``, ``built``, ``operated``: whether any system on it is Chinese so.
    """

    main: str
    kind: str
    km: float
    owned: bool
    built: bool
    operated: bool


@dataclass(slots=True)
class World:
    """A country in a month: what is true, and what is known."""

    seed: int
    rng: random.Random
    ours: bool
    country: str
    day: date
    knowledge: Knowledge
    systems: tuple[Cable, ...]
    unlisted: frozenset[str]
    taste: Mapping[str, float]
    drawn: dict[tuple[str, str], bool] = field(default_factory=dict)

    def flag(self, system: str, what: str, told: bool | None, chance: float) -> bool:
        """Give what is told, or draw it once for this world."""
        if told is not None:
            return told
        return self.drawn.setdefault((system, what), self.rng.random() < chance)

    def open(self, system: Cable) -> bool:
        """Whether a system is in service; drawn where that is not known."""
        return self.flag(system.id, "open", system.works(self.day), 0.5)

    def chinese(self, system: Cable) -> tuple[bool, bool, bool]:
        """Whether a system is owned, built, operated by Chinese companies."""
        return (
            self.flag(system.id, "owned", chinese_owned(system, self.day).value, 0.35),
            self.flag(system.id, "built", chinese_built(system).value, 0.25),
            self.flag(system.id, "operated", chinese_operated(system, self.day).value, 0.3),
        )


def draw(seed: int) -> World:
    """Draw a world."""
    rng = random.Random(f"cables {seed}")
    ours = rng.random() < 0.5
    country = rng.choice(OURS if ours else ANY)
    day = date(2015, 1, 1) + timedelta(days=rng.randrange(365 * 11 + 300))
    true: list[Cable] = [*cables().values(), *links().values()] if ours else [*links().values()]
    listed: list[Cable] = list(true)
    whole: dict[str, date] = {}
    if ours:
        whole = dict(Knowledge.own().whole)
        invented = [_invented(rng, f"new-{n}") for n in range(rng.randint(2, 8))]
        # The table is whole for these countries as of a day: what it lacks there came later, all but a few.
        hidden = [c for c in invented if _late(c, whole) or rng.random() < 0.1]
    else:
        invented = [_invented(rng, f"made-{n}") for n in range(rng.randint(30, 60))]
        share = rng.choice((0.6, 0.8, 0.95))
        known = [c for c in invented if rng.random() < share]
        hidden = [c for c in invented if c not in known]
        listed += [_as_listed(rng, cable) for cable in known]
        true += known
        missing = {land for cable in hidden for land in cable.countries}
        whole = dict.fromkeys(set(lands()) - missing, date(2022, 11, 30))
    # A landing that is there and that the table lacks.
    listed = [_without_one(rng, c) if c.kind == "submarine" and rng.random() < 0.06 else c for c in listed]
    taste = {
        "border_km": rng.uniform(200, 1500),
        "whim_km": rng.uniform(200, 1200),
        "owner_km": rng.uniform(0, 1500),
    }
    return World(
        seed, rng, ours, country, day, Knowledge(tuple(listed), whole), (*true, *hidden),
        frozenset(c.id for c in hidden), taste,
    )  # fmt: skip


def _late(cable: Cable, whole: Mapping[str, date]) -> bool:
    opened = cable.in_service
    days = [whole[land] for land in cable.countries if land in whole]
    return opened is None or all(opened.value.first > day for day in days)


def _as_listed(rng: random.Random, cable: Cable) -> Cable:
    """Give what a table tells of a cable: not every one of its owners, now and then."""
    if rng.random() < 0.15:
        return replace(cable, owner_count=None, owners=cable.owners[:1])
    return cable


def _without_one(rng: random.Random, cable: Cable) -> Cable:
    if len(cable.landings) < 3:
        return cable
    gone = rng.choice(cable.landings)
    count = Known(len(cable.landings), _TOLD, "lab") if rng.random() < 0.5 else None
    left = tuple(landing for landing in cable.landings if landing is not gone)
    parties = tuple(party for party in cable.parties if party.place != gone.place)
    return replace(cable, landings=left, landing_count=count, parties=parties)


@lru_cache(maxsize=1)
def _towns() -> tuple[Landing, ...]:
    found = {
        (landing.place, landing.country): landing
        for cable in cables().values()
        for landing in cable.landings
        if landing.lat is not None
    }
    return tuple(found[key] for key in sorted(found))


def _invented(rng: random.Random, name: str) -> Cable:
    """Invent a cable that goes from shore to shore between neighbours."""
    at = [rng.choice(_towns())]
    for _ in range(rng.choice((1, 1, 2, 3, 5, 8))):
        near = [town for town in _towns() if town.country not in {t.country for t in at}]
        weights = [1 / (1 + _km(at[-1], town) / 800) ** 3 for town in near]
        at += rng.choices(near, weights)
    chain = sum(_km(a, b) for a, b in pairwise(at)) * rng.uniform(1.1, 1.5)
    year = rng.randint(1998, 2026)
    pool = sorted(companies())
    chinese = ["china-telecom", "china-unicom", "china-mobile", "china-mobile-international", "hyalroute"]
    owners = {rng.choice(chinese if rng.random() < 0.25 else pool) for _ in range(rng.choice((1, 1, 3, 6)))}
    return Cable(
        id=name,
        name=name,
        kind="submarine",
        in_service=Known(When.parse(f"{year}-{rng.randint(1, 12):02}"), _TOLD, "lab"),
        length=Known(Length(chain, chain), _TOLD, "lab"),
        landings=tuple(at),
        landing_count=Known(len(at), _TOLD, "lab"),
        owners=tuple(Role(company, _TOLD, "lab") for company in sorted(owners)),
        owner_count=Known(len(owners), _TOLD, "lab"),
        builders=(Role(rng.choice(_BUILDERS), _TOLD, "lab"),) if rng.random() < 0.9 else (),
    )


def _km(a: Landing | City, b: Landing | City) -> float:
    assert a.lat is not None and a.lon is not None and b.lat is not None and b.lon is not None
    return distance(a.lat, a.lon, b.lat, b.lon)


def route(world: World, city: City, helped: frozenset[str]) -> Route | None:
    """Choose the way of one provider to a city: the cheapest by length, borders, whim and friendship.

    ``helped``: companies of the provider and its carrier, whose own systems are cheaper for them.
    """
    options = list(_by_land(world, city)) + list(_by_sea(world, city, helped))
    return min(options, key=lambda option: option[0])[1] if options else None


def _border(world: World, countries: tuple[str, str]) -> tuple[str, bool, bool, bool]:
    """Choose fibres across one land border: a link of the table, or somebody's that nobody lists."""
    listed = [link for link in links().values() if set(countries) == set(link.countries) and world.open(link)]
    pick = world.rng.choice([*listed, None, None, None])
    if pick is not None:
        return (pick.id, *world.chinese(pick))
    number = world.rng.randrange(3)
    name = f"{min(countries)}-{max(countries)}-{number}"
    owned, built, operated = (world.flag(name, what, None, 0.3) for what in ("owned", "built", "operated"))
    return "terrestrial", owned, built, operated


def _by_land(world: World, city: City) -> Iterator[tuple[float, Route]]:
    crossed = borders_between(world.country, city.country)
    if not crossed or crossed > 4:
        return
    km = _home(world, city.lat, city.lon) * world.rng.uniform(1.2, 1.7)
    steps = _steps(world.country, city.country)
    fibres = [_border(world, step) for step in steps]
    cost = km + crossed * world.taste["border_km"] + world.rng.expovariate(1 / world.taste["whim_km"])
    flags = [any(fibre[i] for fibre in fibres) for i in (1, 2, 3)]
    # The first border is the one that a list of links can know.
    main = fibres[0][0]
    yield cost, Route(main, "land" if main != "terrestrial" else main, km, *flags)


def _by_sea(world: World, city: City, helped: frozenset[str]) -> Iterator[tuple[float, Route]]:
    for system in world.systems:
        if system.kind != "submarine" or not world.open(system):
            continue
        # A landing is the same in truth and in the table; one that the table lacks is among these.
        for here in system.landings:
            before = borders_between(world.country, here.country)
            for there in system.landings:
                behind = borders_between(there.country, city.country)
                if before is None or behind is None or here.country == there.country or before + behind > 2:
                    continue
                if city.country == here.country or world.country == there.country:
                    continue
                yield _sea(world, city, helped, system, (here, there), before + behind)


def _sea(
    world: World,
    city: City,
    helped: frozenset[str],
    system: Cable,
    ends: tuple[Landing, Landing],
    crossed: int,
) -> tuple[float, Route]:
    rng, (here, there) = world.rng, ends
    straight = _km(here, there)
    if system.length and len(system.landings) == 2:
        along = system.length.value.low * rng.uniform(1.0, 1.03)
    else:
        along = straight * rng.uniform(1.05, 1.6)
        if system.length:
            along = max(straight, min(along, system.length.value.high))
    km = _home(world, here.lat or 0, here.lon or 0) * 1.3 + along + _km(there, city) * rng.uniform(1.1, 1.6)
    cost = km + crossed * world.taste["border_km"] + rng.expovariate(1 / world.taste["whim_km"])
    if helped & {role.company for role in system.owners}:
        cost -= world.taste["owner_km"]
    flags = list(world.chinese(system))
    for step in (*_steps(world.country, here.country), *_steps(there.country, city.country)):
        flags = [flag or other for flag, other in zip(flags, _border(world, step)[1:], strict=True)]
    unlisted = system.id in world.unlisted
    return cost, Route("unlisted" if unlisted else system.id, "unlisted" if unlisted else "sea", km, *flags)


def _steps(first: str, second: str) -> list[tuple[str, str]]:
    """Give the land borders of a shortest way by land."""
    steps = []
    while first != second:
        left = borders_between(first, second)
        after = next(n for n in lands()[first].neighbours if borders_between(n, second) == (left or 0) - 1)
        steps.append((first, after))
        first = after
    return steps


def _home(world: World, lat: float, lon: float) -> float:
    """Give the distance from somewhere in the country."""
    box = lands()[world.country].box
    own = [city for city in cities().values() if city.country == world.country]
    if own:
        home = own[world.seed % len(own)]
        return distance(home.lat, home.lon, lat, lon)
    return distance((box.south + box.north) / 2, (box.west + box.east) / 2, lat, lon)


def ms(km: float) -> float:
    """Give the time one way over so many km of fibre."""
    return km / FIBRE_KM_PER_MS
