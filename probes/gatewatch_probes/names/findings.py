"""What the packets of an inquiry say together: proxy, injector, lying resolver, or nothing.

Not a probe, a part of intercept.  No sign is taken for more than it is: prefixes of resolvers change, load
balancing sends ports different ways, and slow routers answer late.  So one weak sign is never enough, while
an answer from documentation space is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from gatewatch.net.address import is_bogon
from gatewatch.records import Decoy, Identity, Intercept, WalkAnswer
from gatewatch_probes.names.walk import FULL, Packet
from gatewatch_targets import Resolver

# Routers beyond the first answer, at as many TTLs in a row: a way that is one hop longer for another port is
# load balancing, two are not (see intercept.BEYOND).
_ROUTERS_BEYOND = 2
# An answer this much faster than a router beyond it came from nearer.  Jitter on access lines is below 10 ms.
_FASTER = 10.0


# What stands for a name that might be a person's; the store's word for what it takes out.
HIDDEN = "[scrubbed]"


@dataclass(slots=True)
class Findings:
    """What was seen so far."""

    packets: list[Packet] = field(default_factory=list)
    other: list[Packet] = field(default_factory=list)
    identity: Identity | None = None
    decoys: tuple[Decoy, ...] = ()
    distance: int | None = None
    trigger_distance: int | None = None

    def of(self, name: str) -> list[Packet]:
        """Give the packets with a name, in the order of sending."""
        return [packet for packet in self.packets if packet.name == name]

    def said(self, name: str) -> tuple[str, ...] | None:
        """Give the addresses of the first answer to a name, None when there was no answer."""
        return next((p.answers[0].addresses for p in self.of(name) if p.answers), None)

    def decoyed(self, name: str) -> tuple[str, ...]:
        """Give the decoys that answered a name."""
        return tuple(d.destination for d in self.decoys if d.name == name and d.answers)

    @property
    def contradicted(self) -> bool:
        """Whether questions for the trigger had two answers that exclude each other, from two places.

        Load balancing may move one server's answers by a hop, so one hop apart counts when it is seen twice.
        """
        apart = [
            abs((p.answers[0].ip_ttl or 0) - (late.ip_ttl or 0))
            for p in self.of("trigger")
            for late in p.answers[1:]
            if _exclude(p.answers[0], late)
        ]
        return any(hops > 1 for hops in apart) or len(apart) > 1

    @property
    def injected(self) -> bool:
        """Whether the trigger is answered nearer than the innocuous name, or by two."""
        nearer = (
            self.distance is not None
            and self.trigger_distance is not None
            and self.trigger_distance < self.distance
        )
        return nearer or self.contradicted or bool(self.decoyed("trigger") and not self.decoyed("innocuous"))

    @property
    def copied(self) -> int | None:
        """The injector's hop when its answers carry what is left of the question's own TTL; else None.

        Such an answer loses on its way back as much as the question on its way there.
        """
        firsts = {p.ttl: p.answers[0].ip_ttl for p in self.of("trigger") if p.answers}
        full = firsts.get(FULL)
        for ttl, arrived in firsts.items():
            if ttl < FULL and full is not None and arrived is not None and full - arrived == FULL - ttl:
                return (FULL - full) // 2 + 1
        return None

    @property
    def hop(self) -> int | None:
        """First TTL that an injector sees, None when it was not found."""
        return self.copied or self.trigger_distance

    def router(self, ttl: int | None) -> str | None:
        """Give the router that told of a packet's end at a TTL, on the flow itself or beside it."""
        packets = (*self.of("innocuous"), *self.of("trigger"), *self.other)
        found = (p.error.address for p in packets if p.ttl == ttl and p.expired and p.error)
        return next(found, None)


def _exclude(a: WalkAnswer, b: WalkAnswer) -> bool:
    # A repeated answer of one server comes with one TTL, and may hold another set of a name's addresses.
    return (
        a.ip_ttl != b.ip_ttl
        and a.rcode is not None
        and b.rcode is not None
        and not (set(a.addresses) & set(b.addresses))
        and (bool(a.addresses) or bool(b.addresses))
    )


def _proxied(found: Findings) -> tuple[bool, list[str]]:
    """Weigh the signs that the innocuous name is answered by somebody else."""
    strong, weak = [], []
    who = found.identity
    own = who is not None and who.known == "own"
    if found.decoyed("innocuous"):
        strong.append(
            f"an innocuous name is answered from {' '.join(found.decoyed('innocuous'))}, where no "
            "resolver can be"
        )
    if who is not None and who.known in ("other", "isp"):
        if who.server:
            strong.append(f"the answering resolver calls itself {who.server}")
        if who.egress:
            also = ", as the line's own resolver does" if who.known == "isp" else ""
            weak.append(f"its questions come from {who.egress}{also}")
    if found.distance is not None and not own:
        beyond = sorted({p.ttl for p in found.other if p.expired and p.ttl >= found.distance})
        if len(beyond) >= _ROUTERS_BEYOND:
            strong.append(f"answers come from TTL {found.distance} on, and routers stand beyond, at {beyond}")
        elif beyond:
            weak.append(f"a router stands beyond the answers, at TTL {beyond[0]}")
        times = [a.rtt for p in found.of("innocuous") for a in p.answers if a.rtt is not None]
        later = [p.error_rtt for p in found.other if p.expired and p.error_rtt is not None]
        if times and later and min(later) - min(times) > _FASTER:
            weak.append(f"answers in {min(times)} ms, a router beyond in {min(later)} ms")
    return bool(strong) or len(weak) > 1, strong + weak


