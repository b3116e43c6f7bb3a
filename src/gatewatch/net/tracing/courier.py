"""Who carries probes: an interface, and the loop that keeps agenda and courier at work at a steady rate."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Protocol

import trio

from gatewatch.net.tracing.agenda import MOST, Agenda, Course, Heard, Manner

# Packets handed over between two looks at the answers: about half a millisecond of work.
_BATCH = 32
# How long the sender may rest: trio's timers are good to a millisecond, and answers are fetched by then.
_NAP = 0.001


class Courier(Protocol):
    """Sends probes of numbered flows and fetches answers."""

    #: How it hears answers, for the record.
    method: str
    #: How many probes of a flow may be in flight before an answer has shown that it tells them apart.
    window: int

    def send(self, flow: int, ttl: int) -> bool:
        """Send one probe; False when the system takes none now."""
        ...

    def receive(self) -> list[Heard]:
        """Fetch what has been answered."""
        ...

    async def wait(self) -> None:
        """Wait until something has been answered."""

    def close(self) -> None:
        """Give the sockets back."""


async def carry(
    courier: Courier,
    destinations: Sequence[str],
    manner: Manner,
    *,
    seed: int = 0,
    watch: Callable[[int, int], object] | None = None,
) -> list[Course]:
    """Trace all flows (``destinations`` by number) and give what was found of each; cancel it to stop early.

    ``watch`` is called now and then with the flows left and the packets sent.  Time is bounded: packets at
    the manner's rate, and one patience after the last of each round.
    """
    agenda = Agenda(destinations, manner, window=min(courier.window, MOST), seed=seed)
    interval = 1 / manner.rate
    # Packets that the time since the last look has earned; a pause earns one batch at most.
    clock = trio.current_time
    then, earned, sent = clock(), 1.0, 0
    pending: tuple[int, int] | None = None
    while agenda.left:
        now = clock()
        earned = min(earned + (now - then) * manner.rate, max(2.0 * _BATCH, manner.rate * 0.02))
        then = now
        starved = False
        for _ in range(min(int(earned), _BATCH)):
            pending = pending or agenda.next()
            if pending is None:
                starved = True
                break
            # Before, not after: an interrupted process must make a hop look farther, never nearer than light.
            departs = clock()
            if not courier.send(*pending):
                starved = True
                break
            agenda.sent(*pending, departs)
            pending = None
            earned -= 1
            sent += 1
        for heard in courier.receive():
            agenda.heard(heard, clock())
        agenda.expire(clock())
        if watch is not None:
            watch(agenda.left, sent)
        if not agenda.left:
            break
        if starved:
            pending_rest = math.inf if pending is None else clock() + _NAP
            wakes = agenda.wakes()
            until = min(pending_rest, math.inf if wakes is None else wakes)
            # What an answer or a given-up probe has made worth asking is asked at once.
            if until == math.inf:
                await trio.lowlevel.checkpoint()
                continue
            with trio.CancelScope(deadline=until):
                await courier.wait()
            if pending is None:
                # Nothing was held back by the rate while there was nothing to send.
                then, earned = clock(), max(earned, 1.0)
        elif earned < 1:
            with trio.CancelScope(deadline=clock() + max((1 - earned) * interval, _NAP)):
                await courier.wait()
        else:
            await trio.lowlevel.checkpoint()
    return agenda.courses
