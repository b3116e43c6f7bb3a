"""Where UDP sockets come from, and who tells which can be read: the kernel here, the lab elsewhere."""

from __future__ import annotations

import select
import selectors
import socket
import sys
from typing import Any, Protocol

import trio

# EPOLLIN, by its number because other systems do not name it (sys/epoll.h).
_READABLE = 0x001
# Where the poller cannot itself be waited for (Windows), how often it is looked at.
_POLL_INTERVAL = 0.01


class Datagram(Protocol):
    """A non-blocking, connected UDP socket: the part of socket.socket that is used."""

    def setsockopt(self, level: int, option: int, value: int, /) -> None:
        """Set an option, as socket(7) and ip(7) name them."""

    def connect(self, address: tuple[str, int], /) -> None:
        """Fix the peer; sends nothing."""

    def send(self, data: bytes, /) -> int:
        """Send one datagram; raises OSError."""
        ...

    def recvmsg(self, size: int, ancillary: int, /) -> tuple[bytes, list[tuple[int, int, bytes]], int, Any]:
        """Take one datagram; raises BlockingIOError when there is none, OSError for an ICMP error."""
        ...

    def close(self) -> None:
        """Close it."""


class Sockets(Protocol):
    """Where UDP sockets come from, and how to learn which of them have something to read."""

    def open(self, family: int) -> Datagram:
        """Open a non-blocking UDP socket."""
        ...

    def watch(self, sock: Datagram, entry: object) -> None:
        """Start to watch a socket; :meth:`ready` gives ``entry`` when it can be read."""

    def forget(self, sock: Datagram) -> None:
        """Stop watching a socket."""

    def ready(self) -> list[object]:
        """Give the entries of all sockets that can be read now."""
        ...

    async def wait(self) -> None:
        """Wait until some socket can be read."""

    def another(self) -> Sockets:
        """Give a poller of its own for sockets from the same place."""
        ...

    def close(self) -> None:
        """Give the poller back."""


if sys.platform == "win32":

    class _Socket(socket.socket):
        """Windows' sockets have no recvmsg, and tell no IP TTL."""

        def recvmsg(
            self, size: int, ancillary: int, /
        ) -> tuple[bytes, list[tuple[int, int, bytes]], int, Any]:
            return self.recv(size), [], 0, None

else:
    _Socket = socket.socket


# Saves a system call where sockets can be made non-blocking as they are made.
_KIND = socket.SOCK_DGRAM | getattr(socket, "SOCK_NONBLOCK", 0)


class KernelSockets:
    """The real ones.

    On Linux by epoll itself: selectors keep a key object for each socket and build a list of events for each
    look, which costs as much as all else that is done for a question here.
    """

    def __init__(self) -> None:
        self._entries: dict[int, object] = {}
        self._epoll: Any = None
        self._selector: selectors.BaseSelector | None = None
        if sys.platform == "linux":
            self._epoll = select.epoll()
        else:
            self._selector = selectors.DefaultSelector()
        self._fd: int | None = getattr(self._epoll or self._selector, "fileno", lambda: None)()

    def open(self, family: int) -> _Socket:
        """Open a non-blocking UDP socket."""
        sock = _Socket(family, _KIND)
        if _KIND == socket.SOCK_DGRAM:
            sock.setblocking(False)
        return sock

    def watch(self, sock: Any, entry: object) -> None:
        """Start to watch a socket; :meth:`ready` gives ``entry`` when it can be read."""
        number = sock.fileno()
        self._entries[number] = entry
        if self._epoll:
            self._epoll.register(number, _READABLE)
        elif self._selector:
            self._selector.register(number, selectors.EVENT_READ)

    def forget(self, sock: Any) -> None:
        """Stop watching a socket."""
        number = sock.fileno()
        if self._entries.pop(number, None) is not None:
            if self._epoll:
                self._epoll.unregister(number)
            elif self._selector:
                self._selector.unregister(number)

    def ready(self) -> list[object]:
        """Give the entries of all sockets that can be read now."""
        if self._epoll:
            return [self._entries[number] for number, _ in self._epoll.poll(0)]
        assert self._selector is not None
        return [self._entries[key.fd] for key, _ in self._selector.select(0)]

    async def wait(self) -> None:
        """Wait until some socket can be read."""
        if self._fd is None:
            await trio.sleep(_POLL_INTERVAL)
        else:
            await trio.lowlevel.wait_readable(self._fd)

    def another(self) -> KernelSockets:
        """Give a poller of its own for sockets from the same place."""
        return KernelSockets()

    def close(self) -> None:
        """Give the poller back."""
        poller = self._epoll or self._selector
        assert poller is not None
        poller.close()
