"""Traces as objects, out of the hops table: one router a TTL, with its least round-trip time.

At one TTL of one flow there should be one router.  Where several answered, the path changed while it was
traced: the one that answered most often stands, and all are kept, lest a change be seen where there is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple

import pandas as pd

from gatewatch.net.address import is_address, is_bogon
from gatewatch_analysis.tables import VANTAGE

#: What traces of one flow have in common.
FLOW = [*VANTAGE, "destination", "flow"]


class _Reply(NamedTuple):
    run: str
    trace: int
    start: Any
    reached: bool
    ttl: int
    address: str | None
    rtt_ms: float | None
    quoted_ttl: int | None
    labels: str | None
    name: str | None


@dataclass(frozen=True, slots=True)
class Hop:
    """A router on one trace: ``also`` are the others that answered at this TTL, itself included."""

    ttl: int
    address: str
    rtt_ms: float | None
    labels: str | None
    quoted_ttl: int | None
    name: str | None
    also: frozenset[str]

    @property
    def public(self) -> bool:
        """Whether its address is one of the internet's; a withheld one (a keyed hash) is not."""
        address = self.address.partition("/")[0]
        return is_address(address) and not is_bogon(address)

    @property
    def tunnelled(self) -> bool:
        """Whether it says that the packet was inside an MPLS tunnel.

        By its labels (RFC 4950), or by the TTL that it quotes: outside of tunnels that is 1 (0 from some),
        inside one that hides its labels it rises (Donnet et al., CCR 42 (2), 2012, "implicit tunnels").
        """
        return self.labels is not None or (self.quoted_ttl is not None and self.quoted_ttl > 1)


@dataclass(frozen=True, slots=True)
class Trace:
    """One trace: ``keys`` are the values of :data:`FLOW`, ``hops`` those that answered, by TTL.

    ``length``: the highest TTL asked.  ``start``: None where not told.
    """

    keys: tuple[Any, ...]
    run: str
    number: int
    start: pd.Timestamp | None
    reached: bool
    length: int
    hops: tuple[Hop, ...]

    @property
    def at(self) -> Mapping[int, Hop]:
        """The hops by TTL."""
        return {hop.ttl: hop for hop in self.hops}


def traces(hops: pd.DataFrame) -> Iterator[tuple[tuple[Any, ...], list[Trace]]]:
    """Give the traces of each flow, in order of time."""
    chosen = hops.sort_values([*FLOW, "start", "trace", "ttl"], kind="stable")[[*FLOW, *_Reply._fields]]
    # Plain rows: a frame for every trace would take a hundred times as long.
    plain = chosen.astype(object).where(chosen.notna(), None)
    rows = plain.itertuples(index=False, name=None)
    for keys, group in groupby(rows, key=lambda row: row[: len(FLOW)]):
        replies = (_Reply(*row[len(FLOW) :]) for row in group)
        yield keys, [_trace(keys, list(own)) for _, own in groupby(replies, key=lambda r: (r.run, r.trace))]


def _trace(keys: tuple[Any, ...], replies: list[_Reply]) -> Trace:
    first = replies[0]
    hops = [
        hop
        for ttl, own in groupby(replies, key=lambda reply: reply.ttl)
        if (hop := _hop(ttl, [reply for reply in own if reply.address is not None])) is not None
    ]
    length = max(reply.ttl for reply in replies)
    return Trace(keys, first.run, first.trace, first.start, bool(first.reached), length, tuple(hops))


def _hop(ttl: int, replies: list[_Reply]) -> Hop | None:
    if not replies:
        return None
    heard: dict[str, list[_Reply]] = {}
    for reply in replies:
        heard.setdefault(str(reply.address), []).append(reply)
    address = min(heard, key=lambda a: (-len(heard[a]), a))
    own = heard[address]
    times = [reply.rtt_ms for reply in own if reply.rtt_ms is not None]
    return Hop(
        ttl=ttl,
        address=address,
        rtt_ms=min(times, default=None),
        labels=next((reply.labels for reply in own if reply.labels), None),
        quoted_ttl=max((reply.quoted_ttl for reply in own if reply.quoted_ttl is not None), default=None),
        name=next((reply.name for reply in own if reply.name), None),
        also=frozenset(heard),
    )
