"""One packet with a chosen TTL on a fixed flow, and all that comes back: a path asked without privileges.

What Linux tells ordinary users (each seen to work, kernels 5.8 and later):

- a SYN at a low TTL: the error queue names the router where it expired (ip(7), IP_RECVERR);
- data at a low TTL on an established connection: EHOSTUNREACH, once, without the router's name, because TCP
  queues ICMP only while opening (linux 45af29ca761c);
- a datagram at a low TTL: the error queue names the router, and answers carry their own TTL (IP_RECVTTL).

Every packet of a flow has the same addresses and ports, so that routers which spread flows send them the same
way (Augustin et al., IMC 2006).  Data are sent exactly once: right after, the TTL becomes 1, so that the
kernel's retransmissions die at the first router; the connection ends by RST with its full TTL.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import struct
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import trio

from gatewatch.net import errqueue
from gatewatch.net.address import is_ipv6

Kind = Literal["expired", "unreachable", "refused", "reset", "ended", "data", "open", "failed"]
_RST_ON_CLOSE = struct.pack("ii", 1, 0)
_READ = 65536
# linux/in.h and in6.h: packets with a smaller TTL than this are not for the socket.
_IP_MINTTL, _IPV6_MINHOPCOUNT = 21, 73
_IP_RECVTTL = getattr(socket, "IP_RECVTTL", 12)
_IPV6_RECVHOPLIMIT = getattr(socket, "IPV6_RECVHOPLIMIT", 51)
_FULL_TTL = 64
#: Where nobody listens: traceroute's first port.
UNUSED = 33434
# The part of the retransmission timeout that is listened to: later, an error may be about a retransmission.
_BEFORE_RETRANSMISSION = 0.75
_RTO_AT = 8  # struct tcp_info: tcpi_rto, in microseconds
#: After a router's answer: what a filter nearer than it injected is there already, jitter aside.
GRACE = 0.06
_ICMP_EXPIRED = 11


@dataclass(frozen=True, slots=True)
class Echo:
    """One thing that came back.

    ``kind``: expired and unreachable (ICMP), refused (an RST to a SYN), reset, ended (FIN), data, open (a
    SYN-ACK), failed (any other error).  ``rtt`` in ms.  ``router``: who sent the ICMP, where the system
    tells.
    ``ttl``: the answer's own, of datagrams.
    """

    kind: Kind
    rtt: float
    router: str | None = None
    data: bytes = b""
    ttl: int | None = None


@dataclass(frozen=True, slots=True)
class Flow:
    """A destination, and the one source port from which everything is sent."""

    address: str
    port: int
    source_port: int

    @property
    def family(self) -> int:
        """The address family."""
        return socket.AF_INET6 if is_ipv6(self.address) else socket.AF_INET

    async def _socket(self, kind: int) -> trio.socket.SocketType:
        sock = trio.socket.socket(self.family, kind)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        await sock.bind(("::" if self.family == socket.AF_INET6 else "0.0.0.0", self.source_port))
        if self.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, errqueue.IPV6_RECVERR, 1)
        else:
            sock.setsockopt(socket.IPPROTO_IP, errqueue.IP_RECVERR, 1)
        return sock

    def _ttl(self, sock: trio.socket.SocketType, ttl: int) -> None:
        if self.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, ttl)
        else:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)

    def _screen(self, sock: trio.socket.SocketType, least: int) -> None:
        if self.family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_MINHOPCOUNT, least)
        else:
            sock.setsockopt(socket.IPPROTO_IP, _IP_MINTTL, least)

    def _end(self, sock: trio.socket.SocketType) -> None:
        with contextlib.suppress(OSError):
            self._ttl(sock, _FULL_TTL)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST_ON_CLOSE)
        sock.close()

    async def syn(self, ttl: int, window: float, *, screen: int = 0) -> Echo | None:
        """Send one SYN and listen for ``window`` seconds (below 1: then the kernel sends another)."""
        sock = await self._socket(socket.SOCK_STREAM)
        try:
            self._ttl(sock, ttl)
            if screen:
                self._screen(sock, screen)
            t0 = trio.current_time()
            kind: Kind = "open"
            with trio.move_on_after(window) as scope:
                try:
                    await sock.connect((self.address, self.port))
                except OSError as error:
                    kind = _kind(error, opening=True)
            if scope.cancelled_caught:
                return None
            rtt = _since(t0)
            opened = kind == "open" and _connected(sock)
            router = None
            if kind in ("expired", "unreachable") or (kind == "open" and not opened):
                told = await _told(sock)
                if told is not None:
                    router, kind = told.address, _icmp(told)
            # Woken for an error that nobody knows of any more.
            return None if kind == "open" and not opened else Echo(kind, rtt, router)
        finally:
            self._end(sock)

    async def say(
        self, payload: bytes, ttl: int, window: float, *, screen: int = 0, once: bool = True
    ) -> list[Echo] | None:
        """Connect, send ``payload`` with a TTL, and listen for at most ``window`` seconds.

        None when no connection came about (the caller limits that wait).  ``screen``: the least TTL of
        packets that are heard.  ``once``: no retransmission goes further than one hop; else TCP does as it
        always does.
        """
        sock = await self._socket(socket.SOCK_STREAM)
        try:
            try:
                await sock.connect((self.address, self.port))
            except OSError:
                return None
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if screen:
                self._screen(sock, screen)
            self._ttl(sock, ttl)
            t0 = trio.current_time()
            found: list[Echo] = []
            with trio.move_on_after(min(window, _patience(sock)) if once else window) as scope:
                try:
                    await sock.send(payload)
                    if once:
                        self._ttl(sock, 1)
                    await self._hear(sock, t0, found, scope)
                except OSError as error:
                    found.append(Echo(_kind(error), _since(t0)))
            return found
        finally:
            self._end(sock)

    async def _hear(
        self, sock: trio.socket.SocketType, t0: float, found: list[Echo], scope: trio.CancelScope
    ) -> None:
        just_sent = True
        while True:
            try:
                if just_sent:
                    just_sent = False
                    _at_once(sock)
                data = await sock.recv(_READ)
            except OSError as error:
                kind = _kind(error)
                found.append(Echo(kind, _since(t0)))
                if kind not in ("expired", "unreachable"):
                    return
                scope.deadline = min(scope.deadline, trio.current_time() + GRACE)
                continue
            found.append(Echo("data" if data else "ended", _since(t0), data=data))
            if not data or len(found) > 1:
                return
            # A page and its FIN, or a reset right behind an answer: a moment more.
            scope.deadline = min(scope.deadline, trio.current_time() + GRACE)

    async def datagram(
        self,
        payload: bytes,
        ttl: int,
        window: float,
        *,
        wait: float = GRACE,
        mine: Callable[[bytes], bool] = lambda data: True,
    ) -> list[Echo]:
        """Send one datagram with a TTL; listen for ``window`` seconds, but only ``wait`` more after an echo.

        ``mine`` tells an answer to it from late ones to others on the same ports, which are passed over.
        """
        sock = await self._socket(socket.SOCK_DGRAM)
        found: list[Echo] = []
        try:
            self._ttl(sock, ttl)
            if self.family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVHOPLIMIT, 1)
            else:
                sock.setsockopt(socket.IPPROTO_IP, _IP_RECVTTL, 1)
            await sock.connect((self.address, self.port))
            t0 = trio.current_time()
            with trio.move_on_after(window) as scope:
                await sock.send(payload)
                while len(found) < 8:
                    try:
                        data, reply_ttl = await _receive(sock)
                    except OSError as error:
                        told = await _told(sock)
                        kind = _icmp(told) if told else _kind(error)
                        found.append(Echo(kind, _since(t0), told.address if told else None))
                    else:
                        if not mine(data):
                            continue
                        found.append(Echo("data", _since(t0), data=data, ttl=reply_ttl))
                    scope.deadline = min(scope.deadline, trio.current_time() + wait)
            return found
        except OSError:
            return found
        finally:
            sock.close()


def _connected(sock: trio.socket.SocketType) -> bool:
    """Tell whether there is a connection.

    Linux wakes whoever waits for one when an ICMP error is queued, and only then gives the socket its error
    (tcp_v4_err): who looks in between finds none.
    """
    try:
        sock.getpeername()
    except OSError:
        return False
    return True


def _at_once(sock: trio.socket.SocketType) -> None:
    """Raise what came back while the packet was being sent, as from a virtual machine's own host.

    An ICMP error is not told to a socket that is busy sending, but kept for whoever asks (sk_err_soft in
    tcp_v4_err of Linux).
    """
    code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if code:
        raise OSError(code, os.strerror(code))


async def _receive(sock: trio.socket.SocketType) -> tuple[bytes, int | None]:
    """Read a datagram and its TTL, where the system tells."""
    if sys.platform == "win32":
        return await sock.recv(_READ), None
    data, ancillary, _, _ = await sock.recvmsg(_READ, 512)
    return data, _reply_ttl(ancillary)


def _since(t0: float) -> float:
    return round((trio.current_time() - t0) * 1000, 3)


def _kind(error: OSError, *, opening: bool = False) -> Kind:
    if error.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH):
        return "expired"
    if error.errno in (errno.ECONNRESET, errno.EPIPE, errno.ECONNABORTED):
        return "reset"
    if error.errno == errno.ECONNREFUSED:
        # On an established connection Linux gives this to a RST that comes before the first answer (TFO
        # only).
        return "refused" if opening else "reset"
    return "failed"


def _icmp(told: errqueue.IcmpError) -> Kind:
    return "expired" if told.icmp_type == _ICMP_EXPIRED else "unreachable"


async def _told(sock: trio.socket.SocketType) -> errqueue.IcmpError | None:
    """Read the error that is queued already; None when the system queues none."""
    if not errqueue.AVAILABLE or sys.platform == "win32":
        return None
    with trio.move_on_after(0.02):
        try:
            data, ancillary, _, _ = await sock.recvmsg(512, 512, errqueue.MSG_ERRQUEUE)
        except OSError:
            return None
        return errqueue.parse(data, ancillary)
    return None


def _patience(sock: trio.socket.SocketType) -> float:
    """How long what comes back is about the packet itself, and not about its first retransmission, in s."""
    if sys.platform != "linux":
        return float("inf")
    try:
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 192)
    except OSError:
        return float("inf")
    if len(info) < _RTO_AT + 4:
        return float("inf")
    rto = int.from_bytes(info[_RTO_AT : _RTO_AT + 4], sys.byteorder)
    return _BEFORE_RETRANSMISSION * rto / 1e6 if rto else float("inf")


def _reply_ttl(ancillary: list[tuple[int, int, bytes]]) -> int | None:
    for level, kind, data in ancillary:
        four = level == socket.IPPROTO_IP and kind in (socket.IP_TTL, _IP_RECVTTL)
        six = level == socket.IPPROTO_IPV6 and kind in (_IPV6_RECVHOPLIMIT, 52)
        if (four or six) and len(data) >= 4:
            return int.from_bytes(data[:4], sys.byteorder)
    return None
