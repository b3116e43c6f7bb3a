"""What a probe measures through: trust, resolvers, helpers, limits, and manners.

Manners are kept here and not in each probe: one server has one connection of ours at a time, and an endpoint
that let several unrelated names run into silence is not tried again and again.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import trio

from gatewatch.net.address import is_bogon
from gatewatch.net.capture import Caught
from gatewatch.net.learnt import Learnt
from gatewatch.net.restraint import Restraint
from gatewatch.net.trust import Trust, system_trust
from gatewatch.whereabouts import Prefix, Whereabouts
from gatewatch_targets import Resolver, resolvers


@dataclass(frozen=True, slots=True)
class Limits:
    """How long each step may take, in seconds; the values of OONI Probe unless said otherwise."""

    #: getaddrinfo.  Its own retries end before (resolv.conf(5): 2 attempts of 5 s each a server).
    system_lookup: float = 15.0
    #: One question over UDP, until its first answer (web_connectivity 0.4: 5 s).
    question: float = 5.0
    #: A DoH or DoT exchange with its connection.
    carried: float = 10.0
    connect: float = 10.0
    #: The second try of a connect that met silence: three SYNs (after 0, 1 and 3 s; RFC 6298 2, Linux).
    connect_again: float = 4.0
    #: Before anything is tried again: what was wrong for a moment should be over.
    pause: float = 1.0
    handshake: float = 10.0
    #: A whole HTTP exchange.
    transfer: float = 10.0
    #: One test helper: it waits for the site itself, 20 s for one that is silent (OONI waits 30 s, too).
    #: Others are asked meanwhile: four that are all blocked take 20 s, and not two minutes.
    helper: float = 30.0
    #: Seconds after which no further redirect is followed, and no further address of one URL is tried: a
    #: chain whose every step takes its whole time would otherwise outlast the item's budget.
    way: float = 45.0
    #: Redirects followed (web_connectivity 0.5).
    redirects: int = 10
    #: Addresses of one name that are tried, of each family.
    addresses: int = 6


# An endpoint that was silent for this many different names is left alone for the rest of the run: what a
# forged answer points to would otherwise cost its time-out for each name that is lied about.  One silence may
# be about the name; the same silence for an unrelated one is about the endpoint.
SILENT_NAMES = 2
# Endpoints of which that is remembered: a run over a long list meets as many dead ones as it has addresses.
_MOST_SILENT = 4096

# How long a filter may go on blocking an endpoint after a name was cut there (the authors of the QUIC
# measurements at gfw.report advise 5 minutes between tests; no longer one is on record).
RESIDUE = 300.0


class Turns:
    """Locks by address: never two connections to one server at once."""

    def __init__(self) -> None:
        self._locks: dict[str, tuple[trio.Lock, int]] = {}

    def taken(self, address: str) -> bool:
        """Tell whether whoever asks for an address's turn has to wait."""
        return address in self._locks

    @asynccontextmanager
    async def take(self, address: str) -> AsyncIterator[None]:
        """Wait for an address's turn and keep it."""
        lock, users = self._locks.get(address, (trio.Lock(), 0))
        self._locks[address] = (lock, users + 1)
        try:
            async with lock:
                yield
        finally:
            lock, users = self._locks.pop(address)
            if users > 1:
                self._locks[address] = (lock, users - 1)


