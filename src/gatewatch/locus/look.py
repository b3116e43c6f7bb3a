"""What packets around one trigger say: which are not the server's own, and whether the trigger went on.

The server's kernel shows its TTL in its SYN-ACK.  What comes in its name with another TTL, or before it can
have answered, or about data that expired on the way to it, is somebody else's.  A router's time exceeded
about the trigger itself, though something was injected, means that the filter stands beside the path; only
silence there, from a router that answers controls, speaks for one in the path.  Pure: no clock, no network.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gatewatch.locus.sight import Path
from gatewatch.net.dissect import TCP, Packet, Quote
from gatewatch.records import InjectedPacket

_SHOWN = 64
_EXPIRED, _UNREACHABLE = 11, 3


@dataclass(frozen=True, slots=True)
class Look:
    """One trigger: what was injected, and which router, or the server (``answered``), said that it came by.

    ``went_on``: whether the trigger passed the filter; None where nothing was injected, or nobody would say.
    """

    injected: tuple[InjectedPacket, ...] = ()
    offender: str | None = None
    offender_rtt: float | None = None
    answered: bool = False
    went_on: bool | None = None


def server_ttl(packets: Sequence[Packet | Quote]) -> int | None:
    """The TTL of the last SYN-ACK among packets; of UDP, that of the last datagram."""
    found = [
        p.ttl
        for p in packets
        if isinstance(p, Packet) and not p.sent and (p.protocol != TCP or p.flags in ("SA", "SAE"))
    ]
    return found[-1] if found else None


def look(packets: Sequence[Packet | Quote], ttl: int, path: Path, reference: int | None) -> Look:
    """Look at what came around a trigger sent with ``ttl``; ``reference`` is the server's own TTL."""
    mine = [p for p in packets if isinstance(p, Packet) and p.sent]
    theirs = [p for p in packets if isinstance(p, Packet) and not p.sent]
    trigger = next((p for p in mine if p.payload), next((p for p in mine if p.flags.startswith("S")), None))
    if trigger is None:
        return Look()
    if trigger.protocol == TCP:
        # Of a SYN, the answer that comes behind a forged reset.
        own = [p for p in theirs if not trigger.payload or p.time <= trigger.time]
        reference = server_ttl(own) or reference
    # A second copy dies at the first router, and what comes after it may be about that one.
    again = min(
        (p.time for p in mine if p.time > trigger.time and p.payload and p.seq == trigger.seq),
        default=float("inf"),
    )
    injected: list[InjectedPacket] = []
    answered = False
    for packet in theirs:
        if packet.time < trigger.time:
            continue
        rtt = (packet.time - trigger.time) * 1000
        reasons = _reasons(packet, trigger, ttl, rtt, path, reference)
        if reasons:
            injected.append(_row(packet, trigger, rtt, reasons))
        elif packet.protocol != TCP or (packet.flags != "R" and packet.ack == trigger.next_seq):
            answered = True
    word = next((q for q in packets if isinstance(q, Quote) and _about(q, trigger, again)), None)
    went_on: bool | None = None
    if injected:
        seen = word is not None or (answered and ttl >= path.length)
        # At its own TTL a server's silence says nothing: it may have been reset, or nobody listens there.
        # Datagrams cannot be reset, and controls of the same kind were answered.
        mute = ttl >= path.length and trigger.protocol == TCP
        went_on = True if seen else None if mute else False
    return Look(
        tuple(injected),
        word.router if word else None,
        round((word.time - trigger.time) * 1000, 3) if word else None,
        answered,
        went_on,
    )


def _reasons(
    packet: Packet, trigger: Packet, ttl: int, rtt: float, path: Path, reference: int | None
) -> tuple[str, ...]:
    if packet.protocol == TCP and packet.flags in ("SA", "SAE") and trigger.payload:
        return ()  # a SYN-ACK once more is no answer to data
    reacts = packet.protocol != TCP or bool(set("RF") & set(packet.flags)) or bool(packet.payload)
    reacts = reacts or packet.ack == trigger.next_seq
    found = []
    if reference is not None and packet.ttl != reference:
        found.append("ttl")
    if reacts and rtt < path.soonest(path.length):
        found.append("early")
    if reacts and ttl < path.length:
        found.append("unreachable")
    return tuple(found)


def _about(quote: Quote, trigger: Packet, again: float) -> bool:
    """Tell whether an ICMP error is about the trigger, and not about what TCP sent before or after."""
    if quote.icmp_type not in (_EXPIRED, _UNREACHABLE) or not trigger.time <= quote.time < again:
        return False
    if trigger.protocol == TCP and quote.seq != trigger.seq:
        return False
    return quote.ip_id is None or quote.ip_id == trigger.ip_id


def _row(packet: Packet, trigger: Packet, rtt: float, reasons: tuple[str, ...]) -> InjectedPacket:
    tcp = packet.protocol == TCP
    shown = packet.payload[:_SHOWN]
    if len(packet.payload) > _SHOWN:
        # Half an address would pass for none.
        shown = shown.rstrip(b"0123456789abcdefABCDEF.:")
    return InjectedPacket(
        rtt=round(rtt, 3),
        told_by=reasons,
        ttl=packet.ttl,
        ip_id=packet.ip_id,
        dont_fragment=packet.dont_fragment,
        tos=packet.tos,
        flags=packet.flags,
        window=packet.window,
        options=packet.options.hex(),
        seq_offset=_offset(packet.seq, trigger.ack) if tcp else None,
        ack_offset=_offset(packet.ack, trigger.next_seq) if tcp and "A" in packet.flags else None,
        size=len(packet.payload),
        payload=shown,
    )


def _offset(number: int, expected: int) -> int:
    """Subtract sequence numbers, which go round (RFC 9293 3.4)."""
    return (number - expected + (1 << 31)) % (1 << 32) - (1 << 31)