def _in_path(found: Findings, hop: int | None) -> bool | None:
    """Whether the trigger goes no further than the injector: routers behind it stay silent for it alone."""
    last = found.distance or FULL
    beyond = [p for p in found.of("trigger") if hop is not None and hop <= p.ttl < last]
    if any(p.expired for p in beyond):
        return False
    heard = {p.ttl for p in found.of("innocuous") if p.expired}
    if sum(p.ttl in heard for p in beyond) > 1:  # two packets went that far, and no router told of either
        return True
    # The true answer that comes after the forged one went all the way.
    return False if found.contradicted else None


def conclude(
    found: Findings,
    *,
    resolver: str,
    entry: Resolver | None,
    innocuous: str,
    trigger: str | None,
    transports: Mapping[str, str],
    true: tuple[str, ...],
    problem: str | None,
    packets: int,
    source_port: int | None,
) -> Intercept:
    """Say what it was."""
    proxied, signs = _proxied(found)
    forbidden = found.said("trigger") or ()
    asked = found.of("trigger")
    answered = any(p.answers for p in found.of("innocuous"))
    hop: int | None = None
    in_path: bool | None = None
    if proxied:
        kind, in_path = "proxy", True
        own = found.identity is not None and found.identity.known == "own"
        ways = [d for d in (found.distance, found.trigger_distance) if d is not None]
        hop = min(ways) if ways and not own else None
    elif found.injected:
        kind, hop = "injector", found.hop
        in_path = _in_path(found, hop)
        signs += _injection(found, trigger or "")
    elif answered and asked and not any(p.answers for p in asked):
        # Names whose own servers are slow or gone stay unanswered, too: somebody must know this one.
        kind = "dropper" if true else "unclear"
        known = f"an encrypted channel has {' '.join(true)}" if true else "nothing says if it exists"
        signs.append(f"{trigger} is not answered, {innocuous} is; {known}")
    elif true and asked and answered and (not forbidden or all(map(is_bogon, forbidden))):
        kind = "resolver_lies"
        signs.append(
            f"over UDP {' '.join(forbidden) or 'nothing'}, over an encrypted channel {' '.join(true)}"
        )
    else:
        kind = "none" if answered and problem is None else "unclear"
        signs += [] if answered else [f"{innocuous} is not answered"]
    if problem:
        signs.append(problem)
    identity = found.identity
    if proxied and identity is not None and (hop is None or hop == 1):
        # The first router may be the household's own, and its name that of its owner.
        signs = [sign.replace(identity.server, HIDDEN) if identity.server else sign for sign in signs]
        identity = replace(
            identity,
            server=HIDDEN if identity.server else None,
            nsid=HIDDEN if identity.nsid else None,
        )
    lies = kind in ("injector", "resolver_lies") or (kind == "proxy" and bool(asked))
    forged = {a for p in asked for a in (p.answers[0].addresses if p.answers else ())} if lies else set()
    return Intercept(
        kind=kind,
        resolver=resolver,
        resolver_name=entry.name if entry else "",
        innocuous=innocuous,
        trigger=trigger,
        hop=hop,
        before=found.router(hop - 1) if hop else None,
        after=found.router(hop),
        distance=found.distance,
        trigger_distance=found.trigger_distance,
        in_path=in_path,
        copies_ttl=kind == "injector" and found.copied is not None,
        forged=tuple(sorted(forged - set(true))),
        true=true,
        identity=identity,
        decoys=found.decoys,
        transports=transports,
        evidence=tuple(signs),
        packets=packets,
        source_port=source_port,
        steps=tuple(p.step() for p in (*found.packets, *found.other) if p.name in _STEPS),
    )


# What a walk is made of; questions about the resolver itself are told under identity.
_STEPS = ("innocuous", "trigger", "other_port")


def _injection(found: Findings, trigger: str) -> list[str]:
    signs = []
    if found.distance and found.trigger_distance and found.trigger_distance < found.distance:
        signs.append(
            f"{trigger} is answered from TTL {found.trigger_distance} on, an innocuous name from "
            f"{found.distance} on"
        )
    if found.contradicted:
        signs.append(f"one question for {trigger} has two answers that exclude each other")
    if found.decoyed("trigger") and not found.decoyed("innocuous"):
        signs.append(f"{trigger} alone is answered from {' '.join(found.decoyed('trigger'))}")
    if found.copied:
        signs.append(f"forged answers copy the question's TTL, so hop {found.copied} follows from theirs")
    return signs
