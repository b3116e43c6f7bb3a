"""What the lists hold, as records: targets and what is needed to measure and to judge them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Literal, get_args

from .text import COUNTRY, quote
from .url import Url, parse

Risk = Literal["low", "medium", "high"]
Expectation = Literal["reachable", "blocked", "dead", "differential", "unknown"]
Where = Literal["dns.a", "http.body", "http.title", "http.host", "http.location", "http.header", "http.sha1"]
Match = Literal["usual", "full", "prefix", "contains", "regexp"]
Scope = Literal["national", "isp", "institution", "product", "transit", "context"]
Confidence = Literal["high", "medium", "low"]
Filtering = Literal["none", "security", "unknown"]
Protocol = Literal["tcp", "tls", "http", "https", "dot", "doh"]
Needed = Literal["all", "any", "no"]

# In rising order: comparing tiers is comparing places here.
RISKS: tuple[Risk, ...] = get_args(Risk)
EXPECTATIONS: tuple[Expectation, ...] = get_args(Expectation)


@dataclass(frozen=True, slots=True)
class Target:
    """One address to measure, and why.

    ``url``: its one spelling (see :mod:`gatewatch_targets.url`).
    ``category``: Citizen Lab category code.
    ``risk``: what a request for it may mean for the person who runs the probe (docs/targets.md).
    ``countries``: ISO 3166-1 codes it was chosen for and its risk was judged for; empty: not said.
    ``why``: why it is in the list.  ``source``: keys of data/sources.csv, or what a foreign list says.
    ``control``: interference is never expected here; a control that fails speaks against the line.
    ``expectation``: what is known before measuring: ``reachable`` (controls), ``blocked`` (documented in one
    of its countries), ``dead`` (gone everywhere, or soon: no block), ``differential`` (to be compared with
    its counterparts), ``unknown``.

    Raises ValueError when a field is not of its vocabulary.
    """

    url: str
    category: str = "MISC"
    risk: Risk = "medium"
    countries: tuple[str, ...] = ()
    why: str = ""
    source: str = ""
    control: bool = False
    expectation: Expectation = "unknown"

    def __post_init__(self) -> None:
        object.__setattr__(self, "url", parse(self.url).text)
        if self.risk not in RISKS:
            raise ValueError(f"risk: {quote(self.risk)} is not one of {', '.join(RISKS)}")
        if self.expectation not in EXPECTATIONS:
            raise ValueError(
                f"expectation: {quote(self.expectation)} is not one of {', '.join(EXPECTATIONS)}"
            )
        for country in self.countries:
            if not COUNTRY.fullmatch(country):
                raise ValueError(f"countries: {quote(country)} is not a two-letter country code")

    @property
    def parts(self) -> Url:
        """The address taken apart."""
        return parse(self.url)

    @property
    def scheme(self) -> str:
        """``http`` or ``https``."""
        return self.parts.scheme

    @property
    def host(self) -> str:
        """The host as A-label (IDNA), lower case; an IP address without brackets."""
        return self.parts.host

    @property
    def port(self) -> int:
        """The TCP port, the scheme's own where the address names none."""
        return self.parts.port

    @property
    def is_ip(self) -> bool:
        """Whether the host is an IP address, so that there is no name to resolve and no SNI."""
        return self.parts.is_ip


@dataclass(frozen=True, slots=True)
class Category:
    """A Citizen Lab category code: ``title`` in our words, and the risk of an entry that names none.

    ``high_in``: countries whose law makes the whole category high, whatever the default says.
    """

    code: str
    title: str
    risk: Risk
    high_in: tuple[str, ...]


