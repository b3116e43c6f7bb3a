"""Addresses of targets: one spelling for each, and nothing in it that could surprise whoever requests it.

The generic syntax is RFC 3986.  Host names become A-labels (RFC 5890) by way of UTS 46, as browsers do it.
What is refused is what a measurement must not send or follow: user names and passwords, other schemes,
spaces and control characters, backslashes (parsers disagree about them), numbers that only some resolvers
read as IPv4 addresses, and names under ``.onion``, which must not be asked for in the DNS (RFC 7686).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import quote as percent_encode
from urllib.parse import urlsplit

from .text import printable, quote

# Longer addresses fail in servers and proxies before they reach the site (RFC 9110 4.1 asks for 8000; in
# practice 2,000 is what everything takes).  The longest one in the Citizen Lab lists tested has 727.
MAX_URL = 2048

_PORTS = {"http": 80, "https": 443}
# RFC 1035 2.3.4 gives the lengths.  The underscore is no letter of a host name, but such sites exist.
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_MAX_HOST = 253
# Names that never leave the machine or the home network: RFC 6761, 6762, 8375 and ICANN's ".internal".
_LOCAL_NAMES = ("localhost", "local", "internal", "home.arpa", "lan")
# Half a character (a lone surrogate, which JSON can write) has no UTF-8.
_FORBIDDEN = re.compile(r'[\s\\<>"`\x00-\x1f\x7f-\x9f\ud800-\udfff]')


class UrlError(ValueError):
    """The text is no address that can be measured; ``part`` says where: url, host or port."""

    def __init__(self, part: str, text: str) -> None:
        super().__init__(f"{part}: {text}")
        self.part = part
        self.text = text


@dataclass(frozen=True, slots=True)
class Url:
    """A web address taken apart.

    ``text`` is its one spelling: lower-case scheme and host, host as A-label, no default port, at least ``/``
    as path, everything ASCII.  ``host`` has no brackets around IPv6 and no final dot.
    """

    text: str
    scheme: str
    host: str
    port: int
    is_ip: bool

    @property
    def is_public(self) -> bool:
        """Whether the host could be on the internet, as opposed to this machine or the home network."""
        if not self.is_ip:
            return "." in self.host and not self.host.endswith(tuple("." + name for name in _LOCAL_NAMES))
        address = ip_address(self.host)
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return address.is_global and not address.is_multicast


@lru_cache(maxsize=8192)  # a run asks for the same few thousand targets' hosts again and again
def parse(text: str, longest: int = MAX_URL) -> Url:
    """Read a web address; a bare host name, with or without port and path, gets ``https://``.

    Raises :class:`UrlError`, also for more than ``longest`` characters.
    """
    if len(text) > longest:
        raise UrlError("url", f"has {len(text)} characters, the limit is {longest}")
    if (found := _FORBIDDEN.search(text)) is not None:
        raise UrlError("url", f"{quote(text)} holds {quote(found.group())}")
    if "://" not in text:
        text = f"https://{_bracketed(text)}"
    try:
        parts = urlsplit(text)
    except ValueError as error:
        raise UrlError("url", f"{quote(text)}: {error}") from None
    if parts.scheme not in _PORTS:
        raise UrlError("url", f"{quote(text)} is neither http nor https")
    if "@" in parts.netloc:
        raise UrlError("url", f"{quote(text)} holds a user name")
    host, is_ip = _host(parts.hostname or "")
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise UrlError("port", f"{quote(parts.netloc.rpartition(':')[2])} is not a number from 1 to 65535")
    shown = f"[{host}]" if ":" in host else host
    default = _PORTS[parts.scheme]
    netloc = shown if port in (None, default) else f"{shown}:{port}"
    tail = text[text.index("://") + 3 + len(parts.netloc) :]
    if not tail.startswith("/"):
        tail = f"/{tail}"
    # Only what is not ASCII changes: the rest stays as the list wrote it, since results are joined by it.
    tail = "".join(c if c.isascii() else percent_encode(c) for c in tail)
    spelt = f"{parts.scheme}://{netloc}{tail}"
    if len(spelt) > longest:
        # A letter that is not ASCII becomes up to twelve characters.
        raise UrlError("url", f"has {len(spelt)} characters as it is sent, the limit is {longest}")
    return Url(spelt, parts.scheme, host, port or default, is_ip)


def _bracketed(text: str) -> str:
    """Put brackets around a bare IPv6 address, whose colons would read as a port."""
    try:
        return f"[{IPv6Address(text)}]"
    except ValueError:
        return text


def _host(name: str) -> tuple[str, bool]:
    """Give the host's one spelling and whether it is an IP address."""
    if not name:
        raise UrlError("host", "is missing")
    if ":" in name:
        try:
            return str(_without_zone(IPv6Address(name))), True
        except ValueError:
            raise UrlError("host", f"{quote(name)} is not an IPv6 address") from None
    ascii_name = name if name.isascii() else _a_labels(name)
    ascii_name = ascii_name.lower().removesuffix(".")
    labels = ascii_name.split(".")
    # A name whose last label is a number is an IPv4 address or nothing (WHATWG URL, "ends in a number").
    if re.fullmatch(r"[0-9]+|0x[0-9a-f]*", labels[-1]):
        try:
            return str(IPv4Address(ascii_name)), True
        except ValueError:
            raise UrlError("host", f"{quote(name)} is not an IPv4 address") from None
    if len(ascii_name) > _MAX_HOST or not all(_LABEL.fullmatch(label) for label in labels):
        raise UrlError("host", f"{quote(name)} is not a host name")
    if labels[-1] == "onion":
        raise UrlError("host", f"{quote(name)} can only be reached through Tor")
    return ascii_name, False


def _without_zone(address: IPv6Address) -> IPv6Address:
    if address.scope_id is not None:
        raise ValueError("a zone means something on one machine only")
    return address


def _a_labels(name: str) -> str:
    import idna  # its tables take a while to load and most lists never need them

    try:
        return idna.encode(name, uts46=True).decode("ascii")
    except idna.IDNAError as error:
        raise UrlError("host", f"{quote(name)} is not a host name: {printable(str(error))}") from None
