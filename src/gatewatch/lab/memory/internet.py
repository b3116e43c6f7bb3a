"""The lab behind trio's seam: makes sockets, resolves names, and moves packets on trio's clock."""

from __future__ import annotations

import errno
import itertools
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from math import inf
from weakref import WeakSet

import trio

from gatewatch.lab.country.scenario import Scenario
from gatewatch.lab.memory import lookup
from gatewatch.lab.memory.base import MemorySocket, failure
from gatewatch.lab.memory.datagram import DatagramSocket
from gatewatch.lab.memory.icmp import IcmpError
from gatewatch.lab.memory.poller import MemorySockets
from gatewatch.lab.memory.stream import StreamSocket
from gatewatch.lab.memory.tap import Taps
from gatewatch.lab.path.engine import Engine
from gatewatch.lab.path.packet import (
    ICMP,
    ICMPV6,
    TCP,
    TIME_EXCEEDED,
    UDP,
    UNREACHABLE,
    destination,
    head,
    icmp_kind,
    icmp_mtu,
    payload,
    ports,
    protocol,
    source,
    ttl,
    unpacked,
)
from gatewatch.lab.transport.stack import Stack
from gatewatch.lab.world import World
from gatewatch.net import capture, datagram, errors

# Linux's default ip_local_port_range.
_FIRST_PORT, _LAST_PORT = 32768, 60999