@lru_cache(maxsize=64)
def _blocks(texts: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(map(ip_network, texts))


@dataclass(frozen=True, slots=True)
class Resolver:
    """A public DNS resolver.

    ``ipv4`` and ``ipv6``: its service addresses.  ``do53``: whether they answer plain DNS on port 53.
    ``dot``: the name to verify on port 853, or empty.  ``doh``: URL for RFC 8484, or empty.
    ``filtering``: ``security`` means that it lies about dangerous names by policy of its own.
    ``asn`` (0: not known) and ``egress``: the network and the prefixes that its own questions come from.
    ``identity``: pattern of its answer to ``id.server`` CHAOS TXT; empty where it gives or we know none.
    """

    name: str
    ipv4: tuple[str, ...]
    ipv6: tuple[str, ...]
    do53: bool
    dot: str
    doh: str
    filtering: Filtering
    asn: int
    identity: str
    egress: tuple[str, ...]
    source: str
    note: str

    def asks_from(self, address: str) -> bool | None:
        """Whether its questions come from such an address; None where its prefixes are not known."""
        blocks = _blocks(self.egress)
        try:
            asker = ip_address(address)
        except ValueError:
            return None
        known = [block for block in blocks if block.version == asker.version]
        return any(asker in block for block in known) if known else None

    def calls_itself(self, text: str) -> bool | None:
        """Whether it is known to call itself so; None where its name is not known."""
        return re.fullmatch(self.identity, text) is not None if self.identity else None


@dataclass(frozen=True, slots=True)
class Network:
    """An autonomous system.

    ``country``: the operator's home.  ``certain``: false where sources are weak or differ.
    """

    asn: int
    country: str
    name: str
    certain: bool
    source: str
    note: str


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A sign of a block page or of a forged answer, or (``false_positive``) of something that looks like one.

    ``where`` and ``pattern``: see :meth:`matches`.  ``countries``: where it was seen; empty: anywhere.
    ``confidence``: that a match is what ``scope`` says, in the note's circumstances.
    ``first_seen`` and ``last_seen``: years in which it was told of, or empty; block pages change.
    ``match``: how the pattern is compared; ``usual`` is what :meth:`matches` says of ``where``.
    ``header``: name of the one header that the pattern is about, in lower case, or empty.
    ``origin``: who tells of it: gatewatch, or the kind of list that it was read from (ooni, cp).
    """

    id: str
    countries: tuple[str, ...]
    where: Where
    pattern: str
    scope: Scope
    confidence: Confidence
    false_positive: bool
    source: str
    note: str
    first_seen: str = ""
    last_seen: str = ""
    match: Match = "usual"
    header: str = ""
    origin: str = "gatewatch"

    @property
    def segments(self) -> tuple[str, ...]:
        """The texts that stand in what matches, in this order; a regexp's gaps lie between them."""
        return (
            tuple(part for part in _GAP.split(self.pattern) if part)
            if self.match == "regexp"
            else (self.pattern,)
        )

    def matches(self, value: str) -> bool:
        """Whether ``value``, the thing named by ``where``, bears this sign.

        ``dns.a`` (an address), ``http.title`` (text of the title element), ``http.host`` (host of the final
        address) and ``http.sha1`` (of the body, in hex) must be equal, ``http.location`` (of a redirect) must
        start with the pattern up to a boundary, ``http.body`` and ``http.header`` (one ``Name: value`` line,
        or the value where ``header`` names one) must contain it.
        """
        if self.match == "regexp":
            return ordered(self.segments, value)
        if self.match == "prefix":
            return value.startswith(self.pattern)
        if self.match == "contains" or (self.match == "usual" and self.where in ("http.body", "http.header")):
            return self.pattern in value
        if self.match == "usual" and self.where == "http.location":
            rest = value.removeprefix(self.pattern)
            return value.startswith(self.pattern) and (not rest or rest[0] in "/:?#")
        return value.strip().lower() == self.pattern.lower()


# Stands in a pattern for "any text": no file may hold it, since control characters are refused.
GAP = "\x00"
_GAP = re.compile(GAP)


def ordered(segments: tuple[str, ...], text: str) -> bool:
    """Whether the segments stand in the text one after another: linear in its length, whatever they are."""
    place = 0
    for segment in segments:
        place = text.find(segment, place)
        if place < 0:
            return False
        place += len(segment)
    return bool(segments)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One server that an app goes to, and what a probe does there.

    ``role``: what the app needs it for; all rows of one role stand for one another.
    ``address``: ``host:port``, or for http, https and doh the URL.
    ``protocol``: ``tcp`` (a connection), ``tls`` and ``dot`` (a handshake), ``http`` (a POST without a body,
    which is what a data centre of Telegram answers), ``https`` (a GET), ``doh`` (a question to a resolver).
    ``needed``: ``all`` (each endpoint of the role), ``any`` (one of them is enough), ``no`` (told, but the
    app works without).
    ``issuer``: words in the certificates of an authority that no system trusts, such as Signal's own.
    """

    role: str
    address: str
    protocol: Protocol
    needed: Needed
    issuer: str
    source: str
    note: str

    @property
    def url(self) -> str:
        """The endpoint as an address that the steps of a probe understand."""
        if "://" in self.address:
            return self.address
        return f"{'http' if self.protocol == 'tcp' else 'https'}://{self.address}/"


@dataclass(frozen=True, slots=True)
class App:
    """An app or a way around, by its endpoints; ``url`` is the address of the target that stands for it.

    ``test``: the test_name of its measurements: OONI's where the meaning is the same, else ``app``.
    ``independent``: its roles are services of several makers, each for itself.
    """

    id: str
    title: str
    url: str
    test: str
    endpoints: tuple[Endpoint, ...]
    independent: bool = False

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles in the table's order."""
        return tuple(dict.fromkeys(endpoint.role for endpoint in self.endpoints))


@dataclass(frozen=True, slots=True)
class Helper:
    """A test helper that speaks OONI's protocol: the control vantage outside the country."""

    url: str
    source: str


@dataclass(frozen=True, slots=True)
class Beacon:
    """A page for connectivity checks, whose whole answer is known: any other is a captive portal or worse.

    ``body`` is compared without surrounding white space.
    """

    url: str
    status: int
    body: str
    source: str


@dataclass(frozen=True, slots=True)
class Source:
    """Where a fact comes from: the ``key`` used in the tables, what it is, and its address or nothing."""

    key: str
    title: str
    url: str
