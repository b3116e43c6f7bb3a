"""Whose address is this: a table of prefixes, the longest match found by binary search.

Nested prefixes are flattened once into ranges that do not overlap, each with its longest prefix, so that a
lookup is one bisection whatever the table's size.
"""

from __future__ import annotations

import csv
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path

_COLUMNS = ("prefix", "asn", "country", "name")
# RFC 6793: AS numbers have 32 bits.
_MAX_ASN = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Prefix:
    """A prefix, the network that announces it, and the country that it is listed under."""

    network: IPv4Network | IPv6Network
    asn: int
    country: str
    name: str


class PrefixTable:
    """Prefixes to look addresses up in; of two rows for one prefix the first stands."""

    def __init__(self, prefixes: Iterable[Prefix]) -> None:
        unique: dict[IPv4Network | IPv6Network, Prefix] = {}
        for prefix in prefixes:
            unique.setdefault(prefix.network, prefix)
        self._size = len(unique)
        self._ranges = {
            version: _flatten([p for n, p in unique.items() if n.version == version]) for version in (4, 6)
        }

    def __len__(self) -> int:
        return self._size

    def lookup(self, address: str) -> Prefix | None:
        """Give the longest prefix that holds an address, or all of a prefix; None when no prefix does.

        A first hop may be stored as a prefix, for the volunteer's sake: ``36.37.128.0/24``.  Raises
        ValueError for what is neither.
        """
        network = ip_network(address, strict=False)
        starts, prefixes = self._ranges[network.version]
        at = bisect_right(starts, int(network.network_address)) - 1
        found = prefixes[at] if at >= 0 else None
        return found if found is not None and network.prefixlen >= found.network.prefixlen else None


def read_prefixes(path: Path, report: Callable[[Path, int, str], None]) -> Iterator[Prefix]:
    """Read ``prefix,asn,country,name`` lines, the heading first; bad rows are reported with file and line.

    Raises OSError when the file cannot be read.
    """
    with path.open(encoding="utf-8", errors="replace", newline="") as stream:
        rows = csv.DictReader(stream)
        if missing := [name for name in _COLUMNS if name not in (rows.fieldnames or ())]:
            report(path, 1, f"lacks the column {missing[0]}")
            return
        try:
            for row in rows:
                try:
                    yield _prefix(row)
                except ValueError as error:
                    report(path, rows.line_num, str(error))
        except csv.Error as error:
            report(path, rows.line_num + 1, f"reading ends here: {error}")


def _prefix(row: dict[str, str | None]) -> Prefix:
    prefix, asn, country, name = ((row[column] or "").strip() for column in _COLUMNS)
    digits = asn.removeprefix("AS")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 10 and int(digits) <= _MAX_ASN):
        raise ValueError(f"asn: {asn[:40]!r} is no AS number")
    if not (len(country) == 2 and country.isascii() and country.isalpha()):
        raise ValueError(f"country: {country[:40]!r} is no country code")
    try:
        network = ip_network(prefix)
    except ValueError as error:
        raise ValueError(f"prefix: {error}") from None
    return Prefix(network, int(digits), country.upper(), name)


def _flatten(prefixes: list[Prefix]) -> tuple[list[int], list[Prefix | None]]:
    """Give range starts, ascending, and the longest prefix that holds from each start to the next."""
    starts: list[int] = []
    owners: list[Prefix | None] = []

    def begin(at: int, owner: Prefix | None) -> None:
        if starts and starts[-1] == at:
            owners[-1] = owner
        else:
            starts.append(at)
            owners.append(owner)

    # Outer prefixes come before those inside them; the stack holds those that are open, innermost last.
    ordered = sorted(prefixes, key=lambda p: (int(p.network.network_address), p.network.prefixlen))
    open_: list[Prefix] = []

    def close_until(at: int | None) -> None:
        while open_ and (at is None or _end(open_[-1]) <= at):
            end = _end(open_.pop())
            begin(end, open_[-1] if open_ else None)

    for prefix in ordered:
        start = int(prefix.network.network_address)
        close_until(start)
        begin(start, prefix)
        open_.append(prefix)
    close_until(None)
    return starts, owners


def _end(prefix: Prefix) -> int:
    return int(prefix.network.broadcast_address) + 1
