"""The probe's own addresses and names, in every spelling that a page, a resolver or a router may give them.

Looking is cheap and done for every measurement: the text is reduced to digits and a few marks, and each
spelling, reduced alike, is searched in what is left.  Only where that hits is the text read closely.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Final

from gatewatch.store import literals

#: What stands where something was taken out; OONI's word, so that its tools know it.
SCRUBBED: Final = "[scrubbed]"

# Names that tell nobody apart.  Hiding them would only damage pages that use the same word.
_COMMON_WORDS = """
    admin administrator alpine android debian default desktop fedora gatewatch guest home kali laptop linux
    localdomain localhost nobody openwrt owner probe raspberrypi root runner server system test ubuntu user
    users vagrant windows
"""
_COMMON = frozenset(_COMMON_WORDS.split())
# A shorter name is too often part of something else.
_SHORTEST_NAME = 3

_KEPT = b"0123456789%&\\"
_DROPPED = bytes(set(range(256)) - set(_KEPT))
# In DNS wire format a label's length stands where text has a dot (RFC 1035, 3.1).
_LENGTHS_TO_DOTS = bytes(ord(".") if byte < 32 else byte for byte in range(256))
# subjectAltName iPAddress of a certificate: context tag 7, then the length (RFC 5280, 4.2.1.6).
_SAN_TAG = {4: b"\x87\x04", 16: b"\x87\x10"}

# Escapes of URLs, of pages and of scripts, JSON and Python: %2E, &#46; or &#x2e;, \\u002e, \\x2e or \\n.
_ESCAPES = (
    (b"%", re.compile(r"%(?:25)*([0-9A-Fa-f]{2})"), 16),
    (b"&", re.compile(r"&#0*([0-9]{2,3});"), 10),
    (b"&", re.compile(r"&#[xX]([0-9A-Fa-f]{2});"), 16),
    (b"\\", re.compile(r"\\{1,8}(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|[nrt])"), 16),
)
# A value may be escaped once more when it travels inside another; deeper nesting is an attack on our time.
_DEEPEST = 3
# Fewer digits than these stand together on any page.
_SHORTEST_RESIDUE = 4
_ESCAPED_RUN = re.compile(
    r"(?:%[0-9A-Fa-f]{2}|&#[xX]?[0-9A-Fa-f]{2,5};|\\{1,8}(?:u00|x)[0-9A-Fa-f]{2}|[0-9A-Za-z.:_\[\]-])+"
)


def reduce(data: bytes) -> bytes:
    """Keep the digits, and the marks that escapes begin with."""
    return data.translate(None, _DROPPED)


def _character(base: int, found: re.Match[str]) -> str:
    digits = found[found.lastindex] if found.lastindex else "20"
    return chr(int(digits, base))


def _decoded(text: str, reduced: bytes) -> str:
    for mark, escape, base in _ESCAPES:
        if mark in reduced:
            text = escape.sub(partial(_character, base), text)
    return text


def lowered(text: str) -> str:
    """Lower the case without changing the length, as str.lower does for one Turkish letter."""
    lower = text.lower()
    return lower if len(lower) == len(text) else text.replace("\u0130", "i").lower()


class Own:
    """What must not be told: addresses of both families, and names of user, host and home folder."""

    def __init__(self, addresses: Iterable[str], names: Iterable[str]) -> None:
        self._packed: set[bytes] = set()
        self._networks: set[bytes] = set()
        self._numbers: set[int] = set()
        # Lower-case spelling -> the characters that must not stand beside it.
        self._spellings: dict[str, str] = {}
        for text in addresses:
            self._learn(text)
        residues = {spelling: reduce(spelling.encode()) for spelling in self._spellings}
        self._residues = tuple({r for r in residues.values() if len(r) >= _SHORTEST_RESIDUE})
        # Spellings with too few digits to be looked for by their digits.
        self._bare = tuple(s for s, residue in residues.items() if len(residue) < _SHORTEST_RESIDUE)
        #: Names to hide, in lower case, the longest first.
        self.names = tuple(sorted(set(_hideable(names)), key=len, reverse=True))

    def _learn(self, text: str) -> None:
        address = ipaddress.ip_address(text.strip().strip("[]").partition("%")[0])
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        if address.is_loopback or address.is_unspecified:
            return
        self._packed.add(address.packed)
        self._numbers.add(int(address))
        if isinstance(address, ipaddress.IPv4Address):
            self._spellings.update(_spellings4(address))
        else:
            self._spellings.update(_spellings6(address))
            if not address.is_link_local:
                # A household has a /64 of its own (RFC 6177), so any address inside is as good as ours.
                self._networks.add(address.packed[:8])

    def is_number(self, value: int) -> bool:
        """Tell whether an integer is one of the addresses."""
        return value in self._numbers

    def maybe(self, reduced: bytes) -> bool:
        """Tell, from reduced data, whether a spelling of an address may be there."""
        # A loop, not any(): this runs several times for every measurement.
        for residue in self._residues:
            if residue in reduced:
                return True
        return bool(self._bare)

    def seen(self, text: str) -> bool:
        """Tell whether text spells one of the addresses or any MAC address, escaped or not."""
        return self._seen(text, reduce(text.encode("utf-8", "surrogatepass")), 0)

    def _seen(self, text: str, reduced: bytes, depth: int) -> bool:
        if self.maybe(reduced) and any(self.spelled(text)):
            return True
        if any(self._is_own6(packed) for _, _, packed in literals.ipv6(text)):
            return True
        return self.seen_escaped(text, reduced, depth)

    def seen_escaped(self, text: str, reduced: bytes, depth: int = 0) -> bool:
        """Tell whether text spells one of the addresses once its escapes are decoded."""
        if depth == _DEEPEST:
            return False
        decoded = _decoded(text, reduced)
        if decoded == text:
            return False
        return self._seen(decoded, reduce(decoded.encode("utf-8", "surrogatepass")), depth + 1)

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Give where text spells one of the addresses."""
        yield from self.spelled(text)
        for start, end, packed in literals.ipv6(text):
            if self._is_own6(packed):
                yield start, end

    def blank_escaped(self, text: str) -> str:
        """Blank each run of escapes that decodes to one of the addresses."""
        return _ESCAPED_RUN.sub(lambda run: SCRUBBED if self.seen(run[0]) else run[0], text)

    def seen_in_bytes(self, data: bytes) -> bool:
        """Tell whether binary data holds one of the addresses: packed, as text, UTF-16 or DNS labels."""
        if any(packed in data for packed in self._packed):
            return True
        if not self.maybe(reduce(data)) and data.count(b":") < 2:
            return False
        views = (data, data.replace(b"\0", b""), data.translate(_LENGTHS_TO_DOTS))
        return any(self.seen(view.decode("latin-1")) for view in views)

    def seen_in_certificate(self, der: bytes) -> bool:
        """Tell whether a certificate names one of the addresses; four bytes alone hit keys by chance."""
        if any(_SAN_TAG[len(packed)] + packed in der for packed in self._packed):
            return True
        return self.maybe(reduce(der)) and self.seen(der.decode("latin-1"))

    def packed_spans(self, data: bytes) -> Iterator[tuple[int, int]]:
        """Give where binary data holds a packed address."""
        for packed in self._packed:
            at = data.find(packed)
            while at >= 0:
                yield at, at + len(packed)
                at = data.find(packed, at + 1)

    def _is_own6(self, packed: bytes | None) -> bool:
        if packed is None:
            # A MAC address: no format has a place for one, so whoever's it is, it is of the near network.
            return True
        if packed in self._packed or packed[:8] in self._networks:
            return True
        # IPv4 inside IPv6: mapped and NAT64 (RFC 4291, 6052), 6to4 (RFC 3056), Teredo, inverted (RFC 4380).
        inverted = bytes(255 - byte for byte in packed[12:])
        return not self._packed.isdisjoint((packed[12:], packed[2:6], inverted))

    def spelled(self, text: str) -> Iterator[tuple[int, int]]:
        """Give where text holds one of the listed spellings, not as part of a longer number."""
        lower = lowered(text)
        for spelling, neighbours in self._spellings.items():
            at = lower.find(spelling)
            while at >= 0:
                end = at + len(spelling)
                # The digits of an escape (%20) are no part of what follows it.
                before = lower[at - 1] if at and lower[at - 3 : at - 2] != "%" else " "
                inside = before in neighbours or (end < len(lower) and lower[end] in neighbours)
                # Decimals of a measured time may happen to be an address read as a number.
                if not inside and not (before == "." and spelling.isdigit()):
                    yield at, end
                at = lower.find(spelling, at + 1)


