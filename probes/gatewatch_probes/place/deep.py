"""Deep mode of a hunt: a capture beside it, one look at each trigger, and what was caught.  No probe."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field, replace

from gatewatch.locus import Path, Sighting
from gatewatch.locus.look import Look, look, server_ttl
from gatewatch.net import capture
from gatewatch.net.capture import Caught
from gatewatch.net.dissect import read
from gatewatch.net.shot import Flow

# Kept for an evidence file: a hunt of 20 triggers with their controls is about a thousand packets.
_MOST_KEPT, _MOST_BYTES = 8192, 4 << 20
_DATAGRAMS = ("dns", "quic")


def _lied(seen: Look) -> bool:
    """Tell whether an answer with data was forged: not the server's TTL, and early or beside its own.

    One alone may be a server farm's, whose machines are not all as far away.
    """
    return any(
        packet.size and "ttl" in packet.told_by and (seen.answered or "early" in packet.told_by)
        for packet in seen.injected
    )


@dataclass(slots=True)
class Watch:
    """Listens to one hunt's flow; made by :meth:`over`, closed by its owner."""

    capture: capture.Capture
    looks: list[Look] = field(default_factory=list)
    #: Every packet caught, for evidence.
    kept: list[Caught] = field(default_factory=list)
    _bytes: int = 0
    #: The server's own TTL, as its answers to controls came with.
    reference: int | None = None

    @classmethod
    def over(cls, flow: Flow, method: str) -> Watch:
        """Listen to a flow; raises :class:`gatewatch.net.capture.Unavailable`."""
        protocol = socket.IPPROTO_UDP if method in _DATAGRAMS else socket.IPPROTO_TCP
        return cls(capture.listen(flow.address, flow.port, flow.source_port, protocol))

    def controls(self) -> None:
        """Take what controls have brought; from them the server's own TTL is known."""
        found = server_ttl([packet for caught in self._take() if (packet := read(caught))])
        self.reference = found if found is not None else self.reference

    def trigger(self, sighting: Sighting, path: Path) -> Sighting:
        """Look at what a trigger has brought, and add to its sighting."""
        packets = [packet for caught in self._take() if (packet := read(caught))]
        seen = look(packets, sighting.ttl, path, self.reference)
        self.looks.append(seen)
        if not seen.injected:
            return sighting
        if sighting.outcome == "expired" and not sighting.screened and _lied(seen):
            # Only its TTL gives a forged answer away that comes where the server's own may come, too.
            sighting = replace(sighting, outcome="interfered", rtt=seen.injected[0].rtt)
        if sighting.outcome != "interfered":
            return sighting
        ttl = sighting.reply_ttl if sighting.reply_ttl is not None else seen.injected[0].ttl
        return replace(sighting, reply_ttl=ttl, went_on=seen.went_on)

    def _take(self) -> list[Caught]:
        found = self.capture.take()
        for caught in found:
            self._bytes += len(caught.data)
            if len(self.kept) < _MOST_KEPT and self._bytes <= _MOST_BYTES:
                self.kept.append(caught)
        return found
