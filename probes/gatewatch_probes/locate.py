"""locate: between which two routers does interference with this target happen?

Method: packets of one flow that name nothing show the path; then the name itself is sent with a TTL that ends
on the way, exactly once, and what comes back tells whether it met the filter.  A bisection that weighs each
answer by Bayes' rule finds the link, an honest control passes before every trigger, and both ends of the link
are shown again.  First the layer is found on which the target is blocked: names, connections, TLS or
HTTP, and last QUIC.
Traffic: at most 12 triggers a target and 3 targets a run (--most-triggers, --most-targets), about 100 small
packets that name nothing, a connection a second at most; a file named stop ends it before the next trigger.
Risk: high: the forbidden name is sent a dozen times, which looks like somebody who insists.
Reference: Sundara Raman et al., "Network Measurement Methods for Locating and Examining Censorship Devices"
(CoNEXT 2022), by other means: no privilege, a fixed flow, and a tenth of the triggers; OONI ts-037.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace

import trio

from gatewatch.locus import Labelled, Vantage, label
from gatewatch.locus.box import fingerprint, recognised
from gatewatch.locus.look import Look
from gatewatch.net import errqueue, quic
from gatewatch.net.address import is_address
from gatewatch.net.journal import Journal
from gatewatch.net.restraint import TRIGGERS
from gatewatch.net.shot import Flow
from gatewatch.net.url import parse
from gatewatch.net.wire import Wire
from gatewatch.records import Box, LocateHop, LocateShot, Locus, TestKeys, encode
from gatewatch_probes.connect import dial
from gatewatch_probes.place import triggers
from gatewatch_probes.place.deep import Watch
from gatewatch_probes.place.hunt import AT_SERVER, LATE, NOTHING, SOMETIMES, Hunt
from gatewatch_probes.place.replies import Replies, read_replies
from gatewatch_probes.place.tlstrace import iterative_trace
from gatewatch_probes.place.truth import judge
from gatewatch_probes.resolve import Found, look_up
from gatewatch_targets import Target, known_boxes

# What a first source port may have found, for a second to be tried.
AGAIN = (NOTHING, SOMETIMES)
#: Source ports that are tried for one server, until one meets interference.
FLOWS = 2
#: Seconds for all hunts of one target, their turns included: twelve triggers with the longest block on record
#: after each (180 s, gatewatch.net.residual), and the sweeps.  What is known by then is what is told.
LOCATING = 2400.0
# Dynamic ports (RFC 6335 6) that Linux's own choice (32768 to 60999) leaves alone.
_PORTS = range(61000, 65535)


class CannotLocate(RuntimeError):
    """This system does not tell ordinary users that a packet expired on the way."""


class Locate:
    """The probe."""

    name = "locate"
    test_name = "locate"
    version = "0.1.0"
    risk = "high"
    typical_bytes = 40_000
    typical_packets = 190
    #: The consent of its own without which it may not run (gatewatch.cli.consent).
    consent = "locate"
    #: The most that one target may take.  Triggers are those of all hunts together; before each, and once for
    #: each of five hunts, stands a control, of which each may be repeated five times while a block lasts
    #: (gatewatch.net.residual); a sweep asks 32 hops at most four times.
    traffic: Mapping[str, int] = {
        "triggers": TRIGGERS,
        "controls": (TRIGGERS + 5) * 6,
        "sweep packets": 5 * 32 * 4,
        "DNS questions": 9,
    }
    #: The hunts, and the look-ups and the connection before them.
    seconds = LOCATING + 300.0

    def __init__(self, seed: int | None = None) -> None:
        self._random = random.Random(seed)

    def fits(self, target: Target) -> bool:
        """Tell whether a target has a name that can be sent."""
        return not is_address(target.host)

    async def measure(self, target: Target, wire: Wire) -> TestKeys:
        """Look for the first layer on which the target meets interference, and for its place."""
        if not errqueue.AVAILABLE:
            raise CannotLocate(
                "locating without privileges needs Linux: other systems do not tell what expired"
            )
        wire.restraint.begin(target.host)
        journal = Journal()
        found = await look_up(journal, wire, target.host, ())
        rows: list[Locus] = []
        hunts: list[Hunt] = []
        restraint = wire.restraint
        since = trio.current_time()
        end = since + LOCATING
        for trigger, name in await self._triggers(journal, target, wire, found):
            if any(h.trigger.method == trigger.method != "dns" and h.reason not in AGAIN for h in hunts):
                break
            hunt = Hunt(
                trigger,
                most_triggers=restraint.left(target.host),
                pace=restraint.pace,
                stopped=lambda: restraint.stopped,
                since=since,
            )
            replies = None
            with trio.CancelScope(deadline=end) as scope:
                asked = trio.current_time()
                async with wire.turns.take(trigger.flow.address):
                    if trio.current_time() > asked:
                        # Whose turn it was may have left a block behind.
                        hunt.since = trio.current_time()
                    if trigger.method == "quic" and not await trigger.control():
                        break  # most servers do not speak it
                    hunt.watch = Watch.over(trigger.flow, trigger.method) if wire.deep else None
                    try:
                        await hunt.run()
                        replies = await read_replies(hunt) if wire.reply_ttl else None
                    finally:
                        restraint.sent(target.host, hunt.triggers)
                        if hunt.watch is not None:
                            hunt.watch.capture.close()
            if scope.cancelled_caught and hunt.place is None:
                hunt.reason = LATE
            since = hunt.last
            hunts.append(hunt)
            rows.append(replace(_row(hunt, name, wire, replies), evidence=_filed(hunt, wire)))
            if hunt.signature or hunt.reason == LATE or restraint.left(target.host) <= 0 or restraint.stopped:
                break
        deep = {"x_gatewatch_box": [encode(box) for box in map(_box, hunts) if box]} if wire.deep else {}
        return journal.keys(
            x_gatewatch_locate=[encode(row) for row in rows],
            **deep,
            iterative_trace=iterative_trace(journal, hunts, target.host),
        )

    async def _triggers(
        self, journal: Journal, target: Target, wire: Wire, found: Found
    ) -> list[tuple[triggers.Trigger, str]]:
        """The layers on which something is wrong, in the order in which a visit meets them.

        Triggers are dear: names are hunted for only where an answer that cannot be forged says otherwise,
        addresses only where no connection comes about.
        """
        rows: list[tuple[triggers.Trigger, str]] = []
        if found.trusted and not set(found.trusted) & set(found.system):
            true = judge(wire, found.trusted)
            for resolver in (*wire.own_resolvers[:1], *(r.ipv4[0] for r in wire.resolvers[:1])):
                asked = triggers.Question(self._flow(resolver, 53), target.host, true=true)
                rows.append((asked, target.host))
        surest = (*found.trusted, *found.public, *found.system)
        address = next((a for a in surest if wire.usable(a)), None)
        if address is None:
            return rows
        tcp = await dial(journal, wire, address, target.port, target.host, ())
        flow = self._flow(address, target.port)
        if tcp is None:
            return [*rows, (triggers.Opening(flow), "")]
        tcp.close()
        # Routers that balance send another source port another way, where a filter may stand or not: so it
        # was for 42 % of addresses in one study (Bhaskar and Pearce, arXiv 2406.19304).
        flows = [flow, *(self._flow(address, target.port) for _ in range(1, FLOWS))]
        rows += ((self._spoken(target, one), target.host) for one in flows)
        if target.scheme == "https" and _speaks_quic():
            rows.append((triggers.Greeting(self._flow(address, target.port), target.host), target.host))
        return rows

    def _spoken(self, target: Target, flow: Flow) -> triggers.Trigger:
        if target.scheme == "https":
            return triggers.tls(flow, target.host)
        return triggers.http(flow, target.host, parse(target.url).target)

    def _flow(self, address: str, port: int) -> Flow:
        return Flow(address, port, self._random.choice(_PORTS))


def _speaks_quic() -> bool:
    """Tell whether this installation does; it is an extra."""
    try:
        quic.require()
    except quic.Unavailable:
        return False
    return True


def _filed(hunt: Hunt, wire: Wire) -> str | None:
    """File what was caught as evidence, where somebody wants it."""
    if hunt.watch is None or wire.evidence is None:
        return None
    flow = hunt.trigger.flow
    return wire.evidence(hunt.trigger.method, flow.address, hunt.watch.kept, hunt.path.routers.items())


def _box(hunt: Hunt) -> Box | None:
    """What deep mode saw of the filter."""
    if hunt.watch is None:
        return None
    place = hunt.place
    box = fingerprint(
        hunt.trigger.method,
        hunt.trigger.flow.address,
        hunt.watch.looks,
        hop_rtt=hunt.path.rtts.get(place.after) if place else None,
        residual=hunt.residual,
        in_path=place.in_path if place else None,
        copies=place.copies if place else 0.0,
    )
    return box and recognised(box, known_boxes())


def _row(hunt: Hunt, name: str, wire: Wire, replies: Replies | None) -> Locus:
    looks = hunt.watch.looks if hunt.watch else [Look()] * len(hunt.sightings)
    place, path, flow = hunt.place, hunt.path, hunt.trigger.flow
    routers = {**path.routers, path.server: flow.address} if path.length in path.answered else path.routers
    ends = (place.before, place.after) if place else (-1, -1)
    near, far = (wire.whose(routers.get(ttl)) for ttl in ends)
    labelled = Labelled("endpoint", hunt.reason) if hunt.reason == AT_SERVER else None
    if place:
        vantage = Vantage(wire.asn, wire.country)
        labelled = label(vantage, routers.items(), ends, path.server, wire.whereabouts)
    return Locus(
        method=hunt.trigger.method,
        address=flow.address,
        port=flow.port,
        source_port=flow.source_port,
        name=name,
        signature=hunt.signature,
        before=place.before if place else None,
        after=place.after if place else None,
        hop=place.hop if place else None,
        before_address=routers.get(place.before) if place else None,
        after_address=routers.get(place.after) if place else None,
        before_asn=near.asn or None if near else None,
        before_country=near.country or None if near else None,
        before_ixp=near.ixp or None if near else None,
        after_asn=far.asn or None if far else None,
        after_country=far.country or None if far else None,
        after_ixp=far.ixp or None if far else None,
        place=labelled.label if labelled else "",
        place_why=labelled.why if labelled else "",
        probability=round(place.probability, 4) if place else None,
        in_path=round(place.in_path, 4) if place else None,
        copies_ttl=round(place.copies, 4) if place else None,
        reset_ttl=replies.reset.ttl if replies else None,
        reset_ttl_least=replies.reset.least if replies else None,
        reset_ttl_most=replies.reset.most if replies else None,
        server_ttl=replies.server.ttl if replies else None,
        reason=hunt.reason,
        distance=path.length if path.length in path.answered and not path.goes_on else None,
        triggers=hunt.triggers,
        controls=hunt.controls,
        hops=tuple(
            LocateHop(
                ttl=ttl,
                address=routers.get(ttl),
                rtt=path.rtts.get(ttl),
                asked=path.asked[ttl],
                answered=path.answered.get(ttl, 0),
            )
            for ttl in sorted(path.asked)
            if ttl <= path.length
        ),
        shots=tuple(
            LocateShot(
                ttl=s.ttl,
                outcome=s.outcome,
                rtt=s.rtt,
                screened=s.screened,
                reply_ttl=s.reply_ttl,
                t=t,
                injected=look.injected,
                offender=look.offender,
                offender_rtt=look.offender_rtt,
                went_on=look.went_on,
            )
            for s, t, look in zip(hunt.sightings, hunt.times, looks, strict=True)
        ),
        residual=tuple(hunt.residual),
    )
