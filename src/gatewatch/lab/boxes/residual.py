"""Residual blocking: for a while after a trigger, a box treats everything between the same ends alike.

The Great Firewall keeps it up for 90 to 180 s by source address, destination address and port, Turkmenistan's
filter for 30 s by the whole four-tuple.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from gatewatch.lab.boxes.forge import reset
from gatewatch.lab.path.packet import RST, TCP, destination, ports, protocol, segment, source

if TYPE_CHECKING:
    from gatewatch.lab.boxes.base import Box, Wire

# Ends remembered at once, as in a device whose table is full.
_ENDS = 1 << 16


class Residue:
    """Around a box's ``inspect``: remembers who triggered it, and acts on whatever follows in time."""

    def __init__(self, box: Box, look: Callable[[bytearray, Wire], bool]) -> None:
        self._box, self._look = box, look
        self._until: dict[bytes, float] = {}

    def _key(self, packet: bytearray) -> bytes:
        sport, dport = ports(packet)
        key = bytes((protocol(packet),)) + source(packet) + destination(packet) + dport.to_bytes(2, "big")
        four = self._box.description.residual_key == "4-tuple"
        return key + sport.to_bytes(2, "big") if four else key

    def inspect(self, packet: bytearray, wire: Wire) -> bool:
        """Act on what the last trigger left behind, else look at the packet."""
        key = self._key(packet)
        until = self._until.get(key)
        if until is not None:
            if wire.time < until:
                return self._act(packet, wire)
            del self._until[key]
        box = self._box
        box.struck = False
        passes = self._look(packet, wire)
        if box.struck:
            if len(self._until) >= _ENDS:
                del self._until[next(iter(self._until))]
            self._until[key] = wire.time + box.description.residual
        return passes

    def _act(self, packet: bytearray, wire: Wire) -> bool:
        description = self._box.description
        if description.residual_action == "reset" and protocol(packet) == TCP:
            got = segment(packet)
            if got is not None and not got.flags & RST:
                self._box.copy_ttl(packet)
                reset(got, wire, hand=self._box.hand)
        return not description.in_path
