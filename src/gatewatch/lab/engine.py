"""The emulated path, sans-IO: packets in, packets out, and when.

A client's packet passes the boxes whose hop its TTL reaches, expires at a router or arrives at a server
after the one-way delay; whatever comes back takes as long again.  Nothing here reads a clock to decide
about a packet: the caller says when a packet left, and :meth:`Engine.pop` gives each answer at its time.
The hot path is written for CPython: local names, cached ways, bytes instead of objects.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush

from gatewatch.lab.apps import Internet
from gatewatch.lab.packet import (
    ECHO,
    ECHO_REPLY,
    ICMP,
    INITIAL_TTL,
    PLAIN_IPV4,
    PORT_UNREACHABLE,
    TCP,
    TIME_EXCEEDED,
    UDP,
    UNREACHABLE,
    icmp,
    icmp_error,
    lower_ttl,
    packed,
    payload,
    ports,
    protocol,
    ttl,
    udp,
)
from gatewatch.lab.scenario import Scenario
from gatewatch.lab.stack import Stack
from gatewatch.lab.talks import Talks
from gatewatch.lab.way import Stand, Way, Ways

# RFC 862: the echo service, on every address, for timing.
_ECHO_PORT = 7
_ECHO_KEY = UDP << 16 | _ECHO_PORT
# Servers work at most this long at a stretch while packets wait (a TLS handshake takes about 1 ms), and their
# work waits for packets at most as long.
_STRETCH = 0.001  # seconds
# The place of a sender behind every box.
_BEHIND_ALL = 1 << 30


class Engine:
    """One ISP's client and everything it can reach; see the module's text for the calls' meaning.

    ``clock`` (seconds, any origin, the one ``now`` arguments come from) only limits how long servers work
    at a stretch.
    """

    def __init__(
        self, scenario: Scenario, isp_id: str, world: Internet, *, clock: Callable[[], float]
    ) -> None:
        self._world = world
        self._clock = clock
        self._ways = Ways(scenario, isp_id, world, self)
        self._tcp = Stack(self._from_server, world.accept)
        self._talks = Talks(self._say, world.talk)
        # Whoever has timers: the servers, and the boxes that answer flows themselves.
        self._timed: tuple[Stack | Talks, ...] = (self._tcp, self._talks, *self._ways.stacks)
        # Due time, a counter that keeps equal times in order, the packet (and its way).
        self._down: list[tuple[float, int, bytes | bytearray]] = []
        self._up: list[tuple[float, int, bytes | bytearray, Way]] = []
        self._count = 0

    @property
    def finished(self) -> int:
        """How many TCP connections have come and gone."""
        return self._tcp.finished

    def from_client(self, packet: bytearray, now: float) -> None:
        """Take an IPv4 packet that left the client at ``now``; the engine keeps and changes it."""
        if packet[0] != PLAIN_IPV4 or len(packet) < 28 or packet[6] & 0x3F or packet[7]:
            return  # no IPv4 header without options, nothing behind it, or a fragment
        way = self._ways[bytes(packet[16:20])]
        protocol = packet[9]
        key = protocol << 16 | packet[22] << 8 | packet[23] if protocol != ICMP else ICMP << 16
        ttl = packet[8]
        stands = way.watch.get(key)
        if stands is None:
            stands = way.stands(key)
        if stands:
            passed = self._pass(packet, stands, ttl, now)
            if passed is None:
                return
            now = passed
        if ttl <= way.length:
            self._expire(packet, way, now)
        elif key == _ECHO_KEY:
            self._echo(packet, way, now)
        else:
            self._count += 1
            heappush(self._up, (now + way.delay, self._count, packet, way))

    def _pass(self, packet: bytearray, stands: tuple[Stand, ...], ttl: int, now: float) -> float | None:
        """Show a packet to the boxes on its way; gives when it left, as it seems behind them, or None."""
        for stand in stands:
            if ttl < stand.hop:
                break
            stand.now = now
            passes = stand.inspect(packet, stand)
            if stand.held:
                now += stand.held
                stand.held = 0.0
            if not passes:
                return None
        return now

    def onward(self, packet: bytes, stand: Stand, now: float) -> None:
        """Carry a packet from a box to the server, past the boxes behind it; it is lost when it expires."""
        way = stand.way
        _, port = ports(packet)
        key = protocol(packet) << 16 | port
        behind = tuple(s for s in way.watch.get(key) or way.stands(key) if s.place > stand.place)
        reaches = ttl(packet) + stand.hop - 1
        passed = self._pass(bytearray(packet), behind, reaches, now) if behind else now
        if passed is not None and reaches > way.length:
            self._count += 1
            heappush(self._up, (passed + way.delay, self._count, packet, way))

    def _expire(self, packet: bytearray, way: Way, now: float) -> None:
        ttl = packet[8]
        router = way.routers[ttl - 1] if ttl else None
        if router is not None:
            # Routers start at 255; the answer passes the ttl - 1 routers before this one.
            error = icmp_error(TIME_EXCEEDED, 0, router, packet, quoted_ttl=1, ttl=256 - ttl)
            self._count += 1
            heappush(self._down, (now + 2 * way.delays[ttl - 1], self._count, error))

    def _echo(self, packet: bytearray, way: Way, now: float) -> None:
        """Turn a datagram round in place: swapped addresses and ports leave the checksums as they are."""
        if not way.exists:
            return
        packet[12:24] = packet[16:20] + packet[12:16] + packet[22:24] + packet[20:22]
        # Any TTL becomes the one an answer arrives with.
        change = packet[8] - (INITIAL_TTL - way.length)
        packet[8] = INITIAL_TTL - way.length
        total = (packet[10] << 8 | packet[11]) + (change << 8)
        total = (total & 0xFFFF) + (total >> 16)
        packet[10] = total >> 8
        packet[11] = total & 0xFF
        self._count += 1
        heappush(self._down, (now + 2 * way.delay, self._count, packet))

    # -- the way back

    def back(self, packet: bytes, stand: Stand, leaves: float) -> None:
        """Carry a packet from a box to the client, past the boxes before it."""
        self._back(packet, stand.way, stand.hop - 1, stand.place, leaves + stand.away)

    def _back(self, packet: bytes, way: Way, routers: int, place: int, arrival: float) -> None:
        """Show a packet to the boxes that look at what comes back, from ``place`` on, and launch it."""
        if way.returns is not None:
            port, _ = ports(packet)
            left = ttl(packet)
            for stand in way.returning(protocol(packet) << 16 | port):
                if stand.place >= place:
                    continue
                if left <= routers - stand.hop + 1:
                    return
                stand.now = arrival - 2 * stand.away
                passes = stand.inspect_return(packet, stand)
                if stand.held:
                    arrival += stand.held
                    stand.held = 0.0
                if not passes:
                    return
        self._launch(packet, routers, arrival)

    def _launch(self, packet: bytes, routers: int, arrival: float) -> None:
        """Send to the client through so many routers; a packet whose TTL does not suffice is lost."""
        if packet[8] > routers:
            changed = bytearray(packet)
            lower_ttl(changed, routers)
            self._count += 1
            heappush(self._down, (arrival, self._count, changed))

    def _from_server(self, packet: bytes, leaves: float) -> None:
        way = self._ways[packet[12:16]]
        if way.returns is None:
            self._launch(packet, way.length, leaves + way.delay)
        else:
            self._back(packet, way, way.length, _BEHIND_ALL, leaves + way.delay)

    # -- servers

    def _serve(self, packet: bytes | bytearray, way: Way, now: float) -> None:
        """Let the destination answer a packet that has arrived."""
        if not way.exists:
            return
        protocol = packet[9]
        if protocol == TCP:
            self._tcp.receive(packet, now)
        elif protocol == UDP:
            self._datagram(packet, way, now)
        elif protocol == ICMP and packet[20] == ECHO:
            rest = int.from_bytes(packet[24:28], "big")
            own, client = bytes(packet[16:20]), bytes(packet[12:16])
            self._from_server(icmp(ECHO_REPLY, 0, own, client, payload(packet), rest=rest), now)

    def _datagram(self, packet: bytes | bytearray, way: Way, now: float) -> None:
        sport, dport = ports(packet)
        own, client = bytes(packet[16:20]), bytes(packet[12:16])
        source = f"{client[0]}.{client[1]}.{client[2]}.{client[3]}", sport
        if self._talks.receive((way.address, dport), source, payload(packet), now):
            return
        answer = self._world.datagram(way.address, dport, source, payload(packet))
        if answer is None:
            left = packet[8] - way.length
            error = icmp_error(UNREACHABLE, PORT_UNREACHABLE, own, packet, quoted_ttl=left, ttl=INITIAL_TTL)
            self._from_server(error, now)
        elif answer:
            self._from_server(udp(own, dport, client, sport, answer), now)

    def _say(self, local: tuple[str, int], peer: tuple[str, int], data: bytes, now: float) -> None:
        self._from_server(udp(packed(local[0]), local[1], packed(peer[0]), peer[1], data), now)

    # -- time

    def due(self) -> float | None:
        """When :meth:`pop` has something to do; None when nothing is under way."""
        times = [queue[0][0] for queue in (self._down, self._up) if queue]
        for timed in self._timed:
            timer = timed.due()
            if timer is not None:
                times.append(timer)
        return min(times, default=None)

    def pop(self, now: float) -> list[bytes | bytearray]:
        """Give the packets that have reached the client, and let servers work on what has reached them.

        Packets come first: when there are any, servers only work if they are late already.  Call it until
        :meth:`due` lies in the future.
        """
        down, up = self._down, self._up
        ready: list[bytes | bytearray] = []
        while down and down[0][0] <= now:
            ready.append(heappop(down)[2])
        if ready and not (up and up[0][0] < now - _STRETCH):
            return ready
        for timed in self._timed:
            timed.tick(now)
        if up and up[0][0] <= now:
            stop = self._clock() + _STRETCH
            while up and up[0][0] <= now:
                arrival, _, packet, way = heappop(up)
                self._serve(packet, way, arrival)
                if self._clock() >= stop:
                    break
        return ready
