"""Addresses: families, bogons, and how an endpoint is written."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

# Addresses that no public name may resolve to: the special-purpose blocks of RFC 6890, as OONI lists them.
_BOGON4 = (
    "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 "
    "192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4"
)
_BOGON6 = "::/128 ::1/128 ::ffff:0:0/96 64:ff9b:1::/48 100::/64 2001:db8::/32 fc00::/7 fe80::/10 ff00::/8"
_NETWORKS: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...] = tuple(
    ipaddress.ip_network(text) for text in f"{_BOGON4} {_BOGON6}".split()
)


# How the addresses of these blocks begin: all others need no further look, whatever stands behind.
_FIRST4 = frozenset(str(n) for n in (0, 10, 100, 127, 169, 172, 192, 198, 203, *range(224, 256)))


def is_bogon(address: str) -> bool:
    """Tell whether an address can never be a public server's; False for what is no address."""
    if ":" in address:
        # 2000::/4 and 3000::/4, where all public addresses are, hold one such block, 2001:db8::/32.
        plain = address[0] in "23" and not address.startswith("2001:")
    else:
        plain = address.partition(".")[0] not in _FIRST4
    return not plain and _is_bogon(address)


@lru_cache(maxsize=8192)
def _is_bogon(address: str) -> bool:
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(ip in network for network in _NETWORKS if network.version == ip.version)


def is_address(host: str) -> bool:
    """Tell whether a host is an IP literal."""
    if ":" not in host and not host[-1:].isdigit():
        return False
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_ipv6(address: str) -> bool:
    """Tell the family of an IP literal."""
    return ":" in address


@lru_cache(maxsize=1024)
def endpoint(address: str, port: int) -> str:
    """Write ``address:port``, with brackets around IPv6."""
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
