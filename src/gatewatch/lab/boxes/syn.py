"""Interference by address: handshakes and datagrams to blocked names' servers or to endpoints."""

from __future__ import annotations

from gatewatch.lab.boxes.base import Box, Wire
from gatewatch.lab.boxes.forge import reset
from gatewatch.lab.path.packet import ACK, SYN, TCP, UDP, destination, flags, segment, unpacked


class _Syn(Box):
    protocol = TCP

    def blocked(self, packet: bytearray) -> bool:
        """Say whether this is a SYN to an address that serves a blocked name, and so all names beside it."""
        if flags(packet) & (SYN | ACK) != SYN:
            return False
        # Asked anew for each SYN, because an address gets its names when somebody first resolves them.
        if self.description.chooses:
            names = self.world.names_at(unpacked(destination(packet)))
            if not any(self.description.matches(name) for name in names):
                return False
        self.struck = True
        return True


class TcpDrop(_Syn):
    """Swallows the SYN."""

    def inspect(self, packet: bytearray, wire: Wire) -> bool:
        """Let only other addresses' SYNs pass."""
        return not self.blocked(packet)


class TcpReset(_Syn):
    """Answers the SYN with RST, which a client cannot tell from a closed port."""

    def inspect(self, packet: bytearray, wire: Wire) -> bool:
        """Refuse in the server's name."""
        syn = segment(packet) if self.blocked(packet) else None
        if syn is None:
            return True
        reset(syn, wire, hand=self.hand)
        return not self.description.in_path


class UdpDrop(Box):
    """Swallows datagrams to its addresses and ports, of blocked names' servers or of all."""

    protocol = UDP

    def inspect(self, packet: bytearray, wire: Wire) -> bool:
        """Let only other datagrams pass."""
        if self.description.chooses:
            names = self.world.names_at(unpacked(destination(packet)))
            if not any(self.description.matches(name) for name in names):
                return True
        self.struck = True
        return False
