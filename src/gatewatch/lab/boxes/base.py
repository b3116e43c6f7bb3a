"""What every middlebox is: a place on the path, the flows it watches, and a wire to put packets on."""

from __future__ import annotations

from typing import Protocol

from gatewatch.lab import scenario
from gatewatch.lab.apps import Internet


class Wire(Protocol):
    """The path as a box sees it from its hop."""

    def to_client(self, packet: bytes) -> None:
        """Send a packet back; it loses one TTL at each router on its way."""
        ...

    def to_server(self, packet: bytes) -> None:
        """Send a packet on to where the inspected one was going."""
        ...


class Box:
    """A middlebox of a scenario at work; the engine asks it about every packet that reaches its hop.

    A box sees a packet before the router at its hop lowers the TTL: a probe that expires there triggers it.
    """

    protocol = 0  # the IP protocol it watches

    def __init__(self, description: scenario.Box, world: Internet, resolver: str) -> None:
        self.hop = description.hop
        self.description = description
        self.world = world
        self.resolver = resolver

    def watches(self, protocol: int, address: str, port: int) -> bool:
        """Say whether packets to this protocol, address and port concern it; asked once for each."""
        ports = self.description.ports
        return protocol == self.protocol and (not ports or port in ports)

    def inspect(self, packet: bytearray, wire: Wire) -> bool:
        """Look at a packet, perhaps answer it; False when it goes no further."""
        raise NotImplementedError
