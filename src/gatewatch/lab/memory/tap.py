"""Packet capture in memory: what a packet socket of the kernel would see, by the same filter."""

from __future__ import annotations

from collections import deque

from gatewatch.net import bpf
from gatewatch.net.capture import MOST_PACKETS, Caught


class Tap:
    """One listener."""

    def __init__(self, taps: list[Tap], program: list[bpf.Instruction]) -> None:
        self._taps, self._program = taps, program
        self._packets: deque[Caught] = deque(maxlen=MOST_PACKETS)
        taps.append(self)

    def see(self, packet: bytes, time: float, *, sent: bool) -> None:
        """Keep a packet that the filter lets pass."""
        if bpf.passes(self._program, packet):
            self._packets.append(Caught(time, sent, packet))

    def take(self) -> list[Caught]:
        """What has come since the last time."""
        found = list(self._packets)
        self._packets.clear()
        return found

    def close(self) -> None:
        """Stop listening."""
        if self in self._taps:
            self._taps.remove(self)


class Taps:
    """All who listen to one client's line."""

    def __init__(self) -> None:
        self._taps: list[Tap] = []

    def listen(self, address: str, port: int, source_port: int, protocol: int) -> Tap:
        """Listen to one flow."""
        return Tap(self._taps, bpf.flow(address, port, source_port, protocol))

    def see(self, packet: bytes | bytearray, time: float, *, sent: bool) -> None:
        """Show a packet to all of them."""
        for tap in self._taps:
            tap.see(bytes(packet), time, sent=sent)
