"""What stream and datagram sockets in memory share: options, errors, the error queue, waiting, closing."""

from __future__ import annotations

import errno
import os
import socket
import struct
import sys
from abc import ABC, abstractmethod
from collections import deque
from typing import TYPE_CHECKING, Protocol

import trio

from gatewatch.lab.memory.icmp import Address, IcmpError
from gatewatch.lab.path.packet import INITIAL_TTL, packed, unpacked
from gatewatch.lab.transport.stack import Stack

if TYPE_CHECKING:
    from typing import Self

    from typing_extensions import Buffer

# <linux/in.h> and <linux/socket.h>; Python 3.11 does not name them all.
IP_RECVERR = 11
IP_RECVTTL = int(getattr(socket, "IP_RECVTTL", 12))
# <linux/in6.h>: Windows' and macOS' Python have other numbers for these, and sockets here are Linux's.
IPV6_UNICAST_HOPS, IPV6_RECVERR, IPV6_RECVHOPLIMIT, IPV6_HOPLIMIT = 16, 25, 51, 52
# <linux/in.h>, <linux/in6.h>: where an error's extension begins is told, too (Linux 5.9).
IP_RECVERR_RFC4884, IPV6_RECVERR_RFC4884 = 26, 31
IPPROTO_IPV6 = 41
IP_MINTTL, IPV6_MINHOPCOUNT = 21, 73
MSG_ERRQUEUE = 0x2000
Ancillary = list[tuple[int, int, bytes]]


class Network(Protocol):
    """What sockets need of the lab."""

    stack: Stack

    def source(self, six: bool) -> str:
        """Give the client's address in one family; raises ENETUNREACH where there is no route."""
        ...

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


class MemorySocket(trio.socket.SocketType, ABC):
    """A fake socket: subclasses add what flows through it."""

    def __init__(self, network: Network, family: int, kind: int, proto: int) -> None:
        super().__init__()
        self._network = network
        self._family, self._type, self._proto = family, kind, proto
        self.six = family == socket.AF_INET6
        self._options: dict[tuple[int, int], int | bytes] = {}
        self._local: Address = ("::", 0, 0, 0) if self.six else ("0.0.0.0", 0)
        self._remote: Address | None = None
        self._error = 0  # pending, reported once by whichever call comes next
        self._soft_error = 0  # only SO_ERROR tells
        self._error_queue: deque[IcmpError] = deque()
        self._changed = trio.lowlevel.ParkingLot()
        self._closed = False

    # -- state

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._closed

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
        """The TTL of packets sent from now on, which IPv6 calls hop limit."""
        if not self.six:
            return self.option(socket.IPPROTO_IP, socket.IP_TTL, INITIAL_TTL)
        hops = self.option(IPPROTO_IPV6, IPV6_UNICAST_HOPS, -1)
        return INITIAL_TTL if hops < 0 else hops  # -1: the system's default (RFC 3493 5.1)

    @property
    def least_ttl(self) -> int:
        """The TTL below which a packet is not for this socket."""
        if self.six:
            return self.option(IPPROTO_IPV6, IPV6_MINHOPCOUNT)
        return self.option(socket.IPPROTO_IP, IP_MINTTL)

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
        if (level, optname) in ((socket.IPPROTO_IP, socket.IP_TTL), (IPPROTO_IPV6, IPV6_UNICAST_HOPS)):
            return self.ttl
        if buflen is None:
            return self.option(level, optname)
        value = self._options.get((level, optname), b"")
        return (value if isinstance(value, bytes) else struct.pack("=i", value))[:buflen]

    # -- errors

    @abstractmethod
    def icmp(self, error: IcmpError) -> None:
        """Take an ICMP error about a packet of this socket."""

    @property
    def _asks_for_errors(self) -> bool:
        family = (IPPROTO_IPV6, IPV6_RECVERR) if self.six else (socket.IPPROTO_IP, IP_RECVERR)
        return bool(self.option(*family))

    def _raise_pending(self) -> None:
        if self._error:
            number, self._error = self._error, 0
            raise failure(number)

    async def _next_error(self, bufsize: int) -> tuple[bytes, Ancillary, int, Address]:
        """Read the error queue (recvmsg with MSG_ERRQUEUE); waits while it is empty."""
        while not self._error_queue:
            await self._wait()
        return self._take_error(bufsize)

    def _take_error(self, bufsize: int) -> tuple[bytes, Ancillary, int, Address]:
        error = self._error_queue.popleft()
        self._error = self._error_queue[0].errno if self._error_queue else 0
        told = (IPPROTO_IPV6, IPV6_RECVERR) if self.six else (socket.IPPROTO_IP, IP_RECVERR)
        rfc4884 = (
            (IPPROTO_IPV6, IPV6_RECVERR_RFC4884) if self.six else (socket.IPPROTO_IP, IP_RECVERR_RFC4884)
        )
        packed = error.packed(extension=bool(self.option(*rfc4884)))
        ancillary = [*self._ttl_message(error.ttl), (*told, packed)]
        flags = MSG_ERRQUEUE | (socket.MSG_TRUNC if len(error.quoted) > bufsize else 0)
        return error.quoted[:bufsize], ancillary, flags, error.destination

    def _ttl_message(self, ttl: int) -> Ancillary:
        if self.six:
            wanted, told = (IPPROTO_IPV6, IPV6_RECVHOPLIMIT), (IPPROTO_IPV6, IPV6_HOPLIMIT)
        else:
            wanted, told = (socket.IPPROTO_IP, IP_RECVTTL), (socket.IPPROTO_IP, int(socket.IP_TTL))
        return [(*told, struct.pack("=i", ttl))] if self.option(*wanted) else []

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

    @abstractmethod
    def _shut(self) -> None:
        """Close what the subclass has open; called once."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- reading, in terms of one call

    @abstractmethod
    async def recvfrom(self, bufsize: int, flags: int = 0) -> tuple[bytes, Address]:
        """Receive data and its sender."""

    async def recv(self, bufsize: int, flags: int = 0) -> bytes:
        """Receive data."""
        return (await self.recvfrom(bufsize, flags))[0]

    async def recv_into(self, buffer: Buffer, nbytes: int = 0, flags: int = 0) -> int:
        """Receive data into a buffer; gives its size."""
        view = memoryview(buffer).cast("B")
        data = await self.recv(nbytes or len(view), flags)
        view[: len(data)] = data
        return len(data)


def numeric(address: object, six: bool) -> Address:
    """Check that an address is one of the family's, in text, with a port; gives it as the kernel would."""
    if not isinstance(address, tuple) or len(address) < 2:
        raise TypeError("an address is a tuple of text and port")
    host, port = str(address[0]), int(address[1])
    if six:
        if host and ":" not in host:
            raise failure(errno.ENETUNREACH)  # the lab maps no IPv4 into IPv6
        return unpacked(packed(host or "::")), port, 0, 0
    if len(address) > 2 or ":" in host:
        raise failure(errno.EAFNOSUPPORT)
    return socket.inet_ntoa(socket.inet_aton(host or "0.0.0.0")), port


def place(family_of: Address, address: str, port: int) -> Address:
    """Write an address and port in the form that another of the same family has."""
    return (address, port, 0, 0) if len(family_of) == 4 else (address, port)
