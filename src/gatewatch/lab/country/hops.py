"""The road of a scenario: routers with their habits, and the routes that are made of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Hop:
    """A router: its address, one-way delay from the client in ms, whether it stays silent; and its habits.

    Everything below ``silent`` is a habit that a traceroute meets: see docs/lab.md.
    """

    address: str
    ms: float
    silent: bool = False
    address6: str = ""  # empty: it forwards IPv6, but answers none
    # Routers beside it: the one before shares flows out among all of them by a hash of the five-tuple.
    parallel: tuple[str, ...] = ()
    parallel6: tuple[str, ...] = ()
    balancer: str = ""  # hops with the same one choose alike: a diamond of several hops; empty: by itself
    labels: tuple[int, ...] = ()  # the MPLS labels that packets carry here, outermost first (RFC 4950)
    full_quote: bool = False  # IPv4 errors quote as much as fits 576 bytes and not the first 28
    icmp_per_s: float = 0.0  # errors a second at most; 0: no limit
    icmp_burst: int = 1  # errors that it may send at once when it has been quiet
    icmp_ms: float = 0.0  # how long it takes to write an error, beside the way
    icmp_ttl: int = 255  # the TTL that its errors start with
    back: int = -1  # routers that what comes from here meets on its way back; -1: as many as on the way here
    mtu: int = 0  # the largest packet, in bytes, that the link behind it takes; 0: Ethernet's 1,500

    def of(self, six: bool) -> tuple[str, ...]:
        """Give its address and those beside it in one family, "" where it has none."""
        return (self.address6, *self.parallel6) if six else (self.address, *self.parallel)


@dataclass(frozen=True, slots=True)
class Route:
    """The way from an ISP's network to some destinations.

    ``prefixes`` hold CIDR blocks, two-letter countries (all their networks), `AS` numbers, or "default";
    ``isps`` limits the route to some ISPs (empty: all).  It leaves the ISP's path behind its last router, the
    border, or behind the first ``hops`` of them: traffic to other domestic networks need not pass the border.
    Delays of ``path`` and ``server_ms`` count one way from there, in ms; ``back`` is the number of routers
    between server and client on the way back.
    """

    name: str
    prefixes: tuple[str, ...]
    server_ms: float
    path: tuple[Hop, ...] = ()
    isps: tuple[str, ...] = ()
    back: int = -1  # -1: as many as on the way there
    hops: int = 0  # how many of the ISP's routers come before it, and no box behind them is met; 0: all

    def joined(self, own: tuple[Hop, ...]) -> Path:
        """Give the whole way for an ISP with these routers."""
        own = own[: self.hops] if self.hops else own
        leaves = own[-1].ms
        tail = tuple(replace(hop, ms=leaves + hop.ms) for hop in self.path)
        return Path(own + tail, leaves + self.server_ms, self.back, self.hops)


class Path(NamedTuple):
    """Every router from client to server, the one-way delay in ms, how many routers are on the way back.

    ``boxed``: the last hop at which an ISP's boxes are met, where the way leaves its path early; 0: no limit.
    """

    hops: tuple[Hop, ...]
    server_ms: float
    back: int = -1
    boxed: int = 0
