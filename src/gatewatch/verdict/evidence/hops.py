"""A measurement taken apart: for each redirect hop its URL and what was recorded there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import urljoin, urlsplit

from gatewatch.net.address import is_address
from gatewatch.net.url import registered
from gatewatch.records import Connect, Handshake, Measurement, Query, TestKeys, Transaction
from gatewatch_targets.url import parse

# Browsers give up after 20 redirects, both probes after 10; a tag beyond that is no depth.
_DEEPEST = 20
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_NO_KEYS = TestKeys()
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a hop goes: ``scheme`` is empty for what is no http or https URL; ``host`` is an A-label.

    ``literal``: the host is an address, so that no name was looked up.
    """

    scheme: str = ""
    host: str = ""
    port: int = 0
    literal: bool = False


@dataclass(slots=True)
class Aside:
    """What was done at one depth to explain a failure, and is no part of the visit."""

    connects: list[Connect] = field(default_factory=list)
    handshakes: list[Handshake] = field(default_factory=list)
    transactions: list[Transaction] = field(default_factory=list)


@dataclass(slots=True)
class Hop:
    """What was recorded at one depth; ``aside`` are the second controls."""

    place: Place = Place()
    queries: list[Query] = field(default_factory=list)
    connects: list[Connect] = field(default_factory=list)
    handshakes: list[Handshake] = field(default_factory=list)
    transactions: list[Transaction] = field(default_factory=list)
    aside: Aside = field(default_factory=Aside)
    #: Connections over which the peer's first bytes had come, by transaction id, where anything failed.
    heard: frozenset[int | None] = frozenset()

    @property
    def looked(self) -> bool:
        """Whether anything was recorded."""
        return bool(self.queries or self.connects or self.handshakes or self.transactions)


#: What nearly all URLs look like: a plain name, in lower case, which ends in letters and so is no address.
PLAIN_URL = re.compile(r"(https?)://((?:[a-z0-9_-]{1,63}\.)+[a-z]{2,63})(?:/|\Z)")


def place(url: str) -> Place:
    """Read a URL; an empty place for what is none."""
    plain = PLAIN_URL.match(url)
    if plain is not None:
        return Place(plain[1], plain[2], _PORTS[plain[1]])
    return _place(url)


@lru_cache(maxsize=4096)
def _place(url: str) -> Place:
    try:
        parts = urlsplit(url.strip())
        if parts.scheme not in _PORTS or not parts.hostname:
            return Place()
        host = host_label(parts.hostname)
        return Place(parts.scheme, host, parts.port or _PORTS[parts.scheme], is_address(host))
    except ValueError:
        return Place()


@lru_cache(maxsize=4096)
def host_label(name: str) -> str:
    """Give a host name as it is compared: A-label, lower case, without a final dot; odd names as they are."""
    plain = name.rstrip(".").lower()
    if plain.isascii():
        return plain
    try:
        return parse(f"https://{plain}/").host
    except ValueError:
        return plain


def address_of(endpoint: str | None) -> str:
    """Give the address of ``address:port``, without brackets."""
    return endpoint.rpartition(":")[0].strip("[]") if endpoint else ""


def headers_of(transaction: Transaction) -> Mapping[str, Any]:
    """Give the response's headers, from the list where there is no mapping."""
    response = transaction.response
    if response is None:
        return {}
    headers = response.headers
    if headers:
        return headers
    return {str(pair[0]): pair[1] for pair in response.headers_list or () if len(pair) == 2}


def location(transaction: Transaction) -> str:
    """Give the Location of a redirect, "" for any other response."""
    response = transaction.response
    if response is None or response.code not in _REDIRECTS:
        return ""
    found = (v for k, v in headers_of(transaction).items() if k.lower() == "location" and isinstance(v, str))
    return next(found, "")


def same_site(a: str, b: str) -> bool:
    """Tell whether two hosts plausibly have one owner: the same registered name, without a suffix list."""
    return a == b or registered(a) == registered(b)


@lru_cache(maxsize=1024)
def depth_of(tags: tuple[str, ...] | None) -> int | None:
    """Read the redirect depth off a record's tags; None where they say none."""
    for tag in tags or ():
        if tag.startswith("depth="):
            digits = tag[6:]
            return min(int(digits), _DEEPEST) if digits.isascii() and digits.isdecimal() else None
    return None


def _part(hop: Hop, tags: tuple[str, ...] | None) -> Hop | Aside:
    """Choose where a record belongs: to the visit, or beside it."""
    return hop.aside if tags and "second" in tags else hop


def hops(m: Measurement) -> list[Hop]:
    """Sort a measurement's records by redirect depth; at least one hop, the input's own.

    Where records carry no depth (web_connectivity 0.4), transactions stand newest first, a lookup belongs to
    the hop of its name, and everything else to the first.
    """
    keys = m.test_keys or _NO_KEYS
    found: dict[int, Hop] = {0: Hop()}
    transactions = keys.requests or ()
    oldest = len(transactions) - 1
    for index, transaction in enumerate(transactions):
        depth = depth_of(transaction.tags)
        at = min(oldest - index, _DEEPEST) if depth is None else depth
        _part(found.setdefault(at, Hop()), transaction.tags).transactions.append(transaction)
    for connect in keys.tcp_connect or ():
        hop = found.setdefault(depth_of(connect.tags) or 0, Hop())
        _part(hop, connect.tags).connects.append(connect)
    for handshake in keys.tls_handshakes or ():
        hop = found.setdefault(depth_of(handshake.tags) or 0, Hop())
        _part(hop, handshake.tags).handshakes.append(handshake)
    untagged: list[Query] = []
    for query in keys.queries or ():
        depth = depth_of(query.tags)
        if depth is None:
            untagged.append(query)
        else:
            found.setdefault(depth, Hop()).queries.append(query)
    ordered = [found.get(depth, Hop()) for depth in range(max(found) + 1)]
    if any(handshake.failure for handshake in keys.tls_handshakes or ()):
        heard = frozenset(
            event.transaction_id
            for event in keys.network_events or ()
            if event.operation == "read" and event.num_bytes
        )
        for hop in ordered:
            hop.heard = heard
    _name(ordered, m.input if isinstance(m.input, str) else "")
    for query in untagged:
        name = host_label(query.hostname or "")
        hop = next((hop for hop in ordered if hop.place.host == name), ordered[0])
        hop.queries.append(query)
    return ordered


def _name(ordered: list[Hop], start: str) -> None:
    """Say where each hop goes: by its own request, else by the redirect before it, else by its lookup."""
    url = start
    for depth, hop in enumerate(ordered):
        asked = next((t.request.url for t in hop.transactions if t.request and t.request.url), None)
        if depth:
            url = asked or url
        hop.place = place(url or asked or "")
        if not hop.place.host and hop.queries:
            hop.place = Place("", host_label(hop.queries[0].hostname or ""), 0)
        following = next((to for to in map(location, hop.transactions) if to), "")
        try:
            url = urljoin(url, following) if following else ""
        except ValueError:
            url = ""
