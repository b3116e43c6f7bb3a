"""The parts of a scenario: hops, networks, boxes, ISPs, routes, sites, as they stand in its TOML file."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple
from zlib import crc32

from gatewatch.lab.country.hops import Hop, Path, Route

__all__ = [
    "ENDPOINTS",
    "KINDS",
    "Box",
    "DomainList",
    "Hop",
    "Isp",
    "Kind",
    "Network",
    "PageHost",
    "Path",
    "Route",
    "Sites",
    "bare",
    "covers",
    "fraction",
    "unregistered",
]


class Kind(NamedTuple):
    """A kind of middlebox: its layer, the ports it watches (() is every port), its usual truth."""

    layer: str
    ports: tuple[int, ...]
    truth: str


# The ports are part of the definition, so that box and truth agree on a URL such as http://host:8080/.
KINDS = {
    "dns-lie": Kind("dns", (53,), ""),
    "dns-drop": Kind("dns", (53,), "dns.timeout"),
    "dns-inject": Kind("dns", (53,), "dns.injected"),
    # Every question to port 53 goes to the ISP's resolver, which lies about some names.
    "dns-proxy": Kind("dns", (53,), ""),
    # The same over TCP, to stand beside it.
    "dns-proxy-tcp": Kind("dns", (53,), ""),
    # A resolver that its user chose, against advertisements.
    "dns-filter": Kind("dns", (53,), "inconclusive(own_filter)"),
    # A resolver that answers for names that do not exist; nothing that exists is touched.
    "dns-rewrite": Kind("dns", (53,), "down"),
    "tcp-drop": Kind("tcp", (), "tcp.timeout"),
    # Linux reports an RST that answers a SYN as ECONNREFUSED, not as ECONNRESET.
    "tcp-reset": Kind("tcp", (), "tcp.refused"),
    # The same for whole addresses and ports, whatever names live there, such as port 853 (DNS over TLS).
    "endpoint-drop": Kind("tcp", (), "tcp.timeout"),
    "endpoint-reset": Kind("tcp", (), "tcp.refused"),
    "udp-drop": Kind("quic", (), "quic.timeout"),
    "sni-reset": Kind("tls", (443,), "tls.reset"),
    "sni-drop": Kind("tls", (443,), "tls.timeout"),
    "sni-eof": Kind("tls", (443,), "tls.eof"),
    "tls-mitm": Kind("tls", (443,), "tls.mitm"),
    "http-blockpage": Kind("http", (80,), "http.blockpage"),
    "http-redirect": Kind("http", (80,), "http.blockpage"),
    "http-reset": Kind("http", (80,), "http.reset"),
    "http-eof": Kind("http", (80,), "http.eof"),
    "http-drop": Kind("http", (80,), "http.timeout"),
    # What is no blocking of a site: a portal in front of everything, proxies that pass everything on.
    "portal": Kind("line", (80,), "inconclusive(captive_portal)"),
    "http-proxy": Kind("http", (80,), "ok"),
    "sni-proxy": Kind("tls", (443,), "ok"),
    "quic-sni-drop": Kind("quic", (443,), "quic.timeout"),
    "quic-drop": Kind("quic", (443,), "quic.timeout"),
    # Slows and lets pass: a page load does not tell, the test of pace does.
    "throttle": Kind("pace", (80, 443), "throttled"),
    # What attacks whoever measures, and blocks nobody: answers that hurt, connections that dribble, ICMP.
    "dns-hostile": Kind("dns", (53,), "inconclusive(no_control)"),
    "tcp-hostile": Kind("tcp", (), "ok"),
    "icmp-flood": Kind("icmp", (), "ok"),
}
# Kinds that act on addresses and ports, and need no names.
ENDPOINTS = ("endpoint-drop", "endpoint-reset", "udp-drop", "tcp-hostile")
_LIES = {
    "": "ok",  # a proxy without orders
    "nxdomain": "dns.nxdomain",
    "empty": "dns.nxdomain",
    "bogon": "dns.bogon",
    "redirect": "dns.redirect",
    # An error is neither a lie nor silence, and honest resolvers have them, too.
    "servfail": "inconclusive(resolver_error)",
    "refused": "inconclusive(resolver_error)",
}
_BLOCK_PAGE = "This page is not available by order of the authorities."

# Twelve syllables under a top-level domain: 73 bits that nobody has registered
# (gatewatch_probes.names.habits).
_MADE_UP = re.compile(r"(?:[bdfgklmnprstvz][aeiou]){12}\.[a-z]+")


def bare(name: str) -> str:
    """Give a host name in lower case without a final dot or a leading `www.`, the form that shares hash."""
    return name.lower().rstrip(".").removeprefix("www.")


def fraction(salt: str, name: str) -> float:
    """Give a host its place in [0, 1), the same on every run and machine; `www.` makes no difference."""
    # Two rounds, since CRC-32 is linear: names that differ in the salt only would keep their distance.
    return crc32(b"%08x" % crc32(f"{salt}\0{bare(name)}".encode()), crc32(salt.encode())) / 2**32


def unregistered(name: str) -> bool:
    """Say whether a name is a random one, as probes make them up to see what becomes of such."""
    return _MADE_UP.fullmatch(name.lower().rstrip(".")) is not None


def covers(domains: frozenset[str], name: str) -> bool:
    """Say whether a name, in any letter case, equals or is a subdomain of one of the lower-case domains."""
    name = name.lower().rstrip(".")
    while name:
        if name in domains:
            return True
        name = name.partition(".")[2]
    return False


@dataclass(frozen=True, slots=True)
class DomainList:
    """Domains that several boxes block, such as one order that every ISP executes in its own way."""

    name: str
    domains: frozenset[str]


@dataclass(frozen=True, slots=True)
class Network:
    """One autonomous system of the address plan; ``hosting`` networks give sites their addresses."""

    asn: int
    name: str
    country: str
    prefixes: tuple[str, ...]
    hosting: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Box:
    """A middlebox at a hop of an ISP's path (1 is the first router).

    It acts on names covered by ``domains``, and on a ``share`` (0 to 1) of all other names, picked by hash
    with the ``salt``, so that any list meets it.  Loading fills ``spare``, the names that shares never touch.
    """

    kind: str
    hop: int
    domains: frozenset[str] = frozenset()
    lists: tuple[str, ...] = ()  # names of the scenario's [[list]] tables, whose domains join ``domains``
    share: float = 0.0
    salt: str = "box"
    # dns-*: nxdomain | empty | servfail | refused | bogon | redirect; quic-drop: "" or "version";
    # throttle: "" (by SNI or Host) or "address"; *-hostile, icmp-flood: docs/lab.md has them
    method: str = ""
    address: str = ""  # what bogon and redirect answer, and dns-rewrite
    lies: tuple[str, ...] = ()  # more such addresses, IPv6 for AAAA questions among them
    answers: int = 1  # dns-inject: how many answers to one question, each with another address
    resolvers: str = ""  # dns-*: "isp" or "all"; empty: all for dns-inject and dns-proxy, else isp
    in_path: bool = True  # False: on-path, the trigger packet goes on too
    branch: int = 0  # where its hop has routers beside each other: the one it stands at; 0: at all of them
    ports: tuple[int, ...] = ()  # the destination ports it watches; empty: the kind's own
    addresses: tuple[str, ...] = ()  # addresses and blocks it watches; empty: all
    copies_ttl: bool = False  # what it forges leaves with the TTL that the trigger had there
    # How what it forges looks, for telling boxes apart.
    initial_ttl: int = 64
    ip_id: str = "0"  # of IPv4: a number, LOW-HIGH for any of these, random, or counter: one more each time
    dont_fragment: bool = True
    flags: str = "RA"  # of its resets: R or RA
    window: int = 0  # of its resets
    copies: int = 1  # how many resets it sends at a time
    payload: str = ""  # what its resets carry, in hex
    residual: float = 0.0  # for so many seconds it treats alike whatever follows between the same ends
    residual_key: str = "3-tuple"  # the ends: 3-tuple (source, destination, its port) or 4-tuple
    residual_action: str = "drop"  # drop | reset
    # quic-sni-drop: seconds of silence after which it forgets a flow (Linux's conntrack for UDP: 30 s)
    forgets: float = 30.0
    title: str = "Blocked"  # of the page that http-blockpage, tls-mitm and portal show
    body: str = _BLOCK_PAGE  # its text, or all of it where it begins with "<"
    status: int = 200  # its status
    headers: tuple[str, ...] = ()  # more of its header lines, as "Name: value"
    copies_headers: bool = False  # http-blockpage: with every header of the server's own answer
    location: str = ""  # where http-redirect and portal lead; a portal without one shows its page everywhere
    literal: bool = False  # http-*: it knows only "Host: name" as browsers write it
    paths: tuple[str, ...] = ()  # http-*: how the paths of blocked pages begin; empty: the whole host
    kbps: float = 0.0  # throttle: the rate to the client, in 1,000 bits a second; 0: not limited
    up_kbps: float = 0.0  # and to the server
    burst: float = 16_000.0  # throttle: bytes that pass at once before the rate counts
    queue_ms: float = 0.0  # throttle: how long what exceeds the rate may wait; 0: it is dropped (a policer)
    loss: float = 0.0  # throttle: the share of packets that it loses on purpose
    delay_ms: float = 0.0  # throttle: by how much it delays each
    truth: str = ""  # what the analysis must find; empty: the kind's usual
    spare: frozenset[str] = frozenset()
    isps: tuple[str, ...] = ()  # of a [[box]] for several ISPs: whose path it stands on; empty: all

    @property
    def watched(self) -> tuple[int, ...]:
        """The destination ports this box watches; () is every port."""
        return self.ports or KINDS[self.kind].ports

    @property
    def chooses(self) -> bool:
        """Whether it acts on some names only, and not on whatever comes to its addresses and ports."""
        return bool(self.domains) or self.share > 0

    @property
    def layer(self) -> str:
        """The protocol layer it interferes with: dns, tcp, tls, http, quic, pace, or line: all of them."""
        return KINDS[self.kind].layer

    @property
    def verdict(self) -> str:
        """The layer.method that the analysis must find where this box acts first."""
        return self.truth or KINDS[self.kind].truth or _LIES[self.method]

    def reaches(self, target: str) -> bool:
        """Say whether the box acts on this page, given as a path with its query."""
        return not self.paths or target.startswith(self.paths)

    def matches(self, name: str) -> bool:
        """Say whether the box acts on this host name, in any letter case."""
        if self.domains and covers(self.domains, name):
            return True
        if not self.share or covers(self.spare, name) or unregistered(name):
            return False
        return fraction(self.salt, name) < self.share


@dataclass(frozen=True, slots=True)
class Client:
    """The machine that measures, where it is not as it should be."""

    #: How getaddrinfo words a failure: glibc's, or Android's, which knows one error for "no such name" and
    #: "no address" (bionic: EAI_NODATA; OONI QA dnsBlockingAndroidDNSCacheNoData).
    getaddrinfo: str = "glibc"
    #: Seconds that its clock is ahead of the world's.
    clock_offset_s: float = 0.0
    #: What its line's IPv6 is, in place of what its ISP says: none | works | broken.
    ipv6: str = ""
    #: Its line's rate to it, in 1,000 bits a second, in place of its ISP's; 0: the ISP's.
    down_kbps: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Isp:
    """An access network: the client's address, its resolver, its routers up to the border, its boxes.

    The resolver (and the ISP's other servers) stand behind the first ``local_hops`` routers.  ``loss`` and
    ``jitter_ms`` are the scenario's where they are not given; a rate of 0 is no limit.
    """

    id: str
    asn: int
    title: str
    client: str
    resolver: str
    path: tuple[Hop, ...]
    local_hops: int = 3
    source: str = ""
    client6: str = ""
    resolver6: str = ""  # the second resolver that the client is given
    # none | works | broken (an address and a default route, but every packet vanishes); empty: works where
    # there is a client6.
    ipv6: str = ""
    loss: float | None = None  # the share of packets lost between the ends, in each direction
    jitter_ms: float | None = None  # up to how much later a packet comes, evenly spread, in each direction
    down_kbps: float = 0.0  # the access line's rate to the client, in 1,000 bits a second
    up_kbps: float = 0.0
    queue_ms: float = 200.0  # what the access line's queue holds at its rate; more is dropped
    offline: bool = False  # nothing passes the line in either direction, though there is a route
    boxes: tuple[Box, ...] = field(default=(), metadata={"key": "box"})

    @property
    def routed6(self) -> str:
        """The client's IPv6 address where it has a default route, whatever comes of it; else empty."""
        return self.client6 if self.ipv6 in ("works", "broken") else ""

    @property
    def resolvers(self) -> tuple[str, ...]:
        """The resolvers that the client is given, in the order of its resolv.conf."""
        return (self.resolver, self.resolver6) if self.resolver6 and self.routed6 else (self.resolver,)


@dataclass(frozen=True, slots=True)
class PageHost:
    """An address that a DNS lie points to.

    ``http`` and ``https`` say what ports 80 and 443 do: serve the page, refused (RST), silent (accepts and
    never answers); "timeout" for both makes the whole address vanish.
    """

    address: str
    title: str = "Blocked"
    body: str = _BLOCK_PAGE
    http: str = "serve"
    https: str = "refused"


@dataclass(frozen=True, slots=True, eq=False)
class Sites:
    """The web as it truly is: lists name hosts with their subdomains, shares are of all other hosts."""

    dead: frozenset[str] = frozenset()  # no such name, for anybody
    dead_share: float = 0.0
    refused: frozenset[str] = frozenset()  # resolves, but the server answers RST, for everybody
    refused_share: float = 0.0
    vanished: frozenset[str] = frozenset()  # resolves, but packets to the server vanish, for everybody
    vanished_share: float = 0.0
    vanished_patterns: tuple[str, ...] = ()  # shell patterns of such names, for scheduler benchmarks
    https_redirect: frozenset[str] = frozenset()  # http answers with a redirect to https
    https_redirect_share: float = 0.0
    path_redirect_share: float = 0.0  # / answers with a redirect to /en/
    quic: frozenset[str] = frozenset()  # also answers HTTP/3, and says so (Alt-Svc)
    quic_share: float = 0.0
    twin_share: float = 0.0  # has two addresses
    domestic: frozenset[str] = frozenset()  # hosted inside the country, besides its own top-level domain
    shared: tuple[tuple[str, ...], ...] = ()  # each group of names lives on one address
    ipv6: frozenset[str] = frozenset()  # has an IPv6 address beside its IPv4 one
    ipv6_only: frozenset[str] = frozenset()  # has no other
    ipv6_share: float = 0.0
    spare: frozenset[str] = frozenset()  # never counted into a share, here or in a box
    seed: str = "sites"
