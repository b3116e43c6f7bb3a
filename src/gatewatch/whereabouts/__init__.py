"""Whose address is this: networks, countries and exchanges by longest prefix, from one compact table.

It stands beside the rooms and not in one, since the probe, the command line and the analysis all ask it, and
it asks nobody.  Nested prefixes are flattened once, when a table is built, into ranges that do not overlap,
so that a look-up is one bisection whatever the table's size.  Pure Python suffices; where numpy is installed,
whole columns are looked up at once (:mod:`gatewatch.whereabouts.columns`).

A prefix says who announces an address, not where the router stands: a border router often wears an address of
the network across the border.
"""

from gatewatch.whereabouts.joined import Joined
from gatewatch.whereabouts.packed import About, DamagedTable
from gatewatch.whereabouts.prefix import Prefix, Whereabouts, parse_prefixes, read_prefixes
from gatewatch.whereabouts.table import PrefixTable

__all__ = [
    "About",
    "DamagedTable",
    "Joined",
    "Prefix",
    "PrefixTable",
    "Whereabouts",
    "parse_prefixes",
    "read_prefixes",
]
