"""The search for a filter's place: sweep, does it act at all, where, and once more.  Not a probe.

1. Sweep (:mod:`gatewatch_probes.place.walk`): who answers on the way, how fast, and where the server is.
2. Does it act?  The trigger with a visitor's TTL.  Honest answers end the search: no interference here.
   Silence must repeat three times, with a control that passes in between.
3. Where?  The belief chooses each next TTL (:mod:`gatewatch.locus`), until one link is as good as certain.
4. Once more: the link's far side must show interference three times in all, the near side an answer twice.
5. With a :class:`~gatewatch_probes.place.deep.Watch` beside it: in the path, or beside it?  Behind the
   filter, a router that answers controls says whether the trigger came by.

Before every trigger a control on the same addresses and ports must pass, else what is seen may be left over
from the trigger before (:mod:`gatewatch.net.residual`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

import trio

from gatewatch.locus import Belief, Place, Sighting
from gatewatch.net.address import endpoint, is_ipv6
from gatewatch.net.residual import LONGEST, RESERVE, wait_until_clear
from gatewatch.net.shot import Echo
from gatewatch.records import ResidualWait
from gatewatch_probes.place.deep import Watch
from gatewatch_probes.place.triggers import differ
from gatewatch_probes.place.walk import FULL, Walk

#: Reasons for which another source port is worth a try.
NOTHING = "no interference seen"
SOMETIMES = "it acts at one time and not at another"
# Silence must be silent three times: at 3 % loss each way one packet in 17 brings nothing back, and three in
# a row once in 5,000.
_SILENCES = 3
# A link is named only with this probability, and found only with the higher one while the budget lasts.
ENOUGH, SURE = 0.95, 0.995
_CONFIRMING, _PASSING = 3, 2
# How often a hunt puts up with a hop that answered and does so no longer.
_UNHEARD = 6
AT_SERVER = "the server itself, or something right before it"
STOPPED = "stopped before the next trigger"
LATE = "the time for locating was up"
# Until then what was left behind before the hunt is over, in s: the longest block, and a minute for look-ups.
_PATIENCE = LONGEST + 60.0
# Triggers beyond those that finding the place took, for whether it is in the path.
_ASIDE = 2
# By how much another TTL is less, for an answer that copies it to follow.
_LESS = 16


@dataclass(slots=True)
class Hunt(Walk):
    """A search, and what it found: ``place``, or None with a ``reason``; ``signature``; what it cost."""

    most_triggers: int = 12
    #: Waits until the next connection may be opened.
    pace: Callable[[], Awaitable[None]] = trio.lowlevel.checkpoint
    #: The kill switch, asked before each trigger.
    stopped: Callable[[], bool] = lambda: False
    #: When the last trigger before this hunt may have been sent at the latest, in trio's time.
    since: float = field(default_factory=trio.current_time)
    #: Deep mode: who listens to the flow.
    watch: Watch | None = None
    place: Place | None = None
    reason: str = ""
    signature: str = ""
    triggers: int = 0
    sightings: list[Sighting] = field(default_factory=list)
    shots: list[tuple[int, list[Echo]]] = field(default_factory=list)
    #: When each trigger was sent, in trio's time since the hunt began, and whether each control passed.
    times: list[float] = field(default_factory=list)
    passed: list[bool] = field(default_factory=list)
    residual: list[ResidualWait] = field(default_factory=list)
    #: How often a hop that had answered did not, so that no trigger was sent.
    unheard: int = 0
    _began: float = field(default_factory=trio.current_time)
    _last: float = -1.0
    #: Whether a forged answer at the server's TTL is not told from the server's own.
    _blind: bool = False

    @property
    def endpoint(self) -> str:
        """The server's address and port."""
        return endpoint(self.trigger.flow.address, self.trigger.flow.port)

    @property
    def late(self) -> bool:
        """Whether the scope around leaves no time for a further trigger."""
        return trio.current_effective_deadline() - trio.current_time() < RESERVE

    @property
    def last(self) -> float:
        """When a trigger was last sent, before this hunt or in it, in trio's time."""
        return max(self.since, self._last)

    async def run(self) -> None:
        """Search; what the network does ends up in the fields, nothing is raised.

        Where the scope around is soon to end, no further trigger is sent, and what is known by then counts.
        """
        if not await self.clear():
            self.reason = LATE if self.late else "the control fails"
            return
        if not await self._sweep():
            self.reason = "the server's distance was not found"
            return
        await self._beyond()
        belief = await self._acts()
        if belief is None:
            return
        await self._narrow(belief)
        await self._confirm(belief)
        if not self.reason:
            await self._aside(belief)
        if self.reason:
            return
        place = belief.place()
        # Where packets are forged, one must have come back from a trigger that ended on the way.
        met = belief.drops or any(s.outcome == "interfered" and s.ttl < FULL for s in self.sightings)
        if place.probability < ENOUGH or not met:
            self.reason = self.reason or (LATE if self.late else "what was seen does not agree on one link")
            return
        if place.hop >= self.path.length and not self.path.goes_on:
            self.reason = AT_SERVER
            return
        if self.signature == "answer" and place.hop >= self.path.length:
            self.signature = "proxy"
        self.place = place

    async def clear(self) -> bool:
        """Make a control exchange, after the waiting that a block left behind may need; does it pass?"""

        async def control() -> bool:
            await self.pace()
            self.controls += 1
            self.passed.append(await self.trigger.control())
            return self.passed[-1]

        passed = await control()
        if not passed:
            since = self._last if self._last >= 0 else trio.current_time()
            # Before the first trigger only what somebody else's has left behind is worth waiting for.
            patience = float("inf") if self._last >= 0 else self.since + _PATIENCE - since
            await trio.sleep(self.window())
            row = await wait_until_clear(control, since=since, patience=patience)
            self.residual.append(row)
            passed = row.passed
        # What the server still sends on the old connection must not meet the next one on the same ports.
        await trio.sleep(self.window())
        return passed

    async def _fire(self, ttl: int, *, screened: bool = False) -> Sighting | None:
        """Send one trigger, guarded; None when a budget is used up or the control no longer passes."""
        if self.triggers >= self.most_triggers or self.late or (self.triggers and not await self.clear()):
            return None
        await self.pace()
        if self.stopped():
            self.reason = STOPPED
            return None
        if self.watch is not None:
            self.watch.controls()
        if not await self._heard(ttl):
            self.unheard += 1
            self.reason = "hops that answered do so no longer" if self.unheard > _UNHEARD else ""
            return Sighting(ttl, "unheard") if self.unheard <= _UNHEARD else None
        screen = ttl + 2 if screened else 0
        sent = round(trio.current_time() - self._began, 3)
        echoes = await self.trigger.fire(ttl, self.window(), screen=screen)
        self._last = trio.current_time()
        await trio.sleep(self.window())
        if echoes is None:
            return None
        self.triggers += 1
        self.shots.append((ttl, echoes))
        seen = self.trigger.reads(echoes, ttl, self.path)
        sighting = replace(seen, screened=screened)
        if self.watch is not None:
            sighting = self.watch.trigger(sighting, self.path)
        self.sightings.append(sighting)
        self.times.append(sent)
        return sighting

    async def _acts(self) -> Belief | None:
        """Find out whether there is interference at all, and of which kind."""
        server = self.path.length
        seen: list[Sighting] = []
        passed, lied = 0, False
        while sum(s.outcome == "silent" for s in seen) < _SILENCES:
            sighting = await self._fire(FULL)
            if sighting is None:
                self.reason = self.reason or (LATE if self.late else "the control fails after a trigger")
                return None
            seen.append(sighting)
            if sighting.outcome == "interfered":
                self._learn(self.shots[-1][1])
                break
            if sighting.outcome == "expired":
                lies = self.trigger.lies(self.shots[-1][1])
                doubtful = lies or not (passed or self.trigger.sure_at_server)
                nearer = await self._unsure(server, lies=lies) if doubtful else None
                if nearer is not None:
                    seen = [nearer]
                    break
                passed += 1
                # Once may be luck: a reset beside the path can be lost, and the answer comes.
                lied = lied or lies
                if passed == _PASSING:
                    self.reason = AT_SERVER if lied else NOTHING
                    return None
        if passed and seen[-1].outcome == "silent":
            self.reason = SOMETIMES
            return None
        drops = seen[-1].outcome == "silent"
        self.signature = "drop" if drops else self._sign()
        belief = Belief(
            self.path,
            drops=drops,
            screens=self.trigger.screens,
            mutes=not is_ipv6(self.trigger.flow.address),
            blind=self._blind,
        )
        for sighting in seen:
            belief.see(sighting)
        return belief

    async def _unsure(self, server: int, *, lies: bool) -> Sighting | None:
        """The server's answer or a forged one?  Gives the sighting of a forged one.

        A lie is forged if the server is farther.  Just before the server only a forged one comes.  One that
        copies the TTL may not come back from there; it is kept out by screening, and then the server's own is
        heard in its place.
        """
        told = self.sightings[-1]
        _, answer = self.shots[-1]
        if lies and not self.path.goes_on:
            await self._beyond()
            if self.path.goes_on:
                self._learn(answer)
                return replace(told, outcome="interfered")
        if server < 2:
            return None
        for _ in range(_PASSING):
            nearer = await self._fire(server - 1)
            if nearer is None or nearer.outcome != "silent":
                break
        if nearer is not None and nearer.outcome == "interfered":
            self._learn(self.shots[-1][1])
            return nearer
        if (self.trigger.alike and await self._hidden(server, answer)) or (
            lies and await self._follows(answer)
        ):
            self._learn(answer)
            return replace(told, outcome="interfered")
        return None

    async def _follows(self, answer: list[Echo]) -> bool:
        """Tell whether the TTL of an answer follows the question's: then it is copied, as no server does."""
        if await self._fire(FULL - _LESS) is None:
            return False
        one, other = (
            next((e.ttl for e in echoes if e.kind == "data"), None) for echoes in (answer, self.shots[-1][1])
        )
        return one is not None and other is not None and one - other == _LESS

    async def _hidden(self, server: int, answer: list[Echo]) -> bool:
        """Tell whether an answer copies the TTL: kept out, it leaves the server's own to be heard or none."""
        for _ in range(_PASSING):
            screened = await self._fire(server, screened=True)
            if screened is None:
                return False
            _, own = self.shots[-1]
            if own:
                return screened.outcome == "interfered" or differ(answer, own)
        # Some servers' own packets come with so low a TTL that they are kept out as well.
        if not await self.clear():
            return False
        self.controls += 1
        return await self.trigger.control(screen=server + 2)

    def _learn(self, forged: list[Echo]) -> None:
        """Take a note of what a forged answer looks like, where it is one and looks like anything."""
        answered = any(echo.kind == "data" for echo in forged)
        self._blind = answered and not self.trigger.disown(forged) and not self.trigger.sure_at_server

    def _sign(self) -> str:
        """Name what was injected: the first echo that no honest party sent."""
        names = {"reset": "reset", "refused": "reset", "ended": "fin", "data": "answer"}
        _, echoes = self.shots[-1]
        return next((names[echo.kind] for echo in echoes if echo.kind in names), "answer")

    async def _narrow(self, belief: Belief) -> None:
        while belief.place().probability < SURE:
            ttl, screened = belief.next_shot()
            sighting = await self._fire(ttl, screened=screened)
            if sighting is None:
                return
            belief.see(sighting)

    async def _confirm(self, belief: Belief) -> None:
        """Shoot at both sides of the link until each has shown itself often enough."""
        while True:
            place = belief.place()
            first = place.first
            acted = sum(s.outcome == ("silent" if belief.drops else "interfered") for s in self._at(first))
            passed = sum(s.outcome == "expired" for s in self._at(place.before))
            screened = False
            deaf = place.before < 1 or not self.path.answered.get(place.before)
            if acted < _CONFIRMING:
                ttl = first
            elif not deaf and passed < _PASSING:
                ttl = place.before
            elif place.probability < SURE:
                ttl, screened = belief.next_shot()
            else:
                return
            sighting = await self._fire(ttl, screened=screened)
            if sighting is None:
                return
            belief.see(sighting)

    async def _aside(self, belief: Belief) -> None:
        """Shoot past the filter, to a router that answers, until it is known to be in the path or not."""
        if self.watch is None or belief.drops:
            return
        for _ in range(_ASIDE):
            place = belief.place()
            first = place.first
            ttl = first if self.path.answered.get(first) else self.path.nearest(first, 1)
            if place.probability < ENOUGH or not 0.05 < place.in_path < 0.95 or ttl > self.path.length:
                return
            sighting = await self._fire(ttl)
            if sighting is None:
                return
            belief.see(sighting)

    def _at(self, ttl: int) -> list[Sighting]:
        return [s for s in self.sightings if s.ttl == ttl and not s.screened]