def _spellings4(address: ipaddress.IPv4Address) -> dict[str, str]:
    octets = str(address).split(".")
    padded = [octet.zfill(3) for octet in octets]
    out = {}
    for parts in (octets, octets[::-1], padded, padded[::-1]):
        for mark in ".-_":
            out[mark.join(parts)] = "0123456789"
    out[str(int(address))] = "0123456789"
    out[address.packed.hex()] = "0123456789abcdef"
    return out


def _spellings6(address: ipaddress.IPv6Address) -> dict[str, str]:
    full = address.exploded
    short = ":".join(group.lstrip("0") or "0" for group in full.split(":"))
    out = {}
    for spelling in (address.compressed, short, full):
        out[spelling] = out[spelling.replace(":", "-")] = "0123456789abcdef"
    nibbles = address.packed.hex()
    out[nibbles] = out[".".join(reversed(nibbles))] = "0123456789abcdef"
    return out


def _hideable(names: Iterable[str]) -> Iterator[str]:
    for name in names:
        lower = name.strip().rstrip("/\\").lower()
        if "/" in lower or "\\" in lower:
            # A path is hidden whole; /root or /home/user are no more telling than the names themselves.
            if lower.replace("\\", "/").rpartition("/")[2] not in _COMMON:
                yield lower
            continue
        for part in {lower, lower.partition(".")[0]}:
            if len(part) >= _SHORTEST_NAME and part not in _COMMON:
                yield part
