"""Names to addresses and back: every name gets its own public-looking address in a hosting network."""

from __future__ import annotations

import ipaddress
import socket
import struct
from collections.abc import Sequence
from functools import lru_cache
from typing import TypeVar

from gatewatch.lab.country.host import Host
from gatewatch.lab.country.scenario import Scenario, covers, fraction
from gatewatch.lab.country.sites import State, is_domestic, is_literal, neighbours, state
from gatewatch.lab.servers.known import HELPERS, RESOLVERS
from gatewatch.lab.servers.traps import PRIVATE

# Addresses that no honest public answer holds; the list OONI's probe calls bogons.
_BOGONS: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = tuple(
    ipaddress.ip_network(block)
    for block in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24"),
        *("203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
        *("::/127", "::ffff:0:0/96", "64:ff9b:1::/48", "100::/64", "2001:db8::/32", "fc00::/7", "fe80::/10"),
        "ff00::/8",
    )
)
_N = TypeVar("_N", ipaddress.IPv4Network, ipaddress.IPv6Network)


@lru_cache(maxsize=1 << 16)
def is_bogon(address: str) -> bool:
    """Say whether an address is private, reserved, documentation or multicast space."""
    number = ipaddress.ip_address(address)
    return any(number in block for block in _BOGONS)


class Addresses:
    """The lab's whole name system: allocation on first question, the same on every run.

    A name's place in the pool comes from its hash; two names that hash alike (about one pair in 2,000 names)
    take neighbouring addresses in the order they were asked for.
    """

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._forward: dict[str, tuple[str, ...]] = dict(PRIVATE)
        self._reverse: dict[str, list[str]] = {}
        self._pools = {domestic: self._pool(ipaddress.IPv4Network, domestic) for domestic in (False, True)}
        self._pools6 = {domestic: self._pool(ipaddress.IPv6Network, domestic) for domestic in (False, True)}
        self._taken = {host.address for host in scenario.pagehosts} | scenario.machines
        for resolver in RESOLVERS:
            for name in resolver.names:
                self._bind(name, resolver.addresses)
        for name, addresses in HELPERS.items():
            self._bind(name, addresses)
        # Geo-DNS: what resolvers abroad are told where that is something else.
        self._abroad: dict[str, tuple[str, ...]] = {}
        self._serving: dict[str, list[str]] = {}
        for host in scenario.hosts:
            self._pin(host)

    def _pool(self, kind: type[_N], domestic: bool) -> tuple[_N, ...]:
        """The hosting blocks of one family inside the country or outside."""
        scenario = self._scenario
        blocks = [
            ipaddress.ip_network(prefix)
            for network in scenario.networks
            if network.hosting and (network.country == scenario.country) is domestic
            for prefix in network.prefixes
        ]
        return tuple(block for block in blocks if isinstance(block, kind))

    def _pin(self, host: Host) -> None:
        mine = [name for name in host.names if self._scenario.host(name) is host]
        for name in mine if host.addresses else ():
            self._forward[name] = host.addresses
            for address in host.everywhere:
                self._reverse.setdefault(address, []).append(name)
                self._serving.setdefault(name, []).append(address)
        for name in mine if host.abroad or host.domestic_only else ():
            self._abroad[name] = host.abroad

    def _bind(self, name: str, addresses: tuple[str, ...]) -> tuple[str, ...]:
        self._forward[name] = addresses
        for address in addresses:
            self._reverse.setdefault(address, []).append(name)
        return addresses

    def _free(self, name: str, salt: str) -> str:
        """The first free address from the name's own place on."""
        pool = self._pools[is_domestic(self._scenario, name)]
        block = pool[int(fraction(f"{salt}-network", name) * len(pool))]
        size = block.num_addresses
        place = int(fraction(salt, name) * size)
        for step in range(size):
            packed = int(block.network_address) + (place + step) % size
            address = socket.inet_ntoa(struct.pack("!I", packed))
            # Last octets 0 and 255 look like networks and broadcasts; some clients refuse them.
            if 0 < packed % 256 < 255 and address not in self._reverse and address not in self._taken:
                return address
        raise RuntimeError(f"{block} is full; give scenario {self._scenario.name} more hosting prefixes")

    def _free6(self, name: str) -> str:
        """An IPv6 address from the name's own place: a network and a host of 32 bits in a hosting block."""
        pool = self._pools6[is_domestic(self._scenario, name)]
        block = pool[int(fraction("network6", name) * len(pool))]
        network = int(fraction("subnet6", name) * (1 << min(64 - block.prefixlen, 32)))
        host = int(fraction("address6", name) * (1 << 32))
        while True:
            number = int(block.network_address) | network << 64 | host
            address = str(ipaddress.IPv6Address(number))
            if host and address not in self._reverse and address not in self._taken:
                return address
            host = (host + 1) % (1 << 32)

    def has6(self, name: str) -> bool:
        """Say whether a name has an IPv6 address, as far as its place in the plan allows."""
        sites = self._scenario.sites
        if not self._pools6[is_domestic(self._scenario, name)]:
            return False
        if covers(sites.ipv6, name) or covers(sites.ipv6_only, name):
            return True
        return not covers(sites.spare, name) and fraction(f"{sites.seed}-ipv6", name) < sites.ipv6_share

    def of(self, name: str) -> tuple[str, ...]:
        """Give a name's true A and AAAA records in this order, () when there is no such name.

        A literal address is its own.
        """
        name = name.lower().rstrip(".")
        known = self._forward.get(name)
        if known is not None:
            return known
        if is_literal(name):
            return (name,)
        if state(self._scenario, name) is State.DEAD:
            return ()
        group = neighbours(self._scenario, name)
        if group[0] != name:
            return self._bind(name, self.of(group[0]))
        found = [self._free(name, "address")]
        self._reverse[found[0]] = []  # taken, so that the twin finds another
        if len(group) == 1 and fraction("twin", name) < self._scenario.sites.twin_share:
            found.append(self._free(name, "second address"))
        if self.has6(name):
            if covers(self._scenario.sites.ipv6_only, name):
                del self._reverse[found[0]]
                found.clear()
            found.append(self._free6(name))
        return self._bind(name, tuple(found))

    def abroad(self, name: str) -> tuple[str, ...]:
        """Give the records of a name that resolvers outside the country are told."""
        found = self._abroad.get(name.lower().rstrip("."))
        return self.of(name) if found is None else found

    def everywhere(self, name: str) -> Sequence[str]:
        """Give every address that serves a name, whoever is told it."""
        return self._serving.get(name.lower().rstrip(".")) or self.of(name)

    def names_at(self, address: str) -> tuple[str, ...]:
        """Give the names handed this address, first come first; the address itself when there are none."""
        return tuple(self._reverse.get(address, ())) or (address,)
