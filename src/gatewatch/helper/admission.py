"""Who is let in, and how often: so many questions at once, so many a second from one address.

Nothing here is written down.  A client's address is a keyed hash in memory, of a key that ends with the
process, and is forgotten as soon as its allowance is whole again.
"""

from __future__ import annotations

import hashlib
import ipaddress
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import trio

#: Questions in flight at once, those of probes; anybody else gets in while there are fewer than half as many.
#: (oohelperd has 50 and 25.)
AT_ONCE = 500
# Questions at the stage in which they cost work, and how long that is: names, handshakes and a page take half
# a second to a server on the other side of the world, and whatever is still open after two waits for silence.
# So 32 questions a second begin even if all sites are silent.
_YOUNG, _YOUNG_FOR = 64, 2.0
# How long one waits to begin: a probe waits for 30 s and a measurement takes up to 19, so who begins later
# may be answered when nobody listens any more, and with many of those nobody at all would be.
_PATIENT = 10.0
# How often to look at the clock; and standing still for a second, a quarter of the shortest time that anybody
# is given (4 s for names), is too long to call anything silent.
_BEAT, _STILL = 0.25, 1.0
_PROBES = ("ooniprobe-", "gatewatch")
# Buckets of clients that still owe; a flood from more addresses than this makes it forget the oldest.
_CLIENTS = 20_000


class Busy(Exception):
    """There is too much to do; the client may come again."""


class TooOften(Exception):
    """The client asks too often; ``wait`` seconds later it may come again."""

    def __init__(self, wait: float) -> None:
        super().__init__(f"too many requests: come again in {wait:.0f} s")
        self.wait = wait


@dataclass(slots=True)
class InFlight:
    """Counts the questions that are being measured; ``most`` of probes, half as many of anybody."""

    most: int = AT_ONCE
    count: int = 0

    @contextmanager
    def one(self, user_agent: str) -> Iterator[None]:
        """Let one in for as long as it takes; raises :class:`Busy`."""
        limit = self.most if user_agent.startswith(_PROBES) else max(1, self.most // 2)
        if self.count >= limit:
            raise Busy("the helper is busy: try another one")
        self.count += 1
        try:
            yield
        finally:
            self.count -= 1


class Turn:
    """One question's turn; it is over when the question is, or when it has gone on for a while."""

    def __init__(self, free: trio.Semaphore) -> None:
        self._free = free
        self._over = False

    def end(self) -> None:
        """Let the next one begin; calling it again does nothing."""
        if not self._over:
            self._over = True
            self._free.release()

    async def lapse(self) -> None:
        """End it by itself: a question that takes longer waits for somebody silent, and costs nothing."""
        await trio.sleep(_YOUNG_FOR)
        self.end()


class Turns:
    """Lets so many questions begin at a time, the others after them in the order in which they came.

    All at once, hundreds of questions would share the processor, and each would see names and sites time out
    that are quick to answer: wrong controls, from which probes conclude.  In turns each takes as long as it
    does alone.
    """

    def __init__(self, young: int = _YOUNG) -> None:
        self._free = trio.Semaphore(young)

    async def take(self) -> Turn:
        """Wait for a turn; raises :class:`Busy` when it does not come in time."""
        with trio.move_on_after(_PATIENT):
            await self._free.acquire()
            return Turn(self._free)
        raise Busy("the helper is busy: try another one")


class Pulse:
    """Tells whether this process was kept from running while a question was measured.

    Who comes late to what has arrived takes it for silence: the time for it has passed.
    """

    def __init__(self) -> None:
        self._beat = trio.current_time()
        self._worst = 0.0

    async def beat(self) -> None:
        """Look at the clock, for as long as it is let."""
        while True:
            await trio.sleep(_BEAT)
            self._note()

    def _note(self) -> None:
        now = trio.current_time()
        self._worst = max(self._worst, now - self._beat - _BEAT)
        self._beat = now

    @property
    def stopped(self) -> bool:
        """Whether it stood still for longer than an answer can bear."""
        self._note()
        return self._worst > _STILL


class Allowance:
    """A token bucket for each client: ``burst`` tokens, refilled with ``rate`` a second."""

    def __init__(self, rate: float, burst: float) -> None:
        self.rate = rate
        self.burst = burst
        self._key = os.urandom(16)
        # Client to (tokens, when that was); in the order of last use.
        self._buckets: dict[bytes, tuple[float, float]] = {}

    def spend(self, address: str, cost: float, now: float) -> None:
        """Take tokens from an address's bucket; raises :class:`TooOften` and takes none."""
        client = self._client(address)
        tokens, then = self._buckets.pop(client, (self.burst, now))
        tokens = min(self.burst, tokens + (now - then) * self.rate)
        enough = tokens >= cost
        self._buckets[client] = (tokens - cost if enough else tokens, now)
        self._forget(now)
        if not enough:
            raise TooOften((cost - tokens) / self.rate)

    def _forget(self, now: float) -> None:
        """Drop the buckets that are full again, from the least used on, and whatever is too much."""
        whole = self.burst / self.rate
        while self._buckets:
            oldest = next(iter(self._buckets))
            then = self._buckets[oldest][1]
            if now - then < whole and len(self._buckets) <= _CLIENTS:
                return
            del self._buckets[oldest]

    def _client(self, address: str) -> bytes:
        return hashlib.blake2b(client_of(address), key=self._key, digest_size=8).digest()


class Doors:
    """Counts connections, ``of_one`` client and ``in_all``, and shuts the door in time."""

    def __init__(self, of_one: int, in_all: int) -> None:
        self._of_one = of_one
        self._in_all = in_all
        self._open: Counter[bytes] = Counter()

    @contextmanager
    def one(self, address: str) -> Iterator[bool]:
        """Count one while it lasts; gives whether it may stay."""
        client = client_of(address)
        stays = self._open.total() < self._in_all and self._open[client] < self._of_one
        self._open[client] += stays
        try:
            yield stays
        finally:
            self._open[client] -= stays
            if not self._open[client]:
                del self._open[client]


def client_of(address: str) -> bytes:
    """Give what counts as one client: an IPv4 address, or a /64, the least that a customer has (RFC 6177)."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address.encode()
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped
    return ip.packed[:8]