@dataclass(slots=True)
class Wire:
    """One run's way to the network."""

    trust: Trust = field(default_factory=system_trust)
    limits: Limits = field(default_factory=Limits)
    #: Public resolvers to compare with, in order of preference.
    resolvers: tuple[Resolver, ...] = field(default_factory=lambda: comparison_resolvers())
    #: Addresses of the resolvers that the system uses.
    own_resolvers: tuple[str, ...] = field(default_factory=lambda: system_resolvers())
    #: URLs of test helpers abroad (OONI's protocol), tried in order.
    helpers: tuple[str, ...] = ()
    #: URLs of helpers inside the country, asked beside those abroad.
    domestic_helpers: tuple[str, ...] = ()
    #: The line's AS number (0: not known) and country (ZZ: not known), and whose addresses are.
    asn: int = 0
    country: str = "ZZ"
    whereabouts: Whereabouts | None = None
    #: How often forbidden names may be repeated, and whether they may.
    restraint: Restraint = field(default_factory=Restraint)
    #: Our clock minus the world's in seconds, where the line told it.
    clock_offset: float | None = None
    ipv4: bool = True
    ipv6: bool = False
    #: Whether to capture packets beside the kernel's TCP (needs CAP_NET_RAW).
    deep: bool = False
    #: Whether to spend what is left of a hunt's triggers on the TTL of the resets that were found.
    reply_ttl: bool = False
    #: Files the packets of a hunt: its method, the server, what was caught, each hop's TTL and address.
    #: None: nobody wants evidence.
    evidence: Callable[[str, str, Sequence[Caught], Iterable[tuple[int, str]]], str | None] | None = None
    turns: Turns = field(default_factory=Turns)
    #: What this run has learnt about the line.
    learnt: Learnt = field(default_factory=Learnt)
    _silent: dict[tuple[str, int], tuple[str, ...]] = field(default_factory=dict)
    _cut: dict[tuple[str, int], tuple[float, str]] = field(default_factory=dict)

    def forget(self, own_resolvers: tuple[str, ...] = ()) -> None:
        """Forget what was learnt of the line, since it is another now, with these resolvers."""
        self.own_resolvers = own_resolvers or self.own_resolvers
        self.learnt = Learnt()
        self._silent.clear()
        self._cut.clear()

    def forget_silence(self) -> None:
        """Forget which endpoints were silent: the line, or this machine, may have been."""
        self._silent.clear()

    def cut(self, address: str, port: int, name: str) -> None:
        """Remember that somebody cut a name at an endpoint just now, and forget what was cut long ago."""
        now = trio.current_time()
        self._cut.pop((address, port), None)
        self._cut[address, port] = now, name
        # In the order of their times, as each was put at the end.
        while now - next(iter(self._cut.values()))[0] >= RESIDUE:
            del self._cut[next(iter(self._cut))]

    def passed(self, address: str, port: int) -> None:
        """Note that nothing is left there of what was cut."""
        self._cut.pop((address, port), None)

    def cut_for_another(self, address: str, port: int, name: str) -> float | None:
        """Give when another name was last cut at an endpoint, in trio's time; None: not lately."""
        when, whose = self._cut.get((address, port), (float("-inf"), name))
        return when if whose != name and trio.current_time() - when < RESIDUE else None

    def usable(self, address: str) -> bool:
        """Tell whether an address may be connected to: a public one, of a family that this line has."""
        return not is_bogon(address) and (self.ipv6 if ":" in address else self.ipv4)

    def whose(self, address: str | None) -> Prefix | None:
        """Look up who announces an address; nobody does a private one, or without a table any."""
        if address is None or self.whereabouts is None or is_bogon(address):
            return None
        return self.whereabouts.lookup(address)

    def silent(self, address: str, port: int, name: str) -> None:
        """Remember that an endpoint did not answer for a name, unless another name's cut explains it."""
        if self.cut_for_another(address, port, name) is not None:
            return
        names = self._silent.pop((address, port), ())
        if name not in names and len(names) < SILENT_NAMES:
            names = (*names, name)
        self._silent[address, port] = names
        if len(self._silent) > _MOST_SILENT:
            # The one that was of use longest ago.
            del self._silent[next(iter(self._silent))]

    def is_silent(self, address: str, port: int) -> bool:
        """Tell whether an endpoint did not answer for several names."""
        names = self._silent.get((address, port), ())
        if len(names) < SILENT_NAMES:
            return False
        self._silent[address, port] = self._silent.pop((address, port))
        return True


def comparison_resolvers() -> tuple[Resolver, ...]:
    """The public resolvers that answer plain DNS and filter nothing, as the targets' table has them."""
    return tuple(r for r in resolvers() if r.do53 and r.ipv4 and r.doh and r.filtering == "none")


def system_resolvers() -> tuple[str, ...]:
    """The IPv4 addresses of the resolvers in resolv.conf; () where the system keeps none there."""
    if sys.platform == "win32":
        return ()
    try:
        lines = Path("/etc/resolv.conf").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ()
    words = [line.split() for line in lines]
    return tuple(w[1] for w in words if len(w) > 1 and w[0] == "nameserver" and ":" not in w[1])
