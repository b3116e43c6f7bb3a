"""Probes by raw sockets, with CAP_NET_RAW: one socket sends everything, and answers need no state."""

from __future__ import annotations

import contextlib
import socket
import sys
import time
from collections.abc import Sequence

import trio

from gatewatch.net import opener
from gatewatch.net.tracing import packets
from gatewatch.net.tracing.agenda import MOST, Heard
from gatewatch.net.tracing.packets import TICKS, Answer, Flow

# linux/in.h and in6.h; Python does not name them.
_IPV6_HDRINCL = 36
_IPV6_RECVHOPLIMIT, _IPV6_HOPLIMIT = 51, 52
_LONGEST = 2048
# Answers fetched between two batches of probes.
_MOST_AT_ONCE = 256


def permitted() -> bool:
    """Tell whether this process may open raw sockets."""
    if sys.platform != "linux":
        return False
    try:
        opener.raw(socket.AF_INET, socket.IPPROTO_ICMP).close()
    except OSError:
        return False
    return True


def own_address(destination: str) -> str:
    """Give the address from which this machine sends to another; raises OSError where there is no route."""
    family = socket.AF_INET6 if ":" in destination else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.connect((destination, packets.PORT))
        return str(sock.getsockname()[0])


class RawCourier:
    """Carries the probes of flows of both families over one protocol."""

    method = "raw"
    window = MOST

    def __init__(self, protocol: str, ends: Sequence[tuple[str, int]], *, port: int) -> None:
        """Prepare a packet for each flow: ``ends`` gives its destination and number among that one's flows.

        Raises OSError where raw sockets are not permitted.
        """
        self._protocol = protocol
        self.flows: list[Flow | None] = []
        self._index: dict[tuple[bytes, int], int] = {}
        self.sources: dict[str, str] = {}
        for address, number in ends:
            flow = self._flow(address, number, port)
            if flow is not None:
                self._index[flow.destination, flow.port] = len(self.flows)
            self.flows.append(flow)
        self._out: dict[bool, socket.socket] = {}
        self._in: list[tuple[socket.socket, bool, int]] = []
        self._buffer = bytearray(_LONGEST)
        try:
            for six in sorted({":" in address for address, _ in ends}):
                self._open(six)
        except OSError:
            self.close()
            raise

    def _flow(self, address: str, number: int, port: int) -> Flow | None:
        try:
            source = own_address(address)
        except OSError:
            return None  # no route: its probes go nowhere
        return Flow(self._protocol, source, address, port=port, flow=number)

    def _open(self, six: bool) -> None:
        family = socket.AF_INET6 if six else socket.AF_INET
        out = opener.raw(family, socket.IPPROTO_RAW)
        self._out[six] = out
        out.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, opener.RAW_ROOM)
        if six:
            out.setsockopt(socket.IPPROTO_IPV6, _IPV6_HDRINCL, 1)
        heard = [packets.ICMP6 if six else packets.ICMP]
        heard += [packets.TCP] if self._protocol == "tcp" else []
        for number in heard:
            sock = opener.raw(family, number)
            self._in.append((sock, six, number))
            if six:
                sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_RECVHOPLIMIT, 1)

    def send(self, flow: int, ttl: int) -> bool:
        """Send one probe; a full queue takes it later, and where no way leads it is lost."""
        chosen = self.flows[flow]
        if chosen is None:
            return True
        packet = chosen.probe(ttl, int(time.monotonic() * TICKS))
        try:
            self._out[packet[0] != 0x45].sendto(packet, chosen.to)
        except BlockingIOError:
            return False
        except OSError:
            pass
        return True

    def receive(self) -> list[Heard]:
        """Fetch answers."""
        found: list[Heard] = []
        for sock, six, number in self._in:
            self._fetch(sock, six, number, found)
        return found

    def _fetch(self, sock: socket.socket, six: bool, number: int, found: list[Heard]) -> None:
        buffer = self._buffer
        with contextlib.suppress(BlockingIOError):
            for _ in range(_MOST_AT_ONCE):
                if six and sys.platform != "win32":
                    size, ancillary, _, source = sock.recvmsg_into([buffer], 64)
                    sender = socket.inet_pton(socket.AF_INET6, source[0].partition("%")[0])
                    answer = packets.read_ip6(buffer[:size], sender, _hop_limit(ancillary), number)
                else:
                    size = sock.recv_into(buffer)
                    answer = packets.read_ip4(buffer[:size]) if size >= 28 else None
                if answer is not None:
                    self._take(answer, six, found)

    def _take(self, answer: Answer, six: bool, found: list[Heard]) -> None:
        index = self._index.get((answer.destination, answer.port))
        if index is None or not 1 <= answer.ttl <= MOST:
            return
        rtt = packets.since(int(time.monotonic() * TICKS), answer.stamp)
        address = socket.inet_ntop(socket.AF_INET6 if six else socket.AF_INET, answer.source)
        found.append(
            Heard(
                index,
                answer.ttl,
                address,
                rtt,
                answer.icmp_type,
                answer.icmp_code,
                answer.reply_ttl,
                answer.residual,
                answer.labels,
            )
        )

    async def wait(self) -> None:
        """Wait until something has been answered."""
        if len(self._in) == 1:
            await trio.lowlevel.wait_readable(self._in[0][0])
            return
        async with trio.open_nursery() as nursery:

            async def one(sock: socket.socket) -> None:
                await trio.lowlevel.wait_readable(sock)
                nursery.cancel_scope.cancel()

            for sock, _, _ in self._in:
                nursery.start_soon(one, sock)

    def close(self) -> None:
        """Give the sockets back."""
        for sock in (*self._out.values(), *(sock for sock, _, _ in self._in)):
            sock.close()


def _hop_limit(ancillary: list[tuple[int, int, bytes]]) -> int | None:
    for level, kind, value in ancillary:
        if level == socket.IPPROTO_IPV6 and kind == _IPV6_HOPLIMIT and len(value) >= 4:
            return int.from_bytes(value[:4], sys.byteorder)
    return None
