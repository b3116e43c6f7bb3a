"""Where a site's name is sent to see if it is cut there, too: servers that have nothing to do with it.

They are those of the control names, never a test helper's: a filter that goes on blocking an address after it
was triggered would take our helper away.  An address where a name was cut rests for a while for that reason.
Not a probe, a part of web and sni.
"""

from __future__ import annotations

import trio

from gatewatch.net.journal import Journal
from gatewatch.net.wire import Wire
from gatewatch_probes.connect import to_try
from gatewatch_probes.resolve import look_up
from gatewatch_targets import control_names

# The longest residual block in wide use: China's for HTTP and SNI, 180 s (Bock et al., WOOT 2021).
REST = 180.0


def control_name_for(host: str) -> str:
    """Choose a control name that has nothing to do with a host."""
    apart = (
        n for n in control_names() if not (host == n or host.endswith(f".{n}") or n.endswith(f".{host}"))
    )
    return next(apart, control_names()[0])


class Neutral:
    """The neutral addresses of one run."""

    def __init__(self) -> None:
        self._addresses: dict[str, tuple[str, ...]] = {}
        self._resting: dict[str, float] = {}
        self._looking = trio.Lock()

    async def address(self, wire: Wire, host: str, avoid: str) -> str | None:
        """Give an address that is not of ``host``, of the family of ``avoid`` if possible; None: all rest."""
        found = []
        for name in control_names():
            if control_name_for(host) != name and (host == name or host.endswith(f".{name}")):
                continue
            for address in await self._look_up(wire, name):
                if address != avoid and self._resting.get(address, float("-inf")) <= trio.current_time():
                    if (":" in address) == (":" in avoid):
                        return address
                    found.append(address)
        return next(iter(found), None)

    def rest(self, address: str) -> None:
        """Leave an address alone for a while."""
        self._resting[address] = trio.current_time() + REST

    async def _look_up(self, wire: Wire, name: str) -> tuple[str, ...]:
        async with self._looking:
            if not self._addresses.get(name):
                self._addresses[name] = to_try(wire, await look_up(Journal(), wire, name, ()))
            return self._addresses[name]
