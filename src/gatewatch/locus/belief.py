"""A belief about where a filter sits, and which packet would teach most about it.

A trigger sent with TTL k comes as far as router k.  A filter on the link [h-1, h] acts on it if k >= h, so
the least TTL that meets interference is h: a bisection.  Three things make it more than that:

- answers get lost, and some routers never answer, so a single silence proves little;
- a filter in the path swallows the trigger, one beside it lets it go on, so that an answer from router k
  excludes only the former;
- some filters copy the trigger's remaining TTL into what they inject (China's third DNS injector: "Triplet
  Censors", FOCI 2020, section 4.2).  Their packets come back only for k >= 2h - 1, which a plain bisection
  takes for the place.  A shot that keeps low TTLs out, their own TTL or their haste give them away.

So each place h, with and without either habit, is a hypothesis.  Every sighting is weighed by Bayes' rule,
and the next trigger goes where the posterior expects to learn most (Burnashev and Zigangirov, "An interval
estimation problem for controlled observations", 1974).  Pure: no clock, no network.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from gatewatch.locus.sight import Outcome, Path, Sighting

# What nothing explains: a router's answer although the packet was swallowed (a path that changed), a reset of
# somebody else's.  One in five hundred keeps one such packet from outweighing three honest ones.
_STRAY = 0.002
# Prior: filters that copy the TTL are known but rare; half of all resets came from boxes in the path
# (Sundara Raman et al., CoNEXT 2022, section 4.2, found both kinds on many networks).
_COPIES, _IN_PATH = 0.1, 0.5
# RTTs: a forged packet cannot be faster than light, but a box may take its time (Henan's took 2.8 ms, China's
# 18 ms on average: Wu et al., IEEE S&P 2025), and so may a router's slow path that the hop's RTT came from.
_RTT_FLOOR_MS = 1.0
_TOO_FAST, _TOO_SLOW = 0.01, 0.2
# Copying is looked for as long as it is this likely.
_CONSIDERED = 1e-4
# Four lost packets in a row are one in 300,000 at 3 % loss each way; something not thought of is likelier.
_OFTEN = 4
_OUTCOMES: tuple[Outcome, ...] = ("interfered", "expired", "silent")


class Habit(NamedTuple):
    """A hypothesis: the filter is on the link [hop-1, hop], in the path or beside it, copying TTLs or not."""

    hop: int
    in_path: bool
    copies: bool

    @property
    def first(self) -> int:
        """The least TTL with which it shows itself."""
        return 2 * self.hop - 1 if self.copies else self.hop


@dataclass(frozen=True, slots=True)
class Place:
    """The answer: interference between ``before`` and ``after``, TTLs that are known by their answers.

    ``hop``: the likeliest place within, ``probability`` of the link, ``copies`` and ``in_path`` the
    probabilities of either habit.  ``after`` equal to the path's length means: at the server's own door.
    """

    before: int
    after: int
    hop: int
    probability: float
    in_path: float
    copies: float

    @property
    def first(self) -> int:
        """The least TTL with which it shows itself."""
        return 2 * self.hop - 1 if self.copies > 0.5 else self.after


class Belief:
    """The posterior over places for one trigger on one path.

    ``drops``: the filter swallows and injects nothing, so interference is silence.  ``screens``: whether
    triggers can be screened, and ``mutes`` whether that keeps routers out, too.  ``blind``: whether forged
    answers at the server's TTL look like its own.
    """

    def __init__(
        self, path: Path, *, drops: bool, screens: bool = True, mutes: bool = True, blind: bool = False
    ) -> None:
        self.path = path
        self.screens = screens
        self.mutes = mutes
        self.blind = blind
        self.drops = drops
        self.seen: list[Sighting] = []
        self._habits = tuple(self._all())
        weights = [
            (
                1.0
                if drops
                else (_COPIES if h.copies else 1 - _COPIES) * (_IN_PATH if h.in_path else 1 - _IN_PATH)
            )
            for h in self._habits
        ]
        self._log = [math.log(w) for w in weights]
        self._expected: dict[tuple[int, bool], list[tuple[float, float, float]]] = {}

    def _all(self) -> Iterator[Habit]:
        for hop in range(1, self.path.length + 1):
            if self.drops:
                yield Habit(hop, True, False)
                continue
            for in_path in (True, False):
                yield Habit(hop, in_path, False)
                yield Habit(hop, in_path, True)

    def expects(self, habit: Habit, ttl: int, *, screened: bool = False) -> tuple[float, float, float]:
        """The probabilities of interfered, expired and silent for a trigger with this TTL."""
        loss = self.path.loss
        if self.blind and ttl >= self.path.length:
            return _shares(1 / 3, 1 / 3)
        muted = screened and self.mutes and ttl < self.path.length
        answers = 0.0 if muted else self.path.answers(ttl)
        if ttl < habit.hop:
            return _shares(_STRAY, max(_STRAY, answers * (1 - loss)))
        if self.drops:
            return _shares(_STRAY, _STRAY)
        visible = not habit.copies or (ttl >= habit.first and not screened)
        interfered = 1 - loss if visible else _STRAY
        # Beside the path the trigger goes on; but a reset that comes first ends the listening.
        goes_on = _STRAY if habit.in_path else (1 - interfered) * answers * (1 - loss)
        if habit.copies and not visible and (screened or ttl == habit.first - 1):
            # What we do not hear, a NAT in front may: to it a reset is the end, and it passes on no more.
            goes_on *= 0.5
        return _shares(interfered, max(_STRAY, goes_on))

    def _expects(self, ttl: int, screened: bool) -> list[tuple[float, float, float]]:
        """What each hypothesis expects of a shot; computed once."""
        found = self._expected.get((ttl, screened))
        if found is None:
            found = [self.expects(habit, ttl, screened=screened) for habit in self._habits]
            self._expected[ttl, screened] = found
        return found

    def see(self, sighting: Sighting) -> None:
        """Weigh one trigger's outcome."""
        if sighting.outcome == "unheard":
            self._expected.clear()  # the path has turned out to be less sure to answer
            return
        self.seen.append(sighting)
        index = _OUTCOMES.index(sighting.outcome)
        expected = self._expects(sighting.ttl, sighting.screened)
        for i, habit in enumerate(self._habits):
            more = _copied(habit, sighting) * self._went_on(habit, sighting)
            self._log[i] += math.log(expected[i][index] * more)

    def _went_on(self, habit: Habit, sighting: Sighting) -> float:
        """How likely it is that the trigger was, or was not, heard of again behind the filter."""
        if sighting.went_on is None or sighting.ttl < habit.hop:
            return 1.0
        heard = self.path.answers(sighting.ttl) * (1 - self.path.loss)
        likely = _STRAY if habit.in_path else max(_STRAY, heard)
        return likely if sighting.went_on else 1 - likely

    def posterior(self) -> list[tuple[Habit, float]]:
        """Every hypothesis with its probability, RTTs weighed in."""
        logs = [log + self._rtt(habit) for log, habit in zip(self._log, self._habits, strict=True)]
        top = max(logs)
        weights = [math.exp(log - top) for log in logs]
        total = sum(weights)
        return [(habit, weight / total) for habit, weight in zip(self._habits, weights, strict=True)]

    def _rtt(self, habit: Habit) -> float:
        """The log-likelihood of how long injected packets took, against the RTTs of the hops around."""
        times = [s.rtt for s in self.seen if s.outcome == "interfered" and s.rtt is not None]
        here, before = (
            self.path.rtts.get(habit.hop),
            self.path.rtts.get(self.path.nearest(habit.hop, -1), 0.0),
        )
        if not times or here is None:
            return math.log(0.5)
        least = min(times)
        slack = _RTT_FLOOR_MS + self._noise
        if least < before:
            return math.log(_TOO_FAST + (1 - _TOO_FAST) * math.exp(-(before - least) / slack))
        return math.log(_TOO_SLOW + (1 - _TOO_SLOW) * math.exp(-max(0.0, least - here) / slack))

    @property
    def _noise(self) -> float:
        """How much RTTs here vary, in ms: the median distance between two of one hop."""
        spread = sorted(self.path.spread)
        return spread[len(spread) // 2] if spread else 0.0

    def place(self) -> Place:
        """The likeliest link, widened over hops that do not answer where only their answer could tell."""
        posterior = self.posterior()
        hops: dict[int, float] = {}
        for habit, p in posterior:
            hops[habit.hop] = hops.get(habit.hop, 0.0) + p
        best = max(hops, key=lambda hop: hops[hop])
        before, after = best - 1, best
        if self.drops:
            # A swallowed packet shows only as the silence of a router that would have answered.
            before = best - 1 if self.path.answered.get(best - 1) else self.path.nearest(best, -1)
            after = best if self.path.answered.get(best) else self.path.nearest(best, 1)
        inside = sum(p for hop, p in hops.items() if before < hop <= after)
        mine = [(habit, p) for habit, p in posterior if before < habit.hop <= after]
        total = sum(p for _, p in mine)
        return Place(
            before=before,
            after=min(after, self.path.length),
            hop=best,
            probability=inside,
            in_path=sum(p for habit, p in mine if habit.in_path) / total,
            copies=sum(p for habit, p in mine if habit.copies) / total,
        )

    def next_shot(self) -> tuple[int, bool]:
        """The TTL, and whether to screen, whose outcome teaches most about the place.

        The greatest expected fall of entropy; of equals the lowest TTL, which disturbs fewest.  Where packets
        are forged, what a shot has shown so often is no chance: it would show it again.
        """
        posterior = [(i, habit, p) for i, (habit, p) in enumerate(self.posterior()) if p > 1e-6]
        # Filters that copy TTLs may show themselves beyond the server only; screening tells them from others.
        copied = sum(p for _, habit, p in posterior if habit.copies) > _CONSIDERED
        length = self.path.length
        shots = [(ttl, False) for ttl in range(1, (2 * length if copied else length + 1))]
        shots += [(ttl, True) for ttl in range(1, length + 1) if copied and self.screens]
        often = Counter((s.ttl, s.screened) for s in self.seen)
        fresh = [shot for shot in shots if self.drops or often[shot] < _OFTEN] or shots
        return max(fresh, key=lambda shot: (self._gain(posterior, *shot), -shot[0]))

    def _gain(self, posterior: list[tuple[int, Habit, float]], ttl: int, screened: bool) -> float:
        expected = self._expects(ttl, screened)
        joint: dict[int, list[float]] = {}
        for i, habit, p in posterior:
            here = joint.setdefault(habit.hop, [0.0, 0.0, 0.0, 0.0])
            a, b, c = expected[i]
            # Of datagrams, which cannot be screened, the TTL of what is forged tells its habit.
            here[3 if habit.copies and not self.screens else 0] += p * a
            here[1] += p * b
            here[2] += p * c
        total = [sum(column) for column in zip(*joint.values(), strict=True)]
        # Mutual information of place and outcome, up to the place's own entropy, which is the same for all.
        cells = (cell for here in joint.values() for cell in zip(here, total, strict=True))
        return sum(p * math.log(p / q) for p, q in cells if p)


def _copied(habit: Habit, sighting: Sighting) -> float:
    """How likely a forged datagram's own TTL is: a copier's has lost one at each router, there and back."""
    if sighting.reply_ttl is None:
        return 1.0
    if habit.copies:
        return 1.0 if sighting.reply_ttl == sighting.ttl - 2 * habit.hop + 2 else _STRAY
    # Others start with 64 or more, of which no path back takes half.
    return _STRAY if sighting.reply_ttl <= min(sighting.ttl, 31) else 1.0


def _shares(interfered: float, expired: float) -> tuple[float, float, float]:
    """Make three probabilities of two, none of them nothing."""
    silent = max(_STRAY, 1 - interfered - expired)
    total = interfered + expired + silent
    return interfered / total, expired / total, silent / total
