"""Trace any number of destinations at once, by the best means that this system permits."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Literal

import trio

from gatewatch.net import errqueue
from gatewatch.net.datagram import pump
from gatewatch.net.errors import translate
from gatewatch.net.sockets import KernelSockets
from gatewatch.net.tracing import connects, multipath, outcome, packets, raw
from gatewatch.net.tracing.agenda import Course, Manner
from gatewatch.net.tracing.connects import ConnectCourier
from gatewatch.net.tracing.courier import Courier, carry
from gatewatch.net.tracing.pool import PoolCourier
from gatewatch.net.tracing.raw import RawCourier
from gatewatch.records import HopReply, TraceKeys

Protocol = Literal["udp", "icmp", "tcp"]
#: One destination, asked three times at every TTL, a packet every ten milliseconds.  Half a second at least
#: for each, as an answer that comes later and does not say to what would be filed under the next TTL.
SINGLE = Manner(repeats=3, tries=3, rate=100.0, least=0.5)
# Where SYNs go: the port that is open on most servers, so that the answer is theirs and not a firewall's.
_TCP_PORT = 443


class CannotTrace(RuntimeError):
    """This system does not let ordinary users trace like that; the text says what would help."""


@dataclass(frozen=True, slots=True)
class Way:
    """What to trace with: protocol, destination port (None: the usual one), and by raw sockets or not.

    ``raw`` None takes them where they are permitted.
    """

    protocol: Protocol = "udp"
    port: int | None = None
    raw: bool | None = None

    @property
    def to_port(self) -> int:
        """The destination port."""
        return self.port or (_TCP_PORT if self.protocol == "tcp" else packets.PORT)


#: What works everywhere on Linux.
UDP = Way()


def usable_raw(way: Way) -> bool:
    """Tell whether raw sockets are to be used; in the lab's memory there are none."""
    if not isinstance(pump().sockets, KernelSockets) or way.raw is False:
        return False
    return raw.permitted()


@asynccontextmanager
async def courier(way: Way, ends: Sequence[tuple[str, int]]) -> AsyncIterator[Courier]:
    """Open sockets for flows (destination, number); raises CannotTrace."""
    if not errqueue.AVAILABLE:
        raise CannotTrace(
            "tracing needs Linux: other systems do not tell programs which router an ICMP error came from"
        )
    chosen: Courier
    if usable_raw(way):
        chosen = RawCourier(way.protocol, ends, port=way.to_port)
    elif way.raw:
        raise CannotTrace("raw sockets are not permitted here: run as root, or with CAP_NET_RAW")
    elif way.protocol == "tcp":
        async with trio.open_nursery() as nursery:
            yield ConnectCourier(nursery, ends, port=way.to_port)
            nursery.cancel_scope.cancel()
        return
    else:
        try:
            chosen = PoolCourier(way.protocol, ends, port=way.to_port)
        except PermissionError as error:
            raise CannotTrace(
                "ICMP needs CAP_NET_RAW, or a group within net.ipv4.ping_group_range; UDP needs neither"
            ) from error
    try:
        yield chosen
    finally:
        chosen.close()


async def trace(
    destinations: Sequence[str],
    way: Way = UDP,
    manner: Manner = SINGLE,
    *,
    confidence: float | None = None,
    seed: int = 0,
    watch: Callable[[int, int], object] | None = None,
) -> list[TraceKeys]:
    """Trace the ways to addresses; gives a trace for each, in order.

    ``confidence`` (such as 0.95) adds multipath discovery, destination by destination.  Times in the records
    count from the call.  Raises CannotTrace.
    """
    began = trio.current_time()
    failures = {address: failure for address in destinations if (failure := _unroutable(address))}
    reachable = [address for address in destinations if address not in failures]
    found: dict[str, TraceKeys] = {}
    if reachable:
        async with courier(way, [(address, 0) for address in reachable]) as chosen:
            courses = await carry(chosen, reachable, _patient(manner, chosen), seed=seed, watch=watch)
            for flow, (address, course) in enumerate(zip(reachable, courses, strict=True)):
                found[address] = _keys(way, address, chosen, _port(chosen, flow), course, began)
    if confidence is not None:
        for address in reachable:
            found[address] = await _multipath(found[address], way, manner, confidence, began, seed)
    return [
        found.get(address) or _failed(way, address, failures.get(address, "unknown_failure"))
        for address in destinations
    ]


def _patient(manner: Manner, chosen: Courier) -> Manner:
    if chosen.method != ConnectCourier.method:
        return manner
    return replace(manner, patience=min(manner.patience, connects.PATIENCE))


def _unroutable(address: str) -> str | None:
    """Say in df-007's words why no packet can be sent to an address; None when one can."""
    sock = pump().sockets.open(socket.AF_INET6 if ":" in address else socket.AF_INET)
    try:
        sock.connect((address, packets.PORT))
    except OSError as error:
        return translate(error)
    finally:
        sock.close()
    return None


def _port(chosen: Courier, flow: int) -> int | None:
    if isinstance(chosen, RawCourier):
        made = chosen.flows[flow]
        return made.port if made else None
    return chosen.port(flow) if isinstance(chosen, PoolCourier | ConnectCourier) else None


def _keys(
    way: Way, address: str, chosen: Courier, source_port: int | None, course: Course, began: float
) -> TraceKeys:
    replies = outcome.replies(course, began)
    hops = outcome.hops(replies)
    return TraceKeys(
        protocol=way.protocol,
        destination=address,
        source_port=source_port,
        destination_port=None if way.protocol == "icmp" else way.to_port,
        reached=course.stop == "reached",
        replies=replies,
        method=chosen.method,
        stop=course.stop,
        hops=hops,
        loops=outcome.loops(hops),
        changed=outcome.changed(hops),
    )


def _failed(way: Way, address: str, failure: str) -> TraceKeys:
    return TraceKeys(
        protocol=way.protocol,
        destination=address,
        source_port=None,
        destination_port=None if way.protocol == "icmp" else way.to_port,
        reached=False,
        replies=(),
        failure=failure,
    )


async def _multipath(
    keys: TraceKeys, way: Way, manner: Manner, confidence: float, began: float, seed: int
) -> TraceKeys:
    """Send more flows to a destination until every hop has been met by enough of them."""
    answered = [hop.ttl for hop in keys.hops if hop.addresses]
    if not answered:
        return keys
    everything: list[HopReply] = list(keys.replies)
    first, last, flows, more = 1, max(answered), 1, multipath.enough(1, confidence) - 1
    while more and flows < multipath.MOST_FLOWS:
        more = min(more, multipath.MOST_FLOWS - flows)
        numbers = range(flows, flows + more)
        once = replace(manner, first=first, length=last, max_ttl=last, repeats=1, tries=2)
        async with courier(way, [(keys.destination, number) for number in numbers]) as chosen:
            courses = await carry(chosen, [keys.destination] * more, _patient(once, chosen), seed=seed)
        for number, course in zip(numbers, courses, strict=True):
            everything += outcome.replies(course, began, flow=number)
        flows += more
        wanted = multipath.wanting(multipath.branches(everything, confidence), confidence)
        if wanted is None:
            break
        more, first, last = wanted
    return replace(
        keys,
        replies=tuple(everything),
        branches=multipath.branches(everything, confidence),
        links=multipath.links(everything),
        confidence=confidence,
    )
