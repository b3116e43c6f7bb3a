"""The way to a server: packets that name nothing, with rising TTL on the very flow, twice a hop; no probe.

Who answers, how fast, and where the server is: what a :class:`~gatewatch_probes.place.hunt.Hunt` stands on.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gatewatch.locus import Path
from gatewatch.net.shot import UNUSED, Echo, Flow
from gatewatch_probes.place.triggers import Trigger

MAX_TTL = 32
# Paths with this many silent routers in a row end in a firewall (scamper's gaplimit, 5).
_GAP = 5
_SWEEPS, _SWEEPS_OF_SILENT = 2, 4
# Innocent packets before a trigger, until one is answered.
_WITNESSES = 3
# How far beyond the first answer routers are looked for.  A way that is one hop longer for another port is
# load balancing; two are not (Augustin et al., IMC 2006, section 4).
_BEYOND = 3


@dataclass(slots=True)
class Walk:
    """A path that is being learnt; ``controls`` counts what was sent and named nothing forbidden."""

    trigger: Trigger
    path: Path = field(default_factory=lambda: Path(MAX_TTL))
    controls: int = 0

    def window(self) -> float:
        """How long an answer may take, in s: the slowest so far, twice the spread, and a moment."""
        slowest = max(self.path.rtts.values(), default=250.0)
        return min(2.0, (slowest + 4 * max(self.path.spread, default=10.0)) / 1000 + 0.1)

    async def _sweep(self) -> bool:
        gap = 0
        for ttl in range(1, MAX_TTL + 1):
            echo = await self._ask(ttl, _SWEEPS)
            if echo is not None and echo.kind in ("open", "refused", "data"):
                await self._settle(ttl)
                return True
            gap = 0 if echo else gap + 1
            if gap >= _GAP:
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
            if echo is None or echo.kind not in ("open", "refused", "data"):
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
