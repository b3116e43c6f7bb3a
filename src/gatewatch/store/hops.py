"""The first hops of a traceroute, truncated: they are the volunteer's home, street and exchange.

Private, CGNAT and link-local hops become the block they are from, and the first public hop, the last-mile
router, becomes its /24 (IPv6: /48), the prefixes that are announced and no finer.  A truncated reply carries
``x_gatewatch_truncated``, the prefix length, and its other texts (a PTR name says as much as the address) go.

So that one may still see whether two ways begin at the same router, it also carries ``x_gatewatch_hop``: a
keyed hash of the address.  There are only 2^32 addresses, so a hash without a key would be undone in minutes;
the key is made anew whenever gatewatch starts, never leaves the memory, and is gone with the process.  Hashes
of two runs say nothing of one another.
"""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import ipaddress
import secrets
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from gatewatch.records import Measurement, TestKeys
from gatewatch.store import literals
from gatewatch.store.own import SCRUBBED
from gatewatch.store.walk import mapped

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

#: The key in a reply's ``extra`` that says its address was truncated, and to how many bits.
TRUNCATED = "x_gatewatch_truncated"
#: The key of the hash that tells truncated routers of one run apart.
HOP = "x_gatewatch_hop"
# As long as the hash's block needs (RFC 2104, 3: at least as long as its output).
_KEY = secrets.token_bytes(32)
# 64 bits: the routers of a run are few and do not meet by chance, and there is less to attack.
_HEX = 16

# RFC 1918, RFC 6598 (CGNAT), RFC 3927 and RFC 4291 (link-local), RFC 7335 (DS-Lite, 464XLAT), RFC 4193.
_PRIVATE = tuple(
    ipaddress.ip_network(block)
    for block in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "192.0.0.0/29"),
        *("fc00::/7", "fe80::/10"),
    )
)
# The longest prefixes that the global routing table commonly carries, so no more is told than the network:
# RIPE-399 (IPv4 /24) and RIPE-532 (IPv6 /48).
_PUBLIC_BITS = {4: 24, 6: 48}


def truncated(keys: TestKeys) -> TestKeys:
    """Truncate the first hops of a trace, here and wherever else in its keys they are written.

    ``keys.extra`` holds the keys of :class:`~gatewatch.records.TraceKeys`.  Raises ValueError or TypeError
    when the replies cannot be read.
    """
    replies = keys.extra.get("replies", ())
    if not isinstance(replies, (list, tuple)):
        raise TypeError("replies")
    prefixes = truncations(replies, keys.extra.get("destination"))
    if not prefixes:
        return keys
    extra = {**keys.extra, "replies": [_reply(reply, prefixes) for reply in replies]}

    def leaf(value: Any, name: str, free: bool) -> Any:
        return _replaced(value, prefixes) if isinstance(value, str) else value

    return cast("TestKeys", mapped(dataclasses.replace(keys, extra=extra), leaf))


def _walks(m: Measurement) -> Iterator[tuple[Any, Any]]:
    """The walks in a measurement's keys: rows with a TTL and an address, and where they were going to."""
    extra = m.test_keys.extra
    intercept = extra.get("x_gatewatch_intercept", {})
    if not isinstance(intercept, Mapping):
        raise TypeError("x_gatewatch_intercept")
    yield intercept.get("steps", ()), intercept.get("resolver")
    loci = extra.get("x_gatewatch_locate", ())
    if not isinstance(loci, (list, tuple)):
        raise TypeError("x_gatewatch_locate")
    for locus in loci:
        if not isinstance(locus, Mapping):
            raise TypeError("x_gatewatch_locate")
        hops, shots = locus.get("hops", ()), locus.get("shots", ())
        if not isinstance(hops, (list, tuple)) or not isinstance(shots, (list, tuple)):
            raise TypeError("x_gatewatch_locate")
        # Deep mode hears routers about the triggers themselves; a load balancer's other branch among them.
        heard = [
            {"ttl": shot["ttl"], "address": shot["offender"]}
            for shot in shots
            if isinstance(shot, Mapping) and shot.get("offender")
        ]
        yield [*hops, *heard], locus.get("address")


