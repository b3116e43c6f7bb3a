"""What the analysis must find for a URL on an ISP, read from the scenario's text alone.

The engine and the servers are not asked: a verdict is right only when it agrees with what the scenario says,
so a bug in the emulation shows up as disagreement too.  A URL is followed the way a browser goes: name,
address, TLS, HTTP, and on to where a redirect points.  The first interference on that way is the verdict.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from ipaddress import ip_address, ip_network

from gatewatch.lab.country.parts import ENDPOINTS
from gatewatch.lab.country.scenario import Box, Isp, Scenario, covers
from gatewatch.lab.country.sites import (
    State,
    Url,
    is_domestic,
    is_literal,
    listens,
    neighbours,
    redirect,
    split,
    state,
)
from gatewatch.lab.country.traps import down
from gatewatch.lab.servers.known import HELPERS, RESOLVERS
from gatewatch.net.address import is_bogon

# A name that is dead for everybody can still be lied about.  That is visible only where the lie is an address
# that nobody else is given.
_ANSWERS = ("bogon", "redirect")
_INCONCLUSIVE = re.compile(r"inconclusive\((\w+)\)")
_MAX_REDIRECTS = 10
# How long a pinned site's certificate still lives (gatewatch.lab.servers.tls), in seconds.
_LEFT = 60 * 86_400


@dataclass(frozen=True, slots=True)
class Truth:
    """The verdict to be found: ``status`` is ok, down, server_side, blocked or inconclusive.

    ``method`` is the layer.method of what is blocked, and the reason of what is inconclusive.
    """

    status: str
    method: str | None = None
    reason: str = ""

    @property
    def label(self) -> str:
        """The verdict as one word, such as `blocked(dns.nxdomain)`."""
        return f"{self.status}({self.method})" if self.method else self.status


def _addresses(scenario: Scenario, host: str) -> tuple[str, ...]:
    """The addresses that a host is known to have; all others are the emulation's choice."""
    if is_literal(host):
        return (host,)
    pinned = scenario.host(host)
    if pinned is not None and pinned.addresses:
        return pinned.addresses
    public = next((resolver.addresses for resolver in RESOLVERS if host in resolver.names), None)
    return HELPERS.get(host, ()) if public is None else public


def _acts(scenario: Scenario, box: Box, url: Url, names: tuple[str, ...], *, six: bool) -> bool:
    """Whether a box acts on this request, whose server has these names; ``six``: IPv6 would go past it."""
    if box.verdict == "ok" or (box.watched and url.port not in box.watched):
        return False
    if box.addresses:
        blocks = [ip_network(block) for block in box.addresses]
        known = [ip_address(a) for a in _addresses(scenario, url.host) if six or ":" not in a]
        if not known or not all(any(address in block for block in blocks) for address in known):
            return False
    if not box.chooses:
        return box.kind in ENDPOINTS
    return any(box.matches(name) for name in names) and (box.layer != "http" or box.reaches(url.target))


def _first(
    scenario: Scenario,
    boxes: tuple[Box, ...],
    layer: str,
    url: Url,
    names: tuple[str, ...] = (),
    *,
    six: bool = True,
) -> Box | None:
    """The box nearest to the client that acts in this layer on this request."""
    acting = [
        box
        for box in boxes
        if box.layer == layer and _acts(scenario, box, url, names or (url.host,), six=six)
    ]
    return min(acting, key=lambda box: box.hop, default=None)


def _named(boxes: tuple[Box, ...], host: str) -> Box | None:
    """The box nearest to the client that acts on the look-up of a name."""
    acting = [box for box in boxes if box.layer == "dns" and box.matches(host)]
    return min(acting, key=lambda box: box.hop, default=None)


def _met(scenario: Scenario, isp: Isp, host: str) -> tuple[Box, ...]:
    """The boxes on the way to a host: a route may leave the ISP's path before some of them.

    Those of DNS stay: whoever is asked, it is not the site.
    """
    if not any(route.hops for route in scenario.routes):
        return isp.boxes
    inside = [
        str(ip_network(prefix)[1])
        for network in scenario.networks
        if network.hosting and network.country == scenario.country
        for prefix in network.prefixes
    ]
    known = _addresses(scenario, host) or (inside if is_domestic(scenario, host) else ())
    reaches = [scenario.route_for(isp, address).boxed for address in known]
    reach = max(reaches) if reaches and all(reaches) else 0
    return tuple(box for box in isp.boxes if box.layer == "dns" or not reach or box.hop <= reach)


def _portal(boxes: tuple[Box, ...], url: Url) -> Truth | None:
    """What a portal in front of everything leaves to be told: no control can be asked."""
    box = next((box for box in boxes if box.layer == "line"), None)
    if box is None:
        return None
    if url.scheme == "http" and url.port in box.watched and box.location:
        return _blocked(box, url)
    return Truth("inconclusive", "no_control", f"{box.kind} at hop {box.hop} hides the control")


def _blocked(box: Box, url: Url) -> Truth:
    reason = f"{box.kind} at hop {box.hop} acts on {url.host}"
    unclear = _INCONCLUSIVE.fullmatch(box.verdict)
    return Truth("inconclusive", unclear[1], reason) if unclear else Truth("blocked", box.verdict, reason)


