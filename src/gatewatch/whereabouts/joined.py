"""Several tables asked as one: networks from one source, countries and exchanges from others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from gatewatch.whereabouts.prefix import Prefix
from gatewatch.whereabouts.table import PrefixTable


class Joined:
    """Tables in the order in which they are believed: of what several know, the first one's word stands."""

    def __init__(self, tables: Iterable[PrefixTable]) -> None:
        self.tables = tuple(tables)

    def lookup(self, address: str) -> Prefix | None:
        """Give what the tables know together; the prefix is that of the first table that holds the address.

        Raises ValueError for what is neither address nor prefix.
        """
        found: Prefix | None = None
        for table in self.tables:
            other = table.lookup(address)
            if other is None:
                continue
            if found is None:
                found = other
                continue
            # A name belongs to its AS number: another table's number is not given this one's name.
            same = not found.asn or found.asn == other.asn
            found = replace(
                found,
                asn=found.asn or other.asn,
                country=found.country or other.country,
                name=found.name or (other.name if same else ""),
                ixp=found.ixp or other.ixp,
            )
        return found

    def home_of(self, asn: int) -> str:
        """Give the country of most of a network's prefixes, by the first table that says."""
        return next((home for table in self.tables if (home := table.home_of(asn))), "")
