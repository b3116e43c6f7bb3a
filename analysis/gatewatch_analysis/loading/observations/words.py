"""What is read out of texts: endpoints, hosts, pages and certificates, each remembered while it repeats."""

from __future__ import annotations

import binascii
import hashlib
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from gatewatch.net.certificate import issuer
from gatewatch.verdict.likeness.compare import title
from gatewatch_analysis.loading.observations.shape import Blob, Response
from gatewatch_targets.url import MAX_URL, UrlError, parse

# A country's measurements name some ten thousand endpoints and addresses over and over.
_REMEMBERED = 65_536
_LONGEST_ENDPOINT = 300
# Nearly all of them.
_PORTS = {"80": 80, "443": 443}
# Nine URLs of ten are so plain that their host can be read off: letters as they are looked up, a top-level
# domain that is no number, no A-label that would have to be checked, and no user name before an @.
_PLAIN = re.compile(
    r"https?://(?=[a-z0-9.-]{1,253}(?:[:/?#]|\Z))(?!.{0,250}xn--)((?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+"
    r"(?!onion\b)[a-z]{2,63})(?::\d{1,4})?(?:[/?#]|\Z)"
)


def endpoint(text: str | None) -> tuple[str | None, int | None]:
    """Take ``address:port`` apart; brackets around IPv6 are not kept."""
    if not text or len(text) > _LONGEST_ENDPOINT:
        return None, None
    at = text.rfind(":")
    port = _PORTS.get(text[at + 1 :])
    if port is not None and text.find(":") == at:
        return text[:at] or None, port
    return _endpoint(text)


def _endpoint(text: str) -> tuple[str | None, int | None]:
    address, colon, digits = text.rpartition(":")
    if not colon:
        return text, None
    if not (digits.isascii() and digits.isdecimal() and int(digits) <= 65_535):
        return text.strip("[]"), None
    if ":" in address and not address.startswith("["):
        return text, None  # an IPv6 address alone
    return address.strip("[]") or None, int(digits)


def host_of(url: str | None) -> str | None:
    """Give the host of a URL (or of ``host:port``) as an A-label; None where it has none."""
    return _host(url) if url and len(url) <= MAX_URL else None


@lru_cache(maxsize=_REMEMBERED)
def _host(url: str) -> str | None:
    plain = _PLAIN.match(url)
    if plain is not None:
        return plain[1]
    try:
        return parse(url).host
    except UrlError:
        return None


# A title stands in the first 64 KiB or nowhere (gatewatch.verdict.likeness.compare).
_HEAD = 65_536


class Page(NamedTuple):
    """What is kept of a response's body."""

    length: int | None
    sha1: str | None
    title: str | None


_NO_PAGE = Page(None, None, None)


def page(response: Response | None) -> Page:
    """Measure a response's body; of a test helper's, what it says of it."""
    if response is None:
        return _NO_PAGE
    body: str | bytes | None = response.body if isinstance(response.body, str) else None
    if isinstance(response.body, Blob):
        body = decoded(response.body.data)
    if body is None:
        return Page(response.body_length, None, response.title or None)
    data = body.encode() if isinstance(body, str) else body
    sha1 = hashlib.sha1(data, usedforsecurity=False).hexdigest() if data else None
    return Page(len(data), sha1, _title(body) or None if data else None)


def _title(body: str | bytes) -> str:
    """Give a page's title; the search without regard to case is for pages that shout."""
    if isinstance(body, str):
        at = body.find("<title", 0, _HEAD)
        if at >= 0 and body.find("<T", 0, at) < 0:
            return title(body[at : at + _HEAD])
    return title(body)


def decoded(text: str | None) -> bytes | None:
    """Decode base64; None for what is none."""
    try:
        return binascii.a2b_base64(text, strict_mode=True) if text else None
    except ValueError:
        return None


class Chain(NamedTuple):
    """What is kept of a certificate chain."""

    length: int | None
    sha256: str | None
    issuer: str | None


_NO_CHAIN = Chain(None, None, None)


def chain(certificates: Sequence[Blob | str | None] | None) -> Chain:
    """Read the leaf of a chain."""
    if not certificates:
        return _NO_CHAIN
    leaf = certificates[0]
    der = decoded(leaf.data if isinstance(leaf, Blob) else leaf)
    if der is None:
        return Chain(len(certificates), None, None)
    digest = hashlib.sha256(der).hexdigest()
    signer = _ISSUERS.get(digest)
    if signer is None:
        if len(_ISSUERS) >= _REMEMBERED:
            _ISSUERS.clear()
        signer = _ISSUERS[digest] = issuer(der)
    return Chain(len(certificates), digest, signer or None)


_ISSUERS: dict[str, str] = {}
