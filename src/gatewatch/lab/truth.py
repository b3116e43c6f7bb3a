"""What the analysis must find for a URL on an ISP, read from the scenario's text alone.

The engine and the servers are not asked: a verdict is right only when it agrees with what the scenario says,
so a bug in the emulation shows up as disagreement too.  A URL is followed the way a browser goes: name,
address, TLS, HTTP, and on to where a redirect points.  The first interference on that way is the verdict.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from gatewatch.lab.scenario import Box, Scenario
from gatewatch.lab.sites import State, Url, listens, neighbours, redirect, split, state

# A name that is dead for everybody can still be lied about.  That is visible only where the lie is an address
# that nobody else is given.
_ANSWERS = ("bogon", "redirect")
_INCONCLUSIVE = re.compile(r"inconclusive\((\w+)\)")
_MAX_REDIRECTS = 10


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


def _first(boxes: tuple[Box, ...], layer: str, names: tuple[str, ...], port: int = 0) -> Box | None:
    """The box nearest to the client that acts in this layer on one of these names, on this port."""
    acting = [
        box
        for box in boxes
        if box.layer == layer
        and (not port or not box.watched or port in box.watched)
        and any(box.matches(name) for name in names)
    ]
    return min(acting, key=lambda box: box.hop, default=None)


def _blocked(box: Box, url: Url) -> Truth:
    reason = f"{box.kind} at hop {box.hop} acts on {url.host}"
    unclear = _INCONCLUSIVE.fullmatch(box.verdict)
    return Truth("inconclusive", unclear[1], reason) if unclear else Truth("blocked", box.verdict, reason)


def _step(scenario: Scenario, boxes: tuple[Box, ...], url: Url) -> Truth | None:
    """The verdict for one request of the chain, or None where it gets its response."""
    site = state(scenario, url.host)
    if not url.literal:
        box = _first(boxes, "dns", (url.host,))
        if site is State.DEAD:
            if box is not None and box.method in _ANSWERS:
                return _blocked(box, url)
            return Truth("down", reason=f"{url.host} has no address anywhere")
        if box is not None:
            return _blocked(box, url)
    pinned = scenario.host(url.host)
    if site is not State.LIVE or not listens(url.port, pinned):
        return Truth("down", reason=f"{url.host}:{url.port} is {site.value} for everybody")
    # A box that acts on addresses hits everybody who shares one.
    box = _first(boxes, "tcp", neighbours(scenario, url.host))
    if box is None and url.scheme == "https" and not url.literal:  # clients send no SNI for an address
        box = _first(boxes, "tls", (url.host,), url.port)
    if box is None and url.scheme == "http":
        box = _first(boxes, "http", (url.host,), url.port)
    if box is not None:
        return _blocked(box, url)
    if pinned is not None and url.scheme == "https" and pinned.certificate != "ok":
        return Truth("down", reason=f"{url.host} shows everybody a certificate that is {pinned.certificate}")
    if pinned is not None and pinned.domestic != "ok":
        return Truth("server_side", reason=f"{url.host} itself answers the country with {pinned.domestic}")
    return None


def truth(scenario: Scenario, isp_id: str, url: str) -> Truth:
    """Give the verdict that must be found for a URL on an ISP.

    Raises KeyError for an unknown ISP and ValueError for what is no http or https URL.
    """
    boxes = scenario.isp(isp_id).boxes
    place: str | None = url
    for _ in range(_MAX_REDIRECTS):
        assert place is not None
        current = split(place)
        found = _step(scenario, boxes, current)
        if found is not None:
            return found
        place = redirect(scenario, current)
        if place is None:
            return Truth("ok", reason="nothing on this path acts on it")
    return Truth("down", reason="its redirects never end")
