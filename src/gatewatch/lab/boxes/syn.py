"""TCP interference by address: handshakes with the blocked names' servers are dropped or refused."""

from __future__ import annotations

from gatewatch.lab.boxes.base import Box, Wire
from gatewatch.lab.packet import ACK, RST, SYN, TCP, destination, flags, segment, tcp, unpacked


class _Syn(Box):
    protocol = TCP

    def blocked(self, packet: bytearray) -> bool:
        """Say whether this is a SYN to an address that serves a blocked name, and so all names beside it."""
        if flags(packet) & (SYN | ACK) != SYN:
            return False
        # Asked anew for each SYN, because an address gets its names when somebody first resolves them.
        names = self.world.names_at(unpacked(destination(packet)))
        return any(self.description.matches(name) for name in names)


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
        ack = (syn.seq + 1 + len(syn.data)) & 0xFFFFFFFF
        wire.to_client(
            tcp(syn.destination, syn.dport, syn.source, syn.sport, seq=0, ack=ack, flags=RST | ACK)
        )
        return not self.description.in_path
