"""The TTL of TCP packets that came, read without privileges: by asking which ones the kernel would not hear.

IP_MINTTL (ip(7); IPV6_MINHOPCOUNT) hides packets with a smaller TTL from a socket, so whether a SYN-ACK or an
RST is still heard tells whether its TTL is at least that great: about ten questions, by bisection.  A SYN-ACK
costs a connection each; an RST costs a trigger each, which count against the caller's budget.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gatewatch.net.shot import Flow

_LARGEST = 255


@dataclass(frozen=True, slots=True)
class Reading:
    """A TTL as received, None where not found; ``least`` and ``most`` bound it.  ``asked``: the cost."""

    ttl: int | None
    least: int
    most: int
    asked: int


async def read_ttl(heard: Callable[[int], Awaitable[bool | None]], *, budget: int) -> Reading:
    """Find the greatest TTL with which something is still heard, in at most ``budget`` questions.

    ``heard`` asks once with a least TTL; None means that it could not ask, which ends the search.  Hearing is
    proof, silence may be a lost packet: the answer counts only after one more silence just above it, and what
    is heard there puts the search right.
    """
    asked = 0

    async def ask(least: int) -> bool | None:
        nonlocal asked
        if asked >= budget:
            return None
        asked += 1
        return await heard(least)

    low, high = 0, _LARGEST
    while True:
        while low < high:
            # The first question screens nothing out: whether there is anything to be heard at all.
            middle = 1 if low == 0 and high == _LARGEST else (low + high + 1) // 2
            word = await ask(middle)
            if word is None or (middle == 1 and not word):
                return Reading(None, low, high, asked)
            low, high = (middle, high) if word else (low, middle - 1)
        if low == _LARGEST:
            return Reading(low, low, low, asked)
        word = await ask(low + 1)
        if word is None:
            return Reading(None, low, high, asked)
        if not word:
            return Reading(low, low, low, asked)
        low, high = low + 1, _LARGEST


async def syn_ack_ttl(flow: Flow, window: float, *, budget: int = 24) -> Reading:
    """Read the TTL of a server's SYN-ACKs; ``window`` seconds (below 1) are waited for each."""

    async def heard(least: int) -> bool:
        echo = await flow.syn(64, window, screen=least)
        return echo is not None and echo.kind == "open"

    return await read_ttl(heard, budget=budget)


async def reset_ttl(
    flow: Flow,
    trigger: Callable[[], bytes],
    ttl: int,
    window: float,
    *,
    clear: Callable[[], Awaitable[bool]],
    budget: int,
) -> Reading:
    """Read the TTL of the resets that a trigger sent with ``ttl`` provokes; each question is one trigger.

    ``clear`` is the caller's guard: it makes a control exchange before each, after the waiting that a block
    left behind may need, and tells whether it passed.
    """

    async def heard(least: int) -> bool | None:
        if not await clear():
            return None
        echoes = await flow.say(trigger(), ttl, window, screen=least)
        return None if echoes is None else any(echo.kind == "reset" for echo in echoes)

    return await read_ttl(heard, budget=budget)
