"""The table itself: one address, one bisection."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from socket import AF_INET, AF_INET6, inet_pton

from gatewatch.whereabouts import packed as packing
from gatewatch.whereabouts.flatten import NO_PREFIX, NOBODY, Range, flatten
from gatewatch.whereabouts.packed import About, Packed
from gatewatch.whereabouts.prefix import Prefix

# Whose a range is: AS number, country, name, exchange.
Owner = tuple[int, str, str, str]
_LOW = 0xFFFF_FFFF_FFFF_FFFF
_BITS = {4: 32, 6: 128}


class PrefixTable:
    """Prefixes to look addresses up in; of two rows for one prefix the first stands."""

    def __init__(self, prefixes: Iterable[Prefix] = (), about: About | None = None) -> None:
        ranges = (
            (
                p.network.version,
                int(p.network.network_address),
                int(p.network.broadcast_address) + 1,
                p.network.prefixlen,
                (p.asn, p.country, p.name, p.ixp),
            )
            for p in prefixes
        )
        self._use(_build(ranges, about or About()))

    @classmethod
    def of_ranges(
        cls, ranges: Iterable[tuple[int, int, int, Owner]], about: About | None = None
    ) -> PrefixTable:
        """Build a table of ranges: IP version, first and last address, and whose they are."""
        table = cls.__new__(cls)
        table._use(
            _build(
                ((version, first, last + 1, NO_PREFIX, owner) for version, first, last, owner in ranges),
                about or About(),
            )
        )
        return table

    @classmethod
    def load(cls, path: Path) -> PrefixTable:
        """Read a table's file; raises OSError, and DamagedTable when it is not as it was written."""
        table = cls.__new__(cls)
        table._use(packing.load(path))
        return table

    def dump(self) -> bytes:
        """Give the bytes of the table's file."""
        return packing.dump(self.packed)

    def _use(self, packed: Packed) -> None:
        self.packed = packed
        s = packed.sections
        self._starts4, self._rows4, self._lengths4 = s["starts4"], s["rows4"], s["lengths4"]
        self._high6, self._low6, self._rows6, self._lengths6 = (
            s["high6"],
            s["low6"],
            s["rows6"],
            s["lengths6"],
        )
        self._owners: dict[int, Owner] = {}
        self._homes: dict[int, str] | None = None

    @property
    def about(self) -> About:
        """Where the table comes from."""
        return self.packed.about

    def __len__(self) -> int:
        return sum(self.packed.sections["prefixes"])

    def lookup(self, address: str) -> Prefix | None:
        """Give the longest prefix that holds an address, or all of a prefix; None when no prefix does.

        A first hop may be stored as a prefix, for the volunteer's sake: ``36.37.128.0/24``.  Where the table
        was made of ranges, the prefix given is the largest one around the address inside its range.  Raises
        ValueError for what is neither.
        """
        number, version, wanted = _parse(address)
        row, length = self._find(number, version, wanted)
        if row == NOBODY:
            return None
        host = _BITS[version] - length
        base = number >> host << host
        network = IPv4Network((base, length)) if version == 4 else IPv6Network((base, length))
        return Prefix(network, *self._owner(row))

    def row(self, address: str) -> int:
        """Give the number of the row about an address, 0 for nobody's; see :meth:`lookup`."""
        return self._find(*_parse(address))[0]

    def _find(self, number: int, version: int, wanted: int) -> tuple[int, int]:
        """Give row and prefix length of what holds the ``wanted`` upper bits of a number."""
        at = self._position(number, version)
        if at < 0:
            return NOBODY, 0
        rows, lengths = (self._rows4, self._lengths4) if version == 4 else (self._rows6, self._lengths6)
        length = lengths[at]
        if length == NO_PREFIX and rows[at] != NOBODY:
            length = self._largest(number, version, at)
        return (rows[at], length) if wanted >= length else (NOBODY, 0)

    def home_of(self, asn: int) -> str:
        """Give the country that most of a network's prefixes are listed under; empty where it has none."""
        if self._homes is None:
            counts: dict[int, Counter[str]] = {}
            sections = self.packed.sections
            for row, (number, count) in enumerate(zip(sections["asns"], sections["prefixes"], strict=True)):
                if row != NOBODY:
                    counts.setdefault(number, Counter())[self.packed.country(row)] += count
            self._homes = {number: count.most_common(1)[0][0] for number, count in counts.items()}
        return self._homes.get(asn, "")

    def _position(self, number: int, version: int) -> int:
        """Give the range that a number lies in; -1 before the first."""
        if version == 4:
            return bisect_right(self._starts4, number) - 1
        high = number >> 64
        end = bisect_right(self._high6, high)
        # Only ranges that begin within one /64 share their upper half.
        first = bisect_left(self._high6, high, 0, end)
        return bisect_right(self._low6, number & _LOW, first, end) - 1

    def _largest(self, number: int, version: int, at: int) -> int:
        """Give the length of the largest prefix around a number within its range."""
        bits = _BITS[version]
        first = self._start(version, at)
        # The last range of all belongs to nobody, unless it ends with the address space.
        there_is_more = at + 1 < len(self._rows4 if version == 4 else self._rows6)
        end = self._start(version, at + 1) if there_is_more else 1 << bits
        host = (end - first).bit_length() - 1
        while number >> host << host < first or ((number >> host) + 1) << host > end:
            host -= 1
        return bits - host

    def _start(self, version: int, at: int) -> int:
        return self._starts4[at] if version == 4 else self._high6[at] << 64 | self._low6[at]

    def _owner(self, row: int) -> Owner:
        owner = self._owners.get(row)
        if owner is None:
            name, ixp = self.packed.text(row)
            owner = self._owners[row] = (
                self.packed.sections["asns"][row],
                self.packed.country(row),
                name,
                ixp,
            )
        return owner


def _build(ranges: Iterable[tuple[int, int, int, int, Owner]], about: About) -> Packed:
    owners: dict[Owner, int] = {}
    families: dict[int, list[Range]] = {4: [], 6: []}
    for version, start, end, length, owner in ranges:
        families[version].append(Range(start, end, owners.setdefault(owner, len(owners) + 1), length))
    counts = [0] * (len(owners) + 1)
    four, six = (_flat(families[version], version, counts) for version in (4, 6))
    return packing.pack(about, four, six, [(0, "", "", ""), *owners], counts)


def _flat(ranges: list[Range], version: int, counts: list[int]) -> tuple[list[int], list[int], list[int]]:
    starts, rows, lengths = flatten(ranges, counts)
    if starts and starts[-1] >> _BITS[version]:
        # A range up to the very last address: what would begin after it does not exist.
        return starts[:-1], rows[:-1], lengths[:-1]
    return starts, rows, lengths


def _parse(address: str) -> tuple[int, int, int]:
    """Give a number, its IP version, and how many of its bits count."""
    # ip_network is ten times as slow, and nearly all are plain addresses.
    try:
        if ":" not in address:
            return int.from_bytes(inet_pton(AF_INET, address), "big"), 4, 32
        return int.from_bytes(inet_pton(AF_INET6, address), "big"), 6, 128
    except (OSError, ValueError):
        network = ip_network(address, strict=False)
        return int(network.network_address), network.version, network.prefixlen
