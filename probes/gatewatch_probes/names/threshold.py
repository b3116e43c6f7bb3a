"""From which TTL on is a name answered?  Not a probe, a part of intercept.

Whoever answers sees every packet that comes as far as it, so there is one threshold: below it no answer, from
it on always one.  It is found by halving, from a good guess: the IP TTL of an answer tells how many routers
it passed on its way back.  One lost packet must not move the threshold, so what was not answered just below
it is asked again.
"""

from __future__ import annotations

from collections.abc import Callable

from gatewatch_probes.names.walk import FULL, Flow, Packet

# How often the last TTL without an answer must stay without one.  A packet and its answer are both lost or
# neither: at 1 % loss each way 2 % are, and three times in a row 8 in a million.
CONFIRM = 3
# Linux, other systems, routers and network devices send with one of these (their documentation; nmap's
# fingerprints).
_INITIAL = (64, 128, 255)


def guess(packet: Packet) -> int | None:
    """Guess the threshold from the first answer's IP TTL, as if the way back were the way forth."""
    first = packet.answers[0].ip_ttl if packet.answers else None
    if first is None:
        return None
    away = next(initial for initial in (*_INITIAL, 256) if initial >= first) - first + 1
    return away if away < FULL else None


async def threshold(flow: Flow, name: str, write: Callable[[int], bytes], start: int | None) -> int | None:
    """Find the first TTL at which ``name`` is answered; None when not even a full one is.

    A full TTL must have been tried before.  Raises Spent when the packets do not suffice.
    """
    wanted = [t for t in (start, start - 1 if start else None, start + 1 if start else None) if t]
    while True:
        seen = [p for p in flow.packets if p.name == name]
        answered = min((p.ttl for p in seen if p.answers), default=None)
        if answered is None:
            return None
        below = [p for p in seen if p.ttl < answered]
        silent = max((p.ttl for p in below), default=0)
        if answered - silent > 1:
            ttl = next((t for t in wanted if silent < t < answered), (silent + answered) // 2)
        elif not silent or sum(p.ttl == silent for p in below) >= CONFIRM:
            return answered
        else:
            ttl = silent
        await flow.send(name, write, ttl)
