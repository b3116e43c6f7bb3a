"""Inspection of what a client says first on a TCP connection, even when it is spread over several segments.

A ClientHello with a post-quantum key share does not fit one segment, and a probe may split its request on
purpose, so the box reassembles the first bytes of each flow.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TypeVar

from gatewatch.lab import scenario
from gatewatch.lab.apps import Internet
from gatewatch.lab.boxes.base import Box, Wire
from gatewatch.lab.packet import ACK, FIN, RST, SYN, TCP, Segment, flags, segment, tcp
from gatewatch.lab.packet import flow as flow_of

# A ClientHello with a hybrid key share is about 1.8 KB, a request head with cookies up to 8 KB.
_FIRST_BYTES = 8192
# Flows remembered at once; the oldest are forgotten, as in a device whose table is full.
_FLOWS = 1 << 16
_V = TypeVar("_V")


class Unclear(Enum):
    """Why the first bytes of a flow give no name."""

    MORE = auto()  # the name may still come
    NONE = auto()  # there is none


class FlowBox(Box):
    """A box that acts when a flow's first bytes name a blocked host; subclasses read the name and act."""

    protocol = TCP

    def __init__(self, description: scenario.Box, world: Internet, resolver: str) -> None:
        super().__init__(description, world, resolver)
        # A flow's next sequence number and first bytes, until its name is read.
        self._open: dict[bytes, tuple[int, bytes]] = {}
        self._caught: dict[bytes, None] = {}

    def name(self, start: bytes) -> str | Unclear:
        """Read the host that a flow's first bytes name."""
        raise NotImplementedError

    def strike(self, trigger: Segment, wire: Wire) -> None:
        """Do what the box does to a flow that names a blocked host."""
        raise NotImplementedError

    def linger(self, late: Segment, wire: Wire) -> None:
        """Treat a later packet of a flow that an in-path box has taken from the server."""

    def inspect(self, packet: bytearray, wire: Wire) -> bool:
        """Follow the flow; swallow what belongs to a caught one when the box is in the path."""
        flow = flow_of(packet)
        if flags(packet) & SYN:
            self._open.pop(flow, None)
            self._caught.pop(flow, None)
            return True
        if flow in self._caught:
            late = segment(packet)
            if late is not None:
                self.linger(late, wire)
            return False
        got = segment(packet)
        if got is None or not got.data:
            return True
        start = self._collect(flow, got)
        if start is None:
            return True
        name = self.name(start)
        if name is Unclear.MORE and len(start) < _FIRST_BYTES:
            return True
        del self._open[flow]
        if not isinstance(name, str) or not self.description.matches(name):
            return True
        self.strike(got, wire)
        if self.description.in_path:
            _remember(self._caught, flow, None)
        return not self.description.in_path

    def _collect(self, flow: bytes, got: Segment) -> bytes | None:
        """Put a segment behind the flow's first bytes; None when it does not continue them."""
        expected, start = self._open.get(flow, (got.seq, b""))
        if got.seq != expected:
            return None
        start += got.data
        _remember(self._open, flow, ((got.seq + len(got.data)) & 0xFFFFFFFF, start))
        return start


def _remember(table: dict[bytes, _V], flow: bytes, value: _V) -> None:
    if len(table) >= _FLOWS:
        del table[next(iter(table))]
    table[flow] = value


def reset(trigger: Segment, wire: Wire, *, both: bool) -> None:
    """Send RST with the numbers the client expects, and ``both``: also one to the server in its name."""
    back = trigger.destination, trigger.dport, trigger.source, trigger.sport
    end = (trigger.seq + len(trigger.data)) & 0xFFFFFFFF
    wire.to_client(tcp(*back, seq=trigger.ack, ack=end, flags=RST | ACK))
    if both:
        release(trigger, wire)


def release(trigger: Segment, wire: Wire) -> None:
    """End the server's side of a flow that an in-path box has taken over."""
    there = trigger.source, trigger.sport, trigger.destination, trigger.dport
    wire.to_server(tcp(*there, seq=trigger.seq, ack=trigger.ack, flags=RST | ACK))


def acknowledge_end(late: Segment, wire: Wire) -> None:
    """Acknowledge what the client of a taken-over flow still sends, so that it can finish in peace."""
    length = len(late.data) + (late.flags & FIN)
    if length and not late.flags & RST:
        back = late.destination, late.dport, late.source, late.sport
        wire.to_client(
            tcp(*back, seq=late.ack, ack=(late.seq + length) & 0xFFFFFFFF, flags=ACK, window=0xFFFF)
        )
