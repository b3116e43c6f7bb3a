"""QUIC interference: Initials that name a blocked host are swallowed, or QUIC altogether.

Deployed filters are of all three kinds: by the SNI in the decrypted Initial, with the flow dropped from then
on (Zohaib et al., "Exposing and Circumventing SNI-based QUIC Censorship of the Great Firewall of China",
USENIX Security 2025); by address or by UDP port 443 (Elmenhorst et al., "Web Censorship Measurements of
HTTP/3 over QUIC", IMC 2021); and by the look of a QUIC version 1 packet, which lets other versions pass
(Xue et al., "TSPU: Russia's Decentralized Censorship System", IMC 2022).
"""

from __future__ import annotations

from gatewatch.lab.apps import Internet
from gatewatch.lab.boxes.base import Box, Wire
from gatewatch.lab.boxes.flow import Unclear, remember
from gatewatch.lab.boxes.sni import hello_name
from gatewatch.lab.country import scenario
from gatewatch.lab.path.initial import VERSIONS, Initials, long_header
from gatewatch.lab.path.packet import UDP, destination, flow, payload, unpacked


class QuicSniDrop(Box):
    """Swallows a flow from the Initial on whose ClientHello names a blocked host."""

    protocol = UDP

    def __init__(self, description: scenario.Box, world: Internet, resolver: str) -> None:
        super().__init__(description, world, resolver)
        self._open: dict[bytes, Initials] = {}
        self._caught: dict[bytes, float] = {}  # flows, and when they are forgotten

    def inspect(self, packet: bytearray, wire: Wire) -> bool:
        """Read Initials until they name somebody; let everything else pass."""
        key = flow(packet)
        if self._caught.get(key, 0.0) > wire.time:
            remember(self._caught, key, wire.time + self.description.forgets)
            return False
        data = payload(packet)
        if long_header(data) not in VERSIONS:
            return True
        initials = self._open.get(key)
        if initials is None:
            initials = Initials()
            remember(self._open, key, initials)
        name = hello_name(initials.feed(data))
        if name is Unclear.MORE and not initials.full:
            return True
        self._open.pop(key, None)
        if not isinstance(name, str) or not self.description.matches(name):
            return True
        self.struck = True
        remember(self._caught, key, wire.time + self.description.forgets)
        return False


class QuicDrop(Box):
    """Swallows UDP to port 443: of every server, or of the blocked names' addresses.

    With the method ``version`` only packets that look like QUIC of a known version are swallowed.
    """

    protocol = UDP

    def inspect(self, packet: bytearray, wire: Wire) -> bool:
        """Let everything else pass."""
        if self.description.method == "version" and long_header(payload(packet)) not in VERSIONS:
            return True
        if not self.description.chooses:
            return False
        names = self.world.names_at(unpacked(destination(packet)))
        return not any(self.description.matches(name) for name in names)
