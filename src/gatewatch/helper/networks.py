"""Whose network an address is in: a prefix table from a file, small enough to hold the whole internet's."""

from __future__ import annotations

import csv
import ipaddress
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path

from gatewatch.whereabouts.prefix import MAX_ASN

# IPv6 prefixes longer than this are not routed on the internet; the upper half of an address is enough.
_HALF = 64


class Networks:
    """Prefixes by longest match: for each family and length, the sorted networks and their AS numbers.

    A million prefixes take about 16 MB, and a look-up a bisection for each length.
    """

    def __init__(self, path: Path) -> None:
        """Read a CSV file with the columns ``prefix`` and ``asn``; raises OSError, or ValueError by line."""
        rows: dict[tuple[int, int], list[tuple[int, int]]] = {}
        with path.open(encoding="utf-8", newline="") as lines:
            reader = csv.DictReader(lines)
            for row in _rows(reader, path.name):
                try:
                    network = ipaddress.ip_network(row["prefix"])
                    asn = int(row["asn"].removeprefix("AS"))
                    if not 0 <= asn <= MAX_ASN:
                        raise ValueError(f"{asn} is no AS number")
                except (ValueError, AttributeError) as error:
                    raise ValueError(f"{path.name}, line {reader.line_num}: {error}") from None
                if network.prefixlen <= _HALF:
                    key = network.version, network.prefixlen
                    rows.setdefault(key, []).append((_number(network.network_address), asn))
        self._tables: dict[int, list[tuple[int, array[int], array[int]]]] = {4: [], 6: []}
        for (version, length), found in sorted(rows.items(), reverse=True):
            found.sort()
            starts = array("Q", [start for start, _ in found])
            self._tables[version].append((length, starts, array("I", [asn for _, asn in found])))

    def asn_of(self, address: str) -> int:
        """Give the AS number of an address, 0 where no prefix covers it."""
        ip = ipaddress.ip_address(address)
        number = _number(ip)
        width = 32 if ip.version == 4 else _HALF
        for length, starts, asns in self._tables[ip.version]:
            start = number >> (width - length) << (width - length)
            at = bisect_left(starts, start)
            if at < len(starts) and starts[at] == start:
                return asns[at]
        return 0


def _rows(reader: csv.DictReader[str], name: str) -> Iterator[dict[str, str]]:
    try:
        if not {"prefix", "asn"} <= set(reader.fieldnames or ()):
            raise ValueError(f"{name}: the first line must name the columns prefix and asn")
        yield from reader
    except csv.Error as error:
        raise ValueError(f"{name}, line {reader.line_num + 1}: {error}") from None


def _number(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> int:
    return int(ip) if ip.version == 4 else int(ip) >> _HALF
