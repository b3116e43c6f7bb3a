"""Which probe is sent next, of all flows that are traced at once; sans-IO: it is told time and answers.

First every flow is asked once with the full TTL.  A destination that answers tells how long the way is:
exactly where its error quotes the TTL that was left (UDP), about where only its own TTL can be read.  Then
the TTLs of all flows are asked in random order, as Yarrp and FlashRoute do (Beverly, IMC 2016; Huang et al.,
IMC 2020), so that no router gets a burst; a destination that did not answer is followed a few hops past the
last router that did.  A flow whose probes are all answered or given up is asked again for what is missing,
then it is done.  Silence thus costs one wait for all hops together, wherever several may be in flight.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from gatewatch.net.tracing.mpls import Labels

#: Probes carry their TTL in six bits; this one is the full TTL, with which every flow is asked first.
MOST = 63
UNREACHABLE, EXPIRED = 3, 11
_PORT_UNREACHABLE = 3
#: Answers over TCP (a SYN-ACK, an RST) have this type; they come from the destination.
TCP_ANSWER, ECHO_REPLY = -1, 0
# First TTLs of the systems in use: Linux and macOS (RFC 1700: 64), Windows, most routers.
_FIRST_TTLS = (64, 128, 255)
# Two hops that stand on three places are a loop; two alone are often one router with two ways.
# Answers kept of one flow: three probes to each of 63 distances are 189.
_MOST_REPLIES = 512
_LOOPED = 3
# After so many silent hops in a row the next ones will be silent, too.
_QUIET = 2


class Heard(NamedTuple):
    """One answer: to the probe of which flow, and TTL (0: it does not say), and what it says.

    ``rtt`` in ms, None where the answer cannot be timed by itself; ``final``: nothing lies behind it.
    """

    flow: int
    ttl: int
    address: str
    rtt: float | None
    icmp_type: int
    icmp_code: int
    reply_ttl: int | None = None
    residual: int | None = None
    labels: Labels = ()


class Reply(NamedTuple):
    """An answer as it is kept: at which TTL, which attempt, when (the engine's seconds)."""

    ttl: int
    attempt: int
    at: float
    heard: Heard


@dataclass(frozen=True, slots=True)
class Manner:
    """How tracing goes.

    ``gap``: silent hops in a row after which a destination that never answered is given up.  ``repeats``:
    times that every TTL is asked.  ``tries``: times that a TTL is asked before it is called silent.
    ``patience`` and ``least``: how long an answer is waited for, in s: three times the longest round trip so
    far, within these.
    ``rate``: packets a second.  ``length``: what the way's length is known to be; then just the TTLs from
    ``first`` to there are asked.
    """

    max_ttl: int = 30
    gap: int = 5
    repeats: int = 1
    tries: int = 2
    patience: float = 1.0
    least: float = 0.25
    rate: float = 200.0
    first: int = 1
    length: int = 0


class Course:
    """What is known of one flow."""

    __slots__ = (
        "asked", "attempt", "bare", "done", "end", "goal", "places", "quiet",
        "replies", "round", "stop", "top", "unclear", "window", "within",
    )  # fmt: skip

    def __init__(self, window: int) -> None:
        self.asked: dict[int, int] = {}
        self.attempt: dict[int, int] = {}  # the number of the latest probe of each TTL, from 0
        self.replies: list[Reply] = []
        self.within: set[int] = set()  # TTLs in flight
        self.unclear: set[int] = set()  # those of them of which one has answered, without saying which
        self.quiet = 0  # probes in a row that were not answered
        self.window = window
        self.bare = False
        self.top = 0  # the furthest router that answered
        self.end = 0  # the TTL at which whoever ends the way answered; 0: not known
        self.goal = 0  # the TTL at which it probably will
        self.stop: str | None = None
        self.round = 0
        self.done = False
        self.places: dict[str, int] = {}  # router: at how many TTLs


class Agenda:
    """The probes of all flows; see the module's text."""

    def __init__(self, flows: Sequence[str], manner: Manner, *, window: int, seed: int = 0) -> None:
        self._manner = manner
        self._destinations = flows
        self._random = random.Random(seed)
        self.courses = [Course(window) for _ in flows]
        # The full TTL first; the first hops are needed whatever comes of it.  Lists are taken from the end.
        last = manner.length or min(manner.first + manner.gap - 1, manner.max_ttl)
        near = [*range(last, manner.first - 1, -1), *(() if manner.length else (MOST,))]
        self._todo: list[list[int]] = [near.copy() for _ in flows]
        # Flows that have something to send and may.
        self._free = list(range(len(flows)))
        self._random.shuffle(self._free)
        self._is_free = [True] * len(flows)
        self._flight: dict[int, float] = {}
        self._opened = [near[0]] * len(flows)
        self.left = len(flows)
        self.longest = 0.0  # the longest round trip, in s

    # -- sending

    def next(self) -> tuple[int, int] | None:
        """Give flow and TTL of the next probe; None while there is nothing to send."""
        free = self._free
        while free:
            at = int(self._random.random() * len(free))
            flow = free[at]
            course, todo = self.courses[flow], self._todo[flow]
            if todo and len(course.within) < course.window:
                ttl = todo.pop()
                if course.end and ttl > course.end:
                    continue
                return flow, ttl
            free[at] = free[-1]
            free.pop()
            self._is_free[flow] = False
            if not course.within:
                self._idle(flow)
        return None

    def sent(self, flow: int, ttl: int, now: float) -> None:
        """Note that a probe is on its way."""
        course = self.courses[flow]
        course.attempt[ttl] = asked = course.asked.get(ttl, 0)
        course.asked[ttl] = asked + 1
        course.within.add(ttl)
        key = flow << 6 | ttl
        self._flight.pop(key, None)
        self._flight[key] = now

    @property
    def patience(self) -> float:
        """How long an answer is waited for now, in s."""
        if not self.longest:
            return self._manner.patience
        return min(max(3 * self.longest, self._manner.least), self._manner.patience)

    def wakes(self) -> float | None:
        """When the oldest probe is given up; None when none is in flight."""
        return next(iter(self._flight.values())) + self.patience if self._flight else None

    # -- answers

    def heard(self, heard: Heard, now: float) -> None:
        """Take an answer."""
        flow, course = heard.flow, self.courses[heard.flow]
        ttl = heard.ttl
        if not ttl:
            # It does not say which probe it is about: one alone in flight it must be, and then it stays so.
            course.bare = True
            course.window = 1
            if len(course.within) != 1:
                # Silence was expected of these; now each is asked by itself.
                course.unclear |= course.within
                return
            (ttl,) = course.within
        elif not course.bare:
            course.window = MOST
        else:
            course.window = 1
        key = flow << 6 | ttl
        left = self._flight.pop(key, None)
        if ttl not in course.asked:
            return  # nothing of ours
        rtt = heard.rtt if heard.rtt is not None else None if left is None else (now - left) * 1000
        if rtt is None:
            return
        if len(course.replies) >= _MOST_REPLIES:
            return  # each probe answered many times over: somebody floods
        course.within.discard(ttl)
        course.quiet = 0
        self.longest = max(self.longest, rtt / 1000)
        place, final = ttl, heard.icmp_type != EXPIRED
        if ttl == MOST:
            # A way as long as that is a loop, and its router stands nowhere.
            place = self._place(course, heard) if final else 0
        if place:
            found = heard._replace(ttl=place, rtt=round(rtt, 3))
            attempt = course.attempt[ttl]
            if place != ttl:
                # It was not asked for by its own TTL, but it answered once.
                attempt = course.asked.get(place, 0)
                course.asked[place] = attempt + 1
            course.replies.append(Reply(place, attempt, now, found))
            if final:
                self._ended(course, place, heard)
            elif not course.end or place < course.end:
                course.top = max(course.top, place)
            if not final:
                course.places[heard.address] = course.places.get(heard.address, 0) | 1 << place
        if course.done:
            return  # too late to change what is asked, but kept
        self._open(flow)

    def _place(self, course: Course, heard: Heard) -> int:
        """Give where whoever answers the full TTL stands; 0 where that can only be guessed, into the goal."""
        if heard.residual is not None and 1 <= heard.residual <= MOST:
            return MOST - heard.residual + 1
        if heard.reply_ttl is not None:
            first = next((n for n in _FIRST_TTLS if n >= heard.reply_ttl), 255)
            course.goal = min(max(first - heard.reply_ttl + 1, self._manner.first), self._manner.max_ttl)
        else:
            course.goal = self._manner.first
        return 0

    def _ended(self, course: Course, place: int, heard: Heard) -> None:
        if course.end and place >= course.end:
            return
        course.end = place
        destination = self._destinations[heard.flow]
        there = heard.address == destination or (
            heard.icmp_type == UNREACHABLE and heard.icmp_code == _PORT_UNREACHABLE
        )
        course.stop = "reached" if there or heard.icmp_type in (TCP_ANSWER, ECHO_REPLY) else "unreachable"

    def expire(self, now: float) -> None:
        """Give up the probes that were waited for long enough."""
        patience, flight = self.patience, self._flight
        while flight:
            key = next(iter(flight))
            if flight[key] + patience > now:  # added as wakes() adds it, so that both round alike
                return
            del flight[key]
            flow = key >> 6
            course = self.courses[flow]
            ttl = key & 63
            course.within.discard(ttl)
            if ttl in course.unclear:
                course.unclear.discard(ttl)
                course.asked[ttl] -= 1
                self._todo[flow].append(ttl)
            else:
                course.quiet += 1
                if course.quiet >= _QUIET and course.window == 1:
                    # Where nobody answers nothing can be mistaken: the rest of the gap goes out at once.
                    course.window = self._manner.gap
            self._open(flow)

    # -- what a flow still needs

    def _limit(self, course: Course) -> int:
        most = self._manner.max_ttl
        if course.end or self._manner.length:
            return min(course.end or most, self._manner.length or most)
        if self._looped(course):
            return course.top
        if course.goal:
            return min(course.goal, most)  # as far as it should be; idling widens it
        return min(course.top + self._manner.gap, most)

    def _looped(self, course: Course) -> bool:
        return any(places.bit_count() >= _LOOPED for places in course.places.values())

    def _open(self, flow: int) -> None:
        """Put on the list what an answer, or its absence, has made worth asking."""
        course, todo = self.courses[flow], self._todo[flow]
        if course.round == 0:
            limit, first = self._limit(course), self._opened[flow] + 1
            if limit >= first:
                fresh = [ttl for ttl in range(limit, first - 1, -1) if ttl not in course.asked]
                if course.end or course.goal:
                    self._random.shuffle(fresh)
                todo[:0] = fresh
                self._opened[flow] = limit
        if todo or not course.within:
            self._freed(flow)

    def _freed(self, flow: int) -> None:
        if not self._is_free[flow] and not self.courses[flow].done:
            self._is_free[flow] = True
            self._free.append(flow)

    def _idle(self, flow: int) -> None:
        """A flow with nothing in flight and nothing to send: another round, or done."""
        course = self.courses[flow]
        if course.done:
            return
        manner = self._manner
        if course.goal and not course.end and course.goal < manner.max_ttl and not self._looped(course):
            # It answers, and is further away than it seemed: no number of silent hops ends the way.
            course.goal = min(max(course.goal, course.top) + manner.gap, manner.max_ttl)
            self._open(flow)
            return
        course.round += 1
        furthest = min(course.end or course.top, manner.length or manner.max_ttl)
        answered = {reply.ttl for reply in course.replies}
        again = [
            ttl
            for ttl in range(furthest, manner.first - 1, -1)
            if course.asked.get(ttl, 0) < manner.repeats
            or (ttl not in answered and course.asked.get(ttl, 0) < manner.tries)
        ]
        if course.bare and again:
            # What has answered goes one by one; then all that was silent at once: it most likely stays so.
            known = [ttl for ttl in again if ttl in answered]
            course.window = 1 if known else len(again)
            again = known or again
        if again:
            self._todo[flow] = again
            self._freed(flow)
            return
        course.done = True
        self.left -= 1
        if course.stop is None:
            loop = self._looped(course)
            course.stop = "loop" if loop else "max_ttl" if course.top >= manner.max_ttl else "gap"
