"""What stream and datagram sockets in memory share: options, errors, the error queue, waiting, closing."""

from __future__ import annotations

import errno
import os
import socket
import struct
import sys
from collections import deque
from typing import TYPE_CHECKING, Protocol

import trio

from gatewatch.lab.memory.icmp import Address, IcmpError
from gatewatch.lab.packet import INITIAL_TTL
from gatewatch.lab.stack import Stack

if TYPE_CHECKING:
    from typing import Self

    from typing_extensions import Buffer

# <linux/in.h> and <linux/socket.h>; Python 3.11 does not name them all.
IP_RECVERR = 11
IP_RECVTTL = int(getattr(socket, "IP_RECVTTL", 12))
MSG_ERRQUEUE = 0x2000
Ancillary = list[tuple[int, int, bytes]]


class Network(Protocol):
    """What sockets need of the lab."""

    client: str
    stack: Stack

    def now(self) -> float:
        """The time, on trio's clock."""
        ...

    def transmit(self, packet: bytes) -> None:
        """Send a packet."""
        ...

    def claim(self, sock: MemorySocket, port: int) -> int:
        """Give a datagram socket a local port, any for 0; raises OSError when taken."""
        ...

    def release(self, sock: MemorySocket) -> None:
        """Take a datagram socket's port back."""
        ...

    def ephemeral(self) -> int:
        """Give a fresh local port for a connection."""
        ...


def failure(number: int) -> OSError:
    """Make the OSError subclass for an errno, with the system's text."""
    return OSError(number, os.strerror(number))


class MemorySocket(trio.socket.SocketType):
    """A fake socket: subclasses add what flows through it."""

    def __init__(self, network: Network, family: int, kind: int, proto: int) -> None:
        super().__init__()
        self._network = network
        self._family, self._type, self._proto = family, kind, proto
        self._options: dict[tuple[int, int], int | bytes] = {}
        self._local: Address = ("0.0.0.0", 0)
        self._remote: Address | None = None
        self._error = 0  # pending, reported once by whichever call comes next
        self._soft_error = 0  # only SO_ERROR tells
        self._error_queue: deque[IcmpError] = deque()
        self._changed = trio.lowlevel.ParkingLot()
        self._closed = False

    # -- state

    @property
    def family(self) -> socket.AddressFamily:
        """The address family."""
        return socket.AddressFamily(self._family)

    @property
    def type(self) -> socket.SocketKind:
        """The socket type."""
        return socket.SocketKind(self._type)

    @property
    def proto(self) -> int:
        """The protocol number asked for."""
        return self._proto

    @property
    def ttl(self) -> int:
        """The TTL of packets sent from now on."""
        return self.option(socket.IPPROTO_IP, socket.IP_TTL, INITIAL_TTL)

    def fileno(self) -> int:
        """There is no file descriptor: -1, as for a closed socket."""
        return -1

    def getsockname(self) -> Address:
        """Give the local address and port."""
        self._check_open()
        return self._local

    def getpeername(self) -> Address:
        """Give the peer; raises ENOTCONN."""
        self._check_open()
        if self._remote is None:
            raise failure(errno.ENOTCONN)
        return self._remote

    def option(self, level: int, name: int, default: int = 0) -> int:
        """Give an option as a number."""
        value = self._options.get((level, name), default)
        return value if isinstance(value, int) else int.from_bytes(value[:4], sys.byteorder)

    def setsockopt(  # type: ignore[override]
        self, level: int, optname: int, value: int | bytes | None, optlen: int | None = None
    ) -> None:
        """Set an option; those that change nothing here are remembered."""
        self._check_open()
        self._options[level, optname] = value if isinstance(value, int) else bytes(value or b"")

    def getsockopt(  # type: ignore[override]
        self, level: int, optname: int, buflen: int | None = None
    ) -> int | bytes:
        """Give an option; SO_ERROR is cleared by reading, as in Linux."""
        self._check_open()
        if (level, optname) == (socket.SOL_SOCKET, socket.SO_ERROR):
            number = self._error or self._soft_error
            if self._error:
                self._error = 0
            else:
                self._soft_error = 0
            return number
        if (level, optname) == (socket.IPPROTO_IP, socket.IP_TTL):
            return self.ttl
        if buflen is None:
            return self.option(level, optname)
        value = self._options.get((level, optname), b"")
        return (value if isinstance(value, bytes) else struct.pack("=i", value))[:buflen]

    # -- errors

    def icmp(self, error: IcmpError) -> None:
        """Take an ICMP error about a packet of this socket."""
        raise NotImplementedError

    def _queue_error(self, error: IcmpError) -> None:
        if self.option(socket.IPPROTO_IP, IP_RECVERR):
            self._error_queue.append(error)

    def _raise_pending(self) -> None:
        if self._error:
            number, self._error = self._error, 0
            raise failure(number)

    async def _next_error(self, bufsize: int) -> tuple[bytes, Ancillary, int, Address]:
        """Read the error queue (recvmsg with MSG_ERRQUEUE); waits while it is empty."""
        while not self._error_queue:
            await self._wait()
        error = self._error_queue.popleft()
        self._error = self._error_queue[0].errno if self._error_queue else 0
        ancillary = [*self._ttl_message(error.ttl), (socket.IPPROTO_IP, IP_RECVERR, error.packed())]
        flags = MSG_ERRQUEUE | (socket.MSG_TRUNC if len(error.quoted) > bufsize else 0)
        return error.quoted[:bufsize], ancillary, flags, error.destination

    def _ttl_message(self, ttl: int) -> Ancillary:
        if not self.option(socket.IPPROTO_IP, IP_RECVTTL):
            return []
        return [(socket.IPPROTO_IP, socket.IP_TTL, struct.pack("=i", ttl))]

    # -- waiting and ending

    def _check_open(self) -> None:
        if self._closed:
            raise failure(errno.EBADF)

    async def _wait(self) -> None:
        """Wait until something has happened to this socket."""
        await self._changed.park()
        if self._closed:
            raise trio.ClosedResourceError("another task closed this socket")

    def _wake(self) -> None:
        self._changed.unpark_all()

    def close(self) -> None:
        """Close; tasks waiting on the socket get ClosedResourceError."""
        if not self._closed:
            self._closed = True
            self._shut()
            self._wake()

    def _shut(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- reading, in terms of one call

    async def recvfrom(self, bufsize: int, flags: int = 0) -> tuple[bytes, Address]:
        """Receive data and its sender."""
        raise NotImplementedError

    async def recv(self, bufsize: int, flags: int = 0) -> bytes:
        """Receive data."""
        return (await self.recvfrom(bufsize, flags))[0]

    async def recv_into(self, buffer: Buffer, nbytes: int = 0, flags: int = 0) -> int:
        """Receive data into a buffer; gives its size."""
        view = memoryview(buffer).cast("B")
        data = await self.recv(nbytes or len(view), flags)
        view[: len(data)] = data
        return len(data)


def numeric(address: object) -> Address:
    """Check that an address is an IPv4 address in text and a port."""
    if not isinstance(address, tuple) or len(address) < 2:
        raise TypeError("an IPv4 address is a tuple of text and port")
    host, port = str(address[0]), int(address[1])
    if len(address) > 2 or ":" in host:
        raise failure(errno.ENETUNREACH)  # IPv6 has no route here
    return socket.inet_ntoa(socket.inet_aton(host or "0.0.0.0")), port
