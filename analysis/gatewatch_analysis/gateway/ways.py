"""Every path as its hops that answered, each with whose it is: what border and sellers are read from.

Whose a hop is, the network decides (:mod:`gatewatch.locus.label`): a prefix that is listed in another country
than the rest of its network is disputed, and says nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_network
from itertools import groupby
from typing import Any, Literal, NamedTuple

import pandas as pd

from gatewatch.locus.label import UNKNOWN_COUNTRY, Vantage, whose
from gatewatch.net.address import is_bogon
from gatewatch_analysis.prefixes import Prefix, Whereabouts
from gatewatch_analysis.tables import VANTAGE

#: ``own`` and ``home`` are in the country; ``private`` are withheld ones, too; the last two tell nothing.
Kind = Literal["own", "home", "abroad", "private", "unlisted", "disputed"]
AT_HOME: tuple[Kind, ...] = ("own", "home")


class _Reply(NamedTuple):
    trace: int
    ttl: int
    address: str | None
    rtt_ms: float | None
    reached: bool


@dataclass(frozen=True, slots=True)
class Hop:
    """A hop that answered; silent ones are not listed at all."""

    ttl: int
    address: str
    kind: Kind
    prefix: Prefix | None
    rtt_ms: float | None


class Way(NamedTuple):
    """One trace: its hops by TTL, and whether the destination itself answered."""

    hops: list[Hop]
    reached: bool


class Ways(NamedTuple):
    """All traces of a vantage to one destination; ``vantage`` has the columns of a vantage in order."""

    vantage: tuple[Any, ...]
    destination: str
    traces: list[Way]


def ways(hops: pd.DataFrame, prefixes: Whereabouts) -> Iterator[Ways]:
    """Read the table ``Hops``, a vantage and a destination at a time.

    Each trace is read by itself, as hops of different traces need not lie on one path.
    """
    path = [*VANTAGE, "destination"]
    # Plain rows: a frame for every trace and TTL would take a hundred times as long.
    chosen = hops.sort_values([*path, "trace", "ttl"], kind="stable")[[*path, *_Reply._fields]]
    plain = chosen.astype(object).where(chosen.notna(), None)
    rows = plain.itertuples(index=False, name=None)
    known = _Known(prefixes)
    for keys, group in groupby(rows, key=lambda row: row[: len(path)]):
        replies = (_Reply(*row[len(path) :]) for row in group)
        vantage = Vantage(int(keys[VANTAGE.index("asn")] or 0), str(keys[0]))
        traces = [list(trace) for _, trace in groupby(replies, key=lambda reply: reply.trace)]
        yield Ways(
            keys[:-1],
            str(keys[-1]),
            [Way(_path(trace, vantage, known), bool(trace[0].reached)) for trace in traces],
        )


class _Known:
    """Remembers whose each address is: a dataset has few addresses, and each of them many times."""

    def __init__(self, prefixes: Whereabouts) -> None:
        self._prefixes = prefixes
        self._kinds: dict[tuple[str, Vantage], tuple[Kind, Prefix | None]] = {}

    def __call__(self, address: str, vantage: Vantage) -> tuple[Kind, Prefix | None]:
        key = address, vantage
        if key not in self._kinds:
            self._kinds[key] = self._look(address, vantage)
        return self._kinds[key]

    def _look(self, address: str, vantage: Vantage) -> tuple[Kind, Prefix | None]:
        try:
            first = ip_network(address, strict=False).network_address
        except ValueError:
            # A first hop withheld for the volunteer's sake is stored as a keyed hash.
            return "private", None
        if is_bogon(str(first)):
            return "private", None
        prefix = self._prefixes.lookup(address)
        if prefix is None or vantage.country == UNKNOWN_COUNTRY:
            return "unlisted", prefix
        return whose(vantage, prefix, self._prefixes) or "unlisted", prefix


def _path(trace: list[_Reply], vantage: Vantage, known: _Known) -> list[Hop]:
    """Give the hops that answered, by TTL, each with the address that answered most often there."""
    hops = []
    for ttl, replies in groupby(trace, key=lambda reply: reply.ttl):
        times: dict[str, list[float | None]] = {}
        for reply in replies:
            if reply.address is not None:
                times.setdefault(reply.address, []).append(reply.rtt_ms)
        if times:
            address = min(times, key=lambda a: (-len(times[a]), a))
            fastest = min((rtt for rtt in times[address] if rtt is not None), default=None)
            hops.append(Hop(ttl, address, *known(address, vantage), fastest))
    return hops
