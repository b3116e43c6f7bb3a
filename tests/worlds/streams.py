"""A world of scripted TCP servers: who answers what, when, and where a connection ends.

A server is a list of turns, one for each time the client sends; a turn is what comes back.  bytes arrive as
they are, ``b""`` is the end of the connection, an OSError is raised by the read that meets it, and a number
is a wait in seconds.  Where the script ends, there is silence.
"""

from __future__ import annotations

import errno
import os
import ssl
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import trio

Turn = Sequence[bytes | OSError | float]
Peer = Callable[[bytes], Turn]


def broken(number: int) -> OSError:
    """The OSError for an errno."""
    return OSError(number, os.strerror(number))


RESET = broken(errno.ECONNRESET)
SILENCE: Turn = ()


def script(*turns: Turn) -> Peer:
    """A server that gives one turn after another, whatever is said to it."""
    left = deque(turns)
    return lambda data: left.popleft() if left else SILENCE


class TlsPeer:
    """One TLS connection around a script: what comes back is encrypted, waits and ends are the script's."""

    def __init__(self, context: ssl.SSLContext, inner: Peer, alerts: list[str] | None = None) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._inner = inner
        self._shaken = False
        self._alerts = [] if alerts is None else alerts

    def __call__(self, data: bytes) -> Turn:
        self._incoming.write(data)
        try:
            if not self._shaken:
                self._object.do_handshake()
                self._shaken = True
            said = self._object.read(65536)
        except ssl.SSLWantReadError:
            return (self._outgoing.read(),) if self._outgoing.pending else SILENCE
        except ssl.SSLError as error:
            self._alerts.append(error.reason)
            return (self._outgoing.read(), b"")
        turn: list[bytes | OSError | float] = []
        for item in self._inner(said):
            if isinstance(item, bytes) and item:
                self._object.write(item)
                turn.append(self._outgoing.read())
            else:
                turn.append(item)
        return turn


class TlsServer:
    """A TLS server: each connection has a state of its own; the alerts that clients sent are kept."""

    def __init__(self, context: ssl.SSLContext, inner: Peer) -> None:
        self._context = context
        self._inner = inner
        self.alerts: list[str] = []

    def accept(self) -> Peer:
        return TlsPeer(self._context, self._inner, self.alerts)


#: What stands at an address: who answers, who speaks first, or the error that a connect meets.
Server = Peer | TlsServer | Turn | OSError


class Sock(trio.socket.SocketType):
    """One fake TCP socket."""

    def __init__(self, world: Streams) -> None:
        super().__init__()
        self._world = world
        self._peer: Peer = script()
        self._inbox: deque[bytes | OSError | float] = deque()
        self.closed = False
        self.options: list[tuple[int, int, int | bytes]] = []

    async def connect(self, address: Any) -> None:
        server = self._world.servers.get(address[:2])
        self._world.connected.append((*address[:2], trio.current_time()))
        await trio.sleep(self._world.rtt)
        if isinstance(server, OSError):
            raise server
        if server is None:
            await trio.sleep_forever()
        elif isinstance(server, TlsServer):
            self._peer = server.accept()
        elif callable(server):
            self._peer = server
        else:
            self._inbox.extend(server)

    async def send(self, data: Any, flags: int = 0) -> int:
        await trio.lowlevel.checkpoint()
        if self._world.broken_sends:
            raise self._world.broken_sends.pop()
        self._inbox.extend(self._peer(bytes(data)))
        return len(data)

    async def recv(self, bufsize: int, flags: int = 0) -> bytes:
        await trio.lowlevel.checkpoint()
        while self._inbox:
            item = self._inbox.popleft()
            if isinstance(item, OSError):
                raise item
            if isinstance(item, bytes):
                return item
            await trio.sleep(item)
        await trio.sleep_forever()
        raise AssertionError

    def setsockopt(self, *option: Any) -> None:
        self.options.append(option)

    def close(self) -> None:
        self.closed = True


class Streams(trio.abc.SocketFactory):
    """The world: servers by (address, port); what is not listed is silent."""

    def __init__(self, servers: Mapping[tuple[str, int], Server], *, rtt: float = 0.1) -> None:
        self.servers = servers
        self.rtt = rtt
        self.sockets: list[Sock] = []
        self.connected: list[tuple[str, int, float]] = []
        #: Errors that the next sends raise.
        self.broken_sends: list[OSError] = []

    def socket(self, family: int = 0, type: int = 0, proto: int = 0) -> Sock:  # noqa: A002 -- the seam's name
        self.sockets.append(Sock(self))
        return self.sockets[-1]

    @property
    def all_closed(self) -> bool:
        return all(sock.closed for sock in self.sockets)


@contextmanager
def streams(servers: Mapping[tuple[str, int], Server], *, rtt: float = 0.1) -> Iterator[Streams]:
    """Put such a world behind trio's seam."""
    world = Streams(servers, rtt=rtt)
    before = trio.socket.set_custom_socket_factory(world)
    try:
        yield world
    finally:
        trio.socket.set_custom_socket_factory(before)
