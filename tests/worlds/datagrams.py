"""A world of UDP servers: each answers a question with a list of (seconds later, answer, IP TTL)."""

from __future__ import annotations

import errno
import heapq
import socket
import struct
from collections.abc import Callable
from typing import Any

import trio

from gatewatch.net import datagram

Answers = list[tuple[float, bytes | OSError, int]]
Server = Callable[[bytes], Answers]


class Sock:
    """One fake UDP socket."""

    def __init__(self, world: Datagrams) -> None:
        self._world = world
        self._peer = ("", 0)
        self.inbox: list[tuple[bytes | OSError, int]] = []
        self.ttl_wanted = False

    def setsockopt(self, level: int, option: int, value: int) -> None:
        self.ttl_wanted = (level, option, value) == (socket.IPPROTO_IP, 12, 1)

    def connect(self, address: tuple[str, int]) -> None:
        self._peer = address

    def send(self, data: bytes) -> int:
        server = self._world.servers.get(self._peer)
        for after, answer, ttl in server(data) if server is not None else ():
            self._world.deliver(after, self, answer, ttl)
        return len(data)

    def recvmsg(self, size: int, ancillary: int) -> tuple[bytes, list[tuple[int, int, bytes]], int, Any]:
        if not self.inbox:
            raise BlockingIOError(errno.EAGAIN, "nothing there")
        answer, ttl = self.inbox.pop(0)
        if isinstance(answer, OSError):
            raise answer
        control = [(socket.IPPROTO_IP, socket.IP_TTL, struct.pack("=i", ttl))] if self.ttl_wanted else []
        return answer[:size], control, 0, self._peer

    def close(self) -> None:
        self._world.unclosed -= 1


class Datagrams:
    """The world, as :class:`gatewatch.net.sockets.Sockets`: counts what is open and what is watched."""

    def __init__(self, servers: dict[tuple[str, int], Server]) -> None:
        self.servers = servers
        self.unclosed = 0
        self.watched: dict[Sock, object] = {}
        self.no_more: OSError | None = None
        self._coming: list[tuple[float, int, Sock, bytes | OSError, int]] = []
        self._count = 0
        self._new = trio.Event()
        datagram.use(self)

    def another(self) -> Datagrams:
        raise NotImplementedError("this world has one poller")

    def open(self, family: int) -> Sock:
        if self.no_more is not None:
            raise self.no_more
        self.unclosed += 1
        return Sock(self)

    def deliver(self, after: float, sock: Sock, answer: bytes | OSError, ttl: int) -> None:
        self._count += 1
        heapq.heappush(self._coming, (trio.current_time() + after, self._count, sock, answer, ttl))
        self._new.set()

    def watch(self, sock: Any, entry: object) -> None:
        self.watched[sock] = entry

    def forget(self, sock: Any) -> None:
        del self.watched[sock]

    def ready(self) -> list[object]:
        while self._coming and self._coming[0][0] <= trio.current_time():
            _, _, sock, answer, ttl = heapq.heappop(self._coming)
            sock.inbox.append((answer, ttl))
        return [entry for sock, entry in self.watched.items() if sock.inbox]

    async def wait(self) -> None:
        while True:
            self._new = trio.Event()
            until = self._coming[0][0] if self._coming else float("inf")
            with trio.move_on_at(until):
                await self._new.wait()
                continue
            return

    def close(self) -> None:
        pass
