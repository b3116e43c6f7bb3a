"""The receiving half of a TCP connection: segments in any order become bytes in order."""

from __future__ import annotations

_MASK = 0xFFFFFFFF
# What we are ready to receive at once; as a 16-bit window it needs a scale of 3 (RFC 7323).
BUFFER, SCALE = 1 << 18, 3


def after(a: int, b: int) -> bool:
    """Say whether sequence number a lies after b, modulo 2**32."""
    return 0 < (a - b) & _MASK < 0x80000000


class Incoming:
    """What has come from the peer, up to which number, and what came before its turn."""

    __slots__ = ("_early", "_fin_at", "finished", "next", "unread")

    def __init__(self) -> None:
        self.next = 0  # the sequence number we wait for
        self.finished = False  # the peer's FIN has had its turn
        self.unread = 0  # bytes that the application has not taken yet; they close the window
        self._early: dict[int, bytes] = {}
        self._fin_at: int | None = None

    @property
    def window(self) -> int:
        """How many bytes may come."""
        return max(BUFFER - self.unread, 0)

    def take(self, seq: int, data: bytes, *, fin: bool) -> bytes:
        """Take a segment; gives the bytes whose turn has come.  Sets ``finished`` with the last of them."""
        if self.finished:
            return b""
        room = (self.next + self.window - seq) & _MASK
        if len(data) > room:  # a probe of our closed window, or a peer that ignores it
            data, fin = data[:room] if room < 0x80000000 else b"", False
        if fin:
            self._fin_at = (seq + len(data)) & _MASK
        if data and after(seq, self.next):
            self._early[seq] = data
            return b""
        ready = self._advance(seq, data)
        while self._early:
            first = next((seq for seq in self._early if not after(seq, self.next)), None)
            if first is None:
                break
            ready += self._advance(first, self._early.pop(first))
        if self._fin_at == self.next:
            self.next = (self.next + 1) & _MASK
            self.finished = True
        return ready

    def _advance(self, seq: int, data: bytes) -> bytes:
        fresh = data[(self.next - seq) & _MASK :]
        self.next = (self.next + len(fresh)) & _MASK
        return fresh
