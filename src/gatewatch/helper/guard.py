"""Where the helper may connect to: public web servers, and nothing near itself.

Whoever asks chooses the destination, so the helper could be made to look into its own network (SSRF), to
scan ports, or to speak to services that take HTTP for their own language.  An address is looked at when it
is about to be connected to and not before, so that neither a redirect nor a name that resolves otherwise a
second time (DNS rebinding) leads elsewhere.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterable

# Addresses of public servers, IANA's registries of 2024: IPv4 by what Python calls global, IPv6 from the one
# block that is given out.  Within it: protocol assignments with Teredo (2001::/23), documentation
# (2001:db8::/32, 3fff::/20), 6to4 (2002::/16), which leads to whatever IPv4 address it holds, and the 6bone.
# NAT64 (64:ff9b::/96), IPv4-mapped and -compatible addresses lie outside it.
_GIVEN_OUT = ipaddress.IPv6Network("2000::/3")
_NOT_6 = tuple(
    ipaddress.IPv6Network(block)
    for block in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "3ffe::/16")
)
# Global by Python's table, and no public web server's: multicast, 6to4's relays, AS112's sinks, and the
# address at which a cloud's hosts serve their own guests (Microsoft, "What is IP address 168.63.129.16?";
# other clouds' lie in private blocks).
_NOT_4 = tuple(
    ipaddress.IPv4Network(block)
    for block in (
        "224.0.0.0/4",
        "192.88.99.0/24",
        "192.31.196.0/24",
        "192.175.48.0/24",
        "192.52.193.0/24",
        "168.63.129.16/32",
    )
)
# Below 1024 only the web's own.  Above, the bad ports of the WHATWG fetch standard (2.8, port blocking) ...
_WEB = frozenset({80, 443})
_BAD = frozenset({1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6679, 6697, 10080})
_BAD |= frozenset(range(6665, 6670))
# ... and services that no web site uses and every scanner asks for: databases, remote desktops, caches.
_SERVICES = frozenset(
    {1433, 1521, 2375, 2376, 3306, 3389, 5432, 5900, 5985, 5986, 6379, 9200, 9300, 11211, 27017}
)


def source_of(address: str) -> str | None:
    """Give the address that packets to ``address`` would come from, None without a route; sends nothing."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.connect((address, 9))
            return str(sock.getsockname()[0])
    except OSError:
        return None


class Guard:
    """Says what may be connected to.

    ``source_of`` is the routing table's view; ``own`` are this machine's addresses that it cannot know of,
    because a NAT in front has them.
    """

    def __init__(self, source_of: Callable[[str], str | None] = source_of, own: Iterable[str] = ()) -> None:
        self._source_of = source_of
        self._own = frozenset(ipaddress.ip_address(address) for address in own)

    def port(self, port: int) -> str | None:
        """Give why a port is refused, None when it is not."""
        if port in _WEB or (1024 <= port <= 65535 and port not in _BAD and port not in _SERVICES):
            return None
        return f"port {port} is no web site's"

    def address(self, address: str) -> str | None:
        """Give why an address is refused, None when it is not."""
        ip = ipaddress.ip_address(address)
        if isinstance(ip, ipaddress.IPv4Address):
            public = ip.is_global and not any(ip in block for block in _NOT_4)
        else:
            public = ip in _GIVEN_OUT and not any(ip in block for block in _NOT_6) and ip.scope_id is None
        if not public:
            return f"{address} is not a public address"
        # A packet to oneself is sent from oneself, whatever the interface: so are all own addresses found.
        if ip in self._own or self._source_of(address) == str(ip):
            return f"{address} is the helper itself"
        return None

    def refusal(self, address: str, port: int) -> str | None:
        """Give why an endpoint is refused, None when it is not."""
        return self.port(port) or self.address(address)

    def reachable(self, address: str) -> bool:
        """Tell whether this machine has a route to an address at all: many have no IPv6."""
        return self._source_of(address) is not None
