"""What lies between two routers: a link, a gap of silent ones, or a tunnel that counts as one span.

Inside a label-switched path an answer may travel on to the tunnel's end before it turns back, so that all its
routers seem as far as the last one, and the first of them seems to end a link that is as long as the tunnel.
Where the length lies cannot be told; the tunnel is therefore one span from the router before it to the first
one after it.  Without labels the same shows as a large step with equal times behind it.  That may as well be
several routers in one room, and the span is true of them, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from gatewatch_analysis.paths.traces import Hop

# Ours.  Routers of one room, and those of a tunnel, differ by the noise of the least of some times.  A step
# of 5 ms is 500 km of fibre: what is below is left alone, as a wrong place of it would change no answer here.
EQUAL_MS = 1.0
STEP_MS = 5.0
# Two in a row are equal by chance too often to be called a tunnel.
_RUN = 3


@dataclass(frozen=True, slots=True)
class Segment:
    """Two routers, and those between them that are counted in: ``why`` is empty for a link or a gap.

    ``why``: labels, quoted TTL, or equal times.
    """

    near: Hop
    far: Hop
    inner: tuple[Hop, ...] = ()
    why: str = ""

    @property
    def kind(self) -> str:
        """``span`` where routers are counted in, ``gap`` where some are silent, else ``link``."""
        if self.why:
            return "span"
        return "gap" if self.hidden else "link"

    @property
    def hidden(self) -> int:
        """TTLs between the two, whether they answered or not."""
        return self.far.ttl - self.near.ttl - 1

    @property
    def delta_ms(self) -> float | None:
        """How much further the far end is by its least time; less than nothing where ways back differ."""
        if self.near.rtt_ms is None or self.far.rtt_ms is None:
            return None
        return self.far.rtt_ms - self.near.rtt_ms


def segments(hops: Sequence[Hop], destination: str = "") -> list[Segment]:
    """Cut a route into links, gaps and spans, from the first router that answered to the last.

    ``destination`` is no router: it ends no run of equal times.
    """
    ends = [hop for i, hop in enumerate(hops) if not hop.tunnelled or i in (0, len(hops) - 1)]
    swallowed = _equal(ends, destination)
    ends = [hop for hop in ends if hop.ttl not in swallowed]
    found = []
    for near, far in pairwise(ends):
        inner = tuple(hop for hop in hops if near.ttl < hop.ttl < far.ttl)
        found.append(Segment(near, far, inner, _why(inner)))
    return found


def _why(inner: Sequence[Hop]) -> str:
    if any(hop.labels for hop in inner):
        return "labels"
    if any(hop.tunnelled for hop in inner):
        return "quoted TTL"
    return "equal times" if inner else ""


def _equal(hops: Sequence[Hop], destination: str) -> set[int]:
    """Give the TTLs of routers that a step leads to and that equal times follow, but for the last of each."""
    swallowed: set[int] = set()
    # The step over the volunteer's own line, from a private address to the provider's, is its access network.
    routers = [h for h in hops if h.rtt_ms is not None and h.address != destination and h.public]
    i = 1
    while i < len(routers):
        base = routers[i].rtt_ms or 0.0
        if base - (routers[i - 1].rtt_ms or 0.0) < STEP_MS:
            i += 1
            continue
        end = i
        while end + 1 < len(routers) and abs((routers[end + 1].rtt_ms or 0.0) - base) <= EQUAL_MS:
            end += 1
        if end - i + 1 >= _RUN:
            swallowed |= {hop.ttl for hop in routers[i:end]}
        i = end + 1
    return swallowed
