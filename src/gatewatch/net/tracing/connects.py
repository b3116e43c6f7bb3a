"""SYNs without privileges: connect() with a low TTL, and the error queue names the router (Linux 5.8).

Two sockets cannot have the same ends, so a flow has one SYN in flight; the connection that comes about at
the end is reset at once, and the port is free again.
"""

from __future__ import annotations

import errno
import socket
import struct
import sys
from collections.abc import Sequence

import trio

from gatewatch.net import errqueue
from gatewatch.net.tracing.agenda import TCP_ANSWER, Heard

_RST_ON_CLOSE = struct.pack("ii", 1, 0)
_RST, _SYN_ACK = 0x14, 0x12
_IP_RECVTTL, _IPV6_RECVHOPLIMIT, _IPV6_HOPLIMIT = 12, 51, 52
#: The kernel sends a SYN again after a second (RFC 6298 2.1): answers must be waited for less.
PATIENCE = 0.9
# An error is queued before connect() tells of it.
_AT_ONCE = 0.02


class ConnectCourier:
    """Carries SYNs, one of each flow at a time; its tasks run in a nursery of the caller's."""

    method = "connects"
    window = 1

    def __init__(self, nursery: trio.Nursery, ends: Sequence[tuple[str, int]], *, port: int) -> None:
        """Prepare flows to destinations at one port."""
        self._nursery = nursery
        self._ends = ends
        self._port = port
        self._ports = [0] * len(ends)
        self._scopes: dict[int, trio.CancelScope] = {}
        self._found: list[Heard] = []
        self._news = trio.Event()

    def port(self, flow: int) -> int:
        """Give a flow's source port."""
        return self._ports[flow]

    def send(self, flow: int, ttl: int) -> bool:
        """Send one SYN; one of the same flow that is still waited for is given up."""
        earlier = self._scopes.pop(flow, None)
        if earlier is not None:
            earlier.cancel()
            return False  # its socket is closed before the next one is opened
        scope = self._scopes[flow] = trio.CancelScope()
        self._nursery.start_soon(self._connect, flow, ttl, scope)
        return True

    async def _connect(self, flow: int, ttl: int, scope: trio.CancelScope) -> None:
        address, _ = self._ends[flow]
        six = ":" in address
        with (
            scope,
            trio.socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_STREAM) as sock,
        ):
            try:
                await self._prepare(sock, flow, ttl, six)
                began = trio.current_time()
                answer = await self._ask(sock, address)
            except OSError:
                answer = None
            else:
                if answer is not None:
                    rtt = (trio.current_time() - began) * 1000
                    kind, code, source, reply_ttl = answer
                    self._found.append(Heard(flow, 0, source, rtt, kind, code, reply_ttl))
            # RFC 9293 3.10.4: a reset ends what came about, with the full TTL so that it gets there.
            sock.setsockopt(
                *((socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS) if six else (0, socket.IP_TTL)), 64
            )
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST_ON_CLOSE)
        if self._scopes.get(flow) is scope:
            del self._scopes[flow]
        self._news.set()

    async def _prepare(self, sock: trio.socket.SocketType, flow: int, ttl: int, six: bool) -> None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        level = socket.IPPROTO_IPV6 if six else socket.IPPROTO_IP
        sock.setsockopt(level, errqueue.IPV6_RECVERR if six else errqueue.IP_RECVERR, 1)
        sock.setsockopt(level, _IPV6_RECVHOPLIMIT if six else _IP_RECVTTL, 1)
        sock.setsockopt(level, socket.IPV6_UNICAST_HOPS if six else socket.IP_TTL, ttl)
        await sock.bind(("::" if six else "0.0.0.0", self._ports[flow]))
        self._ports[flow] = int(sock.getsockname()[1])

    async def _ask(
        self, sock: trio.socket.SocketType, address: str
    ) -> tuple[int, int, str, int | None] | None:
        try:
            await sock.connect((address, self._port))
        except OSError as error:
            if error.errno == errno.ECONNREFUSED:
                return TCP_ANSWER, _RST, address, None
            if error.errno not in (errno.EHOSTUNREACH, errno.ENETUNREACH) or sys.platform == "win32":
                return None
            with trio.move_on_after(_AT_ONCE):
                data, ancillary, _, _ = await sock.recvmsg(512, 512, errqueue.MSG_ERRQUEUE)
                told = errqueue.parse(data, ancillary)
                if told is not None:
                    return told.icmp_type, told.icmp_code, told.address, _reply_ttl(ancillary)
            return None
        return TCP_ANSWER, _SYN_ACK, address, None

    def receive(self) -> list[Heard]:
        """Fetch answers."""
        found, self._found = self._found, []
        self._news = trio.Event()
        return found

    async def wait(self) -> None:
        """Wait until something has been answered."""
        await self._news.wait()

    def close(self) -> None:
        """Give up what is still waited for."""
        for scope in self._scopes.values():
            scope.cancel()


def _reply_ttl(ancillary: list[tuple[int, int, bytes]]) -> int | None:
    for level, kind, value in ancillary:
        if (level, kind) in ((socket.IPPROTO_IP, socket.IP_TTL), (socket.IPPROTO_IPV6, _IPV6_HOPLIMIT)):
            return int.from_bytes(value[:4], sys.byteorder)
    return None
