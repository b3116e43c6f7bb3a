"""Probes without privileges on Linux: a pool of UDP or ping sockets, and the kernel's error queues.

Every flow keeps one socket, and so one source port, whatever its TTL: the port of classic traceroute, which
rises with the TTL, would send each probe another way.  A UDP probe says its TTL in its payload.  Routers that
quote just eight bytes of it do not show that, and nothing else that the kernel hands over differs; then a
flow has one probe in flight at a time (:class:`~gatewatch.net.tracing.agenda.Agenda` does that).  Of ping
sockets the kernel hands over the ICMP header, which always holds the sequence number.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import struct
import sys
import time
from collections.abc import Sequence
from typing import Any
from zlib import crc32

from gatewatch.net import errqueue
from gatewatch.net.datagram import pump
from gatewatch.net.sockets import KernelSockets
from gatewatch.net.tracing import mpls
from gatewatch.net.tracing.agenda import ECHO_REPLY, MOST, TCP_ANSWER, Heard
from gatewatch.net.tracing.mpls import Labels

# linux/in.h and in6.h; Python does not name them.  RFC4884: Linux 5.9; older kernels tell no labels.
_RFC4884, _RFC4884_6 = 26, 31
_IP_RECVTTL, _IPV6_RECVHOPLIMIT, _IPV6_HOPLIMIT = 12, 51, 52
_IP_TTL = 2
_SO_TIMESTAMPNS = 35
# Sockets in the pool: enough that no error queue overflows (net.core.rmem_default holds about 250 errors, and
# they are fetched every millisecond or two), and few, as each is looked at for itself.
_POOL = 8
_ROOM = 4 << 20
_ERRORS_AT_ONCE = 64
_MAGIC = b"GW"
# A payload of 12 bytes, as the raw path's, so that both look alike.
_PADDING = bytes(9)
_ECHO, _ECHO6 = 8, 128
_ERR = struct.Struct("=IBBBBIHBB")
_INVALID = 1
# What sendmsg(2) takes of a probe: its payload, and the message with its TTL.
_Parts = tuple[tuple[bytes], list[tuple[int, int, bytes]]]


class PoolCourier:
    """Carries the probes of flows of both families over UDP or ICMP."""

    method = "error queue"

    def __init__(self, protocol: str, ends: Sequence[tuple[str, int]], *, port: int) -> None:
        """Open the pool: ``ends`` gives each flow's destination and its number among that one's flows.

        Raises OSError where the system does not permit ping sockets (net.ipv4.ping_group_range).
        """
        self._icmp = protocol == "icmp"
        # Sequence numbers come back with every quote, payloads do not.
        self.window = MOST if self._icmp else 1
        self._poller = pump().sockets.another()
        self._kernel = isinstance(self._poller, KernelSockets)
        self._sockets: list[Any] = []
        self._flows: list[tuple[Any, tuple[str, int], list[_Parts]]] = []
        self._index: dict[tuple[int, str], int] = {}
        self._sent: dict[int, float] = {}
        flows = max((number for _, number in ends), default=0) + 1
        size = max(_POOL if len(ends) > _POOL else len(ends), flows)
        pools: dict[bool, list[int]] = {}
        parts: dict[bool, list[_Parts]] = {}
        try:
            for index, (address, number) in enumerate(ends):
                six = ":" in address
                if six not in pools:
                    pools[six] = [self._open(six) for _ in range(size)]
                place = pools[six][(crc32(address.encode()) + number) % size]
                self._index[place, address] = index
                to = (address, 0 if self._icmp else port)
                if six not in parts:
                    parts[six] = [self._parts(six, ttl) for ttl in range(MOST + 1)]
                self._flows.append((self._sockets[place], to, parts[six]))
        except OSError:
            self.close()
            raise

    def _open(self, six: bool) -> int:
        family = socket.AF_INET6 if six else socket.AF_INET
        if self._icmp:
            if not self._kernel:
                raise OSError(errno.EACCES, "the lab's memory has no ping sockets")
            number = 58 if six else socket.IPPROTO_ICMP
            sock: Any = socket.socket(family, socket.SOCK_DGRAM, number)
            sock.setblocking(False)
        else:
            sock = self._poller.open(family)
        place = len(self._sockets)
        self._sockets.append(sock)
        errqueue.listen(sock, family)
        level = socket.IPPROTO_IPV6 if six else socket.IPPROTO_IP
        sock.setsockopt(level, _IPV6_RECVHOPLIMIT if six else _IP_RECVTTL, 1)
        with contextlib.suppress(OSError):
            sock.setsockopt(level, _RFC4884_6 if six else _RFC4884, 1)
        if self._kernel:
            sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _ROOM)
        sock.bind(("::" if six else "0.0.0.0", 0))
        self._poller.watch(sock, place)
        return place

    def port(self, flow: int) -> int:
        """Give a flow's source port; of ICMP its identifier."""
        return int(self._flows[flow][0].getsockname()[1])

    def send(self, flow: int, ttl: int) -> bool:
        """Send one probe."""
        sock, to, parts = self._flows[flow]
        data, message = parts[ttl]
        self._sent[flow << 6 | ttl] = time.time()
        # An earlier probe's error is told at the next call, and the call does nothing else.
        for _ in range(_ERRORS_AT_ONCE):
            try:
                sock.sendmsg(data, message, 0, to)
            except BlockingIOError:
                return False
            except OSError as error:
                if error.errno in (errno.ENETUNREACH, errno.EPERM, errno.EINVAL, errno.EACCES):
                    break
                continue
            break
        return True

    def _parts(self, six: bool, ttl: int) -> _Parts:
        """Make what differs between TTLs, once for all flows."""
        level, option = (socket.IPPROTO_IPV6, _IPV6_HOPLIMIT) if six else (socket.IPPROTO_IP, _IP_TTL)
        data = self._echo(six, ttl) if self._icmp else _MAGIC + bytes((ttl,)) + _PADDING
        return (data,), [(level, option, ttl.to_bytes(4, sys.byteorder))]

    @staticmethod
    def _echo(six: bool, ttl: int) -> bytes:
        """Make an echo request whose checksum, which the kernel writes, is the same for every TTL."""
        return struct.pack("!BBHHHH", _ECHO6 if six else _ECHO, 0, 0, 0, ttl, 0xFFFF - ttl) + _MAGIC

    def receive(self) -> list[Heard]:
        """Fetch answers."""
        found: list[Heard] = []
        for place in self._poller.ready():
            assert isinstance(place, int)
            self._fetch(place, found)
        return found

    def _fetch(self, place: int, found: list[Heard]) -> None:
        sock, before = self._sockets[place], len(found)
        for _ in range(_ERRORS_AT_ONCE):
            try:
                data, ancillary, _, about = sock.recvmsg(512, 512, errqueue.MSG_ERRQUEUE)
            except BlockingIOError:
                break
            except OSError:
                continue
            index = self._index.get((place, about[0].partition("%")[0]))
            error = errqueue.parse(data, ancillary)
            if index is not None and error is not None:
                ttl = self._ttl(data)
                reply_ttl, at, labels = self._ancillary(data, ancillary)
                found.append(
                    Heard(
                        index,
                        ttl,
                        error.address,
                        self._rtt(index, ttl, at),
                        error.icmp_type,
                        error.icmp_code,
                        reply_ttl,
                        None,
                        labels,
                    )
                )
        if len(found) > before:
            return  # what else there is is told of again
        for _ in range(_ERRORS_AT_ONCE):
            try:
                data, ancillary, _, about = sock.recvmsg(512, 512)
            except BlockingIOError:
                return
            except OSError:
                continue
            index = self._index.get((place, about[0].partition("%")[0]))
            if index is None:
                continue
            reply_ttl, at, _ = self._ancillary(b"", ancillary)
            # Whoever answers a datagram of zeros is there; which of them it was no one can say.
            ttl = self._ttl(data) if self._icmp else 0
            kind = ECHO_REPLY if self._icmp else TCP_ANSWER
            rtt = self._rtt(index, ttl, at)
            found.append(Heard(index, ttl, about[0].partition("%")[0], rtt, kind, 0, reply_ttl))

    def _ttl(self, data: bytes) -> int:
        """Give the TTL of the probe that is quoted, 0 where the quote does not reach so far."""
        if self._icmp:
            return data[7] if len(data) >= 8 else 0
        return data[2] if len(data) > 2 and data[:2] == _MAGIC and data[2] <= MOST else 0

    def _rtt(self, flow: int, ttl: int, at: float | None) -> float | None:
        sent = self._sent.get(flow << 6 | ttl)
        if not self._kernel or sent is None or at is None:
            return None
        return max((at - sent) * 1000, 0.001)

    def _ancillary(
        self, data: bytes, ancillary: list[tuple[int, int, bytes]]
    ) -> tuple[int | None, float | None, Labels]:
        reply_ttl: int | None = None
        at: float | None = None
        labels: Labels = ()
        for level, kind, value in ancillary:
            if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS and len(value) >= 16:
                seconds, nanoseconds = struct.unpack_from("qq", value)
                at = seconds + nanoseconds / 1e9
            elif (level, kind) in ((socket.IPPROTO_IP, _IP_TTL), (socket.IPPROTO_IPV6, _IPV6_HOPLIMIT)):
                reply_ttl = int.from_bytes(value[:4], sys.byteorder)
            elif kind in (errqueue.IP_RECVERR, errqueue.IPV6_RECVERR) and len(value) >= _ERR.size:
                # struct sock_ee_data_rfc4884: where the extension begins, and whether it is sound.
                *_, extension, flags, _ = _ERR.unpack_from(value)
                if extension and not flags & _INVALID:
                    labels = mpls.extension(data[extension:])
        return reply_ttl, at, labels

    async def wait(self) -> None:
        """Wait until something has been answered."""
        await self._poller.wait()

    def close(self) -> None:
        """Give the sockets back."""
        for sock in self._sockets:
            self._poller.forget(sock)
            sock.close()
        self._poller.close()
