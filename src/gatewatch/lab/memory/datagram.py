"""UDP sockets in memory: datagrams with the TTL they came with, and ICMP errors as Linux reports them.

The calls whose names end in ``_now`` never wait; trio's awaitable socket is made of them, and so is
:mod:`gatewatch.lab.memory.poller`.
"""

from __future__ import annotations

import errno
import socket
import sys
from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import trio

from gatewatch.lab.memory.base import (
    IPPROTO_IPV6,
    IPV6_HOPLIMIT,
    MSG_ERRQUEUE,
    Ancillary,
    MemorySocket,
    Network,
    failure,
    numeric,
    place,
)
from gatewatch.lab.memory.icmp import Address, IcmpError
from gatewatch.lab.path.packet import packed, udp

if TYPE_CHECKING:
    from typing_extensions import Buffer

# Linux: net.core.rmem_default holds some 250 small datagrams.
_RECEIVE_QUEUE = 256
# What fits the MTU behind IPv4's and behind IPv6's header; nothing in the lab fragments.
_LARGEST, _LARGEST6 = 1472, 1452


def told_ttl(ancillary: Iterable[tuple[int, int, Buffer]]) -> int | None:
    """Give the TTL that an IP_TTL or IPV6_HOPLIMIT message asks for, None without one."""
    ttl = None
    for level, kind, value in ancillary:
        if (level, kind) in ((socket.IPPROTO_IP, socket.IP_TTL), (IPPROTO_IPV6, IPV6_HOPLIMIT)):
            ttl = int.from_bytes(bytes(value)[:4], sys.byteorder)
    return ttl


class DatagramSocket(MemorySocket):
    """A client's UDP socket."""

    def __init__(self, network: Network, family: int, kind: int, proto: int) -> None:
        super().__init__(network, family, kind, proto)
        self._queue: deque[tuple[bytes, Address, int]] = deque()
        self.notify: Callable[[], None] | None = None  # called when there is something to read

    # -- what the network brings

    def arrived(self, source: Address, data: bytes, ttl: int) -> None:
        """Take a datagram; a connected socket hears its peer only."""
        if self._remote in (None, source) and len(self._queue) < _RECEIVE_QUEUE:
            self._queue.append((data, source, ttl))
            self._wake()

    def icmp(self, error: IcmpError) -> None:
        """Report as Linux does (udp_err): asked for by IP_RECVERR, or fatal and the socket connected."""
        if self._asks_for_errors:
            self._error_queue.append(error)
        elif not error.fatal or self._remote is None:
            return
        self._error = error.errno
        self._wake()

    def _wake(self) -> None:
        super()._wake()
        if self.notify is not None:
            self.notify()

    @property
    def readable(self) -> bool:
        """Whether :meth:`receive_now` gives or raises something other than BlockingIOError."""
        return bool(self._queue or self._error)

    @property
    def troubled(self) -> bool:
        """Whether the error queue holds something; poll(2) tells of that like of an error."""
        return bool(self._error_queue)

    # -- without waiting

    def connect_now(self, address: object) -> None:
        """Choose the peer, and a port if there is none."""
        self._check_open()
        remote = numeric(address, self.six)
        source = self._network.source(self.six)
        self._remote = remote
        self._ensure_port()
        self._local = place(self._local, source, self._local[1])

    def _ensure_port(self) -> None:
        if not self._local[1]:
            self._local = place(self._local, self._local[0], self._network.claim(self, 0))

    def send_now(self, data: bytes, address: object | None = None, ttl: int | None = None) -> int:
        """Send one datagram; a pending error is raised instead, once, as Linux does."""
        self._check_open()
        remote = self._remote if address is None else numeric(address, self.six)
        if remote is None:
            raise failure(errno.EDESTADDRREQ)
        self._raise_pending()
        if len(data) > (_LARGEST6 if self.six else _LARGEST):
            raise failure(errno.EMSGSIZE)
        source = packed(self._network.source(self.six))
        self._ensure_port()
        packet = udp(source, self._local[1], packed(remote[0]), remote[1], data, ttl=ttl or self.ttl)
        self._network.transmit(packet)
        return len(data)

    def receive_now(self, bufsize: int, flags: int = 0) -> tuple[bytes, Ancillary, int, Address]:
        """Receive a datagram with its TTL (IP_RECVTTL), or raise BlockingIOError."""
        self._check_open()
        self._raise_pending()
        if not self._queue:
            raise failure(errno.EAGAIN)
        data, source, ttl = self._queue[0] if flags & socket.MSG_PEEK else self._queue.popleft()
        truncated = socket.MSG_TRUNC if len(data) > bufsize else 0
        return data[:bufsize], self._ttl_message(ttl), truncated, source

    def error_now(self, bufsize: int) -> tuple[bytes, Ancillary, int, Address]:
        """Read the error queue, or raise BlockingIOError."""
        self._check_open()
        if not self._error_queue:
            raise failure(errno.EAGAIN)
        return self._take_error(bufsize)

    def bind_now(self, address: object) -> None:
        """Choose the local port; raises EADDRINUSE."""
        self._check_open()
        wanted = numeric(address, self.six)
        self._local = place(wanted, wanted[0], self._network.claim(self, wanted[1]))

    # -- as trio's socket

    async def bind(self, address: object) -> None:
        """Choose the local port; raises EADDRINUSE."""
        await trio.lowlevel.checkpoint()
        self.bind_now(address)

    async def connect(self, address: object) -> None:
        """Choose the peer."""
        await trio.lowlevel.checkpoint()
        self.connect_now(address)

    async def send(self, data: Buffer, flags: int = 0) -> int:
        """Send to the peer."""
        await trio.lowlevel.checkpoint()
        return self.send_now(bytes(data))

    async def sendto(self, data: Buffer, *rest: object) -> int:
        """Send to an address; flags may stand before it."""
        await trio.lowlevel.checkpoint()
        return self.send_now(bytes(data), rest[-1])

    async def sendmsg(
        self,
        buffers: Iterable[Buffer],
        ancdata: Iterable[tuple[int, int, Buffer]] = (),
        flags: int = 0,
        address: object | None = None,
    ) -> int:
        """Send one datagram; an IP_TTL or IPV6_HOPLIMIT message sets its TTL."""
        await trio.lowlevel.checkpoint()
        return self.send_now(b"".join(bytes(part) for part in buffers), address, told_ttl(ancdata))

    async def recvmsg(
        self, bufsize: int, ancbufsize: int = 0, flags: int = 0
    ) -> tuple[bytes, Ancillary, int, Address]:
        """Receive a datagram with its TTL (IP_RECVTTL); with MSG_ERRQUEUE, read the error queue."""
        await trio.lowlevel.checkpoint()
        self._check_open()
        if flags & MSG_ERRQUEUE:
            return await self._next_error(bufsize)
        while not self.readable:
            await self._wait()
        return self.receive_now(bufsize, flags)

    async def recvfrom(self, bufsize: int, flags: int = 0) -> tuple[bytes, Address]:
        """Receive a datagram and its sender."""
        data, _, _, source = await self.recvmsg(bufsize, 0, flags)
        return data, source

    def _shut(self) -> None:
        self._network.release(self)
