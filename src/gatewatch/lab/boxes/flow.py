"""Inspection of what a client says first on a TCP connection, even when it is spread over several segments.

A ClientHello with a post-quantum key share does not fit one segment, and a probe may split its request on
purpose, so the box reassembles the first bytes of each flow.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from enum import Enum, auto
from typing import TypeVar

from gatewatch.lab.apps import Internet
from gatewatch.lab.boxes.base import Box, Wire
from gatewatch.lab.country import scenario
from gatewatch.lab.path.packet import SYN, TCP, Segment, flags, segment
from gatewatch.lab.path.packet import flow as flow_of

# A ClientHello with a hybrid key share is about 1.8 KB, a request head with cookies up to 8 KB.
_FIRST_BYTES = 8192
# Flows remembered at once; the oldest are forgotten, as in a device whose table is full.
_FLOWS = 1 << 16
_V = TypeVar("_V")


class Unclear(Enum):
    """Why the first bytes of a flow give no name."""

    MORE = auto()  # the name may still come
    NONE = auto()  # there is none


class FlowBox(Box, ABC):
    """A box that acts when a flow's first bytes name a blocked host; subclasses read the name and act."""

    protocol = TCP

    def __init__(self, description: scenario.Box, world: Internet, resolver: str) -> None:
        super().__init__(description, world, resolver)
        # A flow's next sequence number and first bytes, until its name is read.
        self._open: dict[bytes, tuple[int, bytes]] = {}
        self._caught: dict[bytes, None] = {}

    @abstractmethod
    def name(self, start: bytes) -> str | Unclear:
        """Read the host that a flow's first bytes name."""

    def concerns(self, name: str, start: bytes) -> bool:
        """Say whether the box acts on a flow that names this host."""
        return self.description.matches(name)

    def strike(self, trigger: Segment, wire: Wire) -> None:
        """Do what the box does to a flow that names a blocked host; asked by :meth:`catch` alone."""
        raise NotImplementedError

    def linger(self, late: Segment, wire: Wire) -> None:
        """Treat a later packet of a flow that an in-path box has taken from the server."""

    def catch(self, packet: bytearray, trigger: Segment, start: bytes, wire: Wire) -> None:
        """Act on the packet that completes the name; ``start`` is all that the client has said."""
        self.strike(trigger, wire)

    def hold_on(self, packet: bytearray, wire: Wire) -> None:
        """Treat a later packet of a caught flow."""
        late = segment(packet)
        if late is not None:
            self.linger(late, wire)

    def inspect(self, packet: bytearray, wire: Wire) -> bool:
        """Follow the flow; swallow what belongs to a caught one when the box is in the path."""
        flow = flow_of(packet)
        if flags(packet) & SYN:
            self._open.pop(flow, None)
            self._caught.pop(flow, None)
            return True
        if flow in self._caught:
            self.hold_on(packet, wire)
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
        if not isinstance(name, str) or not self.concerns(name, start):
            return True
        self.struck = True
        if self.description.in_path:
            remember(self._caught, flow, None)
        self.catch(packet, got, start, wire)
        return not self.description.in_path

    def _collect(self, flow: bytes, got: Segment) -> bytes | None:
        """Put a segment behind the flow's first bytes; None when it does not continue them."""
        expected, start = self._open.get(flow, (got.seq, b""))
        if got.seq != expected:
            return None
        start += got.data
        remember(self._open, flow, ((got.seq + len(got.data)) & 0xFFFFFFFF, start))
        return start


def remember(table: dict[bytes, _V], flow: bytes, value: _V, most: int | None = None) -> None:
    """Put a flow into a table of bounded size, in the oldest one's place."""
    if len(table) >= (most or _FLOWS) and flow not in table:
        del table[next(iter(table))]
    table[flow] = value
