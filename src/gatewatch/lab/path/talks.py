"""Conversations over UDP: servers that answer one datagram with several, and later by a timer.

What :class:`~gatewatch.lab.transport.stack.Stack` is to TCP.  A conversation is one client's address and port
with one server's; it is forgotten when the server ends it or the table is full.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush

from gatewatch.lab.apps import DatagramApp, TalkLine

# Sends a datagram: from, to, what, and when it leaves.
Say = Callable[[tuple[str, int], tuple[str, int], bytes, float], None]
Open = Callable[[str, int, TalkLine], DatagramApp | None]

# Conversations remembered at once; the oldest are forgotten, as in a server that sheds load.
_MOST = 1 << 12
_NEVER = float("inf")


class Talk:
    """One conversation: what a server may do on it (see :class:`~gatewatch.lab.apps.TalkLine`)."""

    __slots__ = ("_talks", "app", "deadline", "local", "peer", "scheduled")

    def __init__(self, talks: Talks, local: tuple[str, int], peer: tuple[str, int]) -> None:
        self._talks = talks
        self.local, self.peer = local, peer
        self.app: DatagramApp | None = None
        self.deadline = self.scheduled = _NEVER

    def send(self, data: bytes) -> None:
        """Send one datagram to the client."""
        self._talks.say(self.local, self.peer, data, self._talks.now)

    def wake(self, at: float | None) -> None:
        """Choose when the timer expires; None stops it."""
        self.deadline = _NEVER if at is None else at
        self._talks.arm(self)

    def end(self) -> None:
        """Forget the conversation."""
        self.deadline = _NEVER
        self._talks.forget(self)


class Talks:
    """Every conversation of the emulated internet, and their timers."""

    def __init__(self, say: Say, opened: Open) -> None:
        self.now = 0.0
        self.say = say
        self._open = opened
        self._known: dict[tuple[tuple[str, int], tuple[str, int]], Talk] = {}
        self._timers: list[tuple[float, int, Talk]] = []
        self._armed = 0

    def __len__(self) -> int:
        return len(self._known)

    def receive(self, local: tuple[str, int], peer: tuple[str, int], data: bytes, now: float) -> bool:
        """Hand a datagram to the server at ``local``; False when none there holds conversations."""
        self.now = now
        talk = self._known.get((local, peer))
        if talk is None:
            talk = Talk(self, local, peer)
            talk.app = self._open(*local, talk)
            if talk.app is None:
                return False
            if len(self._known) >= _MOST:
                next(iter(self._known.values())).end()
            self._known[local, peer] = talk
        assert talk.app is not None
        talk.app.received(data, now)
        return True

    def due(self) -> float | None:
        """When :meth:`tick` has something to do; None when no timer runs."""
        timers = self._timers
        while timers and timers[0][2].deadline == _NEVER:
            heappop(timers)[2].scheduled = _NEVER
        return timers[0][0] if timers else None

    def tick(self, now: float) -> None:
        """Let every timer that is due expire."""
        while self._timers and self._timers[0][0] <= now:
            when, _, talk = heappop(self._timers)
            talk.scheduled = _NEVER
            if talk.deadline <= now and talk.app is not None:
                # At the time it was due: a late engine does not make its servers' answers late.
                self.now = max(when, talk.deadline)
                talk.deadline = _NEVER
                talk.app.expired(self.now)
            elif talk.deadline != _NEVER:
                self.arm(talk)

    def arm(self, talk: Talk) -> None:
        """Wake a conversation at its deadline; an earlier wake-up on its way is left to look again."""
        if talk.deadline < talk.scheduled:
            talk.scheduled = talk.deadline
            self._armed += 1
            heappush(self._timers, (talk.deadline, self._armed, talk))

    def forget(self, talk: Talk) -> None:
        """Drop a conversation."""
        self._known.pop((talk.local, talk.peer), None)
