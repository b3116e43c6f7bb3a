"""A prefix and whose it is, as people write it: lines of CSV."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Protocol

_COLUMNS = ("prefix", "asn", "country", "name")
# RFC 6793: AS numbers have 32 bits.
MAX_ASN = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Prefix:
    """A prefix, the network that announces it, and the country that it is listed under.

    What a table does not say is 0 or empty.  ``ixp``: the exchange point whose peering LAN it is; empty for
    all others.
    """

    network: IPv4Network | IPv6Network
    asn: int
    country: str
    name: str
    ixp: str = ""


class Whereabouts(Protocol):
    """All that anybody needs of a table, whatever it is made of."""

    def lookup(self, address: str) -> Prefix | None:
        """Give the longest prefix that holds an address, or all of a prefix; None when no prefix does."""
        ...

    def home_of(self, asn: int) -> str:
        """Give the country that most of a network's prefixes are listed under; empty where it has none."""
        ...


def read_prefixes(path: Path, report: Callable[[Path, int, str], None]) -> Iterator[Prefix]:
    """Read ``prefix,asn,country,name`` lines, the heading first; bad rows are reported with file and line.

    A column ``ixp`` may name exchange points.  Raises OSError when the file cannot be read.
    """
    with path.open(encoding="utf-8", errors="replace", newline="") as stream:
        yield from parse_prefixes(stream, lambda line, why: report(path, line, why))


def parse_prefixes(lines: Iterable[str], report: Callable[[int, str], None]) -> Iterator[Prefix]:
    """Read the lines of such a file; bad rows are reported with their line."""
    rows = csv.DictReader(lines)
    if missing := [name for name in _COLUMNS if name not in (rows.fieldnames or ())]:
        report(1, f"lacks the column {missing[0]}")
        return
    try:
        for row in rows:
            try:
                yield _prefix(row)
            except ValueError as error:
                report(rows.line_num, str(error))
    except csv.Error as error:
        report(rows.line_num + 1, f"reading ends here: {error}")


def _prefix(row: dict[str, str | None]) -> Prefix:
    prefix, asn, country, name = ((row[column] or "").strip() for column in _COLUMNS)
    digits = asn.removeprefix("AS")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 10 and int(digits) <= MAX_ASN):
        raise ValueError(f"asn: {asn[:40]!r} is no AS number")
    if not (len(country) == 2 and country.isascii() and country.isalpha()):
        raise ValueError(f"country: {country[:40]!r} is no country code")
    try:
        network = ip_network(prefix)
    except ValueError as error:
        raise ValueError(f"prefix: {error}") from None
    return Prefix(network, int(digits), country.upper(), name, (row.get("ixp") or "").strip())
