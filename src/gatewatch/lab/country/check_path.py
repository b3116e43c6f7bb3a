"""Whether the roads of a scenario make sense: addresses of the right family, delays, routers, lines."""

from __future__ import annotations

import ipaddress

from gatewatch.lab.country.decode import ScenarioError
from gatewatch.lab.country.scenario import Hop, Isp, Scenario

# RFC 8200 5: every link carries this much; RFC 791 would allow 68, but nobody runs such links.
_SMALLEST_MTU, _LARGEST_MTU = 1280, 1500
_LINES6 = ("none", "works", "broken")


def require(good: bool, where: str, why: str) -> None:
    """Complain, with the place, unless all is well."""
    if not good:
        raise ScenarioError(f"{where}: {why}")


def address(text: str, where: str, version: int = 4) -> None:
    """Complain about what is no address of this IP version."""
    try:
        good = ipaddress.ip_address(text).version == version
    except ValueError:
        good = False
    require(good, where, f"{text!r} is not an IPv{version} address")
    # Addresses are compared as text, so there must be one way to write them (RFC 5952).
    plain = str(ipaddress.ip_address(text))
    require(text == plain, where, f"{text!r}: write it as {plain}")


def any_address(text: str, where: str) -> None:
    """Complain about what is no address of either family."""
    address(text, where, 6 if ":" in text else 4)


def hops(path: tuple[Hop, ...], where: str) -> None:
    """Check the routers of an ISP or a route."""
    last = 0.0
    for i, hop in enumerate(path):
        place = f"{where}[{i}]"
        address(hop.address, f"{place}.address")
        if hop.address6:
            address(hop.address6, f"{place}.address6", 6)
        for j, other in enumerate(hop.parallel):
            address(other, f"{place}.parallel[{j}]")
        for j, other in enumerate(hop.parallel6):
            address(other, f"{place}.parallel6[{j}]", 6)
        require(hop.ms >= last, f"{place}.ms", f"{hop.ms} is less than the hop before")
        for j, label in enumerate(hop.labels):
            require(0 <= label < 1 << 20, f"{place}.labels[{j}]", f"{label} is no label of 20 bits")
        require(hop.icmp_per_s >= 0, f"{place}.icmp_per_s", "is less than nothing")
        require(hop.icmp_burst >= 1, f"{place}.icmp_burst", "must be at least 1")
        require(hop.icmp_ms >= 0, f"{place}.icmp_ms", "is less than nothing")
        require(1 <= hop.icmp_ttl <= 255, f"{place}.icmp_ttl", "is not between 1 and 255")
        back(hop.back, f"{place}.back")
        if hop.mtu:
            fits = _SMALLEST_MTU <= hop.mtu <= _LARGEST_MTU
            require(fits, f"{place}.mtu", f"is not between {_SMALLEST_MTU} and {_LARGEST_MTU}")
        last = hop.ms


def back(routers: int, where: str) -> None:
    """Check a number of routers on the way back."""
    require(-1 <= routers < 64, where, f"{routers} is not a number of routers, or -1")


def share(value: float, where: str) -> None:
    """Complain about what is no share of a whole."""
    require(0.0 <= value <= 1.0, where, f"{value} is not a share between 0 and 1")


def line(scenario: Scenario, isp: Isp, where: str) -> None:
    """Check an ISP's line: both families' addresses, loss, jitter, rates."""
    if isp.ipv6:
        listed = ", ".join(_LINES6)
        require(isp.ipv6 in _LINES6, f"{where}.ipv6", f"{isp.ipv6!r} is none of {listed}")
        require(isp.ipv6 == "none" or bool(isp.client6), f"{where}.client6", f"missing with {isp.ipv6} IPv6")
    for key, version in (("client", 4), ("resolver", 4), ("client6", 6), ("resolver6", 6)):
        text = getattr(isp, key)
        if not text and version == 6:
            continue
        address(text, f"{where}.{key}", version)
        network = scenario.network_of(text)
        own = network is not None and network.asn == isp.asn
        require(own, f"{where}.{key}", f"{text} is outside the networks of AS{isp.asn}")
    share(isp.loss or 0.0, f"{where}.loss")
    for key in ("down_kbps", "up_kbps", "queue_ms", "jitter_ms"):
        require((getattr(isp, key) or 0) >= 0, f"{where}.{key}", "is less than nothing")


def prefix(text: str, where: str) -> None:
    """Complain about what is no block of either family."""
    try:
        ipaddress.ip_network(text)
    except ValueError as error:
        raise ScenarioError(f"{where}: {error}") from None