def _lied(scenario: Scenario, box: Box, url: Url) -> Truth:
    """A lie about a name: interference, or less where it leads to somebody who passes everything on."""
    pinned = scenario.host(url.host)
    if box.method == "redirect" and pinned is not None and box.address in pinned.also_at:
        return Truth("tampered", "dns.proxied", f"{box.kind} at hop {box.hop} leads through {box.address}")
    return _blocked(box, url)


def _only6(scenario: Scenario, host: str) -> bool:
    """Whether a host has IPv6 addresses and no others."""
    known = _addresses(scenario, host)
    return all(":" in address for address in known) if known else covers(scenario.sites.ipv6_only, host)


def _step(scenario: Scenario, boxes: tuple[Box, ...], url: Url, *, six: bool) -> Truth | None:
    """The verdict for one request of the chain, or None where it gets its response; ``six``: IPv6 works."""
    site = state(scenario, url.host)
    if not url.literal:
        box = _named(boxes, url.host)
        if site is State.DEAD:
            if box is not None and box.method in _ANSWERS:
                return _blocked(box, url)
            return Truth("down", reason=f"{url.host} has no address anywhere")
        # A line without IPv6 asks for A records only: of an IPv6-only name nobody but a control knows better.
        hidden = not six and _only6(scenario, url.host) and not _controlled(scenario, boxes)
        if box is not None and box.method not in _ANSWERS and hidden:
            return Truth("inconclusive", "no_control", f"nobody else can be asked about {url.host}")
        if box is not None:
            return _lied(scenario, box, url)
    pinned = scenario.host(url.host)
    if pinned is not None and down(pinned.trap, url.scheme):
        return Truth("down", reason=f"{url.host} is a trap for everybody: {pinned.trap}")
    if pinned is not None and pinned.addresses and all(is_bogon(a) for a in pinned.addresses):
        return Truth("down", reason=f"{url.host} itself points to {', '.join(pinned.addresses)}")
    if not six and _only6(scenario, url.host):
        return Truth("inconclusive", "no_ipv6", f"{url.host} has IPv6 addresses only, and this line no IPv6")
    if site is not State.LIVE or not listens(url.port, pinned):
        return Truth("down", reason=f"{url.host}:{url.port} is {site.value} for everybody")
    # A box that acts on addresses hits everybody who shares one.
    box = _first(scenario, boxes, "tcp", url, neighbours(scenario, url.host), six=six)
    if box is None and url.scheme == "https" and not url.literal:  # clients send no SNI for an address
        box = _first(scenario, boxes, "tls", url, six=six)
    if box is None and url.scheme == "http":
        box = _first(scenario, boxes, "http", url, six=six)
    if box is not None:
        return _blocked(box, url)
    if pinned is not None and url.scheme == "https" and pinned.certificate != "ok":
        return Truth("down", reason=f"{url.host} shows everybody a certificate that is {pinned.certificate}")
    if pinned is not None and url.scheme == "https" and abs(scenario.client.clock_offset_s) > _LEFT:
        return Truth("inconclusive", "wrong_clock", f"{url.host}'s certificate is out of date by our clock")
    if pinned is not None and pinned.domestic.startswith("broken-") and url.scheme == "http":
        # Over plain http it may be the server's doing or somebody's on the way.
        return Truth("inconclusive", "odd_redirect", f"{url.host} sends the country to no host at all")
    if pinned is not None and pinned.domestic != "ok":
        return Truth("server_side", reason=f"{url.host} itself answers the country with {pinned.domestic}")
    # What only slows lets a page through, unless the scenario says that it comes too late.
    box = _first(scenario, boxes, "pace", url, (url.host,))
    return _blocked(box, url) if box is not None and box.truth.startswith("inconclusive(") else None


def truth(scenario: Scenario, isp_id: str, url: str) -> Truth:
    """Give the verdict that must be found for a URL on an ISP.

    Raises KeyError for an unknown ISP and ValueError for what is no http or https URL.
    """
    isp = scenario.isp(isp_id)
    six = isp.ipv6 == "works"
    place: str | None = url
    for _ in range(_MAX_REDIRECTS):
        assert place is not None
        current = split(place)
        boxes = _met(scenario, isp, current.host)
        found = _portal(boxes, current) or _step(scenario, boxes, current, six=six)
        if found is not None:
            return found
        place = redirect(scenario, current)
        if place is None:
            return _fetched(scenario, boxes, current, six=six)
    return Truth("down", reason="its redirects never end")


def _fetched(scenario: Scenario, boxes: tuple[Box, ...], url: Url, *, six: bool) -> Truth:
    """The verdict where the last step gets its page: without any control plain http proves nothing.

    Unless the site itself does: the same page over https at the same address is a control of its own.
    """
    untouched = Truth("ok", reason="nothing on this path acts on it")
    secure = replace(url, scheme="https", port=443)
    if url.scheme == "https" or _controlled(scenario, boxes) or not _step(scenario, boxes, secure, six=six):
        return untouched
    return Truth("inconclusive", "no_control", "no helper answers, and the site is cut off over https")


def _controlled(scenario: Scenario, boxes: tuple[Box, ...]) -> bool:
    """Whether any helper answers this client."""
    if scenario.helpers not in ("up", "slow"):
        return False
    cutting = [box for box in boxes if box.layer == "tls" and (not box.watched or 443 in box.watched)]
    return not all(any(box.matches(name) for box in cutting) for name in HELPERS)