class MemoryInternet(trio.abc.SocketFactory, trio.abc.HostnameResolver):
    """One client of one ISP, without a kernel; :func:`attached` puts it behind trio's seam.

    ``world`` holds the servers, for whoever needs their authority's certificate beforehand; ``clock`` is
    trio's; ``seed`` is for what is left to chance (None: the scenario's); when the clock says ``dies``, the
    line is dead.
    """

    def __init__(
        self,
        scenario: Scenario,
        isp_id: str,
        world: World | None = None,
        *,
        clock: Callable[[], float] = trio.current_time,
        seed: int | None = None,
        dies: float = inf,
    ) -> None:
        scenario = scenario.seeded(seed)
        self.world = world or World(scenario)
        isp = scenario.isp(isp_id)
        self.client = isp.client
        # An address and a default route, whether or not anything comes of them.
        self.client6 = isp.routed6
        self.stack = Stack(lambda packet, _: self.transmit(packet), seed=1)
        self.now = clock
        self._dies = dies
        self._resolvers = isp.resolvers
        self._android = scenario.client.getaddrinfo == "android"
        self._engine = Engine(scenario, isp_id, self.world, clock=clock)
        self._datagram: dict[int, DatagramSocket] = {}
        self._made: WeakSet[MemorySocket] = WeakSet()
        self._next_port = itertools.cycle(range(_FIRST_PORT, _LAST_PORT + 1))
        self._txid = itertools.count(1, 2)
        self.taps = Taps()
        self._until = inf  # when the driver wakes
        self._wake = trio.Event()
        self.stack.on_timer = self._nudge

    # -- the seam

    def socket(
        self,
        family: int = socket.AF_INET,
        type: int = socket.SOCK_STREAM,  # noqa: A002 -- the seam's own name
        proto: int = 0,
    ) -> MemorySocket:
        """Make a TCP or UDP socket."""
        if family not in (socket.AF_INET, socket.AF_INET6):
            raise failure(errno.EAFNOSUPPORT)
        if type == socket.SOCK_STREAM:
            made = StreamSocket(self, family, type, proto)
            self._made.add(made)
            return made
        if type == socket.SOCK_DGRAM and proto in (0, socket.IPPROTO_UDP):
            return self.datagram_socket(family)
        # Raw and ICMP sockets: as for a user whose group ping_group_range does not admit.
        raise failure(errno.EACCES if type == socket.SOCK_DGRAM else errno.EPERM)

    def datagram_socket(self, family: int) -> DatagramSocket:
        """Make a UDP socket."""
        made = DatagramSocket(self, family, socket.SOCK_DGRAM, 0)
        self._made.add(made)
        return made

    def left_open(self) -> int:
        """Count the sockets that were made and not closed, for who looks for leaks."""
        return sum(not sock.closed for sock in self._made)

    async def getaddrinfo(  # type: ignore[override]
        self,
        host: bytes | None,
        port: bytes | str | int | None,
        family: int = 0,
        type: int = 0,  # noqa: A002 -- the seam's own name
        proto: int = 0,
        flags: int = 0,
    ) -> list[lookup.Entry]:
        """Resolve through the ISP's resolvers; raises socket.gaierror."""
        name = (host or b"localhost").decode("ascii")
        if flags & socket.AI_ADDRCONFIG and not family and not self.client6:
            family = socket.AF_INET
        try:
            found = await lookup.addresses(
                self._resolvers, name, family, next(self._txid), android=self._android
            )
        except ValueError:  # not a domain name at all
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known") from None
        return lookup.entries(lookup.ordered(found, self.client6), int(port or 0), type, proto)

    async def getnameinfo(  # type: ignore[override]
        self, sockaddr: tuple[str, int], flags: int
    ) -> tuple[str, str]:
        """Give the address as text; the lab has no reverse names."""
        await trio.lowlevel.checkpoint()
        return sockaddr[0], str(sockaddr[1])

    # -- for the sockets

    def source(self, six: bool) -> str:
        """Give the client's address in one family; raises ENETUNREACH where there is no route."""
        if six and not self.client6:
            raise failure(errno.ENETUNREACH)
        return self.client6 if six else self.client

    def transmit(self, packet: bytes) -> None:
        """Send a packet at this moment."""
        now = self.now()
        self.taps.see(packet, now, sent=True)
        if now < self._dies:
            self._engine.from_client(bytearray(packet), now)
            self._nudge()

    def ephemeral(self) -> int:
        """Give the next local port."""
        return next(self._next_port)

    def claim(self, sock: MemorySocket, port: int) -> int:
        """Give a datagram socket a local port."""
        assert isinstance(sock, DatagramSocket)
        if port in self._datagram:
            raise failure(errno.EADDRINUSE)
        while not port or port in self._datagram:
            port = self.ephemeral()
        self._datagram[port] = sock
        return port

    def release(self, sock: MemorySocket) -> None:
        """Forget a datagram socket."""
        for port in [port for port, holder in self._datagram.items() if holder is sock]:
            del self._datagram[port]

    def close(self) -> None:
        """End the attachment: nothing is sent or received any more."""
        self.stack.close()
        self._engine.close()

    # -- packets

    def _nudge(self) -> None:
        """Wake the driver when it would sleep too long."""
        due = self._due()
        if due < self._until:
            self._wake.set()

    def _due(self) -> float:
        engine, timers = self._engine.due(), self.stack.due()
        return min(inf if engine is None else engine, inf if timers is None else timers)

    def _arrived(self, packet: bytes | bytearray, now: float) -> None:
        self.taps.see(packet, now, sent=False)
        number = protocol(packet)
        if number == TCP:
            if not self._screened(packet):
                self.stack.receive(packet, now)
        elif number == UDP:
            sport, dport = ports(packet)
            sender = unpacked(source(packet))
            sock = self._datagram.get(dport)
            if sock is not None and sock.six == (":" in sender):
                came_from = (sender, sport, 0, 0) if sock.six else (sender, sport)
                sock.arrived(came_from, payload(packet), ttl(packet))
        elif number in (ICMP, ICMPV6) and icmp_kind(packet) in (TIME_EXCEEDED, UNREACHABLE):
            self._error_arrived(packet, now)

    def _screened(self, packet: bytes | bytearray) -> bool:
        """Tell whether a segment's TTL is below what its socket wants to hear of (ip(7), IP_MINTTL)."""
        sport, dport = ports(packet)
        connection = self.stack.find(
            (unpacked(destination(packet)), dport), (unpacked(source(packet)), sport)
        )
        sock = connection.client if connection is not None else None
        return isinstance(sock, MemorySocket) and ttl(packet) < sock.least_ttl

    def _error_arrived(self, packet: bytes | bytearray, now: float) -> None:
        quote, mtu = payload(packet), icmp_mtu(packet)
        (sport, dport), number = ports(quote), protocol(quote)
        aim, sender = unpacked(destination(quote)), source(packet)
        sock: MemorySocket | None = None
        if number == TCP:
            if mtu:
                self.stack.too_big(quote, mtu, now)
                return
            connection = self.stack.find((unpacked(source(quote)), sport), (aim, dport))
            seq = int.from_bytes(quote[head(quote) + 4 : head(quote) + 8], "big")
            client = connection.client if connection is not None else None
            # Linux believes no error about what is not under way (tcp_v4_err; RFC 5927 4.1).
            if connection is not None and connection.outstanding(seq) and isinstance(client, MemorySocket):
                sock = client
        elif number == UDP:
            sock = self._datagram.get(sport)
        # Over IPv4 the kernel looks at the quoted packet's TTL: one, where it expired (tcp_v4_err); over IPv6
        # at that of the error itself (tcp_v6_err).
        if sock is not None and sock.least_ttl <= ttl(packet if sock.six else quote):
            self.stack.now = now
            at = head(packet)
            quoted = quote[head(quote) :] if number == TCP else quote[head(quote) + 8 :]
            went_to = (aim, dport, 0, 0) if sock.six else (aim, dport)
            # RFC 4884 4.1 to 4.4: how long the quote is, in words of 4 bytes, and of 8 in ICMPv6.
            words = 8 * packet[at + 4] if sock.six else 4 * packet[at + 5]
            extension = max(words - (len(quote) - len(quoted)), 0)
            told = (packet[at], packet[at + 1], sender, ttl(packet), went_to, quoted, mtu, extension)
            sock.icmp(IcmpError(*told))

    async def run(self) -> None:
        """Deliver packets at their times, for ever."""
        while True:
            now = self.now()
            for packet in self._engine.pop(now):
                if now < self._dies:
                    self._arrived(packet, now)
            self.stack.tick(now)
            self._until, self._wake = self._due(), trio.Event()
            with trio.CancelScope(deadline=self._until):
                await self._wake.wait()


