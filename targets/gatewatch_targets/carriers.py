"""Carriers behind a border, by number and by exact name.

"China Unicom" is a carrier; "Unicom Systems" is none.  A part of a name decides nothing here: a name either
is one that a source gives, whatever its case and spacing, or it is not known.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Literal, get_args

from .model import Network
from .reference import networks, open_data
from .text import quote
from .tree import Node, read_tree

CarrierKind = Literal["carrier", "international arm", "transit", "cloud"]

_NUMBER = re.compile(r"(?:AS|ASN)?\s?([1-9][0-9]{0,9})", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Carrier:
    """A carrier, an arm of one abroad, a seller of transit, or a cloud.

    ``group``: id of the company at the top, its own where it is that itself; ``group_home``: the country of
    that company's seat (ISO 3166-1), ``home`` that of this one's.  It says whose company it is, never whose
    cable a packet took.
    """

    id: str
    name: str
    kind: CarrierKind
    group: str
    home: str
    group_home: str
    networks: tuple[Network, ...]
    aliases: tuple[str, ...]
    source: str
    note: str

    @property
    def is_chinese(self) -> bool:
        """Whether the company at the top has its seat in mainland China."""
        return self.group_home == "CN"


@lru_cache(maxsize=1)
def carriers() -> Mapping[str, Carrier]:
    """Give all carriers by id; raises :class:`~gatewatch_targets.rows.DataError`, naming file and path."""
    with open_data("carriers.toml") as stream:
        return parse_carriers(read_tree(stream, "carriers.toml"))


def carrier(name_or_asn: str | int) -> Carrier | None:
    """Give the carrier of that number (``4134``, ``"AS4134"``) or of exactly that name, or None."""
    by_asn, by_name = _index()
    if isinstance(name_or_asn, str):
        found = _NUMBER.fullmatch(name_or_asn.strip())
        if found is None:
            return by_name.get(_plain(name_or_asn))
        name_or_asn = int(found[1])
    return by_asn.get(name_or_asn)


def parse_carriers(tree: Node) -> Mapping[str, Carrier]:
    """Read and check the whole table; see :func:`carriers`."""
    found: dict[str, Carrier] = {}
    numbers: dict[int, str] = {}
    names: dict[str, str] = {}
    known = {network.asn: network for network in networks()}
    for key, node in tree.tables():
        node.only("name", "kind", "group", "home", "asn", "aliases", "source", "note")
        group = node.text("group", key)
        if not tree.has(group) or tree.get(group).has("group"):
            if group != key:
                raise node.get("group").error(f"{quote(group)} is not a table of a company at the top")
            raise node.get("group").error("a company at the top names no group")
        asns = node.asns("asn")
        for item in node.get("asn").items():
            if item.value not in known:
                raise item.error(f"{item.value} is not in networks.csv")
            if (first := numbers.setdefault(item.value, key)) != key:
                raise item.error(f"{item.value} stands at {first} already")
        aliases = node.texts("aliases")
        for item in (node.get("name"), *node.get("aliases").items()):
            if _NUMBER.fullmatch(item.as_text()):
                raise item.error(f"{quote(item.as_text())} reads as a number")
            if (first := names.setdefault(_plain(item.as_text()), item.path)) != item.path:
                raise item.error(f"{quote(item.as_text())} stands at {first} already")
        found[key] = Carrier(
            id=key,
            name=node.text("name"),
            kind=node.choice("kind", get_args(CarrierKind)),
            group=group,
            home=node.country("home"),
            group_home=tree.get(group).country("home"),
            networks=tuple(known[asn] for asn in asns),
            aliases=aliases,
            source=node.sources(),
            note=node.text("note", ""),
        )
    return MappingProxyType(found)


@lru_cache(maxsize=1)
def _index() -> tuple[Mapping[int, Carrier], Mapping[str, Carrier]]:
    by_asn = {network.asn: each for each in carriers().values() for network in each.networks}
    by_name = {_plain(name): each for each in carriers().values() for name in (each.name, *each.aliases)}
    return by_asn, by_name


def _plain(name: str) -> str:
    """One spelling for case and spacing; punctuation stays, since it tells companies apart."""
    return " ".join(name.casefold().split())
