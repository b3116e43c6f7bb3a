"""Boxes that answer flows themselves: from the SYN on, or from the moment the client names a host.

Each has a TCP of its own at its hop.  What it sends leaves in the server's name, and the server, who may have
seen the handshake, is reset.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from gatewatch.lab.apps import Connection, Internet, StreamApp
from gatewatch.lab.boxes.base import Box, Wire
from gatewatch.lab.boxes.flow import FlowBox, remember
from gatewatch.lab.boxes.forge import release
from gatewatch.lab.country import scenario
from gatewatch.lab.path.packet import SYN, TCP, Segment, flags, flow, segment
from gatewatch.lab.transport.stack import Stack


def turned(key: bytes) -> bytes:
    """Give the key of a flow's other direction."""
    half = len(key) - 4 >> 1  # the size of an address
    return key[half : 2 * half] + key[:half] + key[-2:] + key[-4:-2]


class Terminator(Box, ABC):
    """A box with a TCP of its own; ``inspect`` decides which packets go to :meth:`take`."""

    protocol = TCP

    def __init__(self, description: scenario.Box, world: Internet, resolver: str) -> None:
        super().__init__(description, world, resolver)
        self.stack = Stack(self._emit, self.serve, seed=self.hop)
        self.stacks = (self.stack,)
        self._wires: dict[bytes, Wire] = {}

    @abstractmethod
    def serve(self, address: str, port: int, connection: Connection) -> StreamApp | None:
        """Give the application that answers in this server's place; None refuses."""

    def take(self, packet: bytearray, wire: Wire) -> None:
        """Let our own TCP have a packet."""
        remember(self._wires, flow(packet), wire)
        self.stack.receive(packet, wire.time)

    def _emit(self, packet: bytes, leaves: float) -> None:
        wire = self._wires.get(turned(flow(packet)))
        if wire is not None:
            wire.at(leaves)
            wire.to_client(packet)


class Hijacker(FlowBox, Terminator):
    """A box that lets the handshake pass and steps into the server's place when a blocked host is named."""

    def __init__(self, description: scenario.Box, world: Internet, resolver: str) -> None:
        super().__init__(description, world, resolver)
        self._opened: dict[bytes, Segment] = {}  # flows' SYNs, for what the clients offered in them

    def inspect(self, packet: bytearray, wire: Wire) -> bool:
        """Note the SYN, then follow the flow."""
        if flags(packet) & SYN:
            syn = segment(packet)
            if syn is not None:
                remember(self._opened, flow(packet), syn)
        return super().inspect(packet, wire)

    def catch(self, packet: bytearray, trigger: Segment, start: bytes, wire: Wire) -> None:
        """Answer from here on, and reset the server."""
        release(trigger, wire)
        key = flow(packet)
        remember(self._wires, key, wire)
        earlier = start[: len(start) - len(trigger.data)]
        self.stack.adopt(self._opened.pop(key, None), packet, earlier, wire.time)

    def hold_on(self, packet: bytearray, wire: Wire) -> None:
        """Pass on to our TCP what follows."""
        self.take(packet, wire)
