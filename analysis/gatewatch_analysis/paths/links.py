"""Links: two routers one behind the other, with the least time of each over all repeats.

Least times take queues away, not the way back, which may be another one: where the far end seems nearer than
the near end, the two came back on different ways or a tunnel lies between, and the difference is no length.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from gatewatch_analysis.paths.routes import Route, routes, whose
from gatewatch_analysis.paths.spans import EQUAL_MS, Segment, segments
from gatewatch_analysis.paths.traces import Hop
from gatewatch_analysis.prefixes import Whereabouts
from gatewatch_analysis.tables import Links


def links(hops: pd.DataFrame, prefixes: Whereabouts) -> pd.DataFrame:
    """Give the links of every route, tunnels as one span (table ``Links``)."""
    rows = []
    for route in routes(hops):
        times = [trace.start for trace in route.traces if trace.start is not None]
        about = (
            *route.keys,
            route.number,
            min(times, default=None),
            max(times, default=None),
        )
        destination = str(route.keys[-2])
        for segment in segments(route.hops, destination):
            rows.append((*about, *_row(segment, route, prefixes)))
    return Links.frame(rows)


def _row(segment: Segment, route: Route, prefixes: Whereabouts) -> tuple[Any, ...]:
    delta = segment.delta_ms
    backwards = None if delta is None else delta < -EQUAL_MS
    both = sum({segment.near.ttl, segment.far.ttl} <= set(trace.at) for trace in route.traces)
    return (
        segment.kind,
        segment.why or None,
        *_end(segment.near, prefixes),
        *_end(segment.far, prefixes),
        segment.hidden,
        None if backwards else delta,
        backwards,
        both,
    )


def _end(hop: Hop, prefixes: Whereabouts) -> tuple[Any, ...]:
    prefix = whose(hop.address, prefixes)
    about = (prefix.asn or None, prefix.country or None, prefix.ixp or None) if prefix else (None,) * 3
    return hop.ttl, hop.address, *about, hop.rtt_ms
