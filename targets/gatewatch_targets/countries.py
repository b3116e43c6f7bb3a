"""The four countries: providers and whom they belong to, the border, exchanges, resolvers, laws, risks.

Names of networks stand in networks.csv and nowhere else; a country names their numbers, and the loader joins
the two: a number that networks.csv does not know, or has in another country, is an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address, ip_network
from types import MappingProxyType
from typing import Literal, get_args

from .dates import Span, parse_span
from .model import Confidence, Network
from .reference import networks, open_data
from .text import COUNTRY, quote
from .tree import Node, read_tree

Access = Literal["mobile", "fixed", "mobile and fixed", "education", "wholesale", "unknown"]
Status = Literal["planned", "operating", "dropped"]
Role = Literal["service", "egress"]


@dataclass(frozen=True, slots=True)
class Stake:
    """A part of a company that a state stands behind.

    ``state``: whose (ISO 3166-1); ``holder``: through whom.  ``share``: per cent, None where no source gives
    it.  ``as_of``: when it was so, None where the source gives no date.
    """

    holder: str
    state: str
    share: float | None
    as_of: Span | None
    source: str


@dataclass(frozen=True, slots=True)
class Isp:
    """A provider; ``networks`` are its autonomous systems, empty where it announces none of its own."""

    name: str
    networks: tuple[Network, ...]
    access: Access
    stakes: tuple[Stake, ...]
    source: str
    note: str

    @property
    def states(self) -> tuple[str, ...]:
        """The states that hold a part of it, as far as is known."""
        return tuple(dict.fromkeys(stake.state for stake in self.stakes))


@dataclass(frozen=True, slots=True)
class Gateway:
    """A way out of the country, or a plan for one, and who runs it (names of the country's providers)."""

    name: str
    operators: tuple[str, ...]
    networks: tuple[Network, ...]
    status: Status
    since: Span | None
    places: tuple[str, ...]
    source: str
    note: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """An exchange point; ``prefixes`` are those of its peering network, which no route announces."""

    name: str
    networks: tuple[Network, ...]
    prefixes: tuple[str, ...]
    source: str


@dataclass(frozen=True, slots=True)
class IspResolver:
    """Addresses of a provider's resolvers: asked by customers (``service``), or seen asking (``egress``)."""

    isp: str
    addresses: tuple[str, ...]
    role: Role
    confidence: Confidence
    source: str
    note: str


@dataclass(frozen=True, slots=True)
class Law:
    """A law in one line; ``since`` is None where it is a bill, or no source gives the date."""

    name: str
    since: Span | None
    says: str
    source: str


@dataclass(frozen=True, slots=True)
class Risk:
    """What a volunteer in the country should know before measuring; no legal advice."""

    about: str
    says: str
    source: str


@dataclass(frozen=True, slots=True)
class Country:
    """One of the four, with what is known of it."""

    code: str
    name: str
    regulator: str
    ministry: str
    isps: tuple[Isp, ...]
    gateways: tuple[Gateway, ...]
    exchanges: tuple[Exchange, ...]
    resolvers: tuple[IspResolver, ...]
    laws: tuple[Law, ...]
    risks: tuple[Risk, ...]

    def isp_of(self, asn: int) -> Isp | None:
        """Give the provider that a network belongs to."""
        return next((isp for isp in self.isps if any(n.asn == asn for n in isp.networks)), None)


@lru_cache(maxsize=1)
def countries() -> Mapping[str, Country]:
    """Give the countries by code; raises :class:`~gatewatch_targets.rows.DataError`, naming file and path."""
    with open_data("countries.toml") as stream:
        return parse_countries(read_tree(stream, "countries.toml"))


def parse_countries(tree: Node) -> Mapping[str, Country]:
    """Read and check the whole table; see :func:`countries`."""
    found: dict[str, Country] = {}
    for code, node in tree.tables():
        if not COUNTRY.fullmatch(code):
            raise node.error(f"{quote(code)} is not a two-letter country code")
        found[code] = _country(code, node)
    return MappingProxyType(found)


def _country(code: str, node: Node) -> Country:
    node.only(
        "name", "regulator", "ministry", "isps", "gateways", "exchanges", "resolvers", "laws", "risks"
    )  # fmt: skip
    taken: dict[int, str] = {}
    names: dict[str, str] = {}
    isps = []
    for row in node.rows("isps"):
        isp = _isp(code, row, taken)
        if (path := names.setdefault(isp.name, row.path)) != row.path:
            raise row.get("name").error(f"{quote(isp.name)} stands at {path} already")
        isps.append(isp)
    return Country(
        code=code,
        name=node.text("name"),
        regulator=node.text("regulator"),
        ministry=node.text("ministry"),
        isps=tuple(isps),
        gateways=tuple(_gateway(code, row, names) for row in node.rows("gateways")),
        exchanges=tuple(_exchange(code, row, taken) for row in node.rows("exchanges")),
        resolvers=tuple(_resolver(row, names) for row in node.rows("resolvers")),
        laws=tuple(_law(row) for row in node.rows("laws")),
        risks=tuple(_risk(row) for row in node.rows("risks")),
    )


def _isp(code: str, row: Node, taken: dict[int, str]) -> Isp:
    row.only("name", "asn", "access", "stakes", "source", "note")
    return Isp(
        name=row.text("name"),
        networks=_networks(code, row, taken),
        access=row.choice("access", get_args(Access)),
        stakes=tuple(_stake(stake) for stake in row.rows("stakes")),
        source=row.sources(),
        note=row.text("note", ""),
    )


def _networks(code: str, row: Node, taken: dict[int, str] | None) -> tuple[Network, ...]:
    """Join a list of numbers with networks.csv; each stands once among providers and exchanges."""
    known = {network.asn: network for network in networks()}
    joined = []
    for asn, item in zip(row.asns("asn"), row.get("asn").items(), strict=True):
        if asn not in known:
            raise item.error(f"{asn} is not in networks.csv")
        if known[asn].country != code:
            raise item.error(f"{asn} is of {known[asn].country} in networks.csv")
        if taken is not None and (path := taken.setdefault(asn, row.path)) != row.path:
            raise item.error(f"{asn} stands at {path} already")
        joined.append(known[asn])
    return tuple(joined)


def _stake(row: Node) -> Stake:
    row.only("holder", "state", "share", "as_of", "source")
    return Stake(
        holder=row.text("holder"),
        state=row.country("state"),
        share=row.number("share", 0, 100, "a share in per cent") if row.has("share") else None,
        as_of=_span(row, "as_of"),
        source=row.sources(),
    )


def _gateway(code: str, row: Node, isps: Mapping[str, str]) -> Gateway:
    row.only("name", "operators", "asn", "status", "since", "places", "source", "note")
    for item in row.get("operators").items():
        _of_country(item, isps)
    return Gateway(
        name=row.text("name"),
        operators=row.texts("operators"),
        # A gateway's numbers are its operators', so they stand with those, too.
        networks=_networks(code, row, None),
        status=row.choice("status", get_args(Status)),
        since=_span(row, "since"),
        places=row.texts("places"),
        source=row.sources(),
        note=row.text("note", ""),
    )


def _exchange(code: str, row: Node, taken: dict[int, str]) -> Exchange:
    row.only("name", "asn", "prefixes", "source")
    for item in row.get("prefixes").items():
        try:
            ip_network(item.as_text())
        except ValueError:
            raise item.error(f"{quote(item.as_text())} is not a prefix") from None
    return Exchange(row.text("name"), _networks(code, row, taken), row.texts("prefixes"), row.sources())


def _resolver(row: Node, isps: Mapping[str, str]) -> IspResolver:
    row.only("isp", "addresses", "role", "confidence", "source", "note")
    _of_country(row.get("isp"), isps)
    for item in row.get("addresses").items():
        try:
            fits = ip_address(item.as_text()).is_global
        except ValueError:
            fits = False
        if not fits:
            raise item.error(f"{quote(item.as_text())} is not a public address")
    return IspResolver(
        isp=row.text("isp"),
        addresses=row.texts("addresses"),
        role=row.choice("role", get_args(Role)),
        confidence=row.choice("confidence", get_args(Confidence)),
        source=row.sources(),
        note=row.text("note", ""),
    )


def _of_country(item: Node, isps: Mapping[str, str]) -> None:
    if item.as_text() not in isps:
        raise item.error(f"{quote(item.as_text())} is no provider of this country")


def _law(row: Node) -> Law:
    row.only("name", "since", "says", "source")
    return Law(row.text("name"), _span(row, "since"), row.text("says"), row.sources())


def _risk(row: Node) -> Risk:
    row.only("about", "says", "source")
    return Risk(row.text("about"), row.text("says"), row.sources())


def _span(row: Node, key: str) -> Span | None:
    if not row.has(key):
        return None
    try:
        return parse_span(row.text(key))
    except ValueError as error:
        raise row.get(key).error(str(error)) from None