@asynccontextmanager
async def attached(
    scenario: Scenario,
    isp_id: str,
    world: World | None = None,
    *,
    seed: int | None = None,
    dies: float = inf,
) -> AsyncIterator[MemoryInternet]:
    """Put the lab behind trio's seam: every socket and look-up of this trio run goes through it.

    The sockets that :mod:`gatewatch.net.datagram` watches stay the lab's until the trio run ends.  ``dies``:
    see :class:`MemoryInternet`.
    """
    internet = MemoryInternet(scenario, isp_id, world, seed=seed, dies=dies)
    bionic, errors.bionic = errors.bionic, scenario.client.getaddrinfo == "android"
    problem: Exception | None = None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(internet.run)
        factory = trio.socket.set_custom_socket_factory(internet)
        datagram.use(MemorySockets(internet.datagram_socket))
        resolver = trio.socket.set_custom_hostname_resolver(internet)
        opener = capture.use(internet.taps.listen)
        try:
            yield internet
        except Exception as error:
            problem = error  # raised below, so that the nursery does not wrap it into a group
        finally:
            errors.bionic = bionic
            capture.use(opener)
            trio.socket.set_custom_socket_factory(factory)
            trio.socket.set_custom_hostname_resolver(resolver)
            nursery.cancel_scope.cancel()
            internet.close()
            if world is None:
                internet.world.close()
    if problem is not None:
        raise problem
