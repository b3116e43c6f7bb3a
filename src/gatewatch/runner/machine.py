"""The machine under a run: did it sleep or stand still, is it on the network that it began on?

A time limit that ran out while the process stood still says nothing of the network, and what was measured
half on one network and half on another belongs to neither.  So whoever measures asks here, before and after:
what the machine itself spoilt is measured again, and a run whose machine has gone to another network ends.

Everything is asked of the system; nothing is sent.
"""

from __future__ import annotations

import ipaddress
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trio

from gatewatch.runner.room import no_files
from gatewatch.whereabouts import Prefix
from gatewatch.words import mark

# How often the machine is looked at, in seconds.
BEAT = 0.5
# So many seconds of standing still spoil what fails meanwhile.  The shortest limit of a step is four seconds
# (net.wire.Limits): half of it is left, six RTTs of a way that nothing is known of (RFC 9002 6.2.2).
STOOD = 2.0
# A clock that goes on asleep and one that does not keep step within this while the machine is awake.
_STEP = 1.0
# By so much a clock was set, and not adjusted as time servers do all day; no certificate ends as exactly.
_SET = 30.0
# A machine whose network comes and goes all night fills no file with it.
_NOTES = 200
# How long a machine may be elsewhere before the run ends: a VPN that connects anew, a modem that comes back.
GRACE = 30.0

STOOD_STILL = mark("This machine stood still for some seconds, or was too slow.")
ASLEEP = mark("This machine was asleep.")
CLOCK_SET = mark("The clock of this machine was set.")
CHANGED = mark("The network of this machine has changed.")
RESOLVER = mark("This machine asks another name server now.")
ELSEWHERE = mark(
    "This machine is on another network now. Begin a new run there, or go on with --resume when it is back."
)

_ROUTES, _NEIGHBOURS = Path("/proc/net/route"), Path("/proc/net/arp")
# linux/route.h: a route that is up, by a router.
_UP_BY_ROUTER = 0x3


@dataclass(frozen=True, slots=True)
class Network:
    """How a machine is attached: the addresses that it sends from, and its router's hardware address."""

    addresses: tuple[str, ...] = ()
    #: "" where the system does not tell, or there is none.
    router: str = ""

    def is_same(self, other: Network, whose: Callable[[str], Prefix | None] = lambda _: None) -> bool:
        """Tell whether this is another's network, for all that is known; ``whose`` announces an address."""
        if self.router and other.router:
            return self.router == other.router
        for version in (4, 6):
            mine, theirs = self._of(version), other._of(version)
            if mine is None or theirs is None:
                # What has come or gone says nothing of the provider: IPv6 does both.
                continue
            if mine == theirs:
                return True
            # No smaller block is announced to the world (RFC 7454 6.1.3), so a public one has one owner;
            # everybody's home is 192.168.1.0/24.
            if mine in ipaddress.ip_network((theirs, 24 if version == 4 else 48), strict=False):
                return mine.is_global
            here, there = whose(str(mine)), whose(str(theirs))
            return here is not None and there is not None and here.asn == there.asn
        return False

    def _of(self, version: int) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
        found = (ipaddress.ip_address(address.partition("%")[0]) for address in self.addresses)
        return next((address for address in found if address.version == version), None)


def router() -> str:
    """Give the hardware address of the default router, as the kernel knows it; "" where it does not tell."""
    if sys.platform != "linux":
        return ""
    try:
        routes = [line.split() for line in _ROUTES.read_text(encoding="ascii").splitlines()[1:]]
        known = [line.split() for line in _NEIGHBOURS.read_text(encoding="ascii").splitlines()[1:]]
        by_router = [row for row in routes if int(row[3], 16) & _UP_BY_ROUTER == _UP_BY_ROUTER]
        default = [row for row in by_router if row[1] == row[7] == "00000000"]
        if not default:
            return ""
        first = min(default, key=lambda row: int(row[6]))
        # In the machine's own byte order (fib_route_seq_show of the kernel).
        address = str(ipaddress.IPv4Address(int(first[2], 16).to_bytes(4, sys.byteorder)))
        found = next((row[3] for row in known if row[0] == address and row[5] == first[0]), "")
    except (OSError, ValueError, LookupError):
        return ""
    return "" if found == "00:00:00:00:00:00" else found


def with_sleep() -> float:
    """Give seconds on a clock that nobody sets and that goes on while the machine sleeps."""
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    if sys.platform == "darwin":
        # clock_gettime(3) there: it goes on asleep, unlike what time.monotonic() reads.
        return time.clock_gettime(time.CLOCK_MONOTONIC)
    return time.monotonic()


