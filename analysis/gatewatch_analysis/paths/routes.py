"""Routes: traces of one flow that met the same routers, and the networks on their way.

A path has changed only when its sequence of hops has: a router that stays silent in one trace and answers in
the next is the same router, and longer times are no change of path.  Traces of other flows are no repeats,
since a load balancer may send them elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from gatewatch.net.address import is_bogon
from gatewatch_analysis.paths.traces import Hop, Trace, traces
from gatewatch_analysis.prefixes import Prefix, Whereabouts
from gatewatch_analysis.tables import Paths

#: Stands in a path for hops between two networks that tell nothing: silent, private, or in no table.
UNKNOWN = "*"


@dataclass(slots=True)
class Route:
    """Traces of one flow, one after the other, on which no TTL contradicts another.

    ``number``: from 0 for each flow.  ``changed``: the first TTL at which it differs from the route before.
    """

    keys: tuple[Any, ...]
    number: int
    changed: int | None
    traces: list[Trace] = field(default_factory=list)
    met: dict[int, frozenset[str]] = field(default_factory=dict)

    def differs(self, trace: Trace) -> int | None:
        """Give the first TTL at which both heard somebody, and not the same."""
        for hop in trace.hops:
            known = self.met.get(hop.ttl)
            if known is not None and not known & hop.also:
                return hop.ttl
        return None

    def add(self, trace: Trace) -> None:
        """Take in a trace that does not differ."""
        self.traces.append(trace)
        for hop in trace.hops:
            # What all traces have in common, so that two changes within traces do not add up to no change.
            common = self.met.get(hop.ttl, hop.also) & hop.also
            self.met[hop.ttl] = common

    @property
    def hops(self) -> tuple[Hop, ...]:
        """Its routers by TTL, each with its least time over all traces."""
        found: dict[int, Hop] = {}
        for trace in self.traces:
            for hop in trace.hops:
                known = found.get(hop.ttl)
                if known is None or (hop.address in self.met[hop.ttl] and _less(hop, known)):
                    found[hop.ttl] = hop
        return tuple(found[ttl] for ttl in sorted(found))


def _less(hop: Hop, known: Hop) -> bool:
    return hop.rtt_ms is not None and (known.rtt_ms is None or hop.rtt_ms < known.rtt_ms)


def routes(hops: pd.DataFrame) -> Iterator[Route]:
    """Give the routes of every flow, in order of time."""
    for keys, own in traces(hops):
        route = Route(keys, 0, None)
        for trace in own:
            changed = route.differs(trace)
            if changed is not None:
                yield route
                route = Route(keys, route.number + 1, changed)
            route.add(trace)
        yield route


def paths(hops: pd.DataFrame, prefixes: Whereabouts) -> pd.DataFrame:
    """Give the AS path of every trace, and the route that it is on (table ``Paths``)."""
    rows = []
    for route in routes(hops):
        for trace in route.traces:
            networks, countries = along(trace, prefixes)
            rows.append(
                (
                    *route.keys[:-1],
                    trace.run,
                    trace.number,
                    trace.start,
                    route.keys[-1],
                    route.number,
                    route.changed if trace is route.traces[0] else None,
                    trace.length,
                    trace.length - len(trace.hops),
                    trace.reached,
                    networks,
                    countries,
                )
            )
    return Paths.frame(rows)


def along(trace: Trace, prefixes: Whereabouts) -> tuple[str, str]:
    """Give the networks and the countries (of registration) that a trace goes through, each once in a row.

    An exchange's peering LAN is nobody's network: the exchange is named instead.
    """
    networks: list[str] = []
    countries: list[str] = []
    at = trace.at
    for ttl in range(1, trace.length + 1):
        prefix = whose(at[ttl].address, prefixes) if ttl in at else None
        _append(networks, UNKNOWN if prefix is None else named(prefix))
        _append(countries, prefix.country if prefix and prefix.country and not prefix.ixp else UNKNOWN)
    return " ".join(_trimmed(networks)), " ".join(_trimmed(countries))


def named(prefix: Prefix) -> str:
    """Name a hop's network in a path: its number, or the exchange in one word."""
    return f"IX:{'_'.join(prefix.ixp.split())}" if prefix.ixp else str(prefix.asn)


def whose(address: str, prefixes: Whereabouts) -> Prefix | None:
    """Look an address up; None where it tells nothing: private, withheld, in no table, or nobody's."""
    try:
        found = None if is_bogon(address.partition("/")[0]) else prefixes.lookup(address)
    except ValueError:
        # A first hop withheld for the volunteer's sake is stored as a keyed hash.
        return None
    return found if found is not None and (found.asn or found.ixp) else None


def _append(row: list[str], word: str) -> None:
    if row and row[-1] == word:
        return
    # Unknown hops between two of the same network are taken for that network's.
    if len(row) > 1 and row[-1] == UNKNOWN and row[-2] == word:
        row.pop()
        return
    row.append(word)


def _trimmed(row: list[str]) -> list[str]:
    """Leave out what is unknown at the ends: the volunteer's own line, and silence behind the last hop."""
    begin = next((i for i, word in enumerate(row) if word != UNKNOWN), len(row))
    end = next((len(row) - i for i, word in enumerate(reversed(row)) if word != UNKNOWN), begin)
    return row[begin:end]
