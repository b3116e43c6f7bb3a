"""What one flow's answers come to: hops, silence, loops, a path that changed, how long the way back is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from gatewatch.net.tracing.agenda import MOST, Course, Reply
from gatewatch.records import HopReply, MplsLabel, TraceHop

# First TTLs of the systems in use: Linux and macOS, Windows, most routers.
_FIRST_TTLS = (64, 128, 255)


def replies(course: Course, began: float, *, flow: int = 0) -> tuple[HopReply, ...]:
    """Give all answers and silences of a flow by TTL and attempt; times count from ``began``."""
    last = extent(course)
    heard = [_record(reply, began, flow) for reply in course.replies if reply.ttl <= last]
    known = {(reply.ttl, reply.attempt) for reply in heard}
    silent = [
        HopReply(ttl=ttl, address=None, attempt=attempt, flow=flow)
        for ttl, asked in course.asked.items()
        if ttl <= last
        for attempt in range(asked)
        if (ttl, attempt) not in known
    ]
    return tuple(sorted(heard + silent, key=lambda reply: (reply.ttl, reply.attempt, reply.t or 0.0)))


def extent(course: Course) -> int:
    """Give the last TTL that counts: where the way ends, or the last that was asked."""
    return course.end or max((ttl for ttl in course.asked if ttl != MOST), default=0)


def _record(reply: Reply, began: float, flow: int) -> HopReply:
    heard = reply.heard
    tcp = heard.icmp_type < 0
    return HopReply(
        ttl=reply.ttl,
        address=heard.address,
        rtt=heard.rtt,
        icmp_type=None if tcp else heard.icmp_type,
        icmp_code=None if tcp else heard.icmp_code,
        attempt=reply.attempt,
        t=round(reply.at - began, 6),
        reply_ttl=heard.reply_ttl,
        quoted_ttl=heard.residual,
        labels=tuple(MplsLabel(label=a, traffic_class=b, bottom=c, ttl=d) for a, b, c, d in heard.labels),
        flow=flow,
    )


def hops(found: Iterable[HopReply]) -> tuple[TraceHop, ...]:
    """Sum up the replies of one flow, TTL by TTL."""
    by_ttl: dict[int, list[HopReply]] = {}
    for reply in found:
        by_ttl.setdefault(reply.ttl, []).append(reply)
    made: list[TraceHop] = []
    # From the far end: whether what lies behind a hop lost anything tells a limit from a lossy line.
    whole = True
    for ttl in sorted(by_ttl, reverse=True):
        here = by_ttl[ttl]
        answers = [reply for reply in here if reply.address is not None]
        state = "answers" if answers else "silent"
        if answers and len(answers) < len(here):
            state = "limited" if whole and made else "answers"
            whole = False
        made.append(_hop(ttl, here, answers, state))
    return tuple(reversed(made))


def _hop(ttl: int, here: list[HopReply], answers: list[HopReply], state: str) -> TraceHop:
    counts = Counter(reply.address for reply in answers if reply.address)
    addresses = tuple(sorted(counts, key=lambda address: (-counts[address], address)))
    first = [reply for reply in answers if addresses and reply.address == addresses[0]]
    return TraceHop(
        ttl=ttl,
        addresses=addresses,
        rtt=min((reply.rtt for reply in first if reply.rtt is not None), default=None),
        asked=len(here),
        answered=len(answers),
        state=state,
        back=next((way_back(reply.reply_ttl) for reply in first if reply.reply_ttl is not None), None),
    )


def way_back(reply_ttl: int) -> int:
    """Estimate how many routers an answer has met: it began with the next usual first TTL."""
    return next(first for first in _FIRST_TTLS if first >= min(reply_ttl, 255)) - reply_ttl


def loops(found: Iterable[TraceHop]) -> tuple[int, ...]:
    """Give the TTLs whose router had answered nearer by, with another one in between."""
    seen: dict[str, int] = {}
    again: list[int] = []
    for hop in found:
        if any(hop.ttl - seen.get(address, hop.ttl) > 1 for address in hop.addresses):
            again.append(hop.ttl)
        for address in hop.addresses:
            seen.setdefault(address, hop.ttl)
    return tuple(again)


def changed(found: Iterable[TraceHop]) -> tuple[int, ...]:
    """Give the TTLs at which one flow met more than one router."""
    return tuple(hop.ttl for hop in found if len(hop.addresses) > 1)
