"""Who refuses a connection: the server, or somebody nearer?  Not a probe, a part of web.

A refusal that comes back for a SYN whose TTL does not carry it to the server was not the server's.  How far
the server is, another port of the same address tells, which answers.
"""

from __future__ import annotations

from gatewatch_probes.visit.exchange import Exchanges

# Paths longer than this are rare (CAIDA's traceroutes: 15 hops on average, hardly any beyond 30).
FARTHEST = 32
_REFUSALS = ("refused", "reset")


async def refused_nearer(do: Exchanges, address: str, port: int, other: int) -> None:
    """Find the least TTL at which ``port`` refuses, by halving, and try ``other`` at that TTL, twice each."""
    low, high = 1, FARTHEST
    while low < high:
        middle = (low + high) // 2
        row = await do.syn("low_ttl", address, port, middle)
        if row.outcome == "timeout":  # a silent router, or a loss
            row = await do.syn("low_ttl", address, port, middle)
        if row.outcome in _REFUSALS:
            high = middle
        else:
            low = middle + 1
    for _ in range(2):
        row = await do.syn("low_ttl", address, port, high)
        await do.syn("low_ttl_other_port", address, other, high)
