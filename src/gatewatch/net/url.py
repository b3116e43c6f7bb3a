"""URLs as they are requested: scheme, host, port and request target; and where a redirect leads."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urljoin

from gatewatch.net.address import is_address
from gatewatch_targets import url as spelling

# What a server should at least take (RFC 9110 4.1); redirects to a login carry that much.
LONGEST = 8000
_PORTS = {"http": 80, "https": 443}
# A scheme and an authority, RFC 3986 3.
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
# Second-level labels under which countries register names (com.kh, or.th, gov.np, edu.my).
_REGISTRIES = frozenset({"ac", "co", "com", "edu", "go", "gov", "in", "mil", "ne", "net", "or", "org"})


@dataclass(frozen=True, slots=True)
class Url:
    """One http or https URL; ``host`` is an A-label or an IP literal without brackets."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def netloc(self) -> str:
        """The Host header: port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.netloc}{self.target}"


def parse(text: str) -> Url:
    """Read an http or https URL, without its fragment; raises ValueError that says what is wrong with it."""
    known = spelling.parse(text.partition("#")[0].strip(), LONGEST)
    after = known.text.index("/", known.text.index("://") + 3)
    return Url(known.scheme, known.host, known.port, known.text[after:])


def redirected(url: Url, location: str) -> Url:
    """Give the URL that a Location header leads to; raises ValueError for one that leads nowhere."""
    # Servers write spaces as they are, and browsers follow them.
    location = location.strip().replace(" ", "%20")
    if _ABSOLUTE.match(location):
        # Not urljoin, to which "http://" is the page itself: it is broken, and a loop if followed.
        return parse(location)
    return parse(urljoin(str(url), location))


def registered(host: str) -> str:
    """Give the name plausibly registered for a host, without a suffix list; an address is its own."""
    if is_address(host):
        return host
    labels = host.rsplit(".", 3)
    deep = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _REGISTRIES
    return ".".join(labels[-3:] if deep else labels[-2:])