def truncated_walk(m: Measurement) -> Measurement:
    """Truncate the first hops of the walks of ``intercept`` and ``locate``, in keys and in the evidence.

    A truncated address is a prefix with its length.  Raises ValueError or TypeError when the rows cannot be
    read.
    """
    prefixes: dict[bytes, str] = {}
    for rows, destination in _walks(m):
        if not isinstance(rows, (list, tuple)):
            raise TypeError("rows")
        # Prefixes of an earlier scrubbing stay as they are, and the hop after them is not the first public
        # one.
        marked = [
            {**row, TRUNCATED: True} if isinstance(row, Mapping) and "/" in str(row.get("address")) else row
            for row in rows
        ]
        prefixes |= truncations(marked, destination)

    def leaf(value: Any, name: str, free: bool) -> Any:
        return _replaced(value, prefixes) if isinstance(value, str) else value

    if not prefixes:
        return m
    keys, verdict = mapped(m.test_keys, leaf), mapped(m.x_gatewatch_verdict, leaf)
    return dataclasses.replace(m, test_keys=keys, x_gatewatch_verdict=verdict)


def block_of(address: Address) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """Give the block of private, shared or link-local addresses that an address is from; None for others."""
    return next((n for n in _PRIVATE if n.version == address.version and address in n), None)


def truncations(replies: Iterable[Any], destination: Any) -> dict[bytes, str]:
    """Give, for each packed address that must not be told, the prefix that is told instead."""
    known: list[tuple[int, Address]] = []
    publics: list[int] = []
    for reply in replies:
        if not isinstance(reply, Mapping):
            raise TypeError("reply")
        text, ttl = reply.get("address"), reply["ttl"]
        if text is None or text == SCRUBBED:
            continue
        address = ipaddress.ip_address(text.partition("/")[0].partition("%")[0])
        if address.is_global:
            publics.append(ttl)
        # What was truncated before stays, and the hop after it is not the first public one.
        if TRUNCATED not in reply and text != destination:
            known.append((ttl, address))
    first = min(publics, default=None)
    prefixes = {}
    for ttl, address in known:
        block = block_of(address)
        if block is None and ttl == first and address.is_global:
            block = ipaddress.ip_network((address, _PUBLIC_BITS[address.version]), strict=False)
        if block is not None:
            prefixes[address.packed] = str(block)
    return prefixes


def _reply(reply: Mapping[str, Any], prefixes: Mapping[bytes, str]) -> Mapping[str, Any]:
    text = reply.get("address")
    if text is None or text == SCRUBBED or TRUNCATED in reply:
        return reply
    prefix = prefixes.get(ipaddress.ip_address(text.partition("%")[0]).packed)
    if prefix is None:
        return reply
    # Lists stay as keys of the record, but empty: MPLS labels are marks of the router, too.
    kept = {
        key: [] if isinstance(value, (list, tuple)) else value
        for key, value in reply.items()
        if not isinstance(value, (str, Mapping))
    }
    # Rebuilt in the order of the record, the address in its place.
    return {
        **{
            key: prefix if key == "address" else kept[key] for key in reply if key == "address" or key in kept
        },
        TRUNCATED: int(prefix.rpartition("/")[2]),
        HOP: hashed(text),
    }


def hashed(address: str, key: bytes = _KEY) -> str:
    """Give the keyed hash of an address: HMAC-SHA256 of its packed form, 64 bits of it."""
    packed = ipaddress.ip_address(address.partition("%")[0]).packed
    return hmac.new(key, packed, hashlib.sha256).hexdigest()[:_HEX]


def _replaced(text: str, prefixes: Mapping[bytes, str]) -> str:
    """Write the prefix wherever the text spells the address, port and brackets included."""
    parts: list[str] = []
    done = 0
    for start, end, packed in sorted(literals.find(text), key=lambda span: span[0]):
        if packed and packed in prefixes and start >= done:
            parts += (text[done:start], prefixes[packed])
            done = end
    return "".join((*parts, text[done:])) if parts else text
