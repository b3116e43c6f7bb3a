"""URLs as they are measured: scheme, host as an A-label, port, and the request target; and redirects."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, urljoin, urlsplit

import idna

from gatewatch.net.address import is_address

_PORTS = {"http": 80, "https": 443}
# What a request target may hold besides letters and digits (RFC 3986 2.2, 2.3), percent signs as they came.
_SAFE = "%/:?#[]@!$&'()*+,;=-._~"
_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")


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


def a_label(host: str) -> str:
    """Give a host name in the form that DNS and SNI use; raises ValueError for what is no host name."""
    host = host.rstrip(".").lower()
    if is_address(host):
        return host
    try:
        host = host if host.isascii() else idna.encode(host, uts46=True).decode("ascii")
    except idna.IDNAError as error:
        raise ValueError(f"{host!r} is not a host name: {error}") from error
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in host.split(".")):
        raise ValueError(f"{host!r} is not a host name")
    return host


def parse(text: str) -> Url:
    """Read an http or https URL; raises ValueError that says what is wrong with it."""
    parts = urlsplit(text.strip())
    if parts.scheme not in _PORTS:
        raise ValueError(f"{text!r} is neither http nor https")
    if not parts.hostname:
        raise ValueError(f"{text!r} names no host")
    target = quote(parts.path or "/", safe=_SAFE)
    if parts.query:
        target += "?" + quote(parts.query, safe=_SAFE)
    return Url(parts.scheme, a_label(parts.hostname), parts.port or _PORTS[parts.scheme], target)


def redirected(url: Url, location: str) -> Url:
    """Give the URL that a Location header leads to; raises ValueError for one that leads nowhere."""
    return parse(urljoin(str(url), location.strip()))
