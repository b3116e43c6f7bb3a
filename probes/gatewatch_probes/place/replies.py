"""The TTL with which resets come, read without privileges, and the server's own beside it; no probe.

An optional extra of a hunt that has found a filter which resets: the kernel is asked which packets it would
not hear (:mod:`gatewatch.net.minttl`).  Each question about resets is one more trigger, from what is left of
the hunt's budget; those about the server's SYN-ACKs are connections that name nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from gatewatch.net.minttl import Reading, read_ttl, reset_ttl
from gatewatch_probes.place.hunt import Hunt
from gatewatch_probes.place.triggers import Spoken
from gatewatch_probes.place.walk import FULL

# Eight questions halve 255 down to one, and two make sure; a few for packets that get lost.
_CONNECTIONS = 14


@dataclass(frozen=True, slots=True)
class Replies:
    """What was read, of the server's SYN-ACKs and of the filter's resets."""

    server: Reading
    reset: Reading


async def read_replies(hunt: Hunt) -> Replies | None:
    """Read both, where a reset after spoken words was placed and triggers are left; else None."""
    trigger, place, left = hunt.trigger, hunt.place, hunt.most_triggers - hunt.triggers
    if place is None or hunt.signature != "reset" or not isinstance(trigger, Spoken) or left <= 0:
        return None
    # Below a second, so that the kernel's own second SYN is never sent.
    window = min(hunt.window(), 0.9)

    async def opened(least: int) -> bool | None:
        await hunt.pace()
        if hunt.stopped():
            return None
        hunt.controls += 1
        echo = await trigger.flow.syn(FULL, window, screen=least)
        return echo is not None and echo.kind == "open"

    async def clear() -> bool:
        passed = await hunt.clear()
        await hunt.pace()
        return passed and not hunt.stopped()

    def forbidden() -> bytes:
        hunt.triggers += 1
        return trigger.forbidden()

    if not await clear():
        return None
    server = await read_ttl(opened, budget=_CONNECTIONS)
    reset = await reset_ttl(trigger.flow, forbidden, place.first, window, clear=clear, budget=left)
    return Replies(server, reset)