@dataclass(frozen=True, slots=True)
class Moment:
    """How it stood with the machine at some moment; see :meth:`Machine.moment`."""

    stood: float
    changes: int


class Machine:
    """The machine during one run; :meth:`watch` goes on beside it.

    ``network`` and ``resolvers`` give how the machine is attached and whom it asks for names; ``whose``
    announces an address.  The lab replaces all of them.
    """

    def __init__(
        self,
        network: Callable[[], Network] = Network,
        resolvers: Callable[[], tuple[str, ...]] = tuple,
        whose: Callable[[str], Prefix | None] = lambda _: None,
        *,
        waking: Callable[[], float] = time.monotonic,
        always: Callable[[], float] = with_sleep,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._network, self._resolvers, self._whose = network, resolvers, whose
        self._waking, self._always, self._wall = waking, always, wall
        #: Seconds that the process has stood still so far, or came too late for.
        self.stood = 0.0
        #: How often the machine slept, its clock was set, or its network or resolver became another.
        self.changes = 0
        #: What changed last, in a sentence that the catalogues have.
        self.why = CHANGED
        #: All of it, for run.json: when, in trio's time, and what.
        self.notes: list[dict[str, Any]] = []
        self.home = self.here = network()
        self.resolvers = resolvers()
        #: Every address that this machine has sent from.
        self.addresses = dict.fromkeys(self.here.addresses)
        self._apart, self._told = always() - waking(), wall() - always()
        self._due = float("inf")

    @property
    def elsewhere(self) -> bool:
        """Whether it is on another network than the one it began on; without any it is not."""
        if not self.here.addresses or self.here == self.home:
            return False
        return not self.here.is_same(self.home, self._whose)

    async def watch(self) -> None:
        """Look again and again; for a nursery that is cancelled."""
        while True:
            self._due = trio.current_time() + BEAT
            await trio.sleep_until(self._due)
            self.stood += max(0.0, trio.current_time() - self._due)
            self.look()

    def look(self) -> None:
        """See whether anything has changed."""
        always = self._always()
        apart, told = always - self._waking(), self._wall() - always
        seen: list[str] = []
        if apart - self._apart > _STEP:
            seen.append(ASLEEP)
        if abs(told - self._told) > _SET:
            seen.append(CLOCK_SET)
        self._apart, self._told = apart, told
        here, resolvers = self._network(), self._resolvers()
        if (here.addresses != self.here.addresses or resolvers != self.resolvers) and no_files():
            here, resolvers = self.here, self.resolvers
        was = self.elsewhere
        if here.addresses != self.here.addresses or not _alike(here.router, self.here.router):
            self.addresses.update(dict.fromkeys(here.addresses))
            seen.append(CHANGED)
        if resolvers != self.resolvers:
            self.resolvers = resolvers
            seen.append(RESOLVER)
        # The kernel learns its router's address with the first packet, and forgets it.
        same = here.addresses == self.here.addresses
        self.here = Network(here.addresses, here.router or (self.here.router if same else ""))
        if not self.changes and not seen:
            self.home = self.here
        if self.elsewhere and not was and not seen:
            seen.append(CHANGED)
        if seen:
            self.changes += 1
            # The first explains the others.
            self.why = seen[0]
            if len(self.notes) < _NOTES:
                self.notes.append({"t": round(trio.current_time(), 1), "what": self.why})

    def moment(self) -> Moment:
        """Give how it stands now, to be compared with later."""
        return Moment(self._stood(), self.changes)

    def changed_since(self, then: Moment) -> bool:
        """Tell whether the machine slept, or its clock or network is another; then nothing of it is kept."""
        self.look()
        return self.changes != then.changes

    def stood_still_since(self, then: Moment) -> bool:
        """Tell whether it stood still for so long that a failure may be its own."""
        return self._stood() - then.stood > STOOD

    def _stood(self) -> float:
        """Give how long it stood still, what is not told to :meth:`watch` yet included."""
        return self.stood + max(0.0, trio.current_time() - self._due)

    async def is_back(self) -> bool:
        """Wait, for :data:`GRACE` seconds at most, until the machine is not elsewhere; tell whether it is."""
        with trio.move_on_after(GRACE):
            while self.elsewhere:
                await trio.sleep(BEAT)
                self.look()
        return not self.elsewhere


def _alike(one: str, other: str) -> bool:
    return one == other or not one or not other
