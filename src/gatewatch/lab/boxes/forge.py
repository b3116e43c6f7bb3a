"""Forged TCP segments: what boxes send in the name of one end to the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatewatch.lab.packet import ACK, FIN, INITIAL_TTL, RST, SYN, Segment, tcp

if TYPE_CHECKING:
    from gatewatch.lab.boxes.base import Wire


def after(trigger: Segment) -> int:
    """Give the sequence number that follows a segment."""
    length = len(trigger.data) + (trigger.flags & SYN > 0) + (trigger.flags & FIN > 0)
    return (trigger.seq + length) & 0xFFFFFFFF


def answer(
    trigger: Segment,
    wire: Wire,
    *,
    flags: int,
    data: bytes = b"",
    ahead: int = 0,
    ttl: int = INITIAL_TTL,
) -> None:
    """Send the client a segment in the server's name with the numbers it expects, ``ahead`` bytes later."""
    wire.to_client(
        tcp(
            trigger.destination,
            trigger.dport,
            trigger.source,
            trigger.sport,
            seq=(trigger.ack + ahead) & 0xFFFFFFFF,
            ack=after(trigger),
            flags=flags,
            window=0 if flags & RST else 0xFFFF,
            data=data,
            ttl=ttl,
        )
    )


def reset(trigger: Segment, wire: Wire, *, both: bool = False, ttl: int = INITIAL_TTL) -> None:
    """Send the client RST in the server's name, and ``both``: also one to the server in the client's."""
    answer(trigger, wire, flags=RST | ACK, ttl=ttl)
    if both:
        release(trigger, wire)


def release(trigger: Segment, wire: Wire) -> None:
    """End the server's side of a flow that an in-path box has taken over."""
    there = trigger.source, trigger.sport, trigger.destination, trigger.dport
    wire.to_server(tcp(*there, seq=trigger.seq, ack=trigger.ack, flags=RST | ACK))


def acknowledge_end(late: Segment, wire: Wire, *, ttl: int = INITIAL_TTL) -> None:
    """Acknowledge what the client of a taken-over flow still sends, so that it can finish in peace."""
    if after(late) != late.seq and not late.flags & RST:
        answer(late, wire, flags=ACK, ttl=ttl)
