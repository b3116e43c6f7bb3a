"""Address literals in text from strangers: where they stand, and which address each spells.

The text is a web page or a header of up to 512 KiB, read for every measurement, so the search is anchored at
what is rare.  Every IPv4 literal has a dot between digits and every IPv6 literal two colons with at most four
hexadecimal digits between them (RFC 4291, 2.2); a pattern that begins with that one character runs at several
times the speed of one that begins with a digit.  What stands left of the anchor is then read backwards.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from functools import lru_cache

#: Start, end, and the packed address (4 or 16 bytes); None for a MAC address.
Span = tuple[int, int, bytes | None]

_DOTS = re.compile(r"\.(?<=[0-9]\.)([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})(?![0-9])")
_COLONS = re.compile(r":[0-9A-Fa-f]{0,4}:")
_RUN = re.compile(r"[0-9A-Fa-f:.]+")
_PORT = re.compile(r":[0-9]{1,5}(?![0-9A-Za-z])")
# An interface may be named after its MAC address (systemd: wlx00c0caab1234), so the zone goes too.
_ZONE = re.compile(r"%(?:25)?[0-9A-Za-z._~-]{1,32}")
_MAC = re.compile(r"(?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2}")
# The other two ways to write a MAC address: 00-c0-ca-ab-12-34 and 00c0.caab.1234.
_MAC_DASHES = re.compile(r"-(?<=[0-9A-Fa-f]{2}-)(?:[0-9A-Fa-f]{2}-){4}[0-9A-Fa-f]{2}(?![0-9A-Za-z-])")
_MAC_DOTS = re.compile(r"\.(?<=[0-9A-Fa-f]{4}\.)[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}(?![0-9A-Za-z.])")
# The longest IPv6 literal: eight groups, the last two written as IPv4 (RFC 4291, 2.2).
_LONGEST = 45


def find(text: str) -> Iterator[Span]:
    """Find IPv4, IPv6 and MAC literals, each with its port, brackets and zone; spans may overlap."""
    yield from _ipv4(text)
    yield from ipv6(text)
    for found in _MAC_DASHES.finditer(text):
        start = found.start() - 2
        if not _joined(text, start) and text[start - 1 : start] != "-":
            yield start, found.end(), None
    for found in _MAC_DOTS.finditer(text):
        start = found.start() - 4
        # Twelve decimal digits are far more often a number than an address.
        if not _joined(text, start) and not text[start : found.end()].replace(".", "").isdigit():
            yield start, found.end(), None


def _ipv4(text: str) -> Iterator[Span]:
    found = _DOTS.search(text)
    while found:
        dot = found.start()
        start = dot - 1
        while start > 0 and dot - start < 3 and text[start - 1] in "0123456789":
            start -= 1
        octets = (int(text[start:dot]), *map(int, found.groups()))
        too_long = text[start - 1 : start].isdigit() and text[start - 3 : start - 2] != "%"
        if max(octets) > 255 or too_long:
            found = _DOTS.search(text, dot + 1)
            continue
        port = _PORT.match(text, found.end())
        yield start, port.end() if port else found.end(), bytes(octets)
        found = _DOTS.search(text, found.end())


def ipv6(text: str) -> Iterator[Span]:
    """Find IPv6 and colon-separated MAC literals."""
    found = _COLONS.search(text)
    while found:
        start = found.start()
        while start > 0 and found.start() - start < 4 and text[start - 1] in "0123456789abcdefABCDEF":
            start -= 1
        run = _RUN.match(text, found.start())
        end = run.end() if run else found.end()
        if text.count(":", start, end) > 4 or text.find("::", start, end) >= 0:
            span = _six(text, start, end)
            if span:
                yield span
        found = _COLONS.search(text, end)


def _six(text: str, start: int, end: int) -> Span | None:
    """Read the run of hexadecimal digits, colons and dots in [start, end) as an address, if it is one."""
    if _joined(text, start):
        # The first group is the tail of a word: "std::abs", "IP:2001:db8::1".
        start = text.index(":", start) + 1
        if text[start : start + 1] == ":":
            return None
    if end < len(text) and (text[end].isalnum() or text[end] == "_"):
        end = text.rindex(":", 0, end)
        if text[end - 1] == ":":
            return None
    while end > start and (text[end - 1] == "." or (text[end - 1] == ":" and text[end - 2] != ":")):
        end -= 1
    if end - start == 17 and _MAC.fullmatch(text, start, end):
        return start, end, None
    # Up to eight other numbers may stand before it with a colon ("12:34:2001:db8::1").
    for _ in range(9):
        packed = packed6(text[start:end]) if end - start <= _LONGEST else None
        if packed:
            return *_dressed(text, start, end), packed
        colon = text.find(":", start, end)
        if colon < 0 or text[colon + 1 : colon + 2] == ":":
            return None
        start = colon + 1
    return None


def _dressed(text: str, start: int, end: int) -> tuple[int, int]:
    """Widen an IPv6 literal by its zone, brackets and port."""
    zone = _ZONE.match(text, end)
    end = zone.end() if zone else end
    if text[start - 1 : start] == "[" and text[end : end + 1] == "]":
        start, end = start - 1, end + 1
        port = _PORT.match(text, end)
        end = port.end() if port else end
    return start, end


def _joined(text: str, start: int) -> bool:
    """Tell whether the character before ``start`` belongs to the same word; that of an escape does not."""
    before = text[start - 1 : start] if start else ""
    return (before.isalnum() or before == "_") and text[start - 3 : start - 2] != "%"


@lru_cache(maxsize=4096)
def packed6(literal: str) -> bytes | None:
    """Give the 16 bytes of an IPv6 literal; None for what is none, and for ``::``, which names nobody."""
    try:
        packed = ipaddress.IPv6Address(literal).packed
    except ValueError:
        return None
    return packed if any(packed) else None
