"""Addresses the lab shares with the real internet: public resolvers, OONI's test helpers, beacons."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlsplit

from gatewatch.lab.country.sites import is_literal
from gatewatch_targets import apps, beacons, control_names, helpers, resolvers


class PublicResolver(NamedTuple):
    """A public resolver: addresses (IPv4 first), names on its certificate, whether it answers on port 53."""

    addresses: tuple[str, ...]
    names: tuple[str, ...]
    do53: bool


# Resolvers that our table knows by name only, with the addresses their names had in 2024.
_BY_NAME = {
    "mozilla.cloudflare-dns.com": ("172.64.41.4", "162.159.61.4"),
    "dns.switch.ch": ("130.59.31.248", "130.59.31.251"),
}


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def _public_resolvers() -> tuple[PublicResolver, ...]:
    found = []
    for resolver in resolvers():
        names = tuple(
            dict.fromkeys(n for n in (resolver.dot, _host(resolver.doh)) if n and not is_literal(n))
        )
        addresses = resolver.ipv4 or next(_BY_NAME[name] for name in names if name in _BY_NAME)
        found.append(PublicResolver(addresses + resolver.ipv6, names, resolver.do53))
    return tuple(found)


RESOLVERS = _public_resolvers()

# The IPv4 addresses that OONI's own emulated network gives its helpers (probe-cli
# internal/netemx/address.go); the IPv6 ones are the lab's, in blocks of the same networks.
HELPERS = {
    "0.th.ooni.org": ("68.183.70.80", "2604:a880:4:1d0::3a1:5000"),
    "1.th.ooni.org": ("137.184.235.44", "2604:a880:4:1d0::3a1:6000"),
    "2.th.ooni.org": ("178.62.195.24", "2a03:b0c0:1:d0::b61:7000"),
    "3.th.ooni.org": ("209.97.183.73", "2a03:b0c0:1:d0::b61:8000"),
    "d33d1gs9kpq1c5.cloudfront.net": ("52.85.15.84", "2600:9000:20ed:1600:6:f4a0:6340:93a1"),
}

# Pages whose whole answer is known, by host and path, with status and body.
BEACONS = {
    (_host(beacon.url), urlsplit(beacon.url).path): (beacon.status, beacon.body) for beacon in beacons()
}

# Names that tell their asker where its resolver's questions come from.
WHOAMI = frozenset({"whoami.v4.powerdns.org", "whoami.akamai.net", "o-o.myaddr.l.google.com"})

# What apps need is there in every country; only a box that names it takes it away.
APPS = frozenset(_host(endpoint.url) for app in apps().values() for endpoint in app.endpoints)

# What measuring itself needs; a share that hit these would test our manners and not our verdicts.
INFRASTRUCTURE = frozenset(
    {
        *WHOAMI,
        "pagead2.googlesyndication.com",  # asked to see if a resolver leaves out advertisers
        *HELPERS,
        *control_names(),
        *(address for addresses in HELPERS.values() for address in addresses),
        *APPS,
        *(_host(helper.url) for helper in helpers()),
        *(host for host, _ in BEACONS),
        *(text for resolver in RESOLVERS for text in (*resolver.names, *resolver.addresses)),
    }
)
