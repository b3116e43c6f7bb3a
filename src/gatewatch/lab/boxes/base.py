"""What every middlebox is: a place on the path, the flows it watches, and a wire to put packets on."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address, ip_network
from typing import Protocol

from gatewatch.lab.apps import Internet
from gatewatch.lab.boxes.hand import Hand
from gatewatch.lab.boxes.residual import Residue
from gatewatch.lab.country import scenario
from gatewatch.lab.path.packet import ttl
from gatewatch.lab.transport.stack import Stack


class Wire(Protocol):
    """The path as a box sees it from its hop; times in seconds on the caller's clock."""

    @property
    def time(self) -> float:
        """When the inspected packet passes the box."""
        ...

    def at(self, time: float) -> None:
        """Go on at another moment: what is sent from here now leaves the box at ``time``."""
        ...

    def hold(self, seconds: float) -> None:
        """Let the inspected packet wait before it goes on; keeping the order is the box's own business."""
        ...

    def to_client(self, packet: bytes, later: float = 0.0) -> None:
        """Send a packet back, ``later`` seconds from now; it loses one TTL at each router on its way."""
        ...

    def to_server(self, packet: bytes, later: float = 0.0) -> None:
        """Send a packet on to where the inspected one was going; boxes further on see it."""
        ...


Look = Callable[[bytearray, Wire], bool]


class Box:
    """A middlebox of a scenario at work; the engine asks it about every packet that reaches its hop.

    A box sees a packet before the router at its hop lowers the TTL: a probe that expires there triggers it.
    A box that wants what comes back as well overrides ``watches_return`` and ``inspect_return``; one that
    answers flows itself lists its TCP in ``stacks``, and the engine runs the timers.
    """

    protocol = 0  # the IP protocol it watches
    looks_back = False  # whether it may watch the way back at all

    def __init__(self, description: scenario.Box, world: Internet, resolver: str) -> None:
        self.hop = description.hop
        self.description = description
        self.world = world
        self.resolver = resolver
        self.resolver6 = ""  # the same machine's IPv6 address, where it has one
        self.stacks: tuple[Stack, ...] = ()
        self.struck = False  # set by a box when it acts on a trigger; starts what residual does
        self.hand = Hand(description)
        self._blocks = tuple(ip_network(block) for block in description.addresses)
        self.look: Look = self.inspect  # what the engine calls
        if description.copies_ttl:
            self.look = self._copying
        if description.residual:
            self.look = Residue(self, self.look).inspect

    def watches(self, protocol: int, address: str, port: int) -> bool:
        """Say whether packets to this protocol, address and port concern it; asked once for each."""
        ports = self.description.watched
        return protocol == self.protocol and (not ports or port in ports) and self.stands_before(address)

    def stands_before(self, address: str) -> bool:
        """Say whether an address is one of those it is limited to, if it is."""
        return not self._blocks or any(ip_address(address) in block for block in self._blocks)

    def watches_return(self, protocol: int, address: str, port: int) -> bool:
        """Say whether packets from this protocol, address and port concern it; asked once for each."""
        return self.watches(protocol, address, port)

    def inspect(self, packet: bytearray, wire: Wire) -> bool:
        """Look at a packet to the server, perhaps answer it; False when it goes no further."""
        return True

    def inspect_return(self, packet: bytes, wire: Wire) -> bool:
        """Look at a packet to the client; False when it goes no further."""
        return True

    def _copying(self, packet: bytearray, wire: Wire) -> bool:
        """Inspect, and forge with the TTL that the trigger has here."""
        self.copy_ttl(packet)
        return self.inspect(packet, wire)

    def copy_ttl(self, packet: bytearray) -> None:
        """Let what is forged next leave with the TTL that a packet has here, if the box does so."""
        if self.description.copies_ttl:
            self.hand.ttl = max(ttl(packet) - self.hop + 1, 1)
