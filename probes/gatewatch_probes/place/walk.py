"""The way to a server: packets that name nothing, with rising TTL on the very flow, twice a hop; no probe.

Who answers, how fast, and where the server is: what a :class:`~gatewatch_probes.place.hunt.Hunt` stands on.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gatewatch.locus import Path
from gatewatch.net.shot import UNUSED, Echo, Flow
from gatewatch_probes.place.triggers import Trigger

MAX_TTL = 32
#: The TTL that a visitor's packets have; filters that copy TTLs show themselves at last.
FULL = 64
#: What a server answers with, be it there or refusing; not a router.
_ANSWERS = ("open", "refused", "data")
# Where the server does not answer, so many silent routers in a row end the way (scamper's gaplimit, 5).
_GAP = 5
# Answers take no longer than this, in s, or are taken for lost.
_LONGEST = 2.0
_SWEEPS, _SWEEPS_OF_SILENT = 2, 4
# Innocent packets before a trigger, until one is answered.
_WITNESSES = 3
# How far beyond the first answer routers are looked for.  A way that is one hop longer for another port is
# load balancing; two are not (Augustin et al., IMC 2006, section 4).
_BEYOND = 3


@dataclass(slots=True)
class Walk:
    """A path that is being learnt.

    ``controls`` counts what was sent and named nothing forbidden; ``far`` is the server's own RTT in ms, None
    where it does not answer.
    """

    trigger: Trigger
    path: Path = field(default_factory=lambda: Path(MAX_TTL))
    controls: int = 0
    far: float | None = None

    def window(self) -> float:
        """How long an answer may take, in s: the slowest so far, twice the spread, and a moment."""
        known = list(self.path.rtts.values()) + ([] if self.far is None else [self.far])
        slowest = max(known, default=250.0)
        return min(_LONGEST, (slowest + 4 * max(self.path.spread, default=10.0)) / 1000 + 0.1)

    async def _reach(self) -> None:
        """Ask the server itself: the routers before a sea may all be silent, and it lies behind it."""
        for _ in range(_WITNESSES):
            echo = await self.trigger.sweep(FULL, _LONGEST)
            self.controls += 1
            if echo is not None and echo.kind in _ANSWERS:
                self.far = echo.rtt
                return

    async def _sweep(self) -> bool:
        await self._reach()
        gap = 0
        for ttl in range(1, MAX_TTL + 1):
            echo = await self._ask(ttl, _SWEEPS)
            if echo is not None and echo.kind in _ANSWERS:
                await self._settle(ttl)
                return True
            gap = 0 if echo else gap + 1
            if gap >= _GAP and self.far is None:
                return False
        return False

    async def _ask(self, ttl: int, answers: int) -> Echo | None:
        """Ask one hop until it has answered so often; silent ones some more, since packets get lost."""
        found: Echo | None = None
        for attempt in range(_SWEEPS_OF_SILENT):
            if self.path.answered.get(ttl, 0) >= answers or (found is None and attempt == _SWEEPS_OF_SILENT):
                break
            echo = await self.trigger.sweep(ttl, self.window())
            self.controls += 1
            self.path.control(ttl, echo.rtt if echo else None, echo.router if echo else None)
            # A server may answer an old packet; where one packet expires, the server is not.
            found = found if found is not None and found.kind == "expired" else echo or found
        return found

    async def _settle(self, ttl: int) -> None:
        """The server answered at this TTL; make sure that it does not at the one before."""
        while ttl > 1:
            echo = await self.trigger.sweep(ttl - 1, self.window())
            self.controls += 1
            if echo is None or echo.kind not in _ANSWERS:
                break
            ttl -= 1
        self.path.length = ttl

    async def _beyond(self) -> None:
        """Send to an unused port from the first answer's TTL on: is the server farther than that?"""
        flow, found = self.trigger.flow, self.path.length
        aside = Flow(flow.address, UNUSED, flow.source_port)
        for ttl in range(found, min(found + _BEYOND, MAX_TTL) + 1):
            echoes = await aside.datagram(b"gatewatch", ttl, self.window())
            self.controls += 1
            if not echoes:
                continue
            if echoes[0].kind != "expired":
                return
            if echoes[0].router is not None:
                self.path.routers[ttl] = echoes[0].router
            if ttl > found:
                self.path.goes_on = True
                return

    async def _heard(self, ttl: int) -> bool:
        """Before a hop's silence is to mean anything: does it answer, now?  A busy line is no filter."""
        if ttl >= self.path.length or not self.path.answered.get(ttl):
            return True
        for _ in range(_WITNESSES):
            echo = await self.trigger.sweep(ttl, self.window())
            self.controls += 1
            self.path.control(ttl, echo.rtt if echo else None, echo.router if echo else None)
            if echo is not None:
                return True
        return False
