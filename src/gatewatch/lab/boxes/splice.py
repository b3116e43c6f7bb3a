"""Boxes that cut a connection in two: a TCP of their own to each side, and the stream handed over between.

The handshake with the client waits for the one with the server, so a closed port is refused and silence stays
silence, as performance-enhancing proxies have it (RFC 3135 3.1).  Both halves keep addresses and ports.
"""

from __future__ import annotations

import errno

from gatewatch.lab.apps import Connection, Internet, StreamApp
from gatewatch.lab.boxes.base import Wire
from gatewatch.lab.boxes.flow import remember
from gatewatch.lab.boxes.forge import reset
from gatewatch.lab.boxes.takeover import Terminator, turned
from gatewatch.lab.country import scenario
from gatewatch.lab.path.packet import INITIAL_TTL, RST, SYN, Segment, flags, flow, segment, unpacked
from gatewatch.lab.transport.stack import Stack
from gatewatch.lab.transport.tcp import Connection as TcpConnection

# Pairs remembered at once, with their buffers; a client of the lab has some hundred connections.
_PAIRS = 1 << 13


class Pair:
    """One client's connection and its other half; :meth:`from_client` and :meth:`from_server` may rewrite."""

    def __init__(self, box: Splicer, syn: bytearray, wire: Wire) -> None:
        self.box = box
        self.key = flow(syn)
        opening = segment(syn)
        self.opens_with = opening.seq if opening else -1  # tells a repeated SYN from a new one
        self._syn: bytearray | None = syn  # the client's, until the server has answered ours
        self._wire = wire
        self.server: TcpConnection | None = None
        self.client: Connection | None = None

    # -- what a subclass changes

    def from_client(self, data: bytes) -> None:
        """Take what the client says."""
        self.say(data)

    def from_server(self, data: bytes) -> None:
        """Take what the server says."""
        self.tell(data)

    def say(self, data: bytes) -> None:
        """Send to the server."""
        if self.server is not None:
            self.server.write(data)

    def tell(self, data: bytes) -> None:
        """Send to the client."""
        if self.client is not None:
            self.client.write(data)

    # -- the server's half: what a TCP client is told

    def established(self) -> None:
        """Answer the client's SYN now."""
        syn, self._syn = self._syn, None
        if syn is not None:
            self._wire.at(self.box.upstream.now)
            self.box.take(syn, self._wire)

    def failed(self, error: int) -> None:
        """Do to the client what was done to us."""
        syn, self._syn = self._syn, None
        got = segment(syn) if syn is not None else None
        if got is not None and error == errno.ECONNREFUSED:
            self._wire.at(self.box.upstream.now)
            reset(got, self._wire)
        elif self.client is not None:
            self.box.stack.now = self.box.upstream.now
            self.client.abort()
        self.box.drop(self)

    def acknowledged(self) -> None:
        """Go on: nothing waits for room here."""

    def data_received(self, data: bytes) -> None:
        """Take bytes from the server."""
        if self.server is not None:
            self.server.taken(len(data))
        self.from_server(data)

    def eof_received(self) -> None:
        """Hand the server's end on, and end the other direction as well."""
        if self.client is not None:
            self.client.close()
        if self.server is not None:
            self.server.shutdown()
        self.box.drop(self)


class _ClientSide:
    """The client's half, as a server application."""

    def __init__(self, pair: Pair) -> None:
        self._pair = pair

    def data_received(self, data: bytes) -> None:
        self._pair.from_client(data)

    def eof_received(self) -> None:
        """Let the server finish what it is saying."""
        pair = self._pair
        if pair.server is not None:
            pair.server.shutdown()


class Splicer(Terminator):
    """Ends every connection to its ports, and makes another one to the server."""

    looks_back = True

    def __init__(self, description: scenario.Box, world: Internet, resolver: str) -> None:
        super().__init__(description, world, resolver)
        self.upstream = Stack(self._emit_up, seed=self.hop + 1)
        self.stacks = (self.stack, self.upstream)
        self._pairs: dict[bytes, Pair] = {}

    def pair(self, syn: bytearray, wire: Wire) -> Pair:
        """Make the two halves' link."""
        return Pair(self, syn, wire)

    def inspect(self, packet: bytearray, wire: Wire) -> bool:
        """Open the other half for a SYN, and take everything else."""
        self.stack.now = self.upstream.now = wire.time
        pair = self._pairs.get(flow(packet))
        seen = flags(packet)
        if seen & SYN:
            syn = segment(packet)
            if syn is not None and (pair is None or pair.opens_with != syn.seq):
                self._open(packet, syn, pair, wire)
                return False
        if pair is None or pair.client is not None:
            self.take(packet, wire)
        if seen & RST and pair is not None and pair.server is not None:
            pair.server.abort()
        return False

    def _open(self, packet: bytearray, syn: Segment, old: Pair | None, wire: Wire) -> None:
        if old is not None and old.server is not None:  # the client has forgotten it
            self.upstream.forget(old.server)
        pair = self.pair(bytearray(packet), wire)
        remember(self._wires, pair.key, wire)
        remember(self._pairs, pair.key, pair, _PAIRS)
        ends = (unpacked(syn.source), syn.sport), (unpacked(syn.destination), syn.dport)
        pair.server = self.upstream.connect(*ends, pair, wire.time, ttl=INITIAL_TTL)

    def serve(self, address: str, port: int, connection: Connection) -> StreamApp | None:
        """Join the client's half to the server's."""
        assert isinstance(connection, TcpConnection)
        pair = self._pairs.get(connection.key)
        if pair is None:
            return None
        pair.client = connection
        return _ClientSide(pair)

    def inspect_return(self, packet: bytes, wire: Wire) -> bool:
        """Keep what the server says to our half."""
        key = turned(flow(packet))
        if key not in self._pairs:
            return True
        self.stack.now = self.upstream.now = wire.time
        self.upstream.receive(packet, wire.time)
        return False

    def drop(self, pair: Pair) -> None:
        """Forget a pair whose server's half is over."""
        pair.server = None

    def _emit_up(self, packet: bytes, leaves: float) -> None:
        wire = self._wires.get(flow(packet))
        if wire is not None:
            wire.at(leaves)
            wire.to_server(packet)
