"""A walk with DNS questions: one UDP flow to one resolver, each question with a TTL of its own choosing.

Not a probe, a part of intercept.  The source port is the same for every packet, so that routers which spread
flows over several paths lead all of them the same way (Paris traceroute, Augustin et al., IMC 2006);
questions are told apart by their transaction id.  Answers and ICMP errors come to the same socket,
unprivileged, by the kernel's error queue.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import trio

from gatewatch.net import dnswire, errqueue, message
from gatewatch.net.address import is_ipv6
from gatewatch.net.journal import Journal
from gatewatch.records import WalkAnswer, WalkStep

if TYPE_CHECKING:
    from typing import Self

# The TTL of ordinary packets: they come all the way.
FULL = 64
# How long to wait for the first sign.  The farthest public resolver is 400 ms away; what is not in its cache
# takes it as long again, but only once, and the first questions go with a full TTL and more patience.
PATIENCE, FIRST_PATIENCE = 1.0, 3.0
# How long to listen after it: an injector's answer and the ICMP error of a router behind it come within
# milliseconds of one another, and jitter of 20 ms must not part them.
GRACE = 0.15
# A full answer is listened to for as long as an ordinary question (gatewatch.net.lookup.LATE_WINDOW).
WINDOW = 0.5
# The error is in its queue when the socket tells of it.
_QUEUED = 0.05
# ip(7), ipv6(7); other systems give these options other numbers, or none.
_IP_RECVTTL: int | None = getattr(socket, "IP_RECVTTL", 12 if sys.platform == "linux" else None)
_HOP_LIMIT: int | None = getattr(socket, "IPV6_HOPLIMIT", None)
_RECV_HOP_LIMIT: int | None = getattr(socket, "IPV6_RECVHOPLIMIT", None)
# A reader must not be kept by a flood of answers.
_MOST_ANSWERS = 8


class Spent(Exception):
    """The packets that this measurement may send are all sent."""


@dataclass(slots=True)
class Budget:
    """How many packets may still be sent."""

    left: int
    sent: int = 0

    def take(self) -> None:
        """Take one; raises Spent."""
        if not self.left:
            raise Spent
        self.left -= 1
        self.sent += 1


@dataclass(slots=True)
class Packet:
    """One packet on its way, and what it has brought back so far."""

    name: str
    ttl: int
    attempt: int
    at: float
    t: float
    answers: list[WalkAnswer] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    error: errqueue.IcmpError | None = None
    error_rtt: float | None = None

    @property
    def expired(self) -> bool:
        """Whether a router told that its TTL ran out there."""
        return self.error is not None and self.error.icmp_type == 11

    def step(self) -> WalkStep:
        """Give the record."""
        error = self.error
        return WalkStep(
            name=self.name,
            ttl=self.ttl,
            attempt=self.attempt,
            address=error.address if error else None,
            icmp_type=error.icmp_type if error else None,
            icmp_code=error.icmp_code if error else None,
            icmp_rtt=self.error_rtt,
            answers=tuple(self.answers),
            t=self.t,
        )


class Flow:
    """One UDP flow; use as a context manager."""

    def __init__(self, journal: Journal, address: str, budget: Budget, port: int = 53) -> None:
        self._journal = journal
        self._budget = budget
        self._peer = address, port
        self.six = is_ipv6(address)
        self._socket = trio.socket.socket(socket.AF_INET6 if self.six else socket.AF_INET, socket.SOCK_DGRAM)
        self._waiting: dict[int, Packet] = {}
        self._latest: Packet | None = None
        self.packets: list[Packet] = []
        self.source_port: int | None = None

    async def __aenter__(self) -> Self:
        sock = self._socket
        if self.six and _RECV_HOP_LIMIT is not None:
            sock.setsockopt(socket.IPPROTO_IPV6, _RECV_HOP_LIMIT, 1)
        elif not self.six and _IP_RECVTTL is not None:
            sock.setsockopt(socket.IPPROTO_IP, _IP_RECVTTL, 1)
        if errqueue.AVAILABLE and self.six:
            sock.setsockopt(socket.IPPROTO_IPV6, errqueue.IPV6_RECVERR, 1)
        elif errqueue.AVAILABLE:
            sock.setsockopt(socket.IPPROTO_IP, errqueue.IP_RECVERR, 1)
        await sock.connect(self._peer)
        self.source_port = int(sock.getsockname()[1])
        return self

    async def __aexit__(self, *_: object) -> None:
        self._socket.close()

    async def send(
        self,
        name: str,
        write: Callable[[int], bytes],
        ttl: int = FULL,
        *,
        patience: float = PATIENCE,
        window: float = GRACE,
    ) -> Packet:
        """Send ``write(transaction id)``; wait ``patience`` s for the first sign, ``window`` s after it.

        Raises Spent when the budget is used up, OSError when the system cannot send at all.
        """
        self._budget.take()
        txid = int.from_bytes(os.urandom(2), "big")
        attempt = sum(p.name == name and p.ttl == ttl for p in self.packets)
        packet = Packet(name, ttl, attempt, trio.current_time(), self._journal.now())
        self._waiting[txid] = self._latest = packet
        self.packets.append(packet)
        await self._put(write(txid), ttl)
        with trio.move_on_after(patience) as scope:
            while True:
                before = bool(packet.answers), packet.error is not None
                await self._receive()
                if (bool(packet.answers), packet.error is not None) != before:
                    scope.deadline = min(scope.deadline, trio.current_time() + window)
        return packet

    async def _put(self, data: bytes, ttl: int) -> None:
        if self.six:
            self._socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, ttl)
        else:
            self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
        try:
            await self._socket.send(data)
        except OSError:
            # The error of an earlier packet, told at the next call.  It must leave its queue before anybody
            # waits for the socket, which would otherwise be called ready for ever.
            await self._take_error()
            await self._socket.send(data)

    async def _receive(self) -> None:
        ancillary: list[tuple[int, int, bytes]] = []
        try:
            if sys.platform == "win32":  # where sockets have no recvmsg, and tell no TTL
                data = await self._socket.recv(4096)
            else:
                data, ancillary, _, _ = await self._socket.recvmsg(4096, 512)
        except OSError:
            await self._take_error()
            return
        packet = self._waiting.get(int.from_bytes(data[:2], "big"))
        if packet is None or len(packet.answers) >= _MOST_ANSWERS:
            return
        rcode: int | None = None
        addresses: tuple[str, ...] = ()
        try:
            rcode, _, answers, _ = message.read(data)
            addresses = tuple(a for row in answers for a in (row.ipv4, row.ipv6) if a)
        except ValueError:
            pass
        packet.raw.append(data)
        packet.answers.append(
            WalkAnswer(rcode=rcode, addresses=addresses, ip_ttl=_ttl(ancillary), rtt=self._since(packet.at))
        )

    async def _take_error(self) -> None:
        """File an ICMP error under the packet that it quotes; a bare quote is the latest's."""
        if sys.platform == "win32" or not errqueue.AVAILABLE:
            return
        error: errqueue.IcmpError | None = None
        with trio.move_on_after(_QUEUED):
            data, ancillary, _, _ = await self._socket.recvmsg(512, 512, errqueue.MSG_ERRQUEUE)
            error = errqueue.parse(data, ancillary)
        if error is None:
            return
        packet = self._waiting.get(int.from_bytes(error.quoted[:2], "big")) or self._latest
        if packet is not None and packet.error is None:
            packet.error, packet.error_rtt = error, self._since(packet.at)

    def _since(self, at: float) -> float:
        return round((trio.current_time() - at) * 1000, 3)


def _ttl(ancillary: list[tuple[int, int, bytes]]) -> int | None:
    for level, kind, data in ancillary:
        four = level == socket.IPPROTO_IP and kind in (socket.IP_TTL, _IP_RECVTTL)
        six = level == socket.IPPROTO_IPV6 and kind == _HOP_LIMIT
        if (four or six) and len(data) >= 4:
            return int.from_bytes(data[:4], sys.byteorder)
    return None


def question(host: str, qtype: str) -> Callable[[int], bytes]:
    """Give the writer of a question."""
    return lambda txid: dnswire.query(host, qtype, txid)
