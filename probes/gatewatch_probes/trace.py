"""trace: which routers lie on the way to a host?

Method: UDP datagrams with rising TTL on one flow (same addresses, same ports: Paris traceroute), one in
flight at a time; the kernel's error queue tells who answered, so no privilege is needed.  Two datagrams a
hop; the trace ends where the destination answers, or after five silent hops.
Traffic: about 30 datagrams of 60 bytes.
Risk: low: nothing is asked for and no name is sent; routers see an ordinary traceroute.
Reference: Augustin et al., "Avoiding traceroute anomalies with Paris traceroute" (IMC 2006); RFC 792.
"""

from __future__ import annotations

import socket
import sys

import trio

from gatewatch.net import errqueue
from gatewatch.net.errors import translate
from gatewatch.net.journal import Journal
from gatewatch.net.wire import Wire
from gatewatch.records import HopReply, TestKeys, TraceKeys, encode
from gatewatch_probes.resolve import look_up
from gatewatch_targets import Target

MAX_TTL = 30
ATTEMPTS = 2
# Routers answer within their RTT plus a few ms of slow path; one second is four times the longest way round.
PATIENCE = 1.0
# The first port of classic traceroute: nobody listens there, and firewalls know it.
PORT = 33434
SILENT_HOPS = 5
# What identifies a datagram when a router quotes more than its header: TTL and attempt, then padding.
_PADDING = b"gatewatch traceroute probe"
_UNREACHABLE = 3


class CannotTrace(RuntimeError):
    """This system does not tell ordinary users who sent an ICMP error."""


class _Flow:
    """One UDP flow, its datagrams and their answers."""

    def __init__(self, journal: Journal, address: str) -> None:
        self._journal = journal
        self.address = address
        self._socket = trio.socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sent: dict[bytes, float] = {}
        self.answers: dict[tuple[int, int], HopReply] = {}

    async def open(self) -> int:
        """Fix both ends of the flow; gives the source port."""
        self._socket.setsockopt(socket.IPPROTO_IP, errqueue.IP_RECVERR, 1)
        await self._socket.connect((self.address, PORT))
        return int(self._socket.getsockname()[1])

    async def probe(self, ttl: int, attempt: int) -> HopReply:
        """Send one datagram and wait for its answer; silence is an answer too."""
        mark = bytes((ttl, attempt))
        self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, ttl)
        self._sent[mark] = trio.current_time()
        try:
            await self._socket.send(mark + _PADDING)
        except OSError:
            # The error of an earlier datagram, told at the next call: it is queued, this one was not sent.
            await self._socket.send(mark + _PADDING)
        with trio.move_on_after(PATIENCE):
            while (ttl, attempt) not in self.answers:
                await self._receive(mark)
        return self.answers.get(
            (ttl, attempt), HopReply(ttl=ttl, address=None, attempt=attempt, t=self._journal.now())
        )

    async def _receive(self, latest: bytes) -> None:
        if sys.platform == "win32":
            raise CannotTrace("Windows has no recvmsg")
        data, ancillary, _, _ = await self._socket.recvmsg(512, 512, errqueue.MSG_ERRQUEUE)
        error = errqueue.parse(data, ancillary)
        if error is None:
            return
        # A late answer that quotes its datagram is filed where it belongs; a bare one is the latest's.
        mark = error.quoted[:2] if error.quoted[:2] in self._sent else latest
        self.answers[mark[0], mark[1]] = HopReply(
            ttl=mark[0],
            address=error.address,
            rtt=round((trio.current_time() - self._sent[mark]) * 1000, 3),
            icmp_type=error.icmp_type,
            icmp_code=error.icmp_code,
            attempt=mark[1],
            t=self._journal.now(),
        )

    def close(self) -> None:
        self._socket.close()


async def trace(journal: Journal, address: str) -> TraceKeys:
    """Trace the way to one IPv4 address."""
    flow = _Flow(journal, address)
    replies: list[HopReply] = []
    source_port: int | None = None
    failure: str | None = None
    reached = False
    silent = 0
    try:
        source_port = await flow.open()
        for ttl in range(1, MAX_TTL + 1):
            here = [await flow.probe(ttl, attempt) for attempt in range(ATTEMPTS)]
            replies += here
            silent = silent + 1 if all(reply.address is None for reply in here) else 0
            reached = any(r.address == address or r.icmp_type == _UNREACHABLE for r in here)
            if reached or silent >= SILENT_HOPS:
                break
    except OSError as error:
        failure = translate(error)
    finally:
        flow.close()
    # What came late replaces the silence that was noted when it was waited for.
    final = tuple(flow.answers.get((r.ttl, r.attempt), r) for r in replies)
    return TraceKeys(
        protocol="udp",
        destination=address,
        source_port=source_port,
        destination_port=PORT,
        reached=reached,
        replies=final,
        failure=failure,
    )


class Trace:
    """The probe."""

    name = "trace"
    test_name = "trace"
    version = "0.1.0"
    risk = "low"
    typical_bytes = 4_000

    async def measure(self, target: Target, wire: Wire) -> TestKeys:
        """Trace the way to the target's first IPv4 address, by the most trustworthy answer to its name."""
        if not errqueue.AVAILABLE:
            raise CannotTrace("tracing without privileges needs Linux")
        journal = Journal()
        found = await look_up(journal, wire, target.host, ())
        for address in (*found.trusted, *found.public, *found.system):
            if ":" not in address and wire.usable(address):
                keys = await trace(journal, address)
                return journal.keys(**encode(keys))
        return journal.keys(failure="dns_no_answer")
