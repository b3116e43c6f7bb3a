"""UDP by the thousand in memory: non-blocking sockets and who of them has something to read.

What :mod:`gatewatch.net.datagram` takes instead of the kernel's sockets and poller.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import trio

from gatewatch.lab.memory.base import MSG_ERRQUEUE, Ancillary
from gatewatch.lab.memory.datagram import DatagramSocket, told_ttl
from gatewatch.lab.memory.icmp import Address


class Plain:
    """The non-blocking face: what :class:`gatewatch.net.sockets.Datagram` asks for."""

    def __init__(self, inner: DatagramSocket) -> None:
        self.inner = inner

    def setsockopt(self, level: int, option: int, value: int) -> None:
        """Set an option."""
        self.inner.setsockopt(level, option, value)

    def connect(self, address: Address) -> None:
        """Choose the peer."""
        self.inner.connect_now(address)

    def bind(self, address: Address) -> None:
        """Choose the local port; raises EADDRINUSE."""
        self.inner.bind_now(address)

    def getsockname(self) -> Address:
        """Give the local address and port."""
        return self.inner.getsockname()

    def send(self, data: bytes) -> int:
        """Send one datagram."""
        return self.inner.send_now(data)

    def sendmsg(self, buffers: Iterable[bytes], ancillary: Ancillary, flags: int, address: object) -> int:
        """Send one datagram to an address; an IP_TTL or IPV6_HOPLIMIT message sets its TTL."""
        return self.inner.send_now(b"".join(buffers), address, told_ttl(ancillary))

    def recvmsg(self, size: int, ancillary: int, flags: int = 0) -> tuple[bytes, Ancillary, int, Address]:
        """Receive one datagram, or with MSG_ERRQUEUE one error, or raise BlockingIOError."""
        return self.inner.error_now(size) if flags & MSG_ERRQUEUE else self.inner.receive_now(size)

    def close(self) -> None:
        """Close it."""
        self.inner.close()


class MemorySockets:
    """The poller: implements :class:`gatewatch.net.sockets.Sockets`."""

    def __init__(self, open_socket: Callable[[int], DatagramSocket]) -> None:
        self._open_socket = open_socket
        self._ready: dict[Any, object] = {}
        self._lot = trio.lowlevel.ParkingLot()

    def open(self, family: int) -> Plain:
        """Open a UDP socket."""
        return Plain(self._open_socket(family))

    def watch(self, sock: Any, entry: object) -> None:
        """Start to watch a socket."""

        def note() -> None:
            self._ready[sock] = entry
            self._lot.unpark_all()

        sock.inner.notify = note
        if sock.inner.troubled or sock.inner.readable:
            note()

    def forget(self, sock: Any) -> None:
        """Stop watching a socket."""
        sock.inner.notify = None
        self._ready.pop(sock, None)

    def ready(self) -> list[object]:
        """Give the entries of the sockets that hold something; told again as long as they do."""
        self._ready = {
            sock: entry for sock, entry in self._ready.items() if sock.inner.readable or sock.inner.troubled
        }
        return list(self._ready.values())

    async def wait(self) -> None:
        """Wait until some socket can be read."""
        if self.ready():
            await trio.lowlevel.checkpoint()
        else:
            await self._lot.park()

    def another(self) -> MemorySockets:
        """Give a poller of its own for sockets from the same place."""
        return MemorySockets(self._open_socket)

    def close(self) -> None:
        """Nothing to give back."""
