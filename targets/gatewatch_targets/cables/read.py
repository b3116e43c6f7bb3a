"""Our own tables: data/cables.toml (submarine), data/links.toml (across land borders).

One table a cable.  A fact is an inline table with its value, ``confidence`` and ``source``; what no source
tells is left out.  :class:`~gatewatch_targets.rows.DataError` names the path of the first fault.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from io import BytesIO
from types import MappingProxyType

from gatewatch_targets.reference import open_data
from gatewatch_targets.text import quote
from gatewatch_targets.tree import Node, read_tree

from .companies import companies
from .facts import SURE, confidence, dated, known, period, shares
from .model import Cable, Cut, Kind, Landing, Length, Role, When

# Twice round the earth: the longest system planned so far is to have 50,000 km.
MAX_KM = 80_000.0
_DATES = ("in_service", "retired", "planned", "seen")
_COUNTS = ("landing_count", "owner_count")
_LISTS = ("landing", "owner", "builder", "operator", "party", "cut")


def landing(node: Node) -> Landing:
    """Give a landing; latitude and longitude stand together with their source, or not at all."""
    node.only("place", "country", "lat", "lon", "where", *SURE)
    placed = any(node.has(key) for key in ("lat", "lon", "where"))
    return Landing(
        place=node.text("place"),
        country=node.country("country"),
        lat=node.number("lat", -90, 90, "a latitude") if placed else None,
        lon=node.number("lon", -180, 180, "a longitude") if placed else None,
        where=node.sources("where") if placed else "",
        confidence=confidence(node),
        source=node.sources(),
        note=node.text("note", ""),
    )


def _role(node: Node, part: str) -> Role:
    own = {"party": ("place", "country"), "owner": ("share", "share_min", "share_max")}.get(part, ())
    node.only("company", "since", "until", *SURE, *own)
    if (company := node.text("company")) not in companies():
        raise node.get("company").error(f"{quote(company)} is not a company of owners.toml")
    since, until = period(node)
    low, high = shares(node)
    return Role(
        company=company,
        confidence=confidence(node),
        source=node.sources(),
        place=node.text("place") if part == "party" else "",
        country=node.country("country") if part == "party" else "",
        since=since,
        until=until,
        low=low,
        high=high,
        note=node.text("note", ""),
    )


def _roles(node: Node, part: str) -> tuple[Role, ...]:
    found: list[Role] = []
    seen: set[tuple[str, str, When | None]] = set()
    for item in node.rows(part):
        role = _role(item, part)
        if (role.company, role.place, role.since) in seen:
            raise item.get("company").error(f"{quote(role.company)} stands there already")
        seen.add((role.company, role.place, role.since))
        found.append(role)
    # Owners that come and go share the same part of the cable, so only lasting ones are summed.
    if sum(role.low for role in found if role.since is None and role.until is None) > 1:
        raise node.get(part).error("the shares add up to more than 1")
    return tuple(found)


def _cut(node: Node) -> Cut:
    node.only("since", "until", *SURE)
    node.get("since")
    since, until = period(node)
    assert since is not None
    return Cut(since, until, confidence(node), node.sources(), node.text("note", ""))


def _length(node: Node) -> Length:
    node.only("km", "km_max", *SURE)
    low = node.number("km", 1, MAX_KM, "a length in km")
    most = node.number("km_max", low, MAX_KM, "a length in km, and not less") if node.has("km_max") else low
    return Length(low, most)


def _count(node: Node) -> int:
    node.only("count", *SURE)
    number = node.number("count", 1, 1000, "a count")
    if number % 1:
        raise node.get("count").error(f"{number} is not a count")
    return int(number)


def _yes(node: Node) -> bool:
    node.only("value", *SURE)
    return node.flag("value")


def _cable(id_: str, node: Node, kind: Kind) -> Cable:
    node.only("name", "aliases", "exists", "length", "note", *_DATES, *_COUNTS, *_LISTS)
    cable = Cable(
        id=id_,
        name=node.text("name"),
        kind=kind,
        aliases=node.texts("aliases"),
        exists=known(node, "exists", _yes),
        in_service=known(node, "in_service", dated),
        retired=known(node, "retired", dated),
        planned=known(node, "planned", dated),
        seen=known(node, "seen", dated),
        length=known(node, "length", _length),
        landings=tuple(map(landing, node.rows("landing"))),
        landing_count=known(node, "landing_count", _count),
        owners=_roles(node, "owner"),
        owner_count=known(node, "owner_count", _count),
        builders=_roles(node, "builder"),
        operators=_roles(node, "operator"),
        parties=_roles(node, "party"),
        cuts=tuple(map(_cut, node.rows("cut"))),
        note=node.text("note", ""),
    )
    _agrees(cable, node)
    return cable


def _agrees(cable: Cable, node: Node) -> None:
    """Refuse facts of one cable that contradict one another."""
    if cable.retired and cable.in_service and cable.retired.value.last < cable.in_service.value.first:
        raise node.get("retired").error(f"{cable.retired.value} is before it came into service")
    for key, counted, listed in (
        ("owner_count", cable.owner_count, len({role.company for role in cable.owners})),
        ("landing_count", cable.landing_count, len(cable.landings)),
    ):
        if counted and counted.value < listed:
            raise node.get(key).error(f"{counted.value} is less than the {listed} listed")
    places = {(landing.place, landing.country) for landing in cable.landings}
    for item, role in zip(node.rows("party"), cable.parties, strict=True):
        if (role.place, role.country) not in places:
            raise item.get("place").error(f"{quote(role.place)} is no landing of this cable")


def read(data: bytes, file: str, kind: Kind = "submarine") -> tuple[Cable, ...]:
    """Read a table of cables; raises :class:`~gatewatch_targets.rows.DataError` at the first fault."""
    found: list[Cable] = []
    named: dict[str, str] = {}
    for id_, node in read_tree(BytesIO(data), file).tables():
        cable = _cable(id_, node, kind)
        for alias in (id_, *cable.aliases):
            if named.setdefault(alias, id_) != id_:
                raise node.error(f"{quote(alias)} is a name of {named[alias]} already")
        found.append(cable)
    return tuple(found)


@lru_cache(maxsize=1)
def cables() -> Mapping[str, Cable]:
    """Give the submarine cables by id."""
    with open_data("cables.toml") as stream:
        return MappingProxyType({cable.id: cable for cable in read(stream.read(), "cables.toml")})


@lru_cache(maxsize=1)
def links() -> Mapping[str, Cable]:
    """Give the links across land borders by id."""
    with open_data("links.toml") as stream:
        found = read(stream.read(), "links.toml", "terrestrial")
    return MappingProxyType({cable.id: cable for cable in found})


@lru_cache(maxsize=1)
def _names() -> Mapping[str, str]:
    return {
        name.casefold(): cable.id
        for cable in cables().values()
        for name in (cable.id, cable.name, *cable.aliases)
    }


def cable_named(name: str) -> Cable | None:
    """Give our entry for a cable's name or its id in a public list, exactly, in any case, or None."""
    found = _names().get(name.casefold())
    return cables()[found] if found else None
