"""What is known of a path, and what one trigger brought back: the data that a belief is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

#: ``interfered``: a forged answer, a reset, an end of file.  ``expired``: the router at that TTL, or the
#: server itself, answered as it does to a control.  ``silent``: neither came.  ``unheard``: an innocent
#: packet right before was not answered either, so that the trigger was not sent, and nothing is learnt.
Outcome = Literal["interfered", "expired", "silent", "unheard"]


@dataclass(frozen=True, slots=True)
class Sighting:
    """One trigger: the TTL it was sent with, what came of it, and after how long, in ms.

    ``screened``: packets whose own TTL was no greater than the trigger's were kept out (IP_MINTTL), so that
    nothing was heard of a filter that copies it, nor of routers.  ``reply_ttl``: the TTL with which a forged
    packet came.  ``went_on``: whether the trigger passed the filter that answered it, where somebody looked;
    None where nobody would have said.
    """

    ttl: int
    outcome: Outcome
    rtt: float | None = None
    screened: bool = False
    reply_ttl: int | None = None
    went_on: bool | None = None


@dataclass(slots=True)
class Path:
    """A path as controls have shown it.

    ``length``: the TTL that reaches the server.  ``asked`` and ``answered`` count controls at each TTL and
    the answers to them; ``rtts`` hold the least RTT in ms, ``routers`` who answered, ``spread`` how far the
    RTTs of one hop lay apart, in ms.  ``goes_on``: packets of another kind go further than that, so that
    whoever answers there is not the server, but speaks in its name: a proxy.
    """

    length: int
    asked: dict[int, int] = field(default_factory=dict)
    answered: dict[int, int] = field(default_factory=dict)
    rtts: dict[int, float] = field(default_factory=dict)
    routers: dict[int, str] = field(default_factory=dict)
    spread: list[float] = field(default_factory=list)
    goes_on: bool = False

    def control(self, ttl: int, rtt: float | None, router: str | None = None) -> None:
        """Write down one control: ``rtt`` None for silence."""
        self.asked[ttl] = self.asked.get(ttl, 0) + 1
        if rtt is not None:
            self.answered[ttl] = self.answered.get(ttl, 0) + 1
            if ttl in self.rtts:
                self.spread.append(abs(rtt - self.rtts[ttl]))
            self.rtts[ttl] = min(rtt, self.rtts.get(ttl, rtt))
            if router is not None:
                self.routers[ttl] = router

    def answers(self, ttl: int) -> float:
        """How likely a packet that comes as far as ``ttl`` is answered from there, losses aside.

        Laplace's rule with half a vote each way (Jeffreys): one answer makes it 0.75, none of three 0.13.
        """
        if ttl >= self.length:
            return 1.0
        asked, answered = self.asked.get(ttl, 0), self.answered.get(ttl, 0)
        if answered and answered >= asked - 1:
            return 1.0  # a router that answers answers; what is missing was lost, which is counted elsewhere
        return (answered + 0.5) / (asked + 1.0) if answered else 0.02

    @property
    def server(self) -> int:
        """The server's own TTL; of one behind a proxy, the least that it may be."""
        return max(self.routers, default=self.length) + 1 if self.goes_on else self.length

    @property
    def loss(self) -> float:
        """How often a packet or its answer is lost, from hops that answer at all; at least 3 %."""
        asked = sum(n for ttl, n in self.asked.items() if self.answered.get(ttl))
        lost = asked - sum(self.answered.values())
        return min(0.3, max(0.03, (lost + 1.0) / (asked + 20.0)))

    def soonest(self, ttl: int) -> float:
        """The least time in ms in which an answer from there can be believed to come.

        RTTs are noisy, most of all on a busy machine: two thirds of the least one seen, less the spread.
        """
        least = self.rtts.get(ttl, self.rtts.get(self.nearest(ttl, -1), 0.0))
        return least * 2 / 3 - max(self.spread, default=0.0) - 1.0

    def nearest(self, ttl: int, step: int) -> int:
        """The next TTL from here, in steps of +1 or -1, that answers; 0 or the server's where none does."""
        ttl += step
        while 0 < ttl < self.length and not self.answered.get(ttl):
            ttl += step
        return ttl
