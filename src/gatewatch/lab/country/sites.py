"""What the web truly serves: which names live, on how many addresses, and which URLs redirect.

Pure functions of the scenario's text, shared by the servers, who serve it, and the truth, which foretells
it.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase
from urllib.parse import urlsplit

from gatewatch.lab.country.host import Host
from gatewatch.lab.country.parts import unregistered
from gatewatch.lab.country.scenario import Scenario, covers, fraction

# Reserved by RFC 2606 and RFC 6761: no resolver on the public internet knows a name under these.
_RESERVED = frozenset({"test", "invalid", "example", "localhost", "local", "onion", "internal"})
# Below 1024 only the web's own ports listen; above, any port does, since lists hold sites on many odd ports.
_WEB_PORTS = (80, 443)


class State(Enum):
    """What a host name truly is, for anybody."""

    LIVE = "live"
    DEAD = "dead"  # no such name
    REFUSED = "refused"  # resolves; every connection is refused
    VANISHED = "vanished"  # resolves; packets to it vanish


_DOWN = {"refused": State.REFUSED, "vanished": State.VANISHED}
# Where a /redirect/N leads next.
_CHAIN = re.compile(r"/redirect/(\d{1,3})\Z")


@dataclass(frozen=True, slots=True)
class Url:
    """A URL split for serving: ``host`` in lower-case A-labels, ``target`` the path and query."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def literal(self) -> bool:
        """Whether the host is an address, which needs no DNS and sends no SNI."""
        return is_literal(self.host)


def is_literal(host: str) -> bool:
    """Say whether a host is written as an address."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def split(url: str) -> Url:
    """Split an http or https URL; raises ValueError for anything else."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{url!r} is not an http or https URL")
    host = parts.hostname
    if not host.isascii():
        host = host.encode("idna").decode("ascii")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Url(parts.scheme, host.rstrip("."), port, target)


def join(scheme: str, host: str, target: str) -> str:
    """Write a URL on the scheme's own port."""
    return f"{scheme}://{host}{target}"


def listens(port: int, host: Host | None = None) -> bool:
    """Say whether a site listens on a port (either protocol is spoken on any of them)."""
    if host is not None and host.ports:
        return port in host.ports
    return port in _WEB_PORTS or port >= 1024


def state(scenario: Scenario, host: str) -> State:
    """Give a host's true state; lists come before shares, and reserved or single-label names are dead."""
    sites = scenario.sites
    pinned = scenario.host(host)
    if pinned is not None:
        return State.DEAD if pinned.absent else _DOWN.get(pinned.down, State.LIVE)
    if is_literal(host):
        return State.VANISHED if host in sites.vanished else State.LIVE
    if "." not in host or host.rpartition(".")[2] in _RESERVED or covers(sites.dead, host):
        return State.DEAD
    if unregistered(host):
        return State.DEAD
    if covers(sites.refused, host):
        return State.REFUSED
    if covers(sites.vanished, host) or any(fnmatchcase(host, p) for p in sites.vanished_patterns):
        return State.VANISHED
    if covers(sites.spare, host):
        return State.LIVE
    place = fraction(sites.seed, host)
    for share, outcome in (
        (sites.dead_share, State.DEAD),
        (sites.refused_share, State.REFUSED),
        (sites.vanished_share, State.VANISHED),
    ):
        if place < share:
            return outcome
        place -= share
    return State.LIVE


def redirect(scenario: Scenario, url: Url) -> str | None:
    """Give the URL a site redirects to, or None when it answers with its page."""
    pinned = scenario.host(url.host)
    if pinned is not None:
        return _pinned_redirect(pinned, url)
    sites = scenario.sites
    # A redirect keeps to the default ports; sites on odd ports and bare addresses have nowhere else to go.
    if url.literal or url.port != (443 if url.scheme == "https" else 80):
        return None
    spare = covers(sites.spare, url.host)
    if url.scheme == "http":
        share = 0.0 if spare else sites.https_redirect_share
        if covers(sites.https_redirect, url.host) or fraction(f"{sites.seed}-https", url.host) < share:
            return join("https", url.host, url.target)
    if (
        url.target == "/"
        and not spare
        and fraction(f"{sites.seed}-path", url.host) < sites.path_redirect_share
    ):
        return join(url.scheme, url.host, "/en/")
    return None


def _pinned_redirect(host: Host, url: Url) -> str | None:
    for rule in host.redirects:
        if rule.path == url.target:
            return rule.to
    left = _CHAIN.match(url.target) if host.redirect_chain else None
    if left is None or left[1] == "0":
        return None
    return join(url.scheme, url.host, f"/redirect/{int(left[1]) - 1}" if int(left[1]) > 1 else "/")


def speaks_quic(scenario: Scenario, host: str) -> bool:
    """Say whether a site also answers HTTP/3, and says so over HTTPS (RFC 7838, RFC 9114 3.1.1)."""
    sites = scenario.sites
    share = 0.0 if covers(sites.spare, host) else sites.quic_share
    return covers(sites.quic, host) or fraction(f"{sites.seed}-quic", host) < share


def neighbours(scenario: Scenario, host: str) -> tuple[str, ...]:
    """Give every name that is listed on the same address as this one, itself included."""
    pinned = scenario.host(host)
    if pinned is not None:
        mine = set(pinned.everywhere)
        if not mine:
            return pinned.names
        return tuple(name for other in scenario.hosts if mine & set(other.everywhere) for name in other.names)
    return next((group for group in scenario.sites.shared if host in group), (host,))


def is_domestic(scenario: Scenario, host: str) -> bool:
    """Say whether a site is hosted inside the scenario's country: its own top-level domain, or listed so."""
    return host.endswith(f".{scenario.country.lower()}") or covers(scenario.sites.domestic, host)
