"""The lab behind trio's seam: makes sockets, resolves names, and moves packets on trio's clock."""

from __future__ import annotations

import errno
import itertools
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import trio

from gatewatch.lab.engine import Engine
from gatewatch.lab.memory import lookup
from gatewatch.lab.memory.base import MemorySocket, failure
from gatewatch.lab.memory.datagram import DatagramSocket
from gatewatch.lab.memory.icmp import IcmpError
from gatewatch.lab.memory.poller import MemorySockets
from gatewatch.lab.memory.stream import StreamSocket
from gatewatch.lab.packet import ICMP, TCP, TIME_EXCEEDED, UDP, UNREACHABLE, payload, ports
from gatewatch.lab.scenario import Scenario
from gatewatch.lab.stack import Stack
from gatewatch.lab.world import World
from gatewatch.net import datagram, errors

# Linux's default ip_local_port_range.
_FIRST_PORT, _LAST_PORT = 32768, 60999


class MemoryInternet(trio.abc.SocketFactory, trio.abc.HostnameResolver):
    """One client of one ISP, without a kernel; :func:`attached` puts it behind trio's seam.

    ``world`` holds the servers, for whoever needs their authority's certificate beforehand; ``clock`` is
    trio's.
    """

    def __init__(
        self,
        scenario: Scenario,
        isp_id: str,
        world: World | None = None,
        *,
        clock: Callable[[], float] = trio.current_time,
    ) -> None:
        self.world = world or World(scenario)
        self.client = scenario.isp(isp_id).client
        self.stack = Stack(lambda packet, _: self.transmit(packet), seed=1)
        self.now = clock
        self._resolver = scenario.isp(isp_id).resolver
        self._android = scenario.client.getaddrinfo == "android"
        self._engine = Engine(scenario, isp_id, self.world, clock=clock)
        self._datagram: dict[int, DatagramSocket] = {}
        self._next_port = itertools.cycle(range(_FIRST_PORT, _LAST_PORT + 1))
        self._txid = itertools.count(1, 2)
        self._until = float("inf")  # when the driver wakes
        self._wake = trio.Event()

    # -- the seam

    def socket(
        self,
        family: int = socket.AF_INET,
        type: int = socket.SOCK_STREAM,  # noqa: A002 -- the seam's own name
        proto: int = 0,
    ) -> MemorySocket:
        """Make a TCP or UDP socket; IPv6 ones exist, but nothing can be reached from them."""
        if family not in (socket.AF_INET, socket.AF_INET6):
            raise failure(errno.EAFNOSUPPORT)
        if type == socket.SOCK_STREAM:
            return StreamSocket(self, family, type, proto)
        if type == socket.SOCK_DGRAM and proto in (0, socket.IPPROTO_UDP):
            return self.datagram_socket(family)
        # Raw and ICMP sockets: as for a user whose group ping_group_range does not admit.
        raise failure(errno.EACCES if type == socket.SOCK_DGRAM else errno.EPERM)

    def datagram_socket(self, family: int) -> DatagramSocket:
        """Make a UDP socket."""
        return DatagramSocket(self, family, socket.SOCK_DGRAM, 0)

    async def getaddrinfo(  # type: ignore[override]
        self,
        host: bytes | None,
        port: bytes | str | int | None,
        family: int = 0,
        type: int = 0,  # noqa: A002 -- the seam's own name
        proto: int = 0,
        flags: int = 0,
    ) -> list[lookup.Entry]:
        """Resolve through the ISP's resolver; raises socket.gaierror."""
        name = (host or b"localhost").decode("ascii")
        try:
            found = await lookup.addresses(
                self._resolver, name, family, next(self._txid), android=self._android
            )
        except ValueError:  # not a domain name at all
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known") from None
        return lookup.entries(found, int(port or 0), type, proto)

    async def getnameinfo(  # type: ignore[override]
        self, sockaddr: tuple[str, int], flags: int
    ) -> tuple[str, str]:
        """Give the address as text; the lab has no reverse names."""
        await trio.lowlevel.checkpoint()
        return sockaddr[0], str(sockaddr[1])

    # -- for the sockets

    def transmit(self, packet: bytes) -> None:
        """Send a packet at this moment."""
        self._engine.from_client(bytearray(packet), self.now())
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

    # -- packets

    def _nudge(self) -> None:
        """Wake the driver when it would sleep too long."""
        due = self._due()
        if due < self._until:
            self._wake.set()

    def _due(self) -> float:
        inf = float("inf")
        engine, timers = self._engine.due(), self.stack.due()
        return min(inf if engine is None else engine, inf if timers is None else timers)

    def _arrived(self, packet: bytes | bytearray, now: float) -> None:
        protocol = packet[9]
        if protocol == TCP:
            self.stack.receive(packet, now)
        elif protocol == UDP:
            sport, dport = ports(packet)
            sock = self._datagram.get(dport)
            if sock is not None:
                sock.arrived((socket.inet_ntoa(packet[12:16]), sport), payload(packet), packet[8])
        elif protocol == ICMP and packet[20] in (TIME_EXCEEDED, UNREACHABLE):
            self._error_arrived(packet, now)

    def _error_arrived(self, packet: bytes | bytearray, now: float) -> None:
        quote = bytes(packet[28:])
        sport, dport = ports(quote)
        destination = socket.inet_ntoa(quote[16:20]), dport
        sock: MemorySocket | None = None
        if quote[9] == TCP:
            connection = self.stack.find((self.client, sport), destination)
            if connection is not None and isinstance(connection.client, MemorySocket):
                sock = connection.client
        elif quote[9] == UDP:
            sock = self._datagram.get(sport)
        if sock is not None:
            self.stack.now = now
            quoted = quote[20:] if quote[9] == TCP else quote[28:]
            sender = bytes(packet[12:16])
            sock.icmp(IcmpError(packet[20], packet[21], sender, packet[8], destination, quoted))

    async def run(self) -> None:
        """Deliver packets at their times, for ever."""
        while True:
            now = self.now()
            for packet in self._engine.pop(now):
                self._arrived(packet, now)
            self.stack.tick(now)
            self._until, self._wake = self._due(), trio.Event()
            with trio.CancelScope(deadline=self._until):
                await self._wake.wait()


@asynccontextmanager
async def attached(
    scenario: Scenario, isp_id: str, world: World | None = None
) -> AsyncIterator[MemoryInternet]:
    """Put the lab behind trio's seam: every socket and look-up of this trio run goes through it.

    The sockets that :mod:`gatewatch.net.datagram` watches stay the lab's until the trio run ends.
    """
    internet = MemoryInternet(scenario, isp_id, world)
    bionic, errors.bionic = errors.bionic, scenario.client.getaddrinfo == "android"
    problem: Exception | None = None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(internet.run)
        factory = trio.socket.set_custom_socket_factory(internet)
        datagram.use(MemorySockets(internet.datagram_socket))
        resolver = trio.socket.set_custom_hostname_resolver(internet)
        try:
            yield internet
        except Exception as error:
            problem = error  # raised below, so that the nursery does not wrap it into a group
        finally:
            errors.bionic = bionic
            trio.socket.set_custom_socket_factory(factory)
            trio.socket.set_custom_hostname_resolver(resolver)
            nursery.cancel_scope.cancel()
    if problem is not None:
        raise problem
