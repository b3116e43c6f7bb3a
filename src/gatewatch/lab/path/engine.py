"""The emulated path, sans-IO: packets in, packets out, and when.

A client's packet passes the boxes whose hop its TTL reaches, expires at a router or arrives at a server
after the one-way delay; whatever comes back takes as long again.  Real lines lose and delay packets besides
(:mod:`gatewatch.lab.path.access`), and routers have habits (:mod:`gatewatch.lab.path.router`).

Nothing here reads a clock to decide about a packet: the caller says when a packet left, and
:meth:`Engine.pop` gives each answer at its time.  The hot path is written for CPython: local names, cached
ways, bytes instead of objects.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from heapq import heappop, heappush

from gatewatch.lab.apps import Internet
from gatewatch.lab.country.scenario import Scenario
from gatewatch.lab.path.access import Access
from gatewatch.lab.path.farend import FarEnd
from gatewatch.lab.path.packet import (
    ICMP,
    ICMPV6,
    INITIAL_TTL,
    PLAIN_IPV4,
    TIME_EXCEEDED,
    TOO_BIG,
    UDP,
    UNREACHABLE,
    icmp_error,
    lower_ttl,
    may_fragment,
    packed,
    plain,
    ports,
    protocol,
    source,
    ttl,
    turn_round,
)
from gatewatch.lab.path.router import answered_key, flow_key
from gatewatch.lab.path.talks import Talks
from gatewatch.lab.path.turns import Turns
from gatewatch.lab.path.way import Stand, Way, Ways
from gatewatch.lab.transport.stack import Stack

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
    at a stretch.  ``seed`` decides what chance does: what is lost or late, how flows are shared out
    (None: the scenario's).
    """

    def __init__(
        self,
        scenario: Scenario,
        isp_id: str,
        world: Internet,
        *,
        clock: Callable[[], float],
        seed: int | None = None,
    ) -> None:
        self._clock = clock
        seed = scenario.seed if seed is None else seed
        self._ways = Ways(scenario, isp_id, world, self, seed)
        isp = scenario.isp(isp_id)
        # A broken IPv6 has an address and a route, and swallows every packet.
        self._six = isp.ipv6 == "works"
        self._offline = isp.offline
        self._access = Access.of(isp, seed)
        self._far = FarEnd(world, self._from_server)
        # Whoever has timers: the servers, and the boxes that answer flows themselves.
        self._turns = Turns()
        self._timed: tuple[Stack | Talks | Turns, ...] = (
            self._far.tcp,
            self._far.talks,
            self._turns,
            *self._ways.stacks,
        )
        self._timers = self._timed if self._access is None else (*self._timed, self._access)
        # Due time, a counter that keeps equal times in order, the packet (and its way).
        self._down: list[tuple[float, int, bytes | bytearray]] = []
        self._up: list[tuple[float, int, bytes | bytearray, Way]] = []
        self._count = 0

    @property
    def finished(self) -> int:
        """How many TCP connections have come and gone."""
        return self._far.tcp.finished

    def close(self) -> None:
        """Drop what is under way and all connections; linked, they would wait for the collector."""
        self._down.clear()
        self._up.clear()
        for stack in (self._far.tcp, *self._ways.stacks):
            stack.close()
        self._ways.close()

    def from_client(self, packet: bytearray, now: float) -> None:
        """Take a packet that left the client at ``now``; the engine keeps and changes it."""
        if self._offline:
            return
        if packet[0] == PLAIN_IPV4:
            if len(packet) < 28 or packet[6] & 0x3F or packet[7]:
                return  # nothing behind the header, or a fragment
            way = self._ways[bytes(packet[16:20])]
            protocol = packet[9]
            key = protocol << 16 | packet[22] << 8 | packet[23] if protocol != ICMP else ICMP << 16
            ttl = packet[8]
        elif self._six and plain(packet):
            way = self._ways[bytes(packet[24:40])]
            protocol = packet[6]
            key = protocol << 16 | packet[42] << 8 | packet[43] if protocol != ICMPV6 else ICMPV6 << 16
            ttl = packet[7]
        else:
            return
        reach = ttl
        if self._access is not None or way.narrow:
            entered = self._enter(packet, way, now, ttl)
            if entered is None:
                return
            now, reach = entered
        stands = way.watch.get(key)
        if stands is None:
            stands = way.stands(key)
        if stands:
            passed = self._pass(packet, stands, reach, now)
            if passed is None:
                return
            now = passed
        if reach < ttl:
            self._stop(packet, way, reach, now)
        elif ttl <= way.length:
            self._expire(packet, way, ttl, now)
        elif key == _ECHO_KEY:
            self._echo(packet, way, now)
        else:
            self._count += 1
            heappush(self._up, (now + way.delay, self._count, packet, way))

    def _enter(self, packet: bytearray, way: Way, now: float, ttl: int) -> tuple[float, int] | None:
        """Send a packet over the client's line: when it enters the path, and which hop it reaches."""
        reach = ttl
        if self._access is not None:
            enters = self._access.up(len(packet), now, way.address)
            if enters is None:
                return None
            now = enters
            reach = min(reach, self._access.reach(way.length + 1, way.address))
        for place, mtu in way.narrow:
            if place < reach and len(packet) > mtu and not may_fragment(packet):
                return now, place
        return now, reach

    def _stop(self, packet: bytearray, way: Way, reach: int, now: float) -> None:
        """Let a packet end where it did not fit, with an ICMP error, or where it was lost, without."""
        mtu = dict(way.narrow).get(reach, 0)
        if mtu and len(packet) > mtu and not may_fragment(packet):
            left = ttl(packet) - reach + 1
            self._err(UNREACHABLE, TOO_BIG, packet, way, reach, now, quoted_ttl=left, mtu=mtu)

    def _pass(self, packet: bytearray, stands: tuple[Stand, ...], ttl: int, now: float) -> float | None:
        """Show a packet to the boxes on its way; gives when it left, as it seems behind them, or None."""
        for stand in stands:
            if ttl < stand.hop:
                break
            if stand.branch >= 0 and not stand.on(flow_key(packet)):
                continue
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
        if self._access is not None:
            place = self._access.reach(way.length + 1, way.address)
            reaches = min(reaches, place) if place >= stand.hop else reaches  # lost behind the box, if at all
        passed = self._pass(bytearray(packet), behind, reaches, now) if behind else now
        if passed is not None and reaches > way.length:
            self._count += 1
            heappush(self._up, (passed + way.delay, self._count, packet, way))

    def _expire(self, packet: bytearray, way: Way, ttl: int, now: float) -> None:
        if ttl:
            self._err(TIME_EXCEEDED, 0, packet, way, ttl, now, quoted_ttl=1)

    def _err(
        self,
        kind: int,
        code: int,
        packet: bytearray,
        way: Way,
        hop: int,
        now: float,
        *,
        quoted_ttl: int,
        mtu: int = 0,
    ) -> None:
        """Have the router at a hop answer a packet with an ICMP error, if it does."""
        router = way.routers[hop - 1]
        found = router.error(kind, code, packet, now + router.delay, quoted_ttl=quoted_ttl, mtu=mtu)
        if found is not None:
            error, leaves = found
            self._launch(error, way, router.back, leaves + router.delay, hop)

    def _echo(self, packet: bytearray, way: Way, now: float) -> None:
        """Turn a datagram round in place: swapped addresses and ports leave the checksums as they are."""
        if not way.exists:
            return
        left = INITIAL_TTL - way.back  # any TTL becomes the one an answer arrives with
        if packet[0] == PLAIN_IPV4:  # what the two functions below do, without calling them
            packet[12:24] = packet[16:20] + packet[12:16] + packet[22:24] + packet[20:22]
            total = (packet[10] << 8 | packet[11]) + (packet[8] - left << 8)
            packet[8] = left
            total = (total & 0xFFFF) + (total >> 16)
            packet[10] = total >> 8
            packet[11] = total & 0xFF
        else:
            turn_round(packet)
            lower_ttl(packet, ttl(packet) - left)
        if self._access is None:
            self._count += 1
            heappush(self._down, (now + 2 * way.delay, self._count, packet))
        else:
            self._access.down(packet, now + 2 * way.delay, way.address, 1.0)

    # -- the way back

    def back(self, packet: bytes, stand: Stand, leaves: float) -> None:
        """Carry a packet from a box to the client, past the boxes before it."""
        way, arrival = stand.way, leaves + stand.away
        routers = way.routers[stand.hop - 1].back
        if way.returns is None:
            self._launch(packet, way, routers, arrival, stand.hop)
        else:
            # A box before this one may be in the middle of sending what this is the answer to.
            there = partial(self._back, packet, way, routers, stand.place, arrival, stand.hop)
            self._turns.at(leaves, there)

    def _back(self, packet: bytes, way: Way, routers: int, place: int, arrival: float, hop: int) -> None:
        """Show a packet to the boxes that look at what comes back, from ``place`` on, and launch it."""
        if way.returns is not None:
            port, _ = ports(packet)
            left = ttl(packet)
            for stand in way.returning(protocol(packet) << 16 | port):
                if stand.place >= place:
                    continue
                if left <= routers - way.routers[stand.hop - 1].back:
                    return
                if stand.branch >= 0 and not stand.on(answered_key(packet)):
                    continue
                stand.now = arrival - 2 * stand.away
                passes = stand.inspect_return(packet, stand)
                if stand.held:
                    arrival += stand.held
                    stand.held = 0.0
                if not passes:
                    return
        self._launch(packet, way, routers, arrival, hop)

    def _launch(self, packet: bytes, way: Way, routers: int, arrival: float, hop: int) -> None:
        """Send to the client through so many routers; a packet whose TTL does not suffice is lost.

        ``hop`` is where it comes from, for the share of the path that it may get lost on.
        """
        if ttl(packet) > routers:
            changed = bytearray(packet)
            lower_ttl(changed, routers)
            self._deliver(changed, way, arrival, hop / (way.length + 1))

    def _deliver(self, packet: bytearray, way: Way, arrival: float, share: float) -> None:
        if self._access is not None:
            self._access.down(packet, arrival, way.address, share)
        else:
            self._count += 1
            heappush(self._down, (arrival, self._count, packet))

    def _from_server(self, packet: bytes, leaves: float) -> None:
        way = self._ways[source(packet)]
        if way.narrow and self._too_big_back(packet, way, leaves):
            return
        if way.returns is None:
            self._launch(packet, way, way.back, leaves + way.delay, way.length + 1)
        else:
            self._back(packet, way, way.back, _BEHIND_ALL, leaves + way.delay, way.length + 1)

    def _too_big_back(self, packet: bytes, way: Way, leaves: float) -> bool:
        """Stop a packet to the client before a link that does not take it; the server hears of it."""
        for place, mtu in reversed(way.narrow):
            if len(packet) > mtu and not may_fragment(packet):
                # The router behind the link, or the server itself, which knows at once.
                delay = 2 * (way.delay - (way.delays[place] if place < way.length else way.delay))
                own = packed(way.address)
                error = icmp_error(UNREACHABLE, TOO_BIG, own, packet, quoted_ttl=1, ttl=INITIAL_TTL, mtu=mtu)
                self._count += 1
                heappush(self._up, (leaves + delay, self._count, error, way))
                return True
        return False

    # -- time

    def due(self) -> float | None:
        """When :meth:`pop` has something to do; None when nothing is under way."""
        times = [queue[0][0] for queue in (self._down, self._up) if queue]
        for timed in self._timers:
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
        if self._access is not None:
            ready += self._access.pop(now)
        if ready and not (up and up[0][0] < now - _STRETCH):
            return ready
        for timed in self._timed:
            timed.tick(now)
        if up and up[0][0] <= now:
            stop = self._clock() + _STRETCH
            while up and up[0][0] <= now:
                arrival, _, packet, way = heappop(up)
                self._far.serve(packet, way, arrival)
                if self._clock() >= stop:
                    break
        return ready
